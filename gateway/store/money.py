"""What it takes for messages to be kept: funds, quota, an idempotency key not used before. Decisions for every engine.

An engine loads the books of the accounts that `accounts_of` names, lets `admit` decide message by message, and writes
the books back, all in the transaction that keeps the messages. Money is in millionths of the currency.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from gateway.models import Message, Part, State

INSUFFICIENT_BALANCE: Final = "insufficient_balance"
QUOTA_EXCEEDED: Final = "quota_exceeded"

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

HOUR_SECONDS: Final = 3_600.0

RefundRule = Literal["never", "unaccepted", "undelivered"]


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How much an account may use."""

    floor: int | None = None
    """What its balance must not fall below; None: it pays afterwards."""
    parts_per_day: int = 0
    """0: any number; days and months are those of UTC."""
    parts_per_month: int = 0


class NewClaim(msgspec.Struct, frozen=True, kw_only=True):
    """An idempotency key to be kept with the messages of its request."""

    account: str
    key: str
    fingerprint: str
    """Of the request."""
    answer: Callable[[Mapping[str, str]], bytes]
    """What the request is answered, given the messages that are refused after all. Pure and quick."""
    at: float
    expires_at: float


class Claimed(msgspec.Struct, frozen=True):
    """An idempotency key that was used."""

    fingerprint: str
    answer: bytes


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """What one call asks to be kept."""

    messages: Sequence[Message]
    claim: NewClaim | None = None
    allowances: Mapping[str, Allowance] = {}
    """Of accounts that are limited."""
    parts: Mapping[str, int] = {}
    """How many parts messages count as; 1 for others."""


class EntryKind(StrEnum):
    """Why a balance changed."""

    TOP_UP = "top_up"
    CORRECTION = "correction"
    CHARGE = "charge"
    REFUND = "refund"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an account's history."""

    account: str
    at: float
    """Of charges and refunds: the beginning of their hour."""
    kind: EntryKind
    amount: int
    """What the balance rose by; negative where it fell."""
    count: int = 1
    """How many messages, where it is about messages."""
    balance: int = 0
    """After it."""
    reference: str = ""
    """Whoever books it twice under one reference has booked it once."""
    note: str = ""
    n: int = 0
    """Grows from entry to entry."""


@dataclass(slots=True)
class Books:
    """Balances and usage of some accounts, and how they change."""

    balances: dict[str, int] = field(default_factory=dict)
    used: dict[tuple[str, str], int] = field(default_factory=dict)
    """Parts by account and period."""
    changes: dict[tuple[str, EntryKind, float], tuple[int, int]] = field(default_factory=dict)
    """Amount and count by account, kind and hour."""

    def book(self, account: str, kind: EntryKind, at: float, amount: int) -> None:
        """Let a balance rise by an amount."""
        self.balances[account] = self.balances.get(account, 0) + amount
        key = (account, kind, at - at % HOUR_SECONDS)
        before, count = self.changes.get(key, (0, 0))
        self.changes[key] = before + amount, count + 1

    def entries(self) -> list[Entry]:
        """The changes, as the lines of history they are added to."""
        return [
            Entry(account=account, at=at, kind=kind, amount=amount, count=count, balance=self.balances[account])
            for (account, kind, at), (amount, count) in sorted(self.changes.items())
        ]


def charged_accounts(admissions: Iterable[Admission]) -> set[str]:
    """Whose balances are needed."""
    return {message.account for one in admissions for message in one.messages if message.price}


def limited_periods(admissions: Iterable[Admission]) -> set[tuple[str, str]]:
    """Whose usage is needed, and of which periods."""
    return {
        (message.account, period)
        for one in admissions
        if one.allowances
        for message in one.messages
        for period, _ in quotas(one.allowances.get(message.account), message.created_at)
    }


def quotas(allowance: Allowance | None, at: float) -> list[tuple[str, int]]:
    """The periods that a moment falls into, with what is allowed in each."""
    if allowance is None or not (allowance.parts_per_day or allowance.parts_per_month):
        return []
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    limits = ((day, allowance.parts_per_day), (day[:7], allowance.parts_per_month))
    return [(period, limit) for period, limit in limits if limit]


def admit(admission: Admission, books: Books) -> dict[str, str]:
    """Charge messages and count them; those that cannot be are returned with the reason's code."""
    refused: dict[str, str] = {}
    for message in admission.messages:
        allowance = admission.allowances.get(message.account)
        if not message.price and allowance is None:
            continue
        parts = admission.parts.get(message.id, 1)
        limits = quotas(allowance, message.created_at)
        if any(books.used.get((message.account, period), 0) + parts > limit for period, limit in limits):
            refused[message.id] = QUOTA_EXCEEDED
        elif message.price and not _can_pay(message, allowance, books):
            refused[message.id] = INSUFFICIENT_BALANCE
        else:
            for period, _ in limits:
                books.used[message.account, period] = books.used.get((message.account, period), 0) + parts
            if message.price:
                books.book(message.account, EntryKind.CHARGE, message.created_at, -message.price)
    return refused


def _can_pay(message: Message, allowance: Allowance | None, books: Books) -> bool:
    if allowance is None or allowance.floor is None:
        return True
    return books.balances.get(message.account, 0) - message.price >= allowance.floor


# --- refunds ---

_NOT_TAKEN: Final = frozenset({State.REJECTED, State.FAILED, State.EXPIRED, State.DELETED})
_NOT_DELIVERED: Final = _NOT_TAKEN | {State.UNDELIVERABLE}


class Refund(msgspec.Struct, frozen=True):
    """What an account gets back; negative where a late receipt takes it away again."""

    account: str
    amount: int
    at: float


def refund_due(message: Message, parts: Iterable[Part], rule: RefundRule) -> int:
    """How much of a message's price is to be given back in all, now that it is as it is."""
    if rule == "never" or not message.price or not message.state.is_final:
        return 0
    states = [_is_refunded(part, rule) for part in parts]
    if message.in_doubt and rule == "unaccepted":
        # What may have reached the recipient is paid for.
        return 0
    if not states:
        return message.price
    return message.price * sum(states) // len(states)


def _is_refunded(part: Part, rule: RefundRule) -> bool:
    if rule == "undelivered":
        return part.state in _NOT_DELIVERED
    return part.state in _NOT_TAKEN and not part.smsc_message_id


# --- what a store does with it ---


class MoneyStore(ABC):
    """Balances, usage and idempotency keys: a part of every store."""

    @abstractmethod
    async def find_claim(self, account: str, key: str, now: float) -> Claimed | None:
        """What an idempotency key was used for, while it is kept."""

    @abstractmethod
    async def book(self, entry: Entry) -> Entry:
        """Add to an account's history and balance; returns after the commit.

        Returns:
            The line as it was kept, with the balance after it: the earlier one where its reference was booked before.
        """

    @abstractmethod
    async def balance(self, account: str) -> int:
        """What an account has; 0 where nothing was ever booked."""

    @abstractmethod
    async def entries(self, account: str, *, limit: int = 50, before: int = 0) -> list[Entry]:
        """An account's history, newest first; those before the entry of that number."""

    @abstractmethod
    async def usage(self, account: str) -> dict[str, int]:
        """Parts counted against an account's quota, by day and month, of the days and months still kept."""
