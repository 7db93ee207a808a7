"""What each kind of work does to the PostgreSQL database; called by the writer inside its transactions.

A transaction first checks the node's lease, then locks: the SMSC groups whose ids it makes known (shared), then all the
messages it is about, in the order of their keys. A receipt that finds no part needs a second transaction, which holds
its group alone: no node can then make its id known between the look and the parking.
"""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from gateway.models import Callback, Event, Inbound, Message, State
from gateway.store import postgres_intake, postgres_purge
from gateway.store import postgres_statements as sql
from gateway.store.base import (
    NOT_BOUND,
    NOT_REACHED,
    SWEEP_LIMIT,
    Bookkeeping,
    Departure,
    LeaseLost,
    NotOurs,
    PartEnd,
    departure_events,
    replaced_event,
)
from gateway.store.ids import Ids, key_at, key_of
from gateway.store.money import Entry, EntryKind, Refund
from gateway.store.moves import (
    Changes,
    Loaded,
    decide_ends,
    decide_receipts,
    decide_results,
    receipts_need,
    results_need,
)
from gateway.store.postgres_changes import write_callbacks, write_changes, write_events
from gateway.store.postgres_loads import load_found, load_messages, load_parked, load_votes
from gateway.store.postgres_records import drop_records, put_records
from gateway.store.postgres_rows import (
    INSERT_INBOUND,
    LOCK_MESSAGES,
    SELECT_FOUND_KEYS,
    UPSERT_PARTS,
    Connection,
    cleaned,
    write_rows,
)
from gateway.store.postgres_sweeps import Sweeps
from gateway.store.postgres_writer import LATER, Work
from gateway.store.records import Record
from gateway.store.sqlite_rows import (
    inbound_row,
    message_row,
    part_row,
)

ORDER: Final = ("depart", "record", "end", "receive")
"""Kinds in the order in which they meet in a transaction: a response before the receipt that follows it."""

GROUP_LOCK: Final = 0x534D5001
"""First half of the advisory locks on SMSC groups."""

T = TypeVar("T")
Handler = Callable[[Connection, list[Any], Any], Awaitable[Any]]


class Holder:
    """Which node this is, and under which lease it writes; without a name it needs none."""

    def __init__(self, share: int) -> None:
        self.share = share
        self.node = ""
        self.epoch = 0
        self.batch = 0


