"""What one request or node says of its messages, read from its fields: every option of every way to send."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from gateway.providers.mobtexting import links, spec, subscriptions, webhooks
from gateway.providers.mobtexting.links import Link
from gateway.providers.mobtexting.request import Asked, invalid, missing, object_of, text_of
from smpp.errors import EncodeError
from smpp.sms import gsm0338

MAX_TAGS: Final = 10
SCHEDULE_AT_LEAST_SECONDS: Final = 300
SCHEDULE_AT_MOST: Final = timedelta(days=92)
FLASH: Final = range(2)
PORTS: Final = range(65_536)
GSM_UNITS: Final = (160, 153)
UNICODE_UNITS: Final = (70, 67)
"""Characters of a message in one part, and of each of several; an application port takes some."""
_TIME_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %I:%M%p", "%Y-%m-%d %H:%M")
_DLT_ID: Final = re.compile(r"[0-9]{1,30}", re.ASCII)
_KINDS: Final = (spec.TYPE_AUTO, spec.TYPE_NORMAL, spec.TYPE_UNICODE)


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
    links: tuple[Link, ...] = ()
    """Of its text, those that lead each receiver to a page of their own."""


async def read_order(asked: Asked, fields: Mapping[str, object]) -> Order:
    """Everything.

    Raises:
        Refused: a field is missing or wrong.
    """
    return await with_links(asked, read_content(fields, await read_common(asked, fields)))


async def read_common(asked: Asked, fields: Mapping[str, object]) -> Order:
    """What a root says for all of its nodes, which is looked up once: service, time and webhook."""
    service = text_of(fields, "service")
    if not service:
        raise missing("service")
    options = asked.options
    if options.products and service not in options.products:
        raise invalid("service", "The selected service is invalid.")
    written = text_of(fields, "time")
    scheduled_at = _schedule(written, options.time_zone, asked.services.clock()) if written else None
    sender = text_of(fields, "sender")
    webhook = await subscriptions.target(asked, text_of(fields, "webhook_id"), sender)
    return Order(sender="", text="", service=service, scheduled_at=scheduled_at, webhook=webhook)


async def with_links(asked: Asked, order: Order) -> Order:
    """The order with the links in its text known."""
    base = asked.options.base_url
    if not base or base not in order.text:
        return order
    return msgspec.structs.replace(order, links=await links.in_text(asked, order.text))


def read_content(fields: Mapping[str, object], common: Order) -> Order:
    """What a message says of itself, over what is common to all."""
    sender, text = text_of(fields, "sender"), fields.get("message")
    if not sender:
        raise missing("sender")
    if not isinstance(text, str) or not text:
        raise missing("message")
    kind = (text_of(fields, "type") or spec.TYPE_AUTO).upper()
    if kind not in _KINDS:
        raise invalid("type", "The selected type is invalid.")
    if kind == spec.TYPE_NORMAL:
        text = "".join(letter if gsm0338.can_encode(letter) else "?" for letter in text)
    return Order(
        sender,
        text,
        common.service,
        kind,
        common.scheduled_at,
        "flash" in fields and _number(fields, "flash", FLASH) == 1,
        text_of(fields, "custom"),
        _number(fields, "port", PORTS) if "port" in fields else None,
        _dlt_id(fields, "entity_id") if "entity_id" in fields else "",
        _dlt_id(fields, "template_id") if "template_id" in fields else "",
        _max_units(fields) if "max_units" in fields else 0,
        common.webhook,
        _tags(fields) if "meta" in fields or "tags" in fields else (),
    )


def _tags(fields: Mapping[str, object]) -> tuple[str, ...]:
    tags = object_of(fields, "meta").get("tags", fields.get("tags")) or ()
    if not isinstance(tags, (list, tuple)) or len(tags) > MAX_TAGS:
        raise invalid("meta.tags", f"The tags must be a list of at most {MAX_TAGS}.")
    return tuple(str(tag) for tag in tags)


def _number(fields: Mapping[str, object], name: str, allowed: range) -> int | None:
    written = text_of(fields, name)
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and len(written) < 8 and int(written) in allowed):
        raise invalid(name, f"The {name} must be between {allowed.start} and {allowed.stop - 1}.")
    return int(written)


def _max_units(fields: Mapping[str, object]) -> int:
    written = text_of(fields, "max_units")
    if not written:
        return 0
    if written not in spec.MAX_UNITS:
        raise invalid("max_units", "The selected max_units is invalid.")
    return int(written)


def _dlt_id(fields: Mapping[str, object], name: str) -> str:
    written = text_of(fields, name)
    if written and not _DLT_ID.fullmatch(written):
        raise invalid(name, f"The {name} must be digits.")
    return written


def _schedule(written: str, zone: str, now: float) -> float:
    for form in _TIME_FORMATS:
        try:
            at = datetime.strptime(written, form).replace(tzinfo=ZoneInfo(zone)).timestamp()
        except (ValueError, OverflowError):
            continue
        if not now + SCHEDULE_AT_LEAST_SECONDS < at < now + SCHEDULE_AT_MOST.total_seconds():
            raise invalid("time", "The time must be more than 5 minutes and less than 3 months ahead.")
        return at
    raise invalid("time", "The time does not match the format Y-m-d H:i:s.")


def units_of(order: Order) -> int:
    """How many parts a message takes."""
    text, is_unicode = order.text, order.kind == spec.TYPE_UNICODE
    length, (whole, part) = 0, GSM_UNITS
    try:
        length = 0 if is_unicode else gsm0338.septet_count(text)
    except EncodeError:
        is_unicode = True
    if is_unicode:
        length, (whole, part) = len(text.encode("utf-16-be", "surrogatepass")) // 2, UNICODE_UNITS
    if order.port is not None:
        whole, part = (66, 64) if is_unicode else (152, 146)
    return 1 if length <= whole else -(-length // part)
