"""Headers of the PROXY protocol, and what is none."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.listener import is_within, networks, read_proxy_header
from smpp.proxy_protocol import (
    V2_SIGNATURE,
    Address,
    ProxyError,
    length_v2,
    parse_v1,
    parse_v2,
)

V2_TCP4 = V2_SIGNATURE + b"\x21\x11" + struct.pack(">H4s4sHH", 12, bytes((192, 0, 2, 7)), bytes(4), 40000, 2775)
V2_TCP6 = (
    V2_SIGNATURE
    + b"\x21\x21"
    + struct.pack(">H16s16sHH", 36, bytes.fromhex("20010db8") + bytes(11) + b"\x01", bytes(16), 1, 2)
)


def v2(command: int, family: int, rest: bytes = b"") -> bytes:
    return V2_SIGNATURE + bytes((0x20 | command, family)) + len(rest).to_bytes(2, "big") + rest


async def read(octets: bytes) -> tuple[Address | None, bytes]:
    """What a header says, and what is left behind it."""
    position = 0

    async def take(size: int) -> bytes:
        nonlocal position
        if position + size > len(octets):
            raise ProxyError("the end")
        position += size
        return octets[position - size : position]

    return await read_proxy_header(take), octets[position:]


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 2775\r\n", ("192.0.2.7", 40000)),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", ("2001:db8::1", 1)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        (V2_TCP4, ("192.0.2.7", 40000)),
        (V2_TCP6, ("2001:db8::1", 1)),
        (v2(0, 0), None),
        (v2(1, 0x31, b"x" * 216), None),
        (v2(1, 0x11, V2_TCP4[16:] + b"\x04\x00\x03abc"), ("192.0.2.7", 40000)),
    ],
)
async def test_header_is_read_and_nothing_behind_it(header: bytes, source: Address | None) -> None:
    assert await read(header + b"\x00\x00\x00\x10rest") == (source, b"\x00\x00\x00\x10rest")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01",
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.7\r\n" + b" " * 20,
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 70000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        b"PROXY TCP4 nonsense 198.51.100.1 1 2\r\n",
        b"PROXY TCP9 192.0.2.7 198.51.100.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n" + b"x" * 200,
        b"PROXY " + b"x" * 300,
        b"PROXY TCP4 \xff.0.2.7 198.51.100.1 1 2\r\n",
        v2(2, 0x11, V2_TCP4[16:]),
        v2(1, 0x11, b"short"),
        V2_SIGNATURE + b"\x31\x11\x00\x00",
        V2_SIGNATURE + b"\x21\x11\xff\xff" + bytes(0xFFFF),
    ],
)
async def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(ProxyError):
        await read(octets)


@given(st.binary(max_size=120), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2_SIGNATURE]))
def test_any_octets_are_a_header_or_a_proxy_error(octets: bytes, begin: bytes) -> None:
    for parse in (
        lambda: parse_v1(begin + octets),
        lambda: parse_v1(begin + octets + b"\r\n"),
        lambda: parse_v2((V2_SIGNATURE + octets + bytes(16))[:16], octets),
        lambda: length_v2(octets[:16]),
    ):
        with suppress(ProxyError):
            parse()


@pytest.mark.parametrize(
    ("host", "allowed", "is_in"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8", "11.1.2.3"), True),
        ("12.1.2.3", ("10.0.0.0/8",), False),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("fe80::1%eth0", ("fe80::/10",), True),
        ("10.1.2.3", ("::/0",), False),
        ("", ("0.0.0.0/0",), False),
        ("host.example.net", ("0.0.0.0/0",), False),
    ],
)
def test_addresses_are_looked_up_in_networks(host: str, allowed: tuple[str, ...], is_in: bool) -> None:
    assert is_within(host, networks(allowed)) is is_in


def test_networks_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="host bits set"):
        networks(["10.0.0.1/8"])
