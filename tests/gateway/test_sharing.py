"""Nodes deal shares of limits out among themselves: all of it, never more, where it is asked for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.shares import Share
from gateway.sharing import LimitShares
from gateway.store import Store, open_store
from tests.gateway.fakes import Clock, broken

LEASE_SECONDS = 10.0


@dataclass
class Cluster:
    """Nodes over one store, each dealing when it is told to."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    living: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, LimitShares] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)

    def join(self, name: str) -> LimitShares:
        self.living[name] = self.living.get(name, 0) + 1
        self.until[name] = self.clock() + LEASE_SECONDS
        self.nodes[name] = LimitShares(
            self.store,
            name,
            lambda: self.until[name],
            on_pending=lambda: self.pending.append(name),
            clock=self.clock,
        )
        return self.nodes[name]

    async def leave(self, name: str) -> None:
        del self.living[name]
        self.nodes.pop(name).stop()

    async def settle(self, rounds: int = 6) -> None:
        for _ in range(rounds):
            for name, node in self.nodes.items():
                self.until[name] = self.clock() + LEASE_SECONDS
                await node.deal()
                assert sum(one.fraction for one in self.nodes.values()) <= 1
        self.pending.clear()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    store = await open_store("memory:")
    store.is_shared = True
    made = Cluster(store)

    async def living_nodes() -> dict[str, int]:
        return dict(made.living)

    store.living_nodes = living_nodes  # type: ignore[method-assign]
    yield made
    for node in made.nodes.values():
        node.stop()
    await store.close()


def ask(share: Share, times: float) -> None:
    share.asked += round(times)


async def test_a_node_alone_has_all_at_once(cluster: Cluster) -> None:
    node = cluster.join("a")
    share = node.of("messages of shop")
    assert share.fraction == 0.0
    await node.deal()
    assert (share.fraction, share.held_seconds()) == (1.0, float("inf"))
    assert node.of("another").fraction == 1.0


