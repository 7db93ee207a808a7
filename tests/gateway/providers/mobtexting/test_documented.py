"""Every call of the document that is served here: its own sample of a request, and the message and keys of its answer.

The document's samples have placeholders for ids, which stand here in braces; what is inside their `data` has been lost
in it, and is known from the provider's public repository.
"""

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from gateway.models import State
from gateway.providers.mobtexting.dialect import SERVED
from gateway.providers.mobtexting.endpoints import DOCUMENTED
from gateway.providers.ports import Price
from tests.gateway.providers.fakes import CODE, World
from tests.gateway.providers.mobtexting.calls import said, uploaded

ONE = ("code", "data", "message", "status")
MANY = ("code", "data", "links", "message", "meta", "status")
SENDER = {"country_code": "IN", "entity_id": "123233434355345555", "entity_name": "SAMPLE COMPANY", "service": "ENT"}
TEMPLATE = {"body": "testing sms 1", "sender": "{sender_name}", "template_id": "1107", "type": "T"}
CHANNEL = {"name": "sms", "from": "DEMO", "template": "Your code is {token}", "order": 1, "wait": 30}
WEBHOOK_KEYS = ("id", "name", "uri", "secret", "verification_code", "status", "created_at", "updated_at")
SENDER_KEYS = (
    "id", "name", "service", "entity_name", "entity_id", "header_id", "iso", "message", "document", "is_open",
    "purpose", "status", "created_at", "updated_at",
)  # fmt: skip
TEMPLATE_KEYS = (
    "id", "sender_id", "template_id", "template_type", "sender", "name", "alias", "body", "body_length", "match_count",
    "percentage", "is_complete", "is_english", "status", "created_at", "updated_at",
)  # fmt: skip
UNSUBSCRIBER_KEYS = ("id", "iso", "receiver", "type", "value", "created_at")
BLOCKED_KEYS = ("id", "template_id", "status")
SUBSCRIPTION_KEYS = ("id", "event", "identity", "payload", "webhook_id", "created_at")
SENT_KEYS = (
    "id", "mobile", "status", "units", "length", "charges", "customid", "iso_code", "submitted_at",
)  # fmt: skip
QUEUED_KEYS = ("id", "channel", "from", "to", "credits", "created_at", "status", "foreign_id")
STATUS_KEYS = (
    "id", "mobile", "status", "units", "service", "length", "charges", "custom", "custom1", "location", "provider",
    "submitted_at", "delivered_at", "sender",
)  # fmt: skip
PRICE_KEYS = (
    "iso", "country_name", "calling_code", "sale_price", "service", "service_name", "currency", "status", "created_at",
    "updated_at",
)  # fmt: skip


class Call(NamedTuple):
    """One of the document's."""

    method: str
    path: str
    body: Any
    message: str | None
    keys: tuple[str, ...]
    inner: tuple[str, ...] = ()
    """Of what `data` holds."""


