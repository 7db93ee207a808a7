"""The SMSC's side: listen, authenticate binds, serve requests, deliver.

async def on_submit(session: smpp.ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
    return smpp.SubmitSmResp(message_id=store(request))

async with smpp.serve("smpp://127.0.0.1:2775", on_submit=on_submit, authenticate=limits_of) as server: ...
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from smpp.connection import Completion, Connection
from smpp.constants import BindMode, Role
from smpp.dispatch import Answer, Dispatcher, Handler, Tasks, error_response
from smpp.endpoint import Endpoint
from smpp.errors import Reject, StateError
from smpp.log import log
from smpp.recording import Recorder, recorder_of, tapped
from smpp.session import (
    BindRequested,
    OutbindReceived,
    RequestReceived,
    ResponseReceived,
    SessionConfig,
    StateChanged,
)
from smpp.session.session import Trace
from smpp.status import CommandStatus
from smpp.wire.pdu import Bind, Request, SubmitSm


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account that may bind gets.

    Attributes:
        system_id: ours, as the bind response names it.
        max_binds: most binds of this system_id at a time; 0: as many as it likes.
    """

    system_id: str = "SMSC"
    max_binds: int = 0


Authenticate = Callable[["ServerSession", Bind], Grant | Awaitable[Grant | None] | None]
"""Decides on a bind: a `Grant`, or None for wrong credentials; raise `Reject` for another status."""

SubmitHandler = Callable[["ServerSession", SubmitSm], Answer | Awaitable[Answer]]
RequestHandler = Callable[["ServerSession", Any], Answer | Awaitable[Answer]]
"""As SubmitHandler, for the type of PDU it is registered for."""

RequestTap = Callable[["ServerSession", RequestReceived], bool]
"""Sees every request with its sequence_number before the handlers; True where it answers the request itself, with
`session.connection.respond`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Settings of a server beyond those of its sessions."""

    session: SessionConfig = field(default_factory=lambda: SessionConfig(role=Role.SMSC, enquire_link_seconds=60.0))
    max_connections: int = 1000
    """Most connections at a time; more are closed at once."""
    max_unbound_per_address: int = 50
    """Most connections of one address that have not bound."""
    bad_bind_delay_seconds: float = 0.5
    """How long the answer to wrong credentials takes, whichever of them is wrong."""
    backlog: int = 512
    recorder: Recorder | None = None
    """Records what passes over the connections."""


class ServerSession:
    """One connection of an ESME.

    Attributes:
        system_id: who is bound, or "".
        bind_mode: what it bound as.
    """

    def __init__(self, server: "Server", trace: Trace | None) -> None:
        self._server = server
        self._trace = trace
        self.connection: Connection
        self.system_id = ""
        self.bind_mode: BindMode | None = None

    @property
    def name(self) -> str:
        """How logs name it."""
        return self.connection.name

    @property
    def peer_address(self) -> tuple[str, int]:
        """Host and port of the ESME."""
        return self.connection.peer_address

    @property
    def can_receive(self) -> bool:
        """Whether deliver_sm may be sent to it now."""
        return self.connection.session.can_send and self.bind_mode is not None and self.bind_mode.can_receive

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

    # What the connection calls (smpp.connection.Owner)

    def request_received(self, event: RequestReceived) -> None:
        """Hand it to the server's handlers."""
        self._server._serve(self, event)

    def bind_requested(self, event: BindRequested) -> None:
        """Ask who it is."""
        self._server._authenticate(self, event)

    def outbind_received(self, event: OutbindReceived) -> None:
        """Never for an SMSC: Table 2-1 lets no ESME send it."""

    def state_changed(self, event: StateChanged) -> None:
        """Tell the server of a new bind."""
        if event.new.is_bound:
            self._server._bound(self)

    def room_changed(self) -> None:
        """Tell the server that there may be room."""
        self._server._room(self)

    def connection_closed(self, reason: str) -> None:
        """Free what it held."""
        self._server._closed(self, reason)

    def __repr__(self) -> str:
        return f"<ServerSession {self.system_id or 'unbound'} {self.connection!r}>"


