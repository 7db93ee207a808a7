import gc
import weakref
from itertools import pairwise
from math import inf
from typing import Any

import pytest

from smpp.correlator import Correlator, DropReason, IdRule, MemoryStore, Outstanding, Unanswered, Unmatched
from smpp.correlator import matching as module

A, B = "919876543210", "447700900123"
Sut = Correlator[str, str]


def correlator(**settings: Any) -> Sut:
    return Correlator(**{"lifetime_seconds": 100.0, "final_lifetime_seconds": 20.0, "parked_seconds": 10.0} | settings)


def test_a_receipt_finds_its_part() -> None:
    sut = correlator()
    assert sut.submitted("17a9", A, "first", 1.0) == []
    match = sut.receipt("17a9", A, "delivered", 2.0)
    assert match is not None
    assert (match.context, match.receipt, match.message_id) == ("first", "delivered", "17a9")
    assert (match.destination, match.submitted_at) == (A, 1.0)
    assert (match.is_final, match.is_late, match.was_parked) == (True, False, False)


def test_receipt_before_its_response_is_kept_and_matched() -> None:
    sut = correlator()
    assert sut.receipt("17a9", A, "enroute", 1.0, is_final=False) is None
    assert sut.receipt("17a9", A, "delivered", 1.1) is None
    assert sut.parked == 2
    matches = sut.submitted("17a9", A, "first", 2.0)
    assert [match.receipt for match in matches] == ["enroute", "delivered"]
    assert all(match.was_parked for match in matches)
    assert sut.parked == 0
    assert sut.counters.matched_parked == 2


def test_a_parked_receipt_for_another_address_stays() -> None:
    sut = correlator()
    sut.receipt("7", B, "for b", 1.0)
    assert sut.submitted("7", A, "to a", 2.0) == []
    (match,) = sut.submitted("7", B, "to b", 2.0)
    assert match.context == "to b"


def test_two_groups_with_equal_ids_never_mix() -> None:
    one, other = correlator(group="one"), correlator(group="other")
    one.submitted("1", A, "one", 0.0)
    assert other.receipt("1", A, "r", 1.0) is None
    assert one.receipt("1", A, "r", 1.0) is not None


def test_several_receipts_out_of_order_and_repeated_all_find_their_part() -> None:
    sut = correlator()
    sut.submitted("1", A, "x", 0.0)
    receipts = [("delivered", True), ("enroute", False), ("delivered", True)]
    matches = [sut.receipt("1", A, word, 1.0 + n, is_final=final) for n, (word, final) in enumerate(receipts)]
    assert [match.is_late for match in matches if match] == [False, True, True]
    assert sut.counters.matched_late == 2


def test_a_settled_part_is_kept_for_late_receipts_until_its_time_is_over() -> None:
    sut = correlator()
    sut.submitted("1", A, "x", 0.0)
    sut.receipt("1", A, "delivered", 1.0)
    assert sut.next_timer() == 21.0
    assert sut.expire(20.9) == []
    assert sut.receipt("1", A, "again", 20.9) is not None
    assert sut.expire(21.0) == []
    assert sut.outstanding == 0
    assert sut.receipt("1", A, "again", 21.1) is None


def test_the_newest_outstanding_wins_where_ids_recycle() -> None:
    sut = correlator()
    for number in range(3):
        sut.submitted("1", A, f"{number}", float(number))
    order = [sut.receipt("1", A, "r", 5.0) for _ in range(4)]
    assert [(match.context, match.is_late) for match in order if match] == [
        ("2", False),
        ("1", False),
        ("0", False),
        ("2", True),
    ]


def test_a_recycled_id_is_told_apart_by_its_address() -> None:
    sut = correlator()
    sut.submitted("1", A, "a", 0.0)
    sut.submitted("1", B, "b", 1.0)
    match = sut.receipt("1", "+" + A, "r", 2.0)
    assert match is not None
    assert match.context == "a"
    assert sut.receipt("1", "33123456789", "r", 2.0) is None


