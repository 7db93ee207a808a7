"""Mocean's callbacks: the delivery report, and the message from a handset."""

import re
from datetime import datetime
from typing import Final

from gateway.models import Callback, Inbound, Message, Receipt, State
from gateway.providers.forms import encode_form
from gateway.providers.mocean import spec
from smpp.sms import gsm0338

_FORM: Final = "application/x-www-form-urlencoded"
_STATUS_NAME: Final = re.compile(r"\bESME_[A-Z0-9_]+\b")
_NUMBER: Final = re.compile(r"0*[0-9]{1,3}", re.ASCII)


def receipt_callback(message: Message, receipt: Receipt | None, method: str) -> Callback | None:
    """The report of a final state; nothing on the way there, and nothing where the sender asked for none."""
    status = spec.REPORT_BY_STATE.get(message.state)
    if status is None or not message.callback_url:
        return None
    form = encode_form(
        (
            # "Phone number of the original SMS recipient", and the sender under `to`: swapped on purpose.
            ("mocean-from", message.recipient),
            ("mocean-to", message.sender),
            ("mocean-dlr-status", str(status)),
            ("mocean-msgid", message.id),
            ("mocean-error-code", str(error_code(message, receipt))),
        )
    )
    if method != "GET":
        return _callback(message.account, message.callback_url, method, form, message_id=message.id)
    address, mark, fragment = message.callback_url.partition("#")
    url = f"{address}{'&' if '?' in address else '?'}{form}{mark}{fragment}"
    return _callback(message.account, url, method, "", message_id=message.id)


def error_code(message: Message, receipt: Receipt | None) -> int:
    """mocean-error-code of a final state: the network's own where it is one of the table, else one for the state."""
    if message.state is State.DELIVERED:
        return 0
    written = receipt.error.strip() if receipt is not None else ""
    if not written:
        written = message.error.strip()
    if _NUMBER.fullmatch(written):
        code = int(written)
        if code == 0:
            return spec.ERROR_BY_STATE[message.state]
        return code if code in spec.DLR_ERROR else spec.UNKNOWN_DLR_ERROR
    name = _STATUS_NAME.search(written)
    if name is not None:
        return spec.ERROR_BY_SMPP_STATUS.get(name[0], spec.UNKNOWN_DLR_ERROR)
    if receipt is None and message.state is State.UNKNOWN:
        return spec.NO_FINAL_STATUS
    return spec.ERROR_BY_STATE[message.state]


def inbound_callback(inbound: Inbound, url: str) -> Callback:
    """A message from a handset; text outside the GSM alphabet goes as UTF-16 in hex, and so does its keyword."""
    keyword = inbound.text.split(maxsplit=1)[0] if inbound.text.strip() else ""
    if not inbound.text and inbound.data:
        # Not in the document, which knows text alone: what we take in binary form goes out in the same form.
        text, keyword, coding = inbound.data.hex().upper(), "", spec.CODING_8BIT
    elif gsm0338.can_encode(inbound.text):
        text, coding = inbound.text, spec.CODING_7BIT
    else:
        text, keyword, coding = _utf16_hex(inbound.text), _utf16_hex(keyword), spec.CODING_UCS2
    fields = [
        ("mocean-from", inbound.sender),
        ("mocean-to", inbound.recipient),
        ("mocean-keyword", keyword),
        ("mocean-text", text),
        ("mocean-coding", coding),
        ("mocean-time", datetime.fromtimestamp(inbound.received_at, spec.MALAYSIA_TIME).strftime(spec.TIME_FORMAT)),
    ]
    if coding == spec.CODING_8BIT and inbound.udh:
        fields.append(("mocean-udh", inbound.udh.hex().upper()))
    return _callback(inbound.account, url, "POST", encode_form(fields))


def _utf16_hex(text: str) -> str:
    return text.encode("utf-16-be", "surrogatepass").hex().upper()


def _callback(account: str, url: str, method: str, form: str, *, message_id: str = "") -> Callback:
    return Callback(
        id="",
        account=account,
        url=url,
        method=method,
        content_type=_FORM if method != "GET" else "",
        body=form.encode("ascii"),
        message_id=message_id,
        dialect=spec.NAME,
    )
