"""The many ways to send: one form of a message behind sms/send, json, xml, files, templates and channels."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from gateway.errors import InvalidMessage
from gateway.models import Coding, Message, NewMessage
from gateway.providers.base import WebAnswer
from gateway.providers.mobtexting import answers, files, scrubbing, spec, webhooks
from gateway.providers.mobtexting.request import Asked, Refused, invalid, list_of, missing, object_of, text_of
from gateway.providers.numbers import recipient_digits
from gateway.providers.templating import fill
from smpp.sms import gsm0338

MAX_RECEIVERS: Final = 10_000
MAX_TAGS: Final = 10
SCHEDULE_AT_LEAST_SECONDS: Final = 300
SCHEDULE_AT_MOST: Final = timedelta(days=92)
_TIME_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %I:%M%p", "%Y-%m-%d %H:%M")
_DLT_ID: Final = re.compile(r"[0-9]{1,30}", re.ASCII)


class Order(msgspec.Struct, frozen=True):
    """What one request or node says of its messages."""

    sender: str
    text: str
    service: str
    kind: str = spec.TYPE_AUTO
    scheduled_at: float | None = None
    is_flash: bool = False
    custom: str = ""
    port: int | None = None
    entity_id: str = ""
    template_id: str = ""
    max_units: int = 0
    webhook: webhooks.Target = webhooks.NOBODY
    tags: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True):
    """One receiver and what became of it."""

    mobile: str
    order: Order
    units: int
    message: Message | None
    word: str
    """The delivery status."""


# The ways in.


async def send(asked: Asked) -> WebAnswer:
    """sms/send, by POST or GET; also CleverTap's and MoEngage's forms of it."""
    order = await _order(asked, asked.fields)
    receivers = [str(one) for one in list_of(asked.fields, "to", MAX_RECEIVERS)]
    if not receivers:
        raise missing("to")
    return await _send(asked, [(one, order) for one in receivers])


async def send_nodes(asked: Asked) -> WebAnswer:
    """sms/send/json, and the forms that are made like it: defaults in the root, messages in nodes."""
    root, nodes = object_of(asked.fields, "root"), asked.fields.get("nodes")
    if not isinstance(nodes, list) or not nodes:
        raise missing("nodes")
    return await _send_nodes(asked, root, nodes)


async def send_xml(asked: Asked) -> WebAnswer:
    """sms/send/xml."""
    root, nodes = files.read_xml(asked.request.body)
    if not nodes:
        raise missing("nodes")
    return await _send_nodes(asked, root, nodes)


async def _send_nodes(asked: Asked, root: Mapping[str, object], nodes: Sequence[object]) -> WebAnswer:
    if len(nodes) > MAX_RECEIVERS:
        raise invalid("nodes", f"The nodes may not have more than {MAX_RECEIVERS} items.")
    wanted: list[tuple[str, Order]] = []
    # What holds for all is looked up once.
    common = await _order(asked, {**root, "message": text_of(root, "message") or "-", "sender": "-"}, is_root=True)
    for node in nodes:
        if not isinstance(node, Mapping):
            raise invalid("nodes", "Each node must be an object.")
        fixed = {name: root[name] for name in ("webhook_id", "service", "time") if name in root}
        merged = {**root, **node, **fixed}
        order = _content(merged, common)
        receivers = [str(one) for one in list_of(merged, "to", MAX_RECEIVERS)]
        if not receivers:
            raise missing("to")
        wanted += [(one, order) for one in receivers]
    return await _send(asked, wanted)


async def send_file(asked: Asked) -> WebAnswer:
    """sms/bulk: receivers from a file, the text's {{variables}} from its other columns."""
    order = await _order(asked, asked.fields)
    file = asked.files.get("file")
    if file is None:
        raise missing("file")
    table = files.read_table(file.name, file.content)
    rows = table.rows(asked.text("column"))
    wanted = [(row.number, replace(order, text=fill(order.text, row.values))) for row in rows]
    if not wanted:
        raise invalid("file", "The file names no receiver.")
    items = await _accept(asked, wanted)
    taken = sum(item.message is not None for item in items)
    return answers.done([], f"{taken} numbers accepted for delivery.", status=200, group_id=_group_of(items))


async def send_template(asked: Asked) -> WebAnswer:
    """sms/send/template: a stored text by its alias or id."""
    alias, template_id = asked.text("alias"), asked.text("id")
    if bool(alias) == bool(template_id):
        raise invalid("alias", "Either alias or id is required.")
    directory = asked.services.directory
    found = (
        await directory.by_name(asked.account, "template", alias)
        if alias
        else [one for one in (await directory.get(asked.account, "template", template_id),) if one is not None]
    )
    if not found:
        raise Refused(404, "The template is not found.")
    fields, meta = found[0].fields, object_of(asked.fields, "meta")
    values = {str(name): str(value) for name, value in object_of(asked.fields, "data").items()}
    body = {
        **meta,
        "sender": fields.get("sender", ""),
        "message": fill(str(fields.get("body", "")), values),
        "service": meta.get("service") or fields.get("type") or "T",
        "template_id": fields.get("template_id", ""),
        "custom": meta.get("foreign_id", ""),
    }
    order = await _order(asked, body)
    receivers = [str(one) for one in list_of(object_of(asked.fields, "recipient"), "to", MAX_RECEIVERS)]
    if not receivers:
        raise missing("recipient.to")
    return await _send_channel(asked, [(one, order) for one in receivers])


