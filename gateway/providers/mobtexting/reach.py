"""MOBtexting beyond messages: WhatsApp, RCS and Viber, calls that speak, and its look-up."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.providers.base import WebRequest
from gateway.providers.connecting import Answered, HttpCall, HttpReply
from gateway.providers.forms import encode_form
from gateway.providers.mobtexting import spec
from gateway.providers.outcomes import digits_of, json_object, text_at
from gateway.providers.ports import NetworkInfo
from gateway.providers.reaching import failed, network, refused
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, ChannelState, LookupFailed

MESSAGING: Final = frozenset({"whatsapp", "rcs", "viber"})
STATES: Final = {
    "queued": ChannelState.SENT,
    "dispatched": ChannelState.SENT,
    "sent": ChannelState.SENT,
    "delivered": ChannelState.DELIVERED,
    "read": ChannelState.READ,
    "deleted": ChannelState.FAILED,
    "expired": ChannelState.FAILED,
    "failed": ChannelState.FAILED,
    "blacklist": ChannelState.FAILED,
    # Of calls.
    "answer": ChannelState.DELIVERED,
    "completed": ChannelState.DELIVERED,
    "busy": ChannelState.FAILED,
    "noanswer": ChannelState.FAILED,
    "cancel": ChannelState.FAILED,
    "congestion": ChannelState.FAILED,
    "chanunavail": ChannelState.FAILED,
}

Refusal = Callable[[Mapping[str, Any], HttpReply], Answered]


class MobtextingReach:
    """Its ways (gateway.providers.reaching.Reach)."""

    channels = MESSAGING | {"voice"}
    methods = frozenset({"hlr", "mnp"})

    def __init__(self, headers: tuple[tuple[str, str], ...], refusal: Refusal) -> None:
        self._headers = headers
        self._refusal = refusal

    def order(self, order: ChannelOrder, callback_url: str) -> HttpCall:
        """POST {channel}/message/send, outgoing/tts."""
        if not order.sender:
            raise ChannelRefused(f"MOBtexting needs a sender for {order.channel}")
        if order.channel == "voice":
            fields: dict[str, Any] = {"bridge": order.sender, "to": order.number, "text": order.text}
            if "options" in order.fields:
                fields["options"] = order.fields["options"]
            return self._post("outgoing/tts", fields)
        message = order.fields.get("message") or {"type": "text", "payload": {"text": order.text}}
        channel = {"name": order.channel, "from": order.sender, "meta": {"foreign_id": order.id}}
        return self._post(
            f"{order.channel}/message/send",
            {"channels": [channel], "recipient": {"to": [order.number]}, "message": message},
        )

    def ordered(self, order: ChannelOrder, reply: HttpReply) -> ChannelSent:
        """The id of the message or the call."""
        content = json_object(reply.body)
        rows = content.get("data")
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        reference = text_at(row, "id") or text_at(content, "callId")
        if not 200 <= reply.status < 300 or not reference:
            raise refused(self._refusal(content, reply))
        if STATES.get(text_at(row, "status").lower()) is ChannelState.FAILED:
            raise ChannelRefused(f"mobtexting: {text_at(row, 'status')[:32]}")
        return ChannelSent(reference=reference)

    def channel_state(self, request: WebRequest) -> ChannelState | None:
        """Read a status, in an event or flat."""
        content = json_object(request.body)
        payload = content.get("payload", content)
        return STATES.get(text_at(payload, "status").lower()) if isinstance(payload, dict) else None

    def look_up(self, number: str, method: str) -> HttpCall:
        """POST lookup/verify."""
        return HttpCall(
            method="POST",
            path=f"{spec.VERSION}/lookup/verify",
            content_type="application/x-www-form-urlencoded",
            body=encode_form([("to", number)]).encode("ascii"),
            headers=self._headers,
        )

    def looked_up(self, number: str, method: str, reply: HttpReply) -> NetworkInfo:
        """Read the number's row."""
        content = json_object(reply.body)
        rows = content.get("data")
        if not 200 <= reply.status < 300 or not isinstance(rows, list):
            raise failed(self._refusal(content, reply))
        row = next((row for row in rows if isinstance(row, dict) and digits_of(text_at(row, "phone")) == number), None)
        if row is None:
            raise LookupFailed("mobtexting: an answer about other numbers")
        ported = row.get("ported")
        is_done = text_at(row, "status").upper() == "SUCCESS"
        both = text_at(row, "mcc_mnc")
        current = _network(row.get("ported_network")) if ported else _network(row.get("original_network"))
        return NetworkInfo(
            id=text_at(row, "id"),
            number=number,
            status="completed" if is_done else "failed",
            is_ported=bool(ported) if isinstance(ported, bool | int) else None,
            is_reachable=True if is_done and text_at(row, "imsi") else None,
            imsi=text_at(row, "imsi"),
            original_network=_network(row.get("original_network")),
            current_network={**current, **network(name="", country="", mcc=both[:3], mnc=both[3:])},
            raw=row,
        )

    def _post(self, path: str, fields: Mapping[str, Any]) -> HttpCall:
        return HttpCall(
            method="POST",
            path=f"{spec.VERSION}/{path}",
            content_type="application/json",
            body=json.dumps(fields, ensure_ascii=False).encode(),
            headers=self._headers,
        )


def _network(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return network(name=text_at(value, "network_name"), country=text_at(value, "country_name"), mcc="", mnc="")
