"""SMPP customer or HTTP app → gateway → REST provider → callback → deliver_sm or webhook, for each of the four."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.uplinks import unnamed
from smpp.constants import MessageState
from smpp.sms import split
from smpp.wire.pdu import SubmitSm
from tests.gateway.rest_path import PROVIDERS, RestPath, rest_path
from tests.gateway.smsc_path import PATIENCE_SECONDS, TO, Inbox, submit

TEXTS = {
    "short": "Your code is 4711",
    "gsm extension": "5€ {a_b} @",
    "unicode": "Привет 🙂",
    "long": "A long text with €, " * 20,
    "long unicode": "Длинный текст 🙂 " * 20,
}


@pytest.fixture(params=PROVIDERS)
async def path(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RestPath]:
    async with rest_path(request.param, tmp_path) as everything:
        yield everything


def cut(text: str, method: str = "udh8") -> list[SubmitSm]:
    """A text as customers cut it."""
    return [
        submit(
            segment.short_message,
            esm_class=segment.esm_class,
            data_coding=segment.data_coding,
            tlvs=segment.tlvs,
        )
        for segment in split(text, method=method, reference=99)
    ]


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_customers_message_leaves_whole_and_all_its_receipts_come(path: RestPath, kind: str) -> None:
    inbox = Inbox()
    client = await path.bind(inbox)
    parts = cut(TEXTS[kind])

    ids = [(await client.submit(part)).message_id for part in parts]
    receipts = await inbox.wait_for(len(parts))

    (sms,) = path.provider.messages
    assert (sms.text, sms.recipient, sms.sender) == (TEXTS[kind], TO, "INFO")
    assert len(set(ids)) == len(parts)
    assert sorted(receipt.id for receipt in receipts) == sorted(ids)
    assert {receipt.state for receipt in receipts} == {MessageState.DELIVERED}
    assert {said.status for said in path.provider.said} == {200}


@pytest.mark.parametrize("kind", TEXTS)
async def test_an_apps_message_leaves_and_is_reported(path: RestPath, kind: str) -> None:
    accepted = await path.send(text=TEXTS[kind])
    callbacks = await path.receiver.wait_for(1)

    (sms,) = path.provider.messages
    assert (sms.text, sms.recipient) == (TEXTS[kind], TO)
    report = callbacks[0].json["message"]
    assert (report["id"], report["state"]) == (accepted["id"], "delivered")


async def test_a_failure_comes_home_as_one(path: RestPath) -> None:
    path.provider.final = "failed"
    inbox = Inbox()
    client = await path.bind(inbox)

    submission = await client.submit(submit(b"hi"))
    (receipt,) = await inbox.wait_for(1)

    assert (receipt.id, receipt.state) == (submission.message_id, MessageState.UNDELIVERABLE)


async def test_a_message_from_a_handset_is_posted_once(path: RestPath, monkeypatch: pytest.MonkeyPatch) -> None:
    if path.uplink.kind == "checkmobi":
        pytest.skip("it has none")
    # One that has no id is sent once more a good while later.
    monkeypatch.setattr(unnamed, "TWINS_SECONDS", -1.0)
    for _ in range(2):
        said = await path.provider.send_inbound(path.callback_url, "447700900001", "40404", "Hello Мир")
        assert said.status == 200
    callbacks = await path.receiver.wait_for(1)

    assert [callback.json["message"]["text"] for callback in callbacks] == ["Hello Мир"]
    assert callbacks[0].json["message"]["from"] == "447700900001"


async def test_two_messages_that_say_the_same_in_one_second_are_two(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        for _ in range(2):
            await path.provider.send_inbound(path.callback_url, "447700900001", "40404", "YES")
        callbacks = await path.receiver.wait_for(2)

        assert [callback.json["message"]["text"] for callback in callbacks] == ["YES", "YES"]


POLLING = "poll_seconds = 0.05\npolls_per_second = 100"


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_without_a_way_to_us_the_provider_is_asked(kind: str, tmp_path: Path) -> None:
    async with rest_path(kind, tmp_path, uplink=POLLING, is_reachable=False, final="") as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        parts = cut(TEXTS["long"])
        ids = [(await client.submit(part)).message_id for part in parts]
        await path.provider.wait_until(lambda: bool(path.provider.messages))
        path.provider.messages[0].state = "delivered"
        receipts = await inbox.wait_for(len(parts))

        assert path.provider.messages[0].report_to == ""
        assert sorted(receipt.id for receipt in receipts) == sorted(ids)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await path.gateway.store.count_records("poll.way"):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
