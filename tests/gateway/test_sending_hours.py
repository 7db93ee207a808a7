"""Advertising leaves in its hours only, also what was accepted in time and had to wait."""

import asyncio

from gateway.models import State
from gateway.store import Store
from tests.gateway.fakes import CONFIG, NOW, Core, broken, eventually, numbered, started

# NOW is 08:00 UTC.
HOURS = (
    CONFIG
    + """
[account.shop.rules]
hours = "07:00-09:00"
"""
)
CLOSED = 3_600
OPENS = NOW + 23 * 3_600


async def waiting(store: Store) -> Core:
    core = await started(store, config=HOURS)
    core.uplinks["a"].is_available = core.uplinks["b"].is_available = False
    core.uplinks["a"].answer = numbered()
    await core.pipeline.tidy()
    return core


async def test_what_had_to_wait_until_its_hours_ended_waits_for_the_next(store: Store) -> None:
    core = await waiting(store)
    message = await core.send()
    urgent = await core.send("your code is 1", priority=1)
    core.clock.advance(CLOSED)
    core.uplinks["a"].set_available(True)
    found = await core.settled(message, State.SCHEDULED)
    assert found.scheduled_at == OPENS
    await core.settled(urgent, State.SUBMITTED)
    assert await core.story(message) == ["accepted", "scheduled"]
    await core.pipeline.tidy()
    assert len(core.uplinks["a"].attempts) == 1
    core.clock.now = OPENS
    await core.pipeline.tidy()
    await core.settled(message, State.SUBMITTED)
    await core.pipeline.stop(1)


async def test_what_keeps_its_hours_by_service_waits_and_the_rest_leaves(store: Store) -> None:
    core = await started(store, config=HOURS + 'hours_service = ["promotional"]\n')
    core.uplinks["a"].is_available = core.uplinks["b"].is_available = False
    core.uplinks["a"].answer = numbered()
    advert, code = await core.send(service="promotional", priority=3), await core.send()
    core.clock.advance(CLOSED)
    core.uplinks["a"].set_available(True)
    await core.settled(code, State.SUBMITTED)
    assert (await core.settled(advert, State.SCHEDULED)).scheduled_at == OPENS
    await core.pipeline.stop(1)


async def test_in_its_hours_it_leaves_at_once(store: Store) -> None:
    core = await waiting(store)
    message = await core.send()
    core.uplinks["a"].set_available(True)
    await core.settled(message, State.SUBMITTED)
    await core.pipeline.stop(1)


async def test_a_message_that_cannot_be_postponed_is_not_sent_either(store: Store) -> None:
    core = await waiting(store)
    message = await core.send()
    core.clock.advance(CLOSED)
    with broken(store, "amend"):
        core.uplinks["a"].set_available(True)
        await eventually(lambda: message.id not in core.pipeline._sender.works)
        await core.quiet()
        assert core.uplinks["a"].attempts == []

    async def is_scheduled() -> bool:
        # A look at the store that was under way already has passed it over: the next one finds it.
        await core.pipeline.tidy()
        await core.quiet()
        kept = await store.message("", message.id)
        return kept is not None and kept.state is State.SCHEDULED

    for _ in range(200):
        if await is_scheduled():
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("it was not scheduled anew")
    await core.pipeline.stop(1)
