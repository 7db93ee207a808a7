"""Life as one node of several: the lease without which nothing may leave, and the work of nodes that have lost theirs.

    register ──► renew, renew, … ──► (late: nothing leaves until it is renewed)
                   │                     └── taken over by another node: lost for good, begin anew
                   └──► take over from nodes whose lease has ended

The lease runs on the store's clock. Here it is counted from before it was asked for, and ends a fifth too soon: whoever
takes it over on the store's clock then finds that we have fallen silent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog

from gateway.errors import StoreError
from gateway.store.base import Store
from gateway.store.nodes import Inherited
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

SHARE_IN_USE: Final = 0.8
"""How much of a lease is used."""
RENEWALS: Final = 4
"""How often it is renewed while it lasts."""
RETRY_SECONDS: Final = 0.5


def _clock() -> float:
    # Goes on while the machine sleeps.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """This node's lease.

    Args:
        store: where it is held.
        node: the node's name.
        seconds: how long it lasts.
    """

    def __init__(self, store: Store, node: str, seconds: float, *, clock: Callable[[], float] = _clock) -> None:
        self._store = store
        self._node = node
        self._seconds = seconds
        self._clock = clock
        self._held_until = 0.0
        self._unbroken_since: float | None = None
        """Since when every renewal has succeeded."""
        self._take_up: Callable[[Inherited], Awaitable[None]] | None = None
        self._without: Callable[[], Collection[str]] = frozenset
        self._duties: list[Callable[[], Awaitable[None]]] = []
        self._news = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()
        """Set once another node has taken over: nothing that was begun may go on."""

    @property
    def is_held(self) -> bool:
        """Whether anything may leave now."""
        return not self._store.is_shared or self._clock() < self._held_until

    @property
    def held_until(self) -> float:
        """When it ends, by the clock that goes on while the machine sleeps."""
        return self._held_until

    async def start(self) -> None:
        """Take the lease, and keep it.

        Raises:
            StoreError: another process runs under that name, or the store cannot be written.
        """
        asked_at = self._clock()
        await self._store.register(self._node, time.time(), self._seconds)
        self._held_until = asked_at + self._seconds * SHARE_IN_USE
        if self._store.is_shared:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    def take_over(
        self, take_up: Callable[[Inherited], Awaitable[None]], without: Callable[[], Collection[str]] = frozenset
    ) -> None:
        """From now on take over from dead nodes.

        Args:
            take_up: is handed what they have left.
            without: the uplinks of which others alone have binds: what a living node has left of those is theirs.
        """
        self._take_up, self._without = take_up, without
        self.wake()

    def also(self, duty: Callable[[], Awaitable[None]]) -> None:
        """Do this with every renewal from now on."""
        self._duties.append(duty)
        self.wake()

    def leave_to_others(self) -> None:
        """Take over nothing more: this node is about to end."""
        self._take_up = None

    def wake(self) -> None:
        """Look now."""
        self._news.set()

    async def stop(self) -> None:
        """Keep it no longer; the store gives it back when it is closed."""
        self._held_until = 0.0
        if self._keeper is not None:
            await cancel_all([self._keeper])

    async def _keep(self) -> None:
        while not self.lost.is_set():
            pause = self._seconds / RENEWALS
            self._news.clear()
            try:
                async with asyncio.timeout(self._seconds / 2):
                    await self.renew()
                    for duty in self._duties if self.is_held else ():
                        await duty()
                if self.is_held and self._take_up is not None:
                    await self._inherit(self._take_up)
            except (StoreError, TimeoutError) as error:
                log.warning("the lease cannot be renewed", node=self._node, held=self.is_held, error=str(error))
                pause = min(pause, RETRY_SECONDS)
                self._unbroken_since = None
            except Exception:
                log.exception("keeping the lease was interrupted")
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def renew(self) -> None:
        """Prolong the lease, or find that it is lost.

        Raises:
            StoreError: the store cannot be written.
        """
        asked_at = self._clock()
        if await self._store.renew(self._seconds):
            self._held_until = asked_at + self._seconds * SHARE_IN_USE
            if self._unbroken_since is None:
                self._unbroken_since = self._clock()
            return
        self._held_until = 0.0
        log.error("another node has taken over from this one", node=self._node)
        self.lost.set()

    async def _inherit(self, take_up: Callable[[Inherited], Awaitable[None]]) -> None:
        # Where the store was away nobody could renew: the others have as long to come back as a lease lasts.
        is_settled = self._unbroken_since is not None and self._clock() >= self._unbroken_since + self._seconds
        left = await self._store.take_over(only_resigned=not is_settled, without=self._without())
        await take_up(left)
        if not left.is_done:
            self.wake()
