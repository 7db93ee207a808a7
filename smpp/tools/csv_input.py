"""A CSV file of messages, read row by row: from, to, text, and TLVs by name or number, as its header says.

The file is UTF-8, with or without a byte order mark; cells are separated by comma, semicolon or tab. Rows are numbered
from 1, the header not counted.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import click

from smpp.tools.tlv_option import read_tlv
from smpp.wire import TlvProfile, Tlvs
from smpp.wire.tlv import MAX_TAG, NO_TLVS

DELIMITERS: Final = ",;\t"
HEAD_OCTETS: Final = 65_536

_FIELDS: Final = ("from", "to", "text")
_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}", re.ASCII)
_HASH_DIGITS: Final = 16


class CsvError(Exception):
    """The file as a whole is not what it should be; names it, and says what is expected."""


@dataclass(frozen=True, slots=True)
class Message:
    """A row that can be sent."""

    number: int
    sender: str
    to: str
    text: str
    tlvs: Tlvs


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot."""

    number: int
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What rows get that say nothing of it."""

    sender: str = ""
    text: str = ""
    tlvs: Tlvs = NO_TLVS


class CsvInput:
    """An open file of messages.

    Args:
        path: the file.
        defaults: what rows get that say nothing of it.
        profile: names of TLVs.

    Attributes:
        octets_read: how much of it was read so far.
        size: how large it was when it was opened.

    Raises:
        CsvError: it cannot be read, or its header makes no sense.
    """

    def __init__(self, path: Path, defaults: Defaults, profile: TlvProfile) -> None:
        self.path = path
        self.octets_read = 0
        self._defaults = defaults
        self._profile = profile
        try:
            self._file: BinaryIO = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise CsvError(f"{path}: {error.strerror}") from None
        try:
            self._delimiter, self._columns = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Read no further."""
        self._file.close()

    @property
    def fraction(self) -> float:
        """How much of it was read: 0 to 1."""
        return min(self.octets_read / self.size, 1.0) if self.size else 1.0

    def rows(self) -> Iterator[Message | BadRow]:
        """Row after row; read only as fast as they are asked for."""
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        number = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield BadRow(number, "", f"is no CSV: {error}")
                continue
            if any(cells):
                number += 1
                yield self._row(number, cells)

    # Rows

    def _row(self, number: int, cells: list[str]) -> Message | BadRow:
        if len(cells) != len(self._columns):
            return BadRow(number, "", f"has {len(cells)} cells, the header {len(self._columns)}")
        found = dict(zip(self._columns, cells, strict=True))
        to = found.pop("to").strip()
        if not all(cell.isprintable() or _is_utf8(cell) for cell in cells):
            return BadRow(number, "" if not _is_utf8(to) else to, "is not UTF-8")
        if not _NUMBER.fullmatch(to):
            return BadRow(number, to[:40], f"to is {to[:40]!r}, expected digits, with or without + before them")
        sender = found.pop("from", "").strip() or self._defaults.sender
        if not sender:
            return BadRow(number, to, "from is empty")
        text = found.pop("text", "") or self._defaults.text
        if not text:
            return BadRow(number, to, "text is empty")
        try:
            return Message(number, sender, to, text, self._tlvs(found))
        except click.BadParameter as error:
            return BadRow(number, to, error.message)

    def _tlvs(self, cells: dict[str, str]) -> Tlvs:
        """The TLVs of a row; an empty cell is none."""
        if not cells:
            return self._defaults.tlvs
        own = [read_tlv(f"{name}={cell.strip()}", self._profile) for name, cell in cells.items() if cell.strip()]
        tags = {tag for tag, _ in own}
        return Tlvs([*(tlv for tlv in self._defaults.tlvs if tlv[0] not in tags), *own])

    # The file

    def _lines(self) -> Iterator[str]:
        for line in self._file:
            self.octets_read += len(line)
            # What is no UTF-8 is the fault of one row, not of all that follow.
            yield line.decode("utf-8", "surrogateescape")

    def _read_header(self) -> tuple[str, list[str]]:
        first = next(self._lines(), "").removeprefix("\ufeff")
        if not _is_utf8(first) or "\0" in first:
            raise CsvError(f"{self.path}: is not UTF-8")
        if not first.strip():
            raise CsvError(f"{self.path}: has no header; expected {self._expected()}")
        names = {delimiter: _cells(first, delimiter) for delimiter in DELIMITERS}
        # The delimiter that makes most of the header; the comma where all are alike.
        delimiter = max(DELIMITERS, key=lambda each: len(names[each]))
        columns = [self._column(name) for name in names[delimiter]]
        for column in columns:
            if columns.count(column) > 1:
                raise CsvError(f"{self.path}: column {column!r} is there twice")
        for needed, default in (("to", ""), ("from", self._defaults.sender), ("text", self._defaults.text)):
            if needed not in columns and not default:
                raise CsvError(f"{self.path}: column {needed!r} is missing; expected {self._expected()}")
        return delimiter, columns

    def _column(self, name: str) -> str:
        if name.lower() in _FIELDS:
            return name.lower()
        try:
            if 0 <= int(name, 0) <= MAX_TAG:
                return f"0x{int(name, 0):04X}"
        except ValueError:
            for known in self._profile.by_name:
                if known.lower() == name.lower():
                    return known
        raise CsvError(f"{self.path}: column {name!r} is unknown; expected {self._expected()}")

    @staticmethod
    def _expected() -> str:
        return "from, to, text, or a TLV by name (user_message_reference, PE_ID) or number (0x1400)"


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def head_of(path: Path, octets: int | None = None) -> str:
    """What a results file remembers of its input: how much of its beginning, and the hash of that.

    Args:
        path: the input.
        octets: how much; default: up to 64 KiB. A file that grew since keeps its beginning.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_OCTETS if octets is None else octets)
    return f"{len(head)}-{hashlib.sha256(head).hexdigest()[:_HASH_DIGITS]}"


def is_same_input(path: Path, head: str) -> bool:
    """Whether a file begins as the one whose `head_of` this is."""
    octets, _, _ = head.partition("-")
    return octets.isascii() and octets.isdigit() and int(octets) <= HEAD_OCTETS and head_of(path, int(octets)) == head
