"""What data_coding says about a message's octets, text to octets and back, and the shortest coding for a text.

Below 0x10 the values are SMPP's own (v3.4 §5.2.19); above, the groups of 3GPP TS 23.038 §4. What data_coding 0 means
differs from SMSC to SMSC, so it is a parameter everywhere: `default_alphabet`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from smpp.constants import DataCoding
from smpp.errors import EncodeError
from smpp.sms import gsm0338, national
from smpp.sms.national import NO_SHIFT, Shift
from smpp.sms.udh import UserDataHeader


class Alphabet(StrEnum):
    """How octets stand for characters."""

    GSM = "gsm"
    """GSM 03.38, one septet an octet: what nearly all SMSCs expect."""
    GSM_PACKED = "gsm-packed"
    ASCII = "ascii"
    LATIN_1 = "latin1"
    CP1252 = "cp1252"
    UTF_8 = "utf-8"
    UCS2 = "ucs2"
    """UTF-16BE: surrogate pairs are common use."""
    CYRILLIC = "iso8859-5"
    HEBREW = "iso8859-8"
    JIS = "jis-x0208"
    EXTENDED_KANJI = "jis-x0212"
    ISO_2022_JP = "iso-2022-jp"
    KS_C_5601 = "ks-c-5601"
    OCTETS = "octets"
    """Not text: shown as Latin-1, which loses nothing."""

    @property
    def is_gsm(self) -> bool:
        """Whether it is the GSM alphabet, packed or not."""
        return self is Alphabet.GSM or self is Alphabet.GSM_PACKED


DEFAULT_ALPHABETS: Final = (
    Alphabet.GSM,
    Alphabet.GSM_PACKED,
    Alphabet.LATIN_1,
    Alphabet.ASCII,
    Alphabet.CP1252,
    Alphabet.UTF_8,
)
"""What data_coding 0 may mean at an SMSC."""

_DEFAULTS: Final[dict[str, Alphabet]] = {alphabet.value: alphabet for alphabet in DEFAULT_ALPHABETS}


class WaitingKind(IntEnum):
    """What kind of message waits. 23.038 §4, coding groups 1100 to 1110."""

    VOICEMAIL = 0
    FAX = 1
    EMAIL = 2
    OTHER = 3


@dataclass(slots=True, frozen=True)
class MessageWaiting:
    """A message waiting indication: switch an icon on or off."""

    kind: WaitingKind
    is_active: bool
    is_stored: bool
    """Whether the message itself is kept."""


@dataclass(slots=True, frozen=True)
class Scheme:
    """All that a data_coding says."""

    alphabet: Alphabet
    message_class: int | None = None
    """0 shows at once (flash), 1 goes to the phone, 2 to the SIM, 3 to attached equipment."""
    is_compressed: bool = False
    """Compressed as in 3GPP TS 23.042: the octets are not text, whatever the alphabet was."""
    waiting: MessageWaiting | None = None
    deletes_itself: bool = False
    """23.038 §4, coding group 01xx: marked for automatic deletion."""


class CodedText(msgspec.Struct, frozen=True):
    """A text with the coding that was chosen for it."""

    text: str
    octets: bytes
    """Not packed, even where the alphabet is: packing needs the header of each part."""
    data_coding: int
    alphabet: Alphabet
    shift: Shift = NO_SHIFT
    forced_by: tuple[str, ...] = ()
    """The characters, each once, for which the default alphabet was not enough."""


def parse_default_alphabet(name: str) -> Alphabet:
    """The alphabet behind a setting's word.

    Raises:
        ValueError: not one of DEFAULT_ALPHABETS.
    """
    alphabet = _DEFAULTS.get(name)
    if alphabet is not None:
        return alphabet
    raise ValueError(f"default alphabet {name!r}: must be one of {', '.join(DEFAULT_ALPHABETS)}")


# SMPP v3.4 §5.2.19. 0x0B, 0x0C and 0x0F are reserved: 23.038 §4 has a receiver read those as the default alphabet.
_SMPP_ALPHABETS: Final = {
    DataCoding.IA5: Alphabet.ASCII,
    DataCoding.OCTETS: Alphabet.OCTETS,
    DataCoding.LATIN_1: Alphabet.LATIN_1,
    DataCoding.BINARY: Alphabet.OCTETS,
    DataCoding.JIS: Alphabet.JIS,
    DataCoding.CYRILLIC: Alphabet.CYRILLIC,
    DataCoding.HEBREW: Alphabet.HEBREW,
    DataCoding.UCS2: Alphabet.UCS2,
    DataCoding.PICTOGRAM: Alphabet.OCTETS,
    DataCoding.ISO_2022_JP: Alphabet.ISO_2022_JP,
    DataCoding.EXTENDED_KANJI_JIS: Alphabet.EXTENDED_KANJI,
    DataCoding.KS_C_5601: Alphabet.KS_C_5601,
}

_GENERAL_ALPHABETS: Final = (Alphabet.GSM, Alphabet.OCTETS, Alphabet.UCS2, Alphabet.GSM)
"""Bits 3 and 2 of the general coding groups; 11 is reserved."""


@lru_cache(maxsize=256 * len(DEFAULT_ALPHABETS))
def scheme_of(data_coding: int, default_alphabet: str = Alphabet.GSM) -> Scheme:
    """Read a data_coding: any octet has a meaning.

    Args:
        data_coding: 0..255.
        default_alphabet: what data_coding 0 means at this SMSC.
    """
    default = parse_default_alphabet(default_alphabet)
    if data_coding < 0x10:
        return Scheme(_SMPP_ALPHABETS.get(DataCoding(data_coding), default) if data_coding in _SMPP_VALUES else default)
    scheme = _gsm_scheme(data_coding)
    if scheme is None:
        return Scheme(default)
    if scheme.alphabet is Alphabet.GSM and default is Alphabet.GSM_PACKED:
        return Scheme(default, scheme.message_class, scheme.is_compressed, scheme.waiting, scheme.deletes_itself)
    return scheme


_SMPP_VALUES: Final = frozenset(map(int, DataCoding))


def _gsm_scheme(data_coding: int) -> Scheme | None:
    """23.038 §4, from 0x10 on; None for the reserved groups."""
    if data_coding < 0x80:
        return Scheme(
            _GENERAL_ALPHABETS[data_coding >> 2 & 3],
            message_class=data_coding & 3 if data_coding & 0x10 else None,
            is_compressed=bool(data_coding & 0x20),
            deletes_itself=data_coding >= 0x40,
        )
    if data_coding < 0xC0:
        return None
    if data_coding < 0xF0:
        waiting = MessageWaiting(WaitingKind(data_coding & 3), bool(data_coding & 8), is_stored=data_coding >= 0xD0)
        return Scheme(Alphabet.UCS2 if data_coding >= 0xE0 else Alphabet.GSM, waiting=waiting)
    return Scheme(Alphabet.OCTETS if data_coding & 4 else Alphabet.GSM, message_class=data_coding & 3)


def with_message_class(data_coding: int, message_class: int) -> int:
    """The data_coding that says the same with a message class (0: flash).

    Raises:
        EncodeError: there is no such value: only GSM, octets and UCS-2 have classes.
    """
    if not 0 <= message_class <= 3:
        raise EncodeError(f"message class: {message_class} is not 0..3")
    alphabet = scheme_of(data_coding).alphabet
    if alphabet is Alphabet.GSM:
        return 0xF0 | message_class
    if alphabet is Alphabet.OCTETS:
        return 0xF4 | message_class
    if alphabet is Alphabet.UCS2:
        # SMPP names only 0xF0..0xFF; the general group of 23.038 is the one way to say UCS-2 with a class.
        return 0x18 | message_class
    raise EncodeError(f"message class: {alphabet} (data_coding 0x{data_coding:02X}) cannot have one")


_CODECS: Final = {
    Alphabet.ASCII: "ascii",
    Alphabet.LATIN_1: "latin-1",
    Alphabet.CP1252: "cp1252",
    Alphabet.UTF_8: "utf-8",
    Alphabet.UCS2: "utf-16-be",
    Alphabet.CYRILLIC: "iso8859-5",
    Alphabet.HEBREW: "iso8859-8",
    Alphabet.ISO_2022_JP: "iso2022_jp",
    Alphabet.KS_C_5601: "euc_kr",
    Alphabet.OCTETS: "latin-1",
}

# The bare two-octet sets are what ISO-2022 codecs put between these escapes.
_BARE_SETS: Final = {Alphabet.JIS: ("iso2022_jp", b"\x1b$B"), Alphabet.EXTENDED_KANJI: ("iso2022_jp_1", b"\x1b$(D")}
_BACK_TO_ASCII: Final = b"\x1b(B"


def encode_alphabet(text: str, alphabet: Alphabet, shift: Shift = NO_SHIFT) -> bytes:
    """Text in an alphabet; GSM comes unpacked, packed alphabet or not.

    Raises:
        EncodeError: names the first character that is not in it.
    """
    if alphabet.is_gsm:
        return gsm0338.encode(text) if shift is NO_SHIFT else national.encode(text, shift)
    if alphabet in _BARE_SETS:
        return _encode_bare(text, alphabet)
    try:
        return text.encode(_CODECS[alphabet])
    except UnicodeEncodeError as error:
        raise _not_in(text, error.start, alphabet) from error


def decode_alphabet(octets: bytes, alphabet: Alphabet, shift: Shift = NO_SHIFT, *, header_octets: int = 0) -> str:
    """Octets in an alphabet as text. Never raises: what cannot be becomes U+FFFD.

    Args:
        octets: without a user data header.
        alphabet: which one.
        shift: national tables, for GSM.
        header_octets: length of the header that was in front; packed septets start at a boundary behind it.
    """
    if alphabet is Alphabet.GSM_PACKED:
        octets = gsm0338.unpack(octets, fill_bits=gsm0338.fill_bits_after(header_octets))
    if alphabet.is_gsm:
        return gsm0338.decode(octets) if shift == NO_SHIFT else national.decode(octets, shift)
    if alphabet is Alphabet.UCS2:
        return _decode_ucs2(octets)
    if alphabet in _BARE_SETS and gsm0338.ESCAPE not in octets:
        codec, opening = _BARE_SETS[alphabet]
        return (opening + octets + _BACK_TO_ASCII).decode(codec, "replace")
    if alphabet in _BARE_SETS or alphabet is Alphabet.ISO_2022_JP:
        # iso2022_jp_2 knows the escapes of all the others.
        return octets.decode("iso2022_jp_2", "replace")
    if alphabet is Alphabet.KS_C_5601:
        # Phones send its superset.
        return octets.decode("cp949", "replace")
    return octets.decode(_CODECS[alphabet], "replace")


def encode_text(
    text: str, data_coding: int = 0, default_alphabet: str = Alphabet.GSM, *, shift: Shift = NO_SHIFT
) -> bytes:
    """The octets of a text under a data_coding; packed where the SMSC's default alphabet is.

    Raises:
        EncodeError: a character is not in the alphabet, or the data_coding stands for compressed text.
    """
    alphabet = text_alphabet(data_coding, default_alphabet)
    octets = encode_alphabet(text, alphabet, shift)
    return gsm0338.pack(octets) if alphabet is Alphabet.GSM_PACKED else octets


def text_alphabet(data_coding: int, default_alphabet: str = Alphabet.GSM) -> Alphabet:
    """The alphabet to write text in under a data_coding.

    Raises:
        EncodeError: there is none: not an octet, or compressed.
    """
    if not 0 <= data_coding <= 0xFF:
        raise EncodeError(f"data_coding: {data_coding} is not 0..255")
    scheme = scheme_of(data_coding, default_alphabet)
    if scheme.is_compressed:
        raise EncodeError(f"data_coding 0x{data_coding:02X}: compressed text cannot be written")
    return scheme.alphabet


def decode_text(
    octets: bytes,
    data_coding: int = 0,
    default_alphabet: str = Alphabet.GSM,
    *,
    udh: UserDataHeader | None = None,
) -> str:
    """The text of a message. Never raises, whatever the octets are.

    Args:
        octets: without the user data header.
        data_coding: as the PDU has it.
        default_alphabet: what data_coding 0 means at this SMSC.
        udh: the header that was in front: it may name national tables, and packed text starts behind it.
    """
    scheme = scheme_of(data_coding & 0xFF, default_alphabet)
    if scheme.is_compressed:
        return octets.decode("latin-1")
    if udh is None:
        return decode_alphabet(octets, scheme.alphabet)
    header_octets = 1 + sum(2 + len(element.data) for element in udh.elements)
    return decode_alphabet(octets, scheme.alphabet, udh.shift, header_octets=header_octets)


def choose(
    text: str,
    *,
    default_alphabet: str = Alphabet.GSM,
    allow_latin1: bool = False,
    languages: Collection[int] = (),
    message_class: int | None = None,
) -> CodedText:
    """The coding that takes the fewest parts; of equals, the first of default alphabet, national shift, Latin-1, UCS-2.

    Args:
        text: any text.
        default_alphabet: what data_coding 0 means at this SMSC.
        allow_latin1: whether data_coding 3 may be used.
        languages: whose national tables may be used, as `ALL_LANGUAGES`; only where the default alphabet is GSM.
        message_class: 0..3; 0 is a flash message.

    Raises:
        EncodeError: the text holds half a surrogate pair, or the message class cannot be.
    """
    default = parse_default_alphabet(default_alphabet)
    if message_class is not None:
        # The values with a class name the GSM alphabet itself, whatever data_coding 0 means.
        default = Alphabet.GSM_PACKED if default is Alphabet.GSM_PACKED else Alphabet.GSM
    candidates: list[CodedText] = []
    forced_by: tuple[str, ...] = ()
    try:
        candidates.append(CodedText(text, encode_alphabet(text, default), DataCoding.SMSC_DEFAULT, default))
    except EncodeError:
        forced_by = outside(text, default)
    if forced_by and default.is_gsm and languages:
        shift = national.best_shift(text, languages)
        if shift is not None:
            octets = national.encode(text, shift)
            candidates.append(CodedText(text, octets, DataCoding.SMSC_DEFAULT, default, shift, forced_by))
    if allow_latin1 and message_class is None and (forced_by or len(text) < len(candidates[0].octets)):
        try:
            octets = text.encode("latin-1")
        except UnicodeEncodeError:
            pass
        else:
            candidates.append(CodedText(text, octets, DataCoding.LATIN_1, Alphabet.LATIN_1, NO_SHIFT, forced_by))
    if not candidates:
        octets = encode_alphabet(text, Alphabet.UCS2)
        candidates.append(CodedText(text, octets, DataCoding.UCS2, Alphabet.UCS2, NO_SHIFT, forced_by))
    best = min(candidates, key=_parts) if len(candidates) > 1 else candidates[0]
    if message_class is None:
        return best
    data_coding = with_message_class(best.data_coding, message_class)
    return CodedText(text, best.octets, data_coding, best.alphabet, best.shift, best.forced_by)


def outside(text: str, alphabet: Alphabet) -> tuple[str, ...]:
    """The characters of a text, each once, that an alphabet does not have."""
    missing = []
    for character in dict.fromkeys(text):
        try:
            encode_alphabet(character, alphabet)
        except EncodeError:
            missing.append(character)
    return tuple(missing)


def _parts(coded: CodedText) -> int:
    """Parts as if nothing had to stay together: enough to compare codings."""
    septets = 7 if coded.alphabet.is_gsm else 8
    header = coded.shift.header_octets
    bits = len(coded.octets) * septets
    if bits <= (national.USER_DATA_OCTETS - (header + 1 if header else 0)) * 8 // septets * septets:
        return 1
    return -(-bits // ((national.USER_DATA_OCTETS - header - 6) * 8 // septets * septets))


def _decode_ucs2(octets: bytes) -> str:
    if octets[:2] == b"\xff\xfe":
        # Lenient: the specification has big endian only; some phones' gateways send the mark of the other order.
        return octets[2:].decode("utf-16-le", "replace")
    if octets[:2] == b"\xfe\xff":
        octets = octets[2:]
    return octets.decode("utf-16-be", "replace")


def _encode_bare(text: str, alphabet: Alphabet) -> bytes:
    codec, opening = _BARE_SETS[alphabet]
    out = []
    for at, character in enumerate(text):
        try:
            octets = character.encode(codec)
        except UnicodeEncodeError as error:
            raise _not_in(text, at, alphabet) from error
        if not octets.startswith(opening):
            raise _not_in(text, at, alphabet)
        out.append(octets[len(opening) : -len(_BACK_TO_ASCII)])
    return b"".join(out)


def _not_in(text: str, at: int, alphabet: Alphabet) -> EncodeError:
    return EncodeError(f"text: {gsm0338.describe_character(text[at])} at {at} is not in {alphabet}")
