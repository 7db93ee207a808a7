"""What apps hear of that subscribed: unsubscriptions, messages from handsets, other channels; and webhooks of their own
making.
"""

import json
from typing import Any

import msgspec
import pytest

from gateway.models import Callback, Inbound, State
from gateway.providers.mobtexting import composing
from gateway.providers.mobtexting.dialect import Mobtexting
from gateway.providers.seams import ProviderEvent
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, errors, said


async def hook(world: World, uri: str = "https://app.example/hook", **more: Any) -> str:
    _, made = await said(world, "POST", "developer/webhooks", {"name": "mine", "uri": uri, **more})
    return str(made["data"]["id"])


async def subscribe(world: World, event: str, identity: str = "all", webhook: str = "", **more: Any) -> str:
    webhook = webhook or await hook(world, **more)
    fields = {"event": event, "identity": identity, "webhook_id": webhook}
    assert (await said(world, "POST", "developer/subscriptions", fields))[0] == 200
    return webhook


async def test_unsubscription_is_told_once_in_the_documents_form(world: World) -> None:
    webhook = await subscribe(world, "sms:unsubscription")
    for _ in range(2):
        fields = {"receiver": "918921269000", "type": "tag", "value": "sale"}
        await said(world, "POST", "sms/suppressions/unsubscribers", fields)
    ((account, dialect, about, callback),) = world.notices.owed
    assert (account, dialect, about, callback.url) == ("shop", "mobtexting", "918921269000", "https://app.example/hook")
    content = json.loads(callback.body)
    assert content.pop("id") and content.pop("created_at").endswith("Z")
    assert content == {
        "receiver": "918921269000",
        "type": "tag",
        "value": "sale",
        "status": "Unsubscriber created successfully",
    }
    assert dict(callback.headers)[":bearer"] == webhook


async def test_sms_optout_and_a_word_of_the_handset_are_told_too(world: World) -> None:
    await subscribe(world, "sms:unsubscription")
    await said(world, "POST", "sms/optout", {"number": "918921269000"})
    assert len(world.notices.owed) == 1
    dialect = Mobtexting()
    (told,) = await dialect.stopped("shop", "918921269001", world.directory)
    assert json.loads(told.body)["receiver"] == "918921269001"
    assert await dialect.stopped("shop", "918921269001", world.directory) == []
    _, listed = await said(world, "GET", "sms/suppressions/unsubscribers")
    assert listed["meta"]["total"] == 2
    await dialect.started("shop", "918921269001", world.directory)
    _, listed = await said(world, "GET", "sms/suppressions/unsubscribers")
    assert [one["receiver"] for one in listed["data"]] == ["918921269000"]


def inbound(text: str = "YES please", recipient: str = "56161") -> Inbound:
    return Inbound(
        id="i1", account="shop", sender="+918921269000", recipient=recipient, text=text, received_at=1_700_000_000.0
    )


@pytest.mark.parametrize(
    ("identity", "message", "is_told"),
    [
        ("all", inbound(), True),
        ("number:56161", inbound(), True),
        ("number:+56161", inbound(), True),
        ("number:56162", inbound(), False),
        ("keyword:yes", inbound(), True),
        ("keyword:YES", inbound("yes, please"), True),
        ("keyword:no", inbound(), False),
        ("keyword:yes", inbound(""), False),
    ],
)
async def test_messages_from_handsets_go_to_whom_they_concern(
    world: World, identity: str, message: Inbound, is_told: bool
) -> None:
    await subscribe(world, "vmn:message:in", identity)
    told = await Mobtexting().arrived(message, world.directory)
    assert len(told) == is_told
    for one in told:
        content = json.loads(one.body)
        assert (content["event"], content["payload"]["channels"]) == (
            "vmn:message:in",
            [{"name": "sms", "to": "56161"}],
        )
        assert content["payload"]["recipient"] == {"from": "918921269000"}


async def test_each_webhook_hears_once_and_an_inactive_one_nothing(world: World) -> None:
    first = await subscribe(world, "vmn:message:in")
    await subscribe(world, "vmn:message:in", "keyword:yes", first)
    await subscribe(world, "vmn:message:in", uri="https://app.example/second")
    told = await Mobtexting().arrived(inbound(), world.directory)
    assert [one.url for one in told] == ["https://app.example/hook", "https://app.example/second"]
    await said(world, "DELETE", f"developer/webhooks/{first}")
    assert len(await Mobtexting().arrived(inbound(), world.directory)) == 1


