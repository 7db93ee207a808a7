"""PDUs as JSON objects and back: what `smpp decode --json` prints and `smpp encode --json` reads.

``{"command": "submit_sm", "command_status": 0, "sequence_number": 1, "fields": {...}, "tlvs": [...], "hex": "..."}``

Fields have the specification's names. C-octet strings are text (Latin-1), octets are lower-case hex; a field that is
not on the wire is absent, an empty one is ``""``. Counts and lengths (sm_length, number_of_dests, no_unsuccess) are
left out: `from_json` computes them. What cannot be decoded is
``{"error": "...", "command_status": 2, "fatal": true, "hex": "..."}``.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError, EncodeError, FrameError
from smpp.wire import FrameReader, TlvProfile, Tlvs, decode, encode
from smpp.wire.fields import DISTRIBUTION_LIST_FLAG, SME_ADDRESS_FLAG, fields_of
from smpp.wire.grammar import annotate
from smpp.wire.pdu import MESSAGES, Message
from smpp.wire.tlv import STANDARD
from smpp.wire.types import (
    DestAddresses,
    DistributionList,
    FieldType,
    ShortMessage,
    SmeAddress,
    TlvBlock,
    UnsuccessSme,
    UnsuccessSmes,
)

JsonObject = dict[str, Any]

MASK: Final = "***"
"""What stands in the place of a password that is not to be shown."""

_COMPUTED: Final = frozenset({"sm_length", "number_of_dests", "no_unsuccess"})
_TYPES: Final = {message_type.command_name: message_type for message_type in MESSAGES.values()}


# PDU to JSON


def to_json(
    octets: bytes, *, strict: bool = True, profile: TlvProfile = STANDARD, mask_secrets: bool = False
) -> JsonObject:
    """Describe one PDU, or the fault that keeps it from being read. Never raises.

    Args:
        octets: a PDU, whole or not.
        strict: whether a request is judged as an SMSC would; responses are always read leniently.
        profile: names vendor TLVs.
        mask_secrets: whether a password is masked, in its field and in "hex".
    """
    shown_hex = _masked(octets).hex() if mask_secrets else octets.hex()
    try:
        pdu = decode(octets, strict=strict)
    except DecodeError as error:
        return {
            "error": str(error),
            "command_status": error.command_status,
            "fatal": isinstance(error, FrameError),
            "hex": shown_hex,
        }
    message, sequence_number, command_status = pdu.message, pdu.sequence_number, pdu.command_status
    fields = {
        _json_name(field, name): _to_json(field, getattr(message, name))
        for name, field in fields_of(type(message)).items()
        if not isinstance(field, TlvBlock) and getattr(message, name) is not None
    }
    if mask_secrets and "password" in fields:
        fields["password"] = MASK
    tlvs: Tlvs = getattr(message, "tlvs", Tlvs())
    return {
        "command": message.command_name,
        "command_status": command_status,
        "sequence_number": sequence_number,
        "fields": fields,
        "tlvs": [{"tag": tag, "name": name, "value": value.hex()} for tag, name, value in tlvs.describe(profile)],
        "hex": shown_hex,
    }


def pdus_in(octets: bytes) -> list[bytes]:
    """The PDUs that octets consist of; all of them as one where they are not a row of whole PDUs."""
    reader = FrameReader()
    reader.feed(octets)
    found: list[bytes] = []
    try:
        while (frame := reader.next()) is not None:
            *_, start, end = frame
            found.append(octets[start - HEADER_LENGTH : end])
    except FrameError:
        return [octets]
    return found if found and not reader.pending else [octets]


def holds_password(octets: bytes) -> bool:
    """Whether a PDU has a password that a dump must not show: one that is not masked already, as in a recording."""
    secrets = [octets[line.offset : line.offset + len(line.octets)] for line in annotate(octets) if line.is_secret]
    return any(secret.rstrip(b"\0").strip(b"*") for secret in secrets)


def _masked(octets: bytes) -> bytes:
    """A PDU of the same length with asterisks for its password; the NUL behind it stays."""
    parts = []
    for line in annotate(octets):
        is_whole = line.is_secret and line.name == "password"
        parts.append(line.octets[:-1] + b"\0" if is_whole else line.octets)
    return b"".join(parts)


def _json_name(field: FieldType, name: str) -> str:
    match field:
        case DestAddresses():
            return "dest_address"
        case UnsuccessSmes():
            return "unsuccess_sme"
        case _:
            return name


def _to_json(field: FieldType, value: Any) -> Any:
    match field:
        case ShortMessage():
            return value.hex()
        case DestAddresses():
            return [_destination(item) for item in value]
        case UnsuccessSmes():
            return [
                [item.dest_addr_ton, item.dest_addr_npi, item.destination_addr, item.error_status_code]
                for item in value
            ]
        case _:
            return value


def _destination(item: SmeAddress | DistributionList) -> list[int | str]:
    match item:
        case SmeAddress():
            return [SME_ADDRESS_FLAG, item.dest_addr_ton, item.dest_addr_npi, item.destination_addr]
        case DistributionList():
            return [DISTRIBUTION_LIST_FLAG, item.dl_name]


# JSON to PDU


def from_json(item: object) -> bytes:
    """Write the PDU that an object describes.

    A request's fields that are left out have their defaults; those of a response are not written. Names of TLVs,
    "hex" and keys that `to_json` does not know are ignored.

    Raises:
        EncodeError: the object describes no PDU; says what is wrong with it.
    """
    if not isinstance(item, Mapping):
        raise EncodeError(f"a PDU is an object, not {_kind(item)}")
    if "command" not in item and "error" in item:
        raise EncodeError("this object describes a PDU that could not be decoded")
    command = item.get("command")
    message_type = _TYPES.get(command) if isinstance(command, str) else None
    if message_type is None:
        raise EncodeError(f'"command" is {command!r}, not a command such as "submit_sm"')
    message = _message(message_type, item.get("fields", {}), item.get("tlvs", []))
    return encode(message, _number(item, "sequence_number", 1), _number(item, "command_status", 0))


def _message(message_type: type[Message], given: object, tlvs: object) -> Message:
    command = message_type.command_name
    if not isinstance(given, Mapping):
        raise EncodeError(f'{command}: "fields" is {_kind(given)}, not an object')
    if not isinstance(tlvs, list):
        raise EncodeError(f'{command}: "tlvs" is {_kind(tlvs)}, not an array')
    fields = fields_of(message_type)
    names = {_json_name(field, name): name for name, field in fields.items() if not isinstance(field, TlvBlock)}
    for name in given:
        if name not in names and name not in _COMPUTED:
            raise EncodeError(f"{command} has no field {name!r}; its fields are {', '.join(names) or 'none'}")
    values: dict[str, Any] = {} if message_type.is_request else dict.fromkeys(names.values())
    for json_name, name in names.items():
        if json_name in given:
            values[name] = _from_json(f"{command}.{json_name}", fields[name], given[json_name])
    if "tlvs" in fields:
        values["tlvs"] = Tlvs(_tlv(f"{command}.tlvs[{index}]", item) for index, item in enumerate(tlvs))
    elif tlvs:
        raise EncodeError(f"{command} has no TLVs")
    return message_type(**values)


def _from_json(where: str, field: FieldType, value: Any) -> Any:
    match field:
        case ShortMessage():
            return _octets(where, value)
        case DestAddresses():
            return tuple(_from_destination(f"{where}[{index}]", item) for index, item in _items(where, value))
        case UnsuccessSmes():
            return tuple(_from_unsuccess(f"{where}[{index}]", item) for index, item in _items(where, value))
        case _:
            if isinstance(value, bool):
                raise EncodeError(f"{where} cannot hold {_kind(value)}")
            if where.endswith(".password") and value == MASK:
                raise EncodeError(f"{where} is masked; decode with --show-secrets to get it")
            return value


def _items(where: str, value: object) -> Iterable[tuple[int, Any]]:
    if not isinstance(value, list):
        raise EncodeError(f"{where} is {_kind(value)}, not an array")
    return enumerate(value)


def _from_destination(where: str, item: object) -> SmeAddress | DistributionList:
    match item:
        case [1, int() as ton, int() as npi, str() as address]:
            return SmeAddress(ton, npi, address)
        case [2, str() as name]:
            return DistributionList(name)
        case _:
            raise EncodeError(f"{where} is neither [1, ton, npi, address] nor [2, name]")


def _from_unsuccess(where: str, item: object) -> UnsuccessSme:
    match item:
        case [int() as ton, int() as npi, str() as address, int() as status]:
            return UnsuccessSme(ton, npi, address, status)
        case _:
            raise EncodeError(f"{where} is not [ton, npi, address, status]")


def _tlv(where: str, item: object) -> tuple[int, bytes]:
    match item:
        case {"tag": bool()}:
            raise EncodeError(f'{where} is not {{"tag": number, "value": hex}}')
        case {"tag": int() as tag, "value": value}:
            return tag, _octets(f"{where}.value", value)
        case _:
            raise EncodeError(f'{where} is not {{"tag": number, "value": hex}}')


def _octets(where: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise EncodeError(f"{where} is {_kind(value)}, not hex")
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise EncodeError(f"{where} is no hex") from None


def _number(item: Mapping[str, object], key: str, default: int) -> int:
    value = item.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise EncodeError(f'"{key}" is {_kind(value)}, not a number')
    return value


def _kind(value: object) -> str:
    """What JSON calls a value."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


__all__ = ["MASK", "JsonObject", "from_json", "holds_password", "pdus_in", "to_json"]
