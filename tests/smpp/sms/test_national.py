"""The national language tables against the reference, entry by entry, and the choice of a pair."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import EncodeError
from smpp.sms.national import ALL_LANGUAGES, Language, Shift, best_shift, can_encode, decode, describe, encode

VECTORS = Path(__file__).parents[2] / "vectors" / "sms"
REFERENCE = json.loads((VECTORS / "gsm0338.json").read_text())["languages"]


def reference_table(language: Language, name: str) -> dict[int, str]:
    table = REFERENCE[language.name.lower()][name] or REFERENCE["default"][name]
    return {int(code, 16): chr(int(value[2:], 16)) for code, value in table.items()}


def test_the_languages_are_those_of_the_reference() -> None:
    assert {language.name.lower(): int(language) for language in Language} == {
        name: entry["id"] for name, entry in REFERENCE.items()
    }


@pytest.mark.parametrize("language", Language)
def test_every_locking_code_is_as_in_the_reference(language: Language) -> None:
    table = reference_table(language, "locking")
    for code in range(0x80):
        if code != 0x1B:
            assert decode(bytes((code,)), Shift(locking=language)) == table.get(code, "\ufffd"), hex(code)
    for code, character in table.items():
        assert encode(character, Shift(locking=language)) == bytes((code,)), hex(code)


@pytest.mark.parametrize("language", Language)
def test_every_single_shift_code_is_as_in_the_reference(language: Language) -> None:
    table = reference_table(language, "single_shift")
    locking = reference_table(Language.DEFAULT, "locking")
    for code in range(0x80):
        if code in (0x1B, 0x65):
            continue
        # A code without an entry shows the character of the locking table.
        expected = table.get(code) or locking[code]
        assert decode(bytes((0x1B, code)), Shift(single=language)) == expected, hex(code)


@pytest.mark.parametrize("language", Language)
def test_every_single_shift_keeps_form_feed_and_euro(language: Language) -> None:
    shift = Shift(single=language)
    assert decode(b"\x1b\x0a\x1be", shift) == "\f€"
    assert encode("\f€", shift) == b"\x1b\x0a\x1be"


@pytest.mark.parametrize("language", Language)
def test_characters_of_both_tables_survive_the_round_trip(language: Language) -> None:
    shift = Shift(language, language)
    characters = {*reference_table(language, "locking").values(), *reference_table(language, "single_shift").values()}
    text = "".join(sorted(characters))
    assert can_encode(text, shift)
    assert decode(encode(text, shift), shift) == text


@pytest.mark.parametrize(
    ("shift", "octets", "text"),
    [
        (Shift(locking=Language.HINDI), "2c", ","),
        (Shift(locking=Language.URDU), "2c", ","),
        (Shift(locking=Language.TURKISH), "1f", "É"),
        (Shift(locking=Language.ORIYA), "47", "\u0b33"),
        (Shift(single=Language.PUNJABI), "1b23", "\u0a6d"),
        (Shift(single=Language.TAMIL), "1b24", "\u0bee"),
        (Shift(single=Language.TELUGU), "1b221b23", "\u0c6c\u0c6d"),
        (Shift(locking=Language.KANNADA), "243d", "\u0ca1\u0caa"),
        (Shift(), "09", "\u00c7"),
    ],
)
def test_disputed_entries(shift: Shift, octets: str, text: str) -> None:
    assert decode(bytes.fromhex(octets), shift) == text
    assert encode(text, shift).hex() == octets


def test_escape_escape_shows_a_space_in_every_language() -> None:
    for language in Language:
        assert decode(b"\x1b\x1b", Shift(language, language)) == " "


def test_spanish_has_no_locking_table_and_keeps_the_default_one() -> None:
    assert decode(b"\x00\x09\x1b\x09", Shift(Language.SPANISH, Language.SPANISH)) == "@Çç"


def test_reserved_identifiers_mean_the_default_tables() -> None:
    assert decode(b"\x00\x1be", Shift(255, 255)) == "@€"
    assert describe(Shift(255, 1)) == "255/turkish"


def test_the_wire_of_others_is_read() -> None:
    # Bodies that libsmpp34 and npm's smpp sent with Turkish tables.
    assert decode(bytes.fromhex("1b631b671b69"), Shift(single=Language.TURKISH)) == "çğı"
    assert decode(bytes.fromhex("0c1c1d40"), Shift(locking=Language.TURKISH)) == "ğŞşİ"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İyi günler, nasılsın?", Shift(locking=Language.TURKISH)),
        ("मैं घर जा रहा हूँ", Shift(locking=Language.HINDI)),
        ("آپ کیسے ہیں", Shift(locking=Language.URDU)),
        ("Ça: 5 €", Shift()),
        ("hello", Shift()),
    ],
)
def test_the_best_pair(text: str, expected: Shift) -> None:
    assert best_shift(text) == expected


def test_a_few_odd_characters_take_a_single_shift_only() -> None:
    # One shifted letter costs one septet more; a locking table would cost nothing less.
    assert best_shift("¿Qué pasó?", [Language.SPANISH]) == Shift(single=Language.SPANISH)


def test_only_allowed_languages_are_used() -> None:
    assert best_shift("ş", [Language.HINDI]) is None
    assert best_shift("ş", []) is None
    assert best_shift("ş", [Language.TURKISH]) is not None


def test_no_pair_carries_two_scripts_or_an_emoji() -> None:
    assert best_shift("हिन्दी русский") is None
    assert best_shift("मैं 😀") is None


@given(
    st.text(st.sampled_from(sorted({c for lang in ALL_LANGUAGES for c in reference_table(lang, "locking").values()})))
)
def test_whatever_pair_is_chosen_carries_the_text(text: str) -> None:
    shift = best_shift(text)
    if shift is not None:
        assert decode(encode(text, shift), shift) == text


@given(st.binary(), st.integers(0, 255), st.integers(0, 255))
def test_decoding_never_raises(octets: bytes, locking: int, single: int) -> None:
    decode(octets, Shift(locking, single))


def test_an_error_names_the_tables() -> None:
    with pytest.raises(EncodeError, match="GSM tables hindi/default"):
        encode("ж", Shift(locking=Language.HINDI))
