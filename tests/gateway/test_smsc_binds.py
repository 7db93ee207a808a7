"""An account's maximum of binds is for all nodes together, whatever becomes of nodes, connections and the store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from gateway.errors import StoreError
from gateway.smsc.binds import KIND, SharedBinds
from gateway.store import Record, Store, open_store
from tests.gateway.fakes import broken

PATIENCE_SECONDS = 60.0


@dataclass
class Cluster:
    """Nodes over one store."""

    store: Store
    living: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, SharedBinds[str]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    def join(self, name: str, *, limit: int = 2, patience_seconds: float = PATIENCE_SECONDS) -> SharedBinds[str]:
        """A node that begins anew."""
        self.living[name] = self.living.get(name, 0) + 1
        node = self.nodes[name] = SharedBinds(self.store, name, self._end(name), patience_seconds=patience_seconds)
        node.limits = {"shop": limit}
        return node

    def _end(self, name: str) -> Callable[[list[str]], "asyncio.Future[None]"]:
        async def end(holders: list[str]) -> None:
            self.ended += holders
            for holder in holders:
                self.nodes[name].leave(holder)

        return lambda holders: asyncio.ensure_future(end(holders))

    async def written(self, count: int) -> None:
        """Wait until the record counts so many binds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.count() != count:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def count(self) -> int:
        record = await self.store.find_record(KIND, "", "shop")
        return sum(one["binds"] for one in _read(record).values())


def _read(record: Record | None) -> dict[str, dict[str, int]]:
    return msgspec.json.decode(record.value, type=dict[str, dict[str, int]]) if record is not None else {}


class Gate:
    """Holds back the writes of a store until it is opened."""

    def __init__(self, store: Store) -> None:
        self._store, self._put = store, store.put_records
        self.came = asyncio.Event()
        self.opened = asyncio.Event()
        store.put_records = self._wait  # type: ignore[method-assign]

    async def _wait(self, records: Sequence[Record]) -> list[bool]:
        self.came.set()
        await self.opened.wait()
        return await self._put(records)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    store = await open_store("memory:")
    made = Cluster(store)

    async def living_nodes() -> dict[str, int]:
        return dict(made.living)

    store.living_nodes = living_nodes  # type: ignore[method-assign]
    yield made
    for node in made.nodes.values():
        await node.stop(0)
    await store.close()


