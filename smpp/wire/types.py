"""How a field looks on the wire: the annotations that PDU declarations are made of. SMPP v3.4 §3.1.

A declaration reads ``source_addr: Annotated[str, CString(21, Status.ESME_RINVSRCADR)] = ""``; `smpp.wire.codec`
generates the encoder and the decoder from it, `smpp.wire.grammar` the construct grammar.
"""

from dataclasses import dataclass
from enum import IntEnum

import msgspec

from smpp.status import CommandStatus


class TimeKind(IntEnum):
    """Which time formats a field takes. §7.1."""

    REQUEST = 0
    """Empty, or 16 characters, absolute or relative."""
    REPORT = 1
    """As REQUEST, or the 12 characters in which an SMSC may report. §7.1.1, note."""


@dataclass(frozen=True, slots=True)
class Int:
    """An unsigned integer, big endian.

    Args:
        octets: 1, 2 or 4.
    """

    octets: int


@dataclass(frozen=True, slots=True)
class CString:
    """Text that ends with a NUL octet.

    Args:
        max_octets: limit, with the NUL.
        command_status: what a request with a fault in this field is answered with.
    """

    max_octets: int
    command_status: CommandStatus = CommandStatus.ESME_RINVCMDLEN


@dataclass(frozen=True, slots=True)
class Time:
    """A time as a C-octet string: 1 or 17 octets with the NUL. §7.1."""

    command_status: CommandStatus
    kind: TimeKind = TimeKind.REQUEST
    max_octets: int = 17


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """sm_length and as many octets of message text. §5.2.21, §5.2.22.

    Args:
        max_octets: 254.
    """

    max_octets: int = 254


@dataclass(frozen=True, slots=True)
class DestAddresses:
    """number_of_dests and that many addresses or distribution list names. §4.5.1.1."""

    max_count: int = 254


@dataclass(frozen=True, slots=True)
class UnsuccessSmes:
    """no_unsuccess and that many addresses with their status. §4.5.2.1."""

    max_count: int = 255


@dataclass(frozen=True, slots=True)
class TlvBlock:
    """All octets behind the mandatory fields: tag, length, value, again and again. §3.2.4.1."""


FieldType = Int | CString | Time | ShortMessage | DestAddresses | UnsuccessSmes | TlvBlock


class SmeAddress(msgspec.Struct, frozen=True, gc=False):
    """One SME as a destination of submit_multi. §4.5.1.1, dest_flag 1."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


class DistributionList(msgspec.Struct, frozen=True, gc=False):
    """A distribution list as a destination of submit_multi. §4.5.1.1, dest_flag 2."""

    dl_name: str = ""


class UnsuccessSme(msgspec.Struct, frozen=True, gc=False):
    """A destination to which submit_multi failed. §4.5.2.1."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    error_status_code: int = 0


DestAddress = SmeAddress | DistributionList
