"""Counters that nodes share: how often something happened in the last hour, and no oftener than it may.

    take(caps) ──one document a counter──► committed, whichever node asks; or the cap that was reached

A counter slides: what remains of the hour before counts in proportion. Increments that arrive while a commit is under
way share the next one, so that a busy account costs no more than a quiet one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gateway.errors import StoreError
from gateway.services.shelf import TRIES, Kept, Put, Shelf
from gateway.store.records import RecordStore

WINDOW_SECONDS: Final = 3_600
KIND: Final = "verify_count"
_BATCH: Final = 1_000


class Count(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often something happened in this window and in the one before."""

    window: int
    now: int = 0
    before: int = 0
    since: float = 0.0
    """When it began to happen, after an hour at least in which it did not."""

    def at(self, window: int) -> "Count":
        """The same, seen from another window."""
        if window == self.window:
            return self
        before = self.now if window == self.window + 1 else 0
        return Count(window, 0, before, self.since if before else 0.0)

    def once_more(self, moment: float) -> "Count":
        """The same, one further."""
        return Count(self.window, self.now + 1, self.before, self.since or moment)

    def estimate(self, moment: float) -> float:
        """How often in the hour before a moment of this window."""
        return self.now + self.before * (1 - moment % WINDOW_SECONDS / WINDOW_SECONDS)


@dataclass(frozen=True, slots=True)
class Cap:
    """A counter and how far it may go; 0: it only counts."""

    key: str
    limit: int
    guard: str
    text: str = ""


@dataclass(eq=False, slots=True)
class _Asked:
    account: str
    caps: tuple[Cap, ...]
    left: list[Cap]
    """Not counted yet."""
    done: "asyncio.Future[Cap | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Counters:
    """Counters that several nodes share."""

    def __init__(self, store: RecordStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._shelf = Shelf(store, KIND, Count, clock=clock)
        self._clock = clock
        self._waiting: list[_Asked] = []
        self._worker: asyncio.Task[None] | None = None

    async def take(self, account: str, caps: Sequence[Cap]) -> Cap | None:
        """Count once more on each, unless one is at its limit: then that one, and none is counted.

        Raises:
            StoreError: nothing can be counted.
        """
        asked = _Asked(account, tuple(caps), list(caps))
        self._waiting.append(asked)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())
        return await asked.done

    async def read(self, account: str, key: str) -> tuple[float, float]:
        """How often in the last hour, and for how many seconds it has been happening."""
        kept = await self._shelf.get(account, key)
        if kept is None:
            return 0.0, 0.0
        now = self._clock()
        count = kept.value.at(int(now // WINDOW_SECONDS))
        return count.estimate(now), now - count.since if count.since else 0.0

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            try:
                await self._count(batch)
            except BaseException as error:
                reason = error if isinstance(error, StoreError) else StoreError("codes cannot be counted now")
                for asked in batch:
                    if not asked.done.done():
                        asked.done.set_exception(reason)
                if not isinstance(error, StoreError):
                    raise

    async def _count(self, batch: list[_Asked]) -> None:
        for _ in range(TRIES):
            batch = [asked for asked in batch if asked.left and not asked.done.done()]
            if not batch:
                return
            names = list({(asked.account, cap.key) for asked in batch for cap in asked.left})
            kept = dict(zip(names, await asyncio.gather(*(self._shelf.get(*name) for name in names)), strict=True))
            now = self._clock()
            window = int(now // WINDOW_SECONDS)
            counts = {name: one.value.at(window) if one else Count(window) for name, one in kept.items()}
            changed = {(asked.account, cap.key) for asked in batch for cap in self._decide(asked, counts, now)}
            written = await self._write(changed, kept, counts, (window + 2) * WINDOW_SECONDS)
            for asked in batch:
                asked.left = [cap for cap in asked.left if not written.get((asked.account, cap.key), False)]
                if not asked.left and not asked.done.done():
                    asked.done.set_result(None)
        raise StoreError("counters are changed by too many at once")

    def _decide(self, asked: _Asked, counts: dict[tuple[str, str], Count], now: float) -> Sequence[Cap]:
        """Count for one who asks, in `counts`; those that were."""
        for cap in asked.left:
            if cap.limit and counts[asked.account, cap.key].estimate(now) + 1 > cap.limit:
                if not asked.done.done():
                    asked.done.set_result(cap)
                return ()
        for cap in asked.left:
            name = (asked.account, cap.key)
            counts[name] = counts[name].once_more(now)
        return asked.left

    async def _write(
        self,
        names: set[tuple[str, str]],
        kept: Mapping[tuple[str, str], Kept[Count] | None],
        counts: Mapping[tuple[str, str], Count],
        due_at: float,
    ) -> dict[tuple[str, str], bool]:
        ordered = sorted(names)
        records = []
        for name in ordered:
            old, put = kept[name], Put(counts[name], due_at=due_at)
            records.append(self._shelf.new(*name, put) if old is None else self._shelf.next(old, put))
        return dict(zip(ordered, await self._store.put_records(records), strict=True)) if records else {}

    async def sweep(self, now: float) -> bool:
        """Forget counters that nobody has moved for two hours; whether none is left to do."""
        due = await self._shelf.due(now, limit=500)
        by_account: dict[str, list[str]] = {}
        for kept in due:
            by_account.setdefault(kept.account, []).append(kept.key)
        for account, keys in by_account.items():
            await self._shelf.drop(account, keys)
        return len(due) < 500
