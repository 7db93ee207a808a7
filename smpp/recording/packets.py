"""IP packets, and the blocks of a pcapng file that hold them.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
"""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_LINKTYPE_RAW: Final = 101
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
SECTION_HEADER: Final = struct.pack("<IIIHHqI", _SECTION, 28, 0x1A2B3C4D, 1, 0, -1, 28)
INTERFACE_DESCRIPTION: Final = struct.pack("<IIHHII", _INTERFACE, 20, _LINKTYPE_RAW, 0, 0, 20)
_IP_TCP: Final = 6


def same_family(*hosts: str) -> list[IPv4Address | IPv6Address]:
    """Addresses of one kind; what is no address becomes the loopback's."""
    addresses: list[IPv4Address | IPv6Address] = []
    for host in hosts:
        try:
            addresses.append(ip_address(host.partition("%")[0]))
        except ValueError:
            addresses.append(IPv4Address("127.0.0.1"))
    if all(isinstance(address, IPv4Address) for address in addresses):
        return addresses
    return [a if isinstance(a, IPv6Address) else IPv6Address(f"::ffff:{a}") for a in addresses]


def ip_packet(source: IPv4Address | IPv6Address, destination: IPv4Address | IPv6Address, segment: bytes) -> bytes:
    """RFC 791 §3.1, RFC 8200 §3. `segment` is a TCP segment without its checksum."""
    ends = source.packed + destination.packed
    checksum = _checksum(ends + struct.pack(">HH", _IP_TCP, len(segment)) + segment)
    segment = segment[:16] + checksum.to_bytes(2) + segment[18:]
    if isinstance(source, IPv6Address):
        return struct.pack(">IHBB", 6 << 28, len(segment), _IP_TCP, 64) + ends + segment
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, _IP_TCP, 0) + ends
    return header[:10] + _checksum(header).to_bytes(2) + header[12:] + segment


def _checksum(octets: bytes) -> int:
    """RFC 1071: the sum of 16-bit words with end-around carry is the remainder by 65535."""
    total = int.from_bytes(octets + b"\0" * (len(octets) % 2)) % 0xFFFF
    return 0xFFFF - total


def packet_block(packet: bytes, now: float) -> bytes:
    """An Enhanced Packet Block; its time counts microseconds."""
    microseconds = int(now * 1_000_000)
    padding = -len(packet) % 4
    length = 32 + len(packet) + padding
    header = struct.pack(
        "<IIIIIII",
        _PACKET,
        length,
        0,
        microseconds >> 32 & 0xFFFFFFFF,
        microseconds & 0xFFFFFFFF,
        len(packet),
        len(packet),
    )
    return header + packet + b"\0" * padding + struct.pack("<I", length)


def is_block_type(number: int) -> bool:
    """Whether a recording holds blocks of this type."""
    return number in (_SECTION, _INTERFACE, _PACKET)
