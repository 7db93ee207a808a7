"""Where messages are kept."""

from gateway.store.base import Bookkeeping, Departure, Inherited, NotOurs, PartEnd, Store, Swept
from gateway.store.opening import open_store

__all__ = ["Bookkeeping", "Departure", "Inherited", "NotOurs", "PartEnd", "Store", "Swept", "open_store"]
