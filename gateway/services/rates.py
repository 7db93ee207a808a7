"""Counts the requests of each account where a provider's document limits them: a bucket for each, in memory."""

import time
from collections.abc import Callable, Mapping

from gateway.shares import Share, SharedBucket, ShareOf


class RateLimits:
    """The port `Rates`."""

    def __init__(
        self,
        overrides: Mapping[tuple[str, str], float] | None = None,
        *,
        share_of: ShareOf | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the counters.

        Args:
            overrides: requests a second by account and name, in place of the document's; 0: no limit.
            share_of: this node's share of a limit; None: all of it.
        """
        self._overrides = overrides or {}
        self._share_of = share_of or (lambda _limit: Share())
        self._clock = clock
        self._buckets: dict[tuple[str, str], SharedBucket] = {}

    def replace(self, overrides: Mapping[tuple[str, str], float]) -> None:
        """Go by other rates from now on."""
        changed = {key for key in self._buckets if overrides.get(key) != self._overrides.get(key)}
        self._overrides = overrides
        for key in changed:
            del self._buckets[key]

    def take(self, account: str, name: str, per_second: float, burst: int) -> float:
        """Take one request's place; 0.0 where there was one, else the seconds until there will be."""
        key = account, name
        bucket = self._buckets.get(key)
        if bucket is None:
            # One for each account and call that knocked with the right key: the config bounds them.
            per_second = self._overrides.get(key, per_second)
            share = self._share_of(f"{name} requests of {account}") if per_second else None
            bucket = self._buckets[key] = SharedBucket(per_second, max(1, burst), share)
        return bucket.try_take(self._clock())
