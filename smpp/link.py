"""One bound connection of an ESME and what arrives over it: what a client and each bind of a pool are made of."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from smpp.connection import Connection
from smpp.dispatch import Answer, Dispatcher
from smpp.endpoint import Endpoint, client_tls
from smpp.errors import BindFailed, ConnectionLost, RequestLost
from smpp.log import log
from smpp.receipts import CARRIERS, ReceiptDesk, receipt_of
from smpp.recording import Recorder, tapped
from smpp.session import (
    BindRequested,
    OutbindReceived,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    StateChanged,
    Trace,
)
from smpp.sms import Receipt
from smpp.status import CommandStatus
from smpp.wire.pdu import AlertNotification, DataSm, DeliverSm, Outbind

DeliverHandler = Callable[[DeliverSm | DataSm], Answer | Awaitable[Answer]]
"""Gets every message and receipt from the SMSC; the response is written when it returns."""

AlertHandler = Callable[[AlertNotification], Answer | Awaitable[Answer]]

_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Settings of a client's connections beyond those of the session."""

    session: SessionConfig = field(default_factory=SessionConfig)
    system_type: str = ""
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
    connect_timeout_seconds: float = _CONNECT_SECONDS
    """For the TCP and TLS handshake, and again for the bind."""
    server_hostname: str | None = None
    """Name to look for in the server's certificate, where it differs from the host we connect to."""
    default_alphabet: str = "gsm"
    """What data_coding 0 means at this SMSC."""
    recorder: Recorder | None = None
    """Records what passes over the connections."""


