"""The GSM alphabet against the reference table, its traps, packing and transliteration."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import EncodeError
from smpp.sms import gsm0338
from smpp.sms.gsm0338 import can_encode, decode, encode, fill_bits_after, pack, septet_count, transliterate, unpack

VECTORS = Path(__file__).parents[2] / "vectors" / "sms"
REFERENCE = json.loads((VECTORS / "gsm0338.json").read_text())["languages"]["default"]


def reference_table(name: str) -> dict[int, str]:
    return {int(code, 16): chr(int(value[2:], 16)) for code, value in REFERENCE[name].items()}


GSM_CHARACTERS = "".join(reference_table("locking").values()) + "".join(reference_table("single_shift").values())
gsm_text = st.text(st.sampled_from(sorted(GSM_CHARACTERS)))
septets = st.binary().map(lambda octets: bytes(octet & 0x7F for octet in octets))


def test_every_basic_code_is_as_in_the_reference() -> None:
    for code, character in reference_table("locking").items():
        assert decode(bytes((code,))) == character
        assert encode(character) == bytes((code,))
    assert len(reference_table("locking")) == 127


def test_every_extension_code_is_as_in_the_reference() -> None:
    for code, character in reference_table("single_shift").items():
        assert decode(bytes((0x1B, code))) == character
        assert encode(character) == bytes((0x1B, code))
    assert len(reference_table("single_shift")) == len(gsm0338.EXTENSION) == 10


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("@£$_", "00010211"),
        ("Ç", "09"),
        ("¡", "40"),
        ("§", "5f"),
        ("¿à", "607f"),
        ("[]{}\\~^|€\f", "1b3c1b3e1b281b291b2f1b3d1b141b401b651b0a"),
        ("\n\r", "0a0d"),
        ("Hello", "48656c6c6f"),
        ("", ""),
    ],
)
def test_known_texts_have_known_octets(text: str, octets: str) -> None:
    assert encode(text).hex() == octets
    assert decode(bytes.fromhex(octets)) == text


@pytest.mark.parametrize("character", ["ç", "`", "\t", "\x1b", "\x00", "\x7f", "ё", "😀", "á", "“", "\ud800", "\xa0"])
def test_other_characters_are_refused_with_their_name_and_place(character: str) -> None:
    with pytest.raises(EncodeError, match=f"U\\+{ord(character):04X}.* at 2 is not in the GSM alphabet"):
        encode(f"ab{character}")
    assert not can_encode(character)


def test_escape_escape_shows_a_space() -> None:
    assert decode(b"a\x1b\x1bb") == "a b"


def test_unknown_extension_shows_the_basic_character() -> None:
    assert decode(b"\x1bA\x1b\x00") == "A@"


def test_escape_at_the_end_shows_a_space() -> None:
    assert decode(b"a\x1b") == "a "


def test_octets_above_seven_bits_become_the_replacement_character() -> None:
    assert decode(b"a\x80\xff\x1b\xe5") == "a\ufffd\ufffd\ufffd"


def test_line_feeds_behind_an_escape_are_form_feeds() -> None:
    assert decode(b"\x1b\n\n") == "\f\n"


@given(gsm_text)
def test_text_survives_the_round_trip(text: str) -> None:
    assert decode(encode(text)) == text
    assert can_encode(text)


@given(st.text())
def test_fast_and_plain_path_agree(text: str) -> None:
    try:
        plain = gsm0338.encode_by(text, gsm0338._ENCODE, "")
    except EncodeError:
        with pytest.raises(EncodeError):
            encode(text)
    else:
        assert encode(text) == plain


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_fast_and_plain_path_agree_on_ascii(text: str) -> None:
    expected = [gsm0338._ENCODE.get(ord(character)) for character in text]
    if None in expected:
        assert not can_encode(text)
    else:
        assert encode(text) == b"".join(bytes((c,)) if isinstance(c, int) else c for c in expected if c is not None)


@given(st.binary())
def test_decoding_never_raises_and_has_a_character_for_every_code(octets: bytes) -> None:
    text = decode(octets)
    assert len(octets) - octets.count(0x1B) <= len(text) <= len(octets)


def test_extension_characters_count_twice() -> None:
    assert septet_count("a€[") == 5


def test_the_textbook_example_packs_as_in_the_textbook() -> None:
    assert pack(b"hellohello").hex() == "e8329bfd4697d9ec37"
    assert unpack(bytes.fromhex("e8329bfd4697d9ec37")) == b"hellohello"


def test_seven_spare_bits_are_filled_with_a_carriage_return() -> None:
    # Zero bits would be read as an eighth character, "@".
    packed = pack(b"1234567")
    assert len(packed) == 7
    assert packed[-1] >> 1 == 0x0D
    assert unpack(packed) == b"1234567"


def test_an_at_sign_in_the_last_seven_bits_is_kept() -> None:
    packed = pack(encode("1234567@"))
    assert len(packed) == 7
    assert decode(unpack(packed)) == "1234567@"


def test_the_count_decides_where_it_is_known() -> None:
    assert unpack(pack(b"1234567\r"), count=8) == b"1234567\r"
    assert unpack(pack(b"1234567"), count=7) == b"1234567"
    assert unpack(b"\x31", count=99) == b"1"


@given(septets, st.integers(0, 6))
def test_packing_survives_the_round_trip_when_the_count_is_known(octets: bytes, fill_bits: int) -> None:
    packed = pack(octets, fill_bits=fill_bits)
    assert unpack(packed, fill_bits=fill_bits, count=len(octets)) == octets
    assert len(packed) == (0 if not octets else -(-(len(octets) * 7 + fill_bits) // 8))


@given(septets.filter(lambda octets: not octets.endswith(b"\r")), st.integers(0, 6))
def test_packing_survives_the_round_trip_without_a_count(octets: bytes, fill_bits: int) -> None:
    assert unpack(pack(octets, fill_bits=fill_bits), fill_bits=fill_bits) == octets


@given(st.binary(), st.integers(0, 6))
def test_unpacking_never_raises(octets: bytes, fill_bits: int) -> None:
    assert max(unpack(octets, fill_bits=fill_bits), default=0) < 0x80


@pytest.mark.parametrize(("header_octets", "fill_bits"), [(0, 0), (6, 1), (7, 0), (4, 3), (10, 4), (13, 1)])
def test_fill_bits_reach_the_next_septet_boundary(header_octets: int, fill_bits: int) -> None:
    assert fill_bits_after(header_octets) == fill_bits
    assert (header_octets * 8 + fill_bits) % 7 == 0


def test_packing_eight_bits_is_refused() -> None:
    with pytest.raises(EncodeError, match="0x80"):
        pack(b"a\x80")


def test_packing_a_long_payload_is_not_quadratic() -> None:
    octets = bytes(range(128)) * 512
    assert unpack(pack(octets), count=len(octets)) == octets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Ça va” – l’été… ½ ™", '"Ça va" - l\'été... 1/2 TM'),
        ("Łódź, Škoda, çok güzel", "Lodz, Skoda, cok güzel"),
        ("a\xa0b\u2009c\td", "a b c d"),
        ("e\u0301 n\u0303", "é ñ"),
        ("•\u200b©", "*(c)"),
        ("λόγος", "ΛOΓOΣ"),
        ("₹ 100", "Rs 100"),
        ("plain [text]", "plain [text]"),
        ("ok 👍🏽!", "ok ??!"),
        ("Привет", "??????"),
    ],
)
def test_likenesses(text: str, expected: str) -> None:
    assert transliterate(text) == expected


def test_what_has_no_likeness_is_kept_on_request() -> None:
    assert transliterate("“да” 😀", unknown=None) == '"да" 😀'


@given(st.text())
def test_transliterated_text_can_be_encoded(text: str) -> None:
    assert can_encode(transliterate(text))


@given(gsm_text)
def test_gsm_text_is_not_changed(text: str) -> None:
    assert transliterate(text) == text
