"""Mocean's calls beside /sms: shapes from the document and its SDKs' fixtures, and every code from its real cause."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from gateway.errors import InvalidMessage, StoreError, StoreFull
from gateway.models import State
from gateway.providers.base import Refusal, WebAnswer, WebRequest
from gateway.providers.mocean import Mocean, codes
from gateway.providers.mocean import endpoints as served
from gateway.providers.mocean.request import FORM
from gateway.providers.ports import NetworkInfo, NoAnswer, Price, VerifyProblem, VerifyStep
from tests.gateway.providers.fakes import CODE, World

LOGIN = {"mocean-api-key": "KEY", "mocean-api-secret": "SECRET"}
BRAND = {"mocean-to": "60123456789", "mocean-brand": "Shop"}
PRICES = (
    Price(prefix="", amount=Decimal("0.01"), currency="MYR"),
    Price(prefix="60", amount=Decimal("0.004"), currency="MYR", country="MY", country_name="Malaysia", mcc="502"),
    Price(
        prefix="6013",
        amount=Decimal("0.002"),
        currency="MYR",
        country="MY",
        country_name="Malaysia",
        operator="Celcom",
        mcc="502",
        mnc="13",
    ),
    Price(
        prefix="6019",
        amount=Decimal("0.002"),
        currency="MYR",
        country="MY",
        country_name="Malaysia",
        operator="Celcom",
        mcc="502",
        mnc="19",
    ),
)


@pytest.fixture
def world() -> World:
    return World()


async def ask(
    world: World,
    path: str,
    fields: dict[str, str] | None = None,
    *,
    method: str = "",
    version: int = 2,
    media: str = "json",
) -> WebAnswer:
    row = next((row for row in served.ENDPOINTS if row.path.endswith(path)), None)
    method = method or (row.method if row is not None else "POST")
    encoded = urlencode({**LOGIN, "mocean-resp-format": media, **(fields or {})}).encode()
    request = WebRequest(
        method=method,
        path=f"/rest/{version}{path}",
        query=encoded if method == "GET" else b"",
        body=b"" if method == "GET" else encoded,
        content_type="" if method == "GET" else FORM,
    )
    return await Mocean().answer(request, world.services)


async def said(world: World, path: str, fields: dict[str, str] | None = None, **more: Any) -> tuple[int, Any]:
    answer = await ask(world, path, fields, **more)
    return answer.status, json.loads(answer.body)


async def status(world: World, path: str, fields: dict[str, str] | None = None, **more: Any) -> int:
    _, content = await said(world, path, fields, **more)
    return int(content["status"])


# Balance and prices.


async def test_balance_is_written_as_the_document_writes_it(world: World) -> None:
    answer = await ask(world, "/account/balance")
    assert (answer.status, answer.body) == (200, b'{"status":0,"value":100.0000}')


async def test_balance_in_xml(world: World) -> None:
    answer = await ask(world, "/account/balance", media="xml")
    assert answer.body.endswith(b"<result><status>0</status><value>100.0000</value></result>")


async def test_prices_are_the_documents_example(world: World) -> None:
    world.ledger.list = PRICES
    _, content = await said(world, "/account/pricing")
    default = {"country": "Default", "operator": "Default", "mcc": "Default", "mnc": "Default"}
    malaysia = {"country": "Malaysia", "operator": "Default", "mcc": "502", "mnc": "Default"}
    celcom = {"country": "Malaysia", "operator": "Celcom", "mcc": "502", "mnc": "13,19"}
    assert content == {
        "status": 0,
        "destinations": [
            {**default, "price": "0.0100", "currency": "MYR"},
            {**malaysia, "price": "0.0040", "currency": "MYR"},
            {**celcom, "price": "0.0020", "currency": "MYR"},
        ],
    }


@pytest.mark.parametrize(("version", "wrapper"), [(2, "destinations"), (1, "data")])
async def test_prices_in_xml_have_the_wrapper_of_their_version(world: World, version: int, wrapper: str) -> None:
    world.ledger.list = PRICES
    root = ET.fromstring((await ask(world, "/account/pricing", media="xml", version=version)).body)  # noqa: S314 (our own answer)
    rows = root.findall(f"{wrapper}/destination")
    assert [row.findtext("mnc") for row in rows] == ["Default", "Default", "13,19"]


async def test_prices_as_csv_use_the_delimiter(world: World) -> None:
    world.ledger.list = PRICES
    answer = await ask(world, "/account/pricing", {"mocean-delimiter": "|"}, media="csv")
    lines = answer.body.decode().splitlines()
    assert answer.content_type.startswith("text/csv")
    assert lines[0] == "country|operator|mcc|mnc|price|currency"
    assert lines[-1] == "Malaysia|Celcom|502|13,19|0.0020|MYR"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 3),
        ({"mocean-mcc": "502"}, 46),
        ({"mocean-mcc": "502", "mocean-mnc": "13,19"}, 46),
        ({"mocean-delimiter": "#"}, 51),
        ({"mocean-type": "pigeon"}, 72),
        ({"mocean-type": "voice"}, 3),
    ],
)
async def test_pricing_says_what_is_wrong(world: World, fields: dict[str, str], code: int) -> None:
    assert await said(world, "/account/pricing", fields) == (
        400,
        {"status": code, "err_msg": codes.PRICING_STATUS[code].text},
    )


async def test_one_network_has_its_own_price(world: World) -> None:
    world.ledger.list = PRICES
    _, content = await said(world, "/account/pricing", {"mocean-mcc": "502", "mocean-mnc": "19"})
    assert [row["mnc"] for row in content["destinations"]] == ["19"]


async def test_csv_is_for_prices_only(world: World) -> None:
    answer = await ask(world, "/account/balance", media="csv")
    assert answer.status == 500 and b"<status>24</status>" in answer.body


# Reports and conversions.


async def test_report_says_what_was_deducted(world: World) -> None:
    await ask(world, "/sms", {"mocean-from": "ME", "mocean-to": "60123456789", "mocean-text": "Hi"})
    world.ledger.costs["m1"] = Decimal("0.0400")
    world.behind.lookup.set_state("m1", State.DELIVERED)
    _, content = await said(world, "/report/message", {"mocean-msgid": "m1"})
    assert content == {"status": 0, "message_status": 1, "msgid": "m1", "credit_deducted": "0.04"}


async def test_conversion_is_kept_once_and_may_be_corrected(world: World) -> None:
    await ask(world, "/sms", {"mocean-from": "ME", "mocean-to": "60123456789", "mocean-text": "Hi"})
    fields = {"mocean-msgid": "m1", "mocean-delivered": "true", "mocean-timestamp": "2026-01-31 12:00:00"}
    assert await said(world, "/conversion", fields) == (200, {"status": 0})
    assert await status(world, "/conversion", {**fields, "mocean-delivered": "FALSE"}) == 0
    (kept,) = await world.directory.by_name("shop", "conversion", "m1")
    assert kept.fields == {"delivered": False, "timestamp": "2026-01-31 12:00:00"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mocean-msgid": "m9", "mocean-delivered": "true"}, 25),
        ({"mocean-delivered": "true"}, 25),
        ({"mocean-msgid": "m1"}, 24),
        ({"mocean-msgid": "m1", "mocean-delivered": "perhaps"}, 24),
        ({"mocean-msgid": "m1", "mocean-delivered": "true", "mocean-timestamp": "2026-02-31 12:00:00"}, 24),
    ],
)
async def test_conversion_says_what_is_wrong(world: World, fields: dict[str, str], code: int) -> None:
    await ask(world, "/sms", {"mocean-from": "ME", "mocean-to": "60123456789", "mocean-text": "Hi"})
    assert await status(world, "/conversion", fields) == code


# One-time codes.


async def test_conversion_request_is_the_documents_example(world: World) -> None:
    assert await said(world, "/verify/req", BRAND) == (200, {"reqid": "v1", "status": 0, "to": "60123456789"})
    (asked,) = world.verifier.begun
    assert (asked.code_length, asked.validity_seconds, asked.max_attempts) == (6, 300, 3)
    assert asked.steps == (
        VerifyStep(channel="sms", wait_seconds=60),
        VerifyStep(channel="sms", wait_seconds=60),
        VerifyStep(channel="voice"),
    )
    assert not asked.allow_concurrent


async def test_request_by_sms_has_four_digits_and_may_run_beside_another(world: World) -> None:
    fields = {**BRAND, "mocean-from": "SHOP", "mocean-pin-validity": "3600"}
    _, content = await said(world, "/verify/req/sms", fields)
    assert content == {"reqid": "v1", "status": 0, "to": "60123456789", "is_number_reachable": "unknown"}
    (asked,) = world.verifier.begun
    assert (asked.code_length, asked.validity_seconds, asked.sender, asked.allow_concurrent) == (4, 3600, "SHOP", True)


@pytest.mark.parametrize("version", [1, 2])
async def test_request_in_xml_is_wrapped_in_version_1(world: World, version: int) -> None:
    root = ET.fromstring((await ask(world, "/verify/req", BRAND, media="xml", version=version)).body)  # noqa: S314 (our own answer)
    assert root.findtext("verify_request/reqid" if version == 1 else "reqid") == "v1"


async def test_resend_counts_and_check_verifies(world: World) -> None:
    await ask(world, "/verify/req/sms", BRAND)
    _, content = await said(world, "/verify/resend/sms", {"mocean-reqid": "v1"})
    assert content == {
        "reqid": "v1",
        "status": 0,
        "to": "60123456789",
        "is_number_reachable": "unknown",
        "resend_number": "1",
    }
    checked = await said(world, "/verify/check", {"mocean-reqid": "v1", "mocean-code": CODE})
    assert checked == (200, {"reqid": "v1", "status": 0})


async def test_wrong_codes_are_counted_to_three(world: World) -> None:
    await ask(world, "/verify/req", BRAND)
    wrong = {"mocean-reqid": "v1", "mocean-code": "000000"}
    assert [await status(world, "/verify/check", wrong) for _ in range(3)] == [16, 16, 15]


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/verify/req", {"mocean-to": "60123456789"}, 4),
        ("/verify/req", {"mocean-brand": "Shop"}, 5),
        ("/verify/req", {**BRAND, "mocean-to": "none"}, 6),
        ("/verify/check", {"mocean-code": "1"}, 7),
        ("/verify/check", {"mocean-reqid": "v1"}, 8),
        ("/verify/req", {**BRAND, "mocean-brand": "x" * 31}, 9),
        ("/verify/req", {**BRAND, "mocean-from": "x" * 12}, 10),
        ("/verify/req", {**BRAND, "mocean-code-length": "5"}, 11),
        ("/verify/req", {**BRAND, "mocean-pin-validity": "59"}, 13),
        ("/verify/req", {**BRAND, "mocean-pin-validity": "3601"}, 13),
        ("/verify/req", {**BRAND, "mocean-next-event-wait": "901"}, 14),
        ("/verify/check", {"mocean-reqid": "v9", "mocean-code": "1"}, 17),
        ("/verify/check", {"mocean-reqid": "../v", "mocean-code": "1"}, 17),
        ("/verify/resend/sms", {"mocean-reqid": "v9"}, 17),
        ("/verify/nothing", BRAND, 34),
        ("/verify/req/telegram", BRAND, 26),
        ("/verify/req/telegram", {**BRAND, "mocean-from": "bot"}, 23),
        ("/verify/req/email", BRAND, 23),
        ("/verify/req", {**BRAND, "mocean-api-secret": "wrong"}, 2),
        ("/verify/req", {**BRAND, "mocean-resp-format": "csv"}, 22),
    ],
)
async def test_verify_says_what_is_wrong(world: World, path: str, fields: dict[str, str], code: int) -> None:
    answer = await ask(world, path, fields)
    assert f'"status":{code},'.encode() in answer.body or f"<status>{code}</status>".encode() in answer.body
    assert answer.status == (codes.VERIFY_STATUS[code].http_status if code != 34 else 404)


@pytest.mark.parametrize(("problem", "code"), list(codes.VERIFY_PROBLEM.items()))
async def test_every_rule_of_verification_has_its_code(world: World, problem: VerifyProblem, code: int) -> None:
    world.verifier.problem = problem
    assert await status(world, "/verify/req/sms", BRAND) == code
    assert set(codes.VERIFY_PROBLEM) == set(VerifyProblem)


async def test_code_of_a_request_that_was_passed_on_is_checked_by_the_provider(world: World) -> None:
    theirs = WebAnswer(status=200, content_type="application/json", body=b'{"reqid":"their-1","status":0}')
    world.pass_through.answer = theirs
    fields = {"mocean-reqid": "their-1", "mocean-code": "123456"}
    assert await ask(world, "/verify/check", fields) == theirs
    assert world.pass_through.passed[0][:2] == ("shop", "mocean")


# Look-ups.


async def test_look_up_is_the_documents_example(world: World) -> None:
    current = {"country": "MY", "name": "U Mobile", "mcc": "502", "mnc": "18"}
    original = {"country": "MY", "name": "Maxis Mobile", "mcc": "502", "mnc": "12"}
    world.numbers.networks["60123456789"] = NetworkInfo(
        id="n7", number="60123456789", is_ported=True, current_network=current, original_network=original
    )
    _, content = await said(world, "/nl", {"mocean-to": "60123456789"})
    assert content == {
        "status": 0,
        "msgid": "n7",
        "to": "60123456789",
        "current_carrier": {**current, "network_code": 50218},
        "original_carrier": {**original, "network_code": 50212},
        "ported": "ported",
        "reachable": "unknown",
    }


async def test_look_up_that_is_not_waited_for_names_its_job(world: World) -> None:
    fields = {"mocean-to": "60123456789", "mocean-nl-url": "https://app.example/nl"}
    assert (await said(world, "/nl", fields))[1] == {"status": 0, "msgid": "job1", "to": "60123456789"}
    assert world.numbers.jobs == [(("60123456789",), "hlr", "https://app.example/nl")]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 6),
        ({"mocean-to": "12345"}, 28),
        ({"mocean-to": "60123456789", "mocean-nl-url": "ftp://x"}, 34),
        ({"mocean-to": "60123456789", "mocean-api-key": "x"}, 1),
    ],
)
async def test_look_up_says_what_is_wrong(world: World, fields: dict[str, str], code: int) -> None:
    assert await status(world, "/nl", fields) == code


async def test_look_up_without_an_uplink_is_a_service_not_enabled(world: World) -> None:
    world.numbers.is_offered = False
    assert await status(world, "/nl", {"mocean-to": "60123456789"}) == 70


# Commands, and what is the provider's own.


def command(*actions: str) -> dict[str, str]:
    one = {
        "from": {"type": "phone_num", "id": "ME"},
        "to": {"type": "phone_num", "id": "60123456789"},
        "content": {"type": "text", "text": "Hi"},
    }
    return {"mocean-command": json.dumps([{"action": action, **one} for action in actions])}


async def test_commands_that_send_sms_are_sent_here(world: World) -> None:
    _, content = await said(world, "/send-message", command("send-sms", "send-sms"))
    sent = {"action": "send-sms", "total_message_segments": "1"}
    assert content == {
        "status": 0,
        "session_uuid": "m1",
        "messages": [
            {**sent, "message_ids": ["m1"], "mc_position": "0"},
            {**sent, "message_ids": ["m2"], "mc_position": "1"},
        ],
    }


async def test_other_commands_are_passed_on_whole(world: World) -> None:
    assert await status(world, "/send-message", command("send-sms", "send-telegram")) == 9
    world.pass_through.answer = WebAnswer(status=200, content_type="application/json", body=b"{}")
    assert (await ask(world, "/send-message", command("send-telegram"))).body == b"{}"
    assert world.behind.intake.calls == 0


@pytest.mark.parametrize(
    ("written", "code"),
    [("", 12), ("[]", 12), ("{", 13), ('[{"action":"send-sms"}]', 12), ('{"action":"send-sms"}', 13)],
)
async def test_commands_that_cannot_be_read(world: World, written: str, code: int) -> None:
    assert await status(world, "/send-message", {"mocean-command": written}) == code


async def test_command_that_is_refused_says_why(world: World) -> None:
    world.behind.intake.refuse["60123456789"] = InvalidMessage("insufficient_balance", "no money", "")
    assert await said(world, "/send-message", command("send-sms")) == (
        402,
        {"status": 2, "err_msg": codes.VOICE_STATUS[2].text},
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [("/voice/dial", 9), ("/voice/hangup", 9), ("/voice/rec", 9), ("/send-message/whatsapp", 78)],
)
async def test_calls_of_the_provider_are_refused_without_an_uplink(world: World, path: str, code: int) -> None:
    assert await status(world, path) == code


async def test_media_is_refused_without_a_body(world: World) -> None:
    answer = await ask(world, "/media/whatsapp")
    assert (answer.status, answer.body) == (403, b"")


async def test_whatsapp_takes_its_credentials_from_json(world: World) -> None:
    body = json.dumps({**LOGIN, "mocean-from": "1", "mocean-resp-format": "json"}).encode()
    request = WebRequest(
        method="POST", path="/rest/2/send-message/whatsapp", content_type="application/json", body=body
    )
    assert json.loads((await Mocean().answer(request, world.services)).body)["status"] == 78
    nobody = WebRequest(method="POST", path=request.path, content_type="application/json", body=b'{"mocean-to":1}')
    assert b"<status>1</status>" in (await Mocean().answer(nobody, world.services)).body


@pytest.mark.parametrize("path", list(served.SERVED))
async def test_every_call_has_its_own_refusal_of_strangers(world: World, path: str) -> None:
    row = served.SERVED[path]
    answer = await ask(world, path, {"mocean-api-secret": "wrong"}, method=row.methods[0])
    assert answer.status == 401
    if row.words is not codes.MEDIA:
        assert json.loads(answer.body)["status"] == row.words.unauthorized


@pytest.mark.parametrize(("error", "is_busy"), [(StoreFull("full", 3.2), True), (StoreError("disk"), False)])
async def test_a_store_in_trouble_is_said_in_each_calls_words(
    world: World, error: Exception, is_busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(world.verifier, "begin", fail)
    answer = await ask(world, "/verify/req", BRAND)
    assert json.loads(answer.body)["status"] == (1 if is_busy else 3)
    assert (("Retry-After", "3") in answer.headers) is is_busy


@pytest.mark.parametrize("refusal", list(Refusal))
@pytest.mark.parametrize("path", ["/sms", *served.SERVED])
def test_every_refusal_has_a_code_of_the_calls_table(path: str, refusal: Refusal) -> None:
    answer = Mocean().refuse(WebRequest(method="POST", path="/rest/2" + path), refusal)
    assert answer.status in (400, 408, 413, 415, 500)


async def test_every_row_of_the_table_of_calls_is_answered(world: World) -> None:
    for row in served.ENDPOINTS:
        answer = await ask(world, row.path[7:], version=int(row.path[6]), method=row.method)
        assert answer.status not in (404, 405, 500), row


@pytest.mark.parametrize(("fault", "code"), [(NoAnswer("gone"), 10), (InvalidMessage("invalid_callback_url", "no"), 9)])
async def test_a_provider_that_does_not_answer_is_our_fault(
    world: World, fault: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object, **_more: object) -> None:
        raise fault

    monkeypatch.setattr(world.pass_through, "forward", fail)
    assert await status(world, "/voice/dial") == code
