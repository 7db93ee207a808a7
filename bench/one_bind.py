"""How many submit_sm a second does one bind carry, by window, with ``await client.submit()``? On either event loop."""

from bench.measure import Row, print_table
from bench.runs import Case, Figures, interleaved
from bench.scale import Scale, scale
from bench.work import Load

WINDOWS = (1, 10, 100, 1000)
QUICK_WINDOWS = (10, 100)
US = "smppkit"


def loops() -> tuple[str, ...]:
    """The event loops there are: "" is the standard library's."""
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return ("",)
    return ("", "uvloop")


def loop_name(loop: str) -> str:
    """For a table."""
    return loop or "stdlib"


def figure_rows(results: dict[str, Figures]) -> list[Row]:
    """One line a case: median and best rate, processor time of both sides, memory."""
    return [
        Row(
            name,
            (
                f"{one.rate:,.0f}",
                f"{one.best_rate:,.0f}",
                f"{one.cpu_us:.1f}",
                f"{one.server_cpu_us:.1f}",
                f"{1e6 / max(one.cpu_us, one.server_cpu_us):,.0f}",
                f"{one.kib_per_1000:,.0f}",
            ),
        )
        for name, one in results.items()
    ]


HEADS = ("msgs/s", "best/s", "client µs", "server µs", "by CPU/s", "KiB/1000")
"""`by CPU/s`: what the busier side could do with a core of its own; the steadier figure where others work as well."""


def measure(scale: Scale) -> dict[str, Figures]:
    """Each window on each loop."""
    cases: dict[str, Case] = {
        f"window {window}, {loop_name(loop)}": (
            US,
            US,
            Load(count=scale.count(40_000 if window >= 100 else 8_000 * min(window, 2)), window=window),
            loop,
        )
        for window in (WINDOWS if scale.is_full else QUICK_WINDOWS)
        for loop in loops()
    }
    return interleaved(cases, scale.rounds)


def main() -> None:
    """Print the table."""
    print_table("One bind, await client.submit(), plain TCP", HEADS, figure_rows(measure(scale())))


if __name__ == "__main__":
    main()
