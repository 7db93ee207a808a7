"""What a response or a receipt changes: read rows in, rows to write out, nothing else.

An engine loads what `results_need` or `receipts_need` ask for, calls `decide_…` inside its transaction, and writes the
`Changes`. The rules are the same for every engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gateway.models import RANK, SERVICES, Callback, Event, Message, Part, Receipt, State
from gateway.store.base import Bookkeeping, PartEnd
from gateway.store.ids import Ids
from gateway.store.matching import (
    ENOUGH_VOTES,
    IdRule,
    ids_match,
    look_up_key,
    may_be_about,
    receipt_forms,
    response_forms,
)
from gateway.store.money import Refund, refund_due

replace = msgspec.structs.replace

GroupKey = tuple[str, str]
"""SMSC group and look-up key."""
PartKey = tuple[str, int]
"""Message id and part number."""

WORST_FIRST: Final = (
    State.REJECTED,
    State.UNDELIVERABLE,
    State.FAILED,
    State.EXPIRED,
    State.DELETED,
    State.UNKNOWN,
    State.DELIVERED,
)
"""A message all of whose parts are final has the state of the worst of them: a text with a hole is not delivered."""


@dataclass(slots=True)
class Parked:
    """A receipt that waits for its response."""

    n: int
    receipt: Receipt


@dataclass(slots=True)
class Loaded:
    """The rows a decision is made on; missing ones are absent."""

    messages: dict[str, Message] = field(default_factory=dict)
    parts: dict[str, dict[int, Part]] = field(default_factory=dict)
    found: dict[GroupKey, list[PartKey]] = field(default_factory=dict)
    """Matchable parts by the key of their SMSC id."""
    parked: dict[GroupKey, list[Parked]] = field(default_factory=dict)
    votes: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """The rows to write."""

    messages: dict[str, Message] = field(default_factory=dict)
    ended: dict[PartKey, Part] = field(default_factory=dict)
    """Parts an attempt has ended for: every column."""
    moved: dict[PartKey, Part] = field(default_factory=dict)
    """Parts a receipt has moved: state, error, time."""
    events: list[Event] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    park: list[Receipt] = field(default_factory=list)
    unpark: list[int] = field(default_factory=list)
    votes: list[tuple[str, str]] = field(default_factory=list)
    """(group, rule) that worked once more."""
    matched: list[bool] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def erased(self) -> list[str]:
        """Ids of messages whose text is to be erased, with that of their parts."""
        return [one.id for one in self.messages.values() if one.secret and one.state.is_final]


def fold(states: Sequence[State]) -> State:
    """A message's state from those of its parts: final when all are, else that of the least advanced."""
    if all(state.is_final for state in states):
        return min(states, key=WORST_FIRST.index)
    slowest = min((state for state in states if not state.is_final), key=RANK.__getitem__)
    return slowest if RANK[slowest] >= RANK[State.SUBMITTED] else State.SENDING


# --- results of attempts ---


def results_need(ends: Sequence[PartEnd], book: Bookkeeping) -> tuple[set[str], set[GroupKey]]:
    """The ids of messages to load with their parts, and the keys of parked receipts to look for.

    A message of one part is as the pipeline knows it: nobody else moves it before its response is recorded.
    """
    ids = {end.message.id for end in ends if end.message.part_count != 1}
    keys = {
        (end.part.group, key)
        for end in ends
        if end.part.state is State.SUBMITTED and end.part.smsc_message_id
        for key in response_forms(book.rule(end.part.group), end.part.smsc_message_id)
    }
    return ids, keys


def decide_results(ends: Sequence[PartEnd], loaded: Loaded, book: Bookkeeping, ids: Ids) -> Changes:
    """Record what became of attempts and apply the receipts that were parked for them."""
    changes = Changes()
    for end in ends:
        identifier, part = end.message.id, end.part
        message = loaded.messages.get(identifier, end.message)
        parts = loaded.parts.setdefault(identifier, {})
        parts[part.number] = part
        changes.ended[identifier, part.number] = part
        changes.events += end.events
        if end.in_doubt and not message.in_doubt:
            message = changes.messages[identifier] = replace(message, in_doubt=True)
        _share_end(message, part.updated_at, loaded, changes, book)
        _settle(message, None, part.updated_at, loaded, changes, book, ids)
        if part.state is State.SUBMITTED and loaded.parked:
            _apply_parked(part, loaded, changes, book, ids)
    return changes


