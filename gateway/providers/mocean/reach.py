"""Mocean beyond messages: calls that speak, WhatsApp, Telegram, and number look-up."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.providers.base import WebRequest
from gateway.providers.connecting import Answered, HttpCall, HttpReply
from gateway.providers.mocean import spec
from gateway.providers.outcomes import json_object, number_at, text_at
from gateway.providers.ports import NetworkInfo
from gateway.providers.reaching import failed, network, refused
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, ChannelState

STATES: Final = {
    "sent": ChannelState.SENT,
    "delivered": ChannelState.DELIVERED,
    "read": ChannelState.READ,
    "failed": ChannelState.FAILED,
}
DEFAULT_LANGUAGE: Final = "en-US"
PORTED: Final = {"ported": True, "not_ported": False}
REACHABLE: Final = {"reachable": True, "unreachable": False}

Refusal = Callable[[HttpReply], Answered]
Post = Callable[[str, Sequence[tuple[str, str]]], HttpCall]


class MoceanReach:
    """Its ways (gateway.providers.reaching.Reach)."""

    channels = frozenset({"voice", "whatsapp", "telegram"})
    methods = frozenset({"hlr", "mnp"})

    def __init__(
        self, own: Mapping[str, str], headers: tuple[tuple[str, str], ...], post: Post, refusal: Refusal
    ) -> None:
        self._own = own
        self._headers = headers
        self._post = post
        self._refusal = refusal

    def order(self, order: ChannelOrder, callback_url: str) -> HttpCall:
        """POST /voice/dial, /send-message or /send-message/whatsapp."""
        if order.channel == "voice":
            command = [{"action": "say", "language": _language(order.language), "text": order.text}]
            fields = [("mocean-to", order.number), ("mocean-command", json.dumps(command, ensure_ascii=False))]
            if order.sender.isdigit():
                fields.append(("mocean-from", order.sender))
            return self._post("/voice/dial", _with_event(fields, callback_url))
        if not order.sender:
            raise ChannelRefused(f"Mocean needs a sender for {order.channel}")
        if order.channel == "telegram":
            telegram = {
                "action": "send-telegram",
                "from": {"type": "bot_username", "id": order.sender},
                "to": {"type": "chat_id", "id": order.number},
                "content": {"type": "text", "text": order.text},
            }
            fields = [("mocean-command", json.dumps([telegram], ensure_ascii=False))]
            return self._post("/send-message", _with_event(fields, callback_url))
        content: object = order.fields.get("mocean-content") or {"type": "text", "text": order.text}
        body: dict[str, Any] = {
            **self._own,
            "mocean-from": order.sender,
            "mocean-to": order.number,
            "mocean-content": content,
        }
        if callback_url:
            body["mocean-event-url"] = callback_url
        return HttpCall(
            method="POST",
            path="/rest/2/send-message/whatsapp",
            content_type="application/json",
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers=self._headers,
        )

    def ordered(self, order: ChannelOrder, reply: HttpReply) -> ChannelSent:
        """The id of the call or the message."""
        content = json_object(reply.body)
        calls = content.get("calls")
        first = calls[0] if isinstance(calls, list) and calls and isinstance(calls[0], dict) else content
        reference = text_at(first, "call_uuid", "message_id", "session_uuid")
        if number_at(first, "status") != spec.OK or not reference:
            raise refused(self._refusal(reply))
        return ChannelSent(reference=reference)

    def channel_state(self, request: WebRequest) -> ChannelState | None:
        """Read WhatsApp's delivery status; what a call's event says is written down nowhere."""
        data = json_object(request.body).get("event_data")
        return STATES.get(text_at(data, "meta_delivery_status").lower()) if isinstance(data, dict) else None

    def look_up(self, number: str, method: str) -> HttpCall:
        """POST /nl, answered at once."""
        return self._post("/nl", [("mocean-to", number)])

    def looked_up(self, number: str, method: str, reply: HttpReply) -> NetworkInfo:
        """Read it."""
        content = json_object(reply.body)
        if number_at(content, "status") != spec.OK:
            raise failed(self._refusal(reply))
        return NetworkInfo(
            id=text_at(content, "msgid"),
            number=number,
            status="completed",
            is_ported=PORTED.get(text_at(content, "ported").lower()),
            is_reachable=REACHABLE.get(text_at(content, "reachable").lower()),
            original_network=_network(content.get("original_carrier")),
            current_network=_network(content.get("current_carrier")),
            raw=content,
        )


def _with_event(fields: list[tuple[str, str]], callback_url: str) -> list[tuple[str, str]]:
    return [*fields, ("mocean-event-url", callback_url)] if callback_url else fields


def _network(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    found = network(
        name=text_at(value, "name"),
        country=text_at(value, "country"),
        mcc=text_at(value, "mcc"),
        mnc=text_at(value, "mnc"),
    )
    code = text_at(value, "network_code")
    return {**found, "network_code": code} if code else found


def _language(language: str) -> str:
    return language if "-" in language else DEFAULT_LANGUAGE
