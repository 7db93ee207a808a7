"""Forgetting: what a store does with what is old enough."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Final

import msgspec

from gateway.models import FINAL_STATES, Inbound, Message

PURGE_LIMIT: Final = 100
"""Rows of each kind that one round handles, so that others get their turn at the writer."""

FINAL: Final = "(" + ", ".join(sorted(f"'{state.value}'" for state in FINAL_STATES)) + ")"
"""Final states as SQL has them."""

USAGE_SECONDS: Final = 400 * 86_400.0
"""How long the usage of days and months is kept."""


class Cutoffs(msgspec.Struct, frozen=True, kw_only=True):
    """What is older than this is forgotten; 0: nothing."""

    messages: float = 0.0
    """With parts and timelines, once they are final; they are named one by one (`finished`, `forget_messages`)."""
    bodies: float = 0.0
    """Texts and octets of messages that are final, of their parts, and of messages from handsets."""
    timelines: float = 0.0
    orphans: float = 0.0
    callbacks: float = 0.0
    """Those that were given up."""
    now: float = 0.0


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """What one round has done."""

    bodies: int = 0
    timelines: int = 0
    """Lines of them."""
    orphans: int = 0
    callbacks: int = 0
    partitions: int = 0
    is_done: bool = True
    """Whether nothing more is to do now."""


class RetentionStore(ABC):
    """Forgetting: a part of every store. Each call handles so many rows that nobody waits long for the writer."""

    @abstractmethod
    async def finished(self, before: float, *, after_id: str = "", limit: int = PURGE_LIMIT) -> list[Message]:
        """Final messages accepted before a time, oldest first."""

    @abstractmethod
    async def forget_messages(self, ids: Collection[str]) -> None:
        """Drop messages with their parts and timelines."""

    @abstractmethod
    async def inbound_before(self, before: float, *, limit: int = PURGE_LIMIT) -> list[Inbound]:
        """Messages from handsets that came before a time, oldest first."""

    @abstractmethod
    async def forget_inbound(self, ids: Collection[str]) -> None:
        """Drop messages from handsets."""

    @abstractmethod
    async def purge(self, cutoffs: Cutoffs) -> Purged:
        """One round of all that is forgotten without being named."""
