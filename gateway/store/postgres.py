"""The store that several nodes share: a PostgreSQL database.

One task writes (postgres_writer.py), a connection holds the node's lease (postgres_keeper.py), a small pool reads and
claims. Every commit is on the server's disk before anybody is told. LISTEN/NOTIFY only wakes: whoever misses it looks
again soon.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence, Set
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
import structlog

from gateway.errors import StoreError
from gateway.models import Callback, Inbound, Message, Part, Receipt
from gateway.store import postgres_intake, postgres_purge, postgres_records
from gateway.store import postgres_reads as reads
from gateway.store import postgres_slots as slots
from gateway.store.base import Bookkeeping, PartEnd
from gateway.store.ids import Ids
from gateway.store.money import Claimed, Entry
from gateway.store.nodes import Inherited
from gateway.store.postgres_claims import Claims
from gateway.store.postgres_connect import PlainConnection, connect, open_first, options
from gateway.store.postgres_keeper import CHANNEL, Keeper
from gateway.store.postgres_looking import Looking
from gateway.store.postgres_rows import Connection, clean_struct
from gateway.store.postgres_writer import LOST, Work, Writer, describe, hang_up, store_error
from gateway.store.postgres_writes import Holder, Writes
from gateway.store.records import Record
from gateway.store.retention import PURGE_LIMIT, Cutoffs, Purged
from gateway.store.slots import BindSlot, Shares, Wanted

T = TypeVar("T")

log = structlog.get_logger(__name__)

_READERS: Final = 4
_CLOSE_SECONDS: Final = 5.0


class PostgresStore(Looking):
    """Keeps everything in a database; `open` makes one."""

    is_shared = True

    def __init__(
        self, url: str, *, queue_limit: int, commit_batch: int, on_commit: Callable[[float, int], None]
    ) -> None:
        super().__init__(queue_limit)
        self._is_closed = False
        self.fault = None
        self.on_notice = None
        self.ids = Ids()
        self._holder = Holder(share=-1)
        self._writes = Writes(self.ids, self._holder, self._reach)
        self._claims = Claims(self._holder)
        self._keeper = Keeper(url, self._holder, on_ids=self._use_ids, on_notice=self._notice)
        self._writer = Writer(
            lambda: connect(url),
            self._writes,
            commit_batch=commit_batch,
            fault=self._reach,
            on_commit=on_commit,
            on_reconnect=self._notice,
        )
        self._url = url
        self._pool: Any = None

    @classmethod
    async def open(
        cls, url: str, *, queue_limit: int, commit_batch: int, on_commit: Callable[[float, int], None]
    ) -> "PostgresStore":
        """Connect, bring the schema up to date, begin to write.

        Raises:
            StoreError: it cannot be reached, may lose what it commits, or is of a newer version.
        """
        first = await open_first(url)
        store = cls(url, queue_limit=queue_limit, commit_batch=commit_batch, on_commit=on_commit)
        try:
            await store._keeper.start(first)
            await store._writer.start()
            store._pool = await asyncpg.create_pool(
                url, min_size=1, max_size=_READERS, connection_class=PlainConnection, **options()
            )
        except BaseException as error:
            await hang_up(first)
            await store._writer.stop()
            if isinstance(error, (*LOST, asyncpg.PostgresError)):
                raise StoreError(f"PostgreSQL cannot be reached: {describe(error)}") from error
            raise
        return store

    def _reach(self, point: str) -> None:
        if self.fault is None:
            return
        try:
            self.fault(point)
        except Exception as error:
            raise StoreError(f"the store cannot commit: {error}") from error

    def _use_ids(self, ids: Ids) -> None:
        self.ids = ids
        self._writes.use(ids)

    def _notice(self) -> None:
        if self.on_notice is not None:
            self.on_notice()

    # --- accepting and sending, coming back ---

    async def record(self, ends: Sequence[PartEnd], book: Bookkeeping) -> int:
        return await super().record([msgspec.structs.replace(end, part=clean_struct(end.part)) for end in ends], book)

    async def receive(self, receipts: Sequence[Receipt], book: Bookkeeping) -> tuple[list[bool], int]:
        return await super().receive([clean_struct(receipt) for receipt in receipts], book)

    async def next_scheduled_at(self) -> float | None:
        return await self._read(reads.next_scheduled_at)

    # --- callbacks ---

    async def due_callbacks(
        self, now: float, *, limit: int, per_host: int, skip_hosts: Set[str], skip_ids: Set[str]
    ) -> list[Callback]:
        async def claim(connection: Connection) -> list[Callback]:
            async with connection.transaction():
                # A claim that a crash of the server undoes is claimed again: at worst somebody is told twice.
                await connection.execute("SET LOCAL synchronous_commit TO off")
                return await self._claims.due_callbacks(connection, now, limit, per_host, skip_hosts, skip_ids)

        return await self._read(claim)

    async def next_callback_at(self) -> float | None:
        return await self._read(self._claims.next_callback_at)

    async def due_deliveries(self, account: str, now: float, *, limit: int, skip_ids: Set[str]) -> list[Callback]:
        skipped = frozenset(skip_ids)

        async def claim(connection: Connection) -> list[Callback]:
            async with connection.transaction():
                await connection.execute("SET LOCAL synchronous_commit TO off")
                return await self._claims.due_deliveries(
                    connection, account, now, limit, skipped, hold_seconds=self.delivery_seconds
                )

        return await self._read(claim)

    async def next_delivery_at(self, account: str) -> float | None:
        return await self._read(lambda connection: self._claims.next_delivery_at(connection, account))

    # --- records of services ---

    async def find_record(self, kind: str, account: str, key: str) -> Record | None:
        return await self._read(lambda connection: postgres_records.find_record(connection, kind, account, key))

    async def records(
        self, kind: str, account: str = "", *, tag: str | None = None, after_key: str = "", limit: int = 100
    ) -> list[Record]:
        return await self._read(
            lambda connection: postgres_records.records(connection, kind, account, tag, after_key, limit)
        )

    async def count_records(self, kind: str, account: str = "", *, tag: str | None = None) -> int:
        return await self._read(lambda connection: postgres_records.count_records(connection, kind, account, tag))

    async def due_records(self, kind: str, now: float, *, limit: int) -> list[Record]:
        return await self._read(lambda connection: postgres_records.due_records(connection, kind, now, limit))

    # --- money ---

    async def find_claim(self, account: str, key: str, now: float) -> Claimed | None:
        return await self._read(lambda connection: postgres_intake.find_claim(connection, account, key, now))

    async def balance(self, account: str) -> int:
        return await self._read(lambda connection: postgres_intake.balance(connection, account))

    async def entries(self, account: str, *, limit: int = 50, before: int = 0) -> list[Entry]:
        return await self._read(lambda connection: postgres_intake.entries(connection, account, limit, before))

    async def usage(self, account: str) -> dict[str, int]:
        return await self._read(lambda connection: postgres_intake.usage(connection, account))

    # --- forgetting ---

    async def finished(self, before: float, *, after_id: str = "", limit: int = PURGE_LIMIT) -> list[Message]:
        return await self._read(lambda connection: postgres_purge.finished(connection, before, after_id, limit))

    async def inbound_before(self, before: float, *, limit: int = PURGE_LIMIT) -> list[Inbound]:
        return await self._read(lambda connection: postgres_purge.inbound_before(connection, before, limit))

    async def purge(self, cutoffs: Cutoffs) -> Purged:
        async def work(connection: Connection) -> Purged:
            # Not the writer's affair: nothing of it is about what is on its way.
            return await postgres_purge.purge(connection, cutoffs)

        return await self._read(work)

    # --- nodes ---

    async def register(self, node: str, now: float, lease_seconds: float) -> None:
        self._check_open()
        await self._keeper.guarded(lambda: self._keeper.register(node, now, lease_seconds))

    async def renew(self, lease_seconds: float) -> bool:
        self._check_open()
        if not self._holder.node:
            raise StoreError("the node is not registered")
        return bool(await self._keeper.guarded(lambda: self._keeper.renew(lease_seconds)))

    async def take_over(
        self, limit: int = 1000, *, only_resigned: bool = False, without: Collection[str] = ()
    ) -> Inherited:
        async def take(connection: Connection) -> Inherited:
            async with connection.transaction():
                fenced = 0 if only_resigned else await self._claims.fence(connection)
            async with connection.transaction():
                inherited = await self._claims.inherit(connection, limit, without)
            if fenced:
                log.warning("the lease of other nodes has ended; their work is taken over", nodes=fenced)
            return inherited

        return await self._read(take)

    async def living_nodes(self) -> Mapping[str, int]:
        return await self._read(slots.living_nodes)

    async def nudge(self) -> None:
        await self._read(lambda connection: connection.execute(f"NOTIFY {CHANNEL}"))

    async def share_slots(self, wanted: Wanted, given_up: Collection[BindSlot], lease_seconds: float) -> Shares:
        async def share(connection: Connection) -> tuple[Shares, bool]:
            async with connection.transaction():
                return await slots.share_slots(connection, self._holder, wanted, given_up, lease_seconds)

        shares, is_news = await self._read(share)
        if is_news:
            await self._read(lambda connection: connection.execute(f"NOTIFY {CHANNEL}"))
        return shares

    async def disown(self, uplink: str) -> int:
        async def leave(connection: Connection) -> int:
            async with connection.transaction():
                return await slots.disown(connection, self._holder, uplink)

        count = await self._read(leave)
        if count:
            await self._read(lambda connection: connection.execute(f"NOTIFY {CHANNEL}"))
        return count

    async def disown_begun(self, ids: Collection[str]) -> frozenset[str]:
        return await self._give(lambda connection: slots.disown_begun(connection, self._holder, ids))

    async def hand_over(self, ids: Collection[str], node: str) -> frozenset[str]:
        return await self._give(lambda connection: slots.hand_over(connection, self._holder, ids, node))

    async def _give(self, give: Callable[[Connection], Awaitable[frozenset[str]]]) -> frozenset[str]:
        """Let others have messages, and tell them; which."""

        async def within(connection: Connection) -> frozenset[str]:
            async with connection.transaction():
                return await give(connection)

        given = await self._read(within)
        if given:
            await self.nudge()
        return given

    async def waiting(self, uplink: str, *, limit: int, skip: Set[str], account: str = "") -> list[Message]:
        skipped = frozenset(skip)

        async def claim(connection: Connection) -> list[Message]:
            async with connection.transaction():
                return await self._claims.waiting(connection, uplink, limit, skipped, account)

        return await self._read(claim)

    async def waiting_accounts(self, uplink: str) -> list[str]:
        return await self._read(lambda connection: self._claims.waiting_accounts(connection, uplink))

    async def waiting_uplinks(self) -> list[str]:
        return await self._read(self._claims.waiting_uplinks)

    async def count_waiting(self) -> dict[tuple[str, str], int]:
        return await self._read(self._claims.count_waiting)

    async def unfinished(self, node: str) -> list[tuple[Message, list[Part]]]:
        return await self._read(lambda connection: reads.unfinished(connection, node))

    # --- the store as a whole ---

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        await self._writer.stop()
        await self._keeper.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._pool.close()
        except (*LOST, asyncpg.PostgresError):
            with contextlib.suppress(Exception):
                self._pool.terminate()

    # --- to the connections and back ---

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreError("the store is closed")

    async def _commit(self, kind: str, rows: Sequence[Any], context: object, size: int) -> Any:
        self._check_open()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._writer.put(Work(kind, rows, context, done, size))
        return await done

    async def _read(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        self._check_open()
        try:
            async with self._pool.acquire(timeout=_CLOSE_SECONDS) as connection:
                return await question(connection)
        except (*LOST, asyncpg.PostgresError) as error:
            raise StoreError(f"the store cannot be read: {describe(error)}") from store_error(error)
