"""Lanck as a way out: /sms for messages, /requests/{id} for what became of them, JSON callbacks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from gateway.models import Inbound, Receipt
from gateway.providers.base import WebRequest
from gateway.providers.carrying import Outgoing, check_is_text
from gateway.providers.connecting import (
    Answered,
    BadCallback,
    CallbackRead,
    ConnectorSettings,
    HttpCall,
    HttpReply,
    Passed,
    Polled,
)
from gateway.providers.forms import encode_form
from gateway.providers.lanck import spec
from gateway.providers.lanck.reach import LanckReach
from gateway.providers.outcomes import (
    TOO_FAST,
    Fault,
    accepted,
    bad,
    basic,
    digits_of,
    down,
    failed,
    json_object,
    later,
    number_at,
    text_at,
    unread,
    with_plus,
)
from gateway.providers.reaching import Reach
from smpp.status import CommandStatus as Status

FORM: Final = "application/x-www-form-urlencoded"

FAULTS: Final[Mapping[int, Fault]] = {
    1: down(Status.ESME_RINVPASWD),
    2: down(Status.ESME_RSUBMITFAIL),
    4: TOO_FAST,
    5: down(Status.ESME_RINVPASWD),
    6: down(Status.ESME_RSUBMITFAIL),
    7: down(Status.ESME_RSUBMITFAIL),
    8: down(Status.ESME_RSUBMITFAIL),
    9: bad(Status.ESME_RSUBMITFAIL),
    10: bad(Status.ESME_RSUBMITFAIL),
    11: bad(Status.ESME_RINVDSTADR),
    16: bad(Status.ESME_RINVSRCADR),
    20: bad(Status.ESME_RSUBMITFAIL),
    21: bad(Status.ESME_RSUBMITFAIL),
    22: bad(Status.ESME_RSUBMITFAIL),
    23: later(Status.ESME_RTHROTTLED),
    25: down(Status.ESME_RSUBMITFAIL),
    99: later(Status.ESME_RSYSERR),
}
"""What the error codes mean to us; every row of the table has one."""
NOT_FOUND: Final = 20
INVALID_REQUEST: Final = 10

_CALLBACK: Final = (spec.CALLBACK_FIELD,)
PASSED: Final = (
    Passed("POST", "/v1/messaging/push", _CALLBACK),
    Passed("POST", "/v1/messaging/viber", _CALLBACK),
    Passed("POST", "/v1/messaging/rcs", _CALLBACK),
    # The document only names it: the provider is to say whether it has it.
    Passed("POST", "/v1/messaging/whatsapp", _CALLBACK),
    Passed("POST", "/v1/messaging/failover", _CALLBACK),
    Passed("POST", "/v1/calls/flash", _CALLBACK),
    Passed("POST", "/v1/calls/p2s", _CALLBACK),
    Passed("POST", "/v1/calls/t2s", _CALLBACK),
    Passed("POST", "/v1/verify", _CALLBACK),
    Passed("POST", "/v1/verify/check"),
    Passed("POST", "/v1/verify/info"),
    Passed("GET", "/v1/insight/hlr"),
    Passed("POST", "/v1/insight/hlr", _CALLBACK),
    Passed("POST", "/v1/insight/fraudcheck", _CALLBACK),
    Passed("GET", "/v1/requests/{id}"),
    Passed("POST", "/v1/requests/{id}"),
)


class LanckConnector:
    """The client side (gateway.providers.connecting.Connector)."""

    name = spec.NAME
    root = spec.VERSION
    passed: Sequence[Passed] = PASSED

    def __init__(self, settings: ConnectorSettings) -> None:
        self._settings = settings
        self.reach: Reach = LanckReach(self.credentials(), refused)

    def check(self, message: Outgoing) -> None:
        """Refuse what Lanck cannot carry; a message class is left out."""
        check_is_text(message, "Lanck")

    def request(self, message: Outgoing) -> HttpCall:
        """POST /sms."""
        fields = [("number", with_plus(message.recipient)), ("text", message.text or ""), ("from", message.sender)]
        if message.wants_receipt and message.callback_url:
            fields.append((spec.CALLBACK_FIELD, message.callback_url))
        return HttpCall(
            method="POST",
            path=f"{spec.VERSION}/sms",
            content_type=FORM,
            body=encode_form(fields).encode("ascii"),
            headers=self.credentials(),
        )

    def result(self, reply: HttpReply) -> Answered:
        """Read the request's id, or an error of the table."""
        content = json_object(reply.body)
        if 200 <= reply.status < 300 and (provider_id := text_at(content, "requestId")):
            return accepted(provider_id)
        return refused(content, reply)

    def can_call_back(self, callback_url: str) -> bool:
        """Every request names its own address for reports."""
        return bool(callback_url)

    def poll(self, provider_id: str) -> HttpCall | None:
        """GET /requests/{id}."""
        path = f"{spec.VERSION}/requests/{quote(provider_id, safe='')}"
        return HttpCall(method="GET", path=path, headers=self.credentials())

    def polled(self, provider_id: str, reply: HttpReply) -> Polled:
        """Read the request's status."""
        content = json_object(reply.body)
        if not 200 <= reply.status < 300:
            return Polled(is_over=number_at(content, "errorCode") == NOT_FOUND)
        receipt = _receipt(provider_id, content)
        return Polled(receipt=receipt, is_over=receipt is not None and receipt.state.is_final)

    def callback(self, request: WebRequest) -> CallbackRead:
        """A delivery receipt, or a message from a handset; whatever type its body claims to be of, it is JSON."""
        content = json_object(request.body)
        provider_id = text_at(content, "requestId")
        if provider_id:
            receipt = _receipt(provider_id, content)
            if receipt is None:
                raise BadCallback("a status that is not in the document")
            return CallbackRead(receipts=(receipt,))
        sender, recipient = digits_of(text_at(content, "from")), digits_of(text_at(content, "to"))
        text = content.get("text")
        if not sender or not recipient or not isinstance(text, str):
            raise BadCallback("neither a receipt nor a message")
        inbound = Inbound(
            id=text_at(content, "messageId"),
            account="",
            sender=sender,
            recipient=recipient,
            text=text,
            received_at=_seconds(content, "timestamp") or 0.0,
        )
        return CallbackRead(inbound=(inbound,))

    def probe(self) -> HttpCall:
        """GET /requests/{id} of an id that nobody has: there is nothing else that is free."""
        return HttpCall(method="GET", path=f"{spec.VERSION}/requests/none", headers=self.credentials())

    def probed(self, reply: HttpReply) -> str:
        """That there is no such request, says who knows us."""
        content = json_object(reply.body)
        code = number_at(content, "errorCode")
        is_let_in = reply.status == 404 or 200 <= reply.status < 300 or code in (NOT_FOUND, INVALID_REQUEST)
        return "" if is_let_in else refused(content, reply).result.error

    def check_signature(self, request: WebRequest) -> None:
        """Nothing is signed: the path's token has to do."""

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """HTTP Basic."""
        return (("Authorization", basic(self._settings.user, self._settings.password.reveal())),)

    def credential_fields(self) -> Mapping[str, str]:
        """None."""
        return {}

    def callback_value(self, relay_url: str) -> str:
        """Calls name addresses."""
        return relay_url

    def references(self, reply: HttpReply) -> Sequence[str]:
        """None: every callback comes to an address of its own."""
        return ()


def refused(content: Mapping[str, Any], reply: HttpReply) -> Answered:
    """What an error says."""
    code = number_at(content, "errorCode")
    if code is None:
        return unread(spec.NAME, reply)
    fault = FAULTS.get(code) or (bad(Status.ESME_RSUBMITFAIL) if reply.status < 500 else later(Status.ESME_RSYSERR))
    return failed(fault, spec.NAME, code, text_at(content, "errorReason"), reply)


def _receipt(provider_id: str, content: Mapping[str, Any]) -> Receipt | None:
    status = text_at(content, "status").upper()
    state = spec.STATES.get(status)
    if state is None:
        return None
    return Receipt(
        group="",
        smsc_message_id=provider_id,
        state=state,
        recipient=digits_of(text_at(content, "number")),
        done_at=_seconds(content, "timestamp") if state.is_final else None,
        raw=f"status={status}",
    )


def _seconds(content: Mapping[str, Any], name: str) -> float | None:
    """A time: seconds in callbacks, milliseconds elsewhere."""
    written = number_at(content, name)
    if written is None or written <= 0:
        return None
    return written / 1000 if written > spec.MILLISECONDS_FROM else float(written)
