"""Many binds to many servers, one sender."""

from smpp.pool.bind import BindState, BindStatus
from smpp.pool.pool import Pool, Slot
from smpp.pool.settings import PoolConfig, ThrottleScope

__all__ = ["BindState", "BindStatus", "Pool", "PoolConfig", "Slot", "ThrottleScope"]
