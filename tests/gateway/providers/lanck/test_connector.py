"""Lanck's client side. Requests and answers are those of its document, written out here."""

from urllib.parse import parse_qsl

import pytest

from gateway.errors import Unsupported
from gateway.models import Outcome, State
from gateway.providers.connecting import BadCallback, ConnectorSettings, HttpCall
from gateway.providers.lanck import spec
from gateway.providers.lanck.connector import FAULTS, LanckConnector
from gateway.settings import Secret
from tests.gateway.providers.connectors import BINARY, CALLBACK, leaving, message, octets, posted, reply

LANCK = LanckConnector(ConnectorSettings(user="1efc292194c04e9b530", password=Secret("b0b6c43e9a75c51f")))
# base64 of 1efc292194c04e9b530:b0b6c43e9a75c51f, which is the token of the document's samples.
BASIC = (("Authorization", "Basic MWVmYzI5MjE5NGMwNGU5YjUzMDpiMGI2YzQzZTlhNzVjNTFm"),)


def fields_of(call: HttpCall) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


def test_a_text_is_the_request_of_the_document() -> None:
    call = LANCK.request(leaving(message("Your order #29211 received", recipient="18800000000"), callback_url=""))

    assert (call.method, call.path, call.content_type) == ("POST", "/v1/sms", "application/x-www-form-urlencoded")
    assert call.headers == BASIC
    assert fields_of(call) == {"number": "+18800000000", "text": "Your order #29211 received", "from": "MOCEAN"}


def test_reports_go_to_our_address() -> None:
    assert fields_of(LANCK.request(leaving(message("Ünïcödé 🙂"))))["callbackUrl"] == CALLBACK


def test_the_answer_has_the_requests_id() -> None:
    answered = LANCK.result(reply('{ "requestId" : "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65" }'))

    assert answered.result.outcome is Outcome.ACCEPTED
    assert answered.result.smsc_message_id == "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65"


@pytest.mark.parametrize(
    ("code", "status", "outcome", "command_status"),
    [
        (1, 401, Outcome.RETRY, 0x0E),
        (4, 429, Outcome.THROTTLED, 0x58),
        (5, 401, Outcome.RETRY, 0x0E),
        (6, 403, Outcome.RETRY, 0x45),
        (10, 400, Outcome.REJECTED, 0x45),
        (11, 400, Outcome.REJECTED, 0x0B),
        (16, 400, Outcome.REJECTED, 0x0A),
        (99, 500, Outcome.RETRY, 0x08),
        (77, 400, Outcome.REJECTED, 0x45),
    ],
)
def test_errors_read_as_command_statuses(code: int, status: int, outcome: Outcome, command_status: int) -> None:
    result = LANCK.result(reply({"errorCode": code, "errorReason": "Because"}, status)).result

    assert (result.outcome, result.command_status) == (outcome, command_status)
    assert result.error.startswith(f"lanck {code}: Because")


def test_every_code_of_the_table_means_something() -> None:
    assert FAULTS.keys() == spec.ERRORS.keys()


@pytest.mark.parametrize(
    ("body", "status"), [("", 200), ("{}", 201), ("[]", 200), ("oops", 500), ('{"requestId":""}', 200)]
)
def test_an_answer_without_an_id_is_in_doubt(body: str, status: int) -> None:
    assert LANCK.result(reply(body, status)).result.outcome is Outcome.IN_DOUBT


def test_a_question_names_the_request() -> None:
    call = LANCK.poll("xxxxxx/xx")

    assert call is not None
    assert (call.method, call.path, call.headers) == ("GET", "/v1/requests/xxxxxx%2Fxx", BASIC)


def test_the_requests_info_is_read() -> None:
    info = {
        "id": "xxxxxxxxxxxxxx",
        "product": "verify.sms",
        "number": "+91638651000",
        "mccmnc": "405871",
        "network": "Jio",
        "country": "IN",
        "status": "DELIVERED",
        "createdAt": 1551007102495,
        "payload": {"number": "+916386535610", "method": "sms"},
    }

    polled = LANCK.polled("xxxxxxxxxxxxxx", reply(info))

    assert polled.receipt is not None and polled.is_over
    assert (polled.receipt.state, polled.receipt.recipient) == (State.DELIVERED, "91638651000")


@pytest.mark.parametrize(
    ("content", "status", "state", "is_over"),
    [
        ({"status": "SENT"}, 200, State.ENROUTE, False),
        ({"status": "UNDELIVERED"}, 200, State.UNDELIVERABLE, True),
        ({"status": "REJECTED"}, 200, State.REJECTED, True),
        ({"status": "NEW WORD"}, 200, None, False),
        ({"errorCode": 20, "errorReason": "Request not found"}, 404, None, True),
        ({"errorCode": 4, "errorReason": "Too many requests"}, 429, None, False),
    ],
)
def test_answers_to_questions(content: object, status: int, state: State | None, is_over: bool) -> None:
    polled = LANCK.polled("x", reply(content, status))

    assert (polled.receipt.state if polled.receipt else None) is state
    assert polled.is_over is is_over


def test_a_receipt_is_read_with_its_time() -> None:
    body = """{
"requestId": "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65", "number": "+37200911211", "mccmnc": "282002",
"status": "DELIVERED", "timestamp": 1656666364 }"""

    (receipt,) = LANCK.callback(posted(body, Content_Type="json/application")).receipts

    assert receipt.smsc_message_id == "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65"
    assert (receipt.state, receipt.recipient, receipt.done_at) == (State.DELIVERED, "37200911211", 1_656_666_364.0)


def test_a_message_from_a_handset_is_read() -> None:
    body = """{ "from": "447700900001", "to": "447700900000", "messageId": "fffeee-qqdqqq-gfrgrgr-vvvvvvv",
"text": "Hello world", "timestamp": 1578787200, "parts": 1 }"""

    (inbound,) = LANCK.callback(posted(body)).inbound

    assert (inbound.id, inbound.sender, inbound.recipient) == (
        "fffeee-qqdqqq-gfrgrgr-vvvvvvv",
        "447700900001",
        "447700900000",
    )
    assert (inbound.text, inbound.received_at) == ("Hello world", 1_578_787_200.0)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"requestId":"x","status":"WHAT"}', '{"from":"1","to":"2"}', "{" * 90_000]
)
def test_what_the_document_does_not_know_is_refused(body: str) -> None:
    with pytest.raises(BadCallback):
        LANCK.callback(posted(body))


@pytest.mark.parametrize(
    "sent",
    [
        octets(b"\x01\x02", **BINARY),
        octets(b"hi", udh=bytes.fromhex("0605040B8423F0")),
        message("hi", tlvs=((0x020B, b"\x0b\x84"),)),
        message("hi", protocol_id=64),
        octets(b"\x01", udh=bytes.fromhex("0401020000")),
    ],
)
def test_what_it_cannot_carry_is_refused(sent: object) -> None:
    with pytest.raises(Unsupported):
        LANCK.check(leaving(sent))  # type: ignore[arg-type]


def test_a_message_class_is_left_out() -> None:
    LANCK.check(leaving(octets(b"Hi", data_coding=0x10)))
