"""What a Mocean request says, parameter by parameter."""

from urllib.parse import urlencode

import pytest

from gateway.models import Coding, NewMessage
from gateway.providers.base import Credentials, WebRequest
from gateway.providers.mocean.request import (
    FORM,
    Refused,
    Submission,
    read_credentials,
    read_parameters,
    read_submission,
)

PLAIN = {"mocean-from": "63001", "mocean-to": "60123456789", "mocean-text": "Hello"}


def read(fields: dict[str, str | bytes]) -> Submission:
    request = WebRequest(method="POST", path="/rest/2/sms", content_type=FORM, body=urlencode(fields).encode())
    return read_submission(read_parameters(request), account="shop", report_method="PUT")


def read_one(fields: dict[str, str | bytes]) -> NewMessage:
    return read({**PLAIN, **fields}).messages[0]


def status_of(fields: dict[str, str | bytes]) -> int:
    with pytest.raises(Refused) as refused:
        read(fields)
    return refused.value.status


def test_plain_request_is_one_message_with_receipt_and_no_report() -> None:
    assert read(dict(PLAIN)).messages == [
        NewMessage(
            account="shop",
            recipient="60123456789",
            sender="63001",
            text="Hello",
            coding=Coding.GSM,
            wants_receipt=True,
            dialect="mocean",
        )
    ]


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("60123456789", ["60123456789"]),
        ("+60123456789", ["60123456789"]),
        ("0060123456789", ["60123456789"]),
        ("60123456789 60123456780", ["60123456789", "60123456780"]),
        ("60123456789,60123456780", ["60123456789", "60123456780"]),
        ("60123456789, 60123456780,", ["60123456789", "60123456780"]),
        ("60123456789\n60123456780\t60123456781", ["60123456789", "60123456780", "60123456781"]),
        ("+60 12-345 6789,+60 12-345 6780", ["60123456789", "60123456780"]),
        ("60123456789,60123456780 60123456781", ["60123456789", "60123456780", "60123456781"]),
        ("(60)123456789", ["60123456789"]),
        ("63001", ["63001"]),
        ("abc,60123456789", [None, "60123456789"]),
        ("1,60123456789", [None, "60123456789"]),
        ("1234567890123456", [None]),
    ],
)
def test_receivers_are_split_and_stripped_to_digits(written: str, numbers: list[str | None]) -> None:
    submission = read({**PLAIN, "mocean-to": written})
    assert [receiver.number for receiver in submission.receivers] == numbers
    assert [message.recipient for message in submission.messages] == [number for number in numbers if number]


def test_repeated_to_adds_receivers() -> None:
    request = WebRequest(
        method="GET",
        path="/rest/2/sms",
        query=b"mocean-from=A&mocean-to=60111111111&mocean-to=60122222222&mocean-text=x",
    )
    submission = read_submission(read_parameters(request), account="shop", report_method="PUT")
    assert [message.recipient for message in submission.messages] == ["60111111111", "60122222222"]


