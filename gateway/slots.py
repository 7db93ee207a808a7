"""Holds the bind slots of this node: opens only binds whose slots it holds, and closes them before the lease ends.

    with each renewal of the lease:  deal ──► new: let its bind up
                                          └──► surplus: hold the bind back (what is in flight finishes), then give it up
    no renewal in time:              hold back all of them

A store that belongs to one process has no slots: all binds are this node's.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol, runtime_checkable

import structlog

from gateway.nodes import SHARE_IN_USE
from gateway.store.base import Store
from gateway.store.slots import BindSlot, Shares
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

GIVING_SECONDS: Final = 30.0
"""How long what is in flight may keep a bind that another node is to have."""


@runtime_checkable
class Sharing(Protocol):
    """An uplink whose binds are shared with other nodes."""

    @property
    def slots(self) -> Mapping[BindSlot, str]:
        """Its slots, and the bind each stands for."""

    async def hold_back(self, bind: str, timeout: float) -> None:
        """Close a bind once what is in flight is answered, or the time is over."""

    def let_up(self, bind: str) -> None:
        """Let a bind connect; does nothing to one that may already."""


def _clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Slots:
    """The slots of this node.

    Args:
        store: where they are dealt out.
        uplinks: what stands behind each name now.
        seconds: how long a lease lasts.
        on_surplus: called when slots could be given up: to have them dealt out soon.
    """

    def __init__(
        self,
        store: Store,
        uplinks: Callable[[], Mapping[str, object]],
        seconds: float,
        *,
        on_surplus: Callable[[], None],
        clock: Callable[[], float] = _clock,
    ) -> None:
        self._store = store
        self._uplinks = uplinks
        self._seconds = seconds
        self._on_surplus = on_surplus
        self._clock = clock
        self._shares = Shares()
        self._held_until = 0.0
        self._giving: dict[BindSlot, asyncio.Task[None]] = {}
        self._given: set[BindSlot] = set()
        """Closed, and to be given up with the next deal."""
        self._renewed = asyncio.Event()
        self._guard: asyncio.Task[None] | None = None

    @property
    def shares(self) -> Shares:
        """As they were last dealt out."""
        return self._shares

    def is_elsewhere(self, uplink: str) -> bool:
        """Whether other nodes hold binds of an uplink, and this one none."""
        return uplink in self._shares.elsewhere

    def start(self) -> None:
        """Begin to watch that no bind outlives its lease."""
        self._guard = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Watch no more; the uplinks are stopped by then, and the store gives all slots back."""
        await cancel_all([*self._giving.values(), *([self._guard] if self._guard is not None else [])])

    async def deal(self) -> None:
        """Renew what is held, take what is free, begin to give up what others should have.

        Raises:
            StoreError: the store cannot be written; the binds stay as long as their lease does.
        """
        sharing = self._sharing()
        wanted = {name: tuple(one.slots) for name, one in sharing.items()}
        if not any(wanted.values()):
            return
        asked_at = self._clock()
        given = frozenset(self._given)
        shares = await self._store.share_slots(wanted, given, self._seconds)
        self._given -= given
        before, self._shares = self._shares, shares
        self._held_until = asked_at + self._seconds * SHARE_IN_USE
        self._renewed.set()
        for one in sharing.values():
            for slot, bind in one.slots.items():
                if slot in shares.surplus:
                    self._give(slot, one, bind)
                elif slot in shares.held and slot not in self._giving:
                    # It may have been closed to be given up, and is ours to keep after all.
                    self._given.discard(slot)
                    one.let_up(bind)
        if before != shares:
            log.info("bind slots", held=len(shares.held), surplus=len(shares.surplus), elsewhere=[*shares.elsewhere])

    def _sharing(self) -> dict[str, Sharing]:
        return {name: one for name, one in self._uplinks().items() if isinstance(one, Sharing)}

    def _give(self, slot: BindSlot, uplink: Sharing, bind: str) -> None:
        if slot not in self._giving and slot not in self._given:
            self._giving[slot] = asyncio.get_running_loop().create_task(self._close(slot, uplink, bind))

    async def _close(self, slot: BindSlot, uplink: Sharing, bind: str) -> None:
        try:
            await uplink.hold_back(bind, GIVING_SECONDS)
        except Exception:
            log.exception("a bind could not be closed", bind=bind)
        else:
            self._given.add(slot)
            self._on_surplus()
        finally:
            del self._giving[slot]

    # --- the end of a lease ---

    async def _watch(self) -> None:
        while True:
            left = self._held_until - self._clock()
            if left > 0:
                await asyncio.sleep(left)
            elif self._shares.held:
                await self._close_all()
            else:
                self._renewed.clear()
                await self._renewed.wait()

    async def _close_all(self) -> None:
        log.warning("the lease of bind slots has not been renewed: binds are closed", binds=len(self._shares.held))
        self._shares = Shares()
        timeout = self._seconds * (1 - SHARE_IN_USE) / 4
        closing = [one.hold_back(bind, timeout) for one in self._sharing().values() for bind in one.slots.values()]
        for error in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(error, Exception):
                log.error("a bind could not be closed", error=str(error) or type(error).__name__)
