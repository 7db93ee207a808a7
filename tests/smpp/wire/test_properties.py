"""What holds for every message and for any octets."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError, EncodeError
from smpp.wire import FrameReader, Pdu, decode, encode
from smpp.wire.codec import DECODERS, decode_body
from smpp.wire.fields import decode_plainly, encode_plainly
from smpp.wire.pdu import MESSAGES, BindTransceiver, DeliverSm, Message, Outbind, SubmitSm
from smpp.wire.tlv import STANDARD, Tlvs, TlvType
from tests.smpp.wire.golden import GOLDEN
from tests.smpp.wire.strategies import header_number, messages, messages_of
from tests.vectors.load import conformance_rows

every_type = pytest.mark.parametrize("message_type", MESSAGES.values(), ids=lambda known: known.command_name)
TYPES = st.sampled_from(list(MESSAGES.values()))
GOOD_OCTETS = [bytes.fromhex(octets) for *_, octets in GOLDEN] + [
    bytes.fromhex(row["hex"]) for row in conformance_rows()[::5]
]


def outcome(decoder: Any, *arguments: object, **options: object) -> object:
    """What a decoder makes of octets: a message, or its error's words."""
    try:
        return decoder(*arguments, **options)
    except DecodeError as error:
        return error.command_status, str(error)


# Every message


@every_type
def test_message_comes_back_as_it_was(message_type: type[Message]) -> None:
    @settings(max_examples=40)
    @given(messages_of(message_type), header_number, header_number)
    def check(message: Message, sequence_number: int, command_status: int) -> None:
        octets = encode(message, sequence_number, command_status)
        expected = Pdu(message, sequence_number, command_status)
        assert int.from_bytes(octets[:4]) == len(octets)
        assert decode(octets) == expected
        assert decode(octets, strict=True) == expected

    check()


@given(messages)
def test_plain_and_generated_encoder_agree(message: Message) -> None:
    assert encode(message, 1)[HEADER_LENGTH:] == encode_plainly(message)


@given(messages, st.data())
def test_plain_and_generated_encoder_refuse_the_same(message: Message, data: st.DataObject) -> None:
    names = message.__struct_fields__
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    odd = data.draw(
        st.sampled_from([None, -1, 256, "x" * 300, "\0", "Ω", b"x" * 255, "1", (), (1,), Tlvs.of((1, "x"))])  # type: ignore[arg-type]
    )
    changed = type(message)(**{**{key: getattr(message, key) for key in names}, name: odd})
    encoders: tuple[Callable[[], bytes], ...] = (
        lambda: encode(changed, 1)[HEADER_LENGTH:],
        lambda: encode_plainly(changed),
    )
    results: list[bytes | str] = []
    for encoder in encoders:
        try:
            results.append(encoder())
        except EncodeError as error:
            words = str(error)
            results.append(words)
            assert message.command_name in words
    assert results[0] == results[1]


@given(st.sampled_from([BindTransceiver, Outbind]), st.text(min_size=9).map(lambda text: f"hunter2{text}"))
def test_password_is_in_no_error_and_no_repr(message_type: type[BindTransceiver | Outbind], password: str) -> None:
    message = message_type(system_id="esme", password=password)
    assert "hunter2" not in repr(message)
    with pytest.raises(EncodeError) as error:
        encode(message, 1)
    assert "hunter2" not in str(error.value)


# Any octets


@settings(max_examples=400)
@given(TYPES, st.binary(max_size=120), st.booleans())
def test_plain_and_generated_decoder_agree_on_any_octets(
    message_type: type[Message], body: bytes, strict: bool
) -> None:
    check_decoders(message_type.command_id, body, strict)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[int, bytes]:
    """The body of a good PDU with octets changed, cut off, put in or added."""
    octets = draw(st.one_of(st.sampled_from(GOOD_OCTETS), messages.map(lambda message: encode(message, 1))))
    command_id, body = int.from_bytes(octets[4:8]), bytearray(octets[HEADER_LENGTH:])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body)))
        match draw(st.sampled_from(["change", "cut", "insert", "remove", "add"])):
            case "change" if place < len(body):
                body[place] = draw(st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF, 0x31]))
            case "cut":
                del body[place:]
            case "insert":
                body[place:place] = draw(st.binary(min_size=1, max_size=6))
            case "remove":
                del body[place : place + draw(st.integers(1, 6))]
            case _:
                body += draw(st.binary(min_size=1, max_size=6))
    return command_id, bytes(body)


