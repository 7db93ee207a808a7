"""The many ways to send: one form of a message behind sms/send, json, xml, files, templates and channels."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from gateway.errors import InvalidMessage
from gateway.models import Coding, Message, NewMessage
from gateway.providers.base import WebAnswer
from gateway.providers.mobtexting import answers, files, links, orders, scrubbing, spec
from gateway.providers.mobtexting.orders import Order, units_of
from gateway.providers.mobtexting.request import Asked, Refused, invalid, list_of, missing, object_of, text_of
from gateway.providers.mobtexting.scrubbing import TEMPLATE
from gateway.providers.numbers import recipient_digits
from gateway.providers.templating import fill

MAX_RECEIVERS: Final = 10_000
NO_CREDITS: Final = spec.DLR_STATUSES["401"].word
MAX_FILLED: Final = 32 << 20
"""Characters of all messages made of a file: a few variables make much of little."""


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
    order = await orders.read_order(asked, asked.fields)
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
    common = await orders.read_common(asked, root)
    for node in nodes:
        if not isinstance(node, Mapping):
            raise invalid("nodes", "Each node must be an object.")
        fixed = {name: root[name] for name in ("webhook_id", "service", "time") if name in root}
        merged = {**root, **node, **fixed}
        order = await orders.with_links(asked, orders.read_content(merged, common))
        receivers = [str(one) for one in list_of(merged, "to", MAX_RECEIVERS)]
        if not receivers:
            raise missing("to")
        wanted += [(one, order) for one in receivers]
    return await _send(asked, wanted)


async def send_file(asked: Asked) -> WebAnswer:
    """sms/bulk: receivers from a file, the text's {{variables}} from its other columns."""
    order = await orders.read_order(asked, asked.fields)
    file = asked.files.get("file")
    if file is None:
        raise missing("file")
    if len(order.text) > spec.MAX_TEXT:
        raise invalid("message", f"The message may not be greater than {spec.MAX_TEXT} characters.")
    table = await asked.services.aside(partial(files.read_table, file.name, file.content))
    wanted, length = [], 0
    for row in table.rows(asked.text("column")):
        text = fill(order.text, row.values)
        length += len(text)
        if length > MAX_FILLED:
            raise invalid("file", f"The messages may not have more than {MAX_FILLED} characters together.")
        wanted.append((row.number, replace(order, text=text)))
    if not wanted:
        raise invalid("file", "The file names no receiver.")
    return _accepted((), await _accept(asked, wanted))


async def send_template(asked: Asked) -> WebAnswer:
    """sms/send/template: a stored text by its alias or id."""
    alias, template_id = asked.text("alias"), asked.text("id")
    if bool(alias) == bool(template_id):
        raise invalid("alias", "Either alias or id is required.")
    directory = asked.services.directory
    if alias:
        found = next(iter(await directory.by_name(asked.account, TEMPLATE, alias)), None)
    else:
        found = await directory.get(asked.account, TEMPLATE, template_id)
    if found is None:
        raise Refused(404, "The template is not found.")
    if "data" not in asked.fields:
        raise missing("data")
    fields, meta = found.fields, object_of(asked.fields, "meta")
    values = {str(name): str(value) for name, value in object_of(asked.fields, "data").items()}
    if any(len(value) > spec.MAX_TEXT for value in values.values()):
        raise invalid("data", f"A value may not be greater than {spec.MAX_TEXT} characters.")
    body = {
        **meta,
        "sender": fields.get("sender", ""),
        "message": fill(str(fields.get("body", "")), values),
        "service": meta.get("service") or fields.get("type") or "T",
        "template_id": fields.get("template_id", ""),
        "custom": meta.get("foreign_id", ""),
    }
    order = await orders.read_order(asked, body)
    items = await _accept(asked, [(one, order) for one in _recipients(object_of(asked.fields, "recipient"))])
    now = answers.iso_time(asked.services.clock())
    # The document's sample has the envelope of sms/send, the public repository the rows of sms/message/send.
    rows = [row | _channel_row(item, now) for row, item in zip(_rows(asked, items), items, strict=True)]
    return _accepted(rows, items)