class Server:
    """Listeners with one set of handlers; use it as ``async with serve(...) as server``."""

    def __init__(
        self,
        endpoints: tuple[Endpoint, ...],
        *,
        on_submit: SubmitHandler | None,
        authenticate: Authenticate | None,
        handlers: Mapping[type[Request], RequestHandler],
        config: ServerConfig,
        ssl_context: ssl.SSLContext | None,
        on_connected: Callable[[ServerSession], None] | None,
        on_request: RequestTap | None,
        on_bound: Callable[[ServerSession], None] | None,
        on_closed: Callable[[ServerSession, str], None] | None,
        on_room: Callable[[ServerSession], None] | None,
        trace: Trace | None,
    ) -> None:
        self.config = config
        self.sessions: set[ServerSession] = set()
        """Every connection, bound or not."""
        self._endpoints = endpoints
        self._authenticator = authenticate
        self._ssl_context = ssl_context
        self._on_connected = on_connected
        self._on_request = on_request
        self._on_bound = on_bound
        self._on_closed = on_closed
        self._on_room = on_room
        self._trace = trace
        self._dispatcher = Dispatcher(CommandStatus.ESME_RSYSERR)
        self._tasks = Tasks()
        self._listeners: list[asyncio.Server] = []
        self._number = 0
        self._binds: Counter[str] = Counter()
        self._unbound: Counter[str] = Counter()
        self._handlers: dict[type[Request], Handler] = dict(handlers)
        if on_submit is not None:
            self._handlers.setdefault(SubmitSm, on_submit)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of each listener, in the order of the URLs."""
        return tuple(listener.sockets[0].getsockname()[1] for listener in self._listeners)

    def bound_sessions(self, system_id: str) -> list[ServerSession]:
        """The binds of an account that may be sent something now."""
        return [session for session in self.sessions if session.system_id == system_id and session.can_receive]

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: an address cannot be had.
            ValueError: a TLS listener without an SSL context.
        """
        loop = asyncio.get_running_loop()
        for endpoint in self._endpoints:
            if endpoint.tls and self._ssl_context is None:
                raise ValueError(f"{endpoint.name} is a TLS listener: ssl_context is missing")
            listener = await loop.create_server(
                self._connected,
                endpoint.host,
                endpoint.port,
                ssl=self._ssl_context if endpoint.tls else None,
                backlog=self.config.backlog,
            )
            self._listeners.append(listener)

    async def stop(self, timeout: float | None = None) -> None:
        """Stop listening, unbind every session in order, close.

        Args:
            timeout: seconds for the whole; default: the session's `unbind_seconds`.
        """
        for listener in self._listeners:
            listener.close()
        seconds = self.config.session.unbind_seconds if timeout is None else timeout
        sessions = list(self.sessions)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(session.unbind() for session in sessions), return_exceptions=True)
        except TimeoutError:
            for session in list(self.sessions):
                session.close("the server stops")
        await self._dispatcher.stop()
        await self._tasks.cancel()
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()

    def _connected(self) -> asyncio.Protocol:
        self._number += 1
        session = ServerSession(self, self._trace)
        session.connection = _ServerConnection(self, session, f"esme-{self._number}", self._trace)
        return tapped(session.connection, self.config.recorder, is_server=True)

    def _admit(self, session: ServerSession) -> bool:
        """Whether a new connection may stay; counts it. One whose TLS handshake failed never comes here."""
        self.sessions.add(session)
        address = session.peer_address[0]
        self._unbound[address] += 1
        return (
            len(self.sessions) <= self.config.max_connections
            and self._unbound[address] <= self.config.max_unbound_per_address
        )

    # Binding

    def _authenticate(self, session: ServerSession, event: BindRequested) -> None:
        if self._authenticator is None:
            self._decide(session, event, Grant())
            return
        try:
            grant = self._authenticator(session, event.message)
        except Exception as error:
            self._refuse(session, error)
            return
        if isawaitable(grant):
            self._tasks.start(self._authenticate_later(session, event, grant))
        else:
            self._decide(session, event, grant)

    async def _authenticate_later(
        self, session: ServerSession, event: BindRequested, waiting: Awaitable[Grant | None]
    ) -> None:
        try:
            grant = await waiting
        except Exception as error:
            self._refuse(session, error)
        else:
            self._decide(session, event, grant)

    def _decide(self, session: ServerSession, event: BindRequested, grant: Grant | None) -> None:
        connection, system_id = session.connection, event.message.system_id
        if connection.session.is_closed:
            return
        if grant is None:
            log.warning("bind refused: wrong credentials", connection=connection.name, system_id=system_id)
            self._tasks.start(self._reject_late(connection, CommandStatus.ESME_RBINDFAIL))
            return
        if grant.max_binds and self._binds[system_id] >= grant.max_binds:
            log.warning("bind refused: too many binds", connection=connection.name, system_id=system_id)
            connection.act(lambda state, now: state.reject_bind(CommandStatus.ESME_RALYBND, now))
            return
        session.system_id = system_id
        session.bind_mode = event.mode
        self._binds[system_id] += 1
        self._forget_unbound(session)
        connection.act(lambda state, now: state.accept_bind(grant.system_id, now))

    def _refuse(self, session: ServerSession, error: Exception) -> None:
        if isinstance(error, Reject):
            status = error.command_status
            log.warning("bind refused", connection=session.name, error=str(error))
        else:
            status = int(CommandStatus.ESME_RSYSERR)
            log.error("authentication failed", connection=session.name, exc_info=error)
        session.connection.act(lambda state, now: state.reject_bind(status, now))

    async def _reject_late(self, connection: Connection, status: int) -> None:
        # The same delay and status whichever credential is wrong: nothing to learn by guessing.
        await asyncio.sleep(self.config.bad_bind_delay_seconds)
        connection.act(lambda state, now: state.reject_bind(status, now))

    # What sessions tell

    def _serve(self, session: ServerSession, event: RequestReceived) -> None:
        if self._on_request is not None and self._on_request(session, event):
            return
        handler = self._handlers.get(type(event.message))
        if handler is None:
            response = error_response(event.message)
            if response is not None:
                session.connection.respond(response, event.sequence_number, CommandStatus.ESME_RINVCMDID)
            return
        self._dispatcher.dispatch(session.connection, event, handler, session, event.message)

    def _accepted(self, session: ServerSession) -> None:
        if self._on_connected is not None:
            self._on_connected(session)

    def _bound(self, session: ServerSession) -> None:
        log.info("= bound", connection=session.name, system_id=session.system_id, peer=session.peer_address[0])
        if self._on_bound is not None:
            self._on_bound(session)

    def _room(self, session: ServerSession) -> None:
        if self._on_room is not None:
            self._on_room(session)

    def _closed(self, session: ServerSession, reason: str) -> None:
        self.sessions.discard(session)
        if session.system_id:
            self._binds[session.system_id] -= 1
            if not self._binds[session.system_id]:
                del self._binds[session.system_id]
        else:
            self._forget_unbound(session)
        if self._on_closed is not None:
            self._on_closed(session, reason)

    def _forget_unbound(self, session: ServerSession) -> None:
        connection = session.connection
        address = connection.admitted_from if isinstance(connection, _ServerConnection) else ""
        self._unbound[address] -= 1
        if self._unbound[address] <= 0:
            del self._unbound[address]


