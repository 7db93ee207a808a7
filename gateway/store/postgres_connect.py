"""Connections to PostgreSQL: how each is set up, what the server must promise, and the schema's migrations."""

import time
from typing import Any, Final

import asyncpg

from gateway.errors import StoreError
from gateway.store.migrations import migrations
from gateway.store.postgres_rows import Connection
from gateway.store.postgres_writer import LOST, describe, hang_up

CONNECT_SECONDS: Final = 10.0
COMMAND_SECONDS: Final = 45.0
MIGRATION_SECONDS: Final = 86_400.0
MIGRATION_LOCK: Final = 0x534D5003
OLDEST_VERSION: Final = 13

SETTINGS: Final = {
    "application_name": "smppkit gateway",
    "default_transaction_isolation": "read committed",
    "timezone": "UTC",
    # A node that stands still within a transaction must not hold up the others.
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # The tables are queues: statistics are of another hour, and every statement here has its index.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}

PROMISES: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    # All but `off` wait for this server's own disk.
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
    "server_encoding": ("UTF8",),
    "transaction_read_only": ("off",),
}
"""Without these an accepted message is not sure to survive."""


class PlainConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is given back to its pool as it is: nothing here changes its settings."""

    def get_reset_query(self) -> str:
        """Nothing to reset."""
        return ""


def options() -> dict[str, Any]:
    """What every connection is opened with."""
    return {"server_settings": SETTINGS, "timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}


async def connect(url: str) -> Connection:
    """Connect to a server that keeps its promises.

    Raises:
        StoreError: it does not.
    """
    connection = await asyncpg.connect(url, **options())
    try:
        await check(connection)
    except BaseException:
        await hang_up(connection)
        raise
    return connection


async def check(connection: Connection) -> None:
    """Refuse a server that might lose what it has committed.

    Raises:
        StoreError: which setting, what it is, what it has to be.
    """
    version = connection.get_server_version()
    if version.major < OLDEST_VERSION:
        raise StoreError(f"PostgreSQL {version.major} is too old: {OLDEST_VERSION} or newer is needed")
    for name, allowed in PROMISES.items():
        value = await connection.fetchval("SELECT current_setting($1)", name)
        if value not in allowed:
            raise StoreError(f"PostgreSQL has {name} = {value}; the store needs {' or '.join(allowed)}")


async def open_first(url: str) -> Connection:
    """The first connection: its errors are for whoever wrote the config.

    Raises:
        StoreError: no connection, no such promises, or a schema of a newer version.
    """
    try:
        connection = await connect(url)
    except (*LOST, asyncpg.PostgresError, ValueError) as error:
        raise StoreError(f"PostgreSQL cannot be reached: {describe(error)}") from error
    try:
        await migrate(connection)
    except BaseException as error:
        await hang_up(connection)
        if isinstance(error, (*LOST, asyncpg.PostgresError)):
            raise StoreError(f"the schema cannot be brought up to date: {describe(error)}") from error
        raise
    return connection


async def migrate(connection: Connection) -> None:
    """Apply the migrations that are missing; one node at a time."""
    async with connection.transaction():
        # An index over, or a look at, all that is kept takes its time.
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.fetchval("SELECT pg_advisory_xact_lock($1, 0)", MIGRATION_LOCK, timeout=MIGRATION_SECONDS)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
        )
        applied = {number for (number,) in await connection.fetch("SELECT number FROM migrations")}
        known = migrations("postgres")
        newer = applied - {migration.number for migration in known}
        if newer:
            raise StoreError(f"the store was written by a newer version (migration {max(newer)})")
        for migration in known:
            if migration.number not in applied:
                await connection.execute(migration.sql, timeout=MIGRATION_SECONDS)
                await connection.execute(
                    "INSERT INTO migrations VALUES ($1, $2, $3)", migration.number, migration.name, time.time()
                )
