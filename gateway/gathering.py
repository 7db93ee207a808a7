"""Parts of a customer's long message that have to leave together: they wait here for each other. Time comes in.

lane ──part──► add ──all there──► they leave as one message
                └──not all within the time──► overdue: they are given up
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import structlog

from gateway.errors import StoreError
from gateway.lanes import Item, Lane
from gateway.meeting import ALONE_SECONDS, Meeting
from gateway.models import Message
from gateway.providers.carrying import Piece, PieceKey
from gateway.store import Store
from gateway.uplinks.base import Slot, Uplink

log = structlog.get_logger(__name__)

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


class Gathering:
    """The parts that wait, of all uplinks that carry whole messages only.

    Args:
        uplinks: by name; those there are at the time.
        store: where other nodes' parts are.
        node: this one.
    """

    def __init__(self, uplinks: Mapping[str, Uplink], store: Store, node: str, clock: Callable[[], float]) -> None:
        self._uplinks = uplinks
        self._store = store
        self._node = node
        self._clock = clock
        self._joiners: dict[str, Joiner] = {}
        self._meeting = Meeting(store, node, clock)
        self._is_meeting = False
        self._meet_at = 0.0

    def forget(self, name: str) -> None:
        """An uplink is no more."""
        self._joiners.pop(name, None)

    def gather(self, lane: Lane, item: Item, now: float) -> list[Item]:
        """What leaves together with an item: itself, or all parts of its message, or nothing as long as some miss."""
        piece_of: Callable[[Message], Piece | None] | None = getattr(self._uplinks[lane.name], "piece_of", None)
        piece = piece_of(item.work.message) if piece_of is not None else None
        if piece is None:
            return [item]
        joiner = self._joiners.setdefault(lane.name, Joiner())
        return joiner.add(item, piece, now, self._seconds(lane.name), lane.is_current)

    def overdue(self, lane: Lane) -> list[tuple[Item, str]]:
        """What has waited too long, each with what is missing; asked often, looked at once a second."""
        joiner = self._joiners.get(lane.name)
        if joiner is None or not joiner.is_time(self._clock()):
            return []
        return list(joiner.overdue(self._clock(), lane.is_current))

    def alone(self, lane: Lane) -> list[tuple[PieceKey, list[Item]]] | None:
        """What may have its other parts at another node; None where nobody is to be asked now."""
        joiner = self._joiners.get(lane.name)
        now = self._clock()
        if joiner is None or self._is_meeting or now < self._meet_at or not self._meeting.is_needed:
            return None
        self._meet_at = now + LOOK_SECONDS
        alone = joiner.alone(now, ALONE_SECONDS, lane.is_current)
        self._is_meeting = bool(alone)
        return alone or None

    async def meet(
        self, uplink: str, alone: Sequence[tuple[PieceKey, list[Item]]], drop: Callable[[Collection[str]], None]
    ) -> None:
        """Give parts that wait alone to the node where the others are, and forget them here."""
        try:
            for key, items in alone:
                node = await self._meeting.node_of(uplink, key, self._seconds(uplink))
                ids = [item.work.message.id for item in items if not item.number]
                if node != self._node and ids:
                    drop(await self._store.hand_over(ids, node))
        except StoreError as error:
            log.warning("parts at other nodes cannot be looked for", error=str(error))
        finally:
            self._is_meeting = False

    def _seconds(self, name: str) -> float:
        uplink = self._uplinks[name]
        seconds: float = getattr(getattr(uplink, "current", uplink), "join_seconds", DEFAULT_SECONDS)
        return seconds


def shared(slot: Slot, count: int) -> Sequence[Slot]:
    """A slot as so many that are filled together; only uplinks that join messages are asked for it."""
    return cast(Shareable, slot).share(count)
