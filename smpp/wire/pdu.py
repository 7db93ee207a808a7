"""Every PDU, declared once, in the order of the specification. SMPP v3.4 section 4, v5.0 for broadcast.

A declaration is all there is to a PDU: `smpp.wire.codec` makes encoder and decoder of it, `smpp.wire.grammar` the
annotated dump. The header is not part of it: sequence_number and command_status travel beside the message, so that
one message can be sent many times.

Fields of a response are None where they were not on the wire: an error response without a body, with a lone NUL and
with an id are three different PDUs, and all three occur.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Final, TypeVar

import msgspec

from smpp.constants import RESPONSE_BIT, CommandId, InterfaceVersion
from smpp.status import CommandStatus as Status
from smpp.wire.tlv import NO_TLVS, Tlvs
from smpp.wire.types import (
    CString,
    DestAddress,
    DestAddresses,
    Int,
    ShortMessage,
    Time,
    TimeKind,
    TlvBlock,
    UnsuccessSme,
    UnsuccessSmes,
)


class Message(msgspec.Struct, frozen=True, gc=False):
    """The body of any PDU."""

    command_id: ClassVar[int]
    command_name: ClassVar[str]
    is_request: ClassVar[bool]


class Request(Message, frozen=True, gc=False):
    """A PDU that asks for something."""

    response_type: ClassVar["type[Response] | None"]
    """The PDU that answers it; None for outbind and alert_notification, which nothing answers."""


class Response(Message, frozen=True, gc=False):
    """A PDU that answers a request."""


class Pdu(msgspec.Struct, frozen=True, gc=False):
    """A message with the header values that travel beside it: ``message, sequence_number, command_status = pdu``."""

    message: Message
    sequence_number: int
    command_status: int = 0

    def __iter__(self) -> Iterator[Any]:
        return iter((self.message, self.sequence_number, self.command_status))


class Bind(Request, frozen=True, gc=False):
    """What the three bind requests share. §4.1."""

    system_id: Annotated[str, CString(16, Status.ESME_RINVSYSID)] = ""
    password: Annotated[str, CString(9, Status.ESME_RINVPASWD)] = ""
    system_type: Annotated[str, CString(13, Status.ESME_RINVSYSTYP)] = ""
    interface_version: Annotated[int, Int(1)] = InterfaceVersion.V3_4
    addr_ton: Annotated[int, Int(1)] = 0
    addr_npi: Annotated[int, Int(1)] = 0
    address_range: Annotated[str, CString(41, Status.ESME_RBINDFAIL)] = ""

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(system_id={self.system_id!r}, password='***', system_type={self.system_type!r}, "
            f"interface_version=0x{self.interface_version:02X}, addr_ton={self.addr_ton}, addr_npi={self.addr_npi}, "
            f"address_range={self.address_range!r})"
        )


class BindResp(Response, frozen=True, gc=False):
    """What the three bind responses share. §4.1."""

    system_id: Annotated[str | None, CString(16)] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


Declared = TypeVar("Declared", bound=type[Message])

MESSAGES: Final[dict[int, type[Message]]] = {}
"""Every declared PDU by its command_id."""


def pdu(command_id: CommandId) -> Callable[[Declared], Declared]:
    """Declare a PDU. A request's response is found by its command_id, in whichever order they are declared."""

    def declare(message_type: Declared) -> Declared:
        message_type.command_id = int(command_id)
        message_type.command_name = command_id.name.lower()
        message_type.is_request = not command_id & RESPONSE_BIT
        MESSAGES[int(command_id)] = message_type
        _join_response(int(command_id) & ~RESPONSE_BIT)
        return message_type

    return declare


def _join_response(request_id: int) -> None:
    request, response = MESSAGES.get(request_id), MESSAGES.get(request_id | RESPONSE_BIT)
    if request is not None and issubclass(request, Request):
        request.response_type = response if response is not None and issubclass(response, Response) else None


@pdu(CommandId.GENERIC_NACK)
class GenericNack(Response, frozen=True, gc=False):
    """Say that a PDU could not be read, or is not known. §4.3."""


