"""What each kind of work does to the SQLite file; called by the writer inside its transaction."""

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.errors import KeyTaken
from gateway.models import Callback, Event, Inbound, Message, Receipt, State
from gateway.store import sqlite_intake, sqlite_purge
from gateway.store.base import (
    NOT_BOUND,
    NOT_REACHED,
    SWEEP_LIMIT,
    Bookkeeping,
    Departure,
    PartEnd,
    Swept,
    departure_events,
    replaced_event,
)
from gateway.store.ids import Ids, key_at, key_of
from gateway.store.matching import look_up_key
from gateway.store.money import Admission
from gateway.store.moves import (
    Changes,
    Loaded,
    decide_ends,
    decide_receipts,
    decide_results,
    decide_unknown,
    part_look_up_key,
    receipts_need,
    results_need,
)
from gateway.store.records import Record
from gateway.store.retention import Cutoffs, Purged
from gateway.store.sqlite_loads import load_found, load_message_keys, load_messages, load_parked, load_votes
from gateway.store.sqlite_names import Names
from gateway.store.sqlite_records import drop_records, put_records
from gateway.store.sqlite_rows import (
    CALLBACK_COLUMNS,
    EVENT_COLUMNS,
    INBOUND_COLUMNS,
    MESSAGE_COLUMNS,
    PART_COLUMNS,
    callback_row,
    event_row,
    inbound_row,
    is_matchable,
    message_row,
    part_key,
    part_row,
    write_rows,
)

# ruff: noqa: S608 -- only our own column names go into these statements

Connection = sqlite3.Connection

_SET_MARK: Final = (
    "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_UPSERT_PARTS: Final = (
    f"INSERT INTO parts ({PART_COLUMNS}) VALUES {{rows}} ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in PART_COLUMNS.split(",")[1:])
)


