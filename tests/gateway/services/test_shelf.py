"""Typed documents over records, counters over documents, and what keeps services going."""

import asyncio

import msgspec
import pytest

from gateway.errors import StoreError
from gateway.sealing import Sealer
from gateway.secretkey import SecretKey
from gateway.services.counters import KIND, WINDOW_SECONDS, Cap, Counters
from gateway.services.runner import Runner
from gateway.services.shelf import Kept, Put, Shelf
from gateway.store import Store
from gateway.store.memory import MemoryStore
from gateway.store.records import Record
from tests.gateway.services.desk import Clock


class Number(msgspec.Struct, frozen=True):
    n: int


async def test_a_document_is_added_read_changed_and_dropped(store: Store) -> None:
    shelf = Shelf(store, "number", Number, clock=Clock())
    assert await shelf.add("shop", "k", Put(Number(1), due_at=5.0, tag="t"))
    assert not await shelf.add("shop", "k", Put(Number(2)))
    kept = await shelf.get("shop", "k")
    assert kept is not None
    assert (kept.value, kept.key, kept.account, kept.record.tag) == (Number(1), "k", "shop", "t")
    assert [one.value for one in await shelf.due(5.0)] == [Number(1)]
    changed = await shelf.put(kept, Put(Number(2)))
    assert changed is not None
    assert (changed.value, changed.record.tag, changed.record.due_at) == (Number(2), "t", 0.0)
    assert await shelf.put(kept, Put(Number(3))) is None
    assert await shelf.put(changed, Put(Number(3), tag="u")) is not None
    assert [one.value for one in await shelf.page("shop", tag="u")] == [Number(3)]
    assert await shelf.count("shop") == 1
    assert await shelf.drop("shop", ["k"]) == 1
    assert await shelf.change("shop", "k", lambda _kept: Put(Number(9))) is None


async def test_changes_by_many_are_all_made(store: Store) -> None:
    shelves = [Shelf(store, "number", Number, clock=Clock()) for _ in range(2)]
    await shelves[0].add("shop", "k", Put(Number(0)))

    def one_more(kept: Kept[Number]) -> Put[Number]:
        return Put(Number(kept.value.n + 1))

    await asyncio.gather(*(shelves[n % 2].change("shop", "k", one_more) for n in range(20)))
    kept = await shelves[0].get("shop", "k")
    assert kept is not None
    assert kept.value == Number(20)


async def test_an_edit_may_leave_all_as_it_is_or_refuse() -> None:
    shelf = Shelf(MemoryStore(), "number", Number, clock=Clock())
    await shelf.add("shop", "k", Put(Number(1)))
    kept = await shelf.change("shop", "k", lambda _kept: None)
    assert kept is not None
    assert kept.record.version == 1

    def refuse(_kept: Kept[Number]) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await shelf.change("shop", "k", refuse)


async def test_all_of_a_long_list_are_read() -> None:
    shelf = Shelf(MemoryStore(), "number", Number, clock=Clock())
    for n in range(2_500):
        await shelf.add("shop", f"{n:05d}", Put(Number(n)))
    assert [one.value.n for one in await shelf.all("shop")] == list(range(2_500))
    assert len(await shelf.all("shop", limit=1_200)) == 1_200


async def test_what_cannot_be_read_keeps_nobody_waiting() -> None:
    store = MemoryStore()
    shelf = Shelf(store, "number", Number, clock=Clock())
    await store.put_records([Record(kind="number", account="shop", key="bad", value=b'{"n": "x"}', due_at=1.0)])
    await shelf.add("shop", "good", Put(Number(1), due_at=2.0))
    assert [one.value for one in await shelf.due(9.0)] == [Number(1)]
    assert [one.key for one in await store.due_records("number", 9.0, limit=9)] == ["good"]


# --- counters ---


def cap(limit: int, key: str = "k") -> Cap:
    return Cap(key, limit, "guard")


async def test_a_counter_stops_at_its_limit_on_every_node(store: Store) -> None:
    clock = Clock()
    nodes = [Counters(store, clock), Counters(store, clock)]
    answers = await asyncio.gather(*(nodes[n % 2].take("shop", [cap(7), cap(0, "total")]) for n in range(20)))
    assert sum(answer is None for answer in answers) == 7
    assert (await nodes[0].read("shop", "k"))[0] == 7
    # Where two nodes count at once, one that is refused by the one counter may have been counted by the other.
    assert 7 <= (await nodes[0].read("shop", "total"))[0] <= 20
    assert (await nodes[0].read("other", "k"))[0] == 0


