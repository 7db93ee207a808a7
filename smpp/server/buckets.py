"""What accounts may still send: one bucket for all binds of an account. Pure; time comes in."""

from collections.abc import Callable
from typing import Final

from smpp.ratelimit import TokenBucket
from smpp.server.config import Grant

MANY_BUCKETS: Final = 1_000
"""From so many on those that mean nothing any more are looked for."""


class Buckets:
    """The buckets of a server.

    An account keeps its bucket when its last bind is gone, lest the next one begins with a full one; until it has
    filled up again, which makes it the same as a new one.

    Args:
        binds: tells how many binds an account has.
    """

    def __init__(self, binds: Callable[[str], int]) -> None:
        self._binds = binds
        self._buckets: dict[str, TokenBucket] = {}
        self._most = MANY_BUCKETS

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, account: str, grant: Grant, now: float) -> TokenBucket | None:
        """The bucket of an account that binds; None where it has no limit."""
        if not grant.requests_per_second:
            self._buckets.pop(account, None)
            return None
        bucket = self._buckets.get(account)
        if bucket is None:
            if len(self._buckets) >= self._most:
                self._forget(now)
            bucket = self._buckets[account] = TokenBucket(grant.requests_per_second, grant.burst_size)
        bucket.per_second, bucket.burst = grant.requests_per_second, grant.burst_size
        return bucket

    def _forget(self, now: float) -> None:
        self._buckets = {
            account: bucket
            for account, bucket in self._buckets.items()
            if self._binds(account) or not bucket.is_full(now)
        }
        # As many again before the next look: looking costs nothing to speak of.
        self._most = max(MANY_BUCKETS, 2 * len(self._buckets))
