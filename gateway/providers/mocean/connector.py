"""Mocean as a way out: /sms for messages, /report/message for what became of them, their PUT and POST for the rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from gateway.errors import Unsupported
from gateway.models import Inbound, Receipt, State
from gateway.providers.base import WebRequest
from gateway.providers.carrying import Outgoing
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
from gateway.providers.forms import TooManyFields, encode_form, parse_form
from gateway.providers.mocean import spec
from gateway.providers.mocean.reach import MoceanReach
from gateway.providers.outcomes import (
    TOO_FAST,
    Fault,
    accepted,
    bad,
    digits_of,
    down,
    failed,
    json_object,
    later,
    number_at,
    text_at,
    unread,
)
from gateway.providers.reaching import Reach
from smpp.status import CommandStatus as Status

ROOT: Final = "/rest/2"
FORM: Final = "application/x-www-form-urlencoded"

FAULTS: Final[Mapping[int, Fault]] = {
    1: down(Status.ESME_RINVPASWD),
    2: down(Status.ESME_RSUBMITFAIL),
    4: bad(Status.ESME_RINVDSTADR),
    5: bad(Status.ESME_RINVDSTADR),
    6: bad(Status.ESME_RINVDSTADR),
    8: bad(Status.ESME_RINVSRCADR),
    9: bad(Status.ESME_RINVESMCLASS),
    10: bad(Status.ESME_RINVDCS),
    17: bad(Status.ESME_RINVEXPIRY),
    19: bad(Status.ESME_RINVDCS),
    20: bad(Status.ESME_RSUBMITFAIL),
    23: bad(Status.ESME_RINVMSGLEN),
    24: later(Status.ESME_RSYSERR),
    26: bad(Status.ESME_RINVSCHED),
    27: bad(Status.ESME_RINVDSTADR),
    28: bad(Status.ESME_RINVDSTADR),
    29: bad(Status.ESME_RINVMSGLEN),
    32: TOO_FAST,
    34: bad(Status.ESME_RSUBMITFAIL),
    37: bad(Status.ESME_RINVSRCADR),
    40: down(Status.ESME_RSYSERR),
    43: later(Status.ESME_RTHROTTLED),
    44: bad(Status.ESME_RINVSRCADR),
    45: later(Status.ESME_RSYSERR),
    48: bad(Status.ESME_RINVSRCADR),
    49: bad(Status.ESME_RINVSRCADR),
    50: bad(Status.ESME_RSUBMITFAIL),
    65: bad(Status.ESME_RINVDSTADR),
    69: bad(Status.ESME_RINVDCS),
    70: down(Status.ESME_RSUBMITFAIL),
    73: bad(Status.ESME_RINVDSTADR),
}
"""What the statuses of /sms mean to us; every row of the table but 0 has one."""

REPORTED: Final[Mapping[int, State]] = {1: State.DELIVERED, 2: State.UNDELIVERABLE, 3: State.EXPIRED}
"""mocean-dlr-status, and message_status of /report/message."""
PENDING: Final = 4
NOT_FOUND: Final = 5

PASSED: Final = (
    # "We will also pass in information over to the webhook and await for response": of collect alone.
    Passed("POST", "/rest/2/voice/dial", ("mocean-event-url",), ("event-url",), ("mocean-command",)),
    Passed("POST", "/rest/2/voice/hangup"),
    Passed("GET", "/rest/2/voice/rec"),
    Passed("POST", "/rest/2/send-message", ("mocean-event-url",), ("event-url",), ("mocean-command",)),
    Passed("POST", "/rest/2/send-message/whatsapp", ("mocean-event-url",)),
    Passed("GET", "/rest/2/media/whatsapp"),
    Passed("POST", "/rest/2/nl", ("mocean-nl-url",)),
    Passed("POST", "/rest/2/verify/req"),
    Passed("POST", "/rest/2/verify/req/sms"),
    Passed("POST", "/rest/2/verify/req/telegram"),
    Passed("POST", "/rest/2/verify/req/email"),
    Passed("POST", "/rest/2/verify/resend/sms"),
    Passed("POST", "/rest/2/verify/check"),
    Passed("POST", "/rest/2/conversion"),
    Passed("GET", "/rest/2/account/balance"),
    Passed("GET", "/rest/2/account/pricing"),
    Passed("GET", "/rest/2/report/message"),
)


class MoceanConnector:
    """The client side (gateway.providers.connecting.Connector)."""

    name = spec.NAME
    root = ROOT
    passed: Sequence[Passed] = PASSED

    def __init__(self, settings: ConnectorSettings) -> None:
        self._settings = settings
        self.reach: Reach = MoceanReach(dict(self._own()), self.credentials(), self._post, self.result)

    # --- messages ---

    def check(self, message: Outgoing) -> None:
        """Refuse what Mocean cannot carry."""
        if message.protocol_id:
            raise Unsupported("Mocean carries no protocol identifier")
        if message.text is None and len(message.udh) + len(message.data) > spec.MAX_SINGLE_OCTETS:
            raise Unsupported(f"Mocean carries at most {spec.MAX_SINGLE_OCTETS} octets, header included")
        if not message.text and not message.data:
            raise Unsupported("Mocean carries no message without text")

    def request(self, message: Outgoing) -> HttpCall:
        """POST /sms."""
        fields = [
            ("mocean-from", message.sender),
            ("mocean-to", message.recipient),
            ("mocean-text", message.data.hex().upper() if message.text is None else message.text),
        ]
        if message.udh:
            fields.append(("mocean-udh", message.udh.hex().upper()))
        fields.append(("mocean-coding", _coding(message)))
        if message.message_class is not None:
            # Counted from 1; alt-dcs asks for the coding group that names a class alone.
            fields += [("mocean-mclass", str(message.message_class + 1)), ("mocean-alt-dcs", "1")]
        if message.validity_seconds is not None:
            fields.append(("mocean-validity", str(message.validity_seconds)))
        if message.wants_receipt and message.callback_url:
            fields += [("mocean-dlr-mask", "1"), ("mocean-dlr-url", message.callback_url)]
        return self._post("/sms", fields)

    def result(self, reply: HttpReply) -> Answered:
        """Read what /sms says of the one receiver."""
        content = json_object(reply.body)
        messages = content.get("messages")
        first = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else content
        status = number_at(first, "status")
        if status == spec.OK and (provider_id := text_at(first, "msgid")):
            return accepted(provider_id)
        fault = FAULTS.get(status) if status is not None else None
        if fault is None:
            if status is not None and status != spec.OK and 400 <= reply.status < 500:
                return failed(bad(Status.ESME_RSUBMITFAIL), spec.NAME, status, text_at(first, "err_msg"), reply)
            return unread(spec.NAME, reply)
        return failed(fault, spec.NAME, status, text_at(first, "err_msg"), reply)

    def can_call_back(self, callback_url: str) -> bool:
        """Every request names its own address for reports."""
        return bool(callback_url)

    def poll(self, provider_id: str) -> HttpCall | None:
        """GET /report/message."""
        return self._get("/report/message", [("mocean-msgid", provider_id)])

    def polled(self, provider_id: str, reply: HttpReply) -> Polled:
        """Read what /report/message says."""
        content = json_object(reply.body)
        if number_at(content, "status") != spec.OK:
            # 25: the id is none of theirs.
            return Polled(is_over=number_at(content, "status") == spec.BAD_MESSAGE_ID)
        status = number_at(content, "message_status")
        state = REPORTED.get(status) if status is not None else None
        if state is None:
            return Polled(is_over=status == NOT_FOUND)
        receipt = Receipt(group="", smsc_message_id=provider_id, state=state, raw=f"message_status={status}")
        return Polled(receipt=receipt, is_over=True)

    def callback(self, request: WebRequest) -> CallbackRead:
        """A delivery report (PUT, as old receivers are used to also POST and GET), or a message from a handset."""
        try:
            form = parse_form(request.query) + parse_form(request.body)
        except TooManyFields as error:
            raise BadCallback(str(error)) from None
        fields = {name: value.decode("utf-8", "replace").strip() for name, value in form}
        if "mocean-dlr-status" in fields:
            return CallbackRead(receipts=(_receipt(fields),))
        if "mocean-text" in fields:
            return CallbackRead(inbound=(_inbound(fields, dict(form)),))
        raise BadCallback("neither a delivery report nor a message")

    # --- what else it does ---

    def probe(self) -> HttpCall:
        """GET /account/balance."""
        return self._get("/account/balance", [])

    def probed(self, reply: HttpReply) -> str:
        """Read its status."""
        return "" if number_at(json_object(reply.body), "status") == spec.OK else self.result(reply).result.error

    def check_signature(self, request: WebRequest) -> None:
        """Nothing is signed: the path's token has to do."""

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """A token, where that is what we have."""
        token = self._settings.token
        return (("Authorization", f"Bearer {token.reveal()}"),) if token else ()

    def credential_fields(self) -> Mapping[str, str]:
        """Key and secret, in the fields of every call."""
        own = dict(self._own())
        return {name: own.get(name, "") for name in ("mocean-api-key", "mocean-api-secret", "mocean-api-token")}

    def callback_value(self, relay_url: str) -> str:
        """Calls name addresses."""
        return relay_url

    def references(self, reply: HttpReply) -> Sequence[str]:
        """None: every callback comes to an address of its own."""
        return ()

    # --- helpers ---

    def _own(self) -> list[tuple[str, str]]:
        settings = self._settings
        own = []
        if not settings.token:
            own = [("mocean-api-key", settings.key.reveal()), ("mocean-api-secret", settings.secret.reveal())]
        return own

    def _post(self, path: str, fields: Sequence[tuple[str, str]]) -> HttpCall:
        body = encode_form((*self._own(), *fields, ("mocean-resp-format", "json"))).encode("ascii")
        return HttpCall(method="POST", path=ROOT + path, content_type=FORM, body=body, headers=self.credentials())

    def _get(self, path: str, fields: Sequence[tuple[str, str]]) -> HttpCall:
        query = encode_form((*self._own(), *fields, ("mocean-resp-format", "json")))
        return HttpCall(method="GET", path=f"{ROOT}{path}?{query}", headers=self.credentials())


