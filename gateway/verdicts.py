"""What follows from the end of an attempt: a table of outcomes, and policies for the rest. No I/O, no clock."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.config import UplinkConfig
from gateway.lanes import Work
from gateway.models import Event, Outcome, Part, State, SubmitResult
from gateway.store import PartEnd

replace = msgspec.structs.replace

UNSENT_PAUSE_SECONDS: Final = 0.1
UNSENT_PAUSE_MAX_SECONDS: Final = 5.0
FREE_UNSENT_TRIES: Final = 3
"""A part that never left goes again at once so many times; a bind that fails at every write must not spin."""

AFTER: Final = {
    Outcome.ACCEPTED: State.SUBMITTED,
    Outcome.THROTTLED: State.QUEUED,
    Outcome.RETRY: State.QUEUED,
    Outcome.NOT_SENT: State.QUEUED,
    Outcome.IN_DOUBT: State.QUEUED,
    Outcome.REJECTED: State.REJECTED,
}
"""The part's next state, unless a limit or a policy ends it as FAILED."""


class Verdict(msgspec.Struct, frozen=True):
    """What is to be recorded, and what to do once it is."""

    end: PartEnd
    again_at: float | None = None
    """When the part goes again; None: it does not."""
    wants_other_uplink: bool = False
    breaks_rest: str = ""
    """Why the message's other parts need not be sent."""


def judge(work: Work, part: Part, result: SubmitResult, settings: UplinkConfig, now: float) -> Verdict:
    """Decide what becomes of a part after an attempt."""
    state, error = AFTER[result.outcome], ""
    in_doubt = result.outcome is Outcome.IN_DOUBT
    goes_on = work.way.failover.follows(result)
    if state is State.REJECTED and goes_on and work.may_go_on(part.uplink, part.number):
        work.refused_by.add(part.uplink)
        work.refused_parts.add((part.uplink, part.number))
        state = State.QUEUED
    if state is State.QUEUED:
        stop = _reason_to_stop(work, part, result, settings)
        if stop is not None:
            state, error = stop
    elif state is State.REJECTED:
        error = result.error or "rejected"
    again_at = _again_at(work, part, result, settings, now) if state is State.QUEUED else None
    ended = replace(
        part,
        state=state,
        smsc_message_id=result.smsc_message_id if state is State.SUBMITTED else "",
        error=error,
        updated_at=now,
    )
    return Verdict(
        end=PartEnd(work.message, ended, _events(ended, result, again_at, now), in_doubt),
        again_at=again_at,
        wants_other_uplink=goes_on and state is State.QUEUED,
        breaks_rest=f"part {part.number} was not sent: {error}" if state in (State.REJECTED, State.FAILED) else "",
    )


def _reason_to_stop(work: Work, part: Part, result: SubmitResult, settings: UplinkConfig) -> tuple[State, str] | None:
    """What a part that could go again becomes instead, and why; None: it goes again."""
    if result.outcome is Outcome.IN_DOUBT:
        if settings.in_doubt == "fail":
            return State.FAILED, f"in doubt, not resent: {result.error}"
        if work.doubts.get(part.number, 0) >= settings.in_doubt_limit:
            return State.FAILED, f"in doubt {settings.in_doubt_limit + 1} times: {result.error}"
    if work.broken is not None:
        return work.broken
    if result.outcome is Outcome.RETRY and 0 < settings.retry_limit <= work.retries.get(part.number, 0):
        return State.FAILED, result.error or "given up after passing faults"
    return None


def _again_at(work: Work, part: Part, result: SubmitResult, settings: UplinkConfig, now: float) -> float:
    """When a part goes again; counts the try."""
    number = part.number
    if result.outcome is Outcome.THROTTLED:
        return now + (result.retry_after or settings.throttle_seconds)
    if result.outcome is Outcome.RETRY:
        tries = work.retries[number] = work.retries.get(number, 0) + 1
        pause = min(settings.retry_seconds * 2.0 ** min(tries - 1, 30), settings.retry_max_seconds)
        return now + max(pause, result.retry_after)
    if result.outcome is Outcome.REJECTED:
        # Only until another part's answer says whether it may go elsewhere.
        return now + max(settings.retry_seconds, result.retry_after)
    if result.outcome is Outcome.IN_DOUBT:
        work.doubts[number] = work.doubts.get(number, 0) + 1
        return now
    tries = work.unsent[number] = work.unsent.get(number, 0) + 1
    if tries <= FREE_UNSENT_TRIES:
        return now
    pause = UNSENT_PAUSE_SECONDS * 2.0 ** min(tries - FREE_UNSENT_TRIES, 10)
    return now + min(pause, UNSENT_PAUSE_MAX_SECONDS)


def _events(part: Part, result: SubmitResult, again_at: float | None, now: float) -> tuple[Event, ...]:
    events = []
    if result.outcome is Outcome.IN_DOUBT:
        events.append(_event(part, State.IN_DOUBT, now, result.error))
    if part.state is State.SUBMITTED:
        detail = part.smsc_message_id
    elif part.state is State.QUEUED:
        pause = max(0.0, (again_at or now) - now)
        reason = "resent" if result.outcome is Outcome.IN_DOUBT else result.error or result.outcome.value
        when = f"again in {pause:g} s" if pause else "again at once"
        if result.outcome is Outcome.REJECTED:
            when = "sent on to another uplink"
        detail = f"{reason}; {when}"
    else:
        detail = part.error
    events.append(_event(part, part.state, now, detail))
    return tuple(events)


def _event(part: Part, state: State, now: float, detail: str) -> Event:
    return Event(
        message_id=part.message_id,
        at=now,
        state=state,
        part=part.number,
        attempt=part.attempt,
        node=part.node,
        bind=part.bind,
        detail=detail,
    )


def give_up(work: Work, parts: Sequence[Part], state: State, error: str, now: float) -> list[PartEnd]:
    """End parts that have not left."""
    ends = []
    for part in parts:
        ended = replace(part, state=state, error=error, updated_at=now)
        ends.append(PartEnd(work.message, ended, (_event(ended, state, now, error),)))
    return ends
