"""The gateway, whole and durable, on this machine's cores together with what feeds it and what it feeds.

    HTTP ──► commit ──► 202 ──► commit `sending` ──► submit_sm ──► receipt ──► commit ──► callback

Singles and batches of 100 as fast as they are answered, then singles at half that pace for the time of an answer; CPU
a message by thread and, in a run of its own, by stage of the event loop; the same with PostgreSQL; Kannel with its
spool store beside it, on the same work in the same run (it waits for no disk). Then nodes on one PostgreSQL: each
limited by its SMSC, and all in each other's way.

    python -m bench.gateway [--full]
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from bench.measure import Row, how_busy, machine, print_table
from bench.peers.gateways import AROUND, ROOT, Running, World, kannel, kannel_missing, smppkit, world
from bench.peers.http_load import Posting
from bench.scale import Scale, scale
from tests.postgres import Cluster, cluster

DRAIN_SECONDS: Final = 120.0
CONNECTIONS: Final = 256
"""Of those who post single messages: each waits for its answer, which comes with a commit."""
LIMITED_RATE: Final = 100.0
"""Parts a second that the SMSC allows a bind, where that is the limit; each node has one."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one gateway."""

    accepted_rate: float
    submit_rate: float
    callback_rate: float
    p50_ms: float
    p99_ms: float
    cpu: dict[str, float]
    """Microseconds a message, by thread."""
    lost: int
    """Messages that were accepted and not submitted, not reported or not told of in time."""


def fdatasync_milliseconds(folder: Path, count: int = 200) -> tuple[float, float]:
    """Median and 99th percentile of writing a page and waiting until the disk has it."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(count):
            file.write(b"x" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return median(times), times[int(count * 0.99)]


def run(gateway: Running, around: World, posting: Posting) -> Measured:
    """Post everything, wait until all of it has come back."""
    before, cpu_before = around.counts(), gateway.cpu_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "bench.peers.http_load", posting.to_json()],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=AROUND,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    accepted, deadline = int(figures["accepted"]), time.monotonic() + DRAIN_SECONDS
    while True:
        counts = around.counts()
        came = {name: counts[name] - before[name] for name in ("submits", "receipts", "callbacks")}
        if min(came.values()) >= accepted or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    cpu = gateway.cpu_seconds()
    return Measured(
        accepted / figures["seconds"],
        came["submits"] / (counts["last_submit_at"] - figures["started_at"]),
        came["callbacks"] / (counts["last_callback_at"] - figures["started_at"]),
        figures["p50_ms"],
        figures["p99_ms"],
        {name: (cpu[name] - cpu_before.get(name, 0.0)) / accepted * 1e6 for name in cpu},
        max(0, accepted - min(came.values())),
    )


def _row(name: str, one: Measured) -> Row:
    figures = (one.accepted_rate, one.submit_rate, one.callback_rate, one.p50_ms, one.p99_ms)
    cpu = sum(one.cpu.values())
    loop = one.cpu.get("event loop", 0.0)
    return Row(name, (*(f"{figure:,.0f}" for figure in figures), f"{cpu:,.0f}", f"{loop:,.0f}", f"{one.lost:,}"))


HEADS: Final = (
    *("accepted/s", "submitted/s", "callbacks/s", "p50 ms", "p99 ms"),
    *("CPU µs/message", "of the main thread", "not back"),
)

Maker = Callable[[Path, World], AbstractContextManager[Running]]


def single_node(size: Scale, new_url: Callable[[], str] | None) -> None:
    """One node, and Kannel beside it; rounds in turn, so that a drifting machine is fair to each."""
    makers: dict[str, Maker] = {"SQLite": smppkit}
    if new_url is not None:
        postgres = new_url
        makers["PostgreSQL"] = lambda folder, around: smppkit(folder, around, postgres())
    if reason := kannel_missing():
        print(f"Kannel is left out: {reason}")
    else:
        makers["Kannel"] = lambda folder, around: kannel(folder, around.smpp_ports, callback_url=around.callback_url)
    runs: dict[str, list[Measured]] = {}
    count = size.count(40_000)
    for _ in range(3 if size.is_full else 1):
        for name, make in makers.items():
            with tempfile.TemporaryDirectory() as folder, world() as around, make(Path(folder), around) as gateway:
                singles = run(gateway, around, gateway.posting(count=count, connections=CONNECTIONS))
                runs.setdefault(f"{name}: singles", []).append(singles)
                half = gateway.posting(count=count // 2, connections=CONNECTIONS, rate=singles.submit_rate / 2)
                runs.setdefault(f"{name}: singles at half that pace", []).append(run(gateway, around, half))
                if name != "Kannel":
                    batches = gateway.posting(count=2 * count, batch=100, connections=8)
                    runs.setdefault(f"{name}: batches of 100", []).append(run(gateway, around, batches))
    best = {name: max(found, key=lambda one: one.submit_rate) for name, found in runs.items()}
    print_table("One node, everything durable; best of the rounds", HEADS, [_row(*item) for item in best.items()])
    if "Kannel: singles" in best:
        ratio = best["SQLite: singles"].submit_rate / best["Kannel: singles"].submit_rate
        print(f"beside Kannel's spool on identical work: {ratio:.1f} times")


def stages(size: Scale) -> None:
    """What the event loop's time goes to."""
    with tempfile.TemporaryDirectory() as folder, world() as around:
        with smppkit(Path(folder), around, is_profiled=True) as gateway:
            one = run(gateway, around, gateway.posting(count=size.count(40_000), connections=CONNECTIONS))
            profile = gateway.profile
        assert profile is not None
        found: dict[str, int] = json.loads(profile.read_text(encoding="utf-8"))["stages"]
    found.pop("idle", None)
    share = one.cpu["event loop"] / sum(found.values())
    rows = [Row(stage, (f"{n * share:,.0f}",)) for stage, n in sorted(found.items(), key=lambda item: -item[1])]
    rows += [Row(name, (f"{used:,.0f}",)) for name, used in one.cpu.items() if name != "event loop"]
    print_table("SQLite, singles: where a message's processor time goes, on asyncio's loop", ("µs",), rows)


