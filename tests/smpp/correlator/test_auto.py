from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smpp.correlator import Correlator, IdRule, Match, Unmatched
from smpp.correlator.auto import AutoRule
from smpp.correlator.ids import receipt_keys

A = "919876543210"
Writer = Callable[[int], str]

SMSCS: dict[str, tuple[Writer, Writer, IdRule]] = {
    "decimal": (str, str, IdRule.AS_IS),
    "hexadecimal": (lambda n: f"{n:x}", lambda n: f"{n:x}", IdRule.AS_IS),
    "padded once": (lambda n: f"{n:020}", str, IdRule.AS_IS),
    "capitals once": (lambda n: f"{n:X}", lambda n: f"{n:x}", IdRule.AS_IS),
    "hex to decimal": (lambda n: f"{n:x}", str, IdRule.RESPONSE_HEX_RECEIPT_DECIMAL),
    "padded hex to padded decimal": (lambda n: f"{n:016X}", lambda n: f"{n:020}", IdRule.RESPONSE_HEX_RECEIPT_DECIMAL),
    "decimal to hex": (str, lambda n: f"{n:X}", IdRule.RESPONSE_DECIMAL_RECEIPT_HEX),
}


def auto() -> Correlator[int, int]:
    return Correlator(id_rule=IdRule.AUTO, parked_seconds=10.0)


def run(
    as_response: Writer, as_receipt: Writer, numbers: list[int], addresses: list[str], seed: int
) -> Correlator[int, int]:
    """Submit all, with receipts before and after their responses; every one has to find its own part."""
    random = Random(seed)
    sut = auto()
    matched: list[tuple[int, int]] = []
    events = [(random.uniform(n, n + 4), "response", n) for n in range(len(numbers))]
    events += [(random.uniform(n + 1, n + 6), "receipt", n) for n in range(len(numbers))]
    for _, kind, n in sorted(events):
        if kind == "response":
            matched += [(m.context, m.receipt) for m in sut.submitted(as_response(numbers[n]), addresses[n], n, 0.0)]
        else:
            match = sut.receipt(as_receipt(numbers[n]), addresses[n], n, 0.0)
            matched += [(match.context, match.receipt)] if match else []
        matched += [(r.context, r.receipt) for r in sut.expire(1.0) if isinstance(r, Match)]
    matched += [(r.context, r.receipt) for r in sut.expire(10.0) if isinstance(r, Match)]
    assert sorted(matched) == [(n, n) for n in range(len(numbers))]
    return sut


@pytest.mark.parametrize("smsc", SMSCS)
@settings(max_examples=40, deadline=None)
@given(start=st.integers(5_000, 2**63), seed=st.integers(0, 2**32))
def test_every_receipt_finds_its_part_and_the_rule_is_learned(smsc: str, start: int, seed: int) -> None:
    as_response, as_receipt, rule = SMSCS[smsc]
    sut = run(as_response, as_receipt, [start + n for n in range(60)], [A] * 60, seed)
    assert sut.learned_rule is rule


@pytest.mark.parametrize("smsc", SMSCS)
@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, 5_000), seed=st.integers(0, 2**32))
def test_short_ids_of_different_recipients_are_never_mixed_up(smsc: str, start: int, seed: int) -> None:
    as_response, as_receipt, _ = SMSCS[smsc]
    run(as_response, as_receipt, [start + n for n in range(60)], [f"9198765{n:05}" for n in range(60)], seed)


def test_the_first_pair_matches_without_anything_learned() -> None:
    sut = auto()
    sut.submitted("17a9", A, 1, 0.0)
    assert sut.receipt("6057", A, 1, 1.0) is not None
    assert sut.learned_rule is None


def test_it_never_matches_without_the_address_agreeing() -> None:
    sut = auto()
    sut.submitted("17a9", A, 1, 0.0)
    assert sut.receipt("17a9", "", 1, 1.0) is None
    assert sut.receipt("17a9", "447700900123", 1, 1.0) is None
    sut.submitted("17aa", "", 2, 0.0)
    assert sut.receipt("17aa", A, 2, 1.0) is None


