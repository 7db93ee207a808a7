"""Lanck's calls: the document's examples, and every error from its real cause."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidMessage, StoreError, StoreFull
from gateway.models import Inbound, Message, State
from gateway.providers.base import Refusal, WebAnswer, WebRequest
from gateway.providers.lanck import spec
from gateway.providers.lanck.dialect import ERROR_BY_REASON, Lanck
from gateway.providers.lanck.endpoints import ENDPOINTS
from gateway.providers.lanck.verify import ERROR_BY_PROBLEM
from gateway.providers.ports import FlowStep, NetworkInfo, NoAnswer
from gateway.providers.seams import VerifyEvent
from gateway.providers.verifying import VerifyProblem
from tests.gateway.providers.fakes import CODE, World

FORM = "application/x-www-form-urlencoded"
NUMBER = {"number": "+18800000000"}
SMS = {**NUMBER, "text": "Your order #29211 received", "from": "SHOP"}


@pytest.fixture
def world() -> World:
    return World()


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}


def request(
    path: str,
    fields: dict[str, Any] | None = None,
    *,
    method: str = "POST",
    login: str = "user:pass",
    as_json: bool = False,
) -> WebRequest:
    encoded = json.dumps(fields).encode() if as_json else urlencode(fields or {}).encode()
    return WebRequest(
        method=method,
        path="/v1" + path,
        query=encoded if method == "GET" else b"",
        body=b"" if method == "GET" else encoded,
        content_type="" if method == "GET" else FORM,
        headers=basic(login),
    )


async def said(world: World, path: str, fields: dict[str, Any] | None = None, **more: Any) -> tuple[int, Any]:
    answer = await Lanck().answer(request(path, fields, **more), world.services)
    return answer.status, json.loads(answer.body)


async def error(world: World, path: str, fields: dict[str, Any] | None = None, **more: Any) -> int:
    status, content = await said(world, path, fields, **more)
    row = spec.ERRORS[content["errorCode"]]
    assert (status, content["errorReason"]) == (row.http_status, row.reason)
    return int(content["errorCode"])


# Messages.


@pytest.mark.parametrize("as_json", [False, True])
async def test_message_is_sent_by_form_and_by_json(world: World, as_json: bool) -> None:
    fields = {**SMS, "callbackUrl": "https://app.example/dlr"}
    assert await said(world, "/sms", fields, as_json=as_json) == (200, {"requestId": "m1"})
    message = world.behind.intake.last
    assert (message.recipient, message.sender, message.text) == ("18800000000", "SHOP", SMS["text"])
    assert (message.dialect, message.callback_url, message.origin) == ("lanck", "https://app.example/dlr", "226010")


async def test_a_number_may_be_a_json_number(world: World) -> None:
    assert await said(world, "/sms", {"number": 18800000000, "text": "Hi"}, as_json=True) == (200, {"requestId": "m1"})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "Hi"}, 10),
        (NUMBER, 10),
        ({**NUMBER, "text": ["Hi"]}, 10),
        ({**SMS, "number": "+1 (nobody)"}, 11),
        ({**SMS, "callbackUrl": "app.example"}, 10),
    ],
)
async def test_message_says_what_is_wrong(world: World, fields: dict[str, Any], code: int) -> None:
    assert await error(world, "/sms", fields, as_json=True) == code


@pytest.mark.parametrize(("reason", "code"), [*ERROR_BY_REASON.items(), ("text_too_long", 10)])
async def test_each_reason_of_the_gateway_has_an_error(world: World, reason: str, code: int) -> None:
    world.behind.intake.refuse["18800000000"] = InvalidMessage(reason, "no")
    assert await error(world, "/sms", SMS) == code


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"number":1,}', b"{" * 5000])
async def test_a_body_that_is_no_object_is_an_invalid_request(world: World, body: bytes) -> None:
    asked = WebRequest(
        method="POST", path="/v1/sms", content_type="application/json", body=body, headers=basic("user:pass")
    )
    assert json.loads((await Lanck().answer(asked, world.services)).body)["errorCode"] == 10


@pytest.mark.parametrize(
    ("token", "code"),
    [("user:wrong", 1), ("nobody:pass", 1), ("user", 1), (":", 1), ("reader:pass", 7)],
)
async def test_strangers_are_turned_away(world: World, token: str, code: int) -> None:
    assert await error(world, "/sms", SMS, login=token) == code


@pytest.mark.parametrize("header", ["", "Bearer x", "Basic ***", "Basic w6k=", "Basic /w=="])
async def test_credentials_that_are_none_are_an_authentication_required(world: World, header: str) -> None:
    asked = WebRequest(method="POST", path="/v1/sms", headers={"Authorization": header})
    answer = await Lanck().answer(asked, world.services)
    assert (answer.status, json.loads(answer.body)["errorCode"]) == (401, 1)


async def test_more_than_thirty_a_second_are_too_many(world: World) -> None:
    world.rates.wait = 0.4
    answer = await Lanck().answer(request("/sms", SMS), world.services)
    assert (answer.status, json.loads(answer.body)["errorCode"]) == (429, 4)
    assert ("Retry-After", "1") in answer.headers
    assert world.rates.taken == [("shop", "lanck", 30, 30)]


@pytest.mark.parametrize(("fault", "code"), [(StoreFull("full", 2.0), 4), (StoreError("disk"), 99)])
async def test_a_store_in_trouble_is_said(world: World, fault: Exception, code: int) -> None:
    world.behind.intake.fail = fault
    assert await error(world, "/sms", SMS) == code


async def test_unknown_paths_and_methods(world: World) -> None:
    assert await error(world, "/nothing") == 20
    assert await error(world, "/sms", SMS, method="GET") == 25
    outside = WebRequest(method="POST", path="/sms", headers=basic("user:pass"))
    assert (await Lanck().answer(outside, world.services)).status == 404


# Requests and goals.


async def test_request_of_a_message_is_described(world: World) -> None:
    await said(world, "/sms", SMS)
    world.behind.lookup.set_state("m1", State.DELIVERED)
    _, content = await said(world, "/requests/m1", method="GET")
    assert content == {
        "id": "m1",
        "product": "sms",
        "number": "+18800000000",
        "mccmnc": "226010",
        "network": "Orange",
        "country": "RO",
        "createdAt": 1_700_000_000_250,
        "status": "DELIVERED",
        "sender": "SHOP",
        "payload": {"number": "+18800000000", "text": SMS["text"], "from": "SHOP"},
        "goals": [],
    }


@pytest.mark.parametrize("state", list(State))
async def test_every_state_has_a_status(world: World, state: State) -> None:
    await said(world, "/sms", SMS)
    world.behind.lookup.set_state("m1", state)
    _, content = await said(world, "/requests/m1", method="GET")
    assert content["status"] in (*spec.STATUSES, "PROCESSING")


async def test_goals_are_kept_once(world: World) -> None:
    await said(world, "/sms", SMS)
    for _ in range(2):
        status, content = await said(world, "/requests/m1", {"goal": "LINK_OPENED"})
        assert (status, content["goals"]) == (200, ["LINK_OPENED"])
    assert (await said(world, "/requests/m1", method="GET"))[1]["goals"] == ["LINK_OPENED"]
    assert await error(world, "/requests/m1") == 10
    assert await error(world, "/requests/m1", {"goal": "x" * 65}) == 10


@pytest.mark.parametrize("path", ["/requests/m9", "/requests/%2e%2e", "/requests/a b"])
async def test_requests_that_do_not_exist(world: World, path: str) -> None:
    assert await error(world, path, method="GET") == 20


# One-time codes.


async def test_verification_from_request_to_result(world: World) -> None:
    fields = {**NUMBER, "method": "sms", "codeLength": "6", "language": "DE", "ip": "192.0.2.7"}
    assert await said(world, "/verify", fields) == (200, {"requestId": "v1"})
    (asked,) = world.verifier.begun
    assert (asked.code_length, asked.language, asked.remote, asked.steps[0].channel) == (6, "de", "192.0.2.7", "sms")
    pending = {"status": "processing", "number": "+18800000000", "method": "sms"}
    assert (await said(world, "/verify/info", {"requestId": "v1"}))[1] == {
        **pending,
        "verificationRequestedAt": 1_700_000_000,
        "checkAttempts": 0,
    }
    assert await error(world, "/verify/check", {"requestId": "v1", "code": "000000"}) == 21
    assert await said(world, "/verify/check", {"requestId": "v1", "code": CODE}) == (
        200,
        {"number": "+18800000000", "method": "sms", "verifiedAt": 1_700_000_060},
    )
    _, known = await said(world, "/verify/info", {"requestId": "v1"})
    assert (known["status"], known["verifiedAt"], known["checkAttempts"]) == ("verified", 1_700_000_060, 2)
    _, shown = await said(world, "/requests/v1", method="GET")
    assert (shown["product"], shown["payload"]) == ("verify.sms", {"number": "+18800000000", "method": "sms"})
    assert CODE not in json.dumps(shown)


@pytest.mark.parametrize(("method", "channel"), [("voice", "voice"), ("call", "flash_call")])
async def test_calls_need_an_uplink(world: World, method: str, channel: str) -> None:
    await said(world, "/verify", {**NUMBER, "method": method})
    (asked,) = world.verifier.begun
    assert (asked.steps[0].channel, asked.skip_unavailable) == (channel, False)
    world.verifier.absent = True
    assert await error(world, "/verify", {**NUMBER, "method": method}) == 7


async def test_the_last_wrong_code_is_too_many_attempts(world: World) -> None:
    await said(world, "/verify", {**NUMBER, "method": "sms", "checkAttemptsAllowed": "2"})
    wrong = {"requestId": "v1", "code": "0000"}
    assert [await error(world, "/verify/check", wrong) for _ in range(2)] == [21, 23]


@pytest.mark.parametrize(
    "fields",
    [
        NUMBER,
        {**NUMBER, "method": "pigeon"},
        {**NUMBER, "method": "sms", "codeLength": "7"},
        {**NUMBER, "method": "sms", "language": "tlh"},
        {**NUMBER, "method": "sms", "ip": "nowhere"},
        {**NUMBER, "method": "sms", "codeExpiry": "1"},
        {**NUMBER, "method": "sms", "checkAttemptsAllowed": "-1"},
    ],
)
async def test_verification_says_what_is_wrong(world: World, fields: dict[str, str]) -> None:
    assert await error(world, "/verify", fields) == 10


@pytest.mark.parametrize(("problem", "code"), list(ERROR_BY_PROBLEM.items()))
async def test_every_rule_of_verification_has_its_error(world: World, problem: VerifyProblem, code: int) -> None:
    world.verifier.problem = problem
    assert await error(world, "/verify", {**NUMBER, "method": "sms"}) == code
    assert set(ERROR_BY_PROBLEM) == set(VerifyProblem)


# Failover.


async def test_failover_is_the_documents_example(world: World) -> None:
    flow = [
        {
            "type": "push",
            "message": {"title": "Hello", "text": "Your order #29211 received"},
            "failover": {"wait": 30, "condition": "delivered"},
        },
        {
            "type": "viber",
            "message": {"from": "Hello", "text": "Your order #29211 received"},
            "failover": {"wait": 120, "condition": "read"},
        },
        {"type": "sms", "message": {"from": "Hello", "text": "Your order #29211 received"}},
    ]
    answer = await said(world, "/messaging/failover", {"number": "+18800000000 ", "flow": flow}, as_json=True)
    assert answer == (200, {"requestId": "f1"})
    text = "Your order #29211 received"
    assert world.flows.known["f1"].steps == (
        FlowStep(channel="push", text=text, fields={"title": "Hello"}, wait_seconds=30),
        FlowStep(channel="viber", text=text, sender="Hello", wait_seconds=120, condition="read"),
        FlowStep(channel="sms", text=text, sender="Hello"),
    )
    _, shown = await said(world, "/requests/f1", method="GET")
    assert (shown["product"], shown["status"]) == ("messaging.failover", "PROCESSING")


SMS_STEP = {"type": "sms", "message": {"text": "Hi"}}


@pytest.mark.parametrize(
    "flow",
    [
        None,
        [],
        "sms",
        [SMS_STEP] * 11,
        [SMS_STEP, SMS_STEP],
        [{"type": "pigeon", "message": {"text": "Hi"}}],
        [{"type": "sms"}],
        [{"type": "sms", "message": {"text": ""}}],
        [{"type": "sms", "message": {"text": "Hi", "from": 1}}],
        [{**SMS_STEP, "failover": 1}, SMS_STEP],
        [{**SMS_STEP, "failover": {"wait": True}}, SMS_STEP],
        [{**SMS_STEP, "failover": {"wait": 0}}, SMS_STEP],
        [{**SMS_STEP, "failover": {"wait": 5, "condition": "liked"}}, SMS_STEP],
        [1],
    ],
)
async def test_a_flow_that_makes_no_sense_is_an_invalid_request(world: World, flow: object) -> None:
    assert await error(world, "/messaging/failover", {**NUMBER, "flow": flow}, as_json=True) == 10


async def test_why_a_message_of_a_flow_is_refused_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_args: object, **_more: object) -> None:
        raise InvalidMessage("missing_sender", "no sender")

    monkeypatch.setattr(world.flows, "begin", refuse)
    assert await error(world, "/messaging/failover", {**NUMBER, "flow": [SMS_STEP]}, as_json=True) == 16


# Look-ups, and what is the provider's own.


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_look_up_is_the_documents_example(world: World, method: str) -> None:
    network = {"name": "Mobile Norway", "country": "NO", "mcc": "242", "mnc": "05"}
    world.numbers.networks["47463562200"] = NetworkInfo(
        id="n1", number="47463562200", is_reachable=True, current_network=network, asked_at=1_550_975_149.131
    )
    assert await said(world, "/insight/hlr", {"number": "+47463562200"}, method=method) == (
        200,
        {
            "id": "n1",
            "product": "insight.hlr",
            "number": "+47463562200",
            "mccmnc": "242005",
            "network": "Mobile Norway",
            "country": "NO",
            "status": "DELIVERED",
            "createdAt": 1_550_975_149_131,
        },
    )


async def test_fraud_check_mends_the_documents_spelling(world: World) -> None:
    world.numbers.networks["18800000000"] = NetworkInfo(
        id="n1", number="18800000000", status="FRAUDLENT", raw={"mobilePrefix": False}
    )
    assert (await said(world, "/insight/fraudcheck", NUMBER))[1] == {"status": "FRAUDULENT", "mobilePrefix": False}


@pytest.mark.parametrize("row", [row for row in ENDPOINTS if row.served == "pass"], ids=lambda row: row.path)
async def test_calls_of_the_provider_are_forbidden_without_an_uplink_and_passed_on_with_one(
    world: World, row: Any
) -> None:
    world.numbers.is_offered = False
    path = row.path.removeprefix("/v1")
    assert await error(world, path, NUMBER, method=row.method) == 7
    if path.startswith("/insight"):
        return
    world.pass_through.answer = WebAnswer(status=200, content_type="application/json", body=b'{"requestId":"x"}')
    assert await said(world, path, NUMBER, method=row.method) == (200, {"requestId": "x"})
    assert [(account, provider, at) for account, provider, _, at in world.pass_through.passed] == [
        ("shop", "lanck", row.path)
    ]


async def test_every_row_of_the_table_of_calls_is_answered(world: World) -> None:
    for row in ENDPOINTS:
        status, content = await said(world, row.path.removeprefix("/v1").format(id="m1"), method=row.method)
        assert content.get("errorCode") not in (25, 99), row
        assert status != 404 or content["errorCode"] == 20


# Callbacks.


def kept(world: World, state: State) -> Message:
    return msgspec.structs.replace(world.behind.intake.last, state=state, updated_at=1_656_666_364.9)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.SUBMITTED, "SENT"),
        (State.DELIVERED, "DELIVERED"),
        (State.EXPIRED, "UNDELIVERED"),
        (State.FAILED, "REJECTED"),
    ],
)
async def test_report_has_the_documents_fields(world: World, state: State, status: str) -> None:
    await said(world, "/sms", {**SMS, "callbackUrl": "https://app.example/dlr"})
    callback = Lanck().receipt_callback(kept(world, state), None)
    assert callback is not None
    assert (callback.method, callback.content_type, callback.url) == (
        "POST",
        "application/json",
        "https://app.example/dlr",
    )
    assert json.loads(callback.body) == {
        "requestId": "m1",
        "number": "+18800000000",
        "mccmnc": "226010",
        "status": status,
        "timestamp": 1_656_666_364,
    }


async def test_nothing_is_reported_before_it_left_or_to_nobody(world: World) -> None:
    await said(world, "/sms", {**SMS, "callbackUrl": "https://app.example/dlr"})
    assert Lanck().receipt_callback(kept(world, State.QUEUED), None) is None
    await said(world, "/sms", SMS)
    assert Lanck().receipt_callback(kept(world, State.DELIVERED), None) is None


async def test_code_and_flow_are_reported_alike(world: World) -> None:
    url = {"callbackUrl": "https://app.example/dlr"}
    await said(world, "/verify", {**NUMBER, **url, "method": "sms"})
    verification = world.verifier.known["v1"]
    callback = Lanck().verification_callback(verification, VerifyEvent.DELIVERED)
    assert callback is not None and json.loads(callback.body)["status"] == "DELIVERED"
    assert Lanck().verification_callback(verification, VerifyEvent.VERIFIED) is None
    await said(world, "/messaging/failover", {**NUMBER, **url, "flow": [SMS_STEP]}, as_json=True)
    assert Lanck().flow_callback(world.flows.known["f1"]) is None


def test_message_from_a_handset_is_the_documents_example() -> None:
    inbound = Inbound(
        id="fffeee",
        account="shop",
        sender="447700900001",
        recipient="+447700900000",
        text="Hello world",
        received_at=1_578_787_200.5,
    )
    callback = Lanck().inbound_callback(inbound, "https://app.example/in")
    assert callback is not None
    assert json.loads(callback.body) == {
        "from": "447700900001",
        "to": "447700900000",
        "messageId": "fffeee",
        "text": "Hello world",
        "timestamp": 1578787200,
        "parts": 1,
    }


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_the_error_shape(refusal: Refusal) -> None:
    answer = Lanck().refuse(WebRequest(method="POST", path="/v1/sms"), refusal)
    assert answer.status >= 400 and json.loads(answer.body)["errorCode"] in (10, 99)


@given(body=st.binary(max_size=200), content_type=st.sampled_from(["", FORM, "application/json"]))
async def test_no_body_is_a_fault_of_ours(body: bytes, content_type: str) -> None:
    asked = WebRequest(
        method="POST", path="/v1/verify", body=body, content_type=content_type, headers=basic("user:pass")
    )
    assert (await Lanck().answer(asked, World().services)).status < 500


@pytest.mark.parametrize(
    ("fault", "code"), [(NoAnswer("gone"), 99), (InvalidMessage("invalid_callback_url", "no"), 10)]
)
async def test_a_provider_that_does_not_answer_is_our_fault(
    world: World, fault: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object, **_more: object) -> None:
        raise fault

    monkeypatch.setattr(world.pass_through, "forward", fail)
    assert await error(world, "/messaging/viber", NUMBER) == code
