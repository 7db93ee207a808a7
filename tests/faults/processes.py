"""The gateway as a process of its own, to be stopped and killed, and what has to be true whenever it has come back.

    Bench ── Simulator (its log of octets judges what was sent), Receiver (what was told), GatewayProcess (killed)

Every message has a recipient of its own.
"""

import asyncio
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from smpp.simulator import Simulator
from smpp.wire.pdu import SubmitSm
from tests.faults.smsc_process import SmscProcess
from tests.whole_path import API_KEY, PATIENCE_SECONDS, Received, Receiver, config_text, receiver

ROOT: Final = Path(__file__).parents[2]
TWO_PARTS: Final = "A" * 153 + "B" * 20

View = dict[str, Any]


class GatewayProcess:
    """``gateway serve CONFIG``, as often as it has to be started."""

    def __init__(self, config: Path, program: Sequence[str] = (sys.executable, "-m", "gateway")) -> None:
        self._config = config
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.url = ""
        """Its public listener, while it runs."""
        self.lines: list[dict[str, Any]] = []
        """Everything it has logged, over all its lives."""

    @property
    def http(self) -> aiohttp.ClientSession:
        """Speaks to its public listener."""
        assert self._http is not None
        return self._http

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    async def start(self, **environment: str) -> None:
        """Start it, perhaps with more in its environment, and wait until it serves."""
        await self.spawn(**environment)
        async with asyncio.timeout(PATIENCE_SECONDS):
            self.url = f"http://{await self._serving}"
        self._http = aiohttp.ClientSession(self.url, headers={"Authorization": f"Bearer {API_KEY}"})

    async def spawn(self, **environment: str) -> None:
        """Start it; it may end before it serves."""
        self._serving = asyncio.get_running_loop().create_future()
        path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
        self._process = await asyncio.create_subprocess_exec(
            *self._program,
            *("serve", str(self._config), "--log-format", "json"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )
        self._reading = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for octets in process.stderr:
            try:
                line = msgspec.json.decode(octets)
            except msgspec.DecodeError:
                line = {"event": octets.decode(errors="replace")}
            self.lines.append(line)
            if line["event"] == "serving":
                self._serving.set_result(line["http"])
        if not self._serving.done():
            self._serving.set_exception(AssertionError(f"the gateway did not start: {self.lines[-20:]}"))

    def events(self) -> set[str]:
        """What it has logged, without the details."""
        return {line["event"] for line in self.lines}

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def wait(self, timeout: float = PATIENCE_SECONDS) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        assert self._reading is not None
        async with asyncio.timeout(timeout):
            code = await self._process.wait()
            await self._reading
        if self._http is not None:
            await self._http.close()
        self._process = self._http = None
        return code

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        assert await self.wait() == -signal.SIGKILL

    async def terminate(self, timeout: float = PATIENCE_SECONDS) -> None:
        """Stop it in order."""
        self.signal(signal.SIGTERM)
        assert await self.wait(timeout) == 0

    async def close(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            if self._process.returncode is None:
                self.signal(signal.SIGKILL)
            await self.wait()

    def limit_files(self, octets: int) -> None:
        """Let no file of it grow beyond a size: what a full disk looks like from inside."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (octets, hard))

    def unlimit_files(self) -> None:
        """There is room again."""
        self.limit_files(resource.RLIM_INFINITY)


@dataclass(slots=True)
class Bench:
    """The gateway between its SMSC and its callers, and a book of what was accepted."""

    simulator: Any
    """A `Simulator`, or what answers as one does: its log is the judge."""
    receiver: Receiver
    gateway: GatewayProcess
    data: Path
    accepted: dict[str, str] = field(default_factory=dict)
    """Recipients by message id: everything that a caller was told of."""
    _numbers: Iterable[int] = field(default_factory=lambda: count(919000000000))

    def new_messages(self, number: int, **fields: Any) -> list[dict[str, Any]]:
        """Messages of one part; every fifth has two."""
        return [
            {
                "from": "INFO",
                "to": str(recipient),
                "text": TWO_PARTS if not recipient % 5 else f"code {recipient}",
                **fields,
            }
            for recipient, _ in zip(self._numbers, range(number), strict=False)
        ]

    async def accept(self, messages: Sequence[dict[str, Any]]) -> list[str]:
        """POST messages; all have to be accepted."""
        async with self.gateway.http.post("/api/v1/messages", json=messages) as answer:
            body = await answer.json()
            assert answer.status == 202, body
        for accepted in body:
            self.accepted[accepted["id"]] = accepted["to"]
        return [accepted["id"] for accepted in body]

    async def post_until_it_dies(self, *, batch: int = 5) -> None:
        """POST small batches one after the other, until nobody answers."""
        while True:
            try:
                await self.accept(self.new_messages(batch))
            except (aiohttp.ClientError, ConnectionError):
                # Whether these were kept nobody was told.
                return

    async def view(self, message_id: str) -> View:
        """A message as the API shows it."""
        async with self.gateway.http.get(f"/api/v1/messages/{message_id}") as answer:
            assert answer.status == 200
            view: View = await answer.json()
            return view

    async def views(self) -> list[View]:
        """All messages that callers were told of, and those they heard of by callback alone."""
        known = self.accepted | {message["id"]: message["to"] for message in self.told().values()}
        limit = asyncio.Semaphore(20)

        async def one(message_id: str) -> View:
            async with limit:
                return await self.view(message_id)

        return await asyncio.gather(*map(one, known))

    def told(self) -> dict[str, View]:
        """What the last callback of each message said."""
        return {one["id"]: one for one in map(message_of, self.receiver.received) if one is not None}

    async def all_told(self) -> None:
        """Wait until every accepted message has had its callback, and every other that the SMSC saw.

        A message may be accepted without its caller being told, when the gateway is killed just then.
        """

        def are_told(_: object) -> bool:
            told = self.told()
            return self.accepted.keys() <= told.keys() and {recipient for recipient, _ in self.submits()} <= {
                message["to"] for message in told.values()
            }

        await self.receiver.wait_until(are_told)

    async def until_all_are(self, state: str) -> None:
        """Wait until every accepted message is in a state that no callback tells of."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while {view["state"] for view in await self.views()} != {state}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def health_is(self, status: int) -> None:
        """Wait until /healthz says so; it looks at the store now and then only."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with self.gateway.http.get("/healthz") as answer:
                    if answer.status == status:
                        return
                await asyncio.sleep(0.05)

    def submits(self) -> Counter[tuple[str, str]]:
        """How often each part was submitted: recipient and octets of the text."""
        return Counter(
            (entry.message.destination_addr, entry.message.short_message.hex())
            for entry in self.simulator.log
            if isinstance(entry.message, SubmitSm)
        )

    async def assert_nothing_lost(self, *, state: str = "delivered", doubts: range = range(0)) -> None:
        """Everything accepted was sent, reported and told of; nothing was sent twice unless in doubt and marked so.

        Args:
            state: what every message without a doubt has to end as; those with one end so too.
            doubts: how many messages may be in doubt.
        """
        await self.all_told()
        await self.simulator.drained(PATIENCE_SECONDS)
        # Taken at the same moment as the book of ids: later comes only what nobody was told of.
        submits = self.submits()
        views = await self.views()
        assert self.accepted.keys() <= {view["id"] for view in views}
        for view in views:
            assert view["state"] == state, view
            assert_marked(view)
            assert_sent_once_or_marked(view, submits)
            assert self.told()[view["id"]]["state"] == state
        in_doubt = sum(view["in_doubt"] for view in views)
        assert in_doubt in doubts or in_doubt == 0 == len(doubts), f"{in_doubt} in doubt"
        # The SMSC saw nothing but parts of these messages, octet by octet.
        parts = {(view["to"], part["short_message"]) for view in views for part in view["parts"]}
        assert submits.keys() <= parts
        assert {delivery.status for delivery in self.simulator.deliveries} <= {0}
        assert self.simulator.counters["receipts_given_up"] == 0


def message_of(callback: Received) -> View | None:
    """The message that a native status report is about."""
    report = callback.json
    return report["message"] if report["type"] == "message.status" else None


def doubts_of(view: View) -> Counter[int]:
    """How often each part was in doubt, by the timeline."""
    return Counter(event["part"] for event in view["timeline"] if event["state"] == "in_doubt")


def assert_marked(view: View) -> None:
    """A message with a doubt on its timeline says so, and no other."""
    assert view["in_doubt"] == bool(doubts_of(view)), view


def assert_sent_once_or_marked(view: View, submits: Counter[tuple[str, str]]) -> None:
    """Each part left once, and once more at most for each doubt."""
    doubts = doubts_of(view)
    assert view["parts"], view
    for part in view["parts"]:
        times = submits[view["to"], part["short_message"]]
        assert 1 <= times <= 1 + doubts[part["number"]], (times, view)


async def eventually(predicate: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells us of."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not predicate():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def bench(
    tmp_path: Path, simulator: "Simulator | SmscProcess", *, uplink: str = "", more: str = ""
) -> AsyncIterator[Bench]:
    """A simulated SMSC, a receiver of callbacks, and a gateway that is not started yet."""
    async with simulator, receiver() as taker:
        config = tmp_path / "gateway.toml"
        config.write_text(
            config_text(simulator.urls, tmp_path / "data", callbacks=taker.url + "/native", uplink=uplink, more=more)
        )
        everything = Bench(simulator, taker, GatewayProcess(config), tmp_path / "data")
        try:
            yield everything
        finally:
            await everything.gateway.close()
