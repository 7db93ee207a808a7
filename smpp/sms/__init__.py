"""What is inside a message: text, long messages, delivery receipts. Pure: no input, no output, no clock."""

from smpp.sms.coding import (
    Alphabet,
    CodedText,
    MessageWaiting,
    Scheme,
    WaitingKind,
    choose,
    decode_text,
    encode_text,
    parse_default_alphabet,
    scheme_of,
    with_message_class,
)
from smpp.sms.gsm0338 import can_encode as can_encode_gsm
from smpp.sms.gsm0338 import decode as decode_gsm
from smpp.sms.gsm0338 import encode as encode_gsm
from smpp.sms.gsm0338 import pack as pack_septets
from smpp.sms.gsm0338 import septet_count, transliterate
from smpp.sms.gsm0338 import unpack as unpack_septets
from smpp.sms.national import ALL_LANGUAGES, Language, Shift, best_shift
from smpp.sms.reassembly import InboundPart, Incomplete, LostReason, Reassembler, Whole, concat_of
from smpp.sms.receipt import (
    NetworkError,
    Receipt,
    format_receipt,
    parse_receipt,
    parse_receipt_date,
    receipt_tlvs,
)
from smpp.sms.segments import Explanation, Segment, SplitMethod, SplitOptions, Unit, count, explain, split, split_octets
from smpp.sms.udh import Concat, Iei, InformationElement, Ports, UserDataHeader, parse_udh, split_udh

__all__ = [
    "ALL_LANGUAGES",
    "Alphabet",
    "CodedText",
    "Concat",
    "Explanation",
    "Iei",
    "InboundPart",
    "Incomplete",
    "InformationElement",
    "Language",
    "LostReason",
    "MessageWaiting",
    "NetworkError",
    "Ports",
    "Reassembler",
    "Receipt",
    "Scheme",
    "Segment",
    "Shift",
    "SplitMethod",
    "SplitOptions",
    "Unit",
    "UserDataHeader",
    "WaitingKind",
    "Whole",
    "best_shift",
    "can_encode_gsm",
    "choose",
    "concat_of",
    "count",
    "decode_gsm",
    "decode_text",
    "encode_gsm",
    "encode_text",
    "explain",
    "format_receipt",
    "pack_septets",
    "parse_default_alphabet",
    "parse_receipt",
    "parse_receipt_date",
    "parse_udh",
    "receipt_tlvs",
    "scheme_of",
    "septet_count",
    "split",
    "split_octets",
    "split_udh",
    "transliterate",
    "unpack_septets",
    "with_message_class",
]
