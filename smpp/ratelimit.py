"""Rates. Pure: time comes in as seconds of one monotonic clock.

`Pacer` keeps us within a limit that somebody else enforces; `TokenBucket` enforces ours on somebody else.

How the pacer works. A grid of planned departures, `1 / rate` apart, says when the next part is due; a part that leaves
late does not move the grid, so a timer that fires a millisecond late costs nothing in the long run. Only time for which
somebody was waiting counts: after idle time the grid starts anew, with at most `burst` parts of credit. Beside the grid
stands a record of the last `rate` departures as they really were: the next part leaves no sooner than a second and a
guard after the oldest of them, so no sliding second ever holds more than the limit, whatever the grid would like to
catch up on.

The guard is for the receiver's clock: what leaves a second apart may arrive a little less than a second apart.
"""

from collections import deque
from math import ceil, inf, isfinite
from typing import Final

CLOCK_TOLERANCE_SECONDS: Final = 1e-9
"""Waits shorter than this are rounding, not waiting."""

TIMER_SLACK_SECONDS: Final = 0.002
"""How much the grid of the pacer is wider than its record demands, per second: timers late by this much on average cost
nothing."""

_SAME_TURN_SECONDS: Final = 0.0005
"""Takes this close together belong to one turn of the caller's loop: no idle time lies between them."""


class Pacer:
    """Strict pacing of parts, for the side that has to keep a limit.

    Ask when something wants to go. If the answer is a wait, wait that long and ask again; every caller in the same turn
    asks for itself, and only those that get 0 may go. A rate of 2.5 is read as 3 parts in any 1.2 seconds.

    Args:
        per_second: the limit; 0 is none.
        burst: how many parts may go at once after idle time. Limits are often checked on shorter spans than a second.
        guard_seconds: how far apart beyond a second the first and the last of `per_second + 1` parts leave, at least.
            The average stays below the limit by this share and `TIMER_SLACK_SECONDS`.
        catch_up_seconds: the longest lateness of a caller that waited which is made up for.
    """

    __slots__ = (
        "_burst",
        "_catch_up",
        "_count",
        "_departures",
        "_grid",
        "_guard",
        "_held_until",
        "_interval",
        "_per_second",
        "_somebody_waits",
        "_span",
    )

    def __init__(
        self, per_second: float = 0, burst: int = 1, *, guard_seconds: float = 0.004, catch_up_seconds: float = 0.05
    ) -> None:
        if guard_seconds < 0 or catch_up_seconds < 0:
            raise ValueError("guard_seconds and catch_up_seconds are not negative")
        self._guard = guard_seconds
        self._catch_up = catch_up_seconds
        self._burst = _checked_burst(burst)
        self._grid = -inf
        self._held_until = -inf
        self._somebody_waits = False
        self._departures: deque[float] = deque()
        self.per_second = per_second

    @property
    def per_second(self) -> float:
        """The limit; 0 where there is none. Setting it takes effect at once, with the last departures still in mind."""
        return self._per_second

    @per_second.setter
    def per_second(self, per_second: float) -> None:
        self._per_second = _checked_rate(per_second)
        if not per_second:
            self._departures.clear()
            return
        self._count = ceil(per_second)
        self._interval = (1 + self._guard + TIMER_SLACK_SECONDS) / per_second
        self._span = self._count / per_second + self._guard

    @property
    def burst(self) -> int:
        """How many parts may go at once after idle time."""
        return self._burst

    @burst.setter
    def burst(self, burst: int) -> None:
        self._burst = _checked_burst(burst)

    @property
    def unlimited(self) -> bool:
        """Whether there is no limit."""
        return not self._per_second

    def try_take(self, now: float) -> float:
        """Take one departure if it may be now.

        Returns:
            0.0 where it is taken, else the seconds until it is worth asking again.
        """
        wait = self.delay(now)
        if not wait:
            self.take(now)
        return wait

    def delay(self, now: float) -> float:
        """Seconds until the next part may go; 0.0 where it may go now. Somebody who asks counts as waiting."""
        due = self._held_until
        if self._per_second:
            departures = self._departures
            last = departures[-1] if departures else -inf
            if not self._somebody_waits and now - last > _SAME_TURN_SECONDS:
                # Idle since then: no credit but the burst.
                self._grid = max(self._grid, now - self._burst * self._interval)
            due = max(due, last, self._grid + self._interval)
            surplus = len(departures) - self._count
            if surplus >= 0:
                due = max(due, departures[surplus] + self._span)
        if due - now > CLOCK_TOLERANCE_SECONDS:
            self._somebody_waits = True
            return due - now
        return 0.0

    def take(self, now: float) -> None:
        """Book a departure that `delay` allowed at this moment."""
        if not self._per_second:
            return
        credit = max(self._catch_up, (self._burst - 1) * self._interval)
        self._grid = max(self._grid + self._interval, now - credit)
        self._somebody_waits = False
        departures = self._departures
        departures.append(now)
        # More than the limit's worth is there after the limit was lowered: it may be raised again.
        while len(departures) > self._count and departures[0] <= now - 1 - self._guard:
            departures.popleft()

    def give_back(self, taken_at: float) -> None:
        """Undo a take of that moment, for a part that did not leave after all."""
        for index in range(len(self._departures) - 1, -1, -1):
            if self._departures[index] == taken_at:
                del self._departures[index]
                self._grid -= self._interval
                return
            if self._departures[index] < taken_at:
                return

    def hold(self, until: float) -> None:
        """Let nothing go before a moment, as after ESME_RTHROTTLED. The time held gives no credit."""
        self._held_until = max(self._held_until, until)
        if self._per_second:
            self._grid = max(self._grid, until - self._interval)

    def __repr__(self) -> str:
        rate = "unlimited" if self.unlimited else f"{self._per_second:g}/s, burst {self._burst}"
        return f"<Pacer {rate}>"


