"""The providers' published clients speak to the gateway, which sends on through the same provider, simulated.

client ─► dialect ─► connector ─► provider ─► its callback ─► the app's report, in the dialect
"""

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
import pytest
from mobtexting import client as mobtexting_client
from mobtexting import verify as mobtexting_verify
from moceansdk import Basic, Client

from tests.gateway.rest_path import RestPath, rest_path
from tests.interop.peers import TIMEOUT, missing
from tests.interop.test_mobtexting_python import Led
from tests.whole_path import Received

pytestmark = pytest.mark.interop

TO: Final = "60123456789"
APPS: Final = """
[account.shop.mobtexting]
token = "mobtexting-token"
time_zone = "UTC"
"""


def url(path: RestPath) -> str:
    return f"http://{path.gateway.addresses[0]}"


def form_of(report: Received) -> dict[str, str]:
    return dict(parse_qsl(report.body.decode(), strict_parsing=True))


async def code_of(path: RestPath, count: int = 1) -> str:
    """The code in the latest message that the provider took."""
    await path.provider.wait_until(lambda: len(path.provider.messages) >= count)
    (code,) = re.findall(r"\d{4,}", path.provider.messages[-1].text)
    return str(code)


@pytest.mark.parametrize(("final", "dlr", "status"), [("delivered", "1", "1"), ("failed", "2", "2")])
async def test_mocean_for_python(tmp_path: Path, final: str, dlr: str, status: str) -> None:
    async with rest_path("mocean", tmp_path, final=final) as path:
        sdk = Client(Basic("mkey", "msecret"), {"base_url": f"{url(path)}/mocean"})
        sms = sdk.sms.set_dlr_url(f"{path.receiver.url}/dlr")
        message = {"mocean-from": "ME", "mocean-to": TO, "mocean-text": "你好 through the provider"}
        answer = (await asyncio.to_thread(sms.send, message)).messages[0]
        assert (answer.status, answer.receiver) == ("0", TO)
        received = await path.receiver.wait_until(lambda all_: any(one.path == "/dlr" for one in all_))
        (report,) = [one for one in received if one.path == "/dlr"]
        told = form_of(report)
        assert (report.method, told["mocean-msgid"], told["mocean-dlr-status"]) == ("PUT", answer.msgid, dlr)
        (taken,) = path.provider.messages
        assert (taken.sender, taken.recipient, taken.text) == ("ME", TO, "你好 through the provider")
        state = await asyncio.to_thread(sdk.message_status.inquiry, {"mocean-msgid": answer.msgid})
        assert (state.status, state.message_status) == ("0", status)


async def test_mocean_for_python_verifies_a_number(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        sdk = Client(Basic("mkey", "msecret"), {"base_url": f"{url(path)}/mocean"})
        request = sdk.verify_request.send_as("sms") if hasattr(sdk.verify_request, "send_as") else sdk.verify_request
        begun = await asyncio.to_thread(request.send, {"mocean-to": TO, "mocean-brand": "Shop"})
        code = await code_of(path)
        checked = await asyncio.to_thread(sdk.verify_validate.send, {"mocean-reqid": begun.reqid, "mocean-code": code})
        assert (checked.status, checked.reqid) == ("0", begun.reqid)


async def call_node(path: RestPath, name: str, **parameters: str) -> dict[str, Any]:
    """One call by the SDK for node."""
    script = Path(__file__).parent / "node" / "mocean.js"
    node = shutil.which("node")
    if node is None:
        missing("node", "run apt-get install nodejs npm")
    if not (script.parent / "node_modules" / "mocean-sdk").is_dir():
        missing("node's mocean-sdk package", "run npm ci in tests/interop/node")
    given = json.dumps({f"mocean-{key.replace('_', '-')}": value for key, value in parameters.items()})
    process = await asyncio.create_subprocess_exec(
        node,
        str(script),
        f"{url(path)}/mocean",
        name,
        given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "MOCEAN_KEY": "mkey", "MOCEAN_SECRET": "msecret"},
    )
    said, _ = await asyncio.wait_for(process.communicate(), TIMEOUT)
    return dict(json.loads(said))


async def test_mocean_for_node(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        report_to = {"dlr_mask": "1", "dlr_url": f"{path.receiver.url}/dlr"}
        sent = await call_node(path, "sms", **{"from": "ME", "to": TO, "text": "Hi"}, **report_to)
        (message,) = sent["answer"]["messages"]
        assert message["status"] == 0
        received = await path.receiver.wait_until(lambda all_: any(one.path == "/dlr" for one in all_))
        (report,) = [form_of(one) for one in received if one.path == "/dlr"]
        assert (report["mocean-msgid"], report["mocean-dlr-status"]) == (message["msgid"], "1")
        assert [one.text for one in path.provider.messages] == ["Hi"]
        assert (await call_node(path, "status", msgid=message["msgid"]))["answer"]["message_status"] == 1


async def test_mobtexting_for_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rest_path("mobtexting", tmp_path, more=APPS) as path:
        base = f"{url(path)}/mobtexting"
        monkeypatch.setattr(mobtexting_client, "requests", Led(base))
        monkeypatch.setattr(mobtexting_verify, "api_endpoint", f"{base}/api/v2/")
        await subscribe(path, base)
        client = mobtexting_client.Client("mobtexting-token")
        answer = await asyncio.to_thread(
            client.send, to="918921269000", _from="MOBTXT", body="Hello there", service="T"
        )
        (sent,) = answer.json()["data"]
        assert (answer.status_code, sent["status"]) == (200, "AWAITING-DLR")

        def reports(received: list[Received]) -> list[dict[str, Any]]:
            told = [one.json for one in received if one.path == "/app"]
            return [one["payload"] for one in told if one.get("event") == "sms:message:status"]

        received = await path.receiver.wait_until(lambda all_: bool(reports(all_)))
        assert [(one["id"], one["status"]) for one in reports(received)] == [(sent["id"], "DELIVRD")]
        assert [(one.sender, one.text) for one in path.provider.messages] == [("MOBTXT", "Hello there")]

        verify = mobtexting_verify.Verify("mobtexting-token")
        begun = (await asyncio.to_thread(verify.send, "918921269000")).json()
        code = await code_of(path, 2)
        checked = (await asyncio.to_thread(verify.check, begun["id"], code)).json()
        assert checked["status"] == "success"


async def subscribe(path: RestPath, base: str) -> None:
    """The app's webhook for reports: its client names none in requests."""
    headers = {"Authorization": "Bearer mobtexting-token"}
    async with aiohttp.ClientSession(headers=headers) as http:
        hook = {"name": "mine", "uri": f"{path.receiver.url}/app"}
        async with http.post(f"{base}/api/v2/developer/webhooks", json=hook) as answer:
            webhook = (await answer.json())["data"]["id"]
        wanted = {"event": "sms:message:status", "identity": "all", "webhook_id": webhook}
        async with http.post(f"{base}/api/v2/developer/subscriptions", json=wanted) as answer:
            assert answer.status == 200, await answer.text()
