"""The face of a store whose writes all go through one writer: what is asked of it becomes work of a kind.

add, depart, record, … ──► work(kind, rows) ──► the writer's next commit      which engine has it, does not matter
"""

import time
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from gateway.errors import KeyTaken, StoreFull
from gateway.models import Callback, Inbound, Message, Receipt, State
from gateway.store.base import Bookkeeping, Departure, PartEnd, Store, Swept
from gateway.store.money import NOTHING, Admission, Allowance, Entry, NewClaim
from gateway.store.records import Record

_INTAKE: Final = "messages"
_UPLINK: Final = "receipts"
_SERVICES: Final = "records"
_LISTED: Final = frozenset({"receive", "put records", "drop records", "book"})
"""Kinds of work that return something for each row."""


class Face(Store):
    """Hands work to a writer.

    Args:
        queue_limit: rows of one source that may wait for a commit.
    """

    def __init__(self, queue_limit: int) -> None:
        self._queue_limit = queue_limit
        self._waiting = {_INTAKE: 0, _UPLINK: 0, _SERVICES: 0}

    @abstractmethod
    async def _commit(self, kind: str, rows: Sequence[Any], context: object, size: int) -> Any:
        """Have the writer do some work; returns what it makes of it, once that is on the disk.

        Raises:
            StoreError: nothing was kept.
        """

    async def _write(self, kind: str, rows: Sequence[Any], context: object = None, *, size: int | None = None) -> Any:
        if not rows:
            self._check_open()
            return [] if kind in _LISTED else 0
        return await self._commit(kind, rows, context, len(rows) if size is None else size)

    @abstractmethod
    def _check_open(self) -> None:
        """Raise StoreError where the store is closed."""

    async def _write_bounded(
        self, source: str, kind: str, rows: Sequence[Any], context: object = None, *, size: int | None = None
    ) -> Any:
        """Write rows of a source that must wait its turn: senders on one side, SMSCs on the other."""
        count = len(rows) if size is None else size
        # One request may be larger than the limit; it is taken when nothing else waits.
        if self._waiting[source] and self._waiting[source] + count > self._queue_limit:
            raise StoreFull(f"{self._waiting[source]} {source} wait for the store; try again")
        self._waiting[source] += count
        try:
            return await self._write(kind, rows, context, size=size)
        finally:
            self._waiting[source] -= count

    # --- accepting and sending ---

    async def add(
        self,
        messages: Sequence[Message],
        *,
        claim: NewClaim | None = None,
        allowances: Mapping[str, Allowance] = NOTHING,
        parts: Mapping[str, int] = NOTHING,
    ) -> Mapping[str, str]:
        if not messages:
            return {}
        admission = Admission(messages=messages, claim=claim, allowances=allowances, parts=parts)
        (result,) = await self._write_bounded(_INTAKE, "add", [admission], size=len(messages))
        if isinstance(result, KeyTaken):
            raise result
        refused: Mapping[str, str] = result
        return refused

    async def depart(self, departures: Sequence[Departure]) -> None:
        await self._write("depart", departures, size=sum(len(one.parts) for one in departures))

    async def record(self, ends: Sequence[PartEnd], book: Bookkeeping) -> int:
        count: int = await self._write("record", ends, book)
        return count

    async def end(self, messages: Sequence[Message], book: Bookkeeping) -> int:
        count: int = await self._write("end", messages, book)
        return count

    async def amend(self, messages: Sequence[Message]) -> None:
        await self._write("amend", messages)

    async def reassign(self, ids: Collection[str], uplink: str) -> None:
        await self._write("reassign", list(ids), uplink)

    async def release_scheduled(self, now: float, limit: int = 1000) -> int:
        count: int = await self._write("release", [(now, limit)])
        return count

    # --- coming back ---

    async def receive(self, receipts: Sequence[Receipt], book: Bookkeeping) -> tuple[list[bool], int]:
        rows: list[tuple[bool, int]] = await self._write_bounded(_UPLINK, "receive", receipts, book)
        return [matched for matched, _ in rows], max((callbacks for _, callbacks in rows), default=0)

    async def add_inbound(self, inbound: Inbound, callback: Callback | None) -> None:
        await self._write_bounded(_UPLINK, "inbound", [(inbound, callback)])

    async def sweep(self, book: Bookkeeping, now: float) -> Swept:
        swept: Swept = await self._write("sweep", [now], book)
        return swept

    # --- callbacks ---

    async def acknowledge(self, ids: Collection[str]) -> None:
        await self._write("acknowledge", list(ids))

    async def postpone(self, callbacks: Sequence[Callback]) -> None:
        await self._write("postpone", callbacks)

    async def fail_callbacks(self, created_before: float) -> int:
        count: int = await self._write("fail", [created_before])
        return count

    async def fail_deliveries(self, created_before: float) -> int:
        count: int = await self._write("fail deliveries", [created_before])
        return count

    async def replay_callbacks(self, now: float, account: str = "", ids: Collection[str] = ()) -> int:
        count: int = await self._write("replay", [(now, account, tuple(ids))])
        return count

    # --- records of services, money ---

    async def put_records(self, records: Sequence[Record]) -> list[bool]:
        written: list[bool] = await self._write_bounded(_SERVICES, "put records", records)
        return written

    async def drop_records(self, kind: str, account: str, keys: Collection[str]) -> int:
        dropped: list[bool] = await self._write("drop records", [(kind, account, key) for key in keys])
        return sum(dropped)

    async def book(self, entry: Entry) -> Entry:
        (booked,) = await self._write_bounded(_SERVICES, "book", [entry])
        kept: Entry = booked
        return kept

    # --- forgetting ---

    async def forget_messages(self, ids: Collection[str]) -> None:
        await self._write("forget messages", list(ids))

    async def forget_inbound(self, ids: Collection[str]) -> None:
        await self._write("forget inbound", list(ids))

    # --- looking ---

    async def messages(
        self, account: str, *, state: State | None = None, recipient: str = "", limit: int = 50, before_id: str = ""
    ) -> list[Message]:
        return await self.find_messages(account, state=state, recipient=recipient, limit=limit, before_id=before_id)

    async def inbound(self, account: str, *, limit: int = 50) -> list[Inbound]:
        return await self.find_inbound(account, limit=limit)

    async def ping(self) -> None:
        await self._write("ping", [int(time.time())])
