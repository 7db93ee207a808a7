"""The native API's request: JSON in, `NewMessage` out, or an error that names the field.

msgspec checks names and types in one pass over the body; what no type can say is checked after it, field by field.
"""

from typing import Annotated, Final

import msgspec

from gateway.models import Coding, NewMessage
from gateway.providers.forms import MAX_URL_LENGTH, is_web_address
from gateway.providers.numbers import SenderMalformed, SenderTooLong, recipient_digits, sender_address
from gateway.web import tlvs as tlv_table
from gateway.web.errors import ApiError
from gateway.web.reading import UNREADABLE, of_json
from gateway.web.times import read_send_at

MAX_TEXT: Final = 255 * 153
"""Characters of the longest message that concatenation can number, in the smallest alphabet."""
MAX_DATA: Final = 255 * 134
MAX_UDH: Final = 140
MAX_REFERENCE: Final = 255
MAX_VALIDITY_SECONDS: Final = 63 * 7 * 86_400
"""3GPP TS 23.040 §9.2.3.12.1: a relative validity period ends at 63 weeks."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Octet = Annotated[int, msgspec.Meta(ge=0, le=255)]


class TlvIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An optional parameter: `tag` or `name`, and `value` in hex or `text`."""

    tag: Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)] | None = None
    name: Name | None = None
    value: Annotated[str, msgspec.Meta(max_length=2 * tlv_table.MAX_TLV_OCTETS)] | None = None
    text: Annotated[str, msgspec.Meta(max_length=tlv_table.MAX_TLV_OCTETS)] | None = None


class DltIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The registration ids that India's operators ask for."""

    entity_id: Annotated[str, msgspec.Meta(max_length=254)] = ""
    template_id: Annotated[str, msgspec.Meta(max_length=254)] = ""
    tm_id: Annotated[str, msgspec.Meta(max_length=254)] = ""


class MessageIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One message of `POST /messages`."""

    to: Name
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    """Empty: the account's own."""
    text: Text | None = None
    data: Annotated[str, msgspec.Meta(max_length=2 * MAX_DATA)] | None = None
    """Octets in hex, in place of text."""
    udh: Annotated[str, msgspec.Meta(max_length=2 * MAX_UDH)] = ""
    """User data header in hex, with its length octet."""
    coding: Coding = Coding.AUTO
    data_coding: Octet | None = None
    message_class: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None
    tlvs: Annotated[tuple[TlvIn, ...], msgspec.Meta(max_length=tlv_table.MAX_TLVS)] = ()
    dlt: DltIn | None = None
    receipt: bool = True
    callback_url: Annotated[str, msgspec.Meta(max_length=MAX_URL_LENGTH)] = ""
    client_reference: Annotated[str, msgspec.Meta(max_length=MAX_REFERENCE)] = ""
    group: Name = ""
    """A name for all that belongs together, such as a batch; messages can be found by it."""
    validity_seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_VALIDITY_SECONDS)] | None = None
    send_at: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    """RFC 3339 with an offset, or a local time where `time_zone` is given."""
    time_zone: Name | None = None
    """IANA name: Asia/Kolkata."""
    priority: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    service: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """What kind of traffic it is: transactional, promotional, or a word of your own that routes know."""


_one: Final = msgspec.json.Decoder(MessageIn)
_many: Final = msgspec.json.Decoder(list[MessageIn])
_raw_items: Final = msgspec.json.Decoder(list[msgspec.Raw])

Item = NewMessage | ApiError
"""A message, or why it is none."""


def read_message(body: bytes, account: str) -> NewMessage:
    """Read one object.

    Raises:
        ApiError: 400, with the place of the fault.
    """
    try:
        return _new_message(_one.decode(body), account)
    except UNREADABLE as error:
        raise of_json(error) from None


def read_batch(body: bytes, account: str, *, limit: int) -> list[Item]:
    """Read an array; items fail singly.

    Raises:
        ApiError: 400, where the array itself cannot be read, is empty or has too many items.
    """
    try:
        messages = _many.decode(body)
    except msgspec.ValidationError:
        return _read_items(body, account, limit=limit)
    except UNREADABLE as error:
        raise of_json(error) from None
    _check_count(len(messages), limit)
    return [_item(message, account, index) for index, message in enumerate(messages)]


def is_batch(body: bytes) -> bool:
    """Whether the body is an array."""
    return body[:1] == b"[" or body.lstrip(b" \t\r\n")[:1] == b"["


def _read_items(body: bytes, account: str, *, limit: int) -> list[Item]:
    try:
        raw = _raw_items.decode(body)
    except UNREADABLE as error:
        raise of_json(error) from None
    _check_count(len(raw), limit)
    items: list[Item] = []
    for index, octets in enumerate(raw):
        try:
            items.append(_item(_one.decode(octets), account, index))
        except UNREADABLE as error:
            items.append(of_json(error).under(f"[{index}]"))
    return items


def _check_count(count: int, limit: int) -> None:
    if count == 0:
        raise ApiError(400, "empty_batch", "the array has no message")
    if count > limit:
        raise ApiError(400, "batch_too_large", f"at most {limit} messages in one request, not {count}")


def _item(message: MessageIn, account: str, index: int) -> Item:
    try:
        return _new_message(message, account)
    except ApiError as error:
        return error.under(f"[{index}]")


# What types cannot say.