async def test_an_hour_slides() -> None:
    clock = Clock(WINDOW_SECONDS * 500_000.0)
    counters = Counters(MemoryStore(), clock)
    for _ in range(10):
        assert await counters.take("shop", [cap(10)]) is None
    clock.pass_(WINDOW_SECONDS - 1)
    assert await counters.take("shop", [cap(10)]) is not None
    clock.pass_(1)
    assert await counters.take("shop", [cap(10)]) is not None
    clock.pass_(WINDOW_SECONDS / 2)
    assert (await counters.read("shop", "k"))[0] == 5
    assert [await counters.take("shop", [cap(10)]) is None for _ in range(6)] == [True] * 5 + [False]
    clock.pass_(2 * WINDOW_SECONDS)
    assert (await counters.read("shop", "k"))[0] == 0


async def test_counters_nobody_moves_are_forgotten() -> None:
    clock, store = Clock(), MemoryStore()
    counters = Counters(store, clock)
    await counters.take("shop", [cap(0), cap(0, "l")])
    assert await counters.sweep(clock.now)
    assert await store.count_records(KIND) == 2
    clock.pass_(2 * WINDOW_SECONDS)
    assert await counters.sweep(clock.now)
    assert await store.count_records(KIND) == 0


async def test_who_waits_for_a_counter_hears_that_it_cannot_be_written() -> None:
    store = MemoryStore()
    counters = Counters(store, Clock())
    await store.close()
    answers = await asyncio.gather(*(counters.take("shop", [cap(5)]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, StoreError) for answer in answers)


# --- what keeps services going ---


async def test_a_service_that_fails_is_asked_again() -> None:
    asked = asyncio.Event()
    answers: list[bool | Exception] = [False, StoreError("away"), ValueError("broken"), True]

    async def sweep() -> bool:
        answer = answers.pop(0) if answers else True
        if not answers:
            asked.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    runner = Runner({"one": sweep}, seconds=0.001)
    runner.start()
    async with asyncio.timeout(60):
        await asked.wait()
    await runner.stop()


async def test_a_node_without_its_lease_sweeps_nothing() -> None:
    asked: list[int] = []

    async def sweep() -> bool:
        asked.append(1)
        return True

    looked = asyncio.Event()

    def may_run() -> bool:
        looked.set()
        return False

    runner = Runner({"one": sweep}, may_run=may_run, seconds=0.001)
    runner.start()
    await looked.wait()
    await runner.stop()
    assert not asked


# --- sealed ---


class Text(msgspec.Struct, frozen=True):
    text: str


def sealed_shelf(store: Store, *keys: bytes) -> Shelf[Text]:
    return Shelf(store, "text", Text, clock=Clock(), sealer=Sealer(SecretKey(keys[0], keys[1:])))


async def test_a_sealed_document_is_read_by_who_has_the_key_alone(store: Store) -> None:
    shelf = sealed_shelf(store, b"one")
    await shelf.add("shop", "k", Put(Text("s3cret"), due_at=5.0, tag="t"))
    kept = await shelf.change("shop", "k", lambda kept: Put(Text(kept.value.text + "!"), due_at=5.0))
    assert kept is not None
    assert kept.value == Text("s3cret!")
    assert [one.value for one in await shelf.page("shop", tag="t")] == [Text("s3cret!")]
    (record,) = await store.records("text")
    assert b"s3cret" not in record.value
    other = sealed_shelf(store, b"other")
    with pytest.raises(StoreError):
        await other.get("shop", "k")
    # Whoever cannot read it sets it aside, and does not lose it.
    assert await other.due(5.0) == []
    kept = await shelf.get("shop", "k")
    assert kept is not None
    assert kept.value == Text("s3cret!")


async def test_what_was_kept_in_clear_is_read_and_sealed_when_it_is_written(store: Store) -> None:
    await Shelf(store, "text", Text, clock=Clock()).add("shop", "k", Put(Text("s3cret")))
    shelf = sealed_shelf(store, b"one")
    kept = await shelf.get("shop", "k")
    assert kept is not None
    assert kept.value == Text("s3cret")
    assert await shelf.put(kept, Put(kept.value)) is not None
    (record,) = await store.records("text")
    assert b"s3cret" not in record.value


async def test_what_another_known_key_has_sealed_is_read_and_sealed_anew(store: Store) -> None:
    await sealed_shelf(store, b"old").add("shop", "k", Put(Text("s3cret")))
    both = sealed_shelf(store, b"new", b"old")
    assert await both.change("shop", "k", lambda kept: Put(kept.value)) is not None
    kept = await sealed_shelf(store, b"new").get("shop", "k")
    assert kept is not None
    assert kept.value == Text("s3cret")


async def test_a_sealed_document_cannot_be_put_in_the_place_of_another(store: Store) -> None:
    shelf = sealed_shelf(store, b"one")
    await shelf.add("mallory", "k", Put(Text("mine")))
    await shelf.add("shop", "k", Put(Text("yours")))
    mine, yours = await store.records("text")
    assert await store.put_records([msgspec.structs.replace(yours, value=mine.value)]) == [True]
    with pytest.raises(StoreError):
        await shelf.get("shop", "k")
