"""The ESME's side: connect, bind, submit, receive.

async with smpp.connect("smpp://demo:secret@127.0.0.1:2775") as client:
    sent = await client.send(sender="INFO", to="919876543210", text="Your code is 4711")
    print(await sent.receipt(timeout=60))
"""

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self, Unpack

from smpp.connection import Connection
from smpp.constants import CommandId, RegisteredDelivery
from smpp.dispatch import Answer, Dispatcher
from smpp.endpoint import Address, Endpoint, client_tls
from smpp.errors import BindFailed, CommandFailed, ConnectionLost, InvalidUrl, RequestLost, SubmitRejected
from smpp.log import log
from smpp.receipts import ReceiptDesk, SentMessage, Submission, receipt_of
from smpp.recording import Recorder, recorder_of, tapped
from smpp.session import (
    BindRequested,
    OutbindReceived,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    StateChanged,
)
from smpp.session.session import Trace
from smpp.sms import SplitMethod, SplitOptions, split
from smpp.status import CommandStatus
from smpp.wire.pdu import AlertNotification, DataSm, DeliverSm, Request, Response, SubmitMulti, SubmitSm
from smpp.wire.time import format_relative
from smpp.wire.tlv import NO_TLVS, Tlvs

DeliverHandler = Callable[[DeliverSm | DataSm], Answer | Awaitable[Answer]]
"""Gets every message and receipt from the SMSC; the response is written when it returns."""

AlertHandler = Callable[[AlertNotification], Answer | Awaitable[Answer]]

