"""A gateway that keeps everything in memory and reaches nobody, asked over HTTP as its users ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway import config as settings
from gateway.app import Gateway

CONFIG = """
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "memory:"
[webhooks]
allow_private_networks = ["127.0.0.0/8"]
[uplink.main]
servers = ["smpp://127.0.0.1:1"]
reconnect_min_seconds = 30
[uplink.spare]
servers = ["smpp://127.0.0.1:1", "smpp://localhost:1"]
reconnect_min_seconds = 30
[[route]]
name = "east"
prefix = "91"
uplinks = ["spare"]
[[route]]
name = "west"
prefix = "44"
uplinks = ["main"]
[account.shop]
api_keys = ["shop-key"]
default_sender = "SHOP"
callback_url = "https://127.0.0.1:1/shop"
numbers = ["40404"]
[account.other]
api_keys = ["other-key"]
default_sender = "OTHER"
[account.reader]
api_keys = ["reader-key"]
roles = ["read"]
[account.ops]
api_keys = ["ops-key"]
roles = ["admin"]
"""


@dataclass
class Running:
    """The gateway, and somebody who asks it."""

    gateway: Gateway
    http: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, *, key: str = "shop-key", admin: bool = False, **options: Any
    ) -> tuple[int, Any]:
        """Make a request; its status, and its JSON."""
        address = self.gateway.addresses[1 if admin else 0]
        headers = {"X-API-Key": key, **options.pop("headers", {})} if key else {}
        url = f"http://{address}/api/v1{path}"
        async with self.http.request(method, url, headers=headers, **options) as response:
            return response.status, await response.json() if response.content_type == "application/json" else None

    async def operate(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """The same as the operator."""
        return await self.ask(method, path, **{"key": "ops-key", "admin": True, **options})

    async def send(self, **message: Any) -> str:
        """Have a message accepted; its id."""
        key = message.pop("key", "shop-key")
        status, body = await self.ask(
            "POST", "/messages", key=key, json={"to": "447700900123", "text": "Hi", **message}
        )
        assert status == 202, body
        return str(body["id"])


@asynccontextmanager
async def running(text: str = CONFIG) -> AsyncIterator[Running]:
    """Start it."""
    gateway = Gateway(settings.parse(text), source=lambda: settings.parse(text))
    await gateway.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Running(gateway, http)
    finally:
        await gateway.stop()
