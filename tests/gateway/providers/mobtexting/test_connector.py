"""MOBtexting's client side. Requests and answers are those of its document and its public repository."""

import hashlib
import hmac
import json

import pytest

from gateway.errors import Unsupported
from gateway.models import Outcome, State
from gateway.providers.connecting import BadCallback, ConnectorSettings
from gateway.providers.mobtexting import spec
from gateway.providers.mobtexting.connector import MobtextingConnector, state_of
from gateway.providers.mobtexting.endpoints import DOCUMENTED
from gateway.settings import Secret
from tests.gateway.providers.connectors import BINARY, json_of, leaving, message, octets, posted, reply

TOKEN = "0123456789abcdef0123456789abcdef"
SETTINGS = ConnectorSettings(token=Secret(TOKEN), service="T", webhook_id="9a1b-hook")
MOBTEXTING = MobtextingConnector(SETTINGS)
ACCEPTED = {
    "status": 200,
    "message": "1 numbers accepted for delivery.",
    "group_id": "1a772ff9-26ff-4e2c-9921-93ba453ef967",
    "data": [
        {
            "id": "b34ecc14-8a9b-4b4c-9d5c-0d0d0d0d0d0d:1",
            "mobile": "918921269000",
            "status": "AWAITING-DLR",
            "units": 1,
            "length": 7,
            "charges": 1,
            "customid": "",
            "iso_code": None,
            "submitted_at": "2018-07-09 16:27:35",
        }
    ],
}
ID = "b34ecc14-8a9b-4b4c-9d5c-0d0d0d0d0d0d:1"


def test_a_text_is_the_request_of_the_document() -> None:
    call = MOBTEXTING.request(leaving(message("Your OTP is 123456", recipient="918921269000", sender="demo")))

    assert (call.method, call.path, call.content_type) == ("POST", "/api/v2/sms/send", "application/json")
    assert call.headers == (("Authorization", f"Bearer {TOKEN}"),)
    assert json_of(call) == {
        "sender": "demo",
        "to": ["918921269000"],
        "message": "Your OTP is 123456",
        "service": "T",
        "type": "N",
        "custom": "0001/1",
        "webhook_id": "9a1b-hook",
    }


def test_unicode_flash_port_and_dlt_have_their_fields() -> None:
    sent = octets(
        "नमस्ते".encode("utf-16-be"),
        data_coding=0x18,
        udh=bytes.fromhex("0605040F440000"),
        tlvs=((0x1400, b"1101000010000012345\0"), (0x1401, b"1107161234567890123")),
    )

    fields = json_of(MOBTEXTING.request(leaving(sent)))

    assert fields["message"] == "नमस्ते"
    assert (fields["type"], fields["flash"], fields["port"]) == ("U", 1, "3908")
    assert (fields["entity_id"], fields["template_id"]) == ("1101000010000012345", "1107161234567890123")


def test_joined_parts_are_echoed_by_the_provider() -> None:
    parts = [octets(b"a", udh=bytes((5, 0, 3, 7, 2, number))) for number in (1, 2)]
    custom = json_of(MOBTEXTING.request(leaving(*parts)))["custom"]

    read = MOBTEXTING.callback(posted(json.dumps({"id": ID, "mobile": "91", "status": "DELIVRD", "custom": custom})))

    assert read.parts == 2


def test_the_answer_has_the_messages_id() -> None:
    answered = MOBTEXTING.result(reply(ACCEPTED))

    assert (answered.result.outcome, answered.result.smsc_message_id) == (Outcome.ACCEPTED, ID)


@pytest.mark.parametrize(
    ("content", "status", "outcome", "command_status"),
    [
        ({"message": "Unauthenticated."}, 401, Outcome.RETRY, 0x0E),
        ({"message": "Too Many Attempts."}, 429, Outcome.THROTTLED, 0x58),
        ({"message": "invalid", "errors": {"to": ["The to field is required."]}}, 422, Outcome.REJECTED, 0x0B),
        ({"message": "invalid", "errors": {"to.0": ["bad"]}}, 422, Outcome.REJECTED, 0x0B),
        ({"message": "invalid", "errors": {"sender": ["bad"]}}, 422, Outcome.REJECTED, 0x0A),
        ({"message": "invalid", "errors": {"message": ["bad"]}}, 422, Outcome.REJECTED, 0x45),
        ({"status": "error", "message": "no"}, 200, Outcome.REJECTED, 0x45),
        ({"message": "Conflict"}, 409, Outcome.REJECTED, 0x45),
        ({}, 500, Outcome.IN_DOUBT, 0x08),
        ({}, 503, Outcome.RETRY, 0x08),
        ({"status": 200, "data": [{"id": "x", "status": "INV-NUMBER"}]}, 200, Outcome.REJECTED, 0x0B),
        ({"status": 200, "data": [{"id": "x", "status": "DLT-INV-ENTITY"}]}, 200, Outcome.REJECTED, 0x45),
        ({"status": 200, "data": [{"id": "x", "status": "NO-CREDITS"}]}, 200, Outcome.RETRY, 0x45),
        ({"status": 200, "data": []}, 200, Outcome.IN_DOUBT, 0x08),
    ],
)
def test_errors_read_as_command_statuses(content: object, status: int, outcome: Outcome, command_status: int) -> None:
    result = MOBTEXTING.result(reply(content, status)).result

    assert (result.outcome, result.command_status) == (outcome, command_status)


