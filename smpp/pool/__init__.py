"""Many binds to many servers, one sender."""

from smpp.pool.bind import BindEvent, BindState, BindStatus
from smpp.pool.events import EventStream, PoolEvent
from smpp.pool.pool import Pool
from smpp.pool.settings import PoolBindMode, PoolConfig, ServerOptions, ThrottleScope
from smpp.pool.slot import Slot

__all__ = [
    "BindEvent",
    "BindState",
    "BindStatus",
    "EventStream",
    "Pool",
    "PoolBindMode",
    "PoolConfig",
    "PoolEvent",
    "ServerOptions",
    "Slot",
    "ThrottleScope",
]
