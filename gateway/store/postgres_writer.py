"""The one task that writes: it joins whatever arrived during the last commit into the next transaction.

    put ──► queue ──► [BEGIN; lease; locks in order; every kind of work at once; COMMIT] ──► futures

A connection that is lost within COMMIT leaves open whether it was kept: the batch's number in the node's row tells,
once the server answers again.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import asyncpg
import structlog

from gateway.errors import StoreError
from gateway.store.base import LeaseLost
from gateway.store.postgres_rows import Connection

log = structlog.get_logger(__name__)

RECONNECT_SECONDS: Final = 0.2
RECONNECT_MAX_SECONDS: Final = 2.0
OUTCOME_SECONDS: Final = 15.0
"""How long those whose commit was under way when the connection was lost wait to hear what became of it."""
DEADLOCK_RETRIES: Final = 5

LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    EOFError,
)
_FOR_ALL: Final = (
    LeaseLost,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Faults of the server, not of a row: trying the works of a batch one by one would not help."""
_AGAIN: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


@dataclass(slots=True, eq=False)
class Work:
    """Rows to write, and who waits for them."""

    kind: str
    rows: Sequence[Any]
    context: Any
    """Work is joined with work of the same kind and the same context."""
    done: "asyncio.Future[Any]"
    size: int


class Transactions(Protocol):
    """What is done inside a transaction."""

    async def execute(self, connection: Connection, works: Sequence[Work]) -> list[tuple[Work, Any]]:
        """Check the lease, lock what the works need, do them; each one's result, or `LATER`."""

    async def execute_later(self, connection: Connection, works: Sequence[Work]) -> list[tuple[Work, Any]]:
        """Do in a second transaction what `execute` left for later."""

    async def was_kept(self, connection: Connection) -> bool:
        """Whether the last transaction was committed, as the server has it."""


LATER: Final = object()


