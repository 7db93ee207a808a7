"""Between a transport and its protocol: hands on everything, and shows it to a recording."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from smpp.recording.stream import RecordedStream

OpenStream = Callable[[tuple[str, int], tuple[str, int], float], RecordedStream]
"""client, server, now."""

_UNKNOWN_ADDRESS: Final = ("127.0.0.1", 0)


class Tap(asyncio.Protocol):
    """Between a transport and its protocol."""

    def __init__(self, protocol: asyncio.Protocol, open_stream: OpenStream, *, is_server: bool) -> None:
        self._protocol = protocol
        self._open_stream = open_stream
        self._is_server = is_server
        self._stream: RecordedStream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        local, peer = _address(transport, "sockname"), _address(transport, "peername")
        ends = (peer, local) if self._is_server else (local, peer)
        self._stream = stream = self._open_stream(*ends, time.time())
        sent = stream.from_server if self._is_server else stream.from_client
        self._received = stream.from_client if self._is_server else stream.from_server
        self._protocol.connection_made(cast(asyncio.Transport, _TappedTransport(transport, sent)))

    def data_received(self, data: bytes) -> None:
        self._received(data, time.time())
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        if self._stream is not None:
            self._stream.close(time.time())


class _TappedTransport:
    """A transport whose writes are recorded; all else is that of the true one."""

    def __init__(self, transport: asyncio.BaseTransport, sent: Callable[[bytes, float], None]) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._sent(bytes(data), time.time())
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int]:
    address = transport.get_extra_info(name)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else _UNKNOWN_ADDRESS
