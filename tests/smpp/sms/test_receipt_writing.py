"""Delivery receipts written, and read back."""

import string
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import MessageState
from smpp.errors import EncodeError
from smpp.sms.coding import DEFAULT_ALPHABETS
from smpp.sms.receipt import NetworkError, Receipt, format_receipt, parse_receipt, receipt_tlvs
from smpp.sms.receipt_text import STATE_WORDS

NOON = datetime(2026, 7, 22, 12, 0)


def read(octets: bytes, **options: Any) -> Receipt:
    receipt = parse_receipt(octets, **options)
    assert receipt is not None
    return receipt


def test_the_octets_we_write() -> None:
    octets = format_receipt(
        "0123456789",
        MessageState.DELIVERED,
        submit_date=datetime(2008, 9, 1, 11, 30),
        done_date=datetime(2008, 9, 1, 11, 31),
        text="Hello world, this is longer",
    )
    assert octets == (
        b"id:0123456789 sub:001 dlvrd:001 submit date:0809011130 done date:0809011131"
        b" stat:DELIVRD err:000 text:Hello world, this is"
    )
    octets = format_receipt(
        "x_1", MessageState.EXPIRED, submit_date=NOON, done_date=NOON, sub=3, error="21b", with_seconds=True
    )
    assert octets == (
        b"id:x_1 sub:003 dlvrd:000 submit date:260722120000 done date:260722120000 stat:EXPIRED err:21b text:"
    )


def test_the_text_we_write_is_at_most_20_octets_of_whole_characters() -> None:
    octets = format_receipt(
        "1", MessageState.DELIVERED, submit_date=NOON, done_date=NOON, text="0123456789012345678€жx"
    )
    assert octets.endswith(b" text:0123456789012345678")
    octets = format_receipt("1", MessageState.DELIVERED, submit_date=NOON, done_date=NOON, text="aжb")
    assert octets.endswith(b" text:a?b")


def test_the_tlvs_we_write() -> None:
    assert receipt_tlvs("ab", MessageState.DELIVERED) == [(0x001E, b"ab\0"), (0x0427, b"\x02")]
    assert receipt_tlvs("ab", MessageState.REJECTED, network_error=NetworkError(3, 300))[-1] == (
        0x0423,
        b"\x03\x01\x2c",
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"message_id": ""},
        {"message_id": "a b"},
        {"message_id": "a,b"},
        {"message_id": "é"},
        {"message_id": "a\n"},
        {"message_id": "x" * 65},
        {"error": "123456"},
        {"error": ""},
        {"error": "a b"},
        {"sub": 1000},
        {"dlvrd": -1},
    ],
)
def test_what_would_be_unreadable_is_refused(bad: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"message_id": "1", "state": MessageState.DELIVERED, **bad}
    with pytest.raises(EncodeError, match="receipt: "):
        format_receipt(submit_date=NOON, done_date=NOON, **arguments)


def test_a_network_error_out_of_range_is_refused() -> None:
    with pytest.raises(EncodeError, match="network_error_code"):
        receipt_tlvs("1", MessageState.REJECTED, network_error=NetworkError(3, 0x10000))


ids = st.text(sorted(set(string.printable) - set(string.whitespace) - set(",;|`")), min_size=1, max_size=64)
dates = st.datetimes(datetime(1940, 1, 1), datetime(2037, 12, 31)).map(lambda it: it.replace(second=0, microsecond=0))


@given(
    ids,
    st.sampled_from(list(MessageState)),
    dates,
    dates,
    st.integers(0, 999),
    st.text(st.sampled_from(string.ascii_letters + string.digits), min_size=1, max_size=5),
    st.text(st.sampled_from("ab [€é:_"), max_size=10),
    st.booleans(),
    st.sampled_from(DEFAULT_ALPHABETS),
)
def test_what_we_write_we_read(
    message_id: str,
    state: MessageState,
    submit_date: datetime,
    done_date: datetime,
    number: int,
    error: str,
    text: str,
    with_seconds: bool,
    default_alphabet: str,
) -> None:
    octets = format_receipt(
        message_id,
        state,
        submit_date=submit_date,
        done_date=done_date,
        sub=number,
        dlvrd=number,
        error=error,
        text=text,
        with_seconds=with_seconds,
        default_alphabet=default_alphabet,
    )
    tlvs = dict(receipt_tlvs(message_id, state, network_error=NetworkError(3, 7)))
    for receipt in (
        read(octets, default_alphabet=default_alphabet),
        read(octets, default_alphabet=default_alphabet, tlvs=tlvs),
    ):
        assert (receipt.id, receipt.state, receipt.error) == (message_id, state, error)
        assert (receipt.submit_date, receipt.done_date) == (submit_date, done_date)
        assert (receipt.sub, receipt.dlvrd, receipt.stat) == (number, number, STATE_WORDS[state])
        assert not receipt.conflicts
        if default_alphabet in ("gsm", "gsm-packed", "utf-8"):
            assert receipt.text == text
    assert receipt.network_error == NetworkError(3, 7)