class Writes:
    """The handlers of a writer, and the counters they share."""

    def __init__(self, ids: Ids, names: Names, first_event: int, fault: Callable[[str], None]) -> None:
        self._ids = ids
        self._names = names
        self._event_numbers = itertools.count(first_event)
        self._fault = fault

    def handlers(self) -> dict[str, Callable[[Connection, list[Any], Any], Any]]:
        """By kind of work."""
        return {
            "add": self.add,
            "depart": self.depart,
            "record": self.record,
            "end": self.end,
            "amend": self.amend,
            "receive": self.receive,
            "inbound": self.add_inbound,
            "reassign": self.reassign,
            "release": self.release_scheduled,
            "sweep": self.sweep,
            "acknowledge": self.acknowledge,
            "postpone": self.postpone,
            "fail": self.fail_callbacks,
            "fail deliveries": self.fail_deliveries,
            "replay": self.replay,
            "register": self.register,
            "ping": self.ping,
            "put records": _put_records,
            "drop records": drop_records,
            "book": sqlite_intake.book,
            "forget messages": sqlite_purge.forget_messages,
            "forget inbound": sqlite_purge.forget_inbound,
            "purge": self.purge,
        }

    # --- accepting and sending ---

    def add(
        self, connection: Connection, admissions: list[Admission], _context: object
    ) -> list[Mapping[str, str] | KeyTaken]:
        self._fault("add")
        return sqlite_intake.add(connection, admissions, self._names)

    def depart(self, connection: Connection, departures: list[Departure], _context: object) -> None:
        self._fault("depart")
        messages = {one.message.id: one.message for one in departures}
        for one in departures:
            if one.replaces_split:
                key = key_of(one.message.id)
                connection.execute("DELETE FROM parts WHERE key > ? AND key < ?", (key << 8, key + 1 << 8))
        write_rows(
            connection,
            "UPDATE messages SET state = v.column2, uplink = v.column3, part_count = v.column4, node = v.column5,"
            " updated_at = v.column6 FROM (VALUES {rows}) AS v WHERE messages.key = v.column1",
            [
                (key_of(one.id), one.state.value, one.uplink, one.part_count, one.node, one.updated_at)
                for one in messages.values()
            ],
        )
        parts = {(part.message_id, part.number): part for one in departures for part in one.parts}
        write_rows(connection, _UPSERT_PARTS, [part_row(part) for part in parts.values()])
        self._write_events(connection, (event for one in departures for event in departure_events(one)))

    def record(self, connection: Connection, ends: list[PartEnd], book: Bookkeeping) -> int:
        self._fault("record")
        wanted, keys = results_need(ends, book)
        loaded = Loaded()
        if wanted:
            load_messages(connection, wanted, loaded)
        if keys and connection.execute("SELECT 1 FROM parked LIMIT 1").fetchone():
            load_parked(connection, keys, loaded)
        return self._write(connection, decide_results(ends, loaded, book, self._ids))

    def end(self, connection: Connection, messages: list[Message], book: Bookkeeping) -> int:
        self._fault("end")
        for message in messages:
            if message.part_count:
                key = key_of(message.id)
                connection.execute(
                    "UPDATE parts SET state = ?, error = ?, updated_at = ? WHERE key > ? AND key < ?"
                    " AND state IN ('queued', 'sending')",
                    (message.state.value, message.error, message.updated_at, key << 8, key + 1 << 8),
                )
        return self._write(connection, decide_ends(messages, book, self._ids))

    def amend(self, connection: Connection, messages: list[Message], _context: object) -> None:
        self._fault("amend")
        columns = ", ".join(f"{name.strip()} = ?" for name in MESSAGE_COLUMNS.split(",")[1:])
        for message in messages:
            key, *values = message_row(message)
            row = connection.execute("SELECT price FROM messages WHERE key = ?", (key,)).fetchone()
            sqlite_intake.recharge(connection, row[0] if row is not None else 0, message)
            connection.execute(f"UPDATE messages SET {columns} WHERE key = ?", (*values, key))
            self._write_events(connection, [replaced_event(message)])

    def reassign(self, connection: Connection, ids: list[str], uplink: str) -> None:
        write_rows(
            connection,
            "UPDATE messages SET uplink = v.column2 FROM (VALUES {rows}) AS v"
            " WHERE messages.key = v.column1 AND state = 'queued'",
            [(key_of(identifier), uplink) for identifier in ids],
        )

    def release_scheduled(self, connection: Connection, rows: list[tuple[float, int]], _context: object) -> int:
        released = 0
        for now, limit in rows:
            found = connection.execute(
                "UPDATE messages SET state = 'queued', updated_at = ? WHERE key IN (SELECT key FROM messages"
                " WHERE state = 'scheduled' AND ready_at <= ? ORDER BY ready_at LIMIT ?) RETURNING id, node",
                (now, now, limit),
            ).fetchall()
            self._write_events(
                connection, (Event(message_id=one, at=now, state=State.QUEUED, node=node) for one, node in found)
            )
            released += len(found)
        return released

    # --- coming back ---

    def receive(self, connection: Connection, receipts: list[Receipt], book: Bookkeeping) -> list[tuple[bool, int]]:
        self._fault("receive")
        loaded = Loaded(votes=load_votes(connection, receipts, book))
        load_found(connection, receipts_need(receipts, book, loaded.votes), loaded)
        changes = decide_receipts(receipts, loaded, book, self._ids)
        callbacks = self._write(connection, changes)
        return [(matched, callbacks) for matched in changes.matched]

    def add_inbound(
        self, connection: Connection, rows: list[tuple[Inbound, Callback | None]], _context: object
    ) -> None:
        self._fault("inbound")
        callbacks = []
        marks = ", ".join("?" * (INBOUND_COLUMNS.count(",") + 1))
        for inbound, callback in rows:
            statement = f"INSERT OR IGNORE INTO inbound ({INBOUND_COLUMNS}) VALUES ({marks})"
            if connection.execute(statement, inbound_row(inbound)).rowcount and callback is not None:
                callbacks.append(msgspec.structs.replace(callback, id=self._ids.new(callback.created_at)))
        _write_callbacks(connection, callbacks)

    def sweep(self, connection: Connection, times: list[float], book: Bookkeeping) -> Swept:
        now = times[-1]
        orphaned = _orphan(connection, now - book.parked_seconds)
        late, callbacks = self._give_up_receipts(connection, now, book)
        faded = _fade(connection, now - book.lifetime_seconds)
        settled = _settle(connection, now - book.settled_seconds)
        dropped = sqlite_intake.drop_claims(connection, now)
        is_behind = self._names.catch_up(connection)
        is_done = max(orphaned, late, faded, settled, dropped) < SWEEP_LIMIT and not is_behind
        return Swept(orphaned=orphaned, unknown=late, callbacks=callbacks, is_done=is_done)

    def _give_up_receipts(self, connection: Connection, now: float, book: Bookkeeping) -> tuple[int, int]:
        keys = [
            row[0]
            for row in connection.execute(
                "SELECT key FROM parts WHERE matchable = 1 AND state IN ('submitted', 'enroute') AND updated_at < ?"
                " ORDER BY updated_at LIMIT ?",
                (now - book.deadline_seconds, SWEEP_LIMIT),
            )
        ]
        if not keys:
            return 0, 0
        loaded = Loaded()
        load_message_keys(connection, {key >> 8 for key in keys}, loaded)
        by_key = {part_key(i, number): part for i, parts in loaded.parts.items() for number, part in parts.items()}
        awaited = [by_key[key] for key in keys if loaded.messages[by_key[key].message_id].wants_receipt]
        unawaited = [key for key in keys if not loaded.messages[by_key[key].message_id].wants_receipt]
        _set_unmatchable(connection, unawaited)
        callbacks = self._write(connection, decide_unknown(awaited, loaded, now, book, self._ids))
        return len(keys), callbacks

    # --- callbacks ---

    def acknowledge(self, connection: Connection, ids: list[str], _context: object) -> None:
        self._fault("acknowledge")
        write_rows(connection, "DELETE FROM callbacks WHERE key IN (VALUES {rows})", [(key_of(one),) for one in ids])

    def postpone(self, connection: Connection, callbacks: list[Callback], _context: object) -> None:
        write_rows(
            connection,
            "UPDATE callbacks SET due_at = v.column2, tries = v.column3, last_error = v.column4, failed = v.column5"
            " FROM (VALUES {rows}) AS v WHERE callbacks.key = v.column1",
            [(key_of(one.id), one.due_at, one.tries, one.last_error, one.failed) for one in callbacks],
        )

    def fail_callbacks(self, connection: Connection, times: list[float], _context: object) -> int:
        return _fail_owed(connection, times[-1], NOT_REACHED, are_deliveries=False)

    def fail_deliveries(self, connection: Connection, times: list[float], _context: object) -> int:
        return _fail_owed(connection, times[-1], NOT_BOUND, are_deliveries=True)

    def replay(self, connection: Connection, rows: list[tuple[float, str, tuple[str, ...]]], _context: object) -> int:
        count = 0
        for now, account, ids in rows:
            statement = "UPDATE callbacks SET failed = 0, tries = 0, due_at = ?, created_at = ? WHERE failed = 1"
            if account:
                statement += " AND account = ?"
            arguments = (now, now, account) if account else (now, now)
            if not ids:
                count += connection.execute(statement, arguments).rowcount
            for one in ids:
                count += connection.execute(f"{statement} AND key = ?", (*arguments, key_of(one))).rowcount
        return count

    # --- the node ---

    def register(self, connection: Connection, rows: list[tuple[str, float, float]], _context: object) -> None:
        for name, now, lease_until in rows:
            connection.execute(
                "INSERT INTO nodes (name, started_at, lease_until) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until",
                (name, now, lease_until),
            )

    def purge(self, connection: Connection, cutoffs: list[Cutoffs], _context: object) -> Purged:
        return sqlite_purge.purge(connection, self._names, cutoffs[-1])

    def ping(self, connection: Connection, rows: list[int], _context: object) -> None:
        connection.execute(
            _SET_MARK,
            ("ping", rows[-1]),
        )

    # --- writing what was decided ---

    def _write(self, connection: Connection, changes: Changes) -> int:
        write_rows(
            connection,
            "UPDATE messages SET state = v.column2, error = v.column3, in_doubt = v.column4, updated_at = v.column5,"
            " refunded = v.column6 FROM (VALUES {rows}) AS v WHERE messages.key = v.column1",
            [
                (key_of(one.id), one.state.value, one.error, one.in_doubt, one.updated_at, one.refunded)
                for one in changes.messages.values()
            ],
        )
        write_rows(
            connection,
            "UPDATE parts SET state = v.column2, smsc_message_id = v.column3, id_key = v.column4,"
            " matchable = v.column5,"
            " error = v.column6, updated_at = v.column7 FROM (VALUES {rows}) AS v WHERE parts.key = v.column1",
            [
                (
                    part_key(part.message_id, part.number),
                    part.state.value,
                    part.smsc_message_id,
                    part_look_up_key(part),
                    is_matchable(part),
                    part.error,
                    part.updated_at,
                )
                for part in changes.ended.values()
            ],
        )
        write_rows(
            connection,
            "UPDATE parts SET state = v.column2, error = v.column3, updated_at = v.column4"
            " FROM (VALUES {rows}) AS v WHERE parts.key = v.column1",
            [
                (part_key(part.message_id, part.number), part.state.value, part.error, part.updated_at)
                for part in changes.moved.values()
            ],
        )
        _erase(connection, changes.erased)
        self._write_events(connection, changes.events)
        _write_callbacks(connection, changes.callbacks)
        _write_parking(connection, changes)
        sqlite_intake.refund(connection, changes.refunds)
        return len(changes.callbacks)

    def _write_events(self, connection: Connection, events: Iterable[Event]) -> None:
        write_rows(
            connection,
            f"INSERT INTO events ({EVENT_COLUMNS}) VALUES {{rows}}",
            [event_row(event, next(self._event_numbers)) for event in events],
        )


