"""What a field's number says, for a person reading a dump."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Final

from smpp.constants import (
    ESM_MODE_MASK,
    ESM_TYPE_MASK,
    DataCoding,
    EsmClass,
    InterfaceVersion,
    MessageState,
    Npi,
    RegisteredDelivery,
    Ton,
    command_name,
)
from smpp.errors import DecodeError
from smpp.status import status_name
from smpp.wire.time import RelativePeriod, parse_time

_MODES: Final = {0: "", 1: "datagram", 2: "forward", 3: "store and forward"}
_TYPES: Final = {
    0: "",
    EsmClass.DELIVERY_RECEIPT: "delivery receipt",
    EsmClass.DELIVERY_ACKNOWLEDGEMENT: "delivery acknowledgement",
    EsmClass.MANUAL_ACKNOWLEDGEMENT: "manual acknowledgement",
    EsmClass.CONVERSATION_ABORT: "conversation abort",
    EsmClass.INTERMEDIATE_NOTIFICATION: "intermediate notification",
}
_RECEIPTS: Final = {0: "", 1: "receipt", 2: "receipt on failure", 3: "receipt on success"}
_ACRONYMS: Final = {"isdn", "ermes", "ia5", "latin 1", "jis", "ucs2", "iso 2022 jp", "extended kanji jis", "ks c 5601"}
_NETWORKS: Final = {1: "ANSI-136", 2: "IS-95", 3: "GSM"}  # §5.3.2.31


def _word(enumeration: type[IntEnum]) -> Callable[[int], str]:
    words = {int(member): member.name.lower().replace("_", " ") for member in enumeration}
    words = {value: word.upper() if word in _ACRONYMS else word for value, word in words.items()}
    return lambda value: words.get(value, "reserved")


def _esm_class(value: int) -> str:
    return _listed(
        _MODES[value & ESM_MODE_MASK],
        _TYPES.get(value & ESM_TYPE_MASK, "reserved type"),
        "UDH" if value & EsmClass.UDHI else "",
        "reply path" if value & EsmClass.REPLY_PATH else "",
    )


def _registered_delivery(value: int) -> str:
    return _listed(
        _RECEIPTS[value & RegisteredDelivery.RECEIPT_ON_SUCCESS],
        "delivery acknowledgement" if value & RegisteredDelivery.SME_DELIVERY_ACK else "",
        "user acknowledgement" if value & RegisteredDelivery.SME_USER_ACK else "",
        "intermediate notification" if value & RegisteredDelivery.INTERMEDIATE_NOTIFICATION else "",
    )


def _listed(*words: str) -> str:
    return ", ".join(word for word in words if word)


_coding: Final = _word(DataCoding)


def _data_coding(value: int) -> str:
    if value >> 4 == 0xF:  # 3GPP TS 23.038, section 4
        return f"{'8-bit data' if value & 4 else 'GSM default'}, message class {value & 3}"
    if value >> 4 in (0xC, 0xD, 0xE):
        return "message waiting"
    return _coding(value)


def _interface_version(value: int) -> str:
    return {int(version): f"v{version >> 4}.{version & 15}" for version in InterfaceVersion}.get(value, "")


def _dest_flag(value: int) -> str:
    return {1: "SME", 2: "distribution list"}.get(value, "reserved")


_NUMBERS: Final[Mapping[str, Callable[[int], str]]] = {
    "command_id": command_name,
    "command_status": status_name,
    "error_status_code": status_name,
    "interface_version": _interface_version,
    "sc_interface_version": _interface_version,
    "esm_class": _esm_class,
    "registered_delivery": _registered_delivery,
    "data_coding": _data_coding,
    "message_state": _word(MessageState),
    "dest_flag": _dest_flag,
}
_HEXADECIMAL: Final = frozenset(
    {"command_id", "command_status", "error_status_code", "interface_version", "sc_interface_version"}
    | {"esm_class", "registered_delivery", "data_coding"}
)
TIME_FIELDS: Final = frozenset({"schedule_delivery_time", "validity_period", "final_date"})


def shown_number(name: str, value: int, octets: int) -> str:
    """A number as a person wants it: flags and identifiers in hex, with the word for what they mean."""
    number = f"0x{value:0{2 * octets}X}" if name in _HEXADECIMAL else str(value)
    if name.endswith(("_ton", "_npi")):
        meaning = _word(Ton if name.endswith("_ton") else Npi)(value)
    else:
        meaning = _NUMBERS[name](value) if name in _NUMBERS else ""
    return number if not meaning or meaning == number else f"{number} {meaning}"


def shown_time(text: str) -> str:
    """A time field with the moment or the period that it stands for."""
    try:
        time = parse_time(text)
    except DecodeError:
        return f"{text!r} no time"
    match time:
        case None:
            return "''"
        case datetime():
            return f"{text!r} {time.isoformat(' ')}"
        case RelativePeriod():
            parts = {name: getattr(time, name) for name in time.__slots__}
            words = [f"{count} {name if count != 1 else name[:-1]}" for name, count in parts.items() if count]
            return f"{text!r} {' '.join(words) or 'at once'}"


def shown_network_error(octets: bytes) -> str:
    """network_error_code: whose error, and which. §5.3.2.31."""
    if len(octets) != 3:
        return octets.hex()
    return f"{_NETWORKS.get(octets[0], f'network {octets[0]}')} error {int.from_bytes(octets[1:])}"
