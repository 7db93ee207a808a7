"""A list of numbers from a file, such as a country's do-not-disturb register: eight octets each, found by halves."""

from array import array
from bisect import bisect_left
from pathlib import Path
from typing import Final

from gateway.numbering import plain_number

_MOST: Final = 18
"""Digits of a number that fits into eight octets."""


class NumberFile:
    """Numbers, one a line; other columns after a comma, a head, and lines that begin with # are passed over.

    Args:
        path: of the file; empty: there are none.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, or has no number in it.
    """

    def __init__(self, path: str = "") -> None:
        self._numbers = array("Q")
        if not path:
            return
        found = array("Q")
        with Path(path).open(encoding="utf-8-sig") as file:
            for line in file:
                digits = plain_number(line.partition(",")[0].strip().strip('"'))
                if digits.isascii() and digits.isdecimal() and len(digits) <= _MOST:
                    found.append(int(digits))
        if not found:
            raise ValueError(f"{path} has no number in it")
        self._numbers = array("Q", sorted(set(found)))

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, str):
            return False
        if not (number.isascii() and number.isdecimal() and len(number) <= _MOST):
            return False
        value = int(number)
        at = bisect_left(self._numbers, value)
        return at < len(self._numbers) and self._numbers[at] == value