def _fail_owed(connection: Connection, created_before: float, error: str, *, are_deliveries: bool) -> int:
    return connection.execute(
        "UPDATE callbacks SET failed = 1, last_error = CASE last_error WHEN '' THEN ? ELSE last_error END"
        " WHERE key IN (SELECT key FROM callbacks WHERE failed = 0 AND key < ? AND created_at < ?"
        " AND (substr(host, 1, 7) = 'smpp://') = ? ORDER BY key LIMIT ?)",
        (error, key_at(created_before), created_before, are_deliveries, SWEEP_LIMIT),
    ).rowcount


def _erase(connection: Connection, ids: Iterable[str]) -> None:
    for key in map(key_of, ids):
        connection.execute("UPDATE messages SET text = '' WHERE key = ?", (key,))
        connection.execute("UPDATE parts SET short_message = x'' WHERE key > ? AND key < ?", (key << 8, key + 1 << 8))


def _put_records(connection: Connection, records: list[Record], _context: object) -> list[bool]:
    written = put_records(connection, records)
    _write_callbacks(connection, [one for record in itertools.compress(records, written) for one in record.callbacks])
    return written


def _write_callbacks(connection: Connection, callbacks: Sequence[Callback]) -> None:
    write_rows(
        connection,
        f"INSERT INTO callbacks ({CALLBACK_COLUMNS}) VALUES {{rows}}",
        [callback_row(callback) for callback in callbacks],
    )


