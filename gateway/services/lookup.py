"""Look-ups of numbers: what they say by themselves, and what networks say of them by way of a provider.

parse ──► phonenumbers and our tables
network ──► kept answer, or one question to a provider however many ask at once, and its answer is kept
network_bulk, begin_bulk ──► a job that is kept: `lookup_jobs`
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gateway.config.services import LookupConfig
from gateway.errors import StoreError
from gateway.providers.looking import AS_ASKED
from gateway.providers.ports import BulkLookup, NetworkInfo, NotOffered, NumberInfo
from gateway.providers.seams import NetworkSource, ServiceCallbacks
from gateway.services import numbers, operators
from gateway.services.lookup_jobs import LookupJobs
from gateway.services.owing import allow_any
from gateway.services.shelf import Kept, Put, Shelf
from gateway.store import Store

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

METHODS: Final = frozenset({"hlr", "mnp", "fraud"})
SWEEP_BATCH: Final = 100
NATIVE: Final = "native"


class Answer(msgspec.Struct, frozen=True):
    """What a network said."""

    info: NetworkInfo


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
        self._clock = clock
        self._answers = Shelf(store, "lookup", Answer, clock=clock)
        self._jobs = LookupJobs(
            config,
            store=store,
            ask=lambda account, number, method: self.network(account, number, method=method),
            describe=self.parse,
            reporters=reporters,
            on_callbacks=on_callbacks,
            clock=clock,
        )
        self._asking: dict[tuple[str, str, str], asyncio.Task[NetworkInfo]] = {}
        self._turns = asyncio.Semaphore(config.concurrency)
        if config.areas:
            numbers.load_areas()

    def use(self, config: LookupConfig) -> None:
        """Go by other settings from now on; who asks already keeps its turn."""
        if config.concurrency != self._config.concurrency:
            self._turns = asyncio.Semaphore(config.concurrency)
        if config.areas and not self._config.areas:
            numbers.load_areas()
        self._config = config
        self._jobs.use(config)

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
        self,
        account: str,
        numbers: Sequence[str],
        *,
        method: str,
        callback_url: str,
        dialect: str,
        written: Mapping[str, tuple[str, ...]] = AS_ASKED,
        unasked_kinds: tuple[str, ...] = (),
    ) -> str:
        """Ask for many; the answers are called back in the words of the dialect. Returns the job's id.

        Raises:
            NotOffered: no uplink does this, or the dialect reports no look-ups.
            ValueError: there are none, or too many.
            InvalidMessage: the callback's address cannot be used.
            StoreError: the job was not kept.
        """
        self._check_offered(account, method)
        self._check_url(callback_url)
        return await self._jobs.begin(
            account,
            numbers,
            method=method,
            callback_url=callback_url,
            dialect=dialect,
            written=written,
            unasked_kinds=unasked_kinds,
        )

    async def begin_bulk(
        self, account: str, numbers: Sequence[str], *, method: str = "", callback_url: str = ""
    ) -> BulkLookup:
        """Look many up for whoever asks for the answers later; callbacks are in our own words.

        Raises:
            NotOffered: no uplink does this.
            ValueError: there are none, or too many.
            InvalidMessage: the callback's address cannot be used; RateLimited: too many such are under way.
            StoreError: the job was not kept.
        """
        if method:
            self._check_offered(account, method)
        if callback_url:
            self._check_url(callback_url)
        job_id = await self._jobs.begin(
            account, numbers, method=method, callback_url=callback_url, dialect=NATIVE, is_kept=True
        )
        found = await self._jobs.find(account, job_id)
        if found is None:
            raise StoreError("the look-up was forgotten at once")
        return found

    async def find_bulk(self, account: str, lookup_id: str) -> BulkLookup | None:
        """One of those, while it is kept."""
        return await self._jobs.find(account, lookup_id)

    # --- what is due ---

    async def sweep(self) -> bool:
        """Take up jobs that nobody works on, forget answers that are too old; whether nothing is left to do now.

        Raises:
            StoreError: it goes on later.
        """
        now = self._clock()
        is_done = await self._jobs.sweep(now)
        old = await self._answers.due(now, limit=SWEEP_BATCH)
        for account in {kept.account for kept in old}:
            await self._answers.drop(account, [kept.key for kept in old if kept.account == account])
        return is_done and len(old) < SWEEP_BATCH

    async def stop(self) -> None:
        """Work on jobs no more; another node, or the next start, goes on."""
        await self._jobs.stop()
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
