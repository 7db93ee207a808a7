"""Many binds to many servers, one sender."""

from smpp.pool.bind import BindState, BindStatus
from smpp.pool.pool import Pool
from smpp.pool.settings import PoolConfig, ThrottleScope
from smpp.pool.slot import Slot

__all__ = ["BindState", "BindStatus", "Pool", "PoolConfig", "Slot", "ThrottleScope"]
