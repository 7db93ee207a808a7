"""Rows of the SQLite schema to models and back, and statements for many rows at once.

Many rows go into one statement, in chunks of a few fixed sizes so that prepared statements are found again: the
interpreter's lock is then taken once a chunk and not once a row.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec

from gateway.models import Callback, Coding, Event, Inbound, Message, Part, PartBody, State
from gateway.store.base import callback_host
from gateway.store.ids import key_of
from gateway.store.moves import part_look_up_key

Row = Sequence[Any]

CHUNKS: Final = (256, 64, 16, 4, 1)


class Extra(msgspec.Struct, omit_defaults=True):
    """What most messages leave at its default."""

    data: bytes | None = None
    udh: bytes = b""
    coding: Coding = Coding.AUTO
    data_coding: int | None = None
    message_class: int | None = None
    tlvs: tuple[tuple[int, bytes], ...] = ()
    wants_receipt: bool = True
    callback_method: str = ""
    dialect: str = "native"
    validity_seconds: int | None = None
    scheduled_at: float | None = None
    wants_intermediate: bool = False
    default_alphabet: str = ""
    origin: str = ""
    protocol_id: int = 0
    service: str = ""
    via: str = ""
    secret: bool = False


_encode_json: Final = msgspec.json.Encoder().encode
_decode_extra: Final = msgspec.json.Decoder(Extra).decode
_decode_headers: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
_STATES: Final = {state.value: state for state in State}
_PLAIN: Final = Extra()

MESSAGE_COLUMNS: Final = (
    "key, id, account, recipient, sender, text, extra, client_reference, callback_url, priority, node, created_at,"
    " ready_at, state, error, uplink, part_count, in_doubt, updated_at, batch, price, refunded"
)
PART_COLUMNS: Final = (
    "key, state, attempt, node, uplink, smsc_group, bind, smsc_message_id, id_key, matchable, error, updated_at,"
    " reference, short_message, data_coding, has_udh"
)
EVENT_COLUMNS: Final = "message, n, at, state, part, attempt, node, bind, detail"
CALLBACK_COLUMNS: Final = (
    "key, id, host, account, url, method, content_type, body, headers, message_id, dialect, created_at, due_at, tries,"
    " last_error, failed"
)
INBOUND_COLUMNS: Final = (
    "id, account, sender, recipient, text, data, udh, data_coding, uplink, bind, received_at, part_count, missing_parts"
)


def prefixed(columns: str, table: str) -> str:
    """Column names with their table's."""
    return ", ".join(f"{table}.{name.strip()}" for name in columns.split(","))


# --- models to rows and back ---


def message_row(message: Message) -> tuple[Any, ...]:
    """A message as the columns of MESSAGE_COLUMNS."""
    extra = Extra(
        message.data,
        message.udh,
        message.coding,
        message.data_coding,
        message.message_class,
        message.tlvs,
        message.wants_receipt,
        message.callback_method,
        message.dialect,
        message.validity_seconds,
        message.scheduled_at,
        message.wants_intermediate,
        message.default_alphabet,
        message.origin,
        message.protocol_id,
        message.service,
        message.via,
        message.secret,
    )
    return (
        key_of(message.id),
        message.id,
        message.account,
        message.recipient,
        message.sender,
        message.text,
        "" if extra == _PLAIN else _encode_json(extra).decode(),
        message.client_reference,
        message.callback_url,
        message.priority,
        message.node,
        message.created_at,
        message.scheduled_at or message.created_at,
        message.state.value,
        message.error,
        message.uplink,
        message.part_count,
        message.in_doubt,
        message.updated_at,
        message.group,
        message.price,
        message.refunded,
    )


def message_of(row: Row) -> Message:
    """A message of the columns of MESSAGE_COLUMNS."""
    extra = _decode_extra(row[6]) if row[6] else _PLAIN
    return Message(
        id=row[1],
        account=row[2],
        recipient=row[3],
        sender=row[4],
        text=row[5],
        data=extra.data,
        udh=extra.udh,
        coding=extra.coding,
        data_coding=extra.data_coding,
        message_class=extra.message_class,
        tlvs=extra.tlvs,
        wants_receipt=extra.wants_receipt,
        callback_url=row[8],
        callback_method=extra.callback_method,
        client_reference=row[7],
        dialect=extra.dialect,
        validity_seconds=extra.validity_seconds,
        scheduled_at=extra.scheduled_at,
        wants_intermediate=extra.wants_intermediate,
        default_alphabet=extra.default_alphabet,
        origin=extra.origin,
        protocol_id=extra.protocol_id,
        service=extra.service,
        via=extra.via,
        secret=extra.secret,
        priority=row[9],
        node=row[10],
        created_at=row[11],
        state=_STATES[row[13]],
        error=row[14],
        uplink=row[15],
        part_count=row[16],
        in_doubt=bool(row[17]),
        updated_at=row[18],
        group=row[19],
        price=row[20],
        refunded=row[21],
    )