async def send_message(asked: Asked) -> WebAnswer:
    """sms/message/send: the form that all channels share."""
    channels = asked.fields.get("channels")
    if not isinstance(channels, list) or len(channels) != 1 or not isinstance(channels[0], Mapping):
        raise invalid("channels", "The channels field must have one channel.")
    channel = channels[0]
    if text_of(channel, "name") != "sms":
        raise invalid("channels", "The selected channel is invalid.")
    message = object_of(asked.fields, "message")
    if text_of(message, "type") != "text":
        raise invalid("message.type", "The selected message.type is invalid.")
    text = object_of(message, "payload").get("text")
    if not isinstance(text, str) or not text:
        raise missing("message.payload.text")
    if len(text) > spec.MAX_TEXT:
        raise invalid("message.payload.text", f"The text may not be greater than {spec.MAX_TEXT} characters.")
    meta = object_of(channel, "meta")
    order = await _order(
        asked,
        {**meta, "sender": channel.get("from"), "message": text, "custom": meta.get("foreign_id", "")},
    )
    recipient = object_of(channel, "recipient") or object_of(asked.fields, "recipient")
    receivers = [str(one) for one in list_of(recipient, "to", MAX_RECEIVERS)]
    if not receivers:
        raise missing("recipient.to")
    return await _send_channel(asked, [(one, order) for one in receivers])


# From fields to an order.


async def _order(asked: Asked, fields: Mapping[str, object], *, is_root: bool = False) -> Order:
    options = asked.services.apps.options(asked.account, spec.NAME)
    service = text_of(fields, "service")
    if not service:
        raise missing("service")
    if options.products and service not in options.products:
        raise invalid("service", "The selected service is invalid.")
    scheduled_at = _schedule(text_of(fields, "time"), options.time_zone, asked.services.clock())
    webhook = await webhooks.target(asked, text_of(fields, "webhook_id"))
    base = Order(sender="", text="", service=service, scheduled_at=scheduled_at, webhook=webhook)
    return base if is_root else _content(fields, base)


def _content(fields: Mapping[str, object], base: Order) -> Order:
    sender, text = text_of(fields, "sender"), fields.get("message")
    if not sender:
        raise missing("sender")
    if not isinstance(text, str) or not text:
        raise missing("message")
    kind = (text_of(fields, "type") or spec.TYPE_AUTO).upper()
    if kind not in (spec.TYPE_NORMAL, spec.TYPE_UNICODE, spec.TYPE_AUTO):
        raise invalid("type", "The selected type is invalid.")
    if kind == spec.TYPE_NORMAL:
        text = "".join(letter if gsm0338.can_encode(letter) else "?" for letter in text)
    tags = object_of(fields, "meta").get("tags", fields.get("tags")) or ()
    if not isinstance(tags, (list, tuple)) or len(tags) > MAX_TAGS:
        raise invalid("meta.tags", f"The tags must be a list of at most {MAX_TAGS}.")
    return replace(
        base,
        sender=sender,
        text=text,
        kind=kind,
        is_flash=_number(fields, "flash", range(2)) == 1,
        custom=text_of(fields, "custom"),
        port=_number(fields, "port", range(65_536)),
        entity_id=_dlt_id(fields, "entity_id"),
        template_id=_dlt_id(fields, "template_id"),
        max_units=_number(fields, "max_units", range(1, 256)) or 0,
        tags=tuple(str(tag) for tag in tags),
    )


def _number(fields: Mapping[str, object], name: str, allowed: range) -> int | None:
    written = text_of(fields, name)
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and len(written) < 8 and int(written) in allowed):
        raise invalid(name, f"The {name} must be between {allowed.start} and {allowed.stop - 1}.")
    return int(written)


def _dlt_id(fields: Mapping[str, object], name: str) -> str:
    written = text_of(fields, name)
    if written and not _DLT_ID.fullmatch(written):
        raise invalid(name, f"The {name} must be digits.")
    return written


def _schedule(written: str, zone: str, now: float) -> float | None:
    if not written:
        return None
    for form in _TIME_FORMATS:
        try:
            at = datetime.strptime(written, form).replace(tzinfo=ZoneInfo(zone)).timestamp()
        except (ValueError, OverflowError):
            continue
        if not now + SCHEDULE_AT_LEAST_SECONDS < at < now + SCHEDULE_AT_MOST.total_seconds():
            raise invalid("time", "The time must be more than 5 minutes and less than 3 months ahead.")
        return at
    raise invalid("time", "The time does not match the format Y-m-d H:i:s.")


# From orders to messages.


