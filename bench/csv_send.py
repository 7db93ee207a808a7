"""How many rows a second does ``smpp send --csv`` send, each written to the results file before it leaves?

Against ``smpp simulate`` in a process of its own, with and without receipts; the rate is the one that the tool prints.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Row, print_table
from bench.runs import ROOT
from bench.scale import scale

_SMPP = [sys.executable, "-m", "smpp"]


def measure(rows: int, *options: str) -> tuple[float, float]:
    """Parts a second, and microseconds of the tool's processor time for each."""
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        source = folder / "rows.csv"
        lines = (f"INFO,4479{number:08},Your code is {number}" for number in range(rows))
        source.write_text("from,to,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
        simulator = subprocess.Popen(
            [*_SMPP, "simulate", "--port", "0", "--quiet"], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert simulator.stdout is not None
        try:
            url = simulator.stdout.readline().removeprefix("listening on smpp://").strip()
            command = [*_SMPP, "send", f"smpp://demo:x@{url}", "--csv", str(source), *options]
            timed = [sys.executable, "-c", _TIMED, *command]
            done = subprocess.run(timed, capture_output=True, text=True, check=True, cwd=ROOT)
        finally:
            simulator.terminate()
            simulator.communicate(timeout=20)
    found = re.search(r"parts in .* s, ([\d,]+)/s", done.stdout)
    assert found is not None, done.stdout
    return float(found[1].replace(",", "")), float(done.stdout.split()[-1]) / rows * 1e6


_TIMED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
)


def main() -> None:
    """Print the table."""
    rows = scale().count(80_000)
    cases = {"with receipts": (), "without receipts": ("--no-receipt",)}
    print_table(
        f"smpp send --csv, {rows:,} rows, one bind, window 100, results on disk",
        ("parts/s", "CPU µs a part"),
        [
            Row(name, (f"{rate:,.0f}", f"{cpu:.0f}"))
            for name, (rate, cpu) in ((name, measure(rows, *options)) for name, options in cases.items())
        ],
    )


if __name__ == "__main__":
    main()