def _apply_parked(part: Part, loaded: Loaded, changes: Changes, book: Bookkeeping, ids: Ids) -> None:
    rule = book.rule(part.group)
    recipient = loaded.messages[part.message_id].recipient
    for key in response_forms(rule, part.smsc_message_id):
        kept = []
        for parked in loaded.parked.get((part.group, key), ()):
            receipt = parked.receipt
            if ids_match(rule, part.smsc_message_id, receipt.smsc_message_id) and may_be_about(
                rule, (receipt.recipient, receipt.sender), recipient
            ):
                changes.unpark.append(parked.n)
                _apply(receipt, (part.message_id, part.number), loaded, changes, book, ids)
            else:
                kept.append(parked)
        if (part.group, key) in loaded.parked:
            loaded.parked[part.group, key] = kept


# --- receipts ---


def receipts_need(
    receipts: Sequence[Receipt], book: Bookkeeping, votes: Mapping[str, Mapping[str, int]]
) -> set[GroupKey]:
    """The keys of parts to look for."""
    return {
        (receipt.group, key)
        for receipt in receipts
        for _, key in receipt_forms(book.rule(receipt.group), receipt.smsc_message_id, votes.get(receipt.group, {}))
    }


def decide_receipts(receipts: Sequence[Receipt], loaded: Loaded, book: Bookkeeping, ids: Ids) -> Changes:
    """Apply receipts to the parts they are about; park the others."""
    changes = Changes()
    for receipt in receipts:
        found = _find(receipt, loaded, changes, book)
        changes.matched.append(found is not None)
        if found is None:
            changes.park.append(receipt)
        else:
            _apply(receipt, found, loaded, changes, book, ids)
    return changes


def _find(receipt: Receipt, loaded: Loaded, changes: Changes, book: Bookkeeping) -> PartKey | None:
    """The newest outstanding part with that id and recipient, else the newest final: ids recycle, receipts repeat."""
    rule = book.rule(receipt.group)
    hits: dict[IdRule, list[PartKey]] = {}
    votes = loaded.votes.get(receipt.group, {})
    for form, key in receipt_forms(rule, receipt.smsc_message_id, votes):
        fitting = [
            part_key
            for part_key in loaded.found.get((receipt.group, key), ())
            if _fits(receipt, part_key, rule, loaded)
        ]
        if fitting:
            hits.setdefault(form, fitting)
    if not hits:
        return None
    form, fitting = next(iter(hits.items()))
    if rule == "auto" and len(hits) == 1 and votes.get(form, 0) < ENOUGH_VOTES:
        changes.votes.append((receipt.group, form))
    return max(fitting, key=lambda one: _preference(receipt, one, loaded))


def _fits(receipt: Receipt, key: PartKey, rule: IdRule, loaded: Loaded) -> bool:
    identifier, number = key
    return ids_match(rule, loaded.parts[identifier][number].smsc_message_id, receipt.smsc_message_id) and may_be_about(
        rule, (receipt.recipient, receipt.sender), loaded.messages[identifier].recipient
    )


def _preference(receipt: Receipt, key: PartKey, loaded: Loaded) -> tuple[bool, bool, float, PartKey]:
    part = loaded.parts[key[0]][key[1]]
    is_same_text = part.smsc_message_id.strip() == receipt.smsc_message_id.strip()
    return not part.state.is_final, is_same_text, part.updated_at, key


def _apply(receipt: Receipt, key: PartKey, loaded: Loaded, changes: Changes, book: Bookkeeping, ids: Ids) -> None:
    """Move a part by a receipt, unless that would be backwards."""
    identifier, number = key
    part = loaded.parts[identifier][number]
    if RANK[receipt.state] <= RANK[part.state]:
        if receipt.state is not part.state:
            changes.events.append(_receipt_event(receipt, part, f"late, the part stays {part.state}: {receipt.raw}"))
        return
    error = "" if receipt.state in (State.DELIVERED, State.ENROUTE) else receipt.error or receipt.state.value
    part = replace(part, state=receipt.state, error=error, updated_at=receipt.received_at)
    loaded.parts[identifier][number] = part
    (changes.ended if key in changes.ended else changes.moved)[key] = part
    changes.events.append(_receipt_event(receipt, part, receipt.raw))
    _share_end(loaded.messages[identifier], receipt.received_at, loaded, changes, book)
    _settle(loaded.messages[identifier], receipt, receipt.received_at, loaded, changes, book, ids)


