"""What comes back: receipts to their messages, messages from handsets to whoever owns the number.

uplink ──receipt──► joined with others ──► one store transaction: find or park, move states, owe callbacks ──► answered
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from gateway.config import Config
from gateway.errors import StoreError
from gateway.inbound import InboundDesk
from gateway.metrics import Metrics
from gateway.models import Inbound, Receipt
from gateway.store import Bookkeeping, Store
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 10.0


def _nothing() -> None:
    return


class Correlator:
    """Commits what uplinks hand over; returns when it is safe to answer the SMSC."""

    def __init__(
        self,
        store: Store,
        bookkeeping: Bookkeeping,
        desk: InboundDesk,
        *,
        metrics: Metrics,
        on_callbacks: Callable[[], None] = _nothing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put a correlator together.

        Args:
            desk: takes messages from handsets.
            on_callbacks: called after a commit that owes callbacks.
        """
        self._store = store
        self._book = bookkeeping
        self._desk = desk
        self._metrics = metrics
        self._on_callbacks = on_callbacks
        self._clock = clock
        self._sweeper: asyncio.Task[None] | None = None

    def reconfigure(self, config: Config, bookkeeping: Bookkeeping) -> None:
        """Go by other settings from now on."""
        self._book = bookkeeping
        self._desk.reconfigure(config, bookkeeping)

    @property
    def bookkeeping(self) -> Bookkeeping:
        """What it goes by now."""
        return self._book

    # --- from uplinks ---

    async def on_receipt(self, receipt: Receipt) -> None:
        """Apply a receipt to its message, or park it until the response that tells its id; returns after the commit.

        Raises:
            StoreError: it was not kept; the SMSC must send it again.
        """
        if not receipt.received_at:
            receipt = msgspec.structs.replace(receipt, received_at=self._clock())
        try:
            matched, callbacks = await self._store.receive([receipt], self._book)
        except StoreError:
            self._metrics.store_errors.labels("receive").inc()
            raise
        self._metrics.receipts.labels(receipt.group, receipt.state.value).inc()
        if not matched[0]:
            self._metrics.parked.labels(receipt.group).inc()
        if callbacks:
            self._on_callbacks()

    async def on_inbound(self, inbound: Inbound) -> None:
        """Keep a message from a handset, or a part of one, with the callback it owes; returns after the commit.

        Raises:
            StoreError: it was not kept; the SMSC must send it again.
        """
        try:
            await self._desk.take(inbound)
        except StoreError:
            self._metrics.store_errors.labels("inbound").inc()
            raise

    # --- receipts that do not come, and those nobody waits for ---

    def start(self) -> None:
        """Begin to sweep."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Sweep no more."""
        if self._sweeper is not None:
            await cancel_all([self._sweeper])

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                while not await self.sweep():
                    pass
                await self._desk.sweep()
            except StoreError as error:
                log.warning("the store cannot be swept", error=str(error))
            except Exception:
                log.exception("sweeping was interrupted")
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> bool:
        """One round: parked receipts become orphans, parts without a receipt unknown; whether nothing is left to do."""
        swept = await self._store.sweep(self._book, self._clock())
        self._metrics.orphans.inc(swept.orphaned)
        self._metrics.unknown.inc(swept.unknown)
        if swept.callbacks:
            self._on_callbacks()
        return swept.is_done
