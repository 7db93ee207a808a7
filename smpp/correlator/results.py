"""What the correlator hands back."""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
R = TypeVar("R")


class DropReason(StrEnum):
    """Why something was given up."""

    OVERDUE = "overdue"
    """Its time is over."""
    EVICTED = "evicted"
    """There was no room."""
    NO_ID = "no_id"
    """The response has no message id: no receipt can be told to be about it."""
    CLOSED = "closed"
    """The correlator was cleared."""


class Match(msgspec.Struct, Generic[T, R], frozen=True):
    """A receipt and the part it is about."""

    context: T
    receipt: R
    message_id: str
    """As the response has it."""
    destination: str
    submitted_at: float
    is_final: bool
    """Whether this receipt is."""
    is_late: bool
    """Whether a final one came before: this is a repetition or an afterthought."""
    was_parked: bool
    """Whether it came before its response."""


class Unanswered(msgspec.Struct, Generic[T], frozen=True):
    """A part whose final receipt is no longer waited for."""

    context: T
    message_id: str
    destination: str
    submitted_at: float
    reason: DropReason


class Unmatched(msgspec.Struct, Generic[R], frozen=True):
    """A receipt that is about nothing we know."""

    receipt: R
    message_id: str
    address: str
    received_at: float
    reason: DropReason


class Counters(msgspec.Struct):
    """What happened so far."""

    submitted: int = 0
    """Parts registered."""
    without_id: int = 0
    """Parts whose response had no id."""
    receipts: int = 0
    matched: int = 0
    matched_parked: int = 0
    """Of those matched: had come before their response."""
    matched_late: int = 0
    """Of those matched: came after a final one."""
    parked: int = 0
    """Receipts that found nothing when they came, and were kept."""
    turned_away: int = 0
    """Receipts that found nothing when they came, and no room either: their sender has to come again."""
    unanswered: int = 0
    """Parts given up because their time was over."""
    unmatched: int = 0
    """Receipts given up because their time was over."""
    evicted_parts: int = 0
    """Parts given up for want of room, before their final receipt."""
    evicted_receipts: int = 0
    unreported: int = 0
    """Of those evicted: not handed back, because `expire` was not called in time."""


Report = Match[T, R] | Unanswered[T] | Unmatched[R]
"""What comes out of `Correlator.expire`."""