@contextmanager
def nodes(count: int, postgres: str, *, rate: float, binds: int) -> Iterator[tuple[World, list[Running]]]:
    """So many nodes on one database and one SMSC."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        around = stack.enter_context(world(servers=1))
        uplink = f"parts_per_second_per_server = {rate}" if rate else ""
        running = [
            stack.enter_context(smppkit(folder, around, postgres, node=f"n{number}", binds=binds, uplink=uplink))
            for number in range(count)
        ]
        # Until each has its share of the binds.
        time.sleep(6)
        yield around, running


def several_nodes(size: Scale, new_url: Callable[[], str]) -> None:
    """Each limited by its SMSC, then all as fast as the database lets them."""
    rows = []
    first: dict[str, float] = {}
    for count in (1, 2, 3, 4) if size.is_full else (1, 2):
        for name, rate, messages in (
            ("limited by the SMSC", LIMITED_RATE * count, int(LIMITED_RATE * count * 10)),
            ("not limited", 0.0, size.count(20_000)),
        ):
            with nodes(count, new_url(), rate=rate, binds=count) as (around, running):
                ports = tuple(one.port for one in running)
                one = run(running[0], around, Posting(ports=ports, key="bench-key", count=messages, batch=20))
            base = first.setdefault(name, one.submit_rate)
            rows.append(
                Row(
                    f"{count} node{'s' if count > 1 else ''}, {name}",
                    (f"{one.submit_rate:,.0f}", f"{one.submit_rate / base:.2f}", f"{one.p99_ms:,.0f}", f"{one.lost:,}"),
                )
            )
    heads = ("submitted/s", "of one node's", "p99 ms", "not back")
    print_table("Nodes on one PostgreSQL, batches of 20", heads, rows)


def _new_url(postgres: Cluster) -> str:
    return asyncio.run(postgres.new_url())


def main() -> None:
    """Measure and print."""
    size = scale()
    print(f"\n{machine()}; {how_busy()}")
    with tempfile.TemporaryDirectory() as folder:
        middle, high = fdatasync_milliseconds(Path(folder))
    print(f"fdatasync of a page on this disk: median {middle:.2f} ms, p99 {high:.2f} ms")
    new_url: Callable[[], str] | None = None
    with ExitStack() as stack:
        try:
            running = stack.enter_context(cluster())
        except (pytest.skip.Exception, pytest.fail.Exception) as error:
            print(f"PostgreSQL is left out: {error}")
        else:
            new_url = partial(_new_url, running)
        single_node(size, new_url)
        stages(size)
        if new_url is not None:
            several_nodes(size, new_url)
    print(how_busy())


if __name__ == "__main__":
    main()
