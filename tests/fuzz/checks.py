"""What must hold for any octets: one function a door through which a peer's octets come in.

Each takes octets and returns, or raises what is wrong with us. The first octet of an input says which door it is for.
"""

import io
from collections.abc import Callable
from typing import Final

from smpp.constants import HEADER_LENGTH, BindMode, Role
from smpp.errors import DecodeError, EncodeError, FrameError
from smpp.receipts import receipt_of, text_of
from smpp.recording import RecordedStream, without_password
from smpp.session import BindRequested, RequestReceived, Session, SessionConfig
from smpp.sms import (
    Concat,
    InboundPart,
    Reassembler,
    concat_of,
    decode_gsm,
    decode_text,
    encode_gsm,
    pack_septets,
    parse_receipt,
    parse_udh,
    split_udh,
    unpack_septets,
)
from smpp.sms.udh import MAX_HEADER_OCTETS
from smpp.tools.capture import read_capture
from smpp.tools.packets import CaptureError
from smpp.wire import FrameReader, decode, encode
from smpp.wire.grammar import annotate, parse
from smpp.wire.pdu import DataSm, DeliverSm, SubmitSm
from smpp.wire.time import parse_time
from smpp.wire.tlv import STANDARD

Check = Callable[[bytes], None]

_ALPHABETS: Final = ("gsm", "gsm-packed", "latin1", "ascii", "cp1252", "utf-8")
_LIMIT: Final = 4096


def frames(data: bytes) -> None:
    """However a stream is cut, the same frames come out, and the same error."""
    size, stream = 1 + data[0] % 40, data[1:]
    whole, pieces = _frames_of([stream]), _frames_of([stream[i : i + size] for i in range(0, len(stream), size)])
    assert whole == pieces, (whole, pieces)
    octets = b"".join(frame for frame in whole if isinstance(frame, bytes))
    assert stream.startswith(octets)


def _frames_of(pieces: list[bytes]) -> list[bytes | tuple[int, int]]:
    reader, found = FrameReader(_LIMIT), list[bytes | tuple[int, int]]()
    for piece in pieces:
        reader.feed(piece)
        try:
            while (frame := reader.next()) is not None:
                found.append(reader.buffer[frame[3] - HEADER_LENGTH : frame[4]])
        except FrameError as error:
            # The sequence number is known only where the whole header came at once.
            return [*found, (0, error.command_status)]
    return found


def pdu(data: bytes) -> None:
    """A PDU decodes or raises DecodeError; what is read strictly is read leniently too, and survives a round trip."""
    lenient = _decoded(data, strict=False)
    strict = _decoded(data, strict=True)
    if lenient is None:
        assert strict is None, "strict reading accepts what lenient reading refuses"
        return
    repr(lenient)
    try:
        octets = encode(*lenient)
    except EncodeError:
        # A lenient reader takes what a writer must not write; a strict one does not.
        assert strict is None or not strict.message.is_request, f"read strictly, not written: {strict}"
    else:
        assert decode(octets) == lenient
        assert encode(*decode(octets)) == octets
    if strict is not None:
        assert strict == lenient
    message = lenient.message
    if isinstance(message, SubmitSm | DeliverSm | DataSm):
        text_of(message)
        receipt_of(message)
    for tlv_type in STANDARD.types.values() if hasattr(message, "tlvs") else ():
        message.tlvs.get(tlv_type)
        message.tlvs.get_all(tlv_type)


def _decoded(data: bytes, *, strict: bool):  # type: ignore[no-untyped-def]
    try:
        return decode(data, strict=strict)
    except DecodeError as error:
        assert 0 <= error.command_status <= 0xFFFFFFFF
        str(error)
        return None


def dump(data: bytes) -> None:
    """The grammar reads what the codec reads, and its annotated dump covers every octet once."""
    lines = annotate(data, show_secrets=True)
    assert b"".join(line.octets for line in lines) == data
    annotate(data)
    if _decoded(data, strict=False) is not None:
        parse(data)


def receipt(data: bytes) -> None:
    """Any text is a receipt or None."""
    if len(data) < 4:
        return
    esm_class, data_coding, alphabet, flags = data[0], data[1], _ALPHABETS[data[2] % len(_ALPHABETS)], data[3]
    octets, tlvs = data[4:], {}
    if flags & 2:
        cut = len(octets) // 2
        tlvs = {0x001E: octets[:cut], 0x0427: octets[cut : cut + 1], 0x0423: octets[cut : cut + 3]}
        tlvs[0x0424] = octets
    found = parse_receipt(
        octets,
        esm_class=esm_class,
        data_coding=data_coding,
        tlvs=tlvs,
        default_alphabet=alphabet,
        by_text=bool(flags & 1),
    )
    if found is not None:
        repr(found)
        assert isinstance(found.id, str)
        assert isinstance(found.is_final, bool)


