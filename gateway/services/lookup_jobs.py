"""Look-ups of many numbers: jobs that are kept, asked for some at a time, and reported on.

    begin ──► job (kept) ──some numbers──► asked ──► answers, callbacks and what is left, in one commit ──► … ──► over

A job that keeps its answers can be asked for them while it goes on and for a while after; of others there is nothing
left when the last callback is owed. A node that dies leaves its jobs to whoever finds them due; what was answered is
not asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gateway.config.services import LookupConfig
from gateway.errors import RateLimited, StoreError
from gateway.models import Callback
from gateway.providers.looking import AS_ASKED
from gateway.providers.ports import BulkLookup, LookupAnswer, NetworkInfo, NotOffered, NumberInfo
from gateway.providers.seams import LookupBatch, LookupFailed, ServiceCallbacks
from gateway.services.owing import owed
from gateway.services.shelf import Kept, Put, Shelf
from gateway.store import Record, Store

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

BULK_LIMIT: Final = 1_000
OPEN_LIMIT: Final = 100
"""Jobs of one account that may be under way."""
CLAIM_SECONDS: Final = 60.0
"""How long a job belongs to the node that asks for it; renewed with every batch."""
RETRY_SECONDS: Final = 30.0
JOB_TRIES: Final = 5
"""How often a number of a job is asked for before there is no answer."""
SWEEP_BATCH: Final = 100
STEP: Final = 100
"""Answers that are written down at once where callers do not say how many."""
TURN: Final = 20
"""Numbers that are described in one go."""
OPEN: Final = "open"
NO_NUMBER: Final = "it is no number of any country"

Ask = Callable[[str, str, str], Awaitable[NetworkInfo]]
"""Account, number, method."""


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers still to be asked for."""

    method: str
    """Empty: no network is asked."""
    dialect: str
    callback_url: str
    numbers: tuple[str, ...]
    tries: int = 0
    written: Mapping[str, tuple[str, ...]] = {}
    """How its caller wrote a number, each way of them, where that was another."""
    unasked_kinds: tuple[str, ...] = ()
    """No network is asked about numbers of these kinds."""
    is_kept: bool = False
    """Whether its answers can be asked for."""
    total: int = 0
    answered: int = 0
    failed: int = 0
    ended_at: float = 0.0


