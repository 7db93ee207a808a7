"""Whole PDUs: octets written by hand, limits, and errors that say what is wrong."""

from enum import Enum
from typing import Any

import pytest

from smpp.constants import Ton
from smpp.errors import DecodeError, EncodeError, FrameError
from smpp.status import CommandStatus
from smpp.wire import Pdu, Tlvs, decode, encode
from smpp.wire.codec import decode_body
from smpp.wire.pdu import (
    MESSAGES,
    BindTransceiver,
    BindTransceiverResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Message,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from smpp.wire.tlv import message_payload
from smpp.wire.types import DistributionList, SmeAddress, UnsuccessSme
from tests.smpp.wire.golden import GOLDEN

every_pdu = pytest.mark.parametrize(
    ("message", "command_status", "sequence_number", "octets"),
    GOLDEN,
    ids=[message.command_name for message, *_ in GOLDEN],
)


def test_there_are_golden_octets_for_every_pdu() -> None:
    assert {type(message) for message, *_ in GOLDEN} == set(MESSAGES.values())


@every_pdu
def test_message_encodes_to_the_octets(
    message: Message, command_status: int, sequence_number: int, octets: str
) -> None:
    assert encode(message, sequence_number, command_status) == bytes.fromhex(octets)


@every_pdu
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_octets_decode_to_the_message(
    message: Message, command_status: int, sequence_number: int, octets: str, strict: bool
) -> None:
    assert decode(bytes.fromhex(octets), strict=strict) == Pdu(message, sequence_number, command_status)


# Values that look unusual and are right


def test_sequence_number_and_command_status_take_any_32_bits() -> None:
    assert encode(GenericNack(), 0xFFFFFFFF, 0x0000055F).hex() == "00000010800000000000055fffffffff"
    assert decode(bytes.fromhex("00000010800000000000055fffffffff")) == Pdu(GenericNack(), 0xFFFFFFFF, 0x55F)


def test_text_is_latin_1() -> None:
    octets = encode(QuerySm(source_addr="café"), 1)
    assert octets[16:].hex() == "000000636166e900"
    assert decode(octets).message == QuerySm(source_addr="café")


def test_enumerations_are_written_as_their_values() -> None:
    class Sender(str, Enum):  # noqa: UP042 - format() of such a member is its name
        INFO = "INFO"

    message = QuerySm(message_id="1", source_addr_ton=Ton.ALPHANUMERIC, source_addr=Sender.INFO)
    assert encode(message, 1)[16:].hex() == "31000500494e464f00"


def test_short_message_may_hold_nul_and_254_octets() -> None:
    text = b"\0" * 254
    octets = encode(SubmitSm(short_message=text), 1)
    assert octets[16:].hex() == "00" * 16 + "fe" + "00" * 254
    assert decode(octets, strict=True).message == SubmitSm(short_message=text)


def test_fields_at_their_limits_are_written() -> None:
    message = SubmitSm(service_type="S" * 5, source_addr="1" * 20, destination_addr="2" * 20)
    assert decode(encode(message, 1), strict=True).message == message
    bind = BindTransceiver(system_id="s" * 15, password="p" * 8, system_type="t" * 12, address_range="a" * 40)
    assert decode(encode(bind, 1), strict=True).message == bind


def test_addresses_of_data_sm_have_64_characters() -> None:
    message = DataSm(source_addr="1" * 64, destination_addr="2" * 64)
    assert decode(encode(message, 1), strict=True).message == message


def test_largest_message_payload_is_written_and_read() -> None:
    message = DataSm(tlvs=Tlvs.of(message_payload(b"x" * 65_535)))
    octets = encode(message, 1)
    assert octets[:4].hex() == "0001001d"
    assert decode(octets, strict=True).message == message


# The bodies of responses


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("00000010 80000004 00000045 00000001", SubmitSmResp()),
        ("00000011 80000004 00000045 00000001 00", SubmitSmResp(message_id="")),
        ("00000013 80000004 00000045 00000001 3738 00", SubmitSmResp(message_id="78")),
        ("00000016 80000004 00000045 00000001 00 0425 0001 01", SubmitSmResp("", Tlvs.of((0x425, b"\x01")))),
        ("00000010 80000004 00000000 00000001", SubmitSmResp()),
        ("00000010 80000009 0000000E 00000001", BindTransceiverResp()),
        ("00000010 80000005 00000000 00000001", DeliverSmResp(message_id=None)),
        ("00000011 80000005 00000000 00000001 00", DeliverSmResp()),
        ("00000010 80000021 00000045 00000001", SubmitMultiResp()),
        ("00000012 80000021 00000000 00000001 00 00", SubmitMultiResp("", ())),
        ("00000010 80000003 00000067 00000001", QuerySmResp()),
        ("00000013 80000003 00000000 00000001 00 00 01", QuerySmResp("", "", 1)),
    ],
)
def test_no_body_an_empty_field_and_a_value_are_three_different_responses(octets: str, message: Message) -> None:
    pdu = decode(bytes.fromhex(octets))
    assert pdu.message == message
    assert encode(*pdu) == bytes.fromhex(octets)


