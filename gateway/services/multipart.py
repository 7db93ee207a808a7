"""Multipart forms that are passed on as they come: fields are left out or changed, files never held in memory. Pure.

octets ──feed──► octets to be passed on, and what somebody has to look at   (RFC 2046 §5.1, RFC 7578)
"""

from collections.abc import Callable, Iterator
from email.message import Message
from enum import Enum, auto
from typing import Final, NamedTuple

HEAD_OCTETS: Final = 16_384
"""What a part may say of itself."""
FIELD_OCTETS: Final = 262_144
"""How much of a field is held to be looked at."""
_BREAK: Final = b"\r\n"


class Fate(Enum):
    """What is to become of a part."""

    PASS = auto()
    DROP = auto()
    HOLD = auto()
    """Its value is looked at as a whole."""


class Held(NamedTuple):
    """A part whose value somebody looks at; `written` is what is passed on then."""

    name: str
    value: str
    head: bytes
    """From its boundary to the blank line, that included."""
    octets: bytes
    """Its value and the line break after it."""

    def written(self, value: str | None) -> bytes:
        """The part with this value; None: without it."""
        if value is None:
            return b""
        if value == self.value:
            return self.head + self.octets
        return self.head + value.encode("utf-8", "surrogateescape") + _BREAK


class MultipartReader:
    """Takes a form apart as it comes.

    Args:
        boundary: as the content type names it.
        fate: decides by the name of a part, in lower case; a file is never held.

    Call `feed` with what came, and `end` after the last of it. Both raise ValueError for what is no such form.
    """

    def __init__(self, boundary: bytes, fate: Callable[[str], Fate]) -> None:
        if not boundary or len(boundary) > 200:
            raise ValueError("a multipart form without boundary")
        self._mark = b"--" + boundary
        self._fate = fate
        self._kept = b""
        """What came and has not been looked at, or not been decided on."""
        self._is_in_head = False
        self._is_at_start = True
        self._is_over = False
        self._current = Fate.PASS
        """Of the part that its octets belong to; what is before the first part is passed on."""
        self._name = ""
        self._head = b""

    def feed(self, octets: bytes) -> Iterator[bytes | Held]:
        """What can be passed on, or decided about, now."""
        self._kept += octets
        while True:
            before = len(self._kept), self._is_in_head, self._is_over
            yield from self._read_head() if self._is_in_head else self._read_value()
            if (len(self._kept), self._is_in_head, self._is_over) == before:
                return

    def end(self) -> Iterator[bytes | Held]:
        """What is left, once all has come; a form that breaks off is passed on as far as it goes."""
        if self._current is Fate.HOLD or self._is_in_head:
            raise ValueError("a multipart form that breaks off")
        if self._current is Fate.PASS and self._kept:
            yield self._kept
        self._kept = b""

    def _read_value(self) -> Iterator[bytes | Held]:
        if self._is_over:
            # What follows the last boundary belongs to nobody.
            if self._kept:
                yield self._kept
            self._kept = b""
            return
        at = self._find_mark()
        if at < 0:
            yield from self._pass_safe()
            return
        value, self._kept = self._kept[:at], self._kept[at:]
        self._is_at_start = False
        yield from self._finish(value)
        self._is_in_head = True

    def _find_mark(self) -> int:
        """Where the next boundary begins; -1: not in what has come so far."""
        if self._is_at_start and self._kept.startswith(self._mark):
            return 0
        at = self._kept.find(_BREAK + self._mark)
        # The line break in front of it goes with the part that it ends.
        return at + len(_BREAK) if at >= 0 else -1

    def _pass_safe(self) -> Iterator[bytes | Held]:
        """Let go of what cannot be the beginning of a boundary."""
        tail = len(_BREAK) + len(self._mark) - 1
        if self._current is Fate.HOLD:
            if len(self._kept) > FIELD_OCTETS:
                raise ValueError(f"the field {self._name!r} is too long")
            return
        if self._is_at_start and len(self._kept) < len(self._mark):
            return
        if len(self._kept) > tail:
            free, self._kept = self._kept[:-tail], self._kept[-tail:]
            self._is_at_start = False
            if self._current is Fate.PASS:
                yield free

    def _finish(self, value: bytes) -> Iterator[bytes | Held]:
        if self._current is Fate.PASS and value:
            yield value
        elif self._current is Fate.HOLD:
            if len(value) > FIELD_OCTETS:
                raise ValueError(f"the field {self._name!r} is too long")
            text = value.removesuffix(_BREAK).decode("utf-8", "surrogateescape")
            yield Held(self._name, text, self._head, value)
        self._current = Fate.PASS

    def _read_head(self) -> Iterator[bytes | Held]:
        after = self._kept[len(self._mark) :]
        if after.startswith(b"--"):
            self._is_in_head, self._is_over = False, True
            return
        end = self._kept.find(_BREAK + _BREAK)
        if end < 0:
            if len(self._kept) > HEAD_OCTETS:
                raise ValueError("a part with too long a head")
            return
        head, self._kept = self._kept[: end + 4], self._kept[end + 4 :]
        name, is_file = _named(head.partition(_BREAK)[2])
        self._name = name
        self._current = self._fate(name.lower())
        if is_file and self._current is Fate.HOLD:
            self._current = Fate.PASS
        self._is_in_head = False
        self._head = head
        if self._current is Fate.PASS:
            yield head


def _named(head: bytes) -> tuple[str, bool]:
    """The name of a part, and whether it is a file."""
    message = Message()
    # Header lines may be folded. RFC 822 §3.1.1.
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    for line in unfolded.split(_BREAK):
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == b"content-disposition":
            message["Content-Disposition"] = " ".join(value.decode("utf-8", "replace").split())
            break
    name = message.get_param("name", "", header="content-disposition")
    filename = message.get_param("filename", None, header="content-disposition")
    written = name[2] if isinstance(name, tuple) else str(name or "")
    return written, filename is not None


def boundary_of(content_type: str) -> bytes:
    """The boundary that a content type names; empty where it names none."""
    message = Message()
    message["Content-Type"] = content_type
    found = message.get_param("boundary", "")
    return found.encode("latin-1", "replace") if isinstance(found, str) else b""
