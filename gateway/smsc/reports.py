"""What goes out to customers: receipts and inbound messages as deliver_sm, made when owed and kept until taken.

Called inside the store's transaction: no I/O, no clock.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.config import Config
from gateway.models import DELIVERY_SCHEME, Callback, Inbound, Message, Receipt, State
from gateway.smsc.origin import Address, Origin, read_origin
from gateway.smsc.statuses import STATES
from smpp.constants import DataCoding, EsmClass
from smpp.endpoint import Address as SmppAddress
from smpp.errors import EncodeError
from smpp.sms import decode_text, encode_text, format_receipt, parse_udh, receipt_tlvs
from smpp.status import CommandStatus
from smpp.wire import tlv
from smpp.wire.pdu import DeliverSm
from smpp.wire.tlv import Tlv, Tlvs

MEDIA_TYPE: Final = "application/x-smpp-deliver"

_MAX_SHORT_MESSAGE_OCTETS: Final = 254
_ERROR: Final = re.compile(r"[0-9A-Za-z]{1,5}")
_STATUS_NAME: Final = re.compile(r"\bESME_[A-Z0-9_]+")
_NO_ERROR: Final = "000"


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deliver_sm as the store keeps it."""

    source: Address
    destination: Address
    esm_class: int = 0
    data_coding: int = 0
    octets: bytes = b""
    tlvs: tuple[Tlv, ...] = ()

    def pdu(self) -> DeliverSm:
        """As it is sent."""
        is_short = len(self.octets) <= _MAX_SHORT_MESSAGE_OCTETS
        tlvs = self.tlvs if is_short else (*self.tlvs, tlv.message_payload(self.octets))
        return DeliverSm(
            source_addr_ton=self.source[0],
            source_addr_npi=self.source[1],
            source_addr=self.source[2],
            dest_addr_ton=self.destination[0],
            dest_addr_npi=self.destination[1],
            destination_addr=self.destination[2],
            esm_class=self.esm_class,
            data_coding=self.data_coding,
            short_message=self.octets if is_short else b"",
            tlvs=Tlvs(tlvs),
        )


_decode: Final = msgspec.json.Decoder(Delivery).decode


def pdu_of(callback: Callback) -> DeliverSm:
    """The deliver_sm that is owed.

    Raises:
        ValueError: it is none.
    """
    return _decode(callback.body).pdu()


class SmppReports:
    """Makes what is owed to accounts that bind (gateway.reports.Reporter)."""

    name = "smpp"

    def __init__(self, config: Config) -> None:
        self._customers = {name: account.smpp for name, account in config.account.items() if account.smpp is not None}
        self._uplink_alphabets: Mapping[str, str] = {
            name: uplink.default_alphabet for name, uplink in config.uplink.items()
        }
        self.inbound_accounts = frozenset(
            name for name, customer in self._customers.items() if customer.inbound == "smpp"
        )
        """Accounts whose inbound messages go to their binds."""

    def _alphabet(self, account: str) -> str:
        customer = self._customers.get(account)
        return customer.default_alphabet if customer is not None else "gsm"

    # Receipts

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """The receipt that a message's new state owes, by its registered_delivery."""
        origin = read_origin(message.origin)
        if not message.state.is_final:
            is_owed = message.state is State.ENROUTE and origin.wants_intermediate
            esm_class = EsmClass.INTERMEDIATE_NOTIFICATION
        else:
            is_owed = origin.wants_success if message.state is State.DELIVERED else origin.wants_failure
            esm_class = EsmClass.DELIVERY_RECEIPT
        return self._receipt(message, receipt, origin, esm_class) if is_owed else None

    def _receipt(self, message: Message, receipt: Receipt | None, origin: Origin, esm_class: EsmClass) -> Callback:
        message_id = origin.message_id or message.id
        state = STATES[message.state]
        done_at = receipt.done_at if receipt is not None and receipt.done_at is not None else message.updated_at
        alphabet = self._alphabet(message.account)
        octets = format_receipt(
            message_id,
            state,
            submit_date=datetime.fromtimestamp(message.created_at, UTC),
            done_date=datetime.fromtimestamp(done_at, UTC),
            error=receipt_error(message, receipt),
            text=_text_of(message),
            default_alphabet=alphabet,
        )
        tlvs = receipt_tlvs(message_id, state)
        if origin.user_message_reference is not None:
            tlvs.append(tlv.user_message_reference(origin.user_message_reference))
        return _callback(
            message.account,
            Delivery(
                source=origin.destination,
                destination=origin.source,
                esm_class=esm_class,
                octets=octets,
                tlvs=tuple(tlvs),
            ),
        )

    # Inbound messages

    def inbound_callback(self, inbound: Inbound) -> Callback:
        """A message from a handset to one of the account's numbers."""
        data_coding, octets = self._coded(inbound)
        made = _callback(
            inbound.account,
            Delivery(
                source=_guess(inbound.sender),
                destination=_guess(inbound.recipient),
                esm_class=EsmClass.UDHI if inbound.udh else EsmClass.DEFAULT,
                data_coding=data_coding,
                octets=inbound.udh + octets,
            ),
        )
        return msgspec.structs.replace(
            made, message_id=inbound.id, created_at=inbound.received_at, due_at=inbound.received_at
        )

    def _coded(self, inbound: Inbound) -> tuple[int, bytes]:
        """data_coding and octets: as they came, unless data_coding 0 means something else to the customer."""
        theirs = self._uplink_alphabets.get(inbound.uplink, "gsm")
        ours = self._alphabet(inbound.account)
        if inbound.data_coding != DataCoding.SMSC_DEFAULT or theirs == ours:
            return inbound.data_coding, inbound.data
        try:
            return DataCoding.SMSC_DEFAULT, encode_text(inbound.text, DataCoding.SMSC_DEFAULT, ours)
        except EncodeError:
            return DataCoding.UCS2, encode_text(inbound.text, DataCoding.UCS2)


def receipt_error(message: Message, receipt: Receipt | None) -> str:
    """What stands behind `err:`: the network's code, else the number of the status that ended the message."""
    if message.state in (State.DELIVERED, State.ENROUTE):
        return _NO_ERROR
    if receipt is not None and _ERROR.fullmatch(receipt.error):
        return receipt.error
    # A provider's words stand before the name.
    name = _STATUS_NAME.search(message.error)
    status = CommandStatus.__members__.get(name[0]) if name is not None else None
    return f"{int(status):03d}" if status is not None else _NO_ERROR


def _text_of(message: Message) -> str:
    if message.data is None:
        return message.text
    udh = parse_udh(message.udh) if message.udh else None
    return decode_text(message.data, message.data_coding or 0, message.default_alphabet or "gsm", udh=udh)


def _guess(address: str) -> Address:
    guessed = SmppAddress.guess(address)
    return guessed.ton, guessed.npi, guessed.addr


def _callback(account: str, delivery: Delivery) -> Callback:
    return Callback(
        id="",
        account=account,
        url=DELIVERY_SCHEME + account,
        method="DELIVER",
        content_type=MEDIA_TYPE,
        body=msgspec.json.encode(delivery),
        dialect="smpp",
    )
