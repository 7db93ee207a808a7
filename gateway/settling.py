"""What becomes of messages in memory: attempts are recorded, then they go again, go elsewhere, or are over.

    results ──judge──► commit ──► over, or back to a lane: this one, or that of another uplink

One task records results, in batches that grow by themselves while the commit before is on its way to the disk.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from gateway.config import UplinkConfig
from gateway.errors import StoreError
from gateway.health import HealthBook
from gateway.lanes import Lane, Work
from gateway.metrics import Metrics
from gateway.models import Outcome, Part, State, SubmitResult
from gateway.routing import Decision
from gateway.store import Bookkeeping, NotOurs, PartEnd, Store
from gateway.uplinks.base import Uplink
from gateway.verdicts import Verdict, give_up, judge

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

RESULTS_BATCH: Final = 2_000
STORE_PAUSE_SECONDS: Final = 0.1
STORE_PAUSE_MAX_SECONDS: Final = 5.0
EXPIRED: Final = "the validity period ended before it could be sent"


class Settler:
    """Holds messages, and settles what becomes of them."""

    def __init__(
        self,
        lanes: dict[str, Lane],
        *,
        settings: Mapping[str, UplinkConfig],
        uplinks: Mapping[str, Uplink],
        health: HealthBook,
        store: Store,
        book: Bookkeeping,
        metrics: Metrics,
        on_callbacks: Callable[[], None],
        on_room: Callable[[Lane], None],
        clock: Callable[[], float],
    ) -> None:
        self.lanes = lanes
        self._settings = settings
        self._uplinks = uplinks
        self._health = health
        self._store = store
        self._book = book
        self._metrics = metrics
        self._on_callbacks = on_callbacks
        self._on_room = on_room
        self._clock = clock
        self.works: dict[str, Work] = {}
        """Every message in memory, in flight included."""
        self.forgotten: set[str] | None = None
        """While a refill reads: the ids that left memory since it began."""
        self._wake = {name: asyncio.Event() for name in lanes}
        self._in_flight = 0
        self._results: list[tuple[Work, Part, SubmitResult]] = []
        self._has_results = asyncio.Event()
        self._has_settled = asyncio.Event()
        self._is_recording = False
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

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

    async def leave_begun(self, works: Sequence[Work]) -> None:
        """Let other nodes go on with messages of which parts have left, where none is on its way."""
        resting = {work.message.id: work for work in works if work.parts and work.was_split and work.broken is None}
        for work in list(resting.values()):
            if work.in_flight or self.works.get(work.message.id) is not work:
                del resting[work.message.id]
            else:
                # Whatever waits of it in the lane means nothing from now on.
                work.generation += 1
                self._forget(work)
        if not resting:
            return
        given: Collection[str] = ()
        try:
            given = await self._store.disown_begun(list(resting))
        except StoreError as error:
            # Should they be others' all the same, the next commit says so.
            log.warning("messages cannot be left to other nodes", messages=len(resting), error=str(error))
        finally:
            for identifier, work in resting.items():
                if identifier not in given and work.lane in self.lanes:
                    self.hold_parts(work)

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

    async def record_results(self) -> None:
        """Record what comes, for ever."""
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
        for (uplink, outcome), count in Counter((part.uplink, result.outcome) for _, part, result in batch).items():
            self._metrics.results.labels(uplink, outcome.value).inc(count)
            self._health.note(uplink, outcome, count)
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

    async def until_answered(self, name: str) -> None:
        """Wait until nothing that went over an uplink waits for its answer, and all answers are recorded."""
        while any(work.in_flight for work in self.lanes[name].works.values()):
            self._has_settled.clear()
            await self._has_settled.wait()

    # --- other ways out ---

    def relieve(self, lane: Lane) -> None:
        """Let what waits for an uplink that is down, or sick, go elsewhere."""
        now = self._clock()
        only_well = self._uplinks[lane.name].is_available
        for work in list(lane.works.values()):
            if work.may_move:
                work.tried.add(lane.name)
                self._move(work, now, only_well=only_well)

    def _move(self, work: Work, now: float, *, even_if_down: bool = False, only_well: bool = False) -> bool:
        """Let a message go through another uplink of its route that it has not tried; whether there is one."""
        if not work.may_move:
            return False
        for name in self._health.in_order(work.way.uplinks):
            if only_well and not self._health.is_well(name):
                break
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
        name = self._health.choose(way.uplinks, lambda name: self._uplinks[name].is_available) or way.uplinks[0]
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
