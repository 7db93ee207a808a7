"""Records in the PostgreSQL database."""

from typing import Any, Final

from gateway.store.postgres_rows import Connection, arrays, clean, cleaned, write_rows
from gateway.store.records import RECORD_COLUMNS, Record, RecordKey
from gateway.store.sqlite_records import record_of, record_row

# ruff: noqa: S608 -- only our own column names go into these statements

_TYPES: Final = "text, text, text, bytea, text, double precision, bigint, double precision, double precision"
_NAMES: Final = f"(SELECT * FROM {arrays('text, text, text')} AS u(kind, account, key) OFFSET 0) AS v"
_SAME: Final = "records.kind = v.kind AND records.account = v.account AND records.key = v.key"
_LOCK: Final = (
    f"SELECT records.kind, records.account, records.key, records.version FROM {_NAMES} JOIN records ON {_SAME}"
    " ORDER BY records.kind, records.account, records.key FOR UPDATE OF records"
)
_INSERT: Final = (
    f"INSERT INTO records ({RECORD_COLUMNS}) SELECT * FROM {arrays(_TYPES)}"
    " ON CONFLICT DO NOTHING RETURNING kind, account, key"
)
_UPDATE: Final = (
    "UPDATE records SET value = v.value, tag = v.tag, due_at = v.due_at, version = v.version,"
    " created_at = v.created_at, updated_at = v.updated_at"
    f" FROM {arrays(_TYPES)} AS v({RECORD_COLUMNS}) WHERE {_SAME}"
)
_DROP: Final = f"DELETE FROM records USING {_NAMES} WHERE {_SAME} RETURNING records.kind, records.account, records.key"


async def put_records(connection: Connection, records: list[Record]) -> list[bool]:
    """Write those whose version is still the one they name."""
    written = [False] * len(records)
    left = list(range(len(records)))
    while left:
        # Each key once at a time, in the order in which they were asked for.
        first: dict[RecordKey, int] = {}
        for n in left:
            first.setdefault(_name(records[n]), n)
        left = [n for n in left if first[_name(records[n])] != n]
        for name in await _put(connection, {name: records[first[name]] for name in sorted(first)}):
            written[first[name]] = True
    return written


async def _put(connection: Connection, wanted: dict[RecordKey, Record]) -> set[RecordKey]:
    changed = [name for name, record in wanted.items() if record.version]
    versions = {tuple(row[:3]): row[3] for row in await write_rows(connection, _LOCK, changed)}
    fresh = [name for name in changed if versions.get(name) == wanted[name].version]
    await write_rows(connection, _UPDATE, [cleaned(record_row(wanted[name])) for name in fresh])
    new = [cleaned(record_row(record)) for record in wanted.values() if not record.version]
    return {*fresh, *(tuple(row) for row in await write_rows(connection, _INSERT, new))}


async def drop_records(connection: Connection, names: list[RecordKey], _context: object) -> list[bool]:
    """Forget records; which of them there were."""
    kept = [(clean(kind), clean(account), clean(key)) for kind, account, key in names]
    await write_rows(connection, _LOCK, sorted(set(kept)))
    gone = {tuple(row) for row in await write_rows(connection, _DROP, sorted(set(kept)))}
    dropped = []
    for name in kept:
        dropped.append(name in gone)
        gone.discard(name)
    return dropped


async def find_record(connection: Connection, kind: str, account: str, key: str) -> Record | None:
    """One record."""
    statement = f"SELECT {RECORD_COLUMNS} FROM records WHERE kind = $1 AND account = $2 AND key = $3"
    row = await connection.fetchrow(statement, clean(kind), clean(account), clean(key))
    return record_of(row) if row is not None else None


async def records(
    connection: Connection, kind: str, account: str, tag: str | None, after_key: str, limit: int
) -> list[Record]:
    """By key."""
    where, values = _where(kind, account, tag)
    n = len(values)
    select = f"SELECT {RECORD_COLUMNS} FROM records WHERE {where}"
    rows: list[Any] = await connection.fetch(
        f"{select} AND key > ${n + 1} ORDER BY key, account LIMIT ${n + 2}", *values, clean(after_key), limit
    )
    if rows and len(rows) == limit and not account:
        rows += await connection.fetch(
            f"{select} AND key = ${n + 1} AND account > ${n + 2} ORDER BY account", *values, rows[-1][2], rows[-1][1]
        )
    return [record_of(row) for row in rows]


async def count_records(connection: Connection, kind: str, account: str, tag: str | None) -> int:
    """How many."""
    where, values = _where(kind, account, tag)
    count: int = await connection.fetchval(f"SELECT count(*) FROM records WHERE {where}", *values)
    return count


async def due_records(connection: Connection, kind: str, now: float, limit: int) -> list[Record]:
    """The longest due first."""
    rows = await connection.fetch(
        f"SELECT {RECORD_COLUMNS} FROM records WHERE kind = $1 AND due_at > 0 AND due_at <= $2"
        " ORDER BY due_at LIMIT $3",
        clean(kind),
        now,
        limit,
    )
    return [record_of(row) for row in rows]


def _where(kind: str, account: str, tag: str | None) -> tuple[str, list[str]]:
    terms, values = ["kind = $1"], [clean(kind)]
    if account:
        values.append(clean(account))
        terms.append(f"account = ${len(values)}")
    if tag is not None:
        values.append(clean(tag))
        terms.append(f"tag = ${len(values)}" + (" AND tag <> ''" if tag else ""))
    return " AND ".join(terms), values


def _name(record: Record) -> RecordKey:
    """What a record is unique by, as the database has it."""
    return clean(record.kind), clean(record.account), clean(record.key)