async def _send(asked: Asked, wanted: Sequence[tuple[str, Order]]) -> WebAnswer:
    items = await _accept(asked, wanted)
    taken = sum(item.message is not None for item in items)
    zone = asked.services.apps.options(asked.account, spec.NAME).time_zone
    submitted_at = answers.local_time(asked.services.clock(), zone)
    data = [
        {
            "id": item.message.id if item.message is not None else "",
            "mobile": item.mobile,
            "status": item.word,
            "units": item.units,
            "length": len(item.order.text),
            "charges": item.units if item.message is not None else 0,
            "customid": item.order.custom,
            "iso_code": None,
            "submitted_at": submitted_at,
        }
        for item in items
    ]
    return answers.done(data, f"{taken} numbers accepted for delivery.", status=200, group_id=_group_of(items))


async def _send_channel(asked: Asked, wanted: Sequence[tuple[str, Order]]) -> WebAnswer:
    items = await _accept(asked, wanted)
    now = answers.iso_time(asked.services.clock())
    data = [
        {
            "id": item.message.id if item.message is not None else "",
            "channel": "sms",
            "from": item.order.sender,
            "to": item.mobile,
            "credits": item.units if item.message is not None else 0,
            "created_at": now,
            "status": item.word,
            "foreign_id": item.order.custom or None,
        }
        for item in items
    ]
    return answers.done(data, "Message(s) Queued successfully", group_id=_group_of(items))


def _group_of(items: Sequence[Item]) -> str:
    return next((item.message.group for item in items if item.message is not None), "")


async def _accept(asked: Asked, wanted: Sequence[tuple[str, Order]]) -> list[Item]:
    """Hand all to the gateway at once; the n-th item tells of the n-th receiver."""
    group = str(uuid.uuid4())
    numbers = [recipient_digits(written) for written, _ in wanted]
    known = [number for number in numbers if number is not None]
    checks = await scrubbing.checks(asked, known, [order for _, order in wanted])
    prepared = [
        _prepared(asked, number, order, group, checks) for number, (_, order) in zip(numbers, wanted, strict=True)
    ]
    messages = [one for one in prepared if isinstance(one, NewMessage)]
    outcomes: Iterator[Message | InvalidMessage] = iter(
        await asked.services.intake.accept(messages) if messages else ()
    )
    items = []
    for (written, order), number, one in zip(wanted, numbers, prepared, strict=True):
        outcome = next(outcomes) if isinstance(one, NewMessage) else one
        items.append(_item(number or written, order, outcome))
    if {item.word for item in items} == {spec.DLR_STATUSES["401"].word}:
        raise Refused(400, "Insufficient balance.")
    return items


def _item(number: str, order: Order, outcome: Message | InvalidMessage | str) -> Item:
    units = units_of(order.text, is_unicode=order.kind == spec.TYPE_UNICODE)
    if isinstance(outcome, Message):
        return Item(number, order, units, outcome, answers.WORD_BY_STATE[outcome.state])
    word = outcome if isinstance(outcome, str) else answers.word_of_refusal(outcome.code)
    return Item(number, order, units, None, word)


def _prepared(asked: Asked, number: str | None, order: Order, group: str, checks: scrubbing.Checks) -> NewMessage | str:
    """A message, or the word that says why there is none."""
    if number is None:
        return spec.DLR_STATUSES["404"].word
    is_unicode = order.kind == spec.TYPE_UNICODE
    if order.max_units and units_of(order.text, is_unicode=is_unicode) > order.max_units:
        return spec.DLR_STATUSES["778"].word
    refusal = checks.refusal(number, order)
    if refusal:
        return spec.DLR_STATUSES[refusal].word
    return NewMessage(
        account=asked.account,
        recipient=number,
        sender=order.sender,
        text=order.text,
        coding=Coding.UCS2 if is_unicode else Coding.AUTO,
        udh=b"" if order.port is None else bytes((6, 5, 4)) + order.port.to_bytes(2, "big") + b"\0\0",
        message_class=0 if order.is_flash else None,
        tlvs=tuple(_tlvs(order)),
        scheduled_at=order.scheduled_at,
        client_reference=order.custom,
        callback_url=order.webhook.url,
        origin=order.webhook.origin,
        dialect=spec.NAME,
        group=group,
        service=order.service,
    )


def _tlvs(order: Order) -> Iterator[tuple[int, bytes]]:
    """India's ids travel as digits with a closing NUL."""
    for tag, digits in ((spec.ENTITY_ID_TAG, order.entity_id), (spec.TEMPLATE_ID_TAG, order.template_id)):
        if digits:
            yield tag, digits.encode() + b"\0"


def units_of(text: str, *, is_unicode: bool = False) -> int:
    """How many parts a text takes."""
    if not is_unicode and gsm0338.can_encode(text):
        length, whole, part = gsm0338.septet_count(text), 160, 153
    else:
        length, whole, part = len(text.encode("utf-16-be", "surrogatepass")) // 2, 70, 67
    return 1 if length <= whole else -(-length // part)
