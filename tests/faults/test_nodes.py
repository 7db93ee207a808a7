"""Two nodes on one PostgreSQL database and one SMSC: one is killed or stands still, or the database is killed.

The nodes are real processes; the SMSC's log of octets and the receiver of callbacks are the judges.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smpp.simulator import Rule
from tests.faults.nodes import Nodes, nodes_of, smsc
from tests.faults.processes import eventually
from tests.postgres import Cluster, cluster
from tests.whole_path import PATIENCE_SECONDS

ANY = range(1_000_000)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@asynccontextmanager
async def two_nodes(tmp_path: Path, postgres: Cluster, *rules: Rule) -> AsyncIterator[Nodes]:
    """Two nodes that serve, bound to an SMSC's two servers, a bind each."""
    async with nodes_of(tmp_path, postgres, smsc(*rules)) as nodes:
        yield nodes


async def test_a_node_that_is_killed_under_load_loses_nothing(tmp_path: Path, postgres: Cluster) -> None:
    async with two_nodes(tmp_path, postgres, Rule(delay=(0.01, 0.1))) as nodes:
        async with asyncio.TaskGroup() as group:
            group.create_task(nodes.first.post_until_it_dies())
            group.create_task(nodes.post_for(nodes.second, 3.0))
            await asyncio.sleep(1.0)
            await nodes.first.gateway.kill()
        await nodes.second.assert_nothing_lost(doubts=ANY)


async def test_a_node_that_stands_still_and_wakes_sends_nothing_of_what_was_taken_over(
    tmp_path: Path, postgres: Cluster
) -> None:
    async with two_nodes(tmp_path, postgres, Rule(delay=(0.05, 0.2))) as nodes:
        stopped, survivor = nodes.first.gateway, nodes.second
        await nodes.first.accept(nodes.first.new_messages(400))
        await survivor.simulator.wait_until(lambda: len(survivor.simulator.log) >= 60, PATIENCE_SECONDS)
        stopped.signal(signal.SIGSTOP)
        before = set(survivor.submits())
        try:
            # The survivor sends all that the other had not begun, and again what it had.
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(survivor.submits()) < len(before) + 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            stopped.signal(signal.SIGCONT)
        await eventually(lambda: "serving again" in [line["event"] for line in stopped.lines])
        assert "another node has taken over from this one" in [line["event"] for line in stopped.lines]
        await survivor.assert_nothing_lost(doubts=ANY)


async def test_a_killed_database_loses_nothing_that_was_accepted(tmp_path: Path, postgres: Cluster) -> None:
    async with two_nodes(tmp_path, postgres, Rule(delay=(0.0, 0.05))) as nodes:
        async with asyncio.TaskGroup() as group:
            for one in (nodes.first, nodes.second):
                group.create_task(nodes.post_for(one, 4.0))
            await asyncio.sleep(1.0)
            postgres.kill()
            await asyncio.sleep(0.5)
            await postgres.wait_for_start()
        assert nodes.first.accepted
        await nodes.first.assert_nothing_lost(doubts=ANY)


async def test_a_node_that_stops_in_order_leaves_its_queue_to_the_other(tmp_path: Path, postgres: Cluster) -> None:
    async with two_nodes(tmp_path, postgres, Rule(delay=0.02)) as nodes:
        await nodes.first.accept(nodes.first.new_messages(400))
        await nodes.first.gateway.terminate()
        await nodes.second.assert_nothing_lost()
