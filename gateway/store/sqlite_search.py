"""Looking for messages in the SQLite file: through a connection of its own, so that nobody who sends waits for it."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from gateway.models import Inbound, Message, State
from gateway.store.ids import key_at, key_of
from gateway.store.sqlite_rows import INBOUND_COLUMNS, MESSAGE_COLUMNS, inbound_of, message_of

# ruff: noqa: S608 -- only our own column names go into these statements

DAY_SECONDS: Final = 86_400
LAST_KEY: Final = 1 << 62


class Search:
    """Questions that may take a while."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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
        terms: list[str] = []
        values: list[Any] = []
        wanted = {
            "account": account,
            "state": state.value if state is not None else "",
            "recipient": recipient,
            "sender": sender,
            "client_reference": client_reference,
            "batch": group,
        }
        for column, value in wanted.items():
            if value:
                # The plus keeps SQLite from an index that would have to be sorted.
                terms.append(f"+{column} = ?")
                values.append(value)
        where = " AND ".join(["key >= ?", "key < ?", *terms])
        rows = self._connection.execute(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE {where} ORDER BY key DESC LIMIT ?",
            (first, last, *values, limit),
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

    def inbound(self, account: str, recipient: str, sender: str, since: float, limit: int) -> list[Inbound]:
        """Newest first."""
        terms, values = ["received_at >= ?"], [since]
        for column, value in {"account": account, "recipient": recipient, "sender": sender}.items():
            if value:
                terms.append(f"{column} = ?")
                values.append(value)  # type: ignore[arg-type]
        rows = self._connection.execute(
            f"SELECT {INBOUND_COLUMNS} FROM inbound WHERE {' AND '.join(terms)} ORDER BY n DESC LIMIT ?",
            (*values, limit),
        )
        return [inbound_of(row) for row in rows]


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
