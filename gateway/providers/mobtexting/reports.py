"""MOBtexting's callbacks: the delivery report, flat or wrapped, and the message from a handset."""

from typing import Final

from gateway.models import Callback, Inbound, Message
from gateway.providers.mobtexting import answers, events, subscriptions, webhooks

_MILLION: Final = 1_000_000


def receipt_callback(message: Message) -> Callback | None:
    """The report of a final state."""
    if not message.callback_url or not message.state.is_final:
        return None
    origin = webhooks.origin_of(message.origin)
    zone = origin.zone or "UTC"
    received, ended = message.created_at, message.updated_at
    charged = (message.price - message.refunded) / _MILLION
    values: dict[str, object] = {
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
    content = {"event": subscriptions.STATUS_EVENT, "payload": values} if origin.is_wrapped else values
    return webhooks.report(message.callback_url, origin.webhook, content, values if origin.is_composed else None)


def inbound_callback(inbound: Inbound, url: str) -> Callback:
    """A message from a handset, to an address that the operator has named."""
    return webhooks.report(url, "", events.inbound_event(inbound))
