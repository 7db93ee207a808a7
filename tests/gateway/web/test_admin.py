"""The operator's listener."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.errors import StoreError
from gateway.networks import Network, parse_networks
from gateway.web.admin import build_admin_app
from tests.gateway.web.fakes import OPERATOR_KEY, SHOP_KEY, Client, FakeAuthenticator


@dataclass
class Condition:
    store_error: Exception | None = None
    ready: bool = True
    metrics_networks: tuple[Network, ...] = parse_networks(["127.0.0.0/8"])

    async def is_healthy(self) -> bool:
        if self.store_error is not None:
            raise self.store_error
        return True

    def is_ready(self) -> bool:
        return self.ready


@pytest.fixture
def condition() -> Condition:
    return Condition()


def admin_app(condition: Condition) -> web.Application:
    return build_admin_app(
        is_healthy=condition.is_healthy,
        is_ready=condition.is_ready,
        metrics=lambda: b"gateway_accepted_total 1.0\n",
        metrics_networks=condition.metrics_networks,
        authenticator=FakeAuthenticator(),
    )


@pytest.fixture
async def client(condition: Condition) -> AsyncIterator[Client]:
    async with TestClient(TestServer(admin_app(condition))) as started:
        yield started


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_healthy_and_ready(client: Client, prefix: str) -> None:
    assert await (await client.get(f"{prefix}/healthz")).json() == {"status": "ok"}
    assert await (await client.get(f"{prefix}/readyz")).json() == {"status": "ready"}


async def test_store_that_cannot_be_written_is_not_healthy(client: Client, condition: Condition) -> None:
    condition.store_error = StoreError("disk full")
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (503, {"status": "the store cannot be written"})


async def test_without_an_uplink_it_is_healthy_but_not_ready(client: Client, condition: Condition) -> None:
    condition.ready = False
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 503


async def test_metrics_are_prometheus_text(client: Client) -> None:
    response = await client.get("/metrics")
    assert (response.content_type, await response.text()) == ("text/plain", "gateway_accepted_total 1.0\n")


async def test_metrics_need_a_key_from_elsewhere(condition: Condition) -> None:
    condition.metrics_networks = parse_networks(["192.0.2.0/24"])
    async with TestClient(TestServer(admin_app(condition))) as client:
        assert (await client.get("/metrics")).status == 401
        assert (await client.get("/metrics", headers={"X-API-Key": SHOP_KEY})).status == 403
        assert (await client.get("/metrics", headers={"X-API-Key": OPERATOR_KEY})).status == 200


async def test_messages_are_not_taken_here(client: Client) -> None:
    response = await client.post("/api/v1/messages", json={})
    assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")
