"""One listening socket: takes connections, learns who is behind a proxy, does the TLS handshake, hands over.

How it works: each connection is a task until it is up. Whoever comes is asked for at the door by address before
anything is spent on a handshake. The listening socket can be given away, to another listener or another process, and
no connection that waits in its queue is lost.
"""

import asyncio
import errno
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from smpp.dispatch import Tasks
from smpp.log import log
from smpp.proxy_protocol import (
    FIRST_OCTETS,
    V1_END,
    V1_MAX_OCTETS,
    V1_WORD,
    V2_FIXED_OCTETS,
    V2_SIGNATURE,
    Address,
    ProxyError,
    length_v2,
    parse_v1,
    parse_v2,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Guest(Protocol):
    """Somebody who may come in."""

    def protocol(self) -> asyncio.Protocol:
        """What takes the connection; asked for once, when the handshake begins."""

    def abandoned(self) -> None:
        """The connection was not made after all."""


Admit = Callable[[Address], Guest | None]
"""Asked with the peer's address; None turns it away."""

_PEER_IS_GONE: Final = frozenset({errno.ECONNABORTED, errno.EINTR, errno.EAGAIN, errno.EPROTO})
_PAUSE_SECONDS: Final = 1.0
"""Without file descriptors or memory we wait for some."""
_TLS_SHUTDOWN_SECONDS: Final = 5.0


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks in CIDR notation.

    Raises:
        ValueError: one cannot be read.
    """
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_within(host: str, allowed: Sequence[Network]) -> bool:
    """Whether an address belongs to one of the networks; IPv4 within IPv6 counts as IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allowed)


async def listen(host: str, port: int, *, backlog: int, reuse_port: bool = False) -> list[socket.socket]:
    """Sockets that listen on every address of a host, all on one port.

    Raises:
        OSError: an address cannot be had.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            where = (address[0], port, *address[2:])
            sock = socket.create_server(where, family=family, backlog=backlog, reuse_port=reuse_port)
            port = sock.getsockname()[1]
            sockets.append(sock)
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


class Listener:
    """Takes connections from one listening socket.

    Args:
        sock: bound and listening.
        admit: decides on each connection.
        ssl_context: for TLS.
        proxies: connections from these networks begin with a PROXY header; nobody else's header is believed.
        handshake_seconds: for header and TLS handshake together.
    """

    def __init__(
        self,
        sock: socket.socket,
        admit: Admit,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxies: Sequence[Network] = (),
        handshake_seconds: float = 10.0,
    ) -> None:
        sock.setblocking(False)
        self.socket = sock
        host, port = sock.getsockname()[:2]
        self.address: Address = (str(host), int(port))
        """Where it listens."""
        self._admit = admit
        self._ssl_context = ssl_context
        self._proxies = proxies
        self._handshake_seconds = handshake_seconds
        self._handshakes = Tasks()
        self._accepting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take connections."""
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def stop(self, *, keep_socket: bool = False) -> None:
        """Take no more connections and give up handshakes.

        Args:
            keep_socket: leave the socket open and listening, for whoever goes on with it; handshakes are finished.
        """
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if not keep_socket:
            self.socket.close()
            await self._handshakes.cancel()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self.socket)
            except OSError as error:
                if error.errno not in _PEER_IS_GONE:
                    log.error("no connection can be taken", error=str(error))
                    await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._handshakes.start(self._welcome(connection, (str(address[0]), int(address[1]))))

    async def _welcome(self, connection: socket.socket, address: Address) -> None:
        """Bring one connection up, or close it."""
        try:
            async with asyncio.timeout(self._handshake_seconds or None):
                if self._proxies and is_within(address[0], self._proxies):
                    address = await read_proxy_header(lambda size: _read(connection, size)) or address
                guest = self._admit(address)
                if guest is None:
                    connection.close()
                else:
                    await self._connect(connection, guest)
        except (OSError, TimeoutError, ProxyError) as error:
            connection.close()
            log.info("connection not made", peer=address[0], error=str(error) or type(error).__name__)
        except BaseException:
            connection.close()
            raise

    async def _connect(self, connection: socket.socket, guest: Guest) -> None:
        tls = self._ssl_context
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                guest.protocol,
                connection,
                ssl=tls,
                ssl_handshake_timeout=(self._handshake_seconds or None) if tls else None,
                ssl_shutdown_timeout=_TLS_SHUTDOWN_SECONDS if tls else None,
            )
        except BaseException:
            guest.abandoned()
            raise

    def __repr__(self) -> str:
        return f"<Listener {self.address}{' TLS' if self._ssl_context else ''}>"


async def read_proxy_header(read: Callable[[int], Awaitable[bytes]]) -> Address | None:
    """Read a PROXY header and not one octet behind it.

    Args:
        read: gives exactly so many octets.

    Returns:
        The source, or None where the proxy speaks for itself.

    Raises:
        ProxyError: there is none.
    """
    first = await read(FIRST_OCTETS)
    if first == V2_SIGNATURE:
        fixed = first + await read(V2_FIXED_OCTETS - FIRST_OCTETS)
        length = length_v2(fixed)
        return parse_v2(fixed, await read(length) if length else b"")
    if not first.startswith(V1_WORD):
        raise ProxyError("no PROXY header")
    line = first
    while not line.endswith(V1_END):
        if len(line) >= V1_MAX_OCTETS:
            raise ProxyError("PROXY header: the line does not end")
        line += await read(1)
    return parse_v1(line)


async def _read(connection: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    octets = b""
    while len(octets) < size:
        more = await loop.sock_recv(connection, size - len(octets))
        if not more:
            raise ProxyError("the connection ended within its PROXY header")
        octets += more
    return octets


__all__ = ["Admit", "Guest", "Listener", "is_within", "listen", "networks", "read_proxy_header"]
