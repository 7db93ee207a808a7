"""Kannel bound to the gateway's SMPP door as an ESME: what its callers send goes out, and its receipts come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bench.peers.gateways import Running, kannel, kannel_missing
from tests.gateway.smsc_path import PASSWORD, SYSTEM_ID, TO, smsc_path
from tests.interop.peers import missing
from tests.whole_path import PATIENCE_SECONDS, receiver

pytestmark = pytest.mark.interop


@asynccontextmanager
async def bound(folder: Path, port: int) -> AsyncIterator[Running]:
    """Kannel, bound to the port."""
    if reason := kannel_missing():
        missing("Kannel", reason)
    manager = kannel(folder, [port], callback_url="", system_id=SYSTEM_ID, password=PASSWORD)
    # The gateway lives on this loop: nothing here may hold it up.
    running = await asyncio.to_thread(manager.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def test_kannel_sends_and_gets_its_receipts(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path, receiver() as taker:
        async with bound(tmp_path / "kannel", path.gateway.smpp_ports[0]) as running, aiohttp.ClientSession() as http:
            texts = ["short", "with £ and €", "long " * 60]
            for number, text in enumerate(texts):
                # dlr-mask: delivered, failed, and taken by the SMSC.
                query = {
                    "username": "bench",
                    "password": "bench",
                    "from": "INFO",
                    "to": TO,
                    "text": text,
                    "charset": "utf-8",
                    "dlr-mask": "11",
                    "dlr-url": f"{taker.url}/{number}/%d",
                }
                async with http.get(f"http://127.0.0.1:{running.port}/cgi-bin/sendsms", params=query) as answer:
                    assert answer.status == 202, await answer.text()

            def told(kind: str) -> set[str]:
                paths = [one.path.split("/") for one in taker.received]
                return {number for _, number, its_kind in paths if its_kind == kind}

            everything = {str(number) for number in range(len(texts))}
            async with asyncio.timeout(PATIENCE_SECONDS):
                # 8: the door has answered; 1: delivered.
                while told("8") != everything or told("1") != everything:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await path.owed(0)
        # Single texts of at most 160 characters: it was told to cut nothing.
        assert len(path.seen()) == len(texts)
