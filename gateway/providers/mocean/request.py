"""Reading a Mocean request: parameters in, messages out, or the status that says what is wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from gateway.models import Coding, NewMessage
from gateway.providers.base import Credentials, WebRequest
from gateway.providers.forms import Form, TooManyFields, is_web_address, parse_form
from gateway.providers.mocean import spec
from gateway.providers.numbers import (
    SenderMalformed,
    SenderTooLong,
    recipient_digits,
    sender_address,
    without_international_prefix,
)
from smpp.sms import gsm0338

FORM: Final = "application/x-www-form-urlencoded"

_NON_DIGITS: Final = re.compile(r"[^0-9]")
_WHOLE_NUMBER: Final = re.compile(r"[+0-9][0-9\-]{6,}")
"""A piece between blanks that can only be a number of its own."""


class Refused(Exception):
    """The request as a whole is refused.

    Attributes:
        status: the status of the endpoint's code table.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Unreadable(Refused):
    """... because its body is no form; the status is the one of /sms, other calls have their own."""


Parameters = Mapping[str, bytes]
"""By name without the `mocean-` prefix; values are octets until their charset is known."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One entry of mocean-to."""

    shown: str
    """What answers call it: its digits, or what was written where it has no valid number."""
    number: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A readable /sms request."""

    receivers: list[Receiver]
    messages: list[NewMessage]
    """One for each receiver that has a number, in order."""


def read_parameters(request: WebRequest, *, takes_json: bool = False) -> Parameters:
    """All parameters of the query and of a form body; the body's win.

    Args:
        takes_json: whether the body may be a JSON object, of which texts and numbers are parameters.

    Raises:
        Unreadable: the body is no form, or has too many fields.
    """
    try:
        form = parse_form(request.query) if request.query else []
        if request.body and takes_json and request.body.lstrip()[:1] == b"{":
            form += _form_of_json(request.body)
        elif request.body:
            if request.content_type not in (FORM, ""):
                raise Unreadable(spec.INSUFFICIENT_HEADERS)
            form = form + parse_form(request.body) if form else parse_form(request.body)
    except TooManyFields:
        raise Unreadable(spec.INSUFFICIENT_HEADERS) from None
    return _by_name(form)


def _form_of_json(body: bytes) -> Form:
    try:
        fields = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        raise Unreadable(spec.UNKNOWN_REQUEST) from None
    return [
        (name, str(value).encode("utf-8", "replace"))
        for name, value in fields.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    ]


def _by_name(form: Form) -> Parameters:
    parameters: dict[str, bytes] = {}
    for name, value in form:
        # SDKs add the prefix where their caller left it off; a plain HTTP client may forget it, and is told.
        if not name.startswith("mocean-"):
            continue
        name = name[7:]
        if name == "to" and name in parameters:
            value = parameters[name] + b"," + value
        parameters[name] = value
    return parameters


def text_of(parameters: Parameters, name: str) -> str:
    """A parameter as text; empty where it is absent."""
    value = parameters.get(name)
    return value.decode("utf-8", "replace").strip() if value else ""


def read_credentials(parameters: Parameters, headers: Mapping[str, str], remote: str) -> Credentials | None:
    """What the caller showed; None where that is nothing.

    SDKs send every form at once and leave those they do not use empty.
    """
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = ""
    token = token.strip() or text_of(parameters, "api-token")
    if token:
        return Credentials(door=spec.NAME, token=token, remote=remote)
    key, secret = text_of(parameters, "api-key"), text_of(parameters, "api-secret")
    if key and secret:
        return Credentials(door=spec.NAME, key=key, secret=secret, remote=remote)
    return None


def read_submission(parameters: Parameters, *, account: str, report_method: str) -> Submission:
    """Read the parameters of /sms.

    Args:
        report_method: the HTTP method of delivery reports that are asked for.

    Raises:
        Refused: nothing can be sent.
    """
    receivers = _receivers(text_of(parameters, "to"))
    sender = _sender(text_of(parameters, "from"))
    text = parameters.get("text", b"")
    if not text:
        raise Refused(spec.EMPTY_TEXT)
    body = _body(parameters, text)
    flash = _flash(parameters, body.coding)
    validity_seconds = _validity(text_of(parameters, "validity"))
    scheduled_at = _schedule(text_of(parameters, "schedule"))
    report_url = _report_url(parameters)
    messages = [
        NewMessage(
            account=account,
            recipient=receiver.number,
            sender=sender,
            text=body.text,
            data=body.data,
            udh=body.udh,
            coding=body.coding,
            data_coding=flash.data_coding,
            message_class=flash.message_class,
            # /report/message answers for every message, so its receipt is wanted even if no report is.
            wants_receipt=True,
            callback_url=report_url,
            callback_method=report_method if report_url else "",
            dialect=spec.NAME,
            validity_seconds=validity_seconds,
            scheduled_at=scheduled_at,
        )
        for receiver in receivers
        if receiver.number is not None
    ]
    return Submission(receivers, messages)


# Receivers and sender.


def _receivers(written: str) -> list[Receiver]:
    entries = _split_receivers(written)
    if not entries:
        raise Refused(spec.NO_DESTINATION)
    if len(entries) > spec.MAX_RECEIVERS:
        raise Refused(spec.TOO_MANY_RECEIVERS)
    return [_receiver(entry) for entry in entries]


def _split_receivers(written: str) -> list[str]:
    """Numbers are separated by blanks or commas.

    Where commas separate, blanks may stand inside a number (``+60 12-345 6789, +60 …``), unless what is between two of
    them is long enough to be a number: two receivers must never become one that neither is.
    """
    if "," not in written:
        return written.split()
    entries = []
    for entry in written.split(","):
        pieces = entry.split()
        if len(pieces) > 1 and sum(_WHOLE_NUMBER.fullmatch(piece) is not None for piece in pieces) > 1:
            entries += pieces
        elif pieces:
            entries.append(" ".join(pieces))
    return entries


def _receiver(written: str) -> Receiver:
    # "Receiver is invalid after stripping all non-numerics".
    digits = _NON_DIGITS.sub("", written)
    if not written.startswith("+"):
        digits = without_international_prefix(digits)
    number = recipient_digits(digits)
    return Receiver(written if number is None else number, number)


def _sender(written: str) -> str:
    if not written:
        raise Refused(spec.NO_SENDER)
    try:
        return sender_address(written)
    except SenderTooLong:
        raise Refused(spec.BAD_SENDER_LENGTH) from None
    except SenderMalformed:
        raise Refused(spec.BAD_SENDER) from None


# Text and coding.


@dataclass(frozen=True, slots=True)
class _Body:
    coding: Coding
    text: str = ""
    data: bytes | None = None
    udh: bytes = b""


def _body(parameters: Parameters, text: bytes) -> _Body:
    udh = _udh(text_of(parameters, "udh"))
    coding = text_of(parameters, "coding")
    if not coding:
        # "If unset, defaults to 7 bits unless a mocean-udh is defined, which sets coding to 8-bit."
        coding = spec.CODING_8BIT if udh else spec.CODING_7BIT
    if coding not in (spec.CODING_7BIT, spec.CODING_8BIT, spec.CODING_UCS2):
        raise Refused(spec.BAD_CHARSET_OR_BODY)
    charset = text_of(parameters, "charset").lower()
    if charset not in spec.CHARSETS:
        raise Refused(spec.BAD_CHARSET_OR_BODY)
    if coding == spec.CODING_8BIT:
        return _binary_body(text, udh)
    codec = spec.CHARSETS[charset]
    try:
        characters = text.decode(codec)
    except UnicodeDecodeError:
        raise Refused(spec.BAD_CHARSET_OR_BODY) from None
    if "\0" in characters:
        raise Refused(spec.BAD_CHARSET_OR_BODY)
    if coding == spec.CODING_UCS2:
        chosen = Coding.UCS2
    elif gsm0338.can_encode(characters):
        chosen = Coding.GSM
    elif codec == "utf-8":
        # "If charset is not set or set to UTF-8, when non-GSM character is detected, coding will set to UCS2."
        chosen = Coding.UCS2
    else:
        raise Refused(spec.UNSUPPORTED_CHARACTER)
    if _is_too_long(characters, chosen, udh):
        raise Refused(spec.TOO_LONG)
    return _Body(chosen, text=characters, udh=udh)


def settled_coding(text: str) -> Coding:
    """What a text is sent in whose sender says nothing of it."""
    return Coding.GSM if gsm0338.can_encode(text) else Coding.UCS2


def _binary_body(text: bytes, udh: bytes) -> _Body:
    data = _octets_of_hex(text.decode("latin-1").strip())
    if data is None:
        raise Refused(spec.BAD_CHARSET_OR_BODY)
    # With a header of the sender's own we cannot cut: the header may say which part this is.
    limit = spec.MAX_SINGLE_OCTETS - len(udh) if udh else spec.MAX_PARTS * (spec.MAX_SINGLE_OCTETS - 6)
    if len(data) > limit:
        raise Refused(spec.TOO_LONG)
    return _Body(Coding.BINARY, data=data, udh=udh)


def _udh(written: str) -> bytes:
    if not written:
        return b""
    udh = _octets_of_hex(written)
    # The first octet counts the others.
    if udh is None or len(udh) < 3 or udh[0] != len(udh) - 1 or len(udh) > spec.MAX_SINGLE_OCTETS:
        raise Refused(spec.BAD_UDH)
    return udh


def _octets_of_hex(written: str) -> bytes | None:
    if len(written) % 2 or not written.isascii() or " " in written:
        return None
    try:
        return bytes.fromhex(written)
    except ValueError:
        return None


def _is_too_long(text: str, coding: Coding, udh: bytes) -> bool:
    free = spec.MAX_SINGLE_OCTETS - len(udh)
    if coding is Coding.GSM:
        room = free * 8 // 7 if udh else spec.MAX_PARTS * 153
    else:
        room = free // 2 if udh else spec.MAX_PARTS * 67
    if 2 * len(text) <= room:
        # No character takes more than two septets or two UTF-16 units.
        return False
    units = gsm0338.septet_count(text) if coding is Coding.GSM else len(text.encode("utf-16-be")) // 2
    return units > room


# Flash, times and reports.


@dataclass(frozen=True, slots=True)
class _Flash:
    data_coding: int | None = None
    message_class: int | None = None


def _flash(parameters: Parameters, coding: Coding) -> _Flash:
    """mclass counts from 1: the document's flash is 1, on the handset class 0. alt-dcs picks the group 0xFx."""
    mclass = text_of(parameters, "mclass") or "0"
    alt_dcs = text_of(parameters, "alt-dcs") or "0"
    if mclass not in ("0", "1", "2", "3", "4") or alt_dcs not in ("0", "1"):
        raise Refused(spec.BAD_MCLASS)
    if mclass == "0":
        return _Flash()
    message_class = int(mclass) - 1
    # 3GPP TS 23.038 §4. Group 0xFx has no UCS-2.
    if coding is Coding.UCS2:
        group = 0x18
    elif coding is Coding.BINARY:
        group = 0xF4 if alt_dcs == "1" else 0x14
    else:
        group = 0xF0 if alt_dcs == "1" else 0x10
    return _Flash(group | message_class, message_class)


