"""Capture files (pcap, pcapng) to TCP segments. https://www.tcpdump.org/linktypes.html for the link types.

How it works: a file is a row of records; each holds one packet as its link type frames it; under that lies IPv4 or
IPv6, under that TCP. What is not TCP, or a fragment, is passed over.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import BinaryIO, Final

from smpp.errors import SmppError

MAX_RECORD: Final = 16 * 1024 * 1024
"""Largest record that is believed; capture programs stay far below."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ETHERNET, _RAW, _LOOP, _SLL, _IPV4, _IPV6, _SLL2 = 1, 101, 108, 113, 228, 229, 276
_NULL: Final = 0
_ALSO_RAW: Final = frozenset({12, 14, _RAW, _IPV4, _IPV6})
_VLAN_TYPES: Final = frozenset({0x8100, 0x88A8, 0x9100})
_IPV4_TYPE, _IPV6_TYPE, _TCP = 0x0800, 0x86DD, 6
_OPTION_HEADERS: Final = frozenset({0, 43, 60, 135})  # hop-by-hop, routing, destination, mobility
_FRAGMENT, _AUTHENTICATION = 44, 51

_PCAP_MAGICS: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
_PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_TSRESOL: Final = 9


class CaptureError(SmppError):
    """A file that is no capture, or one of a kind that cannot be read."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment.

    Attributes:
        source: address and port of the sender.
        destination: address and port of the receiver.
        sequence: number of the first octet of the payload, or of the SYN.
        is_syn: whether it opens the connection.
        is_end: whether it closes or resets it.
        payload: what it carries, as far as it was captured.
        time: when it was captured, None where the file does not say.
    """

    source: str
    destination: str
    sequence: int
    is_syn: bool
    is_end: bool
    payload: bytes
    time: datetime | None


def is_capture(start: bytes) -> bool:
    """Whether a file that begins so is a pcap or pcapng file."""
    return start[:4] in _PCAP_MAGICS or start[:4] == _PCAPNG_MAGIC


def read_segments(file: BinaryIO) -> Iterator[Segment]:
    """The TCP segments of a capture, in its order. A record that is cut at the end of the file is left out.

    Raises:
        CaptureError: the file is no capture, or is damaged.
    """
    for link_type, time, packet in _packets(file):
        segment = _segment_of(link_type, packet, time)
        if segment is not None:
            yield segment


# Files


def _packets(file: BinaryIO) -> Iterator[tuple[int, datetime | None, bytes]]:
    magic = file.read(4)
    if magic in _PCAP_MAGICS:
        return _pcap(file, *_PCAP_MAGICS[magic])
    if magic == _PCAPNG_MAGIC:
        return _pcapng(file)
    raise CaptureError("neither a pcap nor a pcapng file")


def _pcap(file: BinaryIO, order: str, per_second: int) -> Iterator[tuple[int, datetime | None, bytes]]:
    header = file.read(20)
    if len(header) < 20:
        raise CaptureError("the pcap file ends inside its header")
    link_type = struct.unpack(f"{order}HHiIII", header)[-1] & 0x0FFFFFFF  # Above it: length of a frame check sequence.
    _check_link_type(link_type)
    record = struct.Struct(f"{order}IIII")
    while len(head := file.read(record.size)) == record.size:
        seconds, fraction, length, _ = record.unpack(head)
        _check_length(length)
        packet = file.read(length)
        if len(packet) < length:
            return
        yield link_type, _moment(seconds * per_second + fraction, per_second), packet


def _pcapng(file: BinaryIO) -> Iterator[tuple[int, datetime | None, bytes]]:
    order, head = "<", _PCAPNG_MAGIC + file.read(4)
    interfaces: list[tuple[int, int]] = []
    while len(head) == 8:
        block_type = struct.unpack(f"{order}I", head[:4])[0]
        if head[:4] == _PCAPNG_MAGIC:
            block_type, interfaces = _SECTION, []
            byte_order = file.read(4)
            order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(byte_order, "")
            if not order:
                raise CaptureError("a section of the pcapng file names no byte order")
            head += byte_order
        length = struct.unpack(f"{order}I", head[4:8])[0]
        if length < 12 or length % 4:
            raise CaptureError(f"a block of the pcapng file says that it has {length} octets")
        _check_length(length)
        rest = file.read(length - len(head))
        if len(rest) < length - len(head):
            return
        body = rest[:-4]
        if block_type == _INTERFACE:
            interfaces.append(_interface(order, body))
        else:
            found = _pcapng_packet(order, block_type, body, interfaces)
            if found is not None:
                yield found
        head = file.read(8)


def _interface(order: str, body: bytes) -> tuple[int, int]:
    """Link type and time stamps per second of an interface description block."""
    if len(body) < 8:
        raise CaptureError("an interface of the pcapng file is not described")
    link_type = struct.unpack(f"{order}H", body[:2])[0]
    _check_link_type(link_type)
    per_second, position = 1_000_000, 8
    while position + 4 <= len(body):
        code, length = struct.unpack(f"{order}HH", body[position : position + 4])
        value = body[position + 4 : position + 4 + length]
        if code == _TSRESOL and value:
            per_second = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        position += 4 + length + -length % 4
    return link_type, per_second


