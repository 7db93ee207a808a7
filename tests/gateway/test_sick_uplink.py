"""One SMSC answers with system errors while its binds stand; another takes the traffic until the first works again."""

import asyncio
from pathlib import Path

from gateway import config as settings
from gateway.app import Gateway
from gateway.models import Message
from smpp.simulator import Rule, Script, Simulator
from tests.gateway.fakes import new_message
from tests.whole_path import config_text

PATIENCE_SECONDS = 60.0
HEALTH = """
[uplink.main.health]
min_answers = 10
pause_seconds = 0.5
pause_max_seconds = 1
probes = 3
[uplink.spare]
servers = ["{}"]
system_id = "demo"
password = "secret"
"""


async def test_traffic_leaves_an_smsc_that_fails_and_comes_back_when_it_works(tmp_path: Path) -> None:
    credentials = {"demo": "secret"}
    failing = Script(rules=(Rule(status=0x08, first=16),))
    async with (
        Simulator(["smpp://127.0.0.1:0"], credentials=credentials, script=failing, seed=1) as first,
        Simulator(["smpp://127.0.0.1:0"], credentials=credentials, seed=2) as second,
    ):
        text = config_text(
            tuple(first.urls), tmp_path, uplink="retry_seconds = 0.1", more=HEALTH.format(second.urls[0])
        ).replace('uplinks = ["main"]', 'uplinks = ["main", "spare"]')
        gateway = Gateway(settings.parse(text))
        await gateway.start()
        try:
            for name in ("main", "spare"):
                await gateway.uplinks[name].wait_bound(1, PATIENCE_SECONDS)
            health, sent = gateway._pipeline.health, list[Message]()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while health.is_well("main"):
                    sent += [await send(gateway) for _ in range(5)]
                    await asyncio.sleep(0.02)
                while not (health.is_well("main") and second.log):
                    sent.append(await send(gateway))
                    await asyncio.sleep(0.02)
                for message in sent:
                    while not await is_accepted(gateway, message):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
        finally:
            await gateway.stop()


async def send(gateway: Gateway) -> Message:
    (message,) = await gateway._intake.accept([new_message()])
    assert isinstance(message, Message)
    return message


async def is_accepted(gateway: Gateway, message: Message) -> bool:
    found = await gateway.store.message("shop", message.id)
    assert found is not None
    assert found.state.value not in ("failed", "rejected", "expired")
    return found.state.value in ("submitted", "enroute", "delivered")
