"""One server of the chaos run's SMSC, in a process of its own: ``python -m bench.chaos_smsc SETTINGS``.

The four share a folder of logs, which is their store. What one accepted stands in its log before the answer leaves; the
receipt is owed from then on by one of the four, chosen by the message's number, mostly another one. Whoever is killed
finds in the logs what it still owes. On standard input come orders to misbehave; when that ends, so does the process.
"""

import asyncio
import faulthandler
import json
import random
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import time
from typing import Any, Final

import msgspec

from smpp import DataSm, DeliverSm, MessageState, StateError, SubmitSm, decode, server_tls
from smpp.simulator import RECEIPT_FORMS, Arrival, BindRule, Outcome, Receipts, Script, Simulator
from smpp.simulator.forms import receipt_pdu
from smpp.tools.connecting import stop_on_signal

SERVERS: Final = 4
_IDS_OF_A_SERVER: Final = 1_000_000_000
_LOOK_SECONDS: Final = 0.05
_FORMS: Final = ("standard", "text", "tlvs", "short", "seconds", "data_sm", "payload")
_STATES: Final = (MessageState.DELIVERED,) * 18 + (MessageState.UNDELIVERABLE, MessageState.EXPIRED)
_MOODS: Final = ("throttle", "full", "delay", "silence", "refuse_binds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server is started with."""

    index: int
    port: int
    folder: str
    seed: int
    certificate: str = ""
    """A PEM file; without it there is no TLS."""

    @property
    def log(self) -> Path:
        """What this server saw."""
        return log_of(Path(self.folder), self.index)

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))


def log_of(folder: Path, index: int) -> Path:
    """The log of a server."""
    return folder / f"server-{index}.jsonl"


class Line(msgspec.Struct):
    """A line of a log, as far as we read it."""

    event: str
    at: float
    message_id: str = ""
    command_status: int | None = None
    system_id: str = ""
    octets: str = ""

    @property
    def is_accepted_message(self) -> bool:
        """Whether the SMSC took this message."""
        return self.event == "submit" and bool(self.message_id)

    @property
    def is_acknowledged_receipt(self) -> bool:
        """Whether an ESME took this receipt."""
        return self.event == "message" and self.command_status == 0

    @property
    def submitted(self) -> SubmitSm:
        """The message of a submit."""
        message = decode(bytes.fromhex(self.octets)).message
        assert isinstance(message, SubmitSm)
        return message


class Tail:
    """Reads a log that grows; lines that a killed process left unfinished are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def lines(self) -> Iterator[Line]:
        """What was added since the last time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            for octets in file:
                if not octets.endswith(b"\n"):
                    return
                self._position += len(octets)
                try:
                    yield _decoder.decode(octets)
                except msgspec.DecodeError:
                    continue


_decoder: Final = msgspec.json.Decoder(Line)


