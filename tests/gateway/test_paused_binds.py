"""A server or a bind that the operator paused: nothing is sent to it, receipts come, and a restart changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway import config as settings
from gateway.app import Gateway
from gateway.models import Message
from smpp.simulator import Simulator
from tests.gateway.fakes import new_message
from tests.gateway.smsc_path import DoorPath
from tests.whole_path import config_text

PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def serving(simulator: Simulator, folder: Path) -> AsyncIterator[DoorPath]:
    gateway = Gateway(settings.parse(config_text(tuple(simulator.urls), folder, uplink="binds_per_server = 2")))
    await gateway.start()
    try:
        await gateway.uplinks["main"].wait_bound(4, PATIENCE_SECONDS)
        yield DoorPath(gateway, simulator)
    finally:
        await gateway.stop()


async def send(path: DoorPath, count: int) -> None:
    """Have so many messages delivered."""
    sent = await path.gateway._intake.accept([new_message(recipient=f"4477009{n:05}") for n in range(count)])
    for message in sent:
        assert isinstance(message, Message)
        assert await path.state(message.id, "delivered") == "delivered"


def submitted(path: DoorPath) -> dict[str, int]:
    return {bind.name: bind.submitted for bind in path.gateway.uplinks["main"].binds}


@pytest.mark.parametrize("what", ["server", "bind"])
async def test_nothing_is_sent_over_what_is_paused_also_after_a_restart(tmp_path: Path, what: str) -> None:
    async with Simulator(
        ["smpp://127.0.0.1:0"] * 2, credentials={"demo": "secret"}, receipt_route="any", seed=3
    ) as simulator:
        async with serving(simulator, tmp_path) as path:
            desk = path.gateway._operator.uplinks
            first = path.gateway.uplinks["main"].binds[0]
            name = first.server if what == "server" else first.name
            await (desk.pause_server if what == "server" else desk.pause_bind)("main", name)
            idle = {bind.name for bind in path.gateway.uplinks["main"].binds if name in (bind.server, bind.name)}
            await send(path, 40)
            # It is bound all the same, so that receipts come over it, too.
            assert len(simulator.servers[0].sessions) == 2
            assert {bind for bind, count in submitted(path).items() if not count} >= idle
            assert sum(submitted(path).values()) == 40
        async with serving(simulator, tmp_path) as path:
            assert path.gateway.uplinks["main"].paused == {name}
            await send(path, 40)
            assert {bind for bind, count in submitted(path).items() if not count} >= idle
            desk = path.gateway._operator.uplinks
            await (desk.resume_server if what == "server" else desk.resume_bind)("main", name)
            await send(path, 200)
            assert all(submitted(path)[bind] for bind in idle)
