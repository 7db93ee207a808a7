"""CheckMobi as its document describes it: messages, signed callbacks that want exactly 200, pins that it keeps."""

import hashlib
import hmac
import json

from aiohttp import web

from tests.gateway.providers.sim import SimProvider, Sms, Taken, answer_json

KEY, SIGNATURE_KEY = "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "signature-key"
CONFIG = f'kind = "checkmobi"\nkey = "{KEY}"\nsigning_secret = "{SIGNATURE_KEY}"'
_WORDS = {"delivered": "delivered", "failed": "failed", "expired": "undelivered", "rejected": "rejected"}


CALLER = "40212349823"
"""Every missed call comes from it; its last four digits are the pin."""
TRIES = 3


class SimCheckmobi(SimProvider):
    """The provider."""

    def __init__(self) -> None:
        super().__init__()
        self.validations: dict[str, int] = {}
        """Wrong pins so far, by the id of a validation."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        if taken.headers.get("Authorization") != KEY:
            return answer_json({"code": 1, "error": "Invalid or expired API secret key"}, 401)
        if (taken.method, taken.path) == ("POST", "/v1/sms/send"):
            return self._send(taken)
        if taken.method == "GET" and taken.path.startswith("/v1/sms/"):
            return self._info(taken.path.rpartition("/")[2])
        if taken.path.startswith("/v1/lookup/hlr/"):
            return answer_json(_HLR)
        if taken.path.startswith("/v1/lookup/mnp/"):
            # As the document lists it: neither of these.
            without = ("is_ported", "reachable", "original_network")
            return answer_json({name: value for name, value in _HLR.items() if name not in without})
        if taken.path == "/v1/validation/request" and taken.content.get("type") == "reverse_cli":
            return self._missed_call(taken)
        if taken.path == "/v1/validation/verify":
            return self._verify(taken)
        if taken.method == "DELETE":
            return web.Response(status=204)
        return answer_json({"id": "CAL-1", "type": taken.content.get("type", "")})

    def _missed_call(self, taken: Taken) -> web.Response:
        key = f"RCL-6F9619FF-8B86-D011-B42D-{len(self.validations):012}"
        self.validations[key] = 0
        pin_hash = hashlib.sha1(CALLER[-3:].encode(), usedforsecurity=False).hexdigest()
        info = {"e164_format": taken.content["number"], "is_mobile": True}
        return answer_json({"id": key, "type": "reverse_cli", "pin_hash": pin_hash, "validation_info": info})

    def _verify(self, taken: Taken) -> web.Response:
        key, pin = taken.content.get("id"), taken.content.get("pin")
        if key not in self.validations:
            return answer_json({"code": 3, "error": "Invalid Request ID"}, 400)
        if self.validations[key] >= TRIES:
            return answer_json({"code": 15, "error": "Too many attempts to verify the pin"}, 400)
        is_right = pin == CALLER[-4:]
        self.validations[key] += not is_right
        date = 1578787200 if is_right else None
        return answer_json({"number": "+1", "validated": is_right, "validation_date": date, "charged_amount": 0})

    def _send(self, taken: Taken) -> web.Response:
        given = taken.content
        to = given["to"].removeprefix("+")
        if not to.isdigit():
            return answer_json({"code": 2, "error": "Invalid phone number"}, 400)
        sms = Sms(
            id=f"MSG-6F9619FF-8B86-D011-B42D-{len(self.messages):012}",
            sender=given.get("from", ""),
            recipient=to,
            text=given["text"],
            report_to=given.get("notification_callback", ""),
        )
        self.took(sms)
        return answer_json({"id": sms.id, "number_info": {"e164_format": given["to"], "is_mobile": True}})

    def _info(self, message_id: str) -> web.Response:
        for sms in self.messages:
            if sms.id == message_id:
                status = _WORDS.get(sms.state, "queued")
                return answer_json({"to": f"+{sms.recipient}", "request_date": 1578787200, "status": status})
        return answer_json({"code": 3, "error": "Invalid Request ID"}, 404)

    def report_call(self, sms: Sms) -> tuple[str, str, dict[str, str], bytes]:
        body = {"id": sms.id, "to": f"+{sms.recipient}", "description": "RO - Orange", "status": _WORDS[sms.state]}
        return "POST", sms.report_to, *signed(body)

    def inbound_call(self, sender: str, recipient: str, text: str) -> tuple[str, dict[str, str], bytes]:
        raise NotImplementedError("CheckMobi has no messages from handsets")


def signed(content: object) -> tuple[dict[str, str], bytes]:
    """Headers and body of a callback."""
    body = json.dumps(content).encode()
    signature = hmac.new(SIGNATURE_KEY.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-CheckMobi-Signature": signature}, body


_HLR = {
    "id": "a17ce5a6-9c3d-4f7a-9d0e-1d2c3b4a5f60",
    "cost": 0.01,
    "phone_number": "+40743123456",
    "number_type": "mobile",
    "is_ported": True,
    "reachable": "connected",
    "processing_status": "completed",
    "original_network": {"country_iso2": "RO", "mccmnc": "22610", "network_name": "Orange"},
    "current_network": {"country_iso2": "RO", "mccmnc": "22601", "network_name": "Vodafone"},
}
