"""smpp.recording.packets: IP packets and the blocks of a pcapng file."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from smpp.recording.packets import ip_packet, packet_block, same_family


def _sum_of_words(octets: bytes) -> int:
    """RFC 1071 in the plain way: 0xFFFF where a checksum within is right."""
    octets += b"\0" * (len(octets) % 2)
    total = int(sum(struct.unpack(f">{len(octets) // 2}H", octets)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


_segments = st.binary(max_size=80).map(lambda payload: bytes(12) + b"\x50\x18\xff\xff" + bytes(4) + payload)


@given(_segments)
def test_ipv4_packets_have_right_lengths_and_checksums(segment: bytes) -> None:
    source, destination = same_family("192.0.2.1", "198.51.100.7")
    packet = ip_packet(source, destination, segment)
    assert packet[0] == 0x45
    assert int.from_bytes(packet[2:4]) == len(packet)
    assert packet[12:20] == bytes((192, 0, 2, 1, 198, 51, 100, 7))
    assert _sum_of_words(packet[:20]) == 0xFFFF
    assert _sum_of_words(packet[12:20] + struct.pack(">HH", 6, len(segment)) + packet[20:]) == 0xFFFF


@given(_segments)
def test_ipv6_packets_have_right_lengths_and_checksums(segment: bytes) -> None:
    source, destination = same_family("2001:db8::1", "::1")
    packet = ip_packet(source, destination, segment)
    assert packet[0] >> 4 == 6
    assert int.from_bytes(packet[4:6]) == len(packet) - 40
    assert _sum_of_words(packet[8:40] + struct.pack(">HH", 6, len(segment)) + packet[40:]) == 0xFFFF


def test_addresses_of_two_kinds_become_one_kind() -> None:
    assert [str(address) for address in same_family("127.0.0.1", "::1")] == ["::ffff:7f00:1", "::1"]
    assert [str(address) for address in same_family("fe80::1%eth0", "::1")] == ["fe80::1", "::1"]


def test_what_is_no_address_becomes_the_loopback() -> None:
    assert [str(address) for address in same_family("", "/run/socket")] == ["127.0.0.1", "127.0.0.1"]


def test_a_block_is_padded_and_counts_microseconds() -> None:
    block = packet_block(b"12345", 1_700_000_000.25)
    moment = 1_700_000_000_250_000
    assert block == (
        struct.pack("<IIIIIII", 6, 40, 0, moment >> 32, moment & 0xFFFFFFFF, 5, 5) + b"12345\0\0\0" + b"\x28\0\0\0"
    )
