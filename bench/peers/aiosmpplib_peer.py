"""aiosmpplib: messages come from a broker, answers go to a hook. It keeps no window: the broker gives one here.

Its correlator goes through all it holds at every operation, so its figures depend on how many messages are sent.
"""

import asyncio
import logging
from typing import Any

from aiosmpplib import (  # type: ignore[import-untyped]
    ESME,
    NPI,
    TON,
    AbstractBroker,
    AbstractHook,
    DeliverSm,
    PhoneNumber,
    SubmitSm,
    SubmitSmResp,
)
from aiosmpplib.protocol import MESSAGE_TYPE_MAP  # type: ignore[import-untyped]
from aiosmpplib.state import PduHeader, SmppCommand, SmppCommandStatus  # type: ignore[import-untyped]

from bench.work import DESTINATION, SOURCE, TEXT, Codec, Load, Meter

_TEXT = TEXT.decode("ascii")


def make() -> SubmitSm:
    """The usual message."""
    return SubmitSm(
        short_message=_TEXT,
        source=PhoneNumber(SOURCE, TON.ALPHANUMERIC, NPI.UNKNOWN),
        destination=PhoneNumber(DESTINATION, TON.INTERNATIONAL, NPI.ISDN),
        registered_delivery=1,
        log_id="1",
    )


class Work(AbstractBroker, AbstractHook):  # type: ignore[misc]
    """Gives messages as long as fewer than a window are under way, and counts what comes back."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._left = load.count
        self._room = asyncio.Semaphore(load.window)
        self._answered = self._received = 0
        self.meter: Meter | None = None
        self.done = asyncio.Event()

    async def enqueue(self, message: Any) -> None:
        """Nothing is sent again."""

    async def dequeue(self) -> Any:
        """The next message."""
        if not self._left:
            await asyncio.Event().wait()
        await self._room.acquire()
        self._left -= 1
        self.meter = self.meter or Meter()
        return make()

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Nothing to do."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """An answer, or a receipt."""
        if isinstance(smpp_message, SubmitSmResp):
            self._answered += 1
            self._room.release()
        elif isinstance(smpp_message, DeliverSm):
            self._received += 1
        if self._answered == self._load.count and (not self._load.receipts or self._received == self._load.count):
            self.done.set()

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        """A message was lost."""
        raise error


async def client(load: Load) -> None:
    """Submit, and wait for receipts where the server sends them."""
    work = Work(load)
    esme = ESME("127.0.0.1", load.port, "demo", "secret", broker=work, hook=work, log_level=logging.ERROR)
    running = asyncio.create_task(esme.start())
    await work.done.wait()
    assert work.meter is not None
    work.meter.report(load.count)
    await esme.stop()
    await running


def codec() -> Codec:
    """Make and encode; decode and read every field."""

    def encode() -> bytes:
        message = make()
        message.sequence_num = 1
        message.set_encoding_info("gsm0338", {})
        return bytes(message.pdu())

    octets = encode()
    submit = MESSAGE_TYPE_MAP[SmppCommand.SUBMIT_SM]

    def decode_and_read() -> object:
        header = PduHeader(len(octets), SmppCommand.SUBMIT_SM, SmppCommandStatus.ESME_ROK, 1)
        message = submit.from_pdu(octets, header, "gsm0338", {})
        return (
            message.sequence_num,
            message.smpp_command,
            message.short_message,
            message.source,
            message.destination,
            message.service_type,
            message.esm_class,
            message.protocol_id,
            message.priority_flag,
            message.schedule_delivery_time,
            message.validity_period,
            message.registered_delivery,
            message.encoding,
            message.optional_params,
        )

    return Codec(encode, decode_and_read)


if __name__ == "__main__":
    asyncio.run(client(Load.from_arguments()))
