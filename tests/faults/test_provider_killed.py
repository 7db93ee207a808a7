"""The gateway is killed while messages are on their way to a provider: none is lost, and none goes twice unmarked."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from smpp import connect
from smpp.constants import EsmClass, MessageState
from tests.faults.processes import GatewayProcess
from tests.gateway.providers.sim import Taken, running
from tests.gateway.rest_path import PROVIDERS, config_text
from tests.gateway.smsc_path import PASSWORD, SYSTEM_ID, Inbox, submit
from tests.ports import free_port
from tests.whole_path import PATIENCE_SECONDS, receiver

SINGLES = 60
PAIRS = 10


async def test_nothing_is_lost_when_it_is_killed(tmp_path: Path) -> None:
    provider = PROVIDERS["lanck"][0]()
    answered = 0

    async def slowly(_taken: Taken) -> web.StreamResponse | None:
        nonlocal answered
        await asyncio.sleep(0.05)
        answered += 1
        return None

    provider.instead = slowly
    smpp_port = free_port()
    async with running(provider), receiver() as taker:
        text = config_text("lanck", provider.url, tmp_path, port=free_port(), callbacks=taker.url)
        text = text.replace('[smpp]\nlisten = "127.0.0.1:0"', f'[smpp]\nlisten = "127.0.0.1:{smpp_port}"')
        config = tmp_path / "gateway.toml"
        config.write_text(text)
        gateway = GatewayProcess(config)
        try:
            await gateway.start()
            inbox = Inbox()
            pieces = await submit_pieces(smpp_port, 1, inbox)
            singles = await send_singles(gateway)
            await provider.wait_until(lambda: answered >= SINGLES // 4)
            await gateway.kill()

            provider.instead = None
            await gateway.start()
            pieces |= await submit_pieces(smpp_port, 2, inbox, wait_for=2 * PAIRS)
            await taker.wait_until(lambda _: {one.json["message"]["id"] for one in taker.received} >= singles)

            reports = {one.json["message"]["id"]: one.json["message"] for one in taker.received}
            assert {report["state"] for report in reports.values()} == {"delivered"}
            assert {receipt.id for receipt in inbox.receipts} == pieces
            assert {receipt.state for receipt in inbox.receipts} == {MessageState.DELIVERED}
            await assert_marked(gateway, singles, Counter(sms.text for sms in provider.messages))
        finally:
            await gateway.close()


async def submit_pieces(port: int, number: int, inbox: Inbox, *, wait_for: int = 0) -> set[str]:
    """Bind, submit one part of each long message, and wait for so many receipts; the ids of the parts."""
    url = f"smpp://{SYSTEM_ID}:{PASSWORD}@127.0.0.1:{port}?bind=trx"
    async with connect(url, on_deliver=inbox.take) as client:
        ids = set()
        for reference in range(PAIRS):
            header = bytes((5, 0, 3, reference, 2, number))
            sent = await client.submit(submit(header + b"pair %d.%d " % (reference, number), esm_class=EsmClass.UDHI))
            ids.add(sent.message_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await inbox.wait_until(lambda: len({receipt.id for receipt in inbox.receipts}) >= wait_for)
        return ids


async def send_singles(gateway: GatewayProcess) -> set[str]:
    messages = [{"from": "INFO", "to": "447700900123", "text": f"single {number}"} for number in range(SINGLES)]
    async with gateway.http.post("/api/v1/messages", json=messages) as answer:
        body: Any = await answer.json()
        assert answer.status in (200, 202), body
        rows = body if isinstance(body, list) else body["messages"]
        return {row["id"] for row in rows}


async def assert_marked(gateway: GatewayProcess, ids: set[str], copies: Counter[str]) -> None:
    """Everything arrived; what arrived twice was in doubt, and says so."""
    expected = {f"single {number}" for number in range(SINGLES)}
    expected |= {f"pair {number}.1 pair {number}.2 " for number in range(PAIRS)}
    assert copies.keys() == expected
    for message_id in ids:
        async with gateway.http.get(f"/api/v1/messages/{message_id}") as answer:
            view: Any = await answer.json()
        if copies[view["text"]] > 1:
            assert view["in_doubt"], view
    for number in range(PAIRS):
        assert copies[f"pair {number}.1 pair {number}.2 "] == 1
