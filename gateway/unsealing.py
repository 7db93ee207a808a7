"""Messages whose text is secret, on their way out: opened to be split, sealed again, opened as they are submitted."""

import asyncio
from typing import Final

from gateway.errors import Unsupported
from gateway.models import Message, Outcome, Part, PartBody, SubmitResult
from gateway.sealing import Sealer
from gateway.uplinks.base import Slot, Uplink

NO_SEALER: Final = "there is no key that opens its text"


class Unsealing:
    """Hands messages to uplinks; others than secret ones as they are.

    Args:
        sealer: opens and seals; None: then secret ones cannot be sent.
    """

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer | None) -> None:
        self._sealer = sealer

    def split(self, uplink: Uplink, message: Message, reference: int) -> list[PartBody]:
        """The parts of a message, as they may be kept.

        Raises:
            Unsupported: the uplink cannot carry it, or it cannot be opened.
        """
        if not message.secret:
            return uplink.split(message, reference=reference)
        sealer = self._there()
        return sealer.seal_bodies(message.id, uplink.split(sealer.open_message(message), reference=reference))

    def submit(self, slot: Slot, message: Message, part: Part) -> "asyncio.Future[SubmitResult]":
        """Write a part to the socket."""
        if not message.secret:
            return slot.submit(message, part)
        try:
            sealer = self._there()
            message, part = sealer.open_message(message), sealer.open_part(part)
        except Unsupported as error:
            # It was sealed before a restart that brought another key.
            slot.release()
            refused: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
            refused.set_result(SubmitResult(Outcome.REJECTED, error=str(error)))
            return refused
        return slot.submit(message, part)

    def _there(self) -> Sealer:
        if self._sealer is None:
            raise Unsupported(NO_SEALER)
        return self._sealer
