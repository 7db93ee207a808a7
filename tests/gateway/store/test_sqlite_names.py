"""Finding messages by name in a SQLite file: in memory, in runs, and in what no run covers yet."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StoreError
from gateway.models import Message
from gateway.store import Store, open_store, sqlite_names
from gateway.store.sqlite_names import Tail, name_hash
from tests.gateway.fakes import NOW, failing
from tests.gateway.store.rows import BOOK, make_message


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a few messages, so that a test has many of them."""
    for name, value in {"RUN_SIZE": 16, "BACKLOG_LIMIT": 40, "SWEEP_ROWS": 7, "WRITTEN_WITH_EACH": 5}.items():
        monkeypatch.setattr(sqlite_names, name, value)


async def open_at(path: Path) -> Store:
    return await open_store(f"sqlite:{path}")


class Crowd:
    """Messages with few names, and what is found of them."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.messages: list[Message] = []

    def make(self, store: Store, count: int) -> list[Message]:
        draw = self.random
        made = [
            make_message(
                store,
                created_at=NOW + len(self.messages),
                recipient=f"4477009000{draw.randrange(20):02d}",
                client_reference=f"r{draw.randrange(30)}" if draw.random() < 0.7 else "",
                group=f"g{draw.randrange(5)}" if draw.random() < 0.5 else "",
                account=f"a{draw.randrange(3)}",
            )
            for _ in range(count)
        ]
        self.messages += made
        return made

    async def check(self, store: Store) -> None:
        """All questions are answered as by looking at each message."""
        for question in self._questions():
            expected = [one.id for one in self.messages[::-1] if all(getattr(one, k) == v for k, v in question.items())]
            account = question.pop("account", "")
            assert [one.id for one in await store.find_messages(account, limit=10_000, **question)] == expected
            if "group" in question and "client_reference" not in question:
                assert await store.count_group(account, question["group"]) == len(expected)
            if expected:
                page = await store.find_messages(account, limit=2, before_id=expected[0], **question)
                assert [one.id for one in page] == expected[1:3]

    def _questions(self) -> list[dict[str, Any]]:
        return [
            *({"recipient": f"4477009000{n:02d}"} for n in range(21)),
            *({"client_reference": f"r{n}"} for n in range(31)),
            *({"group": f"g{n}"} for n in range(6)),
            *({"account": f"a{n}"} for n in range(4)),
            {"account": "a1", "group": "g1"},
            {"account": "a1", "client_reference": "r3", "group": "g1"},
        ]


def runs(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        count: int = connection.execute("SELECT count(*) FROM name_runs").fetchone()[0]
    connection.close()
    return count


async def test_names_are_found_in_memory_and_in_runs(tmp_path: Path) -> None:
    path, crowd = tmp_path / "s.db", Crowd()
    store = await open_at(path)
    for _ in range(40):
        await store.add(crowd.make(store, crowd.random.randrange(1, 9)))
    await crowd.check(store)
    await store.close()
    assert runs(path) >= 5


async def test_names_outlive_any_end_of_the_process(tmp_path: Path) -> None:
    path, crowd = tmp_path / "s.db", Crowd()
    for _ in range(12):
        store = await open_at(path)
        for _ in range(crowd.random.randrange(1, 8)):
            await store.add(crowd.make(store, crowd.random.randrange(1, 6)))
        await crowd.check(store)
        await store.close()


async def test_commits_that_fail_lose_no_name_and_add_none(tmp_path: Path) -> None:
    store, crowd = await open_at(tmp_path / "s.db"), Crowd()
    for n in range(60):
        if n % 3 == 0:
            lost = Crowd(n).make(store, 4)
            store.fault = failing("before commit")
            with pytest.raises(StoreError):
                await store.add(lost)
            store.fault = None
        await store.add(crowd.make(store, 4))
    await crowd.check(store)
    await store.close()


async def test_the_messages_of_an_earlier_version_get_their_names_from_the_sweep(tmp_path: Path) -> None:
    path, crowd = tmp_path / "s.db", Crowd()
    store = await open_at(path)
    await store.add(crowd.make(store, 150))
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM names")
        connection.execute("DELETE FROM name_runs")
    connection.close()
    store = await open_at(path)
    await crowd.check(store)
    await store.add(crowd.make(store, 10))
    rounds = 0
    while not (await store.sweep(BOOK, NOW)).is_done:
        rounds += 1
        if rounds % 8 == 0:
            await store.add(crowd.make(store, 3))
            await crowd.check(store)
    assert rounds > 20
    await store.add(crowd.make(store, 40))
    await crowd.check(store)
    await store.close()
    store = await open_at(path)
    await crowd.check(store)
    await store.close()


async def test_names_that_share_a_hash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_names, "name_hash", lambda _kind, _value: 7)
    monkeypatch.setattr("gateway.store.sqlite_search.name_hash", lambda _kind, _value: 7)
    sqlite_names._account_hash.cache_clear()
    store, crowd = await open_at(tmp_path / "s.db"), Crowd()
    for _ in range(12):
        await store.add(crowd.make(store, 5))
    await crowd.check(store)
    await store.close()
    sqlite_names._account_hash.cache_clear()


def test_a_hash_depends_on_kind_and_value() -> None:
    assert name_hash("recipient", "1") != name_hash("account", "1") != name_hash("account", "2")
    assert 0 <= name_hash("group", "é\ud800") < 1 << sqlite_names.HASH_BITS


def test_buckets_are_sorted_one_after_the_other() -> None:
    tail, draw = Tail(), random.Random(1)
    expected = []
    for key in draw.sample(range(500), 500):
        names = {"client_reference": f"r{key}", "group": f"g{key % 7}"}
        names |= {"recipient": f"{key % 50}", "account": f"{key % 3}"}
        tail.add(key, names["client_reference"], names["group"], names["recipient"], names["account"])
        expected += [(name_hash(kind, value), key) for kind, value in names.items()]
    found: list[tuple[int, int]] = []
    n = 0
    while (bucket := tail.bucket(n)) is not None:
        found += bucket
        n += 1
    assert found == sorted(expected)
    assert (tail.count, tail.first, tail.last) == (500, 0, 499)
