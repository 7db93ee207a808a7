"""One connection of an ESME, as the server's owner sees it."""

import asyncio
from typing import Any, Protocol

from smpp.connection import Connection
from smpp.constants import BindMode
from smpp.errors import ConnectionLost
from smpp.owner import Completion
from smpp.ratelimit import TokenBucket
from smpp.server.admission import Visit
from smpp.session import BindRequested, OutbindReceived, RequestReceived, ResponseReceived, StateChanged
from smpp.wire.pdu import Request


class Host(Protocol):
    """The server, as its sessions see it."""

    def serve(self, session: "ServerSession", event: RequestReceived) -> None:
        """The ESME asks for something."""

    def authenticate(self, session: "ServerSession", event: BindRequested) -> None:
        """The ESME wants to bind."""

    def bound(self, session: "ServerSession") -> None:
        """It has bound."""

    def room(self, session: "ServerSession") -> None:
        """There may be room in its window."""

    def closed(self, session: "ServerSession", reason: str) -> None:
        """It is gone."""


class ServerSession:
    """One connection of an ESME.

    Attributes:
        connection: what carries it.
        system_id: who is bound, or "".
        account: what its binds and its rate are counted by, or "".
        bind_mode: what it bound as.
    """

    def __init__(self, host: Host, visit: Visit) -> None:
        self._host = host
        self.visit = visit
        """What it counts as at the door."""
        self.connection: Connection
        self.system_id = ""
        self.account = ""
        self.bind_mode: BindMode | None = None
        self.bucket: TokenBucket | None = None
        """How fast its account may send."""
        self.authentication: asyncio.Task[Any] | None = None
        """What decides on its bind."""
        self._is_bound: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @property
    def name(self) -> str:
        """How logs name it."""
        return self.connection.name

    @property
    def peer_address(self) -> tuple[str, int]:
        """Host and port of the ESME, as a trusted proxy says where there is one."""
        return self.connection.peer_address

    @property
    def can_receive(self) -> bool:
        """Whether deliver_sm may be sent to it now."""
        return self.connection.session.can_send and self.bind_mode is not None and self.bind_mode.can_receive

    async def wait_bound(self) -> None:
        """Wait until it has bound.

        Raises:
            ConnectionLost: it is gone without.
        """
        if not await asyncio.shield(self._is_bound):
            raise ConnectionLost(f"{self.name} did not bind: {self.connection.session.closed_because}")

    async def request(self, message: Request) -> ResponseReceived:
        """Send a request (deliver_sm, data_sm, alert_notification, enquire_link) and wait for its answer.

        Raises:
            NotSent, InDoubt: as `smpp.Client.request`; error statuses are in the answer, not raised.
        """
        return await self.connection.request(message)

    def send(self, message: Request, completion: Completion | None = None) -> Completion:
        """Send a request without waiting; raises WindowFull where no place is free."""
        return self.connection.send(message, completion)

    async def unbind(self) -> None:
        """End the session in order."""
        await self.connection.unbind()

    def close(self, reason: str) -> None:
        """End the session now."""
        self.connection.close(reason)

    # What the connection calls (smpp.owner.Owner)

    def request_received(self, event: RequestReceived) -> None:
        """Hand it to the server's handlers."""
        self._host.serve(self, event)

    def bind_requested(self, event: BindRequested) -> None:
        """Ask who it is."""
        self._host.authenticate(self, event)

    def outbind_received(self, event: OutbindReceived) -> None:
        """Never for an SMSC: Table 2-1 lets no ESME send it."""

    def state_changed(self, event: StateChanged) -> None:
        """Tell the server of a new bind."""
        if event.new.is_bound:
            if not self._is_bound.done():
                self._is_bound.set_result(True)
            self._host.bound(self)

    def room_changed(self) -> None:
        """Tell the server that there may be room."""
        self._host.room(self)

    def connection_closed(self, reason: str) -> None:
        """Free what it held."""
        if not self._is_bound.done():
            self._is_bound.set_result(False)
        self._host.closed(self, reason)

    def __repr__(self) -> str:
        return f"<ServerSession {self.system_id or 'unbound'} {self.connection!r}>"
