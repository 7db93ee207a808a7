"""Records of services; each test runs on each store."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.errors import StoreError
from gateway.models import Callback
from gateway.store import Record, Store
from tests.gateway.fakes import failing


def make_record(key: str = "k", **fields: Any) -> Record:
    return Record(**({"kind": "verify", "account": "shop", "key": key, "value": b'{"a": 1}'} | fields))


async def test_a_record_is_kept_with_every_field(store: Store) -> None:
    record = make_record(tag="447700900001", due_at=12.5, created_at=1.5, updated_at=2.5)
    assert await store.put_records([record]) == [True]
    assert await store.find_record("verify", "shop", "k") == msgspec.structs.replace(record, version=1)


async def test_a_record_is_found_by_all_three_names_only(store: Store) -> None:
    await store.put_records([make_record()])
    assert await store.find_record("verify", "other", "k") is None
    assert await store.find_record("flow", "shop", "k") is None
    assert await store.find_record("verify", "shop", "l") is None


async def test_a_record_is_changed_by_who_has_read_it_last(store: Store) -> None:
    await store.put_records([make_record()])
    read = await store.find_record("verify", "shop", "k")
    assert read is not None
    changed = msgspec.structs.replace(read, value=b"2", tag="t", due_at=9.0, updated_at=3.0)
    assert await store.put_records([changed]) == [True]
    assert await store.put_records([msgspec.structs.replace(read, value=b"3")]) == [False]
    assert await store.find_record("verify", "shop", "k") == msgspec.structs.replace(changed, version=2)


async def test_a_new_record_does_not_replace_an_old_one(store: Store) -> None:
    assert await store.put_records([make_record(), make_record("l"), make_record()]) == [True, True, False]
    assert await store.put_records([make_record(value=b"new"), make_record("m")]) == [False, True]
    found = await store.find_record("verify", "shop", "k")
    assert found is not None
    assert found.value == b'{"a": 1}'


async def test_a_dropped_record_is_not_changed(store: Store) -> None:
    await store.put_records([make_record(), make_record("l"), make_record(account="other")])
    assert await store.drop_records("verify", "shop", ["k", "l", "m"]) == 2
    assert await store.drop_records("verify", "shop", []) == 0
    assert await store.put_records([make_record(version=1)]) == [False]
    assert await store.count_records("verify") == 1


async def test_of_many_who_claim_a_record_at_once_one_wins(store: Store) -> None:
    await store.put_records([make_record()])
    tries = [store.put_records([make_record(version=1, value=b"%d" % n)]) for n in range(20)]
    won = await asyncio.gather(*tries)
    assert sorted(won) == [[False]] * 19 + [[True]]
    found = await store.find_record("verify", "shop", "k")
    assert found is not None
    assert (found.value, found.version) == (b"%d" % won.index([True]), 2)


async def test_several_versions_of_a_record_may_be_put_at_once(store: Store) -> None:
    assert await store.put_records([make_record(), make_record(version=1), make_record(version=1)]) == [
        True,
        True,
        False,
    ]


async def test_records_are_listed_by_key_and_by_page(store: Store) -> None:
    await store.put_records([make_record(key) for key in ("c", "a", "é", "B", "d")])
    await store.put_records([make_record("a", kind="flow"), make_record("a", account="other")])
    listed = [one.key for one in await store.records("verify", "shop")]
    assert listed == ["B", "a", "c", "d", "é"]
    page = await store.records("verify", "shop", limit=2)
    rest = await store.records("verify", "shop", after_key=page[-1].key)
    assert [one.key for one in page + rest] == listed


async def test_a_page_of_all_accounts_cuts_no_key(store: Store) -> None:
    await store.put_records([make_record(key, account=account) for key in "ab" for account in ("x", "y", "z")])
    page = await store.records("verify", limit=2)
    assert [(one.key, one.account) for one in page] == [("a", "x"), ("a", "y"), ("a", "z")]
    assert [one.account for one in await store.records("verify", after_key="a")] == ["x", "y", "z"]


async def test_records_are_found_and_counted_by_tag(store: Store) -> None:
    await store.put_records([make_record(f"k{n}", tag=f"t{n % 2}") for n in range(5)])
    await store.put_records([make_record("k9", tag="t0", account="other"), make_record("plain")])
    assert [one.key for one in await store.records("verify", "shop", tag="t0")] == ["k0", "k2", "k4"]
    assert [one.key for one in await store.records("verify", tag="t0")] == ["k0", "k2", "k4", "k9"]
    assert [one.key for one in await store.records("verify", tag="")] == ["plain"]
    assert await store.count_records("verify", "shop", tag="t1") == 2
    assert await store.count_records("verify", "shop") == 6
    assert await store.count_records("verify") == 7
    assert await store.count_records("flow") == 0


async def test_due_records_come_the_longest_due_first(store: Store) -> None:
    dues = {"never": 0.0, "later": 90.0, "now": 60.0, "first": 10.0, "second": 20.0}
    await store.put_records([make_record(key, due_at=due_at) for key, due_at in dues.items()])
    await store.put_records([make_record("x", kind="flow", due_at=1.0)])
    assert [one.key for one in await store.due_records("verify", 60.0, limit=9)] == ["first", "second", "now"]
    assert [one.key for one in await store.due_records("verify", 60.0, limit=1)] == ["first"]


async def test_a_commit_that_fails_changes_no_record(store: Store) -> None:
    store.fault = failing("before commit")
    with pytest.raises(StoreError):
        await store.put_records([make_record()])
    store.fault = None
    assert await store.find_record("verify", "shop", "k") is None
    assert await store.put_records([]) == []


async def test_text_that_a_database_cannot_keep_does_no_harm(store: Store) -> None:
    record = make_record("a\0b", tag="t\0")
    assert await store.put_records([record]) == [True]
    assert await store.find_record("verify", "shop", "a\0b") is not None
    assert await store.put_records([record]) == [False]
    assert await store.count_records("verify", tag="t\0") == 1
    assert await store.drop_records("verify", "shop", ["a\0b"]) == 1


async def test_callbacks_are_kept_with_the_record_they_belong_to_and_only_then(store: Store) -> None:
    def owed(word: str) -> tuple[Callback, ...]:
        return (Callback(id=store.ids.new(1.0), account="shop", url=f"https://example.com/{word}", due_at=1.0),)

    first = [make_record(callbacks=owed("kept")), make_record(callbacks=owed("lost")), make_record("l")]
    assert await store.put_records(first) == [True, False, True]
    assert [one.url for one in await store.callbacks()] == ["https://example.com/kept"]
    read = await store.find_record("verify", "shop", "k")
    assert read is not None
    assert read.callbacks == ()
    assert await store.put_records([msgspec.structs.replace(read, callbacks=owed("next") + owed("more"))]) == [True]
    assert [one.url[20:] for one in await store.callbacks()] == ["kept", "next", "more"]
