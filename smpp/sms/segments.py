"""Long messages out: one splitter for every coding, and a calculator that says what a text takes and why.

Limits of one part (3GPP TS 23.040 §9.2.3.24): 140 octets, header included, so

    alone   8-bit reference   16-bit reference
    160     153               152                 septets (counted as if packed, packed or not)
    70      67                66                  UTF-16 code units
    140     134               133                 octets

and fewer with further information elements. A cut never falls inside an escape pair, a surrogate pair or a character of
several octets. Reassembly is in `reassembly`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypedDict, Unpack

import msgspec

from smpp.constants import DataCoding, EsmClass
from smpp.errors import EncodeError
from smpp.sms import coding, gsm0338
from smpp.sms.coding import Alphabet, CodedText
from smpp.sms.national import NO_SHIFT, USER_DATA_OCTETS, Shift
from smpp.sms.udh import MAX_PARTS, Concat, Iei, InformationElement, UserDataHeader, shift_elements
from smpp.wire import tlv
from smpp.wire.tlv import Tlv

MAX_SHORT_MESSAGE_OCTETS: Final = 254
MAX_PAYLOAD_OCTETS: Final = 0xFFFF

_CONCAT_8_OCTETS: Final = 5
_CONCAT_16_OCTETS: Final = 6


class SplitMethod(StrEnum):
    """How the parts of a long message know each other."""

    UDH8 = "udh8"
    """User data header with an 8-bit reference: what every phone reads."""
    UDH16 = "udh16"
    SAR = "sar"
    """The sar_* TLVs. Not together with a user data header (§5.3.2.22)."""
    PAYLOAD = "payload"
    """Not split: one PDU with a message_payload TLV, and the SMSC splits."""


class Segment(msgspec.Struct, frozen=True):
    """One part, ready for a submit_sm or deliver_sm."""

    number: int
    """1..total."""
    total: int
    short_message: bytes
    """With the user data header in front where there is one; empty where the TLVs hold a message_payload."""
    data_coding: int
    units: int
    """Septets, code units or octets of the body."""
    has_udh: bool = False
    tlvs: tuple[Tlv, ...] = ()
    """The sar_* TLVs or the message_payload, as (tag, value)."""
    reference: int | None = None
    """The number the parts share; None where there is one part."""

    @property
    def esm_class(self) -> int:
        """The bit to set in esm_class."""
        return int(EsmClass.UDHI) if self.has_udh else 0


class Unit(StrEnum):
    """What a coding is counted in."""

    SEPTETS = "septets"
    CODE_UNITS = "UTF-16 code units"
    OCTETS = "octets"


@dataclass(slots=True, frozen=True)
class Explanation:
    """How a text is coded and split, and why; `str()` of it is a sentence."""

    parts: int
    alphabet: Alphabet
    data_coding: int
    shift: Shift
    unit: Unit
    units: int
    """In all parts together."""
    units_per_part: tuple[int, ...]
    room: int
    """Units that one part of this message holds."""
    units_left: int
    """Units that still fit in the last part."""
    forced_by: tuple[str, ...]
    """The characters for which the default alphabet was not enough."""

    def __str__(self) -> str:
        plural = "" if self.parts == 1 else "s"
        line = f"{self.parts} part{plural} in {self.alphabet}: {self.units} {self.unit}"
        if self.parts > 1:
            line += f" ({' + '.join(map(str, self.units_per_part))})"
        line += f", {self.room} to a part, {self.units_left} left"
        if self.shift != NO_SHIFT:
            line += f"; national tables for {_quoted(self.forced_by)}"
        elif self.forced_by:
            line += f"; not in the default alphabet: {_quoted(self.forced_by)}"
        return line


class SplitOptions(TypedDict, total=False):
    """The arguments of `split` that decide how many parts there are."""

    method: str
    default_alphabet: str
    allow_latin1: bool
    languages: Collection[int]
    data_coding: int | None
    message_class: int | None
    elements: Sequence[InformationElement]
    user_data_octets: int


def split(text: str | CodedText, *, reference: int = 0, **options: Unpack[SplitOptions]) -> tuple[Segment, ...]:
    """Code a text and cut it into as few parts as it takes.

    Args:
        text: any text, or what `choose` made of one: then the arguments about coding are not looked at.
        reference: number the parts share: 0..255 for UDH8, else 0..65535. Unused where one part is enough.
        method: a `SplitMethod`.
        default_alphabet: what data_coding 0 means at this SMSC.
        allow_latin1: whether data_coding 3 may be chosen.
        languages: whose national tables may be chosen. Not with SAR, which allows no header.
        data_coding: use this one; None chooses.
        message_class: 0..3, with a chosen data_coding.
        elements: further information elements for every part, such as ports.
        user_data_octets: room of one part, header included.

    Raises:
        EncodeError: a character is not in the data_coding asked for, more than 255 parts, a reference out of range,
            elements that leave no room, or a header together with SAR.
    """
    return _splitter(text, reference, options).segments()


def split_octets(
    octets: bytes,
    *,
    data_coding: int = DataCoding.BINARY,
    reference: int = 0,
    method: str = SplitMethod.UDH8,
    default_alphabet: str = Alphabet.GSM,
    elements: Sequence[InformationElement] = (),
    user_data_octets: int = USER_DATA_OCTETS,
) -> tuple[Segment, ...]:
    """Cut octets that are already coded, binary or not; pairs stay together as in `split`.

    Args:
        octets: without a header; GSM one septet an octet, also where the SMSC wants it packed.
        data_coding: what they are.

    Raises:
        EncodeError: as `split`.
    """
    alphabet = coding.text_alphabet(data_coding, default_alphabet)
    if alphabet is Alphabet.UCS2 and len(octets) % 2:
        raise EncodeError(f"message: {len(octets)} octets of UCS-2, which has two to a code unit")
    coded = CodedText("", octets, data_coding, alphabet)
    return _Splitter(coded, SplitMethod(method), reference, elements, user_data_octets).segments()


def code(
    text: str,
    *,
    default_alphabet: str = Alphabet.GSM,
    allow_latin1: bool = False,
    languages: Collection[int] = (),
    data_coding: int | None = None,
    message_class: int | None = None,
) -> CodedText:
    """Text in the data_coding asked for, or in the one `choose` finds."""
    if data_coding is None:
        return coding.choose(
            text,
            default_alphabet=default_alphabet,
            allow_latin1=allow_latin1,
            languages=languages,
            message_class=message_class,
        )
    if message_class is not None:
        data_coding = coding.with_message_class(data_coding, message_class)
    alphabet = coding.text_alphabet(data_coding, default_alphabet)
    return CodedText(text, coding.encode_alphabet(text, alphabet), data_coding, alphabet)


def count(text: str | CodedText, **options: Unpack[SplitOptions]) -> int:
    """How many parts a text takes. Arguments and errors as in `split`."""
    return explain(text, **options).parts


def explain(text: str | CodedText, **options: Unpack[SplitOptions]) -> Explanation:
    """What a text takes and why. Arguments and errors as in `split`."""
    splitter = _splitter(text, 0, options)
    bodies = splitter.bodies()
    sizes = tuple(splitter.units(body) for body in bodies)
    room = splitter.room(len(bodies) > 1)
    coded = splitter.coded
    return Explanation(
        parts=len(bodies),
        alphabet=coded.alphabet,
        data_coding=coded.data_coding,
        shift=coded.shift,
        unit=splitter.unit,
        units=sum(sizes),
        units_per_part=sizes,
        room=room,
        units_left=max(room - sizes[-1], 0),
        forced_by=coded.forced_by,
    )


def _splitter(text: str | CodedText, reference: int, options: SplitOptions) -> "_Splitter":
    method = SplitMethod(options.get("method", SplitMethod.UDH8))
    if isinstance(text, CodedText):
        coded = text
    else:
        coded = code(
            text,
            default_alphabet=options.get("default_alphabet", Alphabet.GSM),
            allow_latin1=options.get("allow_latin1", False),
            languages=() if method is SplitMethod.SAR else options.get("languages", ()),
            data_coding=options.get("data_coding"),
            message_class=options.get("message_class"),
        )
    elements = options.get("elements", ())
    return _Splitter(coded, method, reference, elements, options.get("user_data_octets", USER_DATA_OCTETS))


class _Splitter:
    """One message on its way into parts."""

    def __init__(
        self,
        coded: CodedText,
        method: SplitMethod,
        reference: int,
        elements: Sequence[InformationElement],
        user_data_octets: int,
    ) -> None:
        self.coded = coded
        self.method = method
        self.reference = reference
        self.user_data_octets = user_data_octets
        if not 0 < user_data_octets <= MAX_SHORT_MESSAGE_OCTETS:
            raise EncodeError(f"user_data_octets: {user_data_octets} is not 1..{MAX_SHORT_MESSAGE_OCTETS}")
        self.elements = (*elements, *shift_elements(coded.shift))
        if any(element.iei in (Iei.CONCAT_8, Iei.CONCAT_16) for element in elements):
            raise EncodeError("elements: concatenation is the splitter's own")
        if method is SplitMethod.SAR and self.elements:
            raise EncodeError("sar_* TLVs cannot stand beside a user data header")
        self.unit = _unit_of(coded.alphabet)
        self._room_alone = self._room(0)

    def segments(self) -> tuple[Segment, ...]:
        bodies = self.bodies()
        if len(bodies) == 1:
            return (self._alone(bodies[0]),)
        self._check_reference()
        return tuple(self._part(body, number, len(bodies)) for number, body in enumerate(bodies, 1))

    def bodies(self) -> list[bytes]:
        octets = self.coded.octets
        if self.units(octets) <= self.room(is_long=False) or self.method is SplitMethod.PAYLOAD:
            return [octets]
        room = self.room(is_long=True)
        bodies = list(self._cut(room))
        if len(bodies) > MAX_PARTS:
            raise EncodeError(f"message: {len(bodies)} parts of {room} {self.unit}, at most {MAX_PARTS}")
        return bodies

    def room(self, is_long: bool) -> int:
        """Units of body in one part."""
        if not is_long or self.method is SplitMethod.PAYLOAD:
            return self._room_alone
        # SAR: the SMSC turns its 16-bit reference into a header of this size.
        return self._room(_CONCAT_8_OCTETS if self.method is SplitMethod.UDH8 else _CONCAT_16_OCTETS)

    def _room(self, concat_octets: int) -> int:
        elements = concat_octets + sum(2 + len(element.data) for element in self.elements)
        header = elements + 1 if elements else 0
        octets = self.user_data_octets - header
        if self.unit is Unit.SEPTETS:
            is_packed = self.coded.alphabet is Alphabet.GSM_PACKED
            room = octets * 8 // 7 if is_packed else min(octets * 8 // 7, MAX_SHORT_MESSAGE_OCTETS - header)
        else:
            room = octets // 2 if self.unit is Unit.CODE_UNITS else octets
        # A pair must fit, or the cut would never advance.
        if room < 2:
            raise EncodeError(f"elements: {elements} octets leave no room in a part of {self.user_data_octets}")
        return room

    def units(self, octets: bytes) -> int:
        """How much a body counts against `room`."""
        return len(octets) // 2 if self.unit is Unit.CODE_UNITS else len(octets)

    def _cut(self, room: int) -> Iterator[bytes]:
        octets, alphabet = self.coded.octets, self.coded.alphabet
        if self.coded.text and alphabet in _SEVERAL_OCTETS:
            yield from _cut_characters(self.coded.text, alphabet, room)
            return
        size = room * 2 if self.unit is Unit.CODE_UNITS else room
        start = 0
        while start < len(octets):
            end = start + size
            if end < len(octets):
                if alphabet.is_gsm:
                    end -= _splits_escape(octets, start, end)
                elif alphabet is Alphabet.UCS2:
                    end -= 2 * _splits_surrogates(octets, end)
            yield octets[start:end]
            start = end

    def _check_reference(self) -> None:
        limit = 0xFF if self.method is SplitMethod.UDH8 else 0xFFFF
        if not 0 <= self.reference <= limit:
            raise EncodeError(f"reference: {self.reference} is not 0..{limit} ({self.method})")

    def _alone(self, body: bytes) -> Segment:
        octets = self._with_header(self.elements, body)
        has_udh = bool(self.elements)
        data_coding, units = int(self.coded.data_coding), self.units(body)
        if units <= self.room(is_long=False):
            return Segment(1, 1, octets, data_coding, units, has_udh)
        if len(octets) > MAX_PAYLOAD_OCTETS:
            raise EncodeError(f"message_payload: {len(octets)} octets, at most {MAX_PAYLOAD_OCTETS}")
        return Segment(1, 1, b"", data_coding, units, has_udh, (tlv.message_payload(octets),))

    def _part(self, body: bytes, number: int, total: int) -> Segment:
        data_coding, units, reference = int(self.coded.data_coding), self.units(body), self.reference
        if self.method is SplitMethod.SAR:
            tlvs = sar_tlvs(Concat(reference, total, number))
            return Segment(number, total, self._with_header((), body), data_coding, units, False, tlvs, reference)
        concat = Concat(reference, total, number, is_16bit=self.method is SplitMethod.UDH16)
        octets = self._with_header((concat.element(), *self.elements), body)
        return Segment(number, total, octets, data_coding, units, True, (), reference)

    def _with_header(self, elements: tuple[InformationElement, ...], body: bytes) -> bytes:
        header = UserDataHeader(elements).encode() if elements else b""
        if self.coded.alphabet is Alphabet.GSM_PACKED:
            body = gsm0338.pack(body, fill_bits=gsm0338.fill_bits_after(len(header)))
        return header + body


def sar_tlvs(concat: Concat) -> tuple[Tlv, ...]:
    """A concatenation as the three sar_* TLVs. §5.3.2.22 to .24."""
    return (
        tlv.sar_msg_ref_num(concat.reference),
        tlv.sar_total_segments(concat.total),
        tlv.sar_segment_seqnum(concat.number),
    )


_SEVERAL_OCTETS: Final = frozenset(
    {Alphabet.UTF_8, Alphabet.JIS, Alphabet.EXTENDED_KANJI, Alphabet.ISO_2022_JP, Alphabet.KS_C_5601}
)


def _unit_of(alphabet: Alphabet) -> Unit:
    # IA5 is a 7-bit alphabet too, and SMSCs send it on as such.
    if alphabet.is_gsm or alphabet is Alphabet.ASCII:
        return Unit.SEPTETS
    return Unit.CODE_UNITS if alphabet is Alphabet.UCS2 else Unit.OCTETS


def _splits_escape(octets: bytes, start: int, end: int) -> bool:
    """Whether a cut at `end` parts an escape from its code: an odd number of escapes stands before it."""
    escapes = end
    while escapes > start and octets[escapes - 1] == gsm0338.ESCAPE:
        escapes -= 1
    return (end - escapes) % 2 == 1


def _splits_surrogates(octets: bytes, end: int) -> bool:
    return octets[end - 2] & 0xFC == 0xD8 and octets[end] & 0xFC == 0xDC


def _cut_characters(text: str, alphabet: Alphabet, room: int) -> Iterator[bytes]:
    """Whole characters, each part coded by itself: ISO-2022 escapes must not reach into the next part."""
    start = 0
    while start < len(text):
        # Every character takes an octet at least, and each added one lengthens the part: look for the last that fits.
        low, high = start + 1, min(start + room, len(text))
        while low < high:
            middle = (low + high + 1) // 2
            if len(coding.encode_alphabet(text[start:middle], alphabet)) <= room:
                low = middle
            else:
                high = middle - 1
        octets = coding.encode_alphabet(text[start:low], alphabet)
        if len(octets) > room:
            raise EncodeError(f"text: {gsm0338.describe_character(text[start])} takes {len(octets)} of {room} octets")
        yield octets
        start = low


def _quoted(characters: tuple[str, ...], most: int = 10) -> str:
    shown = ", ".join(gsm0338.describe_character(character) for character in characters[:most])
    return shown + (f" and {len(characters) - most} more" if len(characters) > most else "")
