"""What the operator does on one node holds on the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from gateway import config as settings
from gateway import steering
from gateway.app import Gateway
from gateway.errors import Unauthorized
from gateway.uplinks.managed import UplinkState
from tests.postgres import Cluster

PATIENCE_SECONDS = 60.0

CONFIG = """
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[node]
name = "{name}"
secret_key = "the same on every node"
shutdown_seconds = 2
[store]
url = "{url}"
[uplink.main]
servers = ["smpp://127.0.0.1:1"]
reconnect_min_seconds = 30
[[route]]
uplinks = ["main"]
[account.shop]
"""


@pytest.fixture
async def nodes(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Gateway, Gateway]]:
    monkeypatch.setattr(steering, "LOOK_SECONDS", 0.05)
    url = await postgres.new_url()
    async with AsyncExitStack() as stack:
        started = []
        for name in ("north", "south"):
            gateway = Gateway(settings.parse(CONFIG.format(name=name, url=url)))
            await gateway.start()
            stack.push_async_callback(gateway.stop)
            started.append(gateway)
        yield started[0], started[1]


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def opens(gateway: Gateway, key: str) -> bool:
    try:
        gateway._accounts.by_api_key(key)
    except Unauthorized:
        return False
    return True


async def test_uplinks_accounts_and_keys_are_shared(nodes: tuple[Gateway, Gateway]) -> None:
    north, south = nodes
    await north._operator.uplinks.pause("main")
    await eventually(lambda: south.uplinks["main"].state is UplinkState.PAUSED)
    await south._operator.accounts.add("acme", {"default_sender": "ACME"})
    await eventually(lambda: "acme" in north.config.account)
    made, key = await north._operator.keys.add("acme", ["send"])
    await eventually(lambda: opens(south, key))
    await south._operator.keys.revoke("acme", made.id)
    await eventually(lambda: not opens(north, key))
    assert [(node.name, node.is_alive) for node in await north._operator.nodes.nodes()] == [
        ("north", True),
        ("south", True),
    ]
