"""submit_sm and deliver_sm as they usually are, written and read in one go.

How it works: all fields between the header and the text have fixed places once the lengths of the two addresses are
known, if service_type and both times are empty. So there is one `struct.Struct` for each pair of lengths, made when it
is first met, and one call of it takes the place of twenty steps: a submit_sm encodes in 0.7 of the time and decodes in
0.6 (`bench/codec.py`). Whatever is not so usual, or wrong, is left to the codec that takes field after field.

Here are encoder and decoder of a body; `smpp.wire.codec.decode` takes the header along in the same call of the struct.
"""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from smpp.constants import HEADER_LENGTH, CommandId
from smpp.errors import EncodeError
from smpp.wire.pdu import Message
from smpp.wire.tlv import NO_TLVS, decode_tlvs, encode_tlvs

Encoder = Callable[[Any, int, int], bytes]
Decoder = Callable[[bytes, int, int, bool], Any]

USUAL: Final = frozenset({int(CommandId.SUBMIT_SM), int(CommandId.DELIVER_SM)})
"""The PDUs that have a usual shape; both have the same fields."""

_MOST_CHARACTERS: Final = 20
"""Of either address, without its NUL."""

MOST_OCTETS: Final = 254
"""Of the text. §5.2.21."""

_BETWEEN_OCTETS: Final = 17
"""Those of the body before the text, without the addresses: ten behind them, and NULs, TONs and NPIs."""

_FAULTS: Final = (TypeError, AttributeError, IndexError, UnicodeEncodeError, struct.error, EncodeError)
UNUSUAL: Final = (LookupError, ValueError, struct.error)
"""What tells a decoder that a PDU is not usual."""

Use = Callable[[struct.Struct], Callable[..., Any]]


def _table(layout: str, use: Use, *, first: int = 0, second: int = 0) -> list[list[Callable[..., Any]]]:
    """A use of the layout for each pair of lengths: of the source address, then of the destination address.

    Args:
        layout: with places for the two lengths.
        use: of its struct.
        first: what is added to the first length, so that whoever looks here needs not subtract it.
        second: likewise.
    """

    def at_first(row: list[Callable[..., Any]], source: int, destination: int, *arguments: Any) -> Any:
        made = row[destination + second] = use(struct.Struct(layout.format(source, destination)))
        return made(*arguments)

    lengths = range(_MOST_CHARACTERS + 1)
    table: list[list[Callable[..., Any]]] = [[] for _ in range(first + len(lengths))]
    for source, row in zip(lengths, table[first:], strict=True):
        row += [_no_layout] * second
        row += [partial(at_first, row, source, destination) for destination in lengths]
    return table


def _no_layout(*_: Any) -> Any:
    raise IndexError


# TON, NPI, address, its NUL; the same again; three octets, the NULs of both times, four octets and sm_length.
_PACK: Final = _table(">4IxBB{}sxBB{}sx3B2x5B", lambda layout: layout.pack)

# service_type comes first here, as the two times come as one, to see that they are empty. The first length is taken
# from where the PDU, or its body, begins; the second from the NUL before it: three octets stand between.
_UNPACK: Final = _table(">BBB{}sxBB{}sx3BH5B", lambda layout: layout.unpack_from, first=3, second=3)
UNPACK_WHOLE: Final = _table(
    ">4IBBB{}sxBB{}sx3BH5B", lambda layout: layout.unpack_from, first=HEADER_LENGTH + 3, second=3
)
"""For a PDU from its header up to sm_length: at the place of the first address's NUL, and how far the second's is."""


def usual_encoder(command_id: int, otherwise: Encoder) -> Encoder:
    """An encoder of whole PDUs that hands on to another what is not usual."""

    def encode(message: Any, sequence_number: int, command_status: int) -> bytes:
        try:
            source, destination = message.source_addr, message.destination_addr
            text, tlvs = message.short_message, message.tlvs
            length = len(text)
            if not (
                message.service_type != ""
                or message.schedule_delivery_time != ""
                or message.validity_period != ""
                or "\0" in source
                or "\0" in destination
                or length > MOST_OCTETS
            ):
                tail = text + encode_tlvs(tlvs) if tlvs else text
                source_length, destination_length = len(source), len(destination)
                whole: bytes = (
                    _PACK[source_length][destination_length](
                        HEADER_LENGTH + _BETWEEN_OCTETS + source_length + destination_length + len(tail),
                        command_id,
                        command_status,
                        sequence_number,
                        message.source_addr_ton,
                        message.source_addr_npi,
                        source.encode("latin-1"),
                        message.dest_addr_ton,
                        message.dest_addr_npi,
                        destination.encode("latin-1"),
                        message.esm_class,
                        message.protocol_id,
                        message.priority_flag,
                        message.registered_delivery,
                        message.replace_if_present_flag,
                        message.data_coding,
                        message.sm_default_msg_id,
                        length,
                    )
                    + tail
                )
                return whole
        except _FAULTS:
            pass
        return otherwise(message, sequence_number, command_status)

    return encode


def usual_decoder(message_type: type[Message], otherwise: Decoder, *, nul_tail: bool) -> Decoder:
    """A decoder of bodies that hands on to another what is not usual.

    Args:
        message_type: what it makes; its fields are those of submit_sm.
        otherwise: decodes anything.
        nul_tail: as `smpp.wire.tlv.decode_tlvs` takes it.
    """
    make: Callable[..., Message] = message_type

    def decode(buffer: bytes, position: int, end: int, strict: bool) -> Any:
        try:
            source_end = buffer.index(0, position + 3)
            destination_end = buffer.index(0, source_end + 3)
            (
                service_type,
                source_addr_ton,
                source_addr_npi,
                source_addr,
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
                esm_class,
                protocol_id,
                priority_flag,
                times,
                registered_delivery,
                replace_if_present_flag,
                data_coding,
                sm_default_msg_id,
                length,
            ) = _UNPACK[source_end - position][destination_end - source_end](buffer, position)
        except UNUSUAL:
            pass
        else:
            start = destination_end + 11
            stop = start + length
            if not (service_type or times or length > MOST_OCTETS or stop > end):
                return make(
                    "",
                    source_addr_ton,
                    source_addr_npi,
                    source_addr.decode("latin-1"),
                    dest_addr_ton,
                    dest_addr_npi,
                    destination_addr.decode("latin-1"),
                    esm_class,
                    protocol_id,
                    priority_flag,
                    "",
                    "",
                    registered_delivery,
                    replace_if_present_flag,
                    data_coding,
                    sm_default_msg_id,
                    buffer[start:stop],
                    NO_TLVS if stop == end else decode_tlvs(buffer, stop, end, strict, nul_tail),
                )
        return otherwise(buffer, position, end, strict)

    return decode
