"""Latencies in a bounded number of buckets, however many there are.

How it works: a time in microseconds falls into one of 64 equal buckets of its power of two, so that a percentile is
exact to 1.6% from one microsecond to hours, in some two thousand numbers.
"""

from collections.abc import Iterator
from typing import Final

_STEP_BITS: Final = 6
_STEPS: Final = 1 << _STEP_BITS
_MOST_BITS: Final = 34
"""More than four hours; what takes longer is counted as that."""

_BUCKETS: Final = (_MOST_BITS - _STEP_BITS + 1) * _STEPS


class Histogram:
    """How often which latency came."""

    __slots__ = ("_counts", "count", "largest", "smallest", "total")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.total = 0.0
        """Sum of all, in seconds."""
        self.smallest = 0.0
        self.largest = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        micros = int(seconds * 1e6)
        power = micros.bit_length() - _STEP_BITS - 1
        bucket = micros if power < 0 else (power << _STEP_BITS) + (micros >> power)
        self._counts[bucket if bucket < _BUCKETS else _BUCKETS - 1] += 1
        if seconds > self.largest:
            self.largest = seconds
        if seconds < self.smallest or not self.count:
            self.smallest = seconds
        self.count += 1
        self.total += seconds

    @property
    def mean(self) -> float:
        """In seconds; 0 where there is none."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """The latency that so many percent stay below, in seconds; 0 where there is none."""
        if not self.count:
            return 0.0
        wanted, seen = self.count * percent / 100, 0
        for start, end, count in self.buckets():
            seen += count
            if seen >= wanted:
                return min(max((start + end) / 2, self.smallest), self.largest)
        return self.largest

    def buckets(self) -> Iterator[tuple[float, float, int]]:
        """Beginning, end and count of each bucket that is not empty, in seconds."""
        for bucket, count in enumerate(self._counts):
            if count:
                yield _start(bucket) / 1e6, _start(bucket + 1) / 1e6, count


def _start(bucket: int) -> int:
    """Where a bucket begins, in microseconds."""
    power = bucket // _STEPS - 1
    return bucket if power < 0 else (_STEPS + bucket % _STEPS) << power
