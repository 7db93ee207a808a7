"""construct grammars derived from the PDU declarations, for people and tests: never on the hot path.

How it works: `grammar_of` turns each field of a declaration into a construct. Every leaf is wrapped in `_Marked`,
which notes where it began and ended; `annotate` returns these notes, so that a PDU that breaks off in the middle
shows what could be read before the fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import construct

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError
from smpp.status import CommandStatus
from smpp.wire.fields import DISTRIBUTION_LIST_FLAG, SME_ADDRESS_FLAG, fields_of
from smpp.wire.meanings import TIME_FIELDS, shown_network_error, shown_number, shown_time
from smpp.wire.pdu import MESSAGES, Message
from smpp.wire.tlv import STANDARD, TlvProfile
from smpp.wire.types import (
    CString,
    DestAddresses,
    FieldType,
    Int,
    ShortMessage,
    Time,
    TlvBlock,
    UnsuccessSmes,
)

SECTIONS: Final = {
    "command_length": "5.1.1",
    "command_id": "5.1.2",
    "command_status": "5.1.3",
    "sequence_number": "5.1.4",
    "system_id": "5.2.1",
    "password": "5.2.2",
    "system_type": "5.2.3",
    "interface_version": "5.2.4",
    "addr_ton": "5.2.5",
    "source_addr_ton": "5.2.5",
    "dest_addr_ton": "5.2.5",
    "esme_addr_ton": "5.2.5",
    "addr_npi": "5.2.6",
    "source_addr_npi": "5.2.6",
    "dest_addr_npi": "5.2.6",
    "esme_addr_npi": "5.2.6",
    "address_range": "5.2.7",
    "source_addr": "5.2.8",
    "destination_addr": "5.2.9",
    "esme_addr": "5.2.10",
    "service_type": "5.2.11",
    "esm_class": "5.2.12",
    "protocol_id": "5.2.13",
    "priority_flag": "5.2.14",
    "schedule_delivery_time": "5.2.15",
    "validity_period": "5.2.16",
    "registered_delivery": "5.2.17",
    "replace_if_present_flag": "5.2.18",
    "data_coding": "5.2.19",
    "sm_default_msg_id": "5.2.20",
    "sm_length": "5.2.21",
    "short_message": "5.2.22",
    "message_id": "5.2.23",
    "number_of_dests": "5.2.24",
    "dest_flag": "5.2.25",
    "no_unsuccess": "5.2.26",
    "dl_name": "5.2.27",
    "message_state": "5.2.28",
    "final_date": "4.8.2",
    "error_code": "4.8.2",
    "error_status_code": "4.5.2.1",
    "tag": "5.3.1",
    "length": "3.2.4.1",
    "value": "5.3.2",
}
"""Where the specification describes each field."""

_PASSWORD: Final = "password"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Annotation:
    """One field of a PDU, as a line of a dump.

    Attributes:
        offset: where it begins, from the start of the PDU.
        octets: the field; asterisks where it is secret.
        name: the specification's name, after its place in a list: ``dest_address[0].dest_flag``, ``message_state``.
        shown: its value for a person.
        section: where the specification describes it.
        is_secret: whether octets and value are masked.
    """

    offset: int
    octets: bytes
    name: str
    shown: str
    section: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str
    start: int
    stop: int
    value: Any


# Grammars


class _Marked(construct.Subconstruct):  # type: ignore[misc]
    """A leaf that notes where it begins and ends in the list that came with the call to parse."""

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        start = stream.tell()
        value = self.subcon._parsereport(stream, context, path)
        _, *place, name = path.split(" -> ")
        where = f"{place[0]}[{context._index}].{name}" if place else name
        context._params.marks.append(_Mark(where, start, stream.tell(), value))
        return value


class _UnlessEnded(construct.Subconstruct):  # type: ignore[misc]
    """A field of a response: None where the PDU has ended before it."""

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        if construct.stream_iseof(stream):
            return None
        return self.subcon._parsereport(stream, context, path)


class _AsManyAs(construct.Subconstruct):  # type: ignore[misc]
    """At most so many; fewer where the PDU ends among them."""

    def __init__(self, count: Any, subcon: Any) -> None:
        super().__init__(construct.GreedyRange(subcon))
        self.count = count

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        items = construct.ListContainer()
        for index in range(self.count(context)):
            context._index = index
            fallback = stream.tell()
            try:
                items.append(self.subcon.subcon._parsereport(stream, context, path))
            except construct.ConstructError:
                stream.seek(fallback)
                break
        return items


def _int(octets: int) -> Any:
    return _Marked(construct.BytesInteger(octets))


def _text(*, cut: bool = False) -> Any:
    return _Marked(construct.NullTerminated(construct.GreedyString("latin-1"), require=not cut))


def _at_most(length: Any) -> Any:
    """So many octets, or what is left of the PDU."""

    def octets(context: Any) -> int:
        return int(min(length(context), construct.stream_size(context._io) - context._io.tell()))

    return _Marked(construct.Bytes(octets))


_is_sme = construct.this.dest_flag == SME_ADDRESS_FLAG
_is_list = construct.this.dest_flag == DISTRIBUTION_LIST_FLAG

_DEST_ADDRESS: Final = construct.Struct(
    "dest_flag" / _int(1),
    construct.Check(lambda context: context.dest_flag in (SME_ADDRESS_FLAG, DISTRIBUTION_LIST_FLAG)),
    "dest_addr_ton" / construct.If(_is_sme, _int(1)),
    "dest_addr_npi" / construct.If(_is_sme, _int(1)),
    "destination_addr" / construct.If(_is_sme, _text()),
    "dl_name" / construct.If(_is_list, _text()),
)
_UNSUCCESS_SME: Final = construct.Struct(
    "dest_addr_ton" / _int(1),
    "dest_addr_npi" / _int(1),
    "destination_addr" / _text(cut=True),
    "error_status_code" / _int(4),
)
_TLV: Final = construct.Struct(
    "tag" / _int(2),
    "length" / _int(2),
    "value" / _Marked(construct.Bytes(construct.this.length)),
)


def _members(name: str, field: FieldType, *, cut: bool) -> Iterator[tuple[str, Any]]:
    """The constructs of one declared field; a field with a count or a length of its own has two."""
    match field:
        case Int(octets=octets):
            yield name, _int(octets)
        case CString() | Time():
            yield name, _text(cut=cut)
        case ShortMessage():
            yield "sm_length", _int(1)
            yield name, _at_most(construct.this.sm_length)
        case DestAddresses():
            yield "number_of_dests", _int(1)
            yield "dest_address", construct.Array(construct.this.number_of_dests, _DEST_ADDRESS)
        case UnsuccessSmes():
            yield "no_unsuccess", _int(1)
            yield "unsuccess_sme", _AsManyAs(lambda context: context.no_unsuccess or 0, _UNSUCCESS_SME)
        case TlvBlock():
            yield "tlvs", construct.GreedyRange(_TLV)


@cache
def grammar_of(message_type: type[Message]) -> construct.Struct:
    """The body of a PDU as a construct; lenient where `smpp.wire.codec` is.

    Its `parse` wants a list for the marks: ``grammar_of(SubmitSm).parse(body, marks=[])``.
    """
    cut = not message_type.is_request
    members = [member for item in fields_of(message_type).items() for member in _members(*item, cut=cut)]
    lists = ("tlvs", "unsuccess_sme")
    return construct.Struct(
        *(name / (_UnlessEnded(inner) if cut and name not in lists else inner) for name, inner in members)
    )


HEADER: Final = construct.Struct(
    "command_length" / _int(4),
    "command_id" / _int(4),
    "command_status" / _int(4),
    "sequence_number" / _int(4),
)


# Reading


def parse(octets: bytes) -> construct.Container:
    """Read one whole PDU into a tree: header and fields by the specification's names, counts and lengths included.

    Raises:
        DecodeError: an unknown command, or a body that cannot be read.
    """
    tree, _, fault = _read(octets)
    if fault is not None:
        raise fault
    return tree


def annotate(octets: bytes, *, profile: TlvProfile = STANDARD, show_secrets: bool = False) -> list[Annotation]:
    """Every field of one PDU, in the order of the wire. Never raises: what cannot be read is the last line.

    Args:
        octets: a PDU, whole or not.
        profile: names vendor TLVs.
        show_secrets: whether passwords are shown.
    """
    _, marks, fault = _read(octets)
    lines: list[Annotation] = []
    tag = 0
    for mark in marks:
        if mark.name.endswith("].tag"):
            tag = mark.value
        line = _line(mark, octets, tag, profile)
        lines.append(_masked(line) if mark.name == _PASSWORD and not show_secrets else line)
    read = marks[-1].stop if marks else 0
    if read < len(octets):
        rest = octets[read:]
        reason = str(fault) if fault is not None else f"{len(rest)} octet{'s' * (len(rest) > 1)} of no field"
        line = Annotation(read, rest, "unread", reason, "")
        is_secret = marks and marks[-1].name == "system_id" and not show_secrets
        lines.append(_masked(line, reason) if is_secret else line)
    elif fault is not None:
        lines.append(Annotation(read, b"", "unread", str(fault), ""))
    return lines


def _read(octets: bytes) -> tuple[construct.Container, list[_Mark], DecodeError | None]:
    """Tree, marks, and what stopped the reading."""
    marks: list[_Mark] = []
    try:
        tree = HEADER.parse(octets[:HEADER_LENGTH], marks=marks)
        message_type = MESSAGES.get(tree.command_id)
        if message_type is None:
            return tree, marks, DecodeError(f"unknown command 0x{tree.command_id:08X}", CommandStatus.ESME_RINVCMDID)
        body = octets[HEADER_LENGTH:]
        if message_type.is_request and not body and message_type.__struct_fields__:
            return tree, marks, DecodeError(f"{message_type.command_name} has no body")
        body_marks: list[_Mark] = []
        try:
            tree.update(grammar_of(message_type).parse(body, marks=body_marks))
        finally:
            marks += [
                replace(mark, start=mark.start + HEADER_LENGTH, stop=mark.stop + HEADER_LENGTH) for mark in body_marks
            ]
    except construct.ConstructError as error:
        place = str(error.path).removeprefix("(parsing) -> ").replace(" -> ", ".") or "the PDU"
        return construct.Container(), marks, DecodeError(f"{place} cannot be read")
    return tree, _without_attempts(marks), None


def _without_attempts(marks: list[_Mark]) -> list[_Mark]:
    """The marks without those of a list's last item where it did not fit and its octets were read as something else."""
    kept: list[_Mark] = []
    for mark in marks:
        while kept and kept[-1].stop > mark.start:
            kept.pop()
        kept.append(mark)
    return kept