_CONNECT_SECONDS: Final = 10.0
_SUBMITS: Final = frozenset({int(CommandId.SUBMIT_SM), int(CommandId.SUBMIT_MULTI), int(CommandId.DATA_SM)})


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
        loop = asyncio.get_running_loop()
        endpoint = self.endpoint
        context = (self._ssl_context or client_tls()) if endpoint.tls else None
        made: list[Connection] = []

        def new_protocol() -> asyncio.Protocol:
            made.append(Connection(self.config.session, self.name, self, self._trace))
            return tapped(made[-1], self.config.recorder, is_server=False)

        try:
            async with asyncio.timeout(self.config.connect_timeout_seconds):
                await loop.create_connection(
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
        self._connection = made[-1]
        try:
            await self._bind(self._connection)
        except BaseException:
            self._connection.close("bind failed")
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

    # What the connection calls (smpp.connection.Owner)

    def request_received(self, event: RequestReceived) -> None:
        """A message, a receipt, an alert."""
        message = event.message
        if isinstance(message, DeliverSm | DataSm):
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
        """Only connections that an SMSC opened get this."""

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
                return self.desk.receive(message, receipt)
            log.warning("message refused: nobody takes messages here", link=self.name, source=message.source_addr)
            return CommandStatus.ESME_RX_T_APPN
        answer = self.on_deliver(message)
        if receipt is None:
            return answer
        if isinstance(answer, Awaitable):
            return self._receive_after(answer, message, receipt)
        return self._receive_if_taken(answer, message, receipt)

    async def _receive_after(self, answer: Awaitable[Answer], message: DeliverSm | DataSm, receipt: object) -> Answer:
        return self._receive_if_taken(await answer, message, receipt)

    def _receive_if_taken(self, answer: Answer, message: DeliverSm | DataSm, receipt: object) -> Answer:
        # The handler has it safe: its word counts. A submission that waits hears of it all the same.
        if not isinstance(answer, int) or answer == 0:
            self.desk.receive(message, receipt)  # type: ignore[arg-type]
        return answer


class Client:
    """One connection to an SMSC; use it as ``async with connect(...) as client``."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._reference = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._link.open()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_bound(self) -> bool:
        """Whether messages may be sent now."""
        return self._link.is_bound

    @property
    def in_flight(self) -> int:
        """Requests without a response."""
        return self._link.connection.session.in_flight

    @property
    def closed(self) -> "asyncio.Future[str]":
        """Done when the connection is over; its result is the reason."""
        return self._link.connection.closed

    async def request(self, message: Request) -> Response:
        """Send any request when the window has room, and wait for its answer.

        Raises:
            CommandFailed: the SMSC answered with an error status (SubmitRejected for a message).
            NotSent: the link was lost before the request left.
            InDoubt: it left, and the link was lost before the answer (ResponseTimeout: the answer did not come).
            StateError: not bound for this.
            EncodeError: the message holds what the specification forbids.
        """
        connection = self._link.connection
        answer = await connection.request(message)
        if answer.command_status:
            raise rejected(message, answer, self._link.name)
        return answer.message

    async def submit(self, message: SubmitSm | SubmitMulti | DataSm) -> Submission:
        """Submit one part.

        Raises:
            As `request`.
        """
        link = self._link
        answer = await link.connection.request(message)
        if answer.command_status:
            raise rejected(message, answer, link.name)
        return link.desk.accepted(message, answer.message, link.name, asyncio.get_running_loop().time())

    async def send(
        self,
        *,
        sender: str | Address,
        to: str | Address,
        text: str,
        receipt: bool = True,
        validity_seconds: float | None = None,
        tlvs: Tlvs = NO_TLVS,
        service_type: str = "",
        **coding: Unpack[SplitOptions],
    ) -> SentMessage:
        """Code, split and submit a text.

        Args:
            sender: an `Address`, or text whose TON and NPI are guessed (`Address.guess`).
            to: likewise.
            text: any text; coded as shortly as it can be.
            receipt: whether to ask for a delivery receipt.
            validity_seconds: how long the SMSC shall try.
            tlvs: sent with every part.
            service_type: §5.2.11.
            coding: further arguments of `smpp.sms.split`.

        Raises:
            As `submit`. Parts that were accepted before stay so.
        """
        messages = compose(
            sender=sender,
            to=to,
            text=text,
            receipt=receipt,
            validity_seconds=validity_seconds,
            tlvs=tlvs,
            service_type=service_type,
            reference=next(self._reference),
            coding=coding_options(self._link.config, coding),
        )
        return SentMessage(tuple([await self.submit(message) for message in messages]))

    async def close(self) -> None:
        """Unbind in order and close."""
        await self._link.close()

    def __repr__(self) -> str:
        return f"<Client {self._link.name}>"


def connect(
    url: str,
    *,
    password: str | None = None,
    on_deliver: DeliverHandler | None = None,
    on_alert: AlertHandler | None = None,
    config: ClientConfig | None = None,
    desk: ReceiptDesk | None = None,
    ssl_context: ssl.SSLContext | None = None,
    trace: Trace | None = None,
    record: Recorder | str | Path | None = None,
) -> Client:
    """A client for one connection.

    Args:
        url: ``smpp[s]://system_id[:password]@host:port?bind=trx&window=100``; the query also takes ``system_type``,
            ``address_range``, ``enquire_link`` and ``response_timeout`` (seconds).
        password: instead of the one in the URL.
        on_deliver: gets messages and receipts.
        on_alert: gets alert_notification.
        config: settings; what the URL says goes before them.
        desk: share it between clients whose receipts may arrive on each other's connection.
        ssl_context: default: the system's authorities, verification on.
        trace: called for every PDU both ways.
        record: a pcapng file (or `Recorder`) that gets what passes, passwords hidden; Wireshark opens it.

    Raises:
        InvalidUrl: the URL cannot be.
        RecordingError: the file cannot be written.
    """
    endpoint = Endpoint.parse(url)
    if password is not None:
        endpoint = replace(endpoint, password=password)
    config = configure(config or ClientConfig(), endpoint)
    if record is not None:
        config = replace(config, recorder=recorder_of(record))
    return Client(
        Link(
            endpoint,
            config,
            name=endpoint.name,
            desk=desk or ReceiptDesk(default_alphabet=config.default_alphabet),
            on_deliver=on_deliver,
            on_alert=on_alert,
            ssl_context=ssl_context,
            trace=trace,
        )
    )


def configure(config: ClientConfig, endpoint: Endpoint) -> ClientConfig:
    """Put what a URL's query says into the settings.

    Raises:
        InvalidUrl: an option that does not exist, or a value that cannot be.
    """
    session = config.session
    for key, value in endpoint.options:
        try:
            match key:
                case "window":
                    session = replace(session, window=int(value))
                case "enquire_link":
                    session = replace(session, enquire_link_seconds=float(value))
                case "response_timeout":
                    session = replace(session, response_timeout_seconds=float(value))
                case "system_type":
                    config = replace(config, system_type=value)
                case "address_range":
                    config = replace(config, address_range=value)
                case _:
                    raise InvalidUrl(f"unknown option {key!r} in the URL")
        except ValueError as error:
            raise InvalidUrl(f"{key}={value!r} in the URL: {error}") from None
    return replace(config, session=session)


def compose(
    *,
    sender: str | Address,
    to: str | Address,
    text: str,
    receipt: bool,
    validity_seconds: float | None,
    tlvs: Tlvs,
    service_type: str,
    reference: int,
    coding: SplitOptions,
) -> list[SubmitSm]:
    """The submit_sm of each part of a text.

    Raises:
        EncodeError: the text cannot be coded or cut so.
    """
    source = sender if isinstance(sender, Address) else Address.guess(sender)
    destination = to if isinstance(to, Address) else Address.guess(to)
    segments = split(text, reference=_reference(reference, coding), **coding)
    return [
        SubmitSm(
            service_type=service_type,
            source_addr_ton=source.ton,
            source_addr_npi=source.npi,
            source_addr=source.addr,
            dest_addr_ton=destination.ton,
            dest_addr_npi=destination.npi,
            destination_addr=destination.addr,
            esm_class=segment.esm_class,
            validity_period=format_relative(validity_seconds) if validity_seconds else "",
            registered_delivery=RegisteredDelivery.RECEIPT if receipt else RegisteredDelivery.NONE,
            data_coding=segment.data_coding,
            short_message=segment.short_message,
            tlvs=tlvs.with_(*segment.tlvs) if segment.tlvs else tlvs,
        )
        for segment in segments
    ]


def coding_options(config: ClientConfig, options: SplitOptions) -> SplitOptions:
    """What a call says of coding, with the SMSC's default alphabet where it says nothing of it."""
    with_default: SplitOptions = {"default_alphabet": config.default_alphabet}
    with_default.update(options)
    return with_default


def _reference(number: int, options: SplitOptions) -> int:
    """A reference that fits the method: 1 to 255 in a header of 8 bits, else to 65535."""
    most = 0xFF if options.get("method", SplitMethod.UDH8) == SplitMethod.UDH8 else 0xFFFF
    return (number - 1) % most + 1


def rejected(message: Request, answer: ResponseReceived, where: str) -> CommandFailed:
    """The error for an answer with an error status."""
    kind = SubmitRejected if message.command_id in _SUBMITS else CommandFailed
    destination = getattr(message, "destination_addr", "")
    detail = f"for {destination}" if destination else ""
    return kind(answer.command_status, message.command_name, where=where, detail=detail)


__all__ = ["Client", "ClientConfig", "Link", "connect"]
