"""Lanck beyond messages: push, Viber and RCS, calls that speak or show a code, and its insight into numbers."""

import json
from collections.abc import Callable
from typing import Any, Final

from gateway.providers.base import WebRequest
from gateway.providers.connecting import Answered, HttpCall, HttpReply
from gateway.providers.forms import encode_form
from gateway.providers.lanck import spec
from gateway.providers.outcomes import json_object, text_at, with_plus
from gateway.providers.ports import NetworkInfo
from gateway.providers.reaching import failed, network, padded_network, refused, strings
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, ChannelState, LookupFailed

FORM: Final = "application/x-www-form-urlencoded"
MESSAGING: Final = frozenset({"push", "viber", "rcs"})
CALLED_OUT: Final = frozenset({"flash_call", "missed_call"})
OWN_FIELDS: Final = (
    "title",
    "buttonCaption",
    "buttonActionUrl",
    "imageUrl",
    "target",
    "ttl",
    "priority",
    "collapseKey",
    "android",
    "ios",
)
"""Of messages over other channels."""

STATES: Final = {
    "SENT": ChannelState.SENT,
    "DELIVERED": ChannelState.DELIVERED,
    "ANSWERED": ChannelState.DELIVERED,
    "READ": ChannelState.READ,
    "UNDELIVERED": ChannelState.FAILED,
    "REJECTED": ChannelState.FAILED,
}

Refusal = Callable[[dict[str, Any], HttpReply], Answered]


class LanckReach:
    """Its ways (gateway.providers.reaching.Reach)."""

    channels = MESSAGING | CALLED_OUT | {"voice"}
    methods = frozenset({"hlr", "fraud"})

    def __init__(self, headers: tuple[tuple[str, str], ...], refusal: Refusal) -> None:
        self._headers = headers
        self._refusal = refusal

    def order(self, order: ChannelOrder, callback_url: str) -> HttpCall:
        """POST /messaging/…, /calls/…."""
        fields: dict[str, Any] = {"number": with_plus(order.number)}
        if order.channel in MESSAGING:
            path = f"/messaging/{order.channel}"
            fields |= {"text": order.text, **strings(order.fields, OWN_FIELDS)}
        elif order.channel in CALLED_OUT:
            path = "/calls/flash"
            if len(order.code) in spec.CODE_LENGTHS:
                fields["code"] = order.code
        elif 4 <= len(order.code) <= 6 and order.code.isdigit():
            path = "/calls/p2s"
            fields |= {"code": order.code, "language": _language(order.language, spec.LANGUAGES)}
        else:
            path = "/calls/t2s"
            fields |= {"text": order.text, "language": _language(order.language, spec.SPEECH_LANGUAGES)}
        if order.sender and order.channel in {"viber", "voice"}:
            fields["from"] = order.sender
        if callback_url:
            fields[spec.CALLBACK_FIELD] = callback_url
        return self._post(path, fields)

    def ordered(self, order: ChannelOrder, reply: HttpReply) -> ChannelSent:
        """The request's id; of a flash call, the number it comes from as well."""
        content = json_object(reply.body)
        reference = text_at(content, "requestId")
        if not (200 <= reply.status < 300 and reference):
            raise refused(self._refusal(content, reply))
        caller = text_at(content, "from").removeprefix("+")
        if order.channel not in CALLED_OUT:
            return ChannelSent(reference=reference)
        length = len(order.code) or spec.DEFAULT_CODE_LENGTH
        if len(caller) < length or not caller.isdigit():
            raise ChannelRefused("the number of the call is not told, and the code is its end", in_doubt=True)
        return ChannelSent(reference=reference, code=caller[-length:], extra={"from": caller})

    def channel_state(self, request: WebRequest) -> ChannelState | None:
        """Read a callback."""
        return STATES.get(text_at(json_object(request.body), "status").upper())

    def look_up(self, number: str, method: str) -> HttpCall:
        """GET /insight/hlr, POST /insight/fraudcheck."""
        if method == "fraud":
            return self._post("/insight/fraudcheck", {"number": with_plus(number)})
        query = encode_form([("number", with_plus(number))])
        return HttpCall(method="GET", path=f"{spec.VERSION}/insight/hlr?{query}", headers=self._headers)

    def looked_up(self, number: str, method: str, reply: HttpReply) -> NetworkInfo:
        """Read either answer."""
        content = json_object(reply.body)
        status = text_at(content, "status").upper()
        if not 200 <= reply.status < 300 or not status:
            raise failed(self._refusal(content, reply))
        if method == "fraud":
            status = spec.FRAUD_STATUSES[-1] if status == spec.FRAUD_STATUS_MISSPELT else status
            if status not in spec.FRAUD_STATUSES:
                raise LookupFailed(f"lanck: an unknown status {status[:32]}")
            return NetworkInfo(id=text_at(content, "id"), number=number, status=status, raw=content)
        mcc, mnc = padded_network(text_at(content, "mccmnc"))
        current = network(name=text_at(content, "network"), country=text_at(content, "country"), mcc=mcc, mnc=mnc)
        ported = content.get("ported")
        return NetworkInfo(
            id=text_at(content, "id"),
            number=number,
            status="rejected" if status == "REJECTED" else "completed",
            is_ported=ported if isinstance(ported, bool) else None,
            is_reachable={"DELIVERED": True, "UNDELIVERED": False}.get(status),
            imsi=text_at(content, "imsi"),
            current_network=current,
            raw=content,
        )

    def _post(self, path: str, fields: dict[str, Any]) -> HttpCall:
        is_flat = all(isinstance(value, str) for value in fields.values())
        body = encode_form(fields.items()) if is_flat else json.dumps(fields, ensure_ascii=False)
        return HttpCall(
            method="POST",
            path=spec.VERSION + path,
            content_type=FORM if is_flat else "application/json",
            body=body.encode(),
            headers=self._headers,
        )


def _language(wanted: str, known: frozenset[str]) -> str:
    language = wanted.partition("-")[0].lower()
    return language if language in known else spec.DEFAULT_LANGUAGE
