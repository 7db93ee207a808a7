"""Why a receipt found no message: under which keys it was looked for, and what stands there. Asked by people."""

from typing import Final

import msgspec

from gateway.models import Message, Part, Receipt
from gateway.store import Bookkeeping, Store
from gateway.store.matching import ids_match, may_be_about, receipt_forms

CANDIDATES: Final = 10
"""Parts that are shown for each key."""


class MatchAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a receipt's message was looked for."""

    rule: str
    """How the ids were compared."""
    key: str
    """The id in the form it was looked for."""
    message_id: str = ""
    """A message that has such an id; empty: none has."""
    part: int = 0
    reason: str


async def match_attempts(store: Store, book: Bookkeeping, receipt: Receipt) -> list[MatchAttempt]:
    """Look for a receipt's message once more, and say of each that has such an id why it is not the one.

    Raises:
        StoreError: the store cannot be read.
    """
    rule = book.rule(receipt.group)
    attempts = []
    for form, key in receipt_forms(rule, receipt.smsc_message_id, {}):
        found = await store.candidates(key, limit=CANDIDATES)
        for message, part in found:
            attempts.append(
                MatchAttempt(
                    rule=form,
                    key=key,
                    message_id=message.id,
                    part=part.number,
                    reason=_reason(book, receipt, message, part),
                )
            )
        if not found:
            reason = "no part has this id: it was never ours, its answer has not come, or its time to be found is over"
            attempts.append(MatchAttempt(rule=form, key=key, reason=reason))
    return attempts


def _reason(book: Bookkeeping, receipt: Receipt, message: Message, part: Part) -> str:
    rule = book.rule(receipt.group)
    if part.group != receipt.group:
        return f"it went through the group {part.group}, the receipt came over {receipt.group}: give both one group"
    if not ids_match(rule, part.smsc_message_id, receipt.smsc_message_id):
        return f"its id is written {part.smsc_message_id}, and {rule} takes no other way: another message_id_rule may"
    if not may_be_about(rule, (receipt.recipient, receipt.sender), message.recipient):
        return f"it went to {message.recipient}, the receipt is about {receipt.recipient or 'nobody it names'}"
    return "it fits now: its answer came when the receipt was given up"
