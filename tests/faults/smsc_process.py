"""An SMSC as a process that can be killed: what it took stands in its log before the answer leaves, and so does each
receipt that was taken from it. Started again it sends the receipts it still owes.

    python -m tests.faults.smsc_process LOG PORT
"""

import asyncio
import os
import random
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import smpp
from smpp.session import ResponseReceived
from smpp.wire.pdu import DeliverSm, SubmitSm, SubmitSmResp

RECEIPT = "id:{} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
_AGAIN_SECONDS = 0.05
_WAIT_SECONDS = 20.0


def entries(log: Path) -> Iterator[tuple[str, str, bytes]]:
    """Lines of a log that are whole: what, message id, octets of a submit_sm."""
    for line in log.read_text(encoding="ascii").splitlines(keepends=True) if log.exists() else ():
        if line.endswith("\n"):
            what, identifier, octets = line.removesuffix("\n").split(" ")
            yield what, identifier, bytes.fromhex(octets)


class Smsc:
    """What runs in the process."""

    def __init__(self, log: Path) -> None:
        owed: dict[str, SubmitSm] = {}
        self._number = 0
        for what, identifier, octets in entries(log):
            if what == "S":
                self._number += 1
                message = smpp.decode(octets).message
                assert isinstance(message, SubmitSm)
                owed[identifier] = message
            else:
                owed.pop(identifier, None)
        self._owed = deque(owed.items())
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._sessions: list[smpp.ServerSession] = []
        self._pumping: asyncio.TimerHandle | None = None

    async def on_submit(self, _session: smpp.ServerSession, message: SubmitSm) -> SubmitSmResp:
        self._number += 1
        identifier = f"{self._number:08x}"
        self._write("S", identifier, smpp.encode(message, 1))
        self._owed.append((identifier, message))
        self._pump_soon()
        # What it has taken and not answered when it is killed is in doubt.
        await asyncio.sleep(random.uniform(0.0, 0.05))
        return SubmitSmResp(identifier)

    def on_bound(self, session: smpp.ServerSession) -> None:
        self._sessions.append(session)
        self._pump_soon()

    def on_closed(self, session: smpp.ServerSession, _reason: str) -> None:
        if session in self._sessions:
            self._sessions.remove(session)

    def _write(self, what: str, identifier: str, octets: bytes = b"") -> None:
        # One call: a kill leaves the line whole, or out.
        os.write(self._log, f"{what} {identifier} {octets.hex()}\n".encode())

    def _pump_soon(self) -> None:
        if self._pumping is None:
            self._pumping = asyncio.get_running_loop().call_later(0.005, self._pump)

    def _pump(self) -> None:
        self._pumping = None
        while self._owed and self._sessions:
            identifier, message = self._owed[0]
            session = self._sessions[0]
            self._sessions.append(self._sessions.pop(0))
            answer: asyncio.Future[ResponseReceived] = asyncio.get_running_loop().create_future()
            receipt = DeliverSm(
                source_addr=message.destination_addr,
                destination_addr=message.source_addr,
                esm_class=4,
                short_message=RECEIPT.format(identifier).encode(),
            )
            try:
                session.send(receipt, answer)
            except (smpp.WindowFull, smpp.StateError):
                break
            self._owed.popleft()
            answer.add_done_callback(lambda done, owed=(identifier, message): self._answered(done, owed))  # type: ignore[misc]
        if self._owed:
            self._pumping = asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._pump)

    def _answered(self, answer: "asyncio.Future[ResponseReceived]", owed: tuple[str, SubmitSm]) -> None:
        if answer.cancelled() or answer.exception() is not None or answer.result().command_status:
            self._owed.append(owed)
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._pump_soon)
        else:
            self._write("A", owed[0])


async def main(log: Path, port: int) -> None:
    """Serve until killed."""
    smsc = Smsc(log)
    async with smpp.serve(
        f"smpp://127.0.0.1:{port}", on_submit=smsc.on_submit, on_bound=smsc.on_bound, on_closed=smsc.on_closed
    ) as server:
        print(server.ports[0], flush=True)
        await asyncio.Event().wait()


@dataclass(slots=True)
class Taken:
    """One submit_sm in the log."""

    message: SubmitSm
    message_id: str


class SmscProcess:
    """The process, for those who kill it; speaks to a bench as a `Simulator` does."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "smsc.log"
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self.deliveries: list[object] = []
        self.counters = {"receipts_given_up": 0}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it, on the port it had before."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __spec__.name, str(self._log), str(self._port)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        self._port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it listens."""
        return (f"smpp://127.0.0.1:{self._port}",)

    @property
    def log(self) -> list[Taken]:
        """What it took."""
        found = []
        for what, identifier, octets in entries(self._log):
            message = smpp.decode(octets).message if what == "S" else None
            if isinstance(message, SubmitSm):
                found.append(Taken(message, identifier))
        return found

    @property
    def pending_receipts(self) -> int:
        """Receipts that nobody has taken yet."""
        seen = list(entries(self._log))
        return len({i for what, i, _ in seen if what == "S"} - {i for what, i, _ in seen if what == "A"})

    async def wait_until(self, predicate: Callable[[], bool], timeout: float = _WAIT_SECONDS) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(timeout):
            while not predicate():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def drained(self, timeout: float = _WAIT_SECONDS) -> None:
        """Wait until all its receipts were taken."""
        await self.wait_until(lambda: not self.pending_receipts, timeout)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
