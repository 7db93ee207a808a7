"""Telephone numbers: written any way to plain digits, and to the network that a table of prefixes says they belong to.

A table says nothing of numbers that were ported; who must know asks a look-up service.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SHORT_CODE_DIGITS: Final = 6
"""A number up to this long is a short code: no country's prefix belongs before it."""

_PUNCTUATION: Final = str.maketrans("", "", " -().\u00a0")


# --- writing ---


@dataclass(slots=True, frozen=True)
class NumberPlan:
    """How people of one country write the numbers of their own."""

    country_prefix: str = ""
    """Put before national numbers; empty: numbers are taken for international ones."""
    trunk_prefix: str = "0"
    """What a national number begins with where it is not dialled from abroad; empty: nothing."""
    national_digits: tuple[int, ...] = ()
    """Lengths by which a national number is known without it."""


PLAIN: Final = NumberPlan()


def plain_number(written: str, plan: NumberPlan = PLAIN) -> str:
    """A number without what people write into numbers (+, 00, blanks, dashes, brackets), with its country's prefix.

    Whether the result is a number at all is for the caller to check.
    """
    if written.isdecimal() and not written.startswith("0") and not plan.country_prefix:
        return written
    plain = written.translate(_PUNCTUATION)
    if plain.startswith("+"):
        return plain[1:]
    if plain.startswith("00"):
        return plain[2:]
    if not plan.country_prefix or len(plain) <= SHORT_CODE_DIGITS:
        return plain
    if plan.trunk_prefix and plain.startswith(plan.trunk_prefix):
        return plan.country_prefix + plain.removeprefix(plan.trunk_prefix)
    return plan.country_prefix + plain if len(plain) in plan.national_digits else plain


# --- the longest prefix ---


class PrefixTable(Generic[T]):
    """Values by prefix: the longest that a number begins with is its own."""

    __slots__ = ("_by_prefix", "_lengths")

    def __init__(self, values: Mapping[str, T] | None = None) -> None:
        self._by_prefix = dict(values or {})
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    def __len__(self) -> int:
        return len(self._by_prefix)

    def find(self, number: str) -> T | None:
        """The value of the longest prefix that fits; None where none does."""
        found = self.find_with_prefix(number)
        return found[1] if found is not None else None

    def find_with_prefix(self, number: str) -> tuple[str, T] | None:
        """The longest prefix that fits, with its value."""
        by_prefix = self._by_prefix
        for length in self._lengths:
            prefix = number[:length]
            if prefix in by_prefix:
                return prefix, by_prefix[prefix]
        return None


# --- networks ---


@dataclass(slots=True, frozen=True)
class Network:
    """A mobile network by its codes. ITU-T E.212."""

    mcc: str
    mnc: str = ""
    """Empty where only the country is known."""
    name: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str, name: str = "") -> "Network":
        """``404-45``, or ``404`` for a country.

        Raises:
            ValueError: it is neither.
        """
        mcc, dash, mnc = text.partition("-")
        if not (_is_code(mcc, 3, 3) and (not dash or _is_code(mnc, 2, 3))):
            raise ValueError(f"{text!r} is no network such as 404-45, nor a country such as 404")
        return cls(mcc, mnc, name)

    def __str__(self) -> str:
        return f"{self.mcc}-{self.mnc}" if self.mnc else self.mcc


def _is_code(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdecimal() and least <= len(text) <= most


NetworkTable = PrefixTable[Network]


def network_table(rows: Iterable[Sequence[str]]) -> NetworkTable:
    """The networks of prefixes.

    Args:
        rows: prefix, network (``404-45``), and perhaps a name.

    Raises:
        ValueError: a row is none, or a prefix has two networks.
    """
    found: dict[str, Network] = {}
    for row in rows:
        if not 2 <= len(row) <= 3 or not _is_code(row[0], 1, 15):
            raise ValueError(f"{','.join(row)!r} is not PREFIX,NETWORK or PREFIX,NETWORK,NAME")
        network = Network.parse(row[1], row[2] if len(row) == 3 else "")
        if found.setdefault(row[0], network) != network:
            raise ValueError(f"the prefix {row[0]} has two networks, {found[row[0]]} and {network}")
    return PrefixTable(found)


def read_networks(path: str | Path) -> list[list[str]]:
    """The rows of a CSV file ``prefix,network[,name]``; a head and lines that begin with # are passed over.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text.
    """
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    return [row for row in rows if row and any(row) and not row[0].startswith("#") and row[0].lower() != "prefix"]
