"""A node opens only binds whose slots it holds, closes what others are to have, and all of them with its lease."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from gateway.errors import StoreError
from gateway.slots import Slots
from gateway.store.slots import BindSlot, Shares, Wanted
from tests.gateway.fakes import Clock

ONE, TWO, THREE = (BindSlot("demo@smsc:1", n) for n in range(3))
BINDS = {ONE: "smsc:1#0", TWO: "smsc:1#1", THREE: "smsc:1#2"}


@dataclass
class FakeUplink:
    slots: Mapping[BindSlot, str] = field(default_factory=lambda: BINDS)
    up: set[str] = field(default_factory=set)
    may_close: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold_back(self, bind: str, timeout: float) -> None:
        await self.may_close.wait()
        self.up.discard(bind)
        self.closed.set()

    def let_up(self, bind: str) -> None:
        self.up.add(bind)


@dataclass
class FakeStore:
    shares: Shares | StoreError = field(default_factory=Shares)
    given_up: list[frozenset[BindSlot]] = field(default_factory=list)

    async def share_slots(self, wanted: Wanted, given_up: Collection[BindSlot], lease_seconds: float) -> Shares:
        assert wanted == {"main": tuple(BINDS)}
        assert lease_seconds == 10.0
        if isinstance(self.shares, StoreError):
            raise self.shares
        self.given_up.append(frozenset(given_up))
        return self.shares


@dataclass
class Node:
    store: FakeStore = field(default_factory=FakeStore)
    uplink: FakeUplink = field(default_factory=FakeUplink)
    clock: Clock = field(default_factory=Clock)
    surplus: int = 0

    def __post_init__(self) -> None:
        def on_surplus() -> None:
            self.surplus += 1

        uplinks = {"main": self.uplink, "rest": object()}
        self.slots = Slots(self.store, lambda: uplinks, 10.0, on_surplus=on_surplus, clock=self.clock)  # type: ignore[arg-type]
        self.uplink.may_close.set()


async def test_only_binds_whose_slots_are_held_come_up() -> None:
    node = Node()
    node.store.shares = Shares(held=frozenset({ONE, THREE}))
    await node.slots.deal()
    assert node.uplink.up == {BINDS[ONE], BINDS[THREE]}


async def test_a_slot_is_given_up_once_its_bind_is_closed_and_not_before() -> None:
    node = Node()
    node.store.shares = Shares(held=frozenset({ONE, TWO}))
    await node.slots.deal()
    node.uplink.may_close.clear()
    node.store.shares = Shares(held=frozenset({ONE, TWO}), surplus=frozenset({TWO}))
    await node.slots.deal()
    await node.slots.deal()
    assert node.uplink.up == {BINDS[ONE], BINDS[TWO]}
    assert node.store.given_up == [frozenset()] * 3
    node.uplink.may_close.set()
    await node.uplink.closed.wait()
    await asyncio.sleep(0)
    assert node.surplus == 1
    node.store.shares = Shares(held=frozenset({ONE}))
    await node.slots.deal()
    assert node.store.given_up[-1] == {TWO}
    assert node.uplink.up == {BINDS[ONE]}
    await node.slots.deal()
    assert node.store.given_up[-1] == frozenset()


async def test_a_bind_that_may_stay_after_all_comes_up_again() -> None:
    node = Node()
    node.store.shares = Shares(held=frozenset({ONE, TWO}), surplus=frozenset({TWO}))
    await node.slots.deal()
    await node.uplink.closed.wait()
    await asyncio.sleep(0)
    node.store.shares = StoreError("away")
    with pytest.raises(StoreError):
        await node.slots.deal()
    node.store.shares = Shares(held=frozenset({ONE}))
    await node.slots.deal()
    assert node.store.given_up[-1] == {TWO}
    node.store.shares = Shares(held=frozenset({ONE, TWO}))
    await node.slots.deal()
    assert node.uplink.up == {BINDS[ONE], BINDS[TWO]}


async def test_all_binds_are_closed_before_a_lease_ends_that_nobody_renews() -> None:
    node = Node()
    node.slots.start()
    node.store.shares = Shares(held=frozenset({ONE, TWO}))
    await node.slots.deal()
    node.clock.now += 7.9
    await asyncio.sleep(0)
    assert node.uplink.up == {BINDS[ONE], BINDS[TWO]}
    await node.slots.stop()
    # Eight seconds of ten are used: the others see the end of the lease later than we do.
    node.clock.now += 0.2
    node.slots.start()
    async with asyncio.timeout(60):
        while node.uplink.up:  # noqa: ASYNC110
            await asyncio.sleep(0)
    node.store.shares = Shares(held=frozenset({TWO}))
    await node.slots.deal()
    assert node.uplink.up == {BINDS[TWO]}
    await node.slots.stop()


async def test_it_is_known_which_uplinks_only_others_have() -> None:
    node = Node()
    assert not node.slots.is_elsewhere("main")
    node.store.shares = Shares(elsewhere=frozenset({"main"}))
    await node.slots.deal()
    assert node.slots.is_elsewhere("main")
