"""Deliveries over binds, and messages that are written anew; on every store."""

from typing import Any

import msgspec
import pytest

from gateway.models import DELIVERY_SCHEME, Callback, Inbound, State
from gateway.store import Store
from tests.gateway.fakes import NOW
from tests.gateway.store.rows import BOOK, make_message

replace = msgspec.structs.replace


async def owe(store: Store, *urls: str) -> dict[str, Callback]:
    """Callbacks for these URLs, due one second after the other; by URL, the last of each."""
    for n, url in enumerate(urls):
        inbound = Inbound(id=f"{n}-{url}", account="shop", sender="1", recipient="2", text="")
        owed = Callback(id="", account="shop", url=url, body=b"{}", created_at=NOW + n, due_at=NOW + n)
        await store.add_inbound(inbound, owed)
    return {one.url: one for one in await store.callbacks("shop")}


async def due(store: Store, account: str, now: float = NOW + 100, **fields: Any) -> list[str]:
    values: dict[str, Any] = {"limit": 100, "skip_ids": set()}
    return [one.id for one in await store.due_deliveries(account, now, **(values | fields))]


async def test_deliveries_and_callbacks_do_not_meet(store: Store) -> None:
    ours, theirs, http = DELIVERY_SCHEME + "shop", DELIVERY_SCHEME + "Shop", "https://shop/x"
    owed = await owe(store, ours, theirs, http)
    assert await due(store, "shop") == [owed[ours].id]
    assert await due(store, "Shop") == [owed[theirs].id]
    assert await due(store, "nobody") == []
    found = await store.due_callbacks(NOW + 100, limit=9, per_host=9, skip_hosts=set(), skip_ids=set())
    assert [one.id for one in found] == [owed[http].id]
    assert await store.next_callback_at() == NOW + 2


async def test_deliveries_are_due_in_order(store: Store) -> None:
    url = DELIVERY_SCHEME + "shop"
    await owe(store, url, url, url)
    one, two, three = [callback.id for callback in await store.callbacks("shop")]
    assert await store.next_delivery_at("shop") == NOW
    assert await store.next_delivery_at("nobody") is None
    assert await due(store, "shop", NOW + 1.5) == [one, two]
    assert await due(store, "shop", limit=2) == [one, two]
    assert await due(store, "shop", skip_ids={one}) == [two, three]
    await store.acknowledge([one])
    (second, *_) = await store.callbacks("shop")
    await store.postpone([replace(second, due_at=NOW + 50, tries=1, last_error="ESME_RX_T_APPN")])
    assert await due(store, "shop") == [three, two]
    assert await due(store, "shop", NOW + 49) == [three]


async def test_old_ones_of_each_kind_are_given_up_by_themselves(store: Store) -> None:
    owed = await owe(store, DELIVERY_SCHEME + "shop", "https://hooks.example/x")
    assert await store.fail_deliveries(NOW) == 0
    assert await store.fail_deliveries(NOW + 10) == 1
    assert await due(store, "shop") == []
    assert [one.url for one in await store.callbacks("shop", failed=True)] == [DELIVERY_SCHEME + "shop"]
    assert await store.fail_callbacks(NOW + 10) == 1
    assert await store.replay_callbacks(NOW + 20, ids=[owed[DELIVERY_SCHEME + "shop"].id]) == 1
    assert await due(store, "shop") == [owed[DELIVERY_SCHEME + "shop"].id]


@pytest.mark.parametrize("state", [State.QUEUED, State.SCHEDULED])
async def test_a_message_is_written_anew(store: Store, state: State) -> None:
    message = make_message(store, state=State.SCHEDULED, scheduled_at=NOW + 500)
    await store.add([message])
    at = NOW + 900 if state is State.SCHEDULED else NOW
    amended = replace(
        message, text="", data=b"new", data_coding=8, default_alphabet="gsm", origin="{}", wants_intermediate=True,
        scheduled_at=at, state=state, updated_at=NOW + 5,
    )  # fmt: skip
    await store.amend([amended])
    assert await store.message("shop", message.id) == amended
    assert await store.next_scheduled_at() == (at if state is State.SCHEDULED else None)
    assert await store.waiting("a", limit=5, skip=set()) == ([] if state is State.SCHEDULED else [amended])
    assert [(event.state, event.detail) for event in await store.timeline(message.id)][-1] == (state, "replaced")
    await store.end([replace(amended, state=State.DELETED, updated_at=NOW + 6)], BOOK)
    assert await store.waiting("a", limit=5, skip=set()) == []
