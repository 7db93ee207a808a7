"""What happens to the binds of a pool, told as it happens."""

import asyncio

from smpp.pool import BindEvent, EventStream, PoolEvent
from smpp.pool.events import MOST_KEPT_EVENTS, EventHub
from smpp.simulator import BindRule, Rule, Script, Simulator
from tests.faults.pools import PATIENCE_SECONDS, messages, pool_config, pool_of, submit_all


async def until(events: EventStream, kind: BindEvent) -> list[PoolEvent]:
    seen: list[PoolEvent] = []
    while not seen or seen[-1].kind is not kind:
        seen.append(await asyncio.wait_for(anext(events), PATIENCE_SECONDS))
    return seen


async def test_stream_tells_the_life_of_a_bind() -> None:
    script = Script(binds=(BindRule(first=1, status="ESME_RALYBND"),))
    async with Simulator(script=script) as simulator:
        pool = pool_of(simulator)
        events = pool.events()
        pool.start()
        await pool.wait_bound(1, PATIENCE_SECONDS)
        simulator.servers[0].drop()
        await until(events_again := pool.events(), BindEvent.BOUND)
        events_again.close()
        await pool.drain(simulator.urls[0])
        pool.resume(simulator.urls[0])
        await pool.wait_bound(1, PATIENCE_SECONDS)
        await pool.stop()
        seen = [event async for event in events]
    assert [event.kind.value for event in seen] == [
        *("connecting", "refused", "connecting", "bound", "lost", "connecting", "bound"),
        *("draining", "drained", "connecting", "bound", "stopped"),
    ]
    assert "ESME_RALYBND" in seen[1].reason
    assert seen[4].reason
    assert seen[4].reason == seen[4].status.last_error
    assert {event.bind for event in seen} == {f"127.0.0.1:{simulator.ports[0]}#0"}
    assert [event.at for event in seen] == sorted(event.at for event in seen)


async def test_throttling_is_told_when_it_begins_and_when_it_ends() -> None:
    seen: list[PoolEvent] = []
    script = Script(rules=(Rule(first=1, status="ESME_RTHROTTLED"),))
    async with Simulator(script=script) as simulator, pool_of(simulator, on_event=seen.append) as pool:
        await submit_all(pool, messages(3))
        assert not pool.binds[0].is_paused
    kinds = [event.kind for event in seen]
    assert kinds == ["connecting", "bound", "paused", "resumed", "stopped"]
    assert seen[2].status.is_paused


async def test_unreachable_server_and_fall_back_are_told() -> None:
    script = Script(binds=(BindRule(mode="trx", status="ESME_RINVCMDID"),))
    async with Simulator(script=script) as simulator:
        await simulator.servers[0].stop()
        pool = pool_of(simulator)
        events = pool.events()
        pool.start()
        await until(events, BindEvent.UNREACHABLE)
        await simulator.servers[0].start()
        fell_back = (await until(events, BindEvent.FELL_BACK))[-1]
        assert fell_back.status.mode == "pair"
        await until(events, BindEvent.BOUND)
        await pool.stop()


async def test_callback_that_fails_harms_nobody() -> None:
    def fail(_: PoolEvent) -> None:
        raise RuntimeError("mine")

    async with Simulator() as simulator, pool_of(simulator, on_event=fail) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        assert len(await submit_all(pool, messages(3))) == 3


async def test_stream_that_nobody_reads_stays_small_and_says_what_it_missed() -> None:
    async with Simulator() as simulator, pool_of(simulator, pool_config()) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        hub = EventHub(None)
        stream = hub.listen()
        for _ in range(MOST_KEPT_EVENTS + 5):
            hub.tell(BindEvent.PAUSED, pool._binds[0], "")
        hub.close()
        assert len([event async for event in stream]) == MOST_KEPT_EVENTS
        assert stream.missed == 5
        assert [event async for event in hub.listen()] == []


async def test_status_counts_what_is_in_doubt() -> None:
    script = Script(rules=(Rule(first=1, disconnect="before"),))
    async with Simulator(script=script) as simulator, pool_of(simulator) as pool:
        await submit_all(pool, messages(1))
        status = pool.binds[0]
        assert (status.in_doubt, status.submitted, status.server) == (1, 0, f"127.0.0.1:{simulator.ports[0]}")
