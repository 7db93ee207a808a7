"""Look-ups of numbers: what they say by themselves, and what networks say of them by way of a provider.

parse ──► phonenumbers and our tables
network ──► kept answer, or one question to a provider however many ask at once, and its answer is kept
network_bulk ──► a job that is kept; its answers are called back some at a time, each batch in one commit
                 with what is left to ask
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gateway.config.services import LookupConfig
from gateway.errors import StoreError
from gateway.models import Callback
from gateway.providers.ports import NetworkInfo, NotOffered, NumberInfo
from gateway.providers.seams import LookupBatch, LookupFailed, NetworkSource, ServiceCallbacks
from gateway.services import numbers, operators
from gateway.services.owing import allow_any, owed
from gateway.services.shelf import Kept, Put, Shelf
from gateway.store import Store

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

METHODS: Final = frozenset({"hlr", "mnp", "fraud"})
BULK_LIMIT: Final = 1_000
CLAIM_SECONDS: Final = 60.0
"""How long a job belongs to the node that asks for it; renewed with every batch."""
RETRY_SECONDS: Final = 30.0
JOB_TRIES: Final = 5
"""How often a number of a job is asked for before there is no answer."""
SWEEP_BATCH: Final = 100


class Answer(msgspec.Struct, frozen=True):
    """What a network said."""

    info: NetworkInfo


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers still to be asked for."""

    method: str
    dialect: str
    callback_url: str
    numbers: tuple[str, ...]
    tries: int = 0


