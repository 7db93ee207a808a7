"""The rows of bind slots in PostgreSQL. One node at a time deals; leases run on the server's clock."""

from collections.abc import Collection
from typing import Final

from gateway.store.base import LeaseLost
from gateway.store.ids import key_of
from gateway.store.postgres_rows import Connection
from gateway.store.postgres_writes import Holder
from gateway.store.slots import BindSlot, Shares, Wanted, deal

SLOT_LOCK: Final = 0x534D5006

_HELD: Final = "SELECT 1 FROM nodes WHERE name = $1 AND epoch = $2 AND lease_until > clock_timestamp() FOR SHARE"
_LIVING: Final = "SELECT name, epoch FROM nodes WHERE lease_until > clock_timestamp()"
_SEEKERS: Final = (
    "SELECT s.server, s.node FROM slot_seekers s JOIN nodes ON nodes.name = s.node AND nodes.epoch = s.epoch"
    " WHERE s.server = ANY($1::text[]) AND nodes.lease_until > clock_timestamp() AND s.until > clock_timestamp()"
)
_SEEK: Final = (
    "INSERT INTO slot_seekers (server, node, epoch, until)"
    " SELECT server, $2, $3, clock_timestamp() + make_interval(secs => $4) FROM unnest($1::text[]) AS server"
    " ON CONFLICT (server, node) DO UPDATE SET epoch = excluded.epoch, until = excluded.until"
)
_MAKE: Final = (
    "INSERT INTO slots (server, n) SELECT * FROM unnest($1::text[], $2::integer[]) ON CONFLICT (server, n) DO NOTHING"
)
# ruff: noqa: S608 -- only our own conditions go into these statements

_THESE: Final = "(server, n) IN (SELECT * FROM unnest($1::text[], $2::integer[]))"
_GIVE_UP: Final = f"UPDATE slots SET node = '', lease_until = '-infinity' WHERE node = $3 AND {_THESE} RETURNING n"
_RENEW: Final = (
    "UPDATE slots SET lease_until = clock_timestamp() + make_interval(secs => $4)"
    f" WHERE node = $3 AND epoch = $5 AND {_THESE}"
)
_TAKE: Final = (
    "UPDATE slots SET node = $3, epoch = $5, lease_until = clock_timestamp() + make_interval(secs => $4)"
    f" WHERE {_THESE}"
)
_READ: Final = (
    "SELECT slots.server, slots.n, CASE WHEN slots.lease_until > clock_timestamp()"
    " AND nodes.lease_until > clock_timestamp() THEN slots.node ELSE '' END"
    " FROM slots LEFT JOIN nodes ON nodes.name = slots.node AND nodes.epoch = slots.epoch"
    " WHERE slots.server = ANY($1::text[])"
)
_DISOWN: Final = (
    "UPDATE messages SET node = '' WHERE key IN (SELECT key FROM messages"
    " WHERE node = $1 AND uplink = $2 AND state = 'queued' AND part_count = 0 ORDER BY key FOR UPDATE) RETURNING 1"
)
_LOCK_OURS: Final = (
    "SELECT key FROM messages WHERE key = ANY($1::bigint[]) AND node = $2 AND part_count > 0 ORDER BY key FOR UPDATE"
)
_PARTS_OF: Final = "parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8)"
_IDLE: Final = (
    "SELECT v.key FROM (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
    f" WHERE EXISTS (SELECT 1 FROM parts WHERE {_PARTS_OF} AND parts.state = 'queued')"
    f" AND NOT EXISTS (SELECT 1 FROM parts WHERE {_PARTS_OF} AND parts.state = 'sending')"
)
_DISOWN_PARTS: Final = (
    "UPDATE parts SET node = '' FROM (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
    f" WHERE {_PARTS_OF} AND parts.state = 'queued'"
)
_HAND_OVER: Final = (
    "UPDATE messages SET node = $3 WHERE key IN (SELECT key FROM messages WHERE key = ANY($1::bigint[])"
    " AND node = $2 AND state = 'queued' AND part_count = 0 ORDER BY key FOR UPDATE)"
    " AND EXISTS (SELECT 1 FROM nodes WHERE name = $3 AND lease_until > clock_timestamp()) RETURNING key"
)


