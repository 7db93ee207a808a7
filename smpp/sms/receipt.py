"""Delivery receipts: what SMSCs put into them, read and written. SMPP v3.4 Appendix B, §5.2.12, §5.3.2.12, .35, .31.

    id:0123456789 sub:001 dlvrd:001 submit date:2607221530 done date:2607221531 stat:DELIVRD err:000 text:Your code is 4

The text is "SMSC vendor specific", and so it is in the field: `receipt_text` reads what there is. TLVs win over the
text; where they disagree both are kept.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

import msgspec

from smpp.constants import EsmClass, MessageState, is_intermediate_notification, is_receipt
from smpp.errors import EncodeError
from smpp.sms import coding, gsm0338
from smpp.sms.coding import Alphabet
from smpp.sms.receipt_text import PLAIN, STATE_WORDS, STATES, read_receipt_text
from smpp.sms.udh import split_udh
from smpp.wire import tlv
from smpp.wire.tlv import Tlv

RECEIPTED_MESSAGE_ID: Final = tlv.receipted_message_id.tag
NETWORK_ERROR_CODE: Final = tlv.network_error_code.tag
MESSAGE_PAYLOAD: Final = tlv.message_payload.tag
MESSAGE_STATE: Final = tlv.message_state.tag

_DELIVERY_RECEIPT: Final = int(EsmClass.DELIVERY_RECEIPT)

_FINAL: Final = tuple(sorted((state for state in MessageState if state.is_final), key=MessageState.DELIVERED.__ne__))
"""The states that end a message; what is asked for most stands first."""

MAX_MESSAGE_ID_CHARACTERS: Final = 64
TEXT_OCTETS: Final = 20
"""Of the original message in a receipt of Appendix B."""


@dataclass(slots=True, frozen=True)
class NetworkError:
    """network_error_code. §5.3.2.31."""

    type: int
    """1 ANSI-136, 2 IS-95, 3 GSM; others in v5.0."""
    code: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a message, as an SMSC reports it. Nothing in it leads back to it: no work for the collector."""

    id: str = ""
    """The message_id as it stands there: the TLV's, else the text's. Its base may differ from the response's."""
    state: MessageState | None = None
    """None where the word is not known: see `stat`."""
    stat: str = ""
    """The state's word in the text, as it stands there."""
    error: str = ""
    """The text's `err`, one to five characters of any kind; else the number of the network error."""
    network_error: NetworkError | None = None
    sub: int | None = None
    dlvrd: int | None = None
    submit_date: datetime | None = None
    """Naive where neither the receipt nor the caller says which zone it is in."""
    done_date: datetime | None = None
    submit_date_text: str = ""
    done_date_text: str = ""
    text: str = ""
    """The beginning of the original message."""
    raw: str = ""
    """The whole text."""
    is_intermediate: bool = False
    """Whether it came as an intermediate notification."""
    text_id: str = ""
    tlv_id: str = ""
    text_state: MessageState | None = None
    tlv_state: int | None = None
    """message_state as sent, also where it is no state."""
    extras: tuple[tuple[str, str], ...] = ()
    """Keys that are not of Appendix B, in lower case, with their values."""

    @property
    def is_final(self) -> bool:
        """Whether no later receipt is expected for the message."""
        return self.state in _FINAL and not self.is_intermediate

    @property
    def conflicts(self) -> bool:
        """Whether TLVs and text name different states, or ids that are not the same text."""
        ids = bool(self.text_id and self.tlv_id and self.text_id != self.tlv_id)
        return ids or (self.text_state is not None and self.tlv_state is not None and self.text_state != self.tlv_state)


