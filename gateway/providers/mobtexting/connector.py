"""MOBtexting as a way out: sms/send for messages, sms/status for what became of them, its webhooks for the rest."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gateway.models import Inbound, Receipt, State
from gateway.providers.base import WebAnswer, WebRequest
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
from gateway.providers.mobtexting import spec
from gateway.providers.mobtexting.endpoints import ALSO_PASSED, DOCUMENTED
from gateway.providers.mobtexting.reach import MobtextingReach
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
from gateway.providers.seams import ProviderEvent
from smpp.status import CommandStatus as Status

JSON: Final = "application/json"

FAULT_WORDS: Final[Mapping[str, Fault]] = {
    "INV-NUMBER": bad(Status.ESME_RINVDSTADR),
    "INVALID-SUB": bad(Status.ESME_RINVDSTADR),
    "DNDNUMB": bad(Status.ESME_RINVDSTADR),
    "BLACKLST": bad(Status.ESME_RINVDSTADR),
    "NOT-OPTIN": bad(Status.ESME_RINVDSTADR),
    "OPTOUT-REJ": bad(Status.ESME_RINVDSTADR),
    "NOTALLOWED": bad(Status.ESME_RINVDSTADR),
    "INV-SENDER": bad(Status.ESME_RINVSRCADR),
    "SNDR-BLOCK": bad(Status.ESME_RINVSRCADR),
    "INV-PROVISION": bad(Status.ESME_RINVSRCADR),
    "INV-SCHEDULE": bad(Status.ESME_RINVSCHED),
    "INV-SERVICE": down(Status.ESME_RINVSERTYP),
    "NO-CREDITS": down(Status.ESME_RSUBMITFAIL),
    "NO-ACCOUNT": down(Status.ESME_RINVSYSID),
    "THROTTLED": TOO_FAST,
    "SERVER-ERR": later(Status.ESME_RSYSERR),
}
"""What the status of a receiver that was not taken means to us; other words of a refusal are a plain refusal."""

_WORDS: Final = frozenset(row.word for row in spec.DLR_STATUSES.values())
_CODES: Final[Mapping[str, str]] = {row.word: code for code, row in reversed(list(spec.DLR_STATUSES.items()))}
"""The first code of each word."""

_WEBHOOK: Final = ("webhook_id",)
PASSED: Final = tuple(
    Passed(row.method, row.path, _WEBHOOK if row.method == "POST" else ())
    for row in (*DOCUMENTED, *ALSO_PASSED)
    if row.served == "pass" or row.path.startswith("/api/v2/verify/")
)


class MobtextingConnector:
    """The client side (gateway.providers.connecting.Connector)."""

    name = spec.NAME
    root = spec.VERSION
    passed: Sequence[Passed] = PASSED

    def __init__(self, settings: ConnectorSettings) -> None:
        self._settings = settings
        self.reach: Reach = MobtextingReach(self.credentials(), _refused)

    # --- messages ---

    def check(self, message: Outgoing) -> None:
        """Refuse what MOBtexting cannot carry: of headers it knows the application port alone."""
        check_is_text(message, "MOBtexting", carries_ports=True)

    def request(self, message: Outgoing) -> HttpCall:
        """POST sms/send."""
        fields: dict[str, Any] = {
            "sender": message.sender,
            "to": [message.recipient],
            "message": message.text,
            "service": self._settings.service,
            "type": spec.TYPE_UNICODE if message.is_unicode else spec.TYPE_NORMAL,
            # Echoed in reports: how many parts of our customer's it stands for goes with it.
            "custom": f"{message.reference}/{message.parts}",
        }
        if message.message_class == 0:
            fields["flash"] = 1
        if message.port is not None:
            fields["port"] = str(message.port)
        for name, tag in (("entity_id", spec.ENTITY_ID_TAG), ("template_id", spec.TEMPLATE_ID_TAG)):
            written = dict(message.tlvs).get(tag)
            if written:
                fields[name] = written.decode("latin-1").strip("\0 ")
        if message.wants_receipt and message.callback_url and self._settings.webhook_id:
            fields["webhook_id"] = self._settings.webhook_id
        return HttpCall(
            method="POST",
            path=f"{spec.VERSION}/sms/send",
            content_type=JSON,
            body=json.dumps(fields, ensure_ascii=False).encode(),
            headers=self.credentials(),
        )

    def result(self, reply: HttpReply) -> Answered:
        """Read what became of the one receiver, or of the request as a whole."""
        content = json_object(reply.body)
        if not 200 <= reply.status < 300 or not content:
            return _refused(content, reply)
        rows = content.get("data")
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        word = text_at(row, "status").upper()
        if word in FAULT_WORDS or _is_rejection(word):
            fault = FAULT_WORDS.get(word) or bad(Status.ESME_RSUBMITFAIL)
            return failed(fault, spec.NAME, _CODES.get(word, ""), word, reply)
        if provider_id := text_at(row, "id"):
            return accepted(provider_id)
        if text_at(content, "status") not in ("", "200", "OK"):
            return failed(bad(Status.ESME_RSUBMITFAIL), spec.NAME, "error", text_at(content, "message"), reply)
        return unread(spec.NAME, reply)

    def can_call_back(self, callback_url: str) -> bool:
        """Reports come where a webhook of theirs leads to us."""
        return bool(callback_url and self._settings.webhook_id)

    def poll(self, provider_id: str) -> HttpCall | None:
        """GET sms/status."""
        path = f"{spec.VERSION}/sms/status?{encode_form([('id', provider_id)])}"
        return HttpCall(method="GET", path=path, headers=self.credentials())

    def polled(self, provider_id: str, reply: HttpReply) -> Polled:
        """Read the message's row."""
        rows = json_object(reply.body).get("data")
        if not 200 <= reply.status < 300 or not isinstance(rows, list):
            return Polled(is_over=reply.status == 404)
        for row in rows:
            if isinstance(row, dict) and text_at(row, "id") == provider_id:
                receipt = _receipt(row)
                return Polled(receipt=receipt, is_over=receipt is not None and receipt.state.is_final)
        return Polled()

    def callback(self, request: WebRequest) -> CallbackRead:
        """A delivery report, flat or in an event; a message from a handset; the challenge of a new webhook."""
        self.check_signature(request)
        content = json_object(request.body)
        if "challenge" in content:
            answer = json.dumps({"challenge": content["challenge"]}).encode()
            return CallbackRead(answer=WebAnswer(status=200, content_type=JSON, body=answer))
        event = text_at(content, "event")
        payload = content.get("payload", content)
        if not isinstance(payload, dict):
            raise BadCallback("the payload is no object")
        if event == "vmn:message:in":
            return CallbackRead(inbound=(_inbound(payload),))
        if event == "sms:message:status" or (not event and "mobile" in payload and "status" in payload):
            receipt = _receipt(payload)
            if receipt is None:
                raise BadCallback("a report without id or status")
            return CallbackRead(receipts=(receipt,), parts=_parts(text_at(payload, "custom", "customid")))
        if event in spec.EVENTS or not event:
            reference = text_at(payload, "id", "callId", "mid", "receiver")
            if reference:
                return CallbackRead(relay=True, reference=reference, event=_event(event, content, payload))
        raise BadCallback("an event that is not in the document")

    # --- what else it does ---

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """A bearer token."""
        return (("Authorization", f"Bearer {self._settings.token.reveal()}"),)

    def credential_fields(self) -> Mapping[str, str]:
        """The token may stand in a field too: the header says enough."""
        return {"access_token": ""}

    def callback_value(self, relay_url: str) -> str:
        """Their webhook that leads to us: calls name webhooks, not addresses."""
        return self._settings.webhook_id

    def references(self, reply: HttpReply) -> Sequence[str]:
        """The ids of what was queued, which its reports bear."""
        content = json_object(reply.body)
        rows = content.get("data")
        found: Iterable[Any] = rows if isinstance(rows, list) else (rows,)
        ids = [text_at(row, "id") for row in found if isinstance(row, dict)]
        return [one for one in (*ids, text_at(content, "callId", "id")) if one]

    def probe(self) -> HttpCall:
        """GET finance/balance."""
        return HttpCall(method="GET", path=f"{spec.VERSION}/finance/balance", headers=self.credentials())

    def probed(self, reply: HttpReply) -> str:
        """Any JSON of success will do."""
        content = json_object(reply.body)
        return "" if 200 <= reply.status < 300 and content else _refused(content, reply).result.error

    def check_signature(self, request: WebRequest) -> None:
        """The secret as a bearer token, or a signature made with it or, as documented, with the webhook's id."""
        secret = self._settings.signing_secret.reveal()
        if not secret:
            return
        bearer = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if hmac.compare_digest(bearer, f"Bearer {secret}".encode()):
            return
        signature = request.headers.get("Signature", "").strip().lower().encode("utf-8", "replace")
        for key in (secret, self._settings.webhook_id):
            if key and hmac.compare_digest(signature, sign(request.body, key).encode()):
                return
        raise BadCallback("neither the secret nor a signature", 401)