class Link:
    """One bound connection, and what arrives over it: the part that a client and a pool's bind share.

    Args:
        endpoint: server and credentials.
        config: settings.
        name: how logs name it.
        desk: where receipts go.
        on_deliver: gets messages and receipts; without it receipts go to their submissions only, and a message of
            a handset is refused with a temporary error, so that the SMSC keeps it.
        on_alert: gets alert_notification.
        on_room: called when the window has room again.
        on_closed: called when the connection is over.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: ClientConfig,
        *,
        name: str,
        desk: ReceiptDesk,
        on_deliver: DeliverHandler | None = None,
        on_alert: AlertHandler | None = None,
        on_room: Callable[[], None] | None = None,
        on_closed: Callable[[str], None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.config = config
        self.name = name
        self.desk = desk
        self.on_deliver = on_deliver
        self.on_outbind: Callable[[Outbind], None] | None = None
        self._on_alert = on_alert
        self._on_room = on_room
        self._on_closed = on_closed
        self._ssl_context = ssl_context
        self._trace = trace
        self._dispatcher = Dispatcher(CommandStatus.ESME_RX_T_APPN)
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection.

        Raises:
            ConnectionLost: there is none yet.
        """
        if self._connection is None:
            raise ConnectionLost(f"{self.name} is not connected")
        return self._connection

    @property
    def is_bound(self) -> bool:
        """Whether messages may pass."""
        return self._connection is not None and self._connection.session.can_send

    async def open(self) -> None:
        """Connect and bind.

        Raises:
            ConnectionLost: no connection, no TLS, or no answer to the bind.
            BindFailed: the SMSC refused the bind.
        """
        endpoint = self.endpoint
        context = (self._ssl_context or client_tls()) if endpoint.tls else None
        made: list[Connection] = []

        def new_protocol() -> asyncio.Protocol:
            made.append(self.new_connection())
            return tapped(made[-1], self.config.recorder, is_server=False)

        try:
            async with asyncio.timeout(self.config.connect_timeout_seconds):
                await asyncio.get_running_loop().create_connection(
                    new_protocol,
                    endpoint.host,
                    endpoint.port,
                    ssl=context,
                    server_hostname=(self.config.server_hostname or endpoint.host) if context else None,
                )
        except TimeoutError:
            raise ConnectionLost(
                f"{self.name}: no connection within {self.config.connect_timeout_seconds:g} s"
            ) from None
        except OSError as error:  # ssl.SSLError and its CertificateError are such
            raise ConnectionLost(f"{self.name}: {error}") from error
        await self.bind(made[-1])

    def new_connection(self) -> Connection:
        """A connection that tells this link what it receives."""
        return Connection(self.config.session, self.name, self, self._trace)

    async def bind(self, connection: Connection) -> None:
        """Bind over a connection that is made, and use it from now on.

        Raises:
            ConnectionLost, BindFailed: as `open`.
        """
        self._connection = connection
        try:
            await self._bind(connection)
        except BaseException:
            connection.close("bind failed")
            raise

    async def _bind(self, connection: Connection) -> None:
        if connection.session.is_closed:
            raise ConnectionLost(f"{self.name}: {connection.session.closed_because}")
        completion: asyncio.Future[ResponseReceived] = asyncio.get_running_loop().create_future()
        endpoint, config = self.endpoint, self.config

        def bind(session: Session, now: float) -> None:
            session.bind(
                endpoint.bind_mode,
                now=now,
                system_id=endpoint.system_id,
                password=endpoint.password,
                system_type=config.system_type,
                addr_ton=config.addr_ton,
                addr_npi=config.addr_npi,
                address_range=config.address_range,
                context=completion,
            )

        connection.act(bind)
        try:
            async with asyncio.timeout(config.connect_timeout_seconds):
                answer = await completion
        except TimeoutError:
            raise ConnectionLost(f"{self.name}: no answer to the bind") from None
        except RequestLost as error:
            raise ConnectionLost(f"{self.name}: {error}") from error
        if answer.command_status or not connection.session.state.is_bound:
            command = f"bind_{endpoint.bind_mode.name.lower()}"
            raise BindFailed(answer.command_status, command, where=self.name)

    async def close(self) -> None:
        """Unbind in order, wait for what is under way, close."""
        try:
            if self._connection is not None:
                await self._connection.unbind()
        finally:
            await self._dispatcher.stop()

    def abort(self, reason: str) -> None:
        """Close now."""
        if self._connection is not None:
            self._connection.abort(reason)

    # What the connection calls (smpp.owner.Owner)

    def request_received(self, event: RequestReceived) -> None:
        """A message, a receipt, an alert."""
        message = event.message
        if isinstance(message, CARRIERS):
            self._dispatcher.dispatch(self.connection, event, self._deliver, message)
        elif isinstance(message, AlertNotification):
            # Nothing answers it, so nothing holds a peer back that sends more than the handler can take.
            if self._on_alert is not None and len(self._dispatcher) < self.config.session.inbound_window:
                self._dispatcher.dispatch(self.connection, event, self._on_alert, message)
        else:
            self._dispatcher.dispatch(self.connection, event, lambda: CommandStatus.ESME_RINVCMDID)

    def bind_requested(self, event: BindRequested) -> None:
        """Never for an ESME: Table 2-1 lets no SMSC bind."""

    def outbind_received(self, event: OutbindReceived) -> None:
        """Only connections that an SMSC opened expect this (`smpp.outbind`)."""
        if self.on_outbind is not None:
            self.on_outbind(event.message)

    def state_changed(self, event: StateChanged) -> None:
        """Nothing to do: `open` and `close` wait for what they need."""

    def room_changed(self) -> None:
        """Pass it on."""
        if self._on_room is not None:
            self._on_room()

    def connection_closed(self, reason: str) -> None:
        """Pass it on."""
        if self._on_closed is not None:
            self._on_closed(reason)

    def _deliver(self, message: DeliverSm | DataSm) -> Answer | Awaitable[Answer]:
        receipt = receipt_of(message, self.config.default_alphabet)
        if self.on_deliver is None:
            if receipt is not None:
                return self.desk.take(message, receipt)
            log.warning("message refused: nobody takes messages here", link=self.name, source=message.source_addr)
            return CommandStatus.ESME_RX_T_APPN
        if receipt is None:
            return self.on_deliver(message)
        if not self.desk.has_place(message, receipt):
            return CommandStatus.ESME_RX_T_APPN
        answer = self.on_deliver(message)
        if isinstance(answer, Awaitable):
            return self._receive_after(answer, message, receipt)
        return self._receive_if_taken(answer, message, receipt)

    async def _receive_after(self, answer: Awaitable[Answer], message: DeliverSm | DataSm, receipt: Receipt) -> Answer:
        return self._receive_if_taken(await answer, message, receipt)

    def _receive_if_taken(self, answer: Answer, message: DeliverSm | DataSm, receipt: Receipt) -> Answer:
        if isinstance(answer, int) and answer:
            return answer
        # The handler has it safe. If meanwhile there is no room to keep it for its part, it comes again, and to the
        # handler a second time: rather that than a part which waits for ever.
        return self.desk.receive_taken(message, receipt) or answer
