"""CheckMobi's validation of numbers: pins by SMS, by calls, and what they are answered."""

from decimal import Decimal

import msgspec
import pytest

from gateway.providers.base import WebAnswer
from gateway.providers.checkmobi import validation
from gateway.providers.checkmobi.validation import CODE_BY_PROBLEM
from gateway.providers.verifying import VerifyProblem, VerifySend, VerifyStatus
from tests.gateway.providers.checkmobi.asking import INFO, KEY, NUMBER, refused, said
from tests.gateway.providers.fakes import CODE, World


async def test_validation_from_request_to_result(world: World) -> None:
    fields = {**NUMBER, "type": "sms", "language": "RO", "platform": "android", "android_app_hash": "FA+9qCX9VSu"}
    headers = {**KEY, "X-Client-IP": "192.0.2.7"}
    status, begun = await said(world, "/validation/request", fields, headers=headers)
    (asked,) = world.verifier.begun
    assert (status, begun) == (200, {"id": "v1", "type": "sms", "validation_info": INFO})
    assert asked.id.startswith("SMS-") and len(asked.id) == 40
    assert (asked.language, asked.sms_retriever_hash, asked.remote) == ("ro", "FA+9qCX9VSu", "192.0.2.7")
    assert (asked.validity_seconds, asked.max_attempts, asked.code_length) == (3600, 3, 4)
    not_yet = {"number": "+40743123456", "validated": False, "validation_date": None, "charged_amount": 0}
    assert await said(world, "/validation/status/v1", method="GET") == (200, not_yet)
    assert await said(world, "/validation/verify", {"id": "v1", "pin": "0000"}) == (200, not_yet)
    done = {**not_yet, "validated": True, "validation_date": 1_700_000_060}
    assert await said(world, "/validation/verify", {"id": "v1", "pin": CODE}) == (200, done)
    assert await said(world, "/validation/verify", {"id": "v1", "pin": CODE}) == (200, done)


async def test_the_third_wrong_pin_is_one_too_many(world: World) -> None:
    await said(world, "/validation/request", {**NUMBER, "type": "sms"})
    wrong = {"id": "v1", "pin": "0000"}
    assert [(await said(world, "/validation/verify", wrong))[0] for _ in range(2)] == [200, 200]
    assert await refused(world, "/validation/verify", wrong) == 15


@pytest.mark.parametrize(("kind", "channel"), [("ivr", "voice"), ("reverse_cli", "flash_call")])
async def test_calls_need_an_uplink(world: World, kind: str, channel: str) -> None:
    _, begun = await said(world, "/validation/request", {**NUMBER, "type": kind})
    (asked,) = world.verifier.begun
    assert (asked.steps[0].channel, asked.skip_unavailable) == (channel, False)
    assert ("pin_hash" in begun) is (kind == "reverse_cli")
    world.verifier.absent = True
    assert await refused(world, "/validation/request", {**NUMBER, "type": kind}) == 8


@pytest.mark.parametrize(
    ("extra", "pin_hash"),
    [
        ({"pin_hash": "of the provider", "from": "37282329823"}, "of the provider"),
        # echo -n 823 | sha1sum
        ({"from": "37282329823"}, "bf67a68ae9d0403801d0a0474efc79997d5fb6f3"),
        ({}, ""),
    ],
)
def test_the_hash_is_of_the_last_three_digits_of_the_caller(extra: dict[str, str], pin_hash: str) -> None:
    assert validation._pin_hash(extra) == pin_hash


async def test_a_validation_tells_what_its_messages_cost(world: World) -> None:
    await said(world, "/validation/request", {**NUMBER, "type": "sms"})
    sends = tuple(VerifySend(channel=channel, recipient="40", message_id="vm1") for channel in ("sms", "voice"))
    world.verifier.known["v1"] = msgspec.structs.replace(world.verifier.known["v1"], history=sends)
    world.ledger.costs["vm1"] = Decimal("0.03")
    assert (await said(world, "/validation/status/v1", method="GET"))[1]["charged_amount"] == 0.03


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_the_server_hangs_up_where_the_app_wants_it(world: World, hangs_up: bool) -> None:
    await said(world, "/validation/request", {**NUMBER, "type": "reverse_cli"})
    await said(world, "/validation/verify", {"id": "v1", "pin": CODE, "use_server_hangup": hangs_up})
    assert world.verifier.checked_with == ({"use_server_hangup": "true"} if hangs_up else {})


async def test_a_validation_that_may_be_ringing_is_hung_up_by_the_providers_id(world: World) -> None:
    world.pass_through.answer = WebAnswer(status=204, content_type="", body=b"")
    await said(world, "/validation/request", {**NUMBER, "type": "reverse_cli"})
    assert await said(world, "/call/v1", method="DELETE") == (204, None)
    ((_, provider, request, path),) = world.pass_through.passed
    assert (provider, request.method, path) == ("checkmobi", "DELETE", "/v1/call/vm1")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type": "sms"}, 7),
        ({**NUMBER, "type": "cli"}, 4),
        (NUMBER, 7),
        ({**NUMBER, "type": "sms", "language": "x" * 20}, 7),
        ({**NUMBER, "type": "sms", "android_app_hash": "short"}, 7),
        ({"number": "12", "type": "sms"}, 2),
        ({**NUMBER, "type": "sms", "notification_callback": "x"}, 9),
    ],
)
async def test_validation_says_what_is_wrong(world: World, fields: dict[str, str], code: int) -> None:
    assert await refused(world, "/validation/request", fields) == code


@pytest.mark.parametrize(("problem", "code"), list(CODE_BY_PROBLEM.items()))
async def test_every_rule_of_verification_has_its_code(world: World, problem: VerifyProblem, code: int) -> None:
    world.verifier.problem = problem
    assert await refused(world, "/validation/request", {**NUMBER, "type": "sms"}) == code
    assert set(CODE_BY_PROBLEM) == set(VerifyProblem)


async def test_unknown_and_cancelled_validations(world: World) -> None:
    assert await refused(world, "/validation/verify", {"id": "v9", "pin": "1"}) == 3
    await said(world, "/validation/request", {**NUMBER, "type": "ivr"})
    assert await said(world, "/call/v1", method="DELETE") == (204, None)
    assert world.verifier.known["v1"].status is VerifyStatus.CANCELLED
    assert await refused(world, "/validation/verify", {"id": "v1", "pin": CODE}) == 3


async def test_remote_config_advises_all_that_is_offered(world: World) -> None:
    world.verifier.channels = ("sms", "voice", "flash_call")
    _, content = await said(world, "/validation/remote-config", {**NUMBER, "platform": "ios"})
    assert [one["type"] for one in content["settings"]] == ["reverse_cli", "sms", "ivr"]
    assert ["sms_template" in one for one in content["settings"]] == [False, True, False]
    _, content = await said(world, "/checknumber", NUMBER)
    assert [content["validation_methods"][kind]["available"] for kind in ("ivr", "reverse_cli")] == [True, True]


async def test_remote_config_advises_sms(world: World) -> None:
    _, content = await said(world, "/validation/remote-config", {**NUMBER, "platform": "ios"})
    setting = {"type": "sms", "max_attempts": 3, "delay": 60, "sms_template": "%code%"}
    assert content == {"settings": [setting], **INFO}
    assert await refused(world, "/validation/remote-config", NUMBER) == 7
