"""Optional parameters: tag, length, value. SMPP v3.4 §3.2.4 and §5.3.

Each TLV is declared in one line near the end of this file. A declaration is called to make a value for a PDU and
asked of a PDU's block to read one::

    SubmitSm(..., tlvs=Tlvs.of(tlv.user_message_reference(7), tlv.message_payload(b"...")))
    pdu.tlvs.get(tlv.user_message_reference)          # 7, or None

Tags without a declaration keep their octets and are sent back as they came.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from smpp.errors import DecodeError, EncodeError
from smpp.status import CommandStatus

T = TypeVar("T")

Tlv = tuple[int, bytes]
"""One optional parameter: tag and value octets."""

MAX_TAG: Final = 0xFFFF
MAX_VALUE_LENGTH: Final = 0xFFFF

_pack_tag_length = struct.Struct(">HH").pack
_unpack_tag_length = struct.Struct(">HH").unpack_from


@dataclass(frozen=True, slots=True)
class TlvType(Generic[T]):
    """A declared TLV: its tag, its name, how long it may be, and how its value reads.

    Attributes:
        tag: parameter tag. §5.3.1.
        name: the specification's name.
        min_length: fewest octets of the value.
        max_length: most octets of the value that we write.
        tolerated_length: most octets that a strict decoder accepts, where the field is wider than the book.
        kind: "integer", "text", "octets" or "flag".
        section: where the specification (v3.4, if nothing else is said) describes it.
    """

    tag: int
    name: str
    min_length: int
    max_length: int
    kind: str
    to_octets: Callable[[T], bytes]
    from_octets: Callable[[bytes], T]
    tolerated_length: int = 0
    section: str = ""

    def __call__(self, value: T) -> Tlv:
        """Make a TLV with this value.

        Raises:
            EncodeError: the value does not fit; names the TLV, the limit and the value's size.
        """
        try:
            octets = self.to_octets(value)
        except (OverflowError, UnicodeEncodeError, TypeError, AttributeError, ValueError) as error:
            shown = f"a {type(value).__name__}" if self.kind == "octets" else repr(value)  # it may be message text
            raise EncodeError(f"TLV {self.name} cannot hold {shown}: {error}") from error
        if not self.min_length <= len(octets) <= self.max_length:
            raise EncodeError(f"TLV {self.name} holds {self.min_length} to {self.max_length} octets, not {len(octets)}")
        return self.tag, octets

    def decode(self, octets: bytes) -> T:
        """Read a value.

        Raises:
            DecodeError: the octets cannot be a value of this TLV.
        """
        if not self.min_length <= len(octets) <= max(self.max_length, self.tolerated_length):
            raise DecodeError(
                f"TLV {self.name} has {len(octets)} octets, not {self.min_length} to {self.max_length}",
                CommandStatus.ESME_RINVPARLEN,
            )
        return self.from_octets(octets)


class Tlvs(tuple[Tlv, ...]):
    """The optional parameters of one PDU, in the order of the wire, repeated ones included."""

    __slots__ = ()

    @classmethod
    def of(cls, *tlvs: Tlv) -> "Tlvs":
        """Make a block of these, in this order."""
        return cls(tlvs)

    def raw(self, tag: int) -> bytes | None:
        """The first value with this tag, as octets. (The first wins where a peer repeats one.)"""
        for candidate, value in self:
            if candidate == tag:
                return value
        return None

    def get(self, tlv_type: TlvType[T]) -> T | None:
        """The first value of this TLV, or None where it is absent or its octets make no sense."""
        octets = self.raw(tlv_type.tag)
        if octets is None:
            return None
        try:
            return tlv_type.decode(octets)
        except DecodeError:
            return None

    def get_all(self, tlv_type: TlvType[T]) -> list[T]:
        """Every readable value of a TLV that may repeat (callback_num and its companions). §5.3.2.36."""
        return [
            tlv_type.from_octets(value)
            for tag, value in self
            if tag == tlv_type.tag
            and tlv_type.min_length <= len(value) <= max(tlv_type.max_length, tlv_type.tolerated_length)
        ]

    def has(self, tlv_type: TlvType[T]) -> bool:
        """Whether this TLV is there, readable or not."""
        return any(tag == tlv_type.tag for tag, _ in self)

    def with_(self, *tlvs: Tlv) -> "Tlvs":
        """A block with these behind ours."""
        return Tlvs((*self, *tlvs))

    def without(self, *tags: int) -> "Tlvs":
        """A block that lacks every TLV with one of these tags."""
        return Tlvs(item for item in self if item[0] not in tags)

    def describe(self, profile: "TlvProfile | None" = None) -> Iterator[tuple[int, str, bytes]]:
        """Tag, name and octets of each, named as `profile` (default: the specification) names them."""
        names = (profile or STANDARD).names
        for tag, value in self:
            yield tag, names.get(tag, ""), value

    def __repr__(self) -> str:
        return f"Tlvs({', '.join(_shown(item) for item in self)})"


def _shown(item: object) -> str:
    match item:
        case (int() as tag, bytes() as value):
            return f"{STANDARD.names.get(tag) or f'0x{tag:04X}'}={value.hex()}"
        case _:  # No TLV; the error that says so wants to show it.
            return repr(item)


NO_TLVS: Final = Tlvs()


def encode_tlvs(tlvs: Iterable[Tlv]) -> bytes:
    """Write a block.

    Raises:
        EncodeError: a tag beyond 16 bits or a value beyond 65,535 octets.
    """
    parts: list[bytes] = []
    try:
        for tag, value in tlvs:
            parts.append(_pack_tag_length(tag, len(value)))
            parts.append(value)
        return b"".join(parts)
    except (struct.error, TypeError, ValueError) as error:
        raise _explained(tlvs) from error


def _explained(tlvs: Iterable[object]) -> EncodeError:
    """What is wrong with a block that cannot be written. Values stay out of it: they may be message text."""
    try:
        items = list(tlvs)
    except TypeError:
        return EncodeError(f"a block of TLVs cannot be a {type(tlvs).__name__}")
    for item in items:
        match item:
            case (int() as tag, bytes() | bytearray() | memoryview() as value):
                if not 0 <= tag <= MAX_TAG:
                    return EncodeError(f"a TLV's tag is 0 to 0x{MAX_TAG:04X}, not {tag:#x}")
                if len(value) > MAX_VALUE_LENGTH:
                    return EncodeError(f"TLV 0x{tag:04X} holds at most {MAX_VALUE_LENGTH} octets, not {len(value)}")
            case (tag, value):
                return EncodeError(f"a TLV is a tag and octets, not {tag!r} and a {type(value).__name__}")
            case _:
                return EncodeError(f"a TLV is a tag and octets, not a {type(item).__name__}")
    return EncodeError("the block of TLVs cannot be written")


def decode_tlvs(buffer: bytes, position: int, end: int, strict: bool, nul_tail: bool = False) -> Tlvs:
    """Read the block between two positions.

    Args:
        buffer: octets that hold the PDU.
        position: where the block starts.
        end: where the PDU ends.
        strict: whether a fault is an error. If not, what cannot be read is left out.
        nul_tail: whether left-over NUL octets at the end are no fault (seen behind deliver_sm in the field).

    Raises:
        DecodeError: a value reaches beyond the PDU, octets are left over, or a known TLV has a wrong length.
    """
    items: list[Tlv] = []
    last = end - 4
    while position <= last:
        tag, length = _unpack_tag_length(buffer, position)
        start = position + 4
        stop = start + length
        if stop > end:
            break
        if strict and tag in _LENGTHS:
            limits = _LENGTHS[tag]
            if not limits[0] <= length <= limits[1]:
                raise DecodeError(
                    f"TLV {STANDARD.names[tag]} has {length} octets, not {limits[0]} to {limits[1]}",
                    CommandStatus.ESME_RINVPARLEN,
                )
        items.append((tag, buffer[start:stop]))
        position = stop
    if position != end and strict and not (nul_tail and not any(buffer[position:end])):
        raise DecodeError(
            f"{end - position} octets are left over behind {len(items)} TLVs", CommandStatus.ESME_RINVOPTPARSTREAM
        )
    return Tlvs(items)


class TlvProfile:
    """The TLVs of one operator: the specification's, and vendor tags that mean something there only.

    Args:
        name: for logs and configs.
        vendor: declarations of vendor tags (0x1400-0x3FFF); they hide standard ones with the same tag.
    """

    def __init__(self, name: str, vendor: Iterable[TlvType[bytes] | TlvType[str] | TlvType[int]] = ()) -> None:
        self.name = name
        self.types: Mapping[int, TlvType[bytes] | TlvType[str] | TlvType[int]] = {
            **_REGISTRY,
            **{tlv_type.tag: tlv_type for tlv_type in vendor},
        }
        self.names: Mapping[int, str] = {tag: tlv_type.name for tag, tlv_type in self.types.items()}
        self.by_name: Mapping[str, TlvType[bytes] | TlvType[str] | TlvType[int]] = {
            tlv_type.name: tlv_type for tlv_type in self.types.values()
        }

    def __repr__(self) -> str:
        return f"TlvProfile({self.name!r})"


_REGISTRY: Final[dict[int, TlvType[bytes] | TlvType[str] | TlvType[int]]] = {}


def int_type(tag: int, name: str, octets: int, *, tolerated: int = 0) -> TlvType[int]:
    """Declare an unsigned integer.

    Args:
        tag: parameter tag.
        name: the specification's name.
        octets: length of the value.
        tolerated: most octets to accept from a peer, where the field is wider than the book.
    """
    return TlvType(
        tag,
        name,
        octets,
        octets,
        "integer",
        lambda value: value.to_bytes(octets, "big"),
        lambda value: int.from_bytes(value, "big"),
        tolerated,
    )


def text_type(tag: int, name: str, max_octets: int, *, nul: bool = True, min_octets: int = 1) -> TlvType[str]:
    """Declare text. A NUL at the end of a received value is dropped, whether the field has one or not.

    Args:
        tag: parameter tag.
        name: the specification's name, or the vendor's.
        max_octets: limit, with the NUL.
        nul: whether the value is a C-octet string (we send the NUL) or a plain octet string (we do not).
        min_octets: fewest octets; a peer's empty value is accepted all the same.
    """

    def to_octets(value: str) -> bytes:
        octets = value.encode("latin-1")
        if b"\0" in octets:
            raise ValueError("NUL inside the text")
        if len(octets) + nul < min_octets:
            raise ValueError(f"shorter than {min_octets} octets")
        return octets + b"\0" if nul else octets

    return TlvType(
        tag, name, 0, max_octets, "text", to_octets, lambda value: value.split(b"\0", 1)[0].decode("latin-1")
    )


def octets_type(tag: int, name: str, min_octets: int, max_octets: int) -> TlvType[bytes]:
    """Declare plain octets."""
    return TlvType(tag, name, min_octets, max_octets, "octets", _octets_of, bytes)


def flag_type(tag: int, name: str) -> TlvType[bytes]:
    """Declare a TLV that says something by being there. We write no octets and accept one."""
    return TlvType(tag, name, 0, 0, "flag", _octets_of, bytes, tolerated_length=1)


def _octets_of(value: bytes) -> bytes:
    return bytes(memoryview(value))  # bytes(3) would be three NULs


def _int(section: str, tag: int, name: str, octets: int, *, tolerated: int = 0) -> TlvType[int]:
    _REGISTRY[tag] = declared = replace(int_type(tag, name, octets, tolerated=tolerated), section=section)
    return declared


def _text(section: str, tag: int, name: str, max_octets: int) -> TlvType[str]:
    _REGISTRY[tag] = declared = replace(text_type(tag, name, max_octets), section=section)
    return declared


def _octets(section: str, tag: int, name: str, min_octets: int, max_octets: int) -> TlvType[bytes]:
    _REGISTRY[tag] = declared = replace(octets_type(tag, name, min_octets, max_octets), section=section)
    return declared


def _flag(section: str, tag: int, name: str) -> TlvType[bytes]:
    _REGISTRY[tag] = declared = replace(flag_type(tag, name), section=section)
    return declared


dest_addr_subunit = _int("5.3.2.1", 0x0005, "dest_addr_subunit", 1)
dest_network_type = _int("5.3.2.3", 0x0006, "dest_network_type", 1)
dest_bearer_type = _int("5.3.2.5", 0x0007, "dest_bearer_type", 1)
dest_telematics_id = _int("5.3.2.7", 0x0008, "dest_telematics_id", 2)
source_addr_subunit = _int("5.3.2.2", 0x000D, "source_addr_subunit", 1)
source_network_type = _int("5.3.2.4", 0x000E, "source_network_type", 1)
source_bearer_type = _int("5.3.2.6", 0x000F, "source_bearer_type", 1)
source_telematics_id = _int("5.3.2.8", 0x0010, "source_telematics_id", 1, tolerated=2)
qos_time_to_live = _int("5.3.2.9", 0x0017, "qos_time_to_live", 4)
payload_type = _int("5.3.2.10", 0x0019, "payload_type", 1)
additional_status_info_text = _text("5.3.2.11", 0x001D, "additional_status_info_text", 256)
receipted_message_id = _text("5.3.2.12", 0x001E, "receipted_message_id", 65)
ms_msg_wait_facilities = _int("5.3.2.13", 0x0030, "ms_msg_wait_facilities", 1)
privacy_indicator = _int("5.3.2.14", 0x0201, "privacy_indicator", 1)
source_subaddress = _octets("5.3.2.15", 0x0202, "source_subaddress", 2, 23)
dest_subaddress = _octets("5.3.2.16", 0x0203, "dest_subaddress", 2, 23)
user_message_reference = _int("5.3.2.17", 0x0204, "user_message_reference", 2)
user_response_code = _int("5.3.2.18", 0x0205, "user_response_code", 1)
source_port = _int("5.3.2.20", 0x020A, "source_port", 2)
destination_port = _int("5.3.2.21", 0x020B, "destination_port", 2)
sar_msg_ref_num = _int("5.3.2.22", 0x020C, "sar_msg_ref_num", 2)
language_indicator = _int("5.3.2.19", 0x020D, "language_indicator", 1)
sar_total_segments = _int("5.3.2.23", 0x020E, "sar_total_segments", 1)
sar_segment_seqnum = _int("5.3.2.24", 0x020F, "sar_segment_seqnum", 1)
sc_interface_version = _int("5.3.2.25", 0x0210, "sc_interface_version", 1)
callback_num_pres_ind = _int("5.3.2.37", 0x0302, "callback_num_pres_ind", 1)
callback_num_atag = _octets("5.3.2.38", 0x0303, "callback_num_atag", 1, 65)
number_of_messages = _int("5.3.2.39", 0x0304, "number_of_messages", 1)
callback_num = _octets("5.3.2.36", 0x0381, "callback_num", 4, 19)
dpf_result = _int("5.3.2.28", 0x0420, "dpf_result", 1)
set_dpf = _int("5.3.2.29", 0x0421, "set_dpf", 1)
ms_availability_status = _int("5.3.2.30", 0x0422, "ms_availability_status", 1)
network_error_code = _octets("5.3.2.31", 0x0423, "network_error_code", 3, 3)
message_payload = _octets("5.3.2.32", 0x0424, "message_payload", 0, 65535)
delivery_failure_reason = _int("5.3.2.33", 0x0425, "delivery_failure_reason", 1)
more_messages_to_send = _int("5.3.2.34", 0x0426, "more_messages_to_send", 1)
message_state = _int("5.3.2.35", 0x0427, "message_state", 1)
ussd_service_op = _int("5.3.2.44", 0x0501, "ussd_service_op", 1)
display_time = _int("5.3.2.26", 0x1201, "display_time", 1)
sms_signal = _int("5.3.2.40", 0x1203, "sms_signal", 2)
ms_validity = _int("5.3.2.27", 0x1204, "ms_validity", 1, tolerated=4)
alert_on_message_delivery = _flag("5.3.2.41", 0x130C, "alert_on_message_delivery")
its_reply_type = _int("5.3.2.42", 0x1380, "its_reply_type", 1)
its_session_info = _octets("5.3.2.43", 0x1383, "its_session_info", 2, 2)

_V3_4_TAGS: Final = frozenset(_REGISTRY)

_V5_0: Final = "v5.0 4.8.4"  # Those that came with it.

congestion_state = _int(_V5_0, 0x0428, "congestion_state", 1)
broadcast_channel_indicator = _int(_V5_0, 0x0600, "broadcast_channel_indicator", 1)
broadcast_content_type = _octets(_V5_0, 0x0601, "broadcast_content_type", 3, 3)
broadcast_content_type_info = _octets(_V5_0, 0x0602, "broadcast_content_type_info", 1, 255)
broadcast_message_class = _int(_V5_0, 0x0603, "broadcast_message_class", 1)
broadcast_rep_num = _int(_V5_0, 0x0604, "broadcast_rep_num", 2)
broadcast_frequency_interval = _octets(_V5_0, 0x0605, "broadcast_frequency_interval", 3, 3)
broadcast_area_identifier = _octets(_V5_0, 0x0606, "broadcast_area_identifier", 1, 101)
broadcast_error_status = _int(_V5_0, 0x0607, "broadcast_error_status", 4)
broadcast_area_success = _int(_V5_0, 0x0608, "broadcast_area_success", 1)
broadcast_end_time = _text(_V5_0, 0x0609, "broadcast_end_time", 17)
broadcast_service_group = _octets(_V5_0, 0x060A, "broadcast_service_group", 1, 255)
billing_identification = _octets(_V5_0, 0x060B, "billing_identification", 1, 1024)
source_network_id = _text(_V5_0, 0x060D, "source_network_id", 65)
dest_network_id = _text(_V5_0, 0x060E, "dest_network_id", 65)
source_node_id = _octets(_V5_0, 0x060F, "source_node_id", 6, 6)
dest_node_id = _octets(_V5_0, 0x0610, "dest_node_id", 6, 6)
dest_addr_np_resolution = _int(_V5_0, 0x0611, "dest_addr_np_resolution", 1)
dest_addr_np_information = _octets(_V5_0, 0x0612, "dest_addr_np_information", 10, 10)
dest_addr_np_country = _octets(_V5_0, 0x0613, "dest_addr_np_country", 1, 5)

STANDARD: Final = TlvProfile("standard")
"""The TLVs of v3.4 and v5.0; vendor tags have no names."""

_LENGTHS: Final = {
    tag: (tlv_type.min_length, max(tlv_type.max_length, tlv_type.tolerated_length))
    for tag, tlv_type in _REGISTRY.items()
    if tag in _V3_4_TAGS  # To a v3.4 receiver the others are unknown, and unknown tags are ignored (§3.3).
}

REPEATABLE: Final = frozenset({callback_num.tag, callback_num_pres_ind.tag, callback_num_atag.tag})
"""The tags that the specification lets a PDU repeat."""
