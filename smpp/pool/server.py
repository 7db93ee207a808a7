"""One server of a pool: the pace of its parts, and its pauses.

Parts leave one after the other, no sooner than the server's limit allows, whichever bind carries them. A part that
waits for its moment holds a place in its bind's window; when the server asks for a pause, it gives the place back
unsent, since nobody knows how long that lasts.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from smpp.backoff import Backoff
from smpp.endpoint import Endpoint
from smpp.pool.settings import PoolConfig
from smpp.ratelimit import Pacer

_LEAD_SECONDS: Final = 0.05
"""How far ahead of their moment parts may take a place: enough to commit a batch meanwhile, little to be in doubt."""


class Pause:
    """A pause that an SMSC asked for; each that follows without a success between is longer.

    Args:
        config: the pool's settings.
        on_end: called when it is over.
    """

    def __init__(self, config: PoolConfig, on_end: Callable[[], None]) -> None:
        self.until = 0.0
        """Its end on the loop's clock."""
        self._on_end = on_end
        self._backoff = Backoff(config.throttle_min_seconds, config.throttle_max_seconds)
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def is_on(self) -> bool:
        """Whether it lasts."""
        return self._timer is not None

    def begin(self) -> None:
        """The SMSC says that we are too fast. Further answers of the same burst do not make it longer."""
        if self._timer is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self.until = loop.time() + self._backoff.next()
            self._timer = loop.call_at(self.until, self._end)

    def forget(self) -> None:
        """The SMSC took a part: the next pause starts small again."""
        if self._backoff.failures and self._timer is None:
            self._backoff.reset()

    def close(self) -> None:
        """End it, and begin no other."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        self._on_end()


class PoolServer:
    """A server's pace.

    Args:
        endpoint: the server.
        config: the pool's settings.
        on_room: called when it may take more.
    """

    def __init__(self, endpoint: Endpoint, config: PoolConfig, on_room: Callable[[], None]) -> None:
        self.endpoint = endpoint
        self.pause = Pause(config, on_room)
        self.taken = 0
        """Places that were taken for parts which have not been written yet."""
        self._on_room = on_room
        self._pacer = Pacer(config.parts_per_second_per_server)
        self._queue: deque[Callable[[], bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        rate = config.parts_per_second_per_server
        self._ahead = max(1, int(rate * _LEAD_SECONDS)) if rate else 0

    @property
    def is_paced(self) -> bool:
        """Whether parts have to wait for their turn."""
        return self._ahead > 0

    @property
    def has_room(self) -> bool:
        """Whether one more part may take a place."""
        return not self.pause.is_on and (not self._ahead or self.taken < self._ahead)

    def write(self, write: Callable[[], bool]) -> None:
        """Call `write` when it is this part's turn: at once where there is no limit.

        Args:
            write: returns whether the part left; while the server pauses it must not.
        """
        if not self._ahead or self.pause.is_on:
            write()
            return
        self._queue.append(write)
        if self._timer is None:
            self._pump()

    def throttled(self) -> None:
        """The server says that we are too fast: pause, also for parts that have their place already."""
        self.pause.begin()
        self._pacer.hold(self.pause.until)
        self._empty()

    def close(self) -> None:
        """Pace no more; parts that wait for their moment are tried once, and hear what `write` makes of it."""
        self.pause.close()
        self._empty()

    def _empty(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        queue, self._queue = self._queue, deque()
        for write in queue:
            write()

    def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        changed = False
        while self._queue:
            now = loop.time()
            delay = self._pacer.try_take(now)
            if delay > 0:
                self._timer = loop.call_later(delay, self._pump)
                break
            if not self._queue.popleft()():
                self._pacer.give_back(now)
            changed = True
        if changed:
            self._on_room()

    def __repr__(self) -> str:
        return f"<PoolServer {self.endpoint.name}{' paused' if self.pause.is_on else ''}>"
