"""The only bridge between a session and the event loop: an `asyncio.Protocol` round one `Session`.

How it works: octets and the clock are the matter of `smpp.pump`, on which this is built. Everything received in one
read is handled in one pass. A request is one future; places in the window are handed out in the order they were asked
for.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from smpp.errors import NotSent, StateError, WindowFull
from smpp.log import is_worth_a_line, log
from smpp.owner import Completion, Owner
from smpp.pump import FLUSH_AT, Pump
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
from smpp.wire.pdu import Request, Response

_NOTICES_IN_FULL: Final = 10
"""Notices of a kind that are all logged; of more only each power of two, so that no peer fills a disk. Of who has not
bound only the first is."""


class Connection(Pump):
    """One connection to a peer.

    Args:
        config: settings of the session.
        name: how logs name it, such as ``smpp1:2775#0``.
        owner: gets what is received.
        trace: called for every PDU both ways.
    """

    def __init__(self, config: SessionConfig, name: str, owner: Owner, trace: Trace | None = None) -> None:
        super().__init__(config, name, trace)
        self.closed: asyncio.Future[str] = self._loop.create_future()
        """Done when the session is over; its result is the reason."""
        self.notices: dict[NoticeKind, int] = {}
        self.reserved = 0
        """Places of the window that were handed out and not used yet."""

        self._owner = owner
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._handling = False

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
        if not self._flush_scheduled or session.unsent_pdus >= FLUSH_AT:
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
        self._hang_up()
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

    def __repr__(self) -> str:
        return f"<Connection {self.name} {self.session!r}>"
