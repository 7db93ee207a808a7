"""A simulated provider, an uplink to it and what services do with it; no doors, a store in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from gateway import config as settings
from gateway.metrics import Metrics
from gateway.models import Callback, Inbound, Receipt
from gateway.networks import parse_networks
from gateway.providers.seams import ChannelState
from gateway.sealing import Sealer
from gateway.services.passthrough import PassThroughService
from gateway.services.reach import ProviderChannels, ProviderNetworks
from gateway.settings import Secret
from gateway.store import Store, open_store
from gateway.uplinks.addresses import CallbackAddresses
from gateway.uplinks.rest import RestUplink, Ways
from tests.gateway.providers.sim import SimProvider, running
from tests.gateway.rest_path import PROVIDERS

PUBLIC = "https://gw.example"
NOW = 1_800_000_000.0


@dataclass
class States:
    """Hears what became of orders."""

    heard: list[tuple[str, ChannelState]] = field(default_factory=list)

    async def on_channel_state(self, order_id: str, state: ChannelState, detail: str = "") -> None:
        self.heard.append((order_id, state))


@dataclass
class World:
    """Everything together."""

    provider: SimProvider
    uplink: RestUplink
    store: Store
    ways: PassThroughService
    channels: ProviderChannels
    networks: ProviderNetworks
    states: States
    metrics: Metrics

    async def owed(self) -> list[Callback]:
        """What apps are owed."""
        return await self.store.callbacks()

    def relay_id(self, url: str) -> str:
        """What a rewritten address names."""
        head, _, relay = url.rpartition("/")
        assert head == CallbackAddresses(PUBLIC, [SECRET]).address("way")
        return relay


SECRET = Secret("callback secret of tests")


async def _receipt(_receipt: Receipt) -> None:
    raise AssertionError("no receipt is expected")


async def _inbound(_inbound: Inbound) -> None:
    raise AssertionError("no message is expected")


@asynccontextmanager
async def world(
    kind: str, *, uplink: str = "", is_reachable: bool = True, sealer: Sealer | None = None
) -> AsyncIterator[World]:
    """One provider."""
    async with running(PROVIDERS[kind][0]()) as provider:
        text = f"""
[store]
url = "memory:"
[uplink.way]
{PROVIDERS[kind][1]}
base_url = "{provider.url}"
{uplink}
[account.shop]
api_keys = ["k1"]
[account.other]
api_keys = ["k2"]
"""
        config = settings.parse(text)
        store = await open_store("memory:", queue_limit=1000, commit_batch=100)
        metrics = Metrics()
        addresses = CallbackAddresses(PUBLIC if is_reachable else "", [SECRET])
        ways = Ways(_receipt, _inbound, store, addresses, metrics, poll_for_seconds=60.0, clock=lambda: NOW)
        way = RestUplink("way", config.uplink["way"], ways)
        service = PassThroughService(
            lambda: [way],
            store,
            addresses,
            exempt=parse_networks(["127.0.0.0/8"]),
            clock=lambda: NOW,
            sealer=sealer,
        )
        states = States()
        service.states = (states,)
        try:
            yield World(
                provider, way, store, service, ProviderChannels(service), ProviderNetworks(service), states, metrics
            )
        finally:
            await service.stop()
            await way.stop(1.0)
            await store.close()


def replaced(callback: Callback) -> Callback:
    """A callback without what the store makes up."""
    return msgspec.structs.replace(callback, id="")
