"""Typed documents over the store's records: read, change what was read, and do it again where another was quicker.

Shelf(store, "flow", FlowState) ──change(account, key, edit)──► read → edit → put, until no other wrote meanwhile
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec
import structlog

from gateway.errors import StoreError
from gateway.models import Callback
from gateway.sealing import SealBroken, Sealer
from gateway.store.records import Record, RecordStore

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Unreadable(StoreError):
    """A document was sealed with a key that is not known here, or it is none of ours."""


TRIES: Final = 100
"""Each one that fails is another's success, so that many mean something else is wrong."""
SET_BACK_SECONDS: Final = 300.0
"""How long one that could not be attended to is left alone."""


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A document as it was read."""

    value: T
    record: Record

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.record.account

    @property
    def key(self) -> str:
        """Its key."""
        return self.record.key


@dataclass(frozen=True, slots=True)
class Put(Generic[T]):
    """What is to be written over a document."""

    value: T
    due_at: float = 0.0
    tag: str | None = None
    """None: as it was."""
    callbacks: tuple[Callback, ...] = ()


class Shelf(Generic[T]):
    """The documents of one kind.

    Args:
        clock: stamps what is written.
        sealer: then nobody reads them where they are kept; those that were kept in clear are read all the same.
    """

    def __init__(
        self,
        store: RecordStore,
        kind: str,
        of: type[T],
        *,
        clock: Callable[[], float],
        sealer: Sealer | None = None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self.kind = kind
        self._decode = msgspec.json.Decoder(of).decode
        self._encode = msgspec.json.Encoder().encode
        self._clock = clock

    # --- reading ---

    async def get(self, account: str, key: str) -> Kept[T] | None:
        """One by its key."""
        record = await self._store.find_record(self.kind, account, key)
        return self._kept(record) if record is not None else None

    async def page(
        self, account: str = "", *, tag: str | None = None, after_key: str = "", limit: int = 100
    ) -> list[Kept[T]]:
        """Some by their keys."""
        found = await self._store.records(self.kind, account, tag=tag, after_key=after_key, limit=limit)
        return [self._kept(record) for record in found]

    async def all(self, account: str, *, tag: str | None = None, limit: int = 10_000) -> list[Kept[T]]:
        """All by their keys, `limit` at most."""
        found: list[Kept[T]] = []
        while len(found) < limit:
            step = await self.page(account, tag=tag, after_key=found[-1].key if found else "", limit=1_000)
            found += step
            if len(step) < 1_000:
                break
        return found[:limit]

    async def count(self, account: str = "", *, tag: str | None = None) -> int:
        """How many there are."""
        return await self._store.count_records(self.kind, account, tag=tag)

    async def due(self, now: float, *, limit: int = 100) -> list[Kept[T]]:
        """Those whose time has come. One that cannot be read is set aside, so that it keeps nobody waiting."""
        found: list[Kept[T]] = []
        for record in await self._store.due_records(self.kind, now, limit=limit):
            try:
                found.append(self._kept(record))
            except (msgspec.MsgspecError, Unreadable) as error:
                log.error("a document cannot be read", kind=self.kind, key=record.key, error=str(error))
                await self._store.put_records([msgspec.structs.replace(record, due_at=0.0)])
        return found

    def _kept(self, record: Record) -> Kept[T]:
        value = record.value
        if self._sealer is not None:
            try:
                value = self._sealer.open_value(value, record.name)
            except SealBroken as error:
                raise Unreadable(str(error)) from None
        return Kept(self._decode(value), record)

    def _written(self, account: str, key: str, value: T) -> bytes:
        encoded = self._encode(value)
        return encoded if self._sealer is None else self._sealer.seal_value(encoded, (self.kind, account, key))

    # --- writing ---

    def new(self, account: str, key: str, put: Put[T]) -> Record:
        """A first record, to be put with others in one commit."""
        now = self._clock()
        return Record(
            kind=self.kind,
            account=account,
            key=key,
            value=self._written(account, key, put.value),
            tag=put.tag or "",
            due_at=put.due_at,
            created_at=now,
            updated_at=now,
            callbacks=put.callbacks,
        )

    def next(self, kept: Kept[T], put: Put[T]) -> Record:
        """The record that follows one that was read."""
        return msgspec.structs.replace(
            kept.record,
            value=self._written(kept.account, kept.key, put.value),
            tag=kept.record.tag if put.tag is None else put.tag,
            due_at=put.due_at,
            updated_at=self._clock(),
            callbacks=put.callbacks,
        )

    async def add(self, account: str, key: str, put: Put[T]) -> bool:
        """Keep a new one; False: there is one of this key."""
        return (await self._store.put_records([self.new(account, key, put)]))[0]

    async def put(self, kept: Kept[T], put: Put[T]) -> Kept[T] | None:
        """Write over one that was read; None: another was quicker."""
        record = self.next(kept, put)
        if not (await self._store.put_records([record]))[0]:
            return None
        return Kept(put.value, msgspec.structs.replace(record, version=record.version + 1, callbacks=()))

    async def change(self, account: str, key: str, edit: Callable[[Kept[T]], Put[T] | None]) -> Kept[T] | None:
        """Change one, whoever else writes; None where there is none.

        Args:
            edit: makes what is to be written of what was read, perhaps several times; None leaves it as it is. What it
                raises is passed on.

        Raises:
            StoreError: it cannot be written, or is never left in peace.
        """
        for _ in range(TRIES):
            kept = await self.get(account, key)
            if kept is None:
                return None
            put = edit(kept)
            if put is None:
                return kept
            written = await self.put(kept, put)
            if written is not None:
                return written
        raise StoreError(f"a {self.kind} is changed by too many at once")

    async def set_back(self, kept: Kept[T], seconds: float) -> None:
        """Look at one later: it could not be attended to, and must not keep others waiting."""
        await self._store.put_records([msgspec.structs.replace(kept.record, due_at=self._clock() + seconds)])

    async def drop(self, account: str, keys: Sequence[str]) -> int:
        """Forget some."""
        return await self._store.drop_records(self.kind, account, keys)
