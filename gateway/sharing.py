"""Holds this node's shares of limits that are for all nodes together (shares.py), as dealt out in a common document.

    with each renewal of the lease:  read who lives, and what each holds ──► take what is free, write it
                                                                        └──► too much: use less, write so next time
    no renewal in time:              use none

The document names, for each node, its share of quiet limits and those of limits that are asked for. Who writes it first
has dealt; the others read it again. Nothing of this is on a message's way: a bucket reads a number.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakValueDictionary

import msgspec
import structlog

from gateway.metrics import Metrics
from gateway.shares import WHOLE, Share, deal, targets
from gateway.store import Record, Store

log = structlog.get_logger(__name__)

KIND: Final = "shares"
QUIET: Final = ""
"""Stands for all limits that are not asked for."""
TRIES: Final = 8
"""How often one turn reads and writes the document where others write it, too."""
MEASURED_SECONDS: Final = 1.0
"""Over at least so long demand is measured."""
FAINT: Final = 0.01
"""Less than this share of a limit is no demand."""
STEADY: Final = 0.2
"""Demand that changed by less than this share of itself need not be told."""


class _Node(msgspec.Struct, kw_only=True):
    """What a node has."""

    epoch: int
    quiet: int = 0
    """Of limits that are not named."""
    units: dict[str, int] = {}
    demand: dict[str, float] = {}

    def of(self, key: str) -> int:
        return self.units.get(key, self.quiet)


_Book = dict[str, _Node]
_READ: Final = msgspec.json.Decoder(_Book)


def _clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LimitShares:
    """The shares of this node.

    Args:
        store: where they are dealt out; one that belongs to one process leaves all to it.
        node: this one's name.
        held_until: when the lease ends as far as is known, without which there are no shares.
        on_pending: called when there is something to deal at once.
        clock: the lease's.
    """

    def __init__(
        self,
        store: Store,
        node: str,
        held_until: Callable[[], float],
        *,
        on_pending: Callable[[], None],
        metrics: Metrics | None = None,
        clock: Callable[[], float] = _clock,
    ) -> None:
        self._store = store
        self._node = node
        self._held_until = held_until
        self._on_pending = on_pending
        self._metrics = metrics
        self._clock = clock
        self._shares: WeakValueDictionary[str, Share] = WeakValueDictionary()
        self._in_use = _Node(epoch=0)
        self._is_dealt = asyncio.Event()
        """Set once there is a share."""
        self._since = float("inf")
        """When the first share was dealt to this node."""
        self._until = 0.0
        self._measured_at = clock()
        self._demand: dict[str, float] = {}
        self._end: asyncio.TimerHandle | None = None
        self._show()

    @property
    def fraction(self) -> float:
        """This node's share of limits that are not asked for."""
        return self._in_use.quiet / WHOLE if self._store.is_shared else 1.0

    def of(self, key: str) -> Share:
        """The share of a limit; as long as somebody has it, it is the same."""
        if not self._store.is_shared:
            return Share()
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = Share(
                self._in_use.of(key) / WHOLE, lambda: max(0.0, self._clock() - self._since)
            )
        return share

    async def wait_dealt(self, timeout: float) -> None:
        """Wait until there is a share, at most so long: who has none makes limited accounts wait."""
        if self._store.is_shared:
            self._on_pending()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_dealt.wait(), timeout)

    def stop(self) -> None:
        """Use none from now on."""
        if self._end is not None:
            self._end.cancel()
        self._lapse()

    async def deal(self) -> None:
        """Take what is free, begin to give up what others should have.

        Raises:
            StoreError: the store cannot be read or written; what is held stays so as long as the lease does.
        """
        if not self._store.is_shared:
            return
        if self._clock() > self._until:
            # Others may have taken what we had.
            self._lapse()
        else:
            self._prolong()
        self._measure()
        for _ in range(TRIES):
            if await self._deal_once():
                return
        self._on_pending()

    # --- one turn ---

    async def _deal_once(self) -> bool:
        living = await self._store.living_nodes()
        if self._node not in living:
            return True
        record = await self._store.find_record(KIND, "", KIND)
        written = _READ.decode(record.value) if record is not None else {}
        book = {name: one for name, one in written.items() if living.get(name) == one.epoch}
        epoch = living[self._node]
        known = book.get(self._node)
        before = _lowered(known, self._in_use) if known is not None else _Node(epoch=epoch)
        book[self._node] = before
        mine, keep = self._dealt(book)
        is_alone = len(book) == 1 and len(living) == 1
        book[self._node] = mine
        if book != written:
            now = time.time()
            fresh = record or Record(kind=KIND, account="", key=KIND, created_at=now)
            value = msgspec.json.encode(book)
            if not (await self._store.put_records([msgspec.structs.replace(fresh, value=value, updated_at=now)]))[0]:
                return False
            if known is None or any(known.of(key) > mine.of(key) for key in {QUIET, *known.units, *mine.units}):
                await self._store.nudge()
        self._use(keep, is_alone=is_alone)
        if keep != mine:
            self._on_pending()
        return True

    def _dealt(self, book: Mapping[str, _Node]) -> tuple[_Node, _Node]:
        """What this node has from now on, and what of it it keeps."""
        node, before = self._node, book[self._node]
        mine = _Node(epoch=before.epoch, demand=_told(before.demand, self._demand))
        keep = _Node(epoch=before.epoch, demand=mine.demand)
        even = targets(dict.fromkeys(book, 0.0))
        quiet = {name: one.quiet for name, one in book.items()}
        mine.quiet, keep.quiet = deal(quiet, even, node, is_exact=True)
        keys = {key for one in book.values() for key in (*one.units, *one.demand)} | mine.demand.keys()
        for key in sorted(keys):
            held = {name: one.of(key) for name, one in book.items()}
            demand = {name: one.demand.get(key, 0.0) for name, one in book.items()} | {node: mine.demand.get(key, 0.0)}
            is_quiet = not any(demand.values())
            now, kept = deal(held, even if is_quiet else targets(demand), node, is_exact=is_quiet)
            if is_quiet and (now, kept) == (mine.quiet, keep.quiet):
                continue
            mine.units[key], keep.units[key] = now, kept
        return mine, keep

    def _use(self, kept: _Node, *, is_alone: bool) -> None:
        if kept.quiet != self._in_use.quiet:
            log.info("shares of limits", share=kept.quiet / WHOLE)
        self._in_use = kept
        self._show()
        if self._since == float("inf") and (kept.quiet or is_alone):
            # Who is alone has nobody to ask what was used up already; who joins begins with nothing.
            self._since = float("-inf") if is_alone else self._clock()
        for key, share in self._shares.items():
            share.fraction = kept.of(key) / WHOLE
        self._prolong()
        if kept.quiet:
            self._is_dealt.set()

    def _measure(self) -> None:
        elapsed = self._clock() - self._measured_at
        if elapsed < MEASURED_SECONDS:
            return
        self._measured_at = self._clock()
        demand = {}
        for key, share in self._shares.items():
            asked, share.asked = share.asked, 0
            rate = asked / elapsed / share.per_second if share.per_second else 0.0
            smooth = (min(rate, 1.0) + self._demand.get(key, 0.0)) / 2
            if smooth >= FAINT:
                demand[key] = round(smooth, 3)
        self._demand = demand

    # --- the end of a lease ---

    def _prolong(self) -> None:
        self._until = self._held_until()
        if self._end is not None:
            self._end.cancel()
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(max(0.0, self._until - self._clock()), self._lapse)

    def _show(self) -> None:
        if self._metrics is not None:
            self._metrics.limit_share.set(self.fraction)

    def _lapse(self) -> None:
        self._in_use = _Node(epoch=0)
        self._show()
        for share in self._shares.values():
            share.fraction = 0.0


def _lowered(known: _Node, in_use: _Node) -> _Node:
    """What a node holds that has stopped to use some of it."""
    keys = {*known.units, *in_use.units}
    return _Node(
        epoch=known.epoch,
        quiet=min(known.quiet, in_use.quiet),
        units={key: min(known.of(key), in_use.of(key)) for key in keys},
        demand=known.demand,
    )


def _told(told: Mapping[str, float], demand: Mapping[str, float]) -> dict[str, float]:
    """Demand as it is to be written: as it was where it hardly changed."""
    return {
        key: told[key] if key in told and abs(told[key] - now) <= STEADY * told[key] else now
        for key, now in demand.items()
    }
