"""Binds of a pool that carry nothing for a while, but stay up."""

import asyncio

import pytest

from smpp.pool import BindState, Pool
from smpp.simulator import Rule, Script, Simulator
from tests.faults.pools import PATIENCE_SECONDS, assert_once_unless_in_doubt, messages, pool_of, submit_all


def is_available(pool: Pool) -> bool:
    return pool.is_available


async def test_a_suspended_bind_stays_up_and_carries_nothing() -> None:
    async with Simulator(["smpp://127.0.0.1:0"] * 2) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        pool.suspend(pool.binds[0].name)
        await submit_all(pool, messages(100))
        assert [bind.submitted for bind in pool.binds] == [0, 100]
        assert [(bind.state, bind.is_suspended) for bind in pool.binds] == [
            (BindState.BOUND, True),
            (BindState.BOUND, False),
        ]
        pool.unsuspend(pool.binds[0].name)
        await submit_all(pool, messages(100))
        assert pool.binds[0].submitted > 0


async def test_what_waited_for_its_moment_goes_over_another_bind() -> None:
    async with (
        Simulator(["smpp://127.0.0.1:0"] * 2, script=Script(rules=(Rule(delay=0.01),))) as simulator,
        pool_of(simulator, parts_per_second_per_server=200) as pool,
    ):
        await pool.wait_bound(2, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(submit_all(pool, to_send := messages(200)))
        await simulator.wait_until(lambda: len(simulator.log) > 20, PATIENCE_SECONDS)
        pool.suspend(pool.binds[0].name)
        ended = await sending
        assert_once_unless_in_doubt(simulator, ended, to_send)


async def test_a_pool_with_nothing_but_suspended_binds_is_not_available_and_its_messages_wait() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        name = pool.binds[0].name
        pool.suspend(name)
        assert not is_available(pool)
        waiting = asyncio.ensure_future(pool.submit(messages(1)[0]))
        await asyncio.sleep(0)
        assert not waiting.done()
        pool.unsuspend(name)
        assert is_available(pool)
        assert await waiting


async def test_a_bind_suspended_before_it_comes_up_carries_nothing_then() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator:
        pool = pool_of(simulator)
        pool.suspend(pool.binds[0].name)
        async with pool:
            await pool.wait_bound(1, PATIENCE_SECONDS)
            assert not is_available(pool)


async def test_a_place_that_was_taken_is_given_back_unsent() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        (slot,) = await pool.reserve(1)
        pool.suspend(pool.binds[0].name)
        with pytest.raises(Exception, match="was suspended before the part left"):
            await slot.submit(messages(1)[0])
        assert not simulator.log


async def test_a_bind_that_is_not_there_is_named() -> None:
    async with Simulator(["smpp://127.0.0.1:0"]) as simulator, pool_of(simulator) as pool:
        with pytest.raises(ValueError, match="no bind 'x#0'"):
            pool.suspend("x#0")
        with pytest.raises(ValueError, match="no bind 'x#0'"):
            pool.unsuspend("x#0")
