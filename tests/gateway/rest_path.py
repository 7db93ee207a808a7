"""A gateway whose only way out is a simulated REST provider, with SMPP customers and HTTP apps, all on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from gateway import config as settings
from gateway.app import Gateway
from gateway.uplinks.rest import RestUplink
from smpp import Client, ClientConfig, SessionConfig, connect
from tests.gateway.providers import sim_checkmobi, sim_lanck, sim_mobtexting, sim_mocean
from tests.gateway.providers.sim import SimProvider, running
from tests.gateway.smsc_path import PASSWORD, PATIENCE_SECONDS, SYSTEM_ID, Inbox
from tests.ports import free_port
from tests.whole_path import API_KEY, Receiver, receiver

PROVIDERS: Final = {
    "mocean": (sim_mocean.SimMocean, sim_mocean.CONFIG),
    "mobtexting": (sim_mobtexting.SimMobtexting, sim_mobtexting.CONFIG),
    "lanck": (sim_lanck.SimLanck, sim_lanck.CONFIG),
    "checkmobi": (sim_checkmobi.SimCheckmobi, sim_checkmobi.CONFIG),
}
SECRET: Final = "callback secret of tests"


@dataclass(slots=True)
class RestPath:
    """Everything together."""

    gateway: Gateway
    provider: SimProvider
    receiver: Receiver
    http: aiohttp.ClientSession
    clients: list[Client] = field(default_factory=list)

    @property
    def uplink(self) -> RestUplink:
        """The way out."""
        uplink = self.gateway.uplinks["way"].current
        assert isinstance(uplink, RestUplink)
        return uplink

    @property
    def callback_url(self) -> str:
        """Where the provider calls back."""
        return self.gateway._addresses.address("way")

    async def bind(self, inbox: Inbox | None = None, *, window: int = 100) -> Client:
        """A customer, bound."""
        url = f"smpp://{SYSTEM_ID}:{PASSWORD}@127.0.0.1:{self.gateway.smpp_ports[0]}?bind=trx"
        config = ClientConfig(session=SessionConfig(window=window))
        client = connect(url, on_deliver=(inbox or Inbox()).take, config=config)
        await client.__aenter__()
        self.clients.append(client)
        return client

    async def send(self, **message: Any) -> dict[str, Any]:
        """POST /api/v1/messages; the answer has to be 202."""
        async with self.http.post("/api/v1/messages", json={"from": "INFO", "to": "447700900123", **message}) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == 202, body
            return body

    async def state(self, message_id: str, *states: str) -> str:
        """The message's state, once it is one of these."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.gateway.store.message("", message_id)
                assert message is not None
                if not states or message.state.value in states:
                    return message.state.value
                await asyncio.sleep(0.005)

    async def story(self, message_id: str) -> list[str]:
        """What happened to it."""
        return [event.state.value for event in await self.gateway.store.timeline(message_id)]


def config_text(
    kind: str,
    provider_url: str,
    data: Path,
    *,
    port: int,
    callbacks: str,
    uplink: str = "",
    more: str = "",
    is_reachable: bool = True,
) -> str:
    """A config with one uplink to a provider."""
    reach = f'public_url = "http://127.0.0.1:{port}"\ncallback_secrets = ["{SECRET}"]' if is_reachable else ""
    return f"""
[http]
listen = "127.0.0.1:{port}"
{reach}
[admin]
listen = "127.0.0.1:0"
[smpp]
listen = "127.0.0.1:0"
[store]
url = "sqlite:{data.as_posix()}/gateway.db"
[webhooks]
allow_private_networks = ["127.0.0.0/8"]
[uplink.way]
{PROVIDERS[kind][1]}
base_url = "{provider_url}"
reconnect_min_seconds = 0.05
reconnect_max_seconds = 0.1
retry_seconds = 0.05
throttle_seconds = 0.05
{uplink}
[[route]]
uplinks = ["way"]
[account.shop]
api_keys = ["{API_KEY}"]
callback_url = "{callbacks}/native"
inbound_url = "{callbacks}/inbound"
numbers = ["40404"]
mocean = {{ key = "mkey", secret = "msecret" }}
[account.shop.smpp]
system_id = "{SYSTEM_ID}"
password = "{PASSWORD}"
inbound = "webhook"
{more}
"""


@asynccontextmanager
async def rest_path(
    kind: str, data: Path, *, uplink: str = "", more: str = "", is_reachable: bool = True, final: str = "delivered"
) -> AsyncIterator[RestPath]:
    """A provider, and a gateway that leaves through it."""
    async with AsyncExitStack() as stack:
        provider: SimProvider = PROVIDERS[kind][0]()
        provider.final = final
        await stack.enter_async_context(running(provider))
        taker = await stack.enter_async_context(receiver())
        text = config_text(
            kind,
            provider.url,
            data,
            port=free_port(),
            callbacks=taker.url,
            uplink=uplink,
            more=more,
            is_reachable=is_reachable,
        )
        yield await stack.enter_async_context(started(text, provider, taker))


@asynccontextmanager
async def started(text: str, provider: SimProvider, taker: Receiver) -> AsyncIterator[RestPath]:
    """A gateway with this config."""
    gateway = Gateway(settings.parse(text))
    await gateway.start()
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with aiohttp.ClientSession(f"http://{gateway.addresses[0]}", headers=headers) as http:
        path = RestPath(gateway, provider, taker, http)
        if isinstance(provider, sim_mobtexting.SimMobtexting):
            # As its portal would have been told.
            provider.webhooks[sim_mobtexting.WEBHOOK] = path.callback_url
        try:
            yield path
        finally:
            for client in path.clients:
                await client.close()
            await gateway.stop()
