"""A place in the window of one bind, for one part, and the way of its answer."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from smpp.errors import InDoubt, NotSent, StateError, WindowFull
from smpp.pool.bind import PoolBind
from smpp.session import ResponseReceived
from smpp.wire.pdu import DataSm, SubmitMulti, SubmitSm

Submittable = SubmitSm | SubmitMulti | DataSm
AnyMessage = TypeVar("AnyMessage", bound=Submittable)


class End(Protocol):
    """Where the answer to a part goes in the end; an `asyncio.Future` is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def cancelled(self) -> bool:
        """Whether nobody wants the part to leave any more."""

    def set_result(self, result: ResponseReceived, /) -> None:
        """The SMSC answered."""

    def set_exception(self, exception: BaseException, /) -> None:
        """It will not."""


Answered = Callable[[PoolBind, int, Submittable], None]
"""Gets the bind, the status of the answer, and the part."""


class Line(Protocol):
    """The pool, as its slots see it."""

    @property
    def is_stopping(self) -> bool:
        """Whether nothing may leave any more."""

    @property
    def answered(self) -> "Answered":
        """Called when the SMSC answered a part."""

    def wake(self) -> None:
        """A place is free."""


class Slot:
    """A place in the window of one bind, for one part. Use it with `submit`, or give it back with `release`."""

    __slots__ = ("_bind", "_connection", "_line", "_used")

    def __init__(self, line: Line, bind: PoolBind) -> None:
        self._line = line
        self._bind = bind
        self._connection = bind.connection
        self._used = False
        if self._connection is not None:
            self._connection.reserved += 1
        bind.server.taken += 1
        bind.lane.taken += 1

    @property
    def bind(self) -> str:
        """Which bind it is: ``host:port#n``."""
        return self._bind.name

    def submit(self, message: Submittable) -> "asyncio.Future[ResponseReceived]":
        """Write a part when it is its turn at the server's pace.

        Returns:
            A future: the SMSC's answer, whatever its status, or NotSent, InDoubt, ResponseTimeout, EncodeError,
            StateError. Cancelled before the part left, it keeps it from leaving.
        """
        future: asyncio.Future[ResponseReceived] = asyncio.get_running_loop().create_future()
        self.submit_to(message, future)
        return future

    def submit_to(self, message: Submittable, end: End) -> None:
        """As `submit`, with an end of the caller's own."""
        self._take()
        flight = _Flight(self._line, self._bind, end, message)
        self._bind.server.write(self._bind.lane, lambda: self._write(message, flight))

    def release(self) -> None:
        """Give the place back unused."""
        self._take()
        self._give_turn()
        self._free_place()
        self._line.wake()

    def _take(self) -> None:
        if self._used:
            raise StateError(f"this slot of {self._bind.name} was used already")
        self._used = True

    def _give_turn(self) -> None:
        self._bind.server.taken -= 1
        self._bind.lane.taken -= 1

    def _free_place(self) -> None:
        if self._connection is not None:
            self._connection.release()

    def _write(self, message: Submittable, flight: "_Flight") -> bool:
        """Write the part if it may leave now; whether it did."""
        self._give_turn()
        connection, hindrance = self._connection, self._hindrance()
        try:
            if connection is None or hindrance or flight.is_cancelled:
                self._free_place()
                raise NotSent(message.command_id, 0, f"{self._bind.name} {hindrance} before the part left")
            try:
                connection.send(message, flight, reserved=True)
            except WindowFull as error:
                raise NotSent(message.command_id, 0, str(error)) from error
        except Exception as error:
            flight.set_exception(error)
            # Its place is free, and no answer will come to tell those that wait.
            self._line.wake()
            return False
        return True

    def _hindrance(self) -> str:
        bind = self._bind
        if self._line.is_stopping:
            return "was told to stop"
        if self._connection is None or not self._connection.session.can_send:
            return "was lost"
        if bind.is_out_of_use:
            return "was drained"
        if bind.is_suspended:
            return "was suspended"
        if bind.pause.is_on or bind.server.pause.is_on:
            return "was throttled"
        return ""


def submit_now(line: Line, bind: PoolBind, message: Submittable, end: End) -> bool:
    """Submit a part over a bind at a server without a pace: as a slot does, in a third of its time.

    Returns:
        Whether there was room. If not, nothing happened.
    """
    connection = bind.connection
    try:
        return connection is not None and connection.try_send(message, _Flight(line, bind, end, message))
    except Exception as error:
        end.set_exception(error)
        return True


class _Flight(msgspec.Struct, eq=False, gc=False):
    """Where the answer to one part goes first: the bind counts it, a throttling answer pauses what it has to."""

    line: Line
    bind: PoolBind
    end: End
    message: Submittable

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants it to leave any more."""
        return self.end.cancelled()

    def done(self) -> bool:
        return False  # Counting goes on when nobody waits for the answer any more.

    def set_result(self, result: ResponseReceived, /) -> None:
        self.line.answered(self.bind, result.command_status, self.message)
        if not self.end.done():
            self.end.set_result(result)

    def set_exception(self, exception: BaseException, /) -> None:
        if isinstance(exception, InDoubt):
            self.bind.in_doubt += 1
        if not self.end.done():
            self.end.set_exception(exception)
