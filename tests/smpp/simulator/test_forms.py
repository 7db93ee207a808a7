"""How receipts are written."""

from datetime import UTC, datetime

import pytest

from smpp.constants import EsmClass, MessageState
from smpp.simulator.forms import RECEIPT_FORMS, excerpt, receipt_pdu
from smpp.sms import format_receipt, receipt_tlvs
from smpp.wire import Tlvs
from smpp.wire.pdu import DataSm, DeliverSm

AT = datetime(2026, 7, 22, 15, 30, 12, tzinfo=UTC)
TEXTS = {
    "standard": b"id:1a sub:001 dlvrd:000 submit date:2607221530 done date:2607221531 stat:EXPIRED err:011 text:hello",
    "seconds": b"id:1a sub:001 dlvrd:000 submit date:260722153012 done date:260722153112 stat:EXPIRED err:011"
    b" text:hello",
    "century": b"id:1a sub:001 dlvrd:000 submit date:20260722153012 done date:20260722153112 stat:EXPIRED err:011"
    b" text:hello",
    "absolute_dates": b"id:1a sub:001 dlvrd:000 submit date:260722153012000+ done date:260722153112000+ stat:EXPIRED"
    b" err:011 text:hello",
    "capital_text": b"id:1a sub:001 dlvrd:000 submit date:2607221530 done date:2607221531 stat:EXPIRED err:011"
    b" Text:hello",
    "short": b"id:1a submit date:2607221530 done date:2607221531 stat:EXPIRED err:011",
    "joined_dates": b"id:1a sub:001 dlvrd:000 submitdate:2607221530 donedate:2607221531 stat:EXPIRED err:011"
    b" text:hello",
    "commas": b"id:1a,sub:001,dlvrd:000 submit date:2607221530 done date:2607221531,stat:EXPIRED err:011 text:hello",
    "bare_state": b"id:1a EXPIRED done date:2607221531",
    "tlvs": b"",
}


def written(form: str, *, address: str = "4479", state: MessageState = MessageState.EXPIRED) -> DeliverSm | DataSm:
    return receipt_pdu(
        RECEIPT_FORMS[form],
        message_id="1a",
        state=state,
        error="011",
        submitted_at=AT.timestamp(),
        done_at=AT.timestamp() + 60,
        original=b"hello",
        source=(1, 1, address),
        destination=(5, 0, "INFO"),
    )


@pytest.mark.parametrize(("form", "text"), TEXTS.items())
def test_each_form_is_written_so(form: str, text: bytes) -> None:
    receipt = written(form)
    assert isinstance(receipt, DeliverSm)
    assert receipt.short_message == text
    assert receipt.esm_class == EsmClass.DELIVERY_RECEIPT


@pytest.mark.parametrize("state", [state for state in MessageState if state.is_final])
def test_the_quick_way_writes_what_the_library_writes(state: MessageState) -> None:
    receipt = written("standard", state=state)
    assert isinstance(receipt, DeliverSm)
    assert receipt.short_message == format_receipt(
        "1a", state, submit_date=AT, done_date=AT.replace(minute=31), error="011", text="hello"
    )
    assert receipt.tlvs[:2] == tuple(receipt_tlvs("1a", state))


def test_tlvs_say_what_the_text_says() -> None:
    expected = Tlvs.of((0x001E, b"1a\0"), (0x0427, b"\x03"), (0x0423, b"\x03\x00\x0b"))
    assert written("standard").tlvs == expected
    assert written("text").tlvs == ()


def test_text_may_be_in_the_payload_in_ucs2_or_in_a_data_sm() -> None:
    assert written("payload").tlvs == Tlvs.of((0x0424, TEXTS["standard"]))
    ucs2 = written("ucs2")
    assert isinstance(ucs2, DeliverSm)
    assert (ucs2.data_coding, ucs2.short_message) == (8, TEXTS["standard"].decode().encode("utf-16-be"))
    assert isinstance(written("data_sm"), DataSm)
    assert written("esm_class_0").esm_class == 0


def test_an_address_too_long_for_deliver_sm_takes_a_data_sm() -> None:
    assert isinstance(written("text", address="4" * 21), DataSm)


@pytest.mark.parametrize(
    ("octets", "esm_class", "data_coding", "expected"),
    [
        (b"short", 0, 0, b"short"),
        (b"x" * 30, 0, 0, b"x" * 20),
        (b"x" * 19 + b"\x1be", 0, 0, b"x" * 19),
        (bytes.fromhex("050003070201") + b"second part", 0x40, 0, b"second part"),
        ("héllo €".encode("utf-16-be"), 0, 8, b"h\x05llo \x1be"),
        ("привет".encode("utf-16-be"), 0, 8, b"??????"),
        (("x" * 19 + "€").encode("utf-16-be"), 0, 8, b"x" * 19),
    ],
)
def test_the_excerpt_is_whole_characters_of_the_default_alphabet(
    octets: bytes, esm_class: int, data_coding: int, expected: bytes
) -> None:
    assert excerpt(octets, esm_class, data_coding) == expected
