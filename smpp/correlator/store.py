"""Where accepted parts wait for their receipts. Pure; time comes in.

`MemoryStore` keeps, for each part, one entry in a dict under the key of its message id (a list there where ids
recycle), and two lists in order of time: parts without a final receipt, and parts with one. Each list has one lifetime,
so its head is what is due next, and everything is constant in time however many parts wait. The lists are linked
through their entries: a part leaves the first one from anywhere without leaving a hole, and being in a list takes 16
octets (`bench/outstanding.py`: 367 octets a part with its Submission, of 475 with ordered dicts).
"""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

T = TypeVar("T")


class Linked(Protocol):
    """What a `Fifo` needs of its entries."""

    before: Any
    after: Any


class Link:
    """An entry of one `Fifo`."""

    __slots__ = ("after", "before", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.before: Any = None
        self.after: Any = None


L = TypeVar("L", bound=Linked)


class Fifo(Generic[L]):
    """Entries in order of time, any of which can leave.

    Attributes:
        first: the oldest entry.
    """

    __slots__ = ("_count", "_last", "first")

    def __init__(self) -> None:
        self.first: L | None = None
        self._last: L | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[L]:
        entry = self.first
        while entry is not None:
            yield entry
            entry = cast("L | None", entry.after)

    def append(self, entry: L) -> None:
        """Add the newest."""
        entry.before = self._last
        if self._last is None:
            self.first = entry
        else:
            self._last.after = entry
        self._last = entry
        self._count += 1

    def remove(self, entry: L) -> None:
        """Take out an entry that is in this list."""
        if entry.before is None:
            self.first = entry.after
        else:
            entry.before.after = entry.after
        if entry.after is None:
            self._last = entry.before
        else:
            entry.after.before = entry.before
        entry.before = entry.after = None
        self._count -= 1

    def __del__(self) -> None:
        # Entries that the garbage collector does not look at would keep each other for ever.
        entry = self.first
        while entry is not None:
            following = entry.after
            entry.before = entry.after = None
            entry = following


class Outstanding(msgspec.Struct, Generic[T], eq=False, gc=False):
    """A part that the SMSC accepted. The garbage collector does not look at it: a context must not lead back to it.

    What a receipt needs stands first, so that it is in one or two lines of the processor's cache.
    """

    key: str
    """What it is found by."""
    message_id: str
    """As the response has it."""
    destination: str
    context: T
    """What its owner gave along."""
    submitted_at: float
    settled_at: float | None = None
    """When a final receipt came, if one did; it is kept a while for the late and repeated ones."""
    before: Any = None
    after: Any = None
    """Its neighbours in the store."""

    @property
    def is_settled(self) -> bool:
        """Whether a final receipt came."""
        return self.settled_at is not None

    def __repr__(self) -> str:
        return f"<Outstanding {self.message_id!r} to {self.destination}{', settled' if self.is_settled else ''}>"


class OutstandingStore(Protocol[T]):
    """What the correlator asks of a store. Its owner decides about lifetimes; the correlator bounds the number."""

    def __len__(self) -> int:
        """How many parts it holds, settled ones included."""

    def add(self, outstanding: Outstanding[T]) -> int:
        """Keep a part; how many there are under its key now."""

    def find(self, key: str, /) -> Outstanding[T] | Sequence[Outstanding[T]] | None:
        """The part under a key: None where there is none, and where several share it all of them, the oldest first."""

    def settle(self, outstanding: Outstanding[T], now: float) -> None:
        """A final receipt came: note when (`settled_at`), and forget the part soon."""

    def remove(self, outstanding: Outstanding[T]) -> None:
        """Forget a part."""

    def overdue(self, now: float) -> Outstanding[T] | None:
        """A part whose time is over, if there is one. The correlator removes it and asks again."""

    def oldest(self) -> Outstanding[T] | None:
        """The part that is missed least when there is no room: the oldest settled one, else the oldest."""

    def next_deadline(self) -> float:
        """When the next part is overdue; infinity where none will be."""


class MemoryStore(Generic[T]):
    """Parts in memory.

    Args:
        lifetime_seconds: how long a part waits for its final receipt.
        final_lifetime_seconds: how long it is kept after it.
    """

    __slots__ = ("_final_lifetime", "_index", "_lifetime", "_settled", "_waiting", "find")

    def __init__(self, lifetime_seconds: float, final_lifetime_seconds: float) -> None:
        self._lifetime = lifetime_seconds
        self._final_lifetime = final_lifetime_seconds
        self._index: dict[str, Outstanding[T] | list[Outstanding[T]]] = {}
        self.find: Callable[[str], Outstanding[T] | list[Outstanding[T]] | None] = self._index.get
        """The part under a key: None where there is none, and where several share it all of them, the oldest first."""
        self._waiting: Fifo[Outstanding[T]] = Fifo()
        self._settled: Fifo[Outstanding[T]] = Fifo()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._settled)

    def add(self, outstanding: Outstanding[T]) -> int:
        """Keep a part; how many there are under its key now."""
        self._waiting.append(outstanding)
        known = self._index.setdefault(outstanding.key, outstanding)
        if known is outstanding:
            return 1
        if isinstance(known, list):
            known.append(outstanding)
            return len(known)
        self._index[outstanding.key] = [known, outstanding]
        return 2

    def settle(self, outstanding: Outstanding[T], now: float) -> None:
        """A final receipt came: note when, and forget the part soon."""
        if outstanding.settled_at is not None:
            return
        self._waiting.remove(outstanding)
        outstanding.settled_at = now
        self._settled.append(outstanding)

    def remove(self, outstanding: Outstanding[T]) -> None:
        """Forget a part."""
        (self._waiting if outstanding.settled_at is None else self._settled).remove(outstanding)
        known = self._index[outstanding.key]
        if not isinstance(known, list):
            del self._index[outstanding.key]
            return
        known.remove(outstanding)
        if len(known) == 1:
            self._index[outstanding.key] = known[0]

    def overdue(self, now: float) -> Outstanding[T] | None:
        """A part whose time is over, if there is one."""
        settled, waiting = self._settled.first, self._waiting.first
        if settled is not None and self._deadline(settled) <= now:
            return settled
        return waiting if waiting is not None and self._deadline(waiting) <= now else None

    def oldest(self) -> Outstanding[T] | None:
        """The oldest settled part, else the oldest."""
        return self._settled.first or self._waiting.first

    def next_deadline(self) -> float:
        """When the next part is overdue; infinity where none will be."""
        firsts = (self._waiting.first, self._settled.first)
        return min((self._deadline(first) for first in firsts if first is not None), default=inf)

    def _deadline(self, outstanding: Outstanding[T]) -> float:
        if outstanding.settled_at is None:
            return outstanding.submitted_at + self._lifetime
        return outstanding.settled_at + self._final_lifetime
