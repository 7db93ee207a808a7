"""An event loop whose clock runs only while nothing can be done: hours pass in a moment, and rates can be tested.

Sockets work as usual, as long as both ends are in this loop.
"""

import asyncio
import functools
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class _SkippingSelector(selectors.DefaultSelector):
    """Does not wait for the next timer: it lets that time be over."""

    def __init__(self, lateness: float, seed: int) -> None:
        super().__init__()
        self.now = 1000.0
        self._lateness = lateness
        self._random = random.Random(seed)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; if nothing is, the time of the next timer has come, or is even a little over."""
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(1.0)
        late = self._random.expovariate(1 / self._lateness) if self._lateness else 0.0
        self.now += (timeout or 0.0) + late
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop.

    Args:
        lateness: by how many seconds timers are late, on average.
        seed: of that.
    """

    def __init__(self, lateness: float = 0.0, seed: int = 1) -> None:
        self._clock = _SkippingSelector(lateness, seed)
        super().__init__(self._clock)

    def time(self) -> float:
        """The clock."""
        return self._clock.now


def run_virtually(work: Coroutine[Any, Any, T], *, lateness: float = 0.0, seed: int = 1) -> T:
    """`asyncio.run` with such a loop."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(lateness, seed)) as runner:
        return runner.run(work)


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A decorator for a test that is to run in such a loop."""

    @functools.wraps(test)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        run_virtually(test(*arguments, **options))

    return run
