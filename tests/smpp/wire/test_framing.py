"""A stream cut into PDUs: lengths, limits, and octets that come in any way."""

import pytest

from smpp.errors import FrameError
from smpp.status import CommandStatus
from smpp.wire import FrameReader

ENQUIRE_LINK = bytes.fromhex("00000010 00000015 00000000 00000007")
SUBMIT_SM_RESP = bytes.fromhex("00000013 80000004 00000058 00000008 3132 00")


def frames(reader: FrameReader) -> list[tuple[int, int, int, bytes]]:
    found = []
    while (frame := reader.next()) is not None:
        command_id, command_status, sequence_number, start, end = frame
        found.append((command_id, command_status, sequence_number, reader.buffer[start:end]))
    return found


def test_frame_has_the_header_and_the_place_of_the_body() -> None:
    reader = FrameReader()
    reader.feed(ENQUIRE_LINK + SUBMIT_SM_RESP)
    assert reader.next() == (0x15, 0, 7, 16, 16)
    assert reader.next() == (0x80000004, 0x58, 8, 32, 35)
    assert reader.buffer[32:35] == b"12\0"
    assert reader.next() is None
    assert reader.pending == 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 15, 16, 17, 100])
def test_chunks_of_any_size_make_the_same_frames(size: int) -> None:
    stream = (ENQUIRE_LINK + SUBMIT_SM_RESP) * 5
    reader, found = FrameReader(), []
    for start in range(0, len(stream), size):
        reader.feed(stream[start : start + size])
        found += frames(reader)
    assert found == [(0x15, 0, 7, b""), (0x80000004, 0x58, 8, b"12\0")] * 5


def test_frames_wait_while_octets_are_fed_several_times() -> None:
    reader = FrameReader()
    for part in (ENQUIRE_LINK, b"", SUBMIT_SM_RESP[:5], SUBMIT_SM_RESP[5:], ENQUIRE_LINK[:4]):
        reader.feed(part)
    assert [frame[0] for frame in frames(reader)] == [0x15, 0x80000004]
    assert reader.pending == 4


def test_bytearray_and_memoryview_are_copied() -> None:
    received = bytearray(ENQUIRE_LINK)
    reader = FrameReader()
    reader.feed(received)
    received[:] = b"\xff" * 16
    reader.feed(memoryview(SUBMIT_SM_RESP))
    assert [frame[0] for frame in frames(reader)] == [0x15, 0x80000004]
    assert type(reader.buffer) is bytes


def test_what_was_read_is_not_kept() -> None:
    reader = FrameReader()
    reader.feed(ENQUIRE_LINK * 1000 + b"\0")
    frames(reader)
    reader.feed(b"\0\0")
    assert len(reader.buffer) == 3


@pytest.mark.parametrize("length", [0, 4, 15, 70_001, 0x20000, 0x47455420, 0x80000000, 0xFFFFFFFF])
def test_length_that_no_pdu_has_is_refused_by_its_four_octets(length: int) -> None:
    reader = FrameReader()
    for octet in length.to_bytes(4)[:3]:
        reader.feed(bytes((octet,)))
        assert reader.next() is None
    reader.feed(length.to_bytes(4)[3:])
    with pytest.raises(FrameError, match=f"command_length is {length}, not 16 to 70000") as error:
        reader.next()
    assert error.value.fatal
    assert error.value.command_status == CommandStatus.ESME_RINVCMDLEN
    assert error.value.sequence_number == 0


def test_sequence_number_is_told_where_it_is_there() -> None:
    reader = FrameReader()
    reader.feed(bytes.fromhex("7FFFFFFF 00000004 00000000 00000007"))
    with pytest.raises(FrameError) as error:
        reader.next()
    assert error.value.sequence_number == 7


def test_stream_stays_lost() -> None:
    reader = FrameReader()
    reader.feed(b"\0\0\0\0")
    for _ in range(2):
        with pytest.raises(FrameError):
            reader.next()
        reader.feed(ENQUIRE_LINK)


def test_good_frames_before_a_bad_length_come_out_first() -> None:
    reader = FrameReader()
    reader.feed(ENQUIRE_LINK + b"\0\0\0\1" + ENQUIRE_LINK)
    assert reader.next() is not None
    with pytest.raises(FrameError):
        reader.next()


@pytest.mark.parametrize(("limit", "fits"), [(16, True), (19, True), (18, False)])
def test_limit_is_the_largest_length_that_fits(limit: int, fits: bool) -> None:
    reader = FrameReader(limit)
    reader.feed(SUBMIT_SM_RESP if limit > 16 else ENQUIRE_LINK)
    if fits:
        assert reader.next() is not None
    else:
        with pytest.raises(FrameError, match="command_length is 19, not 16 to 18"):
            reader.next()


def test_limit_may_grow_between_two_frames() -> None:
    reader = FrameReader(16)
    reader.feed(ENQUIRE_LINK + SUBMIT_SM_RESP)
    assert reader.next() is not None
    reader.max_length = 100
    assert reader.next() is not None


def test_largest_pdu_fits_the_default_limit() -> None:
    octets = (65_565).to_bytes(4) + bytes.fromhex("00000103 00000000 00000001") + bytes(65_549)
    reader = FrameReader()
    reader.feed(octets)
    frame = reader.next()
    assert frame is not None
    assert frame[4] - frame[3] == 65_549
