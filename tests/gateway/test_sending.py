"""What follows from every outcome, policy and passing of time."""

from gateway.models import State
from gateway.store import Store
from tests.gateway.fakes import (
    CONFIG,
    IN_DOUBT,
    NOT_SENT,
    NOW,
    RETRY,
    THROTTLED,
    Answers,
    accepted,
    always,
    callback_body,
    eventually,
    numbered,
    receipt,
    started,
)

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
    await core.quiet()
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
    await core.tried("a", 4)
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
    for count, pause in ((1, 5), (2, 10)):
        await core.tried("a", count)
        await core.pass_time(pause - 1)
        await core.tried("a", count)
        await core.pass_time(1)
    await core.settled(message, State.SUBMITTED)
    assert len(uplink.attempts) == 3
    await core.pipeline.stop(1)


async def test_once_a_part_was_accepted_the_message_stays_with_its_uplink(store: Store) -> None:
    core = await started(store)
    a, b = core.uplinks["a"], core.uplinks["b"]
    a.part_size = 2
    a.answer = Answers(accepted("1"), RETRY, accepted("2"))
    message = await core.send("aabb")
    await core.tried("a", 2)
    await core.pass_time(6)
    await core.settled(message, State.SUBMITTED)
    assert b.attempts == []
    assert len(a.attempts) == 3
    await core.pipeline.stop(1)


async def test_passing_faults_end_at_their_limit(store: Store) -> None:
    config = CONFIG.replace('servers = ["smpp://a', 'retry_limit = 1\nservers = ["smpp://a')
    core = await started(store, config=config.replace('uplinks = ["a", "b"]', 'uplinks = ["a"]'))
    core.uplinks["a"].answer = always(RETRY)
    message = await core.send()
    await core.tried("a", 1)
    await core.pass_time(6)
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
    await eventually(lambda: core.pipeline.queue_depth == 0)
    await core.pipeline.stop(1)


async def test_throttling_ends_with_the_validity_period(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(THROTTLED)
    message = await core.send(validity_seconds=12)
    for count in (1, 2, 3):
        await core.tried("a", count)
        await core.pass_time(5)
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
