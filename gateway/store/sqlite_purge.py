"""Forgetting in the SQLite file: a few rows at a time, and the room they took given back bit by bit."""

import sqlite3
from typing import Any, Final

import msgspec

from gateway.models import Inbound, Message
from gateway.store.ids import key_at, key_of
from gateway.store.retention import FINAL, PURGE_LIMIT, USAGE_SECONDS, Cutoffs, Purged
from gateway.store.sqlite_names import Names
from gateway.store.sqlite_rows import (
    INBOUND_COLUMNS,
    MESSAGE_COLUMNS,
    inbound_of,
    message_of,
    message_row,
    write_rows,
)
from gateway.store.sqlite_search import days

# ruff: noqa: S608 -- only our own column names go into these statements

Connection = sqlite3.Connection

FREE_SHARE: Final = 0.2
"""A file is made smaller when so much of it is free; less is soon needed again."""
VACUUM_PAGES: Final = 200

_SET_MARK: Final = (
    "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


# --- what is named ---


def finished(connection: Connection, before: float, after_id: str, limit: int) -> list[Message]:
    """Oldest first."""
    rows = connection.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key > ? AND key < ? AND +state IN {FINAL} ORDER BY key LIMIT ?",
        (key_of(after_id) if after_id else 0, key_at(before), limit),
    )
    return [message_of(row) for row in rows]


def forget_messages(connection: Connection, ids: list[str], _context: object) -> None:
    """With their parts and timelines."""
    keys = [(key_of(one),) for one in ids]
    write_rows(connection, "DELETE FROM messages WHERE key IN (VALUES {rows})", keys)
    for (key,) in keys:
        connection.execute("DELETE FROM parts WHERE key > ? AND key < ?", (key << 8, key + 1 << 8))
        connection.execute("DELETE FROM events WHERE message = ?", (key,))


def inbound_before(connection: Connection, before: float, limit: int) -> list[Inbound]:
    """Oldest first."""
    rows = connection.execute(
        f"SELECT * FROM (SELECT {INBOUND_COLUMNS} FROM inbound ORDER BY n LIMIT ?) WHERE received_at < ?",
        (limit, before),
    )
    return [inbound_of(row) for row in rows]


def forget_inbound(connection: Connection, ids: list[str], _context: object) -> None:
    """By their ids."""
    write_rows(connection, "DELETE FROM inbound WHERE id IN (VALUES {rows})", [(one,) for one in ids])


# --- what is not ---


def purge(connection: Connection, names: Names, cutoffs: Cutoffs) -> Purged:
    """One round."""
    bodies = _erase_bodies(connection, cutoffs.bodies) + _erase_inbound(connection, cutoffs.bodies)
    timelines = _delete(
        connection,
        "events WHERE (message, n) IN (SELECT message, n FROM events WHERE message < ? ORDER BY message, n LIMIT ?)",
        key_at(cutoffs.timelines),
    )
    orphans = _delete(
        connection, "orphans WHERE n IN (SELECT n FROM orphans WHERE at < ? ORDER BY n LIMIT ?)", cutoffs.orphans
    )
    callbacks = _delete(
        connection,
        "callbacks WHERE key IN (SELECT key FROM callbacks WHERE failed = 1 AND +key < ? LIMIT ?)",
        key_at(cutoffs.callbacks),
    )
    _drop_usage(connection, cutoffs.now)
    has_names = names.drop_old(connection)
    is_shrinking = _shrink(connection)
    return Purged(
        bodies=bodies,
        timelines=timelines,
        orphans=orphans,
        callbacks=callbacks,
        is_done=max(bodies, timelines, orphans, callbacks) < PURGE_LIMIT and not has_names and not is_shrinking,
    )


def _delete(connection: Connection, what: str, before: float) -> int:
    return connection.execute(f"DELETE FROM {what}", (before, PURGE_LIMIT)).rowcount if before else 0


def _erase_bodies(connection: Connection, before: float) -> int:
    """From where the last round ended; what is not final yet keeps its body until its message is forgotten."""
    last = key_at(before)
    rows = connection.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
        (_mark(connection, "bodies"), last, PURGE_LIMIT),
    ).fetchall()
    if not rows:
        return 0
    messages = [message for row in rows if (message := message_of(row)).state.is_final]
    plain = [(key_of(one.id),) for one in messages if one.data is None and not one.udh]
    write_rows(connection, "UPDATE messages SET text = '' WHERE key IN (VALUES {rows})", plain)
    for message in messages:
        key = key_of(message.id)
        if message.data is not None or message.udh:
            row = message_row(without_body(message))
            connection.execute("UPDATE messages SET text = '', extra = ? WHERE key = ?", (row[6], key))
        connection.execute("UPDATE parts SET short_message = x'' WHERE key > ? AND key < ?", (key << 8, key + 1 << 8))
    connection.execute(_SET_MARK, ("bodies", rows[-1][0]))
    return len(rows)


def without_body(message: Message) -> Message:
    """A message of which only the record is kept."""
    return msgspec.structs.replace(message, text="", data=None if message.data is None else b"", udh=b"")


def _erase_inbound(connection: Connection, before: float) -> int:
    rows = connection.execute(
        "SELECT n FROM inbound WHERE n > ? AND received_at < ? ORDER BY n LIMIT ?",
        (_mark(connection, "inbound bodies"), before, PURGE_LIMIT),
    ).fetchall()
    if rows:
        write_rows(connection, "UPDATE inbound SET text = '', data = x'', udh = x'' WHERE n IN (VALUES {rows})", rows)
        connection.execute(_SET_MARK, ("inbound bodies", rows[-1][0]))
    return len(rows)


def _drop_usage(connection: Connection, now: float) -> None:
    if now > USAGE_SECONDS:
        ((oldest, _, _),) = days(now - USAGE_SECONDS, now - USAGE_SECONDS + 1e-3)
        connection.execute("DELETE FROM usage WHERE period < ?", (oldest[:7],))


def _shrink(connection: Connection) -> bool:
    """Give back some pages where much of the file is free; whether there are more."""
    (free,), (pages,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count"))
    if free <= pages * FREE_SHARE or free < VACUUM_PAGES or not _can_shrink(connection):
        return False
    for _ in range(VACUUM_PAGES):
        # Python takes one step of a statement without columns, and one step is one page.
        connection.execute("PRAGMA incremental_vacuum(1)")
    return True


def _can_shrink(connection: Connection) -> bool:
    # A file that was made without it keeps its free pages for what comes.
    mode: int = connection.execute("PRAGMA auto_vacuum").fetchone()[0]
    return mode == 2


def _mark(connection: Connection, name: str) -> int:
    row: Any = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return row[0] if row is not None else 0
