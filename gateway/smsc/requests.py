"""A customer's PDUs as messages. Octets, coding and user data header stay as they are given."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final

import msgspec

from gateway.config import AccountSmppConfig
from gateway.models import DELIVERY_SCHEME, Message, NewMessage
from gateway.policy import SMPP
from gateway.smsc.origin import Address, Origin, can_register, read_origin, write_origin
from smpp.constants import ESM_MODE_MASK, ESM_TYPE_MASK, EsmClass
from smpp.errors import DecodeError, Reject
from smpp.sms import parse_udh
from smpp.status import CommandStatus as Status
from smpp.wire import dlt, tlv
from smpp.wire.pdu import DataSm, ReplaceSm, SubmitMulti, SubmitSm
from smpp.wire.time import RelativePeriod, parse_time
from smpp.wire.tlv import Tlvs
from smpp.wire.types import SmeAddress

_PART_OCTETS: Final = 134
_SINGLE_OCTETS: Final = 160

PASSED_TLVS: Final = frozenset(
    declared.tag
    for declared in (
        tlv.user_message_reference,
        tlv.source_port,
        tlv.source_addr_subunit,
        tlv.destination_port,
        tlv.dest_addr_subunit,
        tlv.sar_msg_ref_num,
        tlv.sar_total_segments,
        tlv.sar_segment_seqnum,
        tlv.more_messages_to_send,
        tlv.payload_type,
        tlv.privacy_indicator,
        tlv.callback_num,
        tlv.callback_num_pres_ind,
        tlv.callback_num_atag,
        tlv.source_subaddress,
        tlv.dest_subaddress,
        tlv.user_response_code,
        tlv.display_time,
        tlv.sms_signal,
        tlv.ms_validity,
        tlv.ms_msg_wait_facilities,
        tlv.number_of_messages,
        tlv.alert_on_message_delivery,
        tlv.language_indicator,
        tlv.its_reply_type,
        tlv.its_session_info,
        tlv.ussd_service_op,
    )
)
"""The optional parameters of submit_sm (§4.4.1) that go on to the SMSC; message_payload becomes the message itself."""

Submit = SubmitSm | SubmitMulti | DataSm


@dataclass(slots=True, frozen=True)
class Customer:
    """An account as its PDUs are read."""

    account: str
    settings: AccountSmppConfig


def message_of(request: SubmitSm | DataSm, customer: Customer, now: float) -> NewMessage:
    """The message of a request.

    Raises:
        Reject: it cannot be; with the status of the answer.
    """
    destination = (request.dest_addr_ton, request.dest_addr_npi, request.destination_addr)
    return _Reading(request, customer, now).message_to(destination)


def messages_of(request: SubmitMulti, customer: Customer, message_id: str, now: float) -> list[NewMessage]:
    """The messages of a request, one for each destination.

    Args:
        message_id: what the request will be answered with; all receipts bear it.

    Raises:
        Reject: the request as a whole cannot be.
    """
    if not request.dest_addresses:
        raise Reject(Status.ESME_RINVNUMDESTS)
    reading = _Reading(request, customer, now)
    messages = []
    for address in request.dest_addresses:
        if not isinstance(address, SmeAddress):
            raise Reject(Status.ESME_RINVDLNAME, "there are no distribution lists here")
        destination = (address.dest_addr_ton, address.dest_addr_npi, address.destination_addr)
        messages.append(reading.message_to(destination, message_id))
    return messages


def parts_of(request: Submit) -> int:
    """How many parts a request counts as, towards the account's pace."""
    payload = b"" if isinstance(request, DataSm) else request.short_message
    octets = max(len(payload), len(request.tlvs.raw(tlv.message_payload.tag) or b""))
    parts = 1 if octets <= _SINGLE_OCTETS else ceil(octets / _PART_OCTETS)
    return parts * max(1, len(request.dest_addresses)) if isinstance(request, SubmitMulti) else parts


def amended(message: Message, request: ReplaceSm, now: float) -> Message:
    """A message with the text, times and receipt that a replace_sm gives it.

    Raises:
        Reject: it cannot be.
    """
    origin = read_origin(message.origin)
    _check_registered_delivery(request.registered_delivery)
    _check_default_message(request.sm_default_msg_id)
    origin = msgspec.structs.replace(origin, registered_delivery=request.registered_delivery)
    scheduled_at = _moment(request.schedule_delivery_time, now, Status.ESME_RINVSCHED)
    # §4.10.1: a time that is NULL leaves the one that was set.
    scheduled_at = message.scheduled_at if scheduled_at is None else scheduled_at
    validity_seconds = message.validity_seconds
    if request.validity_period:
        validity_seconds = _validity(request.validity_period, scheduled_at, now)
    # The text comes with neither esm_class nor data_coding: those of the old one hold, its header among them.
    return msgspec.structs.replace(
        message,
        data=_one_payload(request.short_message, request.tlvs),
        scheduled_at=scheduled_at,
        validity_seconds=validity_seconds,
        wants_receipt=origin.wants_anything,
        wants_intermediate=origin.wants_intermediate,
        callback_url=DELIVERY_SCHEME + message.account if origin.wants_anything else "",
        origin=write_origin(origin),
    )


