"""Which bind carries the next part: the best priority that has a bind up, shares by weight, room before turns."""

from collections.abc import Sequence
from typing import Final

from smpp.pool.bind import BindState, PoolBind

_BOUND: Final = BindState.BOUND

_LONGEST_RUN: Final = 16
"""Parts that one bind gets before another gets some; fewer where windows are small."""

_MOST_RUNS: Final = 4
"""In how many runs a window is filled, however many binds there are: parts that leave together share a write."""

_HEALTHY_SHARE: Final = 0.25
"""A bind takes its turn where at least this share of the freest bind's room is free in its own window: one whose
answers come late gets less, whatever its weight."""

_ALIKE_SHARE: Final = 0.5
"""Binds of one server with at least this share of the freest one's room follow it without a new comparison."""


class Choice:
    """Chooses among the binds of a pool.

    Args:
        binds: all of them.

    Attributes:
        may_send: whether any bind can ever carry a message.
    """

    __slots__ = (
        "_active",
        "_binds",
        "_chosen",
        "_has_one_server",
        "_least",
        "_next",
        "_run",
        "_run_left",
        "_spent",
        "may_send",
    )

    def __init__(self, binds: Sequence[PoolBind]) -> None:
        self._binds = [bind for bind in binds if bind.may_send]
        self.may_send = bool(self._binds)
        self._active: list[PoolBind] = []
        self._has_one_server = False
        self._next: list[PoolBind] = []
        """Binds that follow the chosen one, the last of them first."""
        self._least = 1
        """The room that each of them needs when its turn comes."""
        self._chosen: PoolBind | None = None
        self._run = self._run_left = 0
        self._spent = 0.0

    @property
    def is_possible(self) -> bool:
        """Whether a bind is up that may carry one."""
        return bool(self._active)

    def refresh(self) -> None:
        """Binds went up or down, or were suspended: see anew which of them carry messages."""
        self._end_run()
        self._next.clear()
        up = [bind for bind in self._binds if bind.state is BindState.BOUND and not bind.is_suspended]
        best = min((bind.server.priority for bind in up), default=0)
        self._active = [bind for bind in up if bind.server.priority == best]
        self._has_one_server = len({bind.server for bind in self._active}) == 1

    def freest(self) -> PoolBind | None:
        """The bind that is next: for a run of parts, since to compare all binds costs more than to write."""
        chosen = self._chosen
        if chosen is not None and self._run_left > 0 and chosen.server.has_room and chosen.room() > 0:
            self._run_left -= 1
            return chosen
        return self._choose()

    def in_run(self) -> PoolBind | None:
        """The bind whose run it is, without a look at its window: whoever writes over it finds out."""
        chosen = self._chosen
        if (
            chosen is None
            or self._run_left <= 0
            or chosen.is_paced
            or chosen.pause.is_on
            or chosen.server.pause.is_on
            or chosen.state is not _BOUND
        ):
            return None
        self._run_left -= 1
        return chosen

    def elsewhere(self, avoid: str) -> PoolBind | None:
        """The bind with the most room, any other before the one of that name."""
        best, best_key = None, (False, 0)
        for bind in self._active:
            room = bind.room() if bind.server.has_room else 0
            if room and (bind.name != avoid, room) > best_key:
                best, best_key = bind, (bind.name != avoid, room)
        return best

    def _choose(self) -> PoolBind | None:
        self._end_run()
        best, room = self._following()
        if best is None:
            rooms = [(bind.room(), bind) for bind in self._active if bind.server.has_room]
            best, room = self._most_room(rooms) if self._has_one_server else self._next_in_turn(rooms)
            if best is None:
                return None
            # A server that was away, or slow, does not make up for it at the cost of the others.
            self._spent = best.server.spent = max(best.server.spent, self._spent)
        self._chosen = best
        self._run = self._run_of(room)
        self._run_left = self._run - 1
        return best

    def _run_of(self, room: int) -> int:
        return max(1, min(_LONGEST_RUN, room // min(len(self._active), _MOST_RUNS)))

    def _following(self) -> tuple[PoolBind | None, int]:
        """The next of those that were about as free as the freest one: many binds are not compared for every part."""
        while self._next:
            bind = self._next.pop()
            room = bind.room()
            if room >= self._least and bind.server.has_room:
                return bind, room
        return None, 0

    def _most_room(self, rooms: Sequence[tuple[int, PoolBind]]) -> tuple[PoolBind | None, int]:
        best_room, best = max(rooms, key=_room_of, default=(0, None))
        if best is None or not best_room:
            return None, 0
        self._line_up(best, best_room, rooms, len(self._active))
        return best, best_room

    def _next_in_turn(self, rooms: Sequence[tuple[int, PoolBind]]) -> tuple[PoolBind | None, int]:
        """The freest bind of the server whose turn it is, among those with room enough."""
        least = max((room / bind.window for room, bind in rooms), default=0.0) * _HEALTHY_SHARE
        healthy = [(room, bind) for room, bind in rooms if room and room / bind.window >= least]
        if not healthy:
            return None, 0
        best_room, best = min(healthy, key=_turn_of)
        of_server = [(room, bind) for room, bind in healthy if bind.server is best.server]
        self._line_up(best, best_room, of_server, len(self._active) // 4)
        return best, best_room

    def _line_up(self, best: PoolBind, best_room: int, rooms: Sequence[tuple[int, PoolBind]], parts: int) -> None:
        """Who follows the best one, for so many parts in all."""
        count = parts // self._run_of(best_room) - 1
        if count > 0:
            self._least = max(1, int(best_room * _ALIKE_SHARE))
            alike = [(room, bind) for room, bind in rooms if room >= self._least and bind is not best]
            alike.sort(key=_room_of, reverse=True)
            self._next = [bind for _, bind in reversed(alike[:count])]

    def _end_run(self) -> None:
        """Book the parts that the chosen bind got."""
        if self._chosen is not None:
            self._chosen.server.spent += (self._run - self._run_left) / self._chosen.server.weight
            self._chosen = None
            self._run = self._run_left = 0


def _room_of(one: tuple[int, PoolBind]) -> int:
    return one[0]


def _turn_of(one: tuple[int, PoolBind]) -> tuple[float, int]:
    return one[1].server.spent, -one[0]