def test_message_id_without_nul_is_read_up_to_the_end() -> None:
    assert decode(bytes.fromhex("00000012 80000004 00000000 00000001 3738")).message == SubmitSmResp("78")


def test_overlong_message_id_of_a_response_is_kept() -> None:
    octets = bytes.fromhex("00000075 80000004 00000000 00000001") + b"7" * 100 + b"\0"
    assert decode(octets, strict=True).message == SubmitSmResp("7" * 100)


def test_list_of_failed_destinations_that_is_cut_keeps_what_is_there() -> None:
    octets = bytes.fromhex("00000020 80000021 00000000 00000001 3737 00  03  01 01 34343737 00 0000000B  01")
    assert decode(octets).message == SubmitMultiResp("77", (UnsuccessSme(1, 1, "4477", 11),))


def test_octets_behind_a_pdu_without_body_are_ignored() -> None:
    assert decode(bytes.fromhex("00000014 00000015 00000000 00000001 DEADBEEF"), strict=True).message == EnquireLink()


def test_nuls_behind_a_deliver_sm_are_ignored() -> None:
    octets = encode(DeliverSm(short_message=b"x"), 1)
    longer = (len(octets) + 2).to_bytes(4) + octets[4:] + b"\0\0"
    assert decode(longer, strict=True).message == DeliverSm(short_message=b"x")


# What cannot be decoded


def test_fewer_octets_than_a_header_are_no_pdu() -> None:
    with pytest.raises(FrameError, match="15 octets are no PDU: the header has 16"):
        decode(b"\0" * 15)


def test_command_length_must_be_the_number_of_octets() -> None:
    with pytest.raises(FrameError, match="command_length is 17 but there are 16 octets") as error:
        decode(bytes.fromhex("00000011 00000015 00000000 00000007"))
    assert error.value.sequence_number == 7
    assert error.value.fatal


def test_unknown_command_is_named_in_hex_and_does_not_end_the_stream() -> None:
    with pytest.raises(DecodeError, match="unknown command 0x00000FFF") as error:
        decode(bytes.fromhex("00000010 00000FFF 00000000 00000007"))
    assert error.value.command_status == CommandStatus.ESME_RINVCMDID
    assert not error.value.fatal


@pytest.mark.parametrize(
    ("command_id", "body", "status", "text"),
    [
        (0x04, "", 0x02, "submit_sm has no body"),
        (0x04, "00 01", 0x02, "the body ends before source_addr_npi"),
        (0x04, "41 42", 0x15, "service_type has no NUL at its end"),
        (0x09, "00 4142", 0x0E, "password has no NUL at its end"),
        (0x21, "00 01", 0x02, "the body ends before source_addr_npi"),
        (0x21, "00 0000 00 01 03", 0x40, "dest_flag is 3, not 1 or 2"),
        (0x21, "00 0000 00 01", 0x02, "the body ends before dest_flag"),
        (0x21, "00 0000 00 01 02 4142", 0x34, "dl_name has no NUL at its end"),
        (0x21, "00 0000 00 01 01 0000", 0x0B, "destination_addr has no NUL at its end"),
        (0x21, "00 0000 00 01 01 00", 0x02, "the body ends inside dest_addr_npi"),
    ],
)
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_request_that_cannot_be_read_says_which_field_and_why(
    command_id: int, body: str, status: int, text: str, strict: bool
) -> None:
    with pytest.raises(DecodeError, match=text) as error:
        decode_body(command_id, bytes.fromhex(body), 0, len(bytes.fromhex(body)), strict)
    assert error.value.command_status == status