def test_without_an_address_only_a_unique_id_matches() -> None:
    sut = correlator()
    sut.submitted("1", A, "a", 0.0)
    sut.submitted("2", A, "a", 0.0)
    sut.submitted("2", B, "b", 0.0)
    assert sut.receipt("1", "", "r", 1.0) is not None
    assert sut.receipt("2", "", "r", 1.0) is None


def test_an_ambiguous_receipt_gets_a_second_thought() -> None:
    sut = correlator()
    sut.submitted("2", A, "a", 0.0)
    sut.submitted("2", B, "b", 0.0)
    assert sut.receipt("2", "", "whose", 1.0) is None
    sut.receipt("2", A, "r", 2.0)
    (match,) = sut.expire(11.0)
    assert (match.context, match.receipt) == ("b", "whose")  # type: ignore[union-attr]


def test_a_part_without_a_single_destination_matches_by_its_id() -> None:
    sut = correlator()
    sut.submitted("1", "", "to many", 0.0)
    assert sut.receipt("1", A, "r", 1.0) is not None


def test_addresses_that_were_not_swapped_are_understood() -> None:
    sut = correlator()
    sut.submitted("1", A, "a", 0.0)
    assert sut.receipt("1", "INFO", "r", 1.0, other_address=A) is not None


def test_addresses_can_be_left_out_of_the_comparison() -> None:
    sut = correlator(check_addresses=False)
    sut.submitted("1", A, "a", 0.0)
    assert sut.receipt("1", "9198******10", "r", 1.0) is not None


def test_ids_are_compared_by_the_rule_and_stored_as_they_came() -> None:
    sut = correlator(id_rule="response_hex_receipt_decimal")
    sut.submitted("000017A9", A, "x", 0.0)
    match = sut.receipt("6057", A, "r", 1.0)
    assert match is not None
    assert match.message_id == "000017A9"
    assert sut.learned_rule is IdRule.RESPONSE_HEX_RECEIPT_DECIMAL


def test_a_part_without_its_receipt_is_reported_when_its_time_is_over() -> None:
    sut = correlator()
    sut.submitted("1", A, "x", 0.0)
    sut.receipt("1", A, "enroute", 50.0, is_final=False)
    assert sut.next_timer() == 100.0
    assert sut.expire(99.9) == []
    assert sut.expire(100.0) == [Unanswered("x", "1", A, 0.0, DropReason.OVERDUE)]
    assert sut.next_timer() == inf
    assert sut.counters.unanswered == 1


def test_a_receipt_that_fits_nothing_is_handed_back_when_its_time_is_over() -> None:
    sut = correlator()
    sut.receipt("1", A, "r", 3.0)
    sut.receipt("", A, "no id", 4.0)
    assert sut.next_timer() == 13.0
    assert sut.expire(14.0) == [
        Unmatched("r", "1", A, 3.0, DropReason.OVERDUE),
        Unmatched("no id", "", A, 4.0, DropReason.OVERDUE),
    ]
    assert sut.counters.unmatched == 2


def test_a_response_without_an_id_is_reported_at_once() -> None:
    sut = correlator()
    assert sut.submitted("", A, "x", 0.0) == []
    assert sut.next_timer() == -inf
    assert sut.expire(0.0) == [Unanswered("x", "", A, 0.0, DropReason.NO_ID)]
    assert sut.counters.without_id == 1


def test_parts_are_bounded_and_settled_ones_go_first() -> None:
    sut = correlator(max_outstanding=2)
    sut.submitted("1", A, "one", 0.0)
    sut.submitted("2", A, "two", 0.0)
    sut.receipt("2", A, "r", 1.0)
    sut.submitted("3", A, "three", 2.0)
    assert sut.expire(2.0) == []
    sut.submitted("4", A, "four", 3.0)
    assert sut.outstanding == 2
    assert sut.next_timer() == -inf
    assert sut.expire(3.0) == [Unanswered("one", "1", A, 0.0, DropReason.EVICTED)]
    assert sut.counters.evicted_parts == 1


def test_parked_receipts_are_bounded() -> None:
    sut = correlator(max_parked=2)
    for number in range(3):
        sut.receipt(f"{number}", A, f"r{number}", float(number))
    assert sut.parked == 2
    assert sut.expire(3.0) == [Unmatched("r0", "0", A, 0.0, DropReason.EVICTED)]
    assert sut.counters.evicted_receipts == 1


