"""Looking for messages in the SQLite file: through a connection of its own, so that nobody who sends waits for it."""

import heapq
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Final

from gateway.models import Inbound, Message, State
from gateway.store.ids import key_at, key_of
from gateway.store.sqlite_names import Names, leading_name, name_hash
from gateway.store.sqlite_rows import INBOUND_COLUMNS, MESSAGE_COLUMNS, inbound_of, message_of

# ruff: noqa: S608 -- only our own column names go into these statements

DAY_SECONDS: Final = 86_400
LAST_KEY: Final = 1 << 62
CHUNK: Final = 64
"""Messages that are looked at together."""


class Search:
    """Questions that may take a while."""

    def __init__(self, connection: sqlite3.Connection, names: Names) -> None:
        self._connection = connection
        self._names = names

    def messages(
        self,
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
        names = {"client_reference": client_reference, "group": group, "recipient": recipient, "account": account}
        leading = leading_name(names)
        names |= {"sender": sender, "state": state.value if state is not None else ""}
        where, values = _where(names)
        if leading is None:
            return self._scan(where, values, first, last, limit)
        return self._named(name_hash(*leading), where, values, first, last, limit)

    def count_group(self, account: str, group: str) -> int:
        """How many are of a group."""
        where, values = _where({"group": group, "account": account})
        after, upto = self._names.backlog
        statement, counted = f"SELECT count(*) FROM messages WHERE key {{keys}}{where}", 0
        if after < upto:
            row = self._connection.execute(statement.format(keys="> ? AND key <= ?"), (after, upto, *values)).fetchone()
            counted = int(row[0])
        wanted = name_hash("group", group)
        runs = self._names.in_runs(self._connection, wanted, 0, LAST_KEY)
        try:
            keys = {key for key in (*self._names.in_memory(wanted), *runs) if not after < key <= upto}
        finally:
            runs.close()
        for some in _chunks(sorted(keys), CHUNK):
            marks = ", ".join("?" * len(some))
            row = self._connection.execute(statement.format(keys=f"IN ({marks})"), (*some, *values)).fetchone()
            counted += int(row[0])
        return counted

    def _scan(self, where: str, values: list[str], first: int, last: int, limit: int) -> list[Message]:
        """Row by row."""
        rows = self._connection.execute(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key >= ? AND key < ?{where} ORDER BY key DESC LIMIT ?",
            (first, last, *values, limit),
        )
        return [message_of(row) for row in rows]

    def _named(self, wanted: int, where: str, values: list[str], first: int, last: int, limit: int) -> list[Message]:
        """From one message of a name to the next."""
        memory = [key for key in self._names.in_memory(wanted) if first <= key < last]
        after, upto = self._names.backlog
        # A store of an earlier version: its messages are in no run yet.
        rest = self._scan(where, values, max(first, after + 1), min(last, upto + 1), limit) if after < upto else []
        runs = self._names.in_runs(self._connection, wanted, first, last)
        found: list[Message] = []
        try:
            merged = heapq.merge(memory, (key_of(one.id) for one in rest), runs, reverse=True)
            keys = (key for key, _ in groupby(merged))
            while len(found) < limit and (some := list(islice(keys, CHUNK))):
                found += self._fitting(some, where, values)
        finally:
            runs.close()
        return found[:limit]

    def _fitting(self, keys: list[int], where: str, values: list[str]) -> list[Message]:
        marks = ", ".join("?" * len(keys))
        rows = self._connection.execute(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key IN ({marks}){where} ORDER BY key DESC", (*keys, *values)
        )
        return [message_of(row) for row in rows]

    def count_by_state(self, account: str, since: float, until: float) -> dict[str, dict[State, int]]:
        """By day."""
        counts: dict[str, dict[State, int]] = {}
        for day, start, end in days(since, until):
            rows = self._connection.execute(
                "SELECT state, count(*) FROM messages WHERE key >= ? AND key < ? AND (?3 = '' OR account = ?3)"
                " GROUP BY state",
                (key_at(start), key_at(end), account),
            )
            found = {State(state): count for state, count in rows}
            if found:
                counts[day] = found
        return counts

    def count_waiting(self) -> dict[tuple[str, str], int]:
        """From the index of what waits alone."""
        rows = self._connection.execute(
            "SELECT uplink, account, count(*) FROM messages WHERE state = 'queued' GROUP BY uplink, account"
        )
        return {(uplink, account): count for uplink, account, count in rows}

    def inbound(
        self, account: str, recipient: str, sender: str, since: float, until: float, limit: int, before_id: str
    ) -> list[Inbound]:
        """Newest first."""
        terms, values = list[str](), list[str | float]()
        for term, bound in (("received_at >= ?", since), ("received_at < ?", until)):
            if bound:
                terms.append(term)
                values.append(bound)
        if before_id:
            # One that is gone was among the oldest: nothing is older.
            terms.append("n < (SELECT n FROM inbound WHERE id = ?)")
            values.append(before_id)
        for column, value in {"account": account, "recipient": recipient, "sender": sender}.items():
            if value:
                terms.append(f"{column} = ?")
                values.append(value)
        rows = self._connection.execute(
            f"SELECT {INBOUND_COLUMNS} FROM inbound WHERE {' AND '.join(terms) or 'true'} ORDER BY n DESC LIMIT ?",
            (*values, limit),
        )
        return [inbound_of(row) for row in rows]


def _chunks(keys: list[int], size: int) -> Iterator[list[int]]:
    return (keys[at : at + size] for at in range(0, len(keys), size))


def _where(names: dict[str, str]) -> tuple[str, list[str]]:
    """What messages must be besides; the plus keeps SQLite from an index that would have to be sorted."""
    terms = [f" AND +{'batch' if name == 'group' else name} = ?" for name, value in names.items() if value]
    return "".join(terms), [value for value in names.values() if value]


def key_range(since: float, until: float, before_id: str) -> tuple[int, int]:
    """The keys of messages accepted in a time and before another: from the first, up to but without the last.

    Raises:
        ValueError: there is no such id.
    """
    last = key_at(until) if until else LAST_KEY
    if before_id:
        last = min(last, key_of(before_id))
    return key_at(since), last


def days(since: float, until: float) -> Iterator[tuple[str, float, float]]:
    """The days of a time, with as much of each as belongs to it. UTC."""
    while since < until:
        end = min(until, (since // DAY_SECONDS + 1) * DAY_SECONDS)
        yield datetime.fromtimestamp(since, UTC).date().isoformat(), since, end
        since = end
