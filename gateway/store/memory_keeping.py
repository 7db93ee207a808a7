"""Records, money and forgetting in the store in memory."""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from gateway.models import Callback, Inbound, Message
from gateway.store.base import (
    Store,
)
from gateway.store.ids import key_at, key_of
from gateway.store.memory_tables import Tables
from gateway.store.money import Claimed, Entry
from gateway.store.records import Record
from gateway.store.retention import PURGE_LIMIT, Cutoffs, Purged

T = TypeVar("T")


class Keeping(Store):
    """What is not about messages on their way."""

    tables: Tables

    @abstractmethod
    async def _commit(self, kind: str, work: Callable[[], T], bounded: int = 0) -> T:
        """Do some work as a transaction would."""

    @abstractmethod
    def _put_callback(self, callback: Callback) -> None:
        """Owe a callback."""

    # --- records of services ---

    async def put_records(self, records: Sequence[Record]) -> list[bool]:
        def work() -> list[bool]:
            written = self.tables.records.put(records)
            for record in itertools.compress(records, written):
                for callback in record.callbacks:
                    self._put_callback(callback)
            return written

        return await self._commit("put records", work, len(records))

    async def drop_records(self, kind: str, account: str, keys: Collection[str]) -> int:
        return await self._commit("drop records", lambda: self.tables.records.drop(kind, account, keys))

    async def find_record(self, kind: str, account: str, key: str) -> Record | None:
        return self.tables.records.find(kind, account, key)

    async def records(
        self, kind: str, account: str = "", *, tag: str | None = None, after_key: str = "", limit: int = 100
    ) -> list[Record]:
        return self.tables.records.page(kind, account, tag, after_key, limit)

    async def count_records(self, kind: str, account: str = "", *, tag: str | None = None) -> int:
        return self.tables.records.count(kind, account, tag)

    async def due_records(self, kind: str, now: float, *, limit: int) -> list[Record]:
        return self.tables.records.due(kind, now, limit)

    # --- money ---

    async def find_claim(self, account: str, key: str, now: float) -> Claimed | None:
        return self.tables.money.find_claim(account, key, now)

    async def book(self, entry: Entry) -> Entry:
        return await self._commit("book", lambda: self.tables.money.book(entry), 1)

    async def balance(self, account: str) -> int:
        return self.tables.money.balance(account)

    async def entries(self, account: str, *, limit: int = 50, before: int = 0) -> list[Entry]:
        return self.tables.money.entries(account, limit, before)

    async def usage(self, account: str) -> dict[str, int]:
        return self.tables.money.usage(account)

    # --- forgetting ---

    async def finished(self, before: float, *, after_id: str = "", limit: int = PURGE_LIMIT) -> list[Message]:
        found = [
            one
            for one in self.tables.messages.values()
            if one.state.is_final and after_id < one.id and key_of(one.id) < key_at(before)
        ]
        return sorted(found, key=lambda one: one.id)[:limit]

    async def forget_messages(self, ids: Collection[str]) -> None:
        await self._commit("forget messages", lambda: self.tables.forget(ids))

    async def inbound_before(self, before: float, *, limit: int = PURGE_LIMIT) -> list[Inbound]:
        return [one for one in list(self.tables.inbound.values())[:limit] if one.received_at < before]

    async def forget_inbound(self, ids: Collection[str]) -> None:
        def work() -> None:
            for one in ids:
                self.tables.inbound.pop(one, None)

        await self._commit("forget inbound", work)

    async def purge(self, cutoffs: Cutoffs) -> Purged:
        return await self._commit("purge", lambda: self.tables.purge(cutoffs))
