"""Receipts and inbound messages: committed before they are answered, whoever they are for."""

import asyncio
from typing import Any

import pytest

from gateway.errors import StoreError
from gateway.models import Inbound, State
from gateway.store import Store
from tests.gateway.fakes import CONFIG, NOW, Core, accepted, callback_body, eventually, make_core, receipt


def inbound(**fields: Any) -> Inbound:
    values: dict[str, Any] = {
        "id": "in-1",
        "account": "",
        "sender": "447700900123",
        "recipient": "447700900999",
        "text": "STOP",
        "uplink": "a",
        "bind": "a:2775#1",
        "received_at": NOW,
    }
    return Inbound(**(values | fields))


async def started(store: Store, **options: Any) -> Core:
    core = make_core(store, **options)
    await core.pipeline.recover()
    core.pipeline.start()
    return core


def fails(_point: str) -> None:
    raise OSError(28, "No space left on device")


async def test_a_receipt_that_cannot_be_kept_raises_and_changes_nothing(store: Store) -> None:
    core = await started(store)
    core.uplinks["a"].answer = lambda _message, _part: accepted("1")
    message = await core.send()
    await core.settled(message, State.SUBMITTED)
    store.fault = fails
    with pytest.raises(StoreError):
        await core.correlator.on_receipt(receipt("1"))
    with pytest.raises(StoreError):
        await core.correlator.on_inbound(inbound())
    store.fault = None
    assert await core.state(message) is State.SUBMITTED
    # The SMSC sends it again.
    await core.correlator.on_receipt(receipt("1"))
    assert await core.state(message) is State.DELIVERED
    await core.pipeline.stop(1)


async def test_a_receipt_counts_on_whichever_uplink_of_the_group_it_comes(store: Store) -> None:
    core = await started(store, config=CONFIG.replace("[uplink.b]", '[uplink.b]\ngroup = "a"'))
    core.uplinks["a"].answer = lambda _message, _part: accepted("1")
    message = await core.send()
    await core.settled(message, State.SUBMITTED)
    await core.correlator.on_receipt(receipt("1", group="a", uplink="b", bind="b:2775#1"))
    assert await core.state(message) is State.DELIVERED
    assert (await store.timeline(message.id))[-1].bind == "b:2775#1"
    await core.pipeline.stop(1)


async def test_a_receipt_that_overtakes_its_response_is_applied(store: Store) -> None:
    core = await started(store)
    uplink = core.uplinks["a"]
    message = await core.send()
    await eventually(lambda: bool(uplink.attempts))
    await core.correlator.on_receipt(receipt("1"))
    assert core.metrics.parked.labels("a")._value.get() == 1
    uplink.attempts[0].answer(accepted("1"))
    await core.settled(message, State.DELIVERED)
    await core.pipeline.stop(1)


async def test_many_receipts_at_once_all_count(store: Store) -> None:
    core = await started(store)
    numbers = iter(range(1000))
    core.uplinks["a"].answer = lambda _message, _part: accepted(str(next(numbers)))
    messages = [await core.send() for _ in range(50)]
    for message in messages:
        await core.settled(message, State.SUBMITTED)
    await asyncio.gather(*(core.correlator.on_receipt(receipt(str(n))) for n in range(50) for _ in range(2)))
    assert {await core.state(message) for message in messages} == {State.DELIVERED}
    assert len(await store.callbacks(limit=1000)) == 50
    await core.pipeline.stop(1)


@pytest.mark.parametrize("number", ["447700900999", "+447700900999", "00447700900999"])
async def test_an_inbound_message_goes_to_the_account_that_claims_its_number(store: Store, number: str) -> None:
    core = make_core(store)
    await core.correlator.on_inbound(inbound(recipient=number))
    (kept,) = await store.inbound("shop")
    assert kept.text == "STOP"
    (callback,) = await store.callbacks("shop")
    assert callback.url == "https://hooks.example/inbound"
    body = callback_body(callback)
    assert body["type"] == "message.inbound"
    assert (body["message"]["from"], body["message"]["to"], body["message"]["text"]) == ("447700900123", number, "STOP")


async def test_an_inbound_message_that_nobody_claims_is_kept(store: Store) -> None:
    core = make_core(store)
    await core.correlator.on_inbound(inbound(recipient="1234"))
    (kept,) = await store.inbound("")
    assert kept.account == ""
    assert await store.callbacks() == []


async def test_the_sweep_tells_owners_of_receipts_that_never_came(store: Store) -> None:
    core = await started(store, extra="[receipts]\ndeadline_seconds = 100\nparked_seconds = 50\n")
    core.uplinks["a"].answer = lambda _message, _part: accepted("1")
    message = await core.send()
    await core.settled(message, State.SUBMITTED)
    await core.correlator.on_receipt(receipt("stray", received_at=NOW))
    core.clock.advance(51)
    assert await core.correlator.sweep()
    assert [one.smsc_message_id for one in await store.orphans()] == ["stray"]
    assert await core.state(message) is State.SUBMITTED
    core.clock.advance(50)
    await core.correlator.sweep()
    assert await core.state(message) is State.UNKNOWN
    (callback,) = await store.callbacks()
    assert callback_body(callback)["message"]["error"] == "no receipt came in time"
    await core.pipeline.stop(1)


async def test_the_sweeper_runs_by_itself_until_stopped(store: Store) -> None:
    core = make_core(store)
    await core.correlator.on_receipt(receipt("stray", received_at=NOW - 10_000))
    core.correlator.start()
    for _ in range(500):
        if await store.orphans():
            break
        await asyncio.sleep(0.001)
    await core.correlator.stop()
    assert len(await store.orphans()) == 1
