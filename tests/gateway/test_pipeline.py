"""Accepting, sending, recording and what follows: every outcome and policy, on both stores, with uplinks as told."""

import asyncio
from functools import partial
from typing import Any

import pytest

from gateway.errors import InvalidMessage, NoRoute, StoreError, StoreFull
from gateway.models import Message, Outcome, Part, State, SubmitResult
from gateway.store import Store
from tests.gateway.fakes import (
    CONFIG,
    NOW,
    Core,
    FakeUplink,
    accepted,
    callback_body,
    eventually,
    make_core,
    new_message,
    receipt,
)

THROTTLED = SubmitResult(Outcome.THROTTLED, error="ESME_RTHROTTLED", retry_after=5.0)
RETRY = SubmitResult(Outcome.RETRY, error="ESME_RSYSERR")
REJECTED = SubmitResult(Outcome.REJECTED, error="ESME_RINVDSTADR")
IN_DOUBT = SubmitResult(Outcome.IN_DOUBT, error="no response in 10 s")
NOT_SENT = SubmitResult(Outcome.NOT_SENT, error="the link was lost")


class Answers:
    """Answers in order, then the last one for ever."""

    def __init__(self, *results: SubmitResult) -> None:
        self.results = list(results)

    def __call__(self, _message: Message, _part: Part) -> SubmitResult:
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


async def started(store: Store, **options: Any) -> Core:
    core = make_core(store, **options)
    await core.pipeline.recover()
    core.pipeline.start()
    return core


def always(result: SubmitResult) -> Any:
    return lambda _message, _part: result


def numbered() -> Any:
    """Accepts everything, with ids 1, 2, 3 …"""
    counter = iter(range(1, 1_000_000))
    return lambda _message, _part: accepted(str(next(counter)))


# --- accepting ---


async def test_accepted_means_stored(store: Store) -> None:
    core = make_core(store)
    message = await core.send("hi", recipient="+44 7700 900123")
    assert message.state is State.QUEUED
    assert message.recipient == "447700900123"
    assert await store.message("shop", message.id) == message


async def test_a_batch_is_judged_item_by_item(store: Store) -> None:
    core = make_core(store)
    outcome = await core.pipeline.accept([new_message(), new_message(recipient="12"), new_message(text="")])
    assert isinstance(outcome[0], Message)
    assert [(one.code, one.field) for one in outcome[1:] if isinstance(one, InvalidMessage)] == [
        ("invalid_recipient", "recipient"),
        ("missing_text", "text"),
    ]
    assert len(await store.messages("shop")) == 1


async def test_a_message_that_no_route_takes_is_refused_at_once(store: Store) -> None:
    core = make_core(store, config=CONFIG.replace("[[route]]", '[[route]]\nprefix = "91"'))
    (outcome,) = await core.pipeline.accept([new_message()])
    assert isinstance(outcome, NoRoute)
    assert await store.messages("shop") == []


