"""Shares of a limit: never more than there is, all of it in use in the end, where it is asked for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shares import NO_SHARE_SECONDS, WHOLE, Share, SharedBucket, deal, targets

NODES = ("a", "b", "c", "d", "e")
DEMANDS = st.dictionaries(st.sampled_from(NODES), st.floats(0, 5), min_size=1)


@given(DEMANDS)
def test_all_of_a_limit_is_dealt_out_and_each_node_has_some(demand: dict[str, float]) -> None:
    found = targets(demand)
    assert sum(found.values()) == WHOLE
    assert min(found.values()) >= WHOLE // (4 * len(demand))


@given(DEMANDS)
def test_what_is_asked_for_is_met_where_it_can_be(demand: dict[str, float]) -> None:
    found = targets(demand)
    spare = WHOLE // 4 / WHOLE
    if sum(demand.values()) <= 1 - spare:
        assert all(found[node] >= asked * WHOLE for node, asked in demand.items())


@given(DEMANDS)
def test_who_asks_for_more_has_no_less(demand: dict[str, float]) -> None:
    found = targets(demand)
    ranked = sorted(demand, key=lambda node: demand[node])
    # One apart: what is left over of a division.
    assert all(found[less] <= found[more] + 1 for less, more in pairwise(ranked))


@given(st.data(), st.booleans())
def test_however_nodes_come_go_and_ask_no_more_is_in_use_than_there_is(data: st.DataObject, is_exact: bool) -> None:
    """Each node deals at a time of its own: what it stops to use is written down only the next time."""
    written: dict[str, int] = {}
    used: dict[str, int] = {}
    for _ in range(data.draw(st.integers(1, 40))):
        node = data.draw(st.sampled_from(NODES))
        if data.draw(st.integers(0, 9)) == 0:
            written.pop(node, None)
            used.pop(node, None)
            continue
        held = written | {node: min(written.get(node, 0), used.get(node, 0))}
        wanted = targets({one: data.draw(st.floats(0, 2)) for one in held})
        written[node], used[node] = deal(held, wanted, node, is_exact=is_exact)
        assert used[node] <= written[node]
        assert sum(written.values()) <= WHOLE


@given(DEMANDS, st.booleans(), st.data())
def test_while_nothing_changes_dealing_ends_with_all_in_use(
    demand: dict[str, float], is_exact: bool, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, WHOLE), min_size=len(demand), max_size=len(demand))))
    held = {node: cut - low for node, cut, low in zip(demand, cuts, [0, *cuts], strict=False)}
    wanted = targets(demand)
    for _ in range(20):
        before = dict(held)
        for node in held:
            now, kept = deal(held, wanted, node, is_exact=is_exact)
            held[node] = min(now, kept)
        if held == before:
            break
    else:
        raise AssertionError(f"no end: {held}")
    assert sum(held.values()) == WHOLE
    assert all(held[node] >= wanted[node] // 2 for node in held)
    assert not is_exact or held == wanted


def test_a_node_alone_has_all() -> None:
    assert deal({"a": 0}, targets({"a": 0.0}), "a") == (WHOLE, WHOLE)


def test_a_node_that_joins_waits_until_others_have_written_what_they_gave_up() -> None:
    wanted = targets({"a": 0.0, "b": 0.0})
    assert deal({"a": WHOLE, "b": 0}, wanted, "b") == (0, 0)
    assert deal({"a": WHOLE, "b": 0}, wanted, "a") == (WHOLE, WHOLE // 2)
    assert deal({"a": WHOLE // 2, "b": 0}, wanted, "b") == (WHOLE // 2, WHOLE // 2)


def test_a_little_too_much_is_kept() -> None:
    wanted = {"a": 5_000, "b": 5_000}
    assert deal({"a": 5_400, "b": 4_600}, wanted, "a") == (5_400, 5_400)
    assert deal({"a": 5_400, "b": 4_600}, wanted, "a", is_exact=True) == (5_400, 5_000)
    assert deal({"a": 6_000, "b": 4_000}, wanted, "a") == (6_000, 5_000)
    assert deal({"a": 5_400, "b": 1_000}, wanted, "a") == (5_400, 5_000)


# --- buckets ---


def taken(bucket: SharedBucket, now: float, tries: int = 100) -> int:
    return sum(not bucket.try_take(now) for _ in range(tries))


def test_a_bucket_without_a_share_of_its_own_is_as_large_and_as_fast_as_the_limit() -> None:
    bucket = SharedBucket(10, 5)
    assert taken(bucket, 100.0) == 5
    assert bucket.try_take(100.0) == pytest.approx(0.1)
    assert taken(bucket, 100.3) == 3
    assert taken(bucket, 200.0) == 5


def test_no_limit_is_none_whatever_the_share() -> None:
    assert taken(SharedBucket(0, 1, Share(0.0)), 0.0) == 100


def test_a_bucket_goes_by_its_share() -> None:
    share = Share(0.5)
    bucket = SharedBucket(10, 8, share)
    assert taken(bucket, 0.0) == 4
    assert taken(bucket, 0.4) == 2
    assert share.asked == 200
    assert share.per_second == 10


def test_a_share_that_grows_brings_no_tokens_along() -> None:
    share = Share(0.5)
    bucket = SharedBucket(10, 8, share)
    assert taken(bucket, 0.0) == 4
    share.fraction = 1.0
    assert taken(bucket, 0.0) == 0
    assert taken(bucket, 0.4) == 4


def test_what_has_passed_before_a_share_grew_counts_at_the_smaller_one() -> None:
    share = Share(0.1)
    bucket = SharedBucket(10, 50, share)
    assert taken(bucket, 0.0) == 5
    share.fraction = 1.0
    assert taken(bucket, 2.0) == 2


def test_a_share_that_shrinks_takes_tokens_away() -> None:
    share = Share(1.0)
    bucket = SharedBucket(10, 10, share)
    assert bucket.try_take(0.0) == 0
    share.fraction = 0.2
    assert taken(bucket, 0.0) == 2


def test_without_a_share_a_sender_is_told_to_come_again_soon() -> None:
    share = Share(0.0)
    bucket = SharedBucket(10, 10, share)
    assert bucket.try_take(0.0) == NO_SHARE_SECONDS
    share.fraction = 0.5
    assert taken(bucket, 0.2) == 0
    assert taken(bucket, 0.4) == 1


def test_a_bucket_of_a_node_that_joined_just_now_is_empty_at_first() -> None:
    share = Share(0.5, lambda: 0.4)
    assert taken(SharedBucket(10, 10, share), 0.0) == 2


def test_each_node_lets_one_through_at_least() -> None:
    assert taken(SharedBucket(0.5, 1, Share(0.25)), 0.0) == 1


def test_a_long_message_is_taken_from_a_full_bucket_and_paid_for_later() -> None:
    bucket = SharedBucket(10, 10, Share(0.5))
    assert bucket.try_take(0.0, 8) == 0.0
    assert bucket.try_take(0.0) == pytest.approx(0.8)
    assert taken(bucket, 0.8) == 1


def test_another_limit_takes_effect_and_what_was_taken_counts() -> None:
    bucket = SharedBucket(10, 10)
    assert taken(bucket, 0.0) == 10
    bucket.change(100, 100)
    assert taken(bucket, 0.0) == 0
    assert taken(bucket, 0.1) == 10
    bucket.change(1, 1)
    assert taken(bucket, 9.0) == 1


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 3), st.integers(0, 2)), max_size=60))
def test_buckets_of_all_nodes_let_no_more_through_than_the_limit(steps: list[tuple[float, int, int]]) -> None:
    shares = [Share(0.0, lambda: 0.0) for _ in range(3)]
    buckets = [SharedBucket(10, 6, share) for share in shares]
    patterns = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.2, 0.3, 0.5), (0.0, 0.0, 1.0))
    now, passed = 0.0, 0
    for wait, pattern, node in steps:
        now += wait
        # Nobody takes what another has not put down.
        wanted = patterns[pattern]
        for share, fraction in zip(shares, wanted, strict=True):
            share.fraction = min(share.fraction, fraction)
        for share, fraction in zip(shares, wanted, strict=True):
            share.fraction = fraction
        passed += taken(buckets[node], now, 20)
    assert passed <= 10 * now + max(6, len(shares)) + 1e-6
