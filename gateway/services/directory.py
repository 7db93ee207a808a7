"""What accounts keep here: senders, templates, webhooks, lists of numbers.

kind "sender", … ──► a record "directory/sender": key is a number that counts up, tag is the name
kind "opt_out"   ──► the list that the policy asks, whoever wrote into it: key is the number
kind "dnd"       ──► a list like it: key is the number

Kinds whose entries bear secrets are sealed as they are written; those of earlier versions are in clear until they are
changed, or sealed anew.
"""

import asyncio
import time
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from gateway.errors import StoreError
from gateway.providers.ports import Entry, NameTaken, NotOffered
from gateway.sealing import Sealer
from gateway.services.shelf import TRIES, Kept, Put, Shelf
from gateway.store.records import Record, RecordStore

NUMBER_LISTS: Final = frozenset({"opt_out", "dnd"})
"""Kinds whose names are numbers: each at most once, found without reading a list."""
POLICY_LIST: Final = "opt_out"
PREFIX: Final = "directory/"
SECRETIVE: Final = frozenset({"optout_link", "webhook"})
"""Kinds whose entries bear secrets: tokens of callbacks, addresses that only the app knows, what signs links."""
SECRET_FIELDS: Final = frozenset({"secret", "verification_code", "composed"})
NO_KEY: Final = "secrets of webhooks and links are kept where node.secret_key is set"
ID_DIGITS: Final = 15
"""Keys are as wide, so that they sort as numbers do."""
PAGE: Final = 1_000
AT_A_TIME: Final = 200
NONE_SECONDS: Final = 1.0
RECALLED: Final = 1_000
"""Numbers written at the same time: they share commits."""


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an entry keeps."""

    fields: dict[str, object] = {}
    name: str = ""
    reason: str = ""
    """Of a number on a list, for people."""


class Counter(msgspec.Struct, frozen=True):
    """The id that was given last."""

    last: int


class Owner(msgspec.Struct, frozen=True):
    """Whose a name is, where nobody else may have it."""

    key: str


class NumberList(Protocol):
    """The list of those who want no messages, as `gateway.optouts.OptOuts` keeps it."""

    async def add(self, account: str, number: str, reason: str = "") -> bool:
        """Whether it was not there."""

    async def remove(self, account: str, number: str) -> bool:
        """Whether it was there."""


class DirectoryService:
    """Implements `gateway.providers.ports.Directory`.

    Args:
        opt_outs: the policy's list.
        sealer: seals what bears secrets; None: such is refused.
    """

    def __init__(
        self,
        store: RecordStore,
        opt_outs: NumberList,
        *,
        sealer: Sealer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._opt_outs = opt_outs
        self._clock = clock
        self.operator_lists: Mapping[str, Container[str]] = {}
        """Lists of numbers that hold for every account, by kind."""
        self._counters = Shelf(store, "directory_counter", Counter, clock=clock)
        self._writes = 0
        self._none: dict[tuple[str, str], float] = {}
        """Until when it is believed that an account has nothing of a kind."""
        self._recalled: dict[tuple[str, str], dict[str, tuple[float, Sequence[Entry]]]] = {}

    def _shelf(self, kind: str) -> Shelf[Fields]:
        name = kind if kind == POLICY_LIST else PREFIX + kind
        sealer = self._sealer if kind in SECRETIVE else None
        return Shelf(self._store, name, Fields, clock=self._clock, sealer=sealer)

    def _check_secrets(self, kind: str, fields: Mapping[str, object]) -> None:
        if not any(fields.get(name) for name in SECRET_FIELDS):
            return
        if kind not in SECRETIVE:
            raise ValueError(f"entries of the kind {kind} bear secrets: name it in SECRETIVE")
        if self._sealer is None:
            raise NotOffered(NO_KEY)

    def _names(self, kind: str) -> Shelf[Owner]:
        return Shelf(self._store, f"directory_name/{kind}", Owner, clock=self._clock)

    # --- adding ---

    async def add(
        self, account: str, kind: str, name: str, fields: Mapping[str, object], *, unique: bool = False
    ) -> Entry:
        """Keep a new one; its id counts from 1 within account and kind. Returns after the commit.

        Raises:
            NameTaken: another has the name, and it is to be unique, or the kind is a list of numbers.
            NotOffered: it bears a secret, and there is no key to seal that.
            StoreError: it was not kept.
        """
        self._check_secrets(kind, fields)
        if kind in NUMBER_LISTS:
            return await self._add_number(account, kind, name, fields)
        shelf, names = self._shelf(kind), self._names(kind)
        key = await self._next_key(account, kind)
        records = [shelf.new(account, key, Put(Fields(dict(fields), name), tag=name))]
        if unique:
            records.append(await self._name_record(account, kind, name, key))
        written = await self._store.put_records(records)
        if not all(written):
            await shelf.drop(account, [key])
            raise await self._taken(names, account, name)
        self._is_other(account, kind)
        return _entry(kind, Kept(Fields(dict(fields), name), records[0]), version=1)

    async def add_many(self, account: str, kind: str, names: Sequence[str], fields: Mapping[str, object]) -> int:
        """Keep many that differ in their names only, passing over what is there already; how many were new."""
        wanted = list(dict.fromkeys(names))
        added = 0
        for at in range(0, len(wanted), AT_A_TIME):
            some = wanted[at : at + AT_A_TIME]
            if kind in NUMBER_LISTS:
                made = await asyncio.gather(*(self._put_number(account, kind, one, fields) for one in some))
                added += sum(made)
            else:
                known = await asyncio.gather(*(self.by_name(account, kind, one) for one in some))
                new = [one for one, entries in zip(some, known, strict=True) if not entries]
                await asyncio.gather(*(self.add(account, kind, one, fields) for one in new))
                added += len(new)
        return added

    async def _add_number(self, account: str, kind: str, number: str, fields: Mapping[str, object]) -> Entry:
        if not await self._put_number(account, kind, number, fields):
            raise NameTaken(f"{number} is on the list already", number)
        entry = await self.get(account, kind, number)
        if entry is None:
            raise StoreError("it was removed at the same moment")
        return entry

    async def _put_number(self, account: str, kind: str, number: str, fields: Mapping[str, object]) -> bool:
        reason = str(fields.get("reason") or fields.get("source") or kind)
        if kind == POLICY_LIST:
            # Written by whom the policy asks, so that it knows at once; what else is kept comes after.
            if not await self._opt_outs.add(account, number, reason):
                return False
            self._is_other(account, kind)
            if fields:
                await self.change(account, kind, number, fields)
            return True
        is_new = await self._shelf(kind).add(account, number, Put(Fields(dict(fields), number, reason), tag=number))
        self._is_other(account, kind)
        return is_new

    async def _next_key(self, account: str, kind: str) -> str:
        for _ in range(TRIES):
            kept = await self._counters.get(account, kind)
            if kept is None:
                if await self._counters.add(account, kind, Put(Counter(1))):
                    return _key(1)
                continue
            last = kept.value.last + 1
            if await self._counters.put(kept, Put(Counter(last))) is not None:
                return _key(last)
        raise StoreError(f"too many add a {kind} at once")

    async def _name_record(self, account: str, kind: str, name: str, key: str) -> Record:
        """The record that makes a name one entry's own; a name whose entry is gone is free."""
        names = self._names(kind)
        kept = await names.get(account, name)
        if kept is None:
            return names.new(account, name, Put(Owner(key)))
        if await self._shelf(kind).get(account, kept.value.key) is not None:
            raise NameTaken(f"there is a {kind} called {name} already", _id(kept.value.key))
        return names.next(kept, Put(Owner(key)))

    async def _taken(self, names: Shelf[Owner], account: str, name: str) -> NameTaken:
        kept = await names.get(account, name)
        return NameTaken(f"{name} was taken at the same moment", _id(kept.value.key) if kept else "")

    # --- changing ---

    async def change(self, account: str, kind: str, entry_id: str, fields: Mapping[str, object]) -> Entry | None:
        """Put these fields over the old ones; None where there is none.

        Raises:
            NotOffered: they bear a secret, and there is no key to seal that.
        """
        self._check_secrets(kind, fields)

        def edit(kept: Kept[Fields]) -> Put[Fields]:
            return Put(msgspec.structs.replace(kept.value, fields={**kept.value.fields, **fields}))

        kept = await self._shelf(kind).change(account, _stored(kind, entry_id), edit)
        self._is_other(account, kind)
        return _entry(kind, kept) if kept is not None else None

    async def remove(self, account: str, kind: str, entry_id: str) -> bool:
        """Forget one; whether there was one. Its name, where it was unique, is free again."""
        if kind == POLICY_LIST:
            return await self._opt_outs.remove(account, entry_id)
        key = _stored(kind, entry_id)
        kept = await self._shelf(kind).get(account, key)
        if kept is None or not await self._shelf(kind).drop(account, [key]):
            return False
        self._is_other(account, kind)
        owner = await self._names(kind).get(account, kept.value.name)
        if owner is not None and owner.value.key == key:
            await self._names(kind).drop(account, [kept.value.name])
        return True

    async def clear(self, account: str, kind: str) -> int:
        """Forget all of a kind; how many."""
        removed = 0
        while found := await self._shelf(kind).page(account, limit=AT_A_TIME):
            gone = await asyncio.gather(*(self.remove(account, kind, _id_of(kind, kept)) for kept in found))
            removed += sum(gone)
        return removed

    # --- looking ---

    async def has_any(self, account: str, kind: str) -> bool:
        """Whether an account has anything of a kind; that it has not is believed for a second."""
        now, writes = self._clock(), self._writes
        believed_until = self._none.get((account, kind))
        if believed_until is not None:
            if now < believed_until:
                return False
            # One looks again, the others believe it until then.
            self._none[account, kind] = now + NONE_SECONDS
        if await self._shelf(kind).page(account, limit=1):
            self._none.pop((account, kind), None)
            return True
        if writes == self._writes:
            # Whatever was added while we looked may have been missed.
            self._none[account, kind] = now + NONE_SECONDS
        return False

    async def recall(self, account: str, kind: str, name: str) -> Sequence[Entry]:
        """Those of a name, as they were a second ago at the earliest."""
        now, writes = self._clock(), self._writes
        known = self._recalled.setdefault((account, kind), {})
        until, entries = known.get(name, (0.0, ()))
        if now < until:
            return entries
        if until:
            # One looks again, the others go by what was until then.
            known[name] = now + NONE_SECONDS, entries
        entries = await self.by_name(account, kind, name)
        if writes == self._writes:
            if len(known) >= RECALLED:
                known.clear()
            known[name] = now + NONE_SECONDS, entries
        return entries

    def _is_other(self, account: str, kind: str) -> None:
        """Something was added, changed or removed here."""
        self._writes += 1
        self._none.pop((account, kind), None)
        self._recalled.pop((account, kind), None)

    async def get(self, account: str, kind: str, entry_id: str) -> Entry | None:
        """One by its id."""
        kept = await self._shelf(kind).get(account, _stored(kind, entry_id))
        return _entry(kind, kept) if kept is not None else None

    async def by_name(self, account: str, kind: str, name: str) -> Sequence[Entry]:
        """Those of a name, oldest first."""
        if kind in NUMBER_LISTS:
            entry = await self.get(account, kind, name)
            return [entry] if entry is not None else []
        return [_entry(kind, kept) for kept in await self._shelf(kind).all(account, tag=name)] if name else []

    async def listed(self, account: str, kind: str, numbers: Sequence[str]) -> frozenset[str]:
        """Which of these numbers are on a list: the account's, or the operator's own."""
        wanted, found = list(dict.fromkeys(numbers)), set()
        for at in range(0, len(wanted), AT_A_TIME):
            some = wanted[at : at + AT_A_TIME]
            entries = await asyncio.gather(*(self.by_name(account, kind, number) for number in some))
            found |= {number for number, known in zip(some, entries, strict=True) if known}
        everybodys = self.operator_lists.get(kind, ())
        return frozenset(found | {number for number in wanted if number in everybodys})

    async def list(
        self,
        account: str,
        kind: str,
        *,
        page: int = 1,
        per_page: int = 15,
        where: Callable[[Entry], bool] | None = None,
    ) -> tuple[Sequence[Entry], int]:
        """One page, oldest first (lists of numbers: in their order), and how many there are in all."""
        skip, wanted, total = max(0, page - 1) * per_page, max(0, per_page), 0
        found: list[Entry] = []
        after = ""
        while step := await self._shelf(kind).page(account, after_key=after, limit=PAGE):
            entries = [_entry(kind, kept) for kept in step]
            fitting = [entry for entry in entries if where is None or where(entry)]
            found += fitting[max(0, skip - total) :][: wanted - len(found)]
            total += len(fitting)
            after = step[-1].key
            if where is None and len(found) == wanted:
                return found, await self._shelf(kind).count(account)
            if len(step) < PAGE:
                break
        return found, total


def _key(number: int) -> str:
    return f"{number:0{ID_DIGITS}d}"


def _id(key: str) -> str:
    return key.lstrip("0") or "0"


def _stored(kind: str, entry_id: str) -> str:
    """The key of an entry's record; of what is no id, one that nothing has."""
    if kind in NUMBER_LISTS:
        return entry_id
    is_id = entry_id.isascii() and entry_id.isdecimal() and len(entry_id) <= ID_DIGITS and entry_id[0] != "0"
    return entry_id.zfill(ID_DIGITS) if is_id else ""


def _id_of(kind: str, kept: Kept[Fields]) -> str:
    return kept.key if kind in NUMBER_LISTS else _id(kept.key)


def _entry(kind: str, kept: Kept[Fields], version: int | None = None) -> Entry:
    fields = kept.value.fields
    if kind in NUMBER_LISTS:
        fields = {**fields, "reason": kept.value.reason}
    return Entry(
        id=_id_of(kind, kept),
        name=kept.key if kind in NUMBER_LISTS else kept.value.name,
        fields=fields,
        created_at=kept.record.created_at,
        updated_at=kept.record.updated_at,
        version=kept.record.version if version is None else version,
    )