async def test_a_store_that_fails_refuses_and_a_later_message_goes(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(accepted("1"))
    store.fault = failing("add")
    with pytest.raises(StoreError):
        await core.send()
    store.fault = None
    message = await core.send()
    await core.settled(message, State.SUBMITTED)
    assert len(core.uplinks["a"].attempts) == 1
    await core.pipeline.stop(1)


def failing(kind: str) -> Any:
    def fault(point: str) -> None:
        if point == kind:
            raise OSError(28, "No space left on device")

    return fault


async def test_after_stop_nothing_is_accepted(store: Store) -> None:
    core = await started(store)
    await core.pipeline.stop(1)
    with pytest.raises(StoreFull) as caught:
        await core.send()
    assert caught.value.retry_after > 0


# --- the life of a message ---


async def test_a_message_is_sent_received_and_reported(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(accepted("id-1"))
    message = await core.send("hello")
    found = await core.settled(message, State.SUBMITTED)
    assert (found.uplink, found.part_count) == ("a", 1)
    await core.correlator.on_receipt(receipt("id-1", State.ENROUTE))
    await core.correlator.on_receipt(receipt("id-1", done_at=NOW + 5))
    assert await core.story(message) == ["accepted", "sending", "submitted", "enroute", "delivered"]
    (part,) = await store.parts(message.id)
    assert (part.state, part.smsc_message_id, part.bind, part.attempt) == (State.DELIVERED, "id-1", "a:2775#1", 1)
    (callback,) = await store.callbacks("shop")
    assert callback.url == "https://hooks.example/shop"
    assert callback_body(callback)["message"]["state"] == "delivered"
    await core.pipeline.stop(1)


async def test_sending_is_committed_before_the_part_is_written(store: Store) -> None:
    core = await started(store)
    seen: list[asyncio.Task[list[Part]]] = []
    core.uplinks["a"].on_submit = lambda attempt: seen.append(
        asyncio.get_running_loop().create_task(store.parts(attempt.message.id))
    )
    await core.send()
    await eventually(lambda: bool(seen))
    (part,) = await seen[0]
    assert (part.state, part.attempt, part.node, part.bind) == (State.SENDING, 1, "n1", "a:2775#1")
    await core.pipeline.stop(0)


async def test_a_part_is_not_written_while_the_store_cannot_commit_it(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.answer = always(accepted("1"))
    store.fault = failing("depart")
    message = await core.send()
    await eventually(lambda: core.metrics.store_errors.labels("depart")._value.get() >= 1)
    assert uplink.attempts == []
    assert uplink.free == uplink.window
    store.fault = None
    core.clock.advance(1)
    core.pipeline._sender.wake()
    await core.settled(message, State.SUBMITTED)
    assert [attempt.part.attempt for attempt in uplink.attempts] == [1]
    await core.pipeline.stop(1)


async def test_the_parts_of_a_split_that_was_not_kept_are_split_anew(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.part_size, uplink.window, uplink.free = 2, 2, 2
    uplink.answer = numbered()
    store.fault = failing("depart")
    message = await core.send("aabbccdd")
    await eventually(lambda: core.metrics.store_errors.labels("depart")._value.get() >= 1)
    store.fault = None
    core.clock.advance(1)
    core.pipeline._sender.wake()
    await core.settled(message, State.SUBMITTED)
    parts = await store.parts(message.id)
    assert [part.body.short_message for part in parts] == [b"aa", b"bb", b"cc", b"dd"]
    assert [attempt.part.number for attempt in uplink.attempts] == [1, 2, 3, 4]
    await core.pipeline.stop(1)


async def test_a_result_is_recorded_however_long_the_store_fails(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("gateway.sending.STORE_PAUSE_SECONDS", 0.001)
    core = await started(store)
    core.uplinks["a"].answer = always(accepted("1"))
    failures = iter([1, 1, 1])

    def fault(point: str) -> None:
        if point == "record" and next(failures, None):
            raise OSError(28, "No space left on device")

    store.fault = fault
    message = await core.send()
    await core.settled(message, State.SUBMITTED)
    assert core.metrics.store_errors.labels("record")._value.get() == 3
    assert len(core.uplinks["a"].attempts) == 1
    await core.pipeline.stop(1)


# --- several parts ---


async def test_long_messages_have_one_reference_and_share_slots(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.part_size, uplink.window, uplink.free = 2, 3, 3
    message = await core.send("aabbccddee")
    await eventually(lambda: len(uplink.attempts) == 3)
    assert [attempt.part.number for attempt in uplink.attempts] == [1, 2, 3]
    states = [part.state for part in await store.parts(message.id)]
    assert states == [State.SENDING] * 3 + [State.QUEUED] * 2
    for n, attempt in enumerate(uplink.attempts[:]):
        attempt.answer(accepted(str(n)))
    await eventually(lambda: len(uplink.attempts) == 5)
    for n, attempt in enumerate(uplink.attempts[3:], 3):
        attempt.answer(accepted(str(n)))
    found = await core.settled(message, State.SUBMITTED)
    assert found.part_count == 5
    assert len(uplink.references) == 1
    assert {part.reference for part in await store.parts(message.id)} == set(uplink.references)
    await core.pipeline.stop(1)


async def test_messages_have_references_of_their_own(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = numbered()
    messages = [await core.send() for _ in range(3)]
    for message in messages:
        await core.settled(message, State.SUBMITTED)
    first, second, third = core.uplinks["a"].references
    assert [(second - first) % 65536, (third - second) % 65536] == [1, 1]
    await core.pipeline.stop(1)


async def test_a_rejected_part_keeps_the_rest_from_being_sent(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.part_size, uplink.window, uplink.free = 2, 1, 1
    message = await core.send("aabbcc")
    await eventually(lambda: len(uplink.attempts) == 1)
    uplink.attempts[0].future.set_result(REJECTED)
    found = await core.settled(message, State.REJECTED)
    uplink.attempts[0].slot.free()
    assert found.error == "ESME_RINVDSTADR"
    assert len(uplink.attempts) == 1
    assert [part.state for part in await store.parts(message.id)] == [State.REJECTED, State.FAILED, State.FAILED]
    assert len(await store.callbacks()) == 1
    assert core.pipeline.queue_depth == 0
    await core.pipeline.stop(1)


async def test_a_throttled_part_goes_again_with_the_same_octets(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.part_size = 2
    uplink.answer = Answers(accepted("1"), THROTTLED, accepted("3"), accepted("2"))
    message = await core.send("aabbcc")
    await eventually(lambda: len(uplink.attempts) == 3)
    await asyncio.sleep(0.02)
    core.clock.advance(5)
    core.pipeline._sender.wake()
    await core.settled(message, State.SUBMITTED)
    first, again = (attempt.part for attempt in uplink.attempts if attempt.part.number == 2)
    assert (again.attempt, again.body, again.reference) == (2, first.body, first.reference)
    assert len(uplink.references) == 1
    await core.pipeline.stop(1)


# --- outcomes ---


async def test_a_throttled_part_waits_and_goes_before_what_came_later(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.window = uplink.free = 1
    first = await core.send("first")
    await eventually(lambda: len(uplink.attempts) == 1)
    uplink.is_available = core.uplinks["b"].is_available = False
    second = await core.send("second")
    third = await core.send("third")
    uplink.attempts[0].answer(THROTTLED)
    await asyncio.sleep(0.03)
    assert len(uplink.attempts) == 1
    core.clock.advance(5)
    uplink.answer = numbered()
    uplink.set_available(True)
    core.pipeline._sender.wake()
    for message in (first, second, third):
        await core.settled(message, State.SUBMITTED)
    assert [attempt.message.text for attempt in uplink.attempts] == ["first", "first", "second", "third"]
    assert [attempt.part.attempt for attempt in uplink.attempts] == [1, 2, 1, 1]
    assert await core.story(first) == ["accepted", "sending", "queued", "sending", "submitted"]
    await core.pipeline.stop(1)


async def test_a_part_that_never_left_goes_again_first(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.answer = Answers(NOT_SENT, accepted("1"))
    message = await core.send()
    found = await core.settled(message, State.SUBMITTED)
    assert not found.in_doubt
    assert [attempt.part.attempt for attempt in uplink.attempts] == [1, 2]
    await core.pipeline.stop(1)


async def test_a_part_that_never_leaves_does_not_spin(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.answer = always(NOT_SENT)
    await core.send()
    await asyncio.sleep(0.1)
    assert len(uplink.attempts) == 4
    await core.pipeline.stop(1)


async def test_a_passing_fault_goes_through_the_next_uplink(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(RETRY)
    core.uplinks["b"].answer = always(accepted("b1"))
    core.uplinks["b"].part_size = 2
    message = await core.send("hello")
    found = await core.settled(message, State.SUBMITTED)
    assert (found.uplink, found.part_count) == ("b", 3)
    parts = await store.parts(message.id)
    assert {(part.uplink, part.group) for part in parts} == {("b", "b")}
    assert [part.body.short_message for part in parts] == [b"he", b"ll", b"o"]
    await core.pipeline.stop(1)


async def test_with_no_other_uplink_a_passing_fault_is_retried_later(store: Store) -> None:
    core = await started(store, config=CONFIG.replace('uplinks = ["a", "b"]', 'uplinks = ["a"]'))
    uplink = core.uplinks["a"]
    uplink.answer = Answers(RETRY, RETRY, accepted("1"))
    message = await core.send()
    for pause in (5, 10):
        count = len(uplink.attempts)
        await asyncio.sleep(0.02)
        assert len(uplink.attempts) == max(count, 1)
        core.clock.advance(pause)
        core.pipeline._sender.wake()
        await asyncio.sleep(0.02)
    await core.settled(message, State.SUBMITTED)
    assert len(uplink.attempts) == 3
    await core.pipeline.stop(1)


async def test_once_a_part_was_accepted_the_message_stays_with_its_uplink(store: Store) -> None:
    core = await started(store)
    a, b = core.uplinks["a"], core.uplinks["b"]
    a.part_size = 2
    a.answer = Answers(accepted("1"), RETRY, accepted("2"))
    message = await core.send("aabb")
    await eventually(lambda: len(a.attempts) == 2)
    await asyncio.sleep(0.02)
    core.clock.advance(6)
    core.pipeline._sender.wake()
    await core.settled(message, State.SUBMITTED)
    assert b.attempts == []
    assert len(a.attempts) == 3
    await core.pipeline.stop(1)


async def test_passing_faults_end_at_their_limit(store: Store) -> None:
    config = CONFIG.replace('servers = ["smpp://a', 'retry_limit = 1\nservers = ["smpp://a')
    core = await started(store, config=config.replace('uplinks = ["a", "b"]', 'uplinks = ["a"]'))
    core.uplinks["a"].answer = always(RETRY)
    message = await core.send()
    await eventually(lambda: len(core.uplinks["a"].attempts) == 1)
    await asyncio.sleep(0.02)
    core.clock.advance(6)
    core.pipeline._sender.wake()
    found = await core.settled(message, State.FAILED)
    assert found.error == "ESME_RSYSERR"
    assert len(core.uplinks["a"].attempts) == 2
    await core.pipeline.stop(1)


async def test_what_is_in_doubt_is_resent_and_marked(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = Answers(IN_DOUBT, accepted("1"))
    message = await core.send()
    found = await core.settled(message, State.SUBMITTED)
    assert found.in_doubt
    assert await core.story(message) == ["accepted", "sending", "in_doubt", "queued", "sending", "submitted"]
    await core.correlator.on_receipt(receipt("1"))
    (callback,) = await store.callbacks()
    assert callback_body(callback)["message"]["in_doubt"] is True
    await core.pipeline.stop(1)


async def test_what_is_in_doubt_fails_where_policy_says_so(store: Store) -> None:
    core = await started(
        store, config=CONFIG.replace('servers = ["smpp://a', 'in_doubt = "fail"\nservers = ["smpp://a')
    )
    core.uplinks["a"].answer = always(IN_DOUBT)
    message = await core.send()
    found = await core.settled(message, State.FAILED)
    assert found.in_doubt
    assert "in doubt" in found.error
    assert len(core.uplinks["a"].attempts) == 1
    assert await core.story(message) == ["accepted", "sending", "in_doubt", "failed"]
    assert len(await store.callbacks()) == 1
    await core.pipeline.stop(1)


async def test_a_part_is_not_resent_for_doubt_for_ever(store: Store) -> None:
    core = await started(
        store, config=CONFIG.replace('servers = ["smpp://a', 'in_doubt_limit = 2\nservers = ["smpp://a')
    )
    core.uplinks["a"].answer = always(IN_DOUBT)
    message = await core.send()
    await core.settled(message, State.FAILED)
    assert len(core.uplinks["a"].attempts) == 3
    await core.pipeline.stop(1)


async def test_an_uplink_that_cannot_carry_a_message_hands_it_on_or_fails_it(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].refuses = "no binary here"
    core.uplinks["b"].answer = always(accepted("1"))
    message = await core.send()
    assert (await core.settled(message, State.SUBMITTED)).uplink == "b"
    core.uplinks["b"].refuses = "none here either"
    message = await core.send()
    found = await core.settled(message, State.FAILED)
    assert found.error == "none here either"
    assert len(await store.callbacks()) == 1
    assert await core.story(message) == ["accepted", "failed"]
    await core.pipeline.stop(1)


# --- uplinks that are down, validity, schedules ---


async def test_messages_for_an_uplink_that_is_down_take_the_next(store: Store) -> None:
    core = await started(store)
    a, b = core.uplinks["a"], core.uplinks["b"]
    a.is_available = b.is_available = False
    early = await core.send("early")
    b.answer = always(accepted("b1"))
    b.set_available(True)
    await core.pipeline.tidy()
    assert (await core.settled(early, State.SUBMITTED)).uplink == "b"
    late = await core.send("late")
    assert (await core.settled(late, State.SUBMITTED)).uplink == "b"
    assert a.attempts == []
    await core.pipeline.stop(1)


async def test_a_message_is_given_up_after_its_validity_period(store: Store) -> None:
    core = await started(store)
    for uplink in core.uplinks.values():
        uplink.is_available = False
    message = await core.send(validity_seconds=60)
    core.clock.advance(59)
    await core.pipeline.tidy()
    assert await core.state(message) is State.QUEUED
    core.clock.advance(1)
    await core.pipeline.tidy()
    found = await core.settled(message, State.EXPIRED)
    assert "validity" in found.error
    assert len(await store.callbacks()) == 1
    assert core.pipeline.queue_depth == 0
    await core.pipeline.stop(1)


async def test_throttling_ends_with_the_validity_period(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(THROTTLED)
    message = await core.send(validity_seconds=12)
    for _ in range(4):
        await asyncio.sleep(0.02)
        core.clock.advance(5)
        core.pipeline._sender.wake()
    await core.settled(message, State.EXPIRED)
    assert len(core.uplinks["a"].attempts) == 3
    await core.pipeline.stop(1)


async def test_a_scheduled_message_waits_for_its_time(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(accepted("1"))
    message = await core.send(scheduled_at=NOW + 3600, validity_seconds=60)
    assert message.state is State.SCHEDULED
    core.clock.advance(3599)
    await core.pipeline.tidy()
    assert core.uplinks["a"].attempts == []
    core.clock.advance(1)
    await core.pipeline.tidy()
    await core.settled(message, State.SUBMITTED)
    await core.pipeline.stop(1)


async def test_an_urgent_message_passes_those_that_wait(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.window = uplink.free = 1
    await core.send("first")
    await eventually(lambda: len(uplink.attempts) == 1)
    for text in ("plain 1", "plain 2"):
        await core.send(text)
    await core.send("code", priority=3)
    uplink.answer = numbered()
    uplink.attempts[0].answer(accepted("x"))
    await eventually(lambda: len(uplink.attempts) == 4)
    assert [attempt.message.text for attempt in uplink.attempts] == ["first", "code", "plain 1", "plain 2"]
    await core.pipeline.stop(1)


# --- back-pressure ---


async def test_what_has_no_room_in_memory_waits_in_the_store_and_is_sent_in_order(store: Store) -> None:
    core = await started(store, extra="[pipeline]\nqueue_limit = 4\n")
    uplink = core.uplinks["a"]
    uplink.window = uplink.free = 2
    messages = [await core.send(f"text {n:02}") for n in range(30)]
    assert core.pipeline.queue_depth <= 4
    counter = iter(range(100))
    for n in range(30):
        await eventually(partial(is_sent, uplink, n))
        uplink.attempts[n].answer(accepted(str(next(counter))))
        assert core.pipeline.queue_depth <= 4
        if n % 5 == 0:
            await core.pipeline.tidy()
    for message in messages:
        await core.settled(message, State.SUBMITTED)
    assert [attempt.message.text for attempt in uplink.attempts] == [f"text {n:02}" for n in range(30)]
    await core.pipeline.stop(1)


def is_sent(uplink: FakeUplink, n: int) -> bool:
    return len(uplink.attempts) > n


async def test_no_message_is_lost_or_doubled_when_many_accept_while_the_store_is_read(store: Store) -> None:
    core = await started(store, extra="[pipeline]\nqueue_limit = 8\n")
    uplink = core.uplinks["a"]
    uplink.answer = numbered()

    async def sender(n: int) -> list[Message]:
        return [await core.send(f"{n}/{i}") for i in range(20)]

    async def housekeeper() -> None:
        while True:
            await core.pipeline.tidy()
            await asyncio.sleep(0)

    keeper = asyncio.create_task(housekeeper())
    batches = await asyncio.gather(*(sender(n) for n in range(10)))
    for message in (one for batch in batches for one in batch):
        await core.settled(message, State.SUBMITTED)
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    texts = [attempt.message.text for attempt in uplink.attempts]
    assert len(texts) == len(set(texts)) == 200
    await core.pipeline.stop(1)


# --- stopping and recovering ---


async def test_stop_waits_for_what_is_in_flight_and_leaves_the_rest(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.window = uplink.free = 1
    first = await core.send("first")
    await eventually(lambda: len(uplink.attempts) == 1)
    second = await core.send("second")
    stopping = asyncio.create_task(core.pipeline.stop(5))
    await asyncio.sleep(0.01)
    assert not stopping.done()
    uplink.attempts[0].answer(accepted("1"))
    assert await stopping is True
    assert await core.state(first) is State.SUBMITTED
    assert await core.state(second) is State.QUEUED
    assert len(uplink.attempts) == 1


async def test_stop_ends_at_its_deadline(store: Store) -> None:
    core = await started(store)
    message = await core.send()
    await eventually(lambda: len(core.uplinks["a"].attempts) == 1)
    assert await core.pipeline.stop(0.01) is False
    assert await core.state(message) is State.SENDING


async def abandoned(store: Store, policy: str = "resend") -> tuple[Core, list[Message]]:
    """A gateway that was killed with one message in flight, one half sent, one queued."""
    config = CONFIG.replace('servers = ["smpp://a', f'in_doubt = "{policy}"\nservers = ["smpp://a')
    core = await started(store, config=config)
    uplink = core.uplinks["a"]
    uplink.part_size, uplink.window, uplink.free = 2, 2, 2
    half = await core.send("aabbcc")
    await eventually(lambda: len(uplink.attempts) == 2)
    uplink.attempts[0].answer(accepted("h1"))
    await eventually(lambda: len(uplink.attempts) == 3)
    queued = await core.send("qq")
    await core.pipeline.stop(0)
    assert [part.state for part in await store.parts(half.id)] == [State.SUBMITTED, State.SENDING, State.SENDING]
    return make_core(store, config=config), [half, queued]


async def test_after_a_crash_everything_is_sent_and_only_doubt_is_sent_twice(store: Store) -> None:
    core, (half, queued) = await abandoned(store)
    uplink = core.uplinks["a"]
    uplink.answer = numbered()
    await core.pipeline.recover()
    core.pipeline.start()
    found = await core.settled(half, State.SUBMITTED)
    assert found.in_doubt
    found = await core.settled(queued, State.SUBMITTED)
    assert not found.in_doubt
    assert [(one.part.number, one.part.attempt, one.part.body.short_message) for one in uplink.attempts] == [
        (2, 2, b"bb"),
        (3, 2, b"cc"),
        (1, 1, b"qq"),
    ]
    assert (await core.story(half)).count("in_doubt") == 2
    await core.pipeline.stop(1)


async def test_after_a_crash_doubt_fails_where_policy_says_so(store: Store) -> None:
    core, (half, queued) = await abandoned(store, "fail")
    core.uplinks["a"].answer = numbered()
    await core.pipeline.recover()
    core.pipeline.start()
    await core.settled(queued, State.SUBMITTED)
    await core.correlator.on_receipt(receipt("h1"))
    found = await core.settled(half, State.FAILED)
    assert found.in_doubt
    assert [one.message.text for one in core.uplinks["a"].attempts] == ["qq"]
    await core.pipeline.stop(1)


async def test_a_receipt_that_came_while_recovering_finds_its_part(store: Store) -> None:
    core, (half, _) = await abandoned(store)
    await core.correlator.on_receipt(receipt("9"))
    assert await store.parked() == 1
    core.uplinks["a"].answer = Answers(accepted("9"), accepted("8"))
    await core.pipeline.recover()
    core.pipeline.start()
    await core.settled(half, State.SUBMITTED)
    states = [part.state for part in await store.parts(half.id)]
    assert sorted(states) == sorted([State.SUBMITTED, State.DELIVERED, State.SUBMITTED])
    await core.pipeline.stop(1)


async def test_messages_of_an_uplink_that_was_removed_are_routed_anew(store: Store) -> None:
    core = make_core(store)
    message = await core.send()
    config = CONFIG.replace("[uplink.a]", "[uplink.c]").replace('["a", "b"]', '["c"]')
    core = await started(store, config=config)
    core.uplinks["c"].answer = always(accepted("1"))
    await core.pipeline.tidy()
    assert (await core.settled(message, State.SUBMITTED)).uplink == "c"
    await core.pipeline.stop(1)


async def test_messages_that_no_route_takes_any_more_fail_and_their_owner_is_told(store: Store) -> None:
    core = make_core(store)
    message = await core.send()
    config = CONFIG.replace("[uplink.a]", "[uplink.c]").replace(
        'uplinks = ["a", "b"]', 'prefix = "91"\nuplinks = ["c"]'
    )
    core = await started(store, config=config)
    found = await core.settled(message, State.FAILED)
    assert "no longer configured" in found.error
    assert len(await store.callbacks()) == 1
    await core.pipeline.stop(1)


async def test_parts_made_for_a_removed_uplink_are_split_anew(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].part_size = 2
    message = await core.send("aabb")
    await eventually(lambda: len(core.uplinks["a"].attempts) == 2)
    await core.pipeline.stop(0)
    config = CONFIG.replace("[uplink.a]", "[uplink.c]").replace('["a", "b"]', '["c"]')
    core = await started(store, config=config)
    core.uplinks["c"].answer = always(accepted("1"))
    found = await core.settled(message, State.SUBMITTED)
    assert (found.uplink, found.part_count, found.in_doubt) == ("c", 1, True)
    assert [part.body.short_message for part in await store.parts(message.id)] == [b"aabb"]
    await core.pipeline.stop(1)


async def test_an_uplink_that_breaks_off_an_attempt_leaves_it_in_doubt(store: Store) -> None:
    core = await started(store)
    uplink: FakeUplink = core.uplinks["a"]
    message = await core.send()
    await eventually(lambda: len(uplink.attempts) == 1)
    uplink.answer = always(accepted("1"))
    uplink.attempts[0].slot.free()
    uplink.attempts[0].future.cancel()
    assert (await core.settled(message, State.SUBMITTED)).in_doubt
    await core.pipeline.stop(1)
