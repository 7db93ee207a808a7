"""Requests that wait for their response."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import MAX_SEQUENCE_NUMBER
from smpp.errors import InDoubt, NotSent, ResponseTimeout
from smpp.session.window import Window

SUBMIT_SM = 4
NEVER = float("inf")


def filled(count: int, *, timeout: float = 30.0) -> Window:
    window = Window(timeout)
    for number in range(count):
        window.add(window.next_sequence_number(), SUBMIT_SM, float(number), number)
    return window


def ends(found: Any) -> list[tuple[object, type[Exception]]]:
    return [(context, type(error)) for context, error in found]


def test_numbers_begin_with_one_and_follow_each_other() -> None:
    window = Window(30)
    assert [window.next_sequence_number() for _ in range(4)] == [1, 2, 3, 4]


def test_numbers_wrap_at_the_highest_to_one() -> None:
    window = Window(30)
    window.next_number = MAX_SEQUENCE_NUMBER
    assert [window.next_sequence_number() for _ in range(3)] == [0x7FFFFFFF, 1, 2]


def test_numbers_in_flight_are_skipped_after_a_wrap() -> None:
    window = filled(3)
    del window.pending[2]
    window.next_number = MAX_SEQUENCE_NUMBER
    window.add(window.next_sequence_number(), SUBMIT_SM, 0, None)
    assert window.next_sequence_number() == 2
    assert window.next_sequence_number() == 4


def test_deadline_is_that_of_the_oldest() -> None:
    window = filled(3)
    assert window.next_deadline() == 30.0
    del window.pending[1]
    assert window.next_deadline() == 31.0
    assert Window(30).next_deadline() == NEVER


def test_without_a_timeout_nothing_is_overdue() -> None:
    window = filled(2, timeout=0)
    assert window.next_deadline() == NEVER
    assert ends(window.take_overdue(1e12)) == []


def test_only_what_is_overdue_is_given_up() -> None:
    window = filled(3)
    assert ends(window.take_overdue(31.0)) == [(0, ResponseTimeout), (1, ResponseTimeout)]
    assert list(window.pending) == [3]


def test_late_response_is_told_from_an_unknown_one_once() -> None:
    window = filled(1)
    list(window.take_overdue(100))
    assert not window.was_timed_out(2)
    assert window.was_timed_out(1)
    assert not window.was_timed_out(1)


def test_memory_of_timeouts_is_bounded() -> None:
    window = filled(2000)
    list(window.take_overdue(1e6))
    assert not window.was_timed_out(1)
    assert window.was_timed_out(2000)
    assert len(window._timed_out) <= 1024


def test_what_was_not_handed_out_is_not_sent() -> None:
    window = filled(2)
    window.flushed()
    window.add(window.next_sequence_number(), SUBMIT_SM, 5.0, "new")
    assert ends(window.take_all("gone")) == [(0, InDoubt), (1, InDoubt), ("new", NotSent)]
    assert len(window) == 0


def test_answer_to_something_unsent_does_not_make_a_sent_request_unsent() -> None:
    window = filled(1)
    window.flushed()
    for number in (2, 3):
        window.add(window.next_sequence_number(), SUBMIT_SM, 5.0, number)
    del window.pending[2]  # a peer that guesses numbers
    assert ends(window.take_all("gone")) == [(0, InDoubt), (3, NotSent)]


def test_errors_name_the_request() -> None:
    window = filled(1)
    (_, error) = next(window.take_all("the link broke"))
    assert str(error) == "submit_sm #1: the link broke"
    assert (error.command_id, error.sequence_number) == (SUBMIT_SM, 1)


def test_repr_shows_the_first_few() -> None:
    assert repr(filled(1)) == "<Window 1 waiting: #1 submit_sm>"
    assert repr(Window(1)) == "<Window 0 waiting>"


@given(st.lists(st.sampled_from(["add", "answer", "flush", "expire"]), max_size=60), st.data())
def test_every_request_ends_once_and_nothing_written_is_called_unsent(steps: list[str], data: st.DataObject) -> None:
    window, now = Window(10), 0.0
    written: set[int] = set()
    ended: list[int] = []
    made = 0
    for step in steps:
        now += 1
        if step == "add":
            made += 1
            window.add(window.next_sequence_number(), SUBMIT_SM, now, made)
        elif step == "answer" and window.pending:
            ended.append(window.pending.pop(data.draw(st.sampled_from(sorted(window.pending))))[2])
        elif step == "flush":
            written |= {context for _, _, context in window.pending.values()}
            window.flushed()
        elif step == "expire":
            ended += [context for context, _ in window.take_overdue(now)]
    for context, error in window.take_all("end"):
        ended.append(context)
        assert isinstance(error, InDoubt) is (context in written)
    assert sorted(ended) == list(range(1, made + 1))
