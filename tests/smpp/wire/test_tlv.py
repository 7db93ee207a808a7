"""Optional parameters: the registry against the specification's table, values both ways, blocks."""

from typing import Any

import pytest

from smpp.errors import DecodeError, EncodeError
from smpp.status import CommandStatus
from smpp.wire import NO_TLVS, TlvProfile, Tlvs, TlvType, tlv
from smpp.wire.tlv import REPEATABLE, STANDARD, decode_tlvs, encode_tlvs, int_type, octets_type, text_type
from tests.vectors.load import reference

TABLE = reference("tlvs")

# Fields that arrive wider than the book says: we write the book's length and accept these.
TOLERATED = {
    "source_telematics_id": 2,  # §5.3.2.8 says 1 where dest_telematics_id has 2; several stacks write 2
    "ms_validity": 4,  # v5.0 has a form of 4 octets
    "alert_on_message_delivery": 1,  # v5.0 allows one octet
}
KINDS = {"integer": "integer", "bitmask": "integer", "octet": "octets", "c-octet": "text", "none": "flag"}
SHOWN_OTHERWISE = {
    "ussd_service_op": "integer",  # one octet that everybody uses as a number
    "dest_addr_np_country": "octets",  # digits of a country code, 1 to 5 octets
}


# The registry


@pytest.mark.parametrize("row", TABLE["tlvs"] + TABLE["v50_only"], ids=lambda row: row["name"])
def test_tlv_has_the_tag_the_length_and_the_kind_of_the_table(row: dict[str, Any]) -> None:
    declared = STANDARD.types[int(row["tag"], 16)]
    kind = SHOWN_OTHERWISE.get(row["name"], KINDS[row["type"]])
    shortest = 0 if kind == "text" else row["min"]  # a peer's empty text is accepted
    assert declared.name == row["name"]
    assert declared.kind == kind
    assert declared.section == row.get("spec", "v5.0 4.8.4")
    assert (declared.min_length, declared.max_length) == (shortest, row["max"])
    assert declared.tolerated_length == TOLERATED.get(declared.name, 0)


def test_there_is_no_tlv_that_the_table_lacks() -> None:
    assert {f"0x{tag:04x}" for tag in STANDARD.types} == {row["tag"] for row in TABLE["tlvs"] + TABLE["v50_only"]}


def test_module_names_each_tlv_as_the_specification_does() -> None:
    for declared in STANDARD.types.values():
        assert getattr(tlv, declared.name) is declared


def test_callback_num_and_its_companions_may_repeat() -> None:
    assert {STANDARD.names[tag] for tag in REPEATABLE} == {
        "callback_num",
        "callback_num_pres_ind",
        "callback_num_atag",
    }


# Values


@pytest.mark.parametrize(
    ("made", "octets"),
    [
        (tlv.user_message_reference(7), "0204 0002 0007"),
        (tlv.qos_time_to_live(3600), "0017 0004 00000e10"),
        (tlv.source_telematics_id(1), "0010 0001 01"),
        (tlv.dest_telematics_id(1), "0008 0002 0001"),
        (tlv.sc_interface_version(0x34), "0210 0001 34"),
        (tlv.payload_type(0), "0019 0001 00"),  # a value of 0 is a value
        (tlv.receipted_message_id("17a9"), "001e 0005 3137613900"),
        (tlv.receipted_message_id(""), "001e 0001 00"),
        (tlv.additional_status_info_text("é"), "001d 0002 e900"),
        (tlv.message_payload(b""), "0424 0000"),
        (tlv.message_payload(bytearray(b"\0\xff")), "0424 0002 00ff"),  # type: ignore[arg-type]
        (tlv.network_error_code(b"\x03\0\1"), "0423 0003 030001"),
        (tlv.callback_num(b"\1\0\0" + b"4477"), "0381 0007 010000 34343737"),
        (tlv.source_subaddress(b"\xa0user"), "0202 0005 a075736572"),
        (tlv.its_session_info(b"\1\3"), "1383 0002 0103"),
        (tlv.alert_on_message_delivery(b""), "130c 0000"),
        (tlv.ms_validity(1), "1204 0001 01"),
        (tlv.sms_signal(0x0102), "1203 0002 0102"),
    ],
)
def test_value_is_written_as_the_specification_says(made: tuple[int, bytes], octets: str) -> None:
    assert encode_tlvs([made]) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("tlv_type", "octets", "value"),
    [
        (tlv.user_message_reference, "0007", 7),
        (tlv.source_telematics_id, "0041", 0x41),
        (tlv.ms_validity, "00000003", 3),
        (tlv.receipted_message_id, "3137613900", "17a9"),
        (tlv.receipted_message_id, "31376139", "17a9"),  # no NUL: accepted
        (tlv.receipted_message_id, "", ""),
        (tlv.receipted_message_id, "3100ff00", "1"),  # nothing behind the NUL is text
        (tlv.message_payload, "00ff", b"\0\xff"),
        (tlv.alert_on_message_delivery, "01", b"\1"),
    ],
)
def test_octets_are_read_as_the_value(tlv_type: TlvType[Any], octets: str, value: object) -> None:
    assert tlv_type.decode(bytes.fromhex(octets)) == value
    assert Tlvs.of((tlv_type.tag, bytes.fromhex(octets))).get(tlv_type) == value


