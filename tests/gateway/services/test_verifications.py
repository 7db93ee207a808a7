"""The rules of a verification: whatever comes in whatever order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.providers.verifying import VerifyError, VerifyProblem, VerifyRequest, VerifyStatus, VerifyStep
from gateway.services import verifications as rules
from gateway.services.verifications import OPEN, Document

KEEP = 1_000.0
CODE = "right"


class Verifications(RuleBasedStateMachine):
    """One verification in the hands of users, channels, the clock and nodes that die."""

    @initialize(
        steps=st.lists(st.integers(0, 90), min_size=1, max_size=3),
        attempts=st.integers(1, 4),
        sends=st.integers(1, 5),
        validity=st.integers(10, 120),
    )
    def begin(self, steps: list[int], attempts: int, sends: int, validity: int) -> None:
        self.now = 1_000.0
        request = VerifyRequest(
            id="v",
            number="447400123456",
            dialect="native",
            steps=tuple(VerifyStep(wait_seconds=wait) for wait in steps),
            max_attempts=attempts,
            max_sends=sends,
            validity_seconds=validity,
            resend_after_seconds=5,
            cancel_after_seconds=5,
        )
        fresh = Document(
            request=request,
            language="en",
            code_length=5,
            created_at=self.now,
            expires_at=self.now + validity,
            fingerprint=CODE,
            sealed_code="sealed",
        )
        self.document = rules.going(fresh, request.steps[0], "m0", self.now, index=0)
        self.wrong = 0
        self.right = 0
        self.was_ended: VerifyStatus | None = None

    @property
    def is_going(self) -> bool:
        return hasattr(self, "document") and self.document.is_going

    @rule(seconds=st.integers(0, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.is_going)
    @rule()
    def it_is_gone(self) -> None:
        self.document = rules.gone(self.document, self.now)

    @precondition(lambda self: self.is_going)
    @rule()
    def it_cannot_go(self) -> None:
        self.document = rules.failed_to_go(self.document, "refused", self.now)

    @rule(is_right=st.booleans())
    def a_code_is_typed(self, is_right: bool) -> None:
        try:
            self.document, error = rules.checked(self.document, is_right, self.now)
        except VerifyError as refused:
            assert refused.problem in (VerifyProblem.ENDED, VerifyProblem.EXPIRED, VerifyProblem.TOO_MANY_ATTEMPTS)
            return
        if is_right:
            assert error is None
            self.right += 1
        else:
            self.wrong += 1
            assert error is not None
            assert error.attempts_left == max(0, self.document.request.max_attempts - self.wrong)

    @rule()
    def another_code_is_asked_for(self) -> None:
        try:
            rules.check_resend(self.document, self.now)
        except VerifyError:
            return
        fresh = rules.fresh(self.document, CODE, "sealed", self.now)
        self.document = rules.going(fresh, VerifyStep(), "m", self.now)

    @rule()
    def it_is_cancelled(self) -> None:
        try:
            self.document = rules.cancelled(self.document, self.now)
        except VerifyError as refused:
            assert refused.problem is not VerifyProblem.WRONG_CODE

    @rule(number=st.integers(-1, 5), status=st.sampled_from(["sent", "delivered", "read", "failed"]))
    def a_channel_tells(self, number: int, status: str) -> None:
        self.document, _ = rules.told(self.document, number, status, "why", self.now)

    @precondition(lambda self: hasattr(self, "document"))
    @rule()
    def what_is_due_is_done(self) -> None:
        document = self.document
        if not document.is_open or document.is_going:
            return
        if 0 < document.next_step_at <= self.now:
            if document.has_step_left:
                index = document.step + 1
                self.document = rules.going(document, document.request.steps[index], "m", self.now, index=index)
            else:
                self.document = rules.out_of_steps(document)
        elif rules.is_over(document, self.now):
            self.document = rules.ended(document, VerifyStatus.EXPIRED, self.now)

    @invariant()
    def the_rules_hold(self) -> None:
        if not hasattr(self, "document"):
            return
        document, request = self.document, self.document.request
        assert document.attempts == self.wrong <= request.max_attempts
        assert self.right <= 1
        assert len(document.history) <= max(request.max_sends, 1)
        if self.was_ended is not None:
            assert document.status is self.was_ended, "what has ended stays so"
        if document.status not in OPEN:
            self.was_ended = document.status
            assert not document.sealed_code
            assert not document.fingerprint
            assert not document.next_step_at
        else:
            assert document.fingerprint
        if document.next_step_at and document.has_step_left:
            assert document.sealed_code, "the next step could not say the code"
        assert rules.due_at(document, KEEP) > 0
        view = rules.view(document, "shop", self.now)
        assert (view.status is VerifyStatus.VERIFIED) == bool(document.verified_at)


Verifications.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestVerifications = Verifications.TestCase
