"""A gateway with an SMPP door between a customer and a simulated SMSC, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway import config as settings
from gateway.app import Gateway
from smpp import Client, ClientConfig, Receipt, SessionConfig, connect, receipt_of
from smpp.simulator import Simulator
from smpp.wire.pdu import DataSm, DeliverSm, SubmitSm
from tests.whole_path import config_text

PATIENCE_SECONDS: Final = 60.0
SYSTEM_ID: Final = "customer"
PASSWORD: Final = "s3cret"
TO: Final = "447700900123"
NUMBER: Final = "40404"


def door_text(*, smpp: str = "", customer: str = "", more: str = "") -> str:
    """The door's part of a config: one customer, account `shop`'s."""
    return f"""
[account.shop.smpp]
system_id = "{SYSTEM_ID}"
password = "{PASSWORD}"
{customer}
[smpp]
listen = "127.0.0.1:0"
{smpp}
{more}
"""


@dataclass(slots=True)
class Inbox:
    """What a customer was sent, answered as the test says."""

    received: list[DeliverSm | DataSm] = field(default_factory=list)
    answer: int | Callable[[DeliverSm | DataSm], int] = 0
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: nothing is answered."""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_open.set()

    async def take(self, message: DeliverSm | DataSm) -> int:
        """Handle one deliver_sm."""
        self.received.append(message)
        self.came.set()
        await self.is_open.wait()
        return self.answer if isinstance(self.answer, int) else self.answer(message)

    @property
    def receipts(self) -> list[Receipt]:
        """The receipts among them."""
        return [one for message in self.received if (one := receipt_of(message)) is not None]

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so that depends on what came."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self.came.clear()
                await self.came.wait()

    async def wait_for(self, count: int) -> list[Receipt]:
        """Wait until so many came; the receipts."""
        await self.wait_until(lambda: len(self.received) >= count)
        return self.receipts


@dataclass(slots=True)
class DoorPath:
    """Everything together."""

    gateway: Gateway
    simulator: Simulator
    clients: list[Client] = field(default_factory=list)

    def url(self, *, system_id: str = SYSTEM_ID, password: str = PASSWORD, bind: str = "trx", port: int = 0) -> str:
        """Where a customer binds."""
        return f"smpp://{system_id}:{password}@127.0.0.1:{port or self.gateway.smpp_ports[0]}?bind={bind}"

    async def bind(self, inbox: Inbox | None = None, *, window: int = 100, **fields: Any) -> Client:
        """A customer, bound."""
        inbox = inbox or Inbox()
        client = connect(
            self.url(**fields), on_deliver=inbox.take, config=ClientConfig(session=SessionConfig(window=window))
        )
        await client.__aenter__()
        self.clients.append(client)
        return client

    async def state(self, message_id: str, *states: str) -> str:
        """The message's state, once it is one of these."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.gateway.store.message("shop", message_id)
                assert message is not None
                if not states or message.state.value in states:
                    return message.state.value
                await asyncio.sleep(0.005)

    async def owed(self, count: int) -> None:
        """Wait until so many deliveries are in the store."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(await self.gateway.store.callbacks("shop")) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def seen(self) -> list[SubmitSm]:
        """What the SMSC took."""
        return [entry.message for entry in self.simulator.log if isinstance(entry.message, SubmitSm)]


def submit(text: bytes = b"hello", *, to: str = TO, registered_delivery: int = 1, **fields: Any) -> SubmitSm:
    """A submit_sm as customers write it."""
    values: dict[str, Any] = {
        "source_addr_ton": 5,
        "source_addr": "INFO",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": to,
        "registered_delivery": registered_delivery,
        "short_message": text,
    }
    return SubmitSm(**(values | fields))


@asynccontextmanager
async def smsc_path(
    tmp_path: Path,
    *,
    smpp: str = "",
    customer: str = "",
    more: str = "",
    uplink: str = "",
    callbacks: str = "",
    replacing: Sequence[tuple[str, str]] = (),
    **simulator: Any,
) -> AsyncIterator[DoorPath]:
    """One SMSC, a gateway bound to it, and a door."""
    async with Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, seed=7, **simulator) as smsc:
        text = config_text(
            tuple(smsc.urls),
            tmp_path,
            callbacks=callbacks,
            uplink=uplink,
            more=door_text(smpp=smpp, customer=customer, more=more),
        )
        for old, new in replacing:
            assert old in text
            text = text.replace(old, new)
        async with node(smsc, text) as path:
            yield path


@asynccontextmanager
async def node(smsc: Simulator, text: str) -> AsyncIterator[DoorPath]:
    """A gateway with this config."""
    gateway = Gateway(settings.parse(text))
    await gateway.start()
    path = DoorPath(gateway, smsc)
    try:
        await gateway.uplinks["main"].wait_bound(1, PATIENCE_SECONDS)
        yield path
    finally:
        for client in path.clients:
            await client.close()
        await gateway.stop()
