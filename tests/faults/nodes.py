"""Several gateways as processes on one PostgreSQL database and one SMSC, with one book of what was accepted."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp

from smpp.simulator import Receipts, Rule, Script, Simulator
from tests.faults.processes import Bench, GatewayProcess
from tests.postgres import Cluster
from tests.whole_path import Receiver, config_text, receiver

LEASE_SECONDS = 2.0


@dataclass(slots=True)
class Nodes:
    """Nodes, each with a bench that keeps one book with the others."""

    benches: list[Bench]

    @property
    def first(self) -> Bench:
        """One of them."""
        return self.benches[0]

    @property
    def second(self) -> Bench:
        """Another."""
        return self.benches[1]

    async def post_for(self, path: Bench, seconds: float, *, batch: int = 5) -> None:
        """POST small batches one after the other, whatever the answers; only what is accepted goes into the book."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            messages = path.new_messages(batch)
            try:
                async with path.gateway.http.post("/api/v1/messages", json=messages) as answer:
                    if answer.status == 202:
                        for accepted in await answer.json():
                            path.accepted[accepted["id"]] = accepted["to"]
                        continue
                    assert answer.status in (429, 503), await answer.text()
            except (aiohttp.ClientError, ConnectionError):
                # Whether these were kept nobody was told.
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.02)


def config_of(node: str, url: str, simulator: Simulator, taker: Receiver, folder: Path, uplink: str) -> Path:
    """The config of one node."""
    more = f'[node]\nname = "{node}"\nlease_seconds = {LEASE_SECONDS}\n'
    text = config_text(simulator.urls, folder, callbacks=taker.url + "/native", uplink=uplink, more=more)
    path = folder / f"{node}.toml"
    path.write_text(re.sub(r'url = "sqlite:[^"]*"', f'url = "{url}"', text))
    return path


def smsc(*rules: Rule, servers: int = 2) -> Simulator:
    """An SMSC that sends its receipts over any bind, and gives none up."""
    return Simulator(
        ("smpp://127.0.0.1:0",) * servers,
        credentials={"demo": "secret"},
        script=Script(rules=rules, receipts=Receipts(attempts=1_000, retry=0.05)),
        receipt_route="other_server" if servers > 1 else "any",
        seed=5,
    )


@asynccontextmanager
async def nodes_of(
    tmp_path: Path, postgres: Cluster, simulator: Simulator, *, number: int = 2, uplink: str = "window = 20"
) -> AsyncIterator[Nodes]:
    """Nodes that serve."""
    url = await postgres.new_url()
    async with simulator, receiver() as taker:
        numbers, accepted = count(919000000000), dict[str, str]()
        benches = [
            Bench(
                simulator,
                taker,
                GatewayProcess(config_of(node, url, simulator, taker, tmp_path, uplink)),
                tmp_path,
                accepted,
                numbers,
            )
            for node in (f"n{at}" for at in range(1, number + 1))
        ]
        try:
            for one in benches:
                await one.gateway.start()
            yield Nodes(benches)
        finally:
            for one in benches:
                await one.gateway.close()