class _Reading:
    """What a request says of its message, whoever it goes to."""

    def __init__(self, request: Submit, customer: Customer, now: float) -> None:
        self._customer = customer
        self._source: Address = (request.source_addr_ton, request.source_addr_npi, request.source_addr)
        self._registered_delivery = request.registered_delivery
        _check_registered_delivery(request.registered_delivery)
        _check_esm_class(request.esm_class)
        self._scheduled_at: float | None = None
        self._validity_seconds: int | None = None
        self._priority = 0
        self._protocol_id = 0
        short_message = b""
        if not isinstance(request, DataSm):
            short_message = request.short_message
            _check_default_message(request.sm_default_msg_id)
            if request.replace_if_present_flag:
                raise Reject(Status.ESME_RINVSUBREP, "replace_if_present is not offered: use replace_sm")
            self._priority = request.priority_flag
            self._protocol_id = request.protocol_id
            self._scheduled_at = _moment(request.schedule_delivery_time, now, Status.ESME_RINVSCHED)
            if request.validity_period:
                self._validity_seconds = _validity(request.validity_period, self._scheduled_at, now)
        self._data_coding = request.data_coding
        self._udh, self._data = _split_header(_one_payload(short_message, request.tlvs), request.esm_class)
        passed = PASSED_TLVS | dlt.TAGS if customer.settings.tlv_profile == "dlt" else PASSED_TLVS
        self._tlvs = tuple(item for item in request.tlvs if item[0] in passed)
        self._reference = request.tlvs.get(tlv.user_message_reference)

    def message_to(self, destination: Address, message_id: str = "") -> NewMessage:
        """The message to one destination."""
        origin = Origin(
            source=self._source,
            destination=destination,
            registered_delivery=self._registered_delivery,
            message_id=message_id,
            user_message_reference=self._reference,
        )
        account = self._customer.account
        return NewMessage(
            account=account,
            recipient=destination[2],
            sender=self._source[2],
            data=self._data,
            udh=self._udh,
            data_coding=self._data_coding,
            default_alphabet=self._customer.settings.default_alphabet,
            tlvs=self._tlvs,
            wants_receipt=origin.wants_anything,
            wants_intermediate=origin.wants_intermediate,
            callback_url=DELIVERY_SCHEME + account if origin.wants_anything else "",
            dialect=SMPP,
            validity_seconds=self._validity_seconds,
            scheduled_at=self._scheduled_at,
            priority=self._priority,
            protocol_id=self._protocol_id,
            origin=write_origin(origin),
        )


def _check_registered_delivery(registered_delivery: int) -> None:
    if not can_register(registered_delivery):
        raise Reject(Status.ESME_RINVREGDLVFLG, f"registered_delivery 0x{registered_delivery:02X}")


def _check_default_message(number: int) -> None:
    if number:
        raise Reject(Status.ESME_RINVDFTMSGID, "there are no predefined messages here")


def _check_esm_class(esm_class: int) -> None:
    """Only plain messages: no acknowledgements of a handset's, and no waiting for the delivery (transaction mode)."""
    if esm_class & ESM_TYPE_MASK or esm_class & ESM_MODE_MASK == EsmClass.FORWARD:
        raise Reject(Status.ESME_RINVESMCLASS, f"esm_class 0x{esm_class:02X}")


def _one_payload(short_message: bytes, tlvs: Tlvs) -> bytes:
    """The octets of a message. §5.3.2.32: either short_message or message_payload."""
    payload = tlvs.get(tlv.message_payload)
    if payload is None:
        return short_message
    if short_message:
        raise Reject(Status.ESME_ROPTPARNOTALLWD, "both short_message and message_payload")
    return payload


def _split_header(octets: bytes, esm_class: int) -> tuple[bytes, bytes]:
    """User data header with its length octet, and the rest."""
    if not esm_class & EsmClass.UDHI:
        return b"", octets
    try:
        parse_udh(octets)
    except DecodeError as error:
        raise Reject(Status.ESME_RINVESMCLASS, str(error)) from error
    return octets[: 1 + octets[0]], octets[1 + octets[0] :]


def _moment(text: str, now: float, status: Status) -> float | None:
    """When a time field means; None where it is empty."""
    try:
        parsed = parse_time(text)
        if isinstance(parsed, RelativePeriod):
            parsed = parsed.after(datetime.fromtimestamp(now, UTC))
    except (DecodeError, ValueError, OverflowError) as error:
        raise Reject(status, str(error)) from error
    return None if parsed is None else parsed.timestamp()


def _validity(text: str, scheduled_at: float | None, now: float) -> int:
    """A validity period as seconds from when the message may go."""
    ends_at = _moment(text, now, Status.ESME_RINVEXPIRY) or 0.0
    # To the millisecond: a sum of floats is not quite what was added.
    seconds = ceil(round(ends_at - max(now, scheduled_at or 0.0), 3))
    if seconds <= 0:
        raise Reject(Status.ESME_RINVEXPIRY, "the validity period is over before the message may go")
    return seconds
