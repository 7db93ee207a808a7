"""Mocean as its document describes it: messages and reports by PUT, its own codes, look-ups, balance, conversions."""

from urllib.parse import urlencode

from aiohttp import web

from tests.gateway.providers.sim import SimProvider, Sms, Taken, answer_json

KEY, SECRET = "API_KEY_HERE", "API_SECRET_HERE"
CONFIG = f'kind = "mocean"\nkey = "{KEY}"\nsecret = "{SECRET}"'
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_DENIED = {"status": 1, "err_msg": "Authorization failed"}
CODE = "271828"
"""Of every verification that it keeps itself."""
NUMBER_LOOKUP = {
    "current_carrier": {"country": "MY", "name": "U Mobile", "network_code": 50218, "mcc": "502", "mnc": "18"},
    "original_carrier": {"country": "MY", "name": "Maxis Mobile", "network_code": 50212, "mcc": "502", "mnc": "12"},
    "ported": "ported",
}
"""The document's sample."""


class SimMocean(SimProvider):
    """The provider."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, str] = {}
        """Who was sent a code of its own, by the request's id."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        given = {**taken.query, **taken.content}
        is_sms = taken.path == "/rest/2/sms"
        if (given.get("mocean-api-key"), given.get("mocean-api-secret")) != (KEY, SECRET):
            return answer_json({"messages": [_DENIED]} if is_sms else _DENIED, 401)
        if is_sms and taken.method == "POST":
            return self._sms(given)
        if taken.path == "/rest/2/report/message":
            return self._report(given)
        if taken.path == "/rest/2/account/balance":
            return answer_json({"status": 0, "value": 777.5})
        if taken.path == "/rest/2/nl" and "mocean-to" in given:
            return answer_json({"status": 0, "msgid": "nl-1", "to": given["mocean-to"], **NUMBER_LOOKUP})
        if taken.path == "/rest/2/conversion":
            is_known = any(sms.id == given.get("mocean-msgid") for sms in self.messages)
            return answer_json({"status": 0} if is_known else {"status": 25, "err_msg": "Invalid message id"})
        if taken.path.startswith("/rest/2/verify/") and given.keys() & {"mocean-to", "mocean-reqid"}:
            return self._verify(taken.path.removeprefix("/rest/2/verify/"), given)
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

    def _verify(self, call: str, given: dict[str, str]) -> web.Response:
        if call.startswith("req"):
            reqid = f"CPASS_restapi_C{len(self.asked):010}.0001"
            self.asked[reqid] = given["mocean-to"]
            return answer_json({"reqid": reqid, "status": 0, "to": given["mocean-to"]})
        reqid = given["mocean-reqid"]
        if reqid not in self.asked:
            return answer_json({"status": 17, "err_msg": "Associated verify request not found"}, 400)
        if call == "resend/sms":
            return answer_json({"reqid": reqid, "status": 0, "to": self.asked[reqid], "resend_number": "2"})
        if given["mocean-code"] != CODE:
            wrong = "The code inserted does not match the expected value"
            return answer_json({"status": 16, "err_msg": wrong}, 400)
        return answer_json({"reqid": reqid, "status": 0})

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
