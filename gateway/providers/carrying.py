"""A message as a REST provider is given it: one text, however many parts its sender made of it.

Message with text                 ─┐
Message with octets of a coding   ─┼─► outgoing_of ──► Outgoing, or Unsupported
parts of one long message, in order┘
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from gateway.errors import Unsupported
from gateway.models import Coding, Message, NewMessage
from smpp.errors import DecodeError
from smpp.sms import decode_text, gsm0338, parse_udh
from smpp.sms.coding import Alphabet, scheme_of
from smpp.sms.reassembly import InboundPart, concat_of, text_of
from smpp.sms.udh import Iei, UserDataHeader

DESTINATION_PORT_TAG: Final = 0x020B
"""The TLV destination_port. SMPP v3.4 §5.3.2.21."""
_SHIFTS: Final = frozenset({Iei.SINGLE_SHIFT, Iei.LOCKING_SHIFT})
_PORTS: Final = frozenset({Iei.PORTS_8, Iei.PORTS_16})


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's request is made of."""

    recipient: str
    """Digits with country code, no plus sign."""
    sender: str
    text: str | None
    """None where the message is octets."""
    data: bytes = b""
    """The octets, without header, where it is."""
    udh: bytes = b""
    """User data header with its length octet: what text and concatenation have not used up."""
    port: int | None = None
    """The application port, where the header or the TLVs name one."""
    has_only_ports: bool = True
    """Whether the header says nothing but ports."""
    is_unicode: bool = False
    """Whether the text has to go as UCS-2."""
    message_class: int | None = None
    protocol_id: int = 0
    validity_seconds: int | None = None
    """What is left of it."""
    wants_receipt: bool = True
    tlvs: tuple[tuple[int, bytes], ...] = ()
    reference: str = ""
    """Our own id: what the provider echoes, where it can."""
    parts: int = 1
    """How many parts of its sender's it was joined of."""
    callback_url: str = ""
    """Where the provider is to report; empty where we cannot be reached."""


PieceKey = tuple[str, str, str, int, int, int]
"""Account, sender, recipient, reference, its width, number of parts: parts of one message agree in these."""


class Piece(NamedTuple):
    """Which part of which long message a message is that its sender has cut."""

    key: PieceKey
    number: int
    total: int


def piece_of(message: NewMessage) -> Piece | None:
    """What a message is a part of; None where it stands alone, or is octets that cannot be joined."""
    if message.udh or message.tlvs:
        found = concat_of(_header(message), dict(message.tlvs))
        if found is not None and found[0].total > 1 and _is_text(message):
            concat, is_sar = found
            width = 0 if is_sar else 16 if concat.is_16bit else 8
            key = (message.account, message.sender, message.recipient, concat.reference, width, concat.total)
            return Piece(key, concat.number, concat.total)
    return None


def outgoing_of(pieces: Sequence[Message], *, validity_seconds: int | None, callback_url: str = "") -> Outgoing:
    """What leaves for one message, or for all parts of one, in order.

    Raises:
        Unsupported: no provider could carry it; the text says why.
    """
    first = pieces[0]
    made = content_of(first)
    if len(pieces) > 1:
        made = msgspec.structs.replace(
            made, text=_joined(pieces), is_unicode=any(content_of(piece).is_unicode for piece in pieces)
        )
    if made.text is not None and not made.is_unicode and not gsm0338.can_encode(made.text):
        made = msgspec.structs.replace(made, is_unicode=True)
    return msgspec.structs.replace(
        made,
        validity_seconds=validity_seconds,
        # One who cut a message may want a receipt for its last part alone.
        wants_receipt=any(piece.wants_receipt for piece in pieces),
        reference=first.id,
        parts=len(pieces),
        callback_url=callback_url,
    )


