"""Runs a client and a server, each in a process of its own and on a core of its own, and collects what they report."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.work import Load

ROOT = Path(__file__).parent.parent
NODE_MODULES = ROOT / "tests" / "interop" / "node" / "node_modules"
PEERS = Path(__file__).parent / "peers"

# Sets the affinity before anything of the program runs, so that its threads have it as well.
_PINNED = (
    "import os, sys; hasattr(os, 'sched_setaffinity') and os.sched_setaffinity(0, {int(sys.argv[1])}); "
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took."""

    rate: float
    """Messages a second."""
    cpu_us: float
    """Of the client, microseconds a message."""
    server_cpu_us: float
    kib_per_1000: float
    """How much the client's memory grew with a thousand messages."""
    best_rate: float = 0.0
    """Of several runs: the one that others at work on the machine disturbed least."""


def cores() -> tuple[int, int]:
    """The cores for clients and for servers."""
    there = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    return there[0], there[-1]


def command(peer: str) -> list[str]:
    """How a peer is started."""
    if peer == "node":
        return ["node", str(PEERS / "node_peer.js")]
    return [sys.executable, "-m", f"bench.peers.{peer}_peer"]


def missing(peer: str) -> str:
    """Why a peer cannot run here; "" where it can."""
    if peer == "node":
        if shutil.which("node") is None:
            return "node is not installed"
        if not (NODE_MODULES / "smpp").exists():
            return f"run `npm ci` in {NODE_MODULES.parent.relative_to(ROOT)}"
    return ""


def _spawn(peer: str, role: str, load: Load, core: int, loop: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "BENCH_LOOP": loop, "NODE_PATH": str(NODE_MODULES), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", _PINNED, str(core), *command(peer), role, load.to_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )


@contextmanager
def _server(peer: str, load: Load, loop: str) -> Iterator[tuple["subprocess.Popen[str]", Load]]:
    process = _spawn(peer, "server", load, cores()[1], loop)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server {peer} did not start")
        yield process, replace(load, **json.loads(line))
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def run(client: str, server: str, load: Load, *, loop: str = "", timeout: float = 120.0) -> Figures:
    """One client against one server.

    Raises:
        RuntimeError: one of them failed, or took too long.
    """
    with _server(server, load, loop) as (running, ready):
        before = _cpu_seconds(running.pid)
        process = _spawn(client, "client", ready, cores()[0], loop)
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise RuntimeError(f"{client} against {server} took more than {timeout:g} s") from None
        if process.returncode or not output.strip():
            raise RuntimeError(f"{client} against {server} failed")
        server_cpu = (_cpu_seconds(running.pid) - before) / load.count * 1e6
        figures = json.loads(output.splitlines()[-1])
        return Figures(figures["rate"], figures["cpu_us"], server_cpu, figures["kib_per_1000"])


def node_codec() -> dict[str, float]:
    """Nanoseconds that node's codec takes, measured in a process of its own."""
    process = _spawn("node", "codec", Load(), cores()[0], "")
    output, _ = process.communicate(timeout=120)
    if process.returncode:
        raise RuntimeError("node's codec failed")
    figures: dict[str, float] = json.loads(output)
    return figures


Case = tuple[str, str, Load, str]
"""Client, server, load, loop."""


def interleaved(cases: Mapping[str, Case], rounds: int = 3) -> dict[str, Figures]:
    """The median of each case; rounds go over all of them, so that a drifting machine is fair to each."""
    results: dict[str, list[Figures]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (client, server, load, loop) in cases.items():
            results[name].append(run(client, server, load, loop=loop))
    return {name: median(runs) for name, runs in results.items()}


def median(runs: Sequence[Figures]) -> Figures:
    """The median of each figure by itself, and the best rate."""
    middle = {
        name: statistics.median(getattr(one, name) for one in runs)
        for name in ("rate", "cpu_us", "server_cpu_us", "kib_per_1000")
    }
    return Figures(**middle, best_rate=max(one.rate for one in runs))


def _cpu_seconds(pid: int) -> float:
    """Processor time of another process; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