class Writes:
    """The transactions of a writer (postgres_writer.Transactions)."""

    def __init__(self, ids: Ids, holder: Holder, fault: Callable[[str], None]) -> None:
        self._ids = ids
        self._holder = holder
        self._fault = fault
        self._refunds: list[Refund] = []
        self._recharged: list[Entry] = []
        """What the transaction does to balances; booked at its end."""
        self._sweeps = Sweeps(self.write_changes)
        self._handlers: dict[str, Handler] = {
            "depart": self._depart,
            "record": self._record,
            "end": self._end,
            "amend": self._amend,
            "inbound": self._add_inbound,
            "reassign": self._reassign,
            "release": self._release_scheduled,
            "acknowledge": self._acknowledge,
            "postpone": self._postpone,
            "fail": self._fail_callbacks,
            "fail deliveries": self._fail_deliveries,
            "replay": self._replay,
            "ping": self._ping,
            "put records": _put_records,
            "drop records": drop_records,
            "book": postgres_intake.book,
            "forget messages": postgres_purge.forget_messages,
            "forget inbound": postgres_purge.forget_inbound,
        }

    def use(self, ids: Ids) -> None:
        """Make ids of another share."""
        self._ids = ids

    # --- transactions ---

    async def execute(self, connection: Connection, works: Sequence[Work]) -> list[tuple[Work, Any]]:
        await self._hold_lease(connection)
        groups = {end.part.group for work in works if work.kind == "record" for end in work.rows if has_id(end)}
        if groups:
            await connection.fetch(sql.SHARE_GROUPS, GROUP_LOCK, sorted(groups))
        receiving = [work for work in works if work.kind == "receive"]
        locked = {key_of(identifier) for work in works for identifier in _ids_in(work)}
        locked |= await _found_keys(connection, receiving)
        await _lock(connection, locked)
        joined: dict[tuple[str, int], list[Work]] = {}
        for work in works:
            joined.setdefault((work.kind, id(work.context)), []).append(work)
        outcome: list[tuple[Work, Any]] = []
        self._refunds, self._recharged = [], []
        for (kind, _), same in sorted(joined.items(), key=_order):
            if kind == "add":
                continue
            if kind == "receive":
                outcome += await self._receive(connection, same, locked, may_park=False)
            elif kind == "sweep":
                outcome += [(work, LATER) for work in same]
            else:
                rows = [row for work in same for row in work.rows]
                result = await self._handlers[kind](connection, rows, same[0].context)
                outcome += _by_work(same, result) if isinstance(result, list) else [(work, result) for work in same]
        outcome += await self._settle_books(connection, [work for work in works if work.kind == "add"])
        return outcome

    async def execute_later(self, connection: Connection, works: Sequence[Work]) -> list[tuple[Work, Any]]:
        await self._hold_lease(connection)
        receiving = [work for work in works if work.kind == "receive"]
        sweeping = [work for work in works if work.kind == "sweep"]
        groups = {receipt.group for work in receiving for receipt in work.rows}
        if groups:
            await connection.fetch(sql.HOLD_GROUPS, GROUP_LOCK, sorted(groups))
        locked = await _found_keys(connection, receiving)
        for work in sweeping:
            locked |= await self._sweeps.late_keys(connection, work.rows[-1], work.context)
        await _lock(connection, locked)
        outcome: list[tuple[Work, Any]] = []
        self._refunds, self._recharged = [], []
        for context in {id(work.context): work.context for work in receiving}.values():
            same = [work for work in receiving if work.context is context]
            outcome += await self._receive(connection, same, locked, may_park=True)
        for work in sweeping:
            swept = await self._sweeps.sweep(connection, work.rows[-1], work.context, locked, self._ids)
            outcome.append((work, swept))
        await self._settle_books(connection, ())
        return outcome

    async def was_kept(self, connection: Connection) -> bool:
        holder = self._holder
        # Waits for the old connection's transaction, should the server still be at it.
        row = await connection.fetchrow(sql.LAST_BATCH, holder.node, holder.epoch)
        return row is not None and row[0] == holder.batch

    async def _hold_lease(self, connection: Connection) -> None:
        holder = self._holder
        if holder.node:
            holder.batch += 1
            if await connection.fetchrow(sql.HOLD_LEASE, holder.node, holder.epoch, holder.batch) is None:
                raise LeaseLost(f"the lease of node {holder.node} has ended")

    # --- accepting and sending ---

    async def _settle_books(self, connection: Connection, adding: Sequence[Work]) -> list[tuple[Work, Any]]:
        """Keep new messages, and change balances by all that this transaction has done: last, in one order of locks."""
        if adding:
            self._fault("add")
        admissions = [row for work in adding for row in work.rows]
        refunds, self._refunds = self._refunds, []
        recharged, self._recharged = self._recharged, []
        if not (admissions or refunds or recharged):
            return []
        result = await postgres_intake.add(connection, admissions, refunds, recharged)
        return list(_by_work(adding, result))

    async def _depart(self, connection: Connection, departures: list[Departure], _context: object) -> None:
        self._fault("depart")
        messages = {key_of(one.message.id): one.message for one in departures}
        rows = [
            (key, one.state.value, one.uplink, one.part_count, one.node, one.updated_at)
            for key, one in messages.items()
        ]
        ours = await connection.fetch(sql.DEPART, *map(list, zip(*rows, strict=True)), self._holder.node)
        if len(ours) != len(messages):
            kept = {key for (key,) in ours}
            raise NotOurs([one.id for key, one in messages.items() if key not in kept])
        replaced = [key_of(one.message.id) for one in departures if one.replaces_split]
        if replaced:
            await connection.execute(sql.DELETE_PARTS, replaced)
        parts = {(part.message_id, part.number): part for one in departures for part in one.parts}
        await write_rows(connection, UPSERT_PARTS, [cleaned(part_row(part)) for part in parts.values()])
        await write_events(connection, (event for one in departures for event in departure_events(one)))

    async def _record(self, connection: Connection, ends: list[PartEnd], book: Bookkeeping) -> int:
        self._fault("record")
        wanted, keys = results_need(ends, book)
        loaded = Loaded()
        if wanted:
            await load_messages(connection, {key_of(identifier) for identifier in wanted}, loaded)
        if keys:
            await load_parked(connection, keys, loaded)
        return await self.write_changes(connection, decide_results(ends, loaded, book, self._ids))

    async def _end(self, connection: Connection, messages: list[Message], book: Bookkeeping) -> int:
        self._fault("end")
        # What another node has begun meanwhile is no longer as whoever ends it believes.
        whole = [key_of(one.id) for one in messages if not one.part_count]
        if whole and (begun := await connection.fetch(sql.BEGUN, whole)):
            raise NotOurs([identifier for (identifier,) in begun])
        rows = [(key_of(one.id), one.state.value, one.error, one.updated_at) for one in messages if one.part_count]
        await write_rows(connection, sql.END_PARTS, rows)
        return await self.write_changes(connection, decide_ends(messages, book, self._ids))

    async def _amend(self, connection: Connection, messages: list[Message], _context: object) -> None:
        self._fault("amend")
        # Whoever changes it sends it: its node so far finds that it has it no more.
        node = self._holder.node
        changed = [msgspec.structs.replace(one, node=node or one.node) for one in messages]
        prices = dict(await connection.fetch(sql.PRICES, [key_of(one.id) for one in messages]))
        self._recharged += [
            Entry(account=one.account, at=one.updated_at, kind=EntryKind.CHARGE, amount=price - one.price)
            for one in messages
            if (price := prices.get(key_of(one.id), one.price)) != one.price
        ]
        done = {
            key for (key,) in await write_rows(connection, sql.AMEND, [cleaned(message_row(one)) for one in changed])
        }
        if len(done) != len(changed):
            raise NotOurs([one.id for one in changed if key_of(one.id) not in done])
        await write_events(connection, [replaced_event(one) for one in changed])

    async def _reassign(self, connection: Connection, ids: list[str], uplink: str) -> None:
        await connection.execute(
            "UPDATE messages SET uplink = $2 WHERE key = ANY($1::bigint[]) AND state = 'queued'",
            [key_of(identifier) for identifier in ids],
            uplink,
        )

    async def _release_scheduled(self, connection: Connection, rows: list[tuple[float, int]], _context: object) -> int:
        released = 0
        for now, limit in rows:
            found = await connection.fetch(sql.RELEASE, now, limit, self._holder.node)
            await write_events(
                connection,
                [Event(message_id=one, at=now, state=State.QUEUED, node=node) for one, node in found],
            )
            released += len(found)
        return released

    # --- coming back ---

    async def _receive(
        self, connection: Connection, works: Sequence[Work], locked: set[int], *, may_park: bool
    ) -> list[tuple[Work, Any]]:
        """Apply receipts; those works that would have to park one are left for later, unless they may."""
        self._fault("receive")
        book: Bookkeeping = works[0].context
        receipts = [receipt for work in works for receipt in work.rows]
        loaded = Loaded(votes=await load_votes(connection, receipts, book))
        await load_found(connection, receipts_need(receipts, book, loaded.votes), loaded, locked)
        changes = decide_receipts(receipts, _copy(loaded), book, self._ids)
        left: list[Work] = []
        if not may_park and not all(changes.matched):
            left = [work for work, matched in _by_work(works, changes.matched) if not all(matched)]
            works = [work for work in works if work not in left]
            receipts = [receipt for work in works for receipt in work.rows]
            changes = decide_receipts(receipts, _copy(loaded), book, self._ids)
        callbacks = await self.write_changes(connection, changes)
        done: list[tuple[Work, Any]] = [
            (work, [(one, callbacks) for one in matched]) for work, matched in _by_work(works, changes.matched)
        ]
        return done + [(work, LATER) for work in left]

    async def _add_inbound(
        self, connection: Connection, rows: list[tuple[Inbound, Callback | None]], _context: object
    ) -> None:
        self._fault("inbound")
        first: dict[str, tuple[Inbound, Callback | None]] = {}
        for row in rows:
            first.setdefault(row[0].id, row)
        kept = await write_rows(connection, INSERT_INBOUND, [cleaned(inbound_row(one)) for one, _ in first.values()])
        callbacks = [first[identifier][1] for (identifier,) in kept]
        await write_callbacks(
            connection,
            [
                msgspec.structs.replace(callback, id=self._ids.new(callback.created_at))
                for callback in callbacks
                if callback is not None
            ],
        )

    # --- callbacks ---

    async def _acknowledge(self, connection: Connection, ids: list[str], _context: object) -> None:
        self._fault("acknowledge")
        await connection.execute(sql.ACKNOWLEDGE, [key_of(one) for one in ids])

    async def _postpone(self, connection: Connection, callbacks: list[Callback], _context: object) -> None:
        rows = [(key_of(one.id), one.due_at, one.tries, one.last_error, one.failed) for one in callbacks]
        await write_rows(connection, sql.POSTPONE, [cleaned(row) for row in sorted(rows)])

    async def _fail_callbacks(self, connection: Connection, times: list[float], _context: object) -> int:
        return await _fail_owed(connection, times[-1], NOT_REACHED, are_deliveries=False)

    async def _fail_deliveries(self, connection: Connection, times: list[float], _context: object) -> int:
        return await _fail_owed(connection, times[-1], NOT_BOUND, are_deliveries=True)

    async def _replay(
        self, connection: Connection, rows: list[tuple[float, str, tuple[str, ...]]], _context: object
    ) -> int:
        count = 0
        for now, account, ids in rows:
            if ids:
                keys = [key_of(one) for one in ids]
                count += _count(
                    await connection.execute(f"{sql.REPLAY} AND key = ANY($3::bigint[])", now, account, keys)
                )
            else:
                count += _count(await connection.execute(sql.REPLAY, now, account))
        return count

    async def _ping(self, connection: Connection, rows: list[int], _context: object) -> None:
        await connection.execute(sql.SET_MARK, f"ping {self._holder.share}", rows[-1])

    # --- writing what was decided ---

    async def write_changes(self, connection: Connection, changes: Changes) -> int:
        """Write a decision; returns the number of callbacks it owes."""
        self._refunds += changes.refunds
        await write_changes(connection, changes)
        return len(changes.callbacks)


