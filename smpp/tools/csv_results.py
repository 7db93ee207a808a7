"""The results file of `smpp send --csv`: what became of each row, so that a second run goes on where the first ended.

How it works: a row is written when its first part is about to leave, and again with whatever is heard of it; the last
line of a row counts. Each line is one write, so a run that is killed leaves whole lines, and a row that says `sending`
may or may not have left: it is in doubt. When a run ends, the file is rewritten with one line for each row, beside the
old one, and takes its place in one step.

A row that went out in several parts has as many ids, states and times, with a blank between.
"""

import csv
import os
import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final

from smpp.errors import CommandFailed, EncodeError, NotSent, SmppError, StateError
from smpp.tools.csv_input import head_of, is_same_input

if sys.platform != "win32":
    import fcntl

COLUMNS: Final = ("row", "to", "ids", "states", "times", "error", "reference", "input")

SENDING: Final = "sending"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
INVALID: Final = "invalid"
NOT_SENT: Final = "not_sent"
IN_DOUBT: Final = "in_doubt"

_STATES_OF_ERRORS: Final = (
    (CommandFailed, REFUSED),
    (EncodeError, INVALID),
    (NotSent, NOT_SENT),
    (StateError, NOT_SENT),
)

_AGAIN: Final = frozenset({REFUSED, INVALID, NOT_SENT})
"""States of parts that the SMSC surely does not have. All but these and the two in doubt are of parts that it has."""
_DOUBTFUL: Final = frozenset({SENDING, IN_DOUBT})

_NOTHING: Final = "-"
_HEADER: Final = ",".join(COLUMNS).encode() + b"\n"
_NOWHERE: Final = (1 << 64) - 1


class ResultsError(Exception):
    """The results file cannot be used; names it, and says why."""


def state_of(error: SmppError) -> str:
    """Where a part is that ended so; in doubt unless it is known better."""
    return next((state for kind, state in _STATES_OF_ERRORS if isinstance(error, kind)), IN_DOUBT)


class Verdict(IntEnum):
    """What a results file says of a row."""

    NEW = 0
    ACCEPTED = 1
    AGAIN = 2
    IN_DOUBT = 3


@dataclass(slots=True)
class Part:
    """One part of a row."""

    state: str = NOT_SENT
    message_id: str = ""
    time: str = _NOTHING

    def move_to(self, state: str) -> None:
        """It is in this state from now on."""
        self.state = state
        self.time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def is_with_smsc(self) -> bool:
        """Whether the SMSC took it."""
        return self.state not in _AGAIN and self.state not in _DOUBTFUL


@dataclass(slots=True, eq=False)
class Row:
    """One row, and what became of it."""

    number: int
    to: str
    reference: int
    parts: list[Part] = field(default_factory=list)
    error: str = ""

    @property
    def verdict(self) -> Verdict:
        """What has to be done about it."""
        if any(part.state in _DOUBTFUL for part in self.parts):
            return Verdict.IN_DOUBT
        if not self.parts or any(part.state in _AGAIN for part in self.parts):
            return Verdict.AGAIN
        return Verdict.ACCEPTED

    def line(self, head: str) -> bytes:
        """It as a line of the file."""
        cells = (
            str(self.number),
            self.to,
            " ".join(part.message_id.replace(" ", "_") or _NOTHING for part in self.parts),
            " ".join(part.state for part in self.parts),
            " ".join(part.time for part in self.parts),
            self.error,
            str(self.reference),
            head,
        )
        return ",".join(_quoted(cell) for cell in cells).encode("utf-8", "replace") + b"\n"


def read_row(cells: list[str]) -> tuple[Row, str]:
    """A line of the file, and the head of the input that it belongs to.

    Raises:
        ValueError: it is none.
    """
    number, to, ids, states, times, error, reference, head = cells
    parts = [
        Part(state, "" if message_id == _NOTHING else message_id, time)
        for message_id, state, time in zip(ids.split(), states.split(), times.split(), strict=True)
    ]
    if int(number) < 1:
        raise ValueError("rows begin with 1")
    return Row(int(number), to, int(reference), parts, error), head


