"""The sender of the chaos run: two pools that send all along, and a book of what they were told of each part.

Pool "once" sends nothing again that may have arrived; pool "again" does, and has a handler of its own for receipts,
which at times cannot keep one. Both send by `submit`, by `submit_all` and, in several parts, by `send`.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

import smpp
from smpp.sms import split_udh

Policy = Literal["once", "again"]

POLICIES: Final[tuple[Policy, ...]] = ("once", "again")
_TURN_SECONDS: Final = 0.02
_UDHI: Final = 0x40
_MOST_WAITING: Final = 5_000
"""Messages under way in one pool, beyond which nothing new is begun: there are outages."""

RESPONSE_TIMEOUT_SECONDS: Final = 1.5


def key_of(message: smpp.SubmitSm) -> str:
    """What tells a part from all others: its destination is its message's own."""
    if not message.esm_class & _UDHI:
        return message.destination_addr
    header, _ = split_udh(message.short_message)
    assert header is not None
    assert header.concat is not None
    return f"{message.destination_addr}/{header.concat.number}"


Outcome = smpp.Submission | smpp.SmppError | None


class Sender:
    """One pool, and its book.

    Args:
        policy: what it does with messages in doubt.
        urls: of the servers.
        ssl_context: trusts them.
        rate: messages a second, on average.
        seed: of the mixture.

    Attributes:
        book: what became of each part; None while nobody has said.
        handed: how often the handler of pool "again" took a receipt, by the SMSC's id.
    """

    def __init__(
        self, policy: Policy, urls: Sequence[str], *, ssl_context: ssl.SSLContext, rate: float, seed: int
    ) -> None:
        self.policy: Policy = policy
        self.book: dict[str, Outcome] = {}
        self.handed: Counter[str] = Counter()
        self._rate = rate
        self._random = random.Random(seed)
        self._next = 447_000_000_000 + (500_000_000 if policy == "again" else 0)
        self._stream: asyncio.Queue[smpp.SubmitSm | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        session = smpp.SessionConfig(
            window=20, response_timeout_seconds=RESPONSE_TIMEOUT_SECONDS, enquire_link_seconds=1.0, unbind_seconds=5.0
        )
        self.pool = smpp.Pool(
            urls,
            system_id=policy,
            password="secret",
            ssl_context=ssl_context,
            on_deliver=self._keep if policy == "again" else None,
            config=smpp.PoolConfig(
                client=smpp.ClientConfig(session=session, server_hostname="localhost", connect_timeout_seconds=3.0),
                binds_per_server=2,
                reconnect_min_seconds=0.1,
                reconnect_max_seconds=1.0,
                refused_min_seconds=0.1,
                throttle_min_seconds=0.05,
                throttle_max_seconds=1.0,
                retry_later_min_seconds=0.1,
                resend_in_doubt=policy == "again",
            ),
        )

    async def send_for(self, seconds: float) -> None:
        """Send all along; returns when each part has its outcome.

        Raises:
            TimeoutError: some have none, long after the end of the trouble: the book says which.
        """
        loop = asyncio.get_running_loop()
        streaming = loop.create_task(self._stream_all())
        end, owed = loop.time() + seconds, 0.0
        while loop.time() < end:
            owed += self._rate * _TURN_SECONDS
            while owed >= 1 and len(self._tasks) + self._stream.qsize() < _MOST_WAITING:
                owed -= 1
                self._begin()
            owed = min(owed, self._rate)
            await asyncio.sleep(_TURN_SECONDS)
        self._stream.put_nowait(None)
        self._tasks.add(streaming)
        _, late = await asyncio.wait(self._tasks, timeout=60.0)
        for task in late:
            task.cancel()
        if late:
            raise TimeoutError(f"{len(late)} messages have no outcome")

    def receipts_missing(self) -> int:
        """Accepted parts whose final receipt has not come."""
        return sum(isinstance(one, smpp.Submission) and one.final is None for one in self.book.values())

    def _begin(self) -> None:
        """One message, by one of the three ways."""
        self._next += 1
        to, way = str(self._next), self._random.random()
        if way < 0.1:
            self._start(self._send_long(to, parts=self._random.choice((2, 3))))
            return
        message = smpp.SubmitSm(
            source_addr="INFO", destination_addr=to, registered_delivery=1, short_message=b"code " + to.encode()
        )
        self.book[to] = None
        if way < 0.55:
            self._start(self._submit(message))
        else:
            self._stream.put_nowait(message)

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _submit(self, message: smpp.SubmitSm) -> None:
        try:
            self.book[message.destination_addr] = await self.pool.submit(message)
        except smpp.SmppError as error:
            self.book[message.destination_addr] = error

    async def _send_long(self, to: str, parts: int) -> None:
        keys = [f"{to}/{number}" for number in range(1, parts + 1)]
        self.book.update(dict.fromkeys(keys))
        text = "x" * (153 * parts)
        outcomes: Sequence[object]
        try:
            outcomes = (await self.pool.send(sender="INFO", to=to, text=text)).parts
        except smpp.SmppError as error:
            outcomes = error.parts
        for key, outcome in zip(keys, outcomes, strict=True):
            assert isinstance(outcome, smpp.Submission | smpp.SmppError)
            self.book[key] = outcome

    async def _stream_all(self) -> None:
        async for message, outcome in self.pool.submit_all(self._streamed(), concurrency=_MOST_WAITING):
            self.book[key_of(message)] = outcome

    async def _streamed(self) -> AsyncIterator[smpp.SubmitSm]:
        while (message := await self._stream.get()) is not None:
            yield message

    async def _keep(self, message: smpp.DeliverSm | smpp.DataSm) -> int:
        """As a program does that commits what comes before it is answered."""
        await asyncio.sleep(0.001 * self._random.random())
        if self._random.random() < 0.01:
            raise OSError("the disk is full")
        receipt = smpp.receipt_of(message)
        if receipt is not None and receipt.id:
            self.handed[receipt.id] += 1
        return 0
