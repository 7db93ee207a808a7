"""Forgetting in the PostgreSQL database: row by row, and whole partitions once nothing is left in them."""

from datetime import UTC, datetime
from typing import Final

from gateway.models import Inbound, Message
from gateway.store.ids import key_at, key_of
from gateway.store.postgres_partitions import drop_empty, make_ahead
from gateway.store.postgres_rows import Connection, write_rows
from gateway.store.retention import FINAL, PURGE_LIMIT, USAGE_SECONDS, Cutoffs, Purged
from gateway.store.sqlite_purge import without_body
from gateway.store.sqlite_rows import INBOUND_COLUMNS, MESSAGE_COLUMNS, inbound_of, message_of, message_row

# ruff: noqa: S608 -- only our own column names go into these statements

_DELETE_MESSAGES: Final = "DELETE FROM messages WHERE key = ANY($1::bigint[])"
_DELETE_PARTS: Final = (
    "DELETE FROM parts USING (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
    " WHERE parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8)"
)
_DELETE_EVENTS: Final = (
    "DELETE FROM events USING (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v WHERE events.message = v.key"
)
_ERASE: Final = (
    "UPDATE messages SET text = '', extra = v.extra FROM unnest($1::bigint[], $2::text[]) AS v(key, extra)"
    " WHERE messages.key = v.key"
)
_ERASE_PARTS: Final = (
    "UPDATE parts SET short_message = '' FROM (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
    " WHERE parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8)"
)
_OLD_TIMELINES: Final = (
    "DELETE FROM events USING (SELECT message, n FROM events WHERE message < $1 ORDER BY message, n LIMIT $2) AS old"
    " WHERE events.message = old.message AND events.n = old.n"
)
_OLD_ORPHANS: Final = (
    "DELETE FROM orphans WHERE n IN"
    " (SELECT n FROM (SELECT n, at FROM orphans ORDER BY n LIMIT $2) AS oldest WHERE at < $1)"
)
_OLD_CALLBACKS: Final = (
    "DELETE FROM callbacks WHERE key IN (SELECT key FROM callbacks WHERE failed AND key < $1 LIMIT $2)"
)
_SET_MARK: Final = (
    "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


# --- what is named ---


async def finished(connection: Connection, before: float, after_id: str, limit: int) -> list[Message]:
    """Oldest first."""
    rows = await connection.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key > $1 AND key < $2 AND state IN {FINAL}"
        " ORDER BY key LIMIT $3",
        key_of(after_id) if after_id else 0,
        key_at(before),
        limit,
    )
    return [message_of(row) for row in rows]


async def forget_messages(connection: Connection, ids: list[str], _context: object) -> None:
    """With their parts and timelines."""
    keys = sorted(key_of(one) for one in ids)
    await connection.execute(_DELETE_EVENTS, keys)
    await connection.execute(_DELETE_PARTS, keys)
    await connection.execute(_DELETE_MESSAGES, keys)


async def inbound_before(connection: Connection, before: float, limit: int) -> list[Inbound]:
    """Oldest first."""
    rows = await connection.fetch(
        f"SELECT {INBOUND_COLUMNS} FROM (SELECT * FROM inbound ORDER BY n LIMIT $1) AS oldest WHERE received_at < $2"
        " ORDER BY n",
        limit,
        before,
    )
    return [inbound_of(tuple(row)) for row in rows]


async def forget_inbound(connection: Connection, ids: list[str], _context: object) -> None:
    """By their ids."""
    await connection.execute("DELETE FROM inbound WHERE id = ANY($1::text[])", ids)


# --- what is not ---


async def purge(connection: Connection, cutoffs: Cutoffs) -> Purged:
    """One round."""
    await make_ahead(connection, cutoffs.now)
    bodies = await _erase_bodies(connection, cutoffs.bodies) + await _erase_inbound(connection, cutoffs.bodies)
    timelines = await _delete(connection, _OLD_TIMELINES, key_at(cutoffs.timelines))
    orphans = await _delete(connection, _OLD_ORPHANS, cutoffs.orphans)
    callbacks = await _delete(connection, _OLD_CALLBACKS, key_at(cutoffs.callbacks))
    if cutoffs.now > USAGE_SECONDS:
        oldest = datetime.fromtimestamp(cutoffs.now - USAGE_SECONDS, UTC).date().isoformat()[:7]
        await connection.execute("DELETE FROM usage WHERE period < $1", oldest)
    partitions = await drop_empty(connection, key_at(cutoffs.messages)) if cutoffs.messages else 0
    return Purged(
        bodies=bodies,
        timelines=timelines,
        orphans=orphans,
        callbacks=callbacks,
        partitions=partitions,
        is_done=max(bodies, timelines, orphans, callbacks) < PURGE_LIMIT,
    )


async def _delete(connection: Connection, statement: str, before: float) -> int:
    if not before:
        return 0
    status: str = await connection.execute(statement, before, PURGE_LIMIT)
    return int(status.rpartition(" ")[2])


async def _erase_bodies(connection: Connection, before: float) -> int:
    """From where the last round ended; what is not final yet keeps its body until its message is forgotten."""
    if not before:
        return 0
    rows = await connection.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3",
        await _mark(connection, "bodies"),
        key_at(before),
        PURGE_LIMIT,
    )
    if not rows:
        return 0
    erased = [message_row(without_body(one)) for row in rows if (one := message_of(row)).state.is_final]
    await write_rows(connection, _ERASE, [(row[0], row[6]) for row in erased])
    await connection.execute(_ERASE_PARTS, [row[0] for row in erased])
    await connection.execute(_SET_MARK, "bodies", rows[-1][0])
    return len(rows)


async def _erase_inbound(connection: Connection, before: float) -> int:
    if not before:
        return 0
    rows = await connection.fetch(
        "SELECT n FROM inbound WHERE n > $1 AND received_at < $2 ORDER BY n LIMIT $3",
        await _mark(connection, "inbound bodies"),
        before,
        PURGE_LIMIT,
    )
    if rows:
        numbers = [n for (n,) in rows]
        await connection.execute(
            "UPDATE inbound SET text = '', data = '', udh = '' WHERE n = ANY($1::bigint[])", numbers
        )
        await connection.execute(_SET_MARK, "inbound bodies", numbers[-1])
    return len(rows)


async def _mark(connection: Connection, name: str) -> int:
    value: int | None = await connection.fetchval("SELECT value FROM marks WHERE name = $1", name)
    return value or 0
