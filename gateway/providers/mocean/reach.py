"""Mocean beyond messages: calls that speak, WhatsApp, Telegram, codes by e-mail, and number look-up.

There is no call that sends any e-mail, only one that sends a code: Mocean makes it, and is asked whether one is right.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.providers.base import WebRequest
from gateway.providers.connecting import Answered, HttpCall, HttpReply
from gateway.providers.mocean import spec
from gateway.providers.outcomes import json_object, number_at, text_at
from gateway.providers.ports import NetworkInfo
from gateway.providers.reaching import failed, network, refused
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, ChannelState, Compared

STATES: Final = {
    "sent": ChannelState.SENT,
    "delivered": ChannelState.DELIVERED,
    "read": ChannelState.READ,
    "failed": ChannelState.FAILED,
}
CODE_LENGTHS: Final = (4, 6)
VALIDITY_SECONDS: Final = range(60, 3_601)
COMPARED: Final[Mapping[int | None, Compared]] = {
    0: Compared.RIGHT,
    15: Compared.TOO_MANY,
    16: Compared.WRONG,
    17: Compared.EXPIRED,
}
"""What the statuses of /verify/check say of a code."""
DEFAULT_LANGUAGE: Final = "en-US"
PORTED: Final = {"ported": True, "not_ported": False}
REACHABLE: Final = {"reachable": True, "unreachable": False}

Refusal = Callable[[HttpReply], Answered]
Post = Callable[[str, Sequence[tuple[str, str]]], HttpCall]


class MoceanReach:
    """Its ways (gateway.providers.reaching.Reach)."""

    channels = frozenset({"voice", "whatsapp", "telegram", "email"})
    kept = frozenset({"email"})
    methods = frozenset({"hlr", "mnp"})

    def __init__(
        self, own: Mapping[str, str], headers: tuple[tuple[str, str], ...], post: Post, refusal: Refusal
    ) -> None:
        self._own = own
        self._headers = headers
        self._post = post
        self._refusal = refusal

    def order(self, order: ChannelOrder, callback_url: str) -> HttpCall:
        """POST /voice/dial, /send-message, /send-message/whatsapp or /verify/req/email."""
        if order.channel == "email":
            return self._email(order)
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
        reference = text_at(first, "reqid", "call_uuid", "message_id", "session_uuid")
        if number_at(first, "status") != spec.OK or not reference:
            raise refused(self._refusal(reply))
        return ChannelSent(reference=reference)

    def compare(self, channel: str, reference: str, code: str, fields: Mapping[str, str]) -> HttpCall:
        """POST /verify/check."""
        return self._post("/verify/check", [("mocean-reqid", reference), ("mocean-code", code)])

    def compared(self, channel: str, reply: HttpReply) -> Compared:
        """Read its status."""
        outcome = COMPARED.get(number_at(json_object(reply.body), "status"))
        if outcome is None:
            raise refused(self._refusal(reply))
        return outcome

    def _email(self, order: ChannelOrder) -> HttpCall:
        if order.is_own_code or len(order.code) not in CODE_LENGTHS or not order.brand or "@" not in order.number:
            raise ChannelRefused("Mocean's e-mails need an address and a brand, and have four or six digits of its own")
        fields = [
            ("mocean-to", order.number),
            ("mocean-brand", order.brand),
            ("mocean-code-length", str(len(order.code))),
        ]
        if order.validity_seconds in VALIDITY_SECONDS:
            fields.append(("mocean-pin-validity", str(order.validity_seconds)))
        return self._post("/verify/req/email", fields)

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
