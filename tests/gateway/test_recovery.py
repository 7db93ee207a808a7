"""Stopping, and starting again after a stop or a kill."""

import asyncio

from gateway.models import Message, State
from gateway.store import Store
from tests.gateway.fakes import (
    CONFIG,
    Answers,
    Core,
    FakeUplink,
    accepted,
    always,
    eventually,
    make_core,
    new_message,
    numbered,
    receipt,
    started,
)


async def test_stop_waits_for_what_is_in_flight_and_leaves_the_rest(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    uplink.window = uplink.free = 1
    first = await core.send("first")
    await eventually(lambda: len(uplink.attempts) == 1)
    second = await core.send("second")
    stopping = asyncio.create_task(core.pipeline.stop(5))
    for _ in range(10):
        await asyncio.sleep(0)
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


async def test_messages_that_no_route_takes_any_more_wait_until_they_expire(store: Store) -> None:
    core = make_core(store)
    message = await core.send()
    config = CONFIG.replace("[uplink.a]", "[uplink.c]").replace(
        'uplinks = ["a", "b"]', 'prefix = "91"\nuplinks = ["c"]'
    )
    core = await started(store, config=config)
    assert await core.state(message) is State.QUEUED
    core.clock.advance(86_400)
    await core.pipeline.tidy()
    found = await core.settled(message, State.EXPIRED)
    assert "validity" in found.error
    assert len(await store.callbacks()) == 1
    await core.pipeline.stop(1)


async def test_a_config_without_uplinks_leaves_everything_as_it_is(store: Store) -> None:
    _, (half, queued) = await abandoned(store)
    core = await started(store, config=CONFIG[: CONFIG.index("[uplink.a]")])
    await core.pipeline.tidy()
    assert await core.state(half) is State.SENDING
    assert await core.state(queued) is State.QUEUED
    await core.pipeline.stop(1)


async def test_a_message_whose_sender_hung_up_during_the_commit_is_sent(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = always(accepted("1"))
    for turns in range(4):
        asking = asyncio.create_task(core.intake.accept([new_message()]))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await store.ping()
    kept = await store.messages("shop")
    for message in kept:
        await core.pipeline.tidy()
        await core.settled(message, State.SUBMITTED)
    assert len(core.uplinks["a"].attempts) == len(kept)
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
