"""Transports without sockets, and what a test needs round a connection."""

import asyncio
from typing import Any

from smpp.connection import Connection
from smpp.constants import BindMode, Role
from smpp.session import (
    BindRequested,
    OutbindReceived,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    SessionState,
    StateChanged,
    Trace,
)
from smpp.wire import FrameReader, Pdu, decode, encode
from smpp.wire.pdu import Bind, BindResp, BindTransceiver


class FakeTransport(asyncio.Transport):
    """Keeps what is written; a test says how much of it the peer has not read."""

    def __init__(self, protocol: asyncio.Protocol, peer: tuple[str, int] = ("192.0.2.7", 40_000)) -> None:
        super().__init__({"peername": peer})
        self.protocol = protocol
        self.written = bytearray()
        self.writes = 0
        self.reads = asyncio.Event()
        self.reads.set()
        self.unread_octets = 0
        self.was_aborted = False
        self._closing = False

    def is_reading(self) -> bool:
        return self.reads.is_set()

    def write(self, data: Any) -> None:
        assert not self._closing
        self.written += data
        self.writes += 1

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self.unread_octets:
                asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.was_aborted = True
        was_lost = self._closing and not self.unread_octets
        self._closing, self.unread_octets = True, 0
        if not was_lost:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        assert self.is_reading()
        self.reads.clear()

    def resume_reading(self) -> None:
        assert not self.is_reading()
        self.reads.set()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return self.unread_octets

    def taken(self) -> list[Pdu]:
        """What was written since the last call, decoded."""
        reader = FrameReader(1 << 32)
        reader.feed(bytes(self.written))
        pdus = []
        while (frame := reader.next()) is not None:
            pdus.append(decode(bytes(self.written[frame[3] - 16 : frame[4]])))
        self.written.clear()
        return pdus


class Recorder:
    """An owner that notes what it is told (smpp.connection.Owner)."""

    def __init__(self) -> None:
        self.requests: list[RequestReceived] = []
        self.binds: list[BindRequested] = []
        self.outbinds: list[OutbindReceived] = []
        self.states: list[SessionState] = []
        self.rooms = 0
        self.closed: list[str] = []

    def request_received(self, event: RequestReceived) -> None:
        self.requests.append(event)

    def bind_requested(self, event: BindRequested) -> None:
        self.binds.append(event)

    def outbind_received(self, event: OutbindReceived) -> None:
        self.outbinds.append(event)

    def state_changed(self, event: StateChanged) -> None:
        self.states.append(event.new)

    def room_changed(self) -> None:
        self.rooms += 1

    def connection_closed(self, reason: str) -> None:
        self.closed.append(reason)


class Wired:
    """A connection on a fake transport, with its owner."""

    def __init__(self, owner: Any = None, trace: Trace | None = None, **settings: Any) -> None:
        settings.setdefault("enquire_link_seconds", 0.0)
        settings.setdefault("role", Role.ESME)
        self.owner: Any = Recorder() if owner is None else owner
        self.connection = Connection(SessionConfig(**settings), "test", self.owner, trace)
        self.transport = FakeTransport(self.connection)
        self.connection.connection_made(self.transport)

    def feed(self, *pdus: Any) -> None:
        """What the peer sends: octets, or what `encode` takes."""
        self.connection.data_received(b"".join(pdu if isinstance(pdu, bytes) else encode(*pdu) for pdu in pdus))

    async def bind(self, mode: BindMode = BindMode.TRANSCEIVER) -> "Wired":
        """Be bound, as an ESME by the test's SMSC or the other way round."""
        session = self.connection.session
        if session.config.role is Role.ESME:
            bound: asyncio.Future[ResponseReceived] = asyncio.get_running_loop().create_future()

            def ask(session: Session, now: float) -> None:
                session.bind(mode, now=now, system_id="demo", context=bound)

            self.connection.act(ask)
            await turn()
            (request,) = self.transport.taken()
            assert isinstance(request.message, Bind)
            response_type = request.message.response_type
            assert response_type is not None
            assert issubclass(response_type, BindResp)
            self.feed((response_type("SMSC"), request.sequence_number))
            await bound
        else:
            self.feed((BindTransceiver("demo"), 1))
            self.connection.act(lambda it, now: it.accept_bind("SMSC", now))
            await turn()
        self.transport.taken()
        return self


async def turn(count: int = 3) -> None:
    """Let the loop run what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)