def _pcapng_packet(
    order: str, block_type: int, body: bytes, interfaces: list[tuple[int, int]]
) -> tuple[int, datetime | None, bytes] | None:
    match block_type:
        case 6 if len(body) >= 20:
            interface, high, low, length, _ = struct.unpack(f"{order}IIIII", body[:20])
            start = 20
        case 2 if len(body) >= 20:
            interface, _, high, low, length, _ = struct.unpack(f"{order}HHIIII", body[:20])
            start = 20
        case 3 if len(body) >= 4:
            interface, high, low, start = 0, 0, 0, 4
            length = struct.unpack(f"{order}I", body[:4])[0]
        case _:
            return None  # names, statistics, and what others put in
    if interface >= len(interfaces):
        raise CaptureError(f"a packet of the pcapng file came over interface {interface}, which is not described")
    link_type, per_second = interfaces[interface]
    time = None if block_type == _SIMPLE_PACKET else _moment(high << 32 | low, per_second)
    return link_type, time, body[start : start + length]


def _moment(ticks: int, per_second: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=ticks * 1_000_000 // per_second)
    except OverflowError:
        return None


def _check_length(length: int) -> None:
    if length > MAX_RECORD:
        raise CaptureError(f"a record of the capture says that it has {length} octets; the file is damaged")


def _check_link_type(link_type: int) -> None:
    if link_type not in {_ETHERNET, _NULL, _LOOP, _SLL, _SLL2} | _ALSO_RAW:
        raise CaptureError(
            f"the capture has link type {link_type}; Ethernet, loopback, raw IP and Linux cooked are read"
        )


# Packets


def _segment_of(link_type: int, packet: bytes, time: datetime | None) -> Segment | None:
    try:
        packet = _without_link_header(link_type, packet)
        if not packet:
            return None
        match packet[0] >> 4:
            case 4:
                found = _ipv4(packet)
            case 6:
                found = _ipv6(packet)
            case _:
                return None
        return None if found is None else _tcp(*found, time)
    except (struct.error, IndexError, ValueError):
        return None  # cut by the capture's limit, inside a header


def _without_link_header(link_type: int, packet: bytes) -> bytes:
    """The IP packet in a frame, or nothing where it holds something else."""
    if link_type in _ALSO_RAW:
        return packet
    if link_type in (_NULL, _LOOP):
        return packet[4:]
    if link_type == _SLL2:
        protocol, start = struct.unpack(">H", packet[:2])[0], 20
    else:
        start = 14 if link_type == _ETHERNET else 16
        protocol = struct.unpack(">H", packet[start - 2 : start])[0]
    while protocol in _VLAN_TYPES:
        protocol = struct.unpack(">H", packet[start + 2 : start + 4])[0]
        start += 4
    return packet[start:] if protocol in (_IPV4_TYPE, _IPV6_TYPE) else b""


def _ipv4(packet: bytes) -> tuple[str, str, bytes] | None:
    header_length = (packet[0] & 15) * 4
    total, fragment, protocol = struct.unpack(">2xH2xHxB", packet[:10])
    if protocol != _TCP or fragment & 0x3FFF:  # more to come, or not the first
        return None
    end = total if total else len(packet)  # 0: the network card cuts it into packets later
    return _shown(packet[12:16]), _shown(packet[16:20]), packet[header_length:end]


def _ipv6(packet: bytes) -> tuple[str, str, bytes] | None:
    length, following = struct.unpack(">4xHB", packet[:7])
    start, end = 40, 40 + length if length else len(packet)
    while following != _TCP:
        if following in _OPTION_HEADERS:
            size = 8 * (packet[start + 1] + 1)
        elif following == _AUTHENTICATION:
            size = 4 * (packet[start + 1] + 2)
        elif following == _FRAGMENT and not struct.unpack(">H", packet[start + 2 : start + 4])[0] & 0xFFF9:
            size = 8
        else:
            return None
        following, start = packet[start], start + size
    return _shown(packet[8:24]), _shown(packet[24:40]), packet[start:end]


def _shown(address: bytes) -> str:
    text = str(ip_address(address))
    return f"[{text}]" if ":" in text else text


def _tcp(source: str, destination: str, packet: bytes, time: datetime | None) -> Segment:
    source_port, destination_port, sequence, offset, flags = struct.unpack(">HHI4xBB", packet[:14])
    return Segment(
        source=f"{source}:{source_port}",
        destination=f"{destination}:{destination_port}",
        sequence=sequence,
        is_syn=bool(flags & 0x02),
        is_end=bool(flags & 0x05),
        payload=packet[(offset >> 4) * 4 :],
        time=time,
    )