class Moods:
    """What the server does to messages and binds, by orders that end by themselves."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._until = dict.fromkeys(_MOODS, 0.0)
        self._share = dict.fromkeys(_MOODS, 0.0)
        self._longest = 0.0

    def order(self, kind: str, seconds: float, share: float, longest: float) -> None:
        """Do this to a share of messages for a while."""
        self._until[kind] = asyncio.get_running_loop().time() + seconds
        self._share[kind] = share
        self._longest = longest

    def outcome(self, arrival: Arrival) -> Outcome:
        """What becomes of a message; its receipt is our own affair."""
        if self._takes("throttle", arrival.at):
            return Outcome(command_status=0x58)
        if self._takes("full", arrival.at):
            return Outcome(command_status=0x14)
        if self._takes("silence", arrival.at):
            return Outcome(answer="none", receipt="none")
        if self._takes("delay", arrival.at):
            return Outcome(delay=self._random.uniform(0, self._longest), receipt="none")
        return Outcome(receipt="none", delay=0.02 * self._random.random())

    def script(self) -> Script:
        """What becomes of binds."""
        refused = self._until["refuse_binds"] > asyncio.get_running_loop().time()
        rules = (BindRule(status="ESME_RALYBND", probability=self._share["refuse_binds"]),) if refused else ()
        return Script(binds=rules, receipts=Receipts(attempts=1_000_000, retry=0.5))

    def _takes(self, kind: str, now: float) -> bool:
        return self._until[kind] > now and self._random.random() < self._share[kind]


class Reporter:
    """Sends the receipts that this server owes: for messages that any of the four accepted."""

    def __init__(self, settings: Settings, simulator: Simulator) -> None:
        self._index = settings.index
        self._simulator = simulator
        self._random = random.Random(settings.seed + 1)
        self._tails = [Tail(log_of(Path(settings.folder), index)) for index in range(SERVERS)]
        self._acknowledged = {line.message_id for line in Tail(settings.log).lines() if line.is_acknowledged_receipt}

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            for tail in self._tails:
                for line in tail.lines():
                    if self._owes(line):
                        loop.call_later(self._random.choice((0.0, 0.05, 0.5, 2.0)), self._report, line)
            await asyncio.sleep(_LOOK_SECONDS)

    def _owes(self, line: Line) -> bool:
        return (
            line.is_accepted_message
            and int(line.message_id) % SERVERS == self._index
            and line.message_id not in self._acknowledged
        )

    def _report(self, line: Line) -> None:
        message = line.submitted
        number = int(line.message_id)
        receipt = receipt_pdu(
            RECEIPT_FORMS[_FORMS[number // SERVERS % len(_FORMS)]],
            message_id=line.message_id,
            state=_STATES[number // SERVERS % len(_STATES)],
            error="000",
            submitted_at=time(),
            done_at=time(),
            original=b"",
            source=(message.dest_addr_ton, message.dest_addr_npi, message.destination_addr),
            destination=(message.source_addr_ton, message.source_addr_npi, message.source_addr),
        )
        self._send(receipt, line)
        if self._random.random() < 0.02:
            self._send(receipt, line)

    def _send(self, receipt: DeliverSm | DataSm, line: Line) -> None:
        try:
            delivery = self._simulator.send(receipt, system_id=line.system_id)
        except StateError:  # it stops: whoever comes after it finds this in the logs
            return
        delivery.message_id = line.message_id


async def serve(settings: Settings) -> None:
    """Serve until standard input ends or somebody asks for the end."""
    asked = stop_on_signal()
    moods = Moods(settings.seed)
    used = sum(line.event == "submit" for line in Tail(settings.log).lines())
    simulator = Simulator(
        [f"{'smpps' if settings.certificate else 'smpp'}://127.0.0.1:{settings.port}"],
        ssl_context=server_tls(settings.certificate) if settings.certificate else None,
        script=Script(receipts=Receipts(attempts=1_000_000, retry=0.5)),
        id_start=(settings.index + 1) * _IDS_OF_A_SERVER + used,
        log_file=settings.log,
        log_limit=100,
        max_messages=100,
        seed=settings.seed,
        on_submit=moods.outcome,
    )
    async with simulator:
        print(simulator.ports[0], flush=True)
        tasks = [asyncio.ensure_future(one) for one in (asked.wait(), _obey(simulator, moods))]
        tasks.append(asyncio.ensure_future(Reporter(settings, simulator).run()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _obey(simulator: Simulator, moods: Moods) -> None:
    """Take orders: JSON objects, one a line."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order: dict[str, Any] = json.loads(line)
        kind = order.pop("kind")
        if kind == "reset":
            simulator.servers[0].drop()
            continue
        moods.order(kind, **order)
        if kind == "refuse_binds":
            simulator.script = moods.script()
            loop.call_later(order["seconds"] + 0.01, lambda: setattr(simulator, "script", moods.script()))


if __name__ == "__main__":
    faulthandler.register(signal.SIGQUIT)  # one that does not stop is asked where it is
    asyncio.run(serve(Settings(**json.loads(sys.argv[1]))))
