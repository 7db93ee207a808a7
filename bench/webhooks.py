"""Callbacks by the hundred thousand: how fast a backlog drains, and how long new ones of other hosts wait meanwhile.

The store is SQLite on disk with `synchronous=FULL`; hosts answer at once, so that what is measured is the dispatcher
and its store. With --full the backlog is a million.

    python -m bench.webhooks [--full]
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.gateway import fdatasync_milliseconds
from bench.measure import Row, how_busy, machine, print_table
from bench.scale import scale
from gateway.config import WebhooksConfig
from gateway.logs import configure_logging
from gateway.metrics import Metrics
from gateway.models import Callback, Inbound
from gateway.store import Store, open_store
from gateway.store.ids import Ids, key_of
from gateway.webhooks import Answer, WebhookDispatcher

NEW_EVERY_SECONDS: Final = 0.05
LIMIT_SECONDS: Final = 900.0

_BACKLOG: Final = (
    "INSERT INTO callbacks (key, id, host, account, url, method, content_type, body, headers, message_id, dialect,"
    " created_at, due_at, tries, last_error, failed)"
    " VALUES (?, ?, ?, 'shop', ?, 'POST', 'application/json', x'7b7d', '', '', 'backlog', ?, ?, 0, '', 0)"
)


def backlog_rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Callbacks of a minute ago, to twenty hosts in turn."""
    ids, now = Ids(), time.time() - 60
    for number in range(count):
        host, identifier = f"h{number % 20}.example", ids.new(now)
        yield key_of(identifier), identifier, host, f"https://{host}/{number}", now, now


class Poster:
    """Hosts that answer at once."""

    def __init__(self) -> None:
        self.count = 0
        self.waits: list[float] = []

    async def post(self, callback: Callback, _headers: Mapping[str, str]) -> Answer:
        """Note it."""
        self.count += 1
        if "new.example" in callback.url:
            self.waits.append(time.time() - callback.created_at)
        return Answer(True)

    async def close(self) -> None:
        """Nothing is open."""


async def owe(store: Store, count: int) -> None:
    """New ones of another host, in a commit of their own."""
    now = time.time()
    for _ in range(count):
        identifier = store.ids.new(now)
        note = Inbound(id=identifier, account="shop", sender="1", recipient="2", text="")
        callback = Callback(
            id="", account="shop", url=f"https://new.example/{identifier}", body=b"{}", created_at=now, due_at=now
        )
        await store.add_inbound(note, callback)


async def drain(folder: Path, backlog: int) -> tuple[float, list[float]]:
    """Callbacks a second, and how long each new one waited before it was tried."""
    path = folder / "gateway.db"
    await (await open_store(f"sqlite:{path}")).close()
    with sqlite3.connect(path) as connection:
        connection.executemany(_BACKLOG, backlog_rows(backlog))
    connection.close()
    store = await open_store(f"sqlite:{path}")
    poster = Poster()
    dispatcher = WebhookDispatcher(store, WebhooksConfig(per_host=50), {}, metrics=Metrics(), poster=poster)
    started = time.monotonic()
    dispatcher.start()
    while poster.count - len(poster.waits) < backlog and time.monotonic() < started + LIMIT_SECONDS:
        await owe(store, 1)
        dispatcher.wake()
        await asyncio.sleep(NEW_EVERY_SECONDS)
    seconds = time.monotonic() - started
    await dispatcher.stop(10)
    await store.close()
    return poster.count / seconds, sorted(poster.waits)


def main() -> None:
    """Measure and print."""
    configure_logging("error")
    sizes = (1_000_000,) if scale().is_full else (20_000,)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        middle, high = fdatasync_milliseconds(Path(folder))
    print(f"\n{machine()}; {how_busy()}; fdatasync median {middle:.2f} ms, p99 {high:.2f} ms")
    for backlog in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rate, waits = asyncio.run(drain(Path(folder), backlog))
        figures = (rate, len(waits), waits[len(waits) // 2] * 1000, waits[int(len(waits) * 0.99)] * 1000)
        rows.append(Row(f"{backlog:,} due", tuple(f"{figure:,.0f}" for figure in figures)))
    heads = ("callbacks/s", "new ones", "wait p50 ms", "p99 ms")
    print_table("A backlog of callbacks of twenty hosts, and new ones of another", heads, rows)


if __name__ == "__main__":
    main()
