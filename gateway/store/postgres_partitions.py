"""Partitions of the PostgreSQL tables that grow: messages, parts, timelines, each cut by ranges of the message's key.

A key grows with time, so a partition holds what was accepted in so many days; when all of it is forgotten the partition
is dropped, which costs nothing. What was there before there were partitions is one of them. Partitions are made ahead;
should nobody make them, rows go into a partition for all others, and nothing is refused.
"""

from typing import Final

import asyncpg
import structlog

from gateway.store.ids import key_at
from gateway.store.postgres_rows import Connection

# ruff: noqa: S608 -- only our own table names and numbers go into these statements

log = structlog.get_logger(__name__)

DAYS: Final = 7
"""Of a partition; a week begins where the epoch says."""
AHEAD: Final = 4
LOCK_SECONDS: Final = 2
"""How long others may be held up while a partition is made or dropped; then it is tried another time."""

_WEEK: Final = DAYS * 86_400
_TABLES: Final = {"messages": 0, "parts": 8, "events": 0}
"""How many bits further left the message's key is in the key of each."""
_PARTITIONS: Final = (
    "SELECT child.relname, pg_get_expr(child.relpartbound, child.oid) FROM pg_inherits"
    " JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent"
    " WHERE parent.relname = $1 AND parent.relnamespace = current_schema()::regnamespace"
)
_PARTITION_LOCK: Final = 0x534D5004


async def make_ahead(connection: Connection, now: float) -> None:
    """Make the partitions of the weeks that begin now and soon, where they are missing."""
    first = int(now // _WEEK)
    wanted = {week: f"_{week * _WEEK:x}" for week in range(first, first + AHEAD)}
    for table, bits in _TABLES.items():
        there = {name for name, _ in await connection.fetch(_PARTITIONS, table)}
        for week, suffix in wanted.items():
            if table + suffix not in there:
                await _make(connection, table, suffix, key_at(week * _WEEK) << bits, key_at((week + 1) * _WEEK) << bits)


async def _make(connection: Connection, table: str, suffix: str, start: int, end: int) -> None:
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            # Two nodes may want it at once.
            await connection.execute("SELECT pg_advisory_xact_lock($1, 0)", _PARTITION_LOCK)
            start = max(start, await _covered(connection, table))
            if start < end:
                await connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {table}{suffix} PARTITION OF {table}"
                    f" FOR VALUES FROM ({start}) TO ({end}) WITH (fillfactor = 80)"
                )
    except asyncpg.PostgresError as error:
        log.warning("a partition is made another time", table=table, error=str(error))


async def _covered(connection: Connection, table: str) -> int:
    """The key up to which the partition covers that holds what was there before there were others."""
    for name, bounds in await connection.fetch(_PARTITIONS, table):
        if name == f"{table}_before":
            return _end(bounds)
    return 0


async def drop_empty(connection: Connection, before: int) -> int:
    """Drop partitions all of whose messages would be older, once nothing is left in them; how many."""
    dropped = 0
    for table, bits in _TABLES.items():
        for name, bounds in await connection.fetch(_PARTITIONS, table):
            if not 0 < _end(bounds) <= before << bits:
                continue
            if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):
                dropped += await _drop(connection, name)
    return dropped


async def _drop(connection: Connection, name: str) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            await connection.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):
                return False
            await connection.execute(f"DROP TABLE {name}")
    except asyncpg.PostgresError as error:
        log.info("a partition is dropped another time", partition=name, error=str(error))
        return False
    return True


def _end(bounds: str) -> int:
    """Where ``FOR VALUES FROM ('1') TO ('2')`` ends; 0 for the partition of all others."""
    _, _, end = bounds.partition(" TO (")
    digits = end.strip("'()")
    return int(digits) if digits.isdecimal() else 0
