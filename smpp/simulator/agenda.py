"""What is to be done later: one heap and one timer of the loop, however much there is."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

_MOST_A_TURN: Final = 500
"""Things done in one turn of the loop, so that sockets get theirs in between."""


class Agenda:
    """Calls functions when their time has come; needs a running loop.

    A `call_later` for each message would cost 2 µs and a handle in the loop's own heap, and could not be cleared.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._armed_for = float("inf")
        self._closed = False

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, seconds: float, function: Callable[..., object], *arguments: Any) -> None:
        """Call it so many seconds from now, never within this call."""
        self.at(self._loop.time() + seconds, function, *arguments)

    def at(self, due: float, function: Callable[..., object], *arguments: Any) -> None:
        """Call it at this time of the loop's clock; what is due at the same time goes in the order it was given."""
        if self._closed:
            return
        heappush(self._heap, (due, next(self._order), function, arguments))
        if due < self._armed_for:
            self._arm(due)

    def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = due
        if due <= self._loop.time():
            self._timer = self._loop.call_soon(self._run)
        else:
            self._timer = self._loop.call_at(due, self._run)

    def _run(self) -> None:
        self._timer = None
        # Nothing that is put in while we run arms a timer: the end of this run does.
        self._armed_for = float("-inf")
        heap, now = self._heap, self._loop.time()
        try:
            for _ in range(_MOST_A_TURN):
                if not heap or heap[0][0] > now:
                    break
                _, _, function, arguments = heappop(heap)
                function(*arguments)
        finally:
            self._armed_for = float("inf")
            if heap and not self._closed:
                self._arm(heap[0][0])
