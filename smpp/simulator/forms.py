"""How SMSCs write delivery receipts: Appendix B and what the field makes of it, as a table.

The simulator sends all of these, so that whoever reads receipts can be tried against them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from smpp.constants import EsmClass, MessageState
from smpp.errors import EncodeError
from smpp.sms import decode_text, encode_text, split_udh
from smpp.sms.receipt_text import STATE_WORDS
from smpp.wire import tlv
from smpp.wire.pdu import DataSm, DeliverSm
from smpp.wire.tlv import NO_TLVS, Tlvs

_EXCERPT_OCTETS: Final = 20
_ESCAPE: Final = 0x1B
_GSM_NETWORK: Final = 3
"""network_type of network_error_code. §5.3.2.31."""
_DATA_CODING_UCS2: Final = 8
_ADDRESS_CHARACTERS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class ReceiptForm:
    """One way to write a receipt.

    Attributes:
        text: what follows ``id:`` and the id, with its places; "" for no text at all.
        date: how its dates are written (strftime).
        tlvs: whether receipted_message_id, message_state and network_error_code are sent.
        esm_class: of a final receipt.
        words: whether states are written in full.
        ucs2: whether the text is UCS-2.
        payload: whether the text is in message_payload.
        as_data_sm: whether it comes as a data_sm.
    """

    text: str
    date: str = "%y%m%d%H%M"
    tlvs: bool = False
    esm_class: int = EsmClass.DELIVERY_RECEIPT
    words: bool = False
    ucs2: bool = False
    payload: bool = False
    as_data_sm: bool = False

    @property
    def has_text(self) -> bool:
        """Whether the beginning of the message follows."""
        return self.text.endswith(":")


_APPENDIX_B: Final = " sub:001 dlvrd:{dlvrd} submit date:{submitted} done date:{done} stat:{stat} err:{error} text:"

RECEIPT_FORMS: Final[dict[str, ReceiptForm]] = {
    "standard": ReceiptForm(_APPENDIX_B, tlvs=True),
    "text": ReceiptForm(_APPENDIX_B),
    "tlvs": ReceiptForm("", tlvs=True),
    "seconds": ReceiptForm(_APPENDIX_B, date="%y%m%d%H%M%S"),
    "century": ReceiptForm(_APPENDIX_B, date="%Y%m%d%H%M%S"),
    "absolute_dates": ReceiptForm(_APPENDIX_B, date="%y%m%d%H%M%S000+"),
    "capital_text": ReceiptForm(_APPENDIX_B.replace("text:", "Text:")),
    "short": ReceiptForm(" submit date:{submitted} done date:{done} stat:{stat} err:{error}"),
    "joined_dates": ReceiptForm(
        " sub:001 dlvrd:{dlvrd} submitdate:{submitted} donedate:{done} stat:{stat} err:{error} text:", words=True
    ),
    "commas": ReceiptForm(
        _APPENDIX_B.replace(" sub:", ",sub:").replace(" dlvrd:", ",dlvrd:").replace(" stat:", ",stat:")
    ),
    "bare_state": ReceiptForm(" {stat} done date:{done}"),
    "ucs2": ReceiptForm(_APPENDIX_B, ucs2=True),
    "payload": ReceiptForm(_APPENDIX_B, payload=True),
    "esm_class_0": ReceiptForm(_APPENDIX_B, tlvs=True, esm_class=0),
    "data_sm": ReceiptForm(_APPENDIX_B, tlvs=True, as_data_sm=True),
}
"""Forms by name: "standard" is Appendix B with TLVs, "text" without, "tlvs" has no text at all."""

_STATE_TLVS: Final = {state: tlv.message_state(state) for state in MessageState}


def receipt_pdu(
    form: ReceiptForm,
    *,
    message_id: str,
    state: MessageState,
    error: str,
    submitted_at: float,
    done_at: float,
    original: bytes,
    source: tuple[int, int, str],
    destination: tuple[int, int, str],
    is_intermediate: bool = False,
    word: str = "",
) -> DeliverSm | DataSm:
    """A receipt.

    Args:
        form: how it is written.
        message_id: as receipts write it.
        state: what became of the message.
        error: `err`; and network_error_code where it is a number above 0.
        submitted_at: seconds since 1970; dates are written in UTC.
        done_at: likewise.
        original: the beginning of the message's text, as `excerpt` gives it.
        source: TON, NPI and number of the handset.
        destination: of whoever sent the message.
        is_intermediate: whether it is an intermediate notification. §5.2.12.
        word: what stands in `stat` instead of the state's own word.
    """
    octets = b""
    if form.text:
        octets = b"id:" + message_id.encode("ascii") + _tail(form, state, word, error, int(submitted_at), int(done_at))
        if form.has_text:
            octets += original
    data_coding = 0
    if form.ucs2:
        octets, data_coding = octets.decode("latin-1").encode("utf-16-be"), _DATA_CODING_UCS2
    tlvs = NO_TLVS
    if form.tlvs:
        tlvs = Tlvs(((tlv.receipted_message_id.tag, message_id.encode("ascii") + b"\0"), _STATE_TLVS[state]))
        if error.isdigit() and int(error):
            tlvs = tlvs.with_(tlv.network_error_code(bytes((_GSM_NETWORK,)) + (int(error) & 0xFFFF).to_bytes(2, "big")))
    # deliver_sm has no room for the addresses that data_sm allows. §4.7.1
    as_data_sm = form.as_data_sm or max(len(source[2]), len(destination[2])) > _ADDRESS_CHARACTERS
    if form.payload or as_data_sm:
        tlvs, octets = tlvs.with_(tlv.message_payload(octets)), b""
    esm_class = EsmClass.INTERMEDIATE_NOTIFICATION if is_intermediate else form.esm_class
    if as_data_sm:
        return DataSm("", *source, *destination, esm_class=esm_class, data_coding=data_coding, tlvs=tlvs)
    return DeliverSm(
        "", *source, *destination, esm_class=esm_class, data_coding=data_coding, short_message=octets, tlvs=tlvs
    )


def excerpt(octets: bytes, esm_class: int, data_coding: int, default_alphabet: str = "gsm") -> bytes:
    """The first 20 octets of a message for its receipt, in the SMSC's default alphabet."""
    if data_coding == 0 and not esm_class & EsmClass.UDHI:
        cut = octets[:_EXCERPT_OCTETS]
        return cut[:-1] if len(cut) == _EXCERPT_OCTETS and cut[-1] == _ESCAPE else cut
    header, body = split_udh(octets) if esm_class & EsmClass.UDHI else (None, octets)
    text = decode_text(body, data_coding, default_alphabet, udh=header)[:_EXCERPT_OCTETS]
    out = b""
    for character in text:
        try:
            coded = encode_text(character, 0, default_alphabet)
        except EncodeError:
            coded = b"?"
        if len(out) + len(coded) > _EXCERPT_OCTETS:
            break
        out += coded
    return out


@lru_cache(maxsize=1024)
def _tail(form: ReceiptForm, state: MessageState, word: str, error: str, submitted: int, done: int) -> bytes:
    """What follows the id: most receipts of one second share it, and 1.5 µs of their 2.7."""
    text = form.text.format(
        dlvrd="001" if state is MessageState.DELIVERED else "000",
        submitted=_date(submitted, form.date),
        done=_date(done, form.date),
        stat=word or (state.name if form.words else STATE_WORDS[state]),
        error=error,
    )
    return text.encode("ascii")


def _date(seconds: int, pattern: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(pattern)
