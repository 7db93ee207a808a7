"""From a lane to recorded results.

    lane ──slots──► commit `sending` ──► slot.submit ──► results ──commit──► over, or back to the lane

One task for each uplink hands out its slots, one records results. Both work in batches, and a batch grows by itself
while the commit before it is on its way to the disk. There is no task for a message.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from gateway.config import UplinkConfig
from gateway.errors import StoreError, Unsupported
from gateway.gathering import Gathering, shared
from gateway.lanes import Item, Lane, Work
from gateway.metrics import Metrics
from gateway.models import Outcome, Part, State, SubmitResult
from gateway.routing import Decision
from gateway.sealing import Sealer
from gateway.store import Bookkeeping, Departure, NotOurs, PartEnd, Store
from gateway.tasks import cancel_all
from gateway.unsealing import Unsealing
from gateway.uplinks.base import Slot, Uplink
from gateway.verdicts import Verdict, give_up, judge

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

BATCH: Final = 256
"""Slots taken at a time."""
RESULTS_BATCH: Final = 2_000
COMMITS_UNDER_WAY: Final = 2
"""Batches of one uplink between slots and socket: the next fills while the one before is written to disk."""
STORE_PAUSE_SECONDS: Final = 0.1
STORE_PAUSE_MAX_SECONDS: Final = 5.0
PARTS_MAX: Final = 255
EXPIRED: Final = "the validity period ended before it could be sent"


@dataclass(slots=True)
class Leaving:
    """A message of which parts are on their way to a socket."""

    work: Work
    is_fresh: bool
    """Whether it was split just now."""
    flights: list[tuple[Slot, int]] = field(default_factory=list)


class Sender:
    """Sends what waits in the lanes."""

    def __init__(
        self,
        *,
        node: str,
        settings: Mapping[str, UplinkConfig],
        uplinks: Mapping[str, Uplink],
        lane_limit: int,
        share: Callable[[str], int],
        store: Store,
        book: Bookkeeping,
        metrics: Metrics,
        on_callbacks: Callable[[], None],
        on_room: Callable[[Lane], None],
        clock: Callable[[], float],
        sealer: Sealer | None = None,
    ) -> None:
        self._node = node
        self._settings = settings
        self._uplinks = uplinks
        self._store = store
        self._book = book
        self._metrics = metrics
        self._on_callbacks = on_callbacks
        self._on_room = on_room
        self._clock = clock
        self._unsealing = Unsealing(sealer)
        self._new_lane = partial(Lane, limit=lane_limit, share=share)
        self.lanes = {name: self._new_lane(name) for name in uplinks}
        self.works: dict[str, Work] = {}
        """Every message in memory, in flight included."""
        self.forgotten: set[str] | None = None
        """While a refill reads: the ids that left memory since it began."""
        self._gathering = Gathering(uplinks, store, node, clock)
        self._wake = {name: asyncio.Event() for name in uplinks}
        self._departing = dict.fromkeys(uplinks, 0)
        self._has_departed = {name: asyncio.Event() for name in uplinks}
        self._references = itertools.count(random.randrange(1 << 16))
        self._in_flight = 0
        self._results: list[tuple[Work, Part, SubmitResult]] = []
        self._has_results = asyncio.Event()
        self._has_settled = asyncio.Event()
        self._is_recording = False
        self._idle = asyncio.Event()
        self._dispatchers: dict[str, asyncio.Task[None]] = {}
        self._is_started = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life ---

    def start(self) -> None:
        """Begin to send."""
        self._is_started = True
        self._dispatchers = {name: self.spawn(self._dispatch(lane)) for name, lane in self.lanes.items()}
        self.spawn(self._record_results())

    async def stop(self, deadline_seconds: float) -> bool:
        """Send nothing more and wait for what is in flight to be recorded; whether all of it was."""
        await cancel_all(self._dispatchers.values())
        try:
            async with asyncio.timeout(deadline_seconds):
                while self.is_busy:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            log.warning("stopped with parts in flight", parts=self._in_flight, unrecorded=len(self._results))
            return False
        finally:
            await cancel_all(self._tasks)
        return True

    def reconfigure(self, settings: Mapping[str, UplinkConfig], book: Bookkeeping) -> None:
        """Go by other settings from now on."""
        self._settings = settings
        self._book = book

    def open_lane(self, name: str) -> None:
        """Begin to send over an uplink that is new."""
        lane = self.lanes[name] = self._new_lane(name)
        self._wake[name], self._has_departed[name] = asyncio.Event(), asyncio.Event()
        self._departing[name] = 0
        if self._is_started:
            self._dispatchers[name] = self.spawn(self._dispatch(lane))

    async def close_lane(self, name: str) -> None:
        """Send nothing more over an uplink; returns once what was about to leave has left."""
        await cancel_all([self._dispatchers.pop(name)] if name in self._dispatchers else [])
        while self._departing[name]:
            self._has_departed[name].clear()
            await self._has_departed[name].wait()

    async def until_answered(self, name: str) -> None:
        """Wait until nothing that went over an uplink waits for its answer, and all answers are recorded."""
        while any(work.in_flight for work in self.lanes[name].works.values()):
            self._has_settled.clear()
            await self._has_settled.wait()

    def drop_lane(self, name: str) -> None:
        """Forget an uplink whose lane was closed and is empty."""
        for table in (self.lanes, self._wake, self._has_departed, self._departing):
            table.pop(name, None)
        self._gathering.forget(name)

    @property
    def is_busy(self) -> bool:
        """Whether parts are in flight, about to be, or not recorded."""
        return bool(self._in_flight or self._results or self._is_recording or any(self._departing.values()))

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something until the sender stops."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the pipeline failed", exc_info=error)

    # --- what waits ---

    def hold(self, work: Work) -> None:
        """Queue a message."""
        self.works[work.message.id] = work
        self.lanes[work.lane].push(work)
        self._wake[work.lane].set()

    def hold_parts(self, work: Work) -> None:
        """Queue the parts of a message that was split before, first of all."""
        lane = self.lanes[work.lane]
        self.works[work.message.id] = work
        lane.adopt(work)
        for part in work.parts:
            if part.state is State.QUEUED:
                lane.push_front(work.item(part.number), self._clock())
        self._wake[work.lane].set()

    def withdraw(self, work: Work) -> bool:
        """Take a message of which nothing has left out of its lane; whether that could be."""
        if work.parts or work.was_split or work.broken is not None:
            return False
        self._forget(work)
        return True

    def wake(self) -> None:
        """Look again at what is ready."""
        for event in self._wake.values():
            event.set()

    def _forget(self, work: Work) -> None:
        lane = self.lanes.get(work.lane)
        self.works.pop(work.message.id, None)
        if self.forgotten is not None:
            self.forgotten.add(work.message.id)
        if lane is None:
            return
        lane.drop(work)
        if lane.wants(work.message.account):
            self._on_room(lane)

    # --- sending ---

    async def _dispatch(self, lane: Lane) -> None:
        """Hand the slots of one uplink to what waits for it."""
        while True:
            try:
                await self._send_next(lane, self._uplinks[lane.name])
            except Exception:
                log.exception("sending was interrupted", uplink=lane.name)
                await asyncio.sleep(STORE_PAUSE_MAX_SECONDS)

    async def _send_next(self, lane: Lane, uplink: Uplink) -> None:
        self._look_after_parts(lane)
        await self._until_ready(lane)
        while self._departing[lane.name] >= COMMITS_UNDER_WAY:
            self._has_departed[lane.name].clear()
            await self._has_departed[lane.name].wait()
        slots = await uplink.reserve(max(1, min(BATCH, lane.ready_count(self._clock()))))
        # No await from here to the departure: whoever stops us finds slots either unused or under way.
        leaving = self._load(lane, slots)
        if leaving:
            self._departing[lane.name] += 1
            self.spawn(self._depart(lane, leaving))

    async def _until_ready(self, lane: Lane) -> None:
        event = self._wake[lane.name]
        loop = asyncio.get_running_loop()
        while not lane.ready_count(self._clock()):
            self._look_after_parts(lane)
            event.clear()
            ready_at = lane.next_ready_at()
            timer = loop.call_later(max(0.0, ready_at - self._clock()), event.set) if ready_at is not None else None
            await event.wait()
            if timer is not None:
                timer.cancel()

    def _load(self, lane: Lane, slots: Sequence[Slot]) -> list[Leaving]:
        """Fill slots with what is ready; give back those that stay empty."""
        now = self._clock()
        free = list(reversed(slots))
        leaving: dict[str, Leaving] = {}
        while free and (item := lane.pop(now)) is not None:
            work, number, _ = item
            if work.expires_at <= now:
                self.expire(work)
                continue
            together = self._gathering.gather(lane, item, now)
            if together != [item]:
                self._load_together(lane, together, free, leaving, now)
                continue
            is_fresh = number == 0
            if is_fresh and not self._split(lane, work, now):
                continue
            one = leaving.setdefault(work.message.id, Leaving(work, is_fresh))
            # Of a message split just now, as many parts as there are slots; the others follow once the split is kept.
            for part_number in range(1, len(work.parts) + 1) if is_fresh else (number,):
                if free:
                    one.flights.append((self._take_off(work, part_number, free.pop(), now), part_number))
        for slot in free:
            slot.release()
        return list(leaving.values())

    def _load_together(
        self, lane: Lane, items: Sequence[Item], free: list[Slot], leaving: dict[str, Leaving], now: float
    ) -> None:
        """Fill one slot with all parts of a message; where one of them cannot go, the others wait for it again."""
        going = [item for item in items if item.number or self._split(lane, item.work, now)]
        if len(going) < len(items):
            for item in going:
                if not item.number:
                    item.work.unsplit()
                self._gathering.gather(lane, item.work.item(item.number), now)
        elif items:
            for item, slot in zip(items, shared(free.pop(), len(items)), strict=True):
                flight = self._take_off(item.work, 1, slot, now), 1
                leaving[item.work.message.id] = Leaving(item.work, not item.number, [flight])

    def _look_after_parts(self, lane: Lane) -> None:
        """End parts that have waited too long for the others of their message; look for those at other nodes."""
        for item, missing in self._gathering.overdue(lane):
            if item.number:
                self.end_rest(item.work, State.FAILED, missing)
            else:
                self.end(item.work, State.FAILED, missing)
        if (alone := self._gathering.alone(lane)) is not None:
            self.spawn(self._gathering.meet(lane.name, alone, self._drop))

    def _split(self, lane: Lane, work: Work, now: float) -> bool:
        """Cut a message for its uplink; one that this uplink cannot carry goes elsewhere or ends."""
        uplink = self._uplinks[lane.name]
        reference = next(self._references) & 0xFFFF
        try:
            bodies = self._unsealing.split(uplink, work.message, reference)
        except Unsupported as error:
            work.tried.add(lane.name)
            if not self._move(work, now, even_if_down=True):
                self.end(work, State.FAILED, str(error))
            return False
        except Exception as error:
            # One message must not stop an uplink, whatever is wrong with it.
            log.exception("a message cannot be split", message=work.message.id)
            self.end(work, State.FAILED, f"it cannot be split: {type(error).__name__}")
            return False
        if not 0 < len(bodies) <= PARTS_MAX:
            self.end(work, State.FAILED, f"the message would need {len(bodies)} parts")
            return False
        work.split_into(bodies, node=self._node, group=uplink.group, reference=reference, now=now)
        return True

    def _take_off(self, work: Work, number: int, slot: Slot, now: float) -> Slot:
        part = work.parts[number - 1]
        work.parts[number - 1] = replace(
            part, state=State.SENDING, attempt=part.attempt + 1, node=self._node, bind=slot.bind, updated_at=now
        )
        return slot

    async def _depart(self, lane: Lane, leaving: Sequence[Leaving]) -> None:
        """Commit that parts are being sent, then send them."""
        try:
            await self._store.depart([_departure(one) for one in leaving])
        except StoreError as error:
            self._metrics.store_errors.labels("depart").inc()
            log.warning("the store cannot commit what leaves", error=str(error))
            self._undo(lane, leaving)
            if isinstance(error, NotOurs):
                self._drop(error.ids)
        else:
            for one in leaving:
                self._submit(lane, one)
        finally:
            self._departing[lane.name] -= 1
            self._has_departed[lane.name].set()
            self._wake[lane.name].set()
            self._idle.set()

    def _submit(self, lane: Lane, one: Leaving) -> None:
        work = one.work
        work.was_split = True
        self._in_flight += len(one.flights)
        self._metrics.submitted.labels(lane.name).inc(len(one.flights))
        for slot, number in one.flights:
            part = work.parts[number - 1]
            future = self._unsealing.submit(slot, work.message, part)
            future.add_done_callback(partial(self._on_result, work, part))
        if one.is_fresh:
            for number in range(len(one.flights) + 1, len(work.parts) + 1):
                lane.push_begun(work.item(number))

    def _undo(self, lane: Lane, leaving: Sequence[Leaving]) -> None:
        """Nothing was committed and nothing was sent: all is as before, a moment later."""
        items = []
        for one in leaving:
            work = one.work
            for slot, number in one.flights:
                slot.release()
                part = work.parts[number - 1]
                work.parts[number - 1] = replace(part, state=State.QUEUED, attempt=part.attempt - 1)
            if one.is_fresh:
                work.unsplit()
                items.append(work.item(0))
            else:
                items += [work.item(number) for _, number in one.flights]
            # Given up meanwhile: it is taken up once more, and given up as a whole.
            work.broken = None
        lane.put_back(items, self._clock() + STORE_PAUSE_SECONDS)

    def _drop(self, ids: Collection[str]) -> None:
        """Forget messages that are another node's by now, or were withdrawn there."""
        for identifier in ids:
            if (work := self.works.get(identifier)) is not None:
                self._forget(work)

    # --- recording ---

    def _on_result(self, work: Work, part: Part, future: "asyncio.Future[SubmitResult]") -> None:
        if future.cancelled() or future.exception() is not None:
            result = SubmitResult(Outcome.IN_DOUBT, error="the attempt was broken off")
        else:
            result = future.result()
        self._in_flight -= 1
        self._results.append((work, part, result))
        self._has_results.set()

    async def _record_results(self) -> None:
        while True:
            if not self._results:
                self._idle.set()
                self._has_results.clear()
                await self._has_results.wait()
            batch, self._results = self._results[:RESULTS_BATCH], self._results[RESULTS_BATCH:]
            self._is_recording = True
            try:
                await self.settle(batch)
            except Exception:
                # The parts stay `sending` in the store: in doubt when the gateway starts again.
                log.exception("results cannot be recorded", results=len(batch))
            finally:
                self._is_recording = False

    async def settle(self, batch: Sequence[tuple[Work, Part, SubmitResult]]) -> None:
        """Record what became of attempts, then do what follows."""
        now = self._clock()
        ends: list[PartEnd] = []
        verdicts: list[tuple[Work, Verdict]] = []
        for work, part, result in batch:
            verdict = judge(work, part, result, self._settings_of(part.uplink), now)
            work.parts[part.number - 1] = verdict.end.part
            work.has_accepted |= result.outcome is Outcome.ACCEPTED
            if verdict.end.in_doubt and not work.message.in_doubt:
                work.message = replace(work.message, in_doubt=True)
            ends.append(verdict.end)
            verdicts.append((work, verdict))
            if verdict.breaks_rest and work.broken is None:
                ends += self._break_off(work, State.FAILED, verdict.breaks_rest, now)
        for labels, count in Counter((part.uplink, result.outcome.value) for _, part, result in batch).items():
            self._metrics.results.labels(*labels).inc(count)
        await self._insist("record", lambda: self._store.record(ends, self._book))
        for work, verdict in verdicts:
            self._follow(work, verdict, now)
        self._has_settled.set()

    def _settings_of(self, uplink: str) -> UplinkConfig:
        # A part of an uplink that is no longer configured: the defaults decide.
        return self._settings.get(uplink) or UplinkConfig(servers=())

    def _break_off(self, work: Work, state: State, error: str, now: float) -> list[PartEnd]:
        """End what has not left of a message."""
        work.broken = (state, error)
        ends = give_up(work, [part for part in work.parts if part.state is State.QUEUED], state, error, now)
        for end in ends:
            work.parts[end.part.number - 1] = end.part
        return ends

    async def _insist(self, work: str, write: Callable[[], Coroutine[Any, Any, int]]) -> None:
        """Write until the store can: an SMSC does not say twice what became of a part."""
        pause = STORE_PAUSE_SECONDS
        while True:
            try:
                if await write():
                    self._on_callbacks()
                return
            except NotOurs as error:
                log.warning("another node has taken over meanwhile", work=work, messages=sorted(error.ids))
                return
            except StoreError as error:
                self._metrics.store_errors.labels(work).inc()
                log.warning("the store cannot commit; trying again", work=work, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, STORE_PAUSE_MAX_SECONDS)

    def _follow(self, work: Work, verdict: Verdict, now: float) -> None:
        part = verdict.end.part
        if work.is_over:
            self._forget(work)
            return
        if verdict.again_at is None or not work.parts or work.parts[part.number - 1] is not part:
            # It does not go again, or another part's end has decided for it meanwhile.
            return
        if verdict.wants_other_uplink:
            work.tried.add(work.lane)
            if self._move(work, now) or (work.lane in work.refused_by and self._move(work, now, even_if_down=True)):
                return
        self.lanes[work.lane].push_front(work.item(part.number), verdict.again_at)
        self._wake[work.lane].set()

    # --- other ways out ---

    def relieve(self, lane: Lane) -> None:
        """Let what waits for an uplink that is down go elsewhere."""
        now = self._clock()
        for work in list(lane.works.values()):
            if work.may_move:
                work.tried.add(lane.name)
                self._move(work, now)

    def _move(self, work: Work, now: float, *, even_if_down: bool = False) -> bool:
        """Let a message go through another uplink of its route that it has not tried; whether there is one."""
        if not work.may_move:
            return False
        for name in work.way.uplinks:
            lane = self.lanes.get(name)
            if lane is None or name in work.tried or name in work.refused_by or not lane.room(work.message.account):
                continue
            if not (even_if_down or self._uplinks[name].is_available):
                continue
            self.lanes[work.lane].drop(work)
            # Another alphabet, another method, other limits: it is split anew.
            work.unsplit()
            lane.adopt(work)
            lane.push_front(work.item(0), now)
            self._wake[name].set()
            return True
        if not even_if_down:
            work.tried.clear()
        return False

    def replan(self, work: Work, error: str) -> None:
        """A message whose parts were made for an uplink that is gone is split anew, or ends where a part was taken."""
        if work.has_accepted or work.broken is not None:
            self.end_rest(work, State.FAILED, error)
            return
        work.unsplit()
        self.lanes[work.lane].push_front(work.item(0), self._clock())

    def move_to(self, work: Work, way: Decision, error: str) -> None:
        """A begun message whose uplink goes takes another way, or ends where a part of it was taken."""
        if work.has_accepted or work.broken is not None:
            self.end_rest(work, State.FAILED, error)
            return
        self.lanes[work.lane].drop(work)
        work.way, work.tried = way, set()
        work.unsplit()
        name = next((name for name in way.uplinks if self._uplinks[name].is_available), way.uplinks[0])
        self.lanes[name].adopt(work)
        self.lanes[name].push_front(work.item(0), self._clock())
        self._wake[name].set()

    # --- giving up ---

    def expire(self, work: Work) -> None:
        """End what has not left of a message whose validity period is over."""
        if work.broken is not None:
            return
        if not work.parts:
            self.end(work, State.EXPIRED, EXPIRED)
            return
        self.end_rest(work, State.EXPIRED, EXPIRED)

    def end_rest(self, work: Work, state: State, error: str) -> None:
        """Give up those parts of a message that have not left."""
        ends = self._break_off(work, state, error, self._clock())
        if ends:
            self._metrics.ended.labels(state.value).inc()
            self.spawn(self._finish(work, "record", lambda: self._store.record(ends, self._book)))

    def end(self, work: Work, state: State, error: str) -> None:
        """Give up a message of which nothing has left."""
        work.broken = (state, error)
        self._metrics.ended.labels(state.value).inc()
        message = replace(work.message, state=state, error=error, updated_at=self._clock())
        self.spawn(self._finish(work, "end", lambda: self._store.end([message], self._book)))

    async def _finish(self, work: Work, kind: str, write: Callable[[], Coroutine[Any, Any, int]]) -> None:
        """Record an end; the message stays known until then, so that no refill brings it back."""
        await self._insist(kind, write)
        if not work.in_flight:
            self._forget(work)


def _departure(one: Leaving) -> Departure:
    work = one.work
    if one.is_fresh:
        return Departure(work.message, tuple(work.parts), replaces_split=work.was_split)
    return Departure(work.message, tuple(work.parts[number - 1] for _, number in one.flights))
