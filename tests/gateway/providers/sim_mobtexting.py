"""MOBtexting as its document describes it: sms/send, sms/status, webhooks by their ids."""

import json

from aiohttp import web

from tests.gateway.providers.sim import SimProvider, Sms, Taken, answer_json

TOKEN = "0123456789abcdef0123456789abcdef"
WEBHOOK = "9f1b-our-webhook"
CONFIG = f'kind = "mobtexting"\ntoken = "{TOKEN}"\nservice = "T"\nwebhook_id = "{WEBHOOK}"'
_JSON = {"Content-Type": "application/json"}
_WORDS = {"delivered": "DELIVRD", "failed": "UNDELIV", "expired": "EXPIRED", "rejected": "REJECTED"}


class SimMobtexting(SimProvider):
    """The provider."""

    def __init__(self) -> None:
        super().__init__()
        self.webhooks: dict[str, str] = {}
        """Addresses by id, as the portal has them."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        if taken.headers.get("Authorization") != f"Bearer {TOKEN}":
            return answer_json({"message": "Unauthenticated."}, 401)
        if (taken.method, taken.path) == ("POST", "/api/v2/sms/send"):
            return self._send(taken)
        if taken.path == "/api/v2/sms/status":
            return self._status(taken.query["id"])
        row = {"id": "wa-1", "channel": "whatsapp", "status": "queued"}
        return answer_json({"status": "OK", "message": "Messages queued successfully", "data": [row]})

    def _send(self, taken: Taken) -> web.Response:
        given = taken.content
        to = given["to"][0]
        if not to.isdigit():
            errors = {"to": ["The to field is invalid."]}
            return answer_json({"status": "error", "message": "The given data was invalid.", "errors": errors}, 422)
        sms = Sms(
            id=f"b34ecc14-8a9b-4b4c-9d5c-{len(self.messages):012}:1",
            sender=given["sender"],
            recipient=to,
            text=given["message"],
            report_to=self.webhooks.get(given.get("webhook_id", ""), ""),
            extra={name: str(value) for name, value in given.items()},
        )
        self.took(sms)
        row = {
            "id": sms.id,
            "mobile": to,
            "status": "AWAITING-DLR",
            "units": 1,
            "length": len(sms.text),
            "charges": 1,
            "customid": sms.extra["custom"],
            "iso_code": None,
            "submitted_at": "2018-07-09 16:27:35",
        }
        answer = {"status": 200, "message": "1 numbers accepted for delivery.", "group_id": sms.id[:-2], "data": [row]}
        return answer_json(answer)

    def _status(self, message_id: str) -> web.Response:
        rows = [
            {"id": sms.id, "mobile": sms.recipient, "status": _WORDS.get(sms.state, "AWAITING-DLR")}
            for sms in self.messages
            if sms.id == message_id
        ]
        return answer_json({"status": "OK", "code": 200, "message": "OK", "data": rows})

    def report_call(self, sms: Sms) -> tuple[str, str, dict[str, str], bytes]:
        payload = {
            "id": sms.id,
            "mobile": sms.recipient,
            "status": _WORDS[sms.state],
            "credits": "1.0000",
            "units": 1,
            "deliv_at": "1531132060",
            "custom": sms.extra["custom"],
        }
        return "POST", sms.report_to, _JSON, json.dumps(payload).encode()

    def inbound_call(self, sender: str, recipient: str, text: str) -> tuple[str, dict[str, str], bytes]:
        payload = {
            "id": f"in-{sender}",
            "channels": [{"name": "sms", "to": recipient}],
            "recipient": {"from": sender},
            "message": {"type": "text", "payload": {"text": text}},
        }
        return "POST", _JSON, json.dumps({"event": "vmn:message:in", "payload": payload}).encode()
