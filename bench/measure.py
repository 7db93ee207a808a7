"""How the benchmarks measure: slices of the candidates in turn, best slice each.

In turn, so that a drifting machine is fair; processor time, so that others at work on it matter less.
"""

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Candidate = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    what: str
    figures: tuple[str, ...]


def best_nanoseconds(
    candidates: Mapping[str, Candidate], *, slices: int = 60, slice_seconds: float = 0.005
) -> dict[str, float]:
    """Nanoseconds of processor time a call of each, the best of interleaved slices."""
    counts = {name: _calls_in(call, slice_seconds) for name, call in candidates.items()}
    best = dict.fromkeys(candidates, float("inf"))
    for _ in range(slices):
        for name, call in candidates.items():
            count = counts[name]
            started = time.thread_time_ns()
            for _ in range(count):
                call()
            best[name] = min(best[name], (time.thread_time_ns() - started) / count)
    return best


def _calls_in(call: Candidate, seconds: float) -> int:
    """How many calls fill the time. Tried twice: a first call may do more, or the garbage collector come between."""
    count = 1
    while True:
        taken = seconds
        for _ in range(2):
            started = time.thread_time()
            for _ in range(count):
                call()
            taken = min(taken, time.thread_time() - started)
        if taken >= seconds / 4:
            return max(1, int(count * seconds / taken))
        count *= 4


def print_table(title: str, heads: tuple[str, ...], rows: list[Row]) -> None:
    """A table for a terminal."""
    widths = [max(len(head), *(len(row.figures[i]) for row in rows)) for i, head in enumerate(heads)]
    first = max(len(row.what) for row in rows)
    print(f"\n{title}")
    print(" " * first + "  " + "  ".join(head.rjust(width) for head, width in zip(heads, widths, strict=True)))
    for row in rows:
        figures = "  ".join(figure.rjust(width) for figure, width in zip(row.figures, widths, strict=True))
        print(f"{row.what.ljust(first)}  {figures}")


def machine() -> str:
    """Interpreter and machine in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = _cpu_model()
    system = f"{sys.platform}, {platform.machine()}{', ' + model if model else ''}"
    return f"Python {platform.python_version()}, {cores} cores ({system})"


def how_busy() -> str:
    """How busy the machine is besides, in one line."""
    if not hasattr(os, "getloadavg"):
        return ""
    return "load average " + ", ".join(f"{load:.2f}" for load in os.getloadavg())


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
