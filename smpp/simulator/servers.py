"""One server of a simulated SMSC: its listeners, its connections, and who may bind."""

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from functools import partial
from hmac import compare_digest
from random import Random
from typing import Final, Protocol
from urllib.parse import urlsplit

from smpp.constants import CommandId
from smpp.endpoint import Endpoint
from smpp.errors import Reject
from smpp.server import Grant, Server, ServerConfig, ServerSession, serve
from smpp.session import RequestReceived, SessionConfig
from smpp.session.state import BIND_MODE
from smpp.simulator.agenda import Agenda
from smpp.simulator.link import FaultyTransport
from smpp.simulator.outcome import Director
from smpp.simulator.record import RateJudge
from smpp.simulator.script import BindRule, LinkFaults, Script, draw, parse_status
from smpp.wire.pdu import Bind

_STOP_SECONDS: Final = 2.0
_MAX_CONNECTIONS: Final = 10_000


class Host(Protocol):
    """The simulator, as its servers see it."""

    agenda: Agenda
    random: Random
    credentials: Mapping[str, str] | None
    system_id: str

    @property
    def script(self) -> Script:
        """What to do."""

    @property
    def director(self) -> Director:
        """Finds rules for binds."""

    def connected(self, server: "SimulatedServer", session: ServerSession) -> None:
        """A connection was made."""

    def bound(self, server: "SimulatedServer", session: ServerSession) -> None:
        """An ESME has bound."""

    def refused(self, server: "SimulatedServer", session: ServerSession, system_id: str, reason: str) -> None:
        """An ESME was not let in."""

    def room(self, session: ServerSession) -> None:
        """There may be room in a window."""

    def closed(self, server: "SimulatedServer", session: ServerSession, reason: str) -> None:
        """A connection is over."""

    def before_write(self) -> None:
        """Octets are about to leave."""

    def request(self, server: "SimulatedServer", session: ServerSession, event: RequestReceived) -> bool:
        """An ESME asks for something."""


class SimulatedServer:
    """One server of the group; it may be stopped and started again.

    Attributes:
        index: its place in the group.
        rate: how fast messages came.
    """

    def __init__(
        self,
        index: int,
        urls: tuple[str, ...],
        host: Host,
        *,
        session: SessionConfig,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self.index = index
        self.rate = RateJudge()
        self._host = host
        self._urls = urls
        self._session = session
        self._ssl_context = ssl_context
        self._server: Server | None = None
        self._links: dict[ServerSession, FaultyTransport] = {}
        self._closing: list[FaultyTransport] = []

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it listens, or did: without credentials."""
        return self._urls

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of each listener."""
        return tuple(Endpoint.parse(url).port for url in self._urls)

    @property
    def sessions(self) -> tuple[ServerSession, ...]:
        """Its connections, bound or not."""
        return tuple(self._links)

    @property
    def is_listening(self) -> bool:
        """Whether it can be connected to."""
        return self._server is not None

    async def start(self) -> None:
        """Listen; after a stop, on the same ports as before.

        Raises:
            OSError: an address cannot be had.
        """
        host = self._host
        server = serve(
            *self._urls,
            authenticate=self._authenticate,
            config=ServerConfig(
                session=self._session,
                max_connections=_MAX_CONNECTIONS,
                max_unbound=_MAX_CONNECTIONS,
                max_unbound_per_address=_MAX_CONNECTIONS,
                bad_bind_delay_seconds=0.0,
                lock_out_after=0,
            ),
            ssl_context=self._ssl_context,
            on_connected=self._connected,
            on_request=partial(host.request, self),
            on_bound=partial(host.bound, self),
            on_closed=self._closed,
            on_room=host.room,
        )
        try:
            await server.start()
        except BaseException:
            await server.stop(0)
            raise
        self._server = server
        self._urls = tuple(_with_port(url, port) for url, port in zip(self._urls, server.ports, strict=True))

    async def stop(self, *, in_order: bool = True) -> None:
        """Listen no more and end all connections.

        Args:
            in_order: whether ESMEs are unbound; else their connections break.
        """
        server, self._server = self._server, None
        if server is None:
            return
        for link in self._links.values():
            link.thaw()
        if not in_order:
            self.drop()
        seconds = _STOP_SECONDS if in_order else 0.0
        last_resort = asyncio.get_running_loop().call_later(seconds + 0.2, self.drop)
        try:
            await server.stop(seconds)
        finally:
            last_resort.cancel()
            self.drop()
            await asyncio.sleep(0)

    def drop(self) -> None:
        """Break every connection, without a word; listeners stay."""
        for link in (*self._links.values(), *self._closing):
            link.cut()

    def freeze(self, session: ServerSession | None = None) -> None:
        """Neither read nor write on a connection, or on all."""
        for link in self._links.values() if session is None else self._link_of(session):
            link.freeze()

    def thaw(self, session: ServerSession | None = None) -> None:
        """Go on."""
        for link in self._links.values() if session is None else self._link_of(session):
            link.thaw()

    def _link_of(self, session: ServerSession) -> tuple[FaultyTransport, ...]:
        link = self._links.get(session)
        return () if link is None else (link,)

    # What the server calls

    def _connected(self, session: ServerSession) -> None:
        connection = session.connection
        connection.name = f"s{self.index}-{connection.name}"

        def wrap(transport: asyncio.Transport) -> FaultyTransport:
            link = FaultyTransport(transport, self._faults, self._host.agenda, self._host.before_write)
            self._links[session] = link
            return link

        connection.wrap_transport(wrap)
        self._host.connected(self, session)

    def _faults(self) -> LinkFaults:
        return self._host.script.link

    def _closed(self, session: ServerSession, reason: str) -> None:
        link = self._links.pop(session, None)
        # What it still has to write is written first: so long it can hold up a stop.
        self._closing = [closing for closing in (*self._closing, link) if closing is not None and not closing.is_gone]
        self._host.closed(self, session, reason)

    def _authenticate(self, session: ServerSession, message: Bind) -> Grant | Awaitable[Grant | None] | None:
        host = self._host
        mode = BIND_MODE[CommandId(message.command_id)]
        rule = host.director.bind_rule(self.index, message.system_id, mode)
        if rule is None:
            return self._check(session, message)
        if rule.delay or rule.answer == "none":
            return self._authenticate_late(session, message, rule)
        return self._obey(session, message, rule)

    async def _authenticate_late(self, session: ServerSession, message: Bind, rule: BindRule) -> Grant | None:
        if rule.answer == "none":
            await asyncio.shield(session.connection.closed)
        else:
            await asyncio.sleep(draw(rule.delay, self._host.random))
        return self._obey(session, message, rule)

    def _obey(self, session: ServerSession, message: Bind, rule: BindRule) -> Grant | None:
        if rule.answer == "disconnect":
            session.close("the script disconnects instead of binding")
            return None
        status = parse_status(rule.status)
        if status:
            self._host.refused(self, session, message.system_id, "by script")
            raise Reject(status, "by script")
        return self._check(session, message)

    def _check(self, session: ServerSession, message: Bind) -> Grant | None:
        host = self._host
        if host.credentials is not None:
            wanted = host.credentials.get(message.system_id, "")
            right = compare_digest(wanted.encode(), message.password.encode())
            if not right or message.system_id not in host.credentials:
                host.refused(self, session, message.system_id, "wrong credentials")
                return None
        return Grant(host.system_id, host.script.max_binds)


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