class Results:
    """An open results file; one run has it at a time.

    Args:
        path: the file; made where there is none.
        source: the input that it is about.

    Raises:
        ResultsError: it is no results file, belongs to another input, is in use, or cannot be written.
    """

    def __init__(self, path: Path, source: Path) -> None:
        self.path = path
        self._source = source
        self._known = bytearray(1)
        self._begun: dict[int, Row] = {}
        self._offsets = array("Q", [_NOWHERE])
        try:
            if path.exists() and path.samefile(source):
                raise ResultsError(f"{path}: is the input; expected another file for the results")
            self._descriptor = _open_locked(path)
        except OSError as error:
            raise ResultsError(f"{path}: {error.strerror}") from None
        try:
            self._head = head_of(source)
            self._end = self._load()
        except OSError as error:
            os.close(self._descriptor)
            raise ResultsError(f"{path}: {error.strerror}") from None
        except BaseException:
            os.close(self._descriptor)
            raise

    # What it says

    def verdict(self, number: int) -> Verdict:
        """What an earlier run said of a row."""
        return Verdict(self._known[number]) if number < len(self._known) else Verdict.NEW

    def begun(self, number: int) -> Row | None:
        """A row that an earlier run did not bring to its end, if parts of it may be with the SMSC."""
        return self._begun.get(number)

    def count(self, verdict: Verdict) -> int:
        """How many rows an earlier run left so."""
        return self._known.count(int(verdict)) - (verdict is Verdict.NEW)

    def numbers(self, verdict: Verdict, most: int) -> list[int]:
        """The first rows that an earlier run left so."""
        found: list[int] = []
        at = 0
        while len(found) < most and (at := self._known.find(int(verdict), at + 1)) > 0:
            found.append(at)
        return found

    def waiting(self) -> Iterator[Row]:
        """Rows that an earlier run brought to the SMSC."""
        for row in self._latest():
            if any(part.state == ACCEPTED and part.message_id for part in row.parts):
                yield row

    # Writing

    def write(self, row: Row) -> None:
        """Write what is known of a row now.

        Raises:
            ResultsError: it cannot be written.
        """
        line = row.line(self._head)
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise ResultsError(f"{self.path}: {error.strerror}") from None
        if written != len(line):
            raise ResultsError(f"{self.path}: no room is left for the results")
        self._note(row.number, self._end)
        self._end += len(line)

    def finish(self) -> None:
        """Leave one line for each row, in one step, and close.

        Raises:
            ResultsError: it cannot be written; the file is then as it was.
        """
        new = self.path.with_name(f".{self.path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(_HEADER)
                for row in self._latest():
                    for part in row.parts:
                        if part.state == SENDING:
                            part.state = IN_DOUBT
                    file.write(row.line(self._head))
                file.flush()
                os.fsync(file.fileno())
            with suppress(OSError):
                new.chmod(self.path.stat().st_mode & 0o777)
            new.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                new.unlink()
            raise ResultsError(f"{self.path}: {error.strerror}") from None
        finally:
            self.close()

    def close(self) -> None:
        """Close it as it is."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # Reading

    def _load(self) -> int:
        """Read it; its length without a last line that is not whole."""
        with self.path.open("rb") as file:
            header = file.readline()
            if not header or (not header.endswith(b"\n") and _HEADER.startswith(header)):
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, _HEADER)
                return len(_HEADER)
            if header != _HEADER:
                raise ResultsError(
                    f"{self.path}: is no results file of smpp send; expected columns {','.join(COLUMNS)}"
                )
            end = len(header)
            for line_number, line in enumerate(file, 2):
                if not line.endswith(b"\n"):
                    os.ftruncate(self._descriptor, end)
                    break
                self._take(line, line_number, end)
                end += len(line)
        return end

    def _take(self, line: bytes, line_number: int, offset: int) -> None:
        try:
            row, head = _parse(line)
        except ValueError:
            raise ResultsError(f"{self.path}: line {line_number} is no result of smpp send") from None
        if head != self._head:
            if not is_same_input(self._source, head):
                raise ResultsError(
                    f"{self.path}: holds the results of another file than {self._source}; expected its own (--results)"
                )
            self._head = head  # the input grew
        verdict = row.verdict
        self._note(row.number, offset)
        if len(self._known) <= row.number:
            self._known.extend(bytes(row.number + 1 - len(self._known)))
        self._known[row.number] = verdict
        if verdict is not Verdict.ACCEPTED and any(part.is_with_smsc or part.state in _DOUBTFUL for part in row.parts):
            self._begun[row.number] = row
        else:
            self._begun.pop(row.number, None)

    def _note(self, number: int, offset: int) -> None:
        missing = number + 1 - len(self._offsets)
        if missing > 0:
            self._offsets.extend([_NOWHERE] * missing)
        self._offsets[number] = offset

    def _latest(self) -> Iterator[Row]:
        """Every row as it was written last, in the order of the input."""
        with self.path.open("rb") as file:
            for offset in self._offsets:
                if offset != _NOWHERE:
                    yield _row_at(file, offset)


def _row_at(file: BinaryIO, offset: int) -> Row:
    if file.tell() != offset:
        file.seek(offset)
    return _parse(file.readline())[0]


def _parse(line: bytes) -> tuple[Row, str]:
    try:
        return read_row(next(csv.reader([line.decode()])))
    except (csv.Error, StopIteration) as error:
        raise ValueError(str(error)) from None


def _open_locked(path: Path) -> int:
    """Open for appending, with a lock that ends with the process."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise ResultsError(f"{path}: another run is writing it") from None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # The run that had it put a new one in its place.


def _quoted(cell: str) -> str:
    """A cell as CSV has it, on one line."""
    if cell.isascii() and cell.isprintable() and "," not in cell and '"' not in cell:
        return cell
    cell = " ".join(cell.split())
    return '"' + cell.replace('"', '""') + '"'