def _validity(written: str) -> int | None:
    if not written:
        return None
    if not written.isascii() or not written.isdigit() or len(written) > 9:
        raise Refused(spec.BAD_VALIDITY)
    seconds = int(written)
    if not 0 < seconds <= spec.MAX_VALIDITY_SECONDS:
        raise Refused(spec.BAD_VALIDITY)
    return seconds


def _schedule(written: str) -> float | None:
    if not written:
        return None
    if not spec.SCHEDULE.fullmatch(written):
        raise Refused(spec.BAD_SCHEDULE)
    try:
        return datetime.strptime(written, spec.TIME_FORMAT).replace(tzinfo=spec.MALAYSIA_TIME).timestamp()
    except (ValueError, OverflowError):
        raise Refused(spec.BAD_SCHEDULE) from None


def _report_url(parameters: Parameters) -> str:
    """Where reports go; empty where none are asked for."""
    mask = text_of(parameters, "dlr-mask") or "0"
    # Bit masks of Kannel's kind come from older clients: any bit asks for the final report.
    if not mask.isascii() or not mask.isdigit() or len(mask) > 2:
        raise Refused(spec.INSUFFICIENT_HEADERS)
    if int(mask) == 0:
        return ""
    url = text_of(parameters, "dlr-url")
    if not is_web_address(url):
        raise Refused(spec.INSUFFICIENT_HEADERS)
    return url
