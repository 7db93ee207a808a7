"""The only bridge between a session and the event loop: an `asyncio.Protocol` round one `Session`.

How it works: everything received in one read is handled in one pass; PDUs to send are gathered and written once per
turn of the loop, or as soon as 32 have come together, so that both ends work at the same time. A request is one
future; places in the window are handed out in the order they were asked for. One coarse timer looks at the clock.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, cast

from smpp.errors import StateError
from smpp.log import log
from smpp.session import (
    BindRequested,
    Closed,
    Event,
    Notice,
    NoticeKind,
    OutbindReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    StateChanged,
)
from smpp.session.session import Trace
from smpp.wire.pdu import Request, Response

_FLUSH_AT: Final = 32
"""PDUs that are written without waiting for the end of the turn: with one write a turn both ends take turns."""

_WRITE_BUFFER_HIGH: Final = 256 * 1024
_LONGEST_TICK_SECONDS: Final = 1.0
_LINGER_SECONDS: Final = 5.0
"""How long the last octets may wait for a peer that does not read, once the session is over."""


class Completion(Protocol):
    """Where the end of a request goes; an `asyncio.Future` is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, result: ResponseReceived, /) -> None:
        """The peer answered."""

    def set_exception(self, exception: BaseException, /) -> None:
        """No response will come."""


class Owner(Protocol):
    """Who gets what a connection receives: the client's or the server's side of it."""

    def request_received(self, event: RequestReceived) -> None:
        """The peer asks for something."""

    def bind_requested(self, event: BindRequested) -> None:
        """An ESME wants to bind."""

    def outbind_received(self, event: OutbindReceived) -> None:
        """An SMSC asks us to bind."""

    def state_changed(self, event: StateChanged) -> None:
        """The session moved on."""

    def room_changed(self) -> None:
        """There may be room in the window again."""

    def connection_closed(self, reason: str) -> None:
        """It is over; every request has had its end."""


