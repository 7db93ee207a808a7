"""What became of a run of `smpp send --csv`, for a person and as a JSON object."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from smpp.tools.csv_results import ACCEPTED, IN_DOUBT, INVALID, NOT_SENT, REFUSED

_KINDS: Final = {
    ACCEPTED: ("accepted", "accepted"),
    "earlier": ("accepted_earlier", "accepted by an earlier run"),
    REFUSED: ("refused", "refused"),
    INVALID: ("invalid", "bad"),
    NOT_SENT: ("not_sent", "not sent"),
    IN_DOUBT: ("in_doubt", "in doubt"),
}
"""Kinds of rows: their name in JSON, and for a person."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run."""

    rows: Counter[str]
    parts: Counter[str]
    receipts: Counter[str]
    reasons: Counter[str]
    receipts_to_come: int
    in_doubt: tuple[int, ...]
    """The first rows that are."""
    seconds: float
    """With the wait for receipts."""
    sending_seconds: float
    """Up to the last response."""
    is_read: bool
    """Whether the end of the file was reached."""
    is_complete: bool
    """Whether the SMSC has every row."""
    results: str

    @property
    def rate(self) -> float:
        """Parts a second, while they were sent."""
        return self.parts.total() / self.sending_seconds if self.sending_seconds else 0.0

    def as_object(self) -> dict[str, object]:
        """It as a JSON object."""
        return {
            "rows": {name: self.rows[kind] for kind, (name, _) in _KINDS.items()},
            "parts": dict(self.parts),
            "receipts": dict(self.receipts),
            "receipts_to_come": self.receipts_to_come,
            "errors": dict(self.reasons),
            "seconds": round(self.seconds, 3),
            "sending_seconds": round(self.sending_seconds, 3),
            "rate": round(self.rate, 1),
            "is_complete": self.is_complete,
            "results": self.results,
        }

    def lines(self) -> list[str]:
        """It for a person."""
        counts = ", ".join(f"{self.rows[kind]:,} {words}" for kind, (_, words) in _KINDS.items() if self.rows[kind])
        lines = [f"{self.rows.total():,} rows: {counts or 'nothing to send'}"]
        if self.parts:
            lines.append(f"{self.parts.total():,} parts in {self.sending_seconds:.1f} s, {self.rate:,.0f}/s")
        lines += [f"  {reason}: {count:,}" for reason, count in self.reasons.most_common()]
        if self.receipts or self.receipts_to_come:
            states = [f"{count:,} {state}" for state, count in self.receipts.most_common()]
            told = ", ".join([*states, f"{self.receipts_to_come:,} not come yet"])
            lines.append(f"receipts: {told} ({self.seconds:.1f} s in all)")
        if not self.is_read:
            lines.append("stopped before the end of the file: the same command goes on with the rest")
        if self.in_doubt:
            more = ", ..." if self.rows[IN_DOUBT] > len(self.in_doubt) else ""
            lines.append(
                f"in doubt, because the response was lost: row {', '.join(map(str, self.in_doubt))}{more}"
                " (--resend-in-doubt sends such rows again; some may then arrive twice)"
            )
        return [*lines, f"results: {self.results}"]
