"""Taking messages into the PostgreSQL database: idempotency keys, charges, quota, and the accounts' histories.

Everybody takes the locks in the same order: idempotency keys, then the balances of accounts, each sorted. The row of an
account's balance also guards its usage and its history.
"""

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
from gateway.store.postgres_rows import INSERT_MESSAGES, Connection, arrays, clean, cleaned, write_rows
from gateway.store.sqlite_intake import ENTRY_COLUMNS, entry_of, entry_row
from gateway.store.sqlite_rows import message_row

# ruff: noqa: S608 -- only our own column names go into these statements

_CLAIM: Final = (
    "INSERT INTO claims (account, key, fingerprint, answer, expires_at)"
    f" SELECT * FROM {arrays('text, text, text, bytea, double precision')}"
    " ON CONFLICT (account, key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer,"
    " expires_at = excluded.expires_at WHERE claims.expires_at <= $6 RETURNING account, key"
)
_CLAIMED: Final = "SELECT fingerprint, answer FROM claims WHERE account = $1 AND key = $2 AND expires_at > $3"
_ANSWER: Final = "UPDATE claims SET answer = $3 WHERE account = $1 AND key = $2"
_UNCLAIM: Final = "DELETE FROM claims WHERE account = $1 AND key = $2"
_DROP_CLAIMS: Final = (
    "DELETE FROM claims WHERE n IN"
    " (SELECT n FROM (SELECT n, expires_at FROM claims ORDER BY n LIMIT $1) AS oldest WHERE expires_at <= $2)"
)

_OPEN_BALANCES: Final = "INSERT INTO balances (account, amount) SELECT unnest($1::text[]), 0 ON CONFLICT DO NOTHING"
_LOCK_BALANCES: Final = (
    "SELECT account, amount FROM balances WHERE account = ANY($1::text[]) ORDER BY account FOR UPDATE"
)
_SET_BALANCES: Final = (
    f"UPDATE balances SET amount = v.amount FROM {arrays('text, bigint')} AS v(account, amount)"
    " WHERE balances.account = v.account"
)
_USAGE: Final = (
    "SELECT usage.account, usage.period, usage.parts"
    f" FROM (SELECT * FROM {arrays('text, text')} AS u(account, period) OFFSET 0) AS v"
    " JOIN usage ON usage.account = v.account AND usage.period = v.period"
)
_SET_USAGE: Final = (
    f"INSERT INTO usage (account, period, parts) SELECT * FROM {arrays('text, text, bigint')}"
    " ON CONFLICT (account, period) DO UPDATE SET parts = excluded.parts"
)
_INSERT_ENTRIES: Final = (
    "INSERT INTO ledger (account, at, kind, amount, count, balance, reference, note)"
    f" SELECT * FROM {arrays('text, double precision, text, bigint, bigint, bigint, text, text')}"
)
_ADD_TO_ENTRIES: Final = (
    f"{_INSERT_ENTRIES} ON CONFLICT (account, kind, at) WHERE kind IN ('charge', 'refund') DO UPDATE SET"
    " amount = ledger.amount + excluded.amount, count = ledger.count + excluded.count, balance = excluded.balance"
)


async def add(
    connection: Connection, admissions: Sequence[Admission], refunds: Sequence[Refund], recharged: Sequence[Entry]
) -> list[Mapping[str, str] | KeyTaken]:
    """Keep what can be kept, and book what else the transaction does to balances."""
    taken = await _claim(connection, [one.claim for one in admissions if one.claim is not None])
    periods = limited_periods(admissions)
    accounts = charged_accounts(admissions) | {account for account, _ in periods}
    accounts |= {one.account for one in refunds} | {one.account for one in recharged}
    books = await _load_books(connection, accounts, periods) if accounts else Books()
    for back in refunds:
        books.book(back.account, EntryKind.REFUND, back.at, back.amount)
    for entry in recharged:
        books.book(entry.account, entry.kind, entry.at, entry.amount)
    outcome: list[Mapping[str, str] | KeyTaken] = []
    kept: list[Message] = []
    used: set[tuple[str, str]] = set()
    for one in admissions:
        claim = one.claim
        if claim is not None and (name := _name(claim)) in taken | used:
            found = await find_claim(connection, *name, claim.at)
            if found is not None:
                outcome.append(KeyTaken(found.fingerprint, found.answer))
                continue
            # Of the request that had it nothing was kept.
            await _claim(connection, [claim])
        refused = admit(one, books)
        kept += [message for message in one.messages if message.id not in refused] if refused else one.messages
        if claim is not None:
            used.add(_name(claim))
            await _settle_claim(connection, one, claim, refused)
        outcome.append(refused)
    await write_rows(connection, INSERT_MESSAGES, [message_row(message) for message in kept])
    await _write_books(connection, books)
    return outcome