def test_every_word_of_the_delivery_table_is_final() -> None:
    words = {row.word for row in spec.DLR_STATUSES.values()}

    assert {word for word in words if not (state := state_of(word)) or not state.is_final} == set()
    assert {word for word in words if state_of(word) is State.DELIVERED} == {"DELIVRD"}


def test_a_word_that_nobody_knows_ends_nothing() -> None:
    assert state_of("BUFFERED") is State.ENROUTE


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("DELIVRD", State.DELIVERED),
        ("DELIVERED", State.DELIVERED),
        ("EXPIRED", State.EXPIRED),
        ("TIMEOUT-DLR", State.EXPIRED),
        ("AWAITING-DLR", State.ENROUTE),
        ("EN_ROUTE", State.ENROUTE),
        ("UNDELIV", State.UNDELIVERABLE),
        ("ABSENT-SUB", State.UNDELIVERABLE),
        ("DLT-REJECTED", State.REJECTED),
        ("DELETED", State.DELETED),
    ],
)
def test_a_pulled_status_is_read(word: str, state: State) -> None:
    content = {"status": "OK", "code": 200, "data": [{"id": "other", "status": "EXPIRED"}, {"id": ID, "status": word}]}

    polled = MOBTEXTING.polled(ID, reply(content))

    assert polled.receipt is not None
    assert (polled.receipt.state, polled.is_over) == (state, state.is_final)


def test_a_question_names_the_message() -> None:
    call = MOBTEXTING.poll(ID)

    assert call is not None
    assert call.path == f"/api/v2/sms/status?id={ID.replace(':', '%3A')}"


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_report_is_read_flat_and_in_an_event(is_wrapped: bool) -> None:
    flat = {
        "id": ID,
        "mobile": "918921269000",
        "status": "ABSENT-SUB",
        "credits": "2.0000",
        "units": 1,
        "deliv_at": "1531132060",
        "sent_at": "1531132055",
        "custom": "0001/1",
    }
    body = json.dumps({"event": "sms:message:status", "payload": flat} if is_wrapped else flat)

    (receipt,) = MOBTEXTING.callback(posted(body)).receipts

    assert (receipt.smsc_message_id, receipt.state, receipt.recipient) == (ID, State.UNDELIVERABLE, "918921269000")
    assert (receipt.error, receipt.done_at) == ("003", 1_531_132_060.0)


def test_a_message_from_a_handset_is_read() -> None:
    payload = {
        "id": "in-1",
        "channels": [{"name": "sms", "to": "56161"}],
        "recipient": {"from": "+919876543210"},
        "message": {"type": "text", "payload": {"text": "JOIN नमस्ते"}},
        "timestamp": 1531132060,
    }

    (inbound,) = MOBTEXTING.callback(posted(json.dumps({"event": "vmn:message:in", "payload": payload}))).inbound

    assert (inbound.id, inbound.sender, inbound.recipient) == ("in-1", "919876543210", "56161")
    assert inbound.text == "JOIN नमस्ते"


def test_the_challenge_of_a_new_webhook_is_answered() -> None:
    read = MOBTEXTING.callback(posted('{"validation_key":"tok","challenge":"abc123"}', query=b"token=tok"))

    assert json.loads(read.answer.body) == {"challenge": "abc123"}


def test_other_channels_are_relayed_by_their_id() -> None:
    body = '{"event":"whatsapp:message:status","payload":{"id":"wa-1","status":"read"}}'

    read = MOBTEXTING.callback(posted(body))

    assert (read.relay, read.reference) == (True, "wa-1")


@pytest.mark.parametrize("key", ["hook-secret", "9a1b-hook"])
def test_the_secret_and_both_signatures_let_in(key: str) -> None:
    signed = MobtextingConnector(
        ConnectorSettings(
            token=Secret(TOKEN), service="T", webhook_id="9a1b-hook", signing_secret=Secret("hook-secret")
        )
    )
    body = json.dumps({"id": ID, "mobile": "91", "status": "DELIVRD"}).encode()
    signature = hmac.digest(key.encode(), body, hashlib.sha256).hex()

    assert signed.callback(posted(body, Signature=signature)).receipts
    assert signed.callback(posted(body, Authorization="Bearer hook-secret")).receipts
    with pytest.raises(BadCallback) as refused:
        signed.callback(posted(body, Signature="0" * 64, Authorization="Bearer é"))
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "body", ["", "{}", '{"event":"x:y","payload":{}}', '{"event":"sms:message:status","payload":[]}']
)
def test_what_the_document_does_not_know_is_refused(body: str) -> None:
    with pytest.raises(BadCallback):
        MOBTEXTING.callback(posted(body))


@pytest.mark.parametrize(
    "sent",
    [
        octets(b"\x01", **BINARY),
        octets(b"hi", udh=bytes.fromhex("0401020000")),
        octets(b"\x01", udh=bytes.fromhex("0605040B8423F0"), **BINARY),
    ],
)
def test_what_it_cannot_carry_is_refused(sent: object) -> None:
    with pytest.raises(Unsupported):
        MOBTEXTING.check(leaving(sent))  # type: ignore[arg-type]


def test_all_144_calls_are_in_the_table_once() -> None:
    assert len({(row.method, row.path) for row in DOCUMENTED}) == len(DOCUMENTED) == 144


def test_reports_come_by_themselves_only_where_a_webhook_is_named() -> None:
    assert MOBTEXTING.can_call_back("https://relay.example/x")
    assert not MobtextingConnector(ConnectorSettings(token=Secret(TOKEN))).can_call_back("https://relay.example/x")
