"""What only the SQLite store must do: durability, one owner, group commit, indexes."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StoreError, StoreFull
from gateway.models import State
from gateway.store import open_store
from gateway.store.retention import Cutoffs
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite_rows import CHUNKS
from tests.gateway.fakes import NOW, receipt
from tests.gateway.store.rows import BOOK, depart, end_of, make_message, replace, state_of, submitted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "gateway.db"


async def open_at(path: Path, **options: Any) -> SqliteStore:
    store = await open_store(f"sqlite:{path}", **options)
    assert isinstance(store, SqliteStore)
    return store


def as_after_a_kill(path: Path, to: Path) -> Path:
    """The files as a killed process leaves them: no checkpoint, no close."""
    to.mkdir()
    for name in (path.name, path.name + "-wal"):
        if (path.parent / name).exists():
            shutil.copy(path.parent / name, to / name)
    return to / path.name


async def test_what_was_committed_is_there_after_a_kill(path: Path, tmp_path: Path) -> None:
    store = await open_at(path)
    queued = make_message(store)
    await store.add([queued])
    sent = await submitted(store, "id-1")
    await store.receive([receipt("id-1"), receipt("stray")], BOOK)
    await store.release_scheduled(NOW)
    again = await open_at(as_after_a_kill(path, tmp_path / "copy"))
    assert await again.message("", queued.id) == queued
    assert await state_of(again, sent) is State.DELIVERED
    assert await again.parked() == 1
    assert len(await again.callbacks()) == 1
    await again.close()
    await store.close()


async def test_ids_stay_unique_after_a_restart_with_the_clock_set_back(path: Path) -> None:
    store = await open_at(path)
    first = make_message(store, created_at=NOW)
    await store.add([first])
    await store.close()
    store = await open_at(path)
    second = make_message(store, created_at=NOW - 3600)
    assert second.id > first.id
    await store.add([second])
    await store.close()


async def test_a_second_process_is_told_who_has_the_file(path: Path) -> None:
    store = await open_at(path)
    with pytest.raises(StoreError, match=r"in use by another process \(pid \d+\)"):
        await open_at(path)
    await store.close()
    await (await open_at(path)).close()


def test_a_killed_owner_does_not_keep_the_file(path: Path) -> None:
    code = (
        "import asyncio, os, signal\n"
        "from gateway.store import open_store\n"
        f"asyncio.run(open_store('sqlite:{path}'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    asyncio.run(_open_and_close(path))


async def _open_and_close(path: Path) -> None:
    await (await open_at(path)).close()


async def test_commits_reach_the_disk(path: Path) -> None:
    store = await open_at(path)
    connection = store._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    await store.close()


async def test_a_store_of_a_newer_version_is_refused(path: Path) -> None:
    await _open_and_close(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, 'future', 0)")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        await open_at(path)


def test_a_file_that_is_no_store_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely, long enough to be read as a header" * 20)
    with pytest.raises(StoreError, match="cannot be opened"):
        asyncio.run(_open_and_close(path))


async def test_what_arrives_during_a_commit_goes_into_the_next_one(path: Path) -> None:
    commits: list[int] = []
    store = await open_at(path, on_commit=lambda _seconds, rows: commits.append(rows))
    gate, entered = threading.Event(), threading.Event()

    def hold(point: str) -> None:
        if point == "before commit":
            entered.set()
            gate.wait(10)

    store.fault = hold
    first = asyncio.create_task(store.add([make_message(store)]))
    await asyncio.to_thread(entered.wait, 10)
    rest = [asyncio.create_task(store.add([make_message(store), make_message(store)])) for _ in range(50)]
    await asyncio.sleep(0)
    assert not first.done()
    gate.set()
    await asyncio.gather(first, *rest)
    assert commits == [1, 100]
    await store.close()


async def test_a_batch_ends_at_its_limit(path: Path) -> None:
    commits: list[int] = []
    store = await open_at(path, commit_batch=10, on_commit=lambda _seconds, rows: commits.append(rows))
    await asyncio.gather(*(store.add([make_message(store)]) for _ in range(45)))
    assert sum(commits) == 45
    assert max(commits) <= 10
    await store.close()


async def test_a_full_queue_refuses_senders_and_keeps_what_it_has(path: Path) -> None:
    store = await open_at(path, queue_limit=10)
    gate = threading.Event()
    store.fault = lambda point: (gate.wait(10), None)[1] if point == "before commit" else None
    async with asyncio.TaskGroup() as group:
        group.create_task(store.add([make_message(store) for _ in range(8)]))
        await asyncio.sleep(0)
        with pytest.raises(StoreFull):
            await store.add([make_message(store) for _ in range(3)])
        # The SMSCs have a queue of their own.
        received = group.create_task(store.receive([receipt("x")], BOOK))
        gate.set()
    assert received.result() == ([False], 0)
    assert len(await store.messages("shop")) == 8
    await store.add([make_message(store) for _ in range(11)])
    await store.close()


async def test_one_wrong_row_does_not_fail_its_neighbours(path: Path) -> None:
    store = await open_at(path)
    gate = threading.Event()
    store.fault = lambda point: (gate.wait(10), None)[1] if point == "before commit" else None
    message = make_message(store)
    await asyncio.sleep(0)
    held = asyncio.create_task(store.add([make_message(store)]))
    await asyncio.sleep(0.01)
    good, twin, other = (asyncio.create_task(store.add([one])) for one in (message, message, make_message(store)))
    await asyncio.sleep(0)
    gate.set()
    outcome = await asyncio.gather(held, good, twin, other, return_exceptions=True)
    assert [isinstance(one, StoreError) for one in outcome] == [False, False, True, False]
    assert len(await store.messages("shop")) == 3
    await store.close()


async def test_a_full_disk_is_an_error_and_work_resumes(path: Path) -> None:
    store = await open_at(path)
    await store.add([make_message(store)])
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    big = [make_message(store, text="x" * 2000) for _ in range(100)]
    with pytest.raises(StoreError, match="full"):
        await store.add(big)
    assert len(await store.messages("shop", limit=1000)) == 1
    store._connection.execute(f"PRAGMA max_page_count = {1 << 30}")
    await store.add(big)
    assert len(await store.messages("shop", limit=1000)) == 101
    await store.close()


async def test_nothing_touches_the_file_on_the_loop_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_at(path)
    threads: set[str] = set()
    store._connection.set_trace_callback(lambda _: threads.add(threading.current_thread().name))
    store._reader_connection.set_trace_callback(lambda _: threads.add(threading.current_thread().name))
    message = await submitted(store, "1")
    await store.receive([receipt("1")], BOOK)
    await store.timeline(message.id)
    await store.waiting("a", limit=1, skip=set())
    await store.ping()
    assert threads == {"store-writer", "store-reader_0"}
    await store.close()


@pytest.mark.parametrize("count", [*CHUNKS, 5, 300, 1000])
async def test_any_number_of_rows_goes_through_the_chunks(path: Path, count: int) -> None:
    store = await open_at(path)
    messages = [make_message(store) for _ in range(count)]
    await store.add(messages)
    ends, ids = [], []
    for n, message in enumerate(messages):
        gone, (part,) = await depart(store, message) if count < 10 else (message, (None,))
        if part is not None:
            ends.append(end_of(gone, part, State.SUBMITTED, f"id{n}"))
            ids.append(f"id{n}")
    await store.record(ends, BOOK)
    matched = (await store.receive([receipt(one) for one in ids], BOOK))[0] if ids else []
    assert all(matched)
    assert len(await store.messages("", limit=2000)) == count
    await store.close()


@pytest.fixture
def statements(path: Path) -> Iterator[list[str]]:
    """Every statement that the life of messages executes."""
    seen: list[str] = []

    async def live() -> None:
        store = await open_at(path)
        store._connection.set_trace_callback(seen.append)
        store._reader_connection.set_trace_callback(seen.append)
        store._search_connection.set_trace_callback(seen.append)
        await store.receive([receipt("1")], BOOK)
        await submitted(store, "1", "2")
        await store.receive([receipt("1"), receipt("2")], BOOK)
        message = await submitted(store, "3")
        await store.sweep(BOOK, NOW + 1e6)
        await store.due_callbacks(NOW + 1e6, limit=9, per_host=9, skip_hosts=set(), skip_ids=set())
        await store.next_callback_at()
        (callback, *_) = await store.callbacks()
        await store.postpone([callback])
        await store.acknowledge([callback.id])
        await store.fail_callbacks(NOW)
        await store.waiting("a", limit=9, skip=set())
        await store.waiting_uplinks()
        await store.count_waiting()
        await store.unfinished("")
        await store.release_scheduled(NOW)
        await store.next_scheduled_at()
        await store.timeline(message.id)
        await store.close()

    asyncio.run(live())
    yield [one for one in seen if not one.startswith(("BEGIN", "COMMIT", "--"))]


def test_no_statement_of_the_path_scans_a_table(path: Path, statements: list[str]) -> None:
    """A scan would be as slow as the store is large; lists for people are limited by their page."""
    connection = sqlite3.connect(path)
    scans = set()
    for statement in set(statements):
        for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
            if re.match(r"SCAN (messages|parts|events|callbacks|inbound|c)\b", detail) and "USING" not in detail:
                scans.add(statement)
    connection.close()
    assert {one for one in scans if "FROM callbacks WHERE 1 ORDER BY key LIMIT" not in one} == set()


async def test_a_file_gets_smaller_when_much_of_it_is_free(path: Path) -> None:
    store = await open_at(path)
    messages = [make_message(store, text="x" * 400) for _ in range(4_000)]
    await store.add(messages)
    await store.end([replace(one, state=State.FAILED) for one in messages], BOOK)
    await store.forget_messages([one.id for one in messages])
    rounds = 1
    while not (await store.purge(Cutoffs())).is_done:
        rounds += 1
    await store.close()
    connection = sqlite3.connect(path)
    (free,), (pages,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count"))
    connection.close()
    assert rounds > 1
    assert free < max(200, pages / 5)