def parse_receipt(
    octets: bytes,
    *,
    esm_class: int = EsmClass.DELIVERY_RECEIPT,
    data_coding: int = 0,
    tlvs: Mapping[int, bytes] | None = None,
    default_alphabet: str = Alphabet.GSM,
    tz: tzinfo | None = None,
    by_text: bool = False,
) -> Receipt | None:
    """Read the receipt in a deliver_sm or data_sm. Never raises, whatever the octets are.

    Args:
        octets: short_message; where it is empty, the message_payload TLV is looked at.
        esm_class: as the PDU has it.
        data_coding: of the text. Many SMSCs put the original message's there; what the octets look like decides.
        tlvs: tag -> value.
        default_alphabet: what data_coding 0 means at this SMSC.
        tz: the zone of the SMSC's dates, where it is known.
        by_text: whether a message of another type is taken for a receipt by its text alone. Only for SMSCs that send
            receipts so: a handset can write such a text too.

    Returns:
        None where the message is no receipt: of another type, or with neither an id nor a state.
    """
    if not tlvs and esm_class & ~0x03 == _DELIVERY_RECEIPT and tz is None:
        plain = _parse_appendix_b(octets)
        if plain is not None:
            return plain
    tlvs = tlvs or {}
    is_intermediate = is_intermediate_notification(esm_class)
    says_so = is_receipt(esm_class) or is_intermediate or {RECEIPTED_MESSAGE_ID, MESSAGE_STATE} <= tlvs.keys()
    if not says_so and not by_text:
        return None
    octets = octets or tlvs.get(MESSAGE_PAYLOAD, b"")
    header_octets = 0
    if esm_class & EsmClass.UDHI:
        body = split_udh(octets)[1]
        header_octets, octets = len(octets) - len(body), body
    content = read_receipt_text(octets, coding.scheme_of(data_coding & 0xFF, default_alphabet).alphabet, header_octets)
    fields = content.fields
    if not says_so and not ("id" in fields and ("stat" in fields or content.state_word)):
        return None

    stat = fields.get("stat", "") or content.state_word
    text_state = STATES.get(stat.upper())
    tlv_state = int.from_bytes(tlvs[MESSAGE_STATE], "big") if tlvs.get(MESSAGE_STATE) else None
    tlv_id = _c_string(tlvs.get(RECEIPTED_MESSAGE_ID, b""))
    text_id = fields.get("id", "")
    if not (text_id or tlv_id or stat or tlv_state is not None):
        return None
    network_error = _network_error(tlvs.get(NETWORK_ERROR_CODE, b""))
    submit_date_text, done_date_text = fields.get("submit date", ""), fields.get("done date", "")
    return Receipt(
        id=tlv_id or text_id,
        state=_state(tlv_state, text_state),
        stat=stat,
        error=fields.get("err", "") or (str(network_error.code) if network_error else ""),
        network_error=network_error,
        sub=_number(fields.get("sub", "")),
        dlvrd=_number(fields.get("dlvrd", "")),
        submit_date=parse_receipt_date(submit_date_text, tz=tz),
        done_date=parse_receipt_date(done_date_text, tz=tz),
        submit_date_text=submit_date_text,
        done_date_text=done_date_text,
        text=content.text,
        raw=content.raw,
        is_intermediate=is_intermediate,
        text_id=text_id,
        tlv_id=tlv_id,
        text_state=text_state,
        tlv_state=tlv_state,
        extras=content.extras,
    )


def _parse_appendix_b(octets: bytes) -> Receipt | None:
    """The usual text, where nothing behind ``text:`` depends on an alphabet: half the time of the way by fields."""
    try:
        raw = octets.decode("ascii")
    except UnicodeDecodeError:
        return None
    match = PLAIN.match(raw)
    if match is None:
        return None
    message_id, sub, dlvrd, submit_date, done_date, stat, error, text = match.groups()
    state = STATES.get(stat)
    return Receipt(
        id=message_id,
        state=state,
        stat=stat,
        error=error,
        sub=int(sub),
        dlvrd=int(dlvrd),
        submit_date=parse_receipt_date(submit_date),
        done_date=parse_receipt_date(done_date),
        submit_date_text=submit_date,
        done_date_text=done_date,
        text=text,
        raw=raw,
        text_id=message_id,
        text_state=state,
    )


_SIGNED_DATE: Final = re.compile(r"([0-9]{12})([0-9])([0-9]{2})([+-])\Z")


@lru_cache(maxsize=4096)
def parse_receipt_date(text: str, *, tz: tzinfo | None = None) -> datetime | None:
    """The moment a receipt's date names, None where it names none (all zeros, say).

    Args:
        text: 10 digits (YYMMDDhhmm), 12 (with seconds), 14 (with the century), or the 16 characters of an absolute
            SMPP time (§7.1.1), which states its own offset.
        tz: the zone of a date without an offset; None leaves it naive.
    """
    signed = _SIGNED_DATE.match(text) if len(text) == 16 else None
    if signed:
        digits, tenths, quarters, sign = signed.groups()
        moment = _moment(digits)
        offset = timedelta(minutes=15 * int(quarters)) * (1 if sign == "+" else -1)
        if moment is None or abs(offset) >= timedelta(days=1):
            return moment
        return moment.replace(microsecond=int(tenths) * 100_000, tzinfo=timezone(offset))
    digits = text
    if not (text.isascii() and text.isdigit()):
        digits = "".join(character for character in text if character in "0123456789")
    if len(digits) not in (10, 12, 14):
        return None
    moment = _moment(digits)
    if moment is None and len(digits) == 12:
        # Nearly always with seconds; where that cannot be, with a century: YYYYMMDDhhmm.
        moment = _moment(digits + "00")
    return moment.replace(tzinfo=tz) if moment and tz else moment


