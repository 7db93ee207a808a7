"""One-time codes, numbers and flows over the native API."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gateway.web.running import Running, running


@pytest.fixture
async def here() -> AsyncIterator[Running]:
    async with running() as one:
        yield one


async def begin(here: Running, **fields: object) -> dict[str, object]:
    body = {"to": "+447700900123", "brand": "Shop", "code": "4711", **fields}
    status, made = await here.ask("POST", "/verifications", json=body)
    assert status == 201, made
    assert "4711" not in str(made)
    found: dict[str, object] = made
    return found


async def test_a_code_is_sent_and_checked(here: Running) -> None:
    made = await begin(here)
    assert (made["status"], made["to"]) == ("pending", "447700900123")
    path = f"/verifications/{made['id']}"
    status, wrong = await here.ask("POST", f"{path}/check", json={"code": "0000"})
    assert (status, wrong["error"]["code"]) == (422, "wrong_code")
    status, right = await here.ask("POST", f"{path}/check", json={"code": "4711"})
    assert (status, right["status"]) == (200, "verified")
    status, shown = await here.ask("GET", path, key="reader-key")
    assert status == 404
    status, shown = await here.ask("GET", path)
    assert (status, shown["status"]) == (200, "verified")


async def test_a_code_that_is_cancelled_opens_nothing(here: Running) -> None:
    made = await begin(here)
    path = f"/verifications/{made['id']}"
    status, ended = await here.ask("DELETE", path)
    assert (status, ended["status"]) == (200, "cancelled")
    status, _ = await here.ask("POST", f"{path}/check", json={"code": "4711"})
    assert status in (404, 409, 410)


async def test_a_code_goes_again_no_sooner_than_allowed(here: Running) -> None:
    made = await begin(here, resend_after_seconds=60)
    status, answer = await here.ask("POST", f"/verifications/{made['id']}/resend", json={})
    assert (status, answer["error"]["code"]) == (429, "too_soon")


@pytest.mark.parametrize("path", ["/verifications/none", "/flows/none"])
async def test_what_is_not_there_is_not_found(here: Running, path: str) -> None:
    status, answer = await here.ask("GET", path)
    assert (status, answer["error"]["code"]) == (404, "not_found")


async def test_a_number_says_what_it_can_by_itself(here: Running) -> None:
    status, shown = await here.ask("GET", "/numbers/+919876543210")
    assert (status, shown["country"], shown["is_valid"], shown["network"]) == (200, "IN", True, None)
    status, answer = await here.ask("GET", "/numbers/abc")
    assert (status, answer["error"]["field"]) == (400, "number")
    status, answer = await here.ask("GET", "/numbers/919876543210?network=hlr")
    assert (status, answer["error"]["code"]) == (501, "not_offered")


async def test_a_flow_is_begun_and_shown(here: Running) -> None:
    body = {"to": "447700900123", "steps": [{"text": "Hello"}, {"text": "Hello again", "from": "SHOP2"}]}
    status, made = await here.ask("POST", "/flows", json=body)
    assert (status, made["step_count"]) == (201, 2)
    status, shown = await here.ask("GET", f"/flows/{made['id']}")
    assert (status, shown["to"], len(shown["message_ids"])) == (200, "447700900123", 1)
    status, _ = await here.ask("GET", f"/flows/{made['id']}", key="other-key")
    assert status == 404


# --- many numbers ---


async def looked_up(here: Running, lookup_id: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            status, found = await here.ask("GET", f"/lookups/{lookup_id}")
            assert status == 200
            if found["status"] == "done":
                return dict(found)
            await asyncio.sleep(0.01)


async def test_many_numbers_are_looked_up_and_asked_for(here: Running) -> None:
    numbers = ["+44 7700 900123", "447700900123", *(f"4474001{n:05d}" for n in range(997)), "12x"]
    status, begun = await here.ask("POST", "/lookups", json={"numbers": numbers})
    assert (status, begun["total"], begun["network"]) == (202, 999, None)
    found = await looked_up(here, begun["id"])
    assert (found["answered"] + found["failed"], len(found["answers"])) == (999, 999)
    assert found["answers"][0]["number"] == "447700900123"
    assert found["answers"][-1] | {"error": ""} == found["answers"][-1] | {"number": "12x", "error": ""}
    assert found["answers"][-1]["error"]
    status, _ = await here.ask("GET", f"/lookups/{begun['id']}", key="reader-key")
    assert status == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"numbers": []}, 400, "invalid_value"),
        ({"numbers": ["1"] * 1_001}, 400, "too_long"),
        ({"numbers": ["447700900123"], "network": "hlr"}, 501, "not_offered"),
        ({"numbers": ["447700900123"], "callback_url": "ftp://x"}, 400, "invalid_callback_url"),
        ({"numbers": ["447700900123"], "callback_url": "http://10.0.0.1/"}, 400, "invalid_callback_url"),
        ({}, 400, "missing_field"),
    ],
)
async def test_look_ups_that_cannot_be_are_refused(here: Running, body: object, status: int, code: str) -> None:
    answered, error = await here.ask("POST", "/lookups", json=body)
    assert (answered, error["error"]["code"]) == (status, code)


# --- verifications found ---


async def test_verifications_are_found_page_by_page(here: Running) -> None:
    made = [
        await begin(here, to=f"+44770090012{n}", client_reference=f"r{n % 2}", remote="192.0.2.1") for n in range(5)
    ]
    newest_first = [one["id"] for one in made[::-1]]
    status, page = await here.ask("GET", "/verifications?limit=3")
    assert (status, [one["id"] for one in page["verifications"]]) == (200, newest_first[:3])
    status, rest = await here.ask("GET", f"/verifications?limit=3&cursor={page['next_cursor']}")
    assert ([one["id"] for one in rest["verifications"]], rest["next_cursor"]) == (newest_first[3:], None)
    _, some = await here.ask("GET", "/verifications?client_reference=r1&to=%2B447700900123")
    assert [one["id"] for one in some["verifications"]] == [made[3]["id"]]
    _, none = await here.ask("GET", "/verifications?until=2020-01-01T00:00:00Z")
    assert none == {"verifications": [], "next_cursor": None}
    _, others = await here.ask("GET", "/verifications", key="other-key")
    assert others["verifications"] == []


@pytest.mark.parametrize("query", ["to=x", "cursor=%20", "limit=0", "since=yesterday", "state=pending"])
async def test_searches_that_cannot_be_are_refused(here: Running, query: str) -> None:
    status, _ = await here.ask("GET", f"/verifications?{query}")
    assert status == 400