@pytest.mark.parametrize(
    ("body", "message_type", "status", "text"),
    [
        ("41" * 6 + "00", SubmitSm, 0x15, "service_type has 7 octets with its NUL, at most 6 are allowed"),
        ("00 0000" + "31" * 21 + "00", SubmitSm, 0x0A, "source_addr has 22 octets with its NUL, at most 21"),
        ("00 0000 00 0000" + "31" * 21 + "00", SubmitSm, 0x0B, "destination_addr has 22 octets with its NUL"),
        ("00 0000 00 0000 00 000000 3132 00", SubmitSm, 0x61, "'12' is no absolute or relative time"),
        ("00 0000 00 0000 00 000000 00 3132 00", SubmitSm, 0x62, "'12' is no absolute or relative time"),
        ("00 0000 00 0000 00 000000 00 00 00000000 03 4142", SubmitSm, 0x01, "sm_length is 3 but 2 octets follow"),
        ("00 0000 00 0000 00 000000 00 00 00000000 FF" + "41" * 255, SubmitSm, 0x01, "sm_length is 255, at most 254"),
        ("00 0000 00 0000 00 000000 00 00 00000000 00 41", SubmitSm, 0xC0, "1 octets are left over behind 0 TLVs"),
        ("00 0000 00 0000 00 000000 00 00 00000000 00 0204000141", SubmitSm, 0xC2, "user_message_reference has 1 oct"),
        ("00 0000 00 00", SubmitMulti, 0x33, "number_of_dests is 0, not 1 to 254"),
        ("41" * 16 + "00", BindTransceiver, 0x0F, "system_id has 17 octets with its NUL, at most 16"),
        ("00" + "41" * 9 + "00", BindTransceiver, 0x0E, "password has 10 octets with its NUL, at most 9"),
        ("00 00" + "41" * 13 + "00", BindTransceiver, 0x53, "system_type has 14 octets with its NUL, at most 13"),
        ("00 00 00 340000" + "41" * 41 + "00", BindTransceiver, 0x0D, "address_range has 42 octets with its NUL"),
        ("41" * 65 + "00", QuerySm, 0x0C, "message_id has 66 octets with its NUL, at most 65"),
    ],
)
def test_strict_decoder_says_which_limit_is_broken(
    body: str, message_type: type[Message], status: int, text: str
) -> None:
    octets = bytes.fromhex(body)
    with pytest.raises(DecodeError, match=text) as error:
        decode_body(message_type.command_id, octets, 0, len(octets), True)
    assert error.value.command_status == status


def test_decoder_never_shows_a_password() -> None:
    for octets in ("00" + b"hunter2hunter2".hex() + "000034000000", "00" + b"hunter2".hex()):
        body = bytes.fromhex(octets)
        with pytest.raises(DecodeError) as error:
            decode_body(BindTransceiver.command_id, body, 0, len(body), True)
        assert "hunter2" not in str(error.value)


def test_error_stands_alone_without_the_search_that_led_to_it() -> None:
    with pytest.raises(DecodeError) as decoding:
        decode(bytes.fromhex("00000012 00000004 00000000 00000001 41 42"))
    with pytest.raises(EncodeError) as encoding:
        encode(SubmitSm(esm_class=256), 1)
    assert decoding.value.__context__ is None
    assert encoding.value.__context__ is None


