"""Parts wait for each other: whatever order they come in, whatever their sender does with references."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.gathering import MAX_SETS, Joiner
from gateway.lanes import Item
from gateway.providers.carrying import Piece

KEY = ("shop", "INFO", "4477", 7, 8, 3)


class FakeWork:
    """Stands for a message; only its identity matters."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def item(name: str) -> Item:
    work: Any = FakeWork(name)
    return Item(work, 0, 0)


def current(_item: Item) -> bool:
    return True


def names(items: list[Item]) -> list[str]:
    return [repr(one.work) for one in items]


@settings(deadline=None)
@given(st.permutations([1, 2, 3]))
def test_parts_leave_in_order_once_all_are_there(order: list[int]) -> None:
    joiner = Joiner()

    results = [joiner.add(item(f"p{number}"), Piece(KEY, number, 3), 0.0, 100.0, current) for number in order]

    assert results[:2] == [[], []]
    assert names(results[2]) == ["p1", "p2", "p3"]
    assert len(joiner) == 0


def test_a_reference_used_again_starts_another_message() -> None:
    joiner = Joiner()
    left = [
        joiner.add(item(f"{message}{number}"), Piece((*KEY[:5], 2), number, 2), 0.0, 100.0, current)
        for message, number in [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    ]

    assert [names(one) for one in left if one] == [["a1", "a2"], ["b1", "b2"]]


def test_a_part_that_comes_back_takes_its_own_place() -> None:
    joiner = Joiner()
    first = item("p1")
    joiner.add(first, Piece(KEY, 1, 3), 0.0, 100.0, current)
    joiner.add(Item(first.work, 1, 0), Piece(KEY, 1, 3), 0.0, 100.0, current)

    assert len(joiner) == 1


def test_a_part_that_has_gone_elsewhere_is_waited_for_again() -> None:
    joiner = Joiner()
    gone = item("gone")

    def is_current(one: Item) -> bool:
        return one is not gone

    joiner.add(gone, Piece(KEY, 1, 3), 0.0, 100.0, is_current)
    joiner.add(item("p2"), Piece(KEY, 2, 3), 0.0, 100.0, is_current)
    assert joiner.add(item("p3"), Piece(KEY, 3, 3), 0.0, 100.0, is_current) == []
    assert names(joiner.add(item("p1"), Piece(KEY, 1, 3), 0.0, 100.0, is_current)) == ["p1", "p2", "p3"]


def test_what_is_not_whole_in_time_is_overdue_with_what_is_missing() -> None:
    joiner = Joiner()
    joiner.add(item("p1"), Piece(KEY, 1, 3), 0.0, 100.0, current)
    joiner.add(item("p3"), Piece(KEY, 3, 3), 10.0, 100.0, current)

    assert list(joiner.overdue(109.9, current)) == []
    overdue = list(joiner.overdue(110.0, current))

    assert names([one for one, _ in overdue]) == ["p1", "p3"]
    assert overdue[0][1] == "of 3 parts 2 did not come in time"
    assert len(joiner) == 0


def test_one_reference_for_everything_does_not_pile_up() -> None:
    joiner = Joiner()
    for number in range(MAX_SETS + 5):
        joiner.add(item(f"x{number}"), Piece(KEY, 1, 3), 0.0, 100.0, current)
    overdue = names([one for one, _ in joiner.overdue(1.0, current)])

    assert overdue[:1] == ["x0"]
    assert len(joiner) + len(overdue) == MAX_SETS + 5


def test_what_waits_alone_may_be_at_another_node() -> None:
    joiner = Joiner()
    joiner.add(item("p1"), Piece(KEY, 1, 3), 5.0, 100.0, current)

    assert joiner.alone(6.9, 2.0, current) == []
    ((key, items),) = joiner.alone(7.0, 2.0, current)
    assert (key, names(items)) == (KEY, ["p1"])
    assert joiner.alone(8.9, 2.0, current) == []
    assert len(joiner.alone(9.0, 2.0, current)) == 1


def test_it_is_looked_at_once_a_second() -> None:
    joiner = Joiner()
    assert not joiner.is_time(0.0)
    joiner.add(item("p1"), Piece(KEY, 1, 3), 0.0, 100.0, current)

    assert [joiner.is_time(at) for at in (0.0, 0.9, 1.0, 1.5)] == [True, False, True, False]
