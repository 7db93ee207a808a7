"""The connection that holds what ends with a session: this process's share of the ids, the name of its node, the lease.

register ──► renew, renew, … ──► resign          on the server's clock
               └── another raised the epoch: the lease is lost, and with it all that was begun under it
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from gateway.errors import StoreError
from gateway.store.ids import Ids
from gateway.store.postgres_connect import connect
from gateway.store.postgres_rows import Connection
from gateway.store.postgres_writer import LOST, describe, hang_up
from gateway.store.postgres_writes import Holder

SHARES: Final = 256
"""How many processes may make ids for one database at a time."""
SHARE_LOCK: Final = 0x534D5004
NODE_LOCK: Final = 0x534D5005
CHANNEL: Final = "smppkit"
NAME_SECONDS: Final = 5.0
"""How long a node waits for one of its name to end: the server sees at once that a killed one is gone."""
_NAME_PAUSE_SECONDS: Final = 0.1

_LAST_KEY: Final = "SELECT greatest((SELECT max(key) FROM messages), (SELECT max(key) FROM callbacks), 0)"
_REGISTER: Final = (
    "INSERT INTO nodes (name, epoch, started_at, lease_until)"
    " VALUES ($1, 1, $2, clock_timestamp() + make_interval(secs => $3))"
    " ON CONFLICT (name) DO UPDATE SET epoch = nodes.epoch + 1, started_at = excluded.started_at,"
    " lease_until = excluded.lease_until RETURNING epoch, batch"
)
_IS_LEASED: Final = "SELECT lease_until > clock_timestamp() FROM nodes WHERE name = $1"
_RENEW: Final = (
    "UPDATE nodes SET lease_until = clock_timestamp() + make_interval(secs => $3) WHERE name = $1 AND epoch = $2"
    " RETURNING 1"
)
_RESIGN: Final = (
    "UPDATE nodes SET epoch = epoch + 1, lease_until = '-infinity' WHERE name = $1 AND epoch = $2 RETURNING 1"
)


class Keeper:
    """Holds a share, a name and a lease."""

    def __init__(
        self, url: str, holder: Holder, *, on_ids: Callable[[Ids], None], on_notice: Callable[[], None]
    ) -> None:
        self._url = url
        self._holder = holder
        self._on_ids = on_ids
        self._on_notice = on_notice
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._is_closed = False

    async def start(self, connection: Connection) -> None:
        """Take a share of the ids."""
        await self._settle_in(connection)

    async def register(self, node: str, now: float, lease_seconds: float) -> None:
        """Become a node.

        Raises:
            StoreError: another process is that node.
        """
        async with self._turn:
            connection = await self._connected()
            deadline = time.monotonic() + NAME_SECONDS
            while not await self._lock_name(connection, node):
                if not await connection.fetchval(_IS_LEASED, node):
                    # It hangs: its connection stands, but its lease has ended.
                    break
                if time.monotonic() > deadline:
                    raise StoreError(f"another process runs as node {node}")
                await asyncio.sleep(_NAME_PAUSE_SECONDS)
            row = await connection.fetchrow(_REGISTER, node, now, lease_seconds)
            self._holder.node, self._holder.epoch, self._holder.batch = node, row[0], row[1]

    async def renew(self, lease_seconds: float) -> bool:
        """Prolong the lease; False where it was taken away."""
        async with self._turn:
            connection = await self._connected()
            holder = self._holder
            return await connection.fetchval(_RENEW, holder.node, holder.epoch, lease_seconds) is not None

    async def close(self) -> None:
        """Give the lease back, so that others need not wait for its end."""
        async with self._turn:
            self._is_closed = True
            connection, self._connection = self._connection, None
            if connection is None:
                return
            try:
                if self._holder.node and await connection.fetchval(_RESIGN, self._holder.node, self._holder.epoch):
                    await connection.execute(f"NOTIFY {CHANNEL}")
            except (*LOST, asyncpg.PostgresError):
                pass
            finally:
                await hang_up(connection)

    async def guarded(self, ask: Callable[[], Awaitable[object]]) -> object:
        """Ask something of the server; StoreError where it cannot be had."""
        try:
            return await ask()
        except (*LOST, asyncpg.PostgresError) as error:
            raise StoreError(f"the store cannot be reached: {describe(error)}") from error

    # --- the session ---

    async def _connected(self) -> Connection:
        if self._is_closed:
            raise StoreError("the store is closed")
        if self._connection is None or self._connection.is_closed():
            connection = await connect(self._url)
            await self._settle_in(connection)
            if self._holder.node:
                await self._lock_name(connection, self._holder.node)
        return self._connection

    async def _settle_in(self, connection: Connection) -> None:
        await self._take_share(connection)
        await connection.add_listener(CHANNEL, self._hear)
        self._connection = connection

    async def _take_share(self, connection: Connection) -> None:
        """The same share as before where it is free, else another."""
        start = self._holder.share if self._holder.share >= 0 else random.randrange(SHARES)
        for n in range(SHARES):
            share = (start + n) % SHARES
            if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", SHARE_LOCK, share):
                break
        else:
            raise StoreError(f"{SHARES} processes use this store already")
        if share != self._holder.share:
            self._holder.share = share
            self._on_ids(Ids(await connection.fetchval(_LAST_KEY), share=share, shares=SHARES))

    async def _lock_name(self, connection: Connection, node: str) -> bool:
        is_ours: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", NODE_LOCK, node)
        return is_ours

    def _hear(self, *_: object) -> None:
        self._on_notice()
