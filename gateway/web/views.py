"""What the native API shows of messages."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from gateway.models import Callback, Event, Inbound, Message, Part
from gateway.store.base import callback_host


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class AcceptedView(msgspec.Struct, frozen=True):
    """A message that was accepted."""

    id: str
    state: str
    to: str
    client_reference: str = ""


class MessageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A message as lists have it."""

    id: str
    state: str
    is_final: bool
    to: str
    sender: str = msgspec.field(name="from")
    text: str | None
    client_reference: str
    group: str
    dialect: str
    error: str
    uplink: str
    in_doubt: bool
    part_count: int
    created_at: str
    updated_at: str
    scheduled_at: str | None


class InboundView(msgspec.Struct, frozen=True, kw_only=True):
    """A message from a handset."""

    id: str
    sender: str = msgspec.field(name="from")
    to: str
    text: str
    data: str
    """The octets as they came, in hex, without the header."""
    udh: str
    data_coding: int
    uplink: str
    part_count: int
    """How many parts it came in."""
    missing_parts: int
    """How many of them did not come in time; the text has "…" in their place."""
    received_at: str


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """A callback that is owed, or was given up."""

    id: str
    account: str
    host: str
    """Where it goes; the whole address may hold a token and is not shown."""
    message_id: str
    dialect: str
    failed: bool
    tries: int
    last_error: str
    created_at: str
    due_at: str | None
    """When it is tried next; null where it was given up."""


class TlvView(msgspec.Struct, frozen=True):
    """An optional parameter."""

    tag: int
    value: str
    """In hex."""


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """One submit_sm of a message."""

    number: int
    state: str
    attempt: int
    uplink: str
    bind: str
    node: str
    smsc_message_id: str
    error: str
    data_coding: int
    has_udh: bool
    short_message: str
    """In hex, with the header in front."""
    updated_at: str


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: str
    state: str
    part: int
    attempt: int
    node: str
    bind: str
    detail: str


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """A message with all that happened to it."""

    id: str
    state: str
    is_final: bool
    to: str
    sender: str = msgspec.field(name="from")
    text: str | None
    data: str | None
    """In hex, where the message is not text."""
    udh: str
    coding: str
    data_coding: int | None
    message_class: int | None
    tlvs: list[TlvView]
    receipt: bool
    callback_url: str
    client_reference: str
    validity_seconds: int | None
    priority: int
    service: str
    dialect: str
    error: str
    uplink: str
    in_doubt: bool
    created_at: str
    updated_at: str
    scheduled_at: str | None
    part_count: int
    parts: list[PartView]
    timeline: list[EventView]


def accepted_view(message: Message) -> AcceptedView:
    """What the sender is told at once."""
    return AcceptedView(message.id, message.state.value, message.recipient, message.client_reference)


def summary(message: Message) -> MessageSummary:
    """What lists have of it."""
    return MessageSummary(
        id=message.id,
        state=message.state.value,
        is_final=message.state.is_final,
        to=message.recipient,
        sender=message.sender,
        text=message.text if message.data is None and not message.secret else None,
        client_reference=message.client_reference,
        group=message.group,
        dialect=message.dialect,
        error=message.error,
        uplink=message.uplink,
        in_doubt=message.in_doubt,
        part_count=message.part_count,
        created_at=timestamp(message.created_at),
        updated_at=timestamp(message.updated_at),
        scheduled_at=timestamp(message.scheduled_at) if message.scheduled_at is not None else None,
    )


def inbound_view(inbound: Inbound) -> InboundView:
    """All of it but whose it is."""
    return InboundView(
        id=inbound.id,
        sender=inbound.sender,
        to=inbound.recipient,
        text=inbound.text,
        data=inbound.data.hex(),
        udh=inbound.udh.hex(),
        data_coding=inbound.data_coding,
        uplink=inbound.uplink,
        part_count=inbound.part_count,
        missing_parts=inbound.missing_parts,
        received_at=timestamp(inbound.received_at),
    )


def webhook_view(callback: Callback) -> WebhookView:
    """All of it but its address and body."""
    return WebhookView(
        id=callback.id,
        account=callback.account,
        host=callback_host(callback),
        message_id=callback.message_id,
        dialect=callback.dialect,
        failed=callback.failed,
        tries=callback.tries,
        last_error=callback.last_error,
        created_at=timestamp(callback.created_at),
        due_at=None if callback.failed else timestamp(callback.due_at),
    )


def message_view(message: Message, parts: Sequence[Part], timeline: Sequence[Event]) -> MessageView:
    """All of it."""
    return MessageView(
        id=message.id,
        state=message.state.value,
        is_final=message.state.is_final,
        to=message.recipient,
        sender=message.sender,
        text=message.text if message.data is None and not message.secret else None,
        data=message.data.hex() if message.data is not None else None,
        udh=message.udh.hex(),
        coding=message.coding.value,
        data_coding=message.data_coding,
        message_class=message.message_class,
        tlvs=[TlvView(tag, value.hex()) for tag, value in message.tlvs],
        receipt=message.wants_receipt,
        callback_url=message.callback_url,
        client_reference=message.client_reference,
        validity_seconds=message.validity_seconds,
        priority=message.priority,
        service=message.service,
        dialect=message.dialect,
        error=message.error,
        uplink=message.uplink,
        in_doubt=message.in_doubt,
        created_at=timestamp(message.created_at),
        updated_at=timestamp(message.updated_at),
        scheduled_at=timestamp(message.scheduled_at) if message.scheduled_at is not None else None,
        part_count=message.part_count,
        parts=[_part_view(part) for part in parts],
        timeline=[_event_view(event) for event in timeline],
    )


def _part_view(part: Part) -> PartView:
    return PartView(
        number=part.number,
        state=part.state.value,
        attempt=part.attempt,
        uplink=part.uplink,
        bind=part.bind,
        node=part.node,
        smsc_message_id=part.smsc_message_id,
        error=part.error,
        data_coding=part.body.data_coding,
        has_udh=part.body.has_udh,
        short_message=part.body.short_message.hex(),
        updated_at=timestamp(part.updated_at),
    )


def _event_view(event: Event) -> EventView:
    return EventView(
        at=timestamp(event.at),
        state=event.state.value,
        part=event.part,
        attempt=event.attempt,
        node=event.node,
        bind=event.bind,
        detail=event.detail,
    )