async def _fail_owed(connection: Connection, before: float, error: str, *, are_deliveries: bool) -> int:
    status = await connection.execute(sql.FAIL, error, key_at(before), before, SWEEP_LIMIT, are_deliveries)
    return _count(status)


async def _put_records(connection: Connection, records: list[Record], _context: object) -> list[bool]:
    written = await put_records(connection, records)
    owed = [callback for record in itertools.compress(records, written) for callback in record.callbacks]
    await write_callbacks(connection, owed)
    return written


def has_id(end: PartEnd) -> bool:
    """Whether an end makes an SMSC's id known."""
    return end.part.state is State.SUBMITTED and bool(end.part.smsc_message_id)


def _ids_in(work: Work) -> Iterable[str]:
    """The messages a work is about, as far as it names them."""
    match work.kind:
        case "depart" | "record":
            return [one.message.id for one in work.rows]
        case "end" | "amend":
            return [one.id for one in work.rows]
        case "reassign":
            return list(work.rows)
        case _:
            return ()


async def _found_keys(connection: Connection, works: Iterable[Work]) -> set[int]:
    """The messages that receipts may be about."""
    keys = {key for work in works for key in receipts_need(work.rows, work.context, {})}
    return {key for (key,) in await write_rows(connection, SELECT_FOUND_KEYS, sorted(keys))}


async def _lock(connection: Connection, keys: set[int]) -> None:
    if keys:
        await connection.fetch(LOCK_MESSAGES, sorted(keys))


def _copy(loaded: Loaded) -> Loaded:
    """The same rows, to decide on and perhaps decide again."""
    parts = {identifier: dict(parts) for identifier, parts in loaded.parts.items()}
    return Loaded(dict(loaded.messages), parts, loaded.found, {}, loaded.votes)


def _by_work(works: Sequence[Work], results: Sequence[T]) -> list[tuple[Work, list[T]]]:
    found = iter(results)
    return [(work, [next(found) for _ in work.rows]) for work in works]


def _order(item: tuple[tuple[str, int], list[Work]]) -> int:
    kind = item[0][0]
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _count(status: str) -> int:
    """The number of rows in a command's status, such as ``UPDATE 3``."""
    return int(status.rpartition(" ")[2])
