"""The embedded store: one SQLite file, owned by one process.

Every commit reaches the disk (`synchronous=FULL`) before anybody is told. One thread writes (sqlite_writer.py), one
reads (sqlite_reads.py); neither is the event loop's.
"""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from gateway.errors import StoreError
from gateway.models import Callback, Event, Inbound, Message, Part, Receipt, State
from gateway.store import sqlite_intake, sqlite_purge, sqlite_records
from gateway.store.face import Face
from gateway.store.ids import Ids
from gateway.store.migrations import migrations
from gateway.store.money import Claimed, Entry
from gateway.store.records import Record
from gateway.store.retention import PURGE_LIMIT, Cutoffs, Purged
from gateway.store.sqlite_names import Names
from gateway.store.sqlite_reads import Reads
from gateway.store.sqlite_search import Search
from gateway.store.sqlite_writer import Work, Writer
from gateway.store.sqlite_writes import Writes

T = TypeVar("T")

_CACHE_KIBIBYTES: Final = 64 * 1024
_CHECKPOINT_PAGES: Final = 4_000
_STATEMENTS: Final = 512


class SqliteStore(Face):
    """Keeps everything in one file."""

    def __init__(
        self, path: Path, *, queue_limit: int, commit_batch: int, on_commit: Callable[[float, int], None]
    ) -> None:
        """Open the file; blocks.

        Raises:
            StoreError: it is in use, cannot be opened, or is of a newer version.
        """
        super().__init__(queue_limit)
        self._is_closed = False
        self._gathered: list[Work] = []
        """What was asked for in this turn of the loop."""
        self.fault = None
        self._lock = _lock(path)
        try:
            connection = _connect(path)
            _migrate(connection)
            self.ids = Ids(_last_key(connection, "messages"))
            # The writer's own: callbacks get their ids on its thread.
            names = Names(connection)
            writes = Writes(Ids(_last_key(connection, "callbacks")), names, int(time.time() * 1_000_000), self._reach)
            self._reader_connection = _connect(path)
            self._reader_connection.execute("PRAGMA query_only = 1")
            self._search_connection = _connect(path)
            self._search_connection.execute("PRAGMA query_only = 1")
        except sqlite3.Error as error:
            self._lock.close()
            raise StoreError(f"{path}: cannot be opened: {error}") from error
        except StoreError:
            self._lock.close()
            raise
        self._connection = connection
        self._reads = Reads(self._reader_connection)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._search = Search(self._search_connection, names)
        self._searcher = ThreadPoolExecutor(1, thread_name_prefix="store-search")
        self._writer = Writer(
            connection, writes.handlers(), commit_batch=commit_batch, fault=self._reach, on_commit=on_commit
        )

    def _reach(self, point: str) -> None:
        if self.fault is not None:
            self.fault(point)

    # --- what is due ---

    async def next_scheduled_at(self) -> float | None:
        return await self._read(self._reads.next_scheduled_at)

    async def due_callbacks(
        self, now: float, *, limit: int, per_host: int, skip_hosts: Set[str], skip_ids: Set[str]
    ) -> list[Callback]:
        return await self._read(lambda: self._reads.due_callbacks(now, limit, per_host, set(skip_hosts), set(skip_ids)))

    async def next_callback_at(self) -> float | None:
        return await self._read(self._reads.next_callback_at)

    async def due_deliveries(self, account: str, now: float, *, limit: int, skip_ids: Set[str]) -> list[Callback]:
        skipped = set(skip_ids)
        return await self._read(lambda: self._reads.due_deliveries(account, now, limit, skipped))

    async def next_delivery_at(self, account: str) -> float | None:
        return await self._read(lambda: self._reads.next_delivery_at(account))

    # --- records of services ---

    async def find_record(self, kind: str, account: str, key: str) -> Record | None:
        return await self._read(lambda: sqlite_records.find_record(self._reader_connection, kind, account, key))

    async def records(
        self, kind: str, account: str = "", *, tag: str | None = None, after_key: str = "", limit: int = 100
    ) -> list[Record]:
        return await self._read(
            lambda: sqlite_records.records(self._reader_connection, kind, account, tag, after_key, limit)
        )

    async def count_records(self, kind: str, account: str = "", *, tag: str | None = None) -> int:
        return await self._read(lambda: sqlite_records.count_records(self._reader_connection, kind, account, tag))

    async def due_records(self, kind: str, now: float, *, limit: int) -> list[Record]:
        return await self._read(lambda: sqlite_records.due_records(self._reader_connection, kind, now, limit))

    # --- money ---

    async def find_claim(self, account: str, key: str, now: float) -> Claimed | None:
        return await self._read(lambda: sqlite_intake.find_claim(self._reader_connection, account, key, now))

    async def balance(self, account: str) -> int:
        return await self._read(lambda: sqlite_intake.balance(self._reader_connection, account))

    async def entries(self, account: str, *, limit: int = 50, before: int = 0) -> list[Entry]:
        return await self._read(lambda: sqlite_intake.entries(self._reader_connection, account, limit, before))

    async def usage(self, account: str) -> dict[str, int]:
        return await self._read(lambda: sqlite_intake.usage(self._reader_connection, account))

    # --- forgetting ---

    async def finished(self, before: float, *, after_id: str = "", limit: int = PURGE_LIMIT) -> list[Message]:
        return await self._look(lambda: sqlite_purge.finished(self._search_connection, before, after_id, limit))

    async def inbound_before(self, before: float, *, limit: int = PURGE_LIMIT) -> list[Inbound]:
        return await self._look(lambda: sqlite_purge.inbound_before(self._search_connection, before, limit))

    async def purge(self, cutoffs: Cutoffs) -> Purged:
        purged: Purged = await self._write("purge", [cutoffs])
        return purged

    # --- starting ---

    async def register(self, node: str, now: float, lease_seconds: float) -> None:
        await self._write("register", [(node, now, now + lease_seconds)])

    async def waiting(self, uplink: str, *, limit: int, skip: Set[str], account: str = "") -> list[Message]:
        skipped = set(skip)
        return await self._read(lambda: self._reads.waiting(uplink, limit, skipped, account))

    async def waiting_accounts(self, uplink: str) -> list[str]:
        return await self._read(lambda: self._reads.waiting_accounts(uplink))

    async def waiting_uplinks(self) -> list[str]:
        return await self._read(self._reads.waiting_uplinks)

    async def count_waiting(self) -> dict[tuple[str, str], int]:
        return await self._look(self._search.count_waiting)

    async def unfinished(self, node: str) -> list[tuple[Message, list[Part]]]:
        # One process owns the file: whatever the node was called, its work is ours.
        return await self._read(self._reads.unfinished)

    # --- looking ---

    async def message(self, account: str, message_id: str) -> Message | None:
        return await self._read(lambda: self._reads.message(account, message_id))

    async def find_messages(
        self,
        account: str,
        *,
        state: State | None = None,
        recipient: str = "",
        sender: str = "",
        client_reference: str = "",
        group: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> list[Message]:
        return await self._look(
            lambda: self._search.messages(
                account,
                state=state,
                recipient=recipient,
                sender=sender,
                client_reference=client_reference,
                group=group,
                since=since,
                until=until,
                limit=limit,
                before_id=before_id,
            )
        )

    async def count_by_state(self, account: str, *, since: float, until: float) -> dict[str, dict[State, int]]:
        return await self._look(lambda: self._search.count_by_state(account, since, until))

    async def count_group(self, account: str, group: str) -> int:
        return await self._look(lambda: self._search.count_group(account, group))

    async def find_inbound(
        self,
        account: str,
        *,
        recipient: str = "",
        sender: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> list[Inbound]:
        return await self._look(
            lambda: self._search.inbound(account, recipient, sender, since, until, limit, before_id)
        )

    async def parts(self, message_id: str) -> list[Part]:
        return await self._read(lambda: self._reads.parts(message_id))

    async def timeline(self, message_id: str) -> list[Event]:
        return await self._read(lambda: self._reads.timeline(message_id))

    async def callbacks(self, account: str = "", *, failed: bool | None = None, limit: int = 50) -> list[Callback]:
        return await self._read(lambda: self._reads.callbacks(account, failed, limit))

    async def parked(self) -> int:
        return await self._read(self._reads.parked)

    async def candidates(self, key: str, *, limit: int) -> list[tuple[Message, Part]]:
        return await self._read(lambda: self._reads.candidates(key, limit))

    async def orphans(self, limit: int = 50) -> list[Receipt]:
        return await self._read(lambda: self._reads.orphans(limit))

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._hand_over()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._close)

    def _close(self) -> None:
        self._writer.stop()
        self._reader.shutdown(wait=True)
        self._searcher.shutdown(wait=True)
        self._reader_connection.close()
        self._search_connection.close()
        self._connection.close()
        self._lock.close()

    # --- to the threads and back ---

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreError("the store is closed")

    async def _commit(self, kind: str, rows: Sequence[Any], context: object, size: int) -> Any:
        self._check_open()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append(Work(kind, rows, context, done, size))
        return await done

    def _hand_over(self) -> None:
        """Give the writer what was gathered: each time wakes its thread, and that takes the interpreter's lock."""
        works, self._gathered = self._gathered, []
        if works:
            self._writer.put(works)

    async def _read(self, question: Callable[[], T]) -> T:
        return await self._ask(self._reader, question)

    async def _look(self, question: Callable[[], T]) -> T:
        return await self._ask(self._searcher, question)

    async def _ask(self, thread: ThreadPoolExecutor, question: Callable[[], T]) -> T:
        self._check_open()
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, question)
        except sqlite3.Error as error:
            raise StoreError(f"the store cannot be read: {error}") from error


def _lock(path: Path) -> IO[str]:
    """Make the file this process's own, until it ends or closes it, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("a+", encoding="ascii")
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        owner = lock.read(32).strip()
        lock.close()
        raise StoreError(f"{path}: in use by another process ({owner or 'unknown'})") from None
    lock.truncate(0)
    lock.write(f"pid {os.getpid()}\n")
    lock.flush()
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS)
    # Of a new file only: one that is old stays as it was made.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        connection.close()
        raise StoreError(f"{path}: this file system does not let SQLite keep a write-ahead log")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL)"
    )
    applied = {number for (number,) in connection.execute("SELECT number FROM migrations")}
    known = migrations("sqlite")
    newer = applied - {migration.number for migration in known}
    if newer:
        raise StoreError(f"the store was written by a newer version (migration {max(newer)})")
    for migration in known:
        if migration.number in applied:
            continue
        try:
            connection.executescript(
                f"BEGIN;\n{migration.sql}\nINSERT INTO migrations VALUES"
                f" ({migration.number}, '{migration.name}', {time.time()});\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _last_key(connection: sqlite3.Connection, table: str) -> int:
    return connection.execute(f"SELECT max(key) FROM {table}").fetchone()[0] or 0  # noqa: S608