class Connection(asyncio.Protocol):
    """One connection to a peer.

    Args:
        config: settings of the session.
        name: how logs name it, such as ``smpp1:2775#0``.
        owner: gets what is received.
        trace: called for every PDU both ways.
    """

    def __init__(self, config: SessionConfig, name: str, owner: Owner, trace: Trace | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.name = name
        self.session = Session(config, self._loop.time(), trace)
        self.closed: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection is over; its result is the reason."""
        self.notices: dict[NoticeKind, int] = {}
        self.reserved = 0
        """Places of the window that were handed out and not used yet."""

        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._flush_scheduled = False
        self._writing_paused = False
        self._stalled_at = 0.0
        self._reading_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._tick_seconds = min(_LONGEST_TICK_SECONDS, config.shortest_timer_seconds / 4)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The link is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_HIGH)
        self._tick()

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self.session.receive_data(data, self._loop.time())
        self._handle_events()

    def eof_received(self) -> bool:
        """The peer will send nothing any more."""
        self.session.receive_eof()
        self._handle_events()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The link is gone."""
        self._transport = None
        self.session.receive_eof(f"the link broke: {exc}" if exc else "the peer closed the connection")
        self._handle_events()

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self._writing_paused = True
        self._stalled_at = self._loop.time()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._writing_paused = False
        self._wake_waiters()
        self._owner.room_changed()

    def wrap_transport(self, wrap: Callable[[asyncio.Transport], asyncio.Transport]) -> None:
        """Put something between us and the transport, such as what a simulator does to a link."""
        if self._transport is not None:
            self._transport = wrap(self._transport)

    # Requests

    @property
    def free_window(self) -> int:
        """How many more requests may be sent now, by those who hold no place yet."""
        return 0 if self._writing_paused else max(0, self.session.free_window - self.reserved)

    @property
    def peer_address(self) -> tuple[str, int]:
        """Host and port of the peer."""
        address = self._transport.get_extra_info("peername") if self._transport else None
        return (str(address[0]), int(address[1])) if address else ("", 0)

    def send(self, message: Request, completion: Completion | None = None, *, reserved: bool = False) -> Completion:
        """Send a request.

        Args:
            message: what to send.
            completion: where its end goes; default: a new future.
            reserved: whether it uses a place that `reserve` gave.

        Returns:
            The completion. A future's result is the ResponseReceived, its exception a RequestLost.

        Raises:
            WindowFull: no place is free.
            StateError: the session does not allow it now.
            EncodeError: the message holds what the specification forbids.
        """
        if completion is None:
            completion = self._loop.create_future()
        if reserved:
            self.release()
        self.session.send_request(message, self._loop.time(), completion)
        self._flush_soon()
        return completion

    async def request(self, message: Request) -> ResponseReceived:
        """Send a request when the window has room, and wait for its response.

        Raises:
            NotSent: the link was lost before it left.
            InDoubt: the link was lost, or no response came in time.
            StateError: the session does not allow it.
        """
        if self.free_window:
            completion = self.send(message)
        else:
            await self.reserve()
            completion = self.send(message, reserved=True)
        return await cast("asyncio.Future[ResponseReceived]", completion)

    async def reserve(self) -> None:
        """Wait for a place in the window and keep it until `send(..., reserved=True)` or `release`.

        Raises:
            StateError: the session does not allow requests, or ended while we waited.
        """
        if not self.session.can_send:
            raise StateError(f"{self.name} is {self.session.state.value}: nothing can be sent")
        if self.free_window and not self._waiters:
            self.reserved += 1
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release()
                self._wake_waiters()
            raise

    def try_reserve(self) -> bool:
        """Take a place in the window if one is free now."""
        if self._waiters or not self.free_window:
            return False
        self.reserved += 1
        return True

    def release(self) -> None:
        """Give back a place that `reserve` gave."""
        self.reserved -= 1

    def respond(self, message: Response, sequence_number: int, command_status: int = 0) -> None:
        """Answer a request of the peer."""
        self.session.send_response(message, sequence_number, command_status)
        if self.session.is_unbinding:
            self._handle_events()
        if self._reading_paused:
            self._adjust_reading()
        self._flush_soon()

    def act(self, action: Callable[[Session, float], None]) -> None:
        """Do something with the session (bind, accept_bind, unbind, close), then deal with what it causes."""
        action(self.session, self._loop.time())
        self._handle_events()

    async def unbind(self) -> None:
        """End the session in order and wait until the connection is closed. §4.2."""
        self.act(lambda session, now: session.unbind(now))
        await asyncio.shield(self.closed)

    def close(self, reason: str) -> None:
        """End the session now; what is written already still goes out."""
        self.act(lambda session, _: session.close(reason))

    def abort(self, reason: str) -> None:
        """End the session now, and leave nothing behind, whether the peer reads or not."""
        transport = self._transport
        self.close(reason)
        if transport is not None:
            transport.abort()

    # Inside

    def _handle_events(self) -> None:
        session = self.session
        ended = False
        events = session.take_events()
        while events:
            for event in events:
                if type(event) is ResponseReceived:
                    ended = True
                    completion = event.context
                    if not completion.done():
                        completion.set_result(event)
                elif type(event) is RequestReceived:
                    self._owner.request_received(event)
                else:
                    ended = ended or type(event) is RequestFailed
                    self._handle_rare(event)
            events = session.take_events()
        if ended or self._waiters:
            self._wake_waiters()
            self._owner.room_changed()
        self._adjust_reading()
        if session.unsent_pdus:
            self._flush_soon()

    def _handle_rare(self, event: Event) -> None:
        match event:
            case RequestFailed(context, error):
                if not context.done():
                    context.set_exception(error)
            case BindRequested():
                self._owner.bind_requested(event)
            case OutbindReceived():
                self._owner.outbind_received(event)
            case StateChanged(old, new):
                log.debug("= state", connection=self.name, old=old.value, new=new.value)
                self._owner.state_changed(event)
                self._wake_waiters()
            case Notice(kind, text):
                self.notices[kind] = self.notices.get(kind, 0) + 1
                log.warning(text, connection=self.name, kind=kind.value)
            case Closed(reason):
                self._end(reason)

    def _end(self, reason: str) -> None:
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size():
                self._loop.call_later(_LINGER_SECONDS, self._transport.abort)
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(StateError(f"{self.name}: {reason}"))
        if not self.closed.done():
            self.closed.set_result(reason)
            log.info("= closed", connection=self.name, reason=reason)
            self._owner.connection_closed(reason)

    def _wake_waiters(self) -> None:
        while self._waiters and (self.free_window or not self.session.can_send):
            waiter = self._waiters.popleft()
            if waiter.done():
                continue
            if not self.session.can_send:
                waiter.set_exception(StateError(f"{self.name} is {self.session.state.value}: nothing can be sent"))
                continue
            self.reserved += 1
            waiter.set_result(None)

    def _flush_soon(self) -> None:
        if self.session.unsent_pdus >= _FLUSH_AT:
            self._flush()
        elif not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush_scheduled_now)

    def _flush_scheduled_now(self) -> None:
        self._flush_scheduled = False
        self._flush()

    def _flush(self) -> None:
        data = self.session.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _adjust_reading(self) -> None:
        session = self.session
        full = session.reading_paused or session.answering >= session.config.inbound_window
        if full is self._reading_paused or self._transport is None or self._transport.is_closing():
            return
        self._reading_paused = full
        if full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _tick(self) -> None:
        now = self._loop.time()
        stall = self.session.config.write_stall_seconds
        if self._writing_paused and stall and now - self._stalled_at >= stall:
            self.session.close(f"the peer has not read for {stall:g} s")
            if self._transport is not None:
                self._transport.abort()
        elif self.session.next_timer() <= now:
            self.session.handle_timer(now)
        self._handle_events()
        if not self.session.is_closed:
            self._timer = self._loop.call_later(self._tick_seconds, self._tick)

    def __repr__(self) -> str:
        return f"<Connection {self.name} {self.session!r}>"
