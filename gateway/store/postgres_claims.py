"""What a node takes for itself: messages to send, callbacks to post, the work of nodes that died.

A row names the node it belongs to. It may be claimed when that is this node, none, or one whose lease has ended and
whose epoch somebody has raised: such a node can commit nothing any more. Claims skip what another is claiming.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Set
from typing import Any, Final

from gateway.models import DELIVERY_SCHEME, Callback, Event, Message, Part
from gateway.store.base import LeaseLost
from gateway.store.ids import key_of
from gateway.store.nodes import Inherited
from gateway.store.postgres_changes import write_events
from gateway.store.postgres_rows import (
    MESSAGES,
    SELECT_PARTS_OF,
    Connection,
)
from gateway.store.postgres_writes import Holder
from gateway.store.sqlite_rows import CALLBACK_COLUMNS, callback_of, message_of, part_of, prefixed

# ruff: noqa: S608 -- only our own column names go into these statements

_PROTECTED: Final = "SELECT name FROM nodes WHERE lease_until > '-infinity' AND name <> $1 ORDER BY name"
_FENCE: Final = (
    "WITH dead AS MATERIALIZED (SELECT name FROM nodes WHERE lease_until < clock_timestamp()"
    " AND lease_until > '-infinity' AND name <> $1 FOR UPDATE SKIP LOCKED)"
    " UPDATE nodes SET epoch = epoch + 1, lease_until = '-infinity' FROM dead WHERE nodes.name = dead.name"
)
_HELD: Final = "SELECT 1 FROM nodes WHERE name = $1 AND epoch = $2 AND lease_until > clock_timestamp() FOR SHARE"


def _distinct(table: str, column: str, condition: str) -> str:
    """The distinct values of an indexed column: one index step for each, however many rows there are."""
    return (
        f"WITH RECURSIVE names(name) AS ((SELECT {column} FROM {table} WHERE {condition} ORDER BY {column} LIMIT 1)"
        f" UNION ALL SELECT (SELECT {column} FROM {table} WHERE {condition} AND {column} > names.name"
        f" ORDER BY {column} LIMIT 1) FROM names WHERE names.name IS NOT NULL)"
        " SELECT name FROM names WHERE name IS NOT NULL"
    )


_WAITING_NODES: Final = _distinct("messages", "node", "state = 'queued'")
_WAITING_UPLINKS: Final = _distinct("messages", "uplink", "state = 'queued' AND node = $1")
_WAITING_ACCOUNTS: Final = _distinct("messages", "account", "state = 'queued' AND node = $1 AND uplink = $2")
_UNSENT_NODES: Final = _distinct("parts", "node", "state IN ('queued', 'sending')")
_HOSTS: Final = _distinct("callbacks", "host", "NOT failed")

_WAITING: Final = (
    "SELECT key, priority FROM messages WHERE state = 'queued' AND node = $1 AND uplink = $2 AND account = $3"
    " ORDER BY priority DESC, key LIMIT $4"
)
_COUNT_WAITING: Final = (
    "SELECT uplink, account, count(*) FROM messages WHERE state = 'queued' AND node = $1 GROUP BY uplink, account"
)
_MESSAGES: Final = f"SELECT {MESSAGES} FROM messages WHERE key = ANY($1::bigint[])"
_CLAIM: Final = (
    "UPDATE messages SET node = $2 FROM (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
    " WHERE messages.key = v.key AND state = 'queued'"
)
_UNSENT: Final = "SELECT key >> 8 FROM parts WHERE state IN ('queued', 'sending') AND node = $1 ORDER BY key LIMIT $2"
_LEFT: Final = (
    "SELECT key >> 8 FROM parts WHERE state IN ('queued', 'sending') AND node = '' AND uplink <> ALL($2::text[])"
    " ORDER BY key LIMIT $1"
)
"""What living nodes have left that have no bind any more."""
_CLAIM_PARTS: Final = (
    "UPDATE parts SET node = $2 FROM (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
    " WHERE parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8) AND parts.state IN ('queued', 'sending')"
)
_CALLBACKS: Final = prefixed(CALLBACK_COLUMNS, "callbacks")
_DUE: Final = (
    f"SELECT {_CALLBACKS} FROM callbacks WHERE NOT failed AND host = $1 AND due_at <= $2"
    " AND (node <> ALL($3::text[]) OR held_until < clock_timestamp()) AND key <> ALL($4::bigint[])"
    " ORDER BY due_at, key LIMIT $5 FOR UPDATE SKIP LOCKED"
)
_NEXT_DUE: Final = (
    "SELECT due_at FROM callbacks WHERE NOT failed AND host = $1"
    " AND (node <> ALL($2::text[]) OR held_until < clock_timestamp())"
    " ORDER BY due_at, key LIMIT 1"
)


class Claims:
    """Questions whose answers are the asker's from then on; each within a transaction of its own."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    async def _protected(self, connection: Connection) -> list[str]:
        """The other nodes that live, or may: what is theirs is left alone."""
        return [name for (name,) in await connection.fetch(_PROTECTED, self._holder.node)]

    async def _owners(self, connection: Connection, names: str) -> list[str]:
        """Of the nodes that own something: this one, and those that died. Without a name of ours, all."""
        found = [name for (name,) in await connection.fetch(names)]
        if not self._holder.node:
            return found
        protected = set(await self._protected(connection))
        return [name for name in found if name not in protected]

    async def _must_hold(self, connection: Connection) -> None:
        """Only a node with a lease takes anything over; nobody can take it away before this is committed."""
        if await connection.fetchrow(_HELD, self._holder.node, self._holder.epoch) is None:
            raise LeaseLost(f"the lease of node {self._holder.node} has ended")

    # --- messages ---

    async def waiting(
        self, connection: Connection, uplink: str, limit: int, skip: Set[str], account: str
    ) -> list[Message]:
        """Messages queued for an uplink, of one account or of any, in the order in which they should go."""
        node = self._holder.node
        skipped = {key_of(identifier) for identifier in skip}
        found: list[tuple[int, int, str]] = []
        for owner in await self._owners(connection, _WAITING_NODES):
            is_foreign = node not in ("", owner)
            statement = f"{_WAITING} FOR UPDATE SKIP LOCKED" if is_foreign else _WAITING
            # What is skipped is in memory: a few times the lane's limit at most.
            most = limit + (0 if is_foreign else len(skipped))
            for name in [account] if account else await self._accounts(connection, owner, uplink):
                rows = await connection.fetch(statement, owner, uplink, name, most)
                found += [(-priority, key, owner) for key, priority in rows if key not in skipped]
        found = sorted(found)[:limit]
        claimed = [(key, owner) for _, key, owner in found if node not in ("", owner)]
        if claimed:
            await self._must_hold(connection)
            await connection.execute(_CLAIM, [key for key, _ in claimed], node)
        rows = await connection.fetch(_MESSAGES, [key for _, key, _ in found])
        messages = {row[0]: message_of(row) for row in rows}
        await self._note(connection, ((messages[key], owner) for key, owner in claimed if key in messages))
        return [messages[key] for _, key, _ in found if key in messages]

    async def _note(self, connection: Connection, taken: Iterable[tuple[Message, str]]) -> None:
        """Say on the timelines who has taken messages over from whom."""
        now = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::double precision")
        events = [
            Event(
                message_id=message.id,
                at=now,
                state=message.state,
                node=self._holder.node,
                detail=f"taken over from node {owner}" if owner else "taken up from a node that has no bind left",
            )
            for message, owner in taken
        ]
        await write_events(connection, events)

    async def _accounts(self, connection: Connection, owner: str, uplink: str) -> list[str]:
        return [name for (name,) in await connection.fetch(_WAITING_ACCOUNTS, owner, uplink)]

    async def waiting_accounts(self, connection: Connection, uplink: str) -> list[str]:
        """The accounts of which messages wait for an uplink that this node may send."""
        names: set[str] = set()
        for owner in await self._owners(connection, _WAITING_NODES):
            names.update(await self._accounts(connection, owner, uplink))
        return sorted(names)

    async def waiting_uplinks(self, connection: Connection) -> list[str]:
        """The uplinks for which messages wait that this node may send."""
        names: set[str] = set()
        for owner in await self._owners(connection, _WAITING_NODES):
            names |= {name for (name,) in await connection.fetch(_WAITING_UPLINKS, owner)}
        return sorted(names)

    async def count_waiting(self, connection: Connection) -> dict[tuple[str, str], int]:
        """Of all nodes: nothing is claimed."""
        counts: Counter[tuple[str, str]] = Counter()
        for (owner,) in await connection.fetch(_WAITING_NODES):
            for uplink, account, count in await connection.fetch(_COUNT_WAITING, owner):
                counts[uplink, account] += count
        return dict(counts)

    async def fence(self, connection: Connection) -> int:
        """Raise the epoch of nodes whose lease has ended, so that they can commit nothing; returns how many."""
        status = await connection.execute(_FENCE, self._holder.node)
        return int(status.rpartition(" ")[2])

    async def inherit(self, connection: Connection, limit: int, without: Collection[str] = ()) -> Inherited:
        """Take the unfinished messages of dead nodes, and what living ones have left of uplinks not among these."""
        node = self._holder.node
        dead = [name for name in await self._owners(connection, _UNSENT_NODES) if name != node]
        if dead:
            await self._must_hold(connection)
        unfinished: list[tuple[Message, list[Part]]] = []
        is_done = True
        for owner in dead:
            if owner:
                rows = await connection.fetch(_UNSENT, owner, limit)
            else:
                rows = await connection.fetch(_LEFT, limit, list(without))
            is_done = is_done and len(rows) < limit
            unfinished += await self._adopt(connection, {key for (key,) in rows}, owner)
        uplinks: set[str] = set()
        for owner in await self._owners(connection, _WAITING_NODES):
            if owner != node:
                uplinks |= {name for (name,) in await connection.fetch(_WAITING_UPLINKS, owner)}
        return Inherited(tuple(unfinished), frozenset(uplinks), is_done)

    async def _adopt(self, connection: Connection, keys: Set[int], owner: str) -> list[tuple[Message, list[Part]]]:
        node = self._holder.node
        rows = await connection.fetch(
            f"{_MESSAGES} AND node = $2 ORDER BY key FOR UPDATE SKIP LOCKED", sorted(keys), owner
        )
        if not rows:
            return []
        taken = [row[0] for row in rows]
        await connection.execute("UPDATE messages SET node = $2 WHERE key = ANY($1::bigint[])", taken, node)
        await connection.execute(_CLAIM_PARTS, taken, node)
        await self._note(connection, ((message_of(row), owner) for row in rows))
        return await with_parts(connection, await connection.fetch(_MESSAGES, taken))

    # --- callbacks ---

    async def due_callbacks(
        self, connection: Connection, now: float, limit: int, per_host: int, skip_hosts: Set[str], skip_ids: Set[str]
    ) -> list[Callback]:
        """What is due, fairly by host; this node's from now on."""
        skipped = [key_of(identifier) for identifier in skip_ids]
        protected = await self._protected(connection) if self._holder.node else []
        found: list[Callback] = []
        hosts = await self._hosts(connection, protected)
        for host in hosts:
            if host in skip_hosts:
                continue
            count = min(per_host, limit - len(found))
            rows = await connection.fetch(_DUE, host, now, protected, skipped, count)
            found += map(callback_of, rows)
            if len(found) >= limit:
                break
        await self._hold(connection, found, "'infinity'")
        return found

    async def _hold(self, connection: Connection, callbacks: list[Callback], until: str) -> None:
        if callbacks and self._holder.node:
            await connection.execute(
                f"UPDATE callbacks SET node = $2, held_until = {until} WHERE key = ANY($1::bigint[])",
                [key_of(one.id) for one in callbacks],
                self._holder.node,
            )

    async def due_deliveries(
        self,
        connection: Connection,
        account: str,
        now: float,
        limit: int,
        skip_ids: Set[str],
        *,
        hold_seconds: float,
    ) -> list[Callback]:
        """What is due over an account's binds; this node's for a while, for the account may bind elsewhere next."""
        skipped = [key_of(identifier) for identifier in skip_ids]
        protected = await self._protected(connection) if self._holder.node else []
        rows = await connection.fetch(_DUE, DELIVERY_SCHEME + account, now, protected, skipped, limit)
        found = [callback_of(row) for row in rows]
        await self._hold(connection, found, f"clock_timestamp() + interval '{hold_seconds:.3f} seconds'")
        return found

    async def next_delivery_at(self, connection: Connection, account: str) -> float | None:
        """When the earliest is due that this node may try."""
        protected = await self._protected(connection) if self._holder.node else []
        at: float | None = await connection.fetchval(_NEXT_DUE, DELIVERY_SCHEME + account, protected)
        return at

    async def _hosts(self, connection: Connection, protected: list[str]) -> list[str]:
        """Hosts in the order of their earliest due time."""
        return [host for _, host in sorted(await self._dues(connection, protected))]

    async def _dues(self, connection: Connection, protected: list[str]) -> list[tuple[float, str]]:
        return [
            (due, host)
            for (host,) in await connection.fetch(_HOSTS)
            if not host.startswith(DELIVERY_SCHEME)
            and (due := await connection.fetchval(_NEXT_DUE, host, protected)) is not None
        ]

    async def next_callback_at(self, connection: Connection) -> float | None:
        """When the earliest is due that this node may try."""
        protected = await self._protected(connection) if self._holder.node else []
        return min((due for due, _ in await self._dues(connection, protected)), default=None)


async def with_parts(connection: Connection, rows: Iterable[Any]) -> list[tuple[Message, list[Part]]]:
    """Messages of rows, each with its parts in order."""
    messages = {row[0]: message_of(row) for row in rows}
    parts: dict[int, list[Part]] = {key: [] for key in messages}
    for row in await connection.fetch(f"{SELECT_PARTS_OF} ORDER BY parts.key", list(messages)):
        parts[row[0] >> 8].append(part_of(row, messages[row[0] >> 8].id))
    return [(messages[key], parts[key]) for key in sorted(messages)]