class TokenBucket:
    """A limit for somebody else, with room for bursts: an account's, a peer's.

    Args:
        per_second: how fast it refills; 0 is no limit.
        burst: how much it holds. At least the parts of the longest message, which is taken as a whole or not at all.
    """

    __slots__ = ("_burst", "_per_second", "_tokens", "_updated")

    def __init__(self, per_second: float = 0, burst: int = 1) -> None:
        self._per_second = _checked_rate(per_second)
        self._burst = _checked_burst(burst)
        self._tokens = float(burst)
        self._updated = -inf

    @property
    def per_second(self) -> float:
        """How fast it refills; 0 where there is no limit. A new rate counts from the last take on."""
        return self._per_second

    @per_second.setter
    def per_second(self, per_second: float) -> None:
        self._per_second = _checked_rate(per_second)

    @property
    def burst(self) -> int:
        """How much it holds."""
        return self._burst

    @burst.setter
    def burst(self, burst: int) -> None:
        self._burst = _checked_burst(burst)
        self._tokens = min(self._tokens, float(burst))

    @property
    def unlimited(self) -> bool:
        """Whether there is no limit."""
        return not self._per_second

    def try_take(self, now: float, count: int = 1) -> float:
        """Take that many tokens together, if they are there.

        Returns:
            0.0 where they are taken, else the seconds until they would be.

        Raises:
            ValueError: more than the bucket can ever hold.
        """
        if not self._per_second:
            return 0.0
        if count > self._burst:
            raise ValueError(f"{count} tokens from a bucket that holds {self._burst}")
        if now > self._updated:
            if self._tokens < self._burst:
                self._tokens = min(float(self._burst), self._tokens + (now - self._updated) * self._per_second)
            self._updated = now
        missing = count - self._tokens
        if missing > CLOCK_TOLERANCE_SECONDS * self._per_second:
            return missing / self._per_second
        self._tokens -= count
        return 0.0

    def is_full(self, now: float) -> bool:
        """Whether it is as full as a new one."""
        return not self._per_second or self._tokens + (now - self._updated) * self._per_second >= self._burst

    def give_back(self, count: int = 1) -> None:
        """Put tokens back that were taken and not used."""
        self._tokens = min(float(self._burst), self._tokens + count)

    def __repr__(self) -> str:
        rate = "unlimited" if self.unlimited else f"{self._per_second:g}/s, {self._tokens:.1f} of {self._burst}"
        return f"<TokenBucket {rate}>"


def _checked_rate(per_second: float) -> float:
    if not (isfinite(per_second) and per_second >= 0):
        raise ValueError(f"a rate is 0 (no limit) or more per second, not {per_second}")
    return per_second


def _checked_burst(burst: int) -> int:
    if burst < 1:
        raise ValueError(f"a burst is at least 1, not {burst}")
    return burst
