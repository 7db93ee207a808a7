"""Bodies that a dialect hands on piece by piece: in, out, over limits and broken off."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.http import LIMITS, HttpLimits
from gateway.providers.base import Dialect, Refusal, Services, WebAnswer, WebRequest
from gateway.web.dialects import DialectDoor

LONG = bytes(range(256)) * 4096


class Echo:
    """Hands back what it is handed, if it is to be streamed."""

    name = "echo"

    def __init__(self) -> None:
        self.refused: list[Refusal] = []
        self.breaks = False

    def streams(self, request: WebRequest) -> bool:
        return request.path.startswith("/stream")

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        if request.stream is None:
            return WebAnswer(status=200, content_type="text/plain", body=b"whole %d" % len(request.body))
        return WebAnswer(status=202, content_type="audio/mpeg", body=b"", stream=self._echo(request.stream))

    async def _echo(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            yield piece
            if self.breaks:
                raise RuntimeError("broken off")

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        self.refused.append(refusal)
        return WebAnswer(status=400, content_type="text/plain", body=b"")


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def client(echo: Echo) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app[LIMITS] = HttpLimits(body_bytes=1024, body_seconds=0.2)
    DialectDoor(cast(Dialect, echo), "/echo", cast(Services, None)).add_to(app)
    async with TestClient(TestServer(app)) as tester:
        yield tester


async def test_a_body_over_the_limit_passes_where_it_is_streamed(
    client: TestClient[web.Request, web.Application],
) -> None:
    async with client.post("/echo/stream", data=io.BytesIO(LONG)) as answer:
        assert answer.status == 202
        assert answer.headers["Content-Type"] == "audio/mpeg"
        assert await answer.read() == LONG


async def test_other_bodies_keep_their_limit(client: TestClient[web.Request, web.Application], echo: Echo) -> None:
    async with client.post("/echo/other", data=io.BytesIO(LONG)) as answer:
        assert answer.status == 400
    assert echo.refused == [Refusal.TOO_LARGE]
    async with client.post("/echo/other", data=b"abc") as answer:
        assert await answer.read() == b"whole 3"


async def test_an_answer_that_breaks_off_is_not_taken_for_whole(
    client: TestClient[web.Request, web.Application], echo: Echo
) -> None:
    echo.breaks = True

    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        async with client.post("/echo/stream", data=io.BytesIO(LONG)) as answer:
            await answer.read()


async def test_a_compressed_body_is_refused(client: TestClient[web.Request, web.Application], echo: Echo) -> None:
    async with client.post("/echo/stream", data=b"x", headers={"Content-Encoding": "gzip"}) as answer:
        assert answer.status == 400
    assert echo.refused == [Refusal.ENCODED]


async def test_a_body_that_stops_coming_ends_it(client: TestClient[web.Request, web.Application]) -> None:
    never = asyncio.Event()

    async def stall() -> AsyncIterator[bytes]:
        yield b"abc"
        await never.wait()

    with pytest.raises(aiohttp.ClientError):
        async with client.post("/echo/stream", data=stall()) as answer:
            await answer.read()
