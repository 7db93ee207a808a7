"""When a provider that fails is left alone, and when it is tried again. Pure: time comes in as an argument.

closed ──failures in a row──► open ──its pause is over──► half open ──one request──► closed, or open for longer
"""

from smpp.backoff import Backoff


class Breaker:
    """What is known of a provider's health.

    Args:
        failures: so many in a row open it.
        pauses: how long it stays open, from one time to the next.
    """

    def __init__(self, failures: int, pauses: Backoff) -> None:
        self._limit = failures
        self._pauses = pauses
        self._failures = 0
        self._open_until = 0.0
        self._trials = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing is wrong."""
        return self._failures < self._limit

    def is_open(self, now: float) -> bool:
        """Whether nothing may be sent."""
        return not self.is_closed and now < self._open_until

    def room(self, now: float, wanted: int) -> int:
        """How many requests of these may be made: half open, one at a time."""
        if self.is_closed:
            return wanted
        if now < self._open_until or self._trials:
            return 0
        return min(1, wanted)

    def wait(self, now: float) -> float:
        """Seconds until there may be room; 0 where that hangs on a request under way."""
        return max(0.0, self._open_until - now) if not self.is_closed else 0.0

    def began(self) -> None:
        """A place was taken."""
        self._trials += 1

    def ended(self) -> None:
        """It was given back."""
        self._trials -= 1

    def succeeded(self) -> None:
        """The provider answered as it should."""
        self._failures = 0
        self._pauses.reset()

    def failed(self, now: float) -> bool:
        """It did not; whether it is left alone from now on."""
        self._failures += 1
        if self._failures < self._limit or now < self._open_until:
            return False
        self._open_until = now + self._pauses.next()
        return True
