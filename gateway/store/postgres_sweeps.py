"""What time brings to the PostgreSQL store: parked receipts become orphans, late parts unknown, old ids free."""

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.models import State
from gateway.store.base import SWEEP_LIMIT, Bookkeeping, Swept
from gateway.store.ids import Ids, key_at
from gateway.store.moves import Changes, Loaded, decide_unknown
from gateway.store.postgres_intake import drop_claims
from gateway.store.postgres_loads import load_messages
from gateway.store.postgres_rows import Connection
from gateway.store.sqlite_rows import part_key

SWEEP_LOCK: Final = 0x534D5002
_LATE: Final = (
    "SELECT key FROM parts WHERE matchable AND state IN ('submitted', 'enroute') AND updated_at < $1"
    " ORDER BY updated_at LIMIT $2"
)
_ORPHAN: Final = (
    "WITH old AS MATERIALIZED (SELECT n FROM parked WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED),"
    " gone AS (DELETE FROM parked USING old WHERE parked.n = old.n RETURNING parked.at, parked.receipt)"
    " INSERT INTO orphans (at, receipt) SELECT at, receipt FROM gone ORDER BY at RETURNING 1"
)
_UNMATCHABLE: Final = "UPDATE parts SET matchable = false WHERE key = ANY($1::bigint[])"
_MARK: Final = "SELECT value FROM marks WHERE name = $1"
_SET_MARK: Final = (
    "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_OLD_PARTS: Final = (
    "SELECT key, state, matchable, updated_at FROM parts WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3"
)


class Sweeps:
    """One node sweeps at a time; the others find nothing to do."""

    def __init__(self, write: Callable[[Connection, Changes], Awaitable[int]]) -> None:
        self._write = write

    async def late_keys(self, connection: Connection, now: float, book: Bookkeeping) -> set[int]:
        """The messages whose parts wait too long for a receipt, to be locked."""
        rows = await connection.fetch(_LATE, now - book.deadline_seconds, SWEEP_LIMIT)
        return {key >> 8 for (key,) in rows}

    async def sweep(self, connection: Connection, now: float, book: Bookkeeping, locked: set[int], ids: Ids) -> Swept:
        """One round; of late parts, those of locked messages."""
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, 0)", SWEEP_LOCK):
            return Swept()
        orphaned = len(await connection.fetch(_ORPHAN, now - book.parked_seconds, SWEEP_LIMIT))
        rows = await connection.fetch(_LATE, now - book.deadline_seconds, SWEEP_LIMIT)
        late = [key for (key,) in rows if key >> 8 in locked]
        callbacks = await self._give_up(connection, late, now, book, ids) if late else 0
        faded = await _fade(connection, now - book.lifetime_seconds)
        settled = await _settle(connection, now - book.settled_seconds)
        dropped = await drop_claims(connection, now)
        is_done = max(orphaned, len(late), faded, settled, dropped) < SWEEP_LIMIT
        return Swept(orphaned=orphaned, unknown=len(late), callbacks=callbacks, is_done=is_done)

    async def _give_up(self, connection: Connection, keys: list[int], now: float, book: Bookkeeping, ids: Ids) -> int:
        loaded = Loaded()
        await load_messages(connection, {key >> 8 for key in keys}, loaded)
        by_key = {part_key(i, number): part for i, parts in loaded.parts.items() for number, part in parts.items()}
        awaited = [by_key[key] for key in keys if loaded.messages[by_key[key].message_id].wants_receipt]
        unawaited = [key for key in keys if not loaded.messages[by_key[key].message_id].wants_receipt]
        if unawaited:
            await connection.execute(_UNMATCHABLE, unawaited)
        return await self._write(connection, decide_unknown(awaited, loaded, now, book, ids))


async def _fade(connection: Connection, before: float) -> int:
    """Take old final parts out of the index of SMSC ids."""
    return await _take_out(connection, "faded", before, lambda state, _ended_at: state.is_final)


async def _settle(connection: Connection, before: float) -> int:
    """Take out those that have ended long enough ago, so that the index stays small; late receipts may still come for
    those that ended without one."""
    return await _take_out(
        connection,
        "settled",
        before,
        lambda state, ended_at: state.is_final and state is not State.UNKNOWN and ended_at < before,
    )


async def _take_out(connection: Connection, mark: str, before: float, is_over: Callable[[State, float], bool]) -> int:
    """So many parts of messages accepted before a time, from where the last sweep ended."""
    start = await connection.fetchval(_MARK, mark) or 0
    rows = await connection.fetch(_OLD_PARTS, start, key_at(before) << 8, SWEEP_LIMIT)
    if not rows:
        return 0
    over = [key for key, state, matchable, ended_at in rows if matchable and is_over(State(state), ended_at)]
    if over:
        await connection.execute(_UNMATCHABLE, over)
    await connection.execute(_SET_MARK, mark, rows[-1][0])
    return len(rows)
