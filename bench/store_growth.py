"""Does a message cost more when millions are kept? Processor time and pages written, beside an empty store.

``python -m bench.store_growth [COUNT] [--folder FOLDER]``: fills a SQLite store with the whole lives of COUNT
messages, spread over a month, then lets it and an empty one take slices of work in turn. Look-ups are timed as well.
"""

import argparse
import asyncio
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from bench.measure import Row, how_busy, print_table
from bench.scale import scale
from gateway.models import Callback, Event, Message, Part, PartBody, Receipt, State
from gateway.store import Bookkeeping, Departure, PartEnd, Store, open_store
from gateway.store.ids import Ids, key_of

replace = msgspec.structs.replace

QUICK, FULL = 100_000, 1_000_000
DAYS = 30
FILL_BATCH = 20_000
SLICES, SLICE, GROUP = 24, 2_000, 50
"""Slices for each store, messages of a slice, messages that a commit joins."""
LOOK_UPS = 300
ACCOUNTS = 200
RARE = "rare"
"""An account of one message in a hundred thousand."""


def _owe(message: Message, _receipt: Receipt | None) -> Callback | None:
    return Callback(id="", account="", url=message.callback_url, body=b"{}") if message.state.is_final else None


BOOK = Bookkeeping(callback_for=_owe)


