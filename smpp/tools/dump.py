"""A PDU for a person: offsets, octets, names, what the values mean, and where the specification says so."""

import re
from collections.abc import Iterator

from smpp.constants import EsmClass
from smpp.errors import DecodeError
from smpp.sms import Receipt, decode_text, parse_receipt, split_udh
from smpp.status import describe_status
from smpp.wire import TlvProfile, decode, tlv
from smpp.wire.grammar import Annotation, annotate
from smpp.wire.pdu import DataSm, DeliverSm, Message, ReplaceSm, SubmitMulti, SubmitSm
from smpp.wire.tlv import STANDARD

OCTETS_PER_LINE = 8
_OCTETS_WIDTH = 3 * OCTETS_PER_LINE
_SECTION_WIDTH = 10
_NAME_WIDTH = 31
_SECTION = re.compile(r"(v5\.0 )?§(\d[\d.]*\d)")


def dump(
    octets: bytes,
    *,
    strict: bool = True,
    profile: TlvProfile = STANDARD,
    default_alphabet: str = "gsm",
    show_secrets: bool = False,
) -> Iterator[str]:
    """Lines that show one PDU, as far as it can be read. Never raises.

    Args:
        octets: a PDU, whole or not.
        strict: whether a request is judged as an SMSC would; the verdict is the last line.
        profile: names vendor TLVs.
        default_alphabet: what data_coding 0 means at this SMSC.
        show_secrets: whether passwords are shown.
    """
    fault, message = "", None
    try:
        message, sequence_number, command_status = decode(octets, strict=strict)
    except DecodeError as error:
        fault = f"{error}: an SMSC answers {describe_status(error.command_status)}"
        yield f"{_count(len(octets))} that cannot be decoded"
    else:
        status = f", {describe_status(command_status)}" if command_status or not message.is_request else ""
        section = _section_of(type(message))
        yield f"{message.command_name} #{sequence_number}{status}, {_count(len(octets))}{section}"
    for line in annotate(octets, profile=profile, show_secrets=show_secrets):
        yield from _lines(line, _text_of(line, message, default_alphabet))
    receipt = _receipt_of(message, default_alphabet)
    if receipt is not None:
        yield f"receipt: {_shown_receipt(receipt)}"
    if fault:
        yield f"fault: {fault}"


def _count(octets: int) -> str:
    return f"{octets} octet{'s' * (octets != 1)}"


def _section_of(message_type: type[Message]) -> str:
    """Where the specification describes a PDU: its declaration says so."""
    found = _SECTION.search(message_type.__doc__ or "")
    return f" (SMPP {found[1] or 'v3.4 '}§{found[2]})" if found else ""


def _lines(line: Annotation, text: str) -> Iterator[str]:
    """A field, with as many lines as its octets need."""
    octets = ["**"] * len(line.octets) if line.is_secret else [f"{octet:02x}" for octet in line.octets]
    section = f"§{line.section}" if line.section else ""
    if line.section.startswith("v5.0"):
        section = line.section.replace(" ", " §")
    first = " ".join(octets[:OCTETS_PER_LINE])
    columns = f"{line.offset:04x}  {first:{_OCTETS_WIDTH}} {section:{_SECTION_WIDTH}} {line.name:{_NAME_WIDTH}}"
    yield f"{columns} {text or line.shown}".rstrip()
    for start in range(OCTETS_PER_LINE, len(octets), OCTETS_PER_LINE):
        yield f"{line.offset + start:04x}  {' '.join(octets[start : start + OCTETS_PER_LINE])}"


def _text_of(line: Annotation, message: Message | None, default_alphabet: str) -> str:
    """The text of a message, where the line is one."""
    is_text = line.name == "short_message" or line.name.endswith("].message_payload")
    if not is_text or not line.octets or not isinstance(message, SubmitSm | DeliverSm | DataSm | SubmitMulti):
        return repr(decode_text(line.octets, 0, default_alphabet)) if is_text and isinstance(message, ReplaceSm) else ""
    udh, body, notes = None, line.octets, ""
    if message.esm_class & EsmClass.UDHI:
        udh, body = split_udh(line.octets)
        if udh is None:
            notes = " (its UDH cannot be read)"
        elif udh.concat is not None:
            notes = f" (part {udh.concat.number} of {udh.concat.total}, reference {udh.concat.reference})"
        else:
            notes = f" (behind a UDH of {len(line.octets) - len(body)} octets)"
    return repr(decode_text(body, message.data_coding, default_alphabet, udh=udh)) + notes


def _receipt_of(message: Message | None, default_alphabet: str) -> Receipt | None:
    if not isinstance(message, DeliverSm | DataSm):
        return None
    text = message.short_message if isinstance(message, DeliverSm) else b""
    return parse_receipt(
        text or message.tlvs.get(tlv.message_payload) or b"",
        esm_class=message.esm_class,
        data_coding=message.data_coding,
        tlvs=dict(reversed(message.tlvs)),  # the first of a repeated one wins
        default_alphabet=default_alphabet,
    )


def _shown_receipt(receipt: Receipt) -> str:
    parts = [
        f"id {receipt.id!r}",
        f"state {receipt.state.name if receipt.state is not None else receipt.stat or 'unknown'}",
        f"error {receipt.error!r}" if receipt.error else "",
        f"done {receipt.done_date:%Y-%m-%d %H:%M:%S}" if receipt.done_date else "",
        "on the way" if receipt.is_intermediate else "",
    ]
    return ", ".join(part for part in parts if part)
