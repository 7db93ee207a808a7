"""What is kept of a verification, and its rules: what each event makes of it. No store, no clock, no code in clear.

           ┌── send ──┐ (sends, at most max_sends)
begin ──► PENDING ◄───┘──right code──► VERIFIED
             ├── wrong code, the last of max_attempts ──► FAILED
             ├── its time is up and no step is left ────► EXPIRED
             ├── nothing was delivered, no step left ───► UNDELIVERED (a code that arrives late still counts)
             └── cancel ────────────────────────────────► CANCELLED
"""

from typing import Final

import msgspec

from gateway.models import State
from gateway.providers.seams import Compared, VerifyEvent
from gateway.providers.verifying import (
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifySend,
    VerifyStatus,
    VerifyStep,
)

replace = msgspec.structs.replace

CLAIM_SECONDS: Final = 30.0
"""How long one who sends a code has for it before another looks what became of it."""

OPEN: Final = frozenset({VerifyStatus.PENDING, VerifyStatus.UNDELIVERED})
"""Where a right code counts."""

SEND_STATES: Final = {
    State.DELIVERED: "delivered",
    State.EXPIRED: "failed",
    State.DELETED: "failed",
    State.UNDELIVERABLE: "failed",
    State.REJECTED: "failed",
    State.FAILED: "failed",
}
"""What a message's end says of the code in it; UNKNOWN says nothing."""


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A verification as it is kept."""

    request: VerifyRequest
    """Without the code and the address it was asked for from."""
    language: str
    code_length: int
    created_at: float
    expires_at: float
    fingerprint: str
    """Of the code that counts."""
    status: VerifyStatus = VerifyStatus.PENDING
    sealed_code: str = ""
    """While it may have to be sent once more: a step is left, or the caller gave it."""
    is_own_code: bool = False
    remote: str = ""
    """A keyed fingerprint of the address it was asked for from: whom further codes are counted for, too."""
    former_fingerprint: str = ""
    """Of the code before, while a fresh one is on its way."""
    former_expires_at: float = 0.0
    attempts: int = 0
    step: int = -1
    """The last that was taken."""
    next_step_at: float = 0.0
    claimed_until: float = 0.0
    """A code is being sent; 0: none is."""
    history: tuple[VerifySend, ...] = ()
    verified_at: float = 0.0
    ended_at: float = 0.0
    owes: bool = False
    """Whether its success is still to be charged."""
    extra: dict[str, str] = {}
    """What a channel's answer has added, for whoever asked: it may give the code away, and is not kept."""

    @property
    def is_open(self) -> bool:
        """Whether a right code counts."""
        return self.status in OPEN

    @property
    def is_going(self) -> bool:
        """Whether a code is being sent."""
        return self.claimed_until > 0

    @property
    def has_step_left(self) -> bool:
        """Whether a further step may be taken."""
        return self.step + 1 < len(self.request.steps) and len(self.history) < self.request.max_sends

    def status_at(self, now: float) -> VerifyStatus:
        """Its status by the clock, whether or not that has been written down."""
        return VerifyStatus.EXPIRED if self.is_open and is_over(self, now) else self.status


def is_over(document: Document, now: float) -> bool:
    """Whether its time is up, and no step will send another code."""
    return now >= document.expires_at and not document.is_going and not document.next_step_at


def due_at(document: Document, keep_seconds: float) -> float:
    """When it wants attention next."""
    if document.owes:
        return document.ended_at
    if not document.is_open:
        return document.ended_at + keep_seconds
    if document.is_going:
        return document.claimed_until
    return document.next_step_at or document.expires_at


def view(document: Document, account: str, now: float) -> Verification:
    """What callers may see."""
    request = document.request
    latest = document.history[-1] if document.history else None
    return Verification(
        id=request.id,
        account=account,
        number=request.number,
        dialect=request.dialect,
        status=document.status_at(now),
        channel=latest.channel if latest else "",
        brand=request.brand,
        language=document.language,
        code_length=document.code_length,
        attempts=document.attempts,
        max_attempts=request.max_attempts,
        sends=len(document.history),
        created_at=document.created_at,
        expires_at=document.expires_at,
        verified_at=document.verified_at,
        ended_at=document.ended_at,
        message_id=latest.message_id if latest else "",
        history=document.history,
        reference=request.reference,
        callback_url=request.callback_url,
        extra={**request.extra, **document.extra},
    )


# --- sending ---