def sign(body: bytes, key: str) -> str:
    """The signature of a body. The algorithm is not written down; this is what webhook servers of its kind use."""
    return hmac.digest(key.encode(), body, hashlib.sha256).hex()


def state_of(word: str) -> State | None:
    """What a delivery word means; None where there is none.

    A word that nobody has written down ends nothing: a final one may follow.
    """
    if word in spec.STATES:
        return spec.STATES[word]
    if _is_rejection(word):
        return State.REJECTED
    if word in _WORDS or word in spec.PULL_STATUSES:
        return State.ENROUTE if word in spec.WAITING_WORDS else State.UNDELIVERABLE
    return State.ENROUTE if word else None


def _is_rejection(word: str) -> bool:
    return word in spec.REJECTED_WORDS or word.startswith(spec.DLT_PREFIX)


def _refused(content: Mapping[str, Any], reply: HttpReply) -> Answered:
    """What an error says; its body, where there is one, tells the field."""
    text = text_at(content, "message")
    if reply.status == 422:
        errors = content.get("errors")
        fields = {str(name).partition(".")[0] for name in errors} if isinstance(errors, dict) else set[str]()
        status = Status.ESME_RSUBMITFAIL
        if fields & {"to", "mobile", "number"}:
            status = Status.ESME_RINVDSTADR
        elif fields & {"sender", "from"}:
            status = Status.ESME_RINVSRCADR
        return failed(bad(status), spec.NAME, 422, text, reply)
    if reply.status == 429:
        return failed(TOO_FAST, spec.NAME, 429, text, reply)
    if reply.status in (401, 403):
        return failed(down(Status.ESME_RINVPASWD), spec.NAME, reply.status, text, reply)
    if 400 <= reply.status < 500 and text:
        return failed(bad(Status.ESME_RSUBMITFAIL), spec.NAME, reply.status, text, reply)
    return unread(spec.NAME, reply)


