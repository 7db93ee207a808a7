"""kill -9 on either side of every commit of the gateway: what was promised is kept, whatever the moment.

Nothing is asked of our store: the SMSC's log of octets and the receiver of callbacks say what was sent and told; the
timelines have to own up to what was sent twice.
"""

import asyncio
import signal
from pathlib import Path

import pytest

from smpp.simulator import Receipts, Rule, Script, Simulator
from tests.faults.processes import Bench, bench

TWO_SERVERS = ("smpp://127.0.0.1:0",) * 2
KINDS = ("add", "depart", "record", "receive", "inbound", "acknowledge")
POINTS = [f"{side} {kind}" for kind in KINDS for side in ("before", "after")]


def smsc() -> Simulator:
    script = Script(rules=(Rule(delay=(0.0, 0.02)),), receipts=Receipts(attempts=1_000, retry=0.05, delay=(0.0, 0.05)))
    return Simulator(TWO_SERVERS, credentials={"demo": "secret"}, script=script, seed=5)


async def handset(path: Bench, texts: list[str]) -> None:
    """Messages from a handset, one after the other, until the gateway is dead."""
    for text in texts:
        for reply in path.simulator.deliver(text, source="4479460000", destination="40404"):
            await reply.wait(10)


@pytest.mark.parametrize("point", POINTS)
async def test_kill_at_a_commit_loses_nothing(tmp_path: Path, point: str) -> None:
    async with bench(tmp_path, smsc()) as path:
        await path.gateway.start(GATEWAY_FAULT_POINT=f"{point}:4")
        texts = [f"reply {n}" for n in range(40)]
        talking = asyncio.create_task(handset(path, texts))
        posting = [asyncio.create_task(path.post_until_it_dies()) for _ in range(3)]
        assert await path.gateway.wait() == -signal.SIGKILL
        await asyncio.gather(*posting)
        await path.gateway.start()
        await talking
        await path.assert_nothing_lost(doubts=range(len(path.accepted) + 100))
        told = [one.json for one in path.receiver.received]
        assert {one["message"]["text"] for one in told if one["type"] != "message.status"} == set(texts)
