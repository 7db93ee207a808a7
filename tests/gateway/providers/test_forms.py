"""Forms keep the octets they were given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.forms import TooManyFields, encode_form, parse_form


@pytest.mark.parametrize(
    ("encoded", "fields"),
    [
        (b"", []),
        (b"a=1&b=2", [("a", b"1"), ("b", b"2")]),
        (b"a=1&a=2", [("a", b"1"), ("a", b"2")]),
        (b"a", [("a", b"")]),
        (b"a=&&=b&", [("a", b""), ("", b"b")]),
        (b"a=x+y%2Bz", [("a", b"x y+z")]),
        (b"a=%E4%bd%A0", [("a", "\u4f60".encode())]),
        (b"a=%ff%00", [("a", b"\xff\x00")]),
        (b"a=\xff", [("a", b"\xff")]),
        (b"a=100%&b=%zz%4", [("a", b"100%"), ("b", b"%zz%4")]),
        (b"a=b=c", [("a", b"b=c")]),
        (b"%61%2Db=1", [("a-b", b"1")]),
    ],
)
def test_form_is_read_field_by_field(encoded: bytes, fields: list[tuple[str, bytes]]) -> None:
    assert parse_form(encoded) == fields


def test_too_many_fields_are_refused() -> None:
    assert len(parse_form(b"&".join([b"a=1"] * 1000))) == 1000
    with pytest.raises(TooManyFields):
        parse_form(b"&" * 1000)


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_what_is_written_reads_back(fields: list[tuple[str, str]]) -> None:
    usable = [(name, value) for name, value in fields if not _has_surrogate(name + value)]
    assert parse_form(encode_form(usable).encode()) == [(name, value.encode()) for name, value in usable]


def _has_surrogate(text: str) -> bool:
    return any(0xD800 <= ord(character) < 0xE000 for character in text)
