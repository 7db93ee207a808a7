"""Tokens, pace, what is passed on, and what is answered when nothing fits."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.base import Refusal, WebAnswer, WebRequest
from gateway.providers.mobtexting.dialect import SERVED, Mobtexting
from gateway.providers.mobtexting.endpoints import ALSO_PASSED, DOCUMENTED, ENDPOINTS
from gateway.providers.ports import NoAnswer
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import BEARER, FORM, SMS, request, said


async def test_token_for_an_hour_opens_the_door(world: World) -> None:
    _, made = await said(world, "GET", "/api/v3/auth/token/generate")
    assert (made["token_type"], made["expires_in"]) == ("bearer", 3600)
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    assert (await said(world, "POST", "sms/send", SMS, headers=headers))[0] == 200
    assert (await said(world, "POST", "sms/send", SMS, headers={"Authorization": "Bearer a.b.c"}))[0] == 401


async def test_queries_are_limited_to_a_thousand_a_minute(world: World) -> None:
    world.rates.wait = 2.0
    answer = await Mobtexting().answer(request("GET", "sms/status", {"id": "m1"}), world.services)
    assert (answer.status, answer.headers) == (429, (("Retry-After", "2"),))
    assert (await said(world, "POST", "sms/send", SMS))[0] == 200
    assert world.rates.taken[0][3] == 1000


PASSED = [row for row in (*DOCUMENTED, *ALSO_PASSED) if row.served == "pass"]


@pytest.mark.parametrize("row", PASSED, ids=lambda row: f"{row.method} {row.path}")
async def test_calls_of_the_provider_are_forbidden_without_an_uplink_and_passed_on_with_one(
    world: World, row: Any
) -> None:
    path = row.path.replace("{", "").replace("}", "")
    assert (await said(world, row.method, path))[0] == 403
    world.pass_through.answer = WebAnswer(status=200, content_type="application/json", body=b'{"status":"OK"}')
    assert await said(world, row.method, path) == (200, {"status": "OK"})
    assert world.pass_through.passed[-1][3] == path


async def test_a_provider_that_does_not_answer_is_a_bad_gateway(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_args: object, **_more: object) -> None:
        raise NoAnswer("gone")

    monkeypatch.setattr(world.pass_through, "forward", fail)
    assert (await said(world, "POST", "viber/message/send", {}))[0] == 502


@pytest.mark.parametrize(
    "row", [row for row in DOCUMENTED if row.served != "pass"], ids=lambda row: f"{row.method} {row.path}"
)
def test_every_row_that_is_ours_is_answered_here(row: Any) -> None:
    assert (row.method, row.path) in SERVED


async def test_unknown_paths_and_methods(world: World) -> None:
    assert (await said(world, "GET", "nothing"))[0] == 404
    assert (await said(world, "DELETE", "sms/send"))[0] == 405


def test_files_for_the_provider_are_streamed_and_ours_are_not() -> None:
    def asked(path: str) -> WebRequest:
        return WebRequest(method="POST", path=path, content_type="multipart/form-data")

    assert Mobtexting().streams(asked("/api/v2/voice/sounds"))
    assert not Mobtexting().streams(asked("/api/v2/sms/bulk"))


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_the_error_shape(refusal: Refusal) -> None:
    answer = Mobtexting().refuse(WebRequest(method="POST", path="/api/v2/sms/send"), refusal)
    assert answer.status >= 400 and json.loads(answer.body)["status"] == "error"


@given(
    body=st.binary(max_size=300), key=st.sampled_from([key for key in SERVED if key[0] != "GET"]), form=st.booleans()
)
async def test_no_body_is_a_fault_of_ours(body: bytes, key: tuple[str, str], form: bool) -> None:
    asked = WebRequest(
        method=key[0], path=key[1], body=body, content_type=FORM if form else "application/json", headers=BEARER
    )
    assert (await Mobtexting().answer(asked, World().services)).status < 500


def test_the_table_of_calls_has_every_call_that_is_answered_once() -> None:
    rows = [(row.method, row.path) for row in ENDPOINTS]
    assert len(rows) == len(set(rows)) and set(SERVED) <= set(rows)
    assert len(DOCUMENTED) == 144
