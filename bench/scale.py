"""How much a benchmark does: little by default, more with --full."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of the runs."""

    is_full: bool
    rounds: int
    seconds_share: float
    """Counts are multiplied by it."""

    def count(self, usual: int) -> int:
        """How many messages a run takes."""
        return max(200, int(usual * self.seconds_share))


QUICK = Scale(is_full=False, rounds=3, seconds_share=0.25)
FULL = Scale(is_full=True, rounds=5, seconds_share=1.0)


def scale() -> Scale:
    """What the command line asks for."""
    return FULL if "--full" in sys.argv[1:] else QUICK
