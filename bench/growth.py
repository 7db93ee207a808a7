"""How rate and memory grow with the window and with the binds; in tables and plots.

Part of ``make bench ARGS=--full``.
"""

from bench import plot
from bench.binds import measure_binds
from bench.compare import RESULTS
from bench.measure import print_table
from bench.one_bind import HEADS, US, figure_rows
from bench.runs import Case, Figures, interleaved
from bench.scale import Scale, scale
from bench.work import Load

WINDOWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
QUICK_WINDOWS = (1, 10, 100, 1000)


def measure_windows(scale: Scale) -> dict[str, Figures]:
    """One bind, stdlib loop, with and without receipts."""
    cases: dict[str, Case] = {
        f"{'receipts, ' if receipts else ''}window {window}": (
            US,
            US,
            Load(count=scale.count(min(20_000, 3_000 * window)), window=window, receipts=receipts),
            "",
        )
        for receipts in (False, True)
        for window in (WINDOWS if scale.is_full else QUICK_WINDOWS)
    }
    return interleaved(cases, scale.rounds)


def main() -> None:
    """Print the tables, draw the plots."""
    size = scale()
    windows, binds = measure_windows(size), measure_binds(size)
    print_table("One bind by window", HEADS, figure_rows(windows))
    print_table("Pool by binds, window 100 each", HEADS, figure_rows(binds))
    if not plot.can_plot():
        return
    RESULTS.mkdir(exist_ok=True)
    stem = "growth" if size.is_full else "quick-growth"
    plain = [(float(name.split()[-1]), one.rate) for name, one in windows.items() if "receipts" not in name]
    with_receipts = [(float(name.split()[-1]), one.rate) for name, one in windows.items() if "receipts" in name]
    plot.lines(
        RESULTS / f"{stem}-window.png",
        "One bind by window",
        {"submit_sm": plain, "with receipts": with_receipts},
        "window",
        "messages/s",
    )
    by_binds: dict[str, list[tuple[float, float]]] = {}
    for name, one in binds.items():
        how, _, count = name.partition(", ")
        by_binds.setdefault(f"pool.{how}", []).append((float(count.split()[0]), one.rate))
    plot.lines(RESULTS / f"{stem}-binds.png", "Pool by binds", by_binds, "binds", "messages/s")


if __name__ == "__main__":
    main()
