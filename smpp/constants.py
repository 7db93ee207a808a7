"""The specification's words as numbers: commands, addresses, flags, states. SMPP v3.4 sections 5.1 and 5.2."""

from enum import Enum, IntEnum
from typing import Final

HEADER_LENGTH: Final = 16
"""Octets of every PDU header: command_length, command_id, command_status, sequence_number (§3.2)."""

RESPONSE_BIT: Final = 0x80000000
"""Set in the command_id of every response (§5.1.2.1)."""

MIN_SEQUENCE_NUMBER: Final = 1
MAX_SEQUENCE_NUMBER: Final = 0x7FFFFFFF
"""Range of the numbers we give to our requests; peers use any 32-bit value and get it back unchanged (§5.1.4)."""

MAX_COMMAND_LENGTH: Final = 70_000
"""Default limit for a bound session: a message_payload of 65,535 octets with room for the rest."""

MAX_COMMAND_LENGTH_UNBOUND: Final = 4_096
"""Default limit before the bind: nothing that is legal there comes near it."""

DEFAULT_PORT: Final = 2775
DEFAULT_TLS_PORT: Final = 3550


class CommandId(IntEnum):
    """Which PDU it is. §5.1.2.1."""

    BIND_RECEIVER = 0x00000001
    BIND_TRANSMITTER = 0x00000002
    QUERY_SM = 0x00000003
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    REPLACE_SM = 0x00000007
    CANCEL_SM = 0x00000008
    BIND_TRANSCEIVER = 0x00000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    SUBMIT_MULTI = 0x00000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    # v5.0
    BROADCAST_SM = 0x00000111
    QUERY_BROADCAST_SM = 0x00000112
    CANCEL_BROADCAST_SM = 0x00000113

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM_RESP = 0x80000005
    UNBIND_RESP = 0x80000006
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER_RESP = 0x80000009
    ENQUIRE_LINK_RESP = 0x80000015
    SUBMIT_MULTI_RESP = 0x80000021
    DATA_SM_RESP = 0x80000103
    BROADCAST_SM_RESP = 0x80000111
    QUERY_BROADCAST_SM_RESP = 0x80000112
    CANCEL_BROADCAST_SM_RESP = 0x80000113


_COMMAND_NAMES: Final = {int(command): command.name.lower() for command in CommandId}


def command_name(command_id: int) -> str:
    """The specification's name of a command, or its number in hex."""
    return _COMMAND_NAMES.get(command_id) or f"0x{command_id:08X}"


class Role(Enum):
    """Which side of a session we are. §2.1."""

    ESME = "esme"
    SMSC = "smsc"


class BindMode(Enum):
    """What an ESME binds as. §2.2; the values are the words of a connection URL."""

    TRANSMITTER = "tx"
    RECEIVER = "rx"
    TRANSCEIVER = "trx"

    @property
    def can_submit(self) -> bool:
        """Whether this bind carries messages to the SMSC."""
        return self is not BindMode.RECEIVER

    @property
    def can_receive(self) -> bool:
        """Whether this bind carries messages and receipts from the SMSC."""
        return self is not BindMode.TRANSMITTER


class InterfaceVersion(IntEnum):
    """interface_version and sc_interface_version. §5.2.4."""

    V3_3 = 0x33
    V3_4 = 0x34
    V5_0 = 0x50


class Ton(IntEnum):
    """Type of number. §5.2.5."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER_NUMBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6


class Npi(IntEnum):
    """Numbering plan indicator. §5.2.6."""

    UNKNOWN = 0
    ISDN = 1
    DATA = 3
    TELEX = 4
    LAND_MOBILE = 6
    NATIONAL = 8
    PRIVATE = 9
    ERMES = 10
    INTERNET = 14
    WAP_CLIENT_ID = 18


class EsmClass(IntEnum):
    """Parts of esm_class; combine them with ``|``, test them with the masks. §5.2.12."""

    DEFAULT = 0x00
    DATAGRAM = 0x01
    FORWARD = 0x02
    STORE_AND_FORWARD = 0x03
    DELIVERY_RECEIPT = 0x04
    DELIVERY_ACKNOWLEDGEMENT = 0x08
    MANUAL_ACKNOWLEDGEMENT = 0x10
    CONVERSATION_ABORT = 0x18
    INTERMEDIATE_NOTIFICATION = 0x20
    UDHI = 0x40
    REPLY_PATH = 0x80


ESM_MODE_MASK: Final = 0x03
ESM_TYPE_MASK: Final = 0x3C


def is_receipt(esm_class: int) -> bool:
    """Whether a deliver_sm or data_sm says of itself that it is an SMSC delivery receipt. §5.2.12."""
    return esm_class & ESM_TYPE_MASK == EsmClass.DELIVERY_RECEIPT


def is_intermediate_notification(esm_class: int) -> bool:
    """Whether a deliver_sm or data_sm reports a state on the way. §5.2.12."""
    return esm_class & ESM_TYPE_MASK == EsmClass.INTERMEDIATE_NOTIFICATION


class RegisteredDelivery(IntEnum):
    """Parts of registered_delivery; combine them with ``|``. §5.2.17."""

    NONE = 0x00
    RECEIPT = 0x01
    RECEIPT_ON_FAILURE = 0x02
    RECEIPT_ON_SUCCESS = 0x03  # v5.0; reserved in v3.4
    SME_DELIVERY_ACK = 0x04
    SME_USER_ACK = 0x08
    # The text of §5.2.17 says bit 5, its bit pattern says 0x10; v5.0 agrees with the pattern.
    INTERMEDIATE_NOTIFICATION = 0x10


class DataCoding(IntEnum):
    """data_coding outside the groups of 3GPP TS 23.038. §5.2.19."""

    SMSC_DEFAULT = 0x00
    IA5 = 0x01
    OCTETS = 0x02
    LATIN_1 = 0x03
    BINARY = 0x04
    JIS = 0x05
    CYRILLIC = 0x06
    HEBREW = 0x07
    UCS2 = 0x08
    PICTOGRAM = 0x09
    ISO_2022_JP = 0x0A
    EXTENDED_KANJI_JIS = 0x0D
    KS_C_5601 = 0x0E


class MessageState(IntEnum):
    """message_state. §5.2.28; SCHEDULED and SKIPPED since v5.0."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9

    @property
    def is_final(self) -> bool:
        """Whether no later receipt is expected. ACCEPTED is not: many SMSCs send it on the way."""
        return self not in _ON_THE_WAY


_ON_THE_WAY: Final = (int(MessageState.SCHEDULED), int(MessageState.ENROUTE), int(MessageState.ACCEPTED))


class PriorityFlag(IntEnum):
    """priority_flag as GSM networks read it. §5.2.14."""

    LOWEST = 0
    HIGH = 1
    HIGHER = 2
    HIGHEST = 3
