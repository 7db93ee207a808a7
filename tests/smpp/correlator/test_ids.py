import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.correlator import IdRule, Side, addresses_agree, canonical_ids

AS_IS, HEX, DEC, AUTO = (
    IdRule.AS_IS,
    IdRule.RESPONSE_HEX_RECEIPT_DECIMAL,
    IdRule.RESPONSE_DECIMAL_RECEIPT_HEX,
    IdRule.AUTO,
)
UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def may_be_same(rule: IdRule, response_id: str, receipt_id: str) -> bool:
    (key,) = canonical_ids(rule, response_id, Side.RESPONSE)
    return key in canonical_ids(rule, receipt_id, Side.RECEIPT)


@pytest.mark.parametrize(
    ("rule", "response_id", "receipt_id", "expected"),
    [
        (AS_IS, "00B8BE19", "00B8BE19", True),
        (AS_IS, "00B8BE19", " 00B8BE19 ", True),
        (AS_IS, "00B8BE19", "B8BE19", False),
        (AS_IS, "00B8BE19", "00b8be19", False),
        (AS_IS, "17a9", "6057", False),
        (HEX, "17a9", "6057", True),
        (HEX, "17A9", "6057", True),
        (HEX, "000017A9", "0000006057", True),
        (HEX, "17a9", "17a9", True),
        (HEX, "6057", "6057", False),
        (HEX, UUID, UUID, True),
        (HEX, "ffffffffffffffff", "18446744073709551615", True),
        (HEX, "10000000000000000", "18446744073709551616", False),
        (DEC, "6057", "17A9", True),
        (DEC, "0000006057", "000017a9", True),
        (DEC, UUID, UUID, True),
        (AUTO, "17a9", "6057", True),
        (AUTO, "6057", "17a9", True),
        (AUTO, "00B8BE19", "b8be19", True),
        (AUTO, "B8BE19", "00B8BE19", True),
        (AUTO, UUID.upper(), UUID, True),
        (AUTO, "17a9", "6058", False),
        (AUTO, "0", "0000", True),
    ],
)
def test_ids_compare_by_the_rule(rule: IdRule, response_id: str, receipt_id: str, expected: bool) -> None:
    assert may_be_same(rule, response_id, receipt_id) is expected


@pytest.mark.parametrize("rule", list(IdRule))
@pytest.mark.parametrize("side", list(Side))
def test_an_empty_id_has_no_key(rule: IdRule, side: Side) -> None:
    assert canonical_ids(rule, "", side) == ()
    assert canonical_ids(rule, "   ", side) == ()


def test_the_rules_of_a_config_are_taken_as_text() -> None:
    assert canonical_ids("response_hex_receipt_decimal", "6057", "receipt") == ("17a9",)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="no rule for message ids"):
        canonical_ids("octal", "17", Side.RECEIPT)


@given(st.text(st.characters(max_codepoint=255), min_size=1, max_size=65), st.sampled_from(IdRule))
def test_any_text_of_an_id_has_one_response_key(message_id: str, rule: IdRule) -> None:
    keys = canonical_ids(rule, message_id, Side.RESPONSE)
    assert len(keys) == bool(message_id.strip())
    assert len(canonical_ids(rule, message_id, Side.RECEIPT)) <= (3 if rule is AUTO else 1)


@given(st.text(st.characters(max_codepoint=255), min_size=1, max_size=65).filter(str.strip))
def test_equal_ids_stay_equal_unless_a_base_was_given(message_id: str) -> None:
    assert may_be_same(AS_IS, message_id, message_id)
    assert may_be_same(AUTO, message_id, message_id)


@given(st.integers(0, 2**64 - 1), st.integers(0, 20), st.booleans())
def test_numbers_match_across_bases_whatever_their_padding_and_case(number: int, width: int, is_upper: bool) -> None:
    hexadecimal = f"{number:0{width}x}"
    if is_upper:
        hexadecimal = hexadecimal.upper()
    decimal = f"{number:0{width}d}"
    for rule in (HEX, AUTO):
        assert may_be_same(rule, hexadecimal, decimal)
    for rule in (DEC, AUTO):
        assert may_be_same(rule, decimal, hexadecimal)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_different_numbers_never_match_under_a_known_rule(one: int, other: int) -> None:
    assert may_be_same(HEX, f"{one:x}", str(other)) is (one == other)
    assert may_be_same(DEC, str(one), f"{other:x}") is (one == other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("919876543210", "919876543210", True),
        ("+919876543210", "919876543210", True),
        ("00919876543210", "919876543210", True),
        ("09876543210", "919876543210", True),
        ("9876543210", "919876543210", True),
        ("+91 98765-43210", "919876543210", True),
        ("D00919876543210", "919876543210", False),
        ("99919876543210", "919876543210", True),
        ("919876543211", "919876543210", False),
        ("919876543210", "919876543219", False),
        ("5551234", "3545551234", True),
        ("551234", "376551234", True),
        ("12345", "12345", True),
        ("12345", "9912345", False),
        ("12345", "012345", True),
        ("INFO", "INFO", True),
        ("INFO", "info", False),
        ("INFO", "919876543210", False),
        ("", "919876543210", False),
        ("", "", False),
        ("0", "00", False),
    ],
)
def test_addresses_agree_by_their_last_digits(one: str, other: str, expected: bool) -> None:
    assert addresses_agree(one, other) is expected
    assert addresses_agree(other, one) is expected


@given(st.text(max_size=25), st.text(max_size=25))
def test_addresses_agree_is_symmetric_and_never_fails(one: str, other: str) -> None:
    assert addresses_agree(one, other) is addresses_agree(other, one)
    assert addresses_agree(one, one) is bool(one)
