"""The public application on loopback, with stand-ins behind it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.http import HttpLimits, runner_options
from gateway.providers import PROVIDERS
from gateway.web.app import build_app
from tests.gateway.web.fakes import Behind, Client

SMALL = HttpLimits(body_bytes=20_000, body_seconds=0.2, batch_items=5, shutdown_seconds=1.0)


@pytest.fixture
def behind() -> Behind:
    return Behind.fresh()


@pytest.fixture
async def client(behind: Behind) -> AsyncIterator[Client]:
    async def is_healthy() -> bool:
        return True

    mocean = PROVIDERS["mocean"]
    app = build_app(
        behind.services, dialects={mocean.prefix: mocean.make_dialect()}, is_healthy=is_healthy, limits=SMALL
    )
    server = TestServer(app)
    await server.start_server(**runner_options(SMALL))
    async with TestClient(server, auto_decompress=False) as started:
        yield started
