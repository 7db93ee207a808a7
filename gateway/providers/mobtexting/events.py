"""What apps hear of besides the reports of their messages: unsubscriptions, messages from handsets, other channels.

Each goes to the webhooks that the account has subscribed to the event; none where there are none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.keywords import keyword_of
from gateway.models import Callback, Inbound
from gateway.providers.mobtexting import subscriptions, webhooks
from gateway.providers.ports import Directory, Entry

UNSUBSCRIBED: Final = "sms:unsubscription"
INBOUND: Final = "vmn:message:in"
UNSUBSCRIBED_TEXT: Final = "Unsubscriber created successfully"


async def unsubscribed(directory: Directory, account: str, shown: Mapping[str, object]) -> list[Callback]:
    """What is owed when a number wants no more.

    Args:
        shown: the entry of the list.
    """
    numbers = (str(shown["receiver"]),)
    hooks = await subscriptions.subscribers(directory, account, UNSUBSCRIBED, numbers=numbers)
    content = {name: shown[name] for name in ("id", "receiver", "type", "value", "created_at")}
    return [_report(hook, {**content, "status": UNSUBSCRIBED_TEXT}, content) for hook in hooks]


async def arrived(directory: Directory, inbound: Inbound) -> list[Callback]:
    """What is owed for a message from a handset."""
    number, keyword = inbound.recipient, keyword_of(inbound.text)
    hooks = await subscriptions.subscribers(directory, inbound.account, INBOUND, numbers=(number,), keyword=keyword)
    content = inbound_event(inbound)
    return [_report(hook, content, content) for hook in hooks]


def inbound_event(inbound: Inbound) -> Mapping[str, object]:
    """A message from a handset as an event."""
    return {
        "event": INBOUND,
        "payload": {
            "id": inbound.id,
            "channels": [{"name": "sms", "to": inbound.recipient.removeprefix("+")}],
            "recipient": {"from": inbound.sender.removeprefix("+")},
            "message": {"type": "text", "payload": {"text": inbound.text}},
            "timestamp": int(inbound.received_at),
        },
    }


async def relayed(
    directory: Directory, account: str, event: str, numbers: Sequence[str], content: Mapping[str, Any]
) -> list[Callback]:
    """What is owed for an event of another channel, which the provider has told us of."""
    payload = content.get("payload")
    keyword = keyword_of(_text_of(payload)) if isinstance(payload, Mapping) else ""
    hooks = await subscriptions.subscribers(directory, account, event, numbers=numbers, keyword=keyword)
    return [_report(hook, content, content) for hook in hooks]


def _text_of(payload: Mapping[str, Any]) -> str:
    message = payload.get("message")
    inner = message.get("payload") if isinstance(message, Mapping) else None
    text = inner.get("text") if isinstance(inner, Mapping) else None
    return text if isinstance(text, str) else ""


def _report(hook: Entry, content: Mapping[str, object], values: Mapping[str, object]) -> Callback:
    flat = _flat(values) if webhooks.composed_of(hook) is not None else None
    return webhooks.report(str(hook.fields.get("uri", "")), hook.name, content, flat)


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """All of an event by the paths that {{variables}} name: payload.status."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
