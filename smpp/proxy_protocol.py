"""The PROXY protocol, versions 1 and 2: who is really there behind a load balancer. Pure; octets come in.

https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
"""

import ipaddress
import struct
from typing import Final

from smpp.errors import DecodeError

Address = tuple[str, int]
"""Host and port."""

FIRST_OCTETS: Final = 12
"""Enough to tell the versions apart, and fewer than any header has."""

V1_WORD: Final = b"PROXY "
V1_MAX_OCTETS: Final = 107
V1_END: Final = b"\r\n"

V2_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
V2_FIXED_OCTETS: Final = 16
V2_MAX_OCTETS: Final = 4096
"""Addresses and TLVs behind the fixed part; the standard allows 64 KiB, nobody sends a tenth of it."""

_V2_VERSION: Final = 0x20
_V2_LOCAL: Final = 0
_V2_PROXY: Final = 1
_V2_TCP4: Final = 0x11
_V2_TCP6: Final = 0x21
_TCP4_ADDRESSES: Final = struct.Struct(">4s4sHH")
_TCP6_ADDRESSES: Final = struct.Struct(">16s16sHH")
_MAX_PORT: Final = 0xFFFF


class ProxyError(DecodeError):
    """No PROXY header where there has to be one, or one that cannot be read."""


def parse_v1(line: bytes) -> Address | None:
    """Read a header of version 1.

    Args:
        line: the whole line, its end included.

    Returns:
        The source, or None where the proxy does not know it.

    Raises:
        ProxyError: it cannot be read.
    """
    if not line.startswith(V1_WORD) or not line.endswith(V1_END) or len(line) > V1_MAX_OCTETS:
        raise ProxyError("no PROXY header")
    words = line[: -len(V1_END)].split(b" ")
    if words[1] == b"UNKNOWN":
        return None
    versions = {b"TCP4": 4, b"TCP6": 6}
    if len(words) != 6 or words[1] not in versions:
        raise ProxyError("PROXY header: expected TCP4 or TCP6 with two addresses and two ports")
    try:
        source, _ = (ipaddress.ip_address(word.decode("ascii")) for word in words[2:4])
        ports = [int(word) for word in words[4:] if word.isdigit()]
    except ValueError:
        raise ProxyError("PROXY header: an address cannot be read") from None
    if source.version != versions[words[1]] or len(ports) != 2 or max(ports) > _MAX_PORT:
        raise ProxyError("PROXY header: addresses and ports do not fit")
    return str(source), ports[0]


def length_v2(fixed: bytes) -> int:
    """How many octets follow the fixed part of version 2.

    Raises:
        ProxyError: it is none, or more octets than we take.
    """
    if len(fixed) != V2_FIXED_OCTETS or not fixed.startswith(V2_SIGNATURE) or fixed[12] & 0xF0 != _V2_VERSION:
        raise ProxyError("no PROXY header of version 2")
    length = int.from_bytes(fixed[14:16], "big")
    if length > V2_MAX_OCTETS:
        raise ProxyError(f"PROXY header: {length} octets are more than {V2_MAX_OCTETS}")
    return length


def parse_v2(fixed: bytes, rest: bytes) -> Address | None:
    """Read a header of version 2.

    Args:
        fixed: its first 16 octets.
        rest: the `length_v2` octets behind them; TLVs at their end are ignored.

    Returns:
        The source, or None where the connection is the proxy's own (a health check) or of no kind we know.

    Raises:
        ProxyError: it cannot be read.
    """
    command, family = fixed[12] & 0x0F, fixed[13]
    if command == _V2_LOCAL:
        return None
    if command != _V2_PROXY:
        raise ProxyError(f"PROXY header: unknown command {command}")
    addresses = {_V2_TCP4: _TCP4_ADDRESSES, _V2_TCP6: _TCP6_ADDRESSES}.get(family)
    if addresses is None:
        return None
    if len(rest) < addresses.size:
        raise ProxyError("PROXY header: it ends within its addresses")
    source, _, port, _ = addresses.unpack_from(rest)
    return str(ipaddress.ip_address(source)), int(port)
