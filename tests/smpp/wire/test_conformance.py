"""Every PDU that other implementations wrote, and every malformed input, at the level of the codec."""

from collections.abc import Callable

import pytest

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError, FrameError
from smpp.status import CommandStatus, status_name
from smpp.wire import FrameReader, Pdu, Tlvs, decode, encode
from smpp.wire.codec import decode_body
from smpp.wire.fields import decode_plainly, encode_plainly
from smpp.wire.pdu import MESSAGES, DeliverSm, Message
from smpp.wire.types import DistributionList, SmeAddress, UnsuccessSme
from tests.vectors.load import Row, conformance_rows, malformed_rows

ROWS = conformance_rows()

# What a strict decoder refuses, with the reason. A lenient one reads all but the last three.
REFUSED = {
    # 76 quarter hours behind UTC: the limit is 48 (§7.1.1). "strict_decode: ok" speaks of structure alone.
    "aio-0013": "ESME_RINVEXPIRY",
    "aio-0046": "ESME_RINVEXPIRY",
    "c34-0083": "ESME_RINVOPTPARSTREAM",  # ms_validity: length 4, one octet
    "cloudhopper-0020": "ESME_RINVOPTPARSTREAM",  # receipted_message_id: length 65, 5 octets
    "cloudhopper-0028": "ESME_RINVMSGLEN",  # sm_length 16, 8 octets
    "naz-0022": "ESME_RINVOPTPARSTREAM",  # text TLV: the NUL is written and not counted
    "naz-0023": "ESME_RINVPARLEN",  # the same, and a callback_num of 3 octets before it
    "naz-0024": "ESME_RINVOPTPARSTREAM",
    "naz-0025": "ESME_RINVOPTPARSTREAM",
    "smpplib-0017": "ESME_RINVOPTPARSTREAM",  # subaddress: one octet more than its length says
    "smpplib-0024": "ESME_RINVOPTPARSTREAM",
    "smpplib-0082": "ESME_RINVOPTPARSTREAM",
    "smpplib-0087": "ESME_RINVOPTPARSTREAM",
    "gosmpp2-0018": "ESME_RINVOPTPARSTREAM",  # query_broadcast_sm with a service_type it does not have
    "gosmpp2-0007": "ESME_RINVSERTYP",  # broadcast_sm that ends behind source_addr
    "cloudhopper-0053": "ESME_RINVCMDID",  # 0x00000110 is no command
    "gosmpp2-0031": "ESME_RINVCMDID",  # 0x0000FFFF is no command
}
UNREADABLE = frozenset({"gosmpp2-0007", "cloudhopper-0053", "gosmpp2-0031"})

# Read leniently, written differently.
NOT_WRITTEN_BACK = {
    "aio-0013": "the encoder refuses the time that the decoder let pass",
    "aio-0046": "the encoder refuses the time that the decoder let pass",
}


