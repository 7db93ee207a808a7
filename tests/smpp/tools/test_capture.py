"""Segments to PDUs: order, gaps, several connections, and lines of hex."""

import io
import random
from pathlib import Path

import pytest

from smpp.tools.capture import MAX_WAITING, Captured, read_capture, read_file, read_hex, read_hex_lines
from smpp.tools.packets import CaptureError
from smpp.wire import encode
from smpp.wire.pdu import EnquireLink, SubmitSm, SubmitSmResp
from tests.smpp.tools.captures import ACK, CLIENT, FIN, SERVER, SYN, connection, ethernet, ipv4, pcap, pcapng, tcp

PDUS = [encode(SubmitSm(source_addr="INFO", short_message=b"x" * n), n) for n in (1, 20, 254)] + [
    encode(EnquireLink(), 4),
    encode(SubmitSm(short_message=b"y" * 100), 5),
]
STREAM = b"".join(PDUS)


def captured(frames: list[bytes], **options: int) -> list[Captured]:
    return list(read_capture(io.BytesIO(pcap(frames)), **options))


def pieces(size: int) -> list[tuple[int, bytes]]:
    return [(start, STREAM[start : start + size]) for start in range(0, len(STREAM), size)]


# One connection


@pytest.mark.parametrize("size", [1, 7, 16, 50, 1000])
def test_segments_of_any_size_make_the_same_pdus(size: int) -> None:
    assert [item.octets for item in captured(connection(*pieces(size)))] == PDUS


def test_pdu_says_who_sent_it_to_whom_and_when_it_was_complete() -> None:
    first, *_ = captured(connection((0, PDUS[0][:20]), (20, PDUS[0][20:])))
    assert (first.source, first.destination) == ("10.0.0.1:40000", "10.0.0.2:2775")
    assert f"{first.time:%H:%M:%S.%f}" == "15:30:00.200000"


@pytest.mark.parametrize("seed", range(10))
def test_segments_out_of_order_repeated_and_overlapping_make_the_same_pdus(seed: int) -> None:
    chance = random.Random(seed)
    parts = pieces(13)
    for _ in range(10):
        start = chance.randrange(len(STREAM))
        parts.append((start, STREAM[start : start + chance.randrange(1, 60)]))
    chance.shuffle(parts)
    assert [item.octets for item in captured(connection(*parts))] == PDUS


def test_sequence_numbers_of_tcp_may_wrap() -> None:
    frames = connection(*reversed(pieces(100)), start=(1 << 32) - 150)
    assert [item.octets for item in captured(frames)] == PDUS


def test_keepalives_and_acknowledgements_are_no_octets() -> None:
    frames = connection((0, PDUS[0]), (len(PDUS[0]) - 1, b"\0"), (len(PDUS[0]), b""), (len(PDUS[0]), PDUS[1]))
    assert [item.octets for item in captured(frames)] == PDUS[:2]


def test_repeated_syn_changes_nothing() -> None:
    frames = connection((0, PDUS[0][:9]))
    frames += [frames[0], *connection((9, PDUS[0][9:]), syn=False)]
    assert [item.octets for item in captured(frames)] == PDUS[:1]


def test_octets_in_the_syn_come_first() -> None:
    frames = [ethernet(ipv4(tcp(1000, PDUS[0], SYN))), *connection((len(PDUS[0]), PDUS[1]), syn=False)]
    assert [item.octets for item in captured(frames)] == PDUS[:2]


def test_new_connection_over_the_same_ports_starts_again() -> None:
    frames = connection((0, PDUS[0] + PDUS[1][:20])) + connection((0, PDUS[3]), start=77)
    assert [(item.octets, item.note) for item in captured(frames)] == [
        (PDUS[0], ""),
        (PDUS[1][:20], "the stream ends inside a PDU"),
        (PDUS[3], ""),
    ]


# Several


def test_connections_and_directions_are_kept_apart() -> None:
    answer = encode(SubmitSmResp("17a9"), 1)
    other = ("10.0.0.3", 50000)
    frames = [
        ethernet(ipv4(tcp(100, PDUS[0][:10]))),
        ethernet(ipv4(tcp(900, answer[:5], ACK, SERVER, CLIENT), SERVER, CLIENT)),
        ethernet(ipv4(tcp(100, PDUS[1], ACK, other), other)),
        ethernet(ipv4(tcp(905, answer[5:], ACK, SERVER, CLIENT), SERVER, CLIENT)),
        ethernet(ipv4(tcp(110, PDUS[0][10:], ACK | FIN))),
    ]
    assert [(item.source, item.octets) for item in captured(frames)] == [
        ("10.0.0.3:50000", PDUS[1]),
        ("10.0.0.2:2775", answer),
        ("10.0.0.1:40000", PDUS[0]),
    ]


