"""CheckMobi's calls: the document's fields, and every error from its real cause."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidMessage, StoreError, StoreFull
from gateway.models import State
from gateway.providers.base import Refusal, WebAnswer, WebRequest
from gateway.providers.checkmobi import spec, validation
from gateway.providers.checkmobi.dialect import CODE_BY_REASON, Checkmobi
from gateway.providers.checkmobi.endpoints import ENDPOINTS
from gateway.providers.checkmobi.validation import CODE_BY_PROBLEM
from gateway.providers.ports import NetworkInfo, NoAnswer, Price
from gateway.providers.seams import LookupBatch, VerifyEvent
from gateway.providers.verifying import VerifyProblem, VerifySend, VerifyStatus
from tests.gateway.providers.fakes import CODE, World

KEY = {"Authorization": "TOKEN"}
SMS = {"from": "SHOP", "to": "+40743123456", "text": "Your order is ready"}
NUMBER = {"number": "+40743123456"}
CALLBACK = {"notification_callback": "https://app.example/hook"}
INFO = {
    "country_code": 40,
    "country_iso_code": "RO",
    "carrier": "Orange",
    "is_mobile": True,
    "e164_format": "+40743123456",
    "formatting": "+40743123456",
}


@pytest.fixture
def world() -> World:
    return World()


def request(
    path: str, fields: object = None, *, method: str = "POST", headers: dict[str, str] | None = None
) -> WebRequest:
    body = json.dumps(fields if fields is not None else {}).encode() if method == "POST" else b""
    return WebRequest(
        method=method, path="/v1" + path, body=body, content_type="application/json", headers=headers or KEY
    )


async def said(world: World, path: str, fields: object = None, **more: Any) -> tuple[int, Any]:
    answer = await Checkmobi().answer(request(path, fields, **more), world.services)
    return answer.status, json.loads(answer.body) if answer.body else None


async def refused(world: World, path: str, fields: object = None, *, http: int = 0, **more: Any) -> int:
    status, content = await said(world, path, fields, **more)
    row = spec.ERRORS[content["code"]]
    assert (status, content) == (http or row.http_status, {"code": content["code"], "error": row.text})
    return int(content["code"])


# Messages.


async def test_message_is_sent_and_its_number_described(world: World) -> None:
    assert await said(world, "/sms/send", {**SMS, **CALLBACK}) == (200, {"id": "m1", "number_info": INFO})
    message = world.behind.intake.last
    assert (message.recipient, message.sender, message.text) == ("40743123456", "SHOP", SMS["text"])
    assert (message.origin, message.service, message.dialect) == ("RO - Orange", "transactional", "checkmobi")


async def test_promotional_messages_are_marked(world: World) -> None:
    await said(world, "/sms/send", {**SMS, "is_transactional": False})
    assert world.behind.intake.last.service == "promotional"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({**SMS, "to": ""}, 7),
        ({**SMS, "to": "nobody"}, 2),
        ({**SMS, "to": "1234"}, 2),
        ({**SMS, "text": ""}, 7),
        ({**SMS, "text": ["Hi"]}, 7),
        ({**SMS, "from": "much too long a name"}, 7),
        ({**SMS, "is_transactional": "yes"}, 7),
        ({**SMS, "platform": "amiga"}, 7),
        ({**SMS, "notification_callback": "app.example"}, 9),
        ({**SMS, "notification_callback": "https://app.example/" + "x" * 255}, 9),
        ([], 7),
    ],
)
async def test_message_says_what_is_wrong(world: World, fields: object, code: int) -> None:
    assert await refused(world, "/sms/send", fields) == code


@pytest.mark.parametrize(("reason", "code"), [*CODE_BY_REASON.items(), ("text_too_long", 7)])
async def test_each_reason_of_the_gateway_has_a_code(world: World, reason: str, code: int) -> None:
    world.behind.intake.refuse["40743123456"] = InvalidMessage(reason, "no")
    assert await refused(world, "/sms/send", SMS) == code


@pytest.mark.parametrize("state", list(State))
async def test_record_of_a_message(world: World, state: State) -> None:
    await said(world, "/sms/send", SMS)
    world.behind.lookup.set_state("m1", state)
    status, content = await said(world, "/sms/m1", method="GET")
    assert (status, content["to"], content["request_date"]) == (200, "+40743123456", 1_700_000_000)
    assert content["status"] in spec.SMS_STATUSES


async def test_record_tells_the_charge_once_it_is_known(world: World) -> None:
    await said(world, "/sms/send", SMS)
    world.behind.intake.accepted = [
        msgspec.structs.replace(world.behind.intake.last, state=State.DELIVERED, price=30_000, part_count=2)
    ]
    _, content = await said(world, "/sms/m1", method="GET")
    assert (content["charged_amount"], content["charged_rate"], content["units"]) == (0.03, 0.015, 2)


@pytest.mark.parametrize("path", ["/sms/m9", "/sms/a%20b", "/validation/status/m9", "/nothing", "/sms"])
async def test_what_does_not_exist_is_not_found(world: World, path: str) -> None:
    assert await refused(world, path, method="GET", http=404) == 3


# Being let in.


@pytest.mark.parametrize("headers", [{"Authorization": "wrong"}, {"Authorization": "Bearer TOKEN"}, {"X": "y"}])
async def test_strangers_are_turned_away(world: World, headers: dict[str, str]) -> None:
    assert await refused(world, "/sms/send", SMS, headers=headers) == 1


async def test_who_may_only_read_cannot_send(world: World) -> None:
    reader = {"Authorization": "READER"}
    assert await refused(world, "/sms/send", SMS, headers=reader) == 11


@pytest.mark.parametrize(("fault", "status"), [(StoreFull("full", 1.0), 400), (StoreError("disk"), 503)])
async def test_a_store_in_trouble_is_said(world: World, fault: Exception, status: int) -> None:
    world.behind.intake.fail = fault
    assert (await said(world, "/sms/send", SMS))[0] == status


# Validation.


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


# Calls.


EVENTS: list[dict[str, Any]] = [
    {"action": "speak", "text": "Hello", "loop": 2, "voice": "MAN", "language": "en-US"},
    {"action": "speak", "text": "Hej", "language": "da-DK"},
    {"action": "play", "url": "https://app.example/a.mp3"},
    {"action": "send_dtmf", "digits": "1w2W#", "async": False},
    {"action": "wait", "length": 3},
    {"action": "hangup", "reason": "busy", "schedule": 10},
]


async def test_call_is_passed_on_when_its_events_make_sense(world: World) -> None:
    assert await refused(world, "/call", {"to": "+40743123456", "events": EVENTS}) == 11
    world.pass_through.answer = WebAnswer(status=200, content_type="application/json", body=b'{"id":"CAL-1"}')
    assert await said(world, "/call", {"to": "+40743123456", "events": EVENTS}) == (200, {"id": "CAL-1"})
    assert await said(world, "/call/CAL-1", method="GET") == (200, {"id": "CAL-1"})


@pytest.mark.parametrize(
    "event",
    [
        1,
        {},
        {"action": "dance"},
        {"action": "speak"},
        {"action": "speak", "text": "x", "language": "tlh"},
        {"action": "speak", "text": "x", "language": "da-DK", "voice": "MAN"},
        {"action": "speak", "text": "x", "loop": -1},
        {"action": "play", "url": "a.mp3"},
        {"action": "send_dtmf", "digits": "12x"},
        {"action": "send_dtmf", "digits": "12", "async": 1},
        {"action": "wait", "length": 0},
        {"action": "hangup", "reason": "bored"},
        {"action": "hangup", "schedule": 0},
    ],
)
async def test_events_that_make_no_sense(world: World, event: object) -> None:
    assert await refused(world, "/call", {"to": "+40743123456", "events": [event]}) == 10


@pytest.mark.parametrize("more", [{}, {"events": []}, {"events": EVENTS, "ring_timeout": 121}])
async def test_call_says_what_is_wrong(world: World, more: dict[str, Any]) -> None:
    assert await refused(world, "/call", {"to": "+40743123456", **more}) == 7


# Look-ups.


@pytest.mark.parametrize("written", ["+40743123456", "40743123456"])
async def test_number_says_what_it_can_by_itself(world: World, written: str) -> None:
    status, content = await said(world, f"/lookup/verify/{written}", method="GET")
    assert (status, len(content.pop("id"))) == (200, 36)
    assert content == {
        "cost": 0,
        "phone_number": "+40743123456",
        "number_type": "mobile",
        "timezone": "Europe/Bucharest",
        "format": {
            "e164": "+40743123456",
            "international": "+40743123456",
            "national": "40743123456",
            "rfc3966": "tel:+40743123456",
        },
        "original_network": {
            "country_iso2": "RO",
            "country_prefix": 40,
            "country_name": "Romania",
            "area": None,
            "network_name": "Orange",
        },
    }


async def test_network_is_asked_by_way_of_the_provider(world: World) -> None:
    network = {"name": "Orange", "country": "RO", "mcc": "226", "mnc": "10", "area": "RO"}
    world.numbers.networks["40743123456"] = NetworkInfo(
        id="c08c", number="40743123456", is_ported=False, is_reachable=True, imsi="226100000000000",
        current_network=network, original_network=network, status="completed",
    )  # fmt: skip
    _, content = await said(world, "/lookup/hlr/+40743123456", method="GET")
    assert (content["reachable"], content["is_ported"], content["processing_status"]) == (
        "connected",
        False,
        "completed",
    )
    assert content["current_network"] == {
        "country_iso2": "RO",
        "country_prefix": 40,
        "country_name": "Romania",
        "mccmnc": "22610",
        "mcc": "226",
        "mnc": "10",
        "area": "RO",
        "network_name": "Orange",
    }
    _, ported = await said(world, "/lookup/mnp/+40743123456", method="GET")
    assert "original_network" not in ported and "reachable" not in ported


@pytest.mark.parametrize("method", ["hlr", "mnp"])
async def test_network_without_an_uplink_is_no_route(world: World, method: str) -> None:
    world.numbers.is_offered = False
    assert await refused(world, f"/lookup/{method}/+40743123456", method="GET") == 18
    assert await refused(world, f"/lookup/{method}", {"numbers": ["40743123456"], **CALLBACK}) == 18


async def test_many_numbers_are_looked_up_by_callback(world: World) -> None:
    fields = {"numbers": ["+40743123456", "nobody", 40743123457], **CALLBACK}
    assert await said(world, "/lookup/hlr", fields) == (
        200,
        {
            "total_count": 3,
            "accepted_count": 2,
            "rejected_count": 1,
            "rejected": ["nobody"],
            "notification_callback": "https://app.example/hook",
        },
    )
    assert world.numbers.jobs == [(("40743123456", "40743123457"), "hlr", "https://app.example/hook")]


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/lookup/sim", {"numbers": ["1"], **CALLBACK}, 17),
        ("/lookup/hlr", {"numbers": ["40743123456"]}, 9),
        ("/lookup/hlr", {"numbers": [], **CALLBACK}, 7),
        ("/lookup/hlr", {"numbers": ["40743123456"] * 1001, **CALLBACK}, 7),
        ("/lookup/hlr", {"numbers": [None], **CALLBACK}, 7),
    ],
)
async def test_look_up_of_many_says_what_is_wrong(world: World, path: str, fields: object, code: int) -> None:
    assert await refused(world, path, fields) == code


async def test_numbers_are_reported_as_they_were_written(world: World) -> None:
    written = ["+40743123456", "40743123456", "40743123457", 40743123458, "nobody"]
    _, content = await said(world, "/lookup/hlr", {"numbers": written, **CALLBACK})
    assert (content["total_count"], content["accepted_count"], content["rejected"]) == (5, 4, ["nobody"])
    ((asked, _, _),) = world.numbers.jobs
    assert asked == ("40743123456", "40743123457", "40743123458")
    assert world.numbers.written == {
        "40743123456": ("+40743123456", "40743123456"),
        "40743123457": ("40743123457",),
        "40743123458": ("40743123458",),
    }
    info = World().numbers.parse
    batch = LookupBatch(
        job="j",
        account="shop",
        method="hlr",
        callback_url=CALLBACK["notification_callback"],
        answers=(NetworkInfo(id="a1", number="40743123456"),),
        unasked=("40743123457",),
        parsed={one: info(one) for one in asked},
        failed=("40743123458",),
        written={"40743123456": ("+40743123456", "40743123456"), "40743123458": ("+40743123458",)},
    )
    good, bad = (json.loads(callback.body) for callback in Checkmobi().lookup_callbacks(batch))
    assert [one["original_msisdn"] for one in good["results"]] == ["+40743123456", "40743123456", "40743123457"]
    # Of a landline no network is asked: it has what the free look-up has.
    assert ["reachable" in one for one in good["results"]] == [True, True, False]
    assert bad["error"]["affected_numbers"] == ["+40743123458"]


async def test_look_up_of_one_says_what_is_wrong(world: World) -> None:
    assert await refused(world, "/lookup/sim/+40743123456", method="GET") == 17
    assert await refused(world, "/lookup/verify/nobody", method="GET") == 2


async def test_number_is_checked_with_the_price_of_its_prefix(world: World) -> None:
    world.ledger.list = [
        Price(prefix="", amount=Decimal("0.09"), currency="USD"),
        Price(prefix="40", amount=Decimal("0.03"), currency="USD"),
        Price(prefix="44", amount=Decimal("0.01"), currency="USD"),
    ]
    _, content = await said(world, "/checknumber", NUMBER)
    assert content["validation_methods"]["sms"] == {"available": True, "min_rate": 0.03, "max_rate": 0.03}
    assert {name: content[name] for name in INFO} == INFO


async def test_countries_and_their_codes(world: World) -> None:
    _, countries = await said(world, "/countries", method="GET")
    assert countries[0] == {"iso2": "RO", "name": "Romania", "prefix": "40", "flag_32": "", "flag_128": ""}
    assert (await said(world, "/prefixes", method="GET"))[1][1] == {
        "iso2": "GB",
        "name": "United Kingdom",
        "prefix": 44,
    }


async def test_account_tells_balance_and_count(world: World) -> None:
    await said(world, "/sms/send", SMS)
    _, content = await said(world, "/my-account", method="GET")
    assert (content["credit_balance"], content["subscription"]["name"]) == (100.0, "Big Business")


async def test_every_row_of_the_table_of_calls_is_answered(world: World) -> None:
    for row in ENDPOINTS:
        path = row.path.removeprefix("/v1").format(id="m1", number="+40743123456")
        status, content = await said(world, path, method=row.method)
        assert status < 500, row
        assert status != 404 or "{id}" in row.path, (row, content)


# Callbacks.


@pytest.mark.parametrize(
    ("state", "status"), [(State.SUBMITTED, "sent"), (State.DELIVERED, "delivered"), (State.FAILED, "failed")]
)
async def test_report_has_the_documents_fields(world: World, state: State, status: str) -> None:
    await said(world, "/sms/send", {**SMS, **CALLBACK})
    message = msgspec.structs.replace(world.behind.intake.last, state=state, part_count=1, price=15_000)
    callback = Checkmobi().receipt_callback(message, None)
    assert callback is not None and (callback.method, callback.content_type) == ("POST", "application/json")
    assert json.loads(callback.body) == {
        "id": "m1",
        "to": "+40743123456",
        "description": "RO - Orange",
        "status": status,
        "charged_amount": 0.015,
        "charged_rate": 0.015,
        "units": 1,
    }
    assert Checkmobi().receipt_callback(msgspec.structs.replace(message, state=State.QUEUED), None) is None


async def test_validated_number_is_reported_and_nothing_else(world: World) -> None:
    await said(world, "/validation/request", {**NUMBER, **CALLBACK, "type": "sms"})
    kept = world.verifier.known["v1"]
    callback = Checkmobi().verification_callback(kept, VerifyEvent.VERIFIED)
    assert callback is not None
    assert json.loads(callback.body) == {"key": "v1", "number": "+40743123456", "description": "RO - Orange"}
    assert Checkmobi().verification_callback(kept, VerifyEvent.SENT) is None


def test_answers_of_many_look_ups_and_those_that_failed(world: World) -> None:
    batch = LookupBatch(
        job="j1",
        account="shop",
        method="hlr",
        callback_url="https://app.example/hook",
        answers=(NetworkInfo(id="n1", number="40743123456", is_reachable=False),),
        parsed={"40743123456": world.numbers.parse("40743123456")},
        failed=("40743999999",),
        error="no answer",
    )
    good, bad = (json.loads(callback.body) for callback in Checkmobi().lookup_callbacks(batch))
    assert (good["error"], good["results"][0]["original_msisdn"], good["results"][0]["reachable"]) == (
        None,
        "40743123456",
        "absent",
    )
    assert bad["results"] is None
    assert bad["error"] == {"error": 18, "description": "no answer", "affected_numbers": ["40743999999"]}


def test_callbacks_want_exactly_200_and_three_retries() -> None:
    rules = Checkmobi().callback_rules
    assert (rules.acknowledged_by, rules.max_tries, rules.signature_header) == ((200,), 4, "X-CheckMobi-Signature")


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_the_error_shape(refusal: Refusal) -> None:
    answer = Checkmobi().refuse(WebRequest(method="POST", path="/v1/sms/send"), refusal)
    assert answer.status >= 400 and set(json.loads(answer.body)) == {"code", "error"}


@given(body=st.binary(max_size=200), path=st.sampled_from([row.path for row in ENDPOINTS if row.method == "POST"]))
async def test_no_body_is_a_fault_of_ours(body: bytes, path: str) -> None:
    asked = WebRequest(method="POST", path=path, body=body, headers=KEY)
    assert (await Checkmobi().answer(asked, World().services)).status < 500


async def test_a_provider_that_does_not_answer_is_our_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Exception] = [InvalidMessage("invalid_callback_url", "no"), NoAnswer("gone")]

    async def fail(*_args: object, **_more: object) -> None:
        raise faults.pop(0)

    monkeypatch.setattr(world.pass_through, "forward", fail)
    assert await refused(world, "/call/CAL-1", method="GET") == 9
    assert (await said(world, "/call/CAL-1", method="GET"))[0] == 503
