"""Mocean as its document describes it: /rest/2/sms, /rest/2/report/message, reports by PUT."""

from urllib.parse import urlencode

from aiohttp import web

from tests.gateway.providers.sim import SimProvider, Sms, Taken, answer_json

KEY, SECRET = "API_KEY_HERE", "API_SECRET_HERE"
CONFIG = f'kind = "mocean"\nkey = "{KEY}"\nsecret = "{SECRET}"'
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_DENIED = {"status": 1, "err_msg": "Authorization failed"}


class SimMocean(SimProvider):
    """The provider."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        given = {**taken.query, **taken.content}
        is_sms = taken.path == "/rest/2/sms"
        if (given.get("mocean-api-key"), given.get("mocean-api-secret")) != (KEY, SECRET):
            return answer_json({"messages": [_DENIED]} if is_sms else _DENIED, 401)
        if is_sms and taken.method == "POST":
            return self._sms(given)
        if taken.path == "/rest/2/report/message":
            return self._report(given)
        return answer_json({"status": 0, "session_uuid": "s-1", "call_uuid": "c-1"})

    def _sms(self, given: dict[str, str]) -> web.Response:
        to = given["mocean-to"]
        if not to.isdigit():
            failed = {"status": 28, "receiver": to, "err_msg": "Invalid destination number"}
            return answer_json({"messages": [failed]}, 400)
        sms = Sms(
            id=f"cust2001305031105061{len(self.messages):04}",
            sender=given["mocean-from"],
            recipient=to,
            text=given["mocean-text"],
            report_to=given["mocean-dlr-url"] if given.get("mocean-dlr-mask") == "1" else "",
            extra=given,
        )
        self.took(sms)
        return answer_json({"messages": [{"status": 0, "receiver": to, "msgid": sms.id}]}, 202)

    def _report(self, given: dict[str, str]) -> web.Response:
        for sms in self.messages:
            if sms.id == given["mocean-msgid"]:
                status = {"delivered": 1, "failed": 2, "expired": 3}.get(sms.state, 4)
                body = {"status": 0, "message_status": status, "msgid": sms.id, "credit_deducted": "1"}
                return answer_json(body)
        return answer_json({"status": 0, "message_status": 5, "msgid": given["mocean-msgid"]})

    def report_call(self, sms: Sms) -> tuple[str, str, dict[str, str], bytes]:
        fields = {
            "mocean-from": sms.recipient,
            "mocean-to": sms.sender,
            "mocean-dlr-status": {"delivered": "1", "failed": "2", "rejected": "2", "expired": "3"}[sms.state],
            "mocean-msgid": sms.id,
            "mocean-error-code": "0" if sms.state == "delivered" else "5",
        }
        return "PUT", sms.report_to, _FORM, urlencode(fields).encode()

    def inbound_call(self, sender: str, recipient: str, text: str) -> tuple[str, dict[str, str], bytes]:
        coding = "1" if text.isascii() else "3"
        fields = {
            "mocean-from": sender,
            "mocean-to": recipient,
            "mocean-keyword": "",
            "mocean-text": text if coding == "1" else text.encode("utf-16-be").hex().upper(),
            "mocean-coding": coding,
            "mocean-time": "2018-12-30 23:59:59",
        }
        return "POST", _FORM, urlencode(fields).encode()
