"""What an SMSC allows is for all nodes together: binds, and their pace; who has none leaves its work to others.

The SMSC's own book of sessions and of moments is the judge.
"""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smpp.simulator import Rule, Simulator
from tests.faults.nodes import nodes_of, smsc
from tests.faults.processes import TWO_PARTS, Bench, eventually
from tests.postgres import Cluster, cluster
from tests.whole_path import PATIENCE_SECONDS

TAKEN_OVER = "the lease of other nodes has ended; their work is taken over"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


def held(path: Bench) -> int:
    """How many slots a node says it holds."""
    return next((line["held"] for line in reversed(path.gateway.lines) if line["event"] == "bind slots"), 0)


class Watch:
    """Looks at the sessions of a server again and again."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.most = 0

    async def run(self) -> None:
        while True:
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.002)

    @property
    def now(self) -> int:
        return len(self._simulator.servers[0].sessions)


@asynccontextmanager
async def watched(simulator: Simulator) -> AsyncIterator[Watch]:
    watch = Watch(simulator)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()


def most_in_a_second(simulator: Simulator) -> int:
    """The most messages that came within any second."""
    recent: deque[float] = deque()
    most = 0
    for entry in simulator.log:
        recent.append(entry.at)
        while recent[0] <= entry.at - 1.0:
            recent.popleft()
        most = max(most, len(recent))
    return most


async def test_nodes_together_have_no_more_binds_and_are_no_faster_than_one_may_be(
    tmp_path: Path, postgres: Cluster
) -> None:
    simulator = smsc(servers=1)
    uplink = "binds_per_server = 4\nparts_per_second_per_server = 40\nwindow = 10"
    async with (
        watched(simulator) as watch,
        nodes_of(tmp_path, postgres, simulator, uplink=uplink) as nodes,
    ):
        await eventually(lambda: watch.now == 4)
        for path in nodes.benches:
            await path.accept(path.new_messages(60))
        await nodes.second.assert_nothing_lost()
        assert watch.most == 4
        # Each bind is paced on its own, so that a second may hold one more of each.
        assert most_in_a_second(simulator) <= 44
        await eventually(lambda: [held(path) for path in nodes.benches] == [2, 2])


async def test_a_node_that_dies_leaves_its_binds_to_the_other(tmp_path: Path, postgres: Cluster) -> None:
    simulator = smsc(servers=1)
    async with (
        watched(simulator) as watch,
        nodes_of(tmp_path, postgres, simulator, uplink="binds_per_server = 2") as nodes,
    ):
        await eventually(lambda: held(nodes.second) == 1 and watch.now == 2)
        await nodes.first.gateway.kill()
        await eventually(lambda: watch.now == 1)
        await eventually(lambda: watch.now == 2)
        assert watch.most == 2
        await nodes.second.accept(nodes.second.new_messages(20))
        await nodes.second.assert_nothing_lost()


async def test_what_a_node_without_a_bind_accepts_is_sent_by_who_has_one(tmp_path: Path, postgres: Cluster) -> None:
    simulator = smsc(servers=1)
    async with (
        watched(simulator) as watch,
        nodes_of(tmp_path, postgres, simulator, number=3, uplink="binds_per_server = 1") as nodes,
    ):
        await eventually(lambda: watch.now == 1)
        for path in nodes.benches:
            await path.accept(path.new_messages(40))
        await nodes.second.assert_nothing_lost()
        assert watch.most == 1
        # Its bind goes with it, and the next node has it then.
        await nodes.first.gateway.terminate()
        for path in nodes.benches[1:]:
            await path.accept(path.new_messages(40))
        await nodes.second.assert_nothing_lost()
        assert watch.most == 1


async def test_a_node_that_stands_still_past_its_lease_closes_its_binds_and_sends_nothing(
    tmp_path: Path, postgres: Cluster
) -> None:
    simulator = smsc(Rule(delay=0.05), servers=1)
    async with nodes_of(tmp_path, postgres, simulator, uplink="binds_per_server = 2\nwindow = 5") as nodes:
        stopped, survivor = nodes.first.gateway, nodes.second
        await eventually(lambda: len(simulator.servers[0].sessions) == 2)
        await nodes.first.accept(nodes.first.new_messages(300))
        await simulator.wait_until(lambda: len(simulator.log) >= 40, PATIENCE_SECONDS)
        stopped.signal(signal.SIGSTOP)
        try:
            await eventually(lambda: TAKEN_OVER in survivor.gateway.events())
            # Its bind is gone only for us: the SMSC sees a third until the sleeper wakes.
            await eventually(lambda: len(simulator.servers[0].sessions) == 3)
        finally:
            stopped.signal(signal.SIGCONT)
        await eventually(lambda: "serving again" in stopped.events())
        await survivor.assert_nothing_lost(doubts=range(1, 300))
        await eventually(lambda: len(simulator.servers[0].sessions) == 2)


async def test_half_sent_messages_of_a_dead_node_are_ended_by_whoever_gets_its_bind(
    tmp_path: Path, postgres: Cluster
) -> None:
    """Who takes the messages over need not be who gets the bind."""
    simulator = smsc(Rule(delay=0.02), servers=1)
    async with (
        watched(simulator) as watch,
        nodes_of(tmp_path, postgres, simulator, number=4, uplink="binds_per_server = 1\nwindow = 4") as nodes,
    ):
        await eventually(lambda: held(nodes.first) == 1)
        await nodes.first.accept(nodes.first.new_messages(150, text=TWO_PARTS))
        await simulator.wait_until(lambda: len(simulator.log) >= 40, PATIENCE_SECONDS)
        await nodes.first.gateway.kill()
        await nodes.second.assert_nothing_lost(doubts=range(6))
        assert watch.most == 1
