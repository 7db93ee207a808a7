"""Brings customers what is owed to them, over whichever of their binds can receive; kept until they have taken it.

    store ──due, by account──► outbox ──a place in a bind's window──► deliver_sm ──ok──► acknowledged, in one commit
                                                                          └──else──► due again later, or failed and kept

While an account has no such bind nothing is read: what is owed stays in the store.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec
import structlog

from gateway.config import AccountSmppConfig, SmppConfig
from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.models import Callback
from gateway.smsc.reports import pdu_of
from gateway.store import Store
from gateway.store.base import SWEEP_LIMIT
from gateway.tasks import cancel_all
from smpp import ServerSession
from smpp.errors import EncodeError, ResponseTimeout, StateError
from smpp.session import ResponseReceived
from smpp.status import CommandStatus, status_name

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

IDLE_SECONDS: Final = 5.0
"""The longest pause between looks at the store for an account that is bound: another node may owe it something."""
STORE_PAUSE_SECONDS: Final = 0.2
STORE_PAUSE_MAX_SECONDS: Final = 5.0
GIVE_UP_EVERY_SECONDS: Final = 60.0
JITTER: Final = 0.25
COMMIT_SECONDS: Final = 30.0
"""How long the end of a try may take to be recorded."""

REFUSED_FOR_GOOD: Final = frozenset({CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN})
"""What a customer answers to say that it never wants to see this one again. All else is tried again."""


@dataclass(slots=True, eq=False)
class Outbox:
    """What is on its way to one account."""

    account: str
    window: int
    """Of each bind."""
    binds: dict[ServerSession, int] = field(default_factory=dict)
    """Those that can receive, with the number of deliveries they have not answered."""
    waiting: deque[Callback] = field(default_factory=deque)
    """Read from the store, not sent yet."""
    held: set[str] = field(default_factory=set)
    """Ids that wait here, are under way, or whose end is not committed yet."""
    has_news: asyncio.Event = field(default_factory=asyncio.Event)

    def free_bind(self) -> ServerSession | None:
        """The bind with the fewest deliveries under way, if it has room."""
        usable = [one for one, count in self.binds.items() if count < self.window and one.can_receive]
        return min(usable, key=self.binds.__getitem__, default=None)

    @property
    def room(self) -> int:
        """How many deliveries may be sent now."""
        return sum(self.window - count for bind, count in self.binds.items() if bind.can_receive)


class Deliveries:
    """Delivers what the store says is due."""

    def __init__(
        self,
        store: Store,
        config: SmppConfig,
        customers: Iterable[tuple[str, AccountSmppConfig]],
        *,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put it together.

        Args:
            customers: the accounts that may bind, by name.
        """
        self._store = store
        # Until its answer, or that none came, is committed, nobody else may send one of them.
        store.delivery_seconds = config.response_timeout_seconds + COMMIT_SECONDS
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._outboxes = {name: Outbox(name, settings.deliver_window) for name, settings in customers}
        self._acknowledged: list[Callback] = []
        self._postponed: list[Callback] = []
        self._has_ends = asyncio.Event()
        self._pumps: list[asyncio.Task[None]] = []
        self._recorders: list[asyncio.Task[None]] = []

    # --- life ---

    def start(self) -> None:
        """Begin to deliver."""
        loop = asyncio.get_running_loop()
        self._pumps = [loop.create_task(self._pump(box)) for box in self._outboxes.values()]
        self._recorders = [loop.create_task(self._record_ends()), loop.create_task(self._give_up_old())]

    def reconfigure(self, customers: Iterable[tuple[str, AccountSmppConfig]]) -> None:
        """Deliver to these customers, too, and by their settings; those that are gone bind no more."""
        loop = asyncio.get_running_loop()
        for name, settings in customers:
            box = self._outboxes.get(name)
            if box is not None:
                box.window = settings.deliver_window
                continue
            box = self._outboxes[name] = Outbox(name, settings.deliver_window)
            if self._recorders:
                self._pumps.append(loop.create_task(self._pump(box)))

    def wake(self) -> None:
        """Look at once: something became due."""
        for box in self._outboxes.values():
            if box.binds:
                box.has_news.set()

    async def hold(self) -> None:
        """Send nothing more; what is under way may still be answered."""
        await cancel_all(self._pumps)
        self._pumps = []

    async def stop(self, deadline_seconds: float) -> None:
        """Send nothing more and record what was answered; what was not is sent again after the next start."""
        await self.hold()
        await cancel_all(self._recorders)
        try:
            async with asyncio.timeout(deadline_seconds):
                await self._commit_ends()
        except (StoreError, TimeoutError) as error:
            log.warning("stopped with deliveries unrecorded", deliveries=len(self._acknowledged), error=str(error))

    # --- binds ---

    def bound(self, account: str, session: ServerSession) -> None:
        """A customer has a new bind that can receive."""
        box = self._outboxes[account]
        box.binds[session] = 0
        box.has_news.set()

    def closed(self, account: str, session: ServerSession) -> None:
        """A bind is gone; what it had not answered goes over another."""
        box = self._outboxes[account]
        box.binds.pop(session, None)
        if not box.binds:
            self._put_back(*box.waiting)
            box.waiting.clear()
        box.has_news.set()

    def has_room(self, account: str) -> None:
        """A bind of the account can be written to again."""
        self._outboxes[account].has_news.set()

    # --- what is due ---

    async def _pump(self, box: Outbox) -> None:
        while True:
            box.has_news.clear()
            try:
                pause = await self._deliver_due(box)
            except StoreError as error:
                log.warning("deliveries cannot be read", account=box.account, error=str(error))
                pause = STORE_PAUSE_MAX_SECONDS
            except Exception:
                log.exception("delivering was interrupted", account=box.account)
                pause = STORE_PAUSE_MAX_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await box.has_news.wait()
            except TimeoutError:
                continue

    async def _deliver_due(self, box: Outbox) -> float:
        """Fill the windows of an account's binds; returns the seconds until there is something to look for."""
        while (bind := box.free_bind()) is not None:
            if box.waiting:
                if not self._send(box, bind, box.waiting.popleft()):
                    return IDLE_SECONDS
                continue
            # No more than can be sent at once: what is read is this node's alone for a while.
            due = await self._store.due_deliveries(box.account, self._clock(), limit=box.room, skip_ids=box.held)
            if not due:
                next_at = await self._store.next_delivery_at(box.account)
                return IDLE_SECONDS if next_at is None else self._pause(next_at)
            box.held.update(one.id for one in due)
            if box.binds:
                box.waiting.extend(due)
            else:
                self._put_back(*due)
        return IDLE_SECONDS

    def _pause(self, next_at: float) -> float:
        # What is held and due makes the difference negative: its end wakes us.
        pause = next_at - self._clock()
        return min(pause, IDLE_SECONDS) if pause > 0 else IDLE_SECONDS

    def _send(self, box: Outbox, bind: ServerSession, callback: Callback) -> bool:
        """Begin a try; False where the bind takes nothing now."""
        answer: asyncio.Future[ResponseReceived] = asyncio.get_running_loop().create_future()
        try:
            bind.send(pdu_of(callback), answer)
        except StateError:
            box.waiting.appendleft(callback)
            return False
        except Exception as error:
            # One delivery must not stop the others, whatever is wrong with it.
            if not isinstance(error, EncodeError):
                log.exception("a delivery cannot be composed", account=box.account, delivery=callback.id)
            self._end(box, callback, str(error) or type(error).__name__, is_final=True)
            return True
        box.binds[bind] += 1
        answer.add_done_callback(partial(self._answered, box, bind, callback))
        return True

    def _answered(
        self, box: Outbox, bind: ServerSession, callback: Callback, answer: "asyncio.Future[ResponseReceived]"
    ) -> None:
        if bind in box.binds:
            box.binds[bind] -= 1
        box.has_news.set()
        error = None if answer.cancelled() else answer.exception()
        if answer.cancelled() or (error is not None and not isinstance(error, ResponseTimeout)):
            # The bind went: over the next one it goes again, before what is younger.
            self._metrics.deliveries.labels(box.account, "lost").inc()
            self._put_back(callback)
            return
        if error is not None:
            self._end(box, callback, "no answer in time")
            return
        status = answer.result().command_status
        if status == CommandStatus.ESME_ROK:
            self._metrics.deliveries.labels(box.account, "acknowledged").inc()
            self._acknowledged.append(callback)
            self._has_ends.set()
        else:
            self._end(box, callback, status_name(status), is_final=status in REFUSED_FOR_GOOD)

    def _put_back(self, *callbacks: Callback) -> None:
        """Leave deliveries to whichever node the account binds to next."""
        self._postponed += callbacks
        self._has_ends.set()

    def _end(self, box: Outbox, callback: Callback, error: str, *, is_final: bool = False) -> None:
        """Note a try that was not acknowledged."""
        pause = min(self._config.retry_seconds * 2.0 ** min(callback.tries, 30), self._config.retry_max_seconds)
        due_at = self._clock() + pause * random.uniform(1 - JITTER, 1 + JITTER)
        self._metrics.deliveries.labels(box.account, "given up" if is_final else "failed").inc()
        log.warning("delivery refused", account=box.account, delivery=callback.id, error=error, is_final=is_final)
        self._postponed.append(
            replace(callback, tries=callback.tries + 1, due_at=due_at, last_error=error, failed=is_final)
        )
        self._has_ends.set()

    # --- recording ---

    async def _record_ends(self) -> None:
        pause = STORE_PAUSE_SECONDS
        while True:
            await self._has_ends.wait()
            self._has_ends.clear()
            try:
                await self._commit_ends()
                pause = STORE_PAUSE_SECONDS
            except StoreError as error:
                # Until it is recorded it stays held: better late than twice.
                log.warning("ends of deliveries cannot be recorded", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, STORE_PAUSE_MAX_SECONDS)
                self._has_ends.set()

    async def _commit_ends(self) -> None:
        acknowledged, postponed = list(self._acknowledged), list(self._postponed)
        if acknowledged:
            await self._store.acknowledge([one.id for one in acknowledged])
            self._settle(self._acknowledged, acknowledged)
        if postponed:
            await self._store.postpone(postponed)
            self._settle(self._postponed, postponed)

    def _settle(self, ends: list[Callback], recorded: list[Callback]) -> None:
        del ends[: len(recorded)]
        for one in recorded:
            box = self._outboxes[one.account]
            box.held.discard(one.id)
            box.has_news.set()

    async def _give_up_old(self) -> None:
        while True:
            count = 0
            try:
                count = await self._store.fail_deliveries(self._clock() - self._config.hold_seconds)
            except StoreError as error:
                log.warning("old deliveries cannot be given up", error=str(error))
            if count:
                log.warning("deliveries given up", deliveries=count, hold_seconds=self._config.hold_seconds)
            if count < SWEEP_LIMIT:
                await asyncio.sleep(GIVE_UP_EVERY_SECONDS)
