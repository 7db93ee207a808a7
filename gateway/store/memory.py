"""A store that keeps nothing: the fake for tests and trials. It decides as the others do and passes the same tests."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import TypeVar

import msgspec

from gateway.errors import StoreError, StoreFull
from gateway.models import DELIVERY_SCHEME, Callback, Event, Inbound, Message, Part, Receipt, State
from gateway.store.base import (
    NOT_BOUND,
    NOT_REACHED,
    SWEEP_LIMIT,
    Bookkeeping,
    Departure,
    PartEnd,
    Swept,
    callback_host,
    departure_events,
    replaced_event,
)
from gateway.store.ids import Ids
from gateway.store.matching import look_up_key
from gateway.store.memory_keeping import Keeping
from gateway.store.memory_looking import Looking
from gateway.store.memory_tables import Tables
from gateway.store.money import NOTHING, Admission, Allowance, NewClaim
from gateway.store.moves import (
    Changes,
    Loaded,
    Parked,
    PartKey,
    decide_ends,
    decide_receipts,
    decide_results,
    decide_unknown,
    receipts_need,
)

T = TypeVar("T")
replace = msgspec.structs.replace


class MemoryStore(Keeping, Looking):
    """Keeps everything in dictionaries."""

    def __init__(self, tables: Tables | None = None, *, queue_limit: int = 20_000) -> None:
        self.tables = tables or Tables()
        self.ids = Ids()
        self.fault = None
        self._queue_limit = queue_limit
        self._waiting = 0
        self._numbers = itertools.count(1)
        self._is_closed = False

    async def _commit(self, kind: str, work: Callable[[], T], bounded: int = 0) -> T:
        """Do some work as a transaction would: after a turn of the loop, and not at all where a fault says so."""
        if self._is_closed:
            raise StoreError("the store is closed")
        if bounded and self._waiting and self._waiting + bounded > self._queue_limit:
            raise StoreFull
        self._waiting += bounded
        try:
            await asyncio.sleep(0)
            if self.fault is not None:
                try:
                    self.fault(kind)
                    self.fault("before commit")
                except Exception as error:
                    raise StoreError(f"the store cannot commit: {error}") from error
            return work()
        finally:
            self._waiting -= bounded

    # --- accepting and sending ---

    async def add(
        self,
        messages: Sequence[Message],
        *,
        claim: NewClaim | None = None,
        allowances: Mapping[str, Allowance] = NOTHING,
        parts: Mapping[str, int] = NOTHING,
    ) -> Mapping[str, str]:
        def work() -> Mapping[str, str]:
            admission = Admission(messages=messages, claim=claim, allowances=allowances, parts=parts)
            refused = self.tables.money.admit(admission)
            self.tables.messages.update((one.id, one) for one in messages if one.id not in refused)
            return refused

        return await self._commit("add", work, len(messages))

    async def depart(self, departures: Sequence[Departure]) -> None:
        def work() -> None:
            for one in departures:
                old = self.tables.messages[one.message.id]
                self.tables.messages[one.message.id] = replace(
                    old,
                    state=one.message.state,
                    uplink=one.message.uplink,
                    part_count=one.message.part_count,
                    node=one.message.node,
                    updated_at=one.message.updated_at,
                )
                if one.replaces_split:
                    self.tables.parts.pop(one.message.id, None)
                for part in one.parts:
                    self.tables.put_part(part)
                self._write_events(departure_events(one))

        await self._commit("depart", work)

    async def record(self, ends: Sequence[PartEnd], book: Bookkeeping) -> int:
        def work() -> int:
            loaded = self._loaded({end.message.id for end in ends})
            for n, receipt in self.tables.parked.items():
                key = (receipt.group, look_up_key(receipt.smsc_message_id))
                loaded.parked.setdefault(key, []).append(Parked(n, receipt))
            return self._write(decide_results(ends, loaded, book, self.ids))

        return await self._commit("record", work)

    async def end(self, messages: Sequence[Message], book: Bookkeeping) -> int:
        def work() -> int:
            for message in messages:
                for part in self.tables.parts.get(message.id, {}).values():
                    if part.state in (State.QUEUED, State.SENDING):
                        ended = replace(part, state=message.state, error=message.error, updated_at=message.updated_at)
                        self.tables.parts[message.id][part.number] = ended
            return self._write(decide_ends(messages, book, self.ids))

        return await self._commit("end", work)

    async def amend(self, messages: Sequence[Message]) -> None:
        def work() -> None:
            for message in messages:
                self.tables.money.recharge(self.tables.messages[message.id].price, message)
                self.tables.messages[message.id] = message
                self._write_events([replaced_event(message)])

        await self._commit("amend", work)

    async def reassign(self, ids: Collection[str], uplink: str) -> None:
        def work() -> None:
            for identifier in ids:
                message = self.tables.messages[identifier]
                if message.state is State.QUEUED:
                    self.tables.messages[identifier] = replace(message, uplink=uplink)

        await self._commit("reassign", work)

    async def release_scheduled(self, now: float, limit: int = 1000) -> int:
        def work() -> int:
            due = [
                one
                for one in self.tables.messages.values()
                if one.state is State.SCHEDULED and (one.scheduled_at or 0) <= now
            ][:limit]
            for one in due:
                self.tables.messages[one.id] = replace(one, state=State.QUEUED, updated_at=now)
                self._write_events([Event(message_id=one.id, at=now, state=State.QUEUED, node=one.node)])
            return len(due)

        return await self._commit("release", work)

    async def next_scheduled_at(self) -> float | None:
        scheduled = (one for one in self.tables.messages.values() if one.state is State.SCHEDULED)
        return min((one.scheduled_at or 0 for one in scheduled), default=None)

    # --- coming back ---

    async def receive(self, receipts: Sequence[Receipt], book: Bookkeeping) -> tuple[list[bool], int]:
        def work() -> tuple[list[bool], int]:
            keys = receipts_need(receipts, book, self.tables.votes)
            loaded = self._loaded({one for key in keys for one, _ in self.tables.by_smsc_id.get(key, ())})
            changes = decide_receipts(receipts, loaded, book, self.ids)
            return changes.matched, self._write(changes)

        return await self._commit("receive", work, len(receipts))

    async def add_inbound(self, inbound: Inbound, callback: Callback | None) -> None:
        def work() -> None:
            if inbound.id in self.tables.inbound:
                return
            self.tables.inbound[inbound.id] = inbound
            if callback is not None:
                self._put_callback(replace(callback, id=self.ids.new(callback.created_at)))

        await self._commit("inbound", work, 1)

    async def sweep(self, book: Bookkeeping, now: float) -> Swept:
        def work() -> Swept:
            old = [n for n, one in self.tables.parked.items() if one.received_at < now - book.parked_seconds][
                :SWEEP_LIMIT
            ]
            self.tables.orphans += [self.tables.parked.pop(n) for n in old]
            late = self._late(now - book.deadline_seconds)
            callbacks = self._write(
                decide_unknown(late, self._loaded({part.message_id for part in late}), now, book, self.ids)
            )
            faded = self._fade(now - book.lifetime_seconds, now - book.settled_seconds)
            self.tables.money.drop_claims(now)
            is_done = max(len(old), len(late), faded) < SWEEP_LIMIT
            return Swept(orphaned=len(old), unknown=len(late), callbacks=callbacks, is_done=is_done)

        return await self._commit("sweep", work)

    def _late(self, before: float) -> list[Part]:
        return [
            part
            for identifier, parts in self.tables.parts.items()
            for part in parts.values()
            if part.state in (State.SUBMITTED, State.ENROUTE)
            and part.updated_at < before
            and self.tables.messages[identifier].wants_receipt
        ][:SWEEP_LIMIT]

    def _fade(self, before: float, settled_before: float) -> int:
        """Let old final parts, and those that have ended long enough ago, not be found any more."""

        def is_over(one: PartKey) -> bool:
            message, part = self.tables.messages[one[0]], self.tables.parts[one[0]][one[1]]
            if not part.state.is_final:
                return False
            has_settled = part.state is not State.UNKNOWN and part.updated_at < settled_before
            return message.created_at < before or (has_settled and message.created_at < settled_before)

        faded = 0
        for key, part_keys in list(self.tables.by_smsc_id.items()):
            kept = [one for one in part_keys if not is_over(one)]
            faded += len(part_keys) - len(kept)
            self.tables.by_smsc_id[key] = kept
        return faded

    # --- callbacks ---

    async def due_callbacks(
        self, now: float, *, limit: int, per_host: int, skip_hosts: Set[str], skip_ids: Set[str]
    ) -> list[Callback]:
        taken: dict[str, int] = {}
        found: list[Callback] = []
        for one in sorted(self.tables.callbacks.values(), key=lambda one: (one.due_at, one.id)):
            host = callback_host(one)
            if one.failed or one.due_at > now or one.id in skip_ids or host in skip_hosts or _is_delivery(one):
                continue
            if taken.get(host, 0) < per_host and len(found) < limit:
                taken[host] = taken.get(host, 0) + 1
                found.append(one)
        return found

    async def next_callback_at(self) -> float | None:
        owed = (one for one in self.tables.callbacks.values() if not one.failed and not _is_delivery(one))
        return min((one.due_at for one in owed), default=None)

    async def due_deliveries(self, account: str, now: float, *, limit: int, skip_ids: Set[str]) -> list[Callback]:
        found = [one for one in self._deliveries(account) if one.due_at <= now and one.id not in skip_ids]
        return sorted(found, key=lambda one: (one.due_at, one.id))[:limit]

    async def next_delivery_at(self, account: str) -> float | None:
        return min((one.due_at for one in self._deliveries(account)), default=None)

    def _deliveries(self, account: str) -> list[Callback]:
        url = DELIVERY_SCHEME + account
        return [one for one in self.tables.callbacks.values() if one.url == url and not one.failed]

    async def acknowledge(self, ids: Collection[str]) -> None:
        def work() -> None:
            for identifier in ids:
                self.tables.callbacks.pop(identifier, None)

        await self._commit("acknowledge", work)

    async def postpone(self, callbacks: Sequence[Callback]) -> None:
        def work() -> None:
            for one in callbacks:
                self.tables.callbacks[one.id] = replace(
                    self.tables.callbacks[one.id],
                    due_at=one.due_at,
                    tries=one.tries,
                    last_error=one.last_error,
                    failed=one.failed,
                )

        await self._commit("postpone", work)

    async def fail_callbacks(self, created_before: float) -> int:
        return await self._commit("fail", lambda: self._fail(created_before, NOT_REACHED, are_deliveries=False))

    async def fail_deliveries(self, created_before: float) -> int:
        return await self._commit("fail", lambda: self._fail(created_before, NOT_BOUND, are_deliveries=True))

    def _fail(self, created_before: float, error: str, *, are_deliveries: bool) -> int:
        owed = [one for one in self.tables.callbacks.values() if _is_delivery(one) is are_deliveries]
        old = [one for one in owed if not one.failed and one.created_at < created_before][:SWEEP_LIMIT]
        for one in old:
            self._put_callback(replace(one, failed=True, last_error=one.last_error or error))
        return len(old)

    async def replay_callbacks(self, now: float, account: str = "", ids: Collection[str] = ()) -> int:
        def work() -> int:
            found = [
                one
                for one in self.tables.callbacks.values()
                if one.failed and (not account or one.account == account) and (not ids or one.id in ids)
            ]
            for one in found:
                self.tables.callbacks[one.id] = replace(one, failed=False, tries=0, due_at=now, created_at=now)
            return len(found)

        return await self._commit("replay", work)

    # --- starting ---

    async def register(self, node: str, now: float, lease_seconds: float) -> None:
        def work() -> None:
            self.tables.nodes[node] = now + lease_seconds

        await self._commit("register", work)

    async def waiting(self, uplink: str, *, limit: int, skip: Set[str], account: str = "") -> list[Message]:
        found = [one for one in self._waiting_for(uplink) if one.id not in skip and account in ("", one.account)]
        return sorted(found, key=lambda one: (-one.priority, one.id))[:limit]

    async def waiting_accounts(self, uplink: str) -> list[str]:
        return sorted({one.account for one in self._waiting_for(uplink)})

    def _waiting_for(self, uplink: str) -> list[Message]:
        every = self.tables.messages.values()
        return [one for one in every if one.state is State.QUEUED and one.uplink == uplink]

    async def waiting_uplinks(self) -> list[str]:
        return sorted({one.uplink for one in self.tables.messages.values() if one.state is State.QUEUED})

    async def count_waiting(self) -> dict[tuple[str, str], int]:
        every = self.tables.messages.values()
        return dict(Counter((one.uplink, one.account) for one in every if one.state is State.QUEUED))

    async def unfinished(self, node: str) -> list[tuple[Message, list[Part]]]:
        unsent = (State.QUEUED, State.SENDING)
        return [
            (self.tables.messages[identifier], [parts[number] for number in sorted(parts)])
            for identifier, parts in sorted(self.tables.parts.items())
            if any(part.state in unsent for part in parts.values())
        ]

    # --- the store as a whole ---

    async def ping(self) -> None:
        await self._commit("ping", lambda: None)

    async def close(self) -> None:
        self._is_closed = True

    # --- rows ---

    def _loaded(self, identifiers: Set[str]) -> Loaded:
        """The rows of some messages; copied, so that a decision changes no table."""
        tables = self.tables
        return Loaded(
            messages={one: tables.messages[one] for one in identifiers if one in tables.messages},
            parts={one: dict(tables.parts.get(one, {})) for one in identifiers},
            found=tables.by_smsc_id,
            votes=tables.votes,
        )

    def _write(self, changes: Changes) -> int:
        for message in changes.messages.values():
            self.tables.messages[message.id] = replace(
                self.tables.messages[message.id],
                state=message.state,
                error=message.error,
                in_doubt=message.in_doubt,
                updated_at=message.updated_at,
                refunded=message.refunded,
            )
        self.tables.money.refund(changes.refunds)
        for part in (*changes.ended.values(), *changes.moved.values()):
            self.tables.put_part(part)
        for identifier in changes.erased:
            self.tables.erase(identifier)
        self._write_events(changes.events)
        for callback in changes.callbacks:
            self._put_callback(callback)
        for receipt in changes.park:
            self.tables.parked[next(self._numbers)] = receipt
        for n in changes.unpark:
            self.tables.parked.pop(n, None)
        for group, rule in changes.votes:
            votes = self.tables.votes.setdefault(group, {})
            votes[rule] = votes.get(rule, 0) + 1
        return len(changes.callbacks)

    def _put_callback(self, callback: Callback) -> None:
        self.tables.callbacks[callback.id] = callback

    def _write_events(self, events: Sequence[Event]) -> None:
        for event in events:
            self.tables.events.setdefault(event.message_id, []).append(event)


def _is_delivery(callback: Callback) -> bool:
    return callback.url.startswith(DELIVERY_SCHEME)
