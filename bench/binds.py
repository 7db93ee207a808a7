"""How do rate and memory grow with the binds of a pool, correlation included? And `submit_all` beside `submit`.

`submit` is awaited by a worker for each place: 6400 of them with 64 binds, and their own cost grows with their number,
since what each left behind is in no cache of the processor when its answer comes. `submit_all` has no workers.
"""

from bench.measure import print_table
from bench.one_bind import HEADS, US, figure_rows, loop_name, loops
from bench.runs import Case, Figures, interleaved
from bench.scale import Scale, scale
from bench.work import Load

BINDS = (1, 2, 4, 8, 16, 32, 64)
QUICK_BINDS = (1, 4, 64)


WAYS = ("pool_submit", "pool_submit_all")


def measure_binds(scale: Scale) -> dict[str, Figures]:
    """Over so many binds, window 100 each: `submit` by as many workers as there are places, and `submit_all`."""
    cases: dict[str, Case] = {
        f"{how.removeprefix('pool_')}, {binds} binds": (
            US,
            US,
            # Enough for each worker to send several: to start them is no part of it.
            Load(count=max(scale.count(40_000), 600 * binds), binds=binds, how=how),
            "",
        )
        for how in WAYS
        for binds in (BINDS if scale.is_full else QUICK_BINDS)
    }
    return interleaved(cases, scale.rounds)


def measure_ways(scale: Scale) -> dict[str, Figures]:
    """Four binds: `submit` by as many workers as there are places, and `submit_all`."""
    cases: dict[str, Case] = {
        f"{how.removeprefix('pool_')}, {loop_name(loop)}": (
            US,
            US,
            Load(count=scale.count(40_000), binds=4, how=how),
            loop,
        )
        for how in WAYS
        for loop in _loops(scale)
    }
    return interleaved(cases, scale.rounds)


def _loops(scale: Scale) -> tuple[str, ...]:
    return loops() if scale.is_full else ("",)


def main() -> None:
    """Print the tables."""
    size = scale()
    print_table("Pool, window 100 a bind, one server, stdlib loop", HEADS, figure_rows(measure_binds(size)))
    ways = measure_ways(size)
    print_table("Pool, four binds of window 100", HEADS, figure_rows(ways))
    for loop in _loops(size):
        name = loop_name(loop)
        share = ways[f"submit_all, {name}"].cpu_us / ways[f"submit, {name}"].cpu_us
        print(f"submit_all takes {share:.2f} of the client's processor time of submit ({name})")


if __name__ == "__main__":
    main()