class Writer:
    """A task with the writing connection."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        transactions: Transactions,
        *,
        commit_batch: int,
        fault: Callable[[str], None],
        on_commit: Callable[[float, int], None],
        on_reconnect: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._transactions = transactions
        self._commit_batch = commit_batch
        self._fault = fault
        self._on_commit = on_commit
        self._on_reconnect = on_reconnect
        self._connection: Connection | None = None
        self._queue: deque[Work] = deque()
        self._arrived = asyncio.Event()
        self._is_stopping = False
        self._is_committing = False
        self._lost: str = ""
        """Why there is no connection."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, then begin to write."""
        self._connection = await self._connect()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, work: Work) -> None:
        """Have it written; its future ends after the commit."""
        if self._lost and self._connection is None:
            work.done.set_exception(StoreError(f"the store cannot be reached: {self._lost}"))
            return
        self._queue.append(work)
        self._arrived.set()

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._is_stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await hang_up(self._connection)

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._is_stopping:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = self._next_batch()
            started = time.monotonic()
            try:
                outcome = await self._commit(batch)
            except BaseException as error:
                # This task must go on, and nobody may wait for ever.
                tell([(work, store_error(error)) for work in batch])
                if not isinstance(error, Exception):
                    raise
                log.exception("the writer was interrupted")
                continue
            try:
                self._reach_all("after", batch)
                self._on_commit(time.monotonic() - started, sum(work.size for work in batch))
            except Exception:
                log.exception("an observer of commits failed")
            finally:
                tell(outcome)
            if self._connection is None:
                await self._reconnect()

    def _next_batch(self) -> list[Work]:
        batch: list[Work] = []
        size = 0
        while self._queue and size < self._commit_batch:
            batch.append(self._queue.popleft())
            size += batch[-1].size
        return batch

    # --- transactions ---

    async def _commit(self, batch: list[Work]) -> list[tuple[Work, Any]]:
        outcome = await self._try(batch, self._transactions.execute)
        later = [work for work, result in outcome if result is LATER]
        if not later:
            return outcome
        settled = [(work, result) for work, result in outcome if result is not LATER]
        # Nobody has to wait for the second transaction who is served by the first.
        tell(settled)
        return settled + await self._try(later, self._transactions.execute_later)

    async def _try(
        self, batch: Sequence[Work], execute: Callable[[Connection, Sequence[Work]], Awaitable[list[tuple[Work, Any]]]]
    ) -> list[tuple[Work, Any]]:
        for tries in range(DEADLOCK_RETRIES):
            try:
                return await self._transact(batch, execute)
            except _AGAIN as error:
                log.warning("a transaction is tried again", error=str(error), tries=tries + 1)
                failure: Exception = error
            except Exception as error:
                if self._is_lost(error):
                    self._lose(error)
                    return [(work, store_error(error)) for work in batch]
                failure = error
                break
        if len(batch) > 1 and not isinstance(failure, _FOR_ALL):
            # Something is wrong with one of them: the others must not suffer for it.
            return [pair for work in batch for pair in await self._try([work], execute)]
        return [(work, store_error(failure)) for work in batch]

    async def _transact(
        self, batch: Sequence[Work], execute: Callable[[Connection, Sequence[Work]], Awaitable[list[tuple[Work, Any]]]]
    ) -> list[tuple[Work, Any]]:
        connection = self._connection
        if connection is None:
            raise StoreError(f"the store cannot be reached: {self._lost}")
        transaction = connection.transaction()
        await transaction.start()
        try:
            outcome = await execute(connection, batch)
            self._reach_all("before", batch)
        except BaseException:
            if not connection.is_closed():
                with contextlib.suppress(Exception):
                    await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except Exception as error:
            if not await self._was_kept(error):
                raise
        return outcome

    def _reach_all(self, side: str, batch: Sequence[Work]) -> None:
        """The points on one side of a commit: by the kinds of its work, and of every commit."""
        for kind in {work.kind for work in batch}:
            self._fault(f"{side} {kind}")
        self._fault(f"{side} commit")

    # --- the connection ---

    def _is_lost(self, error: Exception) -> bool:
        if self._connection is None or self._connection.is_closed():
            return True
        # asyncpg's complaints about a value are ValueErrors too.
        return isinstance(error, LOST) and not isinstance(error, ValueError)

    def _lose(self, error: Exception) -> None:
        if self._connection is not None:
            log.warning("the connection to the store is lost", error=describe(error))
            self._connection.terminate()
            self._connection = None
        self._lost = describe(error)
        waiting, self._queue = list(self._queue), deque()
        tell([(work, store_error(error)) for work in waiting])

    async def _was_kept(self, error: Exception) -> bool:
        """What became of a commit whose answer was lost."""
        self._lose(error)
        try:
            async with asyncio.timeout(OUTCOME_SECONDS):
                await self._reconnect(patiently=True)
                return await self._transactions.was_kept(self._connection)
        except (*LOST, asyncpg.PostgresError):
            log.error("whether the last commit was kept is not known")
            return False

    async def _reconnect(self, *, patiently: bool = False) -> None:
        pause = RECONNECT_SECONDS
        while self._connection is None and (patiently or not self._is_stopping):
            try:
                self._connection = await self._connect()
            except (*LOST, asyncpg.PostgresError, StoreError) as error:
                self._lost = describe(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RECONNECT_MAX_SECONDS)
            else:
                self._lost = ""
                log.info("connected to the store again")
                self._on_reconnect()


async def hang_up(connection: Connection) -> None:
    """Close a connection, and be rid of it however that ends."""
    try:
        await connection.close(timeout=2)
    except (*LOST, asyncpg.PostgresError):
        connection.terminate()


def tell(pairs: Sequence[tuple[Work, Any]]) -> None:
    """Give each who waits its result."""
    for work, result in pairs:
        if work.done.done():
            continue
        if isinstance(result, BaseException):
            work.done.set_exception(result)
        else:
            work.done.set_result(result)


def describe(error: BaseException) -> str:
    """A reason for people; asyncpg's texts hold no password."""
    return str(error) or type(error).__name__


def store_error(error: BaseException) -> StoreError:
    """What those who wait are told."""
    if isinstance(error, StoreError):
        return error
    wrapped = StoreError(f"the store cannot commit: {describe(error)}")
    wrapped.__cause__ = error
    return wrapped
