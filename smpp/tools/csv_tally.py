"""The counts of a run of `smpp send --csv` while it goes: for the bar, and in the end for its summary."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from smpp.pool import BindState, BindStatus
from smpp.tools.csv_results import ACCEPTED, IN_DOUBT, INVALID, NOT_SENT, REFUSED, Row, Verdict
from smpp.tools.csv_summary import Summary
from smpp.tools.progress import remaining

SHOWN_ROWS: Final = 10
"""Of a kind; the others are only counted."""

_MOST_REASONS: Final = 100


class Tally:
    """Rows, parts and receipts so far.

    Attributes:
        rows: by kind, as `Summary` has them.
        parts: by outcome.
        states: final receipts.
        reasons: why parts were not taken.
        waiting: receipts to come.
        is_read: whether the end of the file was reached.
    """

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.parts: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.waiting = 0
        self.is_read = False
        self._in_doubt: list[int] = []
        self._began = self._last_response = time.monotonic()
        self._ended = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether the SMSC has every row."""
        return self.is_read and self.rows.total() == self.rows[ACCEPTED] + self.rows["earlier"]

    # What happens

    def begin(self) -> None:
        """The first bind is up."""
        self._began = self._last_response = time.monotonic()

    def end(self) -> None:
        """Nothing more is waited for."""
        self._ended = time.monotonic()

    def part_ended(self, outcome: str) -> None:
        """A part was answered, or will not be."""
        self._last_response = time.monotonic()
        self.parts[outcome] += 1

    def row_ended(self, row: Row) -> None:
        """All parts of a row have ended."""
        if row.verdict is Verdict.IN_DOUBT:
            self.doubt(row.number)
        elif row.verdict is Verdict.ACCEPTED:
            self.rows[ACCEPTED] += 1
        else:
            states = {part.state for part in row.parts}
            self.rows[next(state for state in (REFUSED, INVALID, NOT_SENT) if state in states)] += 1

    def doubt(self, number: int) -> None:
        """A row may be with the SMSC or not."""
        self.rows[IN_DOUBT] += 1
        if len(self._in_doubt) < SHOWN_ROWS:
            self._in_doubt.append(number)

    def because(self, reason: str) -> None:
        """Why a part was not taken."""
        self.reasons[reason if reason in self.reasons or len(self.reasons) < _MOST_REASONS else "others"] += 1

    # What is shown

    def line(self, fraction: float, under_way: int, binds: Sequence[BindStatus]) -> str:
        """How it goes.

        Args:
            fraction: of the file that was read.
            under_way: parts without an outcome.
            binds: that carry them.
        """
        is_sending = fraction < 1 or under_way > 0
        elapsed = max((time.monotonic() if is_sending else self._last_response) - self._began, 1e-9)
        failed = self.rows.total() - self.rows[ACCEPTED] - self.rows["earlier"]
        text = (
            f"{self.rows.total():,} rows, {self.parts.total() / elapsed:,.0f} parts/s, {under_way:,} under way, "
            f"{failed:,} errors, ETA {remaining(fraction, elapsed)}"
        )
        if not is_sending and self.waiting:
            text += f"; {self.waiting:,} receipts to come"
        down = [bind for bind in binds if bind.state is not BindState.BOUND]
        return text + (f"; {len(down)} binds down: {down[0].last_error}" if down and down[0].last_error else "")

    def summary(self, results: str) -> Summary:
        """What it came to.

        Args:
            results: where each row is told.
        """
        return Summary(
            self.rows,
            self.parts,
            self.states,
            self.reasons,
            self.waiting,
            tuple(self._in_doubt),
            max(self._ended - self._began, 0.0),
            self._last_response - self._began,
            self.is_read,
            self.is_complete,
            results,
        )
