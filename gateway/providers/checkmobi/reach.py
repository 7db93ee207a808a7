"""CheckMobi beyond messages: calls that speak, missed calls, and look-ups in networks.

Which number a missed call comes from is told to nobody before the reader sees it, so that no code of ours can be in it:
the provider keeps the pin, and is asked whether one is right.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from gateway.providers.base import WebRequest
from gateway.providers.checkmobi import spec
from gateway.providers.connecting import Answered, HttpCall, HttpReply
from gateway.providers.outcomes import json_object, number_at, text_at, with_plus
from gateway.providers.ports import NetworkInfo
from gateway.providers.reaching import failed, network, refused
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, ChannelState, Compared

DEFAULT_VOICE: Final = "en-US"
SPOKEN_TIMES: Final = 2
MISSED_CALLS: Final = frozenset({"flash_call", "missed_call"})
PIN_LENGTH: Final = 4
"""The end of the number that calls."""
COMPARED: Final[Mapping[int, Compared]] = {3: Compared.EXPIRED, 15: Compared.TOO_MANY, 16: Compared.EXPIRED}
"""What its errors say of a pin; 3: it does not know the validation."""

Refusal = Callable[[Mapping[str, Any], HttpReply], Answered]


class CheckmobiReach:
    """Its ways (gateway.providers.reaching.Reach)."""

    channels = MISSED_CALLS | {"voice"}
    kept = MISSED_CALLS
    methods = frozenset({"hlr", "mnp"})

    def __init__(self, headers: tuple[tuple[str, str], ...], refusal: Refusal) -> None:
        self._headers = headers
        self._refusal = refusal

    def order(self, order: ChannelOrder, callback_url: str) -> HttpCall:
        """POST /call, with one thing to say; or a validation by missed call."""
        if order.channel in MISSED_CALLS:
            return self._missed_call(order)
        voice = _voice(order.language)
        event = {
            "action": "speak",
            "text": order.text,
            "loop": SPOKEN_TIMES,
            "language": voice,
            "voice": "WOMAN" if spec.VOICES[voice].has_woman else "MAN",
        }
        fields: dict[str, Any] = {"to": with_plus(order.number), "events": [event]}
        if order.sender.isdigit():
            fields["from"] = with_plus(order.sender)
        if callback_url:
            fields[spec.CALLBACK_FIELD] = callback_url
        return self._post("/call", fields)

    def ordered(self, order: ChannelOrder, reply: HttpReply) -> ChannelSent:
        """The call's id, or the validation's."""
        content = json_object(reply.body)
        reference = text_at(content, "id")
        if reply.status != 200 or not reference:
            raise refused(self._refusal(content, reply))
        pin_hash = text_at(content, "pin_hash")
        return ChannelSent(reference=reference, extra={"pin_hash": pin_hash} if pin_hash else {})

    def compare(self, channel: str, reference: str, code: str, fields: Mapping[str, str]) -> HttpCall:
        """POST /validation/verify."""
        content: dict[str, Any] = {"id": reference, "pin": code}
        if fields.get("use_server_hangup") == "true":
            content["use_server_hangup"] = True
        return self._post("/validation/verify", content)

    def compared(self, channel: str, reply: HttpReply) -> Compared:
        """Read whether it is validated."""
        content = json_object(reply.body)
        validated = content.get("validated")
        if reply.status == 200 and isinstance(validated, bool):
            return Compared.RIGHT if validated else Compared.WRONG
        outcome = COMPARED.get(number_at(content, "code") or 0)
        if outcome is None:
            raise refused(self._refusal(content, reply))
        return outcome

    def _missed_call(self, order: ChannelOrder) -> HttpCall:
        if order.is_own_code or len(order.code) != PIN_LENGTH:
            raise ChannelRefused(f"CheckMobi's missed calls end in {PIN_LENGTH} digits of its own")
        return self._post("/validation/request", {"number": with_plus(order.number), "type": "reverse_cli"})

    def _post(self, path: str, content: Mapping[str, Any]) -> HttpCall:
        return HttpCall(
            method="POST",
            path=spec.VERSION + path,
            content_type="application/json",
            body=json.dumps(content, ensure_ascii=False).encode(),
            headers=self._headers,
        )

    def channel_state(self, request: WebRequest) -> ChannelState | None:
        """Read the event of a call: one that ends without anything to bill was not answered."""
        content = json_object(request.body)
        match text_at(content, "event"):
            case "ringing":
                return ChannelState.SENT
            case "answer":
                return ChannelState.DELIVERED
            case "hangup":
                return ChannelState.DELIVERED if number_at(content, "duration_billed") else ChannelState.FAILED
        return None

    def look_up(self, number: str, method: str) -> HttpCall:
        """GET /lookup/hlr/…, /lookup/mnp/…."""
        path = f"{spec.VERSION}/lookup/{method}/{quote(with_plus(number), safe='')}"
        return HttpCall(method="GET", path=path, headers=self._headers)

    def looked_up(self, number: str, method: str, reply: HttpReply) -> NetworkInfo:
        """Read either answer."""
        content = json_object(reply.body)
        if reply.status != 200 or "phone_number" not in content:
            raise failed(self._refusal(content, reply))
        ported = content.get("is_ported")
        return NetworkInfo(
            id=text_at(content, "id"),
            number=number,
            status=text_at(content, "processing_status"),
            is_ported=ported if isinstance(ported, bool) else None,
            is_reachable={"connected": True, "absent": False}.get(text_at(content, "reachable")),
            imsi=text_at(content, "imsi"),
            original_network=_network(content.get("original_network")),
            current_network=_network(content.get("current_network")),
            raw=content,
        )


def _network(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    both = text_at(value, "mccmnc")
    return network(
        name=text_at(value, "network_name"),
        country=text_at(value, "country_iso2"),
        mcc=text_at(value, "mcc") or both[:3],
        mnc=text_at(value, "mnc") or both[3:],
    )


def _voice(language: str) -> str:
    """The voice of a language: that of its country where there is one, else the first."""
    wanted = language.lower()
    for value in spec.VOICES:
        if value.lower() == wanted:
            return value
    if wanted.partition("-")[0] == "en":
        return DEFAULT_VOICE
    head = wanted.partition("-")[0] + "-"
    return next((value for value in spec.VOICES if value.lower().startswith(head)), DEFAULT_VOICE)
