"""The rules of a flow: whatever comes in whatever order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.providers.ports import FlowStep
from gateway.services import flow_rules as rules
from gateway.services.flow_rules import DELIVERED, FAILED, READ, REFUSED, SENT, Document

STEPS = st.builds(
    FlowStep,
    channel=st.sampled_from(["sms", "push"]),
    wait_seconds=st.sampled_from([0, 30, 60]),
    condition=st.sampled_from(["delivered", "read"]),
)


class Flows(RuleBasedStateMachine):
    """One flow in the hands of channels, the clock and nodes that die."""

    @initialize(steps=st.lists(STEPS, min_size=1, max_size=4))
    def begin(self, steps: list[FlowStep]) -> None:
        self.now = 1_000.0
        fresh = Document(number="447400123456", steps=tuple(steps), created_at=self.now, updated_at=self.now)
        self.document = rules.claimed(fresh, 0, "m0", self.now)
        self.ended = ""
        self.taken = [0]

    @property
    def is_claimed(self) -> bool:
        return hasattr(self, "document") and self.document.claimed_until > 0

    @rule(seconds=st.integers(0, 90))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.is_claimed)
    @rule()
    def it_is_taken(self) -> None:
        self.document = rules.taken(self.document, self.now)

    @precondition(lambda self: self.is_claimed)
    @rule()
    def it_is_refused(self) -> None:
        self.document = rules.refused(self.document, "no", self.now)

    @rule(number=st.integers(-1, 4), outcome=st.sampled_from([SENT, DELIVERED, READ, FAILED, REFUSED]))
    def something_is_told(self, number: int, outcome: str) -> None:
        self.document = rules.told(self.document, number, outcome, "why", self.now)

    @precondition(lambda self: not self.is_claimed)
    @rule(leads_somewhere=st.booleans())
    def what_is_due_is_done(self, leads_somewhere: bool) -> None:
        document = self.document
        if document.is_ended:
            return
        if not 0 < document.next_step_at <= self.now:
            self.document = rules.polled(document, self.now)
            return
        while document.has_step_left:
            if leads_somewhere:
                self.document = rules.claimed(document, document.step + 1, f"m{document.step + 1}", self.now)
                self.taken.append(self.document.step)
                return
            document = rules.passed_over(document, document.step + 1, "nowhere", self.now)
        self.document = rules.on_or_over(document, self.now)

    @invariant()
    def the_rules_hold(self) -> None:
        if not hasattr(self, "document"):
            return
        document = self.document
        assert self.taken == sorted(set(self.taken)), "each step is taken once, in order"
        assert [one.step for one in document.sends] == list(range(len(document.sends)))
        assert rules.due_at(document, 100.0) > 0
        if self.ended:
            assert document.status == self.ended, "what has ended stays so"
        if document.is_ended:
            self.ended = document.status
            assert not document.claimed_until
        met = any(one.outcome in rules.CONDITIONS[document.steps[one.step].condition] for one in document.sends)
        if met:
            assert document.status in ("delivered", "read")
        if document.status == "rejected":
            assert all(one.outcome == REFUSED for one in document.sends)


Flows.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestFlows = Flows.TestCase
