"""An ESME of few words for tests: sockets and PDUs, no session, so that it sees whatever a simulator does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from smpp.simulator import Simulator
from smpp.wire import Pdu, decode, encode
from smpp.wire.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    Message,
    Request,
    SubmitSm,
)

M = TypeVar("M", bound=Message)
BINDS = {"tx": BindTransmitter, "rx": BindReceiver, "trx": BindTransceiver}

SUBMIT = SubmitSm(
    "", 5, 0, "INFO", 1, 1, "447900900123", registered_delivery=1, short_message=b"Your code is 4711, do not share"
)


class Esme:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.sequence_number = 0

    def write(self, message: Message, sequence_number: int | None = None, status: int = 0) -> int:
        """Write a PDU; returns its sequence_number."""
        if sequence_number is None:
            self.sequence_number += 1
            sequence_number = self.sequence_number
        self.writer.write(encode(message, sequence_number, status))
        return sequence_number

    async def octets(self, timeout: float = 5.0) -> bytes:
        """The next PDU as octets; b"" at the end of the stream."""
        async with asyncio.timeout(timeout):
            try:
                head = await self.reader.readexactly(4)
                return head + await self.reader.readexactly(int.from_bytes(head, "big") - 4)
            except asyncio.IncompleteReadError:
                return b""

    async def read(self) -> Pdu:
        """The next PDU."""
        return decode(await self.octets())

    async def ask(self, message: Request) -> Pdu:
        """Send a request and read the next PDU."""
        self.write(message)
        return await self.read()

    async def expect(self, kind: type[M]) -> M:
        """The next PDU, which is of this kind."""
        message = (await self.read()).message
        assert isinstance(message, kind), message
        return message

    async def deliver(self, status: int = 0) -> DeliverSm:
        """The next deliver_sm, answered."""
        message = await self.deliver_any(status)
        assert isinstance(message, DeliverSm), message
        return message

    async def deliver_any(self, status: int = 0) -> DeliverSm | DataSm:
        """The next deliver_sm or data_sm, answered."""
        pdu = await self.read()
        assert isinstance(pdu.message, DeliverSm | DataSm), pdu.message
        response = DeliverSmResp() if isinstance(pdu.message, DeliverSm) else DataSmResp("")
        self.write(response, pdu.sequence_number, status)
        return pdu.message

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Acknowledges every deliver_sm meanwhile; reads and forgets all else."""

        async def answer() -> None:
            while True:
                pdu = await self.read()
                if isinstance(pdu.message, DeliverSm):
                    self.write(DeliverSmResp(), pdu.sequence_number)

        task = asyncio.create_task(answer())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def is_closed(self) -> bool:
        """Whether the stream ends now."""
        return await self.octets() == b""


@asynccontextmanager
async def esme(simulator: Simulator, index: int = 0, *, mode: str = "trx", who: str = "demo") -> AsyncIterator[Esme]:
    """A bound ESME."""
    async with connection(simulator, index) as client:
        answer = await client.ask(BINDS[mode](who, "x"))
        assert answer.command_status == 0, answer
        yield client


@asynccontextmanager
async def connection(simulator: Simulator, index: int = 0) -> AsyncIterator[Esme]:
    """An ESME that has not bound."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.ports[index])
    try:
        yield Esme(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