async def test_who_joins_gets_half_when_it_was_given_up(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    await one.deal()
    await two.deal()
    assert (one.fraction, two.fraction) == (1.0, 0.0)
    await one.deal()
    # Used less at once, and written with the next deal.
    assert cluster.pending == ["a"]
    await two.deal()
    assert (one.fraction, two.fraction) == (0.5, 0.0)
    await one.deal()
    await two.deal()
    assert (one.fraction, two.fraction) == (0.5, 0.5)
    assert two.of("messages of shop").held_seconds() == 0.0


async def test_who_leaves_leaves_all_to_the_others(cluster: Cluster) -> None:
    for name in "abc":
        cluster.join(name)
    await cluster.settle()
    assert [round(one.fraction, 3) for one in cluster.nodes.values()] == [0.333, 0.333, 0.333]
    await cluster.leave("b")
    await cluster.leave("a")
    await cluster.nodes["c"].deal()
    assert cluster.nodes["c"].fraction == 1.0


async def test_a_limit_goes_where_it_is_asked_for_and_back_when_it_is_not(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    busy, idle = one.of("messages of shop"), two.of("messages of shop")
    busy.per_second = idle.per_second = 100.0
    await cluster.settle()
    for _ in range(10):
        cluster.clock.advance(3.0)
        ask(busy, 300)
        await cluster.settle(1)
        assert busy.fraction + idle.fraction <= 1
    assert busy.fraction >= 0.8
    assert idle.fraction >= 0.1
    assert (one.fraction, two.fraction) == (0.5, 0.5)
    for _ in range(20):
        cluster.clock.advance(3.0)
        await cluster.settle(1)
    assert (busy.fraction, idle.fraction) == (0.5, 0.5)
    # What nobody asks for is not named.
    record = await cluster.store.find_record("shares", "", "shares")
    assert record is not None
    assert b"shop" not in record.value


async def test_while_nothing_changes_nothing_is_written(cluster: Cluster) -> None:
    for name in "ab":
        cluster.join(name).of("messages of shop").per_second = 10.0
    await cluster.settle()
    before = await cluster.store.find_record("shares", "", "shares")
    cluster.clock.advance(5.0)
    await cluster.settle()
    assert await cluster.store.find_record("shares", "", "shares") == before


async def test_a_limit_that_is_asked_for_stays_within_bounds_while_nodes_come_and_go(cluster: Cluster) -> None:
    shares: dict[str, Share] = {}
    for turn, names in enumerate(("a", "ab", "abc", "bc", "c", "cd", "abcd")):
        for name in set(cluster.nodes) - set(names):
            await cluster.leave(name)
        for name in sorted(set(names) - set(cluster.nodes)):
            shares[name] = cluster.join(name).of("messages of shop")
            shares[name].per_second = 10.0
        for _ in range(8):
            cluster.clock.advance(2.0)
            ask(shares[names[turn % len(names)]], 20)
            await cluster.settle(1)
            assert sum(shares[name].fraction for name in names) <= 1
        await cluster.settle()
        assert sum(shares[name].fraction for name in names) == pytest.approx(1, abs=0.001)


async def test_who_lost_its_lease_uses_nothing_until_it_has_dealt_anew(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    await cluster.settle()
    share = one.of("messages of shop")
    assert share.fraction == 0.5
    cluster.until["a"] = cluster.clock() + 0.0
    one._prolong()
    await asyncio.sleep(0.01)
    assert share.fraction == 0.0
    del cluster.living["a"]
    await two.deal()
    assert two.fraction == 1.0
    await one.deal()
    assert share.fraction == 0.0
    cluster.living["a"] = 1
    await cluster.settle()
    assert (one.fraction, share.fraction) == (0.5, 0.5)


async def test_a_node_that_begins_anew_under_its_name_begins_with_nothing(cluster: Cluster) -> None:
    cluster.join("a")
    cluster.join("b")
    await cluster.settle()
    cluster.nodes["a"].stop()
    fresh = cluster.join("a")
    await fresh.deal()
    assert fresh.fraction + cluster.nodes["b"].fraction <= 1
    await cluster.settle()
    assert (fresh.fraction, cluster.nodes["b"].fraction) == (0.5, 0.5)


async def test_what_cannot_be_written_changes_nothing(cluster: Cluster) -> None:
    one, two = cluster.join("a"), cluster.join("b")
    await one.deal()
    with broken(cluster.store, "put_records"), pytest.raises(StoreError):
        await two.deal()
    with broken(cluster.store, "find_record"), pytest.raises(StoreError):
        await one.deal()
    assert (one.fraction, two.fraction) == (1.0, 0.0)


async def test_nodes_that_deal_at_once_come_to_the_same(cluster: Cluster) -> None:
    for name in "abcd":
        cluster.join(name)
    for _ in range(6):
        await asyncio.gather(*(node.deal() for node in cluster.nodes.values()))
        assert sum(one.fraction for one in cluster.nodes.values()) <= 1
    assert [one.fraction for one in cluster.nodes.values()] == [0.25] * 4


async def test_a_store_of_one_process_leaves_it_all() -> None:
    store, metrics = await open_store("memory:"), Metrics()
    node = LimitShares(store, "a", lambda: 0.0, on_pending=lambda: None, metrics=metrics)
    assert b"gateway_limit_share 1.0" in metrics.render()
    await node.deal()
    await node.wait_dealt(1.0)
    assert node.of("messages of shop").fraction == node.fraction == 1.0
    await store.close()


async def test_a_node_that_starts_waits_for_its_share(cluster: Cluster) -> None:
    node = cluster.join("a")
    await node.wait_dealt(0.001)
    assert cluster.pending == ["a"]
    waiting = asyncio.create_task(node.wait_dealt(30.0))
    await node.deal()
    await waiting
    assert node.fraction == 1.0
