"""Hypothesis strategies for messages, made from the PDU declarations."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from smpp.wire import Tlvs
from smpp.wire.fields import fields_of
from smpp.wire.pdu import MESSAGES, Message
from smpp.wire.time import RelativePeriod, format_absolute, format_relative
from smpp.wire.tlv import STANDARD, TlvType
from smpp.wire.types import (
    CString,
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

octet = st.integers(0, 255)
header_number = st.integers(0, 0xFFFFFFFF)


def text(max_length: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=max_length)


absolute_times = st.builds(
    format_absolute,
    st.datetimes(datetime(1938, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC)).map(
        lambda moment: moment.astimezone()
    ),
)
relative_times = st.builds(format_relative, st.builds(RelativePeriod, *[st.integers(0, 99)] * 6))
report_times = st.datetimes(datetime(1938, 1, 1), datetime(2037, 12, 31)).map(lambda moment: f"{moment:%y%m%d%H%M%S}")
periods = st.timedeltas(timedelta(0), timedelta(days=30 * 99))

sme_addresses = st.builds(SmeAddress, octet, octet, text(20))
distribution_lists = st.builds(DistributionList, text(20))
unsuccess_smes = st.builds(UnsuccessSme, octet, octet, text(20), header_number)


def standard_tlv(tlv_type: TlvType[Any]) -> st.SearchStrategy[tuple[int, bytes]]:
    return st.binary(min_size=tlv_type.min_length, max_size=min(tlv_type.max_length, 40)).map(
        lambda value: (tlv_type.tag, value)
    )


tlvs = st.lists(
    st.one_of(
        st.sampled_from(list(STANDARD.types.values())).flatmap(standard_tlv),
        st.tuples(st.integers(0x1400, 0x3FFF), st.binary(max_size=40)),
    ),
    max_size=4,
).map(Tlvs)


def values_of(field: FieldType) -> st.SearchStrategy[Any]:
    match field:
        case Int(octets=octets):
            return st.integers(0, (1 << 8 * octets) - 1)
        case CString(max_octets=max_octets):
            return text(max_octets - 1)
        case Time(kind=TimeKind.REPORT):
            return st.one_of(st.just(""), absolute_times, relative_times, report_times)
        case Time():
            return st.one_of(st.just(""), absolute_times, relative_times)
        case ShortMessage(max_octets=max_octets):
            return st.binary(max_size=max_octets)
        case DestAddresses(max_count=max_count):
            return st.one_of(
                st.lists(st.one_of(sme_addresses, distribution_lists), min_size=1, max_size=4),
                sme_addresses.map(lambda address: [address] * max_count),
            ).map(tuple)
        case UnsuccessSmes():
            return st.lists(unsuccess_smes, max_size=4).map(tuple)
        case TlvBlock():
            return tlvs


@st.composite
def messages_of(draw: st.DrawFn, message_type: type[Message]) -> Message:
    """Any message of this type that can be encoded; a response may end before any of its fields."""
    fields: Mapping[str, FieldType] = fields_of(message_type)
    values = {name: draw(values_of(field)) for name, field in fields.items()}
    if not message_type.is_request and fields:
        count = draw(st.integers(0, len(fields)))
        absent = list(fields)[count:]
        for name in absent:
            values[name] = Tlvs() if name == "tlvs" else None
    return message_type(**values)


messages = st.sampled_from(list(MESSAGES.values())).flatmap(messages_of)
