"""CheckMobi as a way out: /sms/send for messages, /sms/{id} for what became of them, signed JSON callbacks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from gateway.models import Receipt
from gateway.providers.base import WebRequest
from gateway.providers.carrying import Outgoing, check_is_text
from gateway.providers.checkmobi import spec
from gateway.providers.checkmobi.reach import CheckmobiReach
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
    with_plus,
)
from gateway.providers.reaching import Reach
from smpp.status import CommandStatus as Status

JSON: Final = "application/json"

FAULTS: Final[Mapping[int, Fault]] = {
    1: down(Status.ESME_RINVPASWD),
    2: bad(Status.ESME_RINVDSTADR),
    3: bad(Status.ESME_RINVMSGID),
    4: bad(Status.ESME_RSUBMITFAIL),
    5: down(Status.ESME_RSUBMITFAIL),
    6: down(Status.ESME_RSUBMITFAIL),
    7: bad(Status.ESME_RSUBMITFAIL),
    8: bad(Status.ESME_RSUBMITFAIL),
    9: down(Status.ESME_RSYSERR),
    10: bad(Status.ESME_RSUBMITFAIL),
    11: down(Status.ESME_RSUBMITFAIL),
    12: TOO_FAST,
    13: bad(Status.ESME_RSUBMITFAIL),
    14: later(Status.ESME_RTHROTTLED),
    15: bad(Status.ESME_RSUBMITFAIL),
    16: bad(Status.ESME_RSUBMITFAIL),
    17: bad(Status.ESME_RSUBMITFAIL),
    18: bad(Status.ESME_RSUBMITFAIL),
}
"""What the error codes mean to us; every row of the table has one. 14 is about one number, 12 about all we send."""
NOT_FOUND: Final = 3

_CALLBACK: Final = (spec.CALLBACK_FIELD,)
PASSED: Final = (
    Passed("POST", "/v1/call", _CALLBACK),
    Passed("GET", "/v1/call/{id}"),
    Passed("DELETE", "/v1/call/{id}"),
    Passed("POST", "/v1/validation/request", _CALLBACK),
    Passed("POST", "/v1/validation/verify"),
    Passed("GET", "/v1/validation/status/{id}"),
    Passed("POST", "/v1/validation/remote-config"),
    Passed("GET", "/v1/lookup/verify/{number}"),
    Passed("GET", "/v1/lookup/hlr/{number}"),
    Passed("GET", "/v1/lookup/mnp/{number}"),
    Passed("POST", "/v1/lookup/hlr", _CALLBACK),
    Passed("POST", "/v1/lookup/mnp", _CALLBACK),
    Passed("POST", "/v1/checknumber"),
    Passed("GET", "/v1/countries"),
    Passed("GET", "/v1/prefixes"),
    Passed("GET", "/v1/my-account"),
)


class CheckmobiConnector:
    """The client side (gateway.providers.connecting.Connector)."""

    name = spec.NAME
    root = spec.VERSION
    passed: Sequence[Passed] = PASSED

    def __init__(self, settings: ConnectorSettings) -> None:
        self._settings = settings
        self.reach: Reach = CheckmobiReach(self.credentials(), refused)

    def check(self, message: Outgoing) -> None:
        """Refuse what CheckMobi cannot carry; a message class is left out."""
        check_is_text(message, "CheckMobi")

    def request(self, message: Outgoing) -> HttpCall:
        """POST /sms/send."""
        fields: dict[str, Any] = {
            "from": with_plus(message.sender),
            "to": with_plus(message.recipient),
            "text": message.text,
            "is_transactional": self._settings.is_transactional,
        }
        if message.wants_receipt and message.callback_url:
            fields[spec.CALLBACK_FIELD] = message.callback_url
        return HttpCall(
            method="POST",
            path=f"{spec.VERSION}/sms/send",
            content_type=JSON,
            body=json.dumps(fields, ensure_ascii=False).encode(),
            headers=self.credentials(),
        )

    def result(self, reply: HttpReply) -> Answered:
        """Read the message's id, or an error of the table."""
        content = json_object(reply.body)
        if reply.status == 200 and (provider_id := text_at(content, "id")):
            return accepted(provider_id)
        return refused(content, reply)

    def can_call_back(self, callback_url: str) -> bool:
        """Every request names its own address for reports."""
        return bool(callback_url)

    def poll(self, provider_id: str) -> HttpCall | None:
        """GET /sms/{id}."""
        path = f"{spec.VERSION}/sms/{quote(provider_id, safe='')}"
        return HttpCall(method="GET", path=path, headers=self.credentials())

    def polled(self, provider_id: str, reply: HttpReply) -> Polled:
        """Read the message's status."""
        content = json_object(reply.body)
        if reply.status != 200:
            return Polled(is_over=reply.status == 404 or number_at(content, "code") == NOT_FOUND)
        receipt = _receipt(provider_id, content)
        return Polled(receipt=receipt, is_over=receipt is not None and receipt.state.is_final)

    def callback(self, request: WebRequest) -> CallbackRead:
        """The report of a message; of anything else, a validation, a call, a lookup, it is relayed."""
        self.check_signature(request)
        content = json_object(request.body)
        provider_id = text_at(content, "id")
        if provider_id and "status" in content:
            receipt = _receipt(provider_id, content)
            if receipt is None:
                raise BadCallback("a status that is not in the document")
            return CallbackRead(receipts=(receipt,))
        if "event" in content or "key" in content or "lookup_method" in content:
            return CallbackRead(relay=True, reference=provider_id or text_at(content, "key"))
        raise BadCallback("not a notification of the document's")

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """The bare key."""
        return (("Authorization", self._settings.key.reveal()),)

    def credential_fields(self) -> Mapping[str, str]:
        """None."""
        return {}

    def callback_value(self, relay_url: str) -> str:
        """Calls name addresses."""
        return relay_url

    def references(self, reply: HttpReply) -> Sequence[str]:
        """None: every callback comes to an address of its own."""
        return ()

    def probe(self) -> HttpCall:
        """GET /my-account."""
        return HttpCall(method="GET", path=f"{spec.VERSION}/my-account", headers=self.credentials())

    def probed(self, reply: HttpReply) -> str:
        """Any JSON of success will do."""
        content = json_object(reply.body)
        return "" if reply.status == 200 and content else refused(content, reply).result.error

    def check_signature(self, request: WebRequest) -> None:
        """The body's HMAC, where we know the key."""
        secret = self._settings.signing_secret.reveal()
        if secret and not is_signed(request.body, secret, request.headers.get(spec.SIGNATURE_HEADER, "")):
            raise BadCallback(f"{spec.SIGNATURE_HEADER} is missing or wrong", 401)


