"""The order in which things go."""

from typing import Any

import pytest

from gateway.lanes import Item, Lane, Work, estimated_parts
from gateway.models import Message, Part, PartBody, State
from gateway.routing import Decision
from tests.gateway.fakes import NOW, new_message


def work(name: str, *, parts: int = 0, **fields: Any) -> Work:
    new = new_message(**fields)
    values = {field: getattr(new, field) for field in new.__struct_fields__}
    message = Message(**values, id=name, node="n1", created_at=NOW, updated_at=NOW)
    made = Work(message, Decision(("a",)), expires_at=NOW + 60, lane="a")
    made.parts = [
        Part(message_id=name, number=n, body=PartBody(short_message=b"", data_coding=0)) for n in range(1, parts + 1)
    ]
    return made


def names(lane: Lane, now: float = NOW) -> list[str]:
    taken = []
    while (item := lane.pop(now)) is not None:
        taken.append(f"{item.work.message.id}{item.number or ''}")
        if item.number:
            part = item.work.parts[item.number - 1]
            item.work.parts[item.number - 1] = Part(
                message_id=part.message_id, number=part.number, body=part.body, state=State.SENDING
            )
    return taken


def test_by_priority_what_was_throttled_goes_first_then_what_has_begun_then_the_rest() -> None:
    lane = Lane("a", 100)
    for one in (work("m"), work("n"), work("urgent", priority=2)):
        lane.push(one)
    begun, throttled = work("b", parts=2), work("t", parts=1)
    lane.adopt(begun)
    lane.adopt(throttled)
    lane.push_begun(begun.item(2))
    lane.push_front(throttled.item(1), NOW)
    assert names(lane) == ["urgent", "t1", "b2", "m", "n"]


def test_a_code_does_not_wait_for_what_a_batch_must_send_again() -> None:
    lane = Lane("a", 100)
    codes = work("code", priority=3, parts=2)
    for n in range(20):
        throttled = work(f"t{n}", parts=1)
        lane.adopt(throttled)
        lane.push_front(throttled.item(1), NOW)
    lane.adopt(codes)
    lane.push_begun(codes.item(2))
    lane.push_front(codes.item(1), NOW + 5)
    lane.push(work("other", priority=2))
    assert lane.next_ready_at() == NOW
    assert lane.ready_count(NOW) == 22
    assert names(lane)[:3] == ["code2", "other", "t01"]
    assert lane.next_ready_at() == NOW + 5
    assert names(lane, NOW + 5) == ["code1"]


def test_what_must_wait_lets_others_pass_until_it_is_ready() -> None:
    lane = Lane("a", 100)
    later = work("later", parts=1)
    lane.adopt(later)
    lane.push_front(later.item(1), NOW + 5)
    lane.push(work("m"))
    assert lane.ready_count(NOW) == 1
    assert lane.next_ready_at() == NOW + 5
    assert names(lane) == ["m"]
    lane.push(work("n"))
    assert names(lane, NOW + 5) == ["later1", "n"]


def test_what_is_put_back_keeps_its_order_and_goes_first() -> None:
    lane = Lane("a", 100)
    for name in "mno":
        lane.push(work(name))
    items = [item for _ in range(2) if (item := lane.pop(NOW)) is not None]
    lane.put_back(items, NOW)
    assert names(lane) == ["m", "n", "o"]


def test_items_that_mean_nothing_any_more_are_skipped() -> None:
    lane = Lane("a", 100)
    dropped, moved, done, broken, same = (work(name, parts=2) for name in ("d", "m", "f", "b", "s"))
    for one in (dropped, moved, done, broken, same):
        lane.adopt(one)
        lane.push_front(one.item(2), NOW)
    lane.drop(dropped)
    moved.unsplit()
    done.parts[1] = Part(message_id="f", number=2, body=done.parts[1].body, state=State.FAILED)
    broken.broken = (State.EXPIRED, "late")
    assert names(lane) == ["s2"]


def test_a_message_split_anew_is_not_taken_for_its_earlier_parts() -> None:
    lane = Lane("a", 100)
    one = work("m", parts=2)
    lane.adopt(one)
    stale = one.item(2)
    lane.push_begun(stale)
    one.unsplit()
    one.parts = work("m", parts=2).parts
    assert lane.pop(NOW) is None
    assert stale == Item(one, 2, 0)


def test_room_counts_what_is_in_flight() -> None:
    lane = Lane("a", 2)
    lane.push(work("m"))
    lane.push(work("n"))
    assert lane.room("shop") == 0
    lane.pop(NOW)
    assert lane.room("shop") == 0
    lane.drop(lane.works["m"])
    lane.drop(work("m"))
    assert lane.room("shop") == 1


def test_each_account_has_its_part_of_the_room() -> None:
    lane = Lane("a", 12)
    for n in range(12):
        lane.push(work(f"m{n}"))
    assert (lane.room("shop"), lane.room("bank")) == (0, 6)
    lane.push(work("code", account="bank"))
    assert (lane.room("shop"), lane.room("bank"), lane.room("third")) == (0, 5, 4)
    assert (lane.room("shop", is_urgent=True), lane.room("bank", is_urgent=True)) == (0, 11)
    lane.leave_behind("third")
    lane.drop(lane.works["code"])
    assert lane.held == {"shop": 12}
    assert not lane.wants("shop")
    assert lane.wants("third")
    lane.behind.clear()
    lane.has_more = True
    assert lane.quota("shop") == 12
    for n in range(6):
        assert not lane.wants("shop")
        lane.drop(lane.works[f"m{n}"])
    assert lane.wants("shop")


def test_accounts_take_turns_within_a_priority() -> None:
    lane = Lane("a", 100, lambda account: 2 if account == "bank" else 1)
    for n in range(4):
        lane.push(work(f"s{n}"))
    for n in range(4):
        lane.push(work(f"b{n}", account="bank"))
    lane.push(work("urgent", priority=3))
    assert names(lane) == ["urgent", "s0", "b0", "b1", "s1", "b2", "b3", "s2", "s3"]


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"text": "x" * 160}, 1),
        ({"text": "x" * 161}, 2),
        ({"text": "я" * 70}, 1),
        ({"text": "я" * 135}, 3),
        ({"text": "", "data": b""}, 1),
        ({"text": "", "data": b"x" * 281}, 3),
    ],
)
def test_long_messages_count_for_about_as_many_turns(fields: dict[str, Any], parts: int) -> None:
    assert estimated_parts(work("m", **fields).message) == parts


def test_expired_messages_are_found_whatever_they_wait_for() -> None:
    lane = Lane("a", 10)
    one = work("m")
    lane.push(one)
    assert list(lane.expired(NOW + 59)) == []
    assert list(lane.expired(NOW + 60)) == [one]
