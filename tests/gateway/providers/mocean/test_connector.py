"""Mocean's client side. Requests and answers are those of its document, written out here."""

from urllib.parse import parse_qsl

import pytest

from gateway.errors import Unsupported
from gateway.models import Outcome, State
from gateway.providers.connecting import BadCallback, ConnectorSettings, HttpCall
from gateway.providers.mocean import spec
from gateway.providers.mocean.connector import FAULTS, MoceanConnector
from gateway.settings import Secret
from smpp.status import CommandStatus as Status
from tests.gateway.providers.connectors import BINARY, CALLBACK, leaving, message, octets, posted, reply

KEYED = MoceanConnector(ConnectorSettings(key=Secret("API_KEY_HERE"), secret=Secret("API_SECRET_HERE")))
BEARING = MoceanConnector(ConnectorSettings(token=Secret("apit-xyz")))
ACCEPTED = '{"messages":[{"status": 0,"receiver": "60173788399","msgid": "cust20013050311050614001"}]}'
DENIED = '{"messages":[{"status": 1,"err_msg": "Authorization failed"}]}'


def fields_of(call: HttpCall) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


def test_a_text_is_the_request_of_the_document() -> None:
    call = KEYED.request(leaving(message("Hello"), callback_url=""))

    assert (call.method, call.path, call.content_type) == (
        "POST",
        "/rest/2/sms",
        "application/x-www-form-urlencoded",
    )
    assert call.headers == ()
    assert fields_of(call) == {
        "mocean-api-key": "API_KEY_HERE",
        "mocean-api-secret": "API_SECRET_HERE",
        "mocean-from": "MOCEAN",
        "mocean-to": "60123456789",
        "mocean-text": "Hello",
        "mocean-coding": "1",
        "mocean-resp-format": "json",
    }


def test_a_token_stands_in_the_header_alone() -> None:
    call = BEARING.request(leaving(message()))

    assert call.headers == (("Authorization", "Bearer apit-xyz"),)
    assert not {"mocean-api-key", "mocean-api-secret", "mocean-api-token"} & fields_of(call).keys()


def test_reports_are_asked_for_where_we_can_be_called() -> None:
    fields = fields_of(KEYED.request(leaving(message())))

    assert fields["mocean-dlr-mask"] == "1"
    assert fields["mocean-dlr-url"] == CALLBACK
    assert "mocean-dlr-mask" not in fields_of(KEYED.request(leaving(message(wants_receipt=False))))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (message("Привет"), {"mocean-text": "Привет", "mocean-coding": "3"}),
        (octets("Привет".encode("utf-16-be"), data_coding=8), {"mocean-text": "Привет", "mocean-coding": "3"}),
        (octets(b"\x00 5\x1be"), {"mocean-text": "@ 5€", "mocean-coding": "1"}),
        (
            octets(b"\x01\x02\xff", udh=bytes.fromhex("0605040B8423F0"), **BINARY),
            {"mocean-text": "0102FF", "mocean-udh": "0605040B8423F0", "mocean-coding": "2"},
        ),
        (octets(b"Hi", data_coding=0x10), {"mocean-mclass": "1", "mocean-alt-dcs": "1"}),
        (message("Hi", message_class=0), {"mocean-mclass": "1", "mocean-alt-dcs": "1"}),
        (octets(b"Hi", data_coding=0xF2), {"mocean-mclass": "3"}),
    ],
)
def test_each_coding_has_its_fields(sent: object, expected: dict[str, str]) -> None:
    fields = fields_of(KEYED.request(leaving(sent)))  # type: ignore[arg-type]

    assert {name: fields.get(name) for name in expected} == expected


def test_what_is_left_of_the_validity_goes_along() -> None:
    assert fields_of(KEYED.request(leaving(message(), validity_seconds=600)))["mocean-validity"] == "600"


def test_an_accepted_message_has_the_providers_id() -> None:
    answered = KEYED.result(reply(ACCEPTED, 202))

    assert answered.result.outcome is Outcome.ACCEPTED
    assert answered.result.smsc_message_id == "cust20013050311050614001"


def test_a_refused_login_is_our_fault_and_not_the_messages() -> None:
    answered = KEYED.result(reply(DENIED, 401))

    assert answered.is_fault
    assert answered.result.outcome is Outcome.RETRY
    assert answered.result.command_status == Status.ESME_RINVPASWD
    assert answered.result.error == "mocean 1: Authorization failed (ESME_RINVPASWD)"


@pytest.mark.parametrize(
    ("status", "command_status"),
    [
        (1, 0x0E),
        (2, 0x45),
        (9, 0x43),
        (17, 0x62),
        (26, 0x61),
        (28, 0x0B),
        (29, 0x01),
        (32, 0x58),
        (44, 0x0A),
        (50, 0x45),
    ],
)
def test_errors_read_as_command_statuses(status: int, command_status: int) -> None:
    answered = KEYED.result(reply({"messages": [{"status": status, "err_msg": "no"}]}, 400))

    assert answered.result.command_status == command_status


def test_every_code_of_the_document_means_something() -> None:
    assert FAULTS.keys() | {0} == spec.SMS_STATUS.keys()


def test_too_fast_holds_all_requests_for_as_long_as_is_said() -> None:
    answered = KEYED.result(reply({"status": 32, "err_msg": "Message throttled"}, 429, Retry_After="7"))

    assert answered.too_fast
    assert answered.result.outcome is Outcome.THROTTLED
    assert answered.result.retry_after == 7.0


