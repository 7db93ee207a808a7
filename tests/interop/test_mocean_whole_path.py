"""The published Mocean SDK for Python sends through the real gateway, over simulated SMSCs, and gets its report by PUT.

Nothing of the SDK is changed but its base_url. It blocks, so it runs in a thread.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import aiohttp
import pytest
from moceansdk import Basic, Client, MoceanErrorException

from smpp.simulator import Rule, Script, ThrowAwayTls, throw_away_tls
from smpp.wire.pdu import SubmitSm
from tests.whole_path import PATIENCE_SECONDS, Receiver, WholePath, whole_path

pytestmark = pytest.mark.interop

TO = "60123456789"
HELLO = {"mocean-from": "ME", "mocean-to": TO, "mocean-text": "Hi"}
CREDENTIALS = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret"}


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def path(tmp_path: Path, tls: ThrowAwayTls) -> AsyncIterator[WholePath]:
    async with whole_path(tmp_path, tls) as everything:
        yield everything


def sdk(path: WholePath, auth: Basic | None = None) -> Any:
    return Client(auth or Basic("mkey", "msecret"), {"base_url": f"{path.url}/mocean"})


def sent(path: WholePath) -> list[SubmitSm]:
    """What the SMSC saw."""
    return [entry.message for entry in path.simulator.log if isinstance(entry.message, SubmitSm)]


async def reports(taker: Receiver, count: int) -> list[dict[str, str]]:
    """Delivery reports as they came: all by PUT, as forms."""
    received = await taker.wait_for(count)
    assert {one.method for one in received} == {"PUT"}
    assert {one.path for one in received} == {"/dlr"}
    assert {one.headers["Content-Type"] for one in received} == {"application/x-www-form-urlencoded"}
    return [dict(parse_qsl(one.body.decode(), strict_parsing=True)) for one in received]


async def test_sdk_sends_and_gets_its_delivery_report_by_put(path: WholePath) -> None:
    sms = sdk(path).sms.set_dlr_url(f"{path.receiver.url}/dlr")

    answer = await asyncio.to_thread(sms.send, dict(HELLO))

    assert (answer.messages[0].status, answer.messages[0].receiver) == ("0", TO)
    assert await reports(path.receiver, 1) == [
        {
            "mocean-from": TO,
            "mocean-to": "ME",
            "mocean-dlr-status": "1",
            "mocean-msgid": answer.messages[0].msgid,
            "mocean-error-code": "0",
        }
    ]
    (message,) = sent(path)
    assert (message.source_addr, message.destination_addr, message.short_message) == ("ME", TO, b"Hi")
    await path.simulator.drained(PATIENCE_SECONDS)
    assert all(receipt.server != path.simulator.log[0].server for receipt in path.simulator.deliveries)


async def test_sdk_sends_to_several_receivers_and_each_gets_its_own_report(path: WholePath) -> None:
    sms = sdk(path).sms
    sms.add_to("60111111111").add_to("60122222222").set_dlr_url(f"{path.receiver.url}/dlr")

    answer = await asyncio.to_thread(sms.send, {"mocean-from": "ME", "mocean-text": "\u4f60\u597d"})

    by_id = {item.msgid: item.receiver for item in answer.messages}
    assert {one["mocean-msgid"]: one["mocean-from"] for one in await reports(path.receiver, 2)} == by_id
    assert {message.data_coding for message in sent(path)} == {8}
    assert {message.short_message for message in sent(path)} == {bytes.fromhex("4f60 597d")}


async def test_sdk_is_told_of_a_message_that_was_not_delivered(path: WholePath) -> None:
    path.simulator.script = Script(rules=(Rule(receipt_state="UNDELIVERABLE", error="001"),))
    sms = sdk(path).sms.set_dlr_url(f"{path.receiver.url}/dlr")

    answer = await asyncio.to_thread(sms.send, dict(HELLO))

    (report,) = await reports(path.receiver, 1)
    assert report["mocean-msgid"] == answer.messages[0].msgid
    assert report["mocean-dlr-status"] == "2"


async def test_sdk_asks_for_the_state_of_a_message(path: WholePath) -> None:
    client = sdk(path)
    answer = await asyncio.to_thread(client.sms.set_dlr_url(f"{path.receiver.url}/dlr").send, dict(HELLO))
    await path.receiver.wait_for(1)

    state = await asyncio.to_thread(client.message_status.inquiry, {"mocean-msgid": answer.messages[0].msgid})

    assert (state.status, state.message_status, state.msgid) == ("0", "1", answer.messages[0].msgid)


async def test_sdk_with_a_wrong_secret_raises_its_own_error(path: WholePath) -> None:
    with pytest.raises(MoceanErrorException) as raised:
        await asyncio.to_thread(sdk(path, Basic("mkey", "wrong")).sms.send, dict(HELLO))
    assert raised.value.error_response.messages[0].status == "1"
    assert not path.simulator.log


async def post(path: WholePath, **form: str) -> ElementTree.Element:
    """A request without mocean-resp-format; the answer has to be XML."""
    async with aiohttp.request("POST", f"{path.url}/mocean/rest/2/sms", data=form) as answer:
        text = await answer.text()
        assert answer.content_type in ("text/xml", "application/xml"), text
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
        return ElementTree.fromstring(text)  # noqa: S314 - our own answer


def field(answer: ElementTree.Element, name: str) -> str:
    (element,) = answer.iter(name)
    return element.text or ""


async def test_answer_is_xml_unless_json_is_asked_for(path: WholePath) -> None:
    answer = await post(
        path, **CREDENTIALS, **HELLO, **{"mocean-dlr-mask": "1", "mocean-dlr-url": f"{path.receiver.url}/dlr"}
    )
    assert (field(answer, "status"), field(answer, "receiver")) == ("0", TO)
    (report,) = await reports(path.receiver, 1)
    assert report["mocean-msgid"] == field(answer, "msgid")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({**HELLO, "mocean-api-key": "mkey", "mocean-api-secret": "wrong"}, "1"),
        (HELLO, "1"),
        ({**CREDENTIALS, "mocean-from": "ME", "mocean-to": TO}, "23"),
        ({**CREDENTIALS, **HELLO, "mocean-to": "nobody"}, "28"),
        ({**CREDENTIALS, **HELLO, "mocean-schedule": "2030-01-01"}, "26"),
    ],
    ids=["wrong secret", "no credentials", "no text", "bad number", "bad schedule"],
)
async def test_error_is_xml_unless_json_is_asked_for(path: WholePath, form: dict[str, str], status: str) -> None:
    answer = await post(path, **form)
    assert field(answer, "status") == status
    assert field(answer, "err_msg")
    assert not path.simulator.log
