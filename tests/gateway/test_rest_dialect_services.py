"""Look-ups and flows as apps of each provider ask for them, doors, services and an uplink to a provider all there."""

import base64
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
import pytest

from tests.gateway.rest_path import RestPath, rest_path
from tests.whole_path import Received

APPS: Final = """
[account.shop.lanck]
user = "app-user"
password = "app-password"
[account.shop.checkmobi]
key = "APP-KEY"
signature_key = "app-signature-key"
"""
BASIC: Final = {"Authorization": "Basic " + base64.b64encode(b"app-user:app-password").decode()}
KEY: Final = {"Authorization": "APP-KEY"}
LOGIN: Final = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-resp-format": "json"}
NUMBER: Final = "40743123456"


async def ask(path: RestPath, method: str, url: str, **options: Any) -> tuple[int, Any]:
    url = f"http://{path.gateway.addresses[0]}{url}"
    async with aiohttp.ClientSession() as http, http.request(method, url, **options) as answer:
        return answer.status, await answer.json()


async def told(path: RestPath, where: str, count: int = 1) -> list[Received]:
    """What an app was called back with."""
    received = await path.receiver.wait_until(lambda all_: sum(one.path == where for one in all_) >= count)
    return [one for one in received if one.path == where]


@pytest.mark.parametrize("kind", ["mocean", "lanck", "checkmobi"])
async def test_each_dialect_asks_the_network_of_any_provider(tmp_path: Path, kind: str) -> None:
    async with rest_path(kind, tmp_path, more=APPS) as path:
        status, checkmobi = await ask(path, "GET", f"/checkmobi/v1/lookup/hlr/+{NUMBER}", headers=KEY)
        assert (status, checkmobi["phone_number"], checkmobi["processing_status"]) == (200, f"+{NUMBER}", "completed")
        status, lanck = await ask(path, "GET", f"/lanck/v1/insight/hlr?number=%2B{NUMBER}", headers=BASIC)
        assert (status, lanck["product"], lanck["number"]) == (200, "insight.hlr", f"+{NUMBER}")
        status, mocean = await ask(path, "POST", "/mocean/rest/2/nl", data={**LOGIN, "mocean-to": NUMBER})
        assert (status, mocean["status"], mocean["to"]) == (200, 0, NUMBER)
        # All three read the one answer that there is.
        assert len(path.provider.requests) == 1
        network = checkmobi["current_network"]
        assert network["network_name"] == lanck["network"] == mocean["current_carrier"]["name"] != ""
        assert network["mcc"] == mocean["current_carrier"]["mcc"]


async def test_a_list_of_numbers_is_answered_by_a_signed_callback(tmp_path: Path) -> None:
    async with rest_path("checkmobi", tmp_path, more=APPS) as path:
        numbers = [f"+{NUMBER}", NUMBER, "+40 21 316 6666", "nobody"]
        body = {"numbers": numbers, "notification_callback": f"{path.receiver.url}/hlr"}
        status, begun = await ask(path, "POST", "/checkmobi/v1/lookup/hlr", headers=KEY, json=body)
        assert (status, begun["accepted_count"], begun["rejected"]) == (200, 3, ["nobody"])

        (report,) = await told(path, "/hlr")
        assert report.json["lookup_method"] == "hlr" and report.json["error"] is None
        found = {one["original_msisdn"]: one for one in report.json["results"]}
        assert set(found) == set(numbers[:3])
        assert found[NUMBER]["reachable"] == "connected" and found[NUMBER]["is_ported"] is True
        assert (found["+40 21 316 6666"]["number_type"], "reachable" in found["+40 21 316 6666"]) == ("landline", False)
        assert len(report.headers["X-CheckMobi-Signature"]) == 64


async def test_a_look_up_that_nobody_waits_for_is_put(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        fields = {**LOGIN, "mocean-to": NUMBER, "mocean-nl-url": f"{path.receiver.url}/nl"}
        status, begun = await ask(path, "POST", "/mocean/rest/2/nl", data=fields)
        assert (status, set(begun)) == (200, {"status", "msgid", "to"})

        (report,) = await told(path, "/nl")
        said = dict(parse_qsl(report.body.decode()))
        assert (report.method, said["msgid"], said["to"], said["ported"]) == ("PUT", begun["msgid"], NUMBER, "ported")
        assert said["original_carrier[name]"] == "Maxis Mobile"


async def test_fraud_is_looked_up(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, more=APPS) as path:
        said = await ask(path, "POST", "/lanck/v1/insight/fraudcheck", headers=BASIC, data={"number": f"+{NUMBER}"})
        assert said == (200, {"status": "FRAUDULENT", "mobilePrefix": False})


async def test_a_flow_goes_on_to_the_next_step_and_reports(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, more=APPS) as path:
        flow = [
            {"type": "viber", "message": {"text": "Hi", "from": "SHOP"}, "failover": {"wait": 600}},
            {"type": "sms", "message": {"text": "Hi there", "from": "SHOP"}},
        ]
        body = {"number": f"+{NUMBER} ", "flow": flow, "callbackUrl": f"{path.receiver.url}/flow"}
        status, begun = await ask(path, "POST", "/lanck/v1/messaging/failover", headers=BASIC, json=body)
        assert status == 200, begun
        (viber,) = path.provider.requests
        assert (viber.path, viber.content["text"]) == ("/v1/messaging/viber", "Hi")
        assert not path.provider.messages

        report = {"requestId": "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65", "number": f"+{NUMBER}", "status": "UNDELIVERED"}
        url, form = viber.content["callbackUrl"], {"Content-Type": "application/json"}
        assert (await path.provider.call("POST", url, form, json.dumps(report).encode())).status == 200
        await path.provider.wait_until(lambda: bool(path.provider.messages))
        assert [one.text for one in path.provider.messages] == ["Hi there"]

        def is_over(received: list[Received]) -> bool:
            return any(one.path == "/flow" and one.json["status"] == "DELIVERED" for one in received)

        received = await path.receiver.wait_until(is_over)
        assert {one.json["requestId"] for one in received if one.path == "/flow"} == {begun["requestId"]}
        status, shown = await ask(path, "GET", f"/lanck/v1/requests/{begun['requestId']}", headers=BASIC)
        assert (status, shown["product"], shown["status"]) == (200, "messaging.failover", "DELIVERED")
