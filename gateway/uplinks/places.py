"""How many requests to a provider this node may have under way: all of them, or its part where nodes share an uplink.

A place is what a bind is to an SMSC: it is dealt out among the nodes, and the pace with it.
"""

import asyncio
from collections import deque


class Places:
    """The places of one uplink.

    Args:
        count: of all nodes together.
        is_shared: whether other nodes may hold some: then none is open until it is let up.
    """

    def __init__(self, count: int, *, is_shared: bool) -> None:
        self._count = count
        self._open = set() if is_shared else set(range(1, count + 1))
        self._free = deque(sorted(self._open))
        self._taken: set[int] = set()
        self._came_back = asyncio.Event()

    @property
    def free(self) -> int:
        """How many may be taken now."""
        return len(self._free)

    @property
    def share(self) -> float:
        """Which part of all places is this node's."""
        return len(self._open) / self._count

    @property
    def numbers(self) -> range:
        """All of them, of whichever node."""
        return range(1, self._count + 1)

    def take(self) -> int:
        """Take one that is free."""
        place = self._free.popleft()
        self._taken.add(place)
        return place

    def give_back(self, place: int) -> None:
        """It is free again, or closed by now."""
        self._taken.discard(place)
        if place in self._open:
            self._free.append(place)
        self._came_back.set()

    def open(self, place: int) -> None:
        """It may be used."""
        if place not in self._open:
            self._open.add(place)
            if place not in self._taken:
                self._free.append(place)

    async def close(self, place: int, timeout: float) -> None:
        """It may not be used; returns once it is free, or the time is over."""
        self._open.discard(place)
        if place in self._free:
            self._free.remove(place)
        try:
            async with asyncio.timeout(timeout):
                while place in self._taken:
                    self._came_back.clear()
                    await self._came_back.wait()
        except TimeoutError:
            return