CALLS = (
    Call("GET", "developer/webhooks?filter[name]={webhook}", None, "OK", MANY, WEBHOOK_KEYS),
    Call(
        "POST",
        "developer/webhooks",
        {"name": "n", "uri": "https://a.example/"},
        "Created Successfully",
        ONE,
        WEBHOOK_KEYS,
    ),
    Call("GET", "developer/webhooks/{webhook}", None, "OK", ONE, WEBHOOK_KEYS),
    Call(
        "PUT",
        "developer/webhooks/{webhook}",
        {"name": "m", "uri": "https://b.example/", "status": "1"},
        "Updated Successfully",
        ONE,
        WEBHOOK_KEYS,
    ),
    Call("DELETE", "developer/webhooks/{webhook}", None, "Deleted Successfully", ONE),
    Call("GET", "developer/subscriptions", None, "Subscriptions List", MANY, SUBSCRIPTION_KEYS),
    Call(
        "POST",
        "developer/subscriptions",
        {"event": "vmn:message:in", "identity": "all", "webhook_id": "{webhook}"},
        "Subscription Saved Successfully",
        ONE,
        SUBSCRIPTION_KEYS,
    ),
    Call("GET", "developer/subscriptions/{subscription}", None, "Subscription", ONE, SUBSCRIPTION_KEYS),
    Call("DELETE", "developer/subscriptions/{subscription}", None, "Subscription Deleted Successfully", ONE),
    Call("GET", "/api/v3/auth/token/generate", None, None, ("access_token", "expires_in", "token_type")),
    Call("GET", "/api/v3/auth/token/refresh", None, None, ("access_token", "expires_in", "token_type")),
    Call("GET", "sms/senders?filter[name]=SEMABC", None, "Senders List", MANY, SENDER_KEYS),
    Call("POST", "sms/senders", {**SENDER, "name": "SEMXYZ"}, "Sender Saved Successfully", ONE, SENDER_KEYS),
    Call("GET", "sms/senders/{sender}", None, "Sender Data", ONE, SENDER_KEYS),
    Call(
        "PUT",
        "sms/senders/{sender}",
        {"country_code": "IN", "entity_id": "12345679", "entity_name": "testing", "service": "ENT"},
        "Sender Updated Successfully",
        ONE,
        SENDER_KEYS,
    ),
    Call("DELETE", "sms/senders/{sender}", None, "Deleted Successfully", ONE),
    Call("GET", "sms/templates?filter[name]=variable", None, "Templates List", MANY, TEMPLATE_KEYS),
    Call("POST", "sms/templates", {**TEMPLATE, "name": "test1"}, "Template Saved Successfully", ONE, TEMPLATE_KEYS),
    Call("GET", "sms/templates/{template}", None, "Template Data", ONE, TEMPLATE_KEYS),
    Call(
        "PUT",
        "sms/templates/{template}",
        {"body": "temp12", "is_english": "1", "name": "SENDER", "template_id": "1108", "type": "T"},
        "Template Updated Successfully",
        ONE,
        TEMPLATE_KEYS,
    ),
    Call("DELETE", "sms/templates/{template}", None, "Template deleted successfully", ONE),
    Call(
        "GET",
        "sms/suppressions/unsubscribers?filter[type]=tag&filter[value]=tag1",
        None,
        "Unsubscribers list",
        MANY,
        UNSUBSCRIBER_KEYS,
    ),
    Call(
        "POST",
        "sms/suppressions/unsubscribers",
        {"receiver": "917600000001", "type": "tag", "value": "tag1"},
        "Receiver added successfully",
        ONE,
        UNSUBSCRIBER_KEYS,
    ),
    Call("DELETE", "sms/suppressions/unsubscribers", None, "Deleted Successfully", ONE),
    Call("GET", "sms/suppressions/unsubscribers/{unsubscriber}", None, "Unsubscribers data", ONE, UNSUBSCRIBER_KEYS),
    Call(
        "PUT",
        "sms/suppressions/unsubscribers/{unsubscriber}",
        {"receiver": "917600000000", "type": "tag", "value": "tag2"},
        "Receiver update successfully",
        ONE,
        UNSUBSCRIBER_KEYS,
    ),
    Call("DELETE", "sms/suppressions/unsubscribers/{unsubscriber}", None, "Deleted Successfully", ONE),
    Call(
        "GET",
        "sms/suppressions/templates?filter[template_id]=9864&filter[status]=1",
        None,
        "Block templates list",
        MANY,
        BLOCKED_KEYS,
    ),
    Call(
        "POST",
        "sms/suppressions/templates",
        {"status": "1", "template_id": "9865"},
        "Block template added successfully",
        ONE,
        BLOCKED_KEYS,
    ),
    Call("DELETE", "sms/suppressions/templates", None, "Deleted Successfully", ONE),
    Call("GET", "sms/suppressions/templates/{blocked}", None, "Block template data", ONE, BLOCKED_KEYS),
    Call(
        "PUT",
        "sms/suppressions/templates/{blocked}",
        {"status": "1", "template_id": "986458"},
        "Block template updated successfully",
        ONE,
        BLOCKED_KEYS,
    ),
    Call("DELETE", "sms/suppressions/templates/{blocked}", None, "Deleted Successfully", ONE),
    Call(
        "POST",
        "sms/send",
        {
            "sender": "demo",
            "to": ["918921269000"],
            "message": "Your OTP is 123456",
            "service": "ENT",
            "time": "2023-12-10 14:06:10",
            "type": "A",
            "flash": 1,
            "custom": "12345",
            "port": "3908",
            "entity_id": "12345678",
            "template_id": "98456363",
            "max_units": 2,
            "webhook_id": "{webhook}",
            "meta": {"tags": ["tag1"]},
        },
        "1 numbers accepted for delivery.",
        ("data", "message", "group_id", "status"),
        SENT_KEYS,
    ),
    Call(
        "POST",
        "sms/send/template",
        {
            "alias": "variable",
            "data": {"name": "Demo", "email": "demo@example.com", "phone": "917600000000"},
            "meta": {"webhook_id": "{webhook}", "foreign_id": "1", "tags": ["tag1"], "flash": 0},
            "recipient": {"to": ["918921269000", "918921269001"]},
        },
        "2 numbers accepted for delivery.",
        ("status", "message", "group_id", "data"),
        SENT_KEYS + QUEUED_KEYS,
    ),
    Call(
        "POST",
        "sms/message/send",
        {
            "channels": [
                {
                    "name": "sms",
                    "from": "demo",
                    "meta": {
                        "service": "ENT",
                        "template_id": "98456363",
                        "entity_id": "1",
                        "foreign_id": "f",
                        "type": "A",
                        "tags": ["tag1"],
                        "max_units": "3",
                    },
                }
            ],
            "message": {"type": "text", "payload": {"text": "Hello"}},
            "recipient": {"to": ["918921269000"]},
        },
        "Message(s) Queued successfully",
        ("data", "message", "status"),
        QUEUED_KEYS,
    ),
    Call("GET", "sms/status?id={message}", None, "OK", ONE, STATUS_KEYS),
    Call(
        "GET", "sms/pricing?filter[iso]=RO&filter[service]=T&filter[status]=1", None, "Pricing List", MANY, PRICE_KEYS
    ),
    Call("GET", "verify/profiles?filter[name]=Demo&filter[status]=1", None, "Profiles List", MANY),
    Call("POST", "verify/profiles", {"name": "profileName", "status": "1"}, "Profile Created Successfully", ONE),
    Call("GET", "verify/profiles/{profile}", None, "Profile List", ONE),
    Call("PUT", "verify/profiles/{profile}", {"name": "Demo", "status": "0"}, "Profile Updated Successfully", ONE),
    Call("DELETE", "verify/profiles/{profile}", None, "Profile Deleted Successfully", ONE),
    Call("POST", "verify/profiles/{profile}/channels", {"channels": [CHANNEL]}, "Channel Added Successfully", ONE),
    Call("PUT", "verify/profiles/{profile}/channels", {"channels": [CHANNEL]}, "Channel Updated Successfully", ONE),
    Call("PUT", "verify/profiles/{profile}/channels/sms", CHANNEL, "Channel Updated Successfully", ONE),
    Call("DELETE", "verify/profiles/{profile}/channels/sms", None, "Channel Deleted Successfully", ONE),
    Call(
        "POST",
        "verify/send",
        {
            "channels": [{"name": "sms", "from": "DEMO", "recipient": {"to": "918921269000"}}],
            "payload": {"length": 6, "timeout": 100, "foreign_id": "123456", "template": "Your code is {token}"},
        },
        None,
        ("id", "status", "to", "foreign_id", "created_at", "expire_at"),
    ),
    Call(
        "POST",
        "verify/omni/send",
        {"profile": "Demo", "recipient": {"to": "918921269000"}, "payload": {"length": 4}},
        None,
        ("id", "status", "foreign_id", "created_at", "expire_at"),
    ),
    Call("GET", "verify/check/{code}/" + CODE, None, None, ("id", "status")),
    Call(
        "GET",
        "verify/search/{code}",
        None,
        None,
        ("id", "to", "reference", "status", "created_at", "expire_at", "channels"),
    ),
    Call("GET", "verify/cancel/{code}", None, None, ("id", "status")),
    Call("GET", "finance/balance", None, "OK", ONE),
)
UPLOADED = {
    "sms/suppressions/unsubscribers/import": "Receivers accepted for import",
    "sms/suppressions/templates/import": "Blocked templates accepted for import",
}
NOT_HERE = {("POST", "finance/credits")}
"""Tried with the rest of money: it needs another key."""