def _event(name: str, content: Mapping[str, Any], payload: Mapping[str, Any]) -> ProviderEvent | None:
    """What whoever subscribed to it is told; those that are flat do not say of which kind they are."""
    if not name:
        return None
    channels = payload.get("channels")
    came_to = [text_at(one, "to") for one in channels if isinstance(one, dict)] if isinstance(channels, list) else []
    numbers = tuple(digits_of(one) or one for one in (*came_to, text_at(payload, "from", "bridge")) if one)
    return ProviderEvent(name=name, numbers=numbers, content=content)


def _receipt(row: Mapping[str, Any]) -> Receipt | None:
    provider_id, word = text_at(row, "id"), text_at(row, "status").upper()
    state = state_of(word)
    if not provider_id or state is None:
        return None
    done_at = number_at(row, "deliv_at")
    return Receipt(
        group="",
        smsc_message_id=provider_id,
        state=state,
        recipient=digits_of(text_at(row, "mobile")),
        error=_CODES.get(word, "") if state.is_final and state is not State.DELIVERED else "",
        done_at=float(done_at) if done_at else None,
        raw=f"status={word[:32]}",
    )


def _inbound(payload: Mapping[str, Any]) -> Inbound:
    channels, recipient, message = payload.get("channels"), payload.get("recipient"), payload.get("message")
    channel = channels[0] if isinstance(channels, list) and channels and isinstance(channels[0], dict) else {}
    content = message.get("payload") if isinstance(message, dict) else None
    text = content.get("text") if isinstance(content, dict) else None
    sender = digits_of(text_at(recipient, "from")) if isinstance(recipient, dict) else ""
    number = digits_of(text_at(channel, "to"))
    if not sender or not number or not isinstance(text, str):
        raise BadCallback("a message without sender, number or text")
    received_at = number_at(payload, "timestamp")
    return Inbound(
        id=text_at(payload, "id"),
        account="",
        sender=sender,
        recipient=number,
        text=text,
        received_at=float(received_at) if received_at else 0.0,
    )


def _parts(custom: str) -> int:
    """How many parts our own `custom` speaks of."""
    count = custom.rpartition("/")[2]
    return int(count) if count.isascii() and count.isdigit() and 1 <= int(count[:4]) <= 255 else 1
