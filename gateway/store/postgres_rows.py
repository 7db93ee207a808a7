"""Statements for many rows at once: each column goes over as one array, so that a statement has one text for any count.

The rows themselves are those of the SQLite schema (sqlite_rows.py), column by column.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from gateway.store.sqlite_rows import (
    CALLBACK_COLUMNS,
    EVENT_COLUMNS,
    INBOUND_COLUMNS,
    MESSAGE_COLUMNS,
    PART_COLUMNS,
    prefixed,
)

# ruff: noqa: S608 -- only our own column names go into these statements

T = TypeVar("T", bound=msgspec.Struct)

Connection = Any
"""An asyncpg connection: asyncpg is an extra, and has no types."""

MESSAGE_TYPES: Final = (
    "bigint, text, text, text, text, text, text, text, text, smallint, text, double precision, double precision, text,"
    " text, text, smallint, boolean, double precision, text, bigint, bigint"
)
_PART_TYPES: Final = (
    "bigint, text, integer, text, text, text, text, text, text, boolean, text, double precision, integer, bytea,"
    " smallint, boolean"
)
_EVENT_TYPES: Final = "bigint, double precision, text, smallint, integer, text, text, text"
_CALLBACK_TYPES: Final = (
    "bigint, text, text, text, text, text, text, bytea, text, text, text, double precision, double precision, integer,"
    " text, boolean"
)
_INBOUND_TYPES: Final = (
    "text, text, text, text, text, bytea, bytea, smallint, text, text, double precision, smallint, smallint"
)
_EVENT_COLUMNS: Final = EVENT_COLUMNS.replace("message, n,", "message,")
MESSAGE_WIDTH: Final = MESSAGE_COLUMNS.count(",") + 1
MESSAGES: Final = prefixed(MESSAGE_COLUMNS, "messages")
PARTS: Final = prefixed(PART_COLUMNS, "parts")


def arrays(types: str) -> str:
    """``unnest($1::type[], …)`` for columns of these types."""
    return "unnest(" + ", ".join(f"${n}::{kind.strip()}[]" for n, kind in enumerate(types.split(","), 1)) + ")"


def _insert(table: str, columns: str, types: str) -> str:
    return f"INSERT INTO {table} ({columns}) SELECT * FROM {arrays(types)}"


INSERT_MESSAGES: Final = _insert("messages", MESSAGE_COLUMNS, MESSAGE_TYPES)
INSERT_EVENTS: Final = _insert("events", _EVENT_COLUMNS, _EVENT_TYPES)
INSERT_CALLBACKS: Final = _insert("callbacks", CALLBACK_COLUMNS, _CALLBACK_TYPES)
INSERT_INBOUND: Final = (
    _insert("inbound", INBOUND_COLUMNS, _INBOUND_TYPES) + " ON CONFLICT (id) DO NOTHING RETURNING id"
)
UPSERT_PARTS: Final = (
    _insert("parts", PART_COLUMNS, _PART_TYPES)
    + " ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in PART_COLUMNS.split(",")[1:])
)

# The dummy OFFSET keeps the few keys first and an index look-up for each, whatever the statistics say.
_KEYS: Final = "FROM (SELECT unnest($1::bigint[]) AS key OFFSET 0) AS v"
SELECT_MESSAGES: Final = f"SELECT {MESSAGES} {_KEYS} JOIN messages ON messages.key = v.key"
SELECT_PARTS_OF: Final = (
    f"SELECT {PARTS} {_KEYS} JOIN parts ON parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8)"
)
_FOUND: Final = (
    "FROM (SELECT * FROM unnest($1::text[], $2::text[]) AS u(smsc_group, id_key) OFFSET 0) AS v"
    " JOIN parts ON parts.id_key = v.id_key AND parts.smsc_group = v.smsc_group AND parts.matchable"
)
SELECT_FOUND_KEYS: Final = f"SELECT DISTINCT parts.key >> 8 {_FOUND}"
SELECT_FOUND: Final = f"SELECT {MESSAGES}, {PARTS} {_FOUND} JOIN messages ON messages.key = (parts.key >> 8)"
SELECT_PARKED: Final = (
    "SELECT parked.n, parked.smsc_group, parked.id_key, parked.receipt"
    " FROM (SELECT * FROM unnest($1::text[], $2::text[]) AS u(smsc_group, id_key) OFFSET 0) AS v"
    " JOIN parked ON parked.id_key = v.id_key AND parked.smsc_group = v.smsc_group ORDER BY parked.n"
)
LOCK_MESSAGES: Final = "SELECT key FROM messages WHERE key = ANY($1::bigint[]) ORDER BY key FOR UPDATE"
"""Everybody locks in the order of keys, all that a transaction needs at once: nobody waits in a circle."""


async def write_rows(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Execute a statement whose parameters are columns; returns what it returns."""
    if not rows:
        return []
    found: list[Any] = await connection.fetch(statement, *map(list, zip(*rows, strict=True)))
    return found


def clean(text: str) -> str:
    """Text as PostgreSQL can keep it: what came off a wire may hold U+0000 or half a surrogate pair."""
    if "\0" in text:
        text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        text = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


def clean_struct(value: T) -> T:
    """A model whose text can be kept; the same where it could be already."""
    changed = {}
    for name in value.__struct_fields__:
        text = getattr(value, name)
        if type(text) is str and (kept := clean(text)) is not text:
            changed[name] = kept
    return msgspec.structs.replace(value, **changed) if changed else value


def cleaned(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row all of whose text can be kept."""
    return tuple(clean(value) if type(value) is str else value for value in row)