async def test_binds_of_all_nodes_count(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    assert [await one.take("shop", "1"), await two.take("shop", "2")] == [True, True]
    assert [await one.take("shop", "3"), await two.take("shop", "4")] == [False, False]


async def test_of_two_nodes_one_gets_the_last_place(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    assert await one.take("shop", "1")
    gate = Gate(cluster.store)
    asked = [asyncio.ensure_future(one.take("shop", "2")), asyncio.ensure_future(two.take("shop", "3"))]
    await gate.came.wait()
    gate.opened.set()
    assert sorted(await asyncio.gather(*asked)) == [False, True]
    assert await cluster.count() == 2


async def test_many_who_ask_at_once_get_as_many_places_as_there_are(cluster: Cluster) -> None:
    nodes = [cluster.join(name, limit=30) for name in ("a", "b", "c")]
    asked = [node.take("shop", f"{node}{n}") for n in range(20) for node in nodes]
    assert sum(await asyncio.gather(*asked)) == 30
    assert await cluster.count() == 30


async def test_a_place_that_was_given_back_is_another_nodes(cluster: Cluster) -> None:
    one, two = cluster.join("a", limit=1), cluster.join("b", limit=1)
    assert await one.take("shop", "1")
    one.leave("1")
    one.leave("1")
    await cluster.written(0)
    assert await two.take("shop", "2")


async def test_what_a_dead_node_held_counts_until_its_lease_is_over(cluster: Cluster) -> None:
    one, two = cluster.join("a", limit=1), cluster.join("b", limit=1)
    assert await one.take("shop", "1")
    assert not await two.take("shop", "2")
    del cluster.living["a"]
    assert await two.take("shop", "2")


async def test_a_node_that_begins_anew_has_none(cluster: Cluster) -> None:
    one, two = cluster.join("a", limit=1), cluster.join("b", limit=1)
    assert await one.take("shop", "1")
    cluster.join("a", limit=1)
    assert await two.take("shop", "2")
    assert await cluster.count() == 1


async def test_a_node_without_a_lease_binds_nobody(cluster: Cluster) -> None:
    one = cluster.join("a")
    del cluster.living["a"]
    with pytest.raises(StoreError):
        await one.take("shop", "1")


async def test_a_store_that_cannot_be_written_costs_no_place(cluster: Cluster) -> None:
    one = cluster.join("a", limit=1)
    with broken(cluster.store, "put_records"), pytest.raises(StoreError, match="cannot be counted"):
        await one.take("shop", "1")
    assert await one.take("shop", "2")


async def test_a_write_of_which_nothing_is_known_is_put_right_with_the_next_renewal(cluster: Cluster) -> None:
    one = cluster.join("a", limit=1)
    put = cluster.store.put_records

    async def put_and_lose_the_answer(records: Sequence[Record]) -> list[bool]:
        await put(records)
        raise StoreError("the connection is gone")

    cluster.store.put_records = put_and_lose_the_answer  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        await one.take("shop", "1")
    assert await cluster.count() == 1
    cluster.store.put_records = put  # type: ignore[method-assign]
    await one.check()
    await cluster.written(0)


async def test_a_store_that_does_not_answer_is_not_waited_for(cluster: Cluster) -> None:
    one = cluster.join("a", patience_seconds=0.01)
    gate = Gate(cluster.store)
    with pytest.raises(StoreError, match="cannot be counted"):
        await one.take("shop", "1")
    gate.opened.set()


async def test_what_could_not_be_given_back_is_with_the_next_renewal(cluster: Cluster) -> None:
    one, two = cluster.join("a", limit=1), cluster.join("b", limit=1)
    assert await one.take("shop", "1")
    with broken(cluster.store, "put_records"):
        one.leave("1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*one._writers.values())
    assert not await two.take("shop", "2")
    await one.check()
    await cluster.written(0)
    assert await two.take("shop", "2")


async def test_a_connection_that_dies_during_the_write_holds_nothing(cluster: Cluster) -> None:
    one, two = cluster.join("a", limit=1), cluster.join("b", limit=1)
    gate = Gate(cluster.store)
    asked = asyncio.ensure_future(one.take("shop", "1"))
    await gate.came.wait()
    asked.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await asked
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*one._writers.values())
    assert await cluster.count() == 0
    assert await two.take("shop", "2")


async def test_a_connection_that_dies_as_it_is_given_its_place_holds_nothing(cluster: Cluster) -> None:
    one = cluster.join("a", limit=1)
    gate = Gate(cluster.store)
    asked = asyncio.ensure_future(one.take("shop", "1"))
    await gate.came.wait()
    asker_told = asyncio.Event()
    held = one._hold

    def hold(account: str, holder: str) -> None:
        held(account, holder)
        # Just before it hears of it.
        asyncio.get_running_loop().call_soon(asked.cancel)
        asker_told.set()

    one._hold = hold  # type: ignore[method-assign]
    gate.opened.set()
    await asker_told.wait()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await cluster.written(0)


async def test_who_had_no_lease_for_a_while_ends_the_newest_binds_that_others_have_by_now(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    assert await one.take("shop", "1")
    assert await one.take("shop", "2")
    epoch = cluster.living.pop("a")
    assert await two.take("shop", "3")
    cluster.living["a"] = epoch
    await one.check()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not cluster.ended:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await cluster.written(2)
    assert cluster.ended == ["2"]


async def test_who_had_no_lease_for_a_while_counts_again_at_once(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    assert await one.take("shop", "1")
    epoch = cluster.living.pop("a")
    assert await two.take("shop", "2")
    cluster.living["a"] = epoch
    await one.check()
    await cluster.written(2)
    assert not await two.take("shop", "3")
    assert not cluster.ended


async def test_an_account_without_a_maximum_is_not_written_down(cluster: Cluster) -> None:
    one = cluster.join("a", limit=0)
    with broken(cluster.store, "put_records"):
        assert await one.take("shop", "1")
        await one.check()
        one.leave("1")
    assert await cluster.store.find_record(KIND, "", "shop") is None


async def test_binds_stay_that_a_new_maximum_would_not_allow_but_no_more_come(cluster: Cluster) -> None:
    one, two = cluster.join("a", limit=0), cluster.join("b", limit=0)
    for n in range(3):
        assert await one.take("shop", f"{n}")
    one.limits = two.limits = {"shop": 2}
    await one.check()
    await cluster.written(3)
    assert not await two.take("shop", "4")
    assert not cluster.ended
    one.leave("0")
    one.leave("1")
    await cluster.written(1)
    assert await two.take("shop", "4")