@pdu(CommandId.BIND_RECEIVER)
class BindReceiver(Bind, frozen=True, gc=False):
    """Bind to get messages and receipts. §4.1.3."""


@pdu(CommandId.BIND_RECEIVER_RESP)
class BindReceiverResp(BindResp, frozen=True, gc=False):
    """Answer a bind_receiver. §4.1.4."""


@pdu(CommandId.BIND_TRANSMITTER)
class BindTransmitter(Bind, frozen=True, gc=False):
    """Bind to send messages. §4.1.1."""


@pdu(CommandId.BIND_TRANSMITTER_RESP)
class BindTransmitterResp(BindResp, frozen=True, gc=False):
    """Answer a bind_transmitter. §4.1.2."""


@pdu(CommandId.BIND_TRANSCEIVER)
class BindTransceiver(Bind, frozen=True, gc=False):
    """Bind to send and to get. §4.1.5."""


@pdu(CommandId.BIND_TRANSCEIVER_RESP)
class BindTransceiverResp(BindResp, frozen=True, gc=False):
    """Answer a bind_transceiver. §4.1.6."""


@pdu(CommandId.OUTBIND)
class Outbind(Request, frozen=True, gc=False):
    """Ask an ESME to bind, because there is something for it. §4.1.7."""

    system_id: Annotated[str, CString(16, Status.ESME_RINVSYSID)] = ""
    password: Annotated[str, CString(9, Status.ESME_RINVPASWD)] = ""

    def __repr__(self) -> str:
        return f"Outbind(system_id={self.system_id!r}, password='***')"


@pdu(CommandId.UNBIND)
class Unbind(Request, frozen=True, gc=False):
    """End the session in order. §4.2.1."""


@pdu(CommandId.UNBIND_RESP)
class UnbindResp(Response, frozen=True, gc=False):
    """Answer an unbind. §4.2.2."""


@pdu(CommandId.SUBMIT_SM)
class SubmitSm(Request, frozen=True, gc=False):
    """Submit one short message to one destination. §4.4.1."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    dest_addr_ton: Annotated[int, Int(1)] = 0
    dest_addr_npi: Annotated[int, Int(1)] = 0
    destination_addr: Annotated[str, CString(21, Status.ESME_RINVDSTADR)] = ""
    esm_class: Annotated[int, Int(1)] = 0
    protocol_id: Annotated[int, Int(1)] = 0
    priority_flag: Annotated[int, Int(1)] = 0
    schedule_delivery_time: Annotated[str, Time(Status.ESME_RINVSCHED)] = ""
    validity_period: Annotated[str, Time(Status.ESME_RINVEXPIRY)] = ""
    registered_delivery: Annotated[int, Int(1)] = 0
    replace_if_present_flag: Annotated[int, Int(1)] = 0
    data_coding: Annotated[int, Int(1)] = 0
    sm_default_msg_id: Annotated[int, Int(1)] = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.SUBMIT_SM_RESP)
class SubmitSmResp(Response, frozen=True, gc=False):
    """Answer a submit_sm with the SMSC's id for the message. §4.4.2."""

    message_id: Annotated[str | None, CString(65)] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.SUBMIT_MULTI)
