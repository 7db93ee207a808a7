"""Which bind carries the next part: the best priority that has a bind up, shares by weight, room before turns."""

from collections.abc import Sequence
from typing import Final

from smpp.pool.bind import BindState, PoolBind

_LONGEST_RUN: Final = 16
"""Parts that one bind gets before all are compared again; fewer where windows are small."""

_HEALTHY_SHARE: Final = 0.25
"""A bind takes its turn where at least this share of the freest bind's room is free in its own window: one whose
answers come late gets less, whatever its weight."""


class Choice:
    """Chooses among the binds of a pool.

    Args:
        binds: all of them.

    Attributes:
        may_send: whether any bind can ever carry a message.
    """

    __slots__ = ("_active", "_binds", "_chosen", "_has_one_server", "_run", "_run_left", "_spent", "may_send")

    def __init__(self, binds: Sequence[PoolBind]) -> None:
        self._binds = [bind for bind in binds if bind.may_send]
        self.may_send = bool(self._binds)
        self._active: list[PoolBind] = []
        self._has_one_server = False
        self._chosen: PoolBind | None = None
        self._run = self._run_left = 0
        self._spent = 0.0

    @property
    def is_possible(self) -> bool:
        """Whether a bind is up that may carry one."""
        return bool(self._active)

    def refresh(self) -> None:
        """Binds went up or down: see anew which of them carry messages."""
        self._end_run()
        up = [bind for bind in self._binds if bind.state is BindState.BOUND]
        best = min((bind.server.priority for bind in up), default=0)
        self._active = [bind for bind in up if bind.server.priority == best]
        self._has_one_server = len({bind.server for bind in self._active}) == 1

    def freest(self) -> PoolBind | None:
        """The bind that is next: for a run of parts, since to compare all binds costs more than to write."""
        chosen = self._chosen
        if chosen is not None and self._run_left > 0 and chosen.server.has_room and chosen.room > 0:
            self._run_left -= 1
            return chosen
        return self._choose()

    def elsewhere(self, avoid: str) -> PoolBind | None:
        """The bind with the most room, any other before the one of that name."""
        best, best_key = None, (False, 0)
        for bind in self._active:
            room = bind.room if bind.server.has_room else 0
            if room and (bind.name != avoid, room) > best_key:
                best, best_key = bind, (bind.name != avoid, room)
        return best

    def _choose(self) -> PoolBind | None:
        self._end_run()
        best, best_room = self._most_room() if self._has_one_server else self._next_in_turn()
        if best is not None:
            # A server that was away, or slow, does not make up for it at the cost of the others.
            self._spent = best.server.spent = max(best.server.spent, self._spent)
            self._chosen = best
            self._run = max(1, min(_LONGEST_RUN, best_room // len(self._active)))
            self._run_left = self._run - 1
        return best

    def _most_room(self) -> tuple[PoolBind | None, int]:
        best, best_room = None, 0
        for bind in self._active:
            room = bind.room
            if room > best_room and bind.server.has_room:
                best, best_room = bind, room
        return best, best_room

    def _next_in_turn(self) -> tuple[PoolBind | None, int]:
        """The freest bind of the server whose turn it is, among those with room enough."""
        rooms = [(bind, bind.room) for bind in self._active if bind.server.has_room]
        least = max((room / bind.window for bind, room in rooms), default=0.0) * _HEALTHY_SHARE
        best, best_room = None, 0
        for bind, room in rooms:
            if not room or room / bind.window < least:
                continue
            if best is None or (bind.server.spent, -room) < (best.server.spent, -best_room):
                best, best_room = bind, room
        return best, best_room

    def _end_run(self) -> None:
        """Book the parts that the chosen bind got."""
        if self._chosen is not None:
            self._chosen.server.spent += (self._run - self._run_left) / self._chosen.server.weight
            self._chosen = None
            self._run = self._run_left = 0
