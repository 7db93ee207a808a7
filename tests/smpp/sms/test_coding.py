"""data_coding read and written, text in every coding, and the choice of the shortest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import EncodeError
from smpp.sms.coding import (
    DEFAULT_ALPHABETS,
    Alphabet,
    MessageWaiting,
    Scheme,
    WaitingKind,
    choose,
    decode_alphabet,
    decode_text,
    encode_alphabet,
    encode_text,
    outside,
    parse_default_alphabet,
    scheme_of,
    with_message_class,
)
from smpp.sms.national import ALL_LANGUAGES, Language, Shift
from smpp.sms.udh import Concat, UserDataHeader


@pytest.mark.parametrize(
    ("data_coding", "scheme"),
    [
        (0x00, Scheme(Alphabet.GSM)),
        (0x01, Scheme(Alphabet.ASCII)),
        (0x02, Scheme(Alphabet.OCTETS)),
        (0x03, Scheme(Alphabet.LATIN_1)),
        (0x04, Scheme(Alphabet.OCTETS)),
        (0x05, Scheme(Alphabet.JIS)),
        (0x06, Scheme(Alphabet.CYRILLIC)),
        (0x07, Scheme(Alphabet.HEBREW)),
        (0x08, Scheme(Alphabet.UCS2)),
        (0x09, Scheme(Alphabet.OCTETS)),
        (0x0A, Scheme(Alphabet.ISO_2022_JP)),
        (0x0B, Scheme(Alphabet.GSM)),
        (0x0D, Scheme(Alphabet.EXTENDED_KANJI)),
        (0x0E, Scheme(Alphabet.KS_C_5601)),
        (0x10, Scheme(Alphabet.GSM, message_class=0)),
        (0x11, Scheme(Alphabet.GSM, message_class=1)),
        (0x15, Scheme(Alphabet.OCTETS, message_class=1)),
        (0x18, Scheme(Alphabet.UCS2, message_class=0)),
        (0x20, Scheme(Alphabet.GSM, is_compressed=True)),
        (0x48, Scheme(Alphabet.UCS2, deletes_itself=True)),
        (0x80, Scheme(Alphabet.GSM)),
        (0xBF, Scheme(Alphabet.GSM)),
        (0xC0, Scheme(Alphabet.GSM, waiting=MessageWaiting(WaitingKind.VOICEMAIL, False, False))),
        (0xC8, Scheme(Alphabet.GSM, waiting=MessageWaiting(WaitingKind.VOICEMAIL, True, False))),
        (0xD9, Scheme(Alphabet.GSM, waiting=MessageWaiting(WaitingKind.FAX, True, True))),
        (0xEA, Scheme(Alphabet.UCS2, waiting=MessageWaiting(WaitingKind.EMAIL, True, True))),
        (0xF0, Scheme(Alphabet.GSM, message_class=0)),
        (0xF5, Scheme(Alphabet.OCTETS, message_class=1)),
        (0xFF, Scheme(Alphabet.OCTETS, message_class=3)),
    ],
)
def test_data_coding_says(data_coding: int, scheme: Scheme) -> None:
    assert scheme_of(data_coding) == scheme


def test_the_low_bits_alone_do_not_decide() -> None:
    # Masking with 0x0F would read 0xF5 as JIS and 0x11 as ASCII.
    assert scheme_of(0xF5).alphabet is Alphabet.OCTETS
    assert scheme_of(0x11).alphabet is Alphabet.GSM


@pytest.mark.parametrize(
    ("default_alphabet", "text", "octets"),
    [
        ("gsm", "£@_$", b"\x01\x00\x11\x02"),
        ("latin1", "£@_$", b"\xa3@_$"),
        ("ascii", "@_$", b"@_$"),
        ("cp1252", "£@_$€", b"\xa3@_$\x80"),
        ("utf-8", "£@_$€", "£@_$€".encode()),
        ("gsm-packed", "hello", bytes.fromhex("e8329bfd06")),
    ],
)
def test_data_coding_zero_means_what_the_smsc_says(default_alphabet: str, text: str, octets: bytes) -> None:
    assert encode_text(text, 0, default_alphabet) == octets
    assert decode_text(octets, 0, default_alphabet) == text


def test_an_unknown_default_alphabet_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'ebcdic': must be one of gsm, gsm-packed, latin1"):
        parse_default_alphabet("ebcdic")


@pytest.mark.parametrize(
    ("data_coding", "text", "octets"),
    [
        (0x01, "abc", "616263"),
        (0x03, "né", "6ee9"),
        (0x05, "日本", "467c4b5c"),
        (0x06, "Привет", "bfe0d8d2d5e2"),
        (0x07, "שלום", "f9ece5ed"),
        (0x08, "я😀", "044fd83dde00"),
        (0x0A, "a日", "611b2442467c1b2842"),
        (0x0D, "丂", "3021"),
        (0x0E, "한글", "c7d1b1db"),
        (0x11, "€", "1b65"),
        (0x18, "ж", "0436"),
        (0xF0, "@", "00"),
        (0xF4, "é", "e9"),
    ],
)
def test_text_has_known_octets(data_coding: int, text: str, octets: str) -> None:
    assert encode_text(text, data_coding).hex() == octets
    assert decode_text(bytes.fromhex(octets), data_coding) == text


def test_little_endian_ucs2_is_read_where_it_says_so() -> None:
    assert decode_text("\ufeffпривет".encode("utf-16-le"), 8) == "привет"
    assert decode_text("\ufeffпривет".encode("utf-16-be"), 8) == "привет"


def test_half_a_pair_and_an_odd_octet_become_replacement_characters() -> None:
    assert decode_text(b"\x00a\xd8\x3d", 8) == "a\ufffd"
    assert decode_text(b"\x00a\x00", 8) == "a\ufffd"


def test_korean_of_the_larger_set_is_read() -> None:
    assert decode_text("똠".encode("cp949"), 0x0E) == "똠"


def test_the_header_names_the_tables_and_the_fill_bits() -> None:
    header = UserDataHeader.of(Shift(locking=Language.TURKISH))
    assert decode_text(bytes.fromhex("0c1c1d40"), 0, udh=header) == "ğŞşİ"
    # 3GPP's own layout: six octets of header, one fill bit, septets.
    concat = UserDataHeader.of(Concat(1, 2, 1))
    assert decode_text(bytes.fromhex("d06536fb0d"), 0, "gsm-packed", udh=concat) == "hello"


@given(st.binary(), st.integers(0, 255), st.sampled_from(DEFAULT_ALPHABETS))
def test_decoding_never_raises(octets: bytes, data_coding: int, default_alphabet: str) -> None:
    assert isinstance(decode_text(octets, data_coding, default_alphabet), str)


CHARACTERS = {
    Alphabet.GSM: "aZ09 @£$é[]{}€\nΔ",
    Alphabet.ASCII: "aZ09 @`[]{}",
    Alphabet.LATIN_1: "aZ@éçÿ£",
    Alphabet.CP1252: "aZ@éç€“”",
    Alphabet.UTF_8: "aж日😀",
    Alphabet.UCS2: "aж日😀",
    Alphabet.CYRILLIC: "aЖя№",
    Alphabet.HEBREW: "aאבת",
    Alphabet.JIS: "日本語　かな",
    Alphabet.EXTENDED_KANJI: "丂丄丅",
    Alphabet.ISO_2022_JP: "a日本かな",
    Alphabet.KS_C_5601: "a한국어",
    Alphabet.OCTETS: "a\x00ÿ",
}


@pytest.mark.parametrize("alphabet", CHARACTERS)
@given(data=st.data())
def test_text_survives_the_round_trip_in_every_alphabet(alphabet: Alphabet, data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from(CHARACTERS[alphabet])))
    assert decode_alphabet(encode_alphabet(text, alphabet), alphabet) == text


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text[:1] not in ("\ufeff", "\ufffe")))
def test_any_text_survives_ucs2(text: str) -> None:
    assert decode_text(encode_text(text, 8), 8) == text


@pytest.mark.parametrize(
    ("data_coding", "text"),
    [(1, "é"), (3, "€"), (5, "a"), (6, "é"), (7, "ж"), (8, "\ud800"), (0x0A, "😀"), (0x0D, "日"), (0x0E, "😀")],
)
def test_what_a_coding_lacks_is_refused_by_name(data_coding: int, text: str) -> None:
    with pytest.raises(EncodeError, match=f"U\\+{ord(text):04X}"):
        encode_text(text, data_coding)


@pytest.mark.parametrize("data_coding", [0x20, 0x38, -1, 256])
def test_what_is_no_text_coding_is_refused(data_coding: int) -> None:
    with pytest.raises(EncodeError, match="data_coding"):
        encode_text("a", data_coding)


def test_compressed_text_is_shown_octet_by_octet() -> None:
    assert decode_text(b"\x01\xe9", 0x20) == "\x01é"


@pytest.mark.parametrize(
    ("text", "data_coding", "octets"),
    [
        ("Hello", 0, "48656c6c6f"),
        ("5 € [x]", 0, "35201b65201b3c781b3e"),
        ("naïve", 8, "006e006100ef00760065"),
        ("😀", 8, "d83dde00"),
        ("", 0, ""),
    ],
)
def test_the_choice_by_default(text: str, data_coding: int, octets: str) -> None:
    coded = choose(text)
    assert (coded.data_coding, coded.octets.hex()) == (data_coding, octets)


def test_what_forced_the_choice_is_told() -> None:
    assert choose("naïve, ça ï").forced_by == ("ï", "ç")
    assert choose("fine").forced_by == ()
    assert outside("añb😀ж😀", Alphabet.GSM) == ("😀", "ж")


def test_latin1_only_where_allowed() -> None:
    assert choose("naïve").data_coding == 8
    coded = choose("naïve", allow_latin1=True)
    assert (coded.data_coding, coded.octets) == (3, b"na\xefve")
    assert choose("я", allow_latin1=True).data_coding == 8


def test_gsm_before_latin1_unless_it_takes_more_parts() -> None:
    assert choose("plain é", allow_latin1=True).data_coding == 0
    # 100 brackets: 200 septets are two parts, 100 octets are one.
    assert choose("[" * 100, allow_latin1=True).data_coding == 3
    assert choose("[" * 80, allow_latin1=True).data_coding == 0


def test_a_national_shift_only_where_allowed() -> None:
    assert choose("şey").data_coding == 8
    coded = choose("şey", languages=ALL_LANGUAGES)
    assert (coded.data_coding, coded.shift) == (0, Shift(locking=Language.TURKISH))
    assert choose("şey", languages=[Language.HINDI]).data_coding == 8


def test_national_shifts_need_a_gsm_default_alphabet() -> None:
    assert choose("şey", languages=ALL_LANGUAGES, default_alphabet="latin1").data_coding == 8


@pytest.mark.parametrize(
    ("default_alphabet", "text", "data_coding", "octets"),
    [
        ("latin1", "naïve", 0, b"na\xefve"),
        ("latin1", "€", 8, b"\x20\xac"),
        ("cp1252", "€", 0, b"\x80"),
        ("ascii", "é", 8, b"\x00\xe9"),
        ("utf-8", "жё", 0, "жё".encode()),
        ("gsm-packed", "hello", 0, b"hello"),
    ],
)
def test_the_choice_looks_at_what_zero_means(default_alphabet: str, text: str, data_coding: int, octets: bytes) -> None:
    coded = choose(text, default_alphabet=default_alphabet)
    assert (coded.data_coding, coded.octets) == (data_coding, octets)


@pytest.mark.parametrize(
    ("text", "message_class", "default_alphabet", "data_coding"),
    [
        ("hi", 0, "gsm", 0xF0),
        ("hi", 2, "gsm", 0xF2),
        ("ж", 0, "gsm", 0x18),
        ("hi", 0, "latin1", 0xF0),
        ("hi", 1, "gsm-packed", 0xF1),
    ],
)
def test_a_message_class_keeps_the_alphabet(
    text: str, message_class: int, default_alphabet: str, data_coding: int
) -> None:
    coded = choose(text, message_class=message_class, default_alphabet=default_alphabet, allow_latin1=True)
    assert coded.data_coding == data_coding
    assert scheme_of(coded.data_coding, default_alphabet).message_class == message_class
    assert scheme_of(coded.data_coding, default_alphabet).alphabet is coded.alphabet


def test_a_message_class_that_cannot_be_is_refused() -> None:
    assert with_message_class(4, 1) == 0xF5
    with pytest.raises(EncodeError, match="latin1"):
        with_message_class(3, 0)
    with pytest.raises(EncodeError, match=r"0\.\.3"):
        choose("hi", message_class=4)


def test_half_a_surrogate_pair_cannot_be_sent() -> None:
    with pytest.raises(EncodeError, match=r"U\+D83D"):
        choose("a\ud83d")


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text[:1] not in ("\ufeff", "\ufffe")),
       st.booleans(), st.booleans(), st.sampled_from(DEFAULT_ALPHABETS))  # fmt: skip
def test_the_chosen_coding_carries_the_text(text: str, latin1: bool, national: bool, default_alphabet: str) -> None:
    languages = ALL_LANGUAGES if national else ()
    coded = choose(text, allow_latin1=latin1, languages=languages, default_alphabet=default_alphabet)
    alphabet = Alphabet.GSM if coded.alphabet is Alphabet.GSM_PACKED else coded.alphabet
    assert decode_alphabet(coded.octets, alphabet, coded.shift) == text
    assert scheme_of(coded.data_coding, default_alphabet).alphabet is coded.alphabet
