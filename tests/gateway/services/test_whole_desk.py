"""Services behind the gateway's doors: real requests in, a simulated SMSC out, real callbacks back."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.whole_path import PATIENCE_SECONDS, WholePath, whole_path

NUMBER = "447400123456"


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def path(tmp_path: Path, tls: ThrowAwayTls) -> AsyncIterator[WholePath]:
    async with whole_path(tmp_path, tls) as running:
        yield running


async def request(path: WholePath, method: str, url: str, **arguments: Any) -> tuple[int, Any]:
    async with path.http.request(method, url, **arguments) as answer:
        return answer.status, await answer.json() if answer.content_length != 0 else None


async def text_of(path: WholePath) -> str:
    """The text of the only message that the SMSC took."""
    await path.simulator.wait_until(lambda: bool(path.simulator.messages), PATIENCE_SECONDS)
    (message,) = path.simulator.messages.values()
    return message.text.decode("ascii")


async def test_a_code_goes_out_over_smpp_and_comes_back(path: WholePath) -> None:
    wanted = {"to": NUMBER, "brand": "Shop", "code_length": 8, "callback_url": path.receiver.url + "/verify"}
    status, begun = await request(path, "POST", "/api/v1/verifications", json=wanted)
    assert status == 201, begun
    found = re.search(r"\d{8}", await text_of(path))
    assert found is not None
    code = found.group()
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    status, answer = await request(path, "POST", f"/api/v1/verifications/{begun['id']}/check", json={"code": wrong})
    assert status >= 400, answer
    status, answer = await request(path, "POST", f"/api/v1/verifications/{begun['id']}/check", json={"code": code})
    assert (status, answer["status"]) == (200, "verified")
    received = await path.receiver.wait_until(
        lambda all_: {"verification.sent", "verification.verified"} <= {one.json["type"] for one in all_}
    )
    assert all(code not in one.body.decode() for one in received)
    status, message = await request(path, "GET", f"/api/v1/messages/{begun['message_id']}")
    assert status == 200
    assert code not in str(message)


async def test_a_flow_goes_on_until_it_is_delivered(path: WholePath) -> None:
    steps = [{"channel": "push", "text": "a", "wait_seconds": 60}, {"text": "hello", "from": "INFO"}]
    wanted = {"to": NUMBER, "steps": steps, "callback_url": path.receiver.url + "/flow"}
    status, begun = await request(path, "POST", "/api/v1/flows", json=wanted)
    assert status == 201, begun
    assert await text_of(path) == "hello"
    await path.receiver.wait_until(lambda all_: any(one.json["type"] == "flow.delivered" for one in all_))
    status, found = await request(path, "GET", f"/api/v1/flows/{begun['id']}")
    assert (found["status"], found["step"]) == ("delivered", 1)


async def test_an_app_written_for_mocean_verifies(path: WholePath) -> None:
    who = {"mocean-api-token": "apit-token", "mocean-resp-format": "json"}
    headers = {"Authorization": "Bearer apit-token"}
    wanted = who | {"mocean-to": NUMBER, "mocean-brand": "Shop"}
    status, begun = await request(path, "POST", "/mocean/rest/2/verify/req", data=wanted, headers=headers)
    assert (status, begun["status"]) == (200, 0), begun
    _, again = await request(path, "POST", "/mocean/rest/2/verify/req", data=wanted, headers=headers)
    assert again["status"] == 19
    found = re.search(r"\d{6}", await text_of(path))
    assert found is not None
    code = found.group()
    for wrong, status_word in ((f"{(int(code) + 1) % 10**6:06d}", 16), (code, 0)):
        asked = who | {"mocean-reqid": begun["reqid"], "mocean-code": wrong}
        _, answer = await request(path, "POST", "/mocean/rest/2/verify/check", data=asked, headers=headers)
        assert answer["status"] == status_word
