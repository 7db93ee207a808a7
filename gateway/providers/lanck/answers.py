"""Lanck's answers and callbacks: JSON, numbers with their plus sign, moments in seconds or milliseconds."""

from collections.abc import Mapping
from typing import Final

from gateway.models import Callback, Inbound, Message, State
from gateway.providers.base import WebAnswer
from gateway.providers.json_bodies import JSON, encode
from gateway.providers.lanck import spec
from gateway.providers.ports import Flow
from gateway.providers.seams import VerifyEvent
from gateway.providers.verifying import Verification, VerifyStatus

_TYPE: Final = "application/json; charset=utf-8"

SENT: Final = "SENT"
UNDELIVERED: Final = "UNDELIVERED"
REJECTED: Final = "REJECTED"
DELIVERED: Final = "DELIVERED"
WAITING: Final = "PROCESSING"
"""Of a request that has not left yet: the document shows no word for it, and says that its list is not all."""

STATUS_BY_STATE: Final[Mapping[State, str]] = {
    State.ACCEPTED: WAITING,
    State.SCHEDULED: WAITING,
    State.QUEUED: WAITING,
    State.SENDING: WAITING,
    State.IN_DOUBT: WAITING,
    State.SUBMITTED: SENT,
    State.ENROUTE: SENT,
    State.DELIVERED: DELIVERED,
    State.EXPIRED: UNDELIVERED,
    State.DELETED: UNDELIVERED,
    State.UNDELIVERABLE: UNDELIVERED,
    State.UNKNOWN: UNDELIVERED,
    State.REJECTED: REJECTED,
    State.FAILED: REJECTED,
}

STATUS_OF_VERIFY_EVENT: Final[Mapping[VerifyEvent, str]] = {
    VerifyEvent.SENT: SENT,
    VerifyEvent.DELIVERED: DELIVERED,
    VerifyEvent.UNDELIVERED: UNDELIVERED,
}
"""Callbacks tell what became of the transport; that a code was right is the caller's own knowledge."""

STATUS_OF_FLOW: Final[Mapping[str, str]] = {
    "processing": WAITING,
    "sent": SENT,
    "delivered": DELIVERED,
    "undelivered": UNDELIVERED,
    "rejected": REJECTED,
}


def done(content: Mapping[str, object]) -> WebAnswer:
    """A request that was carried out."""
    return WebAnswer(status=200, content_type=_TYPE, body=encode(content))


def refused(code: int, *, http_status: int = 0, retry_after: float = 0.0) -> WebAnswer:
    """A row of the error table."""
    error = spec.ERRORS[code]
    body = encode({"errorCode": code, "errorReason": error.reason})
    headers = (("Retry-After", str(max(1, round(retry_after)))),) if retry_after else ()
    if code == 1:
        headers = (*headers, ("WWW-Authenticate", 'Basic realm="api"'))
    return WebAnswer(status=http_status or error.http_status, content_type=_TYPE, body=body, headers=headers)


def with_plus(number: str) -> str:
    """A number as answers write it."""
    return "+" + number


def receipt_callback(message: Message) -> Callback | None:
    """What became of a message; nothing before it left."""
    status = STATUS_BY_STATE[message.state]
    if status == WAITING or not message.callback_url:
        return None
    # The network was looked up when the message came: it is what the door keeps with it.
    return _report(message.callback_url, message.id, message.recipient, message.origin, status, message.updated_at)


def verification_callback(verification: Verification, event: VerifyEvent, at: float) -> Callback | None:
    """What became of a code on its way."""
    status = STATUS_OF_VERIFY_EVENT.get(event)
    if status is None or not verification.callback_url:
        return None
    network = verification.extra.get("mccmnc", "")
    return _report(verification.callback_url, verification.id, verification.number, network, status, at)


def flow_callback(flow: Flow) -> Callback | None:
    """What became of a flow as a whole."""
    status = STATUS_OF_FLOW.get(flow.status, WAITING)
    if status == WAITING or not flow.callback_url:
        return None
    return _report(flow.callback_url, flow.id, flow.number, "", status, flow.updated_at)


def _report(url: str, request_id: str, number: str, network: str, status: str, at: float) -> Callback:
    body = encode(
        {
            "requestId": request_id,
            "number": with_plus(number),
            "mccmnc": network,
            "status": status,
            "timestamp": int(at),
        }
    )
    return Callback(id="", account="", url=url, method="POST", content_type=JSON, body=body, dialect=spec.NAME)


def inbound_callback(inbound: Inbound, url: str) -> Callback:
    """A message from a handset; here numbers have no plus sign."""
    body = encode(
        {
            "from": inbound.sender.removeprefix("+"),
            "to": inbound.recipient.removeprefix("+"),
            "messageId": inbound.id,
            "text": inbound.text,
            "timestamp": int(inbound.received_at),
            "parts": 1,
        }
    )
    return Callback(
        id="", account=inbound.account, url=url, method="POST", content_type=JSON, body=body, dialect=spec.NAME
    )


def verify_status(status: VerifyStatus) -> str:
    """`status` of /verify/info; the document's clients know the first two."""
    if status in (VerifyStatus.PENDING, VerifyStatus.UNDELIVERED):
        return "processing"
    return status.value
