"""smpp.recording.stream: TCP segments made up from what passed, passwords hidden."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import CommandId
from smpp.recording import RecordedStream, without_password
from tests.smpp.recording.memory import BIND, CLIENT, ENQUIRE_LINK, MASKED_BIND, SERVER, Memory, recorded

_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16


def test_a_stream_opens_carries_and_closes_like_tcp() -> None:
    memory = Memory()
    stream = RecordedStream(memory, CLIENT, SERVER, 1000.0)
    stream.from_client(b"\0\0\0\x10" + bytes(12), 1001.0)
    stream.from_server(b"\0\0\0\x11" + bytes(13), 1002.0)
    stream.close(1003.0)
    start = 250_000_000  # 1000 s at 4 µs
    assert [(p.source_port, p.sequence - start, p.acknowledged - start, p.flags, p.now) for p in memory.packets] == [
        (40000, 0, -start, _SYN, 1000.0),
        (2775, 0, 1, _SYN | _ACK, 1000.0),
        (40000, 1, 1, _ACK, 1000.0),
        (40000, 1, 1, _PSH | _ACK, 1001.0),
        (2775, 1, 17, _PSH | _ACK, 1002.0),
        (40000, 17, 18, _FIN | _ACK, 1003.0),
        (2775, 18, 18, _FIN | _ACK, 1003.0),
        (40000, 18, 19, _ACK, 1003.0),
    ]
    assert memory.has_left


def test_what_comes_after_the_end_is_not_recorded() -> None:
    memory = Memory()
    stream = RecordedStream(memory, CLIENT, SERVER, 1000.0)
    stream.close(1001.0)
    count = len(memory.packets)
    stream.from_client(ENQUIRE_LINK, 1002.0)
    stream.close(1003.0)
    assert len(memory.packets) == count


def test_what_does_not_fit_a_packet_goes_in_several() -> None:
    data = (70_000).to_bytes(4) + b"\0\0\0\x04" + bytes(69_992)
    memory = recorded(data)
    assert memory.from_client == data
    assert max(len(packet) for packet in memory.raw) <= 0xFFFF
    numbers = [(p.sequence, len(p.payload)) for p in memory.packets if p.payload]
    assert [b - a for (a, _), (b, _) in pairwise(numbers)] == [size for _, size in numbers[:-1]]


def test_sequence_numbers_wrap() -> None:
    memory = Memory()
    wrap = (1 << 32) / 250_000
    stream = RecordedStream(memory, CLIENT, SERVER, wrap - 8 / 250_000)
    stream.from_client(ENQUIRE_LINK * 2, wrap)
    stream.from_client(ENQUIRE_LINK, wrap)
    assert [p.sequence for p in memory.packets if p.payload] == [0xFFFFFFF9, 25]


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 16, 30, 1000])
def test_passwords_are_hidden_however_the_stream_is_cut(size: int) -> None:
    data = ENQUIRE_LINK + BIND + ENQUIRE_LINK + BIND
    memory = recorded(*(data[start : start + size] for start in range(0, len(data), size)))
    assert memory.from_client == ENQUIRE_LINK + MASKED_BIND + ENQUIRE_LINK + MASKED_BIND


def test_passwords_are_shown_where_that_is_wanted() -> None:
    assert recorded(BIND, with_passwords=True).from_client == BIND


def test_the_password_of_an_outbind_is_hidden_too() -> None:
    memory = Memory()
    stream = RecordedStream(memory, CLIENT, SERVER, 1000.0)
    outbind = bytes.fromhex("0000001c0000000b0000000000000001") + b"smsc\0secret\0"
    stream.from_server(outbind, 1001.0)
    assert memory.from_server == outbind.replace(b"secret", b"******")


def test_other_pdus_are_recorded_as_soon_as_their_octets_come() -> None:
    memory = recorded(ENQUIRE_LINK[:9], ends=False)
    assert memory.from_client == ENQUIRE_LINK[:9]


def test_a_bind_that_stays_incomplete_is_recorded_without_its_body() -> None:
    assert recorded(BIND[:-3]).from_client == BIND[:16] + b"*" * (len(BIND) - 19)


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFFFFFF])
def test_a_bind_with_an_impossible_length_keeps_its_secret(length: int) -> None:
    data = length.to_bytes(4) + BIND[4:] + BIND
    assert recorded(data).from_client == data[:8] + b"*" * (len(data) - 8)


def test_what_is_no_smpp_is_recorded_as_it_is() -> None:
    data = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n" * 3
    assert recorded(data[:5], data[5:]).from_client == data


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (b"esme\0secret\0rest\0", b"esme\0******\0rest\0"),
        (b"esme\0\0rest\0", b"esme\0\0rest\0"),
        (b"esme\0secret", b"esme\0******"),
        (b"esme\0", b"esme\0"),
        (b"no end at all", b"*************"),
        (b"", b""),
    ],
)
def test_a_bind_is_masked_even_where_it_is_malformed(body: bytes, masked: bytes) -> None:
    header = (16 + len(body)).to_bytes(4) + int(CommandId.BIND_TRANSMITTER).to_bytes(4) + bytes(8)
    assert without_password(header + body) == header + masked


@given(st.lists(st.binary(max_size=60), max_size=8), st.binary(max_size=20))
def test_nothing_is_added_or_lost_whatever_comes(pieces: list[bytes], tail: bytes) -> None:
    data = b"".join(pieces) + tail
    assert len(recorded(*pieces, tail).from_client) == len(data)
    assert recorded(*pieces, tail).from_client == recorded(data).from_client
