"""Many numbers looked up over HTTP, and the answers called back: signed, and the same as those that are asked for."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from gateway.webhooks import sign
from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.gateway.rest_path import rest_path
from tests.whole_path import PATIENCE_SECONDS, WholePath, whole_path

KEY = b"0123456789abcdef01234567"
SIGNED = f'signing_secret = "whsec_{base64.b64encode(KEY).decode()}"'
NUMBERS = [f"4474001{n:05d}" for n in range(150)]


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


async def done(path: WholePath, lookup_id: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with path.http.get(f"/api/v1/lookups/{lookup_id}") as answer:
                found: dict[str, Any] = await answer.json()
            if found["status"] == "done":
                return found
            await asyncio.sleep(0.01)


async def test_answers_are_called_back_signed(tmp_path: Path, tls: ThrowAwayTls) -> None:
    async with whole_path(tmp_path, tls, more=SIGNED) as path:
        wanted = {"numbers": NUMBERS, "callback_url": f"{path.receiver.url}/lookups"}
        async with path.http.post("/api/v1/lookups", json=wanted) as answer:
            assert answer.status == 202
            begun = await answer.json()
        came = await path.receiver.wait_for(2)
        assert [one.path for one in came] == ["/lookups"] * 2
        for one in came:
            headers = {name.lower(): value for name, value in one.headers.items()}
            expected = sign(headers["webhook-id"], one.body, int(headers["webhook-timestamp"]), KEY)
            assert headers["webhook-signature"] == expected["webhook-signature"]
        told = [answer for one in came for answer in one.json["lookup"]["answers"]]
        found = await done(path, begun["id"])
        assert sorted(told, key=lambda one: one["number"]) == sorted(found["answers"], key=lambda one: one["number"])
        assert {one.json["lookup"]["is_last"] for one in came} == {True, False}


async def test_networks_are_asked_through_a_provider(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path) as path:
        wanted = {"numbers": NUMBERS[:3], "network": "hlr", "callback_url": f"{path.receiver.url}/lookups"}
        async with path.http.post("/api/v1/lookups", json=wanted) as answer:
            assert answer.status == 202
        (came,) = await path.receiver.wait_for(1)
        answers = came.json["lookup"]["answers"]
        assert sorted(one["number"] for one in answers) == NUMBERS[:3]
        assert all(one["network"]["original_network"] for one in answers)
        assert len(path.provider.requests) == 3
