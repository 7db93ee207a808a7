"""Where accepted parts wait for their receipts. Pure; time comes in.

`MemoryStore` keeps, for each part, one entry in a dict under the key of its message id (a list there where ids
recycle), and two lists in order of time: parts without a final receipt, and parts with one. Each list has one lifetime,
so its head is what is due next, and everything is constant in time however many parts wait. The lists are linked
through their entries: a part leaves the first one from anywhere without leaving a hole.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, Generic, Protocol, TypeVar

import msgspec

T = TypeVar("T")


class Link:
    """An entry of one `Fifo`."""

    __slots__ = ("after", "before", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.before: Any = None
        self.after: Any = None


L = TypeVar("L", bound=Link)


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
            entry = entry.after

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


class Outstanding(msgspec.Struct, Generic[T], eq=False, gc=False):
    """A part that the SMSC accepted. The garbage collector does not look at it: a context must not lead back to it."""

    key: str
    """What it is found by."""
    message_id: str
    """As the response has it."""
    destination: str
    context: T
    """What its owner gave along."""
    submitted_at: float
    since: float = 0.0
    """When it was registered, or settled; the store's."""
    is_settled: bool = False
    """Whether a final receipt came; it is kept a while for the late and repeated ones."""

    def __repr__(self) -> str:
        return f"<Outstanding {self.message_id!r} to {self.destination}{', settled' if self.is_settled else ''}>"


class OutstandingStore(Protocol[T]):
    """What the correlator asks of a store. Its owner decides about lifetimes; the correlator bounds the number."""

    def __len__(self) -> int:
        """How many parts it holds, settled ones included."""

    def add(self, outstanding: Outstanding[T]) -> int:
        """Keep a part; how many there are under its key now."""

    def find(self, key: str) -> Sequence[Outstanding[T]]:
        """The parts under a key, the oldest first."""

    def settle(self, outstanding: Outstanding[T], now: float) -> None:
        """A final receipt came: mark the part as settled and forget it soon."""

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

    __slots__ = ("_final_lifetime", "_index", "_lifetime", "_settled", "_waiting")

    def __init__(self, lifetime_seconds: float, final_lifetime_seconds: float) -> None:
        self._lifetime = lifetime_seconds
        self._final_lifetime = final_lifetime_seconds
        self._index: dict[str, Outstanding[T] | list[Outstanding[T]]] = {}
        # Ordered dicts, not plain ones: their head stays cheap to find when parts leave from the front.
        self._waiting: OrderedDict[Outstanding[T], None] = OrderedDict()
        self._settled: OrderedDict[Outstanding[T], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._settled)

    def add(self, outstanding: Outstanding[T]) -> int:
        """Keep a part; how many there are under its key now."""
        outstanding.since = outstanding.submitted_at
        self._waiting[outstanding] = None
        known = self._index.setdefault(outstanding.key, outstanding)
        if known is outstanding:
            return 1
        if isinstance(known, list):
            known.append(outstanding)
            return len(known)
        self._index[outstanding.key] = [known, outstanding]
        return 2

    def find(self, key: str) -> Sequence[Outstanding[T]]:
        """The parts under a key, the oldest first."""
        known = self._index.get(key)
        if known is None:
            return ()
        return known if isinstance(known, list) else (known,)

    def settle(self, outstanding: Outstanding[T], now: float) -> None:
        """A final receipt came: mark the part as settled and forget it soon."""
        if outstanding.is_settled:
            return
        del self._waiting[outstanding]
        outstanding.is_settled = True
        outstanding.since = now
        self._settled[outstanding] = None

    def remove(self, outstanding: Outstanding[T]) -> None:
        """Forget a part."""
        del (self._settled if outstanding.is_settled else self._waiting)[outstanding]
        known = self._index[outstanding.key]
        if not isinstance(known, list):
            del self._index[outstanding.key]
            return
        known.remove(outstanding)
        if len(known) == 1:
            self._index[outstanding.key] = known[0]

    def overdue(self, now: float) -> Outstanding[T] | None:
        """A part whose time is over, if there is one."""
        first = next(iter(self._settled), None)
        if first is not None and first.since + self._final_lifetime <= now:
            return first
        first = next(iter(self._waiting), None)
        return first if first is not None and first.since + self._lifetime <= now else None

    def oldest(self) -> Outstanding[T] | None:
        """The oldest settled part, else the oldest."""
        return next(iter(self._settled), None) or next(iter(self._waiting), None)

    def next_deadline(self) -> float:
        """When the next part is overdue; infinity where none will be."""
        waiting, settled = next(iter(self._waiting), None), next(iter(self._settled), None)
        return min(
            waiting.since + self._lifetime if waiting is not None else inf,
            settled.since + self._final_lifetime if settled is not None else inf,
        )