def format_receipt(
    message_id: str,
    state: MessageState,
    *,
    submit_date: datetime,
    done_date: datetime,
    sub: int = 1,
    dlvrd: int | None = None,
    error: str = "000",
    text: str = "",
    with_seconds: bool = False,
    default_alphabet: str = Alphabet.GSM,
) -> bytes:
    """The receipt text of Appendix B, for short_message with data_coding 0.

    Args:
        message_id: as submit_sm_resp had it.
        state: becomes `stat`.
        submit_date: written as it stands, without its zone: Appendix B has none.
        done_date: likewise.
        sub: messages submitted.
        dlvrd: messages delivered; None: all of them if the state is DELIVERED, else none.
        error: one to five characters.
        text: of the original message; its first 20 octets are sent, what data_coding 0 lacks as "?".
        with_seconds: dates of 12 digits.
        default_alphabet: what data_coding 0 means to the receiver.

    Raises:
        EncodeError: an id, an error or a number that would make the text unreadable.
    """
    _check_id(message_id)
    if not _ERROR.match(error):
        raise EncodeError(f"receipt: err {error!r} is not 1 to 5 printable ASCII characters")
    if dlvrd is None:
        dlvrd = sub if state is MessageState.DELIVERED else 0
    for name, number in (("sub", sub), ("dlvrd", dlvrd)):
        if not 0 <= number <= 999:
            raise EncodeError(f"receipt: {name} {number} is not 0..999")
    pattern = "%y%m%d%H%M%S" if with_seconds else "%y%m%d%H%M"
    head = (
        f"id:{message_id} sub:{sub:03} dlvrd:{dlvrd:03} submit date:{submit_date.strftime(pattern)}"
        f" done date:{done_date.strftime(pattern)} stat:{STATE_WORDS[state]} err:{error} text:"
    )
    alphabet = coding.parse_default_alphabet(default_alphabet)
    if alphabet is Alphabet.GSM_PACKED:
        return gsm0338.pack(gsm0338.encode(head) + _excerpt(text, alphabet))
    # Not through the GSM table, where "_" has another code: everybody reads the head as ASCII.
    return head.encode("ascii") + _excerpt(text, alphabet)


def receipt_tlvs(message_id: str, state: MessageState, *, network_error: NetworkError | None = None) -> list[Tlv]:
    """The TLVs that say the same, as (tag, value).

    Raises:
        EncodeError: an id or a network error out of range.
    """
    _check_id(message_id)
    tlvs = [tlv.receipted_message_id(message_id), tlv.message_state(state)]
    if network_error is not None:
        if not (0 <= network_error.type <= 0xFF and 0 <= network_error.code <= 0xFFFF):
            raise EncodeError(f"network_error_code: {network_error} is not one octet and two")
        value = bytes((network_error.type,)) + network_error.code.to_bytes(2, "big")
        tlvs.append(tlv.network_error_code(value))
    return tlvs


_ID: Final = re.compile(r"(?:(?![,;|])[!-~]){1,64}\Z")
_ERROR: Final = re.compile(r"(?:(?![,;|])[!-~]){1,5}\Z")


def _state(tlv_state: int | None, text_state: MessageState | None) -> MessageState | None:
    if tlv_state is None:
        return text_state
    # v3.4 has no state 0 (v5.0: SCHEDULED); some SMSCs send it with every receipt, whatever the text says.
    if tlv_state == 0 and text_state is not None:
        return text_state
    return MessageState(tlv_state) if tlv_state in _STATE_NUMBERS else text_state


_STATE_NUMBERS: Final = frozenset(map(int, MessageState))


def _c_string(octets: bytes) -> str:
    # Lenient: some SMSCs leave the NUL out, some put blanks around the id.
    return octets.partition(b"\0")[0].decode("latin-1").strip()


def _network_error(octets: bytes) -> NetworkError | None:
    if len(octets) != 3:
        return None
    return NetworkError(octets[0], int.from_bytes(octets[1:], "big"))


def _number(text: str) -> int | None:
    return int(text) if len(text) <= 9 and text.isascii() and text.isdigit() else None


def _moment(digits: str) -> datetime | None:
    """YYMMDDhhmm, or with seconds; or with a century, by the number of digits."""
    century = 4 if len(digits) == 14 else 2
    year = int(digits[:century])
    if century == 2:
        # SMPP v5.0 Appendix C: 38..99 is the past century.
        year += 1900 if year >= 38 else 2000
    rest = digits[century:]
    try:
        return datetime(year, *(int(rest[at : at + 2]) for at in range(0, len(rest), 2)))  # type: ignore[arg-type]
    except ValueError:
        return None


def _check_id(message_id: str) -> None:
    if not _ID.match(message_id):
        raise EncodeError(
            f"receipt: id {message_id!r} is not 1 to {MAX_MESSAGE_ID_CHARACTERS} printable ASCII characters"
            " without blanks, commas, semicolons and bars"
        )


def _excerpt(text: str, alphabet: Alphabet) -> bytes:
    """The first octets of a text, whole characters, "?" for what the alphabet lacks."""
    out = b""
    for character in text[:TEXT_OCTETS]:
        try:
            octets = coding.encode_alphabet(character, alphabet)
        except EncodeError:
            octets = b"?"
        if len(out) + len(octets) > TEXT_OCTETS:
            break
        out += octets
    return out
