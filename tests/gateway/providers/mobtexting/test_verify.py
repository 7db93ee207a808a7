"""One-time codes."""

from typing import Any

import pytest

from gateway.providers.mobtexting.verify import CHECK_STATUS
from gateway.providers.verifying import VerifyProblem, VerifyStatus
from tests.gateway.providers.fakes import CODE, World
from tests.gateway.providers.mobtexting.calls import errors, said

DIRECT: dict[str, Any] = {
    "channels": [{"name": "sms", "from": "VERIFY", "recipient": {"to": "918921269000"}}],
    "payload": {"length": 6, "timeout": 100, "foreign_id": "f-1", "template": "Code {token}"},
}


async def test_code_from_request_to_result(world: World) -> None:
    status, sent = await said(world, "POST", "verify/send", DIRECT)
    (asked,) = world.verifier.begun
    assert (status, sent) == (
        200,
        {
            "id": "v1",
            "status": "sent",
            "to": "918921269000",
            "foreign_id": "f-1",
            "created_at": "2023-11-14 22:13:20",
            "expire_at": "2023-11-14 22:15:00",
        },
    )
    assert (asked.code_length, asked.validity_seconds, asked.template) == (6, 100, "Code {code}")
    assert await said(world, "GET", "verify/check/v1/0000") == (200, {"id": "v1", "status": "invalid"})
    assert await said(world, "GET", f"verify/check/v1/{CODE}") == (200, {"id": "v1", "status": "success"})
    world.verifier.verified_says = VerifyStatus.VERIFIED
    assert (await said(world, "GET", f"verify/check/v1/{CODE}"))[1]["status"] == "OTP already verified"
    assert (await said(world, "GET", "verify/check/v9/1"))[1] == {"id": "v9", "status": "failed"}
    _, found = await said(world, "GET", "verify/search/v1")
    assert (found["status"], found["reference"]) == ("success", "f-1")
    assert (await said(world, "GET", "verify/cancel/v9"))[0] == 404


async def test_old_form_of_a_code_takes_a_query_and_a_bare_token(world: World) -> None:
    status, sent = await said(world, "POST", "verify?to=918921269000", headers={"Authorization": "TOKEN"})
    assert (status, sent["status"], sent["reference"]) == (200, "sent", None)
    assert await errors(world, "POST", "verify") == ["to"]


async def test_channels_are_tried_in_order_and_calls_get_their_time(world: World) -> None:
    to = {"recipient": {"to": "918921269000"}}
    channels = [{"name": "sms", "order": 2, **to}, {"name": "voice", "order": 1, "wait": 30, **to}]
    await said(world, "POST", "verify/send", {"channels": channels})
    (asked,) = world.verifier.begun
    assert [(step.channel, step.wait_seconds) for step in asked.steps] == [("voice", 60), ("sms", 30)]


async def test_profile_names_the_order(world: World) -> None:
    _, made = await said(world, "POST", "verify/profiles", {"name": "Demo"})
    key = made["data"]["id"]
    order = {"profile": "Demo", "recipient": {"to": "918921269000"}}
    assert await errors(world, "POST", "verify/omni/send", order) == ["profile"]
    await said(
        world, "POST", f"verify/profiles/{key}/channels", {"channels": [{"name": "sms", "from": "DEMO", "wait": 40}]}
    )
    assert (await said(world, "POST", "verify/omni/send", order))[0] == 200
    (asked,) = world.verifier.begun
    assert [(step.channel, step.sender, step.wait_seconds) for step in asked.steps] == [("sms", "DEMO", 40)]
    _, left = await said(world, "DELETE", f"verify/profiles/{key}/channels/sms")
    assert left["data"]["channels"] == []
    assert (await said(world, "DELETE", f"verify/profiles/{key}"))[0] == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": []}, "channels"),
        ({"channels": [{"name": "pigeon"}]}, "channels.0.name"),
        ({"channels": [{"name": "sms"}]}, "to"),
        ({"payload": {"length": 3}}, "length"),
        ({"payload": {"template": "no code"}}, "template"),
        ({"payload": {"token": "ab"}}, "token"),
    ],
)
async def test_code_says_which_field_is_wrong(world: World, change: dict[str, Any], field: str) -> None:
    assert await errors(world, "POST", "verify/send", {**DIRECT, **change}) == [field]


@pytest.mark.parametrize("problem", list(VerifyProblem))
async def test_every_rule_of_verification_is_said(world: World, problem: VerifyProblem) -> None:
    await said(world, "POST", "verify/send", DIRECT)
    world.verifier.problem = problem
    status, content = await said(world, "POST", "verify/send", DIRECT)
    assert 400 <= status < 500 and content["status"] == "error"
    status, content = await said(world, "GET", "verify/check/v1/0000")
    assert (status, content["status"]) == (200, CHECK_STATUS.get(problem, "failed"))
