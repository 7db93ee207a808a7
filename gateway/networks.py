"""Which addresses a callback may go to.

A callback's address comes from a customer, so it must not be a way into the operator's own network: only globally
routable addresses are called, wherever the name leads and whatever way the address is written. The operator alone makes
exemptions.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import InvalidMessage

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_MAX_LENGTH: Final = 2048

_NAT64: Final = ip_network("64:ff9b::/96")
_NAT64_LOCAL: Final = ip_network("64:ff9b:1::/48")
_SIX_TO_FOUR: Final = ip_network("2002::/16")
_TEREDO: Final = ip_network("2001::/32")
_IPV4_COMPATIBLE: Final = ip_network("::/96")
_SITE_LOCAL: Final = ip_network("fec0::/10")

_REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; is_global knows it, listed all the same
        "168.63.129.16/32",  # Azure's host agent: globally routable on paper only
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
    )
)


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """CIDR strings as networks.

    Raises:
        ValueError: one of them is no network.
    """
    return tuple(ip_network(text) for text in texts)


def is_allowed(address: Address, exempt: Sequence[Network] = ()) -> bool:
    """Whether a callback may go there: globally routable unicast, or exempted by the operator."""
    if any(address in network for network in exempt):
        return True
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_allowed(inner, exempt)
        if address.scope_id is not None or address in _NAT64_LOCAL or address in _TEREDO or address in _SITE_LOCAL:
            return False
    if any(address in network for network in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address really leads to: mapped, NAT64, 6to4, compatible."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if address in _IPV4_COMPATIBLE and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def check_url(url: str, exempt: Sequence[Network] = (), *, field: str = "callback_url") -> None:
    """Refuse at once what no callback may ever go to; the name's addresses are checked again at every call.

    Raises:
        InvalidMessage: ``invalid_callback_url``.
    """
    _check_url(url, tuple(exempt), field)


@lru_cache(maxsize=4_096)
def _check_url(url: str, exempt: tuple[Network, ...], field: str) -> None:
    """The same address is called again and again: what passed once need not be taken apart a second time."""
    try:
        if len(url) > URL_MAX_LENGTH or not url.isprintable() or " " in url or "\\" in url:
            raise ValueError("not a URL")
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refuse("not a URL", field) from None
    if parts.scheme not in ("http", "https"):
        raise _refuse("the scheme must be http or https", field)
    if parts.username is not None or parts.password is not None:
        raise _refuse("user names and passwords are not allowed in it", field)
    if not host or port == 0:
        raise _refuse("it names no host", field)
    address = literal_address(host)
    if address is not None and not is_allowed(address, exempt):
        raise _refuse("the address is not a public one", field)
    if host.rstrip(".").lower().endswith("localhost") and not _exempts_loopback(exempt):
        raise _refuse("the address is not a public one", field)


def literal_address(host: str) -> Address | None:
    """The address a host says literally; also in the old forms (`127.1`, `0x7f000001`) that resolvers still take."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    pieces = host.rstrip(".").split(".")
    if len(pieces) > 4:
        return None
    try:
        numbers = [_old_number(piece) for piece in pieces]
        value = numbers[-1]
        for at, number in enumerate(numbers[:-1]):
            if number > 255:
                return None
            value += number << (24 - 8 * at)
        return IPv4Address(value)
    except ValueError:
        return None


def _old_number(text: str) -> int:
    if text[:2].lower() == "0x":
        return int(text[2:] or "0", 16)
    if not text.isdecimal() or not text.isascii():
        raise ValueError(text)
    return int(text, 8) if text[0] == "0" else int(text)


def _exempts_loopback(exempt: Sequence[Network]) -> bool:
    return any(IPv4Address("127.0.0.1") in network or IPv6Address("::1") in network for network in exempt)


def _refuse(reason: str, field: str) -> InvalidMessage:
    return InvalidMessage("invalid_callback_url", f"this callback address cannot be used: {reason}", field)