@settings(max_examples=600)
@given(damaged(), st.booleans())
def test_plain_and_generated_decoder_agree_on_damaged_pdus(case: tuple[int, bytes], strict: bool) -> None:
    command_id, body = case
    if command_id in MESSAGES:
        check_decoders(command_id, body, strict)


def check_decoders(command_id: int, body: bytes, strict: bool) -> None:
    message_type = MESSAGES[command_id]
    generated = outcome(DECODERS[command_id], body, 0, len(body), strict)
    plain = outcome(decode_plainly, message_type, body, 0, len(body), strict, message_type is DeliverSm)
    between = outcome(DECODERS[command_id], b"\1\2\3" + body + b"\x01\x00\x41" * 99, 3, 3 + len(body), strict)
    assert generated == plain
    assert between == generated
    if not message_type.is_request:
        assert isinstance(generated, message_type)
    if isinstance(generated, Message):
        # What was read can be read again, unless the encoder is stricter than a lenient decoder.
        try:
            octets = encode(generated, 1)
        except EncodeError:
            assert not strict or not message_type.is_request
        else:
            assert decode(octets).message == generated


@settings(max_examples=300)
@example(b"\0\0\0\x10\0\0\0\x04\0\0\0\0\0\0\0\1")
@given(st.binary(max_size=200))
def test_decode_raises_nothing_but_decode_error(octets: bytes) -> None:
    for strict in (True, False):
        outcome(decode, octets, strict=strict)
        framed = len(octets).to_bytes(4) + octets[4:]
        outcome(decode, framed, strict=strict)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 0x1FF), st.booleans(), st.booleans())
def test_any_command_with_any_body_raises_nothing_but_decode_error(
    body: bytes, command_id: int, response: bool, strict: bool
) -> None:
    outcome(decode_body, command_id | (0x80000000 if response else 0), body, 0, len(body), strict)


# TLVs


@pytest.mark.parametrize("tlv_type", STANDARD.types.values(), ids=lambda known: known.name)
def test_tlv_comes_back_as_it_was(tlv_type: TlvType[Any]) -> None:
    def values() -> st.SearchStrategy[Any]:
        match tlv_type.kind:
            case "integer":
                return st.integers(0, (1 << 8 * tlv_type.max_length) - 1)
            case "text":
                return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=tlv_type.max_length - 1)
            case _:
                return st.binary(min_size=tlv_type.min_length, max_size=min(tlv_type.max_length, 100))

    @settings(max_examples=15)
    @given(values())
    def check(value: Any) -> None:
        tag, octets = tlv_type(value)
        message = SubmitSm(tlvs=Tlvs.of((tag, octets)))
        read = decode(encode(message, 1), strict=True).message
        assert isinstance(read, SubmitSm)
        assert read.tlvs.get(tlv_type) == value
        assert read.tlvs.get_all(tlv_type) == [value]

    check()


# Streams


@settings(max_examples=100)
@given(st.lists(st.tuples(messages, header_number), max_size=6), st.data())
def test_frames_come_out_as_they_went_in_whatever_the_chunks(
    sent: list[tuple[Message, int]], data: st.DataObject
) -> None:
    stream = b"".join(encode(message, sequence_number) for message, sequence_number in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader, received = FrameReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        reader.feed(stream[start:end])
        while (frame := reader.next()) is not None:
            command_id, _status, sequence_number, begin, stop = frame
            received.append((decode_body(command_id, reader.buffer, begin, stop, True), sequence_number))
    assert received == sent
    assert reader.pending == 0
