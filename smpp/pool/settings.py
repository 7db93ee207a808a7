"""Everything about a pool that can be set, in one place."""

from dataclasses import dataclass, field
from enum import Enum

from smpp.client import ClientConfig
from smpp.constants import BindMode


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
    bind_mode: BindMode = BindMode.TRANSCEIVER
    binds_per_server: int = 1
    parts_per_second_per_server: float = 0.0
    """Limit of each server, counted in submit_sm; 0: none."""

    reconnect_min_seconds: float = 1.0
    reconnect_max_seconds: float = 60.0
    refused_min_seconds: float = 5.0
    """Shortest wait after a refused bind: an SMSC that has not forgotten our last one answers ESME_RALYBND."""

    throttle_scope: ThrottleScope = ThrottleScope.SERVER
    throttle_min_seconds: float = 1.0
    """First pause after a throttling answer; doubles with each that follows."""
    throttle_max_seconds: float = 30.0

    resend_in_doubt: bool = False
    """Whether `submit` sends a message again whose response was lost: at least once, rather than at most once."""

    def __post_init__(self) -> None:
        if self.binds_per_server < 1:
            raise ValueError("binds_per_server is at least 1")
        if self.parts_per_second_per_server < 0:
            raise ValueError("parts_per_second_per_server cannot be negative")
        if self.throttle_min_seconds <= 0 or self.throttle_max_seconds < self.throttle_min_seconds:
            raise ValueError("0 < throttle_min_seconds <= throttle_max_seconds")