def test_connection_that_carries_something_else_is_passed_over() -> None:
    web = ("10.0.0.9", 80)
    frames = [ethernet(ipv4(tcp(1, b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n", to=web), to=web))]
    assert [item.octets for item in captured(frames + connection((0, PDUS[0])))] == [PDUS[0]]


def test_port_says_which_connections_are_read_and_that_all_they_carry_is_shown() -> None:
    web = ("10.0.0.9", 80)
    request = b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"
    frames = [ethernet(ipv4(tcp(1, request, to=web), to=web)), *connection((0, PDUS[0]))]
    assert [(item.octets, item.note) for item in captured(frames, port=80)] == [
        (request, "command_length is 1195725856, not 16 to 70000")
    ]
    assert [item.octets for item in captured(frames, port=2775)] == [PDUS[0]]
    assert captured(frames, port=1) == []


# Captures that lack something


def test_capture_that_begins_inside_a_pdu_is_read_from_the_next_one_on() -> None:
    assert [item.octets for item in captured(connection((30, PDUS[1][30:]), (len(PDUS[1]), PDUS[2]), syn=False))] == [
        PDUS[2]
    ]


def test_missing_segment_is_told_and_the_next_pdu_is_read() -> None:
    whole = PDUS[0] + PDUS[1] + PDUS[2]
    start = len(PDUS[0] + PDUS[1])
    frames = connection((0, whole[: len(PDUS[0]) + 20]), (start, PDUS[2]))
    assert [(item.octets, item.note) for item in captured(frames)] == [
        (PDUS[0], ""),
        (PDUS[1][:20], f"{len(PDUS[1]) - 20} octets are missing from the capture"),
        (PDUS[2], ""),
    ]


def test_missing_segment_is_given_up_when_too_many_wait() -> None:
    link = encode(EnquireLink(), 1)
    frames = connection((0, link), *((32 + 16 * n, link) for n in range(MAX_WAITING + 1)))
    assert len(captured(frames)) == MAX_WAITING + 2


def test_lost_frame_is_told_and_the_stream_is_read_on_from_a_segment_that_begins_with_a_pdu() -> None:
    junk = b"\0\0\0\1 and more"
    frames = connection((0, PDUS[0] + junk), (len(PDUS[0] + junk), PDUS[1]))
    assert [(item.octets, item.note) for item in captured(frames)] == [
        (PDUS[0], ""),
        (junk, "command_length is 1, not 16 to 70000"),
        (PDUS[1], ""),
    ]


def test_pdu_that_the_capture_cuts_is_told() -> None:
    last = captured(connection((0, PDUS[0] + PDUS[1][:20])))[-1]
    assert (last.octets, last.note) == (PDUS[1][:20], "the stream ends inside a PDU")


# Hex


@pytest.mark.parametrize("text", ["00ff10", "00 FF 10", "00:ff:10", " 0x00 0xFF 0x10\n", "00FF 10"])
def test_hex_is_read_however_it_is_written(text: str) -> None:
    assert read_hex(text) == b"\x00\xff\x10"


@pytest.mark.parametrize(("text", "shown"), [("0g", "'0g' is no hex"), ("000", "'000' is no hex")])
def test_what_is_no_hex_is_shown(text: str, shown: str) -> None:
    with pytest.raises(CaptureError, match=shown):
        read_hex(text)


def test_long_text_that_is_no_hex_is_shown_in_part() -> None:
    with pytest.raises(CaptureError) as error:
        read_hex("x" * 1000)
    assert str(error.value) == f"'{'x' * 37}...' is no hex"


def test_lines_may_be_empty_or_notes() -> None:
    assert list(read_hex_lines(["# a note\n", "\n", "00 01\n", "  02\n"])) == [b"\0\1", b"\2"]


def test_bad_line_is_named() -> None:
    with pytest.raises(CaptureError, match="line 3: 'zz' is no hex"):
        list(read_hex_lines(["00", "", "zz"]))


# Files


def test_file_is_told_by_its_contents(tmp_path: Path) -> None:
    frames = connection((0, PDUS[0]))
    for name, contents in {
        "a.txt": PDUS[0].hex().encode() + b"\n",
        "b.bin": pcap(frames),
        "c": pcapng(frames),
    }.items():
        (tmp_path / name).write_bytes(contents)
        assert [item.octets for item in read_file(tmp_path / name)] == [PDUS[0]]


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (b"\xff\xfe\x00", "neither a pcap or pcapng file nor lines of hex"),
        (b"00\nhello\n", "line 2: 'hello' is no hex"),
        (pcap([], 105), "the capture has link type 105"),
    ],
)
def test_file_that_cannot_be_read_is_named(tmp_path: Path, contents: bytes, text: str) -> None:
    (tmp_path / "file").write_bytes(contents)
    with pytest.raises(CaptureError) as error:
        list(read_file(tmp_path / "file"))
    assert str(error.value).startswith(f"{tmp_path / 'file'}: {text}")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"nothing\.pcap: No such file or directory"):
        list(read_file(tmp_path / "nothing.pcap"))