def sign(body: bytes, secret: str) -> str:
    """The signature of a body. The document leaves its form open: hexadecimal is what we write."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def is_signed(body: bytes, secret: str, signature: str) -> bool:
    """Whether a signature is right, in hexadecimal or base64."""
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    given = signature.strip().encode("ascii", "replace")
    in_hex, in_base64 = digest.hex().encode(), base64.b64encode(digest)
    return hmac.compare_digest(given.lower(), in_hex) or hmac.compare_digest(given, in_base64)


def refused(content: Mapping[str, Any], reply: HttpReply) -> Answered:
    """What an error says."""
    code = number_at(content, "code")
    if code is None:
        return unread(spec.NAME, reply)
    fault = FAULTS.get(code) or (bad(Status.ESME_RSUBMITFAIL) if reply.status < 500 else later(Status.ESME_RSYSERR))
    return failed(fault, spec.NAME, code, text_at(content, "error"), reply)


def _receipt(provider_id: str, content: Mapping[str, Any]) -> Receipt | None:
    status = text_at(content, "status").lower()
    state = spec.STATES.get(status)
    if state is None:
        return None
    return Receipt(
        group="",
        smsc_message_id=provider_id,
        state=state,
        recipient=digits_of(text_at(content, "to")),
        raw=f"status={status}",
    )
