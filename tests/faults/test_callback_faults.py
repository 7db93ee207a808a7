"""Receivers of callbacks that hang, err and come back: others do not notice, and nobody is left out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.whole_path import Receiver, WholePath, receiver, whole_path


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


class BlackHole:
    """Takes connections and requests, and never says a word."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self._ended = asyncio.Event()

    async def swallow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._ended.wait()
        writer.close()

    def let_go(self) -> None:
        self._ended.set()


@asynccontextmanager
async def black_hole() -> AsyncIterator[BlackHole]:
    hole = BlackHole()
    server = await asyncio.start_server(hole.swallow, "127.0.0.1", 0)
    hole.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield hole
    finally:
        hole.let_go()
        server.close()
        await server.wait_closed()


async def send_to(path: WholePath, url: str, number: int, *, first: int) -> set[str]:
    """Messages whose reports go to a URL; their ids."""
    batch = [
        {"from": "INFO", "to": str(919000000000 + first + n), "text": "hi", "callback_url": url} for n in range(number)
    ]
    async with path.http.post("/api/v1/messages", json=batch) as answer:
        assert answer.status == 202
        return {accepted["id"] for accepted in await answer.json()}


def ids(taker: Receiver) -> set[str]:
    return {callback.json["message"]["id"] for callback in taker.received}


async def test_host_that_hangs_does_not_keep_others_waiting(tmp_path: Path, tls: ThrowAwayTls) -> None:
    more = "[node]\nshutdown_seconds = 2.0"
    async with black_hole() as hole, receiver() as other, whole_path(tmp_path, tls, more=more) as path:
        # Far more than the hanging host may have under way, and they are due first.
        await send_to(path, hole.url, 400, first=0)
        await path.simulator.wait_until(lambda: len(path.simulator.deliveries) == 400, 20)
        wanted = await send_to(path, path.receiver.url, 50, first=1000)
        wanted_there = await send_to(path, other.url, 50, first=2000)
        await path.receiver.wait_until(lambda _: ids(path.receiver) == wanted)
        await other.wait_until(lambda _: ids(other) == wanted_there)
        # No more at a time than a host gets, and it has not answered one of them.
        assert 1 <= hole.connections <= 10


async def test_host_that_errs_is_tried_again_and_told_once_it_is_well(tmp_path: Path, tls: ThrowAwayTls) -> None:
    webhooks = "retry_seconds = [0.1, 0.1, 0.1]\ncircuit_seconds = 1"
    async with receiver() as ill, whole_path(tmp_path, tls, webhooks=webhooks) as path:
        ill.status = 500
        wanted = await send_to(path, ill.url, 20, first=0)
        await ill.wait_for(8)
        ill.status = 204
        before = len(ill.received)
        await ill.wait_until(lambda _: {one.json["message"]["id"] for one in ill.received[before:]} == wanted)
