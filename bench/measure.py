"""How the benchmarks measure: slices of the candidates in turn, best slice each, so that a drifting machine is fair."""

import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Candidate = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    what: str
    figures: tuple[str, ...]


def best_nanoseconds(
    candidates: Mapping[str, Candidate], *, slices: int = 7, slice_seconds: float = 0.05
) -> dict[str, float]:
    """Nanoseconds a call of each, the best of interleaved slices."""
    counts = {name: _calls_in(call, slice_seconds) for name, call in candidates.items()}
    best = dict.fromkeys(candidates, float("inf"))
    for _ in range(slices):
        for name, call in candidates.items():
            count = counts[name]
            started = time.perf_counter_ns()
            for _ in range(count):
                call()
            best[name] = min(best[name], (time.perf_counter_ns() - started) / count)
    return best


def _calls_in(call: Candidate, seconds: float) -> int:
    count = 1
    while True:
        started = time.perf_counter()
        for _ in range(count):
            call()
        taken = time.perf_counter() - started
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
    return f"Python {platform.python_version()} ({sys.platform}, {platform.machine()})"
