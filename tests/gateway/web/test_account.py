"""The caller's own account, messages from handsets, callbacks, and what is not configured."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.models import Inbound
from tests.gateway.web.running import CONFIG, Running, running

PRICES = CONFIG.replace(
    "[account.shop]",
    """[[price]]
prefix = "44"
amount = 0.05
[[price]]
network = "404-10"
amount = 0.01
country = "IN"
[account.shop]""",
).replace('api_keys = ["shop-key"]', 'api_keys = ["shop-key"]\nbilling = { mode = "prepaid" }')


@pytest.fixture
async def here() -> AsyncIterator[Running]:
    async with running() as one:
        yield one


async def test_an_account_knows_itself(here: Running) -> None:
    status, body = await here.ask("GET", "/accounts/me", key="reader-key")
    assert (status, body["name"], body["roles"]) == (200, "reader", ["read"])


async def test_a_prepaid_account_pays_until_it_cannot() -> None:
    async with running(PRICES) as here:
        status, body = await here.ask("POST", "/messages", json={"to": "447700900123", "text": "Hi"})
        assert (status, body["error"]["code"]) == (402, "insufficient_balance")
        status, left = await here.operate("POST", "/accounts/shop/credit", json={"amount": "0.08", "note": "cash"})
        assert (status, left["amount"]) == (200, "0.08")
        await here.send()
        _, balance = await here.ask("GET", "/balance")
        assert (balance["amount"], balance["is_limited"]) == ("0.03", True)
        status, body = await here.ask("POST", "/messages", json={"to": "447700900123", "text": "Hi"})
        assert status == 402


async def test_a_payment_is_booked_once() -> None:
    async with running(PRICES) as here:
        for _ in range(2):
            body = {"amount": "5", "reference": "invoice 1"}
            _, left = await here.operate("POST", "/accounts/shop/credit", json=body)
        assert left["amount"] == "5"


async def test_prices_are_shown_and_filtered() -> None:
    async with running(PRICES) as here:
        _, body = await here.ask("GET", "/prices")
        assert [(price["prefix"], price["amount"]) for price in body["prices"]] == [("44", "0.05"), ("", "0.01")]
        _, body = await here.ask("GET", "/prices", params={"mcc": "404"})
        assert [price["mnc"] for price in body["prices"]] == ["10"]


async def test_messages_from_handsets_are_found(here: Running) -> None:
    store = here.gateway.store
    for number, (sender, account) in enumerate([("447700900001", "shop"), ("447700900002", "shop"), ("1", "other")]):
        inbound = Inbound(
            id=store.ids.new(1_700_000_000 + number),
            account=account,
            sender=sender,
            recipient="40404",
            text=f"text {number}",
            received_at=1_700_000_000.0 + number,
        )
        await store.add_inbound(inbound, None)
    _, body = await here.ask("GET", "/inbound")
    assert [message["text"] for message in body["messages"]] == ["text 1", "text 0"]
    _, body = await here.ask("GET", "/inbound", params={"from": "+447700900001"})
    assert [message["text"] for message in body["messages"]] == ["text 0"]
    assert body["next_cursor"] is None
    _, body = await here.ask("GET", "/inbound", params={"until": "2023-11-14T22:13:21Z"})
    assert [message["text"] for message in body["messages"]] == ["text 0"]


async def test_messages_from_handsets_are_found_page_by_page(here: Running) -> None:
    store = here.gateway.store
    for number in range(5):
        at = 1_700_000_000.0 + number
        inbound = Inbound(
            id=store.ids.new(at), account="shop", sender="1", recipient="40404", text=str(number), received_at=at
        )
        await store.add_inbound(inbound, None)
    texts: list[list[str]] = []
    cursor: str | None = None
    for _ in range(3):
        _, body = await here.ask("GET", "/inbound", params={"limit": "2", "cursor": cursor or ""})
        texts.append([message["text"] for message in body["messages"]])
        cursor = body["next_cursor"]
    assert texts == [["4", "3"], ["2", "1"], ["0"]]
    assert cursor is None
    status, body = await here.ask("GET", "/inbound", params={"cursor": "x"})
    assert (status, body["error"]["field"]) == (400, "cursor")


async def give_up_a_callback(here: Running) -> str:
    """Have a message withdrawn, and its callback given up; the callback's id."""
    one = await here.send()
    status, _ = await here.ask("DELETE", f"/messages/{one}")
    assert status == 200
    store, dispatcher = here.gateway.store, here.gateway._webhooks
    async with asyncio.timeout(20):
        # Its first try fails at once; the next is seconds away.
        while not (owed := (await store.callbacks("shop"))[0]).tries or owed.id in dispatcher._in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await store.postpone([msgspec.structs.replace(owed, failed=True, tries=3, last_error="no answer in time")])
    return owed.id


async def test_callbacks_that_were_given_up_are_tried_again_by_name(here: Running) -> None:
    callback = await give_up_a_callback(here)
    _, body = await here.ask("GET", "/webhooks", params={"failed": "true"})
    (shown,) = body["webhooks"]
    assert (shown["id"], shown["host"], shown["last_error"]) == (callback, "127.0.0.1:1", "no answer in time")
    assert "/shop" not in str(shown)
    status, body = await here.ask("POST", "/webhooks/replay", json={"ids": ["nonsense"]})
    assert (status, body["count"]) == (200, 0)
    status, body = await here.ask("POST", "/webhooks/replay", json={"ids": [callback]})
    assert (status, body["count"]) == (200, 1)


async def test_callbacks_are_each_accounts_own(here: Running) -> None:
    callback = await give_up_a_callback(here)
    _, body = await here.ask("GET", "/webhooks", key="other-key")
    assert body["webhooks"] == []
    _, body = await here.ask("POST", "/webhooks/replay", key="other-key", json={"ids": [callback]})
    assert body["count"] == 0
    status, _ = await here.ask("GET", "/webhooks", key="other-key", params={"account": "shop"})
    assert status == 403
    _, body = await here.operate("GET", "/webhooks", params={"account": "shop"})
    assert [shown["id"] for shown in body["webhooks"]] == [callback]
    _, body = await here.operate("POST", "/webhooks/replay", json={"all": True})
    assert body["count"] == 1


@pytest.mark.parametrize("body", [{}, {"ids": ["x"], "all": True}])
async def test_a_replay_says_which(here: Running, body: dict[str, object]) -> None:
    status, answer = await here.ask("POST", "/webhooks/replay", json=body)
    assert (status, answer["error"]["field"]) == (400, "ids")


async def test_nothing_says_what_serves(here: Running) -> None:
    for address in here.gateway.addresses:
        for path in ("/healthz", "/api/v1/messages", "/nothing"):
            async with here.http.get(f"http://{address}{path}") as response:
                assert "Server" not in response.headers