def _line(mark: _Mark, octets: bytes, tag: int, profile: TlvProfile) -> Annotation:
    *_, name = mark.name.rpartition(".")
    field = octets[mark.start : mark.stop]
    section = SECTIONS.get(name, "")
    if mark.name.startswith("tlvs["):
        known = profile.types.get(tag)
        tlv_name = known.name if known else f"0x{tag:04X}"
        if name == "tag":
            shown = f"0x{tag:04X} {tlv_name}" if known else f"0x{tag:04X}"
        elif name == "length":
            shown = str(mark.value)
        else:
            kind = known.kind if known else "octets"
            line = Annotation(mark.start, field, mark.name[: -len(name)] + tlv_name, "", section)
            return replace(
                line, shown=_shown_tlv(tlv_name, kind, field), section=(known.section if known else "") or section
            )
    elif isinstance(mark.value, int):
        shown = shown_number(name, mark.value, len(field))
    elif isinstance(mark.value, bytes):
        shown = mark.value.hex()
    else:
        shown = shown_time(mark.value) if name in TIME_FIELDS else repr(mark.value)
    return Annotation(mark.start, field, mark.name, shown, section)


def _shown_tlv(name: str, kind: str, octets: bytes) -> str:
    if kind == "integer":
        return shown_number(name, int.from_bytes(octets), len(octets))
    if kind == "text":
        return repr(octets.split(b"\0", 1)[0].decode("latin-1"))
    if name == "network_error_code":
        return shown_network_error(octets)
    return octets.hex()


def _masked(line: Annotation, shown: str = "'***'") -> Annotation:
    return replace(line, octets=b"*" * len(line.octets), shown=shown, is_secret=True)
