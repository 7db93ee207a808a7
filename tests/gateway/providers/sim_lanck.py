"""Lanck as its document describes it: /v1/sms, /v1/requests/{id}, JSON callbacks."""

import base64
import json

from aiohttp import web

from tests.gateway.providers.sim import SimProvider, Sms, Taken, answer_json

USER, PASSWORD = "1efc292194c04e9b530", "b0b6c43e9a75c51f"
CONFIG = f'kind = "lanck"\nuser = "{USER}"\npassword = "{PASSWORD}"'
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_WORDS = {"delivered": "DELIVERED", "failed": "UNDELIVERED", "expired": "UNDELIVERED", "rejected": "REJECTED"}


class SimLanck(SimProvider):
    """The provider."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        if taken.headers.get("Authorization") != _BASIC:
            return answer_json({"errorCode": 1, "errorReason": "Authentication required"}, 401)
        if (taken.method, taken.path) == ("POST", "/v1/sms"):
            return self._sms(taken.content)
        if taken.method == "GET" and taken.path.startswith("/v1/requests/"):
            return self._info(taken.path.rpartition("/")[2])
        if taken.path == "/v1/insight/hlr":
            return answer_json(_HLR)
        if taken.path == "/v1/calls/flash":
            return answer_json({"requestId": "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65", "from": "37282329823"})
        if taken.path == "/v1/insight/fraudcheck":
            return answer_json({"status": "FRAUDLENT", "mobilePrefix": False})
        return answer_json({"requestId": "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65"})

    def _sms(self, given: dict[str, str]) -> web.Response:
        number = given["number"]
        if not number.removeprefix("+").isdigit():
            return answer_json({"errorCode": 11, "errorReason": "Invalid number"}, 400)
        sms = Sms(
            id=f"wp9RPWDGZkskBrVeTc4lgNCc4e79{len(self.messages):04}",
            sender=given.get("from", ""),
            recipient=number.removeprefix("+"),
            text=given["text"],
            report_to=given.get("callbackUrl", ""),
        )
        self.took(sms)
        return answer_json({"requestId": sms.id})

    def _info(self, request_id: str) -> web.Response:
        for sms in self.messages:
            if sms.id == request_id:
                info = {
                    "id": sms.id,
                    "product": "sms",
                    "number": f"+{sms.recipient}",
                    "status": _WORDS.get(sms.state, "SENT"),
                    "createdAt": 1551007102495,
                }
                return answer_json(info)
        return answer_json({"errorCode": 20, "errorReason": "Request not found"}, 404)

    def report_call(self, sms: Sms) -> tuple[str, str, dict[str, str], bytes]:
        body = {
            "requestId": sms.id,
            "number": f"+{sms.recipient}",
            "mccmnc": "282002",
            "status": _WORDS[sms.state],
            "timestamp": 1656666364,
        }
        return "POST", sms.report_to, {"Content-Type": "json/application"}, json.dumps(body).encode()

    def inbound_call(self, sender: str, recipient: str, text: str) -> tuple[str, dict[str, str], bytes]:
        body = {
            "from": sender,
            "to": recipient,
            "messageId": f"fffeee-{sender}",
            "text": text,
            "timestamp": 1578787200,
            "parts": 1,
        }
        return "POST", {"Content-Type": "application/json"}, json.dumps(body).encode()


_HLR = {
    "id": "A82f588e12b54ba1b6bd9a5969d51522",
    "product": "insight.hlr",
    "number": "+47463562200",
    "mccmnc": "242005",
    "network": "Mobile Norway",
    "country": "NO",
    "status": "DELIVERED",
    "createdAt": 1550975149131,
}
