"""Turns for everybody."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.fairness import FairQueue


def one_each(_owner: str) -> int:
    return 1


def drained(queue: FairQueue[str]) -> list[str]:
    taken = []
    while (item := queue.pop()) is not None:
        taken.append(item)
    return taken


def test_owners_take_turns_whatever_their_backlog() -> None:
    queue: FairQueue[str] = FairQueue(one_each)
    for n in range(6):
        queue.push("batch", f"batch {n}")
    queue.push("bank", "code")
    assert drained(queue) == ["batch 0", "code", *(f"batch {n}" for n in range(1, 6))]


def test_who_comes_anew_waits_one_round_at_most() -> None:
    queue: FairQueue[str] = FairQueue(one_each)
    for owner in "abc":
        for n in range(100):
            queue.push(owner, f"{owner}{n}")
    for _ in range(50):
        queue.pop()
    queue.push("bank", "code")
    before = drained(queue)
    assert before.index("code") <= 3


def test_shares_weigh() -> None:
    queue: FairQueue[str] = FairQueue(lambda owner: 3 if owner == "a" else 1)
    for _ in range(40):
        queue.push("a", "a")
        queue.push("b", "b")
    assert Counter(drained(queue)[:40]) == {"a": 30, "b": 10}


def test_long_messages_count_as_many_and_are_sent_all_the_same() -> None:
    queue: FairQueue[str] = FairQueue(one_each)
    for _ in range(10):
        queue.push("long", "long", 5)
    for _ in range(50):
        queue.push("short", "short")
    order = drained(queue)
    assert Counter(order[:30]) == {"short": 25, "long": 5}
    assert len(order) == 60


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 9)), max_size=60), st.integers(1, 4))
def test_nothing_is_lost_and_each_owner_keeps_its_order(pushed: list[tuple[str, int]], share: int) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(lambda _owner: share)
    for n, (owner, cost) in enumerate(pushed):
        queue.push(owner, (owner, n), cost)
    assert len(queue) == len(pushed) == len(list(queue))
    taken = []
    while (item := queue.pop()) is not None:
        taken.append(item)
    for owner in "abcd":
        assert [n for name, n in taken if name == owner] == [n for n, (name, _) in enumerate(pushed) if name == owner]
    assert len(queue) == 0


@given(st.lists(st.integers(1, 6), min_size=30, max_size=60), st.lists(st.integers(1, 6), min_size=30, max_size=60))
def test_while_both_have_something_to_send_neither_gets_ahead(first: list[int], second: list[int]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(one_each)
    for owner, costs in (("a", first), ("b", second)):
        for cost in costs:
            queue.push(owner, (owner, cost), cost)
    sent: Counter[str] = Counter()
    left = {"a": len(first), "b": len(second)}
    while left["a"] and left["b"]:
        item = queue.pop()
        assert item is not None
        sent[item[0]] += item[1]
        left[item[0]] -= 1
        # The longest message, and a round.
        assert abs(sent["a"] - sent["b"]) <= 7