def going(document: Document, step: VerifyStep, message_id: str, now: float, *, index: int | None = None) -> Document:
    """A code is about to be sent over a step; `index` where it is the next of the request's own."""
    request = document.request
    send = VerifySend(
        channel=step.channel,
        recipient=step.recipient or request.number,
        sender=step.sender or request.sender,
        message_id=message_id,
        sent_at=now,
    )
    return replace(
        document,
        history=(*document.history, send),
        step=document.step if index is None else index,
        next_step_at=0.0 if index is not None else document.next_step_at,
        claimed_until=now + CLAIM_SECONDS,
    )


def fresh(document: Document, fingerprint: str, sealed_code: str, now: float) -> Document:
    """Another code counts from now on, if it can be sent."""
    return replace(
        document,
        fingerprint=fingerprint,
        sealed_code=sealed_code,
        expires_at=now + document.request.validity_seconds,
        former_fingerprint=document.fingerprint,
        former_expires_at=document.expires_at,
    )


def gone(document: Document, now: float, *, reference: str = "") -> Document:
    """The code has been handed over."""
    latest = document.history[-1]
    if reference:
        latest = replace(latest, message_id=reference)
    document = replace(
        document,
        history=(*document.history[:-1], latest),
        claimed_until=0.0,
        former_fingerprint="",
        former_expires_at=0.0,
        status=VerifyStatus.PENDING if document.is_open else document.status,
    )
    wait = document.request.steps[document.step].wait_seconds if document.step >= 0 else 0
    if document.has_step_left and wait and document.is_open:
        document = replace(document, next_step_at=now + wait)
    return forgotten(document)


def failed_to_go(document: Document, error: str, now: float) -> Document:
    """It could not be handed over: the code before counts again, and the next step is due at once."""
    latest = replace(document.history[-1], status="failed", error=error)
    document = replace(document, history=(*document.history[:-1], latest), claimed_until=0.0)
    if document.former_fingerprint:
        document = replace(
            document,
            fingerprint=document.former_fingerprint,
            expires_at=document.former_expires_at,
            former_fingerprint="",
            former_expires_at=0.0,
        )
    elif document.has_step_left and document.is_open:
        document = replace(document, next_step_at=now)
    return forgotten(_undelivered(document))


def out_of_steps(document: Document) -> Document:
    """No further step can be taken."""
    return forgotten(_undelivered(replace(document, next_step_at=0.0, step=len(document.request.steps) - 1)))


def forgotten(document: Document) -> Document:
    """Without the sealed code, where nothing will send it again."""
    may_go_again = document.is_open and (document.has_step_left or document.is_own_code or document.is_going)
    return document if may_go_again or not document.sealed_code else replace(document, sealed_code="")


def check_resend(document: Document, now: float) -> None:
    """Refuse what the rules do not allow.

    Raises:
        VerifyError: which.
    """
    _check_open(document, now)
    identifier = document.request.id
    if len(document.history) >= document.request.max_sends:
        raise VerifyError(VerifyProblem.TOO_MANY_SENDS, "no more codes are sent for it", verification_id=identifier)
    wait = (document.history[-1].sent_at if document.history else 0.0) + document.request.resend_after_seconds - now
    if wait > 0 or document.is_going:
        raise VerifyError(
            VerifyProblem.TOO_SOON,
            "a code went out a moment ago",
            verification_id=identifier,
            retry_after=max(wait, 1.0),
        )


# --- what comes back ---


def told(document: Document, number: int, status: str, error: str, now: float) -> tuple[Document, VerifyEvent | None]:
    """What became of a code that was sent, and whether that is news.

    Args:
        number: which, from 0.
        status: as VerifySend has it.
    """
    if not 0 <= number < len(document.history):
        return document, None
    send = document.history[number]
    if _SEND_RANK[status] <= _SEND_RANK[send.status]:
        return document, None
    history = list(document.history)
    history[number] = replace(send, status=status, error=error if status == "failed" else "")
    document = replace(document, history=tuple(history))
    if status != "failed":
        if document.status is VerifyStatus.UNDELIVERED:
            document = replace(document, status=VerifyStatus.PENDING)
        return document, VerifyEvent.DELIVERED if send.status not in ("delivered", "read") else None
    is_latest = number == len(history) - 1
    if is_latest and document.is_open and document.has_step_left and not document.is_going:
        # Nobody waits for what will not come.
        return replace(document, next_step_at=now), None
    before = document.status
    document = forgotten(_undelivered(document))
    return document, VerifyEvent.UNDELIVERED if document.status is not before else None


_SEND_RANK: Final = {"sent": 0, "failed": 1, "delivered": 2, "read": 3}


