"""What comes from outside reaches the apps that have subscribed, with the message it belongs to or on its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.models import Inbound
from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.rest_path import RestPath, rest_path

APPS = """
[account.shop.mobtexting]
token = "shop-token"
[account.other]
numbers = ["50505"]
[account.other.mobtexting]
token = "other-token"
"""
NUMBER = "918921269000"


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[RestPath]:
    async with rest_path("mobtexting", tmp_path, more=APPS) as made:
        yield made


async def ask(path: RestPath, method: str, call: str, fields: Any = None, *, app: str = "shop") -> Any:
    headers = {"Authorization": f"Bearer {app}-token"}
    url = f"/mobtexting/api/v2/{call}"
    async with path.http.request(method, url, json=fields, headers=headers) as answer:
        content = await answer.json()
        assert answer.status == 200, content
        return content


async def subscribe(path: RestPath, event: str, at: str, *, identity: str = "all", app: str = "shop") -> None:
    hook = {"name": at, "uri": f"{path.receiver.url}/{at}", "secret": f"secret of {at}"}
    made = await ask(path, "POST", "developer/webhooks", hook, app=app)
    wanted = {"event": event, "identity": identity, "webhook_id": made["data"]["id"]}
    await ask(path, "POST", "developer/subscriptions", wanted, app=app)


async def told(path: RestPath, at: str, count: int = 1) -> list[dict[str, Any]]:
    received = await path.receiver.wait_until(lambda all_: sum(one.path == f"/{at}" for one in all_) >= count)
    found = [one for one in received if one.path == f"/{at}"]
    assert all(one.headers["Authorization"] == f"Bearer secret of {at}" for one in found)
    return [one.json for one in found]


async def hear(path: RestPath, text: str, number: str = "40404") -> None:
    inbound = Inbound(id=f"in-{text}", account="", sender=NUMBER, recipient=number, text=text, uplink="way")
    await path.gateway._desk.take(inbound)


async def test_message_from_a_handset_is_told_to_all_who_subscribed_besides_the_operators_own(path: RestPath) -> None:
    await subscribe(path, "vmn:message:in", "all")
    await subscribe(path, "vmn:message:in", "yes", identity="keyword:yes")
    await hear(path, "Yes")
    await hear(path, "No")
    assert [one["payload"]["message"]["payload"]["text"] for one in await told(path, "all", 2)] == ["Yes", "No"]
    (event,) = await told(path, "yes")
    assert event["event"] == "vmn:message:in"
    received = await path.receiver.wait_until(lambda all_: sum(one.path == "/inbound" for one in all_) == 2)
    assert len(received) == 5


async def test_message_is_kept_with_its_event_where_nobody_else_is_told(path: RestPath) -> None:
    await subscribe(path, "vmn:message:in", "theirs", app="other")
    await hear(path, "Hello", "50505")
    (event,) = await told(path, "theirs")
    assert event["payload"]["channels"] == [{"name": "sms", "to": "50505"}]


async def test_stop_makes_an_unsubscriber_and_start_none(path: RestPath) -> None:
    await subscribe(path, "sms:unsubscription", "gone")
    await hear(path, "STOP")
    (event,) = await told(path, "gone")
    assert (event["receiver"], event["type"]) == (NUMBER, "all")
    listed = await ask(path, "GET", "sms/suppressions/unsubscribers")
    assert [one["receiver"] for one in listed["data"]] == [NUMBER]
    await hear(path, "START")
    assert (await ask(path, "GET", "sms/suppressions/unsubscribers"))["data"] == []
    sent = await ask(path, "POST", "sms/send", {"to": NUMBER, "sender": "INFO", "message": "Hi", "service": "T"})
    assert sent["data"][0]["status"] == "AWAITING-DLR"


async def test_receiver_unsubscribes_over_the_link_of_the_message(path: RestPath) -> None:
    await subscribe(path, "sms:unsubscription", "gone")
    link = (await ask(path, "POST", "sms/suppressions/optout/link", {"sender": "INFO"}))["data"]
    text = f"Our offers. No more: {link}"
    await ask(path, "POST", "sms/send", {"to": NUMBER, "sender": "INFO", "message": text, "service": "T"})
    await path.provider.wait_until(lambda: bool(path.provider.messages))
    page = path.provider.messages[-1].text.partition("https://" if "https://" in text else "http://")
    url = page[1] + page[2]
    async with path.http.get(url, headers={"Authorization": ""}) as answer:
        assert answer.status == 200 and "Unsubscribe" in await answer.text()
    async with path.http.post(url, headers={"Authorization": ""}) as answer:
        assert answer.status == 200, await answer.text()
    (event,) = await told(path, "gone")
    assert (event["receiver"], event["type"], event["value"]) == (NUMBER, "sender", "INFO")
    sent = await ask(path, "POST", "sms/send", {"to": NUMBER, "sender": "INFO", "message": "Hi", "service": "T"})
    assert sent["data"][0]["status"] == "OPTOUT-REJ"


async def push(path: RestPath, event: str, to: str) -> int:
    payload = {"id": "w-1", "channels": [{"name": "whatsapp", "to": to}], "recipient": {"from": NUMBER}}
    body = json.dumps({"event": event, "payload": payload}).encode()
    async with path.http.post(path.callback_url, data=body, headers={"Content-Type": "application/json"}) as answer:
        return answer.status


async def test_events_of_other_channels_go_to_whose_number_it_is(path: RestPath) -> None:
    await subscribe(path, "whatsapp:message:in", "mine")
    await subscribe(path, "whatsapp:message:in", "theirs", app="other")
    assert await push(path, "whatsapp:message:in", "50505") == 200
    (event,) = await told(path, "theirs")
    assert event["payload"]["id"] == "w-1"
    assert await push(path, "whatsapp:message:in", "40404") == 200
    await told(path, "mine")
    # Of two that may use the uplink neither claims it; and nobody has subscribed to the other.
    assert await push(path, "whatsapp:message:in", "60606") == 404
    assert await push(path, "viber:message:in", "50505") == 404
    await asyncio.sleep(0)
    assert sum(one.path in ("/mine", "/theirs") for one in path.receiver.received) == 2


async def test_notices_are_forgotten_when_their_callbacks_are_kept(path: RestPath) -> None:
    await subscribe(path, "sms:unsubscription", "gone")
    for at in range(3):
        await ask(path, "POST", "sms/optout", {"number": f"91892126900{at}"})
    assert len(await told(path, "gone", 3)) == 3
    assert await path.gateway.store.records("notice") == []


async def test_a_fault_in_a_dialects_words_keeps_no_message_from_being_taken(
    path: RestPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> list[Any]:
        raise RuntimeError("as the test wants")

    monkeypatch.setattr(Mobtexting, "arrived", broken)
    monkeypatch.setattr(Mobtexting, "stopped", broken)
    await hear(path, "STOP")
    received = await path.receiver.wait_until(lambda all_: any(one.path == "/inbound" for one in all_))
    assert len(received) == 1
    assert path.gateway._opt_outs.has("shop", NUMBER)


async def test_who_has_left_at_the_provider_is_not_sent_to(tmp_path: Path) -> None:
    async with rest_path("mobtexting", tmp_path, more=APPS.partition("[account.other]")[0]) as path:
        await subscribe(path, "sms:unsubscription", "gone")
        for kind, value, number in (("all", None, NUMBER), ("sender", "INFO", "918921269001"), ("mood", "x", "bad")):
            payload = {"id": 1, "receiver": number, "type": kind, "value": value}
            body = json.dumps({"event": "sms:unsubscription", "payload": payload}).encode()
            headers = {"Content-Type": "application/json"}
            async with path.http.post(path.callback_url, data=body, headers=headers) as answer:
                assert answer.status == 200
        assert [one["payload"]["receiver"] for one in await told(path, "gone", 3)] == [NUMBER, "918921269001", "bad"]
        order = {"to": [NUMBER, "918921269001", "918921269002"], "sender": "INFO", "message": "Hi", "service": "T"}
        sent = await ask(path, "POST", "sms/send", order)
        assert [one["status"] for one in sent["data"]] == ["OPTOUT-REJ", "OPTOUT-REJ", "AWAITING-DLR"]
        listed = await ask(path, "GET", "sms/suppressions/unsubscribers")
        assert [one["receiver"] for one in listed["data"]] == [NUMBER, "918921269001"]
