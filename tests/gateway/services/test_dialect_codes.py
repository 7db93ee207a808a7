"""One-time codes as apps of four providers ask for them, through real doors and over SMPP."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.whole_path import PATIENCE_SECONDS, WholePath, whole_path

NUMBER = "447400123456"
ACCOUNT = """
lanck = { user = "user", password = "password" }
mobtexting = { token = "mobtexting-token" }
checkmobi = { key = "checkmobi-key", signature_key = "sign" }
"""


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def path(tmp_path: Path, tls: ThrowAwayTls) -> AsyncIterator[WholePath]:
    async with whole_path(tmp_path, tls, more=ACCOUNT) as running:
        yield running


async def ask(path: WholePath, method: str, url: str, authorization: str, **arguments: Any) -> tuple[int, Any]:
    headers = {"Authorization": authorization}
    async with (
        aiohttp.ClientSession(path.url) as http,
        http.request(method, url, headers=headers, **arguments) as answer,
    ):
        return answer.status, await answer.json()


async def code_of(path: WholePath, digits: int, count: int = 1) -> str:
    """The code in the latest message that the SMSC took."""
    await path.simulator.wait_until(lambda: len(path.simulator.messages) == count, PATIENCE_SECONDS)
    found = re.search(rb"(?<!\d)\d{%d}(?!\d)" % digits, list(path.simulator.messages.values())[-1].text)
    assert found is not None
    return found.group().decode()


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


async def test_lanck(path: WholePath) -> None:
    who = "Basic " + b64encode(b"user:password").decode()
    wanted = {
        "number": "+" + NUMBER,
        "method": "sms",
        "codeLength": "6",
        "language": "en",
        "callbackUrl": path.receiver.url + "/lanck",
    }
    status, begun = await ask(path, "POST", "/lanck/v1/verify", who, data=wanted)
    assert status in (200, 201), begun
    code = await code_of(path, 6)
    checks = {"requestId": begun["requestId"], "code": another(code)}
    status, answer = await ask(path, "POST", "/lanck/v1/verify/check", who, data=checks)
    assert (status, answer["errorCode"]) == (400, 21)
    status, answer = await ask(path, "POST", "/lanck/v1/verify/check", who, data=checks | {"code": code})
    assert (status, answer["number"]) == (200, "+" + NUMBER)
    status, answer = await ask(path, "POST", "/lanck/v1/verify/info", who, data={"requestId": begun["requestId"]})
    assert (status, answer["status"]) == (200, "verified")
    received = await path.receiver.wait_until(
        lambda all_: any(one.path == "/lanck" and one.json.get("status") == "DELIVERED" for one in all_)
    )
    assert all(one.json["requestId"] == begun["requestId"] for one in received if one.path == "/lanck")
    assert all(code.encode() not in one.body for one in received)


async def test_checkmobi(path: WholePath) -> None:
    wanted = {"number": "+" + NUMBER, "type": "sms", "notification_callback": path.receiver.url + "/checkmobi"}
    status, begun = await ask(path, "POST", "/checkmobi/v1/validation/request", "checkmobi-key", json=wanted)
    assert status == 200, begun
    code = await code_of(path, 4)
    for pin, validated in ((another(code), False), (code, True)):
        asked = {"id": begun["id"], "pin": pin}
        status, answer = await ask(path, "POST", "/checkmobi/v1/validation/verify", "checkmobi-key", json=asked)
        assert (status, answer["validated"]) == (200, validated)
    status, answer = await ask(path, "GET", f"/checkmobi/v1/validation/status/{begun['id']}", "checkmobi-key")
    assert (status, answer["validated"]) == (200, True)
    received = await path.receiver.wait_until(lambda all_: any(one.path == "/checkmobi" for one in all_))
    (told,) = [one for one in received if one.path == "/checkmobi"]
    assert told.json["key"] == begun["id"]
    assert "X-CheckMobi-Signature" in told.headers


async def test_mobtexting(path: WholePath) -> None:
    who = "Bearer mobtexting-token"
    wanted = {
        "channels": [{"name": "sms", "from": "VERIFY", "recipient": {"to": NUMBER}}],
        "payload": {"length": 5, "timeout": 120, "template": "Use {token} now"},
    }
    status, begun = await ask(path, "POST", "/mobtexting/api/v2/verify/send", who, json=wanted)
    assert (status, begun["status"]) == (200, "sent"), begun
    code = await code_of(path, 5)
    for token, word in ((another(code), "invalid"), (code, "success"), (code, "OTP already verified")):
        status, answer = await ask(path, "GET", f"/mobtexting/api/v2/verify/check/{begun['id']}/{token}", who)
        assert (status, answer["status"]) == (200, word)
    status, answer = await ask(path, "GET", f"/mobtexting/api/v2/verify/search/{begun['id']}", who)
    assert (status, answer["status"]) == (200, "success")
    assert [one["channel"] for one in answer["channels"]] == ["sms"]
    status, second = await ask(path, "POST", "/mobtexting/api/v2/verify/send", who, json=wanted)
    assert status == 200, second
    status, answer = await ask(path, "GET", f"/mobtexting/api/v2/verify/cancel/{second['id']}", who)
    assert (status, answer["status"]) == (200, "success")


async def test_mocean_codes_that_are_paid_one_by_one(path: WholePath) -> None:
    who = {"mocean-api-token": "apit-token", "mocean-resp-format": "json"}

    async def post(call: str, **fields: str) -> Any:
        data = who | {f"mocean-{name}": value for name, value in fields.items()}
        return (await ask(path, "POST", f"/mocean/rest/2/verify/{call}", "Bearer apit-token", data=data))[1]

    begun = await post("req/sms", to=NUMBER, brand="Shop")
    assert begun["status"] == 0, begun
    first = await code_of(path, 4)
    again = await post("resend/sms", reqid=begun["reqid"])
    assert again["status"] == 0, again
    second = await code_of(path, 4, count=2)
    if first != second:
        assert (await post("check", reqid=begun["reqid"], code=first))["status"] == 16
    assert (await post("check", reqid=begun["reqid"], code=second))["status"] == 0
    assert (await post("check", reqid=begun["reqid"], code=second))["status"] == 17