async def share_slots(
    connection: Connection, holder: Holder, wanted: Wanted, given_up: Collection[BindSlot], lease_seconds: float
) -> tuple[Shares, bool]:
    """Deal the slots out anew, within a transaction; the shares, and whether others should look.

    Raises:
        LeaseLost: only a node with a lease holds slots.
    """
    node, epoch = holder.node, holder.epoch
    await connection.execute("SELECT pg_advisory_xact_lock($1, 0)", SLOT_LOCK)
    if await connection.fetchrow(_HELD, node, epoch) is None:
        raise LeaseLost(f"the lease of node {node} has ended")
    every = sorted({slot for slots in wanted.values() for slot in slots})
    servers = sorted({slot.server for slot in every})
    seekers = await connection.fetch(_SEEKERS, servers)
    is_news = not {(server, node) for server in servers} <= {tuple(row) for row in seekers}
    await connection.execute(_SEEK, servers, node, epoch, lease_seconds)
    await connection.execute(_MAKE, *_columns(every))
    if given_up:
        is_news |= bool(await connection.fetch(_GIVE_UP, *_columns(given_up), node))
    await connection.execute(_RENEW, *_columns(every), node, lease_seconds, epoch)
    holders = {BindSlot(server, n): name for server, n, name in await connection.fetch(_READ, servers)}
    taken: list[BindSlot] = []
    surplus: list[BindSlot] = []
    elsewhere: set[str] = set()
    for uplink, slots in wanted.items():
        ours = {slot: holders.get(slot, "") for slot in slots}
        wanting = {name for server, name in seekers if any(slot.server == server for slot in slots)} | {node}
        take, give = deal(ours, wanting, node)
        taken += take
        surplus += give
        if slots and not take and node not in ours.values() and any(ours.values()):
            elsewhere.add(uplink)
    if taken:
        await connection.execute(_TAKE, *_columns(taken), node, lease_seconds, epoch)
    held = {slot for slot in every if holders.get(slot) == node} | set(taken)
    return Shares(frozenset(held), frozenset(surplus), frozenset(elsewhere)), is_news


async def living_nodes(connection: Connection) -> dict[str, int]:
    """Those whose lease runs, with their epochs."""
    return dict(await connection.fetch(_LIVING))


async def disown(connection: Connection, holder: Holder, uplink: str) -> int:
    """Let any node have what waits here for an uplink; how many messages."""
    return len(await connection.fetch(_DISOWN, holder.node, uplink))


async def hand_over(connection: Connection, holder: Holder, ids: Collection[str], node: str) -> frozenset[str]:
    """Give messages that wait here to another node; which."""
    by_key = {key_of(identifier): identifier for identifier in ids}
    rows = await connection.fetch(_HAND_OVER, sorted(by_key), holder.node, node)
    return frozenset(by_key[key] for (key,) in rows)


async def disown_begun(connection: Connection, holder: Holder, ids: Collection[str]) -> frozenset[str]:
    """Let any node go on with messages that were begun here; which.

    Raises:
        LeaseLost: whoever has lost its lease has nothing to give.
    """
    if await connection.fetchrow(_HELD, holder.node, holder.epoch) is None:
        raise LeaseLost(f"the lease of node {holder.node} has ended")
    by_key = {key_of(identifier): identifier for identifier in ids}
    locked = [key for (key,) in await connection.fetch(_LOCK_OURS, sorted(by_key), holder.node)]
    # Seen once the messages are ours alone: nothing of them can begin to leave meanwhile.
    idle = [key for (key,) in await connection.fetch(_IDLE, locked)]
    await connection.execute(_DISOWN_PARTS, idle)
    await connection.execute("UPDATE messages SET node = '' WHERE key = ANY($1::bigint[])", idle)
    return frozenset(by_key[key] for key in idle)


def _columns(slots: Collection[BindSlot]) -> tuple[list[str], list[int]]:
    return [slot.server for slot in slots], [slot.n for slot in slots]
