"""Moves octets between a transport and a session, and has the session look at the clock.

How it works: PDUs to send are gathered and written once per turn of the loop, or as soon as 32 have come together, so
that both ends work at the same time. Of what is read a turn's worth is dealt with, the rest in the next ones; a peer
that does not read our answers is not read either. One coarse timer looks at the clock, and takes nothing for late that
may be among what was not read yet.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf
from typing import Final, cast

from smpp.session import Session, SessionConfig, Trace
from smpp.trace import trace_of

FLUSH_AT: Final = 32
"""PDUs that are written without waiting for the end of the turn: with one write a turn both ends take turns."""

_WRITE_BUFFER_HIGH: Final = 256 * 1024
"""Octets that wait to be written before we send no more requests."""

_READ_NO_MORE_AT: Final = 1024 * 1024
"""... and before we read no more: whoever asks without reading our answers waits."""

_TURN_OCTETS: Final = 16 * 1024
"""Octets of one connection that are dealt with in one turn of the loop: a peer that floods us leaves time to others.
A window of 100 submit_sm fits; at half of it a server spends a tenth more on each message."""

_LINGER_SECONDS: Final = 5.0
"""How long a closed connection may take to write what is left."""

_LONGEST_TICK_SECONDS: Final = 1.0
_MOST_TICKS_BEHIND: Final = 10


class Pump(asyncio.Protocol, ABC):
    """A session on a transport.

    Args:
        config: settings of the session.
        name: how logs name it.
        trace: called for every PDU both ways.

    Attributes:
        lost: done when the transport is gone.
        peer_address: host and port of the peer.
    """

    def __init__(self, config: SessionConfig, name: str, trace: Trace | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.name = name
        self.session = Session(config, self._loop.time(), trace_of(name, trace))
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.peer_address: tuple[str, int] = ("", 0)

        self._transport: asyncio.Transport | None = None
        self._flush_scheduled = False
        self._writing_paused = False
        self._stalled_at = 0.0
        self._reading_paused = False
        self._backlog = bytearray()
        self._backlog_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._tick_seconds = min(_LONGEST_TICK_SECONDS, config.shortest_timer_seconds / 4)
        self._tick_due = inf
        self._ticks_behind = 0

    @abstractmethod
    def _handle_events(self) -> None:
        """The session was given something: deal with what it makes of it."""

    @abstractmethod
    def _offer_room(self) -> None:
        """There may be room for requests again."""

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The link is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_HIGH)
        address = transport.get_extra_info("peername")
        if isinstance(address, tuple) and not self.peer_address[0]:
            self.peer_address = (str(address[0]), int(address[1]))
        self._tick()

    def eof_received(self) -> bool:
        """The peer will send nothing any more."""
        self._read_backlog_to_end()
        self.session.receive_eof()
        self._handle_events()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The link is gone."""
        self._transport = None
        self._read_backlog_to_end()
        self.session.receive_eof(f"the link broke: {exc}" if exc else "the peer closed the connection")
        self._handle_events()
        if self._timer is not None:
            self._timer.cancel()
        if not self.lost.done():
            self.lost.set_result(None)

    def wrap_transport(self, wrap: Callable[[asyncio.Transport], asyncio.Transport]) -> None:
        """Put something between us and the transport, such as what a simulator does to a link."""
        if self._transport is not None:
            self._transport = wrap(self._transport)

    def _hang_up(self) -> None:
        """Write what is left, then let the transport go."""
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            # A peer that does not read must not keep the socket.
            self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.abort)

    # Writing

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self._writing_paused = True
        self._stalled_at = self._loop.time()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._writing_paused = False
        self._adjust_reading()
        self._offer_room()

    def _flush_soon(self) -> None:
        if self.session.unsent_pdus >= FLUSH_AT:
            self._flush()
        elif not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush_scheduled_now)

    def _flush_scheduled_now(self) -> None:
        self._flush_scheduled = False
        self._flush()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return  # what was not handed out stays surely unsent
        data = self.session.data_to_send()
        if data:
            transport.write(data)
            if self._writing_paused:
                self._adjust_reading()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        if len(data) > _TURN_OCTETS or self._backlog:
            self._backlog += data
            if not self._backlog_scheduled:
                self._read_backlog()
            return
        self.session.receive_data(data, self._loop.time())
        self._handle_events()

    def _adjust_reading(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        may_read = self.session.wants_reading and not (
            self._writing_paused and transport.get_write_buffer_size() > _READ_NO_MORE_AT
        )
        if self._backlog and may_read and not self._backlog_scheduled:
            self._backlog_scheduled = True
            self._loop.call_soon(self._read_backlog)
        pause = not may_read or bool(self._backlog)
        if pause is not self._reading_paused:
            self._reading_paused = pause
            if pause:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def _read_backlog(self) -> None:
        """Deal with a turn's worth of what was read and had no place in the last one."""
        self._backlog_scheduled = False
        if self.session.wants_reading and not self.session.is_closed:
            octets = bytes(self._backlog[:_TURN_OCTETS])
            del self._backlog[:_TURN_OCTETS]
            self.session.receive_data(octets, self._loop.time())
            self._handle_events()

    def _read_backlog_to_end(self) -> None:
        """The peer sent it before it left: responses among it say what became of our requests."""
        if self._backlog:
            octets = bytes(self._backlog)
            self._backlog.clear()
            self.session.receive_data(octets, self._loop.time())
            self._handle_events()

    # The clock

    def _tick(self) -> None:
        now = self._loop.time()
        if now > self._tick_due + self._tick_seconds:
            # The loop stood still, and what came meanwhile is not read yet: responses may be among it.
            self.session.listen_first(now)
        # So with what was read and had no place in this turn; but somebody who floods us does not stop the clock.
        is_behind = bool(self._backlog) and self.session.wants_reading
        self._ticks_behind = self._ticks_behind + 1 if is_behind else 0
        stall = self.session.config.write_stall_seconds
        if self._writing_paused and stall and now - self._stalled_at >= stall:
            self.session.close(f"the peer has not read for {stall:g} s")
            if self._transport is not None:
                self._transport.abort()
        elif self.session.next_timer() <= now and not 0 < self._ticks_behind <= _MOST_TICKS_BEHIND:
            self.session.handle_timer(now)
        self._handle_events()
        if not self.session.is_closed:
            self._tick_due = self._loop.time() + self._tick_seconds
            self._timer = self._loop.call_at(self._tick_due, self._tick)
