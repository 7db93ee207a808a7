"""The way of a message: accepted, kept, split, sent, recorded; on both stores, with uplinks as told."""

import asyncio
from functools import partial
from typing import Any

import pytest

from gateway.errors import InvalidMessage, NoRoute, StoreError, StoreFull
from gateway.models import Message, Part, State
from gateway.store import Store
from tests.gateway.fakes import (
    CONFIG,
    NOW,
    REJECTED,
    THROTTLED,
    Answers,
    FakeUplink,
    accepted,
    always,
    callback_body,
    eventually,
    failing,
    make_core,
    new_message,
    numbered,
    receipt,
    started,
)

# --- accepting ---


async def test_accepted_means_stored(store: Store) -> None:
    core = make_core(store)
    message = await core.send("hi", recipient="+44 7700 900123")
    assert message.state is State.QUEUED
    assert message.recipient == "447700900123"
    assert await store.message("shop", message.id) == message


async def test_a_batch_is_judged_item_by_item(store: Store) -> None:
    core = make_core(store)
    outcome = await core.intake.accept([new_message(), new_message(recipient="12"), new_message(text="")])
    assert isinstance(outcome[0], Message)
    assert [(one.code, one.field) for one in outcome[1:] if isinstance(one, InvalidMessage)] == [
        ("invalid_recipient", "recipient"),
        ("missing_text", "text"),
    ]
    assert len(await store.messages("shop")) == 1


async def test_a_message_that_no_route_takes_is_refused_at_once(store: Store) -> None:
    core = make_core(store, config=CONFIG.replace("[[route]]", '[[route]]\nprefix = "91"'))
    (outcome,) = await core.intake.accept([new_message()])
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
    monkeypatch.setattr("gateway.settling.STORE_PAUSE_SECONDS", 0.001)
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
    await eventually(lambda: core.pipeline.queue_depth == 0)
    await core.pipeline.stop(1)


async def test_a_throttled_part_goes_again_with_the_same_octets(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.part_size = 2
    uplink.answer = Answers(accepted("1"), THROTTLED, accepted("3"), accepted("2"))
    message = await core.send("aabbcc")
    await core.tried("a", 3)
    await core.pass_time(5)
    await core.settled(message, State.SUBMITTED)
    first, again = (attempt.part for attempt in uplink.attempts if attempt.part.number == 2)
    assert (again.attempt, again.body, again.reference) == (2, first.body, first.reference)
    assert len(uplink.references) == 1
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