async def test_reports_go_to_the_subscription_of_their_sender(world: World) -> None:
    await subscribe(world, "sms:message:status", "number:OTHER")
    await said(world, "POST", "sms/send", SMS)
    assert world.behind.intake.last.callback_url == ""
    await subscribe(world, "sms:message:status", "number:mobtxt")
    await said(world, "POST", "sms/send", SMS)
    assert world.behind.intake.last.callback_url == "https://app.example/hook"


async def test_events_of_other_channels_are_passed_on_as_they_came(world: World) -> None:
    await subscribe(world, "whatsapp:message:in", "number:919000000000")
    content = {"event": "whatsapp:message:in", "payload": {"id": "w-1", "message": {"payload": {"text": "Hi"}}}}
    event = ProviderEvent(name="whatsapp:message:in", numbers=("919000000000",), content=content)
    (told,) = await Mobtexting().relayed("shop", event, world.directory)
    assert json.loads(told.body) == content
    other = msgspec.structs.replace(event, numbers=("1",))
    assert not await Mobtexting().relayed("shop", other, world.directory)


# Webhooks of the app's own making.


async def reported(world: World, **message: Any) -> Callback:
    last = msgspec.structs.replace(
        world.behind.intake.last, state=State.DELIVERED, part_count=1, updated_at=1_700_000_060.0, **message
    )
    callback = Mobtexting().receipt_callback(last, None)
    assert callback is not None
    return await completed(world, callback)


async def completed(world: World, callback: Callback) -> Callback:
    """As it leaves."""
    webhook = dict(callback.headers).get(":compose")
    if webhook is None:
        return callback
    (entry,) = await world.directory.by_name("shop", "webhook", webhook)
    return Mobtexting().completed(callback, entry)


async def test_documents_own_example_is_a_get_with_variables_in_its_address(world: World) -> None:
    uri = "https://www.domain.com/ack/receive?message_id={{id}}&mobile_number={{mobile}}&message_status={{status}}"
    webhook = await hook(world, uri)
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook})
    assert world.behind.intake.last.callback_url == "https://www.domain.com/ack/receive?message_id="
    callback = await reported(world)
    assert (callback.method, callback.body, callback.content_type) == ("GET", b"", "")
    assert callback.url == (
        "https://www.domain.com/ack/receive?message_id=m1&mobile_number=918921269000&message_status=DELIVRD"
    )


@pytest.mark.parametrize(
    ("given", "content_type", "body"),
    [
        ({"body": '{"ref": "{{custom}}", "n": {{units}}}'}, "application/json", b'{"ref": "a\\"b&\\u00e9 c", "n": 1}'),
        ({"body": "{{custom}} is {{ status }}{{nothing}}"}, "text/plain; charset=utf-8", 'a"b&é c is DELIVRD'.encode()),
        (
            {"body": "<a>{{status}}</a>", "headers": {"Content-Type": "text/xml"}},
            "text/xml",
            b"<a>DELIVRD</a>",
        ),
    ],
)
async def test_bodies_are_made_of_templates(
    world: World, given: dict[str, Any], content_type: str, body: bytes
) -> None:
    webhook = await hook(world, method="POST", **given)
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook, "custom": 'a"b&é c'})
    callback = await reported(world)
    assert (callback.method, callback.content_type) == ("POST", content_type)
    if content_type == "application/json":
        assert json.loads(callback.body) == json.loads(body)
    else:
        assert callback.body == body


async def test_parameters_headers_and_form_data_are_filled_and_harmless(world: World) -> None:
    webhook = await hook(
        world,
        method="PUT",
        params={"to": "{{mobile}}", "a b": "{{custom}}"},
        headers={"X-Ref": "{{custom}}", "Authorization": "Basic abc"},
        body={"status": "{{status}}", "at": "{{deliv_at}}"},
        secret="hush",
    )
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook, "custom": "x\r\nEvil: 1&y"})
    callback = await reported(world)
    assert callback.url == "https://app.example/hook?to=918921269000&a%20b=x%0D%0AEvil%3A%201%26y"
    headers = dict(callback.headers)
    assert headers["X-Ref"] == "x  Evil: 1&y" and headers["Authorization"] == "Basic abc"
    assert ":bearer" not in headers and len(headers["Signature"]) == 64
    assert callback.content_type.startswith("multipart/form-data; boundary=form-")
    assert b'name="status"\r\n\r\nDELIVRD\r\n' in callback.body and b"1700000060" in callback.body
    _, shown = await said(world, "GET", f"developer/webhooks/{webhook}")
    assert shown["data"]["headers"] == {"X-Ref": "********", "Authorization": "********"}
    assert "Basic abc" not in json.dumps(shown)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "TRACE"}, "method"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"headers": {"Bad Name": "x"}}, "headers"),
        ({"headers": "x"}, "headers"),
        ({"params": {"a": ["b"]}}, "params"),
        ({"body": "x"}, "body"),
        ({"method": "POST", "body": 7}, "body"),
        ({"method": "POST", "body": "x" * 5_000}, "body"),
        ({"uri": "https://{{id}}.example/"}, "uri"),
        ({"uri": "ftp://app.example/{{id}}"}, "uri"),
    ],
)
async def test_webhook_of_ones_own_says_which_field_is_wrong(world: World, change: dict[str, Any], field: str) -> None:
    fields = {"name": "mine", "uri": "https://app.example/", **change}
    assert await errors(world, "POST", "developer/webhooks", fields) == [field]


