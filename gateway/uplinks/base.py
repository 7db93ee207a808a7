"""What the pipeline asks of a way out, and what a way out hands back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.models import Inbound, Message, Part, PartBody, Receipt, SubmitResult

ReceiptHandler = Callable[[Receipt], Awaitable[None]]
"""Returns once the receipt is committed; raising makes the uplink answer a temporary error, never OK."""

InboundHandler = Callable[[Inbound], Awaitable[None]]
"""Returns once the inbound message is committed; raising makes the uplink answer a temporary error."""


class Slot(Protocol):
    """One place in a bind's window, held for one part.

    The caller commits `sending(attempt, node, bind)` between taking the slot and `submit`.
    """

    @property
    def bind(self) -> str:
        """Which bind it is, as logs and the timeline name it: ``host:port#n``."""

    def submit(self, message: Message, part: Part) -> asyncio.Future[SubmitResult]:
        """Write the part, paced by the bind's rate. Never raises: every end is a SubmitResult."""

    def release(self) -> None:
        """Give the slot back unused."""


class Uplink(Protocol):
    """A way out: binds of an SMSC, or a REST provider."""

    @property
    def name(self) -> str:
        """Its name in the config."""

    @property
    def group(self) -> str:
        """The SMSC group whose message ids it shares."""

    @property
    def is_available(self) -> bool:
        """Whether at least one bind can carry a message now."""

    def split(self, message: Message, *, reference: int) -> list[PartBody]:
        """Code and cut a message for this uplink.

        Raises:
            gateway.errors.Unsupported: this uplink cannot carry it; the text says why.
        """

    async def reserve(self, count: int) -> Sequence[Slot]:
        """Wait until at least one slot is free, then take up to `count` of them."""

    async def start(self) -> None:
        """Connect and bind in the background; returns at once."""

    async def stop(self, deadline_seconds: float) -> None:
        """Finish what is in flight, unbind, close; after the deadline, close."""
