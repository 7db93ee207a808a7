"""Codes that a provider makes and keeps: asked for at any door, compared where they are, never seen here."""

import base64
from pathlib import Path
from typing import Any

import aiohttp

from tests.gateway.providers import sim_checkmobi, sim_mocean
from tests.gateway.rest_path import RestPath, rest_path

APPS = """
[account.shop.lanck]
user = "app-user"
password = "app-password"
[account.shop.checkmobi]
key = "APP-KEY"
"""
BASIC = {"Authorization": "Basic " + base64.b64encode(b"app-user:app-password").decode()}
KEY = {"Authorization": "APP-KEY"}
NUMBER = "+40743123456"
PIN = sim_checkmobi.CALLER[-4:]


async def post(path: RestPath, call: str, headers: dict[str, str], content: object) -> tuple[int, dict[str, Any]]:
    url = f"http://{path.gateway.addresses[0]}{call}"
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=content) as answer:
        return answer.status, await answer.json()


async def test_an_app_of_lanck_validates_by_a_missed_call_of_checkmobi(tmp_path: Path) -> None:
    async with rest_path("checkmobi", tmp_path, more=APPS) as path:
        status, begun = await post(path, "/lanck/v1/verify", BASIC, {"number": NUMBER, "method": "call"})
        assert status == 200, begun

        wrong = {"requestId": begun["requestId"], "code": "0000"}
        assert (await post(path, "/lanck/v1/verify/check", BASIC, wrong))[1]["errorCode"] == 21
        status, verified = await post(path, "/lanck/v1/verify/check", BASIC, {**wrong, "code": PIN})
        assert (status, verified["number"], verified["method"]) == (200, NUMBER, "call")
        assert not path.provider.messages


async def test_a_provider_that_compares_no_more_ends_it(tmp_path: Path) -> None:
    async with rest_path("checkmobi", tmp_path, more=APPS) as path:
        _, begun = await post(path, "/lanck/v1/verify", BASIC, {"number": NUMBER, "method": "call"})
        check = {"requestId": begun["requestId"], "code": "0000"}
        errors = [(await post(path, "/lanck/v1/verify/check", BASIC, check))[1]["errorCode"] for _ in range(4)]
        # Five would be allowed here, but the provider allows three.
        assert errors == [21, 21, 21, 23]
        assert (await post(path, "/lanck/v1/verify/check", BASIC, {**check, "code": PIN}))[1]["errorCode"] == 23


async def test_an_app_of_checkmobi_validates_by_its_own_missed_call(tmp_path: Path) -> None:
    async with rest_path("checkmobi", tmp_path, more=APPS) as path:
        config = {"number": NUMBER, "platform": "android"}
        _, advice = await post(path, "/checkmobi/v1/validation/remote-config", KEY, config)
        assert [one["type"] for one in advice["settings"]] == ["reverse_cli", "sms", "ivr"]
        wanted = {"number": NUMBER, "type": "reverse_cli"}
        status, begun = await post(path, "/checkmobi/v1/validation/request", KEY, wanted)
        assert (status, begun["type"], len(begun["pin_hash"])) == (200, "reverse_cli", 40)

        wrong = {"id": begun["id"], "pin": "0000"}
        status, said = await post(path, "/checkmobi/v1/validation/verify", KEY, wrong)
        assert (status, said["validated"]) == (200, False)
        right = {"id": begun["id"], "pin": PIN, "use_server_hangup": True}
        status, said = await post(path, "/checkmobi/v1/validation/verify", KEY, right)
        assert (status, said["validated"], said["number"]) == (200, True, NUMBER)
        assert path.provider.requests[-1].content["use_server_hangup"] is True


async def test_the_native_api_sends_codes_by_e_mail(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        steps = [{"channel": "email", "to": "me@shop.example"}]
        begin = {"to": NUMBER, "brand": "Shop", "steps": steps}
        async with path.http.post("/api/v1/verifications", json=begin) as answer:
            begun = await answer.json()
            assert (answer.status, begun["channel"]) == (201, "email"), begun
        check = f"/api/v1/verifications/{begun['id']}/check"
        async with path.http.post(check, json={"code": "000000"}) as answer:
            assert answer.status == 422, await answer.text()
        path.provider.instead = _cut
        async with path.http.post(check, json={"code": sim_mocean.CODE}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (502, "no_answer")
        path.provider.instead = None
        async with path.http.post(check, json={"code": sim_mocean.CODE}) as answer:
            verified = await answer.json()
        assert (verified["status"], verified["attempts"]) == ("verified", 1)
        assert sim_mocean.CODE not in str(await path.gateway.store.records("verify"))


async def _cut(_taken: object) -> None:
    raise ConnectionResetError
