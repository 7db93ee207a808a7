"""Capture files to segments: file formats, link types, IP versions."""

import contextlib
import io
import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.tools.packets import CaptureError, Segment, is_capture, read_segments
from tests.smpp.tools.captures import FIN, SYN, block, ethernet, ipv4, ipv6, pcap, pcapng, tcp

FRAME = ethernet(ipv4(tcp(7, b"hello")))
TIME = datetime(2026, 7, 22, 15, 30, tzinfo=UTC)
SEGMENT = Segment("10.0.0.1:40000", "10.0.0.2:2775", 7, False, False, b"hello", TIME)


def segments(capture: bytes) -> list[Segment]:
    return list(read_segments(io.BytesIO(capture)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_byte_order_and_resolution_is_read(order: str, nanoseconds: bool) -> None:
    capture = pcap([FRAME, FRAME], order=order, nanoseconds=nanoseconds)
    assert is_capture(capture)
    assert segments(capture) == [SEGMENT, replace(SEGMENT, time=TIME.replace(microsecond=100_000))]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [None, 9, 0x8A])
def test_pcapng_of_either_byte_order_and_any_resolution_is_read(order: str, resolution: int | None) -> None:
    capture = pcapng([FRAME], order=order, resolution=resolution)
    assert is_capture(capture)
    assert segments(capture) == [SEGMENT]


@pytest.mark.parametrize(("kind", "time"), [(2, TIME), (3, None)])
def test_old_and_simple_packet_blocks_are_read(kind: int, time: datetime | None) -> None:
    assert segments(pcapng([FRAME], kind=kind)) == [replace(SEGMENT, time=time)]


def test_sections_may_follow_each_other_with_their_own_byte_order() -> None:
    assert segments(pcapng([FRAME], order="<") + pcapng([FRAME], order=">")) == [SEGMENT, SEGMENT]


IP4, IP6 = ipv4(tcp(7, b"hello")), ipv6(tcp(7, b"hello"))


@pytest.mark.parametrize(
    ("link_type", "frame"),
    [
        (1, ethernet(IP4)),
        (1, ethernet(IP6)),
        (1, ethernet(IP4, vlans=1)),
        (1, ethernet(IP4, vlans=2)),
        (1, ethernet(IP4, padding=6)),
        (0, struct.pack("<I", 2) + IP4),
        (0, struct.pack(">I", 30) + IP6),
        (108, struct.pack(">I", 2) + IP4),
        (101, IP4),
        (101, IP6),
        (12, IP4),
        (228, IP4),
        (229, IP6),
        (113, bytes(14) + b"\x08\x00" + IP4),
        (113, bytes(14) + b"\x86\xdd" + IP6),
        (276, b"\x08\x00" + bytes(18) + IP4),
        (276, b"\x86\xdd" + bytes(18) + IP6),
    ],
)
def test_link_type_is_read(link_type: int, frame: bytes) -> None:
    (segment,) = segments(pcap([frame], link_type))
    assert segment.payload == b"hello"
    assert (segment.source, segment.destination) in {
        ("10.0.0.1:40000", "10.0.0.2:2775"),
        ("[::1]:40000", "[::2]:2775"),
    }


@pytest.mark.parametrize(
    "extensions",
    [
        [(0, bytes(7))],
        [(0, b"\1" + bytes(14)), (60, bytes(7))],
        [(51, b"\4" + bytes(22))],
        [(44, bytes(7))],  # a fragment that is the whole packet
    ],
)
def test_ipv6_extension_headers_are_passed_over(extensions: list[tuple[int, bytes]]) -> None:
    (segment,) = segments(pcap([ipv6(tcp(7, b"hello"), extensions=extensions)], 101))
    assert segment.payload == b"hello"


def test_flags_say_how_a_connection_begins_and_ends() -> None:
    frames = [ethernet(ipv4(tcp(7, flags=flags))) for flags in (SYN, FIN, 0x04, 0x10)]
    assert [(s.is_syn, s.is_end) for s in segments(pcap(frames))] == [
        (True, False),
        (False, True),
        (False, True),
        (False, False),
    ]


def test_packet_that_the_card_cuts_later_has_no_length() -> None:
    packet = bytearray(IP4)
    packet[2:4] = b"\0\0"
    assert segments(pcap([bytes(packet)], 101))[0].payload == b"hello"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0" * 13,
        ethernet(IP4)[:30],
        ethernet(IP4)[:40],
        bytes(12) + b"\x08\x06" + bytes(28),  # ARP
        ethernet(ipv4(b"\0" * 20, protocol=17)),
        ethernet(ipv4(tcp(7, b"hello"), fragment=0x2000)),
        ethernet(ipv4(tcp(7, b"hello"), fragment=5)),
        ethernet(ipv6(tcp(7, b"hello"), extensions=[(44, b"\0\0\x09" + bytes(4))])),
        ethernet(ipv6(b"", extensions=[(58, bytes(7))])),
    ],
)
def test_what_is_not_a_whole_tcp_segment_is_passed_over(frame: bytes) -> None:
    assert segments(pcap([frame, FRAME]))[0].payload == b"hello"


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_record_that_is_cut_at_the_end_is_left_out(cut: int) -> None:
    assert len(segments(pcap([FRAME, FRAME])[:-cut])) == 1
    assert len(segments(pcapng([FRAME, FRAME])[: -len(block(0x0BAD, b"what others put in")) - cut])) == 1


@pytest.mark.parametrize(
    ("capture", "text"),
    [
        (b"", "neither a pcap nor a pcapng file"),
        (b"GET / HTTP/1.1", "neither a pcap nor a pcapng file"),
        (b"\xd4\xc3\xb2\xa1\0", "the pcap file ends inside its header"),
        (pcap([], 105), "the capture has link type 105; Ethernet, loopback, raw IP and Linux cooked are read"),
        (pcap([]) + struct.pack("<IIII", 0, 0, 1 << 30, 0), "says that it has 1073741824 octets; the file is damaged"),
        (b"\x0a\x0d\x0d\x0a" + bytes(24), "a section of the pcapng file names no byte order"),
        (pcapng([]) + struct.pack("<II", 6, 13), "a block of the pcapng file says that it has 13 octets"),
        (pcapng([]) + struct.pack("<II", 6, 1 << 30), "says that it has 1073741824 octets; the file is damaged"),
        (pcapng([]) + block(1, b"\1"), "an interface of the pcapng file is not described"),
        (pcapng([]) + block(6, struct.pack("<IIIII", 3, 0, 0, 0, 0)), "came over interface 3, which is not described"),
    ],
)
def test_damaged_capture_says_what_is_wrong(capture: bytes, text: str) -> None:
    with pytest.raises(CaptureError) as error:
        segments(capture)
    assert text in str(error.value)


@given(st.binary(max_size=200), st.sampled_from([0, 1, 101, 108, 113, 228, 229, 276]))
def test_any_packet_is_a_segment_or_passed_over(packet: bytes, link_type: int) -> None:
    assert len(segments(pcap([packet], link_type))) <= 1


@given(st.binary(max_size=120), st.sampled_from([pcap([FRAME]), pcapng([FRAME])]), st.integers(4, 150))
def test_any_damage_raises_nothing_but_capture_error(damage: bytes, capture: bytes, place: int) -> None:
    with contextlib.suppress(CaptureError):
        segments(capture[:place] + damage + capture[place + len(damage) :])