def udh(data: bytes) -> None:
    """Any header parses or raises DecodeError, survives a round trip, and its parts can be collected."""
    if len(data) < 3:
        return
    data_coding, alphabet, octets = data[0], _ALPHABETS[data[1] % len(_ALPHABETS)], data[2:]
    header, body = split_udh(octets)
    decode_text(octets, data_coding, alphabet)
    decode_text(body, data_coding, alphabet, udh=header)
    try:
        parsed = parse_udh(octets)
    except DecodeError:
        return
    if len(octets) - len(body) <= MAX_HEADER_OCTETS:  # a longer one is read, but not written
        encoded = parsed.encode()
        assert octets.startswith(encoded), "a header is written as it was read"
        if parsed.elements:  # nor is one without elements
            assert parse_udh(encoded) == parsed
    _ = (parsed.concat, parsed.ports, parsed.shift)
    found = concat_of(parsed, {})
    if found is not None:
        _collect(found[0], body, data_coding)


def _collect(concat: Concat, body: bytes, data_coding: int) -> None:
    collector, whole = Reassembler(), None
    for number in range(concat.total, 0, -1):
        part = Concat(concat.reference, concat.total, number, concat.is_16bit)
        whole = collector.add(InboundPart("a", "1", "2", part, body, data_coding), 0.0)
    assert whole is not None
    assert whole.octets == body * concat.total
    whole.text()
    assert len(collector) == 0


def septets(data: bytes) -> None:
    """Packing and the GSM alphabet lose nothing."""
    fill_bits, octets = data[0] % 7, data[1:]
    decode_gsm(octets)
    values = bytes(octet & 0x7F for octet in octets)
    text = decode_gsm(values)
    assert decode_gsm(encode_gsm(text)) == text
    packed = pack_septets(values, fill_bits=fill_bits)
    assert unpack_septets(packed, fill_bits=fill_bits, count=len(values)) == values
    unpack_septets(octets, fill_bits=fill_bits)


def times(data: bytes) -> None:
    """Any text is a time or raises DecodeError."""
    try:
        parse_time(data.decode("latin-1"))
    except DecodeError:
        return


def session(data: bytes) -> None:
    """A session survives anything: it answers with whole PDUs, ends cleanly, and keeps no more than its limits."""
    role, size = (Role.SMSC, Role.ESME)[data[0] & 1], 1 + data[0] // 2
    config = SessionConfig(role=role, max_command_length=_LIMIT, max_command_length_unbound=_LIMIT, inbound_window=20)
    subject, now = Session(config, 0.0), 0.0
    if role is Role.ESME:
        subject.bind(BindMode.TRANSCEIVER, now=now, system_id="esme", password="secret")
    written = b""
    for start in range(1, len(data), size):
        now += 0.01
        subject.receive_data(data[start : start + size], now)
        for event in subject.take_events():
            repr(event)
            if isinstance(event, BindRequested):
                subject.accept_bind("smsc", now)
            elif isinstance(event, RequestReceived) and event.message.response_type is not None and data[0] & 4:
                subject.send_response(event.message.response_type(), event.sequence_number)
        written += subject.data_to_send()
    for _ in range(10):
        now = min(now + 60.0, subject.next_timer() + 0.001)
        if now == float("inf"):
            break
        subject.handle_timer(now)
        subject.take_events()
        written += subject.data_to_send()
    subject.receive_eof()
    subject.take_events()
    assert subject.is_closed
    assert subject.in_flight == 0
    written += subject.data_to_send()
    for frame in _frames_of([written]):
        assert isinstance(frame, bytes), "we wrote no PDU"
        decode(frame)


def capture(data: bytes) -> None:
    """A capture file is read or raises CaptureError."""
    try:
        for found in read_capture(io.BytesIO(data)):
            repr(found)
    except CaptureError:
        return


class _Sink:
    """Gets the packets of a recorded stream."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, packets, now: float) -> None:  # type: ignore[no-untyped-def]
        """Keep what the client sent; IPv4 and TCP have 20 octets each."""
        for packet in packets:
            if packet[20:22] == b"\x00\x01":
                self.sent += packet[40:]

    def leave(self) -> None:
        """Nothing to do."""


def recording(data: bytes) -> None:
    """However a stream is cut, the same is recorded: as long as it was, and without a password."""
    size, stream = 1 + data[0] % 40, data[1:]
    whole, pieces = _recorded([stream]), _recorded([stream[i : i + size] for i in range(0, len(stream), size)])
    assert whole == pieces
    assert len(whole) == len(stream)
    if len(stream) >= HEADER_LENGTH:
        masked = without_password(stream)
        assert len(masked) == len(stream)
        assert masked[:HEADER_LENGTH] == stream[:HEADER_LENGTH]


def _recorded(pieces: list[bytes]) -> bytes:
    sink = _Sink()
    stream = RecordedStream(sink, ("127.0.0.1", 1), ("127.0.0.1", 2), 0.0)
    for piece in pieces:
        stream.from_client(piece, 0.0)
    stream.close(0.0)
    return sink.sent


DOORS: Final[tuple[Check, ...]] = (frames, pdu, dump, receipt, udh, septets, times, session, capture, recording)
"""In the order of the first octet; a new one goes to the end, or kept inputs change their meaning."""


def check(data: bytes) -> None:
    """Hand an input to the door that its first octet names."""
    if len(data) > 1:
        DOORS[data[0] % len(DOORS)](data[1:])


def input_for(door: Check, data: bytes) -> bytes:
    """An input that `check` hands to this door."""
    return bytes((DOORS.index(door),)) + data
