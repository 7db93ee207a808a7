"""The TLVs of India's ledger registration."""

from typing import Any

import pytest

from smpp.errors import EncodeError
from smpp.wire import Tlvs, decode, dlt, encode
from smpp.wire.pdu import SubmitSm
from smpp.wire.tlv import TlvType


def test_identifiers_are_written_without_nul() -> None:
    block = Tlvs.of(dlt.pe_id("1101000010000012345"), dlt.template_id("1107161234567890123"), dlt.tm_id("1102"))
    assert encode(SubmitSm(tlvs=block), 1)[-54:] == (
        b"\x14\x00\x00\x131101000010000012345\x14\x01\x00\x131107161234567890123\x14\x02\x00\x041102"
    )
    assert block == (
        (0x1400, b"1101000010000012345"),
        (0x1401, b"1107161234567890123"),
        (0x1402, b"1102"),
    )


def test_profile_with_nul_writes_one() -> None:
    pe_id: TlvType[Any] = dlt.PROFILE_WITH_NUL.by_name["PE_ID"]
    assert pe_id("1101") == (0x1400, b"1101\0")


@pytest.mark.parametrize("octets", [b"1101", b"1101\0"])
def test_identifier_is_read_with_and_without_nul(octets: bytes) -> None:
    message = decode(encode(SubmitSm(tlvs=Tlvs.of((0x1400, octets))), 1), strict=True).message
    assert isinstance(message, SubmitSm)
    assert message.tlvs.get(dlt.pe_id) == "1101"


def test_profile_names_the_three_tags() -> None:
    assert {tag: dlt.PROFILE.names[tag] for tag in (0x1400, 0x1401, 0x1402)} == {
        0x1400: "PE_ID",
        0x1401: "Template_ID",
        0x1402: "TM_ID",
    }
    assert dlt.PROFILE.names == dlt.PROFILE_WITH_NUL.names


def test_identifier_that_is_too_long_is_refused() -> None:
    with pytest.raises(EncodeError, match="TLV PE_ID holds 0 to 254 octets, not 255"):
        dlt.pe_id("1" * 255)
