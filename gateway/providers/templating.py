"""Texts with variables: put in, and found again in a text that claims to be made of one.

A registered template is fixed pieces with variables between them: ``{{name}}`` or ``{#var#}``. Whether a text is one
of its own is decided in time that grows with both lengths and no faster, however the pieces repeat.
"""

import re
from collections.abc import Mapping
from typing import Final

VARIABLE_LIMIT: Final = 30
"""Characters of one variable of a registered template in India."""

_VARIABLE: Final = re.compile(r"\{#\s*(\w*)\s*#\}|\{\{\s*([^{}]*?)\s*\}\}")


def variable_names(template: str) -> tuple[str, ...]:
    """The names of a template's variables, in order; empty where one has none."""
    return tuple(found.group(1) or found.group(2) or "" for found in _VARIABLE.finditer(template))


def pieces_of(template: str) -> list[str]:
    """The fixed texts before, between and after a template's variables."""
    pieces, at = [], 0
    for found in _VARIABLE.finditer(template):
        pieces.append(template[at : found.start()])
        at = found.end()
    return [*pieces, template[at:]]


def fill(template: str, values: Mapping[str, object]) -> str:
    """A template with its variables in place; those without a value stay as they are."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2) or ""
        return str(values[name]) if name in values else found.group()

    return _VARIABLE.sub(value, template)


def variables_of(template: str, text: str, *, limit: int | None = VARIABLE_LIMIT) -> tuple[str, ...] | None:
    """What a text puts for the variables of a template, the first ones as short as can be; None: it is not made of it.

    Args:
        limit: the most characters of one variable; None: any number.
    """
    pieces = pieces_of(template)
    size = len(text)
    if not text.startswith(pieces[0]):
        return None
    # Bit n of `ends[i]` says that the text up to n can be made of all up to piece i.
    ends = [1 << len(pieces[0])]
    for piece in pieces[1:]:
        begins = _spread(ends[-1], limit, size) & _places(piece, text)
        if not begins:
            return None
        ends.append(begins << len(piece))
    if not ends[-1] >> size & 1:
        return None
    return _read_back(pieces, ends, text, limit)


def _spread(ends: int, limit: int | None, size: int) -> int:
    """Where a variable that begins at any of these places may end."""
    everything = (1 << size + 1) - 1
    if limit is None:
        lowest = ends & -ends
        return everything & ~(lowest - 1)
    reached, width = ends, 1
    while width <= limit:
        step = min(width, limit + 1 - width)
        reached |= reached << step
        width += step
    return reached & everything


def _places(piece: str, text: str) -> int:
    """Where a piece stands in a text."""
    if not piece:
        return (1 << len(text) + 1) - 1
    found, at = 0, text.find(piece)
    while at >= 0:
        found |= 1 << at
        at = text.find(piece, at + 1)
    return found


def _read_back(pieces: list[str], ends: list[int], text: str, limit: int | None) -> tuple[str, ...]:
    """One way to take a text apart, from its end."""
    values, at = [], len(text)
    for n in range(len(pieces) - 1, 0, -1):
        begin = at - len(pieces[n])
        least = 0 if limit is None else max(0, begin - limit)
        # The latest end of what comes before: this variable is as short as that allows.
        candidates = ends[n - 1] & ((1 << begin + 1) - 1)
        at = candidates.bit_length() - 1
        if at < least:
            raise AssertionError("a way that was found is gone")
        values.append(text[at:begin])
    return tuple(reversed(values))
