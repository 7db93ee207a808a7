"""Places for requests to a provider, and one place shared by all parts of a message that its sender has cut."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from gateway.models import Message, Part, SubmitResult
from gateway.providers.carrying import piece_of
from gateway.uplinks.base import Slot

PART_MARK: Final = "~"


class Carrier(Protocol):
    """Sends what the places were filled with."""

    @property
    def address(self) -> str:
        """``host:port`` of the provider."""

    def give_back(self, place: int) -> None:
        """A place is free again."""

    def send(self, place: int, messages: Sequence[Message], results: "Sequence[asyncio.Future[SubmitResult]]") -> None:
        """Send a message, or all parts of one in their order, with one request; gives the place back."""


class RestSlot:
    """A place for one request (gateway.uplinks.base.Slot)."""

    def __init__(self, uplink: Carrier, place: int) -> None:
        self._uplink = uplink
        self._place = place

    @property
    def bind(self) -> str:
        """Which place it is: ``host:port#n``."""
        return f"{self._uplink.address}#{self._place}"

    def submit(self, message: Message, part: Part) -> "asyncio.Future[SubmitResult]":
        """Send the message."""
        result: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
        self._uplink.send(self._place, [message], [result])
        return result

    def release(self) -> None:
        """Give the place back unused."""
        self._uplink.give_back(self._place)

    def share(self, count: int) -> Sequence[Slot]:
        """The same place for all parts of one message: when the last is submitted, one request leaves."""
        joint = _Joint(self._uplink, self._place, count)
        return [_JointSlot(joint, self.bind) for _ in range(count)]


class _Joint:
    """Parts that leave as one message."""

    def __init__(self, uplink: Carrier, place: int, count: int) -> None:
        self._uplink = uplink
        self._place = place
        self._left = count
        self._parts: list[tuple[int, Message, asyncio.Future[SubmitResult]]] = []

    def submit(self, message: Message) -> "asyncio.Future[SubmitResult]":
        result: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
        piece = piece_of(message)
        self._parts.append((piece.number if piece is not None else 0, message, result))
        self._one_less()
        return result

    def release(self) -> None:
        self._one_less()

    def _one_less(self) -> None:
        self._left -= 1
        if self._left:
            return
        if not self._parts:
            self._uplink.give_back(self._place)
            return
        self._parts.sort(key=lambda part: part[0])
        self._uplink.send(self._place, [one[1] for one in self._parts], [one[2] for one in self._parts])


class _JointSlot:
    """One part's share of a place."""

    def __init__(self, joint: _Joint, bind: str) -> None:
        self._joint = joint
        self._bind = bind

    @property
    def bind(self) -> str:
        """Which place it is."""
        return self._bind

    def submit(self, message: Message, part: Part) -> "asyncio.Future[SubmitResult]":
        """Add the part."""
        return self._joint.submit(message)

    def release(self) -> None:
        """Leave it out."""
        self._joint.release()


def part_id(provider_id: str, number: int) -> str:
    """The id of the n-th part that was joined to the provider's message."""
    return f"{provider_id}{PART_MARK}{number}" if provider_id and number > 1 else provider_id
