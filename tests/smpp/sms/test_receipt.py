"""Delivery receipts read: every variant seen in the field."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import MessageState
from smpp.sms.coding import DEFAULT_ALPHABETS
from smpp.sms.receipt import (
    NetworkError,
    Receipt,
    parse_receipt,
    parse_receipt_date,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "sms"
ROWS = [json.loads(line) for line in (VECTORS / "receipts.jsonl").read_text().splitlines()]

APPENDIX_B = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:0809011130 done date:0809011131"
    b" stat:DELIVRD err:000 Text:Hello world, this is"
)


def read(octets: bytes | str, **options: Any) -> Receipt:
    receipt = parse_receipt(octets.encode("latin-1") if isinstance(octets, str) else octets, **options)
    assert receipt is not None
    return receipt


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["id"]))
def test_receipts_of_other_implementations(row: dict[str, Any]) -> None:
    expected = row["expected"]
    receipt = read(
        bytes.fromhex(row["short_message"]),
        esm_class=row["esm_class"],
        data_coding=row["data_coding"],
        tlvs={int(tag, 16): bytes.fromhex(value) for tag, value in row["tlvs"].items()},
        default_alphabet="latin1",
    )
    assert (receipt.id, receipt.state, receipt.stat) == (expected["id"], expected["state"], expected["stat"])
    assert (receipt.submit_date_text, receipt.done_date_text) == (expected["submit"], expected["done"])
    assert (receipt.done_date is None) == (not expected["done"])
    assert receipt.is_intermediate == (row["esm_class"] == 0x20)
    if expected["err"]:
        assert receipt.error == expected["err"]
    if expected["text"] is not None:
        assert receipt.text == expected["text"]


def test_the_form_of_appendix_b() -> None:
    receipt = read(APPENDIX_B)
    assert receipt == Receipt(
        id="0123456789",
        state=MessageState.DELIVERED,
        stat="DELIVRD",
        error="000",
        sub=1,
        dlvrd=1,
        submit_date=datetime(2008, 9, 1, 11, 30),
        done_date=datetime(2008, 9, 1, 11, 31),
        submit_date_text="0809011130",
        done_date_text="0809011131",
        text="Hello world, this is",
        raw=APPENDIX_B.decode(),
        text_id="0123456789",
        text_state=MessageState.DELIVERED,
    )
    assert receipt.is_final
    assert not receipt.conflicts


def test_sub_dlvrd_and_text_may_be_missing() -> None:
    receipt = read("id:17 submit date:1701240904 done date:1701240905 stat:DELIVRD err:000")
    assert (receipt.sub, receipt.dlvrd, receipt.text) == (None, None, "")
    assert (receipt.id, receipt.state, receipt.error) == ("17", MessageState.DELIVERED, "000")


def test_dates_without_a_blank_and_a_stat_of_eight() -> None:
    receipt = read("id:a-1-b sub:001 dlvrd:000 submitdate:1701240904 donedate:1701240905 stat:REJECTED err:12 text:")
    assert receipt.state is MessageState.REJECTED
    assert receipt.submit_date == datetime(2017, 1, 24, 9, 4)
    assert receipt.done_date == datetime(2017, 1, 24, 9, 5)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("0", "0"),
        ("000", "000"),
        ("0000", "0000"),
        ("21b", "21b"),
        ("E-12A", "E-12A"),
        (" 0", "0"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_errors_of_any_kind(error: str, expected: str) -> None:
    assert read(f"id:1 stat:UNDELIV err:{error} text:x").error == expected
    assert read(f"id:1 err:{error} stat:UNDELIV").error == expected


def test_delivrd_without_its_key() -> None:
    for text in (
        "id:1 submit date:1701240904 done date:1701240905 DELIVRD err:000 text:hi",
        "id:1 submit date:1701240904 done date:1701240905 DELIVRD",
        "DELIVRD id:1 err:0",
    ):
        receipt = read(text)
        assert (receipt.state, receipt.stat) == (MessageState.DELIVERED, "DELIVRD")
    assert receipt.text == ""


def test_order_case_double_blanks_and_further_keys() -> None:
    receipt = read(
        "SUB:001  ERR:005  STAT:EXPIRED   ID:Ab9   NSC:17  DONE DATE:1701240905  SUBMIT  DATE:1701240904 smsc:x"
    )
    assert (receipt.id, receipt.state, receipt.error, receipt.sub) == ("Ab9", MessageState.EXPIRED, "005", 1)
    assert receipt.submit_date == datetime(2017, 1, 24, 9, 4)
    assert receipt.extras == (("nsc", "17"), ("smsc", "x"))
    assert receipt.text == ""


def test_a_list_with_commas() -> None:
    receipt = read("id:77,sub:001,dlvrd:001,submit date:1701240904,done date:1701240905,stat:DELIVRD,err:000,text:a, b")
    assert (receipt.id, receipt.state, receipt.dlvrd, receipt.error) == ("77", MessageState.DELIVERED, 1, "000")
    assert receipt.done_date == datetime(2017, 1, 24, 9, 5)
    assert receipt.text == "a, b"


def test_equals_signs_for_colons() -> None:
    assert read("id=77 stat=DELIVRD err=0").state is MessageState.DELIVERED


def test_nothing_behind_text_is_believed() -> None:
    receipt = read("id:1 stat:DELIVRD err:000 text:stat:REJECTD err:999 id:2 text:x")
    assert (receipt.id, receipt.state, receipt.error) == ("1", MessageState.DELIVERED, "000")
    assert receipt.text == "stat:REJECTD err:999 id:2 text:x"


def test_text_without_its_key() -> None:
    assert read("id:1 stat:DELIVRD err:000 see http://x.y now").text == "see http://x.y now"
    assert read("id:1 stat:DELIVRD err:000 te").text == "te"
    assert read("id:1 stat:DELIVRD err:000 see http://x.y now").extras == ()


def test_a_trailing_nul_is_no_text() -> None:
    assert read(b"id:1 stat:DELIVRD err:000 text:abc\0").text == "abc"
    assert read(b"id:1 stat:DELIVRD err:000\0").error == "000"
    assert read(b"id:1 stat:DELIVRD\0").state is MessageState.DELIVERED


def test_utf16_is_read_whatever_data_coding_says() -> None:
    octets = "id:5 stat:EXPIRED err:003 text:привет".encode("utf-16-be")
    for data_coding in (8, 0, 3):
        receipt = read(octets, data_coding=data_coding)
        assert (receipt.id, receipt.state, receipt.text) == ("5", MessageState.EXPIRED, "привет")
    assert read("\ufeffid:5 stat:EXPIRED".encode("utf-16-le")).id == "5"


def test_ascii_is_read_although_data_coding_says_ucs2() -> None:
    octets = b"id:5 sub:001 dlvrd:001 submit date:2607221200 done date:2607221200 stat:DELIVRD err:000 text:"
    assert read(octets + b"plain", data_coding=8).text == "plain"
    assert read(octets + "привет".encode("utf-16-be"), data_coding=8).text == "привет"
    assert read(octets + "привет".encode("utf-16-be"), data_coding=8).id == "5"


def test_the_head_is_ascii_although_the_text_is_gsm() -> None:
    receipt = read(b"id:a_b@c stat:DELIVRD err:000 text:\x00\x11\x1be")
    assert (receipt.id, receipt.text) == ("a_b@c", "@_€")
    # An SMSC that codes the head too.
    assert read(b"id:a\x11b stat:DELIVRD err:000 text:").id == "a_b"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("DELIVRD", MessageState.DELIVERED),
        ("delivrd", MessageState.DELIVERED),
        ("DELIVERED", MessageState.DELIVERED),
        ("UNDELIVERABLE", MessageState.UNDELIVERABLE),
        ("FAILED", MessageState.UNDELIVERABLE),
        ("ACCEPTD", MessageState.ACCEPTED),
        ("ACKED", MessageState.ACCEPTED),
        ("ENROUTE", MessageState.ENROUTE),
        ("BUFFRED", MessageState.ENROUTE),
        ("BUFFERD", MessageState.ENROUTE),
        ("SCHEDULED", MessageState.SCHEDULED),
        ("SCHEDLD", MessageState.SCHEDULED),
        ("SKIPPED", MessageState.SKIPPED),
        ("2", MessageState.DELIVERED),
        ("0", None),
        ("BADSTAT", None),
    ],
)
def test_words_for_states(word: str, state: MessageState | None) -> None:
    receipt = read(f"id:1 stat:{word} err:000 text:")
    assert (receipt.state, receipt.stat) == (state, word)


@pytest.mark.parametrize(
    ("word", "is_final"),
    [("DELIVRD", True), ("UNDELIV", True), ("ACCEPTD", False), ("ENROUTE", False), ("BADSTAT", False)],
)
def test_accepted_and_enroute_are_not_final(word: str, is_final: bool) -> None:
    assert read(f"id:1 stat:{word}").is_final == is_final


def test_an_intermediate_notification_is_never_final() -> None:
    receipt = read("id:1 stat:DELIVRD", esm_class=0x20)
    assert receipt.is_intermediate
    assert not receipt.is_final


@pytest.mark.parametrize("esm_class", [0x04, 0x05, 0x07, 0x84])
def test_only_the_type_bits_of_esm_class_are_looked_at(esm_class: int) -> None:
    assert read("id:1 stat:DELIVRD", esm_class=esm_class).id == "1"


def test_a_receipt_may_have_a_header_in_front() -> None:
    assert read(b"\x05\x00\x03\x01\x01\x01id:1 stat:DELIVRD", esm_class=0x44).id == "1"
    assert read(b"id:1 stat:DELIVRD", esm_class=0x44).id == "1"


def test_tlvs_win_and_both_are_kept() -> None:
    receipt = read(
        "id:TEXT stat:DELIVRD err:001 text:", tlvs={0x001E: b"TLV\0", 0x0427: b"\x08", 0x0423: b"\x03\x01\x02"}
    )
    assert (receipt.id, receipt.text_id, receipt.tlv_id) == ("TLV", "TEXT", "TLV")
    assert receipt.state is MessageState.REJECTED
    assert (receipt.text_state, receipt.tlv_state, receipt.stat) == (MessageState.DELIVERED, 8, "DELIVRD")
    assert receipt.network_error == NetworkError(3, 0x0102)
    assert receipt.error == "001"
    assert receipt.conflicts


def test_tlvs_alone_are_a_receipt() -> None:
    receipt = read(b"", tlvs={0x001E: b"abc", 0x0427: b"\x05", 0x0423: b"\x03\x00\x06"})
    assert (receipt.id, receipt.state, receipt.error) == ("abc", MessageState.UNDELIVERABLE, "6")
    assert receipt.is_final
    assert not receipt.conflicts


def test_the_two_tlvs_make_a_receipt_of_any_message() -> None:
    assert read(b"", esm_class=0, tlvs={0x001E: b"abc\0", 0x0427: b"\x02"}).id == "abc"
    assert parse_receipt(b"hi", esm_class=0, tlvs={0x001E: b"abc\0"}) is None


def test_a_state_of_zero_does_not_beat_a_word() -> None:
    # Seen in the field: message_state 0 with every receipt. v3.4 has no such state.
    receipt = read("id:1 stat:UNDELIV", tlvs={0x0427: b"\x00"})
    assert (receipt.state, receipt.tlv_state) == (MessageState.UNDELIVERABLE, 0)
    assert read("id:1", tlvs={0x0427: b"\x00"}).state is MessageState.SCHEDULED


def test_a_state_out_of_range_does_not_beat_a_word() -> None:
    receipt = read("id:1 stat:UNDELIV", tlvs={0x0427: b"\x63"})
    assert (receipt.state, receipt.tlv_state) == (MessageState.UNDELIVERABLE, 0x63)


def test_tlvs_of_odd_lengths_are_borne() -> None:
    receipt = read("id:1 stat:UNDELIV", tlvs={0x0427: b"", 0x0423: b"\x03", 0x001E: b""})
    assert (receipt.id, receipt.state, receipt.network_error) == ("1", MessageState.UNDELIVERABLE, None)


def test_the_text_may_be_in_the_payload() -> None:
    assert read(b"", tlvs={0x0424: APPENDIX_B}).id == "0123456789"


@pytest.mark.parametrize(
    ("octets", "esm_class"),
    [
        (b"hello", 0x00),
        (APPENDIX_B, 0x00),
        (APPENDIX_B, 0x08),
        (APPENDIX_B, 0x10),
        (b"hello", 0x04),
        (b"", 0x04),
    ],
)
def test_what_is_no_receipt(octets: bytes, esm_class: int) -> None:
    assert parse_receipt(octets, esm_class=esm_class) is None


def test_by_text_alone_only_on_request() -> None:
    assert read(APPENDIX_B, esm_class=0, by_text=True).id == "0123456789"
    assert parse_receipt(b"my id:5 please", esm_class=0, by_text=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2607221530", datetime(2026, 7, 22, 15, 30)),
        ("260722153001", datetime(2026, 7, 22, 15, 30, 1)),
        ("20260722153001", datetime(2026, 7, 22, 15, 30, 1)),
        ("180711070003912+", datetime(2018, 7, 11, 7, 0, 3, 900_000, timezone(timedelta(hours=3)))),
        ("180711070003020-", datetime(2018, 7, 11, 7, 0, 3, 0, timezone(timedelta(hours=-5)))),
        ("2026-07-22 15:30:01", datetime(2026, 7, 22, 15, 30, 1)),
        # Twelve digits end in seconds, but where that is no date they begin with a century.
        ("202613221530", None),
        ("202607321530", None),
        ("202607221530", datetime(2026, 7, 22, 15, 30)),
        ("201907311530", datetime(2019, 7, 31, 15, 30)),
        ("9912312359", datetime(1999, 12, 31, 23, 59)),
        ("0000000000", None),
        ("2613011200", None),
        ("000000000000", None),
        ("26072215", None),
        ("", None),
        ("none", None),
        ("٢٦٠٧٢٢١٥٣٠", None),
    ],
)
def test_dates(text: str, expected: datetime | None) -> None:
    assert parse_receipt_date(text) == expected


def test_a_date_with_blanks_and_colons_in_a_receipt() -> None:
    receipt = read("id:1 submit date:2026-07-22 15:30:01 done date:2026-07-22 15:30:09 stat:DELIVRD err:000 text:")
    assert receipt.submit_date == datetime(2026, 7, 22, 15, 30, 1)
    assert receipt.done_date == datetime(2026, 7, 22, 15, 30, 9)


def test_the_zone_is_unknown_unless_somebody_says() -> None:
    zone = timezone(timedelta(hours=2))
    done = read(APPENDIX_B).done_date
    assert done is not None
    assert done.tzinfo is None
    assert read(APPENDIX_B, tz=zone).done_date == datetime(2008, 9, 1, 11, 31, tzinfo=zone)
    signed = read("id:1 done date:180711070003912+ stat:DELIVRD", tz=zone).done_date
    assert signed is not None
    assert signed.utcoffset() == timedelta(hours=3)


PIECES = st.sampled_from(
    [
        b"id:",
        b"stat:",
        b"text:",
        b"done date:",
        b"submit  date",
        b"err:",
        b" ",
        b"DELIVRD",
        b"\0",
        b",",
        b"1",
        b"x:",
        b"\x05",
    ]
)


@given(
    st.one_of(st.binary(), st.lists(PIECES).map(b"".join)),
    st.sampled_from([0, 4, 0x20, 0x44, 0xFF]),
    st.integers(0, 255),
    st.dictionaries(st.sampled_from([0x001E, 0x0423, 0x0424, 0x0427]), st.binary(max_size=80)),
    st.sampled_from(DEFAULT_ALPHABETS),
    st.booleans(),
)
def test_reading_never_raises(
    octets: bytes, esm_class: int, data_coding: int, tlvs: dict[int, bytes], default_alphabet: str, by_text: bool
) -> None:
    receipt = parse_receipt(
        octets,
        esm_class=esm_class,
        data_coding=data_coding,
        tlvs=tlvs,
        default_alphabet=default_alphabet,
        by_text=by_text,
    )
    if receipt is not None:
        assert receipt.id or receipt.stat or receipt.tlv_state is not None


@pytest.mark.parametrize(
    "unit", [b"a", b" ", b"id ", b"submit ", b"submit date", b":", b"x:", b"id:1 ", b"\0", b"a.", b"text ", b"id    "]
)
def test_reading_a_megabyte_of_one_thing_comes_to_an_end(unit: bytes) -> None:
    # Work that grows with the square of the length would not, in any time that somebody waits.
    parse_receipt(unit * (1_000_000 // len(unit)))
