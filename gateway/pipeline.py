"""From an accepted message to the lane of its uplink, and what the store still has for it.

intake ──commit──► lane (sending.py takes it from there)
             └───► waits in the store while the lane is full, is fetched as there is room
recover: what was queued is sent; what was being sent when the process ended is in doubt
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import structlog

from gateway.config import Config
from gateway.errors import InvalidMessage, NoRoute, NotWaiting, StoreError, Unsupported
from gateway.health import HealthBook, HealthState
from gateway.lanes import Lane, Work
from gateway.metrics import Metrics
from gateway.models import Message, NewMessage, State
from gateway.postponing import Postponer
from gateway.recovery import Recovery
from gateway.refilling import Refiller
from gateway.router import Router
from gateway.routing import Decision
from gateway.sealing import Sealer
from gateway.sending import Sender
from gateway.store import Bookkeeping, Inherited, Store
from gateway.tasks import cancel_all
from gateway.uplinks.base import Uplink

log = structlog.get_logger(__name__)

HOUSEKEEPING_SECONDS: Final = 1.0
STRANDED_SECONDS: Final = 60.0


def _nothing() -> None:
    return


def _at_once(_message: Message, _now: float) -> float | None:
    return None


def _nowhere(_uplink: str) -> bool:
    return False


class Pipeline:
    """Sends what was accepted."""

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        router: Router,
        uplinks: Mapping[str, Uplink],
        bookkeeping: Bookkeeping,
        metrics: Metrics,
        on_callbacks: Callable[[], None] = _nothing,
        is_elsewhere: Callable[[str], bool] = _nowhere,
        postponed_until: Callable[[Message, float], float | None] = _at_once,
        clock: Callable[[], float] = time.time,
        sealer: Sealer | None = None,
    ) -> None:
        """Put a pipeline together; `recover` and `start` set it going.

        Args:
            uplinks: one for every `[uplink.NAME]`, by name.
            sealer: opens secret texts as they leave; None: there are none.
            on_callbacks: called after a commit that owes callbacks.
            postponed_until: when a message may leave that must not leave now; None: it may.
            is_elsewhere: whether only other nodes have binds of an uplink: they are left its messages.
        """
        self._settings = config.uplink
        self._accounts = config.account
        self._node = config.node.name
        self._lease_seconds = config.node.lease_seconds
        self._store = store
        self._router = router
        self._uplinks = uplinks
        self._book = bookkeeping
        self._metrics = metrics
        self._on_callbacks = on_callbacks
        self._is_elsewhere = is_elsewhere
        self._handing_over: set[str] = set()
        self._clock = clock
        self._arriving: set[str] = set()
        """Ids between commit and lane: a refill must leave them alone."""
        self._next_scheduled_at: float | None = None
        self._look_for_stranded_at = 0.0
        self._is_stopping = False
        self._housekeeper: asyncio.Task[None] | None = None
        self.health = HealthBook(config.uplink, metrics, clock)
        self._sender = Sender(
            node=self._node,
            settings=config.uplink,
            uplinks=uplinks,
            health=self.health,
            lane_limit=config.pipeline.queue_limit,
            share=self._share,
            is_postponed=self._is_postponed,
            store=store,
            book=bookkeeping,
            metrics=metrics,
            on_callbacks=on_callbacks,
            on_room=self._refill_soon,
            clock=clock,
            sealer=sealer,
        )
        self._refiller = Refiller(store, self._sender, self._arriving, self._resume)
        self._postponer = Postponer(
            store, self._sender, self._arriving, postponed_until, self._expect_scheduled, self._leave_in_store
        )
        self._recovery = Recovery(store, self._sender, uplinks, self.plan, self._way_for, self._end_in_store)

    def _is_postponed(self, work: Work, now: float) -> bool:
        return self._postponer.is_postponed(work, now)

    def _share(self, account: str) -> int:
        config = self._accounts.get(account)
        return config.rules.share if config is not None else 1

    # --- for the intake ---

    @property
    def is_stopping(self) -> bool:
        """Whether nothing more is to be taken in."""
        return self._is_stopping

    def first_available(self, way: Decision) -> str:
        """Where a message would go now."""
        found = self.health.choose(way.uplinks, lambda name: self._uplinks[name].is_available)
        return found or way.uplinks[0]

    def check(self, message: NewMessage, way: Decision) -> None:
        """Refuse what no uplink of its way can carry, where all of them know that of any message.

        Raises:
            InvalidMessage: what the last of them said.
        """
        reason = ""
        for name in way.uplinks:
            check = getattr(self._uplinks[name], "check", None)
            if check is None:
                return
            try:
                check(message)
            except Unsupported as error:
                reason = str(error)
            else:
                return
        raise InvalidMessage("unsupported", reason)

    def count_parts(self, message: Message) -> int:
        """How many parts the uplink that a message waits for would make of it; 1 where it cannot carry it."""
        try:
            return max(1, len(self._uplinks[message.uplink].split(message, reference=0)))
        except Unsupported:
            return 1

    def plan(self, message: Message, way: Decision) -> Work:
        """A message as the lanes hold it."""
        seconds = message.validity_seconds or self._settings[message.uplink].validity_seconds
        starts_at = max(message.created_at, message.scheduled_at or 0.0)
        return Work(message, way, expires_at=starts_at + seconds, lane=message.uplink)

    @contextlib.contextmanager
    def arriving(self, ids: Iterable[str]) -> Iterator[None]:
        """While messages are being committed: whoever fetches what waits in the store leaves them alone."""
        taken = list(ids)
        self._arriving.update(taken)
        try:
            yield
        finally:
            self._arriving.difference_update(taken)

    def look_after_commit(self, lanes: Collection[str]) -> None:
        """Have lanes fetch what a commit that is under way may leave in the store."""
        self._sender.spawn(self._look_after_commit(lanes))

    async def _look_after_commit(self, lanes: Collection[str]) -> None:
        with contextlib.suppress(StoreError):
            # Commits are in order: after this one, that one is over.
            await self._store.ping()
        for name in lanes:
            self._leave_in_store(name)

    def hold(self, work: Work) -> None:
        """Hold a committed message in memory where there is room; else it waits in the store."""
        message = work.message
        if message.state is State.SCHEDULED:
            self._expect_scheduled(message.scheduled_at or 0.0)
            return
        if self._is_elsewhere(work.lane):
            self._hand_over_soon(work.lane)
            return
        lane, account = self._sender.lanes.get(work.lane), message.account
        if lane is None:
            # Its uplink is gone since its route was chosen.
            self._look_for_stranded_at = 0.0
            return
        # An urgent message need not wait for its account's backlog in the store, only for room, of which it has more.
        is_urgent = message.priority > 0
        must_wait = not is_urgent and (lane.has_more or account in lane.behind)
        if must_wait or not lane.room(account, is_urgent=is_urgent) or self._is_stopping:
            lane.leave_behind(account)
            return
        self._sender.hold(work)

    @contextlib.contextmanager
    def withdrawn(self, account: str, message_id: str) -> Iterator[list[Message]]:
        """Keep a message from leaving while it is looked at.

        The list is for the message as the store has it; who has dealt with it for good clears the list, else it goes
        back to where it was.

        Raises:
            NotWaiting: it has left, or is another account's.
        """
        work = self._sender.works.get(message_id)
        if work is not None and work.message.account != account:
            raise NotWaiting("no such message", is_known=False)
        if message_id in self._arriving or (work is not None and not self._sender.withdraw(work)):
            raise NotWaiting("the message has left")
        self._arriving.add(message_id)
        held: list[Message] = []
        is_left = True
        try:
            yield held
            is_left = bool(held)
        finally:
            self._arriving.discard(message_id)
            if is_left and work is not None:
                self._sender.hold(work)
            elif is_left and held and message_id not in self._sender.works:
                # A refill has passed it over meanwhile.
                self._leave_in_store(held[0].uplink)

    def _leave_in_store(self, uplink: str) -> None:
        lane = self._sender.lanes.get(uplink)
        if lane is not None:
            lane.has_more = True
            lane.skipped += 1

    # --- leaving messages to other nodes ---

    def _hand_over_soon(self, uplink: str) -> None:
        if uplink not in self._handing_over and not self._is_stopping:
            self._handing_over.add(uplink)
            self._sender.spawn(self._hand_over(uplink))

    async def _hand_over(self, uplink: str) -> None:
        """Leave what waits for an uplink to the nodes that have binds of it."""
        lane = self._sender.lanes[uplink]
        begun = [work for work in list(lane.works.values()) if not self._sender.withdraw(work)]
        # What is accepted from here on may miss the statement, and asks for the next.
        self._handing_over.discard(uplink)
        try:
            await self._store.disown(uplink)
        except StoreError as error:
            log.warning("messages cannot be left to other nodes", uplink=uplink, error=str(error))
            self._leave_in_store(uplink)
        await self._sender.leave_begun(begun)

    # --- life ---

    def start(self) -> None:
        """Begin to send; call it once, after `recover`."""
        self._sender.start()
        self._housekeeper = asyncio.get_running_loop().create_task(self._keep_house())

    async def stop(self, deadline_seconds: float) -> bool:
        """Take nothing more, let what is in flight finish, leave the rest in the store.

        Returns:
            Whether everything in flight was recorded in time; what was not is in doubt at the next start.
        """
        self._is_stopping = True
        if self._housekeeper is not None:
            await cancel_all([self._housekeeper])
        return await self._sender.stop(deadline_seconds)

    @property
    def queue_depth(self) -> int:
        """Messages held in memory, in flight included."""
        return len(self._sender.works)

    # --- the operator's hand ---

    def waiting_in_memory(self) -> dict[tuple[str, str], int]:
        """How many messages of which nothing has left are in memory, by uplink and account."""
        return Counter(
            (lane.name, work.message.account)
            for lane in self._sender.lanes.values()
            for work in lane.works.values()
            if not work.parts
        )

    async def reroute(self, messages: Sequence[Message], uplink: str) -> int:
        """Have messages of which nothing has left wait for another uplink; how many could be moved.

        Raises:
            StoreError: the store cannot commit; they wait where they waited.
        """
        taken: list[Message] = []
        for message in messages:
            work = self._sender.works.get(message.id)
            if message.id not in self._arriving and (work is None or self._sender.withdraw(work)):
                taken.append(message)
        with self.arriving(message.id for message in taken):
            try:
                await self._store.reassign([message.id for message in taken], uplink)
            finally:
                for name in {uplink, *(message.uplink for message in taken)}:
                    self._leave_in_store(name)
        return len(taken)

    # --- other settings ---

    def reconfigure(self, config: Config, bookkeeping: Bookkeeping) -> None:
        """Go by other settings from now on; uplinks come and go by `open_uplink` and `leave_uplink`."""
        self._settings = config.uplink
        self._accounts = config.account
        self._book = bookkeeping
        self.health.reconfigure(config.uplink)
        self._sender.reconfigure(config.uplink, bookkeeping)

    def open_uplink(self, name: str) -> None:
        """Begin to send over an uplink that was not there."""
        self._sender.open_lane(name)
        self._leave_in_store(name)

    async def leave_uplink(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        """Send nothing more over an uplink, stop it, and let what waits for it take another way.

        Args:
            stop: ends what is in flight.
        """
        await self._sender.close_lane(name)
        await stop()
        lane = self._sender.lanes[name]
        await self._sender.until_answered(name)
        for work in list(lane.works.values()):
            if self._sender.withdraw(work):
                continue
            if work.broken is not None:
                continue
            way = self._way_elsewhere(work.message, name)
            error = f"uplink {name} is no longer configured"
            if way is None:
                self._sender.end_rest(work, State.FAILED, error)
            else:
                self._sender.move_to(work, way, error)
        self._sender.drop_lane(name)
        self._look_for_stranded_at = 0.0

    def _way_elsewhere(self, message: Message, name: str) -> Decision | None:
        try:
            way = self._router.route(message)
        except NoRoute:
            return None
        return way if name not in way.uplinks else None

    # --- keeping house ---

    async def _keep_house(self) -> None:
        while True:
            try:
                await self.tidy()
            except StoreError as error:
                log.warning("the store cannot be tidied", error=str(error))
            except Exception:
                log.exception("housekeeping was interrupted")
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    async def tidy(self) -> None:
        """One round: expire, relieve uplinks that are down, fetch what the store has, release what is due."""
        now = self._clock()
        for lane in self._sender.lanes.values():
            for work in lane.expired(now):
                self._sender.expire(work)
            if not self._uplinks[lane.name].is_available or self.health.state(lane.name) is HealthState.SICK:
                self._sender.relieve(lane)
            elif lane.works and self._is_elsewhere(lane.name):
                # Taken in while nobody had a bind, or when this node had one.
                self._hand_over_soon(lane.name)
            self._metrics.queue_depth.labels(lane.name).set(len(lane.works))
        await self._release_scheduled(now)
        if now >= self._look_for_stranded_at:
            await self._reroute_stranded(now)
        for lane in self._sender.lanes.values():
            if lane.has_more or any(lane.wants(account) for account in lane.behind):
                await self._refill(lane)
        self._sender.wake()

    async def _release_scheduled(self, now: float) -> None:
        if self._next_scheduled_at is None or self._next_scheduled_at > now:
            return
        if await self._store.release_scheduled(now):
            for lane in self._sender.lanes.values():
                lane.has_more = True
        self._next_scheduled_at = await self._store.next_scheduled_at()

    def _expect_scheduled(self, at: float) -> None:
        self._next_scheduled_at = min(at, self._next_scheduled_at or at)

    def _refill_soon(self, lane: Lane) -> None:
        if not self._is_stopping:
            self._refiller.soon(lane)

    async def _refill(self, lane: Lane) -> None:
        """Fetch what waits in the store for a lane that has room, unless it is others' to send."""
        if self._is_elsewhere(lane.name):
            self._hand_over_soon(lane.name)
            return
        await self._refiller.refill(lane)

    def _resume(self, message: Message) -> None:
        """Queue a message that waited in the store; its route may have changed meanwhile."""
        self._sender.hold(self.plan(message, self._way_for(message) or Decision((message.uplink,))))

    # --- recovering ---

    async def recover(self) -> None:
        """Take up what an earlier run left: call it before anything is accepted or received.

        Raises:
            StoreError: the store cannot be read or written.
        """
        await self._store.register(self._node, self._clock(), self._lease_seconds)
        await self._recovery.take_up(await self._store.unfinished(self._node))
        await self._reroute_stranded(self._clock())
        for lane in self._sender.lanes.values():
            lane.has_more = True
        self._next_scheduled_at = await self._store.next_scheduled_at()

    async def inherit(self, left: Inherited) -> None:
        """Go on with what nodes have left whose lease has ended."""
        if self._is_stopping:
            return
        await self._recovery.take_up(left.unfinished)
        self._look_for_stranded_at = 0.0 if left.uplinks.difference(self._sender.lanes) else self._look_for_stranded_at
        for name in left.uplinks:
            self._leave_in_store(name)
        self._next_scheduled_at = await self._store.next_scheduled_at()

    def look_again(self) -> None:
        """The store may have messages for this node that are not in memory."""
        for name in self._sender.lanes:
            self._leave_in_store(name)

    async def _end_in_store(self, messages: Sequence[Message]) -> None:
        if await self._store.end(messages, self._book):
            self._on_callbacks()

    def _way_for(self, message: Message) -> Decision | None:
        """Where a message may go by now; where no rule takes it any more, where it was to go; None: that is gone."""
        try:
            return self._router.route(message)
        except NoRoute:
            return Decision((message.uplink,)) if message.uplink in self._uplinks else None

    async def _reroute_stranded(self, now: float) -> None:
        self._look_for_stranded_at = now + STRANDED_SECONDS
        await self._recovery.reroute_stranded(now)
