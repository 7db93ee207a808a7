"""A ceiling: framing, matching by sequence_number, a window, one write a turn; bodies are made once and never read."""

import asyncio
import json
import struct
import sys
from typing import cast

import smpp
from bench.peers.smppkit_peer import make_submit
from bench.work import Load, Meter, use_loop

_header = struct.Struct(">IIII")
_SUBMIT, _SUBMIT_RESP, _BIND_RESP, _UNBIND_RESP = 0x4, 0x80000004, 0x80000009, 0x80000006


class Frames(asyncio.Protocol):
    """Cuts what it reads into frames."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._rest = b""
        self.out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        data = self._rest + data
        position, end = 0, len(data)
        while position + 16 <= end:
            length, command_id, _, number = _header.unpack_from(data, position)
            if position + length > end:
                break
            self.frame(command_id, number)
            position += length
        self._rest = data[position:]
        self.flush()

    def frame(self, command_id: int, number: int) -> None:
        """One frame."""

    def flush(self) -> None:
        """Write what has come together."""
        if self.out:
            self.transport.write(b"".join(self.out))
            self.out.clear()


class Client(Frames):
    """Keeps a window full."""

    def __init__(self, load: Load, done: "asyncio.Future[None]") -> None:
        super().__init__()
        self._load = load
        self._done = done
        self._body = smpp.encode(make_submit(), 1)[16:]
        self._pending: dict[int, int] = {}
        self._number = self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bind."""
        super().connection_made(transport)
        self.transport.write(smpp.encode(smpp.BindTransceiver("demo", "secret"), 1))

    def frame(self, command_id: int, number: int) -> None:
        """An answer: there is room for one more."""
        if command_id == _BIND_RESP:
            self._meter = Meter()
            for _ in range(min(self._load.window, self._load.count)):
                self._submit()
        elif command_id == _SUBMIT_RESP:
            del self._pending[number]
            self._answered += 1
            if self._number < self._load.count:
                self._submit()
            elif self._answered == self._load.count:
                self._meter.report(self._load.count)
                self._done.set_result(None)

    def _submit(self) -> None:
        self._number = number = self._number + 1
        self._pending[number] = number
        self.out.append(_header.pack(16 + len(self._body), _SUBMIT, 0, number) + self._body)
        if len(self.out) >= 32:
            self.flush()


class Server(Frames):
    """Answers every request with the same body."""

    def frame(self, command_id: int, number: int) -> None:
        """A request."""
        if command_id == _SUBMIT:
            self.out.append(_header.pack(25, _SUBMIT_RESP, 0, number) + b"17a9c0de\0")
        else:
            self.out.append(_header.pack(21, 0x80000000 | command_id, 0, number) + b"SMSC\0")
        if len(self.out) >= 32:
            self.flush()


async def client(load: Load) -> None:
    """Do the work of one bind."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    await loop.create_connection(lambda: Client(load, done), "127.0.0.1", load.port)
    await done


async def server() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(Server, "127.0.0.1", 0)
    print(json.dumps({"port": listener.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    use_loop()
    asyncio.run(client(Load.from_arguments()) if sys.argv[1] == "client" else server())