class SubmitMulti(Request, frozen=True, gc=False):
    """Submit one short message to many destinations. §4.5.1."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    dest_addresses: Annotated[tuple[DestAddress, ...], DestAddresses()] = ()
    esm_class: Annotated[int, Int(1)] = 0
    protocol_id: Annotated[int, Int(1)] = 0
    priority_flag: Annotated[int, Int(1)] = 0
    schedule_delivery_time: Annotated[str, Time(Status.ESME_RINVSCHED)] = ""
    validity_period: Annotated[str, Time(Status.ESME_RINVEXPIRY)] = ""
    registered_delivery: Annotated[int, Int(1)] = 0
    replace_if_present_flag: Annotated[int, Int(1)] = 0
    data_coding: Annotated[int, Int(1)] = 0
    sm_default_msg_id: Annotated[int, Int(1)] = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.SUBMIT_MULTI_RESP)
class SubmitMultiResp(Response, frozen=True, gc=False):
    """Answer a submit_multi with one id and the destinations that failed. §4.5.2."""

    message_id: Annotated[str | None, CString(65)] = None
    unsuccess_smes: Annotated[tuple[UnsuccessSme, ...] | None, UnsuccessSmes()] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.DELIVER_SM)
class DeliverSm(Request, frozen=True, gc=False):
    """Bring an ESME a message from a handset, or a receipt. §4.6.1."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    dest_addr_ton: Annotated[int, Int(1)] = 0
    dest_addr_npi: Annotated[int, Int(1)] = 0
    destination_addr: Annotated[str, CString(21, Status.ESME_RINVDSTADR)] = ""
    esm_class: Annotated[int, Int(1)] = 0
    protocol_id: Annotated[int, Int(1)] = 0
    priority_flag: Annotated[int, Int(1)] = 0
    # §4.6.1: both times and the two fields behind registered_delivery are "unused" and NULL; some SMSCs fill them.
    schedule_delivery_time: Annotated[str, Time(Status.ESME_RINVSCHED)] = ""
    validity_period: Annotated[str, Time(Status.ESME_RINVEXPIRY)] = ""
    registered_delivery: Annotated[int, Int(1)] = 0
    replace_if_present_flag: Annotated[int, Int(1)] = 0
    data_coding: Annotated[int, Int(1)] = 0
    sm_default_msg_id: Annotated[int, Int(1)] = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.DELIVER_SM_RESP)
class DeliverSmResp(Response, frozen=True, gc=False):
    """Answer a deliver_sm. §4.6.2: message_id is unused and NULL; many peers fill it all the same."""

    message_id: Annotated[str | None, CString(65)] = ""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.DATA_SM)
class DataSm(Request, frozen=True, gc=False):
    """Carry a message either way; its text is in message_payload. §4.7.1."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(65, Status.ESME_RINVSRCADR)] = ""
    dest_addr_ton: Annotated[int, Int(1)] = 0
    dest_addr_npi: Annotated[int, Int(1)] = 0
    destination_addr: Annotated[str, CString(65, Status.ESME_RINVDSTADR)] = ""
    esm_class: Annotated[int, Int(1)] = 0
    registered_delivery: Annotated[int, Int(1)] = 0
    data_coding: Annotated[int, Int(1)] = 0
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.DATA_SM_RESP)
class DataSmResp(Response, frozen=True, gc=False):
    """Answer a data_sm. §4.7.2."""

    message_id: Annotated[str | None, CString(65)] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.QUERY_SM)
class QuerySm(Request, frozen=True, gc=False):
    """Ask for the state of a message. §4.8.1."""

    message_id: Annotated[str, CString(65, Status.ESME_RINVMSGID)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""


@pdu(CommandId.QUERY_SM_RESP)
class QuerySmResp(Response, frozen=True, gc=False):
    """Answer a query_sm. §4.8.2."""

    message_id: Annotated[str | None, CString(65)] = None
    final_date: Annotated[str | None, Time(Status.ESME_RQUERYFAIL, TimeKind.REPORT)] = None
    message_state: Annotated[int | None, Int(1)] = None
    error_code: Annotated[int | None, Int(1)] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.CANCEL_SM)
class CancelSm(Request, frozen=True, gc=False):
    """Withdraw a message that is not delivered yet. §4.9.1."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    message_id: Annotated[str, CString(65, Status.ESME_RINVMSGID)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    dest_addr_ton: Annotated[int, Int(1)] = 0
    dest_addr_npi: Annotated[int, Int(1)] = 0
    destination_addr: Annotated[str, CString(21, Status.ESME_RINVDSTADR)] = ""


@pdu(CommandId.CANCEL_SM_RESP)
class CancelSmResp(Response, frozen=True, gc=False):
    """Answer a cancel_sm. §4.9.2."""


