"""Parts of a customer's long message that have to leave together: they wait here for each other. Time comes in.

lane ──part──► add ──all there──► they leave as one message
                └──not all within the time──► overdue: they are given up
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from gateway.lanes import Item
from gateway.providers.carrying import Piece, PieceKey
from gateway.uplinks.base import Slot, Uplink

DEFAULT_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 1.0
"""So often is it looked at what waits too long."""
MAX_ALONE: Final = 200
"""Sets that are looked for at a time."""
MAX_SETS: Final = 100
"""Of one key: a sender that uses one reference for all its messages must not slow the others down."""


class Shareable(Protocol):
    """A slot of an uplink that carries whole messages only."""

    def share(self, count: int) -> Sequence[Slot]:
        """As many slots, filled by one request when the last of them is used."""


@dataclass(slots=True)
class _Set:
    """The parts of one message that have come."""

    total: int
    deadline: float
    looked_at: float
    """When the last of them came, or the others were looked for."""
    items: dict[int, Item] = field(default_factory=dict)


class Joiner:
    """The parts that wait for one uplink."""

    def __init__(self) -> None:
        self._sets: dict[PieceKey, list[_Set]] = {}
        self._look_at = 0.0

    def __len__(self) -> int:
        return sum(len(one.items) for sets in self._sets.values() for one in sets)

    def is_time(self, now: float) -> bool:
        """Whether it is time to look for what waits too long; asked often, rarely so."""
        if not self._sets or now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        return True

    def add(
        self, item: Item, piece: Piece, now: float, seconds: float, is_current: Callable[[Item], bool]
    ) -> list[Item]:
        """Let a part wait.

        Args:
            seconds: within which the next part has to come.
            is_current: whether a part still waits here; those that do not are left out.

        Returns:
            All parts in order, once they are there; they wait no more. Else nothing.
        """
        sets = self._sets.setdefault(piece.key, [])
        chosen = next((one for one in sets if _has_room(one, item, piece, is_current)), None)
        if chosen is None:
            # The reference was used again, or the part was sent twice: another message.
            chosen = _Set(piece.total, 0.0, now)
            sets.append(chosen)
        chosen.items[piece.number] = item
        chosen.looked_at, chosen.deadline = now, now + seconds
        if len(chosen.items) == chosen.total and all(is_current(one) for one in chosen.items.values()):
            sets.remove(chosen)
            if not sets:
                del self._sets[piece.key]
            return [chosen.items[number] for number in sorted(chosen.items)]
        if len(sets) > MAX_SETS:
            sets[0].deadline = 0.0
        return []

    def overdue(self, now: float, is_current: Callable[[Item], bool]) -> Iterator[tuple[Item, str]]:
        """Take out parts that have waited too long, each with what is missing."""
        for key, sets in list(self._sets.items()):
            for one in [one for one in sets if one.deadline <= now]:
                sets.remove(one)
                there = {number for number, item in one.items.items() if is_current(item)}
                missing = sorted(set(range(1, one.total + 1)) - there)
                words = f"of {one.total} parts {', '.join(map(str, missing))} did not come in time"
                for number in sorted(there):
                    yield one.items[number], words
            if not sets:
                del self._sets[key]

    def alone(
        self, now: float, seconds: float, is_current: Callable[[Item], bool]
    ) -> list[tuple[PieceKey, list[Item]]]:
        """Sets to which nothing has come for so long: the other parts may be at another node.

        Each is told of again after as long.
        """
        found: list[tuple[PieceKey, list[Item]]] = []
        for key, sets in self._sets.items():
            for one in sets:
                if one.looked_at + seconds <= now and len(found) < MAX_ALONE:
                    one.looked_at = now
                    found.append((key, [item for item in one.items.values() if is_current(item)]))
        return found


def _has_room(one: _Set, item: Item, piece: Piece, is_current: Callable[[Item], bool]) -> bool:
    there = one.items.get(piece.number)
    return there is None or there.work is item.work or not is_current(there)


def join_seconds(uplink: Uplink) -> float:
    """How long the parts of a message wait for the next of them."""
    seconds: float = getattr(getattr(uplink, "current", uplink), "join_seconds", DEFAULT_SECONDS)
    return seconds


def shared(slot: Slot, count: int) -> Sequence[Slot]:
    """A slot as so many that are filled together; only uplinks that join messages are asked for it."""
    return cast(Shareable, slot).share(count)