def _recipients(recipient: Mapping[str, object]) -> list[str]:
    """Whom the forms of templates and channels name.

    Raises:
        Refused: nobody, or a group of contacts, which are the provider's to keep.
    """
    receivers = [str(one) for one in list_of(recipient, "to", MAX_RECEIVERS)]
    if not receivers and recipient.get("group_id"):
        raise invalid("recipient.group_id", "The selected recipient.group_id is invalid.")
    if not receivers:
        raise missing("recipient.to")
    return receivers


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
    fields = {**meta, "sender": channel.get("from"), "message": text, "custom": meta.get("foreign_id", "")}
    order = await orders.read_order(asked, fields)
    recipient = object_of(channel, "recipient") or object_of(asked.fields, "recipient")
    items = await _accept(asked, [(one, order) for one in _recipients(recipient)])
    now = answers.iso_time(asked.services.clock())
    data = [_channel_row(item, now) for item in items]
    return answers.done(data, "Message(s) Queued successfully", group_id=_group_of(items))


# From orders to messages.


async def _send(asked: Asked, wanted: Sequence[tuple[str, Order]]) -> WebAnswer:
    items = await _accept(asked, wanted)
    return _accepted(_rows(asked, items), items)


def _accepted(rows: Sequence[Mapping[str, object]], items: Sequence[Item]) -> WebAnswer:
    taken = sum(item.message is not None for item in items)
    return answers.done(rows, f"{taken} numbers accepted for delivery.", status=200, group_id=_group_of(items))


def _rows(asked: Asked, items: Sequence[Item]) -> list[dict[str, object]]:
    submitted_at = answers.local_time(asked.services.clock(), asked.options.time_zone)
    return [
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


def _channel_row(item: Item, now: str) -> dict[str, object]:
    return {
        "id": item.message.id if item.message is not None else "",
        "channel": "sms",
        "from": item.order.sender,
        "to": item.mobile,
        "credits": item.units if item.message is not None else 0,
        "created_at": now,
        "status": item.word,
        "foreign_id": item.order.custom or None,
    }


def _group_of(items: Sequence[Item]) -> str:
    """What finds them all again; one alone is found by its own id."""
    for item in items:
        if item.message is not None:
            return item.message.group or item.message.id
    return ""


async def _accept(asked: Asked, wanted: Sequence[tuple[str, Order]]) -> list[Item]:
    """Hand all to the gateway at once; the n-th item tells of the n-th receiver."""
    if len(wanted) == 1:
        return [await _accept_one(asked, *wanted[0])]
    group = str(uuid.uuid4())
    numbers = [recipient_digits(written) for written, _ in wanted]
    if any(order.links for _, order in wanted):
        wanted = _personal(wanted, numbers)
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
    if {item.word for item in items} == {NO_CREDITS}:
        raise Refused(400, "Insufficient balance.")
    return items


async def _accept_one(asked: Asked, written: str, order: Order) -> Item:
    """The same for one alone, as most are.

    A group of one is no group: to find messages by one more name costs each of them a tenth of all.
    """
    number = recipient_digits(written)
    if order.links and number is not None:
        order = replace(order, text=links.personal(order.text, order.links, number))
    checks = await scrubbing.checks(asked, () if number is None else (number,), (order,))
    one = _prepared(asked, number, order, "", checks)
    outcome = (await asked.services.intake.accept((one,)))[0] if isinstance(one, NewMessage) else one
    item = _item(number or written, order, outcome)
    if item.word == NO_CREDITS:
        raise Refused(400, "Insufficient balance.")
    return item


def _personal(wanted: Sequence[tuple[str, Order]], numbers: Sequence[str | None]) -> list[tuple[str, Order]]:
    """The same with links that know whom they go to."""
    return [
        (written, order if number is None else replace(order, text=links.personal(order.text, order.links, number)))
        for number, (written, order) in zip(numbers, wanted, strict=True)
    ]


def _item(number: str, order: Order, outcome: Message | InvalidMessage | str) -> Item:
    units = units_of(order)
    if isinstance(outcome, Message):
        return Item(number, order, units, outcome, answers.WORD_BY_STATE[outcome.state])
    word = outcome if isinstance(outcome, str) else answers.word_of_refusal(outcome.code)
    return Item(number, order, units, None, word)


def _prepared(asked: Asked, number: str | None, order: Order, group: str, checks: scrubbing.Checks) -> NewMessage | str:
    """A message, or the word that says why there is none."""
    if number is None:
        return spec.DLR_STATUSES["404"].word
    is_unicode = order.kind == spec.TYPE_UNICODE
    if order.max_units and units_of(order) > order.max_units:
        return spec.DLR_STATUSES["778"].word
    refusal = checks.refusal(number, order) if checks is not scrubbing.NOTHING else ""
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
        tlvs=tuple(_tlvs(order)) if order.entity_id or order.template_id else (),
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
