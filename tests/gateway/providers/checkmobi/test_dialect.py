"""CheckMobi's calls: the document's fields, and every error from its real cause."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidMessage, StoreError, StoreFull
from gateway.models import State
from gateway.providers.base import Refusal, WebAnswer, WebRequest
from gateway.providers.checkmobi import spec
from gateway.providers.checkmobi.dialect import CODE_BY_REASON, Checkmobi
from gateway.providers.checkmobi.endpoints import ENDPOINTS
from gateway.providers.ports import NetworkInfo, NoAnswer
from gateway.providers.seams import LookupBatch, VerifyEvent
from tests.gateway.providers.checkmobi.asking import CALLBACK, INFO, KEY, NUMBER, SMS, refused, said
from tests.gateway.providers.fakes import World

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
