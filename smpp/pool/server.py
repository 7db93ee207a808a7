"""One server of a pool: the pace of its parts, and its pauses.

Parts leave one after the other, no sooner than the limits of the server and of the bind that carries them allow. A part
that waits for its moment holds a place in its bind's window; when the server asks for a pause, it gives the place back
unsent, since nobody knows how long that lasts.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Final

from smpp.backoff import Backoff
from smpp.client import ClientConfig
from smpp.endpoint import Endpoint
from smpp.pool.settings import PoolBindMode, PoolConfig, ServerOptions
from smpp.ratelimit import Pacer

_LEAD_SECONDS: Final = 0.2
"""How far ahead of their moment parts may take a place: enough to commit a batch meanwhile also on a slow disk."""


def _nothing() -> None:
    """Nobody has to know."""


class Pause:
    """A pause that an SMSC asked for; each that follows without a success between is longer.

    Args:
        config: the pool's settings.
        on_end: called when it is over.
        on_begin: called when one begins.
    """

    def __init__(self, config: PoolConfig, on_end: Callable[[], None], on_begin: Callable[[], None] = _nothing) -> None:
        self.is_on = False
        """Whether it lasts."""
        self.was_on = False
        """Whether there was one since the SMSC last took a part."""
        self.until = 0.0
        """Its end on the loop's clock."""
        self._on_end = on_end
        self._on_begin = on_begin
        self._backoff = Backoff(config.throttle_min_seconds, config.throttle_max_seconds)
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def begin(self) -> None:
        """The SMSC says that we are too fast. Further answers of the same burst do not make it longer."""
        if self._timer is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self.until = loop.time() + self._backoff.next()
            self._timer = loop.call_at(self.until, self._end)
            self.is_on = self.was_on = True
            self._on_begin()

    def forget(self) -> None:
        """The SMSC took a part: the next pause starts small again."""
        if self.was_on and not self.is_on:
            self.was_on = False
            self._backoff.reset()

    def close(self) -> None:
        """End it, and begin no other."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.is_on = False

    def _end(self) -> None:
        self._timer = None
        self.is_on = False
        self._on_end()


class Lane:
    """Parts that wait for their moment: those of one bind where binds have a limit, else those of the server.

    Attributes:
        ahead: how many places may be taken at once for parts which have not been written yet; 0: any number.
        taken: how many are.
    """

    __slots__ = ("ahead", "pacer", "queue", "taken")

    def __init__(self, rate: float) -> None:
        self.ahead = max(1, int(rate * _LEAD_SECONDS)) if rate else 0
        self.taken = 0
        self.pacer = Pacer(rate)
        self.queue: deque[tuple[int, Callable[[], bool]]] = deque()

    @property
    def has_room(self) -> bool:
        """Whether one more part may take a place."""
        return not self.ahead or self.taken < self.ahead


class PoolServer:
    """A server's pace.

    Args:
        endpoint: the server.
        options: what is set for it alone.
        client: settings of its connections.
        config: the pool's settings.
        on_room: called when it may take more.
        on_pause: called when it pauses (True), and when it goes on (False).

    Attributes:
        is_drained: whether nothing new may go to it.
        spent: parts it was given, divided by its weight.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        options: ServerOptions,
        client: ClientConfig,
        config: PoolConfig,
        *,
        on_room: Callable[[], None],
        on_pause: "Callable[[PoolServer, bool], None]",
    ) -> None:
        self.endpoint = endpoint
        self.client = client
        self.weight = options.weight
        self.priority = options.priority
        self.bind_count = options.binds or config.binds_per_server
        self.bind_mode: PoolBindMode = options.bind_mode or config.bind_mode
        self.is_drained = False
        self.spent = 0.0
        self.pause = Pause(config, lambda: on_pause(self, False), lambda: on_pause(self, True))
        self.taken = 0
        """Places that were taken for parts which have not been written yet."""
        rate, bind_rate = options.parts_per_second, options.parts_per_second_per_bind
        self._rate = config.parts_per_second_per_server if rate is None else rate
        self._bind_rate = config.parts_per_second_per_bind if bind_rate is None else bind_rate
        self._on_room = on_room
        self._pacer = Pacer(self._rate)
        self._lanes = [] if self._bind_rate else [Lane(0)]
        self._turns = count()
        self._timer: asyncio.TimerHandle | None = None
        self._ahead = max(1, int(self._rate * _LEAD_SECONDS)) if self._rate else 0
        self.is_paced = bool(self._rate or self._bind_rate)
        """Whether parts have to wait for their turn."""

    @property
    def name(self) -> str:
        """``host:port``."""
        return self.endpoint.name

    @property
    def has_room(self) -> bool:
        """Whether one more part may take a place."""
        return not self.pause.is_on and (not self._ahead or self.taken < self._ahead)

    def lane(self) -> Lane:
        """The lane for parts of one more bind."""
        if self._bind_rate:
            self._lanes.append(Lane(self._bind_rate))
        return self._lanes[-1]

    def write(self, lane: Lane, write: Callable[[], bool]) -> None:
        """Call `write` when it is this part's turn: at once where there is no limit.

        Args:
            lane: of the bind that carries it.
            write: returns whether the part left; while the server pauses it must not.
        """
        if not self.is_paced or self.pause.is_on or self.is_drained:
            write()
            return
        lane.queue.append((next(self._turns), write))
        if self._timer is None or lane.ahead:
            self._pump()

    def throttled(self) -> None:
        """The server says that we are too fast: pause, also for parts that have their place already."""
        self.pause.begin()
        self._pacer.hold(self.pause.until)
        self._empty()

    def drain(self) -> None:
        """Let nothing new go to it; parts that wait for their moment are given back."""
        self.is_drained = True
        self._empty()

    def close(self) -> None:
        """Pace no more; parts that wait for their moment are tried once, and hear what `write` makes of it."""
        self.pause.close()
        self._empty()

    def _empty(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting = sorted((item for lane in self._lanes for item in lane.queue), key=lambda item: item[0])
        for lane in self._lanes:
            lane.queue.clear()
        for _, write in waiting:
            write()

    def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changed = False
        while True:
            now = loop.time()
            lane, delay = self._next_lane(now)
            if lane is not None:
                delay = self._pacer.try_take(now)
            if lane is None or delay > 0:
                if delay < inf:
                    self._timer = loop.call_later(delay, self._pump)
                break
            lane.pacer.take(now)
            if not lane.queue.popleft()[1]():
                self._pacer.give_back(now)
                lane.pacer.give_back(now)
            changed = True
        if changed:
            self._on_room()

    def _next_lane(self, now: float) -> tuple[Lane | None, float]:
        """The lane whose first part is the oldest of those that their binds let go now, or how long none may."""
        best, soonest = None, inf
        for lane in self._lanes:
            if not lane.queue:
                continue
            delay = lane.pacer.delay(now)
            if delay > 0:
                soonest = min(soonest, delay)
            elif best is None or lane.queue[0][0] < best.queue[0][0]:
                best = lane
        return best, soonest

    def __repr__(self) -> str:
        return f"<PoolServer {self.name}{' paused' if self.pause.is_on else ''}{' drained' if self.is_drained else ''}>"
