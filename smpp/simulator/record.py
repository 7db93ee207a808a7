"""What the simulated SMSC saw: every message as its octets came, and how fast they came."""

import asyncio
import os
from collections import deque
from pathlib import Path
from typing import IO, Final

import msgspec

from smpp.wire.pdu import DataSm, SubmitMulti, SubmitSm


class LogEntry(msgspec.Struct, gc=False):
    """One submit_sm, submit_multi or data_sm."""

    at: float
    """On the loop's clock."""
    server: int
    bind: str
    system_id: str
    sequence_number: int
    octets: bytes
    """The whole PDU as it came from the wire, header included."""
    message: SubmitSm | SubmitMulti | DataSm
    message_id: str = ""
    """"" where it was refused."""
    command_status: int | None = 0
    """What it is answered with; None where the script leaves it without a readable answer."""

    @property
    def command(self) -> str:
        """The specification's name of the PDU."""
        return self.message.command_name


class RateJudge:
    """Counts arrivals, and how many fell into any sliding second."""

    def __init__(self) -> None:
        self.total = 0
        self.max_per_second = 0
        """The most arrivals that any second held, wherever it began."""
        self._last_second: deque[float] = deque()

    def add(self, now: float) -> int:
        """Count an arrival; how many the second that ends with it holds."""
        arrivals = self._last_second
        arrivals.append(now)
        begin = now - 1.0
        while arrivals[0] <= begin:
            arrivals.popleft()
        self.total += 1
        count = len(arrivals)
        if count > self.max_per_second:
            self.max_per_second = count
        return count

    def per_second(self, now: float) -> int:
        """Arrivals in the second that ends now."""
        begin = now - 1.0
        return sum(1 for moment in self._last_second if moment > begin)

    def __repr__(self) -> str:
        return f"<RateJudge {self.total} arrivals, at most {self.max_per_second} a second>"


class Limit:
    """Tells what exceeds so many in any sliding second; what it refuses does not count.

    Args:
        per_second: how many are let pass.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._passed: deque[float] = deque()

    def exceeds(self, now: float) -> bool:
        """Whether one more is too many now; if not, it counts."""
        passed = self._passed
        while passed and passed[0] <= now - 1.0:
            passed.popleft()
        if len(passed) >= self._per_second:
            return True
        passed.append(now)
        return False


class LogFile:
    """JSON lines, appended; flushed at the end of each turn of the loop, and by `flush`.

    The simulator calls that before anything goes to an ESME: what was answered stands in the file even if its process
    is killed.

    Args:
        path: where. A last line that a killed process left unfinished is ended first.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._file: IO[bytes] = Path(path).open("ab")  # noqa: SIM115 - closed by `close`
        self._loop = asyncio.get_running_loop()
        self._flush_scheduled = False
        if _is_cut_short(Path(path)):
            self._file.write(b"\n")

    def write(self, line: dict[str, object]) -> None:
        """Append an object."""
        self._file.write(_encoder.encode(line) + b"\n")
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand what was appended to the system."""
        self._flush_scheduled = False
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Write what is left, and close."""
        self._file.close()


def _is_cut_short(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


_encoder: Final = msgspec.json.Encoder()
