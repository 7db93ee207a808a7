"""Patterns for senders and numbers: text as it is, where ``*`` stands for any run of characters and ``?`` for one."""

import re
from collections.abc import Iterable
from typing import Final

_WILD: Final = re.compile(r"[*?]")


def is_pattern(text: str) -> bool:
    """Whether it stands for more than itself."""
    return _WILD.search(text) is not None


def compile_pattern(text: str) -> re.Pattern[str]:
    """A pattern as a regular expression for `fullmatch`, with a group for every run of stars."""
    pieces = re.split(r"(\*+|\?)", text)
    return re.compile("".join(_translated(piece) for piece in pieces), re.DOTALL)


def _translated(piece: str) -> str:
    if piece.startswith("*"):
        return "(.*)"
    return "." if piece == "?" else re.escape(piece)


class Patterns:
    """A set of patterns: whether a text is any of them costs one look-up where they have no wildcards."""

    __slots__ = ("_exact", "_wild")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        wanted = list(texts)
        self._exact = frozenset(text for text in wanted if not is_pattern(text))
        wild = [compile_pattern(text).pattern for text in wanted if is_pattern(text)]
        self._wild = re.compile("|".join(f"(?:{one})" for one in wild), re.DOTALL) if wild else None

    def __bool__(self) -> bool:
        return bool(self._exact) or self._wild is not None

    def __contains__(self, text: str) -> bool:
        return text in self._exact or (self._wild is not None and self._wild.fullmatch(text) is not None)
