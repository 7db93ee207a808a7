"""Two nodes on one PostgreSQL database and one SMSC: one is killed or stands still, or the database is killed.

The nodes are real processes; the SMSC's log of octets and the receiver of callbacks are the judges.
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from smpp.simulator import Receipts, Rule, Script, Simulator
from tests.faults.processes import Bench, GatewayProcess, eventually
from tests.postgres import Cluster, cluster
from tests.whole_path import PATIENCE_SECONDS, Receiver, config_text, receiver

ANY = range(1_000_000)
LEASE_SECONDS = 2.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@dataclass(slots=True)
class Nodes:
    """Two nodes, each with a bench that keeps one book with the other."""

    first: Bench
    second: Bench

    async def post_for(self, path: Bench, seconds: float, *, batch: int = 5) -> None:
        """POST small batches one after the other, whatever the answers; only what is accepted goes into the book."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            messages = path.new_messages(batch)
            try:
                async with path.gateway.http.post("/api/v1/messages", json=messages) as answer:
                    if answer.status == 202:
                        for accepted in await answer.json():
                            path.accepted[accepted["id"]] = accepted["to"]
                        continue
                    assert answer.status in (429, 503), await answer.text()
            except (aiohttp.ClientError, ConnectionError):
                # Whether these were kept nobody was told.
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.02)


def config_of(node: str, url: str, simulator: Simulator, taker: Receiver, folder: Path) -> Path:
    more = f'[node]\nname = "{node}"\nlease_seconds = {LEASE_SECONDS}\n'
    text = config_text(simulator.urls, folder, callbacks=taker.url + "/native", uplink="window = 20", more=more)
    path = folder / f"{node}.toml"
    path.write_text(re.sub(r'url = "sqlite:[^"]*"', f'url = "{url}"', text))
    return path


@asynccontextmanager
async def two_nodes(tmp_path: Path, postgres: Cluster, *rules: Rule) -> AsyncIterator[Nodes]:
    """Two nodes that serve, bound to both servers of an SMSC that sends its receipts over any bind."""
    url = await postgres.new_url()
    script = Script(rules=rules, receipts=Receipts(attempts=1_000, retry=0.05))
    simulator = Simulator(
        ("smpp://127.0.0.1:0",) * 2,
        credentials={"demo": "secret"},
        script=script,
        receipt_route="other_server",
        seed=5,
    )
    async with simulator, receiver() as taker:
        numbers, accepted = count(919000000000), dict[str, str]()
        benches = [
            Bench(
                simulator,
                taker,
                GatewayProcess(config_of(node, url, simulator, taker, tmp_path)),
                tmp_path,
                accepted,
                numbers,
            )
            for node in ("n1", "n2")
        ]
        nodes = Nodes(*benches)
        try:
            for one in benches:
                await one.gateway.start()
            yield nodes
        finally:
            for one in benches:
                await one.gateway.close()


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
