import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import MessageState as S
from smpp.correlator import MessageTracker, ReceiptParts


def test_a_long_message_is_final_when_all_its_parts_are() -> None:
    message = MessageTracker(3)
    assert not any(message.accepted(part) for part in (1, 2, 3))
    assert not message.receipt(2, S.DELIVERED)
    assert not message.receipt(1, S.DELIVERED)
    assert message.waits_for == {3}
    assert message.receipt(3, S.DELIVERED)
    assert message.is_final
    assert message.state is S.DELIVERED


def test_receipts_may_come_before_responses() -> None:
    message = MessageTracker(2)
    message.receipt(1, S.DELIVERED)
    assert message.receipt(2, S.DELIVERED)
    assert not message.accepted(1)
    assert message.state is S.DELIVERED


@pytest.mark.parametrize(("receipt_parts", "reported"), [(ReceiptParts.FIRST, 1), (ReceiptParts.LAST, 3)])
def test_one_part_may_report_for_all(receipt_parts: ReceiptParts, reported: int) -> None:
    message = MessageTracker(3, receipt_parts=receipt_parts)
    message.receipt(reported, S.DELIVERED)
    others = [part for part in (1, 2, 3) if part != reported]
    assert not message.accepted(others[0])
    assert message.accepted(others[1])
    assert message.state is S.DELIVERED


def test_a_part_that_is_not_asked_for_may_report_failure() -> None:
    message = MessageTracker(2, receipt_parts=ReceiptParts.LAST)
    message.receipt(1, S.UNDELIVERABLE)
    message.accepted(2)
    assert message.receipt(2, S.DELIVERED)
    assert message.state is S.UNDELIVERABLE


def test_without_receipts_a_message_is_done_once_accepted() -> None:
    message = MessageTracker(2, receipt_parts=ReceiptParts.NONE)
    assert not message.accepted(1)
    assert message.accepted(2)
    assert message.state is S.ACCEPTED


def test_a_rejected_part_fails_the_message() -> None:
    message = MessageTracker(2)
    message.accepted(1)
    message.rejected(2)
    assert not message.is_final
    assert message.receipt(1, S.DELIVERED)
    assert message.state is S.REJECTED


def test_late_enroute_does_not_undo_delivered() -> None:
    message = MessageTracker(1)
    assert message.receipt(1, S.DELIVERED)
    assert not message.receipt(1, S.ENROUTE)
    assert not message.receipt(1, S.EXPIRED)
    assert message.state is S.DELIVERED


def test_late_delivered_corrects_what_was_given_up() -> None:
    message = MessageTracker(1)
    message.accepted(1)
    assert message.gave_up(1)
    states = [message.state]
    assert not message.receipt(1, S.DELIVERED)
    assert [*states, message.state] == [S.UNKNOWN, S.DELIVERED]


def test_enroute_shows_until_the_end() -> None:
    message = MessageTracker(2)
    states = [message.state]
    message.receipt(1, S.ENROUTE)
    assert [*states, message.state] == [S.ACCEPTED, S.ENROUTE]
    assert message.waits_for == {1, 2}


@pytest.mark.parametrize("part", [0, 3, -1])
def test_a_part_that_does_not_exist_is_refused(part: int) -> None:
    with pytest.raises(ValueError, match="has no part"):
        MessageTracker(2).accepted(part)


def test_a_message_has_at_least_one_part() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        MessageTracker(0)


@given(
    st.integers(1, 4),
    st.sampled_from(ReceiptParts),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, *S])), max_size=40),
)
def test_a_message_becomes_final_once_and_stays_so(
    part_count: int, receipt_parts: ReceiptParts, news: list[tuple[int, S | None]]
) -> None:
    message = MessageTracker(part_count, receipt_parts=receipt_parts)
    ends = 0
    best = S.UNKNOWN
    for part, state in news:
        if part > part_count:
            continue
        before = message.is_final
        became_final = message.accepted(part) if state is None else message.receipt(part, state)
        ends += became_final
        assert message.is_final is (before or became_final)
        assert message.is_final is (not message.waits_for)
        if best is S.DELIVERED and part_count == 1:
            assert message.state is S.DELIVERED
        best = message.state
    assert ends == message.is_final
