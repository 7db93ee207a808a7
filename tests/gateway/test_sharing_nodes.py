"""Two nodes on one PostgreSQL: an account is as fast over both as over one, and no faster."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.models import Message
from smpp.errors import SubmitRejected
from smpp.simulator import Simulator
from tests.gateway.fakes import new_message
from tests.gateway.smsc_path import DoorPath, door_text, node, submit
from tests.postgres import Cluster
from tests.whole_path import config_text

PATIENCE_SECONDS = 60.0
RATE = 40
LIMITS = f"""
[account.shop.rules]
messages_per_second = {RATE}
burst_messages = {RATE}
"""


@dataclass
class Pair:
    first: DoorPath
    second: DoorPath
    end_second: Callable[[], object]


@pytest.fixture
async def nodes(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Pair]:
    url = await postgres.new_url()
    door = door_text(customer="parts_per_second = 20\nburst_parts = 20", more=LIMITS)
    async with Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, seed=7) as smsc:
        text = config_text(tuple(smsc.urls), tmp_path, uplink="binds_per_server = 2", more=door)
        text = text.replace(f"sqlite:{tmp_path.as_posix()}/gateway.db", url)

        def named(name: str) -> str:
            return text + f'\n[node]\nname = "{name}"\nlease_seconds = 2.0\n'

        async with AsyncExitStack() as one, AsyncExitStack() as two:
            first = await one.enter_async_context(node(smsc, named("a")))
            assert first.gateway._shares.fraction == 1.0
            second = await two.enter_async_context(node(smsc, named("b")))
            yield Pair(first, second, two.aclose)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def accepted(path: DoorPath, count: int) -> int:
    """How many of so many messages a node takes now."""
    taken = await path.gateway._intake.accept([new_message() for _ in range(count)])
    return sum(isinstance(one, Message) for one in taken)


async def test_an_account_sends_no_faster_over_two_nodes_than_over_one(nodes: Pair) -> None:
    both = (nodes.first, nodes.second)
    # Who has just started was given its half before it began to listen.
    assert nodes.second.gateway._shares.fraction > 0
    await until(lambda: [one.gateway._shares.fraction for one in both] == [0.5, 0.5])
    begun, taken = time.monotonic(), [0, 0]
    while sum(taken) < 4 * RATE:
        for at, path in enumerate(both):
            taken[at] += await accepted(path, 10)
        assert sum(taken) <= RATE + RATE * (time.monotonic() - begun) + 1
        await asyncio.sleep(0.05)
    assert min(taken) > RATE / 2


async def test_a_node_that_is_left_alone_has_the_whole_pace_soon(nodes: Pair) -> None:
    await until(lambda: nodes.first.gateway._shares.fraction == 0.5)
    await nodes.end_second()  # type: ignore[misc]
    await until(lambda: nodes.first.gateway._shares.fraction == 1.0)


async def test_a_pace_goes_to_the_node_where_it_is_asked_for(nodes: Pair) -> None:
    await until(lambda: nodes.first.gateway._shares.fraction == 0.5)
    share = nodes.first.gateway._shares.of("messages of shop")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while share.fraction < 0.8:
            await accepted(nodes.first, RATE)
            await asyncio.sleep(0.05)
    assert nodes.second.gateway._shares.of("messages of shop").fraction > 0.1


async def test_a_customer_bound_to_both_nodes_has_one_pace(nodes: Pair) -> None:
    both = (nodes.first, nodes.second)
    await until(lambda: [one.gateway._shares.fraction for one in both] == [0.5, 0.5])
    clients = [await path.bind() for path in both]
    begun, taken = time.monotonic(), 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while taken < 60:
            answers = await asyncio.gather(
                *(client.submit(submit()) for client in clients for _ in range(5)), return_exceptions=True
            )
            assert all(isinstance(one, SubmitRejected) for one in answers if isinstance(one, BaseException))
            taken += sum(not isinstance(one, BaseException) for one in answers)
            assert taken <= 20 + 20 * (time.monotonic() - begun) + 1
