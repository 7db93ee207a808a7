"""Loading the rows that a decision is made on."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.models import Receipt
from gateway.store.base import Bookkeeping
from gateway.store.ids import key_of
from gateway.store.moves import GroupKey, Loaded, Parked
from gateway.store.postgres_rows import (
    MESSAGE_WIDTH,
    SELECT_FOUND,
    SELECT_MESSAGES,
    SELECT_PARKED,
    SELECT_PARTS_OF,
    Connection,
    write_rows,
)
from gateway.store.sqlite_rows import message_of, part_of

_decode_receipt: Final = msgspec.json.Decoder(Receipt).decode


async def load_messages(connection: Connection, keys: set[int], loaded: Loaded) -> None:
    """Messages by their keys, with all their parts."""
    wanted = sorted(keys)
    names: dict[int, str] = {}
    for row in await connection.fetch(SELECT_MESSAGES, wanted):
        message = message_of(row)
        names[row[0]] = message.id
        loaded.messages[message.id] = message
        loaded.parts[message.id] = {}
    for row in await connection.fetch(SELECT_PARTS_OF, list(names)):
        part = part_of(row, names[row[0] >> 8])
        loaded.parts[part.message_id][part.number] = part


async def load_found(connection: Connection, keys: set[GroupKey], loaded: Loaded, locked: set[int]) -> None:
    """Matchable parts by their SMSC id, with what of their messages a decision needs; of locked messages only."""
    incomplete: set[int] = set()
    for row in await write_rows(connection, SELECT_FOUND, sorted(keys)):
        if row[0] not in locked:
            continue
        message = message_of(row)
        columns = tuple(row)[MESSAGE_WIDTH:]
        part = part_of(columns, message.id)
        loaded.messages.setdefault(message.id, message)
        loaded.parts.setdefault(message.id, {})[part.number] = part
        loaded.found.setdefault((part.group, columns[8]), []).append((message.id, part.number))
        if message.part_count != 1:
            incomplete.add(key_of(message.id))
    if incomplete:
        await load_messages(connection, incomplete, loaded)


async def load_parked(connection: Connection, keys: set[GroupKey], loaded: Loaded) -> None:
    """Receipts that wait for one of these ids."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM parked)"):
        return
    for n, group, key, text in await write_rows(connection, f"{SELECT_PARKED} FOR UPDATE OF parked", sorted(keys)):
        loaded.parked.setdefault((group, key), []).append(Parked(n, _decode_receipt(text)))


async def load_votes(
    connection: Connection, receipts: Sequence[Receipt], book: Bookkeeping
) -> dict[str, dict[str, int]]:
    """What `auto` has seen of the groups that use it."""
    groups = {one.group for one in receipts if book.rule(one.group) == "auto"}
    votes: dict[str, dict[str, int]] = {group: {} for group in groups}
    if groups:
        statement = "SELECT smsc_group, rule, votes FROM id_rules WHERE smsc_group = ANY($1::text[])"
        for group, rule, count in await connection.fetch(statement, sorted(groups)):
            votes[group][rule] = count
    return votes
