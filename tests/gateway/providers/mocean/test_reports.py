"""Mocean's delivery report and inbound message, octet by octet."""

from urllib.parse import parse_qs

import pytest

from gateway.models import Inbound, Message, Receipt, State
from gateway.providers.mocean import Mocean, spec

DIALECT = Mocean()


def message(
    state: State, *, error: str = "", method: str = "PUT", url: str = "https://example.com/webhooks/dlr"
) -> Message:
    return Message(
        account="shop",
        recipient="60123456789",
        sender="63001",
        text="Hello",
        callback_url=url,
        callback_method=method,
        dialect="mocean",
        id="cust20013050311050614001",
        node="node-1",
        created_at=0.0,
        updated_at=0.0,
        state=state,
        error=error,
    )


def receipt(state: State, error: str = "") -> Receipt:
    return Receipt(group="g", smsc_message_id="1", state=state, error=error)


def test_report_has_the_documents_fields_with_the_numbers_swapped() -> None:
    callback = DIALECT.receipt_callback(message(State.DELIVERED), receipt(State.DELIVERED, "000"))
    assert callback is not None
    assert callback.method == "PUT"
    assert callback.url == "https://example.com/webhooks/dlr"
    assert callback.content_type == "application/x-www-form-urlencoded"
    assert callback.body == (
        b"mocean-from=60123456789&mocean-to=63001&mocean-dlr-status=1"
        b"&mocean-msgid=cust20013050311050614001&mocean-error-code=0"
    )
    assert (callback.account, callback.message_id, callback.dialect) == ("shop", "cust20013050311050614001", "mocean")


@pytest.mark.parametrize(
    ("state", "error", "report"),
    [
        (State.DELIVERED, "", ("1", "0")),
        (State.DELIVERED, "034", ("1", "0")),
        (State.EXPIRED, "", ("3", "52")),
        (State.EXPIRED, "000", ("3", "52")),
        (State.UNDELIVERABLE, "", ("2", "1")),
        (State.UNDELIVERABLE, "005", ("2", "5")),
        (State.UNDELIVERABLE, "61", ("2", "61")),
        (State.UNDELIVERABLE, "0000255", ("2", "255")),
        (State.UNDELIVERABLE, "200", ("2", "255")),
        (State.UNDELIVERABLE, "69e", ("2", "1")),
        (State.REJECTED, "", ("2", "50")),
        (State.DELETED, "", ("2", "49")),
        (State.UNKNOWN, "", ("2", "255")),
    ],
)
def test_state_and_error_of_a_receipt_become_status_and_code(state: State, error: str, report: tuple[str, str]) -> None:
    assert reported(message(state), receipt(state, error)) == report


@pytest.mark.parametrize(
    ("state", "error", "report"),
    [
        (State.FAILED, "", ("2", "255")),
        (State.FAILED, "0x0000000B ESME_RINVDSTADR (Invalid Dest Addr)", ("2", "54")),
        (State.FAILED, "ESME_RTHROTTLED", ("2", "58")),
        (State.FAILED, "ESME_RINVNUMMSGS", ("2", "255")),
        (State.EXPIRED, "not sent within its validity", ("3", "52")),
        (State.UNKNOWN, "no receipt came", ("2", "96")),
    ],
)
def test_end_that_no_receipt_brought_has_its_own_code(state: State, error: str, report: tuple[str, str]) -> None:
    assert reported(message(state, error=error), None) == report


@pytest.mark.parametrize("state", [state for state in State if not state.is_final])
def test_state_on_the_way_is_not_reported(state: State) -> None:
    assert DIALECT.receipt_callback(message(state), receipt(state)) is None


@pytest.mark.parametrize(("method", "url"), [("", "https://example.com/account-default"), ("", ""), ("PUT", "")])
def test_nothing_is_reported_where_the_mask_was_0(method: str, url: str) -> None:
    assert DIALECT.receipt_callback(message(State.DELIVERED, method=method, url=url), None) is None


def test_every_final_state_is_reported() -> None:
    assert {state for state in State if state.is_final} == set(spec.REPORT_BY_STATE)
    assert {state for state in State if state.is_final} == set(spec.ERROR_BY_STATE)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/dlr", "http://h/dlr?mocean-from=60123456789&mocean-to=63001"),
        ("http://h/dlr?id=7", "http://h/dlr?id=7&mocean-from=60123456789&mocean-to=63001"),
    ],
)
def test_get_report_is_all_in_the_address(url: str, expected: str) -> None:
    callback = DIALECT.receipt_callback(message(State.DELIVERED, method="GET", url=url), None)
    assert callback is not None
    assert callback.url.startswith(expected)
    assert (callback.method, callback.body, callback.content_type) == ("GET", b"", "")


def test_sender_with_blanks_and_signs_is_percent_encoded() -> None:
    import msgspec

    callback = DIALECT.receipt_callback(msgspec.structs.replace(message(State.DELIVERED), sender="A & B=c"), None)
    assert callback is not None
    assert b"mocean-to=A+%26+B%3Dc&" in callback.body


def inbound(text: str, **more: object) -> dict[str, str]:
    # 2018-12-30 15:59:59 UTC.
    fields = {"id": "i1", "account": "shop", "sender": "60123456789", "recipient": "63001", "received_at": 1546185599.0}
    callback = DIALECT.inbound_callback(Inbound(text=text, **{**fields, **more}), "https://example.com/mo")  # type: ignore[arg-type]
    assert callback is not None
    assert (callback.method, callback.url, callback.account) == ("POST", "https://example.com/mo", "shop")
    return {name: values[0] for name, values in parse_qs(callback.body.decode(), keep_blank_values=True).items()}


def test_inbound_text_goes_as_a_form_in_malaysia_time() -> None:
    assert inbound("MOC Hello World") == {
        "mocean-from": "60123456789",
        "mocean-to": "63001",
        "mocean-keyword": "MOC",
        "mocean-text": "MOC Hello World",
        "mocean-coding": "1",
        "mocean-time": "2018-12-30 23:59:59",
    }


def test_inbound_unicode_goes_as_utf_16_hex_with_its_keyword() -> None:
    fields = inbound("\u4f60 \U0001f44b")
    assert (fields["mocean-coding"], fields["mocean-text"], fields["mocean-keyword"]) == (
        "3",
        "4F600020D83DDC4B",
        "4F60",
    )


def test_inbound_binary_goes_as_hex_with_its_header() -> None:
    fields = inbound("", data=b"\x03\x06", udh=bytes.fromhex("0605040B8423F0"))
    assert (fields["mocean-coding"], fields["mocean-text"], fields["mocean-udh"]) == ("2", "0306", "0605040B8423F0")


def test_empty_inbound_message_is_an_empty_text() -> None:
    fields = inbound("")
    assert (fields["mocean-text"], fields["mocean-keyword"], fields["mocean-coding"]) == ("", "", "1")


def reported(subject: Message, cause: Receipt | None) -> tuple[str, str]:
    callback = DIALECT.receipt_callback(subject, cause)
    assert callback is not None
    fields = parse_qs(callback.body.decode())
    return fields["mocean-dlr-status"][0], fields["mocean-error-code"][0]
