"""kill -9 under load, twenty times each: the gateway, a node of two, PostgreSQL, the SMSC.

At random moments, and at named points round each commit. What was lost and what was sent twice is counted from the logs
of the SMSC and of the receiver of callbacks, never from our store; the timelines only have to own up to what they show.

    python -m bench.gateway_kill [--kills N] [--seed N] [--only VICTIM]

The slow disk, the full disk and single points have tests of their own (tests/faults).
"""

import argparse
import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from bench.measure import Row, how_busy, machine, print_table
from smpp.simulator import Receipts, Rule, Script, Simulator
from tests.faults.nodes import nodes_of, smsc
from tests.faults.processes import Bench, bench, doubts_of
from tests.faults.smsc_process import SmscProcess
from tests.postgres import cluster

KINDS: Final = ("add", "depart", "record", "receive", "acknowledge")
POINTS: Final = tuple(f"{side} {kind}" for kind in KINDS for side in ("before", "after"))
PATIENCE_SECONDS: Final = 60.0
"""Without any progress."""
POSTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """What the logs say at the end."""

    kills: int
    accepted: int
    not_sent: int
    receipts_lost: int
    webhooks_lost: int
    twice: int
    unmarked: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, and nothing sent twice that was not in doubt."""
        return not (self.not_sent or self.receipts_lost or self.webhooks_lost or self.unmarked)


class Load:
    """Posts small batches until told to stop, whoever answers; only what is accepted goes into the book."""

    def __init__(self, *paths: Bench) -> None:
        self._paths = paths
        self._is_over = False
        self._tasks = [asyncio.create_task(self._post(paths[at % len(paths)])) for at in range(POSTERS)]

    async def _post(self, path: Bench) -> None:
        while not self._is_over:
            messages = path.new_messages(5)
            try:
                async with path.gateway.http.post("/api/v1/messages", json=messages) as answer:
                    if answer.status == 202:
                        for accepted in await answer.json():
                            path.accepted[accepted["id"]] = accepted["to"]
            except (aiohttp.ClientError, OSError, AssertionError, RuntimeError):
                # Dead, or not there yet: whether these were kept nobody was told.
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Post no more."""
        self._is_over = True
        await asyncio.gather(*self._tasks)


async def tally(path: Bench, kills: int, started: float) -> Tally:
    """Wait for what is still to come, then count."""
    deadline, progress = time.monotonic() + PATIENCE_SECONDS, 0
    while time.monotonic() < deadline:
        told = path.told()
        if path.accepted.keys() <= told.keys() and not path.simulator.pending_receipts:
            break
        if len(told) > progress:
            # However long it takes: lost is what does not come at all.
            deadline, progress = time.monotonic() + PATIENCE_SECONDS, len(told)
        await asyncio.sleep(0.5)
    submits, told = path.submits(), path.told()
    sent_to = {recipient for recipient, _ in submits}
    twice = unmarked = lost = 0
    for view in await path.views():
        lost += view["state"] != "delivered"
        doubts = doubts_of(view)
        for part in view["parts"]:
            times = submits[view["to"], part["short_message"]]
            twice += max(0, times - 1)
            unmarked += max(0, times - 1 - doubts[part["number"]])
    return Tally(
        kills,
        len(path.accepted),
        sum(recipient not in sent_to for recipient in path.accepted.values()),
        lost + path.simulator.pending_receipts,
        len(path.accepted.keys() - told.keys()),
        twice,
        unmarked,
        time.monotonic() - started,
    )


def simulated() -> Simulator:
    """Two servers that answer now and then late, and send a receipt until it is taken."""
    script = Script(rules=(Rule(delay=(0.0, 0.05)),), receipts=Receipts(attempts=100_000, retry=0.05, delay=(0.0, 0.2)))
    return Simulator(("smpp://127.0.0.1:0",) * 2, credentials={"demo": "secret"}, script=script, seed=5)


async def kill_gateway(folder: Path, kills: int, dice: random.Random) -> Tally:
    """At random moments."""
    started = time.monotonic()
    async with bench(folder, simulated()) as path:
        await path.gateway.start()
        load = Load(path)
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.1, 1.5))
            await path.gateway.kill()
            await path.gateway.start()
        await load.stop()
        return await tally(path, kills, started)