def named(rows: list[Row] | tuple[Row, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row["id"])


def octets_of(row: Row) -> bytes:
    return bytes.fromhex(row["hex"])


def message_of(intent: Row) -> Message:
    """The message that a row's producer was asked to write."""
    fields = dict(intent["fields"])
    if "short_message" in fields:
        fields["short_message"] = bytes.fromhex(fields["short_message"])
    if "dest_address" in fields:
        fields["dest_addresses"] = tuple(
            SmeAddress(*rest) if flag == 1 else DistributionList(*rest) for flag, *rest in fields.pop("dest_address")
        )
    if "unsuccess_sme" in fields:
        fields["unsuccess_smes"] = tuple(UnsuccessSme(*item) for item in fields.pop("unsuccess_sme"))
    message_type = next(known for known in MESSAGES.values() if known.command_name == intent["command"])
    absent = {
        name: None
        for name in message_type.__struct_fields__
        if not message_type.is_request and name not in fields and name != "tlvs"
    }
    tlvs = Tlvs((tag, bytes.fromhex(value)) for tag, _name, value in intent["tlvs"])
    return message_type(**fields, **absent, **({"tlvs": tlvs} if "tlvs" in message_type.__struct_fields__ else {}))


def plainly(octets: bytes, *, strict: bool) -> Message:
    """Decode by the plain path alone."""
    message_type = MESSAGES[int.from_bytes(octets[4:8])]
    return decode_plainly(message_type, octets, HEADER_LENGTH, len(octets), strict, message_type is DeliverSm)


# Good PDUs


def test_every_row_is_there() -> None:
    assert len(ROWS) == 567
    assert len(malformed_rows()) == 232


@named([row for row in ROWS if row.get("spec_bytes") == "exact"])
def test_intent_encodes_to_the_octets(row: Row) -> None:
    intent = row["intent"]
    assert encode(message_of(intent), intent["sequence"], intent["status"]).hex() == row["hex"]
    assert encode_plainly(message_of(intent)).hex() == row["hex"][2 * HEADER_LENGTH :]


@named([row for row in ROWS if row.get("spec_bytes") == "exact"])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_octets_decode_to_the_intent(row: Row, strict: bool) -> None:
    intent = row["intent"]
    assert decode(octets_of(row), strict=strict) == Pdu(message_of(intent), intent["sequence"], intent["status"])


@named([row for row in ROWS if row.get("spec_bytes") == "tlv order only"])
def test_octets_decode_to_the_intent_but_for_the_order_of_tlvs(row: Row) -> None:
    intent = row["intent"]
    found, wanted = decode(octets_of(row), strict=True), message_of(intent)
    assert (found.sequence_number, found.command_status) == (intent["sequence"], intent["status"])
    assert values_of(found.message) == values_of(wanted)


def values_of(message: Message) -> dict[str, object]:
    values = {name: getattr(message, name) for name in message.__struct_fields__}
    return {**values, "tlvs": sorted(values.get("tlvs", ()))}


@named([row for row in ROWS if row["strict_decode"] == "ok" and row["id"] not in NOT_WRITTEN_BACK])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_decoded_pdu_encodes_to_the_same_octets(row: Row, strict: bool) -> None:
    assert encode(*decode(octets_of(row), strict=strict)).hex() == row["hex"]


@named([row for row in ROWS if row["id"] not in REFUSED])
def test_strict_decoder_reads_what_a_lenient_one_reads(row: Row) -> None:
    assert decode(octets_of(row), strict=True) == decode(octets_of(row))


@named([row for row in ROWS if row["id"] in REFUSED])
def test_faulty_pdu_is_refused_strictly_and_read_leniently(row: Row) -> None:
    with pytest.raises(DecodeError) as error:
        decode(octets_of(row), strict=True)
    assert status_name(error.value.command_status) == REFUSED[row["id"]]
    assert not error.value.fatal
    if row["id"] in UNREADABLE:
        with pytest.raises(DecodeError):
            decode(octets_of(row))
    else:
        decode(octets_of(row))


@named([row for row in ROWS if int(row["hex"][8:16], 16) in MESSAGES])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_plain_and_generated_decoder_agree(row: Row, strict: bool) -> None:
    assert outcome(lambda: plainly(octets_of(row), strict=strict)) == outcome(
        lambda: decode(octets_of(row), strict=strict).message
    )


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except DecodeError as error:
        return error.command_status, str(error)


# Three ways of arriving


@named(ROWS)
def test_pdu_is_framed_whole_octet_by_octet_and_with_octets_behind_it(row: Row) -> None:
    octets = octets_of(row)
    header = tuple(int.from_bytes(octets[start : start + 4]) for start in (4, 8, 12))
    expected = (*header, octets[HEADER_LENGTH:])

    whole = FrameReader()
    whole.feed(octets)
    assert frames_of(whole) == [expected]

    piecemeal, found = FrameReader(), []
    for octet in octets:
        piecemeal.feed(bytes((octet,)))
        found += frames_of(piecemeal)
    assert found == [expected]

    followed = FrameReader()
    followed.feed(octets + octets + octets[:9])
    assert frames_of(followed) == [expected, expected]
    assert followed.pending == 9


def frames_of(reader: FrameReader) -> list[tuple[int, int, int, bytes]]:
    frames = []
    while (frame := reader.next()) is not None:
        command_id, status, sequence, start, end = frame
        frames.append((command_id, status, sequence, reader.buffer[start:end]))
    return frames


@named([row for row in ROWS if row["id"] not in UNREADABLE])
def test_body_is_decoded_in_place_between_other_pdus(row: Row) -> None:
    octets = octets_of(row)
    before, behind = b"\xff" * 7, b"\x00\x00\x00\x10\x00\x00\x00\x15" * 40
    buffer = before + octets + behind
    start = len(before) + HEADER_LENGTH
    command_id = int.from_bytes(octets[4:8])
    for strict in (True, False):
        alone = outcome(lambda: decode(octets, strict=strict).message)  # noqa: B023 - called at once
        in_place = outcome(
            lambda: decode_body(command_id, buffer, start, len(before) + len(octets), strict)  # noqa: B023
        )
        assert in_place == alone


# Malformed inputs

CODEC_FAMILIES = (
    "cmdlen", "cstr", "multi", "nobody", "nonascii", "overlong", "smlen", "time", "tlv", "tlvdup", "udh", "value",
)  # fmt: skip
ANY_STATUS = ("any error status", "any error resp", "any parse status")
MAY_ACCEPT = ("a decoder may accept", "lenient receivers may take it")


def malformed(*, error: bool) -> list[Row]:
    rows = malformed_rows()
    return [
        row for row in rows if row["family"] in CODEC_FAMILIES and row["expected"].startswith("error resp") is error
    ]


def read(row: Row, *, strict: bool) -> object:
    reader = FrameReader()
    reader.feed(octets_of(row))
    frame = reader.next()
    assert frame is not None
    command_id, _status, _sequence, start, end = frame
    return decode_body(command_id, reader.buffer, start, end, strict)


@named(malformed(error=True))
def test_malformed_request_gets_the_status_that_fits(row: Row) -> None:
    note, wanted = row.get("note", ""), row["expected"].split(" or ")
    try:
        read(row, strict=True)
    except FrameError:
        raise
    except DecodeError as error:
        name = status_name(error.command_status).removeprefix("ESME_")
        assert f"error resp {name}" in wanted or any(words in note for words in ANY_STATUS)
    else:
        assert "tolerate" in wanted or row["id"] == "nonascii-006"  # Latin-1 reads it; no such account exists


@named(malformed(error=False))
def test_oddity_is_tolerated_and_a_lost_frame_is_noticed(row: Row) -> None:
    if row["expected"] == "tolerate":
        read(row, strict=True)
        read(row, strict=False)
    else:
        assert row["expected"] == "generic_nack RINVCMDLEN then close"
        with pytest.raises(FrameError) as error:
            read(row, strict=True)
        assert error.value.fatal
        assert error.value.command_status == CommandStatus.ESME_RINVCMDLEN


@named([row for row in malformed_rows() if not row["expected"].endswith("close")])
def test_lenient_decoder_never_refuses_a_response(row: Row) -> None:
    command_id = int(row["hex"][8:16], 16)
    if command_id in MESSAGES and not MESSAGES[command_id].is_request:
        decode(octets_of(row))
        decode(octets_of(row), strict=True)


@named(malformed_rows())
def test_malformed_input_raises_nothing_but_decode_error(row: Row) -> None:
    for strict in (True, False):
        reader = FrameReader()
        for chunk in [octets_of(row)] if "chunks" not in row else map(bytes.fromhex, row["chunks"]):
            reader.feed(chunk)
            try:
                while (frame := reader.next()) is not None:
                    decode_body(frame[0], reader.buffer, frame[3], frame[4], strict)
            except DecodeError as error:
                assert status_name(error.command_status).startswith("ESME_R")
