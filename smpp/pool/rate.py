"""How fast a counter grew over the last seconds. Pure; time comes in."""

from collections import deque
from typing import Final

SPAN_SECONDS: Final = 5.0
"""What a rate is the average of."""


class RateMeter:
    """Looks at a counter now and then, rather than at each of its steps."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now: float, total: int) -> None:
        """Note what the counter says; about once a second."""
        samples = self._samples
        samples.append((now, total))
        while len(samples) > 1 and samples[1][0] <= now - SPAN_SECONDS:
            samples.popleft()

    @property
    def per_second(self) -> float:
        """Steps a second between the oldest look within the span and the last one."""
        if len(self._samples) < 2:
            return 0.0
        (began, before), (ended, after) = self._samples[0], self._samples[-1]
        return (after - before) / (ended - began) if ended > began else 0.0
