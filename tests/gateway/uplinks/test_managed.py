"""An uplink under the operator's hand."""

import asyncio

import pytest

from gateway.operations import UplinkDesk
from gateway.store import Store
from gateway.uplinks.managed import ManagedUplink, UplinkState
from tests.gateway.fakes import FakeUplink


async def test_a_paused_uplink_has_no_slots_until_it_is_resumed() -> None:
    behind = FakeUplink("a")
    uplink = ManagedUplink(behind)
    await uplink.arrange(UplinkState.PAUSED, frozenset())
    assert not uplink.is_available
    waiting = asyncio.create_task(uplink.reserve(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await uplink.arrange(UplinkState.RUNNING, frozenset())
    (slot,) = await waiting
    slot.release()
    assert behind.free == behind.window


async def test_slots_that_come_free_while_it_is_paused_are_given_back() -> None:
    behind = FakeUplink("a", window=1)
    uplink = ManagedUplink(behind)
    (held,) = await uplink.reserve(1)
    waiting = asyncio.create_task(uplink.reserve(1))
    await asyncio.sleep(0)
    await uplink.arrange(UplinkState.PAUSED, frozenset())
    held.release()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    assert behind.free == 1
    waiting.cancel()


async def test_whoever_waits_gets_slots_of_the_successor() -> None:
    old, new = FakeUplink("a", window=1), FakeUplink("a")
    uplink = ManagedUplink(old)
    (held,) = await uplink.reserve(1)
    waiting = asyncio.create_task(uplink.reserve(1))
    await asyncio.sleep(0)
    await uplink.replace(new, 1.0)
    held.release()
    (slot,) = await waiting
    assert (old.free, new.free) == (1, new.window - 1)
    slot.release()


@pytest.mark.parametrize("state", [UplinkState.PAUSED, UplinkState.DRAINED])
async def test_what_was_asked_for_outlives_a_restart(store: Store, state: UplinkState) -> None:
    desk = UplinkDesk(store, {"a": ManagedUplink(FakeUplink("a"))}, lambda: None)
    await (desk.pause("a") if state is UplinkState.PAUSED else desk.drain("a"))
    after = ManagedUplink(FakeUplink("a"))
    await UplinkDesk(store, {"a": after}, lambda: None).sync()
    assert after.state is state


async def test_what_is_asked_of_one_node_holds_on_the_others(store: Store) -> None:
    here, there = ManagedUplink(FakeUplink("a")), ManagedUplink(FakeUplink("a"))
    desk, other = UplinkDesk(store, {"a": here}, lambda: None), UplinkDesk(store, {"a": there}, lambda: None)
    await desk.pause("a")
    await other.sync()
    assert there.state is UplinkState.PAUSED
    await other.resume("a")
    await desk.sync()
    assert here.state is UplinkState.RUNNING
