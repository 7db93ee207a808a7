"""Dealing out bind slots: evenly, without anybody losing the last of its own, and to an end."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.slots import BindSlot, deal


def slots(*counts: int) -> list[BindSlot]:
    return [BindSlot(f"demo@s{server}:1", n) for server, count in enumerate(counts) for n in range(count)]


def dealt(holders: dict[BindSlot, str], nodes: list[str]) -> int:
    """All nodes in turn, until nothing changes; how many rounds it took."""
    for turn in range(20):
        before = dict(holders)
        for node in nodes:
            taken, surplus = deal(holders, nodes, node)
            holders |= dict.fromkeys(taken, node) | dict.fromkeys(surplus, "")
        if holders == before:
            return turn
    raise AssertionError(f"no end: {holders}")


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(1, 6),
    st.data(),
)
def test_whoever_held_them_before_slots_end_up_evenly_with_the_nodes_that_want_them(
    counts: list[int], node_count: int, data: st.DataObject
) -> None:
    nodes = [f"n{number}" for number in range(node_count)]
    holders = {slot: data.draw(st.sampled_from(["", *nodes])) for slot in slots(*counts)}
    had = set(holders.values()) - {""}
    dealt(holders, nodes)
    assert "" not in holders.values()
    shares = Counter(dict.fromkeys(nodes, 0) | Counter(holders.values()))
    assert had <= set(holders.values())
    assert max(shares.values()) - min(shares.values()) <= 1


def test_a_node_alone_takes_all() -> None:
    holders = dict.fromkeys(slots(2, 2), "")
    assert deal(holders, ["a"], "a") == (sorted(holders, key=lambda slot: (slot.n, slot.server)), [])


def test_a_node_that_joins_is_given_its_share_from_each_server() -> None:
    holders = dict.fromkeys(slots(2, 2), "a")
    taken, surplus = deal(holders, ["a", "b"], "a")
    assert not taken
    assert {slot.server for slot in surplus} == {"demo@s0:1", "demo@s1:1"}


def test_nobody_gives_up_its_last_slot() -> None:
    holders = dict.fromkeys(slots(1), "a")
    assert deal(holders, ["a", "b", "c"], "a") == ([], [])
    assert deal(holders, ["a", "b", "c"], "b") == ([], [])


def test_while_slots_are_free_nobody_gives_any_up() -> None:
    one, two, three, four = slots(4)
    holders = {one: "a", two: "a", three: "", four: ""}
    assert deal(holders, ["a", "b"], "a") == ([], [])
    assert deal(holders, ["a", "b"], "b") == ([three, four], [])
