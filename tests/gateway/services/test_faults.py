"""Services over a store that fails at every commit in turn, and nodes that die there: nothing is sent twice or lost."""

from collections.abc import Callable

import pytest

from gateway.errors import StoreError
from gateway.models import State
from gateway.providers.ports import FlowStep, VerifyRequest, VerifyStatus, VerifyStep
from gateway.store.memory import MemoryStore
from tests.gateway.services import test_failover
from tests.gateway.services.desk import ACCOUNT, NUMBER, Bench

COMMITS = range(8)


def nth(n: int) -> Callable[[str], None]:
    """A fault at the nth commit from now."""
    left = [n]

    def fault(point: str) -> None:
        if point != "before commit":
            return
        left[0] -= 1
        if left[0] == -1:
            raise OSError("no space left on device")

    return fault


@pytest.mark.parametrize("n", COMMITS)
async def test_a_flow_begun_over_a_failing_store_sends_once(n: int) -> None:
    bench = test_failover.Bench()
    bench.store.fault = nth(n)
    try:
        flow = await bench.begin(FlowStep(text="one", sender="INFO"))
    except StoreError:
        flow = None
    bench.store.fault = None
    for _ in range(4):
        await bench.passes(40)
    assert len(bench.intake.taken) == (1 if flow is not None else 0)
    if flow is not None:
        await bench.moved(flow, 0, State.DELIVERED, is_told=False)
        for _ in range(8):
            await bench.passes(600)
        assert (await bench.found(flow)).status == "delivered"


@pytest.mark.parametrize("n", COMMITS)
async def test_a_flow_that_goes_on_over_a_failing_store_takes_each_step_once(n: int) -> None:
    bench = test_failover.Bench()
    steps = [FlowStep(text=word, sender="INFO", wait_seconds=60) for word in ("one", "two", "three")]
    flow = await bench.begin(*steps)
    bench.store.fault = nth(n)
    for _ in range(12):
        bench.clock.pass_(31)
        try:
            await bench.flows.sweep()
        except StoreError:
            continue
    assert [message.text for message in bench.intake.taken] == ["one", "two", "three"]
    assert len((await bench.found(flow)).message_ids) == 3


@pytest.mark.parametrize("n", COMMITS)
async def test_a_code_begun_over_a_failing_store_is_sent_once(n: int) -> None:
    store = MemoryStore()
    bench = Bench(store)
    store.fault = nth(n)
    try:
        begun = await bench.verify.begin(ACCOUNT, VerifyRequest(number=NUMBER, dialect="words"))
    except StoreError:
        begun = None
    store.fault = None
    for _ in range(3):
        bench.clock.pass_(31)
        await bench.verify.sweep()
    assert len(bench.desk.taken) == (1 if begun is not None else 0)
    if begun is not None:
        checked = await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
        assert checked.status is VerifyStatus.VERIFIED


@pytest.mark.parametrize("n", COMMITS)
async def test_steps_over_a_failing_store_are_taken_once(n: int) -> None:
    store = MemoryStore()
    bench = Bench(store)
    steps = (VerifyStep(wait_seconds=60), VerifyStep(wait_seconds=60), VerifyStep())
    begun = await bench.verify.begin(ACCOUNT, VerifyRequest(number=NUMBER, dialect="words", steps=steps))
    store.fault = nth(n)
    for _ in range(10):
        bench.clock.pass_(31)
        try:
            await bench.verify.sweep()
        except StoreError:
            continue
    assert len(bench.desk.taken) == 3
    assert len({message.text for message in bench.desk.taken}) == 1
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert found.sends == 3


@pytest.mark.parametrize("n", COMMITS)
async def test_an_attempt_is_counted_or_not_answered(n: int) -> None:
    store = MemoryStore()
    bench = Bench(store)
    begun = await bench.verify.begin(ACCOUNT, VerifyRequest(number=NUMBER, dialect="words"))
    store.fault = nth(n)
    answered = 0
    for _ in range(3):
        try:
            await bench.verify.check(ACCOUNT, begun.id, "wrong")
        except StoreError:
            continue
        except Exception:
            answered += 1
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert found.attempts == answered
