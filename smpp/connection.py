"""The only bridge between a session and the event loop: an `asyncio.Protocol` round one `Session`.

How it works: everything received in one read is handled in one pass; PDUs to send are gathered and written once per
turn of the loop, or as soon as 32 have come together, so that both ends work at the same time. A request is one
future; places in the window are handed out in the order they were asked for. One coarse timer looks at the clock.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final, cast

from smpp.errors import NotSent, StateError, WindowFull
from smpp.log import is_worth_a_line, log
from smpp.owner import Completion, Owner
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
    Trace,
)
from smpp.session.state import CONTROL
from smpp.trace import trace_of
from smpp.wire.pdu import Request, Response

_FLUSH_AT: Final = 32
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

_NOTICES_IN_FULL: Final = 10
"""Notices of a kind that are all logged; of more only each power of two, so that no peer fills a disk. Of who has not
bound only the first is."""


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
        self.session = Session(config, self._loop.time(), trace_of(name, trace))
        self.closed: asyncio.Future[str] = self._loop.create_future()
        """Done when the session is over; its result is the reason."""
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the transport is gone as well."""
        self.notices: dict[NoticeKind, int] = {}
        self.reserved = 0
        """Places of the window that were handed out and not used yet."""
        self.peer_address: tuple[str, int] = ("", 0)
        """Host and port of the peer."""

        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._handling = False
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

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The link is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_HIGH)
        address = transport.get_extra_info("peername")
        if isinstance(address, tuple) and not self.peer_address[0]:
            self.peer_address = (str(address[0]), int(address[1]))
        self._tick()

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        if len(data) > _TURN_OCTETS or self._backlog:
            self._backlog += data
            if not self._backlog_scheduled:
                self._read_backlog()
            return
        self.session.receive_data(data, self._loop.time())
        self._handle_events()

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

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self._writing_paused = True
        self._stalled_at = self._loop.time()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._writing_paused = False
        self._adjust_reading()
        self._offer_room()

    def wrap_transport(self, wrap: Callable[[asyncio.Transport], asyncio.Transport]) -> None:
        """Put something between us and the transport, such as what a simulator does to a link."""
        if self._transport is not None:
            self._transport = wrap(self._transport)

    # Requests

    @property
    def free_window(self) -> int:
        """How many more requests may be sent now, by those who hold no place yet."""
        if self._writing_paused:
            return 0
        free = self.session.free_window - self.reserved
        return free if free > 0 else 0

    def send(self, message: Request, completion: Completion | None = None, *, reserved: bool = False) -> Completion:
        """Send a request.

        Args:
            message: what to send.
            completion: where its end goes; default: a new future.
            reserved: whether it uses a place that `reserve` gave; the place is used up even where this raises.

        Returns:
            The completion. A future's result is the ResponseReceived, its exception a RequestLost.

        Raises:
            WindowFull: no place is free, or the peer does not read what we write.
            StateError: the session does not allow it now.
            EncodeError: the message holds what the specification forbids.
        """
        if completion is None:
            completion = self._loop.create_future()
        if reserved:
            self.reserved -= 1
        elif not self.free_window and self.session.can_send and message.command_id not in CONTROL:
            raise WindowFull(f"{self.name}: no place in the window is free")
        try:
            self.session.send_request(message, self._loop.time(), completion)
        except BaseException:
            if reserved and self._waiters:
                self._wake_waiters()
            raise
        self._flush_soon()
        return completion

    async def request(self, message: Request) -> ResponseReceived:
        """Send a request when the window has room, and wait for its response.

        Raises:
            NotSent: the link was lost before it left.
            InDoubt: the link was lost, or no response came in time.
            StateError: the session does not allow it.
        """
        completion: asyncio.Future[ResponseReceived] = self._loop.create_future()
        if not self.try_send(message, completion):
            await self.send_in_turn(message, completion)
        return await completion

    def try_send(self, message: Request, completion: Completion) -> bool:
        """Send a request if there is room now: `request` without a coroutine. False where there is none."""
        session = self.session
        if self._writing_paused or session.free_window <= self.reserved:
            return False
        session.send_request(message, self._loop.time(), completion)
        if not self._flush_scheduled or session.unsent_pdus >= _FLUSH_AT:
            self._flush_soon()
        return True

    async def send_in_turn(self, message: Request, completion: Completion) -> None:
        """Send a request when the window has room, after those that wait already; raises as `request`."""
        if message.command_id in CONTROL:
            self.send(message, completion)
        else:
            await self._send_later(message, completion)

    async def _send_later(self, message: Request, completion: Completion) -> None:
        self._check_open()
        try:
            await self.reserve()
            self.send(message, completion, reserved=True)
        except StateError as error:
            if self.session.can_send:
                raise
            raise NotSent(message.command_id, 0, str(error)) from error

    async def reserve(self) -> None:
        """Wait for a place in the window and keep it until `send(..., reserved=True)` or `release`.

        Raises:
            StateError: the session does not allow requests, or ended while we waited.
        """
        self._check_open()
        if self.try_reserve():
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release()
            raise

    def try_reserve(self) -> bool:
        """Take a place in the window if one is free now."""
        if not self.free_window or self._somebody_waits():
            return False
        self.reserved += 1
        return True

    def release(self) -> None:
        """Give back a place that `reserve` gave."""
        self.reserved -= 1
        if self._waiters:
            self._wake_waiters()

    def respond(self, message: Response, sequence_number: int, command_status: int = 0) -> None:
        """Answer a request of the peer."""
        session = self.session
        session.send_response(message, sequence_number, command_status)
        if self._reading_paused:
            # With room for more requests, what was left unread is read.
            self._handle_events()
            self._adjust_reading()
        elif session.is_unbinding:
            self._handle_events()
        self._flush_soon()

    def act(self, action: Callable[[Session, float], None]) -> None:
        """Do something with the session (bind, accept_bind, unbind, close), then deal with what it causes."""
        try:
            action(self.session, self._loop.time())
        finally:
            self._handle_events()

    async def unbind(self) -> None:
        """End the session in order and wait until the connection is closed. §4.2."""
        self.act(lambda session, now: session.unbind(now))
        await asyncio.shield(self.closed)
        if self._transport is not None:
            await asyncio.shield(self.lost)

    def close(self, reason: str) -> None:
        """End the session now; what is written already still goes out."""
        self.act(lambda session, _: session.close(reason))

    def abort(self, reason: str) -> None:
        """End the session now, and leave nothing behind, whether the peer reads or not."""
        transport = self._transport
        self.close(reason)
        if transport is not None:
            transport.abort()

    # Inside: what happened

    def _handle_events(self) -> None:
        if self._handling:
            return  # a handler caused this: the loop below is under way and sees it
        self._handling = True
        session, answered = self.session, False
        try:
            while events := session.take_events():
                for event in events:
                    try:
                        if type(event) is ResponseReceived:
                            answered = True
                            completion, event.context = event.context, None
                            if not completion.done():
                                completion.set_result(event)
                        elif type(event) is RequestReceived:
                            self._owner.request_received(event)
                        else:
                            answered |= self._handle_rare(event)
                    except Exception as error:
                        # Whoever is called may err; the other events still have to be told.
                        log.error("callback failed", connection=self.name, exc_info=error)
        finally:
            self._handling = False
        if (answered or self._waiters) and not session.is_closed:
            self._offer_room()
        self._adjust_reading()
        if session.unsent_pdus:
            self._flush_soon()

    def _handle_rare(self, event: Event) -> bool:
        """Deal with an event; True where it may have made room."""
        match event:
            case RequestFailed(context, error):
                if not context.done():
                    context.set_exception(error)
                return True
            case BindRequested():
                self._owner.bind_requested(event)
            case OutbindReceived():
                self._owner.outbind_received(event)
            case StateChanged(old, new):
                log.debug("= state", connection=self.name, old=old.value, new=new.value)
                self._owner.state_changed(event)
                return True
            case Notice(kind, text):
                self._count(kind, text)
            case Closed(reason):
                self._end(reason)
        return False

    def _count(self, kind: NoticeKind, text: str) -> None:
        count = self.notices[kind] = self.notices.get(kind, 0) + 1
        in_full = _NOTICES_IN_FULL if self.session.state.is_bound else 1
        if is_worth_a_line(count, in_full):
            log.warning(text, connection=self.name, kind=kind.value, count=count)

    def _end(self, reason: str) -> None:
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            # A peer that does not read must not keep the socket.
            self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.abort)
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(StateError(f"{self.name}: {reason}"))
        if not self.closed.done():
            self.closed.set_result(reason)
            log.info("= closed", connection=self.name, reason=reason)
            self._owner.connection_closed(reason)

    # Inside: places in the window

    def _check_open(self) -> None:
        if not self.session.can_send:
            raise StateError(f"{self.name} is {self.session.state.value}: nothing can be sent")

    def _somebody_waits(self) -> bool:
        waiters = self._waiters
        while waiters and waiters[0].done():
            waiters.popleft()
        return bool(waiters)

    def _offer_room(self) -> None:
        self._wake_waiters()
        try:
            self._owner.room_changed()
        except Exception as error:
            log.error("callback failed", connection=self.name, exc_info=error)

    def _wake_waiters(self) -> None:
        while self._somebody_waits():
            if not self.session.can_send:
                state = self.session.state.value
                self._waiters.popleft().set_exception(StateError(f"{self.name} is {state}: nothing can be sent"))
            elif self.free_window:
                self.reserved += 1
                self._waiters.popleft().set_result(None)
            else:
                return

    # Inside: the transport and the clock

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
        transport = self._transport
        if transport is None or transport.is_closing():
            return  # what was not handed out stays surely unsent
        data = self.session.data_to_send()
        if data:
            transport.write(data)
            if self._writing_paused:
                self._adjust_reading()

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

    def __repr__(self) -> str:
        return f"<Connection {self.name} {self.session!r}>"
