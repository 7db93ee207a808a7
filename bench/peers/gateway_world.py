"""What stands round a gateway that is measured: an SMSC that takes and reports everything, a receiver of callbacks.

    python -m bench.peers.gateway_world '{"servers": 2}'       prints its ports, then its counts for every line it reads

Both are as lean as they can be: the machine's two cores are for the gateway.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import smpp
from bench.work import PDU_RECEIPT, RECEIPT, use_loop
from smpp.ratelimit import Pacer

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_WINDOW: Final = 1_000


@dataclass(slots=True)
class Counts:
    """What was seen; times are seconds on the machine's monotonic clock, which all processes share."""

    submits: int = 0
    receipts: int = 0
    """Acknowledged with ESME_ROK."""
    callbacks: int = 0
    inbound: int = 0
    first_at: float = 0.0
    last_submit_at: float = 0.0
    last_callback_at: float = 0.0
    by_port: dict[str, int] = field(default_factory=dict)


class Smsc:
    """Says yes to everything and reports at once; with a rate, answers no faster than that."""

    def __init__(self, counts: Counts, rate: float) -> None:
        self._counts = counts
        self._rate = rate
        self._numbers = itertools.count(1)
        self._waiting: dict[smpp.ServerSession, deque[smpp.DeliverSm]] = {}
        self._pacers: dict[str, Pacer] = {}

    def on_submit(self, session: smpp.ServerSession, message: smpp.SubmitSm) -> Any:
        """Take a message."""
        counts = self._counts
        counts.submits += 1
        counts.last_submit_at = time.monotonic()
        counts.first_at = counts.first_at or counts.last_submit_at
        message_id = f"{next(self._numbers):x}"
        if message.registered_delivery & 1:
            self._report(session, message, message_id)
        if self._rate:
            return self._later(session.system_id, message_id)
        return smpp.SubmitSmResp(message_id)

    async def _later(self, system_id: str, message_id: str) -> smpp.SubmitSmResp:
        pacer = self._pacers.setdefault(system_id, Pacer(self._rate))
        while (delay := pacer.try_take(time.monotonic())) > 0:
            await asyncio.sleep(delay)
        return smpp.SubmitSmResp(message_id)

    def _report(self, session: smpp.ServerSession, message: smpp.SubmitSm, message_id: str) -> None:
        waiting = self._waiting.setdefault(session, deque())
        waiting.append(
            smpp.DeliverSm(
                source_addr_ton=1,
                source_addr_npi=1,
                source_addr=message.destination_addr,
                dest_addr_ton=5,
                destination_addr=message.source_addr,
                esm_class=PDU_RECEIPT,
                short_message=RECEIPT.format(message_id).encode(),
            )
        )
        if len(waiting) == 1:
            # Behind the response.
            asyncio.get_running_loop().call_soon(self.on_room, session)

    def on_room(self, session: smpp.ServerSession) -> None:
        """Send as many receipts as the window takes."""
        waiting = self._waiting.get(session)
        try:
            while waiting:
                session.send(waiting[0], _Receipt(self, session, waiting[0]))
                waiting.popleft()
        except (smpp.WindowFull, smpp.StateError):
            pass

    def taken(self, session: smpp.ServerSession, message: smpp.DeliverSm, is_taken: bool) -> None:
        """The gateway answered a receipt."""
        if is_taken:
            self._counts.receipts += 1
        else:
            # It goes again, after those that wait.
            self._waiting[session].append(message)


class _Receipt:
    """What becomes of a receipt (smpp.connection.Completion)."""

    __slots__ = ("_message", "_session", "_smsc")

    def __init__(self, smsc: Smsc, session: smpp.ServerSession, message: smpp.DeliverSm) -> None:
        self._smsc, self._session, self._message = smsc, session, message

    def done(self) -> bool:
        """Whether nobody waits any more."""
        return False

    def set_result(self, result: Any, /) -> None:
        """The peer answered."""
        self._smsc.taken(self._session, self._message, not result.command_status)

    def set_exception(self, exception: BaseException, /) -> None:
        """It did not."""


class Receiver(asyncio.Protocol):
    """Takes callbacks: counts requests by their heads, and reads bodies past."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Octets came: perhaps a request is whole."""
        assert self._transport is not None
        buffer = self._buffer + data if self._buffer else data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            head = buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(buffer) < end + 4 + length:
                break
            buffer = buffer[end + 4 + length :]
            self._counts.callbacks += 1
            self._counts.last_callback_at = time.monotonic()
            self._transport.write(_ANSWER)
        self._buffer = buffer


async def main(servers: int, rate: float) -> None:
    """Serve until standard input ends."""
    counts = Counts()
    smsc = Smsc(counts, rate)
    loop = asyncio.get_running_loop()
    session = smpp.SessionConfig(role=smpp.Role.SMSC, window=_WINDOW, inbound_window=10 * _WINDOW)
    config = smpp.ServerConfig(session=session, max_unbound_per_address=1_000)
    receiver = await loop.create_server(lambda: Receiver(counts), "127.0.0.1", 0)
    urls = ["smpp://127.0.0.1:0"] * servers
    async with smpp.serve(*urls, on_submit=smsc.on_submit, on_room=smsc.on_room, config=config) as listening:
        port = receiver.sockets[0].getsockname()[1]
        print(json.dumps({"smpp": list(listening.ports), "http": port}), flush=True)
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            print(json.dumps(asdict(counts)), flush=True)
    receiver.close()


if __name__ == "__main__":
    use_loop()
    settings = json.loads(sys.argv[1])
    asyncio.run(main(settings.get("servers", 1), settings.get("rate", 0.0)))
