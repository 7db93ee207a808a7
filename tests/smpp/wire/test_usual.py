"""The short way of usual messages agrees with the long one, and is taken where it should be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError, FrameError
from smpp.wire import Tlvs, codec, decode, encode
from smpp.wire.fields import decode_plainly, encode_plainly
from smpp.wire.pdu import MESSAGES, DeliverSm, SubmitSm
from smpp.wire.usual import USUAL, usual_decoder, usual_encoder
from tests.smpp.wire.strategies import messages_of, octet, text, tlvs

Usual = SubmitSm | DeliverSm

LONG_WAY: Any = "the long way"

usual_fields = st.fixed_dictionaries(
    {
        "source_addr_ton": octet,
        "source_addr_npi": octet,
        "source_addr": text(20),
        "dest_addr_ton": octet,
        "dest_addr_npi": octet,
        "destination_addr": text(20),
        "esm_class": octet,
        "protocol_id": octet,
        "priority_flag": octet,
        "registered_delivery": octet,
        "replace_if_present_flag": octet,
        "data_coding": octet,
        "sm_default_msg_id": octet,
        "short_message": st.binary(max_size=254),
        "tlvs": tlvs,
    }
)

both = pytest.mark.parametrize("message_type", [SubmitSm, DeliverSm])


def never(*_: object) -> Any:
    raise AssertionError("the long way was taken")


def long_way(*_: object) -> Any:
    return LONG_WAY


@both
@given(usual_fields, st.booleans())
def test_usual_messages_take_the_short_way_and_read_as_the_long_one_reads(
    message_type: type[Usual], fields: dict[str, Any], strict: bool
) -> None:
    message = message_type(**fields)
    octets = usual_encoder(message.command_id, never)(message, 7, 0)
    assert octets[HEADER_LENGTH:] == encode_plainly(message)
    nul_tail = isinstance(message, DeliverSm)
    read = usual_decoder(type(message), never, nul_tail=nul_tail)(octets, HEADER_LENGTH, len(octets), strict)
    assert read == message
    assert read == decode_plainly(type(message), octets, HEADER_LENGTH, len(octets), strict, nul_tail)


@both
@given(usual_fields, st.booleans(), st.integers(0, 0xFFFF_FFFF), st.integers(0, 0xFFFF_FFFF))
def test_usual_pdus_are_read_whole_without_the_long_way(
    message_type: type[Usual], fields: dict[str, Any], strict: bool, sequence_number: int, command_status: int
) -> None:
    message = message_type(**fields)
    octets = encode(message, sequence_number, command_status)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_decode_any", never)
        read = decode(octets, strict=strict)
    assert tuple(read) == (message, sequence_number, command_status)
    assert read == codec._decode_any(octets, strict)


def outcome(read: Any, octets: bytes, strict: bool) -> tuple[Any, ...]:
    """What reading comes to: a PDU, or an error with all that it says."""
    try:
        return ("read", *read(octets, strict))
    except DecodeError as error:
        return type(error), str(error), error.command_status
    except FrameError as error:
        return type(error), str(error), error.sequence_number


@given(
    st.sampled_from([SubmitSm, DeliverSm]).flatmap(messages_of),
    st.lists(st.tuples(st.integers(0, 80), octet), max_size=3),
    st.integers(-40, 4),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_wrong_with_a_pdu_the_short_way_says_what_the_long_one_says(
    message: Usual, changes: list[tuple[int, int]], longer: int, is_framed: bool, strict: bool
) -> None:
    octets = bytearray(encode(message, 1))
    for place, value in changes:
        octets[place % len(octets)] = value
    octets = octets + bytes(longer) if longer > 0 else octets[: len(octets) + longer]
    if is_framed and len(octets) >= HEADER_LENGTH:
        octets[:4] = len(octets).to_bytes(4)
    assert outcome(decode, bytes(octets), strict) == outcome(codec._decode_any, bytes(octets), strict)


def test_all_usual_pdus_have_the_fields_of_submit_sm_in_their_order() -> None:
    assert {MESSAGES[command_id].__struct_fields__ for command_id in USUAL} == {SubmitSm.__struct_fields__}


@both
@pytest.mark.parametrize(
    "unusual",
    [
        {"service_type": "CMT"},
        {"schedule_delivery_time": "260101000000000+"},
        {"validity_period": "000001000000000R"},
        {"source_addr": "1" * 21},
        {"destination_addr": "2" * 21},
        {"destination_addr": "\0"},
        {"destination_addr": "Ω"},
        {"destination_addr": b"2"},
        {"short_message": b"x" * 255},
        {"short_message": "x"},
        {"esm_class": 256},
        {"esm_class": None},
        {"esm_class": 1.0},
        {"service_type": None},
        {"tlvs": Tlvs.of((0x424, "x"))},  # type: ignore[arg-type]
        {"tlvs": 7},
    ],
    ids=str,
)
def test_unusual_and_wrong_messages_are_written_the_long_way(
    message_type: type[Usual], unusual: dict[str, Any]
) -> None:
    message = message_type(**unusual)
    assert usual_encoder(message.command_id, long_way)(message, 1, 0) == LONG_WAY


@both
@pytest.mark.parametrize("number", [-1, 1 << 32, None])
def test_header_values_that_do_not_fit_are_left_to_the_long_way(message_type: type[Usual], number: Any) -> None:
    assert usual_encoder(message_type.command_id, long_way)(message_type(), number, 0) == LONG_WAY


@given(st.sampled_from([SubmitSm, DeliverSm]).flatmap(messages_of), st.booleans())
def test_any_message_reads_the_same_with_other_pdus_on_both_sides(message: Usual, strict: bool) -> None:
    octets = encode(message, 1)
    buffer = octets + octets + octets
    nul_tail = isinstance(message, DeliverSm)

    def otherwise(buffer: bytes, position: int, end: int, strict: bool) -> Any:
        return decode_plainly(type(message), buffer, position, end, strict, nul_tail)

    short = usual_decoder(type(message), otherwise, nul_tail=nul_tail)
    assert short(buffer, len(octets) + HEADER_LENGTH, 2 * len(octets), strict) == message
    assert decode(octets, strict=strict).message == message
