"""The server itself: its listeners, its sessions, who may bind, and what happens to requests."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from types import TracebackType
from typing import Final, Self

from smpp.connection import Connection
from smpp.constants import BindMode, Role
from smpp.dispatch import Dispatcher, Handler, Tasks, error_response
from smpp.endpoint import Endpoint, client_tls
from smpp.errors import ConnectionLost, Reject
from smpp.listener import Listener, is_within, listen, networks
from smpp.log import is_worth_a_line, log
from smpp.ratelimit import TokenBucket
from smpp.recording import tapped
from smpp.server.admission import Admission, Limits, Refusal, Visit
from smpp.server.buckets import Buckets
from smpp.server.config import Authenticate, Grant, RequestHandler, RequestTap, ServerConfig, SubmitHandler
from smpp.server.session import ServerSession
from smpp.session import BindRequested, RequestReceived, Trace
from smpp.status import CommandStatus as Status
from smpp.wire.pdu import BroadcastSm, DataSm, Request, SubmitMulti, SubmitSm

_WRONG_CREDENTIALS: Final = frozenset({Status.ESME_RINVPASWD, Status.ESME_RINVSYSID, Status.ESME_RBINDFAIL})
_LIMITED: Final = (SubmitSm, DataSm, SubmitMulti, BroadcastSm)
_LAST_SECONDS: Final = 1.0
"""How long connections may take to be gone, once their sessions are over and the server stops."""


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
        sockets: Sequence[Sequence[socket.socket]] | None,
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
        self.admission = Admission(
            Limits(
                connections=config.max_connections,
                unbound=config.max_unbound,
                unbound_per_address=config.max_unbound_per_address,
                failures=config.lock_out_after,
                lock_seconds=config.lock_out_seconds,
            )
        )
        """Who is here."""
        self._endpoints = endpoints
        self._authenticator = authenticate
        self._ssl_context = ssl_context
        self._sockets = sockets
        self._on_connected = on_connected
        self._on_request = on_request
        self._on_bound = on_bound
        self._on_closed = on_closed
        self._on_room = on_room
        self._trace = trace
        self._dispatcher = Dispatcher(Status.ESME_RSYSERR)
        self._tasks = Tasks()
        self._listeners: list[list[Listener]] = []
        self._connections: set[Connection] = set()
        self._buckets = Buckets(self.admission.binds)
        self._is_stopping = False
        self._refused: Counter[Refusal] = Counter()
        self._number = 0
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
        return tuple(group[0].address[1] for group in self._listeners)

    def bound_sessions(self, system_id: str) -> list[ServerSession]:
        """The binds of an account that may be sent something now."""
        return [session for session in self.sessions if session.system_id == system_id and session.can_receive]

    # Life

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: an address cannot be had.
            ValueError: a TLS listener without an SSL context, or sockets that do not fit the URLs.
        """
        if any(endpoint.tls for endpoint in self._endpoints) and self._ssl_context is None:
            raise ValueError("a TLS listener needs an ssl_context")
        if self._sockets is not None and len(self._sockets) != len(self._endpoints):
            raise ValueError("as many lists of sockets as URLs are needed")
        self._is_stopping = False
        try:
            for index, endpoint in enumerate(self._endpoints):
                self._listeners.append([self._listener(sock, endpoint) for sock in await self._open(index, endpoint)])
        except BaseException:
            await self._stop_listening()
            raise
        for group in self._listeners:
            for listener in group:
                listener.start()

    async def _open(self, index: int, endpoint: Endpoint) -> Sequence[socket.socket]:
        if self._sockets is not None:
            return self._sockets[index]
        config = self.config
        return await listen(endpoint.host, endpoint.port, backlog=config.backlog, reuse_port=config.reuse_port)

    def _listener(self, sock: socket.socket, endpoint: Endpoint) -> Listener:
        return Listener(
            sock,
            self._admit,
            ssl_context=self._ssl_context if endpoint.tls else None,
            proxies=networks(self.config.proxy_from),
            handshake_seconds=self.config.session.session_init_seconds,
        )

    async def hand_over(self) -> list[list[socket.socket]]:
        """Take no more connections; sessions go on until `stop`.

        Returns:
            The listening sockets of each URL, for `serve(..., sockets=...)` here or in another process: connections
            that wait in their queues are taken by whoever goes on with them.
        """
        sockets = [[listener.socket for listener in group] for group in self._listeners]
        await self._stop_listening(keep_sockets=True)
        return sockets

    async def stop(self, timeout: float | None = None) -> None:
        """Stop listening, unbind every session in order, close.

        Args:
            timeout: seconds for the whole; default: the session's `unbind_seconds`.
        """
        self._is_stopping = True
        await self._stop_listening()
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
        connections = list(self._connections)
        if connections:
            await asyncio.wait([connection.lost for connection in connections], timeout=_LAST_SECONDS)
        for connection in connections:
            connection.abort("the server stops")

    async def _stop_listening(self, *, keep_sockets: bool = False) -> None:
        listeners, self._listeners = self._listeners, []
        for group in listeners:
            for listener in group:
                await listener.stop(keep_socket=keep_sockets)

    async def outbind(
        self, url: str, *, timeout: float = 10.0, ssl_context: ssl.SSLContext | None = None
    ) -> ServerSession:
        """Connect to an ESME and ask it to bind. §2.2.1, §4.1.7.

        Args:
            url: ``smpp[s]://system_id:password@host:port``: where it listens, and who we say we are.
            timeout: seconds until it has bound.
            ssl_context: for smpps; default: the system's authorities, verification on.

        Returns:
            The session, bound.

        Raises:
            ConnectionLost: no connection, or it did not bind.
            InvalidUrl: the URL cannot be.
            EncodeError: credentials that the specification forbids.
        """
        endpoint = Endpoint.parse(url)
        guest = self._admit((endpoint.host, endpoint.port))
        if guest is None:
            raise ConnectionLost(f"{endpoint.name}: this server takes no more connections")
        tls = (ssl_context or client_tls()) if endpoint.tls else None
        try:
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().create_connection(
                    guest.protocol, endpoint.host, endpoint.port, ssl=tls
                )
                guest.session.connection.act(
                    lambda state, now: state.outbind(endpoint.system_id, endpoint.password, now)
                )
                await guest.session.wait_bound()
        except (TimeoutError, OSError) as error:
            guest.abandoned()
            raise ConnectionLost(f"{endpoint.name}: {str(error) or 'not bound in time'}") from error
        except BaseException:
            guest.abandoned()
            raise
        return guest.session

    # At the door

    def _admit(self, address: tuple[str, int]) -> "_Guest | None":
        """Whether a connection may be made; counts it until it is over."""
        if self._is_stopping:
            return None
        visit = self.admission.enter(address[0])
        if isinstance(visit, Refusal):
            self._refused[visit] += 1
            if is_worth_a_line(self._refused[visit]):
                log.warning("connection refused", peer=address[0], reason=visit.value, count=self._refused[visit])
            return None
        return _Guest(self, visit, address)

    def new_connection(self, session: ServerSession) -> "_ServerConnection":
        """The connection of a session; it is counted from when it is made."""
        self._number += 1
        return _ServerConnection(self, session, f"esme-{self._number}", self._trace)

    def connected(self, session: ServerSession) -> None:
        """A connection was made."""
        self.sessions.add(session)
        self._connections.add(session.connection)
        session.connection.lost.add_done_callback(lambda _: self._connections.discard(session.connection))
        if self._on_connected is not None:
            self._on_connected(session)

    # Binding (smpp.server.session.Host)

    def authenticate(self, session: ServerSession, event: BindRequested) -> None:
        """Ask whether this ESME may bind."""
        if self._authenticator is None:
            self._decide(session, event, Grant())
            return
        if self.admission.is_locked(session.visit.address, event.message.system_id, self._now()):
            log.debug("locked out", connection=session.name, system_id=event.message.system_id)
            self._reject_late(session, Status.ESME_RBINDFAIL)
            return
        try:
            grant = self._authenticator(session, event.message)
        except Exception as error:
            self._fail(session, event, error)
            return
        if isawaitable(grant):
            session.authentication = self._tasks.start(self._authenticate_later(session, event, grant))
        else:
            self._decide(session, event, grant)

    async def _authenticate_later(
        self, session: ServerSession, event: BindRequested, waiting: Awaitable[Grant | None]
    ) -> None:
        try:
            grant = await waiting
        except Exception as error:
            self._fail(session, event, error)
        else:
            self._decide(session, event, grant)

    def _decide(self, session: ServerSession, event: BindRequested, grant: Grant | None) -> None:
        address, system_id = session.visit.address, event.message.system_id
        if session.connection.session.is_closed:
            return
        if grant is None:
            self._reject(session, event, Status.ESME_RBINDFAIL, "wrong credentials", is_guess=True)
            return
        if grant.allow_from and not is_within(address, grant.allowed_networks):
            self._reject(session, event, Status.ESME_RBINDFAIL, "not from this address", is_guess=True)
            return
        self.admission.succeeded(address, system_id)
        account = grant.account or system_id
        if self._has_too_many(account, event.mode, grant):
            self._reject(session, event, Status.ESME_RALYBND, "too many binds")
            return
        session.system_id, session.account, session.bind_mode = system_id, account, event.mode
        session.bucket = self._buckets.of(account, grant, self._now())
        self.admission.bind(session.visit, account, event.mode)
        session.connection.act(lambda state, now: state.accept_bind(grant.system_id, now))

    def _has_too_many(self, account: str, mode: BindMode, grant: Grant) -> bool:
        of_mode = grant.max_binds_by_mode.get(mode, 0)
        return bool(
            (grant.max_binds and self.admission.binds(account) >= grant.max_binds)
            or (of_mode and self.admission.binds(account, mode) >= of_mode)
        )

    def _fail(self, session: ServerSession, event: BindRequested, error: Exception) -> None:
        if isinstance(error, Reject):
            self._reject(
                session,
                event,
                error.command_status,
                error.reason or str(error),
                is_guess=error.command_status in _WRONG_CREDENTIALS,
            )
        else:
            log.error("authentication failed", connection=session.name, exc_info=error)
            self._reject(session, event, Status.ESME_RSYSERR, "authentication failed")

    def _reject(
        self, session: ServerSession, event: BindRequested, status: int, reason: str, *, is_guess: bool = False
    ) -> None:
        system_id, connection = event.message.system_id, session.connection
        log.warning(
            "bind refused", connection=connection.name, system_id=system_id, peer=session.visit.address, reason=reason
        )
        if not is_guess:
            connection.act(lambda state, now: state.reject_bind(status, now))
            return
        self.admission.failed(session.visit.address, system_id, self._now())
        if self.admission.is_locked(session.visit.address, system_id, self._now()):
            log.warning("locked out", system_id=system_id, peer=session.visit.address)
        self._reject_late(session, status)

    def _reject_late(self, session: ServerSession, status: int) -> None:
        # The same delay and status whichever credential is wrong: nothing to learn by guessing.
        asyncio.get_running_loop().call_later(
            self.config.bad_bind_delay_seconds,
            lambda: session.connection.act(lambda state, now: state.reject_bind(status, now)),
        )

    def bound(self, session: ServerSession) -> None:
        """An ESME has bound."""
        log.info("= bound", connection=session.name, system_id=session.system_id, peer=session.peer_address[0])
        if self._on_bound is not None:
            self._on_bound(session)

    # Requests (smpp.server.session.Host)

    def serve(self, session: ServerSession, event: RequestReceived) -> None:
        """Find the handler for a request."""
        if session.bucket is not None and not self._take_tokens(session.bucket, session, event):
            return
        if self._on_request is not None and self._is_answered(self._on_request, session, event):
            return
        handler = self._handlers.get(type(event.message))
        if handler is None:
            self._answer(session, event, Status.ESME_RINVCMDID)
        else:
            self._dispatcher.dispatch(session.connection, event, handler, session, event.message)

    def _take_tokens(self, bucket: TokenBucket, session: ServerSession, event: RequestReceived) -> bool:
        message = event.message
        if not isinstance(message, _LIMITED):
            return True
        count = min(len(message.dest_addresses), bucket.burst) if isinstance(message, SubmitMulti) else 1
        if bucket.try_take(self._now(), max(count, 1)):
            self._answer(session, event, Status.ESME_RTHROTTLED)
            return False
        return True

    def _is_answered(self, tap: RequestTap, session: ServerSession, event: RequestReceived) -> bool:
        try:
            return tap(session, event)
        except Exception as error:
            log.error("on_request failed", connection=session.name, exc_info=error)
            self._answer(session, event, Status.ESME_RSYSERR)
            return True

    def _answer(self, session: ServerSession, event: RequestReceived, status: int) -> None:
        response = error_response(event.message)
        if response is not None:
            session.connection.respond(response, event.sequence_number, status)

    def room(self, session: ServerSession) -> None:
        """There may be room in a session's window."""
        if self._on_room is not None:
            self._on_room(session)

    def closed(self, session: ServerSession, reason: str) -> None:
        """A session is over."""
        was_connected = session in self.sessions
        self.sessions.discard(session)
        self.admission.leave(session.visit)
        if session.authentication is not None and session.authentication is not asyncio.current_task():
            session.authentication.cancel()
        if self._on_closed is not None and was_connected:
            self._on_closed(session, reason)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


class _Guest:
    """Somebody who was let in and whose connection is being made (smpp.listener.Guest)."""

    def __init__(self, server: Server, visit: Visit, address: tuple[str, int]) -> None:
        self._server = server
        self.session = ServerSession(server, visit)
        self.session.connection = server.new_connection(self.session)
        self.session.connection.peer_address = address

    def protocol(self) -> asyncio.Protocol:
        return tapped(self.session.connection, self._server.config.recorder, is_server=True)

    def abandoned(self) -> None:
        self._server.admission.leave(self.session.visit)
        self.session.connection.abort("the connection was not made")


class _ServerConnection(Connection):
    """A connection that tells its server when it is made."""

    def __init__(self, server: Server, session: ServerSession, name: str, trace: Trace | None) -> None:
        super().__init__(server.config.session.for_role(Role.SMSC), name, session, trace)
        self._server = server
        self._server_session = session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        try:
            self._server.connected(self._server_session)
        except Exception as error:
            log.error("on_connected failed", connection=self.name, exc_info=error)
