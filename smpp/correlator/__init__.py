"""Finds the part, and the message, that a delivery receipt is about."""

from smpp.correlator.ids import IdRule, Side, addresses_agree, canonical_ids
from smpp.correlator.matching import Correlator
from smpp.correlator.messages import MessageTracker, ReceiptParts
from smpp.correlator.results import Counters, DropReason, Match, Report, Unanswered, Unmatched
from smpp.correlator.store import MemoryStore, Outstanding, OutstandingStore

__all__ = [
    "Correlator",
    "Counters",
    "DropReason",
    "IdRule",
    "Match",
    "MemoryStore",
    "MessageTracker",
    "Outstanding",
    "OutstandingStore",
    "ReceiptParts",
    "Report",
    "Side",
    "Unanswered",
    "Unmatched",
    "addresses_agree",
    "canonical_ids",
]
