"""Who asked for no more messages: known to every node, whoever was told."""

from typing import Any

import pytest

from gateway.errors import StoreError
from gateway.optouts import EVERYBODY, KIND, NOTE_SECONDS, OptOuts
from gateway.store import Record, Store
from tests.gateway.fakes import NOW, Clock

NUMBER = "447700900123"


async def made(store: Store, clock: Clock | None = None) -> OptOuts:
    opt_outs = OptOuts(store, clock=clock or Clock())
    await opt_outs.load()
    return opt_outs


async def test_a_number_is_kept_for_the_account_that_was_asked(store: Store) -> None:
    opt_outs = await made(store)
    assert await opt_outs.add("shop", NUMBER, "STOP")
    assert not await opt_outs.add("shop", NUMBER, "STOP")
    assert opt_outs.has("shop", NUMBER)
    assert not opt_outs.has("bank", NUMBER)
    (kept,) = await opt_outs.list("shop")
    assert (kept.number, kept.reason, kept.created_at) == (NUMBER, "STOP", NOW)
    assert (await made(store)).has("shop", NUMBER)
    assert await opt_outs.remove("shop", NUMBER)
    assert not await opt_outs.remove("shop", NUMBER)
    assert not opt_outs.has("shop", NUMBER)
    assert not (await made(store)).has("shop", NUMBER)


async def test_a_number_may_be_kept_for_everybody(store: Store) -> None:
    opt_outs = await made(store)
    await opt_outs.add(EVERYBODY, NUMBER)
    assert opt_outs.has("shop", NUMBER)
    assert len(opt_outs) == 1


async def test_other_nodes_learn_what_was_changed(store: Store) -> None:
    clock = Clock()
    here, there = await made(store, clock), await made(store, clock)
    await here.add("shop", NUMBER)
    assert not there.has("shop", NUMBER)
    await there.look()
    assert there.has("shop", NUMBER)
    clock.advance(1)
    await here.remove("shop", NUMBER)
    await there.look()
    assert not there.has("shop", NUMBER)
    await here.look()
    assert not here.has("shop", NUMBER)


async def test_notes_that_come_late_or_again_tell_what_is_so_now(store: Store) -> None:
    clock = Clock()
    here, there = await made(store, clock), await made(store, clock)
    clock.advance(60)
    await there.look()
    # A node whose clock is behind.
    behind = await made(store, Clock(clock.now - 90))
    await behind.add("shop", NUMBER)
    await there.look()
    assert there.has("shop", NUMBER)
    await here.remove("shop", NUMBER)
    await there.look()
    assert not there.has("shop", NUMBER)


async def test_a_node_that_did_not_look_for_long_reads_the_whole_list(store: Store) -> None:
    clock = Clock()
    here, there = await made(store, clock), await made(store, clock)
    await here.add("shop", NUMBER)
    clock.advance(NOTE_SECONDS + 1)
    await here.look()
    assert await store.count_records("opt_out_change") == 0
    await there.look()
    assert there.has("shop", NUMBER)


async def test_a_long_list_is_read_whole(store: Store) -> None:
    numbers = [f"4477{n:08d}" for n in range(1_050)]
    for account in ("shop", "bank"):
        await store.put_records([Record(kind=KIND, account=account, key=number) for number in numbers])
    opt_outs = await made(store)
    assert len(opt_outs) == 2_100
    page = await opt_outs.list("shop", after=numbers[4], limit=2)
    assert [one.number for one in page] == numbers[5:7]


async def test_what_cannot_be_kept_is_not_taken_for_kept(store: Store) -> None:
    opt_outs = await made(store)

    def fails(_point: str) -> Any:
        raise OSError(28, "No space left on device")

    store.fault = fails
    with pytest.raises(StoreError):
        await opt_outs.add("shop", NUMBER)
    assert not opt_outs.has("shop", NUMBER)
    store.fault = None