@pdu(CommandId.REPLACE_SM)
class ReplaceSm(Request, frozen=True, gc=False):
    """Put another text in the place of a message that is not delivered yet. §4.10.1."""

    message_id: Annotated[str, CString(65, Status.ESME_RINVMSGID)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    schedule_delivery_time: Annotated[str, Time(Status.ESME_RINVSCHED)] = ""
    validity_period: Annotated[str, Time(Status.ESME_RINVEXPIRY)] = ""
    registered_delivery: Annotated[int, Int(1)] = 0
    sm_default_msg_id: Annotated[int, Int(1)] = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    # v5.0 allows message_payload here; v3.4 has no TLVs.
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.REPLACE_SM_RESP)
class ReplaceSmResp(Response, frozen=True, gc=False):
    """Answer a replace_sm. §4.10.2."""


@pdu(CommandId.ENQUIRE_LINK)
class EnquireLink(Request, frozen=True, gc=False):
    """Ask whether the peer is there. §4.11.1."""


@pdu(CommandId.ENQUIRE_LINK_RESP)
class EnquireLinkResp(Response, frozen=True, gc=False):
    """Answer an enquire_link. §4.11.2."""


@pdu(CommandId.ALERT_NOTIFICATION)
class AlertNotification(Request, frozen=True, gc=False):
    """Tell an ESME that a handset can be reached again. §4.12.1; nothing answers it."""

    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(65, Status.ESME_RINVSRCADR)] = ""
    esme_addr_ton: Annotated[int, Int(1)] = 0
    esme_addr_npi: Annotated[int, Int(1)] = 0
    esme_addr: Annotated[str, CString(65, Status.ESME_RINVDSTADR)] = ""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.BROADCAST_SM)
class BroadcastSm(Request, frozen=True, gc=False):
    """Submit a cell broadcast. v5.0 §4.4.1."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    message_id: Annotated[str, CString(65, Status.ESME_RINVMSGID)] = ""
    priority_flag: Annotated[int, Int(1)] = 0
    schedule_delivery_time: Annotated[str, Time(Status.ESME_RINVSCHED)] = ""
    validity_period: Annotated[str, Time(Status.ESME_RINVEXPIRY)] = ""
    replace_if_present_flag: Annotated[int, Int(1)] = 0
    data_coding: Annotated[int, Int(1)] = 0
    sm_default_msg_id: Annotated[int, Int(1)] = 0
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.BROADCAST_SM_RESP)
class BroadcastSmResp(Response, frozen=True, gc=False):
    """Answer a broadcast_sm. v5.0 §4.4.2."""

    message_id: Annotated[str | None, CString(65)] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.QUERY_BROADCAST_SM)
class QueryBroadcastSm(Request, frozen=True, gc=False):
    """Ask for the state of a broadcast. v5.0 §4.6.1."""

    message_id: Annotated[str, CString(65, Status.ESME_RINVMSGID)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.QUERY_BROADCAST_SM_RESP)
class QueryBroadcastSmResp(Response, frozen=True, gc=False):
    """Answer a query_broadcast_sm. v5.0 §4.6.2."""

    message_id: Annotated[str | None, CString(65)] = None
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.CANCEL_BROADCAST_SM)
class CancelBroadcastSm(Request, frozen=True, gc=False):
    """Withdraw a broadcast. v5.0 §4.6.3."""

    service_type: Annotated[str, CString(6, Status.ESME_RINVSERTYP)] = ""
    message_id: Annotated[str, CString(65, Status.ESME_RINVMSGID)] = ""
    source_addr_ton: Annotated[int, Int(1)] = 0
    source_addr_npi: Annotated[int, Int(1)] = 0
    source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""
    tlvs: Annotated[Tlvs, TlvBlock()] = NO_TLVS


@pdu(CommandId.CANCEL_BROADCAST_SM_RESP)
class CancelBroadcastSmResp(Response, frozen=True, gc=False):
    """Answer a cancel_broadcast_sm. v5.0 §4.6.4."""
