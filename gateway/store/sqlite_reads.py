"""What is read from the SQLite file; through a connection of its own, which sees what was committed."""

import heapq
import sqlite3
from collections.abc import Set
from typing import Final

import msgspec

from gateway.models import DELIVERY_SCHEME, Callback, Event, Message, Part, Receipt
from gateway.store.base import accepted_event
from gateway.store.ids import key_of
from gateway.store.sqlite_rows import (
    CALLBACK_COLUMNS,
    EVENT_COLUMNS,
    MESSAGE_COLUMNS,
    PART_COLUMNS,
    callback_of,
    event_of,
    message_of,
    part_of,
    prefixed,
    select_rows,
)

# ruff: noqa: S608 -- only our own column names go into these statements

_decode_receipt: Final = msgspec.json.Decoder(Receipt).decode


class Reads:
    """Questions to the file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # --- for the pipeline ---

    def waiting(self, uplink: str, limit: int, skip: Set[str], account: str) -> list[Message]:
        skipped = {key_of(identifier) for identifier in skip}
        keys: list[int] = []
        cursors = [
            self._connection.execute(
                "SELECT -priority, key FROM messages WHERE state = 'queued' AND uplink = ? AND account = ?"
                " ORDER BY priority DESC, key",
                (uplink, name),
            )
            for name in ([account] if account else self.waiting_accounts(uplink))
        ]
        for _, key in heapq.merge(*cursors):
            if key not in skipped:
                keys.append(key)
                if len(keys) >= limit:
                    break
        for cursor in cursors:
            cursor.close()
        return self._messages_in_order(keys)

    def waiting_accounts(self, uplink: str) -> list[str]:
        """One index step for each account."""
        rows = self._connection.execute(
            "WITH RECURSIVE names(name) AS ("
            " SELECT min(account) FROM messages WHERE state = 'queued' AND uplink = ?1"
            " UNION ALL SELECT (SELECT min(account) FROM messages WHERE state = 'queued' AND uplink = ?1"
            " AND account > name) FROM names WHERE name IS NOT NULL) SELECT name FROM names WHERE name IS NOT NULL",
            (uplink,),
        )
        return [name for (name,) in rows]

    def _messages_in_order(self, keys: list[int]) -> list[Message]:
        statement = (
            f"SELECT {prefixed(MESSAGE_COLUMNS, 'messages')} FROM (VALUES {{rows}}) AS v"
            " CROSS JOIN messages ON messages.key = v.column1"
        )
        found = {row[0]: message_of(row) for row in select_rows(self._connection, statement, ((key,) for key in keys))}
        return [found[key] for key in keys if key in found]

    def waiting_uplinks(self) -> list[str]:
        """One index step for each uplink, however many messages wait."""
        rows = self._connection.execute(
            "WITH RECURSIVE names(name) AS ("
            " SELECT min(uplink) FROM messages WHERE state = 'queued'"
            " UNION ALL SELECT (SELECT min(uplink) FROM messages WHERE state = 'queued' AND uplink > name)"
            " FROM names WHERE name IS NOT NULL) SELECT name FROM names WHERE name IS NOT NULL"
        )
        return [name for (name,) in rows]

    def next_scheduled_at(self) -> float | None:
        at: float | None = self._connection.execute(
            "SELECT min(ready_at) FROM messages WHERE state = 'scheduled'"
        ).fetchone()[0]
        return at

    def unfinished(self) -> list[tuple[Message, list[Part]]]:
        rows = self._connection.execute("SELECT key FROM parts WHERE state IN ('queued', 'sending')").fetchall()
        keys = sorted({key >> 8 for (key,) in rows})
        return [(message, self.parts(message.id)) for message in self._messages_in_order(keys)]

    # --- for the dispatcher of callbacks ---

    def due_callbacks(
        self, now: float, limit: int, per_host: int, skip_hosts: Set[str], skip_ids: Set[str]
    ) -> list[Callback]:
        skipped = {key_of(identifier) for identifier in skip_ids}
        found: list[Callback] = []
        for host in self._callback_hosts():
            if host in skip_hosts:
                continue
            taken = 0
            rows = self._connection.execute(
                f"SELECT {CALLBACK_COLUMNS} FROM callbacks WHERE failed = 0 AND host = ? AND due_at <= ?"
                " ORDER BY due_at, key",
                (host, now),
            )
            for row in rows:
                if row[0] in skipped:
                    continue
                found.append(callback_of(row))
                taken += 1
                if taken >= per_host or len(found) >= limit:
                    break
            rows.close()
            if len(found) >= limit:
                break
        return found

    def due_deliveries(self, account: str, now: float, limit: int, skip_ids: Set[str]) -> list[Callback]:
        rows = self._connection.execute(
            f"SELECT {CALLBACK_COLUMNS} FROM callbacks WHERE failed = 0 AND host = ? AND due_at <= ?"
            " ORDER BY due_at, key LIMIT ?",
            (DELIVERY_SCHEME + account, now, limit + len(skip_ids)),
        )
        return [one for one in map(callback_of, rows) if one.id not in skip_ids][:limit]

    def next_delivery_at(self, account: str) -> float | None:
        at: float | None = self._connection.execute(
            "SELECT min(due_at) FROM callbacks WHERE failed = 0 AND host = ?", (DELIVERY_SCHEME + account,)
        ).fetchone()[0]
        return at

    def _callback_hosts(self) -> list[str]:
        """Hosts in the order of their earliest due time; one index step for each, whatever the backlog."""
        rows = self._connection.execute(
            "WITH RECURSIVE hosts(host) AS ("
            " SELECT min(host) FROM callbacks WHERE failed = 0"
            " UNION ALL SELECT (SELECT min(c.host) FROM callbacks c WHERE c.failed = 0 AND c.host > hosts.host)"
            " FROM hosts WHERE hosts.host IS NOT NULL)"
            " SELECT host FROM hosts WHERE host IS NOT NULL AND substr(host, 1, 7) <> 'smpp://'"
            " ORDER BY (SELECT min(due_at) FROM callbacks c WHERE c.failed = 0 AND c.host = hosts.host)"
        )
        return [host for (host,) in rows]

    def next_callback_at(self) -> float | None:
        dues = [
            self._connection.execute(
                "SELECT min(due_at) FROM callbacks WHERE failed = 0 AND host = ?", (host,)
            ).fetchone()[0]
            for host in self._callback_hosts()
        ]
        return min(dues, default=None)

    # --- for doors ---

    def message(self, account: str, identifier: str) -> Message | None:
        try:
            key = key_of(identifier)
        except ValueError:
            return None
        row = self._connection.execute(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE key = ?", (key,)).fetchone()
        if row is None or row[1] != identifier or (account and row[2] != account):
            return None
        return message_of(row)

    def parts(self, message_id: str) -> list[Part]:
        key = key_of(message_id)
        rows = self._connection.execute(
            f"SELECT {PART_COLUMNS} FROM parts WHERE key > ? AND key < ? ORDER BY key", (key << 8, key + 1 << 8)
        )
        return [part_of(row, message_id) for row in rows]

    def timeline(self, message_id: str) -> list[Event]:
        message = self.message("", message_id)
        if message is None:
            return []
        rows = self._connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE message = ? ORDER BY n", (key_of(message_id),)
        )
        return [accepted_event(message), *(event_of(row, message_id) for row in rows)]

    def callbacks(self, account: str, failed: bool | None, limit: int) -> list[Callback]:
        terms, arguments = ["1"], []
        if account:
            terms.append("account = ?")
            arguments.append(account)
        if failed is not None:
            terms.append(f"failed = {int(failed)}")
        rows = self._connection.execute(
            f"SELECT {CALLBACK_COLUMNS} FROM callbacks WHERE {' AND '.join(terms)} ORDER BY key LIMIT ?",
            (*arguments, limit),
        )
        return [callback_of(row) for row in rows]

    def parked(self) -> int:
        count: int = self._connection.execute("SELECT count(*) FROM parked").fetchone()[0]
        return count

    def candidates(self, id_key: str, limit: int) -> list[tuple[Message, Part]]:
        rows = self._connection.execute(
            f"SELECT {PART_COLUMNS} FROM parts WHERE id_key = ? AND matchable = 1 ORDER BY key DESC LIMIT ?",
            (id_key, limit),
        ).fetchall()
        messages = {key_of(one.id): one for one in self._messages_in_order(sorted({row[0] >> 8 for row in rows}))}
        return [
            (messages[row[0] >> 8], part_of(row, messages[row[0] >> 8].id)) for row in rows if row[0] >> 8 in messages
        ]

    def orphans(self, limit: int) -> list[Receipt]:
        rows = self._connection.execute("SELECT receipt FROM orphans ORDER BY n DESC LIMIT ?", (limit,))
        return [_decode_receipt(text) for (text,) in rows]
