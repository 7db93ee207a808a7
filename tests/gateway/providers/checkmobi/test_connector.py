"""CheckMobi's client side. Requests and answers are those of its document, written out here."""

import base64
import hashlib
import hmac

import pytest

from gateway.errors import Unsupported
from gateway.models import Outcome, State
from gateway.providers.checkmobi import spec
from gateway.providers.checkmobi.connector import FAULTS, CheckmobiConnector
from gateway.providers.connecting import BadCallback, ConnectorSettings
from gateway.settings import Secret
from tests.gateway.providers.connectors import BINARY, CALLBACK, json_of, leaving, message, octets, posted, reply

KEY = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
CHECKMOBI = CheckmobiConnector(ConnectorSettings(key=Secret(KEY)))
SIGNED = CheckmobiConnector(ConnectorSettings(key=Secret(KEY), signing_secret=Secret("signature-key")))
REPORT = b'{"id":"MSG-1","to":"+40743123456","description":"RO - Orange","status":"delivered","units":1}'


def test_a_text_is_the_request_of_the_document() -> None:
    call = CHECKMOBI.request(leaving(message("Salut ţară", recipient="40743123456", sender="CHKMOB")))

    assert (call.method, call.path, call.content_type) == ("POST", "/v1/sms/send", "application/json")
    # Bare: no scheme.
    assert call.headers == (("Authorization", KEY),)
    assert json_of(call) == {
        "from": "CHKMOB",
        "to": "+40743123456",
        "text": "Salut ţară",
        "is_transactional": True,
        "notification_callback": CALLBACK,
    }


def test_a_numeric_sender_is_in_e164() -> None:
    assert json_of(CHECKMOBI.request(leaving(message(sender="40743000000"))))["from"] == "+40743000000"
    assert json_of(CHECKMOBI.request(leaving(message(sender="40404"))))["from"] == "40404"


def test_promotional_traffic_says_so() -> None:
    connector = CheckmobiConnector(ConnectorSettings(key=Secret(KEY), is_transactional=False))

    assert json_of(connector.request(leaving(message(), callback_url="")))["is_transactional"] is False


def test_the_answer_has_the_messages_id() -> None:
    answered = CHECKMOBI.result(reply({"id": "MSG-1", "number_info": {"e164_format": "+40743123456"}}))

    assert (answered.result.outcome, answered.result.smsc_message_id) == (Outcome.ACCEPTED, "MSG-1")


@pytest.mark.parametrize(
    ("code", "status", "outcome", "command_status"),
    [
        (1, 401, Outcome.RETRY, 0x0E),
        (2, 400, Outcome.REJECTED, 0x0B),
        (5, 400, Outcome.RETRY, 0x45),
        (8, 400, Outcome.REJECTED, 0x45),
        (12, 400, Outcome.THROTTLED, 0x58),
        (13, 403, Outcome.REJECTED, 0x45),
        (14, 400, Outcome.RETRY, 0x58),
        (99, 400, Outcome.REJECTED, 0x45),
    ],
)
def test_errors_read_as_command_statuses(code: int, status: int, outcome: Outcome, command_status: int) -> None:
    answered = CHECKMOBI.result(reply({"code": code, "error": "Because"}, status))

    assert (answered.result.outcome, answered.result.command_status) == (outcome, command_status)


def test_a_number_that_is_blocked_does_not_hold_the_others() -> None:
    assert not CHECKMOBI.result(reply({"code": 14, "error": "Number temporary blocked"}, 400)).too_fast
    assert CHECKMOBI.result(reply({"code": 12, "error": "limits"}, 400)).too_fast


def test_every_code_of_the_table_means_something() -> None:
    assert FAULTS.keys() == spec.ERRORS.keys()


def test_a_question_names_the_message() -> None:
    call = CHECKMOBI.poll("MSG-1")

    assert call is not None
    assert (call.method, call.path) == ("GET", "/v1/sms/MSG-1")


@pytest.mark.parametrize(
    ("content", "status", "state", "is_over"),
    [
        ({"to": "+40743123456", "request_date": 1578787200, "status": "queued"}, 200, State.ENROUTE, False),
        ({"to": "+40743123456", "status": "sent"}, 200, State.ENROUTE, False),
        ({"to": "+40743123456", "status": "delivered", "units": 1}, 200, State.DELIVERED, True),
        ({"to": "+40743123456", "status": "undelivered"}, 200, State.UNDELIVERABLE, True),
        ({"to": "+40743123456", "status": "failed"}, 200, State.UNDELIVERABLE, True),
        ({"to": "+40743123456", "status": "rejected"}, 200, State.REJECTED, True),
        ({"code": 3, "error": "Invalid Request ID"}, 400, None, True),
        ({}, 404, None, True),
        ({}, 500, None, False),
    ],
)
def test_answers_to_questions(content: object, status: int, state: State | None, is_over: bool) -> None:
    polled = CHECKMOBI.polled("MSG-1", reply(content, status))

    assert (polled.receipt.state if polled.receipt else None) is state
    assert polled.is_over is is_over


def test_a_report_is_read_and_answered_with_exactly_200() -> None:
    read = CHECKMOBI.callback(posted(REPORT))

    (receipt,) = read.receipts
    assert (receipt.smsc_message_id, receipt.state, receipt.recipient) == ("MSG-1", State.DELIVERED, "40743123456")
    assert read.answer.status == 200


@pytest.mark.parametrize(
    "write",
    [
        lambda digest: digest.hex(),
        lambda digest: digest.hex().upper(),
        lambda digest: base64.b64encode(digest).decode(),
    ],
)
def test_a_signature_is_taken_in_hex_and_base64(write: object) -> None:
    digest = hmac.digest(b"signature-key", REPORT, hashlib.sha256)

    read = SIGNED.callback(posted(REPORT, X_CheckMobi_Signature=write(digest)))  # type: ignore[operator]

    assert read.receipts


@pytest.mark.parametrize("signature", ["", "00", "é", hmac.digest(b"another", REPORT, hashlib.sha256).hex()])
def test_a_wrong_signature_is_401(signature: str) -> None:
    with pytest.raises(BadCallback) as refused:
        SIGNED.callback(posted(REPORT, X_CheckMobi_Signature=signature))

    assert refused.value.status == 401


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"CAL-1","from":"+4072","to":"+4074","event":"answer"}',
        b'{"key":"SMS-1","number":"+4074","description":"RO - Orange"}',
        b'{"lookup_method":"hlr","error":null,"results":[]}',
    ],
)
def test_what_is_no_message_of_ours_is_relayed(body: bytes) -> None:
    assert CHECKMOBI.callback(posted(body)).relay


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id":"x","status":"what"}', b'{"id":"x"}', b"\xff"])
def test_what_the_document_does_not_know_is_refused(body: bytes) -> None:
    with pytest.raises(BadCallback):
        CHECKMOBI.callback(posted(body))


@pytest.mark.parametrize("sent", [octets(b"\x01", **BINARY), octets(b"hi", udh=bytes.fromhex("0605040B8423F0"))])
def test_what_it_cannot_carry_is_refused(sent: object) -> None:
    with pytest.raises(Unsupported):
        CHECKMOBI.check(leaving(sent))  # type: ignore[arg-type]
