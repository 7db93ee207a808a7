"""What doors and people ask of the PostgreSQL store."""

from typing import Any, Final

import msgspec

from gateway.models import Callback, Event, Inbound, Message, Part, Receipt, State
from gateway.store.base import accepted_event
from gateway.store.ids import key_at, key_of
from gateway.store.postgres_claims import with_parts
from gateway.store.postgres_rows import Connection, clean
from gateway.store.sqlite_rows import (
    CALLBACK_COLUMNS,
    EVENT_COLUMNS,
    INBOUND_COLUMNS,
    MESSAGE_COLUMNS,
    PART_COLUMNS,
    callback_of,
    event_of,
    inbound_of,
    message_of,
    part_of,
)
from gateway.store.sqlite_search import days, key_range

# ruff: noqa: S608 -- only our own column names go into these statements

_decode_receipt: Final = msgspec.json.Decoder(Receipt).decode


_PARTIAL: Final = frozenset({"client_reference", "batch"})
"""Columns whose index leaves out the rows in which they are empty."""
_COUNT_STATES: Final = (
    "SELECT state, count(*) FROM messages WHERE key >= $1 AND key < $2 AND ($3 = '' OR account = $3) GROUP BY state"
)
_COUNT_GROUP: Final = (
    "SELECT count(*) FROM messages WHERE batch = $1 AND batch <> '' AND ($2 = '' OR account || '' = $2)"
)


class _Terms:
    """A WHERE clause and its parameters."""

    def __init__(self) -> None:
        self.terms = ["true"]
        self.values: list[Any] = []

    def add(self, term: str, value: Any) -> None:
        self.values.append(clean(value) if isinstance(value, str) else value)
        self.terms.append(term.replace("?", f"${len(self.values)}"))

    def __str__(self) -> str:
        return " AND ".join(self.terms)


async def message(connection: Connection, account: str, identifier: str) -> Message | None:
    """A message of an account, or of any."""
    try:
        key = key_of(identifier)
    except ValueError:
        return None
    row = await connection.fetchrow(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key = $1", key)
    if row is None or row[1] != identifier or (account and row[2] != account):
        return None
    return message_of(row)


async def messages(
    connection: Connection,
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
    """Newest first."""
    first, last = key_range(since, until, before_id)
    where = _Terms()
    where.add("key >= ?", first)
    where.add("key < ?", last)
    wanted = {"account": account, "recipient": recipient, "client_reference": client_reference, "batch": group}
    # Of several names the one that leads to the fewest messages has the index; the others are looked at row by row.
    leader = next((one for one in ("client_reference", "batch", "recipient", "account") if wanted[one]), "")
    for column, value in wanted.items():
        if value and column == leader:
            where.add(f"{column} = ?" + (f" AND {column} <> ''" if column in _PARTIAL else ""), value)
        elif value:
            where.add(f"{column} || '' = ?", value)
    if sender:
        where.add("sender = ?", sender)
    if state is not None:
        where.add("state || '' = ?", state.value)
    rows = await connection.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE {where} ORDER BY key DESC LIMIT {limit:d}", *where.values
    )
    return [message_of(row) for row in rows]


async def count_by_state(
    connection: Connection, account: str, since: float, until: float
) -> dict[str, dict[State, int]]:
    """By day."""
    counts: dict[str, dict[State, int]] = {}
    for day, start, end in days(since, until):
        rows = await connection.fetch(_COUNT_STATES, key_at(start), key_at(end), clean(account))
        if rows:
            counts[day] = {State(state): count for state, count in rows}
    return counts


async def count_group(connection: Connection, account: str, group: str) -> int:
    """How many are of a group."""
    counted: int = await connection.fetchval(_COUNT_GROUP, clean(group), clean(account))
    return counted


async def parts(connection: Connection, message_id: str) -> list[Part]:
    """In order."""
    key = key_of(message_id)
    rows = await connection.fetch(
        f"SELECT {PART_COLUMNS} FROM parts WHERE key > $1 AND key < $2 ORDER BY key", key << 8, key + 1 << 8
    )
    return [part_of(row, message_id) for row in rows]


async def timeline(connection: Connection, message_id: str) -> list[Event]:
    """Oldest first, from ACCEPTED on."""
    found = await message(connection, "", message_id)
    if found is None:
        return []
    rows = await connection.fetch(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE message = $1 ORDER BY n", key_of(message_id)
    )
    return [accepted_event(found), *(event_of(row, message_id) for row in rows)]


async def unfinished(connection: Connection, node: str) -> list[tuple[Message, list[Part]]]:
    """Messages of a node with parts queued or sending, with all their parts."""
    rows = await connection.fetch("SELECT key >> 8 FROM parts WHERE state IN ('queued', 'sending') AND node = $1", node)
    keys = sorted({key for (key,) in rows})
    found = await connection.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key = ANY($1::bigint[]) AND node = $2", keys, node
    )
    return await with_parts(connection, found)


async def next_scheduled_at(connection: Connection) -> float | None:
    """Of all nodes: whoever comes first releases what is due."""
    at: float | None = await connection.fetchval("SELECT min(ready_at) FROM messages WHERE state = 'scheduled'")
    return at


async def inbound(
    connection: Connection,
    account: str,
    recipient: str,
    sender: str,
    since: float,
    until: float,
    limit: int,
    before_id: str,
) -> list[Inbound]:
    """Newest first."""
    where = _Terms()
    if since:
        where.add("received_at >= ?", since)
    if until:
        where.add("received_at < ?", until)
    if before_id:
        # One that is gone was among the oldest: nothing is older.
        where.add("n < (SELECT n FROM inbound WHERE id = ?)", before_id)
    for column, value in {"account": account, "recipient": recipient, "sender": sender}.items():
        if value:
            where.add(f"{column} = ?", value)
    rows = await connection.fetch(
        f"SELECT {INBOUND_COLUMNS} FROM inbound WHERE {where} ORDER BY n DESC LIMIT {limit:d}", *where.values
    )
    return [inbound_of(tuple(row)) for row in rows]


async def callbacks(connection: Connection, account: str, failed: bool | None, limit: int) -> list[Callback]:
    """Oldest first."""
    where = _Terms()
    if account:
        where.add("account = ?", account)
    if failed is not None:
        where.terms.append("failed" if failed else "NOT failed")
    rows = await connection.fetch(
        f"SELECT {CALLBACK_COLUMNS} FROM callbacks WHERE {where} ORDER BY key LIMIT {limit:d}", *where.values
    )
    return [callback_of(row) for row in rows]


async def parked(connection: Connection) -> int:
    """How many."""
    count: int = await connection.fetchval("SELECT count(*) FROM parked")
    return count


async def candidates(connection: Connection, id_key: str, limit: int) -> list[tuple[Message, Part]]:
    """Newest first."""
    rows = await connection.fetch(
        f"SELECT {PART_COLUMNS} FROM parts WHERE id_key = $1 AND matchable ORDER BY key DESC LIMIT $2",
        clean(id_key),
        limit,
    )
    found = await connection.fetch(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key = ANY($1::bigint[])", sorted({row[0] >> 8 for row in rows})
    )
    messages = {row[0]: message_of(row) for row in found}
    return [(messages[row[0] >> 8], part_of(row, messages[row[0] >> 8].id)) for row in rows if row[0] >> 8 in messages]


async def orphans(connection: Connection, limit: int) -> list[Receipt]:
    """Newest first."""
    rows = await connection.fetch("SELECT receipt FROM orphans ORDER BY n DESC LIMIT $1", limit)
    return [_decode_receipt(text) for (text,) in rows]
