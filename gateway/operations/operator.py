"""Everything the operator's doors ask, in one hand."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.config import RouteConfig
from gateway.keys import KeyRing
from gateway.models import Event, Message, Part, Receipt
from gateway.operations.accounts import AccountDesk
from gateway.operations.nodes import NodeDesk
from gateway.operations.outbox import Outbox
from gateway.operations.queue import QueueDesk
from gateway.operations.secrets import SecretDesk
from gateway.operations.uplinks import UplinkDesk
from gateway.orphans import MatchAttempt
from gateway.providers.ports import MessageLog


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload has changed."""

    changed: tuple[str, ...] = ()
    """Settings that are in force now: ``route``, ``uplink.india`` (…)."""
    restart_needed: tuple[str, ...] = ()
    """Settings that the file has, and that are in force after a restart only."""
    left_out: tuple[str, ...] = ()
    """What is wrong with accounts of the store that do not fit the config any more."""


class MessageShelf(Protocol):
    """Shows messages of whichever account."""

    async def message(self, account: str, message_id: str) -> Message | None:
        """One; of any account where `account` is empty."""

    async def parts(self, message_id: str) -> Sequence[Part]:
        """Its parts."""

    async def timeline(self, message_id: str) -> Sequence[Event]:
        """What happened to it."""

    async def orphans(self, limit: int = 50) -> Sequence[Receipt]:
        """Receipts whose message never turned up, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """All that an operator may see and do."""

    uplinks: UplinkDesk
    queue: QueueDesk
    outbox: Outbox
    accounts: AccountDesk
    keys: KeyRing
    nodes: NodeDesk
    secrets: SecretDesk
    log: MessageLog
    shelf: MessageShelf
    attempts: Callable[[Receipt], Awaitable[Sequence[MatchAttempt]]]
    """Why a receipt found no message."""
    reload: Callable[[], Awaitable[Reloaded]]
    """Reads the config again; raises ConfigError, and then everything stays as it was."""
    routes: Callable[[], Sequence[RouteConfig]]
    """The rules in force, in the order of the file."""
    explain: Callable[[str, str, str, str], Mapping[str, object]]
    """Which route takes a message (account, sender, recipient, text) and why; raises InvalidMessage."""
