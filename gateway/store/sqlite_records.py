"""Records in the SQLite file."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from gateway.store.records import RECORD_COLUMNS, Record, RecordKey

# ruff: noqa: S608 -- only our own column names go into these statements

_INSERT: Final = f"INSERT INTO records ({RECORD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE: Final = (
    "UPDATE records SET value = ?, tag = ?, due_at = ?, version = ?, created_at = ?, updated_at = ?"
    " WHERE kind = ? AND account = ? AND key = ? AND version = ?"
)


def put_records(connection: sqlite3.Connection, records: list[Record]) -> list[bool]:
    """Write those whose version is still the one they name."""
    return [connection.execute(*_statement(record)).rowcount == 1 for record in records]


def _statement(record: Record) -> tuple[str, tuple[Any, ...]]:
    row = record_row(record)
    return (_UPDATE, (*row[3:], *row[:3], record.version)) if record.version else (_INSERT, row)


def drop_records(connection: sqlite3.Connection, names: list[RecordKey], _context: object) -> list[bool]:
    """Forget records; which of them there were."""
    statement = "DELETE FROM records WHERE kind = ? AND account = ? AND key = ?"
    return [connection.execute(statement, name).rowcount == 1 for name in names]


def find_record(connection: sqlite3.Connection, kind: str, account: str, key: str) -> Record | None:
    """One record."""
    row = connection.execute(
        f"SELECT {RECORD_COLUMNS} FROM records WHERE kind = ? AND account = ? AND key = ?", (kind, account, key)
    ).fetchone()
    return record_of(row) if row is not None else None


def records(
    connection: sqlite3.Connection, kind: str, account: str, tag: str | None, after_key: str, limit: int
) -> list[Record]:
    """By key."""
    where, arguments = _where(kind, account, tag)
    select = f"SELECT {RECORD_COLUMNS} FROM records WHERE {where}"
    rows = connection.execute(
        f"{select} AND key > ? ORDER BY key, account LIMIT ?", (*arguments, after_key, limit)
    ).fetchall()
    if rows and len(rows) == limit and not account:
        rows += connection.execute(
            f"{select} AND key = ? AND account > ? ORDER BY account", (*arguments, rows[-1][2], rows[-1][1])
        ).fetchall()
    return [record_of(row) for row in rows]


def count_records(connection: sqlite3.Connection, kind: str, account: str, tag: str | None) -> int:
    """How many."""
    where, arguments = _where(kind, account, tag)
    count: int = connection.execute(f"SELECT count(*) FROM records WHERE {where}", arguments).fetchone()[0]
    return count


def due_records(connection: sqlite3.Connection, kind: str, now: float, limit: int) -> list[Record]:
    """The longest due first."""
    rows = connection.execute(
        f"SELECT {RECORD_COLUMNS} FROM records WHERE kind = ? AND due_at > 0 AND due_at <= ? ORDER BY due_at LIMIT ?",
        (kind, now, limit),
    )
    return [record_of(row) for row in rows]


def _where(kind: str, account: str, tag: str | None) -> tuple[str, list[Any]]:
    terms, arguments = ["kind = ?"], [kind]
    if account:
        terms.append("account = ?")
        arguments.append(account)
    if tag is not None:
        # SQLite uses an index of those that have a tag only where the statement says so.
        terms.append("tag = ? AND tag <> ''" if tag else "tag = ?")
        arguments.append(tag)
    return " AND ".join(terms), arguments


def record_row(record: Record) -> tuple[Any, ...]:
    """A record as the columns of RECORD_COLUMNS will have it."""
    return (
        record.kind,
        record.account,
        record.key,
        record.value,
        record.tag,
        record.due_at,
        record.version + 1,
        record.created_at,
        record.updated_at,
    )


def record_of(row: Sequence[Any]) -> Record:
    """A record of the columns of RECORD_COLUMNS."""
    return Record(
        kind=row[0],
        account=row[1],
        key=row[2],
        value=row[3],
        tag=row[4],
        due_at=row[5],
        version=row[6],
        created_at=row[7],
        updated_at=row[8],
    )
