"""Turns for everybody: a queue of queues, served by deficit round robin. No clock, no I/O.

Each account has a queue of its own. In every round each may send as many parts as its share says; what it does not use
while it has something to send it keeps for the next round, so that long messages are no disadvantage. Whoever comes
anew waits one round at most, whatever the others' backlog.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Queue(Generic[T]):
    items: deque[tuple[T, int]] = field(default_factory=deque)
    credit: int = 0
    """Parts it may still send in this round."""


class FairQueue(Generic[T]):
    """Items by owner, in turn.

    Args:
        share: how many parts an owner may send in each round; at least 1.
    """

    __slots__ = ("_count", "_queues", "_share")

    def __init__(self, share: Callable[[str], int]) -> None:
        self._share = share
        self._queues: OrderedDict[str, _Queue[T]] = OrderedDict()
        """Those that have something to send; the first has its turn."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return (item for queue in self._queues.values() for item, _ in queue.items)

    def push(self, owner: str, item: T, cost: int = 1) -> None:
        """Put an item behind those of its owner.

        Args:
            cost: in parts.
        """
        queue = self._queues.get(owner)
        if queue is None:
            queue = self._queues[owner] = _Queue(credit=self._share(owner))
        queue.items.append((item, cost))
        self._count += 1

    def pop(self) -> T | None:
        """The next item; None where there is none."""
        while self._queues:
            owner, queue = next(iter(self._queues.items()))
            item, cost = queue.items[0]
            if cost > queue.credit and len(self._queues) > 1:
                queue.credit += self._share(owner)
                self._queues.move_to_end(owner)
                continue
            queue.items.popleft()
            # Alone, nobody owes anybody a turn.
            queue.credit = max(0, queue.credit - cost)
            self._count -= 1
            if not queue.items:
                del self._queues[owner]
            return item
        return None
