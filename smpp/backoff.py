"""How long to wait before the next attempt. Pure: it says how long, the caller waits.

The wait is drawn evenly between the minimum and a ceiling that grows with each failure ("full jitter" above a floor).
Adding a little noise to a fixed step would keep binds that were cut together close together for many rounds; drawing
from the whole range spreads them within one or two, which is what a restarted SMSC needs.
"""

from collections.abc import Callable
from random import Random


class Backoff:
    """Waits that grow from failure to failure, until `reset`.

    Args:
        minimum: no wait is shorter; seconds.
        maximum: no wait is longer.
        factor: how much the ceiling grows per failure. The first one is `minimum * factor`.
        jitter: the share of the range below the ceiling that is left to chance: 1 all of it, 0 waits the ceiling
            itself.
        refused_minimum: the least wait after `next(refused=True)`. An SMSC that still holds the old session
            (ESME_RALYBND) has to notice its end first, and some count attempts before that as an attack.
        random: gives numbers from 0 up to 1, such as `Random(7).random`; a generator of its own where it is left out.

    Attributes:
        failures: how many waits were drawn since the last success.
    """

    __slots__ = ("_factor", "_jitter", "_maximum", "_minimum", "_random", "_refused_minimum", "failures")

    def __init__(
        self,
        minimum: float = 1.0,
        maximum: float = 60.0,
        *,
        factor: float = 2.0,
        jitter: float = 1.0,
        refused_minimum: float = 5.0,
        random: Callable[[], float] | None = None,
    ) -> None:
        if not 0 < minimum <= maximum < float("inf"):
            raise ValueError(f"a back-off needs 0 < minimum <= maximum, not {minimum} and {maximum}")
        if not 1 <= factor < float("inf"):
            raise ValueError(f"a back-off's factor is at least 1, not {factor}")
        if not 0 <= jitter <= 1:
            raise ValueError(f"a back-off's jitter is from 0 to 1, not {jitter}")
        if not 0 <= refused_minimum < float("inf"):
            raise ValueError(f"a back-off's refused_minimum is not negative, unlike {refused_minimum}")
        self.failures = 0
        self._minimum = minimum
        self._maximum = maximum
        self._factor = factor
        self._jitter = jitter
        self._refused_minimum = max(minimum, refused_minimum)
        self._random = random or Random().random

    def next(self, *, refused: bool = False) -> float:
        """Count a failure and say how many seconds to wait.

        Args:
            refused: whether the peer answered and said no, so that `refused_minimum` applies. Where that is near or
                above the maximum, there is still room for jitter above it.
        """
        self.failures += 1
        floor, highest = self._minimum, self._maximum
        if refused:
            floor = self._refused_minimum
            highest = max(highest, floor * self._factor)
        ceiling = min(floor * self._growth(), highest)
        return ceiling - (ceiling - floor) * self._jitter * self._random()

    def reset(self) -> None:
        """An attempt succeeded: begin anew."""
        self.failures = 0

    def _growth(self) -> float:
        try:
            return self._factor**self.failures
        except OverflowError:
            return float("inf")

    def __repr__(self) -> str:
        return f"<Backoff {self._minimum:g}-{self._maximum:g} s, {self.failures} failures>"
