"""What becomes of a message of several parts, from what becomes of each. Pure."""

from enum import StrEnum
from typing import Final

from smpp.constants import MessageState


class ReceiptParts(StrEnum):
    """Which parts of a long message the SMSC reports on. The values are those of a config."""

    ALL = "all"
    FIRST = "first"
    LAST = "last"
    NONE = "none"
    """No receipt was asked for: a message is done once every part was answered."""


_FAILED: Final = 2
_RANK: Final = {
    MessageState.SCHEDULED: 0,
    MessageState.ACCEPTED: 0,
    MessageState.ENROUTE: 0,
    MessageState.UNKNOWN: 1,
    MessageState.SKIPPED: _FAILED,
    MessageState.EXPIRED: _FAILED,
    MessageState.DELETED: _FAILED,
    MessageState.UNDELIVERABLE: _FAILED,
    MessageState.REJECTED: _FAILED,
    MessageState.DELIVERED: 3,
}
"""A report never moves a part to a lower rank, nor a final one sideways: a late ENROUTE does not undo DELIVERED."""


class MessageTracker:
    """The state of one message.

    Every method that tells it something returns whether that made the message final: true once at most.

    Args:
        part_count: how many parts it has; they are numbered from 1.
        receipt_parts: whose receipts to wait for. Receipts of other parts count where they come.
    """

    __slots__ = ("_accepted", "_reported", "_states", "_waits_for", "part_count")

    def __init__(self, part_count: int, *, receipt_parts: ReceiptParts = ReceiptParts.ALL) -> None:
        if part_count < 1:
            raise ValueError(f"a message has at least one part, not {part_count}")
        self.part_count = part_count
        self._states: dict[int, MessageState] = {}
        self._accepted: set[int] = set()
        self._waits_for = set(range(1, part_count + 1))
        self._reported = {
            ReceiptParts.ALL: frozenset(self._waits_for),
            ReceiptParts.FIRST: frozenset({1}),
            ReceiptParts.LAST: frozenset({part_count}),
            ReceiptParts.NONE: frozenset[int](),
        }[receipt_parts]

    @property
    def is_final(self) -> bool:
        """Whether no part is waited for."""
        return not self._waits_for

    @property
    def waits_for(self) -> frozenset[int]:
        """The parts that have no response yet, or owe their final receipt."""
        return frozenset(self._waits_for)

    @property
    def state(self) -> MessageState:
        """Of the message as a whole.

        Before it is final: ENROUTE, or ACCEPTED where no part is known to be on its way. Afterwards: the first part
        that failed decides; without one, UNKNOWN where a part is unknown; else DELIVERED. ACCEPTED where no receipt
        tells more.
        """
        if self._waits_for:
            return MessageState.ENROUTE if MessageState.ENROUTE in self._states.values() else MessageState.ACCEPTED
        states = [self._states[part] for part in sorted(self._states) if self._states[part].is_final]
        failed = [state for state in states if _RANK[state] == _FAILED]
        if failed:
            return failed[0]
        return min(states, key=_RANK.__getitem__, default=MessageState.ACCEPTED)

    def accepted(self, part: int) -> bool:
        """The SMSC took a part."""
        self._check(part)
        self._accepted.add(part)
        return self._settle(part)

    def rejected(self, part: int) -> bool:
        """A part was refused for good."""
        return self.receipt(part, MessageState.REJECTED)

    def gave_up(self, part: int) -> bool:
        """No receipt of a part will be waited for any longer, or nothing is known of it."""
        return self.receipt(part, MessageState.UNKNOWN)

    def receipt(self, part: int, state: MessageState) -> bool:
        """A receipt of a part came. It is proof enough that the SMSC took it."""
        self._check(part)
        before = self._states.get(part)
        if before is None or _RANK[state] > _RANK[before] or not before.is_final:
            self._states[part] = state
        self._accepted.add(part)
        return self._settle(part)

    def _settle(self, part: int) -> bool:
        if part not in self._waits_for:
            return False
        known = self._states.get(part)
        is_done = known is not None and known.is_final
        if not is_done and (part in self._reported or part not in self._accepted):
            return False
        self._waits_for.discard(part)
        return not self._waits_for

    def _check(self, part: int) -> None:
        if not 1 <= part <= self.part_count:
            raise ValueError(f"a message of {self.part_count} parts has no part {part}")

    def __repr__(self) -> str:
        return f"<MessageTracker {self.state.name}, {len(self._waits_for)} of {self.part_count} parts to come>"