_TOO_MANY: Final = "too many connections"


class _ServerConnection(Connection):
    """A connection that is let in, or not, when it is made."""

    def __init__(self, server: Server, session: ServerSession, name: str, trace: Trace | None) -> None:
        super().__init__(server.config.session.for_role(Role.SMSC), name, session, trace)
        self._server = server
        self._server_session = session
        self.admitted_from = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.admitted_from = self.peer_address[0]
        if not self._server._admit(self._server_session):
            self.close(_TOO_MANY)
            return
        self._server._accepted(self._server_session)


def serve(
    *urls: str,
    on_submit: SubmitHandler | None = None,
    authenticate: Authenticate | None = None,
    handlers: Mapping[type[Request], RequestHandler] | None = None,
    config: ServerConfig | None = None,
    ssl_context: ssl.SSLContext | None = None,
    on_connected: Callable[[ServerSession], None] | None = None,
    on_request: RequestTap | None = None,
    on_bound: Callable[[ServerSession], None] | None = None,
    on_closed: Callable[[ServerSession, str], None] | None = None,
    on_room: Callable[[ServerSession], None] | None = None,
    trace: Trace | None = None,
    record: Recorder | str | Path | None = None,
) -> Server:
    """A server for ESMEs.

    Args:
        urls: where to listen: ``smpp://host:port`` plain, ``smpps://host:port`` TLS; port 0 takes a free one.
        on_submit: gets submit_sm; the response is written when it returns.
        authenticate: decides on binds; without one everybody may bind.
        handlers: further handlers by type of PDU, such as ``{QuerySm: on_query, DataSm: on_data}``. Requests without
            a handler are refused with ESME_RINVCMDID.
        config: settings.
        ssl_context: for smpps listeners (`smpp.endpoint.server_tls`).
        on_connected: called when a connection is made, before any bind.
        on_request: sees every request before the handlers and may answer it itself.
        on_bound: called when an ESME has bound.
        on_closed: called when a connection is over, with the reason.
        on_room: called when a session's window may have room again.
        trace: called for every PDU both ways.
        record: a pcapng file (or `Recorder`) that gets what passes, passwords hidden; Wireshark opens it.

    Raises:
        InvalidUrl: a URL cannot be.
        RecordingError: the file cannot be written.
    """
    if not urls:
        raise StateError("serve() needs at least one URL to listen on")
    config = config or ServerConfig()
    if record is not None:
        config = replace(config, recorder=recorder_of(record))
    return Server(
        tuple(Endpoint.parse(url) for url in urls),
        on_submit=on_submit,
        authenticate=authenticate,
        handlers=handlers or {},
        config=config,
        ssl_context=ssl_context,
        on_connected=on_connected,
        on_request=on_request,
        on_bound=on_bound,
        on_closed=on_closed,
        on_room=on_room,
        trace=trace,
    )
