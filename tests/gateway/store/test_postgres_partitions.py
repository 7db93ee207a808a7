"""Partitions of the PostgreSQL store: made ahead, dropped when nothing is left in them."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway.models import State
from gateway.store import Store, open_store, postgres_partitions
from gateway.store.ids import key_at
from gateway.store.postgres_partitions import DAYS, drop_empty, make_ahead
from gateway.store.retention import Cutoffs
from tests.gateway.fakes import receipt
from tests.gateway.store.rows import BOOK, make_message, state_of, submitted
from tests.postgres import Cluster

WEEK = DAYS * 86_400.0
LATER = 2_000_000_000.0 - 2_000_000_000.0 % WEEK
"""The beginning of a week well after all that there is."""


@pytest.fixture
async def url(postgres: Cluster) -> str:
    return await postgres.new_url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
async def database(store: Store, url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def partitions(database: Any, table: str = "messages") -> list[str]:
    rows = await database.fetch(
        "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
        " WHERE inhparent = $1::regclass ORDER BY 1",
        table,
    )
    return [name for (name,) in rows]


async def holding(database: Any, table: str = "messages") -> set[str]:
    return {name for (name,) in await database.fetch(f"SELECT DISTINCT tableoid::regclass::text FROM {table}")}  # noqa: S608


async def test_each_week_has_a_partition_of_its_own_for_messages_parts_and_timelines(
    store: Store, database: Any
) -> None:
    await make_ahead(database, LATER)
    await make_ahead(database, LATER)
    for n in range(3):
        await submitted(store, f"{n}", created_at=LATER + n * WEEK + 5)
    for table in ("messages", "parts", "events"):
        assert len(await partitions(database, table)) == 6
        assert len(await holding(database, table)) == 3
        assert not await holding(database, table) & {f"{table}_before", f"{table}_other"}


async def test_messages_of_all_partitions_are_one_store(store: Store, database: Any) -> None:
    await make_ahead(database, LATER)
    messages = [await submitted(store, f"{n}", created_at=LATER + n * WEEK) for n in range(3)]
    matched, _ = await store.receive([receipt(f"{n}") for n in range(3)], BOOK)
    assert matched == [True] * 3
    for message in messages:
        assert await state_of(store, message) is State.DELIVERED
        assert len(await store.timeline(message.id)) == 4
    assert [one.id for one in await store.find_messages("shop")] == [one.id for one in messages[::-1]]
    queued = [make_message(store, created_at=LATER + n * WEEK) for n in (1, 2, 3)]
    await store.add(queued)
    assert [one.id for one in await store.waiting("a", limit=9, skip=set())] == [one.id for one in queued]


async def test_a_partition_is_dropped_when_nothing_is_left_in_it(store: Store, database: Any) -> None:
    await make_ahead(database, LATER)
    old = await submitted(store, "1", created_at=LATER)
    young = await submitted(store, "2", created_at=LATER + WEEK)
    # What there was before there were partitions is in none of them here.
    assert await drop_empty(database, key_at(LATER + WEEK)) == 3
    await store.receive([receipt("1")], BOOK)
    await store.forget_messages([old.id])
    cutoffs = Cutoffs(messages=LATER + WEEK, now=LATER + 3 * WEEK)
    assert (await store.purge(cutoffs)).partitions == 3
    assert (await store.purge(cutoffs)).partitions == 0
    assert await state_of(store, young) is State.SUBMITTED
    assert len(await partitions(database)) == 7


async def test_without_partitions_ahead_nothing_is_refused(store: Store, database: Any) -> None:
    message = await submitted(store, "1", created_at=LATER)
    assert await holding(database) == {"messages_other"}
    # The week that has rows elsewhere gets none; those after it do.
    await make_ahead(database, LATER)
    assert len(await partitions(database)) == 5
    assert await state_of(store, message) is State.SUBMITTED


async def test_a_partition_that_somebody_uses_is_dropped_another_time(
    store: Store, database: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_partitions, "LOCK_SECONDS", 0.05)
    await make_ahead(database, LATER)
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.fetch("SELECT * FROM messages")
        assert await drop_empty(database, key_at(LATER + WEEK)) == 4
    await other.close()
    assert await drop_empty(database, key_at(LATER + WEEK)) == 2