def _undelivered(document: Document) -> Document:
    """Undelivered, where every code failed and none will follow."""
    is_lost = all(send.status == "failed" for send in document.history)
    if document.status is VerifyStatus.PENDING and is_lost and not (document.next_step_at or document.is_going):
        return replace(document, status=VerifyStatus.UNDELIVERED)
    return document


# --- checking and ending ---


def checked(document: Document, is_right: bool, now: float) -> tuple[Document, VerifyError | None]:
    """What a code makes of it: the document to write, and what its sender is told if it was wrong.

    Raises:
        VerifyError: it was not looked at.
    """
    _check_current(document, now)
    if is_right:
        return _verified(document, now), None
    return _missed(replace(document, attempts=document.attempts + 1), now)


def asked(document: Document, now: float) -> Document:
    """A code is about to be compared by the provider that keeps it: the attempt counts before it is known.

    Raises:
        VerifyError: it may not be.
    """
    _check_current(document, now)
    if document.attempts >= document.request.max_attempts:
        raise VerifyError(
            VerifyProblem.TOO_MANY_ATTEMPTS, "as many codes are being compared", verification_id=document.request.id
        )
    return replace(document, attempts=document.attempts + 1)


def not_said(document: Document) -> Document:
    """The provider did not say: the attempt was none."""
    return replace(document, attempts=max(0, document.attempts - 1)) if document.is_open else document


def said(document: Document, outcome: Compared, now: float) -> tuple[Document, VerifyError | None]:
    """What the provider said of a code that was `asked` about, likewise.

    Raises:
        VerifyError: it has ended meanwhile.
    """
    _check_open(document, now)
    match outcome:
        case Compared.RIGHT:
            return _verified(not_said(document), now), None
        case Compared.WRONG:
            return _missed(document, now)
        case Compared.TOO_MANY:
            return _turned_down(document, VerifyStatus.FAILED, now)
    return _turned_down(document, VerifyStatus.EXPIRED, now)


def _turned_down(document: Document, status: VerifyStatus, now: float) -> tuple[Document, VerifyError]:
    problem, text = _CLOSED[status]
    return ended(document, status, now), VerifyError(problem, text, verification_id=document.request.id, status=status)


def _check_current(document: Document, now: float) -> None:
    _check_open(document, now)
    if now >= document.expires_at:
        raise VerifyError(
            VerifyProblem.EXPIRED,
            "the code is too old",
            verification_id=document.request.id,
            status=VerifyStatus.EXPIRED,
        )


def _verified(document: Document, now: float) -> Document:
    verified = replace(document, verified_at=now, owes=document.request.per_conversion)
    return ended(verified, VerifyStatus.VERIFIED, now)


def _missed(document: Document, now: float) -> tuple[Document, VerifyError]:
    """A code was wrong, and has been counted."""
    request = document.request
    left = max(0, request.max_attempts - document.attempts)
    if not left:
        document = ended(document, VerifyStatus.FAILED, now)
    error = VerifyError(
        VerifyProblem.WRONG_CODE,
        "the code is another one",
        attempts_left=left,
        verification_id=request.id,
        status=document.status,
    )
    return document, error


def cancelled(document: Document, now: float) -> Document:
    """Ended without a result.

    Raises:
        VerifyError: it has ended, or it is too soon.
    """
    _check_open(document, now)
    wait = document.created_at + document.request.cancel_after_seconds - now
    if wait > 0:
        raise VerifyError(
            VerifyProblem.TOO_SOON,
            "it cannot be cancelled yet",
            verification_id=document.request.id,
            retry_after=wait,
        )
    return ended(document, VerifyStatus.CANCELLED, now)


def ended(document: Document, status: VerifyStatus, now: float) -> Document:
    """Over: no step follows, and nothing of the code is left."""
    return replace(
        document,
        status=status,
        ended_at=now,
        next_step_at=0.0,
        claimed_until=0.0,
        sealed_code="",
        fingerprint="",
        former_fingerprint="",
    )


def _check_open(document: Document, now: float) -> None:
    status = document.status_at(now)
    if status in OPEN:
        return
    problem, text = _CLOSED[status]
    raise VerifyError(problem, text, verification_id=document.request.id, status=status)


_CLOSED: Final = {
    VerifyStatus.VERIFIED: (VerifyProblem.ENDED, "it was verified before"),
    VerifyStatus.CANCELLED: (VerifyProblem.ENDED, "it was cancelled"),
    VerifyStatus.FAILED: (VerifyProblem.TOO_MANY_ATTEMPTS, "too many codes were wrong"),
    VerifyStatus.EXPIRED: (VerifyProblem.EXPIRED, "its time is up"),
}
