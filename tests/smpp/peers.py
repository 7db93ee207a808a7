"""A peer that a test plays octet by octet over loopback."""

import asyncio
import ssl
from types import TracebackType
from typing import Any, Self

from smpp.constants import HEADER_LENGTH
from smpp.wire import Pdu, decode, encode
from smpp.wire.pdu import BindTransceiver, Request

_SECONDS = 5.0


class RawPeer:
    """One TCP connection; use it as ``async with RawPeer(port) as peer``."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, name: str | None = None) -> None:
        self._port = port
        self._tls = tls
        self._name = name
        self.sequence_number = 0

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._tls, server_hostname=self._name
        )
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)

    def send(self, *pdus: Any) -> None:
        """Octets, or what `encode` takes."""
        self.writer.write(b"".join(pdu if isinstance(pdu, bytes) else encode(*pdu) for pdu in pdus))

    async def read(self) -> Pdu:
        """The next PDU."""
        async with asyncio.timeout(_SECONDS):
            header = await self.reader.readexactly(HEADER_LENGTH)
            return decode(header + await self.reader.readexactly(int.from_bytes(header[:4], "big") - HEADER_LENGTH))

    async def read_to_end(self) -> bytes:
        """Everything until the other side closes."""
        async with asyncio.timeout(_SECONDS):
            try:
                return await self.reader.read(-1)
            except ConnectionResetError:
                return b""

    async def ask(self, message: Request) -> Pdu:
        """Send a request and read the next PDU."""
        self.sequence_number += 1
        self.send((message, self.sequence_number))
        return await self.read()

    async def bind(self, system_id: str = "demo", password: str = "secret") -> int:  # noqa: S107
        """Bind as a transceiver; gives the status."""
        return (await self.ask(BindTransceiver(system_id, password))).command_status


class PlayedServer:
    """A listening socket whose connections a test plays; use it as ``async with PlayedServer() as server``."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._peers: asyncio.Queue[RawPeer] = asyncio.Queue()
        self._all: list[RawPeer] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for peer in self._all:
            peer.writer.transport.abort()
        await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = RawPeer(0)
        peer.reader, peer.writer = reader, writer
        self._all.append(peer)
        self._peers.put_nowait(peer)

    async def accept(self) -> RawPeer:
        """The next connection."""
        async with asyncio.timeout(_SECONDS):
            return await self._peers.get()

    async def accept_bind(self, status: int = 0, behind: bytes = b"") -> RawPeer:
        """The next connection, its bind answered; with octets right behind the response."""
        peer = await self.accept()
        request = await peer.read()
        assert isinstance(request.message, Request)
        assert request.message.response_type is not None
        body = () if status else ("SMSC",)
        peer.send((request.message.response_type(*body), request.sequence_number, status), behind)
        return peer
