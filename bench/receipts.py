"""How many submit_sm a second with one receipt each, matched to its submission?"""

from bench.measure import print_table
from bench.one_bind import HEADS, US, figure_rows, loop_name, loops
from bench.runs import Case, Figures, interleaved
from bench.scale import Scale, scale
from bench.work import Load


def measure(scale: Scale) -> dict[str, Figures]:
    """Window 100 and 10, each loop."""
    cases: dict[str, Case] = {
        f"window {window}, {loop_name(loop)}": (
            US,
            US,
            Load(count=scale.count(20_000), window=window, receipts=True),
            loop,
        )
        for window in (100, 10)
        for loop in loops()
    }
    return interleaved(cases, scale.rounds)


def main() -> None:
    """Print the table."""
    print_table("One receipt a message, await client.submit()", HEADS, figure_rows(measure(scale())))


if __name__ == "__main__":
    main()
