"""Binds of a pool that are held back one by one, and let go: for those who share what an SMSC allows with others."""

import asyncio

import pytest

from smpp.pool import BindState
from smpp.simulator import Rule, Script, Simulator
from tests.faults.pools import PATIENCE_SECONDS, assert_once_unless_in_doubt, in_doubt, messages, pool_of, submit_all


def states(pool: object) -> list[BindState]:
    return [bind.state for bind in pool.binds]  # type: ignore[attr-defined]


async def test_binds_held_before_the_start_come_up_when_they_are_let() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator:
        pool = pool_of(simulator, binds_per_server=3)
        names = [bind.name for bind in pool.binds]
        for name in names:
            await pool.hold(name)
        async with pool:
            pool.let(names[1])
            await pool.wait_bound(1, PATIENCE_SECONDS)
            assert [name for name, state in zip(names, states(pool), strict=True) if state is BindState.BOUND] == [
                names[1]
            ]
            assert len(simulator.servers[0].sessions) == 1
            pool.let(names[0])
            await pool.wait_bound(2, PATIENCE_SECONDS)
            assert await pool.submit(messages(1)[0])


async def test_a_bind_that_is_held_finishes_what_is_in_flight_and_the_rest_goes_over_others() -> None:
    script = Script(rules=(Rule(delay=0.05),))
    servers = ["smpp://127.0.0.1:0"]
    async with Simulator(servers, script=script) as simulator, pool_of(simulator, binds_per_server=2) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(submit_all(pool, to_send := messages(300)))
        await simulator.wait_until(lambda: len(simulator.log) > 60, PATIENCE_SECONDS)
        await pool.hold(pool.binds[0].name)
        assert states(pool) == [BindState.DRAINED, BindState.BOUND]
        ended = await sending
        assert_once_unless_in_doubt(simulator, ended, to_send)
        assert not in_doubt(ended)
        pool.let(pool.binds[0].name)
        await pool.wait_bound(2, PATIENCE_SECONDS)


async def test_a_held_bind_stays_down_when_its_server_is_resumed_and_a_drained_one_when_it_is_let() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator, pool_of(simulator, binds_per_server=2) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        name = pool.binds[0].name
        await pool.hold(name)
        await pool.drain(simulator.urls[0])
        pool.let(name)
        assert states(pool) == [BindState.DRAINED] * 2
        await pool.hold(name)
        pool.resume(simulator.urls[0])
        await pool.wait_bound(1, PATIENCE_SECONDS)
        assert states(pool) == [BindState.DRAINED, BindState.BOUND]


async def test_a_bind_that_cannot_come_up_can_be_held() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        await simulator.servers[0].stop(in_order=False)
        await pool.hold(pool.binds[0].name)
        assert states(pool) == [BindState.DRAINED]
        await simulator.servers[0].start()
        pool.let(pool.binds[0].name)
        await pool.wait_bound(1, PATIENCE_SECONDS)


async def test_a_bind_that_is_not_there_is_named() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator, pool_of(simulator) as pool:
        with pytest.raises(ValueError, match="no bind 'x#0'"):
            await pool.hold("x#0")
        with pytest.raises(ValueError, match="no bind 'x#0'"):
            pool.let("x#0")
