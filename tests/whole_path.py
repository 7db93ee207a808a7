"""The whole path for tests: simulated SMSC servers, the gateway, a receiver of callbacks; all on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from gateway import config as settings
from gateway.app import Gateway
from smpp.simulator import Simulator, ThrowAwayTls

API_KEY = "test-api-key"
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Received:
    """One callback that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


@dataclass(slots=True)
class Receiver:
    """An HTTP server that takes callbacks."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    status: int = 200
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.Response:
        """Take one."""
        body = await request.read()
        self.received.append(Received(request.method, request.path, dict(request.headers), body))
        self._came.set()
        return web.Response(status=self.status)

    async def wait_until(self, predicate: Callable[[list[Received]], bool]) -> list[Received]:
        """Wait until what came satisfies the predicate."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not predicate(self.received):
                self._came.clear()
                await self._came.wait()
        return self.received

    async def wait_for(self, count: int) -> list[Received]:
        """Wait until so many came."""
        return await self.wait_until(lambda received: len(received) >= count)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    taker = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", taker.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    taker.port = runner.addresses[0][1]
    try:
        yield taker
    finally:
        await runner.cleanup()


def config_text(
    servers: tuple[str, ...],
    data: Path,
    *,
    callbacks: str = "",
    ca_file: Path | None = None,
    uplink: str = "",
    webhooks: str = "",
    more: str = "",
    http_port: int = 0,
    admin_port: int = 0,
) -> str:
    """A config with one uplink, one route and one account; lines may be added to a section, and sections at the end."""
    listed = ", ".join(f'"{server}"' for server in servers)
    return f"""
[http]
listen = "127.0.0.1:{http_port}"
[admin]
listen = "127.0.0.1:{admin_port}"
[store]
url = "sqlite:{data.as_posix()}/gateway.db"
[webhooks]
allow_private_networks = ["127.0.0.0/8"]
{webhooks}
[uplink.main]
servers = [{listed}]
system_id = "demo"
password = "secret"
reconnect_min_seconds = 0.05
reconnect_max_seconds = 0.2
{f'tls = {{ ca_file = "{ca_file.as_posix()}" }}' if ca_file else ""}
{uplink}
[[route]]
uplinks = ["main"]
[account.shop]
api_keys = ["{API_KEY}"]
callback_url = "{callbacks}"
inbound_url = "{callbacks}"
numbers = ["40404"]
mocean = {{ key = "mkey", secret = "msecret", token = "apit-token" }}
{more}
"""


@dataclass(slots=True)
class WholePath:
    """Everything together."""

    gateway: Gateway
    simulator: Simulator
    receiver: Receiver
    http: aiohttp.ClientSession
    """Speaks to the gateway's public listener."""

    @property
    def url(self) -> str:
        """The gateway's public address."""
        return f"http://{self.gateway.addresses[0]}"

    async def send(self, **message: Any) -> dict[str, Any]:
        """POST /api/v1/messages; the answer has to be 202."""
        async with self.http.post("/api/v1/messages", json=message) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == 202, body
            return body

    async def look_up(self, message_id: str) -> dict[str, Any]:
        """GET /api/v1/messages/{id}."""
        async with self.http.get(f"/api/v1/messages/{message_id}") as answer:
            assert answer.status == 200
            body: dict[str, Any] = await answer.json()
            return body


@asynccontextmanager
async def whole_path(
    tmp_path: Path,
    tls: ThrowAwayTls,
    *,
    uplink: str = "",
    webhooks: str = "",
    more: str = "",
    receipt_delay: float = 0.0,
) -> AsyncIterator[WholePath]:
    """Two SMSC servers, plain and TLS each, and a gateway bound to all four."""
    tls.write_ca(tmp_path / "ca.pem")
    servers = [["smpp://127.0.0.1:0", "smpps://127.0.0.1:0"], ["smpp://127.0.0.1:0", "smpps://127.0.0.1:0"]]
    simulator = Simulator(
        servers,
        credentials={"demo": "secret"},
        ssl_context=tls.server_context,
        receipt_route="other_server",
        receipt_delay=receipt_delay,
        seed=7,
    )
    async with simulator, receiver() as taker:
        text = config_text(
            simulator.urls,
            tmp_path,
            callbacks=taker.url + "/native",
            ca_file=tmp_path / "ca.pem",
            uplink=uplink,
            webhooks=webhooks,
            more=more,
        )
        gateway = Gateway(settings.parse(text))
        await gateway.start()
        try:
            await gateway.uplinks["main"].wait_bound(4, PATIENCE_SECONDS)
            headers = {"Authorization": f"Bearer {API_KEY}"}
            async with aiohttp.ClientSession(f"http://{gateway.addresses[0]}", headers=headers) as http:
                yield WholePath(gateway, simulator, taker, http)
        finally:
            await gateway.stop()
