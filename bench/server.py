"""How many submit_sm a second does the server take? Driven by a client that does nothing but frames, and by our own."""

from bench.measure import print_table
from bench.one_bind import HEADS, US, figure_rows, loop_name, loops
from bench.runs import Case, Figures, interleaved
from bench.scale import Scale, scale
from bench.work import Load


def measure(scale: Scale) -> dict[str, Figures]:
    """Each loop, each window."""
    cases: dict[str, Case] = {
        f"window {window}, {loop_name(loop)}, driven by {client}": (
            client,
            US,
            Load(count=scale.count(80_000), window=window),
            loop,
        )
        for window in ((10, 100) if scale.is_full else (100,))
        for client in ("frame", US)
        for loop in loops()
    }
    return interleaved(cases, scale.rounds)


def main() -> None:
    """Print the table."""
    print_table("The server, on_submit answers at once", HEADS, figure_rows(measure(scale())))


if __name__ == "__main__":
    main()
