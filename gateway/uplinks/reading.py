"""What SMSCs send, as receipts and messages in our own words. Pure."""

import re
from typing import Final, NamedTuple

from gateway.models import Inbound, Receipt, State
from smpp.constants import EsmClass, MessageState
from smpp.sms import Receipt as SmppReceipt
from smpp.sms import decode_text, split_udh
from smpp.sms.reassembly import concat_of
from smpp.sms.udh import UserDataHeader
from smpp.wire import tlv
from smpp.wire.pdu import DataSm, DeliverSm
from smpp.wire.tlv import Tlvs

STATES: Final = {
    MessageState.SCHEDULED: State.ENROUTE,
    MessageState.ENROUTE: State.ENROUTE,
    MessageState.DELIVERED: State.DELIVERED,
    MessageState.EXPIRED: State.EXPIRED,
    MessageState.DELETED: State.DELETED,
    MessageState.UNDELIVERABLE: State.UNDELIVERABLE,
    MessageState.ACCEPTED: State.ENROUTE,
    MessageState.UNKNOWN: State.UNKNOWN,
    MessageState.REJECTED: State.REJECTED,
    MessageState.SKIPPED: State.UNDELIVERABLE,
}
"""The SMSC's states in our words. ACCEPTED is not final: many SMSCs send it on the way."""

_SAR: Final = frozenset({tlv.sar_msg_ref_num.tag, tlv.sar_total_segments.tag, tlv.sar_segment_seqnum.tag})


_TEXT: Final = re.compile(r"(\btext:).*", re.IGNORECASE | re.DOTALL)
"""The beginning of the message, which stands last: it may be a one-time code, and nobody needs it twice."""


class Arrival(NamedTuple):
    """Where and when something came."""

    uplink: str
    group: str
    bind: str
    at: float
    default_alphabet: str


def read_receipt(message: DeliverSm | DataSm, receipt: SmppReceipt, arrival: Arrival) -> Receipt:
    """A receipt; its addresses are those of the message it is about, swapped."""
    state = STATES.get(receipt.state, State.UNKNOWN) if receipt.state is not None else State.UNKNOWN
    if receipt.is_intermediate and state.is_final:
        state = State.ENROUTE
    return Receipt(
        group=arrival.group,
        smsc_message_id=receipt.id,
        state=state,
        recipient=message.source_addr,
        sender=message.destination_addr,
        error=receipt.error,
        done_at=receipt.done_date.timestamp() if receipt.done_date and receipt.done_date.tzinfo else None,
        received_at=arrival.at,
        uplink=arrival.uplink,
        bind=arrival.bind,
        raw=_TEXT.sub(r"\1", receipt.raw),
    )


def read_inbound(message: DeliverSm | DataSm, identifier: str, arrival: Arrival) -> Inbound:
    """A message from a handset, or a part of one."""
    octets = message.short_message if isinstance(message, DeliverSm) else b""
    octets = octets or message.tlvs.get(tlv.message_payload) or b""
    udh, body = split_udh(octets) if message.esm_class & EsmClass.UDHI else (None, octets)
    return Inbound(
        id=identifier,
        account="",
        sender=message.source_addr,
        recipient=message.destination_addr,
        text=decode_text(body, message.data_coding, arrival.default_alphabet, udh=udh),
        data=body,
        udh=_header(udh, message.tlvs),
        data_coding=message.data_coding,
        uplink=arrival.uplink,
        bind=arrival.bind,
        received_at=arrival.at,
    )


def _header(udh: UserDataHeader | None, tlvs: Tlvs) -> bytes:
    """The user data header; SAR parameters become the element that says the same."""
    part = concat_of(udh, {tag: value for tag, value in tlvs if tag in _SAR})
    if part is None or not part[1]:
        return udh.encode() if udh is not None else b""
    return UserDataHeader.of(part[0], *(udh.elements if udh is not None else ())).encode()
