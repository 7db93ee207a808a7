"""What leaves for MOBtexting beside messages, and what comes back, as its document and its repository have it."""

import json
from typing import Any

import pytest

from gateway.providers.connecting import ConnectorSettings, HttpCall
from gateway.providers.mobtexting import spec
from gateway.providers.mobtexting.connector import MobtextingConnector
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelState
from gateway.settings import Secret
from tests.gateway.providers.connectors import posted, reply

TOKEN = "0123456789abcdef0123456789abcdef"
MOBTEXTING = MobtextingConnector(ConnectorSettings(token=Secret(TOKEN), service="T", webhook_id="hook"))
BEARER = (("Authorization", f"Bearer {TOKEN}"),)


def sent(call: HttpCall) -> tuple[str, str, Any]:
    assert call.headers == BEARER
    return call.method, call.path, json.loads(call.body) if call.body else None


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ({"code": 200, "data": {"T": "10.00"}, "message": "OK", "status": "OK"}, 200, ""),
        ({"status": 200, "message": "OK", "data": [{"service": "T", "name": "T", "credits": 10}]}, 200, ""),
        ({"message": "Unauthenticated."}, 401, "Unauthenticated."),
        ({"status": "error", "message": "Too Many Attempts."}, 429, "Too Many Attempts."),
    ],
)
def test_token_is_tried_by_asking_for_the_balance(answer: object, status: int, said: str) -> None:
    assert sent(MOBTEXTING.probe()) == ("GET", "/api/v2/finance/balance", None)
    told = MOBTEXTING.probed(reply(answer, status))
    assert said in told if said else told == ""


def test_text_to_speech_is_the_documents_sample() -> None:
    text = "A wish for you on your birthday"
    order = ChannelOrder(
        id="o-1", account="shop", channel="voice", number="918921269000", sender="918000000000", text=text
    )
    assert sent(MOBTEXTING.reach.order(order, "")) == (
        "POST",
        "/api/v2/outgoing/tts",
        {"bridge": "918000000000", "to": "918921269000", "text": text},
    )
    documented = {"data": [{"id": "c-1", "to": "918921269000"}], "message": "Calls queued successfully", "status": "OK"}
    repository = {"callId": "c-1", "message": "call initiated successfully", "status": 200}
    for answer in (documented, repository):
        assert MOBTEXTING.reach.ordered(order, reply(answer)).reference == "c-1"


@pytest.mark.parametrize("channel", ["whatsapp", "rcs", "viber"])
def test_message_of_another_channel_is_in_the_form_that_all_share(channel: str) -> None:
    order = ChannelOrder(id="o-1", account="shop", channel=channel, number="918921269000", sender="9180", text="Hello")
    assert sent(MOBTEXTING.reach.order(order, "")) == (
        "POST",
        f"/api/v2/{channel}/message/send",
        {
            "channels": [{"name": channel, "from": "9180", "meta": {"foreign_id": "o-1"}}],
            "message": {"type": "text", "payload": {"text": "Hello"}},
            "recipient": {"to": ["918921269000"]},
        },
    )
    row = {"id": "w-1", "channel": channel, "from": "9180", "to": "918921269000", "credits": 1, "foreign_id": "o-1"}
    answer = {"status": "OK", "message": "Messages queued successfully", "data": [{**row, "status": "queued"}]}
    assert MOBTEXTING.reach.ordered(order, reply(answer)).reference == "w-1"
    answer["data"] = [{**row, "status": "failed"}]
    with pytest.raises(ChannelRefused):
        MOBTEXTING.reach.ordered(order, reply(answer))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("sent", ChannelState.SENT),
        ("delivered", ChannelState.DELIVERED),
        ("read", ChannelState.READ),
        ("failed", ChannelState.FAILED),
        ("deleted", ChannelState.FAILED),
    ],
)
def test_statuses_of_other_channels_are_read(word: str, state: ChannelState) -> None:
    payload = {"id": "w-1", "channel": "whatsapp", "from": "9180", "to": "918921269000", "status": word}
    body = json.dumps({"event": "whatsapp:message:status", "payload": payload})
    assert MOBTEXTING.reach.channel_state(posted(body)) is state


@pytest.mark.parametrize("event", [name for name in spec.EVENTS if name != "sms:message:status"])
def test_every_event_of_the_document_is_taken(event: str) -> None:
    payload = {
        "id": "x-1",
        "channels": [{"name": "whatsapp", "to": "+9180000"}],
        "recipient": {"from": "918921269000", "user": {"name": "Ann"}},
        "message": {"type": "text", "payload": {"text": "Hello"}},
    }
    read = MOBTEXTING.callback(posted(json.dumps({"event": event, "payload": payload})))
    if event == "vmn:message:in":
        (inbound,) = read.inbound
        assert (inbound.sender, inbound.recipient, inbound.text) == ("918921269000", "9180000", "Hello")
        return
    assert (read.relay, read.reference) == (True, "x-1")
    assert read.event is not None
    assert (read.event.name, read.event.numbers, read.event.content["payload"]) == (event, ("9180000",), payload)


def test_unsubscription_that_is_flat_belongs_to_its_receiver() -> None:
    body = {"id": 7, "receiver": "918921269000", "type": "tag", "value": "tag1", "status": "Unsubscriber created"}
    read = MOBTEXTING.callback(posted(json.dumps(body)))
    assert (read.relay, read.reference, read.event) == (True, "7", None)
