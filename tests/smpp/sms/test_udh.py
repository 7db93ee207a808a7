"""User data headers: built, read, and read when they are bad."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import DecodeError, EncodeError
from smpp.sms.national import Shift
from smpp.sms.udh import Concat, InformationElement, Ports, UserDataHeader, parse_udh, split_udh

VECTORS = Path(__file__).parents[2] / "vectors" / "sms"
BAD = [json.loads(line) for line in (VECTORS / "udh.jsonl").read_text().splitlines()]

TABLE = [
    (UserDataHeader.of(Concat(0x2A, 2, 1)), "0500032a0201"),
    (UserDataHeader.of(Concat(0xBEEF, 3, 1, is_16bit=True)), "060804beef0301"),
    (UserDataHeader.of(Concat(0, 255, 255)), "05000300ffff"),
    (UserDataHeader.of(Ports(2948, 49154)), "0605040b84c002"),
    (UserDataHeader.of(Ports(5, 6, is_16bit=False)), "0404020506"),
    (UserDataHeader.of(Shift(locking=1)), "03250101"),
    (UserDataHeader.of(Concat(5, 2, 1), InformationElement(0x24, b"\3"), InformationElement(0x25, b"\3")),
     "0b0003050201240103250103"),
    (UserDataHeader.of(InformationElement(0xE1, b"\x0a\x0b\x0c")), "05e1030a0b0c"),
    (UserDataHeader.of(InformationElement(0x70, b"")), "027000"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "octets"), TABLE)
def test_headers_have_known_octets(header: UserDataHeader, octets: str) -> None:
    assert header.encode().hex() == octets
    assert parse_udh(bytes.fromhex(octets)) == header
    assert split_udh(bytes.fromhex(octets) + b"body") == (header, b"body")


def test_a_header_tells_what_it_means() -> None:
    header = parse_udh(bytes.fromhex("0b0003050201240103250104"))
    assert header.concat == Concat(5, 2, 1)
    assert header.shift == Shift(locking=4, single=3)
    assert header.ports is None
    assert header.without_concat() == (InformationElement(0x24, b"\3"), InformationElement(0x25, b"\4"))


def test_no_elements_make_no_header() -> None:
    assert UserDataHeader().encode() == b""
    assert UserDataHeader.of(Shift()).encode() == b""


def test_the_last_of_repeated_elements_counts() -> None:
    header = parse_udh(bytes.fromhex("0a00030102010003020302"))
    assert header.concat == Concat(2, 3, 2)
    header = UserDataHeader.of(Concat(1, 2, 1), Concat(500, 3, 2, is_16bit=True))
    assert header.concat == Concat(500, 3, 2, is_16bit=True)
    assert UserDataHeader.of(Ports(1, 2), Ports(3, 4, is_16bit=False)).ports == Ports(3, 4, is_16bit=False)
    assert parse_udh(bytes.fromhex("06240101240102")).shift == Shift(single=2)


def test_reference_zero_is_a_reference() -> None:
    assert parse_udh(bytes.fromhex("050003000201")).concat == Concat(0, 2, 1)


@pytest.mark.parametrize("row", BAD, ids=lambda row: str(row["why"]))
def test_bad_headers_concatenate_nothing_and_lose_no_octets(row: dict[str, str]) -> None:
    octets = bytes.fromhex(row["short_message"])
    if not int(row["esm_class"]) & 0x40:
        return  # Nobody looks for a header there.
    header, body = split_udh(octets)
    assert header is None or header.concat is None
    assert (b"" if header is None else header.encode()) + body == octets


@pytest.mark.parametrize("octets", ["", "05", "ff00", "010078", "04000301020178", "050003"])
def test_headers_that_do_not_hold_together_are_refused(octets: str) -> None:
    with pytest.raises(DecodeError, match="user data header"):
        parse_udh(bytes.fromhex(octets))
    assert split_udh(bytes.fromhex(octets)) == (None, bytes.fromhex(octets))


def test_a_reserved_shift_means_the_default_tables_when_decoding() -> None:
    assert parse_udh(bytes.fromhex("032401ff")).shift == Shift(single=255)


@given(st.binary())
def test_reading_never_raises_anything_else_and_loses_nothing(octets: bytes) -> None:
    header, body = split_udh(octets)
    if header is None:
        assert body == octets
        return
    assert len(octets) - len(body) == 1 + octets[0]
    if header.elements and octets[0] < 140:
        assert header.encode() + body == octets
    _ = header.concat, header.ports, header.shift


@given(st.lists(st.builds(InformationElement, st.integers(0, 255), st.binary(max_size=20)), min_size=1, max_size=6))
def test_elements_survive_the_round_trip(elements: list[InformationElement]) -> None:
    header = UserDataHeader(tuple(elements))
    assert parse_udh(header.encode()) == header


@pytest.mark.parametrize(
    "bad",
    [
        Concat(256, 2, 1),
        Concat(0x10000, 2, 1, is_16bit=True),
        Concat(1, 256, 1),
        Concat(1, 2, 3),
        Concat(1, 0, 0),
        Ports(70000, 1),
        Ports(1, 256, is_16bit=False),
        InformationElement(0x100, b""),
        InformationElement(0, bytes(256)),
        InformationElement(0, bytes(140)),
    ],
)
def test_what_cannot_be_written_is_refused(bad: Concat | Ports | InformationElement) -> None:
    with pytest.raises(EncodeError):
        UserDataHeader.of(bad).encode()
