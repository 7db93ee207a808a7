"""How ids and addresses compare."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.matching import (
    IdRule,
    addresses_agree,
    ids_match,
    look_up_key,
    may_be_about,
    receipt_forms,
    response_forms,
)

RULES: tuple[IdRule, ...] = ("as_is", "response_hex_receipt_decimal", "response_decimal_receipt_hex", "auto")
ids = st.text(alphabet="0123456789abcdefABCDEF-xyz ", min_size=1, max_size=40)


@given(st.sampled_from(RULES), ids, ids)
def test_a_receipt_looks_where_its_response_is_exactly_when_the_response_looks_where_it_is_parked(
    rule: IdRule, response_id: str, receipt_id: str
) -> None:
    forward = look_up_key(response_id) in {key for _, key in receipt_forms(rule, receipt_id, {})}
    backward = look_up_key(receipt_id) in response_forms(rule, response_id)
    assert forward == backward


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=0, max_value=6), st.booleans())
def test_a_number_is_found_in_its_other_base_however_it_is_padded(number: int, zeros: int, is_upper: bool) -> None:
    decimal = "0" * zeros + str(number)
    hexadecimal = "0" * zeros + format(number, "X" if is_upper else "x")
    for rule, response_id, receipt_id in (
        ("response_hex_receipt_decimal", hexadecimal, decimal),
        ("response_decimal_receipt_hex", decimal, hexadecimal),
    ):
        for one in (rule, "auto"):
            keys = {key for _, key in receipt_forms(one, receipt_id, {})}  # type: ignore[arg-type]
            assert look_up_key(response_id) in keys


@given(ids)
def test_as_is_means_the_very_same_text(one: str) -> None:
    assert ids_match("as_is", one, one)
    assert not ids_match("as_is", one.strip() + "0", one)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("447700900123", "447700900123", True),
        ("+447700900123", "447700900123", True),
        ("00447700900123", "447700900123", True),
        ("07700900123", "447700900123", True),
        ("7700900123", "447700900123", True),
        ("9447700900123", "447700900123", True),
        ("447700900124", "447700900123", False),
        ("447700900123", "447700900124", False),
        ("12345", "12345", True),
        ("012345", "12345", True),
        ("2345", "12345", False),
        ("", "447700900123", False),
        ("", "", False),
        ("SHOP", "shop", True),
        ("SHOP", "447700900123", False),
        ("44 7700-900123", "447700900123", True),
    ],
)
def test_addresses_agree_by_their_last_digits(one: str, other: str, agree: bool) -> None:
    assert addresses_agree(one, other) is agree
    assert addresses_agree(other, one) is agree


@given(st.from_regex(r"\A[1-9][0-9][1-9][0-9]{8,11}\Z"), st.sampled_from(["+", "00", "0", ""]))
def test_an_address_agrees_with_itself_in_any_spelling(number: str, prefix: str) -> None:
    assert addresses_agree(prefix + number, number)
    assert addresses_agree("0" + number[2:], number)


@pytest.mark.parametrize(
    ("rule", "addresses", "expected"),
    [
        ("auto", ("447700900123", ""), True),
        ("auto", ("", ""), False),
        ("auto", ("SHOP", "447700900123"), False),
        ("as_is", ("", ""), True),
        ("as_is", ("", "447700900555"), True),
        ("as_is", ("SHOP", "447700900123"), True),
        ("as_is", ("447700900555", "SHOP"), False),
    ],
)
def test_auto_is_stricter_about_addresses(rule: IdRule, addresses: tuple[str, str], expected: bool) -> None:
    assert may_be_about(rule, addresses, "447700900123") is expected