def _write_parking(connection: Connection, changes: Changes) -> None:
    write_rows(
        connection,
        "INSERT INTO parked (id_key, smsc_group, at, receipt) VALUES {rows}",
        [
            (look_up_key(one.smsc_message_id), one.group, one.received_at, msgspec.json.encode(one).decode())
            for one in changes.park
        ],
    )
    write_rows(connection, "DELETE FROM parked WHERE n IN (VALUES {rows})", [(n,) for n in changes.unpark])
    for group, rule in changes.votes:
        connection.execute(
            "INSERT INTO id_rules (smsc_group, rule, votes) VALUES (?, ?, 1)"
            " ON CONFLICT (smsc_group, rule) DO UPDATE SET votes = votes + 1",
            (group, rule),
        )


def _set_unmatchable(connection: Connection, keys: Sequence[int]) -> None:
    write_rows(connection, "UPDATE parts SET matchable = 0 WHERE key IN (VALUES {rows})", [(key,) for key in keys])


def _orphan(connection: Connection, before: float) -> int:
    rows = connection.execute(
        "SELECT n, at, receipt FROM parked WHERE at < ? ORDER BY at LIMIT ?", (before, SWEEP_LIMIT)
    ).fetchall()
    write_rows(connection, "INSERT INTO orphans (at, receipt) VALUES {rows}", [(at, text) for _, at, text in rows])
    write_rows(connection, "DELETE FROM parked WHERE n IN (VALUES {rows})", [(n,) for n, _, _ in rows])
    return len(rows)


def _fade(connection: Connection, before: float) -> int:
    """Take old final parts out of the index of SMSC ids."""
    return _take_out(connection, "faded", before, lambda state, _ended_at: state.is_final)


def _settle(connection: Connection, before: float) -> int:
    """Take out those that have ended long enough ago, so that the index stays small; late receipts may still come for
    those that ended without one."""
    return _take_out(
        connection,
        "settled",
        before,
        lambda state, ended_at: state.is_final and state is not State.UNKNOWN and ended_at < before,
    )


def _take_out(connection: Connection, mark: str, before: float, is_over: Callable[[State, float], bool]) -> int:
    """So many parts of messages accepted before a time, from where the last sweep ended."""
    found = connection.execute("SELECT value FROM marks WHERE name = ?", (mark,)).fetchone()
    rows = connection.execute(
        "SELECT key, state, matchable, updated_at FROM parts WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
        (found[0] if found else 0, key_at(before) << 8, SWEEP_LIMIT),
    ).fetchall()
    if not rows:
        return 0
    over = [key for key, state, matchable, ended_at in rows if matchable and is_over(State(state), ended_at)]
    _set_unmatchable(connection, over)
    connection.execute(_SET_MARK, (mark, rows[-1][0]))
    return len(rows)
