"""The plain path alone; test_properties.py and test_conformance.py hold it against the generated one."""

import pytest

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError
from smpp.status import CommandStatus
from smpp.wire.fields import Reader, decode_plainly, encode_plainly, fields_of
from smpp.wire.pdu import MESSAGES, DeliverSm, Message, QuerySmResp, SubmitMulti, SubmitSm, SubmitSmResp, Unbind
from smpp.wire.types import CString, Int, ShortMessage, SmeAddress, Time, TlvBlock
from tests.smpp.wire.golden import GOLDEN

golden = pytest.mark.parametrize(
    ("message", "octets"),
    [(message, bytes.fromhex(octets)) for message, _status, _sequence, octets in GOLDEN],
    ids=[message.command_name for message, *_ in GOLDEN],
)


@golden
def test_body_is_written_field_by_field(message: Message, octets: bytes) -> None:
    assert encode_plainly(message) == octets[HEADER_LENGTH:]


@golden
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_body_is_read_field_by_field(message: Message, octets: bytes, strict: bool) -> None:
    assert decode_plainly(type(message), octets, HEADER_LENGTH, len(octets), strict, False) == message


def test_fields_come_in_the_order_of_the_wire() -> None:
    assert list(fields_of(QuerySmResp)) == ["message_id", "final_date", "message_state", "error_code", "tlvs"]
    assert list(fields_of(Unbind)) == []
    assert fields_of(SubmitSmResp) == {"message_id": CString(65), "tlvs": TlvBlock()}


def test_fields_cannot_be_changed_by_who_asks() -> None:
    with pytest.raises(TypeError):
        fields_of(SubmitSm)["service_type"] = Int(1)  # type: ignore[index]


def test_every_field_of_every_pdu_is_annotated() -> None:
    for message_type in MESSAGES.values():
        assert list(fields_of(message_type)) == list(message_type.__struct_fields__)


def test_reader_moves_on_field_by_field() -> None:
    octets = bytes.fromhex("4142 00  07  000102FF  02 0001  00")
    reader = Reader(octets, 0, len(octets), strict=True, cut=False)
    assert reader.read("text", CString(9)) == "AB"
    assert reader.read("octet", Int(1)) == 7
    assert reader.read("number", Int(4)) == 0x000102FF
    assert reader.read("short_message", ShortMessage()) == b"\0\1"
    assert reader.read("time", Time(CommandStatus.ESME_RINVSCHED)) == ""
    assert reader.position == reader.end
    with pytest.raises(DecodeError, match="the body ends before more"):
        reader.read("more", Int(1))


def test_reader_of_a_response_finds_nothing_behind_the_end() -> None:
    reader = Reader(b"\0\0", 0, 2, strict=False, cut=True)
    assert reader.read("number", Int(4)) is None
    assert reader.read("text", CString(9)) is None
    assert reader.read("short_message", ShortMessage()) is None


def test_reader_does_not_look_beyond_the_end_of_the_pdu() -> None:
    reader = Reader(b"AB" + b"C\0", 0, 2, strict=False, cut=True)
    assert reader.read("text", CString(9)) == "AB"
    assert reader.position == 2


def test_short_message_that_is_cut_is_read_leniently() -> None:
    body = bytes.fromhex("00 0000 00 0000 00 000000 00 00 00000000 05 4142")
    message = decode_plainly(DeliverSm, body, 0, len(body), False, True)
    assert message == DeliverSm(short_message=b"AB")


def test_no_destination_is_read_leniently() -> None:
    body = bytes.fromhex("00 0000 00 00 000000 00 00 00000000 00")
    assert decode_plainly(SubmitMulti, body, 0, len(body), False, False) == SubmitMulti()


def test_255_destinations_are_read_leniently() -> None:
    body = bytes.fromhex("00 0000 00 FF" + "01 0000 00" * 255 + "000000 00 00 00000000 00")
    message = decode_plainly(SubmitMulti, body, 0, len(body), False, False)
    assert message == SubmitMulti(dest_addresses=(SmeAddress(),) * 255)
    with pytest.raises(DecodeError) as error:
        decode_plainly(SubmitMulti, body, 0, len(body), True, False)
    assert error.value.command_status == CommandStatus.ESME_RINVNUMDESTS
