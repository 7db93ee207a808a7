"""Every way in over every way out and back: four dialects and SMPP customers, over SMPP and four providers."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import aiohttp
import pytest

from smpp.simulator import ThrowAwayTls, throw_away_tls
from smpp.sms import gsm0338, split
from smpp.wire.pdu import SubmitSm
from tests.gateway.rest_path import PROVIDERS, rest_path
from tests.gateway.smsc_path import Inbox, submit
from tests.whole_path import Received, Receiver, whole_path

RECIPIENT: Final = "447911123456"
SENDER: Final = "INFO"
TEXTS: Final = {
    "short": "Your code is 4711",
    "long": "A long text with a € sign, " * 12,
    "long unicode": "Длинный текст 🙂 " * 12,
}
APPS: Final = """
[account.shop.mobtexting]
token = "mobtexting-token"
time_zone = "UTC"
[account.shop.lanck]
user = "luser"
password = "lpass"
[account.shop.checkmobi]
key = "checkmobi-key"
"""
DIALECTS: Final = ("mocean", "mobtexting", "lanck", "checkmobi")


@dataclass(frozen=True)
class Way:
    """A gateway with one way out."""

    url: str
    receiver: Receiver
    texts: Callable[[], list[str]]
    """What came out at the other end, each whole."""
    bind: Callable[[Inbox], Awaitable[Any]] | None = None


@asynccontextmanager
async def way_out(name: str, data: Path, tls: ThrowAwayTls) -> AsyncIterator[Way]:
    """The gateway, leaving by SMPP or through a provider."""
    if name == "smpp":
        async with whole_path(data, tls, more=APPS) as path:
            yield Way(path.url, path.receiver, lambda: _joined(path.simulator.log))
        return
    async with rest_path(name, data, more=APPS) as rest:
        url = f"http://{rest.gateway.addresses[0]}"
        yield Way(url, rest.receiver, lambda: [sms.text for sms in rest.provider.messages], rest.bind)


def _joined(log: Any) -> list[str]:
    """The texts that an SMSC was given, parts put together in the order of their numbers."""
    parts: dict[int, dict[int, str]] = {}
    for at, entry in enumerate(log):
        message = entry.message
        if not isinstance(message, SubmitSm):
            continue
        octets, reference, number = message.short_message, -at - 1, 1
        if message.esm_class & 0x40:
            header = octets[: octets[0] + 1]
            octets, reference, number = octets[len(header) :], header[3], header[5]
        text = octets.decode("utf-16-be") if message.data_coding == 8 else gsm0338.decode(octets)
        parts.setdefault(reference, {})[number] = text
    return ["".join(text for _, text in sorted(pieces.items())) for pieces in parts.values()]


# Apps: each sends a text as its provider's document says, and reads its report so.


async def mocean(http: aiohttp.ClientSession, way: Way, text: str) -> tuple[str, Callable[[Received], tuple[str, str]]]:
    form = {
        "mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-resp-format": "json",
        "mocean-from": SENDER, "mocean-to": RECIPIENT, "mocean-text": text,
        "mocean-dlr-mask": "1", "mocean-dlr-url": f"{way.receiver.url}/app",
    }  # fmt: skip
    async with http.post(f"{way.url}/mocean/rest/2/sms", data=form) as answer:
        (one,) = (await answer.json())["messages"]

    def read(report: Received) -> tuple[str, str]:
        fields = parse_qs(report.body.decode())
        return fields["mocean-msgid"][0], {"1": "delivered"}.get(fields["mocean-dlr-status"][0], "failed")

    return str(one["msgid"]), read


async def mobtexting(
    http: aiohttp.ClientSession, way: Way, text: str
) -> tuple[str, Callable[[Received], tuple[str, str]]]:
    headers = {"Authorization": "Bearer mobtexting-token"}
    base = f"{way.url}/mobtexting/api/v2"
    hook = {"name": "mine", "uri": f"{way.receiver.url}/app", "secret": "app-secret"}
    async with http.post(f"{base}/developer/webhooks", json=hook, headers=headers) as answer:
        webhook = (await answer.json())["data"]["id"]
    message = {"sender": SENDER, "to": RECIPIENT, "message": text, "service": "T", "webhook_id": webhook}
    async with http.post(f"{base}/sms/send", json=message, headers=headers) as answer:
        (one,) = (await answer.json())["data"]

    def read(report: Received) -> tuple[str, str]:
        assert report.headers["Authorization"] == "Bearer app-secret" and len(report.headers["Signature"]) == 64
        return report.json["id"], {"DELIVRD": "delivered"}.get(report.json["status"], "failed")

    return str(one["id"]), read


async def lanck(http: aiohttp.ClientSession, way: Way, text: str) -> tuple[str, Callable[[Received], tuple[str, str]]]:
    headers = {"Authorization": "Basic " + base64.b64encode(b"luser:lpass").decode()}
    form = {"number": f"+{RECIPIENT}", "text": text, "from": SENDER, "callbackUrl": f"{way.receiver.url}/app"}
    async with http.post(f"{way.url}/lanck/v1/sms", data=form, headers=headers) as answer:
        request_id = (await answer.json())["requestId"]

    def read(report: Received) -> tuple[str, str]:
        return report.json["requestId"], report.json["status"].lower()

    return str(request_id), read


async def checkmobi(
    http: aiohttp.ClientSession, way: Way, text: str
) -> tuple[str, Callable[[Received], tuple[str, str]]]:
    headers = {"Authorization": "checkmobi-key"}
    message = {"to": f"+{RECIPIENT}", "text": text, "from": SENDER, "notification_callback": f"{way.receiver.url}/app"}
    async with http.post(f"{way.url}/checkmobi/v1/sms/send", json=message, headers=headers) as answer:
        message_id = (await answer.json())["id"]

    def read(report: Received) -> tuple[str, str]:
        return report.json["id"], report.json["status"]

    return str(message_id), read


SENDERS: Final = {"mocean": mocean, "mobtexting": mobtexting, "lanck": lanck, "checkmobi": checkmobi}


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.mark.parametrize(
    ("way_in", "out"),
    [
        (way_in, out)
        for way_in in (*DIALECTS, "smpp")
        for out in ("smpp", *PROVIDERS)
        if (way_in, out) != ("smpp", "smpp")
    ],
)
async def test_a_text_leaves_whole_and_its_receipt_comes_home(
    way_in: str, out: str, tmp_path: Path, tls: ThrowAwayTls
) -> None:
    async with way_out(out, tmp_path, tls) as way:
        if way_in == "smpp":
            await customer(way)
        else:
            await app(way_in, way)
        assert sorted(way.texts()) == sorted(TEXTS.values())


async def app(name: str, way: Way) -> None:
    """Send every text and wait for its report."""
    async with aiohttp.ClientSession() as http:
        readers = dict([await SENDERS[name](http, way, text) for text in TEXTS.values()])
        read = next(iter(readers.values()))

        def ended(received: list[Received]) -> set[tuple[str, str]]:
            said = {read(report) for report in received if report.path == "/app"}
            return {(one, status) for one, status in said if status in ("delivered", "failed")}

        await way.receiver.wait_until(lambda received: len(ended(received)) == len(TEXTS))
        assert ended(way.receiver.received) == {(one, "delivered") for one in readers}


async def customer(way: Way) -> None:
    """Submit every text in parts and wait for the receipt of each part."""
    assert way.bind is not None
    inbox = Inbox()
    client = await way.bind(inbox)
    ids = []
    for reference, text in enumerate(TEXTS.values(), start=1):
        for segment in split(text, reference=reference):
            part = submit(segment.short_message, esm_class=segment.esm_class, data_coding=segment.data_coding)
            ids.append((await client.submit(part)).message_id)
    receipts = await inbox.wait_for(len(ids))
    assert sorted(receipt.id for receipt in receipts) == sorted(ids)
    assert {receipt.state.name for receipt in receipts if receipt.state is not None} == {"DELIVERED"}
