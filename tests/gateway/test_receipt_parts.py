"""Long messages of which the SMSC is asked for the receipt of one part only."""

import pytest

from gateway.models import Message, Outcome, Part, State, SubmitResult
from gateway.store import Store
from tests.gateway.fakes import CONFIG, Core, accepted, callback_body, eventually, receipt, started


def config(which: str) -> str:
    return CONFIG.replace("[uplink.a]", f'[uplink.a]\nreceipt_parts = "{which}"')


async def submitted(store: Store, which: str) -> tuple[Core, Message]:
    """A message of three parts that the SMSC has taken under the ids 1, 2 and 3."""
    core = await started(store, config=config(which))
    uplink = core.uplinks["a"]
    uplink.part_size = 2
    uplink.answer = lambda _message, part: accepted(str(part.number))
    message = await core.send("hello")
    await core.tried("a", 3)
    await core.settled(message, State.SUBMITTED)
    return core, message


async def states(store: Store, message: Message) -> list[State]:
    return [part.state for part in await store.parts(message.id)]


@pytest.mark.parametrize(("which", "reporter"), [("first", "1"), ("last", "3")])
@pytest.mark.parametrize("state", [State.DELIVERED, State.UNDELIVERABLE])
async def test_the_end_of_one_part_is_that_of_all(store: Store, which: str, reporter: str, state: State) -> None:
    core, message = await submitted(store, which)
    await core.correlator.on_receipt(receipt(reporter, State.ENROUTE))
    assert await core.state(message) is State.SUBMITTED
    await core.correlator.on_receipt(receipt(reporter, state, error="011"))
    assert await core.state(message) is state
    assert await states(store, message) == [state] * 3
    (callback,) = await store.callbacks()
    assert callback_body(callback)["message"]["state"] == state.value
    details = [event.detail for event in await store.timeline(message.id)]
    assert sum(f"as part {reporter}," in detail for detail in details) == 2
    await core.pipeline.stop(1)


async def test_without_the_setting_each_part_has_its_own_end(store: Store) -> None:
    core, message = await submitted(store, "all")
    await core.correlator.on_receipt(receipt("1"))
    assert await states(store, message) == [State.DELIVERED, State.SUBMITTED, State.SUBMITTED]
    await core.pipeline.stop(1)


async def test_a_receipt_that_comes_before_the_other_parts_are_taken_counts_for_them(store: Store) -> None:
    core = await started(store, config=config("first"))
    uplink = core.uplinks["a"]
    uplink.part_size = 3
    message = await core.send("hello")
    await eventually(lambda: len(uplink.attempts) == 2)
    uplink.attempts[0].answer(accepted("1"))
    await eventually(lambda: not core.pipeline._sender._results and core.pipeline._sender._in_flight == 1)
    await core.correlator.on_receipt(receipt("1"))
    assert await core.state(message) is not State.DELIVERED
    uplink.attempts[1].answer(accepted("2"))
    await core.settled(message, State.DELIVERED)
    assert await states(store, message) == [State.DELIVERED, State.DELIVERED]
    assert len(await store.callbacks()) == 1
    await core.pipeline.stop(1)


async def test_a_part_that_was_refused_is_not_taken_for_delivered(store: Store) -> None:
    core = await started(store, config=config("first"))
    uplink = core.uplinks["a"]
    uplink.part_size = 3

    def answer(_message: Message, part: Part) -> SubmitResult:
        return accepted("1") if part.number == 1 else SubmitResult(Outcome.REJECTED, error="ESME_RINVDSTADR")

    uplink.answer = answer
    message = await core.send("hello")
    await core.tried("a", 2)
    await core.correlator.on_receipt(receipt("1"))
    assert await states(store, message) == [State.DELIVERED, State.REJECTED]
    assert await core.state(message) is State.REJECTED
    await core.pipeline.stop(1)


async def test_where_no_receipt_comes_all_parts_become_unknown(store: Store) -> None:
    core, message = await submitted(store, "last")
    core.clock.advance(core.config.receipts.deadline_seconds + 1)
    while not await core.correlator.sweep():
        pass
    assert await core.state(message) is State.UNKNOWN
    assert await states(store, message) == [State.UNKNOWN] * 3
    await core.pipeline.stop(1)
