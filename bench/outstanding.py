"""What do outstanding receipts take, up to a million: memory a part, and the time to register one and to find it?

Found is the part of a receipt for any of them, at random: processor time, the best of slices, each with parts of its
own. The steps are the same however many wait, which is counted: every bytecode that is executed for one receipt. What
grows is how far the processor has to go for memory that is in none of its caches. So a plain dict with the same keys is
asked as well: what that takes more than with few is the memory's, and no look-up can do without it.
"""

import gc
import random
import subprocess
import sys
import time
from dataclasses import astuple, dataclass
from statistics import median
from types import FrameType
from typing import Any

import smpp
from bench.measure import Row, print_table
from bench.work import rss_kib
from smpp.correlator import Correlator

SIZES = (1_000, 10_000, 100_000, 1_000_000)
_PROBES = 1_000
_SLICES = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one size."""

    octets: float
    """Memory of a part."""
    registering: float
    """Nanoseconds for one more."""
    finding: float
    """Nanoseconds to find the part of a receipt."""
    plain: float
    """Nanoseconds to find a key in a dict with as many."""
    fewest_steps: float
    most_steps: float
    """Bytecodes to find one."""


def measure(size: int) -> Figures:
    """All of it, in this process."""
    response = smpp.SubmitSmResp("")
    # Not to measure how the interpreter gets warm; kept, so that its memory is not used again.
    warm: Correlator[smpp.Submission, int] = Correlator()
    _fill(warm, range(10_000), response)
    correlator: Correlator[smpp.Submission, int] = Correlator(max_outstanding=size)
    gc.collect()
    before = rss_kib() * 1024
    registering = [_fill(correlator, part, response) for part in _tenths(size)]
    taken = (rss_kib() * 1024 - before) / size
    pick = random.Random(1)
    finding = min(_find(correlator, [pick.randrange(size) for _ in range(_PROBES)]) for _ in range(_SLICES))
    steps = [_steps(correlator, pick.randrange(size)) for _ in range(_PROBES)]
    return Figures(taken, median(registering), finding, _plain(size, pick), min(steps), max(steps))


def _steps(correlator: "Correlator[smpp.Submission, int]", number: int) -> int:
    """Bytecodes that a receipt takes."""
    message_id, address = _id(number), _address(number)
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        correlator.receipt(message_id, address, 1, 2.0, is_final=False)
    finally:
        sys.settrace(None)
    return count


def _plain(size: int, pick: random.Random) -> float:
    keys = {_id(number): _address(number) for number in range(size)}
    return min(_get(keys, [_id(pick.randrange(size)) for _ in range(_PROBES)]) for _ in range(_SLICES))


def _get(keys: dict[str, str], chosen: list[str]) -> float:
    started = time.process_time_ns()
    for key in chosen:
        keys.get(key)
    return (time.process_time_ns() - started) / len(chosen)


def _tenths(size: int) -> list[range]:
    return [range(start, start + size // 10) for start in range(0, size, size // 10)]


def _fill(correlator: "Correlator[smpp.Submission, int]", numbers: range, response: smpp.SubmitSmResp) -> float:
    """Register parts; nanoseconds each."""
    started = time.process_time_ns()
    for number in numbers:
        message_id, address = _id(number), _address(number)
        correlator.submitted(message_id, address, smpp.Submission(message_id, address, response, "smsc:2775#0"), 1.0)
    return (time.process_time_ns() - started) / len(numbers)


def _find(correlator: "Correlator[smpp.Submission, int]", chosen: list[int]) -> float:
    """Match a receipt for each, which is not the last one; nanoseconds each."""
    receipts = [(_id(number), _address(number)) for number in chosen]
    started = time.process_time_ns()
    found = [correlator.receipt(message_id, address, 1, 2.0, False) for message_id, address in receipts]
    taken = (time.process_time_ns() - started) / len(chosen)
    assert [match.message_id for match in found if match is not None] == [message_id for message_id, _ in receipts]
    return taken


def _id(number: int) -> str:
    return f"{number:016x}"


def _address(number: int) -> str:
    return f"9198{number:08d}"


def measured(size: int) -> Figures:
    """The same in a process of its own."""
    output = subprocess.run(
        [sys.executable, "-m", "bench.outstanding", str(size)], capture_output=True, text=True, check=True
    ).stdout
    return Figures(*map(float, output.split()))


def main() -> None:
    """Print the table; with a number, measure that one size."""
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        print(*astuple(measure(int(sys.argv[1]))))
        return
    rows = [
        Row(
            f"{size:,}",
            (
                f"{one.octets:,.0f}",
                f"{one.octets * size / 2**20:,.0f}",
                f"{one.registering:,.0f}",
                f"{one.finding:,.0f}",
                f"{one.plain:,.0f}",
                f"{one.finding - one.plain:,.0f}",
                f"{one.finding / one.plain:.1f}x",
                f"{one.fewest_steps:.0f} to {one.most_steps:.0f}",
            ),
        )
        for size, one in ((size, measured(size)) for size in SIZES)
    ]
    print_table(
        "Outstanding receipts, each with its Submission",
        ("octets each", "MiB", "ns to register", "ns to find", "dict.get", "more", "ratio", "bytecodes to find"),
        rows,
    )


if __name__ == "__main__":
    main()
