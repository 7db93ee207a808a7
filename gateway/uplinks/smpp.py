"""Out over SMPP: messages become submit_sm on the binds of one SMSC, its deliver_sm become receipts and messages.

Each uplink has its own rules for addresses, codings and TLVs; nothing of them reaches the pipeline.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from gateway.config import UplinkConfig
from gateway.errors import Unsupported
from gateway.models import (
    Coding,
    Message,
    Outcome,
    Part,
    PartBody,
    SubmitResult,
)
from gateway.store.slots import BindSlot
from gateway.uplinks.base import InboundHandler, ReceiptHandler
from gateway.uplinks.reading import Arrival, read_inbound, read_receipt
from gateway.uplinks.rewriting import Addresses
from smpp import dlt, tlv
from smpp.client import ClientConfig
from smpp.constants import BindMode, DataCoding, EsmClass, RegisteredDelivery
from smpp.endpoint import client_tls
from smpp.errors import EncodeError, InDoubt, NotSent
from smpp.pool import BindStatus, Pool, PoolConfig, Slot, ThrottleScope
from smpp.receipts import receipt_of
from smpp.retry import RetryClass, RetryPolicy
from smpp.session import ResponseReceived, SessionConfig
from smpp.sms import Segment, SplitOptions, decode_text, parse_udh, split, split_octets, with_message_class
from smpp.sms.udh import Iei
from smpp.status import CommandStatus, parse_status, status_name
from smpp.wire.pdu import DataSm, DeliverSm, SubmitSm
from smpp.wire.time import format_relative
from smpp.wire.tlv import Tlv, Tlvs

log = structlog.stdlib.get_logger("gateway")

_CLASSES: Final = {
    "throttled": RetryClass.THROTTLED,
    "retry": RetryClass.RETRY_LATER,
    "rejected": RetryClass.PERMANENT,
}
_MAX_SHORT_MESSAGE_OCTETS: Final = 254
_CONCATENATIONS: Final = frozenset({Iei.CONCAT_8, Iei.CONCAT_16})
_DATA_CODING: Final = {Coding.LATIN_1: DataCoding.LATIN_1, Coding.UCS2: DataCoding.UCS2}


class SmppUplink:
    """The binds of one SMSC (gateway.uplinks.base.Uplink).

    Args:
        name: its name in the config.
        config: its settings.
        on_receipt: returns once the receipt is committed.
        on_inbound: returns once the message is committed.
        new_id: makes ids for inbound messages.
        may_send: asked at the moment a part would be written; False keeps it from leaving.
        is_elsewhere: asked where binds are shared with other nodes: whether they alone have some. None: not shared.
        on_change: called when a bind changes its state.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        name: str,
        config: UplinkConfig,
        *,
        on_receipt: ReceiptHandler,
        on_inbound: InboundHandler,
        new_id: Callable[[], str],
        may_send: Callable[[], bool] = lambda: True,
        is_elsewhere: Callable[[], bool] | None = None,
        on_change: Callable[[BindStatus], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._config = config
        self._on_receipt = on_receipt
        self._on_inbound = on_inbound
        self._new_id = new_id
        self.may_send = may_send
        self._is_elsewhere = is_elsewhere
        self._clock = clock
        self._retry = RetryPolicy({parse_status(one.status): _CLASSES[one.means] for one in config.statuses})
        self._addresses = Addresses(config)
        self._fixed_tlvs = _fixed_tlvs(config)
        self._without_slot: set[str] = set()
        """Binds that are other nodes' to use."""
        self._drained_binds: set[str] = set()
        """Binds that the operator took out of use."""
        tls = config.tls
        self._pool = Pool(
            config.servers,
            system_id=config.system_id,
            password=config.password.reveal(),
            deliver_for=self._handler_for,
            on_change=on_change,
            config=_pool_config(config, is_shared=is_elsewhere is not None),
            ssl_context=client_tls(tls.ca_file or None, tls.cert_file or None, tls.key_file or None)
            if any(server.startswith("smpps:") for server in config.servers)
            else None,
        )

    @property
    def name(self) -> str:
        """Its name in the config."""
        return self._name

    @property
    def group(self) -> str:
        """The SMSC group whose message ids it shares."""
        return self._config.group or self._name

    @property
    def is_available(self) -> bool:
        """Whether at least one bind can carry a message now."""
        return self._pool.is_available or (self._is_elsewhere is not None and self._is_elsewhere())

    @property
    def slots(self) -> Mapping[BindSlot, str]:
        """What of its SMSC it shares with other nodes, and the bind each slot stands for."""
        if self._is_elsewhere is None:
            return {}
        numbers: Counter[str] = Counter()
        slots = {}
        for bind in self._pool.binds:
            slots[BindSlot(f"{self._config.system_id}@{bind.server}", numbers[bind.server])] = bind.name
            numbers[bind.server] += 1
        return slots

    async def hold_back(self, bind: str, timeout: float) -> None:
        """Close a bind once what is in flight is answered, or the time is over."""
        self._without_slot.add(bind)
        await self._pool.hold(bind, timeout)

    def let_up(self, bind: str) -> None:
        """Let a bind connect; does nothing to one that may already, nor to one that the operator has drained."""
        self._without_slot.discard(bind)
        if bind not in self._drained_binds:
            self._pool.let(bind)

    async def drain_bind(self, bind: str, timeout: float | None = None) -> None:
        """Take one bind out of use: what is in flight is answered, then it unbinds."""
        self._drained_binds.add(bind)
        await self._pool.hold(bind, timeout)

    def resume_bind(self, bind: str) -> None:
        """Put a drained bind in use again, where it is this node's to use; does nothing to others."""
        self._drained_binds.discard(bind)
        if bind not in self._without_slot:
            self._pool.let(bind)

    def suspend_bind(self, bind: str) -> None:
        """Send nothing over one bind, which stays up."""
        self._pool.suspend(bind)

    def unsuspend_bind(self, bind: str) -> None:
        """Send over it again."""
        self._pool.unsuspend(bind)

    @property
    def binds(self) -> tuple[BindStatus, ...]:
        """What is known of each bind, now."""
        return self._pool.binds

    @property
    def servers(self) -> Sequence[str]:
        """``host:port`` of each server."""
        return tuple(dict.fromkeys(bind.server for bind in self._pool.binds))

    async def drain(self, server: str, timeout: float | None = None) -> None:
        """Take a server out of use: what is in flight is answered, then its binds unbind."""
        await self._pool.drain(server, timeout)

    def resume(self, server: str) -> None:
        """Put a drained server in use again; does nothing to others."""
        self._pool.resume(server)

    async def start(self) -> None:
        """Connect and bind in the background; what is shared with other nodes, as slots are held."""
        for bind in self.slots.values():
            self._without_slot.add(bind)
            await self._pool.hold(bind)
        self._pool.start()

    async def stop(self, deadline_seconds: float) -> None:
        """Finish what is in flight, unbind, close."""
        await self._pool.stop(deadline_seconds)

    async def wait_bound(self, count: int, timeout: float | None = None) -> None:
        """Wait until so many binds are up; raises TimeoutError with each bind's last error."""
        await self._pool.wait_bound(count, timeout)

    async def reserve(self, count: int) -> "Sequence[SmppSlot]":
        """Wait until at least one slot is free, then take up to `count` of them."""
        return [SmppSlot(self, slot) for slot in await self._pool.reserve(count)]

    # Messages out

    def split(self, message: Message, *, reference: int) -> list[PartBody]:
        """Code and cut a message by this SMSC's alphabet, method and limits.

        Raises:
            Unsupported: it cannot be coded or cut so; the text says why.
        """
        try:
            segments = self._segments(message, reference)
        except EncodeError as error:
            raise Unsupported(str(error)) from error
        return [
            PartBody(
                short_message=segment.short_message or dict(segment.tlvs).get(tlv.message_payload.tag, b""),
                data_coding=segment.data_coding,
                has_udh=segment.has_udh,
            )
            for segment in segments
        ]

    def _segments(self, message: Message, reference: int) -> Sequence[Segment]:
        config = self._config
        method = config.long_messages
        elements = parse_udh(message.udh).elements if message.udh else ()
        number = reference & 0xFF if method == "udh8" else reference & 0xFFFF
        text = self._recoded(message)
        if message.data is not None and text is None and any(element.iei in _CONCATENATIONS for element in elements):
            # A part that its sender has cut: it passes as it is.
            octets = message.udh + message.data
            return [Segment(1, 1, octets, _data_coding_of_octets(message), len(message.data), has_udh=True)]
        if message.data is not None and text is None:
            return split_octets(
                message.data,
                data_coding=_data_coding_of_octets(message),
                reference=number,
                method=method,
                default_alphabet=config.default_alphabet,
                elements=elements,
            )
        options: SplitOptions = {
            "method": method,
            "default_alphabet": config.default_alphabet,
            "elements": elements,
            "allow_latin1": config.allow_latin1,
        }
        data_coding_wanted = message.data_coding if text is None else None
        if data_coding_wanted is None and message.coding is Coding.GSM:
            data_coding_wanted = DataCoding.SMSC_DEFAULT
        elif data_coding_wanted is None and message.coding in _DATA_CODING:
            data_coding_wanted = _DATA_CODING[message.coding]
        if data_coding_wanted is not None and message.data_coding is None and message.message_class is not None:
            data_coding_wanted = with_message_class(data_coding_wanted, message.message_class)
        if data_coding_wanted is not None:
            options["data_coding"] = data_coding_wanted
        elif message.message_class is not None:
            options["message_class"] = message.message_class
        return split(message.text if text is None else text, reference=number, **options)

    def _recoded(self, message: Message) -> str | None:
        """The text in a sender's octets of data_coding 0, where that means something else here."""
        alphabet = message.default_alphabet
        if message.data is None or message.data_coding != DataCoding.SMSC_DEFAULT:
            return None
        if alphabet in ("", self._config.default_alphabet):
            return None
        return decode_text(message.data, 0, alphabet, udh=parse_udh(message.udh) if message.udh else None)

    def compose(self, message: Message, part: Part, part_count: int) -> SubmitSm:
        """The submit_sm of a part."""
        config, body = self._config, part.body
        source_ton, source_npi, source = self._addresses.source(message.sender, message.recipient)
        dest_ton, dest_npi, destination = self._addresses.destination(message.recipient)
        tlvs: list[Tlv] = [*self._own_tlvs(message), *self._fixed_tlvs]
        short_message = body.short_message
        if len(short_message) > _MAX_SHORT_MESSAGE_OCTETS:
            tlvs.append(tlv.message_payload(short_message))
            short_message = b""
        elif part_count > 1 and not body.has_udh:
            tlvs += [
                tlv.sar_msg_ref_num(part.reference & 0xFFFF),
                tlv.sar_total_segments(part_count),
                tlv.sar_segment_seqnum(part.number),
            ]
        return SubmitSm(
            service_type=config.service_type,
            source_addr_ton=source_ton,
            source_addr_npi=source_npi,
            source_addr=source,
            dest_addr_ton=dest_ton,
            dest_addr_npi=dest_npi,
            destination_addr=destination,
            esm_class=EsmClass.UDHI if body.has_udh else EsmClass.DEFAULT,
            protocol_id=message.protocol_id,
            validity_period=format_relative(message.validity_seconds) if message.validity_seconds else "",
            registered_delivery=self._registered_delivery(message, part.number, part_count),
            data_coding=body.data_coding,
            short_message=short_message,
            tlvs=Tlvs(tlvs),
        )

    def _registered_delivery(self, message: Message, number: int, part_count: int) -> int:
        reports = {"first": number == 1, "last": number == part_count}
        if not message.wants_receipt or not reports.get(self._config.receipt_parts, True):
            return RegisteredDelivery.NONE
        wanted = self._config.registered_delivery
        return wanted | RegisteredDelivery.INTERMEDIATE_NOTIFICATION if message.wants_intermediate else wanted

    def _own_tlvs(self, message: Message) -> Sequence[Tlv]:
        """The sender's TLVs; vendor tags only where this SMSC is known to mean the same by them."""
        if self._config.tlv_profile == "dlt":
            return message.tlvs
        return [item for item in message.tlvs if item[0] not in dlt.TAGS]

    def result_of(self, answer: ResponseReceived) -> SubmitResult:
        """What the SMSC's answer means."""
        status = answer.command_status
        if not status:
            message_id = getattr(answer.message, "message_id", None) or ""
            return SubmitResult(Outcome.ACCEPTED, message_id)
        match self._retry.classify(status):
            case RetryClass.THROTTLED:
                outcome = Outcome.THROTTLED
            case RetryClass.RETRY_LATER:
                outcome = Outcome.RETRY
            case _:
                outcome = Outcome.REJECTED
        return SubmitResult(outcome, "", status_name(status), status)

    # What comes in

    def _handler_for(self, bind: str) -> "Callable[[DeliverSm | DataSm], asyncio.Future[int]]":
        async def deliver(message: DeliverSm | DataSm) -> int:
            receipt = receipt_of(message, self._config.default_alphabet)
            if receipt is not None:
                await self._on_receipt(read_receipt(message, receipt, self._arrival(bind)))
            elif message.esm_class & EsmClass.DELIVERY_RECEIPT:
                log.warning("receipt with neither id nor state", uplink=self._name, bind=bind)
            else:
                await self._on_inbound(read_inbound(message, self._new_id(), self._arrival(bind)))
            return CommandStatus.ESME_ROK

        return deliver  # type: ignore[return-value]

    def _arrival(self, bind: str) -> Arrival:
        return Arrival(self._name, self.group, bind, self._clock(), self._config.default_alphabet)

    def __repr__(self) -> str:
        return f"<SmppUplink {self._name} {self._pool!r}>"


class SmppSlot:
    """A place in the window of one bind (gateway.uplinks.base.Slot)."""

    def __init__(self, uplink: SmppUplink, slot: Slot) -> None:
        self._uplink = uplink
        self._slot = slot

    @property
    def bind(self) -> str:
        """Which bind it is: ``host:port#n``."""
        return self._slot.bind

    def submit(self, message: Message, part: Part) -> "asyncio.Future[SubmitResult]":
        """Write the part, paced by the server's rate."""
        result: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
        try:
            pdu = self._uplink.compose(message, part, message.part_count)
        except Exception as error:
            # One message must not stop the others, whatever is wrong with it.
            if not isinstance(error, EncodeError):
                log.exception("a part cannot be composed", message=message.id, part=part.number)
            self._slot.release()
            result.set_result(SubmitResult(Outcome.REJECTED, "", str(error) or type(error).__name__))
            return result
        self._slot.submit_to(pdu, _End(self._uplink, result))
        return result

    def release(self) -> None:
        """Give the slot back unused."""
        self._slot.release()


class _End:
    """Where the SMSC's answer to a part becomes its result (smpp.pool.slot.End)."""

    __slots__ = ("_result", "_uplink")

    def __init__(self, uplink: SmppUplink, result: "asyncio.Future[SubmitResult]") -> None:
        self._uplink = uplink
        self._result = result

    def done(self) -> bool:
        """Whether nobody waits any more."""
        return self._result.done()

    def cancelled(self) -> bool:
        """Whether it must not leave: asked at the moment it would."""
        return self._result.cancelled() or not self._uplink.may_send()

    def set_result(self, answer: ResponseReceived, /) -> None:
        """The SMSC answered."""
        self._set(self._uplink.result_of(answer))

    def set_exception(self, error: BaseException, /) -> None:
        """It will not."""
        if isinstance(error, NotSent):
            outcome = Outcome.NOT_SENT
        elif isinstance(error, InDoubt):
            outcome = Outcome.IN_DOUBT
        else:
            outcome = Outcome.REJECTED
        self._set(SubmitResult(outcome, "", str(error)))

    def _set(self, ended: SubmitResult) -> None:
        if not self._result.done():
            self._result.set_result(ended)


def _data_coding_of_octets(message: Message) -> int:
    if message.data_coding is not None:
        return message.data_coding
    if message.message_class is not None:
        return with_message_class(DataCoding.BINARY, message.message_class)
    return DataCoding.BINARY


def _fixed_tlvs(config: UplinkConfig) -> tuple[Tlv, ...]:
    return tuple((item.tag, bytes.fromhex(item.hex) if item.hex else item.text.encode()) for item in config.tlvs)


def client_config(config: UplinkConfig) -> ClientConfig:
    """What an uplink's settings say of one connection."""
    return ClientConfig(
        session=SessionConfig(
            window=config.window,
            response_timeout_seconds=config.response_timeout_seconds,
            enquire_link_seconds=config.enquire_link_seconds,
        ),
        system_type=config.system_type,
        server_hostname=config.tls.server_hostname or None,
        default_alphabet=config.default_alphabet,
    )


def _pool_config(config: UplinkConfig, *, is_shared: bool) -> PoolConfig:
    rate = config.parts_per_second_per_server
    return PoolConfig(
        client=client_config(config),
        bind_mode=BindMode(config.bind_mode),
        binds_per_server=config.binds_per_server,
        parts_per_second_per_server=0.0 if is_shared else rate,
        # Where nodes share a server, each bind has its part of the rate, whoever holds it.
        parts_per_second_per_bind=rate / config.binds_per_server if is_shared else 0.0,
        reconnect_min_seconds=config.reconnect_min_seconds,
        reconnect_max_seconds=config.reconnect_max_seconds,
        throttle_scope=ThrottleScope(config.throttle_scope),
        throttle_min_seconds=config.throttle_seconds,
        throttle_max_seconds=config.throttle_max_seconds,
    )