def _new_message(message: MessageIn, account: str) -> NewMessage:
    data = _data(message)
    if message.callback_url and not is_web_address(message.callback_url):
        raise ApiError(400, "invalid_callback_url", "expected an absolute http or https address", "callback_url")
    for field in ("client_reference", "group"):
        if "\0" in getattr(message, field):
            raise ApiError(400, "invalid_value", "U+0000 is not a character of a text", field)
    return NewMessage(
        account=account,
        recipient=_recipient(message.to),
        sender=_sender(message.sender) if message.sender else "",
        text=message.text or "",
        data=data,
        udh=_udh(message.udh) if message.udh else b"",
        coding=message.coding if data is None else Coding.BINARY,
        data_coding=message.data_coding,
        message_class=message.message_class,
        tlvs=_tlvs(message) if message.tlvs or message.dlt is not None else (),
        wants_receipt=message.receipt,
        callback_url=message.callback_url,
        client_reference=message.client_reference,
        group=message.group,
        validity_seconds=message.validity_seconds,
        scheduled_at=_send_at(message),
        priority=message.priority,
        service=message.service,
    )


def _send_at(message: MessageIn) -> float | None:
    if message.send_at is not None:
        return read_send_at(message.send_at, message.time_zone)
    if message.time_zone is not None:
        raise ApiError(400, "missing_field", "time_zone says where send_at is; there is none", "send_at")
    return None


def _recipient(written: str) -> str:
    digits = recipient_digits(written)
    if digits is None:
        raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
    return digits


def _sender(written: str) -> str:
    try:
        return sender_address(written)
    except (SenderTooLong, SenderMalformed) as error:
        raise ApiError(400, "invalid_sender", f"a sender is a number or a short name: {error}", "from") from None


def _data(message: MessageIn) -> bytes | None:
    """The octets of a binary message; None where it is text."""
    if message.data is None:
        if message.text is None:
            raise ApiError(400, "missing_field", "a message needs text or data", "text")
        if not message.text and not message.udh:
            raise ApiError(400, "invalid_text", "the text is empty", "text")
        if "\0" in message.text:
            raise ApiError(400, "invalid_text", "U+0000 is not a character of a text", "text")
        if message.coding is Coding.BINARY:
            raise ApiError(400, "invalid_coding", "coding binary needs data in place of text", "coding")
        return None
    if message.text is not None:
        raise ApiError(400, "conflicting_fields", "a message has text or data, not both", "data")
    if message.coding not in (Coding.AUTO, Coding.BINARY):
        raise ApiError(400, "invalid_coding", "data is sent as it is: leave coding out, or binary", "coding")
    data = _hex(message.data, "data")
    if not data and not message.udh:
        raise ApiError(400, "invalid_data", "the data is empty", "data")
    if message.udh and len(data) + len(message.udh) // 2 > MAX_UDH:
        raise ApiError(400, "data_too_long", f"udh and data together hold at most {MAX_UDH} octets", "data")
    return data


def _udh(written: str) -> bytes:
    udh = _hex(written, "udh")
    if len(udh) < 3 or udh[0] != len(udh) - 1:
        raise ApiError(400, "invalid_udh", "the first octet of a user data header counts the others", "udh")
    return udh


def _hex(written: str, field: str) -> bytes:
    try:
        # fromhex alone takes blanks between octets.
        if " " not in written and written.isascii():
            return bytes.fromhex(written)
    except ValueError:
        pass
    raise ApiError(400, "invalid_hex", "expected pairs of hexadecimal digits", field)


def _tlvs(message: MessageIn) -> tuple[tuple[int, bytes], ...]:
    found = [_tlv(written, f"tlvs[{index}]") for index, written in enumerate(message.tlvs)]
    if message.dlt is not None:
        for field, tag, text in (
            ("entity_id", tlv_table.DLT_ENTITY_TAG, message.dlt.entity_id),
            ("template_id", tlv_table.DLT_TEMPLATE_TAG, message.dlt.template_id),
            ("tm_id", tlv_table.DLT_CHAIN_TAG, message.dlt.tm_id),
        ):
            if not text:
                continue
            if any(tag == present for present, _ in found):
                raise ApiError(400, "conflicting_fields", "given in tlvs as well", f"dlt.{field}")
            found.append((tag, _ascii(text, f"dlt.{field}")))
    return tuple(found)


def _tlv(written: TlvIn, field: str) -> tuple[int, bytes]:
    if (written.tag is None) == (written.name is None):
        raise ApiError(400, "invalid_tlv", "a TLV has a tag or a name", field)
    tag = written.tag
    if tag is None:
        known = tlv_table.KNOWN_TLVS.get(written.name or "")
        if known is None:
            raise ApiError(400, "invalid_tlv", "no TLV of submit_sm has this name; give its tag", f"{field}.name")
        tag = known.tag
    if tag in tlv_table.RESERVED_TAGS:
        raise ApiError(400, "invalid_tlv", f"{tlv_table.RESERVED_TAGS[tag]} is set when the message is split", field)
    if (written.value is None) == (written.text is None):
        raise ApiError(400, "invalid_tlv", "a TLV has a value in hex or a text", field)
    if written.value is not None:
        value = _hex(written.value, f"{field}.value")
    else:
        value = _ascii(written.text or "", f"{field}.text")
    reason = tlv_table.check_length(tag, len(value))
    if reason:
        raise ApiError(400, "invalid_tlv", reason, field)
    return tag, value


def _ascii(text: str, field: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise ApiError(400, "invalid_tlv", "expected ASCII text; give other octets in hex", field) from None
