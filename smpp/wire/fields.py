"""The plain path: any field, read and written one at a time, with an error that says what is wrong with it.

The generated codec is fast and knows only that something is wrong; it then comes here to hear what. The tests hold
the two against each other.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, get_type_hints

from smpp.errors import DecodeError, EncodeError
from smpp.status import CommandStatus as Status
from smpp.wire.pdu import Message
from smpp.wire.time import check_time
from smpp.wire.tlv import NO_TLVS, decode_tlvs, encode_tlvs
from smpp.wire.types import (
    CString,
    DestAddress,
    DestAddresses,
    DistributionList,
    FieldType,
    Int,
    ShortMessage,
    SmeAddress,
    Time,
    TimeKind,
    TlvBlock,
    UnsuccessSme,
    UnsuccessSmes,
)

SME_ADDRESS_FLAG: Final = 1
DISTRIBUTION_LIST_FLAG: Final = 2
_ADDRESS: Final = CString(21, Status.ESME_RINVDSTADR)
_DL_NAME: Final = CString(21, Status.ESME_RINVDLNAME)


@cache
def fields_of(message_type: type[Message]) -> Mapping[str, FieldType]:
    """The declared fields of a PDU in the order of the wire."""
    hints = get_type_hints(message_type, include_extras=True)
    return MappingProxyType({name: hints[name].__metadata__[0] for name in message_type.__struct_fields__})


# Reading


class Reader:
    """A place in a PDU's body, and how to move on from it.

    Args:
        buffer: octets that hold the PDU.
        position: where to begin.
        end: where the PDU ends.
        strict: whether limits and contents are checked.
        cut: whether what is missing at the end reads as None (responses) rather than as an error (requests).
    """

    def __init__(self, buffer: bytes, position: int, end: int, *, strict: bool, cut: bool) -> None:
        self.buffer = buffer
        self.position = position
        self.end = end
        self.strict = strict
        self.cut = cut

    def read(self, name: str, field: FieldType, *, nul_tail: bool = False) -> object:
        """Read one field.

        Raises:
            DecodeError: with the status that fits the field.
        """
        match field:
            case TlvBlock():
                return decode_tlvs(self.buffer, self.position, self.end, self.strict, nul_tail)
            case _ if self.position >= self.end:
                if self.cut:
                    return None
                raise DecodeError(f"the body ends before {name}", Status.ESME_RINVCMDLEN)
            case Int():
                return self._int(name, field.octets)
            case CString() | Time():
                return self._text(name, field)
            case ShortMessage():
                return self._short_message(field)
            case DestAddresses():
                return self._dest_addresses(field)
            case UnsuccessSmes():
                return self._unsuccess_smes()

    def _int(self, name: str, octets: int) -> int | None:
        stop = self.position + octets
        if stop > self.end:
            if self.cut:
                self.position = self.end
                return None
            raise DecodeError(f"the body ends inside {name}", Status.ESME_RINVCMDLEN)
        value = int.from_bytes(self.buffer[self.position : stop], "big")
        self.position = stop
        return value

    def _text(self, name: str, field: CString | Time) -> str:
        nul = self.buffer.find(0, self.position, self.end)
        if nul < 0:
            if not self.cut:
                raise DecodeError(f"{name} has no NUL at its end", field.command_status)
            nul = self.end  # Seen in the field: a message_id that ends with the PDU.
        text = self.buffer[self.position : nul].decode("latin-1")
        if self.strict and not self.cut:
            if len(text) >= field.max_octets:
                raise DecodeError(
                    f"{name} has {len(text) + 1} octets with its NUL, at most {field.max_octets} are allowed",
                    field.command_status,
                )
            if isinstance(field, Time) and text:
                check_time(text, field.command_status, report=field.kind is TimeKind.REPORT)
        self.position = min(nul + 1, self.end)
        return text

    def _short_message(self, field: ShortMessage) -> bytes:
        length = self.buffer[self.position]
        start, stop = self.position + 1, self.position + 1 + length
        if stop > self.end:
            if self.strict:
                raise DecodeError(f"sm_length is {length} but {self.end - start} octets follow", Status.ESME_RINVMSGLEN)
            stop = self.end
        elif self.strict and length > field.max_octets:
            raise DecodeError(f"sm_length is {length}, at most {field.max_octets} is allowed", Status.ESME_RINVMSGLEN)
        self.position = stop
        return self.buffer[start:stop]

    def _dest_addresses(self, field: DestAddresses) -> tuple[DestAddress, ...]:
        count = self.buffer[self.position]
        self.position += 1
        if self.strict and not 1 <= count <= field.max_count:
            raise DecodeError(f"number_of_dests is {count}, not 1 to {field.max_count}", Status.ESME_RINVNUMDESTS)
        found: list[DestAddress] = []
        for _ in range(count):
            match self.read("dest_flag", Int(1)):
                case 1:
                    found.append(
                        SmeAddress(
                            self._int("dest_addr_ton", 1) or 0,
                            self._int("dest_addr_npi", 1) or 0,
                            self._text("destination_addr", _ADDRESS),
                        )
                    )
                case 2:
                    found.append(DistributionList(self._text("dl_name", _DL_NAME)))
                case flag:
                    raise DecodeError(f"dest_flag is {flag}, not 1 or 2", Status.ESME_RINVDESTFLAG)
        return tuple(found)

    def _unsuccess_smes(self) -> tuple[UnsuccessSme, ...]:
        count = self.buffer[self.position]
        self.position += 1
        found: list[UnsuccessSme] = []
        for _ in range(count):
            if self.position >= self.end:
                break
            ton, npi = self._int("dest_addr_ton", 1), self._int("dest_addr_npi", 1)
            address = self._text("destination_addr", _ADDRESS)
            status = self._int("error_status_code", 4)
            if ton is None or npi is None or status is None:
                break
            found.append(UnsuccessSme(ton, npi, address, status))
        return tuple(found)


def decode_plainly(
    message_type: type[Message], buffer: bytes, position: int, end: int, strict: bool, nul_tail: bool
) -> Message:
    """Read a body field by field.

    Raises:
        DecodeError: a request that cannot be read; its status says which field and why.
    """
    request = message_type.is_request
    if request and position >= end and message_type.__struct_fields__:
        raise DecodeError(f"{message_type.command_name} has no body", Status.ESME_RINVCMDLEN)
    reader = Reader(buffer, position, end, strict=strict and request, cut=not request)
    values = [reader.read(name, field, nul_tail=nul_tail) for name, field in fields_of(message_type).items()]
    return message_type(*values)


# Writing


def encode_plainly(message: Message) -> bytes:
    """Write a body field by field.

    Raises:
        EncodeError: names the PDU, the field, the limit and the value.
    """
    parts: list[bytes] = []
    absent = ""
    for name, field in fields_of(type(message)).items():
        value = getattr(message, name)
        where = f"{message.command_name}.{name}"
        if value is None and not message.is_request:
            absent = absent or name
            continue
        if absent and not (isinstance(field, TlvBlock) and not value):
            raise EncodeError(f"{where} cannot be sent while {absent}, which stands before it, is None")
        parts.append(_write(where, field, value))
    return b"".join(parts)


def _write(where: str, field: FieldType, value: object) -> bytes:
    match field, value:
        case Int(), int():
            return _write_int(where, value, field.octets)
        case CString(), str():
            return _write_text(where, value, field.max_octets)
        case Time(), str():
            return _write_time(where, field, value)
        case ShortMessage(), bytes() | bytearray() | memoryview():
            if len(value) > field.max_octets:
                raise EncodeError(
                    f"{where} holds at most {field.max_octets} octets, not {len(value)}; use message_payload"
                )
            return bytes((len(value),)) + value
        case DestAddresses(), tuple() | list():
            if not 1 <= len(value) <= field.max_count:
                raise EncodeError(f"{where} holds 1 to {field.max_count} destinations, not {len(value)}")
            return bytes((len(value),)) + b"".join(_write_destination(where, item) for item in value)
        case UnsuccessSmes(), tuple() | list():
            if len(value) > field.max_count:
                raise EncodeError(f"{where} holds at most {field.max_count} destinations, not {len(value)}")
            return bytes((len(value),)) + b"".join(_write_unsuccess(where, item) for item in value)
        case TlvBlock(), _ if not value:
            return b""
        case TlvBlock(), tuple() | list():
            return _write_tlvs(where, value)
        case _:
            raise EncodeError(f"{where} cannot hold {_shown(where, value)}")


def _write_int(where: str, value: int, octets: int) -> bytes:
    if not 0 <= value < 1 << 8 * octets:
        raise EncodeError(f"{where} holds 0 to {(1 << 8 * octets) - 1}, not {value}")
    return int(value).to_bytes(octets, "big")


def _write_text(where: str, value: str, max_octets: int) -> bytes:
    shown = _shown(where, value)
    if len(value) >= max_octets:
        raise EncodeError(f"{where} holds at most {max_octets - 1} characters, not {len(value)}: {shown}")
    if "\0" in value:
        raise EncodeError(f"{where} cannot hold a NUL: {shown}")
    try:
        return value.encode("latin-1") + b"\0"
    except UnicodeEncodeError as error:
        raise EncodeError(f"{where} holds Latin-1 characters only: {shown}") from error


def _write_time(where: str, field: Time, value: str) -> bytes:
    try:
        check_time(value, field.command_status, report=field.kind is TimeKind.REPORT)
    except DecodeError as error:
        raise EncodeError(f"{where}: {error}") from None
    return _write_text(where, value, field.max_octets)


def _write_destination(where: str, item: object) -> bytes:
    match item:
        case SmeAddress():
            return (
                bytes((SME_ADDRESS_FLAG,))
                + _write_int(f"{where}.dest_addr_ton", item.dest_addr_ton, 1)
                + _write_int(f"{where}.dest_addr_npi", item.dest_addr_npi, 1)
                + _write_text(f"{where}.destination_addr", item.destination_addr, _ADDRESS.max_octets)
            )
        case DistributionList():
            name = _write_text(f"{where}.dl_name", item.dl_name, _DL_NAME.max_octets)
            return bytes((DISTRIBUTION_LIST_FLAG,)) + name
        case _:
            raise EncodeError(f"{where} holds SmeAddress and DistributionList, not {type(item).__name__}")


def _write_unsuccess(where: str, item: object) -> bytes:
    if not isinstance(item, UnsuccessSme):
        raise EncodeError(f"{where} holds UnsuccessSme, not {type(item).__name__}")
    return (
        _write_int(f"{where}.dest_addr_ton", item.dest_addr_ton, 1)
        + _write_int(f"{where}.dest_addr_npi", item.dest_addr_npi, 1)
        + _write_text(f"{where}.destination_addr", item.destination_addr, _ADDRESS.max_octets)
        + _write_int(f"{where}.error_status_code", item.error_status_code, 4)
    )


def _write_tlvs(where: str, value: "tuple[object, ...] | list[object]") -> bytes:
    try:
        return encode_tlvs(value)  # type: ignore[arg-type]
    except EncodeError as error:
        raise EncodeError(f"{where}: {error}") from error.__cause__


def _shown(where: str, value: object) -> str:
    """A refused value for an error: a password never, message text only by its type."""
    if where.endswith((".password", ".short_message")):
        return f"*** ({type(value).__name__})"
    return f"{value!r}" if isinstance(value, str) else f"{value!r} ({type(value).__name__})"


__all__ = ["NO_TLVS", "decode_plainly", "encode_plainly", "fields_of"]
