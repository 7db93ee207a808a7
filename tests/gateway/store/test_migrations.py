"""Stores that an earlier version wrote."""

import sqlite3
from pathlib import Path

import asyncpg
import pytest

from gateway.errors import StoreError
from gateway.models import Message, State
from gateway.store import Store, open_store
from gateway.store.ids import Ids, key_of
from gateway.store.migrations import migrations
from tests.gateway.fakes import NOW, receipt
from tests.gateway.store.rows import BOOK, make_message, state_of
from tests.postgres import Cluster

# ruff: noqa: S608 -- only our own column names go into these statements

COUNT = 12
"""Messages that the first version left."""


def old_rows() -> list[tuple[str, dict[str, object]]]:
    """What the first version kept of messages that were submitted."""
    ids, rows = Ids(), []
    for n in range(COUNT):
        identifier = ids.new(NOW + n)
        key = key_of(identifier)
        message = {
            "key": key,
            "id": identifier,
            "account": "shop",
            "recipient": f"4477009001{n:02d}",
            "sender": "SHOP",
            "text": "hello",
            "extra": "",
            "client_reference": f"ref-{n}",
            "callback_url": "",
            "priority": 0,
            "node": "n1",
            "created_at": NOW + n,
            "ready_at": NOW + n,
            "state": "submitted",
            "error": "",
            "uplink": "a",
            "part_count": 1,
            "in_doubt": False,
            "updated_at": NOW + n,
        }
        part = {
            "key": key << 8 | 1,
            "state": "submitted",
            "attempt": 1,
            "node": "n1",
            "uplink": "a",
            "smsc_group": "a",
            "bind": "b",
            "smsc_message_id": f"id-{n}",
            "id_key": f"id-{n}",
            "matchable": True,
            "error": "",
            "updated_at": NOW + n,
            "reference": 0,
            "short_message": b"hello",
            "data_coding": 0,
            "has_udh": False,
        }
        rows += [("messages", message), ("parts", part)]
    return rows


async def check(store: Store) -> None:
    """All is there and goes on."""
    messages = await store.messages("shop", limit=1_000)
    assert len(messages) == COUNT
    oldest = messages[-1]
    assert isinstance(oldest, Message)
    assert (oldest.state, oldest.group, oldest.price, oldest.refunded) == (State.SUBMITTED, "", 0, 0)
    assert [one.id for one in await store.find_messages("shop", client_reference="ref-0")] == [oldest.id]
    assert [one.id for one in await store.find_messages("", recipient=oldest.recipient)] == [oldest.id]
    assert (await store.receive([receipt("id-0", recipient=oldest.recipient)], BOOK))[0] == [True]
    assert await state_of(store, oldest) is State.DELIVERED
    assert len(await store.timeline(oldest.id)) == 2
    new = make_message(store, group="g")
    await store.add([new])
    assert [one.id for one in await store.find_messages("shop", group="g")] == [new.id]
    assert new.id > messages[0].id


async def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    first = migrations("sqlite")[0]
    connection = sqlite3.connect(path)
    connection.executescript(first.sql)
    connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at REAL)")
    connection.execute("INSERT INTO migrations VALUES (?, ?, 0)", (first.number, first.name))
    for table, row in old_rows():
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    connection.commit()
    connection.close()
    store = await open_store(f"sqlite:{path}")
    await check(store)
    await store.close()
    again = await open_store(f"sqlite:{path}")
    assert len(await again.messages("shop", limit=1_000)) == COUNT + 1
    await again.close()


async def test_a_database_of_the_first_version_is_brought_up_to_date(postgres: Cluster) -> None:
    url = await postgres.new_url()
    first = migrations("postgres")[0]
    connection = await asyncpg.connect(url)
    await connection.execute(first.sql)
    await connection.execute(
        "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
    )
    await connection.execute("INSERT INTO migrations VALUES ($1, $2, 0)", first.number, first.name)
    for table, row in old_rows():
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())
    await connection.close()
    store = await open_store(url)
    await check(store)
    await store.close()
    again = await open_store(url)
    assert len(await again.messages("shop", limit=1_000)) == COUNT + 1
    await again.close()


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    store = await open_store(f"sqlite:{path}")
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (?, 'later', 0)", (9_999,))
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        await open_store(f"sqlite:{path}")


def test_migrations_are_numbered_once() -> None:
    for engine in ("sqlite", "postgres"):
        numbers = [one.number for one in migrations(engine)]
        assert numbers == sorted(set(numbers))