def test_five_hundred_receivers_are_taken_and_one_more_is_27() -> None:
    numbers = [str(60_000_000_000 + index) for index in range(501)]
    assert len(read({**PLAIN, "mocean-to": " ".join(numbers[:500])}).messages) == 500
    assert status_of({**PLAIN, "mocean-to": ",".join(numbers)}) == 27


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"mocean-to": ""}, 6),
        ({"mocean-to": " , ,"}, 6),
        ({"mocean-from": ""}, 8),
        ({"mocean-from": "TWELVE CHARS"}, 37),
        ({"mocean-from": "12345678901234567"}, 37),
        ({"mocean-from": "Caf\u00e9"}, 44),
        ({"mocean-from": "A\x07B"}, 44),
        ({"mocean-text": ""}, 23),
        ({"mocean-udh": "05"}, 9),
        ({"mocean-udh": "0605040B8423F"}, 9),
        ({"mocean-udh": "0705040B8423F0"}, 9),
        ({"mocean-udh": "zz05040B8423F0"}, 9),
        ({"mocean-coding": "0"}, 19),
        ({"mocean-coding": "4"}, 19),
        ({"mocean-coding": "x"}, 19),
        ({"mocean-coding": "2", "mocean-text": "0306F"}, 19),
        ({"mocean-coding": "2", "mocean-text": "not hex!"}, 19),
        ({"mocean-coding": "2", "mocean-text": "03 06"}, 19),
        ({"mocean-charset": "KOI8-R"}, 19),
        ({"mocean-text": b"\xff\xfe"}, 19),
        ({"mocean-text": b"a\0b"}, 19),
        ({"mocean-charset": "US-ASCII", "mocean-text": b"\xe9"}, 19),
        ({"mocean-charset": "UTF-16BE", "mocean-text": b"\x00H\x00"}, 19),
        ({"mocean-charset": "ISO-8859-1", "mocean-text": b"na\xefve \xe7a"}, 69),
        ({"mocean-mclass": "5"}, 10),
        ({"mocean-mclass": "flash"}, 10),
        ({"mocean-mclass": "1", "mocean-alt-dcs": "2"}, 10),
        ({"mocean-validity": "0"}, 17),
        ({"mocean-validity": "-5"}, 17),
        ({"mocean-validity": "5m"}, 17),
        ({"mocean-validity": "38102401"}, 17),
        ({"mocean-schedule": "2018-01-01"}, 26),
        ({"mocean-schedule": "2007-03-02 8:55:00"}, 26),
        ({"mocean-schedule": "2007-02-30 08:55:00"}, 26),
        ({"mocean-schedule": "tomorrow"}, 26),
        ({"mocean-dlr-mask": "1"}, 20),
        ({"mocean-dlr-mask": "yes", "mocean-dlr-url": "https://example.com/"}, 20),
        ({"mocean-dlr-mask": "1", "mocean-dlr-url": "ftp://example.com/"}, 20),
        ({"mocean-dlr-mask": "1", "mocean-dlr-url": "https:///path"}, 20),
        ({"mocean-dlr-mask": "1", "mocean-dlr-url": "https://example.com:99999/"}, 20),
        ({"mocean-text": "x" * 39016}, 29),
        ({"mocean-text": "\u4e16" * 17086}, 29),
        ({"mocean-udh": "0605040B8423F0", "mocean-text": "00" * 134}, 29),
        ({"mocean-udh": "0605040B8423F0", "mocean-coding": "1", "mocean-text": "x" * 153}, 29),
        ({"mocean-udh": "0605040B8423F0", "mocean-coding": "3", "mocean-text": "x" * 67}, 29),
    ],
)
def test_bad_parameter_has_its_documented_status(fields: dict[str, str | bytes], status: int) -> None:
    assert status_of({**PLAIN, **fields}) == status


@pytest.mark.parametrize(
    ("fields", "coding", "text"),
    [
        ({"mocean-text": "Price: 5\u20ac {x}"}, Coding.GSM, "Price: 5\u20ac {x}"),
        ({"mocean-text": "\u4f60\u597d \U0001f44b"}, Coding.UCS2, "\u4f60\u597d \U0001f44b"),
        ({"mocean-text": "\u4f60", "mocean-coding": "1", "mocean-charset": "utf-8"}, Coding.UCS2, "\u4f60"),
        ({"mocean-text": "plain", "mocean-coding": "3"}, Coding.UCS2, "plain"),
        ({"mocean-text": b"\xe9t\xe9", "mocean-charset": "ISO-8859-1"}, Coding.GSM, "\u00e9t\u00e9"),
        ({"mocean-text": b"5\x80", "mocean-charset": "windows-1252"}, Coding.GSM, "5\u20ac"),
        ({"mocean-text": b"\x4f\x60", "mocean-charset": "UTF-16BE", "mocean-coding": "3"}, Coding.UCS2, "\u4f60"),
        ({"mocean-text": " kept as it is \n"}, Coding.GSM, " kept as it is \n"),
    ],
)
def test_text_is_read_by_charset_and_coding(fields: dict[str, str | bytes], coding: Coding, text: str) -> None:
    message = read_one(fields)
    assert (message.coding, message.text, message.data) == (coding, text, None)


def test_udh_alone_makes_the_text_hex() -> None:
    message = read_one({"mocean-udh": "0605040B8423F0", "mocean-text": "030616AE966C6F"})
    assert message.coding is Coding.BINARY
    assert message.udh == bytes.fromhex("0605040B8423F0")
    assert message.data == bytes.fromhex("030616AE966C6F")


