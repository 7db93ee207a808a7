"""Those that wait for places in the windows of a pool, in the order of their coming."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass

from smpp.pool.slot import Slot


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody who waits for places."""

    turn: int
    """Their place in the line: a part that comes back keeps the one it had."""
    count: int
    future: "asyncio.Future[list[Slot]]"

    def __lt__(self, other: "_Waiter") -> bool:
        return self.turn < other.turn


class Waiters:
    """The line.

    Args:
        take: takes up to so many places that are free now.

    Attributes:
        line: a heap; empty where nobody waits.
    """

    __slots__ = ("_take", "line")

    def __init__(self, take: Callable[[int], list[Slot]]) -> None:
        self._take = take
        self.line: list[_Waiter] = []

    @property
    def first_turn(self) -> int:
        """Whose turn is next; ask only while somebody waits."""
        return self.line[0].turn

    async def wait(self, turn: int, count: int) -> list[Slot]:
        """Wait for up to so many places, one at least."""
        waiter = _Waiter(turn, count, asyncio.get_running_loop().create_future())
        heapq.heappush(self.line, waiter)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None:
                for slot in waiter.future.result():
                    slot.release()
            raise

    def serve(self) -> bool:
        """Hand out free places; whether nobody is left that waits."""
        while self.line:
            waiter = self.line[0]
            if waiter.future.done():
                heapq.heappop(self.line)
                continue
            slots = self._take(waiter.count)
            if not slots:
                return False
            heapq.heappop(self.line)
            waiter.future.set_result(slots)
        return True

    def close(self, error: Exception) -> None:
        """There will be no places."""
        waiting = list(self.line)
        self.line.clear()
        for waiter in waiting:
            if not waiter.future.done():
                waiter.future.set_exception(error)