# What cannot be encoded


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (SubmitSm(service_type="SIXSIX"), "submit_sm.service_type holds at most 5 characters, not 6: 'SIXSIX'"),
        (SubmitSm(source_addr="1" * 21), "submit_sm.source_addr holds at most 20 characters, not 21: '1111"),
        (SubmitSm(destination_addr="4\0"), "submit_sm.destination_addr cannot hold a NUL: '4\\x00'"),
        (SubmitSm(source_addr="Ω"), "submit_sm.source_addr holds Latin-1 characters only: 'Ω'"),
        (SubmitSm(source_addr=None), "submit_sm.source_addr cannot hold None (NoneType)"),  # type: ignore[arg-type]
        (SubmitSm(source_addr=("a",)), "submit_sm.source_addr cannot hold ('a',) (tuple)"),  # type: ignore[arg-type]
        (SubmitSm(source_addr=b"a"), "submit_sm.source_addr cannot hold b'a' (bytes)"),  # type: ignore[arg-type]
        (SubmitSm(esm_class=256), "submit_sm.esm_class holds 0 to 255, not 256"),
        (SubmitSm(esm_class=-1), "submit_sm.esm_class holds 0 to 255, not -1"),
        (SubmitSm(esm_class="1"), "submit_sm.esm_class cannot hold '1'"),  # type: ignore[arg-type]
        (SubmitSm(data_coding=None), "submit_sm.data_coding cannot hold None (NoneType)"),  # type: ignore[arg-type]
        (SubmitSm(validity_period="1h"), "submit_sm.validity_period: '1h' is no absolute or relative time"),
        (SubmitSm(validity_period="260722153000"), "submit_sm.validity_period: '260722153000' is no abs"),
        (SubmitSm(validity_period=None), "submit_sm.validity_period cannot hold None (NoneType)"),  # type: ignore[arg-type]
        (SubmitSm(schedule_delivery_time=0), "submit_sm.schedule_delivery_time cannot hold 0 (int)"),  # type: ignore[arg-type]
        (SubmitSm(short_message=b"x" * 255), "submit_sm.short_message holds at most 254 octets, not 255; use "),
        (SubmitSm(short_message="code 4711"), "submit_sm.short_message cannot hold *** (str)"),  # type: ignore[arg-type]
        (SubmitSm(tlvs=Tlvs.of((0x10000, b""))), "submit_sm.tlvs: a TLV's tag is 0 to 0xFFFF, not 0x10000"),
        (SubmitSm(tlvs=Tlvs.of((0x424, b"x" * 65_536))), "submit_sm.tlvs: TLV 0x0424 holds at most 65535 octe"),
        (SubmitSm(tlvs=Tlvs.of((0x424, "x"))), "submit_sm.tlvs: a TLV is a tag and octets, not 1060 and a str"),  # type: ignore[arg-type]
        (SubmitSm(tlvs=Tlvs.of(0x424)), "submit_sm.tlvs: a TLV is a tag and octets, not a int"),  # type: ignore[arg-type]
        (SubmitSm(tlvs={0x424: b"x"}), "submit_sm.tlvs cannot hold {1060: b'x'} (dict)"),  # type: ignore[arg-type]
        (SubmitMulti(), "submit_multi.dest_addresses holds 1 to 254 destinations, not 0"),
        (SubmitMulti(dest_addresses=(SmeAddress(),) * 255), "submit_multi.dest_addresses holds 1 to 254 desti"),
        (SubmitMulti(dest_addresses=(SmeAddress(300),)), "submit_multi.dest_addresses.dest_addr_ton holds 0 t"),
        (SubmitMulti(dest_addresses=(DistributionList("L" * 21),)), "submit_multi.dest_addresses.dl_name hold"),
        (SubmitMulti(dest_addresses=("4477",)), "submit_multi.dest_addresses holds SmeAddress and Distributio"),  # type: ignore[arg-type]
        (SubmitMultiResp("", (UnsuccessSme(),) * 256), "submit_multi_resp.unsuccess_smes holds at most 255 de"),
        (SubmitMultiResp("", ("x",)), "submit_multi_resp.unsuccess_smes holds UnsuccessSme, not str"),  # type: ignore[arg-type]
        (SubmitMultiResp("", (UnsuccessSme(0, 0, "", -1),)), "unsuccess_smes.error_status_code holds 0 to 429"),
        (SubmitSmResp("7" * 65), "submit_sm_resp.message_id holds at most 64 characters, not 65"),
        (SubmitSmResp(None, Tlvs.of((0x425, b"\1"))), "submit_sm_resp.tlvs cannot be sent while message_id, w"),
        (QuerySmResp(None, "", 1, 0), "query_sm_resp.final_date cannot be sent while message_id, which stands"),
        (QuerySmResp("1", "26072", 1, 0), "query_sm_resp.final_date: '26072' is no absolute or relative time"),
        (QuerySmResp("1", "", 256, 0), "query_sm_resp.message_state holds 0 to 255, not 256"),
        (DataSm(source_addr="1" * 65), "data_sm.source_addr holds at most 64 characters, not 65"),
        (ReplaceSm(short_message=b"x" * 255), "replace_sm.short_message holds at most 254 octets, not 255; us"),
        (DataSmResp(message_id=5), "data_sm_resp.message_id cannot hold 5 (int)"),  # type: ignore[arg-type]
        (BindTransceiver(system_id="s" * 16), "bind_transceiver.system_id holds at most 15 characters, not 16"),
    ],
    ids=lambda value: value.replace("/", "")[:60] if isinstance(value, str) else "",
)  # fmt: skip
def test_refused_value_is_named_with_pdu_field_and_limit(message: Message, text: str) -> None:
    with pytest.raises(EncodeError) as error:
        encode(message, 1)
    assert text in str(error.value)


@pytest.mark.parametrize("password", ["hunter2hunter2", "hunter2\0", "hunter2Ω", b"hunter2", ("hunter2",)])
@pytest.mark.parametrize("message_type", [BindTransceiver, Outbind])
def test_refused_password_is_never_shown(message_type: type[BindTransceiver | Outbind], password: Any) -> None:
    message = message_type(system_id="esme", password=password)
    with pytest.raises(EncodeError, match=rf"{message.command_name}\.password .*\*\*\*") as error:
        encode(message, 1)
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(message)


@pytest.mark.parametrize(
    ("sequence_number", "command_status"), [(-1, 0), (1 << 32, 0), (1, -1), (1, 1 << 32), (None, 0)]
)
def test_header_values_have_32_bits(sequence_number: int, command_status: int) -> None:
    with pytest.raises(EncodeError, match=r"enquire_link: sequence_number .* and command_status .* have 32 bits each"):
        encode(EnquireLink(), sequence_number, command_status)