@pytest.fixture
async def names(world: World) -> dict[str, str]:
    """What the document's placeholders stand for."""

    async def made(path: str, body: Any) -> str:
        status, content = await said(world, "POST", path, body)
        assert status == 200, content
        return str(content.get("data", content)["id"])

    world.ledger.list = [Price(prefix="40", amount=Decimal("0.045"), currency="EUR", country="RO")]
    webhook = await made("developer/webhooks", {"name": "mine", "uri": "https://app.example/"})
    event = {"event": "sms:unsubscription", "identity": "all", "webhook_id": webhook}
    body = "Dear {{name}}, Thanks for registering with us: {{email}}, {{phone}}."
    profile = await made("verify/profiles", {"name": "Demo"})
    await said(world, "POST", f"verify/profiles/{profile}/channels", {"channels": [CHANNEL]})
    otp = {"channels": [{"name": "sms", "from": "DEMO", "recipient": {"to": "918921269000"}}], "payload": {"length": 4}}
    sms = {"sender": "demo", "to": "918921269000", "message": "Hi", "service": "T"}
    _, sent = await said(world, "POST", "sms/send", sms)
    world.behind.lookup.set_state("m1", State.DELIVERED)
    return {
        "webhook": webhook,
        "subscription": await made("developer/subscriptions", event),
        "sender": await made("sms/senders", {**SENDER, "name": "SEMABC"}),
        "sender_name": "SEMABC",
        "template": await made("sms/templates", {**TEMPLATE, "sender": "SEMABC", "name": "variable", "body": body}),
        "unsubscriber": await made(
            "sms/suppressions/unsubscribers", {"receiver": "917600000000", "type": "tag", "value": "tag1"}
        ),
        "blocked": await made("sms/suppressions/templates", {"template_id": "9864"}),
        "profile": profile,
        "code": await made("verify/send", otp),
        "message": sent["data"][0]["id"],
    }


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, known in names.items():
            value = value.replace(f"{{{name}}}", known)
        return value
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    return {key: filled(one, names) for key, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path.partition('?')[0]}")
async def test_call_is_answered_as_the_document_has_it(world: World, names: dict[str, str], call: Call) -> None:
    status, content = await said(world, call.method, filled(call.path, names), filled(call.body, names))
    assert status == 200, content
    assert content.get("message") == call.message
    assert set(call.keys) <= set(content)
    data = content.get("data")
    shown = data[0] if isinstance(data, list) and call.inner and data else data
    if call.inner:
        assert set(call.inner) <= set(shown)


