"""The ESME's side of outbind: wait for SMSCs that have something for us, and bind when they ask. §2.2.1, §4.1.7.

smscs = {"SMSC": "their password"}
async with smpp.listen_for_outbind("smpp://demo:secret@0.0.0.0:2775?bind=rx", smscs=smscs, on_deliver=store) as door:
    client = await door.accept()
"""

import asyncio
import ssl
from collections.abc import Mapping
from hmac import compare_digest
from types import TracebackType
from typing import Final, Self

from smpp.client import Client, configure
from smpp.connection import Connection
from smpp.dispatch import Tasks
from smpp.endpoint import Endpoint
from smpp.errors import SmppError, StateError
from smpp.link import ClientConfig, DeliverHandler, Link
from smpp.listener import Listener, listen
from smpp.log import log
from smpp.receipts import ReceiptDesk
from smpp.recording import tapped
from smpp.session import Trace
from smpp.wire.pdu import Outbind

_BACKLOG: Final = 16
_NOBODY: Final = "nobody has this password"


class OutbindListener:
    """Listens for SMSCs; use it as ``async with listen_for_outbind(...) as listener``.

    Args:
        endpoint: where to listen, and the credentials to bind with.
        config: settings of the connections.
        smscs: passwords of those that may ask us, by system_id.
        max_connections: most connections at a time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: ClientConfig,
        *,
        smscs: Mapping[str, str],
        desk: ReceiptDesk,
        on_deliver: DeliverHandler | None,
        ssl_context: ssl.SSLContext | None,
        max_connections: int,
        trace: Trace | None,
    ) -> None:
        self._endpoint = endpoint
        self._config = config
        self._smscs = smscs
        self._desk = desk
        self._on_deliver = on_deliver
        self._ssl_context = ssl_context
        self._max_connections = max_connections
        self._trace = trace
        self._listeners: list[Listener] = []
        self._tasks = Tasks()
        self._connections: set[Connection] = set()
        self._clients: asyncio.Queue[Client] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listeners[0].address[1]

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        endpoint = self._endpoint
        for sock in await listen(endpoint.host, endpoint.port, backlog=_BACKLOG):
            listener = Listener(
                sock,
                self._admit,
                ssl_context=self._ssl_context if endpoint.tls else None,
                handshake_seconds=self._config.connect_timeout_seconds,
            )
            self._listeners.append(listener)
            listener.start()

    async def stop(self) -> None:
        """Listen no more, and close the connections that nobody took with `accept`."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.stop()
        await self._tasks.cancel()
        while not self._clients.empty():
            await self._clients.get_nowait().close()

    async def accept(self) -> Client:
        """Wait until an SMSC has asked us to bind and we have; closing the client is up to the caller."""
        return await self._clients.get()

    def _admit(self, address: tuple[str, int]) -> "_Guest | None":
        if len(self._connections) >= self._max_connections:
            log.warning("connection refused", peer=address[0], reason="too many connections")
            return None
        link = Link(
            self._endpoint,
            self._config,
            name=f"outbind-{address[0]}:{address[1]}",
            desk=self._desk,
            on_deliver=self._on_deliver,
            trace=self._trace,
        )
        connection = link.new_connection()
        link.on_outbind = lambda message: self._asked(link, connection, message)
        self._connections.add(connection)
        connection.closed.add_done_callback(lambda _: self._connections.discard(connection))
        return _Guest(connection, self._config)

    def _asked(self, link: Link, connection: Connection, message: Outbind) -> None:
        wanted = self._smscs.get(message.system_id)
        is_right = compare_digest(message.password.encode(), (_NOBODY if wanted is None else wanted).encode())
        if wanted is None or not is_right:
            log.warning("outbind refused", connection=link.name, system_id=message.system_id)
            connection.close("outbind with wrong credentials")
            return
        self._tasks.start(self._bind(link, connection))

    async def _bind(self, link: Link, connection: Connection) -> None:
        try:
            await link.bind(connection)
        except SmppError as error:
            log.warning("bind after outbind failed", connection=link.name, error=str(error))
        else:
            self._clients.put_nowait(Client(link))


class _Guest:
    """An SMSC whose connection is being made (smpp.listener.Guest)."""

    def __init__(self, connection: Connection, config: ClientConfig) -> None:
        self._connection = connection
        self._config = config

    def protocol(self) -> asyncio.Protocol:
        return tapped(self._connection, self._config.recorder, is_server=True)

    def abandoned(self) -> None:
        self._connection.abort("the connection was not made")


def listen_for_outbind(
    url: str,
    *,
    smscs: Mapping[str, str],
    on_deliver: DeliverHandler | None = None,
    config: ClientConfig | None = None,
    desk: ReceiptDesk | None = None,
    ssl_context: ssl.SSLContext | None = None,
    max_connections: int = 10,
    trace: Trace | None = None,
) -> OutbindListener:
    """Wait for SMSCs that ask us to bind.

    Args:
        url: ``smpp[s]://system_id:password@host:port?bind=rx``: where to listen, and what to bind with and as.
        smscs: passwords of those that may ask us, by system_id.
        on_deliver: gets messages and receipts.
        config: settings; what the URL says goes before them.
        desk: share it where receipts belong to what other clients sent.
        ssl_context: for smpps (`smpp.endpoint.server_tls`).
        max_connections: most connections at a time.
        trace: called for every PDU both ways.

    Raises:
        InvalidUrl: the URL cannot be.
        StateError: smpps without an ssl_context.
    """
    endpoint = Endpoint.parse(url)
    if endpoint.tls and ssl_context is None:
        raise StateError("a TLS listener needs an ssl_context")
    config = configure(config or ClientConfig(), endpoint)
    return OutbindListener(
        endpoint,
        config,
        smscs=smscs,
        desk=desk or ReceiptDesk(default_alphabet=config.default_alphabet),
        on_deliver=on_deliver,
        ssl_context=ssl_context,
        max_connections=max_connections,
        trace=trace,
    )


__all__ = ["OutbindListener", "listen_for_outbind"]