@pytest.mark.parametrize(
    ("tlv_type", "value", "text"),
    [
        (tlv.payload_type, 256, "TLV payload_type cannot hold 256"),
        (tlv.payload_type, -1, "TLV payload_type cannot hold -1"),
        (tlv.payload_type, "1", "TLV payload_type cannot hold '1'"),
        (tlv.network_error_code, b"\3", "TLV network_error_code holds 3 to 3 octets, not 1"),
        (tlv.network_error_code, 3, "TLV network_error_code cannot hold a int"),  # bytes(3) would be three NULs
        (tlv.message_payload, "code 4711", "TLV message_payload cannot hold a str"),
        (tlv.message_payload, b"x" * 65_536, "TLV message_payload holds 0 to 65535 octets, not 65536"),
        (tlv.callback_num, b"12", "TLV callback_num holds 4 to 19 octets, not 2"),
        (tlv.receipted_message_id, "7" * 65, "TLV receipted_message_id holds 0 to 65 octets, not 66"),
        (tlv.receipted_message_id, "a\0b", "TLV receipted_message_id cannot hold 'a\\x00b': NUL inside the text"),
        (tlv.receipted_message_id, "Ω", "TLV receipted_message_id cannot hold 'Ω'"),
        (tlv.receipted_message_id, 17, "TLV receipted_message_id cannot hold 17"),
        (tlv.alert_on_message_delivery, b"\1", "TLV alert_on_message_delivery holds 0 to 0 octets, not 1"),
        (tlv.alert_on_message_delivery, True, "TLV alert_on_message_delivery cannot hold True"),
    ],
)
def test_refused_value_is_named_with_tlv_and_limit(tlv_type: TlvType[Any], value: object, text: str) -> None:
    with pytest.raises(EncodeError) as error:
        tlv_type(value)
    assert text in str(error.value)
    assert "4711" not in str(error.value)


def test_octets_that_cannot_be_a_value_raise_parameter_length() -> None:
    with pytest.raises(DecodeError, match="TLV user_message_reference has 1 octets, not 2 to 2") as error:
        tlv.user_message_reference.decode(b"\7")
    assert error.value.command_status == CommandStatus.ESME_RINVPARLEN


def test_text_without_nul_of_a_least_length_is_refused_when_shorter() -> None:
    fixed = text_type(0x1500, "vendor_text", 8, nul=False, min_octets=4)
    assert fixed("abcd") == (0x1500, b"abcd")
    with pytest.raises(EncodeError, match="shorter than 4 octets"):
        fixed("abc")


# Blocks


def test_block_keeps_order_repeats_and_unknown_tags() -> None:
    octets = bytes.fromhex("0381 0004 01010131  FFFF 0001 AA  0381 0004 01010132  1400 0000")
    block = decode_tlvs(octets, 0, len(octets), True)
    assert block == ((0x381, b"\1\1\x011"), (0xFFFF, b"\xaa"), (0x381, b"\1\1\x012"), (0x1400, b""))
    assert encode_tlvs(block) == octets


def test_first_of_a_repeated_tlv_wins_and_all_can_be_asked_for() -> None:
    block = Tlvs.of((0x204, b"\0\1"), (0x204, b"\0\2"), (0x204, b"\3"))
    assert block.get(tlv.user_message_reference) == 1
    assert block.raw(0x204) == b"\0\1"
    assert block.get_all(tlv.user_message_reference) == [1, 2]


def test_unreadable_value_is_there_and_has_no_value() -> None:
    block = Tlvs.of((0x204, b"\3"))
    assert block.has(tlv.user_message_reference)
    assert block.get(tlv.user_message_reference) is None
    assert block.raw(0x204) == b"\3"


