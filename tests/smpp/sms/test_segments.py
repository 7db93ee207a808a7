"""The splitter: limits, cuts, methods; and the calculator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import EncodeError
from smpp.sms import gsm0338
from smpp.sms.coding import Alphabet, choose, decode_text
from smpp.sms.national import ALL_LANGUAGES, Language, Shift
from smpp.sms.segments import Segment, SplitMethod, Unit, count, explain, split, split_octets
from smpp.sms.udh import Concat, InformationElement, Ports, UserDataHeader, split_udh

PORTS = Ports(2948, 9200).element()


def body_of(segment: Segment) -> bytes:
    return split_udh(segment.short_message)[1] if segment.has_udh else segment.short_message


def header_of(segment: Segment) -> UserDataHeader:
    header = split_udh(segment.short_message)[0]
    assert header is not None
    return header


@pytest.mark.parametrize(
    ("character", "method", "alone", "each"),
    [
        ("a", "udh8", 160, 153),
        ("a", "udh16", 160, 152),
        ("a", "sar", 160, 152),
        ("ж", "udh8", 70, 67),
        ("ж", "udh16", 70, 66),
        ("ж", "sar", 70, 66),
    ],
)
def test_text_limits(character: str, method: str, alone: int, each: int) -> None:
    assert [segment.units for segment in split(character * alone, method=method)] == [alone]
    assert [segment.units for segment in split(character * (alone + 1), method=method)] == [each, alone + 1 - each]
    assert [segment.units for segment in split(character * each * 3, method=method)] == [each] * 3
    assert count(character * (each * 3 + 1), method=method) == 4


@pytest.mark.parametrize(("method", "each"), [("udh8", 134), ("udh16", 133), ("sar", 133)])
def test_octet_limits(method: str, each: int) -> None:
    assert len(split_octets(bytes(140), method=method)) == 1
    assert [segment.units for segment in split_octets(bytes(141), method=method)] == [each, 141 - each]
    assert [segment.units for segment in split_octets(bytes(each * 2), method=method)] == [each, each]
    latin = split("é" * 141, data_coding=3, method=method)
    assert [segment.units for segment in latin] == [each, 141 - each]


@pytest.mark.parametrize(
    ("text", "elements", "alone", "each"),
    [
        ("a", [PORTS], 152, 146),
        ("ж", [PORTS], 66, 64),
        ("a", [PORTS, InformationElement(0x23, b"\x80")], 148, 142),
    ],
)
def test_further_elements_reduce_the_room(text: str, elements: list[InformationElement], alone: int, each: int) -> None:
    (segment,) = split(text * alone, elements=elements)
    assert header_of(segment).elements == tuple(elements)
    first, second = split(text * (alone + 1), elements=elements, reference=9)
    assert (first.units, second.units) == (each, alone + 1 - each)
    assert header_of(second).concat == Concat(9, 2, 2)
    assert header_of(second).without_concat() == tuple(elements)


def test_a_national_shift_reduces_the_room_and_stands_in_every_part() -> None:
    one = split("ş" * 155, languages=[Language.TURKISH])
    assert [segment.units for segment in one] == [155]
    parts = split("ş" * 156, languages=[Language.TURKISH])
    assert [segment.units for segment in parts] == [149, 7]
    assert all(header_of(segment).shift == Shift(locking=Language.TURKISH) for segment in parts)
    assert all(segment.data_coding == 0 and segment.esm_class == 0x40 for segment in parts)


def test_the_octets_of_a_two_part_message() -> None:
    first, second = split("a" * 152 + "€" + "b" * 7, reference=0x2A)
    # The escape pair would fall across the limit of 153: it moves to the second part as a whole.
    assert first.short_message == bytes.fromhex("0500032a0201") + b"a" * 152
    assert second.short_message == bytes.fromhex("0500032a0202") + b"\x1be" + b"b" * 7
    assert (first.esm_class, first.reference, first.number, first.total) == (0x40, 0x2A, 1, 2)


def test_the_octets_of_a_16_bit_reference() -> None:
    first, _ = split("a" * 161, reference=0xBEEF, method="udh16")
    assert first.short_message[:7].hex() == "060804beef0201"


def test_a_surrogate_pair_moves_to_the_next_part_as_a_whole() -> None:
    first, second = split("ж" * 66 + "😀" * 3)
    assert body_of(first) == ("ж" * 66).encode("utf-16-be")
    assert body_of(second) == ("😀" * 3).encode("utf-16-be")


def test_seventy_units_with_an_emoji_are_one_part() -> None:
    # Counted in characters, 35 emoji would look like half a part; they fill one.
    assert count("😀" * 35) == 1
    assert count("😀" * 36) == 2


def test_a_national_escape_pair_is_not_cut() -> None:
    text = "¿" * 148 + "á" * 10
    coded = choose(text, languages=[Language.SPANISH])
    assert coded.shift == Shift(single=Language.SPANISH)
    parts = split(coded)
    assert [segment.units for segment in parts] == [148, 20]


def test_a_short_message_has_no_header_and_no_reference() -> None:
    (segment,) = split("hi", reference=77)
    assert segment == Segment(1, 1, b"hi", 0, 2)
    assert segment.esm_class == 0


def test_an_empty_text_is_one_empty_part() -> None:
    assert split("") == (Segment(1, 1, b"", 0, 0),)


def test_sar_puts_the_numbers_into_tlvs() -> None:
    first, second = split("a" * 161, method="sar", reference=0x1234)
    assert first.tlvs == ((0x020C, b"\x12\x34"), (0x020E, b"\x02"), (0x020F, b"\x01"))
    assert second.tlvs[2] == (0x020F, b"\x02")
    assert (first.has_udh, first.short_message) == (False, b"a" * 152)
    assert split("short", method="sar")[0].tlvs == ()


def test_sar_does_not_go_with_a_header() -> None:
    with pytest.raises(EncodeError, match="sar"):
        split("a", method="sar", elements=[PORTS])
    assert all(segment.data_coding == 8 for segment in split("ş" * 80, method="sar", languages=ALL_LANGUAGES))


def test_a_payload_is_one_part_in_a_tlv() -> None:
    (segment,) = split("a" * 500, method="payload")
    assert segment == Segment(1, 1, b"", 0, 500, False, ((0x0424, b"a" * 500),))
    (segment,) = split("a" * 500, method="payload", elements=[PORTS])
    assert segment.has_udh
    assert segment.tlvs[0][1] == bytes.fromhex("0605040b8423f0") + b"a" * 500
    assert split("a" * 160, method="payload")[0].short_message == b"a" * 160


def test_a_payload_has_a_limit() -> None:
    assert len(split_octets(bytes(0xFFFF), method="payload")) == 1
    with pytest.raises(EncodeError, match="65536 octets, at most 65535"):
        split_octets(bytes(0x10000), method="payload")


def test_more_than_255_parts_are_refused() -> None:
    assert len(split("a" * 153 * 255)) == 255
    with pytest.raises(EncodeError, match="256 parts of 153 septets, at most 255"):
        split("a" * (153 * 255 + 1))


@pytest.mark.parametrize(("method", "reference"), [("udh8", 256), ("udh16", 65536), ("sar", 65536), ("udh8", -1)])
def test_a_reference_out_of_range_is_refused(method: str, reference: int) -> None:
    with pytest.raises(EncodeError, match="reference"):
        split("a" * 200, method=method, reference=reference)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="udh32"):
        split("a", method="udh32")


def test_elements_that_leave_no_room_are_refused() -> None:
    with pytest.raises(EncodeError, match="no room"):
        split("a", elements=[InformationElement(0x70, bytes(136))])
    with pytest.raises(EncodeError, match="splitter"):
        split("a", elements=[Concat(1, 2, 1).element()])


def test_a_data_coding_asked_for_is_kept() -> None:
    assert split("hi", data_coding=8)[0].short_message == b"\x00h\x00i"
    assert split("hi", data_coding=8, message_class=0)[0].data_coding == 0x18
    with pytest.raises(EncodeError, match=r"U\+0436"):
        split("ж", data_coding=3)


def test_packed_text_starts_at_a_septet_boundary() -> None:
    first, second = split("hello" * 32 + "x", default_alphabet="gsm-packed", reference=1)
    assert first.units == 153
    assert len(first.short_message) == 140
    header, body = split_udh(first.short_message)
    assert body[:5].hex() == "d06536fb8d"
    text = "".join(
        decode_text(split_udh(segment.short_message)[1], 0, "gsm-packed", udh=header) for segment in (first, second)
    )
    assert text == "hello" * 32 + "x"
    assert split("hello", default_alphabet="gsm-packed")[0].short_message.hex() == "e8329bfd06"


def test_text_of_several_octets_a_character_is_cut_between_characters() -> None:
    for data_coding, default, text in [
        (0, "utf-8", "ж日😀" * 40),
        (0x0A, "gsm", "a日本" * 60),
        (0x0E, "gsm", "한글a" * 60),
    ]:
        parts = split(text, data_coding=data_coding, default_alphabet=default)
        assert len(parts) > 1
        assert "".join(decode_text(body_of(part), data_coding, default) for part in parts) == text
        assert all(len(part.short_message) <= 140 for part in parts)
        assert all("\ufffd" not in decode_text(body_of(part), data_coding, default) for part in parts)


def test_octets_that_are_coded_already_keep_their_pairs() -> None:
    gsm = b"a" * 152 + b"\x1be" + b"b" * 20
    assert [segment.units for segment in split_octets(gsm, data_coding=0)] == [152, 22]
    # Two escapes are a pair of their own: the cut between the second and "e" is a good one.
    gsm = b"a" * 151 + b"\x1b\x1be" + b"b" * 20
    assert [segment.units for segment in split_octets(gsm, data_coding=0)] == [153, 21]
    with pytest.raises(EncodeError, match="UCS-2"):
        split_octets(b"abc", data_coding=8)


def test_the_room_can_be_another() -> None:
    assert [segment.units for segment in split("é" * 150, data_coding=3, user_data_octets=160)] == [150]
    with pytest.raises(EncodeError, match="user_data_octets"):
        split("a", user_data_octets=255)
    assert all(len(segment.short_message) <= 254 for segment in split("a" * 600, user_data_octets=254))


def test_the_calculator_says_how_many_parts_and_why() -> None:
    it = explain("a" * 159 + "€")
    assert (it.parts, it.unit, it.units, it.units_per_part, it.room, it.units_left) == (
        2,
        Unit.SEPTETS,
        161,
        (153, 8),
        153,
        145,
    )
    assert str(it) == "2 parts in gsm: 161 septets (153 + 8), 153 to a part, 145 left"


def test_the_calculator_names_the_characters_that_forced_ucs2() -> None:
    it = explain("Hello ж")
    assert (it.parts, it.alphabet, it.data_coding, it.forced_by) == (1, Alphabet.UCS2, 8, ("ж",))
    assert str(it) == (
        "1 part in ucs2: 7 UTF-16 code units, 70 to a part, 63 left;"
        " not in the default alphabet: U+0436 CYRILLIC SMALL LETTER ZHE"
    )
    assert str(explain("абвгдежзийкл")).endswith("and 2 more")
    assert "national tables for U+015F" in str(explain("ş", languages=ALL_LANGUAGES))


TEXTS = st.one_of(
    st.text(st.sampled_from("ab€[]@")),
    st.text(st.sampled_from("aж😀日")),
    st.text(st.sampled_from("aşğıİ€")),
    st.text(st.sampled_from("áéíóú¿n€")),
    st.text(st.sampled_from("मैंघरजाa१२")),
    st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text[:1] not in ("\ufeff", "\ufffe")),
).map(lambda text: text * 23)


@given(
    TEXTS,
    st.sampled_from(["udh8", "udh16", "sar", "payload"]),
    st.sampled_from(["gsm", "gsm-packed", "latin1", "ascii", "utf-8"]),
    st.booleans(),
    st.booleans(),
)
def test_parts_joined_are_the_text_and_each_stands_alone(
    text: str, method: str, default_alphabet: str, latin1: bool, national: bool
) -> None:
    elements = [PORTS] if method != "sar" else []
    languages = ALL_LANGUAGES if national else ()
    try:
        parts = split(
            text,
            method=method,
            reference=200,
            default_alphabet=default_alphabet,
            allow_latin1=latin1,
            languages=languages,
            elements=elements,
        )
    except EncodeError as error:
        assert "at most 255" in str(error)
        return
    decoded = []
    for number, part in enumerate(parts, 1):
        assert (part.number, part.total) == (number, len(parts))
        octets = part.short_message or dict(part.tlvs).get(0x0424, b"")
        header, body = split_udh(octets) if part.has_udh else (None, octets)
        decoded.append(decode_text(body, part.data_coding, default_alphabet, udh=header))
        if method != SplitMethod.PAYLOAD:
            assert len(part.short_message) <= 254
            header_bits = (len(octets) - len(body)) * 8
            sar_bits = 56 if part.tlvs else 0
            is_seven_bit = part.data_coding == 0 and default_alphabet in ("gsm", "ascii")
            assert header_bits + sar_bits + (7 if is_seven_bit else 8) * len(body) <= 1120
        # A part that began or ended within a pair would not be text by itself.
        assert "\ufffd" not in decoded[-1] or "\ufffd" in text
    assert "".join(decoded) == text


@given(st.binary(max_size=3000), st.sampled_from(["udh8", "udh16", "sar", "payload"]))
def test_octets_joined_are_the_octets(octets: bytes, method: str) -> None:
    parts = split_octets(octets, method=method)
    joined = b"".join(body_of(part) or dict(part.tlvs).get(0x0424, b"") for part in parts)
    assert joined == octets


@given(st.lists(st.sampled_from([b"a", b"\x1be", b"\x1b\x1b"])).map(b"".join).map(lambda octets: octets * 40))
def test_no_part_of_coded_gsm_begins_inside_a_pair(octets: bytes) -> None:
    whole = gsm0338.decode(octets)
    assert "".join(gsm0338.decode(body_of(part)) for part in split_octets(octets, data_coding=0)) == whole
