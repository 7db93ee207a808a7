"""Our requests without a response: sequence numbers, matching, deadlines. Pure; time comes in."""

from collections.abc import Iterator
from typing import Any

from smpp.constants import MAX_SEQUENCE_NUMBER, MIN_SEQUENCE_NUMBER, command_name
from smpp.errors import InDoubt, NotSent, RequestLost, ResponseTimeout

Entry = tuple[int, float, Any]
"""command_id, deadline, and what the owner gave along."""

_REMEMBERED_TIMEOUTS = 1024


class Window:
    """Requests in the order they were made.

    Every request gets the same time to be answered, so the oldest has the nearest deadline: finding what is overdue
    looks at the front only.

    Attributes:
        pending: sequence_number to entry.
        unflushed: how many of the newest were not handed out for writing yet.
    """

    def __init__(self, response_timeout_seconds: float) -> None:
        self.pending: dict[int, Entry] = {}
        self.unflushed = 0
        self._timeout = response_timeout_seconds or float("inf")
        self._next = MIN_SEQUENCE_NUMBER
        self._timed_out: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self.pending)

    def next_sequence_number(self) -> int:
        """A number that no request in flight has; wraps from 0x7FFFFFFF to 1. §5.1.4."""
        number = self._next
        while number in self.pending:
            number = number + 1 if number < MAX_SEQUENCE_NUMBER else MIN_SEQUENCE_NUMBER
        self._next = number + 1 if number < MAX_SEQUENCE_NUMBER else MIN_SEQUENCE_NUMBER
        return number

    def add(self, sequence_number: int, command_id: int, now: float, context: Any) -> None:
        """Remember a request that is about to be written."""
        self.pending[sequence_number] = (command_id, now + self._timeout, context)
        self.unflushed += 1

    def flushed(self) -> None:
        """All requests so far were handed out for writing: from here on their fate is in doubt."""
        self.unflushed = 0

    def was_timed_out(self, sequence_number: int) -> bool:
        """Whether this response comes late rather than out of nowhere."""
        return self._timed_out.pop(sequence_number, 0) is None

    def next_deadline(self) -> float:
        """When the oldest request is overdue; infinity where none waits."""
        for _, deadline, _ in self.pending.values():
            return deadline
        return float("inf")

    def take_overdue(self, now: float) -> Iterator[tuple[Any, RequestLost]]:
        """Give up the requests whose time is over."""
        while self.pending:
            sequence_number, (command_id, deadline, context) = next(iter(self.pending.items()))
            if deadline > now:
                return
            del self.pending[sequence_number]
            self.unflushed = min(self.unflushed, len(self.pending))
            self._timed_out[sequence_number] = None
            if len(self._timed_out) > _REMEMBERED_TIMEOUTS:
                del self._timed_out[next(iter(self._timed_out))]
            yield context, ResponseTimeout(command_id, sequence_number, f"no response within {self._timeout:g} s")

    def take_all(self, reason: str) -> Iterator[tuple[Any, RequestLost]]:
        """Give up everything, because the link is gone: each request as surely not sent, or in doubt."""
        certain = len(self.pending) - self.unflushed
        for index, (sequence_number, (command_id, _, context)) in enumerate(list(self.pending.items())):
            kind = InDoubt if index < certain else NotSent
            yield context, kind(command_id, sequence_number, reason)
        self.pending.clear()
        self.unflushed = 0

    def __repr__(self) -> str:
        shown = ", ".join(f"#{number} {command_name(entry[0])}" for number, entry in list(self.pending.items())[:5])
        return f"<Window {len(self.pending)} waiting{': ' + shown if shown else ''}>"
