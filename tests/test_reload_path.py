"""Another config under load: what is in force changes, no bind is dropped that need not be, no message is lost."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway import config as settings
from gateway.app import Gateway
from gateway.config import ConfigError
from smpp.simulator import Simulator
from smpp.wire.pdu import SubmitSm
from tests.whole_path import receiver

KEY = "shop-key"
PATIENCE_SECONDS = 60.0

CONFIG = """
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite:{data}/gateway.db"
[uplink.a]
servers = ["{a}"]
window = 20
reconnect_min_seconds = 0.05
[uplink.b]
servers = ["{b}"]
window = 20
reconnect_min_seconds = 0.05
[[route]]
uplinks = ["a"]
[account.shop]
api_keys = ["shop-key"]
default_sender = "SHOP"
[account.ops]
api_keys = ["ops-key"]
roles = ["admin"]
"""


@dataclass
class World:
    """A gateway whose config can be written anew, its SMSCs, and what was accepted."""

    gateway: Gateway
    file: Path
    a: Simulator
    b: Simulator
    http: aiohttp.ClientSession

    def change(self, old: str, new: str) -> None:
        """Write the file anew."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    async def send(self, text: str) -> str:
        """Have a message accepted; its id."""
        async with self.http.post("/api/v1/messages", json={"to": "447700900123", "text": text}) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == 202, body
            return str(body["id"])

    async def operate(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Ask over the admin listener."""
        url = f"http://{self.gateway.addresses[1]}/api/v1{path}"
        async with self.http.request(method, url, headers={"X-API-Key": "ops-key"}, **options) as answer:
            return answer.status, await answer.json()

    def seen(self, simulator: Simulator) -> Counter[str]:
        """The texts that an SMSC was sent, with how often."""
        return Counter(
            entry.message.short_message.decode() for entry in simulator.log if isinstance(entry.message, SubmitSm)
        )

    async def all_delivered(self, ids: set[str]) -> None:
        """Wait until every message has ended well."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            left = set(ids)
            while left:
                for one in sorted(left):
                    message = await self.gateway.store.message("shop", one)
                    assert message is not None
                    assert message.state.value not in ("failed", "expired"), message.error
                    assert not message.in_doubt
                    if message.state.value == "delivered":
                        left.discard(one)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(Simulator([["smpp://127.0.0.1:0"]], log_limit=100_000))
        b = await stack.enter_async_context(Simulator([["smpp://127.0.0.1:0"]], log_limit=100_000))
        file = tmp_path / "gateway.toml"
        file.write_text(CONFIG.format(data=tmp_path.as_posix(), a=a.urls[0], b=b.urls[0]))
        gateway = Gateway(settings.load(file), source=lambda: settings.load(file))
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        for name in ("a", "b"):
            await gateway.uplinks[name].wait_bound(1, PATIENCE_SECONDS)
        http = aiohttp.ClientSession(f"http://{gateway.addresses[0]}", headers={"X-API-Key": KEY})
        await stack.enter_async_context(http)
        yield World(gateway, file, a, b, http)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as one:
        yield one


class Load:
    """Messages sent one after the other by several senders, until it is stopped."""

    def __init__(self, world: World, senders: int = 8) -> None:
        self.world = world
        self.accepted: dict[str, str] = {}
        """Texts by id."""
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(senders)]

    async def _send(self, sender: int) -> None:
        number = 0
        while True:
            number += 1
            text = f"{sender}-{number}"
            self.accepted[await self.world.send(text)] = text

    async def grown_by(self, count: int) -> None:
        """Wait until so many more were accepted."""
        wanted = len(self.accepted) + count
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.accepted) < wanted:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0)

    async def stop(self) -> None:
        """Send no more; whoever waits for an answer gets it."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_a_changed_route_takes_effect_with_no_bind_dropped_and_no_message_lost(here: World) -> None:
    load = Load(here)
    await load.grown_by(100)
    assert not here.seen(here.b)
    here.change('uplinks = ["a"]', 'uplinks = ["b"]')
    status, done = await here.operate("POST", "/reload")
    assert (status, done) == (200, {"changed": ["route"], "restart_needed": [], "left_out": []})
    after = await here.send("after the reload")
    await load.grown_by(100)
    await load.stop()
    accepted = {**load.accepted, after: "after the reload"}
    await here.all_delivered(set(accepted))
    seen = here.seen(here.a) + here.seen(here.b)
    assert {text: seen[text] for text in accepted.values()} == dict.fromkeys(accepted.values(), 1)
    assert here.seen(here.b)["after the reload"] == 1
    assert [bind.reconnects for name in "ab" for bind in here.gateway.uplinks[name].binds] == [0, 0]
    assert (here.a.counters["binds"], here.b.counters["binds"]) == (1, 1)


async def test_an_uplink_with_other_settings_is_replaced_and_the_others_stay(here: World) -> None:
    load = Load(here)
    await load.grown_by(50)
    here.change(f'servers = ["{here.a.urls[0]}"]\nwindow = 20', f'servers = ["{here.a.urls[0]}"]\nwindow = 5')
    status, done = await here.operate("POST", "/reload")
    assert (status, done["changed"]) == (200, ["uplink.a"])
    await load.grown_by(50)
    await load.stop()
    await here.all_delivered(set(load.accepted))
    assert [bind.window for bind in here.gateway.uplinks["a"].binds] == [5]
    assert (here.a.counters["binds"], here.b.counters["binds"]) == (2, 1)
    seen = here.seen(here.a)
    assert {text: seen[text] for text in load.accepted.values()} == dict.fromkeys(load.accepted.values(), 1)


async def test_an_uplink_that_goes_leaves_its_messages_to_the_route(here: World) -> None:
    load = Load(here)
    await load.grown_by(50)
    text = here.file.read_text()
    cut = text[text.index("[uplink.a]") : text.index("[uplink.b]")]
    here.change(cut, "")
    here.change('uplinks = ["a"]', 'uplinks = ["b"]')
    status, done = await here.operate("POST", "/reload")
    assert (status, done["changed"]) == (200, ["uplink.a", "route"]), done
    await load.grown_by(50)
    await load.stop()
    assert list(here.gateway.uplinks) == ["b"]
    await here.all_delivered(set(load.accepted))
    seen = here.seen(here.a) + here.seen(here.b)
    assert {text: seen[text] for text in load.accepted.values()} == dict.fromkeys(load.accepted.values(), 1)


async def test_an_uplink_that_comes_is_used(here: World) -> None:
    here.change("[[route]]", f'[uplink.c]\ngroup = "b"\nservers = ["{here.b.urls[0]}"]\n[[route]]')
    here.change('uplinks = ["a"]', 'uplinks = ["c"]')
    status, _ = await here.operate("POST", "/reload")
    assert status == 200
    one = await here.send("over c")
    await here.all_delivered({one})
    message = await here.gateway.store.message("shop", one)
    assert message is not None
    assert message.uplink == "c"


async def test_a_bad_config_is_refused_and_the_old_one_stays(here: World) -> None:
    here.change('uplinks = ["a"]', 'uplinks = ["nowhere"]')
    status, answer = await here.operate("POST", "/reload")
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (422, "invalid_config", "route[0].uplinks[0]")
    for word in (str(here.file), "nowhere", "the name of an uplink"):
        assert word in answer["error"]["message"]
    await here.all_delivered({await here.send("as before")})
    with pytest.raises(ConfigError):
        await here.gateway.reload()


async def test_accounts_keys_and_senders_are_those_of_the_new_config(here: World) -> None:
    here.change('api_keys = ["shop-key"]', 'api_keys = ["new-key"]')
    here.change('default_sender = "SHOP"', 'default_sender = "NEW"')
    await here.gateway.reload()
    body = {"to": "447700900123", "text": "x"}
    async with here.http.post("/api/v1/messages", json=body) as answer:
        assert answer.status == 401
    async with here.http.post("/api/v1/messages", json=body, headers={"X-API-Key": "new-key"}) as answer:
        found = await here.gateway.store.message("shop", (await answer.json())["id"])
    assert found is not None
    assert found.sender == "NEW"


async def test_settings_that_need_a_restart_are_named(here: World) -> None:
    here.change("[[route]]", '[node]\nname = "other"\n[[route]]')
    done = await here.gateway.reload()
    assert (done.changed, done.restart_needed) == ((), ("node.name",))


async def test_what_is_kept_for_how_long_is_as_the_new_config_says(here: World) -> None:
    here.change("[[route]]", "[retention]\nmessage_days = 20\n[[route]]")
    done = await here.gateway.reload()
    assert (done.changed, done.restart_needed) == (("retention",), ())
    assert here.gateway._janitor._config.message_days == 20


async def test_a_paused_uplink_stays_paused_when_it_is_replaced(here: World) -> None:
    status, _ = await here.operate("POST", "/uplinks/a/pause")
    assert status == 200
    here.change(f'servers = ["{here.a.urls[0]}"]\nwindow = 20', f'servers = ["{here.a.urls[0]}"]\nwindow = 5')
    await here.gateway.reload()
    waiting = await here.send("waits")
    status, queue = await here.operate("GET", "/queue")
    assert [(line["uplink"], line["account"], line["messages"]) for line in queue["waiting"]] == [("a", "shop", 1)]
    assert not here.seen(here.a)
    await here.operate("POST", "/uplinks/a/resume")
    await here.all_delivered({waiting})


async def test_callbacks_are_signed_and_addressed_as_the_new_config_says(here: World) -> None:
    async with receiver() as old, receiver() as new:
        here.change("[account.ops]", f'callback_url = "{old.url}/cb"\n[account.ops]')
        here.change("[[route]]", '[webhooks]\nallow_private_networks = ["127.0.0.0/8"]\n[[route]]')
        done = await here.gateway.reload()
        assert done.changed == ("webhooks", "account.shop")
        await here.send("one")
        (first,) = await old.wait_for(1)
        assert "webhook-signature" not in {name.lower() for name in first.headers}
        here.change(f'callback_url = "{old.url}/cb"', f'callback_url = "{new.url}/cb"\nsigning_secret = "secret"')
        here.change('["127.0.0.0/8"]', '["127.0.0.0/8"]\nper_host = 2')
        await here.gateway.reload()
        await here.send("two")
        (second,) = await new.wait_for(1)
        assert "webhook-signature" in {name.lower() for name in second.headers}
        assert len(old.received) == 1
