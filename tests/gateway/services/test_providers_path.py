"""Codes, flows and look-ups of a gateway whose only way out is a provider."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.rest_path import PROVIDERS, RestPath, rest_path

NUMBER = "447400123456"


async def call(path: RestPath, method: str, url: str, body: Any = None) -> tuple[int, Any]:
    async with path.http.request(method, "/api/v1" + url, json=body) as answer:
        return answer.status, await answer.json()


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_code_leaves_through_a_provider_and_is_kept_by_nobody(tmp_path: Path, kind: str) -> None:
    async with rest_path(kind, tmp_path) as path:
        wanted = {"to": NUMBER, "brand": "Shop", "code_length": 8, "from": "INFO"}
        status, begun = await call(path, "POST", "/verifications", wanted)
        assert status == 201, begun
        await path.provider.wait_until(lambda: bool(path.provider.messages))
        found = re.search(r"\d{8}", path.provider.messages[0].text)
        assert found is not None
        code = found.group()
        assert await path.state(begun["message_id"], "delivered") == "delivered"
        message = await path.gateway.store.message("", begun["message_id"])
        assert message is not None
        assert message.text == ""
        status, checked = await call(path, "POST", f"/verifications/{begun['id']}/check", {"code": code})
        assert (status, checked["status"]) == (200, "verified")
    assert code.encode() not in everything_in(tmp_path)


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_code_is_read_out_by_a_provider_where_nobody_answers(tmp_path: Path, kind: str) -> None:
    async with rest_path(kind, tmp_path, final="failed") as path:
        steps = [{"channel": "sms", "wait_seconds": 60}, {"channel": "voice"}]
        status, begun = await call(path, "POST", "/verifications", {"to": NUMBER, "from": "INFO", "steps": steps})
        assert status == 201, begun
        await path.provider.wait_until(lambda: bool(path.provider.messages))
        found = re.search(r"\d{6}", path.provider.messages[0].text)
        assert found is not None
        # As soon as its message has failed, and not only after a minute.
        await path.provider.wait_until(lambda: len(path.provider.requests) > 1)
        status, checked = await call(path, "POST", f"/verifications/{begun['id']}/check", {"code": found.group()})
        assert (status, checked["status"], checked["channel"]) == (200, "verified", "voice")


@pytest.mark.parametrize("kind", ["mocean", "lanck", "checkmobi"])
async def test_a_network_is_asked_once(tmp_path: Path, kind: str) -> None:
    async with rest_path(kind, tmp_path) as path:
        answers = [await call(path, "GET", f"/numbers/{NUMBER}?network=hlr") for _ in range(2)]
        assert [status for status, _ in answers] == [200, 200], answers
        assert answers[0] == answers[1]
        assert answers[0][1]["network"]["original_network"]
        assert len(path.provider.requests) == 1


async def test_a_provider_that_gives_no_answer_is_not_our_fault(tmp_path: Path) -> None:
    # This one tells of its own number, whichever it is asked about.
    async with rest_path("mobtexting", tmp_path) as path:
        status, answer = await call(path, "GET", f"/numbers/{NUMBER}?network=hlr")
        assert (status, answer["error"]["code"]) == (502, "no_answer")


VIBER_THEN_SMS = [
    {"channel": "viber", "text": "by viber", "wait_seconds": 1, "condition": "delivered"},
    {"channel": "sms", "text": "by sms", "from": "INFO"},
]


async def begun_flow(path: RestPath) -> tuple[str, str]:
    """The id of a flow whose first step went to the provider, and where that reports to."""
    status, flow = await call(path, "POST", "/flows", {"to": NUMBER, "steps": VIBER_THEN_SMS})
    assert status == 201, flow
    (taken,) = path.provider.requests
    assert (taken.path, taken.content["text"]) == ("/v1/messaging/viber", "by viber")
    return flow["id"], taken.content["callbackUrl"]


async def flow_is(path: RestPath, flow_id: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            _, found = await call(path, "GET", f"/flows/{flow_id}")
            if found["status"] == status:
                return dict(found)
            await asyncio.sleep(0.02)


async def test_a_flow_that_a_channel_delivers_ends_there(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path) as path:
        flow_id, report_to = await begun_flow(path)
        body = json.dumps({"requestId": "x", "number": f"+{NUMBER}", "status": "DELIVERED"}).encode()
        await path.provider.call("POST", report_to, {"Content-Type": "application/json"}, body)
        assert (await flow_is(path, flow_id, "delivered"))["step"] == 0
        assert not path.provider.messages


async def test_a_flow_goes_on_to_sms_where_a_channel_is_silent(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path) as path:
        flow_id, _ = await begun_flow(path)
        await path.provider.wait_until(lambda: bool(path.provider.messages))
        assert path.provider.messages[0].text == "by sms"
        assert (await flow_is(path, flow_id, "delivered"))["step"] == 1