@pytest.mark.parametrize(
    ("content", "status", "outcome"),
    [
        ("", 202, Outcome.IN_DOUBT),
        ('{"messages":[{"status":0}]}', 202, Outcome.IN_DOUBT),
        ("<html>Bad gateway</html>", 502, Outcome.IN_DOUBT),
        ("", 500, Outcome.IN_DOUBT),
        ("", 503, Outcome.RETRY),
        ("", 302, Outcome.RETRY),
        ("", 404, Outcome.REJECTED),
        ('{"status": 4711}', 400, Outcome.REJECTED),
        ('{"status": 45, "err_msg": "System error, please try again"}', 500, Outcome.RETRY),
    ],
)
def test_what_is_not_surely_refused_is_in_doubt(content: str, status: int, outcome: Outcome) -> None:
    assert KEYED.result(reply(content, status)).result.outcome is outcome


def test_a_question_names_the_message() -> None:
    call = KEYED.poll("cust20013050311050614001")

    assert call is not None
    path, _, query = call.path.partition("?")
    assert (call.method, path) == ("GET", "/rest/2/report/message")
    assert dict(parse_qsl(query)) == {
        "mocean-api-key": "API_KEY_HERE",
        "mocean-api-secret": "API_SECRET_HERE",
        "mocean-msgid": "cust20013050311050614001",
        "mocean-resp-format": "json",
    }


@pytest.mark.parametrize(
    ("content", "state", "is_over"),
    [
        (
            '{"status": 0,"message_status": 1,"msgid": "cust20013050311050614001","credit_deducted": "1"}',
            State.DELIVERED,
            True,
        ),
        ('{"status": 0,"message_status": "2","msgid": "x"}', State.UNDELIVERABLE, True),
        ('{"status": 0,"message_status": 3}', State.EXPIRED, True),
        ('{"status": 0,"message_status": 4}', None, False),
        ('{"status": 0,"message_status": 5}', None, True),
        ('{"status": 25,"err_msg": "Invalid message ID"}', None, True),
        ('{"status": 1,"err_msg": "Authorization failed"}', None, False),
        ("", None, False),
    ],
)
def test_answers_to_questions(content: str, state: State | None, is_over: bool) -> None:
    polled = KEYED.polled("cust20013050311050614001", reply(content))

    assert (polled.receipt.state if polled.receipt else None) is state
    assert polled.is_over is is_over


@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
def test_a_delivery_report_is_read_whatever_the_method(method: str) -> None:
    form = (
        b"mocean-from=60123456789&mocean-to=63001&mocean-dlr-status=1"
        b"&mocean-msgid=cust20013050311050614001&mocean-error-code=0"
    )
    request = posted(b"", query=form, method=method) if method == "GET" else posted(form, method=method)

    read = KEYED.callback(request)

    (receipt,) = read.receipts
    assert receipt.smsc_message_id == "cust20013050311050614001"
    assert (receipt.state, receipt.recipient, receipt.sender) == (State.DELIVERED, "60123456789", "63001")
    assert receipt.error == "000"
    assert read.answer.status == 200


@pytest.mark.parametrize(
    ("status", "code", "state", "error"),
    [("2", "1", State.UNDELIVERABLE, "001"), ("3", "052", State.EXPIRED, "052"), ("2", "", State.UNDELIVERABLE, "")],
)
def test_a_report_of_failure_has_the_networks_code(status: str, code: str, state: State, error: str) -> None:
    form = f"mocean-from=6012&mocean-to=63001&mocean-dlr-status={status}&mocean-msgid=x&mocean-error-code={code}"

    (receipt,) = KEYED.callback(posted(form)).receipts

    assert (receipt.state, receipt.error) == (state, error)


def test_a_message_from_a_handset_is_read() -> None:
    form = (
        "mocean-from=60123456789&mocean-to=63001&mocean-keyword=MOC&mocean-text=Hello+World"
        "&mocean-coding=1&mocean-time=2018-12-30+23%3A59%3A59"
    )

    (inbound,) = KEYED.callback(posted(form)).inbound

    assert (inbound.sender, inbound.recipient, inbound.text) == ("60123456789", "63001", "Hello World")
    # GMT+8
    assert inbound.received_at == 1_546_185_599.0


def test_unicode_from_a_handset_is_utf16_in_hex() -> None:
    text = "Привет".encode("utf-16-be").hex().upper()

    (inbound,) = KEYED.callback(posted(f"mocean-from=6012&mocean-to=63001&mocean-text={text}&mocean-coding=3")).inbound

    assert inbound.text == "Привет"


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"mocean-from=1",
        b"mocean-dlr-status=9&mocean-msgid=x",
        b"mocean-dlr-status=1",
        b"mocean-text=hi&mocean-from=1",
        b"a&" * 2000,
    ],
)
def test_what_the_document_does_not_know_is_refused(form: bytes) -> None:
    with pytest.raises(BadCallback) as refused:
        KEYED.callback(posted(form))

    assert refused.value.status == 400


@pytest.mark.parametrize(
    "sent",
    [message("hi", protocol_id=64), octets(bytes(140), udh=bytes.fromhex("0605040B8423F0"), **BINARY), octets(b"")],
)
def test_what_it_cannot_carry_is_refused(sent: object) -> None:
    with pytest.raises(Unsupported):
        KEYED.check(leaving(sent))  # type: ignore[arg-type]
