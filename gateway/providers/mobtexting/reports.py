"""MOBtexting's callbacks: the delivery report, flat or wrapped, and the message from a handset."""

from typing import Final

from gateway.models import Callback, Inbound, Message
from gateway.providers.json_bodies import JSON, encode
from gateway.providers.mobtexting import answers, spec, webhooks

_MILLION: Final = 1_000_000


def receipt_callback(message: Message) -> Callback | None:
    """The report of a final state."""
    if not message.callback_url or not message.state.is_final:
        return None
    origin = webhooks.origin_of(message.origin)
    zone = origin.zone or "UTC"
    received, ended = message.created_at, message.updated_at
    charged = (message.price - message.refunded) / _MILLION
    content: dict[str, object] = {
        "id": message.id,
        "mobile": message.recipient,
        "status": answers.word_of(message),
        "credits": f"{charged or max(1, message.part_count):.4f}",
        "units": max(1, message.part_count),
        # The names say it the other way round: sent is when the request came, submit when the operator had it.
        "sent_at": str(int(received)),
        "submit_at": str(int(received)),
        "deliv_at": str(int(ended)),
        "sent_time": answers.local_time(received, zone),
        "submit_time": answers.local_time(received, zone),
        "deliv_time": answers.local_time(ended, zone),
        "cid": message.id,
        "custom": message.client_reference,
    }
    if origin.is_wrapped:
        content = {"event": webhooks.STATUS_EVENT, "payload": content}
    return _callback(message.callback_url, content, origin.webhook)


def inbound_callback(inbound: Inbound, url: str) -> Callback:
    """A message from a handset."""
    content = {
        "event": webhooks.INBOUND_EVENT,
        "payload": {
            "id": inbound.id,
            "channels": [{"name": "sms", "to": inbound.recipient.removeprefix("+")}],
            "recipient": {"from": inbound.sender.removeprefix("+")},
            "message": {"type": "text", "payload": {"text": inbound.text}},
            "timestamp": int(inbound.received_at),
        },
    }
    return _callback(url, content, "")


def _callback(url: str, content: object, webhook_id: str) -> Callback:
    body = encode(content)
    headers: tuple[tuple[str, str], ...] = ()
    if webhook_id:
        headers = (("Signature", webhooks.signature(body, webhook_id)), (webhooks.BEARER, webhook_id))
    return Callback(
        id="",
        account="",
        url=url,
        method="POST",
        content_type=JSON,
        body=body,
        headers=headers,
        dialect=spec.NAME,
    )