class Answers(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some answers of a job that is kept."""

    networks: tuple[NetworkInfo, ...] = ()
    numbers: tuple[str, ...] = ()
    """Those of which no network was asked, or none knew."""
    error: str = ""
    """Why none knew."""


class LookupJobs:
    """The jobs.

    Args:
        ask: asks a network about one number.
        describe: what a number says by itself.
        reporters: dialects that have words for answers, by name.
        on_callbacks: called after a commit that owes callbacks.
    """

    def __init__(
        self,
        config: LookupConfig,
        *,
        store: Store,
        ask: Ask,
        describe: Callable[[str], NumberInfo],
        reporters: Mapping[str, ServiceCallbacks],
        on_callbacks: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._store = store
        self._ask = ask
        self._describe = describe
        self._reporters = reporters
        self._on_callbacks = on_callbacks
        self._clock = clock
        self._jobs = Shelf(store, "lookup_job", Job, clock=clock)
        self._answers = Shelf(store, "lookup_answers", Answers, clock=clock)
        self.running: dict[str, asyncio.Task[None]] = {}
        """Jobs of this node."""

    def use(self, config: LookupConfig) -> None:
        """Go by other settings from now on."""
        self._config = config

    # --- beginning ---

    async def begin(
        self,
        account: str,
        numbers: Sequence[str],
        *,
        method: str,
        callback_url: str,
        dialect: str,
        is_kept: bool = False,
        written: Mapping[str, tuple[str, ...]] = AS_ASKED,
        unasked_kinds: tuple[str, ...] = (),
    ) -> str:
        """Keep a job and work on it; its id.

        Raises:
            NotOffered: the dialect reports no look-ups.
            ValueError: there are no numbers, or too many.
            RateLimited: of the account's jobs too many are under way.
            StoreError: the job was not kept.
        """
        if dialect not in self._reporters:
            raise NotOffered(f"there are no words in which {dialect} is told of look-ups")
        wanted = tuple(dict.fromkeys(number.strip().removeprefix("+") for number in numbers))
        if not 1 <= len(wanted) <= BULK_LIMIT:
            raise ValueError(f"a look-up is of 1 to {BULK_LIMIT} numbers")
        if is_kept and await self._jobs.count(account, tag=OPEN) >= OPEN_LIMIT:
            raise RateLimited(f"{OPEN_LIMIT} look-ups of many numbers are under way", RETRY_SECONDS)
        now = self._clock()
        job_id = self._store.ids.new(now)
        job = Job(
            method,
            dialect,
            callback_url,
            wanted,
            written=dict(written),
            unasked_kinds=unasked_kinds,
            is_kept=is_kept,
            total=len(wanted),
        )
        record = self._jobs.new(account, job_id, Put(job, due_at=now + CLAIM_SECONDS, tag=OPEN if is_kept else ""))
        await self._store.put_records([record])
        self._start(Kept(job, replace(record, version=1)))
        return job_id

    # --- asking for what is kept ---

    async def find(self, account: str, job_id: str) -> BulkLookup | None:
        """A job whose answers are kept, with those there are."""
        kept = await self._jobs.get(account, job_id)
        if kept is None or not kept.value.is_kept:
            return None
        job = kept.value
        found: dict[str, NetworkInfo | str] = {}
        for some in await self._answers.all(account, tag=job_id):
            # A number may be there twice where a node was taken for dead.
            found |= {number: some.value.error for number in some.value.numbers if number not in found}
            found |= {one.number: one for one in some.value.networks}
        infos = await self._described(list(found))
        answers = (answer_of(infos[number], said) for number, said in found.items())
        return BulkLookup(
            id=job_id,
            method=job.method,
            total=job.total,
            answered=job.answered,
            failed=job.failed,
            answers=tuple(answers),
            created_at=kept.record.created_at,
            ended_at=job.ended_at,
        )

    # --- working ---

    def _start(self, kept: Kept[Job]) -> None:
        """Work on a job that is this node's for now."""
        if kept.key not in self.running:
            task = self.running[kept.key] = asyncio.create_task(self._work(kept))
            task.add_done_callback(lambda _task: self.running.pop(kept.key, None))

    async def _work(self, kept: Kept[Job] | None) -> None:
        try:
            while kept is not None and kept.value.numbers:
                kept = await self._step(kept)
        except StoreError as error:
            log.warning("a look-up of many numbers waits for the store", error=str(error))
        except Exception:
            log.exception("a look-up of many numbers was interrupted")

    async def _step(self, kept: Kept[Job]) -> Kept[Job] | None:
        """Ask for some, and write down in one commit what was said and what is left; None: it is over, or rests."""
        job = kept.value
        some = job.numbers[: min(self._config.batch, STEP) if job.is_kept else self._config.batch]
        infos = await self._described(some)
        asked = [
            number
            for number in some
            if job.method
            and (infos[number].is_valid or not job.is_kept)
            and infos[number].kind not in job.unasked_kinds
        ]
        answers = await asyncio.gather(
            *(self._ask(kept.account, one, job.method) for one in asked), return_exceptions=True
        )
        for one in answers:
            if isinstance(one, BaseException) and not isinstance(one, (LookupFailed, NotOffered)):
                raise one
        found = tuple(one for one in answers if isinstance(one, NetworkInfo))
        failed = tuple(number for number, one in zip(asked, answers, strict=True) if isinstance(one, BaseException))
        error = next((str(one) for one in answers if isinstance(one, BaseException)), "")
        rests = bool(failed) and job.tries + 1 < JOB_TRIES
        given_up = () if rests else failed
        left = (failed if rests else ()) + job.numbers[len(some) :]
        unasked = tuple(number for number in some if number not in asked)
        batch = LookupBatch(
            job=kept.key,
            account=kept.account,
            method=job.method,
            callback_url=job.callback_url,
            answers=found,
            parsed={**infos, **{one.number: infos.get(one.number) or self._describe(one.number) for one in found}},
            unasked=unasked,
            failed=given_up,
            written=job.written,
            error=error if given_up else "",
            is_last=not left,
        )
        is_stuck = rests and not found and not unasked
        return await self._note(kept, batch, left, tries=job.tries + 1 if rests else 0, is_stuck=is_stuck)

    async def _described(self, numbers: Sequence[str]) -> dict[str, NumberInfo]:
        """What numbers say by themselves; others get their turn meanwhile."""
        found: dict[str, NumberInfo] = {}
        for at, number in enumerate(numbers):
            if not at % TURN:
                await asyncio.sleep(0)
            found[number] = self._describe(number)
        return found

    async def _note(
        self, kept: Kept[Job], batch: LookupBatch, left: tuple[str, ...], *, tries: int, is_stuck: bool
    ) -> Kept[Job] | None:
        job, now, is_over = kept.value, self._clock(), batch.is_last
        good = len(batch.answers) + sum(batch.parsed[one].is_valid for one in batch.unasked)
        bad = len(batch.failed) + sum(not batch.parsed[one].is_valid for one in batch.unasked)
        after = replace(
            job,
            numbers=left,
            tries=tries,
            answered=job.answered + good,
            failed=job.failed + bad,
            ended_at=now if is_over else 0.0,
        )
        callbacks = self._callbacks(kept.account, job, batch, now)
        due_at = now + (RETRY_SECONDS if is_stuck else CLAIM_SECONDS)
        if is_over:
            due_at = now + self._config.keep_seconds if job.is_kept else now
        put = Put(after, due_at=due_at, tag="" if is_over else None, callbacks=callbacks)
        written, *_ = await self._store.put_records([self._jobs.next(kept, put), *self._parts(kept, batch)])
        if not written:
            return None
        if callbacks:
            self._on_callbacks()
        if is_over and not job.is_kept:
            await self._jobs.drop(kept.account, [kept.key])
        record = replace(kept.record, version=kept.record.version + 1, callbacks=())
        return None if is_over or is_stuck else Kept(after, record)

    def _parts(self, kept: Kept[Job], batch: LookupBatch) -> list[Record]:
        """What is kept of a step, named by the job's version: whoever else took that step wrote it, or nobody has."""
        if not kept.value.is_kept:
            return []
        parts = [Answers(batch.answers, batch.unasked)] if batch.answers or batch.unasked else []
        parts += [Answers((), batch.failed, batch.error)] if batch.failed else []
        names = (f"{kept.key}/{kept.record.version:06d}{letter}" for letter in "ab")
        return [
            self._answers.new(kept.account, name, Put(part, tag=kept.key))
            for name, part in zip(names, parts, strict=False)
        ]

    def _callbacks(self, account: str, job: Job, batch: LookupBatch, now: float) -> tuple[Callback, ...]:
        reporter = self._reporters.get(job.dialect)
        if reporter is None or not (batch.answers or batch.failed or batch.unasked):
            return ()
        if not batch.callback_url and job.is_kept:
            return ()
        made = reporter.lookup_callbacks(batch)
        return tuple(owed(callback, self._store, account, batch.job, job.dialect, now) for callback in made)

    # --- what is due ---

    async def sweep(self, now: float) -> bool:
        """Take up jobs that nobody works on, forget those that are over; whether nothing is left to do now.

        Raises:
            StoreError: it goes on later.
        """
        due = await self._jobs.due(now, limit=SWEEP_BATCH)
        for kept in due:
            if not kept.value.numbers:
                await self._forget(kept)
            elif kept.key not in self.running:
                claimed = await self._jobs.put(kept, Put(kept.value, due_at=now + CLAIM_SECONDS))
                if claimed is not None:
                    self._start(claimed)
        return len(due) < SWEEP_BATCH

    async def _forget(self, kept: Kept[Job]) -> None:
        if kept.value.is_kept:
            parts = await self._answers.all(kept.account, tag=kept.key)
            await self._answers.drop(kept.account, [part.key for part in parts])
        await self._jobs.drop(kept.account, [kept.key])

    async def stop(self) -> None:
        """Work on jobs no more; another node, or the next start, goes on."""
        tasks = list(self.running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer_of(info: NumberInfo, said: NetworkInfo | str) -> LookupAnswer:
    """What is known of one of many numbers: what a network said, or why none did."""
    if isinstance(said, NetworkInfo):
        return LookupAnswer(info=info, network=said)
    return LookupAnswer(info=info, error=said or ("" if info.is_valid else NO_NUMBER))
