"""Hosts that hang for an hour, and backlogs, in a time of our own: nobody else's callbacks come later for it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.config import WebhooksConfig
from gateway.metrics import Metrics
from gateway.models import Callback, Inbound
from gateway.store.memory import MemoryStore
from gateway.webhooks import Answer, WebhookDispatcher
from tests.virtual_time import run_virtually

ANSWER_SECONDS = 0.02
HOUR = 3_600


@dataclass
class Poster:
    """Hosts called hang… say nothing until a try's time is over; others answer soon."""

    timeout: float
    begun: dict[str, float] = field(default_factory=dict)
    """When each callback to a host that answers was tried first, by its URL."""
    tries: dict[str, int] = field(default_factory=dict)

    async def post(self, callback: Callback, _headers: Mapping[str, str]) -> Answer:
        host = callback.url.split("/")[2]
        self.tries[host] = self.tries.get(host, 0) + 1
        if host.startswith("hang"):
            await asyncio.sleep(self.timeout)
            return Answer(False, "no answer in time")
        self.begun.setdefault(callback.url, asyncio.get_running_loop().time())
        await asyncio.sleep(ANSWER_SECONDS)
        return Answer(True)

    async def close(self) -> None:
        return


class Path:
    """A dispatcher on the loop's clock."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        config = WebhooksConfig()
        self.store = MemoryStore(queue_limit=1_000_000)
        self.poster = Poster(config.timeout_seconds)
        self.owed: dict[str, float] = {}
        self.dispatcher = WebhookDispatcher(
            self.store, config, {}, metrics=Metrics(), poster=self.poster, clock=loop.time
        )

    async def owe(self, host: str, count: int = 1) -> None:
        now = asyncio.get_running_loop().time()
        for number in range(count):
            identifier = self.store.ids.new(now)
            url = f"https://{host}/{identifier}-{number}"
            note = Inbound(id=identifier, account="shop", sender="1", recipient="2", text="")
            callback = Callback(id="", account="shop", url=url, body=b"{}", created_at=now, due_at=now)
            await self.store.add_inbound(note, callback)
            if not host.startswith("hang"):
                self.owed[url] = now
        self.dispatcher.wake()

    def delays(self) -> list[float]:
        return sorted(self.poster.begun[url] - at for url, at in self.owed.items())


async def delays_over_an_hour(hanging: int, backlog: int) -> list[float]:
    """How long each of a callback every ten seconds to each of three hosts waited."""
    path = Path()
    path.dispatcher.start()
    for number in range(hanging):
        await path.owe(f"hang{number}.example", backlog)
    for _ in range(HOUR // 10):
        for name in ("one", "two", "three"):
            await path.owe(f"{name}.example")
        await asyncio.sleep(10)
    await path.dispatcher.stop(0)
    assert len(path.poster.begun) == len(path.owed) == 3 * HOUR // 10
    assert all(path.poster.tries[f"hang{number}.example"] > 10 for number in range(hanging))
    return path.delays()


def test_hosts_that_hang_for_an_hour_delay_nobody_else() -> None:
    alone = run_virtually(delays_over_an_hour(0, 0))
    beside = run_virtually(delays_over_an_hour(40, 20))
    # In this time computing takes none: what is left is what the dispatcher makes callbacks wait.
    assert max(beside) <= max(alone) + 0.001
    assert max(beside) < 0.05


async def drained_with_new_ones(hosts: int) -> tuple[list[float], float]:
    path = Path()
    for number in range(hosts):
        await path.owe(f"busy{number}.example", 4_000 // hosts)
    path.owed.clear()
    path.dispatcher.start()
    started = asyncio.get_running_loop().time()
    number = 0
    while len(path.poster.begun) < 4_000 + number:
        await path.owe("other.example")
        number += 1
        await asyncio.sleep(0.5)
    await path.dispatcher.stop(5)
    return path.delays(), asyncio.get_running_loop().time() - started


def test_a_backlog_drains_at_the_pace_of_its_host_and_new_ones_of_others_do_not_wait() -> None:
    delays, seconds = run_virtually(drained_with_new_ones(1))
    assert max(delays) < 0.05
    # Ten at a time, each answered within a fiftieth of a second.
    assert seconds < 4_000 * ANSWER_SECONDS / 10 * 1.5


def test_backlogs_of_more_hosts_than_there_are_places_for_leave_others_their_turn() -> None:
    delays, _ = run_virtually(drained_with_new_ones(50))
    # Fifty hosts want ten places each, and there are two hundred: new ones wait for a round or two, not for the end.
    assert max(delays) < 0.2
