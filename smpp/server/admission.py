"""Who may come in and bind: counts of connections and binds, and locks after guessed passwords. Pure; time comes in."""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from smpp.constants import BindMode

_REMEMBERED_FAILURES: Final = 10_000
"""Pairs of address and system_id; beyond, the oldest are forgotten."""

Key = TypeVar("Key")


class Refusal(Enum):
    """Why a connection was turned away."""

    TOO_MANY = "too many connections"
    TOO_MANY_UNBOUND = "too many connections that have not bound"
    TOO_MANY_FROM_ADDRESS = "too many connections of this address that have not bound"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many are let in; 0 is no limit."""

    connections: int = 0
    unbound: int = 0
    unbound_per_address: int = 0
    failures: int = 0
    """Wrong credentials in a row, of one address for one system_id, before they are locked out."""
    lock_seconds: float = 0.0


@dataclass(slots=True, eq=False)
class Visit:
    """One connection, from the door to its end."""

    address: str
    account: str = ""
    mode: BindMode | None = None
    is_over: bool = False

    @property
    def is_bound(self) -> bool:
        """Whether it counts as a bind of an account."""
        return self.mode is not None


class Admission:
    """Counts who is here. Whatever way a visit ends, `leave` frees all that it held, once.

    Args:
        limits: how many are let in.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connections = 0
        self._unbound = 0
        self._unbound_by_address: Counter[str] = Counter()
        self._binds: Counter[tuple[str, BindMode]] = Counter()
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    @property
    def connections(self) -> int:
        """How many are here."""
        return self._connections

    def enter(self, address: str) -> Visit | Refusal:
        """Somebody stands at the door."""
        limits = self._limits
        if limits.connections and self._connections >= limits.connections:
            return Refusal.TOO_MANY
        if limits.unbound and self._unbound >= limits.unbound:
            return Refusal.TOO_MANY_UNBOUND
        if limits.unbound_per_address and self._unbound_by_address[address] >= limits.unbound_per_address:
            return Refusal.TOO_MANY_FROM_ADDRESS
        self._connections += 1
        self._unbound += 1
        self._unbound_by_address[address] += 1
        return Visit(address)

    def binds(self, account: str, mode: BindMode | None = None) -> int:
        """How many binds an account has, of one mode or of all."""
        return sum(self._binds[account, which] for which in BindMode if mode in (None, which))

    def bind(self, visit: Visit, account: str, mode: BindMode) -> None:
        """A visitor has bound."""
        if visit.is_over or visit.is_bound:
            return
        self._forget_unbound(visit)
        visit.account, visit.mode = account, mode
        self._binds[account, mode] += 1

    def leave(self, visit: Visit) -> None:
        """A visitor is gone."""
        if visit.is_over:
            return
        visit.is_over = True
        self._connections -= 1
        if visit.mode is None:
            self._forget_unbound(visit)
        else:
            _decrease(self._binds, (visit.account, visit.mode))

    def _forget_unbound(self, visit: Visit) -> None:
        self._unbound -= 1
        _decrease(self._unbound_by_address, visit.address)

    # Guessed passwords

    def is_locked(self, address: str, system_id: str, now: float) -> bool:
        """Whether so many binds failed that no more are looked at for a while."""
        if not self._limits.failures:
            return False
        count, last = self._failures.get((address, system_id), (0, 0.0))
        return count >= self._limits.failures and now < last + self._limits.lock_seconds

    def failed(self, address: str, system_id: str, now: float) -> None:
        """Credentials were wrong. While locked nothing is counted: a lock always ends."""
        if not self._limits.failures or self.is_locked(address, system_id, now):
            return
        count, last = self._failures.pop((address, system_id), (0, 0.0))
        is_old = now >= last + self._limits.lock_seconds
        self._failures[address, system_id] = (1 if is_old else count + 1, now)
        if len(self._failures) > _REMEMBERED_FAILURES:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, system_id: str) -> None:
        """Credentials were right."""
        self._failures.pop((address, system_id), None)

    def __repr__(self) -> str:
        return f"<Admission {self._connections} connections, {self._unbound} not bound>"


def _decrease(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
