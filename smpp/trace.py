"""PDUs as lines of a log: ``< submit_sm #17``, with the payload left out and passwords never shown."""

import logging
from typing import Any, Final

import msgspec

from smpp.log import STANDARD_LOGGER, log
from smpp.session import Trace
from smpp.status import describe_status
from smpp.wire import tlv
from smpp.wire.pdu import Message
from smpp.wire.tlv import STANDARD, Tlvs

_SECRET: Final = frozenset({"password"})
_SHOWN_OCTETS: Final = 16
_SHOWN_CHARACTERS: Final = 40
_SHOWN_ITEMS: Final = 10


def describe(message: Message) -> dict[str, Any]:
    """What a log shows of a message: fields that are not as by default, shortened; of a payload its size only.

    Texts carry one-time codes: not even their beginning is shown.
    """
    shown: dict[str, Any] = {}
    for field in msgspec.structs.fields(message):
        value = getattr(message, field.name)
        if field.name == "tlvs":
            shown.update(_describe_tlvs(value))
        elif field.name in _SECRET:
            shown[field.name] = "***"
        elif value != field.default and value is not None:
            shown[field.name] = _shorten(value)
    return shown


def trace_of(name: str, trace: Trace | None) -> Trace | None:
    """What a connection of this name calls for every PDU: a program's trace, and the log where it wants debug lines.

    Whether it does is asked once: it costs nothing where it does not.
    """

    def logged(direction: str, message: Message, sequence_number: int, command_status: int) -> None:
        words, fields = line(direction, message, sequence_number, command_status)
        log.debug(words, connection=name, **fields)

    is_logged = STANDARD_LOGGER.isEnabledFor(logging.DEBUG)
    return both(None if trace is None else _guarded(name, trace), logged if is_logged else None)


def _guarded(name: str, trace: Trace) -> Trace:
    def guarded(direction: str, message: Message, sequence_number: int, command_status: int) -> None:
        try:
            trace(direction, message, sequence_number, command_status)
        except Exception as error:
            log.error("trace failed", connection=name, exc_info=error)

    return guarded


def both(first: Trace | None, second: Trace | None) -> Trace | None:
    """One trace that calls two, where there are two."""
    if first is None or second is None:
        return first or second

    def call_both(direction: str, message: Message, sequence_number: int, command_status: int) -> None:
        first(direction, message, sequence_number, command_status)
        second(direction, message, sequence_number, command_status)

    return call_both


def line(direction: str, message: Message, sequence_number: int, command_status: int) -> tuple[str, dict[str, Any]]:
    """The words and the fields of a PDU's line."""
    fields = describe(message)
    if command_status:
        fields["status"] = describe_status(command_status)
    return f"{direction} {message.command_name} #{sequence_number}", fields


def _describe_tlvs(tlvs: Tlvs) -> dict[str, str]:
    shown = {}
    for tag, value in tlvs[:_SHOWN_ITEMS]:
        name = STANDARD.names.get(tag) or f"tlv_0x{tag:04X}"
        is_payload = tag == tlv.message_payload.tag or len(value) > _SHOWN_OCTETS
        shown[name] = f"<{len(value)} octets>" if is_payload else value.hex()
    if len(tlvs) > _SHOWN_ITEMS:
        shown["more_tlvs"] = str(len(tlvs) - _SHOWN_ITEMS)
    return shown


def _shorten(value: object) -> object:
    if isinstance(value, bytes):
        return f"<{len(value)} octets>"
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{value[:_SHOWN_CHARACTERS]}…"
    if isinstance(value, tuple):
        return f"<{len(value)} items>"
    return value
