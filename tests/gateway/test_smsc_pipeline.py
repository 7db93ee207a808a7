"""Cancelling and replacing what has not left, wherever it waits: in a lane, behind it in the store, on the clock."""

import asyncio

import msgspec
import pytest

from gateway.errors import InvalidMessage, NotWaiting, StoreError
from gateway.models import Message, State
from gateway.store import Store
from gateway.store.memory import MemoryStore
from tests.gateway.fakes import Core, eventually, failing, make_core, new_message, numbered, started

replace = msgspec.structs.replace


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


def renamed(message: Message) -> Message:
    return replace(message, text="new")


async def still(store: Store, **options: str) -> Core:
    """A gateway whose uplinks take nothing yet."""
    core = await started(store, **options)
    for uplink in core.uplinks.values():
        uplink.answer = numbered()
        uplink.set_available(False)
    return core


async def release(core: Core) -> list[str]:
    """Let the uplinks take what waits; the texts that left."""
    for uplink in core.uplinks.values():
        uplink.set_available(True)
    await core.pipeline.tidy()
    await asyncio.sleep(0.02)
    await core.quiet()
    return [attempt.message.text for uplink in core.uplinks.values() for attempt in uplink.attempts]


async def test_a_cancelled_message_never_leaves(memory: MemoryStore) -> None:
    core = await still(memory)
    gone, kept = await core.send("gone"), await core.send("kept")
    cancelled = await core.intake.cancel("shop", gone.id)
    assert cancelled.state is State.DELETED
    assert await release(core) == ["kept"]
    assert await core.state(gone) is State.DELETED
    assert await core.state(kept) is State.SUBMITTED
    assert len(await memory.callbacks("shop")) == 1
    await core.pipeline.stop(1)


async def test_a_replaced_message_leaves_once_as_it_is_now(memory: MemoryStore) -> None:
    core = await still(memory)
    message, other = await core.send("old"), await core.send("other")
    await core.intake.amend("shop", message.id, renamed)
    assert sorted(await release(core)) == ["new", "other"]
    assert await core.state(message) is await core.state(other) is State.SUBMITTED
    await core.pipeline.stop(1)


async def test_what_waits_in_the_store_is_cancelled_and_replaced_too(memory: MemoryStore) -> None:
    core = await still(memory, extra="[pipeline]\nqueue_limit = 1")
    messages = [await core.send(f"text {n}") for n in range(4)]
    await core.intake.cancel("shop", messages[2].id)
    await core.intake.amend("shop", messages[3].id, renamed)
    for uplink in core.uplinks.values():
        uplink.set_available(True)
    for message in (messages[0], messages[1], messages[3]):
        for _ in range(200):
            await core.pipeline.tidy()
            await asyncio.sleep(0.001)
            if await core.state(message) is State.SUBMITTED:
                break
    left = sorted(attempt.message.text for uplink in core.uplinks.values() for attempt in uplink.attempts)
    assert left == ["new", "text 0", "text 1"]
    await core.pipeline.stop(1)


async def test_a_scheduled_message_is_moved(memory: MemoryStore) -> None:
    core = await still(memory)
    message = await core.send("later", scheduled_at=core.clock() + 100)
    await core.intake.amend("shop", message.id, lambda old: replace(old, scheduled_at=core.clock() + 50))
    core.clock.advance(60)
    assert await release(core) == ["later"]
    await core.pipeline.stop(1)


async def test_what_left_ended_or_is_not_theirs_cannot_be_changed(memory: MemoryStore) -> None:
    core = await still(memory)
    message = await core.send()
    for account, message_id in (("other", message.id), ("shop", "nothing"), ("other", "nothing")):
        with pytest.raises(NotWaiting) as refused:
            await core.intake.cancel(account, message_id)
        assert not refused.value.is_known
    await release(core)
    for change in (core.intake.cancel("shop", message.id), core.intake.amend("shop", message.id, renamed)):
        with pytest.raises(NotWaiting) as refused:
            await change
        assert refused.value.is_known
    await core.pipeline.stop(1)


async def test_one_that_cannot_be_replaced_leaves_as_it_was(memory: MemoryStore) -> None:
    core = await still(memory)
    message = await core.send("old")
    with pytest.raises(InvalidMessage):
        await core.intake.amend("shop", message.id, lambda old: replace(old, text=""))
    memory.fault = failing("amend")
    with pytest.raises(StoreError):
        await core.intake.amend("shop", message.id, renamed)
    memory.fault = failing("end")
    with pytest.raises(StoreError):
        await core.intake.cancel("shop", message.id)
    memory.fault = None
    assert await release(core) == ["old"]
    await core.pipeline.stop(1)


async def test_of_two_cancels_at_once_one_wins(memory: MemoryStore) -> None:
    core = await still(memory)
    message = await core.send()
    both = await asyncio.gather(
        core.intake.cancel("shop", message.id), core.intake.cancel("shop", message.id), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["Message", "NotWaiting"]
    await core.pipeline.stop(1)


async def test_a_cancel_against_a_sender_at_work_has_one_end(memory: MemoryStore) -> None:
    core = await started(memory)
    core.uplinks["a"].answer = numbered()
    cancelled = 0
    messages = []
    for n in range(100):
        message = await core.send(f"n{n}")
        messages.append(message)
        for _ in range(n % 4):
            await asyncio.sleep(0)
        try:
            await core.intake.cancel("shop", message.id)
        except NotWaiting:
            continue
        cancelled += 1
    await eventually(lambda: len(core.uplinks["a"].attempts) >= 100 - cancelled)
    await core.quiet()
    states = [await core.state(message) for message in messages]
    assert states.count(State.DELETED) == cancelled
    assert states.count(State.SUBMITTED) == 100 - cancelled == len(core.uplinks["a"].attempts)
    await core.pipeline.stop(1)


async def test_ids_may_be_given(memory: MemoryStore) -> None:
    core = make_core(memory)
    first = await core.send()
    given = memory.ids.new(core.clock())
    outcome = await core.intake.accept([new_message(), new_message()], ids=(given,))
    ids = [one.id for one in outcome if isinstance(one, Message)]
    assert ids[0] == given
    assert len({first.id, *ids}) == 3