@pytest.mark.parametrize("path", UPLOADED)
async def test_file_is_taken_as_the_document_has_it(world: World, path: str) -> None:
    status, content = await uploaded(
        world, path, {"caption": "mine", "filename": "numbers"}, "a.txt", b"918921269000\n"
    )
    assert (status, content["message"], content["status"]) == (200, UPLOADED[path], "OK")


def test_every_call_of_the_document_that_is_served_is_tried() -> None:
    tried = {(call.method, call.path.partition("?")[0]) for call in CALLS} | {("POST", path) for path in UPLOADED}
    for row in DOCUMENTED:
        if row.served == "pass":
            continue
        pieces = row.path.removeprefix("/api/v2/").split("/")
        key = (row.method, row.path.removeprefix("/api/v2/"))
        fits = [
            path
            for method, path in tried
            if method == row.method
            and len(path.split("/")) == len(pieces)
            and all(is_same(ours, theirs) for ours, theirs in zip(path.split("/"), pieces, strict=True))
        ]
        assert fits or key in NOT_HERE, row
        assert (row.method, row.path) in SERVED


def is_same(ours: str, theirs: str) -> bool:
    """A brace stands for anything but another word of the path."""
    return ours == theirs or (theirs.startswith("{") and (ours.startswith("{") or ours in ("sms", CODE)))