def test_parts_with_one_id_are_bounded() -> None:
    sut = correlator()
    for number in range(module.MAX_SAME_ID + 1):
        sut.submitted("1", A, f"{number}", 0.0)
    assert sut.outstanding == module.MAX_SAME_ID
    assert sut.expire(1.0) == [Unanswered("0", "1", A, 0.0, DropReason.EVICTED)]


def test_what_is_evicted_is_counted_even_if_nobody_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REPORTS", 3)
    sut = correlator(max_outstanding=1)
    for number in range(6):
        sut.submitted(f"{number}", A, "x", 0.0)
    assert len(sut.expire(0.0)) == 3
    assert (sut.counters.evicted_parts, sut.counters.unreported) == (5, 2)


def test_a_flood_of_overdue_parts_is_given_up_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXPIRED_AT_ONCE", 2)
    sut = correlator()
    for number in range(5):
        sut.submitted(f"{number}", A, "x", 0.0)
    slices = []
    while sut.next_timer() <= 100.0:
        slices.append(len(sut.expire(100.0)))
    assert slices == [2, 2, 1]


def test_clear_hands_back_what_still_waits() -> None:
    sut = correlator()
    sut.submitted("1", A, "waits", 0.0)
    sut.submitted("2", A, "settled", 0.0)
    sut.receipt("2", A, "r", 1.0)
    sut.receipt("3", A, "parked", 1.0)
    assert sut.clear() == [
        Unanswered("waits", "1", A, 0.0, DropReason.CLOSED),
        Unmatched("parked", "3", A, 1.0, DropReason.CLOSED),
    ]
    assert (sut.outstanding, sut.parked, sut.next_timer()) == (0, 0, inf)


def test_another_store_can_be_plugged_in() -> None:
    store: MemoryStore[str] = MemoryStore(5.0, 1.0)
    one: Sut = Correlator(store=store)
    other: Sut = Correlator(store=store)
    one.submitted("1", A, "x", 0.0)
    assert other.receipt("1", A, "r", 1.0) is not None
    assert one.next_timer() == 2.0


@pytest.mark.parametrize(
    "settings",
    [
        {"max_outstanding": 0},
        {"max_parked": 0},
        {"lifetime_seconds": 0.0},
        {"parked_seconds": -1.0},
        {"id_rule": "octal"},
        {"id_rule": "auto", "check_addresses": False},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least one|more than 0|octal|auto"):
        correlator(**settings)


def test_its_repr_says_what_it_holds() -> None:
    sut = correlator(group="india", id_rule="auto")
    sut.submitted("1", A, "x", 0.0)
    assert repr(sut) == "<Correlator india auto, 1 outstanding, 0 parked>"


def test_the_list_of_parts_survives_removal_anywhere() -> None:
    store: MemoryStore[int] = MemoryStore(10.0, 10.0)
    parts = [Outstanding(str(number), str(number), A, number, float(number)) for number in range(6)]
    for part in parts:
        store.add(part)
    for number in (0, 3, 5):
        store.remove(parts[number])
    left = []
    while (overdue := store.overdue(inf)) is not None:
        left.append(overdue.submitted_at)
        store.remove(overdue)
    assert left == [1.0, 2.0, 4.0]
    assert all(one < other for one, other in pairwise(left))
    assert len(store) == 0


def test_parts_go_with_their_store_though_they_know_each_other() -> None:
    class Context:
        pass

    store: MemoryStore[Context] = MemoryStore(10.0, 10.0)
    contexts = [Context() for _ in range(4)]
    for number, context in enumerate(contexts):
        store.add(Outstanding(str(number), str(number), A, context, float(number)))
    for number in (1, 2):
        settled = store.find(str(number))
        assert isinstance(settled, Outstanding)
        store.settle(settled, 5.0)
    left = [weakref.ref(context) for context in contexts]
    del contexts, context, settled
    gc.collect()
    assert all(one() is not None for one in left)
    del store
    gc.collect()
    assert [one() for one in left] == [None] * 4
