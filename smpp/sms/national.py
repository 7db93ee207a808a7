"""National language shift tables: which there are, text through them, the best pair for a text. 23.038 §6.2.1.2.

A locking shift of 3GPP TS 23.038 replaces the default alphabet and a single shift replaces the extension table, in the
message part whose user data header names them. Where a language has no locking table (Spanish) the default one stays.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Final

from smpp.sms import gsm0338
from smpp.sms.gsm0338 import EncodeMap
from smpp.sms.national_tables import LOCKING, SINGLE

USER_DATA_OCTETS: Final = 140
"""Room of one message part, header included. 3GPP TS 23.040 §9.2.3.24."""

_SHIFT_ELEMENT_OCTETS: Final = 3
_CONCAT_ELEMENT_OCTETS: Final = 5


class Language(IntEnum):
    """National language identifier. 23.038 §6.2.1.2.4."""

    DEFAULT = 0
    TURKISH = 1
    SPANISH = 2
    PORTUGUESE = 3
    BENGALI = 4
    GUJARATI = 5
    HINDI = 6
    KANNADA = 7
    MALAYALAM = 8
    ORIYA = 9
    PUNJABI = 10
    TAMIL = 11
    TELUGU = 12
    URDU = 13


ALL_LANGUAGES: Final = tuple(Language)[1:]


@dataclass(slots=True, frozen=True)
class Shift:
    """Which tables a message part uses; numbers we do not know mean the default ones."""

    locking: int = 0
    single: int = 0

    @property
    def header_octets(self) -> int:
        """Octets its information elements take in a user data header, the header's length octet not counted."""
        return ((self.locking != 0) + (self.single != 0)) * _SHIFT_ELEMENT_OCTETS


NO_SHIFT: Final = Shift()


def encode(text: str, shift: Shift) -> bytes:
    """Text as septets, one an octet, through the tables of a shift.

    Raises:
        EncodeError: a character is in neither table.
    """
    if shift == NO_SHIFT:
        return gsm0338.encode(text)
    return gsm0338.encode_by(text, _encode_map(shift), f"the GSM tables {describe(shift)}")


def decode(octets: bytes, shift: Shift) -> str:
    """Septets through the tables of a shift. Never raises; a hole becomes U+FFFD."""
    return gsm0338.decode_by(octets, gsm0338.decode_table(_locking_table(shift)), _single_table(shift))


def can_encode(text: str, shift: Shift) -> bool:
    """Whether every character is in one of the shift's tables."""
    mapping = _encode_map(shift)
    return all(ord(character) in mapping for character in text)


def best_shift(text: str, languages: Collection[int] = ALL_LANGUAGES) -> Shift | None:
    """The pair of tables that carries the text in the fewest parts, then octets, then elements; None where none can.

    Args:
        text: any text.
        languages: whose tables may be used; the default tables always may.
    """
    characters = Counter(map(ord, text))
    allowed = sorted(language for language in languages if language in SINGLE)
    candidates = [
        (cost, shift)
        for locking in (0, *(language for language in allowed if language in LOCKING))
        for single in (0, *allowed)
        if (cost := _cost(characters, shift := Shift(locking, single))) is not None
    ]
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def describe(shift: Shift) -> str:
    """A shift for people: "turkish/default", locking first."""
    return "/".join(
        Language(number).name.lower() if number in Language._value2member_map_ else str(number)
        for number in (shift.locking, shift.single)
    )


def _cost(characters: Counter[int], shift: Shift) -> tuple[int, int, int] | None:
    mapping = _encode_map(shift)
    septets = 0
    for character, times in characters.items():
        code = mapping.get(character)
        if code is None:
            return None
        septets += times if isinstance(code, int) else times * 2
    elements = shift.header_octets
    parts = 1
    if septets > _room(elements):
        elements += _CONCAT_ELEMENT_OCTETS
        parts = -(-septets // _room(elements))
    return parts, -(-septets * 7 // 8) + _header(elements) * parts, elements


def _header(element_octets: int) -> int:
    return element_octets + 1 if element_octets else 0


def _room(element_octets: int) -> int:
    return (USER_DATA_OCTETS - _header(element_octets)) * 8 // 7


@cache
def _single_table_of(language: int) -> dict[int, str]:
    table = SINGLE.get(language)
    if table is None:
        return gsm0338.EXTENSION
    return {code: character for code, character in enumerate(table) if character != gsm0338.REPLACEMENT}


def _locking_table(shift: Shift) -> str:
    return LOCKING.get(shift.locking, gsm0338.BASIC)


def _single_table(shift: Shift) -> dict[int, str]:
    return _single_table_of(shift.single if shift.single in SINGLE else 0)


def _encode_map(shift: Shift) -> EncodeMap:
    return _map_of(
        shift.locking if shift.locking in LOCKING else 0,
        shift.single if shift.single in SINGLE else 0,
    )


@cache
def _map_of(locking: int, single: int) -> EncodeMap:
    return gsm0338.encode_map(LOCKING.get(locking, gsm0338.BASIC), _single_table_of(single))