def test_udh_with_coding_1_keeps_characters() -> None:
    message = read_one({"mocean-udh": "0605040B8423F0", "mocean-coding": "1", "mocean-text": "0306"})
    assert (message.text, message.data, message.udh) == ("0306", None, bytes.fromhex("0605040B8423F0"))


@pytest.mark.parametrize(
    ("fields", "data_coding", "message_class"),
    [
        ({}, None, None),
        ({"mocean-alt-dcs": "1"}, None, None),
        ({"mocean-mclass": "0", "mocean-alt-dcs": "0"}, None, None),
        ({"mocean-mclass": "1", "mocean-alt-dcs": "1"}, 0xF0, 0),
        ({"mocean-mclass": "1"}, 0x10, 0),
        ({"mocean-mclass": "3", "mocean-alt-dcs": "1"}, 0xF2, 2),
        ({"mocean-mclass": "1", "mocean-alt-dcs": "1", "mocean-coding": "2", "mocean-text": "00"}, 0xF4, 0),
        ({"mocean-mclass": "1", "mocean-coding": "2", "mocean-text": "00"}, 0x14, 0),
        ({"mocean-mclass": "1", "mocean-alt-dcs": "1", "mocean-coding": "3"}, 0x18, 0),
    ],
)
def test_flash_is_class_0_in_the_group_that_alt_dcs_names(
    fields: dict[str, str | bytes], data_coding: int | None, message_class: int | None
) -> None:
    message = read_one(fields)
    assert (message.data_coding, message.message_class) == (data_coding, message_class)


def test_schedule_is_malaysia_time() -> None:
    # 23:30 at GMT+8 is 15:30 UTC.
    assert read_one({"mocean-schedule": "2007-02-11 23:30:00"}).scheduled_at == 1171207800.0


def test_validity_is_seconds() -> None:
    assert read_one({"mocean-validity": "300"}).validity_seconds == 300


def test_report_is_asked_for_by_mask_and_address() -> None:
    message = read_one({"mocean-dlr-mask": "1", "mocean-dlr-url": "https://example.com/dlr?x=1"})
    assert (message.callback_url, message.callback_method) == ("https://example.com/dlr?x=1", "PUT")


@pytest.mark.parametrize("mask", ["", "0"])
def test_address_without_mask_asks_for_nothing(mask: str) -> None:
    message = read_one({"mocean-dlr-mask": mask, "mocean-dlr-url": "https://example.com/dlr"})
    assert (message.callback_url, message.callback_method) == ("", "")


def test_body_wins_over_query_and_names_without_prefix_are_not_read() -> None:
    request = WebRequest(
        method="POST",
        path="/rest/2/sms",
        query=b"mocean-text=query&text=a",
        content_type=FORM,
        body=b"mocean-text=body&to=1",
    )
    assert read_parameters(request) == {"text": b"body"}


def test_body_that_is_no_form_is_insufficient() -> None:
    request = WebRequest(method="POST", path="/rest/2/sms", content_type="application/json", body=b"{}")
    with pytest.raises(Refused) as refused:
        read_parameters(request)
    assert refused.value.status == 20


@pytest.mark.parametrize(
    ("parameters", "authorization", "expected"),
    [
        ({"api-key": b"K", "api-secret": b"S"}, "", Credentials(door="mocean", key="K", secret="S")),
        (
            {"api-key": b"K", "api-secret": b"S", "api-token": b""},
            "Bearer ",
            Credentials(door="mocean", key="K", secret="S"),
        ),
        ({"api-key": b"", "api-secret": b"", "api-token": b"apit-1"}, "", Credentials(door="mocean", token="apit-1")),
        ({}, "bearer apit-2", Credentials(door="mocean", token="apit-2")),
        ({"api-token": b"apit-1"}, "Bearer apit-2", Credentials(door="mocean", token="apit-2")),
        ({"api-key": b"K"}, "", None),
        ({"api-secret": b"S"}, "Bearer", None),
        ({}, "Basic S0VZOlNFQ1JFVA==", None),
        ({}, "", None),
    ],
)
def test_credentials_are_whichever_form_is_not_empty(
    parameters: dict[str, bytes], authorization: str, expected: Credentials | None
) -> None:
    assert read_credentials(parameters, {"Authorization": authorization}, "") == expected
