"""Where messages are kept."""

from gateway.store.base import Bookkeeping, Departure, PartEnd, Store, Swept
from gateway.store.opening import open_store

__all__ = ["Bookkeeping", "Departure", "PartEnd", "Store", "Swept", "open_store"]