def content_of(message: NewMessage) -> Outgoing:
    """What a message says, before anything is known of its way out.

    Raises:
        Unsupported: it is an indication, or compressed.
    """
    header = _header(message)
    text: str | None = message.text
    data = b""
    is_unicode = message.coding is Coding.UCS2
    message_class = message.message_class
    if message.data_coding is not None:
        scheme = scheme_of(message.data_coding, message.default_alphabet or Alphabet.GSM)
        if scheme.waiting is not None:
            raise Unsupported("a provider carries no message waiting indications")
        if scheme.is_compressed:
            raise Unsupported("a provider carries no compressed text")
        is_unicode = is_unicode or scheme.alphabet is Alphabet.UCS2
        message_class = scheme.message_class if message_class is None else message_class
    if message.data is not None:
        text, data = (_joined([message]), b"") if _is_text(message) else (None, message.data)
    left = tuple(one for one in header.without_concat() if text is None or one.iei not in _SHIFTS) if header else ()
    if text is None and header is not None:
        # Octets that their sender has cut go as they are.
        left = header.elements
    return Outgoing(
        recipient=message.recipient,
        sender=message.sender,
        text=text,
        data=data,
        udh=UserDataHeader(left).encode() if left else b"",
        port=_port(header, message),
        has_only_ports=all(one.iei in _PORTS for one in left),
        is_unicode=is_unicode,
        message_class=message_class,
        protocol_id=message.protocol_id,
        wants_receipt=message.wants_receipt,
        tlvs=message.tlvs,
    )


def _is_text(message: NewMessage) -> bool:
    if message.data is None:
        return True
    if message.coding is Coding.BINARY and message.data_coding is None:
        return False
    if message.data_coding is None:
        return False
    scheme = scheme_of(message.data_coding, message.default_alphabet or Alphabet.GSM)
    return scheme.alphabet is not Alphabet.OCTETS and not scheme.is_compressed and scheme.waiting is None


def _joined(pieces: Sequence[NewMessage]) -> str:
    """The text of parts in order."""
    if all(piece.data is None for piece in pieces):
        return "".join(piece.text for piece in pieces)
    parts = []
    for piece in pieces:
        header = _header(piece)
        found = concat_of(header, dict(piece.tlvs))
        if piece.data is None or found is None:
            if len(pieces) > 1:
                raise Unsupported("some parts of it are text and others octets")
            return _alone(piece)
        parts.append(
            InboundPart(
                account=piece.account,
                source=piece.sender,
                destination=piece.recipient,
                concat=found[0],
                octets=piece.data,
                data_coding=piece.data_coding or 0,
                udh=header,
            )
        )
    return text_of(parts, pieces[0].default_alphabet or Alphabet.GSM)


def _alone(message: NewMessage) -> str:
    if message.data is None:
        return message.text
    alphabet = message.default_alphabet or Alphabet.GSM
    return decode_text(message.data, message.data_coding or 0, alphabet, udh=_header(message))


def _header(message: NewMessage) -> UserDataHeader | None:
    if not message.udh:
        return None
    try:
        return parse_udh(message.udh)
    except DecodeError:
        raise Unsupported("its user data header does not hold together") from None


def _port(header: UserDataHeader | None, message: NewMessage) -> int | None:
    if header is not None and header.ports is not None:
        return header.ports.destination
    for tag, value in message.tlvs:
        if tag == DESTINATION_PORT_TAG and len(value) == 2:
            return int.from_bytes(value, "big")
    return None


def check_is_text(message: Outgoing, provider: str, *, carries_ports: bool = False) -> None:
    """Refuse what a provider of plain texts cannot carry; a message class is left out.

    Args:
        provider: its own name, for the reason.
        carries_ports: whether a header that names application ports, and nothing else, is taken.

    Raises:
        Unsupported: the text says what.
    """
    if message.text is None:
        raise Unsupported(f"{provider} carries text, not octets")
    if not message.text:
        raise Unsupported(f"{provider} carries no message without text")
    if carries_ports:
        if message.udh and not (message.has_only_ports and message.port is not None):
            raise Unsupported(f"{provider} carries no user data header but ports")
    elif message.udh or message.port is not None:
        raise Unsupported(f"{provider} carries no user data header and no ports")
    if message.protocol_id:
        raise Unsupported(f"{provider} carries no protocol identifier")