# --- idempotency keys ---


async def find_claim(connection: Connection, account: str, key: str, now: float) -> Claimed | None:
    """What a key was used for."""
    row = await connection.fetchrow(_CLAIMED, clean(account), clean(key), now)
    return Claimed(*row) if row is not None else None


def _name(claim: NewClaim) -> tuple[str, str]:
    return clean(claim.account), clean(claim.key)


async def _claim(connection: Connection, claims: Sequence[NewClaim]) -> set[tuple[str, str]]:
    """Take keys, those first that come first; returns those that others have.

    Whoever asks for the same key at the same time waits here until this transaction has ended.
    """
    first: dict[tuple[str, str], NewClaim] = {}
    for claim in claims:
        first.setdefault(_name(claim), claim)
    if not first:
        return set()
    rows = [
        (account, key, clean(claim.fingerprint), claim.answer({}), claim.expires_at)
        for (account, key), claim in sorted(first.items(), key=lambda item: item[0])
    ]
    now = max(claim.at for claim in first.values())
    columns = [list(column) for column in zip(*rows, strict=True)]
    ours = {tuple(row) for row in await connection.fetch(_CLAIM, *columns, now)}
    return set(first) - ours


async def _settle_claim(
    connection: Connection, admission: Admission, claim: NewClaim, refused: Mapping[str, str]
) -> None:
    """Let a key's answer say what was refused; where nothing was kept, the key is free again."""
    name = _name(claim)
    if len(refused) == len(admission.messages):
        await connection.execute(_UNCLAIM, *name)
    elif refused:
        await connection.execute(_ANSWER, *name, claim.answer(refused))


async def drop_claims(connection: Connection, now: float) -> int:
    """Forget the oldest keys, if their time is over."""
    status: str = await connection.execute(_DROP_CLAIMS, SWEEP_LIMIT, now)
    return int(status.rpartition(" ")[2])


# --- balances ---


async def _load_books(connection: Connection, accounts: Iterable[str], periods: Iterable[tuple[str, str]]) -> Books:
    names = sorted(accounts)
    found = dict(await connection.fetch(_LOCK_BALANCES, names))
    if len(found) < len(names):
        await connection.execute(_OPEN_BALANCES, names)
        found = dict(await connection.fetch(_LOCK_BALANCES, names))
    books = Books(balances=found, used=dict.fromkeys(periods, 0))
    for account, period, parts in await write_rows(connection, _USAGE, sorted(books.used)):
        books.used[account, period] = parts
    return books


async def _write_books(connection: Connection, books: Books) -> None:
    entries = books.entries()
    changed = sorted({entry.account for entry in entries})
    await write_rows(connection, _SET_BALANCES, [(account, books.balances[account]) for account in changed])
    await write_rows(connection, _ADD_TO_ENTRIES, [entry_row(entry) for entry in entries])
    await write_rows(connection, _SET_USAGE, [(*key, parts) for key, parts in sorted(books.used.items())])


async def book(connection: Connection, entries: list[Entry], _context: object) -> list[Entry]:
    """Add single lines; one whose reference is known is not added again."""
    books = await _load_books(connection, {entry.account for entry in entries}, ())
    return [await _book(connection, books, entry) for entry in entries]


async def _book(connection: Connection, books: Books, entry: Entry) -> Entry:
    if entry.reference:
        row = await connection.fetchrow(
            f"SELECT {ENTRY_COLUMNS} FROM ledger WHERE account = $1 AND reference = $2 AND reference <> ''",
            entry.account,
            clean(entry.reference),
        )
        if row is not None:
            return entry_of(row)
    books.balances[entry.account] += entry.amount
    booked = msgspec.structs.replace(entry, balance=books.balances[entry.account])
    await write_rows(connection, _SET_BALANCES, [(entry.account, booked.balance)])
    ((n,),) = await write_rows(connection, f"{_INSERT_ENTRIES} RETURNING n", [cleaned(entry_row(booked))])
    return msgspec.structs.replace(booked, n=n)


async def balance(connection: Connection, account: str) -> int:
    """What an account has."""
    amount: int | None = await connection.fetchval("SELECT amount FROM balances WHERE account = $1", account)
    return amount or 0


async def entries(connection: Connection, account: str, limit: int, before: int) -> list[Entry]:
    """Newest first."""
    rows: list[Any] = await connection.fetch(
        f"SELECT {ENTRY_COLUMNS} FROM ledger WHERE account = $1 AND n < $2 ORDER BY n DESC LIMIT $3",
        account,
        before or 1 << 62,
        limit,
    )
    return [entry_of(row) for row in rows]


async def usage(connection: Connection, account: str) -> dict[str, int]:
    """By period."""
    return dict(await connection.fetch("SELECT period, parts FROM usage WHERE account = $1", account))
