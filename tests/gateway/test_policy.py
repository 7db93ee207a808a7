"""What is accepted, and with which words what is not is refused."""

from typing import Any

import pytest

from gateway.config import parse
from gateway.errors import InvalidMessage
from gateway.models import Coding
from gateway.networks import parse_networks
from gateway.policy import DATA_LIMIT, TEXT_LIMIT, Policy
from tests.gateway.fakes import NOW, new_message

ACCOUNTS = parse(
    """
[account.shop]
default_sender = "SHOP"
callback_url = "https://hooks.example/shop"
[account.strict]
senders = ["ACME", "447700900001"]
"""
).account
POLICY = Policy(ACCOUNTS)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("447700900123", "447700900123"),
        ("+447700900123", "447700900123"),
        ("00447700900123", "447700900123"),
        ("+44 (7700) 900-123", "447700900123"),
        ("44.7700.900123", "447700900123"),
        ("12345", "12345"),
    ],
)
def test_recipients_are_kept_as_digits(written: str, kept: str) -> None:
    assert POLICY.check(new_message(recipient=written), NOW).recipient == kept


def test_the_account_fills_in_what_is_missing() -> None:
    checked = POLICY.check(new_message(sender=""), NOW)
    assert (checked.sender, checked.callback_url) == ("SHOP", "https://hooks.example/shop")
    checked = POLICY.check(new_message(sender="OTHER", callback_url="https://else.example/"), NOW)
    assert (checked.sender, checked.callback_url) == ("OTHER", "https://else.example/")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "x" * TEXT_LIMIT},
        {"text": "🌍"},
        {"text": "", "data": b"\x00" * DATA_LIMIT, "coding": Coding.BINARY},
        {"text": "", "data": b"x" * 133, "udh": b"\x06\x05\x04\x0b\x84\x23\xf0"},
        {"text": "", "data": b"", "udh": b"\x03\x70\x01\x00"},
        {"text": "ÿ", "coding": Coding.LATIN_1},
        {"sender": "+447700900123"},
        {"sender": "12345"},
        {"sender": "A name. 4U!"},
        {"data_coding": 0xF5, "message_class": 0},
        {"validity_seconds": 604_800},
        {"scheduled_at": NOW - 5},
        {"priority": 3},
        {"client_reference": "x" * 255},
        {"tlvs": ((0x1400, b"x" * 100), (0xFFFF, b""))},
        {"account": "strict", "sender": "ACME"},
        {"account": "strict", "sender": "+447700900001"},
    ],
)
def test_what_may_be_is_taken_unchanged(fields: dict[str, Any]) -> None:
    message = new_message(callback_url="https://else.example/", **fields)
    assert POLICY.check(message, NOW) == message


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"account": "nobody"}, "unknown_account", "account"),
        ({"recipient": ""}, "invalid_recipient", "recipient"),
        ({"recipient": "12"}, "invalid_recipient", "recipient"),
        ({"recipient": "1" * 21}, "invalid_recipient", "recipient"),
        ({"recipient": "44770090o123"}, "invalid_recipient", "recipient"),
        ({"recipient": "٤٤٧٧٠٠٩٠٠١٢٣"}, "invalid_recipient", "recipient"),
        ({"recipient": "447700900123\n"}, "invalid_recipient", "recipient"),
        ({"recipient": "++447700900123"}, "invalid_recipient", "recipient"),
        ({"account": "strict", "sender": ""}, "missing_sender", "sender"),
        ({"account": "strict", "sender": "EVIL"}, "sender_not_allowed", "sender"),
        ({"sender": "twelve chars"}, "invalid_sender", "sender"),
        ({"sender": "Ünï"}, "invalid_sender", "sender"),
        ({"sender": "A\x00B"}, "invalid_sender", "sender"),
        ({"sender": "1" * 21}, "invalid_sender", "sender"),
        ({"text": ""}, "missing_text", "text"),
        ({"text": "x" * (TEXT_LIMIT + 1)}, "text_too_long", "text"),
        ({"text": "a\ud83d"}, "invalid_text", "text"),
        ({"text": "x", "coding": Coding.BINARY}, "missing_data", "data"),
        ({"text": "€", "coding": Coding.LATIN_1}, "invalid_text", "text"),
        ({"text": "x", "data": b"x"}, "text_and_data", "data"),
        ({"text": "", "data": b""}, "missing_data", "data"),
        ({"text": "", "data": b"x" * (DATA_LIMIT + 1)}, "data_too_long", "data"),
        ({"text": "", "data": b"x" * 137, "udh": b"\x03\x70\x01\x00"}, "data_too_long", "data"),
        ({"udh": b"\x05\x00\x03\x01\x02"}, "invalid_udh", "udh"),
        ({"udh": b"\x04\x00\x03\x01\x02"}, "invalid_udh", "udh"),
        ({"udh": b"\x01\x00"}, "invalid_udh", "udh"),
        ({"data_coding": 256}, "invalid_data_coding", "data_coding"),
        ({"data_coding": -1}, "invalid_data_coding", "data_coding"),
        ({"message_class": 4}, "invalid_message_class", "message_class"),
        ({"validity_seconds": 0}, "invalid_validity", "validity_seconds"),
        ({"validity_seconds": 604_801}, "invalid_validity", "validity_seconds"),
        ({"scheduled_at": NOW + 366 * 86_400}, "invalid_schedule", "scheduled_at"),
        ({"scheduled_at": float("nan")}, "invalid_schedule", "scheduled_at"),
        ({"priority": 4}, "invalid_priority", "priority"),
        ({"client_reference": "x" * 256}, "client_reference_too_long", "client_reference"),
        ({"tlvs": ((1, b""),) * 65}, "too_many_tlvs", "tlvs"),
        ({"tlvs": ((1, b"x" * 4097),)}, "tlvs_too_long", "tlvs"),
        ({"tlvs": ((0x10000, b""),)}, "invalid_tlv", "tlvs"),
        ({"callback_url": "http://127.0.0.1/"}, "invalid_callback_url", "callback_url"),
        ({"callback_url": "mailto:x@example.com"}, "invalid_callback_url", "callback_url"),
    ],
)
def test_what_may_not_be_is_refused_by_code_and_field(fields: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        POLICY.check(new_message(**fields), NOW)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_exempt_networks_hold_for_callbacks_of_messages() -> None:
    policy = Policy(ACCOUNTS, parse_networks(["127.0.0.0/8"]))
    policy.check(new_message(callback_url="http://127.0.0.1:9000/"), NOW)