def _coding(message: Outgoing) -> str:
    if message.text is None:
        return spec.CODING_8BIT
    return spec.CODING_UCS2 if message.is_unicode else spec.CODING_7BIT


def _receipt(fields: Mapping[str, str]) -> Receipt:
    provider_id = fields.get("mocean-msgid", "").strip('"')
    status = fields["mocean-dlr-status"]
    state = REPORTED.get(int(status)) if status.isascii() and status.isdigit() else None
    if not provider_id or state is None:
        raise BadCallback("a delivery report without mocean-msgid or with an unknown mocean-dlr-status")
    error = fields.get("mocean-error-code", "")
    is_code = error.isascii() and error.isdigit() and len(error) <= 3
    return Receipt(
        group="",
        smsc_message_id=provider_id,
        state=state,
        # "Phone number of the original SMS recipient" stands in mocean-from.
        recipient=digits_of(fields.get("mocean-from", "")),
        sender=digits_of(fields.get("mocean-to", "")),
        error=f"{int(error):03d}" if is_code else "",
        raw=f"dlr-status={status} error-code={error[:16]}",
    )


def _inbound(fields: Mapping[str, str], octets: Mapping[str, bytes]) -> Inbound:
    text = fields["mocean-text"]
    is_unicode = fields.get("mocean-coding") == spec.CODING_UCS2
    text = _utf16(text) if is_unicode else octets["mocean-text"].decode("utf-8", "replace")
    sender = digits_of(fields.get("mocean-from", ""))
    recipient = digits_of(fields.get("mocean-to", ""))
    if not sender or not recipient:
        raise BadCallback("a message without mocean-from or mocean-to")
    return Inbound(
        id="",
        account="",
        sender=sender,
        recipient=recipient,
        text=text,
        received_at=_moment(fields.get("mocean-time", "")),
    )


def _utf16(text: str) -> str:
    """The provider's own classes read UTF-16 in hex; what is no such thing is taken as it is."""
    try:
        return bytes.fromhex(text).decode("utf-16-be") if text and len(text) % 4 == 0 else text
    except (ValueError, UnicodeDecodeError):
        return text


def _moment(written: str) -> float:
    try:
        return datetime.strptime(written, spec.TIME_FORMAT).replace(tzinfo=spec.MALAYSIA_TIME).timestamp()
    except (ValueError, OverflowError):
        return 0.0
