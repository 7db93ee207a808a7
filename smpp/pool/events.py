"""What happens to the binds of a pool, as it happens."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from smpp.log import log
from smpp.pool.bind import BindEvent, BindStatus, PoolBind

__all__ = ["BindEvent", "EventHub", "EventStream", "PoolEvent"]

MOST_KEPT_EVENTS: Final = 1000
"""Events that a stream keeps for a reader that does not read."""


@dataclass(frozen=True, slots=True)
class PoolEvent:
    """Something happened to a bind."""

    kind: BindEvent
    bind: str
    """``host:port#n``."""
    reason: str
    """Why, where there is more to say than the kind does."""
    at: float
    """On the loop's clock."""
    status: BindStatus
    """What was known of the bind right after it."""


class EventStream:
    """Events from the moment it was made: ``async for event in pool.events()``. It ends when the pool has stopped.

    Attributes:
        missed: events that went unread for so long that newer ones took their place.
    """

    def __init__(self, hub: "EventHub") -> None:
        self.missed = 0
        self._hub = hub
        self._events: deque[PoolEvent] = deque()
        self._news = asyncio.Event()
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PoolEvent:
        while not self._events:
            if self._is_over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    def close(self) -> None:
        """Take no more."""
        self._is_over = True
        self._hub.streams.discard(self)
        self._news.set()

    def put(self, event: PoolEvent) -> None:
        """One more."""
        if len(self._events) >= MOST_KEPT_EVENTS:
            self._events.popleft()
            self.missed += 1
        self._events.append(event)
        self._news.set()


class EventHub:
    """Tells all that listen.

    Args:
        on_event: called for each event, beside the streams.
    """

    def __init__(self, on_event: Callable[[PoolEvent], None] | None) -> None:
        self.streams: set[EventStream] = set()
        self._on_event = on_event
        self._is_over = False

    def listen(self) -> EventStream:
        """A stream of what happens from now on."""
        stream = EventStream(self)
        if self._is_over:
            stream.close()
        else:
            self.streams.add(stream)
        return stream

    def tell(self, kind: BindEvent, bind: PoolBind, reason: str) -> None:
        """Something happened."""
        if self._on_event is None and not self.streams:
            return
        status = bind.status
        event = PoolEvent(kind, status.name, reason, asyncio.get_running_loop().time(), status)
        for stream in self.streams:
            stream.put(event)
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception as error:
                log.error("on_event failed", bind=status.name, exc_info=error)

    def close(self) -> None:
        """Nothing will happen any more."""
        self._is_over = True
        for stream in list(self.streams):
            stream.close()
