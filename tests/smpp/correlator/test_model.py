"""The correlator beside a naive one that looks through everything it ever kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smpp.correlator import Correlator, DropReason, IdRule, Match, Unanswered, Unmatched, addresses_agree

LIFETIME, FINAL_LIFETIME, PARKED = 50.0, 20.0, 8.0
IDS = st.integers(8, 13)
ADDRESSES = st.sampled_from(["919876543210", "+919876543210", "447700900123", ""])
WRITERS: dict[IdRule, tuple[Callable[[int], str], Callable[[int], str]]] = {
    IdRule.AS_IS: (str, str),
    IdRule.RESPONSE_HEX_RECEIPT_DECIMAL: (lambda number: f"{number:04X}", str),
    IdRule.RESPONSE_DECIMAL_RECEIPT_HEX: (str, lambda number: f"{number:x}"),
}


@dataclass(eq=False)
class Part:
    number: int
    destination: str
    context: int
    at: float
    settled_at: float | None = None

    def deadline(self) -> float:
        return self.at + LIFETIME if self.settled_at is None else self.settled_at + FINAL_LIFETIME


@dataclass(eq=False)
class Waiting:
    number: int
    address: str
    receipt: int
    is_final: bool
    at: float


@dataclass
class Naive:
    max_outstanding: int
    max_parked: int
    parts: list[Part] = field(default_factory=list)
    settled: list[Part] = field(default_factory=list)
    parked: list[Waiting] = field(default_factory=list)
    reports: list[tuple[str, int, DropReason | None]] = field(default_factory=list)

    def find(self, number: int, address: str) -> Part | None:
        same = [part for part in self.parts if part.number == number]
        agreeing = [part for part in same if addresses_agree(part.destination, address)]
        waiting = [part for part in agreeing if part.settled_at is None]
        if agreeing:
            return (waiting or agreeing)[-1]
        candidates = [part for part in same if part.settled_at is None] or same
        if len(candidates) == 1 and not (address and candidates[0].destination):
            return candidates[0]
        return None

    def match(self, part: Part, is_final: bool, now: float) -> tuple[int, bool]:
        is_late = part.settled_at is not None
        if is_final and not is_late:
            part.settled_at = now
            self.settled.append(part)
        return part.context, is_late

    def submitted(self, number: int, destination: str, context: int, now: float) -> list[tuple[int, int, bool]]:
        if len(self.parts) >= self.max_outstanding:
            settled = [part for part in self.settled if part in self.parts]
            victim = (settled or self.parts)[0]
            self.parts.remove(victim)
            if victim.settled_at is None:
                self.reports.append(("part", victim.context, DropReason.EVICTED))
        part = Part(number, destination, context, now)
        self.parts.append(part)
        found = []
        for waiting in [one for one in self.parked if one.number == number]:
            if self.find(number, waiting.address) is part:
                self.parked.remove(waiting)
                found.append((waiting.receipt, *self.match(part, waiting.is_final, now)))
        return found

    def receipt(self, number: int, address: str, receipt: int, is_final: bool, now: float) -> tuple[int, bool] | None:
        part = self.find(number, address)
        if part is not None:
            return self.match(part, is_final, now)
        if len(self.parked) >= self.max_parked:
            self.give_up(self.parked[0], now, DropReason.EVICTED)
        self.parked.append(Waiting(number, address, receipt, is_final, now))
        return None

    def give_up(self, waiting: Waiting, now: float, reason: DropReason) -> None:
        self.parked.remove(waiting)
        part = self.find(waiting.number, waiting.address)
        if part is None:
            self.reports.append(("receipt", waiting.receipt, reason))
        else:
            self.match(part, waiting.is_final, now)
            self.reports.append(("match", waiting.receipt, None))

    def expire(self, now: float) -> list[tuple[str, int, DropReason | None]]:
        for part in [one for one in self.parts if one.deadline() <= now]:
            self.parts.remove(part)
            if part.settled_at is None:
                self.reports.append(("part", part.context, DropReason.OVERDUE))
        for waiting in [one for one in self.parked if one.at + PARKED <= now]:
            self.give_up(waiting, now, DropReason.OVERDUE)
        reports, self.reports = self.reports, []
        return reports

    def next_timer(self) -> float:
        deadlines = [part.deadline() for part in self.parts] + [one.at + PARKED for one in self.parked]
        return -inf if self.reports else min(deadlines, default=inf)


class Machine(RuleBasedStateMachine):
    @initialize(
        id_rule=st.sampled_from(sorted(WRITERS)), max_outstanding=st.integers(1, 8), max_parked=st.integers(1, 5)
    )
    def begin(self, id_rule: IdRule, max_outstanding: int, max_parked: int) -> None:
        self.as_response, self.as_receipt = WRITERS[id_rule]
        self.sut: Correlator[int, int] = Correlator(
            id_rule=id_rule,
            lifetime_seconds=LIFETIME,
            final_lifetime_seconds=FINAL_LIFETIME,
            parked_seconds=PARKED,
            max_outstanding=max_outstanding,
            max_parked=max_parked,
        )
        self.model = Naive(max_outstanding, max_parked)
        self.now = 0.0
        self.count = 0

    @rule(number=IDS, destination=ADDRESSES)
    def submit(self, number: int, destination: str) -> None:
        self.count += 1
        matches = self.sut.submitted(self.as_response(number), destination, self.count, self.now)
        expected = self.model.submitted(number, destination, self.count, self.now)
        assert [(match.receipt, match.context, match.is_late) for match in matches] == expected

    @rule(number=IDS, address=ADDRESSES, is_final=st.booleans())
    def receive(self, number: int, address: str, is_final: bool) -> None:
        self.count += 1
        match = self.sut.receipt(self.as_receipt(number), address, self.count, self.now, is_final=is_final)
        expected = self.model.receipt(number, address, self.count, is_final, self.now)
        assert (match and (match.context, match.is_late)) == expected

    @rule(seconds=st.integers(1, 30))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        assert sorted(map(self.summary, self.sut.expire(self.now))) == sorted(self.model.expire(self.now))

    @staticmethod
    def summary(
        report: Match[int, int] | Unanswered[int] | Unmatched[int],
    ) -> tuple[str, int, DropReason | None]:
        if isinstance(report, Match):
            return "match", report.receipt, None
        if isinstance(report, Unanswered):
            return "part", report.context, report.reason
        return "receipt", report.receipt, report.reason

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "sut"):
            return
        assert self.sut.outstanding == len(self.model.parts)
        assert self.sut.parked == len(self.model.parked)
        assert self.sut.next_timer() == self.model.next_timer()
        counters = self.sut.counters
        given_up = counters.unmatched + counters.evicted_receipts
        assert counters.receipts == counters.matched + given_up + self.sut.parked


TestAgainstNaive = Machine.TestCase
TestAgainstNaive.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
