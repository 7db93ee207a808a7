"""CheckMobi as its document describes it: /v1/sms/send, /v1/sms/{id}, signed callbacks that want exactly 200."""

import hashlib
import hmac
import json

from aiohttp import web

from tests.gateway.providers.sim import SimProvider, Sms, Taken, answer_json

KEY, SIGNATURE_KEY = "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "signature-key"
CONFIG = f'kind = "checkmobi"\nkey = "{KEY}"\nsigning_secret = "{SIGNATURE_KEY}"'
_WORDS = {"delivered": "delivered", "failed": "failed", "expired": "undelivered", "rejected": "rejected"}


class SimCheckmobi(SimProvider):
    """The provider."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        if taken.headers.get("Authorization") != KEY:
            return answer_json({"code": 1, "error": "Invalid or expired API secret key"}, 401)
        if (taken.method, taken.path) == ("POST", "/v1/sms/send"):
            return self._send(taken)
        if taken.method == "GET" and taken.path.startswith("/v1/sms/"):
            return self._info(taken.path.rpartition("/")[2])
        if taken.path.startswith("/v1/lookup/hlr/"):
            return answer_json(_HLR)
        if taken.method == "DELETE":
            return web.Response(status=204)
        return answer_json({"id": "CAL-1", "type": taken.content.get("type", "")})

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