def part_key(message_id: str, number: int) -> int:
    """The key of a part's row."""
    return key_of(message_id) << 8 | number


def is_matchable(part: Part) -> bool:
    """Whether a receipt may find it, or its receipt is missed."""
    return bool(part.smsc_message_id) or part.state is State.SUBMITTED


def part_row(part: Part) -> tuple[Any, ...]:
    """A part as the columns of PART_COLUMNS."""
    return (
        part_key(part.message_id, part.number),
        part.state.value,
        part.attempt,
        part.node,
        part.uplink,
        part.group,
        part.bind,
        part.smsc_message_id,
        part_look_up_key(part),
        is_matchable(part),
        part.error,
        part.updated_at,
        part.reference,
        part.body.short_message,
        part.body.data_coding,
        part.body.has_udh,
    )


def part_of(row: Row, message_id: str) -> Part:
    """A part of the columns of PART_COLUMNS."""
    return Part(
        message_id=message_id,
        number=row[0] & 0xFF,
        state=_STATES[row[1]],
        attempt=row[2],
        node=row[3],
        uplink=row[4],
        group=row[5],
        bind=row[6],
        smsc_message_id=row[7],
        error=row[10],
        updated_at=row[11],
        reference=row[12],
        body=PartBody(short_message=row[13], data_coding=row[14], has_udh=bool(row[15])),
    )


def event_row(event: Event, n: int) -> tuple[Any, ...]:
    """An event as the columns of EVENT_COLUMNS."""
    return (
        key_of(event.message_id),
        n,
        event.at,
        event.state.value,
        event.part,
        event.attempt,
        event.node,
        event.bind,
        event.detail,
    )


def event_of(row: Row, message_id: str) -> Event:
    """An event of the columns of EVENT_COLUMNS."""
    return Event(
        message_id=message_id,
        at=row[2],
        state=_STATES[row[3]],
        part=row[4],
        attempt=row[5],
        node=row[6],
        bind=row[7],
        detail=row[8],
    )


def callback_row(callback: Callback) -> tuple[Any, ...]:
    """A callback as the columns of CALLBACK_COLUMNS."""
    return (
        key_of(callback.id),
        callback.id,
        callback_host(callback),
        callback.account,
        callback.url,
        callback.method,
        callback.content_type,
        callback.body,
        _encode_json(callback.headers).decode() if callback.headers else "",
        callback.message_id,
        callback.dialect,
        callback.created_at,
        callback.due_at,
        callback.tries,
        callback.last_error,
        callback.failed,
    )


def callback_of(row: Row) -> Callback:
    """A callback of the columns of CALLBACK_COLUMNS."""
    return Callback(
        id=row[1],
        account=row[3],
        url=row[4],
        method=row[5],
        content_type=row[6],
        body=row[7],
        headers=_decode_headers(row[8]) if row[8] else (),
        message_id=row[9],
        dialect=row[10],
        created_at=row[11],
        due_at=row[12],
        tries=row[13],
        last_error=row[14],
        failed=bool(row[15]),
    )


def inbound_row(inbound: Inbound) -> tuple[Any, ...]:
    """An inbound message as the columns of INBOUND_COLUMNS."""
    return msgspec.structs.astuple(inbound)


def inbound_of(row: Row) -> Inbound:
    """An inbound message of the columns of INBOUND_COLUMNS."""
    return Inbound(**dict(zip(Inbound.__struct_fields__, row, strict=True)))


# --- many rows in one statement ---


def write_rows(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Execute a statement for many rows; ``{rows}`` in it stands for their ``(?, …), …``."""
    start = 0
    for chunk in CHUNKS:
        while len(rows) - start >= chunk:
            part = rows[start : start + chunk]
            connection.execute(_with_rows(statement, chunk, len(part[0])), list(chain.from_iterable(part)))
            start += chunk


def select_rows(connection: sqlite3.Connection, statement: str, keys: Iterable[tuple[Any, ...]]) -> Iterator[Row]:
    """The rows a statement selects for many keys, which must be unlike each other."""
    wanted = list(keys)
    for start in range(0, len(wanted), CHUNKS[0]):
        part = wanted[start : start + CHUNKS[0]]
        size = next(chunk for chunk in reversed(CHUNKS) if chunk >= len(part))
        # Filled up with NULLs, which equal nothing.
        part += [(None,) * len(part[0])] * (size - len(part))
        yield from connection.execute(_with_rows(statement, size, len(part[0])), list(chain.from_iterable(part)))


@cache
def _with_rows(statement: str, rows: int, columns: int) -> str:
    row = "(" + ", ".join("?" * columns) + ")"
    return statement.replace("{rows}", ", ".join([row] * rows))
