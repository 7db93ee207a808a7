"""Uplinks that come and go while messages wait for them, go over them, or are half sent."""

import asyncio

import msgspec
import pytest

from gateway.config import Config, parse
from gateway.models import Message, Outcome, Part, State, SubmitResult
from gateway.router import Router
from gateway.store import Store
from tests.gateway.fakes import CONFIG, IN_DOUBT, Core, FakeUplink, accepted, new_message, started

replace = msgspec.structs.replace

ONLY_A = CONFIG.replace('uplinks = ["a", "b"]', 'uplinks = ["a"]')
ONLY_B = CONFIG.replace('uplinks = ["a", "b"]', 'uplinks = ["b"]')


def without_a(text: str) -> Config:
    cut = text[text.index("[uplink.a]") : text.index("[uplink.b]")]
    return parse(text.replace(cut, ""))


async def leave_a(core: Core, config: Config) -> None:
    """What a reload does with an uplink that is not configured any more."""
    core.pipeline._router.replace(Router.of(config, core.clock))
    core.pipeline.reconfigure(config, core.book)

    async def stop() -> None:
        for attempt in core.uplinks["a"].attempts:
            if not attempt.future.done():
                attempt.answer(IN_DOUBT)

    await core.pipeline.leave_uplink("a", stop)
    del core.uplinks["a"]


@pytest.fixture
async def core(store: Store) -> Core:
    return await started(store, config=ONLY_A)


async def test_what_waits_for_an_uplink_that_goes_takes_another(core: Core) -> None:
    core.uplinks["a"].free = 0
    core.uplinks["a"].has_room.clear()
    message = await core.send()
    core.uplinks["b"].answer = lambda _message, _part: accepted("b1")
    await leave_a(core, without_a(ONLY_B))
    await core.pipeline.tidy()
    done = await core.settled(message, State.SUBMITTED)
    assert done.uplink == "b"
    await core.pipeline.stop(1.0)


async def test_what_is_in_doubt_over_an_uplink_that_goes_is_judged_by_its_own_rule(store: Store) -> None:
    text = ONLY_A.replace("[uplink.a]", '[uplink.a]\nin_doubt = "fail"')
    core = await started(store, config=text)
    message = await core.send()
    await core.until(lambda: len(core.uplinks["a"].attempts) == 1)
    await leave_a(core, without_a(ONLY_B))
    done = await core.settled(message, State.FAILED)
    assert done.in_doubt
    assert not core.uplinks["b"].attempts
    await core.pipeline.stop(1.0)


async def test_a_half_sent_message_of_an_uplink_that_goes_is_not_sent_twice(core: Core) -> None:
    first = core.uplinks["a"]
    first.part_size, first.window, first.free = 3, 1, 1

    def answer(_message: Message, part: Part) -> SubmitResult | None:
        if part.number == 1:
            return accepted("a1")
        return SubmitResult(Outcome.THROTTLED, error="ESME_RTHROTTLED", retry_after=60.0)

    first.answer = answer
    message = await core.send("abcdef")
    await core.tried("a", 2)
    await leave_a(core, without_a(ONLY_B))
    parts = []
    for _ in range(2_000):
        parts = await core.store.parts(message.id)
        if all(part.state is not State.QUEUED for part in parts):
            break
        await asyncio.sleep(0.001)
    assert [part.state for part in parts] == [State.SUBMITTED, State.FAILED]
    assert "no longer configured" in parts[1].error
    assert not core.uplinks["b"].attempts
    await core.pipeline.stop(1.0)


async def test_a_message_accepted_for_an_uplink_that_is_gone_is_found_again(core: Core) -> None:
    """Its commit was under way while the uplink went."""
    way = core.pipeline._router.route(new_message())
    message = Message(
        **msgspec.structs.asdict(new_message()),
        id=core.store.ids.new(core.clock()),
        node="n1",
        created_at=core.clock(),
        updated_at=core.clock(),
        state=State.QUEUED,
        uplink="a",
    )
    work = core.pipeline.plan(message, way)
    core.uplinks["b"].answer = lambda _message, _part: accepted("b1")
    await core.store.add([message])
    await leave_a(core, without_a(ONLY_B))
    core.pipeline.hold(work)
    await core.pipeline.tidy()
    await core.pipeline.tidy()
    done = await core.settled(message, State.SUBMITTED)
    assert done.uplink == "b"
    await core.pipeline.stop(1.0)


async def test_an_uplink_that_comes_is_sent_over(core: Core) -> None:
    there = parse(
        ONLY_A.replace("[[route]]", '[uplink.c]\nservers = ["smpp://c.example:2775"]\n[[route]]').replace(
            '["a"]', '["c"]'
        )
    )
    core.uplinks["c"] = FakeUplink("c", answer=lambda _message, _part: accepted("c1"))
    core.pipeline.open_uplink("c")
    core.pipeline._router.replace(Router.of(there, core.clock))
    core.pipeline.reconfigure(there, core.book)
    message = await core.send()
    await core.pipeline.tidy()
    done = await core.settled(message, State.SUBMITTED)
    assert done.uplink == "c"
    await core.pipeline.stop(1.0)
