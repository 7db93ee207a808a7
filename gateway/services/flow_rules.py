"""What is kept of a failover flow, and what each event makes of it. No store, no clock.

    step ──handed over──► sent ──condition met──► delivered | read
      │                    └── failed, or the wait is over ──► next step … none left ──► undelivered
      └── refused ──► next step … none left ──► rejected

A step whose condition is met late, while a later one waits, ends the flow all the same.
"""

from typing import Final

import msgspec

from gateway.models import State
from gateway.providers.ports import Flow, FlowStep

replace = msgspec.structs.replace

CLAIM_SECONDS: Final = 30.0
"""How long one who takes a step has for it before another looks what became of it."""
POLL_SECONDS: Final = (30.0, 60.0, 120.0, 300.0, 600.0)
"""How often a message is looked at whose end nobody has told of; the last one repeats."""

GONE: Final = "gone"
SENT: Final = "sent"
DELIVERED: Final = "delivered"
READ: Final = "read"
FAILED: Final = "failed"
REFUSED: Final = "refused"
"""What became of what a step has sent."""

OUTCOMES: Final = {
    State.SUBMITTED: SENT,
    State.ENROUTE: SENT,
    State.DELIVERED: DELIVERED,
    State.EXPIRED: FAILED,
    State.DELETED: FAILED,
    State.UNDELIVERABLE: FAILED,
    State.UNKNOWN: FAILED,
    State.FAILED: FAILED,
    State.REJECTED: REFUSED,
}
_RANK: Final = {GONE: 0, SENT: 1, FAILED: 2, REFUSED: 2, DELIVERED: 3, READ: 4}
_LOST: Final = frozenset({FAILED, REFUSED})
CONDITIONS: Final = {"delivered": frozenset({DELIVERED, READ}), "read": frozenset({READ})}

ENDED: Final = frozenset({"delivered", "read", "undelivered", "rejected"})


class Sent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a step has sent."""

    step: int
    channel: str
    message_id: str
    outcome: str = GONE
    error: str = ""


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A flow as it is kept."""

    number: str
    steps: tuple[FlowStep, ...]
    status: str = "processing"
    error: str = ""
    dialect: str = "native"
    callback_url: str = ""
    client_reference: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    sends: tuple[Sent, ...] = ()
    claimed_until: float = 0.0
    """A step is being taken; 0: none is."""
    next_step_at: float = 0.0
    poll_at: float = 0.0
    polls: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing more happens."""
        return self.status in ENDED

    @property
    def step(self) -> int:
        """The last that was taken."""
        return self.sends[-1].step if self.sends else -1

    @property
    def latest(self) -> int:
        """Which send was the last to be handed over, or tried to be; those after it led nowhere."""
        return next((n for n in range(len(self.sends) - 1, -1, -1) if self.sends[n].message_id), -1)

    @property
    def has_step_left(self) -> bool:
        """Whether there is a further one."""
        return self.step + 1 < len(self.steps)


def view(document: Document, account: str, flow_id: str) -> Flow:
    """What callers see."""
    return Flow(
        id=flow_id,
        account=account,
        number=document.number,
        steps=document.steps,
        status=document.status,
        error=document.error,
        step=max(0, document.step),
        message_ids=tuple(one.message_id for one in document.sends),
        dialect=document.dialect,
        callback_url=document.callback_url,
        client_reference=document.client_reference,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )


def due_at(document: Document, keep_seconds: float) -> float:
    """When it wants attention next."""
    if document.is_ended:
        return document.updated_at + keep_seconds
    if document.claimed_until:
        return document.claimed_until
    return min((at for at in (document.next_step_at, document.poll_at) if at), default=document.updated_at)


def claimed(document: Document, index: int, message_id: str, now: float) -> Document:
    """A step is about to be taken."""
    sent = Sent(index, document.steps[index].channel, message_id)
    return replace(
        document,
        sends=(*document.sends, sent),
        claimed_until=now + CLAIM_SECONDS,
        next_step_at=0.0,
        poll_at=0.0,
        polls=0,
        updated_at=now,
    )


def taken(document: Document, now: float, reference: str = "") -> Document:
    """What it sends was handed over."""
    latest = document.sends[-1]
    latest = replace(latest, message_id=reference or latest.message_id)
    wait = document.steps[latest.step].wait_seconds
    return replace(
        document,
        sends=(*document.sends[:-1], latest),
        claimed_until=0.0,
        next_step_at=now + wait if wait and document.has_step_left else 0.0,
        poll_at=now + POLL_SECONDS[0],
        updated_at=now,
    )


def refused(document: Document, error: str, now: float) -> Document:
    """It could not be handed over: on to the next, or over."""
    latest = replace(document.sends[-1], outcome=REFUSED, error=error)
    document = replace(document, sends=(*document.sends[:-1], latest), claimed_until=0.0, updated_at=now)
    return on_or_over(document, now)


def told(document: Document, number: int, outcome: str, error: str, now: float) -> Document:
    """What became of what a step has sent; the same document where that is no news."""
    if document.is_ended or not 0 <= number < len(document.sends):
        return document
    sent = document.sends[number]
    if _RANK[outcome] <= _RANK[sent.outcome]:
        return document
    sends = list(document.sends)
    sends[number] = replace(sent, outcome=outcome, error=error if outcome in _LOST else "")
    document = replace(document, sends=tuple(sends), updated_at=now)
    if outcome in CONDITIONS[document.steps[sent.step].condition]:
        return _over(document, READ if outcome == READ else DELIVERED, "")
    if number != document.latest or document.claimed_until:
        return document
    if outcome in _LOST:
        return on_or_over(document, now)
    if outcome == DELIVERED and not document.has_step_left:
        # Nothing follows that could be read instead.
        return _over(document, DELIVERED, "")
    return replace(document, status="sent") if document.status == "processing" else document


def on_or_over(document: Document, now: float) -> Document:
    """The next step is due now; without one, the flow is over."""
    if document.has_step_left:
        return replace(document, next_step_at=now, updated_at=now)
    latest = document.sends[document.latest] if document.latest >= 0 else None
    if latest is not None and latest.outcome not in _LOST:
        return replace(document, next_step_at=0.0, poll_at=document.poll_at or now + POLL_SECONDS[0])
    if any(one.outcome == DELIVERED for one in document.sends):
        # It was to be read; that it arrived is more than nothing.
        return _over(document, DELIVERED, "")
    is_refused = all(one.outcome == REFUSED for one in document.sends)
    return _over(document, "rejected" if is_refused else "undelivered", document.sends[-1].error)


def passed_over(document: Document, index: int, error: str, now: float) -> Document:
    """A step whose channel leads nowhere fails at once."""
    sent = Sent(index, document.steps[index].channel, "", REFUSED, error)
    return replace(document, sends=(*document.sends, sent), updated_at=now)


def polled(document: Document, now: float) -> Document:
    """Looked at without news: again later."""
    polls = document.polls + 1
    seconds = POLL_SECONDS[min(polls, len(POLL_SECONDS) - 1)]
    return replace(document, polls=polls, poll_at=now + seconds)


def _over(document: Document, status: str, error: str) -> Document:
    return replace(document, status=status, error=error, claimed_until=0.0, next_step_at=0.0, poll_at=0.0)