def test_a_receipt_that_only_fits_by_a_guess_waits_for_its_response() -> None:
    # "16" may be the decimal of "10", but decimal ids are about.
    sut = auto()
    sut.submitted("10", A, 10, 0.0)
    assert sut.receipt("16", A, 16, 1.0) is None
    (match,) = sut.submitted("16", A, 16, 2.0)
    assert match.context == 16


def test_a_guess_is_taken_at_the_end_of_its_time() -> None:
    sut = auto()
    sut.submitted("10", A, 10, 0.0)
    assert sut.receipt("16", A, 16, 1.0) is None
    (report,) = sut.expire(11.0)
    assert isinstance(report, Match)
    assert report.context == 10


def test_parked_receipts_are_looked_at_again_when_more_is_known() -> None:
    sut = auto()
    sut.submitted("10", A, 1, 0.0)
    assert sut.receipt("16", A, 1, 1.0) is None
    sut.submitted("1a", A, 2, 2.0)
    assert sut.next_timer() < 2.0
    (report,) = sut.expire(2.0)
    assert isinstance(report, Match)
    assert (report.context, report.receipt) == (1, 1)


def test_a_learned_rule_is_not_left_for_a_chance_hit() -> None:
    sut = auto()
    for number in range(100_000, 100_020):
        sut.submitted(f"{number}", A, number, 0.0)
        sut.receipt(f"{number}", A, number, 0.0)
    assert sut.learned_rule is IdRule.AS_IS
    sut.submitted("1193046", A, 1, 1.0)
    assert sut.receipt("123456", A, 2, 1.0) is None  # 0x123456 is 1193046
    (match,) = sut.submitted("123456", A, 2, 2.0)
    assert match.context == 2


def test_an_smsc_that_changes_its_ways_is_learned_anew() -> None:
    sut = auto()
    for number in range(100_000, 100_100):
        sut.submitted(f"{number}", A, number, 0.0)
        sut.receipt(f"{number}", A, number, 0.0)
    learned = [sut.learned_rule]
    found = 0
    for number in range(200_000, 200_400):
        sut.submitted(f"{number:x}", A, number, number)
        match = sut.receipt(f"{number}", A, number, number)
        reports = sut.expire(number)
        assert not any(isinstance(report, Unmatched) for report in reports)
        found += (match is not None) + sum(isinstance(report, Match) for report in reports)
    found += sum(isinstance(report, Match) for report in sut.expire(200_410.0))
    assert found == 400
    assert [*learned, sut.learned_rule] == [IdRule.AS_IS, IdRule.RESPONSE_HEX_RECEIPT_DECIMAL]


def test_an_id_no_base_fits_is_compared_as_text_after_a_rule_was_learned() -> None:
    sut = auto()
    for number in range(0xA0000, 0xA0020):
        sut.submitted(f"{number:x}", A, number, 0.0)
        sut.receipt(f"{number}", A, number, 0.0)
    assert sut.learned_rule is IdRule.RESPONSE_HEX_RECEIPT_DECIMAL
    sut.submitted("0F1E-22", A, 7, 0.0)
    assert sut.receipt("f1e-22", A, 7, 0.0) is not None


def test_long_ids_are_never_taken_for_numbers() -> None:
    sut = auto()
    sut.submitted("1" + "0" * 16, A, 1, 0.0)
    assert sut.receipt(f"{16**16}", A, 1, 1.0) is None
    assert [type(report) for report in sut.expire(11.0)] == [Unmatched]


@given(
    st.text("0123456789abcdefABCDEF- xyz", max_size=22),
    st.sampled_from([rule for rule in IdRule if rule is not IdRule.AUTO]),
)
def test_the_short_cut_to_a_learned_key_agrees_with_the_long_way(message_id: str, rule: IdRule) -> None:
    auto_rule = AutoRule()
    auto_rule.learned = rule
    candidates = auto_rule.candidates(receipt_keys(IdRule.AUTO, message_id))
    assert auto_rule.learned_key(message_id) == (candidates[0][1] if candidates else "")
