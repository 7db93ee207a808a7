"""The ESME's side: connect, bind, submit, receive.

async with smpp.connect("smpp://demo:secret@127.0.0.1:2775") as client:
    sent = await client.send(sender="INFO", to="919876543210", text="Your code is 4711")
    print(await sent.receipt(timeout=60))
"""

import asyncio
import itertools
import ssl
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self, Unpack

from smpp.constants import CommandId, RegisteredDelivery
from smpp.correlator import ReceiptParts
from smpp.endpoint import Address, Endpoint
from smpp.errors import CommandFailed, InvalidUrl, SmppError, SubmitRejected
from smpp.link import AlertHandler, ClientConfig, DeliverHandler, Link
from smpp.receipts import ReceiptDesk, SentMessage, Submission, SubmissionEnd, ask_for_receipts, sent_message
from smpp.recording import Recorder, recorder_of
from smpp.session import ResponseReceived, Trace
from smpp.sms import SplitMethod, SplitOptions, split
from smpp.wire.pdu import DataSm, Request, Response, SubmitMulti, SubmitSm
from smpp.wire.time import format_relative
from smpp.wire.tlv import NO_TLVS, Tlvs

_SUBMITS: Final = frozenset({int(CommandId.SUBMIT_SM), int(CommandId.SUBMIT_MULTI), int(CommandId.DATA_SM)})


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
        link.desk.is_used = True
        connection = link.connection
        end = SubmissionEnd(asyncio.get_running_loop().create_future(), link.desk, message, link.name)
        if not connection.try_send(message, end):
            await connection.send_in_turn(message, end)
        outcome = await end.future
        if isinstance(outcome, Submission):
            return outcome
        raise rejected(message, outcome, link.name)

    async def send(
        self,
        *,
        sender: str | Address,
        to: str | Address,
        text: str,
        receipt: bool = True,
        receipt_parts: ReceiptParts | str = ReceiptParts.ALL,
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
            receipt_parts: of which parts of a long text: ``all``, ``first`` or ``last``.
            validity_seconds: how long the SMSC shall try.
            tlvs: sent with every part.
            service_type: §5.2.11.
            coding: further arguments of `smpp.sms.split`.

        Raises:
            As `submit`. Parts that were accepted before stay so: `SmppError.parts` says what became of each that was
            sent.
        """
        parts = ReceiptParts(receipt_parts) if receipt else ReceiptParts.NONE
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
        messages = ask_for_receipts(messages, parts)
        outcomes: list[Submission | SmppError] = []
        for message in messages:
            try:
                outcomes.append(await self.submit(message))
            except SmppError as error:
                outcomes.append(error)
                break
        return sent_message(outcomes, parts)

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
            ``address_range``, ``enquire_link`` and ``response_timeout`` (seconds), and ``long_password=yes`` where the
            SMSC issues passwords of more than 8 characters.
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
                case "long_password":
                    session = replace(session, long_passwords=_is_yes(value))
                case "system_type":
                    config = replace(config, system_type=value)
                case "address_range":
                    config = replace(config, address_range=value)
                case _:
                    raise InvalidUrl(f"unknown option {key!r} in the URL")
        except ValueError as error:
            raise InvalidUrl(f"{key}={value!r} in the URL: {error}") from None
    return replace(config, session=session)


def _is_yes(value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError("expected yes or no")
    return value == "yes"


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


__all__ = ["AlertHandler", "Client", "ClientConfig", "DeliverHandler", "Link", "connect"]
