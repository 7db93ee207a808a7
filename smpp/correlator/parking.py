"""Where receipts wait for the response that names their part. Pure; time comes in.

What `smpp.correlator.store` is for parts: one list in order of time, whose head is due next, and a look-up by each key
that a receipt may be about.
"""

from collections.abc import Iterator
from math import inf
from typing import Generic, TypeVar

from smpp.correlator.auto import Keys
from smpp.correlator.store import Fifo, Link

R = TypeVar("R")


class Parked(Link, Generic[R]):
    """A receipt that found nothing when it came."""

    __slots__ = ("address", "is_final", "keys", "message_id", "other_address", "receipt", "still")

    def __init__(
        self, keys: Keys, message_id: str, addresses: tuple[str, str], receipt: R, is_final: bool, since: float
    ) -> None:
        super().__init__(since)
        self.keys = keys
        self.message_id = message_id
        self.address, self.other_address = addresses
        self.receipt = receipt
        self.is_final = is_final
        self.still = True
        """Whether it waits."""

    @property
    def addresses(self) -> tuple[str, str]:
        """The recipient's, and the other one of its PDU."""
        return self.address, self.other_address


class ParkingLot(Generic[R]):
    """The receipts that wait.

    Args:
        lifetime_seconds: how long each does.
        max_parked: how many can.

    Attributes:
        by_key: those that may be about the part with a key, in the order they came; no key without any.
    """

    __slots__ = ("_fifo", "_lifetime", "_max_parked", "by_key")

    def __init__(self, lifetime_seconds: float, max_parked: int) -> None:
        self._lifetime = lifetime_seconds
        self._max_parked = max_parked
        self._fifo: Fifo[Parked[R]] = Fifo()
        self.by_key: dict[str, list[Parked[R]]] = {}

    def __len__(self) -> int:
        return len(self._fifo)

    def __iter__(self) -> Iterator[Parked[R]]:
        return iter(self._fifo)

    @property
    def oldest(self) -> Parked[R] | None:
        """The one that has waited longest."""
        return self._fifo.first

    @property
    def has_room(self) -> bool:
        """Whether one more can wait without another going."""
        return len(self._fifo) < self._max_parked

    def add(self, parked: Parked[R]) -> None:
        """Let it wait; whoever calls makes room."""
        self._fifo.append(parked)
        for _, key in parked.keys:
            self.by_key.setdefault(key, []).append(parked)

    def remove(self, parked: Parked[R]) -> None:
        """It waits no longer."""
        self._fifo.remove(parked)
        parked.still = False
        for _, key in parked.keys:
            same = self.by_key[key]
            same.remove(parked)
            if not same:
                del self.by_key[key]

    def overdue(self, now: float) -> Parked[R] | None:
        """One whose time is over, if there is one."""
        first = self._fifo.first
        return first if first is not None and first.since + self._lifetime <= now else None

    def next_deadline(self) -> float:
        """When the next one's time is over; infinity where none waits."""
        first = self._fifo.first
        return first.since + self._lifetime if first is not None else inf
