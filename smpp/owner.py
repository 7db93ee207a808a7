"""Whom a connection tells: its owner, and the end of each request."""

from typing import Protocol

from smpp.session import BindRequested, OutbindReceived, RequestReceived, ResponseReceived, StateChanged


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
