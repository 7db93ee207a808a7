"""Counts customers' binds where several nodes share a store: an account's maximum is for all nodes together.

    a customer asks ──► read who lives, and what each node has ──► full: refused
                                                              └──► one more of ours, written ──► bound
    a bind is gone  ──► one less of ours, written

A record of each account says how many binds each node has. Whoever writes it first has the last place; the others read
it again. What nodes without a lease have there no longer counts. All that is asked at the same time is one write, and
every write says how many we have, so that one of which nothing is known is put right by the next.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import msgspec
import structlog

from gateway.errors import StoreError
from gateway.store import Record, Store
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

KIND: Final = "binds"
PATIENCE_SECONDS: Final = 5.0
"""How long the store may take to count."""
AGAIN_SECONDS: Final = 0.02
"""Where another node has written first, it is read again after at most so long."""
PAGE: Final = 500

Holder = TypeVar("Holder", bound=Hashable)


class _Node(msgspec.Struct):
    """What a node has of an account."""

    epoch: int
    binds: int


_READ: Final = msgspec.json.Decoder(dict[str, _Node])


@dataclass(slots=True, eq=False)
class _Asker(Generic[Holder]):
    """Who wants a place, and waits to be told whether there is one, or why it cannot be known."""

    holder: Holder
    answer: "asyncio.Future[bool | StoreError]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def tell(self, answer: bool | StoreError) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class SharedBinds(Generic[Holder]):
    """This node's binds, each of which has its place in an account's record.

    Args:
        store: where nodes meet.
        node: this one's name.
        end: ends binds for which there is no place any more: others had it while this node had no lease.
    """

    def __init__(
        self,
        store: Store,
        node: str,
        end: Callable[[list[Holder]], Awaitable[object]],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.limits: Mapping[str, int] = {}
        """The most binds of each account; 0, or not named: any number, which is not written down."""
        self._store = store
        self._node = node
        self._end = end
        self._patience_seconds = patience_seconds
        self._held: dict[str, dict[Holder, None]] = {}
        """By account, the oldest first."""
        self._account_of: dict[Holder, str] = {}
        self._asking: dict[str, list[_Asker[Holder]]] = {}
        self._stale: set[str] = set()
        """Accounts of which the record may say something else than what this node has."""
        self._entered: set[str] = set()
        """Accounts whose record has named this node."""
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[object]] = set()
        self._is_stopped = False

    async def take(self, account: str, holder: Holder) -> bool:
        """Take a place, if there is one; its holder has it until it leaves.

        Raises:
            StoreError: it cannot be known whether there is one, and none is taken.
        """
        if not self.limits.get(account):
            self._hold(account, holder)
            return True
        asker = _Asker(holder)
        self._asking.setdefault(account, []).append(asker)
        self._wake(account)
        try:
            answer = await asker.answer
        except BaseException:
            # It may have been given the place at the very moment.
            self.leave(holder)
            raise
        if isinstance(answer, StoreError):
            raise answer
        return answer

    def leave(self, holder: Holder) -> None:
        """Give a place back, if it has one."""
        account = self._account_of.pop(holder, None)
        if account is None:
            return
        held = self._held[account]
        del held[holder]
        if not held:
            del self._held[account]
        if account in self._entered or account in self._writers:
            self._mark(account)

    async def check(self) -> None:
        """See that the records say what this node has; to be done with each renewal of the lease.

        Raises:
            StoreError: they cannot be read.
        """
        if not self._held and not self._entered and not self._stale:
            return
        written = await self._written()
        for account in {*self._held, *written}:
            is_counted = self.limits.get(account) or account in written
            if is_counted and written.get(account, 0) != len(self._held.get(account, ())):
                self._stale.add(account)
        for account in self._stale:
            self._wake(account)

    async def stop(self, seconds: float) -> None:
        """Write what is to be written, within that time."""
        writers = list(self._writers.values())
        if writers:
            await asyncio.wait(writers, timeout=seconds)
        self._is_stopped = True
        await cancel_all([*self._writers.values(), *self._ending])

    # --- counting ---

    def _hold(self, account: str, holder: Holder) -> None:
        self._account_of[holder] = account
        self._held.setdefault(account, {})[holder] = None

    def _mark(self, account: str) -> None:
        self._stale.add(account)
        self._wake(account)

    def _wake(self, account: str) -> None:
        if account not in self._writers and not self._is_stopped:
            self._writers[account] = asyncio.get_running_loop().create_task(self._write(account))

    async def _write(self, account: str) -> None:
        """One account has one writer, as long as there is something to write."""
        is_stuck = False
        try:
            # What cannot be written now is with the next renewal, or with the next who asks.
            while self._asking.get(account) or (account in self._stale and not is_stuck):
                is_stuck = not await self._turn(account)
        finally:
            del self._writers[account]
            for asker in self._asking.pop(account, ()):
                asker.tell(StoreError("the gateway stops"))

    async def _turn(self, account: str) -> bool:
        """Answer all who ask now; whether that could be done."""
        askers = self._asking.pop(account, [])
        try:
            async with asyncio.timeout(self._patience_seconds):
                while True:
                    if await self._try_enter(account, askers):
                        return True
                    await asyncio.sleep(random.uniform(0, AGAIN_SECONDS))
        except Exception as error:
            # Nobody knows whether it was written.
            self._stale.add(account)
            log.warning("binds cannot be counted", account=account, error=str(error) or type(error).__name__)
            return False
        finally:
            for asker in askers:
                asker.tell(StoreError("the binds of all nodes cannot be counted now"))

    async def _try_enter(self, account: str, askers: list[_Asker[Holder]]) -> bool:
        """Read, decide, write; False where another node has written meanwhile."""
        living = await self._store.living_nodes()
        if self._node not in living:
            raise StoreError("the lease of this node has ended")
        record = await self._store.find_record(KIND, "", account)
        book = {} if record is None else _READ.decode(record.value)
        book = {name: one for name, one in book.items() if living.get(name) == one.epoch}
        is_dropped = account in self._entered and self._node not in book
        others = sum(one.binds for name, one in book.items() if name != self._node)
        held, limit = len(self._held.get(account, ())), self.limits.get(account, 0)
        waiting = [asker for asker in askers if not asker.answer.done()]
        granted = waiting[: max(0, limit - others - held)] if limit else waiting
        is_stale = account in self._stale
        if granted or is_stale:
            # Also where it says the same: an earlier write that is under way still can then no longer be made.
            book[self._node] = _Node(living[self._node], held + len(granted))
            self._stale.discard(account)
            if not await self._put(record, account, {name: one for name, one in book.items() if one.binds}):
                if is_stale:
                    self._stale.add(account)
                return False
            self._note_entered(account, is_entered=book[self._node].binds > 0)
        for asker in granted:
            if asker.answer.done():
                # Its connection is gone meanwhile.
                self._stale.add(account)
            else:
                self._hold(account, asker.holder)
                asker.tell(True)
        for asker in waiting:
            asker.tell(False)
        if is_dropped and limit:
            self._end_surplus(account, others + held - limit)
        return True

    async def _put(self, record: Record | None, account: str, book: Mapping[str, _Node]) -> bool:
        now = time.time()
        fresh = record or Record(kind=KIND, account="", key=account, created_at=now)
        value = msgspec.json.encode(book)
        (is_written,) = await self._store.put_records([msgspec.structs.replace(fresh, value=value, updated_at=now)])
        return is_written

    def _note_entered(self, account: str, *, is_entered: bool) -> None:
        if is_entered:
            self._entered.add(account)
        else:
            self._entered.discard(account)

    def _end_surplus(self, account: str, count: int) -> None:
        surplus = list(self._held.get(account, ()))[::-1][: max(0, count)]
        if surplus:
            log.warning("others have these binds by now; they end here", account=account, binds=len(surplus))
            task = asyncio.ensure_future(self._end(surplus))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _written(self) -> dict[str, int]:
        """By account, how many binds the records say that this node has."""
        epoch = (await self._store.living_nodes()).get(self._node)
        written: dict[str, int] = {}
        after = ""
        while page := await self._store.records(KIND, after_key=after, limit=PAGE):
            for record in page:
                one = _READ.decode(record.value).get(self._node)
                if one is not None and one.epoch == epoch:
                    written[record.key] = one.binds
            after = page[-1].key
        return written
