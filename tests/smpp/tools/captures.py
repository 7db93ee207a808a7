"""Captures made by hand: pcap and pcapng files with TCP segments in frames of any link type."""

import struct
from collections.abc import Sequence

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 2775)
Endpoint = tuple[str, int]

SYN, ACK, FIN = 0x02, 0x10, 0x01


def tcp(
    sequence: int, payload: bytes = b"", flags: int = ACK, source: Endpoint = CLIENT, to: Endpoint = SERVER
) -> bytes:
    """A segment with a header of 32 octets: 12 of options."""
    header = struct.pack(">HHIIBBHHH", source[1], to[1], sequence % (1 << 32), 0, 8 << 4, flags, 1000, 0, 0)
    return header + b"\1" * 12 + payload


def ipv4(
    segment: bytes, source: Endpoint = CLIENT, to: Endpoint = SERVER, *, fragment: int = 0, protocol: int = 6
) -> bytes:
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 1, fragment, 64, protocol, 0)
    return header + _quad(source) + _quad(to) + segment


def ipv6(segment: bytes, *, extensions: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """From ::1 to ::2; each extension is its type and its octets behind the next-header octet."""
    kinds = [kind for kind, _ in extensions] + [6]
    body = b"".join(bytes((following,)) + rest for (_, rest), following in zip(extensions, kinds[1:], strict=True))
    body += segment
    return struct.pack(">IHBB", 6 << 28, len(body), kinds[0], 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + body


def _quad(endpoint: Endpoint) -> bytes:
    return bytes(int(part) for part in endpoint[0].split("."))


def ethernet(packet: bytes, *, vlans: int = 0, padding: int = 0) -> bytes:
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return bytes(12) + struct.pack(">HH", 0x8100, 7) * vlans + struct.pack(">H", kind) + packet + bytes(padding)


def pcap(packets: Sequence[bytes], link_type: int = 1, *, order: str = "<", nanoseconds: bool = False) -> bytes:
    """Packets a tenth of a second apart, from 2026-07-22 15:30:00 UTC on."""
    magic, fraction = (0xA1B23C4D, 100_000_000) if nanoseconds else (0xA1B2C3D4, 100_000)
    records = b"".join(
        struct.pack(f"{order}IIII", 1784734200, number * fraction, len(packet), len(packet)) + packet
        for number, packet in enumerate(packets)
    )
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link_type) + records


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def pcapng(
    packets: Sequence[bytes], link_type: int = 1, *, order: str = "<", resolution: int | None = None, kind: int = 6
) -> bytes:
    options = b"" if resolution is None else struct.pack(f"{order}HHB3xHH", 9, 1, resolution, 0, 0)
    section = struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
    blocks = block(0x0A0D0D0A, section, order) + block(1, struct.pack(f"{order}HHI", link_type, 0, 0) + options, order)
    per_second = {None: 10**6, 9: 10**9, 0x8A: 2**10}[resolution]
    for number, packet in enumerate(packets):
        ticks = 1784734200 * per_second + number * per_second // 10
        high, low = ticks >> 32, ticks & 0xFFFFFFFF
        if kind == 3:
            body = struct.pack(f"{order}I", len(packet))
        elif kind == 2:
            body = struct.pack(f"{order}HHIIII", 0, 0, high, low, len(packet), len(packet))
        else:
            body = struct.pack(f"{order}IIIII", 0, high, low, len(packet), len(packet))
        blocks += block(kind, body + packet, order) + block(0x0BAD, b"what others put in", order)
    return blocks


def connection(*parts: tuple[int, bytes], start: int = 1000, syn: bool = True) -> list[bytes]:
    """Frames from client to server: each part at its offset in the stream."""
    frames = [ethernet(ipv4(tcp(start, flags=SYN)))] if syn else []
    return frames + [ethernet(ipv4(tcp(start + 1 + offset, payload))) for offset, payload in parts]
