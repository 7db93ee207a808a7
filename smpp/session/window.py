"""Our requests without a response: sequence numbers, matching, deadlines. Pure; time comes in."""

from collections.abc import Iterator
from typing import Any, Final

from smpp.constants import MAX_SEQUENCE_NUMBER, MIN_SEQUENCE_NUMBER, command_name
from smpp.errors import InDoubt, NotSent, RequestLost, ResponseTimeout

Entry = tuple[int, float, Any]
"""command_id, deadline, and what the owner gave along."""

_NEVER: Final = float("inf")
_REMEMBERED_TIMEOUTS: Final = 1024


class Window:
    """Requests in the order they were made.

    Every request gets the same time to be answered, so the oldest has the nearest deadline: finding what is overdue
    looks at the front only.

    Args:
        response_timeout_seconds: that time; 0 is for ever.

    Attributes:
        pending: sequence_number to entry.
        unflushed: the numbers of those that were not handed out for writing yet.
        next_number: the number to try next.
    """

    __slots__ = ("_timed_out", "next_number", "pending", "timeout_seconds", "unflushed")

    def __init__(self, response_timeout_seconds: float) -> None:
        self.pending: dict[int, Entry] = {}
        self.unflushed: list[int] = []
        self.next_number = MIN_SEQUENCE_NUMBER
        self.timeout_seconds = response_timeout_seconds or _NEVER
        self._timed_out: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self.pending)

    def next_sequence_number(self) -> int:
        """A number that no request in flight has; wraps from 0x7FFFFFFF to 1. §5.1.4."""
        number = self.next_number
        while number in self.pending:
            number = number + 1 if number < MAX_SEQUENCE_NUMBER else MIN_SEQUENCE_NUMBER
        self.next_number = number + 1 if number < MAX_SEQUENCE_NUMBER else MIN_SEQUENCE_NUMBER
        return number

    def add(self, sequence_number: int, command_id: int, now: float, context: Any) -> None:
        """Remember a request that is about to be written."""
        self.pending[sequence_number] = (command_id, now + self.timeout_seconds, context)
        self.unflushed.append(sequence_number)

    def add_last(self, sequence_number: int, command_id: int, context: Any) -> None:
        """Remember a request that no other will follow, whose deadline somebody else watches."""
        self.add(sequence_number, command_id, _NEVER, context)

    def flushed(self) -> None:
        """All requests so far were handed out for writing: from here on their fate is in doubt."""
        self.unflushed.clear()

    def was_timed_out(self, sequence_number: int) -> bool:
        """Whether this response comes late rather than out of nowhere; true once for each."""
        if sequence_number not in self._timed_out:
            return False
        del self._timed_out[sequence_number]
        return True

    def next_deadline(self) -> float:
        """When the oldest request is overdue; infinity where none waits."""
        for _, deadline, _ in self.pending.values():
            return deadline
        return _NEVER

    def take_overdue(self, now: float) -> Iterator[tuple[Any, RequestLost]]:
        """Give up the requests whose time is over."""
        while self.pending:
            sequence_number, (command_id, deadline, context) = next(iter(self.pending.items()))
            if deadline > now:
                return
            del self.pending[sequence_number]
            self._timed_out[sequence_number] = None
            if len(self._timed_out) > _REMEMBERED_TIMEOUTS:
                del self._timed_out[next(iter(self._timed_out))]
            yield (
                context,
                ResponseTimeout(command_id, sequence_number, f"no response within {self.timeout_seconds:g} s"),
            )

    def take_all(self, reason: str) -> Iterator[tuple[Any, RequestLost]]:
        """Give up everything, because the link is gone: each request as surely not sent, or in doubt."""
        pending, self.pending = self.pending, {}
        unflushed = frozenset(self.unflushed)
        self.unflushed.clear()
        for sequence_number, (command_id, _, context) in pending.items():
            kind = NotSent if sequence_number in unflushed else InDoubt
            yield context, kind(command_id, sequence_number, reason)

    def __repr__(self) -> str:
        shown = ", ".join(f"#{number} {command_name(entry[0])}" for number, entry in list(self.pending.items())[:5])
        return f"<Window {len(self.pending)} waiting{': ' + shown if shown else ''}>"
