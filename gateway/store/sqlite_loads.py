"""Loading the rows that a decision is made on, from the SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from gateway.models import Message, Receipt
from gateway.store.base import (
    Bookkeeping,
)
from gateway.store.ids import key_of
from gateway.store.moves import (
    GroupKey,
    Loaded,
    Parked,
)
from gateway.store.sqlite_rows import (
    MESSAGE_COLUMNS,
    PART_COLUMNS,
    Row,
    message_of,
    part_of,
    prefixed,
    select_rows,
)

# ruff: noqa: S608 -- only our own column names go into these statements

Connection = sqlite3.Connection

_decode_receipt: Final = msgspec.json.Decoder(Receipt).decode
_MESSAGE_WIDTH: Final = MESSAGE_COLUMNS.count(",") + 1
_MESSAGES: Final = prefixed(MESSAGE_COLUMNS, "messages")
_PARTS: Final = prefixed(PART_COLUMNS, "parts")

# CROSS JOIN keeps SQLite to the order written: the few keys first, then an index look-up for each.
_SELECT_MESSAGES: Final = (
    f"SELECT {_MESSAGES} FROM (VALUES {{rows}}) AS v CROSS JOIN messages ON messages.key = v.column1"
)
_SELECT_PARTS_OF: Final = (
    f"SELECT {_PARTS} FROM (VALUES {{rows}}) AS v"
    " CROSS JOIN parts ON parts.key > (v.column1 << 8) AND parts.key < ((v.column1 + 1) << 8)"
)
_SELECT_FOUND: Final = (
    f"SELECT {_MESSAGES}, {_PARTS} FROM (VALUES {{rows}}) AS v"
    " CROSS JOIN parts ON parts.id_key = v.column2 AND parts.smsc_group = v.column1 AND parts.matchable = 1"
    " CROSS JOIN messages ON messages.key = (parts.key >> 8)"
)
_SELECT_PARKED: Final = (
    "SELECT parked.n, parked.smsc_group, parked.id_key, parked.receipt FROM (VALUES {rows}) AS v"
    " CROSS JOIN parked ON parked.id_key = v.column2 AND parked.smsc_group = v.column1"
)


def load_messages(connection: Connection, ids: Iterable[str], loaded: Loaded) -> None:
    """Messages by their ids, with all their parts."""
    load_message_keys(connection, {key_of(identifier) for identifier in ids}, loaded)


def load_message_keys(connection: Connection, keys: set[int], loaded: Loaded) -> None:
    """The same by their keys."""
    names: dict[int, str] = {}
    for row in select_rows(connection, _SELECT_MESSAGES, ((key,) for key in keys)):
        message = message_of(row)
        names[row[0]] = message.id
        loaded.messages[message.id] = message
        loaded.parts[message.id] = {}
    for row in select_rows(connection, _SELECT_PARTS_OF, ((key,) for key in names)):
        part = part_of(row, names[row[0] >> 8])
        loaded.parts[part.message_id][part.number] = part


def load_found(connection: Connection, keys: set[GroupKey], loaded: Loaded) -> None:
    """Matchable parts by their SMSC id, with what of their messages a decision needs."""
    incomplete: set[int] = set()
    for message, part_columns in _found(connection, keys):
        part = part_of(part_columns, message.id)
        loaded.messages.setdefault(message.id, message)
        loaded.parts.setdefault(message.id, {})[part.number] = part
        loaded.found.setdefault((part.group, part_columns[8]), []).append((message.id, part.number))
        if message.part_count != 1:
            incomplete.add(key_of(message.id))
    if incomplete:
        load_message_keys(connection, incomplete, loaded)


def _found(connection: Connection, keys: set[GroupKey]) -> Iterator[tuple[Message, Row]]:
    for row in select_rows(connection, _SELECT_FOUND, keys):
        yield message_of(row), row[_MESSAGE_WIDTH:]


def load_parked(connection: Connection, keys: set[GroupKey], loaded: Loaded) -> None:
    """Receipts that wait for one of these ids."""
    for n, group, key, text in sorted(select_rows(connection, _SELECT_PARKED, keys), key=lambda row: int(row[0])):
        loaded.parked.setdefault((group, key), []).append(Parked(n, _decode_receipt(text)))


def load_votes(connection: Connection, receipts: Sequence[Receipt], book: Bookkeeping) -> dict[str, dict[str, int]]:
    """What `auto` has seen of the groups that use it."""
    groups = {one.group for one in receipts if book.rule(one.group) == "auto"}
    votes: dict[str, dict[str, int]] = {}
    for group in groups:
        rows = connection.execute("SELECT rule, votes FROM id_rules WHERE smsc_group = ?", (group,))
        votes[group] = dict(rows.fetchall())
    return votes
