"""What does TLS cost?"""

from bench.measure import print_table
from bench.one_bind import HEADS, US, figure_rows, loop_name, loops
from bench.runs import Case, Figures, interleaved
from bench.scale import Scale, scale
from bench.work import Load


def measure(scale: Scale) -> dict[str, Figures]:
    """With and without, each loop."""
    cases: dict[str, Case] = {
        f"{'TLS' if tls else 'plain'}, {loop_name(loop)}": (US, US, Load(count=scale.count(30_000), tls=tls), loop)
        for tls in (False, True)
        for loop in (loops() if scale.is_full else ("",))
    }
    return interleaved(cases, scale.rounds)


def main() -> None:
    """Print the table."""
    print_table("One bind, window 100, plain and TLS", HEADS, figure_rows(measure(scale())))


if __name__ == "__main__":
    main()
