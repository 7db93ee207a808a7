"""Bind slots: what an SMSC allows all nodes together, dealt out among those that want to bind.

A slot is one of the binds that a server allows. Its row names the node that holds it, as long as that node's lease
runs: who holds a slot may bind, and send at its share of the server's rate.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec


class BindSlot(NamedTuple):
    """One bind that a server allows."""

    server: str
    """What the SMSC counts by: ``system_id@host:port``."""
    n: int


Wanted = Mapping[str, Sequence[BindSlot]]
"""By uplink: its slots, on all its servers."""


class Shares(msgspec.Struct, frozen=True):
    """How the slots are dealt out now."""

    held: frozenset[BindSlot] = frozenset()
    """This node's."""
    surplus: frozenset[BindSlot] = frozenset()
    """Of those, what others should have: to be given up once their binds are closed."""
    elsewhere: frozenset[str] = frozenset()
    """Uplinks of which other nodes hold slots, and this one none."""


def deal(holders: Mapping[BindSlot, str], seekers: Collection[str], node: str) -> tuple[list[BindSlot], list[BindSlot]]:
    """Which free slots of an uplink a node takes, and which of its own it has to give up.

    In the end nobody holds two more than another. Whoever holds one keeps one. All nodes come to the same result of the
    same rows.

    Args:
        holders: all slots, each with the living node that holds it, or "".
        seekers: the living nodes that want them.
        node: who asks; one of the seekers.
    """
    counts = dict.fromkeys(seekers, 0)
    for holder in holders.values():
        if holder in counts:
            counts[holder] += 1
    free = [slot for slot, holder in sorted(holders.items()) if not holder]
    mine = [slot for slot, holder in sorted(holders.items()) if holder == node]
    fair, rest = divmod(sum(counts.values()) + len(free), len(counts))
    # Who has more keeps more: the fewest binds are closed.
    ranks = sorted(counts, key=lambda name: (-counts[name], name))
    targets = {name: fair + (rank < rest) for rank, name in enumerate(ranks)}
    missing = sum(max(0, targets[name] - count) for name, count in counts.items()) - len(free)
    for name in ranks:
        given = max(0, min(counts[name] - targets[name], missing))
        if name == node:
            return _take(free, mine, targets[node] - len(mine)), _give(mine, given)
        missing -= given
    return [], []


def _take(free: list[BindSlot], mine: list[BindSlot], count: int) -> list[BindSlot]:
    """Those of the servers where we have the fewest first."""
    left, taken = list(free), list[BindSlot]()
    have = Counter(slot.server for slot in mine)
    while left and len(taken) < count:
        best = min(left, key=lambda slot: (have[slot.server], slot))
        left.remove(best)
        taken.append(best)
        have[best.server] += 1
    return taken


def _give(mine: list[BindSlot], count: int) -> list[BindSlot]:
    """Those of the servers where we have the most first."""
    left, given = list(mine), list[BindSlot]()
    have = Counter(slot.server for slot in mine)
    while left and len(given) < count:
        best = max(left, key=lambda slot: (have[slot.server], slot))
        left.remove(best)
        given.append(best)
        have[best.server] -= 1
    return given