class LookupService:
    """Implements `gateway.providers.ports.Numbers`."""

    def __init__(
        self,
        config: LookupConfig,
        *,
        store: Store,
        source: NetworkSource | None,
        reporters: Mapping[str, ServiceCallbacks],
        on_callbacks: Callable[[], None],
        check_url: Callable[[str], None] = allow_any,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put it together.

        Args:
            source: asks networks; None: nobody does.
            reporters: dialects that have words for answers, by name.
            on_callbacks: called after a commit that owes callbacks.
            check_url: refuses, by InvalidMessage, where a callback may not go.
        """
        self._config = config
        self._store = store
        self._source = source
        self._check_url = check_url
        self._reporters = reporters
        self._on_callbacks = on_callbacks
        self._clock = clock
        self._answers = Shelf(store, "lookup", Answer, clock=clock)
        self._jobs = Shelf(store, "lookup_job", Job, clock=clock)
        self._asking: dict[tuple[str, str, str], asyncio.Task[NetworkInfo]] = {}
        self._turns = asyncio.Semaphore(config.concurrency)
        self._running: dict[str, asyncio.Task[None]] = {}
        if config.areas:
            numbers.load_areas()

    def use(self, config: LookupConfig) -> None:
        """Go by other settings from now on; who asks already keeps its turn."""
        if config.concurrency != self._config.concurrency:
            self._turns = asyncio.Semaphore(config.concurrency)
        if config.areas and not self._config.areas:
            numbers.load_areas()
        self._config = config

    # --- what needs no network ---

    def parse(self, number: str) -> NumberInfo:
        """Everything that a number says by itself."""
        return numbers.describe(number, with_area=self._config.areas)

    def outline(self, number: str) -> NumberInfo:
        """What most answers show of a number."""
        return numbers.outline(number)

    def brief(self, number: str) -> NumberInfo:
        """What the first digits say."""
        return numbers.brief(number)

    def countries(self) -> Sequence[tuple[str, str, int]]:
        """ISO code, name and calling code of every country."""
        return [(one.iso, one.name, one.calling_code) for one in operators.countries().values()]

    # --- one ---

    async def network(self, account: str, number: str, *, method: str = "hlr") -> NetworkInfo:
        """Ask a provider: 'hlr', 'mnp' or 'fraud'; answers are kept for a while.

        Raises:
            NotOffered: no uplink does this.
            LookupFailed: the provider gave no answer.
            StoreError: kept answers cannot be read.
        """
        self._check_offered(account, method)
        digits = number.strip().removeprefix("+")
        kept = await self._answers.get(account, f"{method} {digits}")
        if kept is not None and self._clock() < kept.record.due_at:
            return kept.value.info
        key = (account, method, digits)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(account, digits, method, kept))
            task.add_done_callback(lambda _task: self._asking.pop(key, None))
        # Whoever gives up waiting must not take the answer from the others.
        return await asyncio.shield(task)

    def _check_offered(self, account: str, method: str) -> NetworkSource:
        if method not in METHODS or self._source is None or not self._source.is_offered(account, method):
            raise NotOffered(f"no uplink looks numbers up by {method}")
        return self._source

    async def _ask(self, account: str, number: str, method: str, kept: Kept[Answer] | None) -> NetworkInfo:
        source = self._check_offered(account, method)
        async with self._turns:
            info = await source.ask(account, number, method)
        info = self._with_networks(replace(info, number=info.number or number, id=info.id or self._new_id()))
        if self._config.cache_seconds:
            put = Put(Answer(info), due_at=self._clock() + self._config.cache_seconds, tag=number)
            try:
                if kept is not None:
                    await self._answers.put(kept, put)
                else:
                    await self._answers.add(account, f"{method} {number}", put)
            except StoreError as error:
                log.warning("an answer of a network was not kept", error=str(error))
        return info

    def _with_networks(self, info: NetworkInfo) -> NetworkInfo:
        """An answer with what our own tables add: the names of networks, and who was given the prefix."""
        original = dict(info.original_network)
        if not original.get("mcc"):
            own = numbers.describe(info.number)
            found = {"name": own.carrier, "country": own.country, "mcc": own.mcc, "mnc": own.mnc}
            original = {name: text for name, text in found.items() if text} | {
                name: text for name, text in original.items() if text
            }
        current = dict(info.current_network)
        if current.get("mcc") and not current.get("name"):
            network = operators.network_by_codes(current["mcc"], current.get("mnc", ""))
            if network is not None:
                current |= {"name": network.operator, "country": current.get("country") or network.country}
        return replace(info, original_network=original, current_network=current)

    def _new_id(self) -> str:
        return self._store.ids.new(self._clock())

    # --- many ---

    async def network_bulk(
        self, account: str, numbers: Sequence[str], *, method: str, callback_url: str, dialect: str
    ) -> str:
        """Ask for many; the answers are called back in the words of the dialect. Returns the job's id.

        Raises:
            NotOffered: no uplink does this, or the dialect reports no look-ups.
            ValueError: there are none, or too many.
            InvalidMessage: the callback's address cannot be used.
            StoreError: the job was not kept.
        """
        self._check_offered(account, method)
        if dialect not in self._reporters:
            raise NotOffered(f"there are no words in which {dialect} is told of look-ups")
        self._check_url(callback_url)
        wanted = tuple(dict.fromkeys(number.strip().removeprefix("+") for number in numbers))
        if not 1 <= len(wanted) <= BULK_LIMIT:
            raise ValueError(f"a look-up is of 1 to {BULK_LIMIT} numbers")
        now, job_id = self._clock(), self._new_id()
        job = Job(method, dialect, callback_url, wanted)
        record = self._jobs.new(account, job_id, Put(job, due_at=now + CLAIM_SECONDS))
        await self._store.put_records([record])
        self._start(Kept(job, replace(record, version=1)))
        return job_id

    def _start(self, kept: Kept[Job]) -> None:
        """Work on a job that is this node's for now."""
        if kept.key not in self._running:
            task = self._running[kept.key] = asyncio.create_task(self._work(kept))
            task.add_done_callback(lambda _task: self._running.pop(kept.key, None))

    async def _work(self, kept: Kept[Job] | None) -> None:
        try:
            while kept is not None and kept.value.numbers:
                kept = await self._batch(kept)
        except StoreError as error:
            log.warning("a look-up of many numbers waits for the store", error=str(error))
        except Exception:
            log.exception("a look-up of many numbers was interrupted")

    async def _batch(self, kept: Kept[Job]) -> Kept[Job] | None:
        """Ask for some, and write down in one commit what was said and what is left; None: it is over, or rests."""
        job = kept.value
        some = job.numbers[: self._config.batch]
        answers = await asyncio.gather(
            *(self.network(kept.account, one, method=job.method) for one in some), return_exceptions=True
        )
        found = tuple(one for one in answers if isinstance(one, NetworkInfo))
        for one in answers:
            if isinstance(one, BaseException) and not isinstance(one, (LookupFailed, NotOffered)):
                raise one
        failed = tuple(number for number, one in zip(some, answers, strict=True) if isinstance(one, BaseException))
        error = next((str(one) for one in answers if isinstance(one, BaseException)), "")
        rests = bool(failed) and job.tries + 1 < JOB_TRIES
        left = (failed if rests else ()) + job.numbers[len(some) :]
        batch = LookupBatch(
            job=kept.key,
            account=kept.account,
            method=job.method,
            callback_url=job.callback_url,
            answers=found,
            failed=() if rests else failed,
            error="" if rests else error,
            is_last=not left,
        )
        now = self._clock()
        callbacks = self._callbacks(kept.account, job, batch, now)
        is_over, is_stuck = not left, rests and not found
        after = replace(job, numbers=left, tries=job.tries + 1 if rests else 0)
        due_at = now if is_over else now + (RETRY_SECONDS if is_stuck else CLAIM_SECONDS)
        written = await self._jobs.put(kept, Put(after, due_at=due_at, callbacks=callbacks))
        if written is not None and callbacks:
            self._on_callbacks()
        if written is not None and is_over:
            await self._jobs.drop(kept.account, [kept.key])
        return None if is_over or is_stuck else written

    def _callbacks(self, account: str, job: Job, batch: LookupBatch, now: float) -> tuple[Callback, ...]:
        reporter = self._reporters.get(job.dialect)
        if reporter is None or not (batch.answers or batch.failed):
            return ()
        made = reporter.lookup_callbacks(batch)
        return tuple(owed(callback, self._store, account, batch.job, job.dialect, now) for callback in made)

    # --- what is due ---

    async def sweep(self) -> bool:
        """Take up jobs that nobody works on, forget answers that are too old; whether nothing is left to do now.

        Raises:
            StoreError: it goes on later.
        """
        now = self._clock()
        jobs = await self._jobs.due(now, limit=SWEEP_BATCH)
        for kept in jobs:
            if not kept.value.numbers:
                await self._jobs.drop(kept.account, [kept.key])
            elif kept.key not in self._running:
                claimed = await self._jobs.put(kept, Put(kept.value, due_at=now + CLAIM_SECONDS))
                if claimed is not None:
                    self._start(claimed)
        old = await self._answers.due(now, limit=SWEEP_BATCH)
        for account in {kept.account for kept in old}:
            await self._answers.drop(account, [kept.key for kept in old if kept.account == account])
        return max(len(jobs), len(old)) < SWEEP_BATCH

    async def stop(self) -> None:
        """Work on jobs no more; another node, or the next start, goes on."""
        tasks = [*self._running.values(), *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