async def kill_gateway_at_points(folder: Path, kills: int, dice: random.Random) -> Tally:
    """On either side of each commit."""
    started = time.monotonic()
    counts: Counter[str] = Counter()
    async with bench(folder, simulated()) as path:
        await path.gateway.start()
        load = Load(path)
        for number in range(kills):
            point = POINTS[number % len(POINTS)]
            await path.gateway.kill()
            # It may be reached before anything is served, by what was left from before.
            with contextlib.suppress(AssertionError):
                await path.gateway.start(GATEWAY_FAULT_POINT=f"{point}:{dice.randint(1, 40)}")
            await path.gateway.wait(60)
            counts[point] += 1
            await path.gateway.start()
        await load.stop()
        return await tally(path, 2 * kills, started)


async def kill_node(folder: Path, kills: int, dice: random.Random) -> Tally:
    """One node of two, in turn."""
    started = time.monotonic()
    with cluster() as postgres:
        async with nodes_of(folder, postgres, smsc(Rule(delay=(0.0, 0.05)))) as nodes:
            load = Load(*nodes.benches)
            for number in range(kills):
                victim = nodes.benches[number % 2].gateway
                await asyncio.sleep(dice.uniform(0.1, 3.0))
                await victim.kill()
                await asyncio.sleep(dice.choice((0.0, 3.0)))
                await victim.start()
            await load.stop()
            return await tally(nodes.first, kills, started)


async def kill_postgres(folder: Path, kills: int, dice: random.Random) -> Tally:
    """The database, under two nodes."""
    started = time.monotonic()
    with cluster() as postgres:
        async with nodes_of(folder, postgres, smsc(Rule(delay=(0.0, 0.05)))) as nodes:
            load = Load(*nodes.benches)
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0.1, 2.0))
                postgres.kill()
                await postgres.wait_for_start()
            await load.stop()
            return await tally(nodes.first, kills, started)


async def kill_smsc(folder: Path, kills: int, dice: random.Random) -> Tally:
    """The SMSC: what it took is in its log."""
    started = time.monotonic()
    simulator = SmscProcess(folder)
    uplink = "in_doubt_limit = 100"
    async with bench(folder, simulator, uplink=uplink) as path:
        await path.gateway.start()
        load = Load(path)
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.1, 1.5))
            await simulator.kill()
            await simulator.start()
        await load.stop()
        return await tally(path, kills, started)


Victim = Callable[[Path, int, random.Random], Awaitable[Tally]]

VICTIMS: Final[dict[str, Victim]] = {
    "gateway, random": kill_gateway,
    "gateway, points": kill_gateway_at_points,
    "node of two": kill_node,
    "PostgreSQL": kill_postgres,
    "SMSC": kill_smsc,
}


def main() -> None:
    """Kill everything in turn; ends with 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="bench.gateway_kill", description="kill -9 under load")
    parser.add_argument("--full", action="store_true", help="20 kills each, as without it")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", default="", help="those whose name holds this")
    given = parser.parse_args()
    print(f"\n{machine()}; {how_busy()}; seed {given.seed}", flush=True)
    rows: list[Row] = []
    is_clean = True
    for name, run in VICTIMS.items():
        if given.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="gateway-kill-") as folder:
            found = asyncio.run(_run(run, Path(folder), given.kills, given.seed))
        is_clean &= found.is_clean
        figures = (found.kills, found.accepted, found.not_sent, found.receipts_lost, found.webhooks_lost)
        rows.append(Row(name, tuple(f"{n:,}" for n in (*figures, found.twice, found.unmarked, round(found.seconds)))))
        print(f"{name}: {'nothing lost' if found.is_clean else 'LOST'}", flush=True)
    heads = ("kills", "accepted", "not sent", "receipts lost", "webhooks lost", "twice", "unmarked", "s")
    print_table("kill -9 under load (counted from the SMSC's and the receiver's logs)", heads, rows)
    if not is_clean:
        raise SystemExit(1)


async def _run(victim: Victim, folder: Path, kills: int, seed: int) -> Tally:
    return await victim(folder, kills, random.Random(seed))


if __name__ == "__main__":
    main()
