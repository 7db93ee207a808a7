"""Limits that are for all nodes together: each node has a share of a limit and counts by that alone. Pure.

    limit 100/s   node a ████████████░░░░ 75/s     asked for most
                  node b ░░░░░░░░░░░░████ 25/s     hardly asked for: still enough to begin at once

Shares are whole numbers of ten-thousandths, so that they never add up to more than there is.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Final

WHOLE: Final = 10_000
"""All of a limit."""
LEAST: Final = 4
"""What nobody asks for is dealt out evenly; of the rest, a node keeps at least one in so many of an even share."""
CLOSE_ENOUGH: Final = 8
"""A node that has too much by one in so many of what it should have keeps it: demand is never quite steady."""
ROUNDING: Final = 1e-9
"""Fewer tokens than that are not missing."""
NO_SHARE_SECONDS: Final = 1.0
"""When to ask again where a node has no share yet."""


class Share:
    """This node's share of one limit, and what was asked of it; who deals changes it, buckets go by it.

    Args:
        fraction: of the limit.
        held_seconds: for how long the node has had a share.
    """

    __slots__ = ("__weakref__", "asked", "fraction", "held_seconds", "per_second")

    def __init__(self, fraction: float = 1.0, held_seconds: Callable[[], float] = lambda: float("inf")) -> None:
        self.fraction = fraction
        self.held_seconds = held_seconds
        self.asked = 0
        """What its buckets were asked for since somebody looked, refused or not."""
        self.per_second = 0.0
        """All of the limit, as the bucket made last has it."""


ShareOf = Callable[[str], Share]
"""This node's share of a limit, by the limit's name."""


class SharedBucket:
    """A limit for somebody else, with room for bursts, of which this node has a share.

    A share that grows brings no tokens along, one that shrinks takes some away: wherever they are asked for, there are
    never more than the limit allows. Each node may let at least one through at once, though.

    Args:
        per_second: how fast the whole limit refills; 0 is no limit.
        burst: how much the whole holds.
        share: None: all of it.
    """

    __slots__ = ("_capacity", "_fraction", "_share", "_tokens", "_updated", "burst", "per_second")

    def __init__(self, per_second: float, burst: int, share: Share | None = None) -> None:
        self.per_second = per_second
        self.burst = burst
        self._share = share if share is not None else Share()
        self._share.per_second = per_second
        self._fraction = -1.0
        self._capacity = 0.0
        self._tokens = 0.0
        self._updated: float | None = None

    def change(self, per_second: float, burst: int) -> None:
        """Another limit from now on; what was taken still counts."""
        self.per_second, self.burst, self._share.per_second = per_second, burst, per_second
        self._fraction = min(self._fraction, self._share.fraction)
        self._capacity = self._held()

    def _held(self) -> float:
        """How much this node's share holds."""
        return max(1.0, self.burst * self._fraction)

    def try_take(self, now: float, count: int = 1) -> float:
        """Take that many tokens together, or all that a full bucket has: a long message is not cut.

        Returns:
            0.0 where they are taken, else the seconds until they would be.
        """
        if not self.per_second:
            return 0.0
        share = self._share
        share.asked += count
        fraction, before = share.fraction, self._fraction
        if self._updated is None:
            self._begin(now)
        elif now > self._updated:
            # What has passed since the last time counts at the smaller of both shares.
            filled = (now - self._updated) * self.per_second * (fraction if fraction < before else before)
            self._tokens = min(self._capacity, self._tokens + filled)
            self._updated = now
        if fraction != before:
            self._fraction = fraction
            self._capacity = self._held()
            self._tokens = min(self._tokens, self._capacity)
        if not fraction:
            return NO_SHARE_SECONDS
        missing = min(count, self._capacity) - self._tokens
        if missing > ROUNDING:
            return missing / (self.per_second * fraction)
        self._tokens -= count
        return 0.0

    def _begin(self, now: float) -> None:
        """As full as the time since this node has a share has made it."""
        share = self._share
        self._updated = now
        if share.fraction:
            self._tokens = min(self.burst, share.held_seconds() * self.per_second * share.fraction)


def targets(demand: Mapping[str, float]) -> dict[str, int]:
    """What each node should have of a limit, all of which is dealt out.

    Each has a little, then what is asked of it, those who ask for less than an even share before those who ask for
    more; what is left is dealt out evenly.

    Args:
        demand: by node, as fractions of the limit.
    """
    nodes = sorted(demand)
    least = WHOLE // (LEAST * len(nodes))
    found = dict.fromkeys(nodes, least)
    left = WHOLE - least * len(nodes)
    wanting = sorted((max(0, ceil(min(demand[node], 1.0) * WHOLE) - least), node) for node in nodes)
    for n, (wanted, node) in enumerate(wanting):
        given = min(wanted, left // (len(nodes) - n))
        found[node] += given
        left -= given
    even, rest = divmod(left, len(nodes))
    return {node: found[node] + even + (n < rest) for n, node in enumerate(nodes)}


def deal(held: Mapping[str, int], wanted: Mapping[str, int], node: str, *, is_exact: bool = False) -> tuple[int, int]:
    """What a node has from now on of a limit, and how much of that it is to keep.

    It takes only what nobody holds. What it holds too much of it stops to use, then says so: others may take it when
    that is written, not before.

    Args:
        held: by living node.
        wanted: what each should have.
        node: who asks; one of them.
        is_exact: whether even a little too much is given up.
    """
    mine, target = held[node], wanted[node]
    if mine <= target:
        now = mine + min(max(0, WHOLE - sum(held.values())), target - mine)
        return now, now
    is_close = mine - target <= target // CLOSE_ENOUGH and all(held[one] >= wanted[one] // 2 for one in held)
    return mine, mine if is_close and not is_exact else target
