"""Where messages are kept."""

from gateway.store.base import Bookkeeping, Departure, NotOurs, PartEnd, Store, Swept
from gateway.store.nodes import Inherited
from gateway.store.opening import open_store
from gateway.store.records import Record

__all__ = ["Bookkeeping", "Departure", "Inherited", "NotOurs", "PartEnd", "Record", "Store", "Swept", "open_store"]
