"""From a lane to the socket.

    lane ──slots──► commit `sending` ──► slot.submit ──► results (settling.py records them)

One task for each uplink hands out its slots. It works in batches, and a batch grows by itself while the commit before
it is on its way to the disk. There is no task for a message.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec
import structlog

from gateway.config import UplinkConfig
from gateway.errors import StoreError, Unsupported
from gateway.gathering import Gathering, shared
from gateway.health import HealthBook
from gateway.lanes import Item, Lane, Work
from gateway.metrics import Metrics
from gateway.models import State
from gateway.sealing import Sealer
from gateway.settling import STORE_PAUSE_MAX_SECONDS, STORE_PAUSE_SECONDS, Settler
from gateway.store import Bookkeeping, Departure, NotOurs, Store
from gateway.tasks import cancel_all
from gateway.unsealing import Unsealing
from gateway.uplinks.base import Slot, Uplink

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

BATCH: Final = 256
"""Slots taken at a time."""
COMMITS_UNDER_WAY: Final = 2
"""Batches of one uplink between slots and socket: the next fills while the one before is written to disk."""
PARTS_MAX: Final = 255


def _never(_work: Work, _now: float) -> bool:
    return False


@dataclass(slots=True)
class Leaving:
    """A message of which parts are on their way to a socket."""

    work: Work
    is_fresh: bool
    """Whether it was split just now."""
    flights: list[tuple[Slot, int]] = field(default_factory=list)


class Sender(Settler):
    """Sends what waits in the lanes."""

    def __init__(
        self,
        *,
        node: str,
        settings: Mapping[str, UplinkConfig],
        uplinks: Mapping[str, Uplink],
        health: HealthBook,
        lane_limit: int,
        share: Callable[[str], int],
        store: Store,
        book: Bookkeeping,
        metrics: Metrics,
        on_callbacks: Callable[[], None],
        on_room: Callable[[Lane], None],
        clock: Callable[[], float],
        sealer: Sealer | None = None,
        is_postponed: Callable[[Work, float], bool] = _never,
    ) -> None:
        self._new_lane = partial(Lane, limit=lane_limit, share=share)
        super().__init__(
            {name: self._new_lane(name) for name in uplinks},
            settings=settings,
            uplinks=uplinks,
            health=health,
            store=store,
            book=book,
            metrics=metrics,
            on_callbacks=on_callbacks,
            on_room=on_room,
            clock=clock,
        )
        self._node = node
        self._is_postponed = is_postponed
        self._unsealing = Unsealing(sealer)
        self._gathering = Gathering(uplinks, store, node, clock)
        self._departing = dict.fromkeys(uplinks, 0)
        self._has_departed = {name: asyncio.Event() for name in uplinks}
        self._references = itertools.count(random.randrange(1 << 16))
        self._dispatchers: dict[str, asyncio.Task[None]] = {}
        self._is_started = False

    # --- life ---

    def start(self) -> None:
        """Begin to send."""
        self._is_started = True
        self._dispatchers = {name: self.spawn(self._dispatch(lane)) for name, lane in self.lanes.items()}
        self.spawn(self.record_results())

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
        # What went over an uplink that goes is judged by what was said of it.
        self._settings = {**self._settings, **settings}
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

    def drop_lane(self, name: str) -> None:
        """Forget an uplink whose lane was closed and is empty."""
        for table in (self.lanes, self._wake, self._has_departed, self._departing):
            table.pop(name, None)
        self._gathering.forget(name)

    @property
    def is_busy(self) -> bool:
        """Whether parts are in flight, about to be, or not recorded."""
        return bool(self._in_flight or self._results or self._is_recording or any(self._departing.values()))

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
            if number == 0 and not work.was_split and self._is_postponed(work, now):
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


def _departure(one: Leaving) -> Departure:
    work = one.work
    if one.is_fresh:
        return Departure(work.message, tuple(work.parts), replaces_split=work.was_split)
    return Departure(work.message, tuple(work.parts[number - 1] for _, number in one.flights))
