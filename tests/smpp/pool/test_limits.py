"""Limits of servers and of binds, counted in parts; judged by what arrived, on a clock that we drive."""

import asyncio

import pytest

from smpp.pool import Pool, ServerOptions
from smpp.simulator import Simulator
from smpp.simulator.record import RateJudge
from tests.faults.pools import PATIENCE_SECONDS, TWO_SERVERS, messages, pool_config, pool_of, submit_all
from tests.virtual_time import in_virtual_time


def most_per_second(simulator: Simulator, bind: str) -> int:
    judge = RateJudge()
    for entry in simulator.log:
        if entry.bind == bind:
            judge.add(entry.at)
    return judge.max_per_second


@in_virtual_time
async def test_no_bind_exceeds_its_limit_and_all_use_theirs() -> None:
    async with Simulator() as simulator:
        async with pool_of(simulator, pool_config(parts_per_second_per_bind=50, binds_per_server=3)) as pool:
            await pool.wait_bound(3, PATIENCE_SECONDS)
            began = asyncio.get_running_loop().time()
            await submit_all(pool, messages(250))
            took = asyncio.get_running_loop().time() - began
        binds = {entry.bind for entry in simulator.log}
        assert len(binds) == 3
        assert all(most_per_second(simulator, bind) <= 50 for bind in binds)
        assert took < 2.2


@in_virtual_time
async def test_limits_of_a_server_and_of_its_binds_hold_together() -> None:
    config = pool_config(parts_per_second_per_server=60, parts_per_second_per_bind=40, binds_per_server=2)
    async with Simulator() as simulator:
        async with pool_of(simulator, config) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            text = "long " * 60
            await asyncio.gather(*(pool.send(sender="INFO", to="447000000000", text=text) for _ in range(40)))
        assert len(simulator.log) == 80
        assert simulator.servers[0].rate.max_per_second <= 60
        binds = {entry.bind for entry in simulator.log}
        assert all(most_per_second(simulator, bind) <= 40 for bind in binds)


@in_virtual_time
async def test_each_server_has_its_own_limit() -> None:
    async with Simulator(TWO_SERVERS) as simulator:
        servers = [
            ServerOptions(url=simulator.urls[0], parts_per_second=20),
            ServerOptions(url=simulator.urls[1], parts_per_second=60),
        ]
        async with Pool(servers, system_id="demo", password="secret", config=pool_config()) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            await submit_all(pool, messages(100))
        slow, fast = (server.rate for server in simulator.servers)
        assert slow.max_per_second <= 20 < fast.max_per_second <= 60
        assert slow.total == pytest.approx(25, abs=5)