class Sender:
    """Gives a store whole lives of messages."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)

    def _message(self, now: float) -> Message:
        draw = self.random
        return Message(
            id=self.store.ids.new(now),
            account=account_of(draw),
            recipient=f"4477{draw.randrange(10**8):08d}",
            sender="SHOP",
            text="Your parcel comes today between 9 and 11; reply STOP to hear no more of it.",
            callback_url="https://hooks.example/sms",
            client_reference=f"{draw.getrandbits(60):015x}",
            node="n1",
            created_at=now,
            updated_at=now,
            state=State.QUEUED,
            uplink="a",
        )

    async def live(self, count: int, now: float) -> None:
        """Accept, send, record, deliver and report so many, in one commit for each step."""
        store = self.store
        messages = [self._message(now) for _ in range(count)]
        await store.add(messages)
        departures = [self._departure(message) for message in messages]
        await store.depart(departures)
        ends = [self._end(one) for one in departures]
        await store.record(ends, BOOK)
        receipts = [
            Receipt(
                group="a",
                smsc_message_id=end.part.smsc_message_id,
                state=State.DELIVERED,
                recipient=end.message.recipient,
                received_at=now + 3,
                raw=f"id:{end.part.smsc_message_id} sub:001 dlvrd:001 done date:2601010101 stat:DELIVRD err:000 text:",
            )
            for end in ends
        ]
        await store.receive(receipts, BOOK)
        owed = await store.due_callbacks(now + 10, limit=count, per_host=count, skip_hosts=set(), skip_ids=set())
        await store.acknowledge([one.id for one in owed])

    def _departure(self, message: Message) -> Departure:
        part = Part(
            message_id=message.id,
            number=1,
            body=PartBody(short_message=message.text.encode(), data_coding=0),
            state=State.SENDING,
            attempt=1,
            node="n1",
            uplink="a",
            group="a",
            bind="a:1#1",
            updated_at=message.created_at,
        )
        return Departure(replace(message, state=State.SENDING, part_count=1), (part,))

    def _end(self, departure: Departure) -> PartEnd:
        (part,) = departure.parts
        ended = replace(part, state=State.SUBMITTED, smsc_message_id=f"{self.random.getrandbits(48):012x}")
        event = Event(message_id=part.message_id, at=part.updated_at, state=State.SUBMITTED, part=1, attempt=1)
        return PartEnd(departure.message, ended, (event,))


async def fill(path: Path, count: int, now: float) -> list[tuple[str, str, str]]:
    """Put so many delivered messages of the last month into a closed store, as its own work would have left them.

    Returns:
        A sample of them: id, recipient, reference.
    """
    store = await open_store(f"sqlite:{path}")
    model = Sender(store, 1)
    await model.live(1, now - DAYS * 86_400 - 60)
    await store.close()
    return await asyncio.to_thread(_copy, path, count, now)


def _copy(path: Path, count: int, now: float) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -500000")
    message, part = (list(connection.execute(f"SELECT * FROM {table}").fetchone()) for table in ("messages", "parts"))
    events = [list(row) for row in connection.execute("SELECT * FROM events ORDER BY n")]
    columns = [row[1] for row in connection.execute("PRAGMA table_info(messages)")]
    at = {name: columns.index(name) for name in columns}
    part_columns = [row[1] for row in connection.execute("PRAGMA table_info(parts)")]
    ids, draw, sample = Ids(), random.Random(1), []
    started = time.monotonic()
    for done in range(0, count, FILL_BATCH):
        connection.execute("BEGIN")
        rows: dict[str, list[list[Any]]] = {"messages": [], "parts": [], "events": []}
        for n in range(done, min(done + FILL_BATCH, count)):
            moment = now - DAYS * 86_400 * (1 - n / count)
            identifier = ids.new(moment)
            key, row = key_of(identifier), message.copy()
            recipient, reference = f"4477{draw.randrange(10**8):08d}", f"{draw.getrandbits(60):015x}"
            row[at["key"]], row[at["id"]], row[at["account"]] = key, identifier, account_of(draw)
            row[at["recipient"]], row[at["client_reference"]] = recipient, reference
            row[at["created_at"]] = row[at["ready_at"]] = row[at["updated_at"]] = moment
            rows["messages"].append(row)
            smsc_id, is_young = f"{draw.getrandbits(48):012x}", moment > now - BOOK.settled_seconds
            changed = {"key": key << 8 | 1, "smsc_message_id": smsc_id, "id_key": smsc_id, "matchable": int(is_young)}
            rows["parts"].append([changed.get(name, old) for name, old in zip(part_columns, part, strict=True)])
            rows["events"] += [[key, n * 4 + i, moment, *event[3:]] for i, event in enumerate(events)]
            if n % 1_000 == 0:
                sample.append((identifier, recipient, reference))
        for table, many in rows.items():
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(many[0]))})", many)
        connection.execute("COMMIT")
        if done and done % 1_000_000 == 0:
            print(f"  {done:,} after {time.monotonic() - started:,.0f} s", flush=True)
    connection.close()
    return sample


def account_of(draw: random.Random) -> str:
    """One of the accounts; some send much more than others."""
    return RARE if draw.random() < 1e-5 else f"account-{min(draw.randrange(ACCOUNTS), draw.randrange(ACCOUNTS))}"


async def settle(store: Store) -> float:
    """Let the store do what it has put off, such as naming messages; seconds."""
    started = time.monotonic()
    while not (await store.sweep(BOOK, time.time())).is_done:
        pass
    return time.monotonic() - started


async def slice_of(sender: Sender) -> tuple[float, float]:
    """Microseconds of processor time and pages of 4 KiB written, for each message of one slice."""
    cpu, written = time.process_time(), _written()
    for _ in range(SLICE // GROUP):
        await sender.live(GROUP, time.time())
    await sender.store.sweep(BOOK, time.time())
    return (time.process_time() - cpu) / SLICE * 1e6, (_written() - written) / 4096 / SLICE


def _written() -> int:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


async def look_ups(store: Store, sample: list[tuple[str, str, str]]) -> list[Row]:
    """Milliseconds that questions take, the median and the slowest of many."""
    known = random.Random(7).sample(sample, min(LOOK_UPS, len(sample)))
    questions: dict[str, list[Callable[[], Coroutine[Any, Any, Any]]]] = {
        "by id": [lambda one=one: store.message("", one[0]) for one in known],  # type: ignore[misc]
        "its timeline": [lambda one=one: store.timeline(one[0]) for one in known],  # type: ignore[misc]
        "by number": [lambda one=one: store.messages("", recipient=one[1]) for one in known],  # type: ignore[misc]
        "by reference": [lambda one=one: store.find_messages("", client_reference=one[2]) for one in known],  # type: ignore[misc]
        "by number, unknown": [lambda n=n: store.messages("", recipient=f"9999{n}") for n in range(50)],  # type: ignore[misc]
        "newest of an account": [lambda n=n: store.messages(f"account-{n}") for n in range(50)],  # type: ignore[misc]
        "of a rare account": [lambda: store.messages(RARE)] * 5,
    }
    return [Row(name, await _timed(asked)) for name, asked in questions.items()]


async def _timed(questions: list[Callable[[], Coroutine[Any, Any, Any]]]) -> tuple[str, str]:
    taken = []
    for ask in questions:
        started = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - started) * 1e3)
    taken.sort()
    return f"{taken[len(taken) // 2]:.2f}", f"{taken[-1]:.2f}"


async def measure(count: int, folder: Path) -> None:
    """Fill, compare, look up; prints tables."""
    full_path = folder / f"full-{count}.db"
    print(f"\nFilling a store with {count:,} messages", flush=True)
    started = time.monotonic()
    sample = await fill(full_path, count, time.time())
    print(f"{time.monotonic() - started:,.0f} s, {full_path.stat().st_size / 2**20:,.0f} MiB; {how_busy()}", flush=True)
    full = Sender(await open_store(f"sqlite:{full_path}"), 1)
    empty = Sender(await open_store(f"sqlite:{folder / 'empty.db'}"), 2)
    try:
        print(f"named and swept in {await settle(full.store):,.0f} s", flush=True)
        figures: dict[str, list[tuple[float, float]]] = {"empty": [], "full": []}
        for n in range(SLICES + 2):
            for name, sender in (("empty", empty), ("full", full))[:: 1 if n % 2 else -1]:
                one = await slice_of(sender)
                # The first two are for caches to fill.
                figures[name] += [one] if n > 1 else []
        _print_figures(count, figures)
        print_table("Looking up, milliseconds", ("median", "slowest"), await look_ups(full.store, sample))
    finally:
        await full.store.close()
        await empty.store.close()


def _print_figures(count: int, figures: dict[str, list[tuple[float, float]]]) -> None:
    medians = {
        name: [sorted(column)[len(column) // 2] for column in zip(*slices, strict=True)]
        for name, slices in figures.items()
    }
    rises = [full / empty - 1 for full, empty in zip(medians["full"], medians["empty"], strict=True)]
    rows = [Row(f"{name} store", (f"{cpu:,.1f}", f"{pages:,.2f}")) for name, (cpu, pages) in medians.items()]
    rows.append(Row("rise", (f"{rises[0]:+.1%}", f"{rises[1]:+.1%}")))
    title = (
        f"A message's whole life with {count:,} others kept, {GROUP} to a commit: medians of {SLICES} slices in turn"
    )
    print_table(title, ("µs of processor", "pages written"), rows)


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(prog="bench.store_growth", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=FULL if scale().is_full else QUICK)
    parser.add_argument("--folder", type=Path, help="where the store is put; default: a temporary folder")
    arguments, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="smppkit-growth-", dir=arguments.folder) as folder:
        os.sync()
        asyncio.run(measure(arguments.count, Path(folder)))


if __name__ == "__main__":
    main()
