"""Writing what was decided to the PostgreSQL database."""

from collections.abc import Iterable, Sequence

import msgspec

from gateway.models import Callback, Event, Receipt
from gateway.store import postgres_statements as sql
from gateway.store.ids import key_of
from gateway.store.matching import look_up_key
from gateway.store.moves import (
    Changes,
    part_look_up_key,
)
from gateway.store.postgres_rows import (
    INSERT_CALLBACKS,
    INSERT_EVENTS,
    Connection,
    arrays,
    cleaned,
    write_rows,
)
from gateway.store.sqlite_rows import (
    callback_row,
    event_row,
    is_matchable,
    part_key,
)

# ruff: noqa: S608 -- only our own column names go into these statements


async def write_changes(connection: Connection, changes: Changes) -> None:
    """Write a decision, but for what it does to balances."""
    messages = changes.messages.values()
    rows = [
        (key_of(one.id), one.state.value, one.error, one.in_doubt, one.updated_at, one.refunded) for one in messages
    ]
    await write_rows(connection, sql.MOVE_MESSAGES, [cleaned(row) for row in rows])
    ended = [
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
    ]
    await write_rows(connection, sql.END_ATTEMPTS, [cleaned(row) for row in ended])
    moved = [
        (part_key(part.message_id, part.number), part.state.value, part.error, part.updated_at)
        for part in changes.moved.values()
    ]
    await write_rows(connection, sql.MOVE_PARTS, [cleaned(row) for row in moved])
    erased = [(key_of(one),) for one in changes.erased]
    await write_rows(connection, sql.ERASE_TEXTS, erased)
    await write_rows(connection, sql.ERASE_PARTS, erased)
    await write_events(connection, changes.events)
    await write_callbacks(connection, changes.callbacks)
    await _write_parking(connection, changes)


async def write_events(connection: Connection, events: Iterable[Event]) -> None:
    """Append to timelines."""
    rows = [cleaned(event_row(event, 0)) for event in events]
    await write_rows(connection, INSERT_EVENTS, [(row[0], *row[2:]) for row in rows])


async def write_callbacks(connection: Connection, callbacks: Sequence[Callback]) -> None:
    """Owe callbacks."""
    await write_rows(connection, INSERT_CALLBACKS, [cleaned(callback_row(callback)) for callback in callbacks])


async def _write_parking(connection: Connection, changes: Changes) -> None:
    parked = [(parked_key(one), one.group, one.received_at, msgspec.json.encode(one).decode()) for one in changes.park]
    await write_rows(
        connection,
        "INSERT INTO parked (id_key, smsc_group, at, receipt)"
        f" SELECT * FROM {arrays('text, text, double precision, text')}",
        [cleaned(row) for row in parked],
    )
    if changes.unpark:
        await connection.execute("DELETE FROM parked WHERE n = ANY($1::bigint[])", changes.unpark)
    votes: dict[tuple[str, str], int] = {}
    for vote in changes.votes:
        votes[vote] = votes.get(vote, 0) + 1
    for (group, rule), count in sorted(votes.items()):
        await connection.execute(sql.VOTE, group, rule, count)


def parked_key(receipt: Receipt) -> str:
    """What a receipt is parked under."""
    return look_up_key(receipt.smsc_message_id)
