"""Inbound messages and the callbacks owed for them; on every store."""

from typing import Any

import msgspec

from gateway.models import Callback, Inbound
from gateway.store import Store
from tests.gateway.fakes import NOW

replace = msgspec.structs.replace


# --- inbound ---


async def test_an_inbound_message_is_kept_once_with_its_callback(store: Store) -> None:
    inbound = Inbound(
        id="in-1",
        account="shop",
        sender="447700900123",
        recipient="447700900999",
        text="hi",
        data=b"hi",
        udh=b"\x03\x04\x01\x01",
        data_coding=1,
        uplink="a",
        bind="a:1#1",
        received_at=NOW,
    )
    callback = Callback(id="", account="shop", url="https://hooks.example/in", created_at=NOW, due_at=NOW)
    await store.add_inbound(inbound, callback)
    await store.add_inbound(inbound, callback)
    assert await store.inbound("shop") == [inbound]
    assert await store.inbound("other") == []
    assert await store.inbound("") == [inbound]
    assert len(await store.callbacks()) == 1


# --- callbacks ---


async def owe_callbacks(store: Store, *hosts: str, account: str = "shop") -> list[Callback]:
    for n, host in enumerate(hosts):
        inbound = Inbound(id=f"{account}-{n}-{host}", account=account, sender="1", recipient="2", text="")
        callback = Callback(
            id="", account=account, url=f"https://{host}/x?n={n}", body=b"{}", headers=(("x", "y"),),
            created_at=NOW + n, due_at=NOW + n,
        )  # fmt: skip
        await store.add_inbound(inbound, callback)
    return await store.callbacks(account)


async def due(store: Store, now: float = NOW + 100, **fields: Any) -> list[str]:
    values: dict[str, Any] = {"limit": 100, "per_host": 100, "skip_hosts": set(), "skip_ids": set()}
    return [one.id for one in await store.due_callbacks(now, **(values | fields))]


async def test_callbacks_are_due_in_order_and_fairly_by_host(store: Store) -> None:
    one, two, three, four = await owe_callbacks(store, "a.example", "a.example", "b.example:8443", "a.example")
    assert await due(store, NOW - 1) == []
    assert await store.next_callback_at() == NOW
    assert sorted(await due(store)) == sorted([one.id, two.id, three.id, four.id])
    assert await due(store, per_host=1) == [one.id, three.id]
    assert await due(store, skip_hosts={"a.example"}) == [three.id]
    assert await due(store, skip_ids={one.id, three.id}) == [two.id, four.id]
    assert len(await due(store, limit=2)) == 2


async def test_an_acknowledged_callback_is_gone(store: Store) -> None:
    one, two = await owe_callbacks(store, "a.example", "a.example")
    await store.acknowledge([one.id])
    assert await store.callbacks() == [two]


async def test_a_postponed_callback_is_due_later_with_its_tries(store: Store) -> None:
    (one,) = await owe_callbacks(store, "a.example")
    later = replace(one, due_at=NOW + 50, tries=1, last_error="no answer in time")
    await store.postpone([later])
    assert await due(store, NOW + 49) == []
    assert await store.callbacks() == [later]


async def test_a_failed_callback_is_kept_and_can_be_replayed(store: Store) -> None:
    (one,) = await owe_callbacks(store, "a.example")
    (other,) = await owe_callbacks(store, "a.example", account="other")
    await store.postpone([replace(each, failed=True, tries=9, last_error="x") for each in (one, other)])
    assert await due(store) == []
    assert await store.next_callback_at() is None
    assert len(await store.callbacks(failed=True)) == 2
    assert await store.replay_callbacks(NOW + 500, "shop") == 1
    (again,) = await store.callbacks(failed=False)
    assert (again.id, again.tries, again.due_at) == (one.id, 0, NOW + 500)
    assert await store.replay_callbacks(NOW + 500, ids=[one.id]) == 0
    assert await store.replay_callbacks(NOW + 500, ids=[other.id]) == 1


async def test_callbacks_that_were_never_tried_are_given_up_too(store: Store) -> None:
    old, new = await owe_callbacks(store, "a.example", "b.example")
    assert await store.fail_callbacks(new.created_at) == 1
    (failed,) = await store.callbacks(failed=True)
    assert failed.id == old.id
    assert failed.last_error


# --- over binds ---


async def owe_deliveries(store: Store, *accounts: str) -> None:
    for n, account in enumerate(accounts):
        inbound = Inbound(id=f"bound-{n}-{account}", account=account, sender="1", recipient="2", text="")
        url = f"smpp://{account}"
        callback = Callback(id="", account=account, url=url, body=b"x", created_at=NOW + n, due_at=NOW + n)
        await store.add_inbound(inbound, callback)


async def test_deliveries_over_binds_are_due_by_account_and_not_over_http(store: Store) -> None:
    await owe_deliveries(store, "bank", "shop", "bank")
    await owe_callbacks(store, "a.example", account="web")
    assert len(await due(store)) == 1
    assert await store.next_callback_at() == NOW
    one, two = await store.due_deliveries("bank", NOW + 100, limit=10, skip_ids=set())
    assert (one.account, one.due_at, two.due_at) == ("bank", NOW, NOW + 2)
    assert await store.due_deliveries("bank", NOW + 100, limit=10, skip_ids={one.id}) == [two]
    assert await store.due_deliveries("bank", NOW - 1, limit=10, skip_ids=set()) == []
    assert await store.next_delivery_at("shop") == NOW + 1
    assert await store.next_delivery_at("web") is None
    assert await store.fail_callbacks(NOW + 50) == 1
    assert await store.fail_deliveries(NOW + 1) == 1
    assert [failed.account for failed in await store.callbacks(failed=True)] == ["bank", "web"]
