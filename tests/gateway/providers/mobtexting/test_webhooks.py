"""Where reports go, and who says that it is theirs."""

import json

import msgspec
import pytest

from gateway.models import Inbound, State
from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, errors, said


async def test_webhook_answers_the_challenge_or_is_not_made(world: World) -> None:
    fields = {"name": "mine", "uri": "https://app.example/hook", "secret": "hush", "token": "t-1"}
    assert await errors(world, "POST", "developer/webhooks", fields) == ["uri"]
    world.probe.echoes = True
    status, made = await said(world, "POST", "developer/webhooks", fields)
    assert (status, made["message"], made["data"]["status"]) == (200, "Created Successfully", "1")
    url, body, headers = world.probe.posted[-1]
    assert url == "https://app.example/hook?token=t-1" and headers["Authorization"] == "Bearer hush"
    assert set(json.loads(body)) == {"validation_key", "challenge"}
    assert "hush" not in json.dumps(made)


async def hooked(world: World) -> str:
    _, made = await said(
        world, "POST", "developer/webhooks", {"name": "mine", "uri": "https://app.example/hook", "secret": "hush"}
    )
    return str(made["data"]["id"])


async def test_report_goes_flat_to_the_webhook_of_the_request(world: World) -> None:
    webhook = await hooked(world)
    world.apps.zone = "Asia/Kolkata"
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook, "custom": "c-1"})
    message = msgspec.structs.replace(
        world.behind.intake.last, state=State.DELIVERED, part_count=2, updated_at=1_700_000_060.0
    )
    callback = Mobtexting().receipt_callback(message, None)
    assert callback is not None and callback.url == "https://app.example/hook"
    assert json.loads(callback.body) == {
        "id": "m1",
        "mobile": "918921269000",
        "status": "DELIVRD",
        "credits": "2.0000",
        "units": 2,
        "sent_at": "1700000000",
        "submit_at": "1700000000",
        "deliv_at": "1700000060",
        "sent_time": "2023-11-15 03:43:20",
        "submit_time": "2023-11-15 03:43:20",
        "deliv_time": "2023-11-15 03:44:20",
        "cid": "m1",
        "custom": "c-1",
    }
    headers = dict(callback.headers)
    assert len(headers["Signature"]) == 64 and headers[":bearer"] == webhook
    assert Mobtexting().receipt_callback(msgspec.structs.replace(message, state=State.SUBMITTED), None) is None


async def test_report_goes_wrapped_to_who_subscribed(world: World) -> None:
    webhook = await hooked(world)
    fields = {"event": "sms:message:status", "identity": "all", "webhook_id": webhook}
    _, made = await said(world, "POST", "developer/subscriptions", fields)
    assert (made["message"], made["data"]["event"]) == ("Subscription Saved Successfully", "sms:message:status")
    await said(world, "POST", "sms/send", SMS)
    message = msgspec.structs.replace(world.behind.intake.last, state=State.DELIVERED)
    callback = Mobtexting().receipt_callback(message, None)
    assert callback is not None
    assert set(json.loads(callback.body)) == {"event", "payload"}
    await said(world, "DELETE", f"developer/webhooks/{webhook}")
    await said(world, "POST", "sms/send", SMS)
    assert world.behind.intake.last.callback_url == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [({"event": "sms:dance"}, "event"), ({"identity": "some"}, "identity"), ({"webhook_id": "x"}, "webhook_id")],
)
async def test_subscription_says_which_field_is_wrong(world: World, change: dict[str, str], field: str) -> None:
    fields = {"event": "sms:message:status", "identity": "number:1", "webhook_id": await hooked(world)}
    assert await errors(world, "POST", "developer/subscriptions", {**fields, **change}) == [field]


def test_message_from_a_handset_is_an_event() -> None:
    inbound = Inbound(id="i1", account="shop", sender="+918921269000", recipient="56161", text="YES", received_at=1.0)
    callback = Mobtexting().inbound_callback(inbound, "https://app.example/in")
    assert callback is not None and json.loads(callback.body)["event"] == "vmn:message:in"