def test_block_is_put_together_and_taken_apart() -> None:
    block = NO_TLVS.with_(tlv.payload_type(1), tlv.sms_signal(2)).with_(tlv.payload_type(3))
    assert block.without(0x19) == ((0x1203, b"\0\2"),)
    assert block == ((0x19, b"\1"), (0x1203, b"\0\2"), (0x19, b"\3"))
    assert not NO_TLVS.has(tlv.payload_type)
    assert NO_TLVS.raw(0x19) is None
    assert NO_TLVS.get(tlv.payload_type) is None


def test_block_shows_names_where_there_are_any() -> None:
    assert repr(Tlvs.of(tlv.payload_type(1), (0x1400, b"1"))) == "Tlvs(payload_type=01, 0x1400=31)"
    assert repr(Tlvs.of("no tlv")) == "Tlvs('no tlv')"  # type: ignore[arg-type]


@pytest.mark.parametrize("octets", ["02", "0204", "020400", "02040002", "0204000201", "0019000101 0204FFFF0001"])
def test_octets_left_over_are_refused_strictly_and_left_out_leniently(octets: str) -> None:
    buffer = bytes.fromhex(octets)
    with pytest.raises(DecodeError, match="octets are left over behind") as error:
        decode_tlvs(buffer, 0, len(buffer), True)
    assert error.value.command_status == CommandStatus.ESME_RINVOPTPARSTREAM
    assert decode_tlvs(buffer, 0, len(buffer), False) == (((0x19, b"\1"),) if len(buffer) > 5 else ())


def test_wrong_length_is_refused_strictly_and_kept_leniently() -> None:
    buffer = bytes.fromhex("0204 0001 07")
    with pytest.raises(DecodeError, match="TLV user_message_reference has 1 octets, not 2 to 2") as error:
        decode_tlvs(buffer, 0, len(buffer), True)
    assert error.value.command_status == CommandStatus.ESME_RINVPARLEN
    assert decode_tlvs(buffer, 0, len(buffer), False) == ((0x204, b"\7"),)


def test_lengths_of_v5_0_are_left_to_who_reads_them() -> None:
    buffer = bytes.fromhex("0428 0002 0001")
    block = decode_tlvs(buffer, 0, len(buffer), True)
    assert block.raw(tlv.congestion_state.tag) == b"\0\1"
    assert block.get(tlv.congestion_state) is None


@pytest.mark.parametrize("octets", ["00", "0000", "000000"])
def test_nuls_left_over_are_no_fault_where_the_field_has_them(octets: str) -> None:
    buffer = bytes.fromhex(octets)
    assert decode_tlvs(buffer, 0, len(buffer), True, nul_tail=True) == ()
    with pytest.raises(DecodeError):
        decode_tlvs(buffer, 0, len(buffer), True)


def test_many_small_tlvs_take_time_in_proportion() -> None:
    buffer = bytes.fromhex("14000000") * 16_000
    assert len(decode_tlvs(buffer, 0, len(buffer), True)) == 16_000


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ([(0x10000, b"")], "a TLV's tag is 0 to 0xFFFF, not 0x10000"),
        ([(-1, b"")], "a TLV's tag is 0 to 0xFFFF, not -0x1"),
        ([(1, b"x" * 65_536)], "TLV 0x0001 holds at most 65535 octets, not 65536"),
        ([(1, "x")], "a TLV is a tag and octets, not 1 and a str"),
        ([("1", b"x")], "a TLV is a tag and octets, not '1' and a bytes"),
        ([1], "a TLV is a tag and octets, not a int"),
        ([(1, b"", 2)], "a TLV is a tag and octets, not a tuple"),
        (5, "a block of TLVs cannot be a int"),
    ],
)
def test_block_that_cannot_be_written_says_why(block: Any, text: str) -> None:
    with pytest.raises(EncodeError) as error:
        encode_tlvs(block)
    assert str(error.value) == text


# Profiles


def test_profile_names_vendor_tags_and_leaves_the_others_alone() -> None:
    customer = text_type(0x1400, "customer_reference", 32)
    cost = int_type(0x1401, "cost_centre", 2)
    blob = octets_type(0x1402, "blob", 0, 16)
    profile = TlvProfile("example", (customer, cost, blob))
    block = Tlvs.of(customer("A1"), cost(7), blob(b"\xff"), tlv.payload_type(1), (0x3FFF, b""))
    assert list(block.describe(profile)) == [
        (0x1400, "customer_reference", b"A1\0"),
        (0x1401, "cost_centre", b"\0\7"),
        (0x1402, "blob", b"\xff"),
        (0x0019, "payload_type", b"\1"),
        (0x3FFF, "", b""),
    ]
    assert [name for _, name, _ in block.describe()] == ["", "", "", "payload_type", ""]
    assert profile.by_name["cost_centre"] is cost
    assert repr(profile) == "TlvProfile('example')"
