"""Ids of messages and callbacks: text that sorts by time, with a number inside and a tail nobody guesses.

    01HZ3K7Q2NA 8F4T0W9YB6RXE
    └ key ────┘ └ random ───┘

The key (55 bits: milliseconds, then a counter) is unique within a store and grows, so that a store may use it as the
row's number; the tail (65 bits) keeps ids from being guessed.
"""

import secrets
from functools import lru_cache
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_KEY_LETTERS: Final = 11
_TAIL_LETTERS: Final = 13
ID_LENGTH: Final = _KEY_LETTERS + _TAIL_LETTERS
_COUNTER_BITS: Final = 14
_EPOCH: Final = 1_704_067_200.0
"""2024-01-01; 41 bits of milliseconds reach into 2093."""
_KEY_MASK: Final = (1 << 55) - 1
_POOL_LETTERS: Final = _TAIL_LETTERS * 256

_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Ten bits at a time."""
_LETTER_OF: Final = bytes(ord(_ALPHABET[octet & 31]) for octet in range(256))
"""Five bits of an octet."""


class Ids:
    """Makes ids; every key is greater than the one before, whatever the clock does.

    Args:
        last_key: the greatest key there is.
        share: which of the `shares` of all keys is ours, where several make ids for one store.
        shares: a power of two, at most 2 ** 14.
    """

    __slots__ = ("_last", "_random", "_share", "_shares", "_taken")

    def __init__(self, last_key: int = 0, *, share: int = 0, shares: int = 1) -> None:
        # Keys are `share` more than a multiple of `shares`, of which a millisecond is one.
        self._last = last_key - last_key % shares + share
        self._share = share
        self._shares = shares
        self._random = ""
        self._taken = 0

    def new(self, now: float) -> str:
        """An id for something that happens now."""
        self._last = key = max(key_at(now) + self._share, self._last + self._shares)
        start = self._taken
        if start >= len(self._random):
            # Each call to the kernel gives up the interpreter's lock: under load 65 µs an id, from a pool 2 µs.
            self._random = secrets.token_bytes(_POOL_LETTERS).translate(_LETTER_OF).decode("ascii")
            start = 0
        self._taken = end = start + _TAIL_LETTERS
        return _key_letters(key) + self._random[start:end]


def key_at(at: float) -> int:
    """The smallest key of that moment."""
    return max(0, int((at - _EPOCH) * 1000)) << _COUNTER_BITS & _KEY_MASK


@lru_cache(16_384)
def key_of(identifier: str) -> int:
    """The key in an id.

    Raises:
        ValueError: it is no id of ours.
    """
    if len(identifier) != ID_LENGTH:
        raise ValueError("not an id")
    key = 0
    try:
        for letter in identifier[:_KEY_LETTERS]:
            key = key << 5 | _VALUES[letter]
    except KeyError:
        raise ValueError("not an id") from None
    return key


def is_id(text: str) -> bool:
    """Whether this is an id of ours."""
    try:
        key_of(text)
    except ValueError:
        return False
    return True


def _key_letters(key: int) -> str:
    pairs = _PAIRS
    return (
        pairs[key >> 45]
        + pairs[key >> 35 & 1023]
        + pairs[key >> 25 & 1023]
        + pairs[key >> 15 & 1023]
        + pairs[key >> 5 & 1023]
        + _ALPHABET[key & 31]
    )