async def test_webhook_of_ones_own_hears_of_statuses_alone(world: World) -> None:
    webhook = await hook(world, "https://app.example/{{id}}")
    fields = {"event": "sms:unsubscription", "identity": "all", "webhook_id": webhook}
    assert await errors(world, "POST", "developer/subscriptions", fields) == ["webhook_id"]
    await subscribe(world, "whatsapp:message:status", webhook=webhook)
    event = ProviderEvent(name="whatsapp:message:status", content={"payload": {"id": "w/1", "status": "read"}})
    (told,) = await Mobtexting().relayed("shop", event, world.directory)
    assert told.url == "https://app.example/"


async def test_variables_of_other_channels_name_their_payload(world: World) -> None:
    webhook = await hook(world, "https://app.example/{{payload.id}}?s={{payload.status}}")
    await subscribe(world, "whatsapp:message:status", webhook=webhook)
    event = ProviderEvent(name="whatsapp:message:status", content={"payload": {"id": "w/1", "status": "read"}})
    (told,) = await Mobtexting().relayed("shop", event, world.directory)
    assert told.url == "https://app.example/"
    assert (await completed(world, told)).url == "https://app.example/w%2F1?s=read"


async def test_what_an_app_has_put_into_its_webhook_is_kept_with_that_alone(world: World) -> None:
    webhook = await hook(
        world,
        "https://app.example/{{id}}?token=t0ken",
        method="POST",
        params={"key": "s3cret"},
        headers={"X-Api-Key": "hush"},
        body="{{status}} by s3same",
    )
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook})
    last = world.behind.intake.last
    waiting = Mobtexting().receipt_callback(msgspec.structs.replace(last, state=State.DELIVERED), None)
    assert waiting is not None
    for secret in ("t0ken", "s3cret", "hush", "s3same"):
        assert secret not in last.origin + last.callback_url
        assert secret not in repr(waiting)
    callback = await reported(world)
    assert (callback.url, callback.body) == (
        f"https://app.example/{last.id}?token=t0ken&key=s3cret",
        b"DELIVRD by s3same",
    )
    assert dict(callback.headers)["X-Api-Key"] == "hush"


async def test_reports_that_wait_go_by_what_the_webhook_says_when_they_leave(world: World) -> None:
    webhook = await hook(world, method="POST", body="old {{status}}")
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook})
    fields = {"name": "mine", "uri": "https://app.example/new", "method": "POST", "body": "new {{status}}"}
    await said(world, "PUT", f"developer/webhooks/{webhook}", fields)
    callback = await reported(world)
    assert (callback.url, callback.body) == ("https://app.example/new", b"new DELIVRD")
    await said(world, "PUT", f"developer/webhooks/{webhook}", {"name": "mine", "uri": "https://app.example/plain"})
    callback = await reported(world)
    assert (callback.url, json.loads(callback.body)["status"]) == ("https://app.example/plain", "DELIVRD")


async def test_update_takes_what_was_composed_back(world: World) -> None:
    webhook = await hook(world, method="POST", body="{{id}}")
    await said(world, "PUT", f"developer/webhooks/{webhook}", {"name": "mine", "uri": "https://app.example/plain"})
    await said(world, "POST", "sms/send", {**SMS, "webhook_id": webhook})
    assert json.loads((await reported(world)).body)["status"] == "DELIVRD"


def test_templates_are_filled_in_one_pass() -> None:
    wanted = composing.Composed("https://a.example/", "POST", body="{{a}}{{b}}")
    assert composing.compose(wanted, {"a": "{{b}}", "b": "x"}).body == b"{{b}}x"
