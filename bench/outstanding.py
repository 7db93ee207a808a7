"""What does a million outstanding receipts take: memory a part, and the time to register one and to find it?"""

import gc
import random
import subprocess
import sys
import time

import smpp
from bench.measure import Row, print_table
from bench.scale import scale
from bench.work import rss_kib
from smpp.correlator import Correlator

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = SIZES[:3]
_PROBES = 1_000


def measure(size: int) -> tuple[float, float, float]:
    """Octets a part, nanoseconds to register one more, nanoseconds to find one; in this process."""
    correlator: Correlator[smpp.Submission, int] = Correlator(max_outstanding=size + _PROBES)
    response = smpp.SubmitSmResp("")
    gc.collect()
    before = rss_kib() * 1024
    started = time.perf_counter()
    for number in range(size):
        _register(correlator, number, response)
    registering = (time.perf_counter() - started) / size
    taken = (rss_kib() * 1024 - before) / size
    chosen = random.Random(1).sample(range(size), min(_PROBES, size))
    started = time.perf_counter()
    for number in chosen:
        assert correlator.receipt(_id(number), _address(number), 1, 2.0) is not None
    finding = (time.perf_counter() - started) / len(chosen)
    return taken, registering * 1e9, finding * 1e9


def _register(correlator: Correlator[smpp.Submission, int], number: int, response: smpp.SubmitSmResp) -> None:
    message_id, address = _id(number), _address(number)
    correlator.submitted(message_id, address, smpp.Submission(message_id, address, response, "smsc:2775#0"), 1.0)


def _id(number: int) -> str:
    return f"{number:016x}"


def _address(number: int) -> str:
    return f"9198{number:08d}"


def measured(size: int) -> tuple[float, float, float]:
    """The same in a process of its own."""
    output = subprocess.run(
        [sys.executable, "-m", "bench.outstanding", str(size)], capture_output=True, text=True, check=True
    ).stdout
    taken, registering, finding = map(float, output.split())
    return taken, registering, finding


def main() -> None:
    """Print the table; with a number, measure that one size."""
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        print(*measure(int(sys.argv[1])))
        return
    sizes = SIZES if scale().is_full else QUICK_SIZES
    rows = []
    for size in sizes:
        taken, registering, finding = measured(size)
        rows.append(
            Row(
                f"{size:,}",
                (f"{taken:,.0f}", f"{taken * size / 2**20:,.0f}", f"{registering:,.0f}", f"{finding:,.0f}"),
            )
        )
    print_table(
        "Outstanding receipts, each with its Submission", ("octets each", "MiB", "ns to register", "ns to find"), rows
    )


if __name__ == "__main__":
    main()
