"""Limits with 100 waiters, long messages and retries, judged by the simulator; the clock is one that we drive."""

import asyncio
import itertools

import pytest

from smpp.client import ClientConfig
from smpp.pool import Pool, PoolConfig
from smpp.session import SessionConfig
from smpp.simulator import RateJudge, Rule, Script, Simulator
from tests.virtual_time import run_virtually

WAITERS = 100


async def arrivals(limit: int, seconds: float) -> tuple[list[float], int]:
    """When parts came, and how many were refused and came again."""
    script = Script(rules=(Rule(probability=0.02, status="ESME_RSYSERR"),))
    config = PoolConfig(
        client=ClientConfig(session=SessionConfig(window=50)),
        binds_per_server=4,
        parts_per_second_per_server=limit,
        retry_later_min_seconds=0.05,
        retry_later_max_seconds=0.2,
    )
    numbers = itertools.count()
    loop = asyncio.get_running_loop()
    async with Simulator(script=script, seed=7) as simulator:
        async with Pool(simulator.urls, system_id="demo", config=config) as pool:
            await pool.wait_bound(4)
            end = loop.time() + seconds

            async def work() -> None:
                while loop.time() < end:
                    number = next(numbers)
                    text = "long " * 80 if number % 10 == 0 else "short"
                    await pool.send(sender="INFO", to=f"4470{number:08}", text=text, receipt=False)

            await asyncio.gather(*(work() for _ in range(WAITERS)))
        return [entry.at for entry in simulator.log], simulator.counters["refused"]


@pytest.mark.parametrize("lateness", [0.0, 0.001], ids=["timers on time", "timers late"])
@pytest.mark.parametrize(("limit", "seconds"), [(50, 40.0), (5_000, 2.0)])
def test_no_sliding_second_exceeds_the_limit_and_the_average_is_within_one_percent(
    limit: int, seconds: float, lateness: float
) -> None:
    times, refused = run_virtually(arrivals(limit, seconds), lateness=lateness)
    judge = RateJudge()
    for moment in times:
        judge.add(moment)
    assert refused > 10
    assert judge.max_per_second <= limit
    # At the end only what was refused is still on its way.
    while_all_sent = [moment for moment in times if moment <= times[0] + seconds]
    assert len(while_all_sent) / seconds == pytest.approx(limit, rel=0.01)
