"""Everything about a pool that can be set, in one place."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import Final, Literal

from smpp.client import ClientConfig
from smpp.constants import BindMode
from smpp.retry import RetryPolicy

PoolBindMode = BindMode | Literal["pair"]
"""How a bind of a pool binds; ``"pair"`` is a transmitter and a receiver that are one bind together."""

PAIR: Final = "pair"


class ThrottleScope(Enum):
    """What pauses when an SMSC says that we are too fast (ESME_RTHROTTLED, ESME_RMSGQFUL)."""

    BIND = "bind"
    SERVER = "server"
    UPLINK = "uplink"
    """All servers of the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConfig:
    """Settings of a pool. Times are seconds."""

    client: ClientConfig = field(default_factory=ClientConfig)
    bind_mode: PoolBindMode = BindMode.TRANSCEIVER
    fall_back_to_pair: bool = True
    """Whether a bind becomes a transmitter and a receiver where the SMSC knows no transceiver."""
    binds_per_server: int = 1
    parts_per_second_per_server: float = 0.0
    """Limit of each server, counted in submit_sm; 0: none."""
    parts_per_second_per_bind: float = 0.0
    """Limit of each bind, beside that of its server; 0: none."""

    reconnect_min_seconds: float = 1.0
    reconnect_max_seconds: float = 60.0
    refused_min_seconds: float = 5.0
    """Shortest wait after a refused bind: an SMSC that has not forgotten our last one answers ESME_RALYBND."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """What an error status asks of us."""
    retry_seconds: float = 86_400.0
    """How long a part without a validity period goes again, from its first refusal on."""
    retry_later_limit: int = 5
    """How often a part goes again after a passing fault of the SMSC's (ESME_RSYSERR and the like); 0: never."""
    retry_later_min_seconds: float = 1.0
    """First wait after such a fault; doubles with each that follows."""
    retry_later_max_seconds: float = 60.0
    full_destination_after: int = 3
    """ESME_RMSGQFUL so often in a row for one destination, while others pass, defers that destination alone."""

    throttle_scope: ThrottleScope = ThrottleScope.SERVER
    throttle_min_seconds: float = 1.0
    """First pause after a throttling answer; doubles with each that follows."""
    throttle_max_seconds: float = 30.0

    resend_in_doubt: bool = False
    """Whether `submit` sends a message again whose response was lost: at least once, rather than at most once."""

    def __post_init__(self) -> None:
        if self.binds_per_server < 1:
            raise ValueError("binds_per_server is at least 1")
        _check_mode("bind_mode", self.bind_mode)
        _check_rate("parts_per_second_per_server", self.parts_per_second_per_server)
        _check_rate("parts_per_second_per_bind", self.parts_per_second_per_bind)
        if self.throttle_min_seconds <= 0 or self.throttle_max_seconds < self.throttle_min_seconds:
            raise ValueError("0 < throttle_min_seconds <= throttle_max_seconds")
        if self.retry_later_min_seconds <= 0 or self.retry_later_max_seconds < self.retry_later_min_seconds:
            raise ValueError("0 < retry_later_min_seconds <= retry_later_max_seconds")
        if self.retry_seconds < 0 or self.retry_later_limit < 0:
            raise ValueError("retry_seconds and retry_later_limit cannot be negative")
        if self.full_destination_after < 1:
            raise ValueError("full_destination_after is at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """One server of a pool, where it differs from the others; None takes the pool's setting."""

    url: str = field(repr=False)
    """``smpp[s]://[system_id[:password]@]host:port``"""
    weight: float = 1.0
    """Its share of the parts, beside servers of the same priority that have room."""
    priority: int = 0
    """Servers of the lowest number carry messages; the others stand by until none of those has a bind up."""
    binds: int | None = None
    bind_mode: PoolBindMode | None = None
    parts_per_second: float | None = None
    parts_per_second_per_bind: float | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.weight) and self.weight > 0):
            raise ValueError(f"a weight is more than 0, not {self.weight}")
        if self.binds is not None and self.binds < 1:
            raise ValueError("a server has at least 1 bind")
        if self.bind_mode is not None:
            _check_mode("bind_mode", self.bind_mode)
        _check_rate("parts_per_second", self.parts_per_second or 0.0)
        _check_rate("parts_per_second_per_bind", self.parts_per_second_per_bind or 0.0)


def _check_mode(name: str, mode: object) -> None:
    if mode != PAIR and not isinstance(mode, BindMode):
        raise ValueError(f"{name} is a BindMode or {PAIR!r}, not {mode!r}")


def _check_rate(name: str, rate: float) -> None:
    if not (isfinite(rate) and rate >= 0):
        raise ValueError(f"{name} cannot be negative or without end, as {rate} is")