def _share_end(message: Message, at: float, loaded: Loaded, changes: Changes, book: Bookkeeping) -> None:
    """Give the end of the one part of which a receipt was asked to those of which none was."""
    parts = loaded.parts[message.id]
    if len(parts) < 2 or not book.receipt_parts:
        return
    which = book.receipt_parts.get(next(iter(parts.values())).uplink)
    reporter = parts.get(1 if which == "first" else message.part_count) if which is not None else None
    if reporter is None or not reporter.state.is_final or not reporter.smsc_message_id:
        return
    for number, part in list(parts.items()):
        if part.state not in (State.SUBMITTED, State.ENROUTE):
            continue
        key = (message.id, number)
        part = parts[number] = replace(part, state=reporter.state, error=reporter.error, updated_at=at)
        (changes.ended if key in changes.ended else changes.moved)[key] = part
        changes.events.append(
            Event(
                message_id=message.id,
                at=at,
                state=part.state,
                part=number,
                attempt=part.attempt,
                node=part.node,
                detail=f"as part {reporter.number}, of which alone a receipt was asked",
            )
        )


def _receipt_event(receipt: Receipt, part: Part, detail: str) -> Event:
    return Event(
        message_id=part.message_id,
        at=receipt.received_at,
        state=receipt.state,
        part=part.number,
        attempt=part.attempt,
        node=part.node,
        bind=receipt.bind,
        detail=detail,
    )


# --- what both end in ---


def decide_unknown(parts: Iterable[Part], loaded: Loaded, now: float, book: Bookkeeping, ids: Ids) -> Changes:
    """End parts whose receipt did not come in time, and tell their owners."""
    changes = Changes()
    for old in parts:
        error = "no receipt came in time"
        part = replace(old, state=State.UNKNOWN, error=error, updated_at=now)
        loaded.parts[part.message_id][part.number] = part
        changes.moved[part.message_id, part.number] = part
        changes.events.append(
            Event(
                message_id=part.message_id,
                at=now,
                state=State.UNKNOWN,
                part=part.number,
                attempt=part.attempt,
                node=part.node,
                detail=error,
            )
        )
        _settle(loaded.messages[part.message_id], None, now, loaded, changes, book, ids)
    return changes


def decide_ends(messages: Sequence[Message], book: Bookkeeping, ids: Ids) -> Changes:
    """End messages that have no parts."""
    changes = Changes()
    for message in messages:
        message = _refund(message, (), message.updated_at, changes, book)
        changes.messages[message.id] = message
        changes.events.append(message_event(message))
        owe(message, None, message.updated_at, changes, book, ids)
    return changes


def message_event(message: Message) -> Event:
    """The timeline's line for a move of a message as a whole."""
    return Event(
        message_id=message.id, at=message.updated_at, state=message.state, node=message.node, detail=message.error
    )


def _settle(
    message: Message,
    receipt: Receipt | None,
    at: float,
    loaded: Loaded,
    changes: Changes,
    book: Bookkeeping,
    ids: Ids,
) -> None:
    """Fold a message's state from its parts and owe what the change owes."""
    parts = loaded.parts[message.id].values()
    state = fold([part.state for part in parts])
    if state is message.state:
        loaded.messages[message.id] = message
        return
    error = ""
    if state.is_final and state is not State.DELIVERED:
        error = next(part.error for part in parts if part.state is state)
    message = _refund(replace(message, state=state, error=error, updated_at=at), parts, at, changes, book)
    loaded.messages[message.id] = changes.messages[message.id] = message
    if state.is_final and message.part_count > 1:
        changes.events.append(message_event(message))
    owe(message, receipt, at, changes, book, ids)


def _refund(message: Message, parts: Iterable[Part], at: float, changes: Changes, book: Bookkeeping) -> Message:
    """Give an account back what it need not pay, or take back what it got too much."""
    if not message.price:
        return message
    due = refund_due(message, parts, book.refund)
    if due == message.refunded:
        return message
    changes.refunds.append(Refund(message.account, due - message.refunded, at))
    return replace(message, refunded=due)


def owe(message: Message, receipt: Receipt | None, at: float, changes: Changes, book: Bookkeeping, ids: Ids) -> None:
    """Add the callback that a message's new state owes, if any."""
    if not message.callback_url and message.dialect != SERVICES:
        return
    callback = book.callback_for(message, receipt)
    if callback is not None:
        changes.callbacks.append(
            replace(
                callback,
                id=ids.new(at),
                account=message.account,
                message_id=message.id,
                dialect=message.dialect,
                created_at=at,
                due_at=at,
            )
        )


def part_look_up_key(part: Part) -> str:
    """The key a part's SMSC id is indexed by; empty where it has none."""
    return look_up_key(part.smsc_message_id) if part.smsc_message_id else ""
