"""Taking messages into the SQLite file: idempotency keys, charges, quota, and the accounts' histories."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.errors import KeyTaken
from gateway.models import Message
from gateway.store.base import SWEEP_LIMIT
from gateway.store.money import (
    Admission,
    Books,
    Claimed,
    Entry,
    EntryKind,
    NewClaim,
    Refund,
    admit,
    charged_accounts,
    limited_periods,
)
from gateway.store.sqlite_names import Names
from gateway.store.sqlite_rows import MESSAGE_COLUMNS, message_row, write_rows

# ruff: noqa: S608 -- only our own column names go into these statements

Connection = sqlite3.Connection

ENTRY_COLUMNS: Final = "n, account, at, kind, amount, count, balance, reference, note"
_SET_BALANCE: Final = (
    "INSERT INTO balances (account, amount) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET amount = excluded.amount"
)
_SET_USAGE: Final = (
    "INSERT INTO usage (account, period, parts) VALUES (?, ?, ?)"
    " ON CONFLICT (account, period) DO UPDATE SET parts = excluded.parts"
)
_INSERT_ENTRY: Final = (
    "INSERT INTO ledger (account, at, kind, amount, count, balance, reference, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_TO_ENTRY: Final = (
    f"{_INSERT_ENTRY} ON CONFLICT (account, kind, at) WHERE kind IN ('charge', 'refund')"
    " DO UPDATE SET amount = amount + excluded.amount, count = count + excluded.count, balance = excluded.balance"
)
USAGE_PERIODS_KEPT: Final = 40
"""Days and months of usage that are kept of an account."""


def add(connection: Connection, admissions: list[Admission], names: Names) -> list[Mapping[str, str] | KeyTaken]:
    """Keep what can be kept; for each call what is refused, or that its key is taken."""
    books = _load_books(connection, charged_accounts(admissions), limited_periods(admissions))
    outcome: list[Mapping[str, str] | KeyTaken] = []
    kept: list[Message] = []
    for one in admissions:
        if one.claim is not None and (taken := _taken(connection, one.claim)) is not None:
            outcome.append(KeyTaken(taken.fingerprint, taken.answer))
            continue
        refused = admit(one, books)
        kept += [message for message in one.messages if message.id not in refused] if refused else one.messages
        if one.claim is not None and len(refused) < len(one.messages):
            _keep_claim(connection, one.claim, refused)
        outcome.append(refused)
    write_rows(
        connection,
        f"INSERT INTO messages ({MESSAGE_COLUMNS}) VALUES {{rows}}",
        [message_row(message) for message in kept],
    )
    names.note(connection, kept)
    _write_books(connection, books)
    return outcome


# --- idempotency keys ---


def find_claim(connection: Connection, account: str, key: str, now: float) -> Claimed | None:
    """What a key was used for."""
    row = connection.execute(
        "SELECT fingerprint, answer FROM claims WHERE account = ? AND key = ? AND expires_at > ?", (account, key, now)
    ).fetchone()
    return Claimed(*row) if row is not None else None


def _taken(connection: Connection, claim: NewClaim) -> Claimed | None:
    return find_claim(connection, claim.account, claim.key, claim.at)


def _keep_claim(connection: Connection, claim: NewClaim, refused: Mapping[str, str]) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO claims (account, key, fingerprint, answer, expires_at) VALUES (?, ?, ?, ?, ?)",
        (claim.account, claim.key, claim.fingerprint, claim.answer(refused), claim.expires_at),
    )


def drop_claims(connection: Connection, now: float) -> int:
    """Forget the oldest keys, if their time is over."""
    return connection.execute(
        "DELETE FROM claims WHERE n IN (SELECT n FROM claims ORDER BY n LIMIT ?) AND expires_at <= ?",
        (SWEEP_LIMIT, now),
    ).rowcount


# --- balances ---


def _load_books(connection: Connection, accounts: Iterable[str], periods: Iterable[tuple[str, str]]) -> Books:
    books = Books()
    for account in accounts:
        books.balances[account] = balance(connection, account)
    for account, period in periods:
        row = connection.execute(
            "SELECT parts FROM usage WHERE account = ? AND period = ?", (account, period)
        ).fetchone()
        books.used[account, period] = row[0] if row is not None else 0
    return books


def _write_books(connection: Connection, books: Books) -> None:
    entries = books.entries()
    for account in {entry.account for entry in entries}:
        connection.execute(_SET_BALANCE, (account, books.balances[account]))
    for entry in entries:
        connection.execute(_ADD_TO_ENTRY, entry_row(entry))
    for (account, period), parts in books.used.items():
        connection.execute(_SET_USAGE, (account, period, parts))


def refund(connection: Connection, refunds: Sequence[Refund]) -> None:
    """Give accounts back what messages that have ended did not cost."""
    if not refunds:
        return
    books = _load_books(connection, {one.account for one in refunds}, ())
    for one in refunds:
        books.book(one.account, EntryKind.REFUND, one.at, one.amount)
    _write_books(connection, books)


def recharge(connection: Connection, old: int, message: Message) -> None:
    """Charge the difference where a message was written anew and costs another price."""
    if old != message.price:
        books = _load_books(connection, {message.account}, ())
        books.book(message.account, EntryKind.CHARGE, message.updated_at, old - message.price)
        _write_books(connection, books)


def book(connection: Connection, entries: list[Entry], _context: object) -> list[Entry]:
    """Add single lines; one whose reference is known is not added again."""
    return [_book(connection, entry) for entry in entries]


def _book(connection: Connection, entry: Entry) -> Entry:
    if entry.reference:
        row = connection.execute(
            f"SELECT {ENTRY_COLUMNS} FROM ledger WHERE account = ? AND reference = ? AND reference <> ''",
            (entry.account, entry.reference),
        ).fetchone()
        if row is not None:
            return entry_of(row)
    after = balance(connection, entry.account) + entry.amount
    booked = msgspec.structs.replace(entry, balance=after)
    connection.execute(_SET_BALANCE, (entry.account, after))
    n = connection.execute(_INSERT_ENTRY, entry_row(booked)).lastrowid
    return msgspec.structs.replace(booked, n=n or 0)


def balance(connection: Connection, account: str) -> int:
    """What an account has."""
    row = connection.execute("SELECT amount FROM balances WHERE account = ?", (account,)).fetchone()
    return row[0] if row is not None else 0


def entries(connection: Connection, account: str, limit: int, before: int) -> list[Entry]:
    """Newest first."""
    rows = connection.execute(
        f"SELECT {ENTRY_COLUMNS} FROM ledger WHERE account = ? AND n < ? ORDER BY n DESC LIMIT ?",
        (account, before or 1 << 62, limit),
    )
    return [entry_of(row) for row in rows]


def usage(connection: Connection, account: str) -> dict[str, int]:
    """By period."""
    return dict(connection.execute("SELECT period, parts FROM usage WHERE account = ?", (account,)).fetchall())


def entry_row(entry: Entry) -> tuple[Any, ...]:
    """A line as the columns of ENTRY_COLUMNS, without its number."""
    return (
        entry.account,
        entry.at,
        entry.kind.value,
        entry.amount,
        entry.count,
        entry.balance,
        entry.reference,
        entry.note,
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """A line of the columns of ENTRY_COLUMNS."""
    return Entry(
        n=row[0],
        account=row[1],
        at=row[2],
        kind=EntryKind(row[3]),
        amount=row[4],
        count=row[5],
        balance=row[6],
        reference=row[7],
        note=row[8],
    )
