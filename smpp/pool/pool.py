"""One sender over many binds: every message takes the freest bind, every receipt finds its message.

    async with smpp.Pool(["smpps://smpp1.example.net:3550", "smpps://smpp2.example.net:3550"],
                         system_id="demo", password="secret", on_deliver=store_it) as pool:
        submission = await pool.submit(smpp.SubmitSm(...))

How it works: a `Slot` is a place in the window of one bind. Taking slots and using them are two steps, so that a
program can write down which bind will carry a part before any octet leaves. Binds reconnect by themselves; a part that
surely did not leave goes over another bind, one that may have left is reported as in doubt.
"""

import asyncio
import itertools
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self, Unpack

from smpp.client import DeliverHandler, coding_options, compose, rejected
from smpp.dispatch import Tasks
from smpp.endpoint import Address, Endpoint, client_tls
from smpp.errors import InDoubt, NotSent, SmppError, StateError
from smpp.log import log
from smpp.pool.bind import BindState, BindStatus, PoolBind
from smpp.pool.server import PoolServer
from smpp.pool.settings import PoolConfig, ThrottleScope
from smpp.receipts import ReceiptDesk, SentMessage, Submission
from smpp.session import ResponseReceived
from smpp.session.session import Trace
from smpp.sms import SplitOptions
from smpp.status import CommandStatus, status_name
from smpp.wire.pdu import DataSm, SubmitMulti, SubmitSm
from smpp.wire.tlv import NO_TLVS, Tlvs

Submittable = SubmitSm | SubmitMulti | DataSm

THROTTLING: Final = frozenset({int(CommandStatus.ESME_RTHROTTLED), int(CommandStatus.ESME_RMSGQFUL)})
"""Not failures: the SMSC wants us to wait and send the same part again."""


class Slot:
    """A place in the window of one bind, for one part. Use it with `submit`, or give it back with `release`."""

    __slots__ = ("_bind", "_connection", "_pool", "_used")

    def __init__(self, pool: "Pool", bind: PoolBind) -> None:
        self._pool = pool
        self._bind = bind
        self._connection = bind.link.connection if bind.link is not None else None
        self._used = False
        if self._connection is not None:
            self._connection.reserved += 1
        bind.server.taken += 1

    @property
    def bind(self) -> str:
        """Which bind it is: ``host:port#n``."""
        return self._bind.name

    def submit(self, message: Submittable) -> "asyncio.Future[ResponseReceived]":
        """Write a part when it is its turn at the server's pace.

        Returns:
            A future: the SMSC's answer, whatever its status, or NotSent, InDoubt, ResponseTimeout, EncodeError.
        """
        future: asyncio.Future[ResponseReceived] = asyncio.get_running_loop().create_future()
        self._take()
        flight = _Flight(self._pool, self._bind, future)
        self._bind.server.write(lambda: self._write(message, flight))
        return future

    def release(self) -> None:
        """Give the place back unused."""
        self._take()
        self._bind.server.taken -= 1
        self._free_place()
        self._pool._wake()

    def _take(self) -> None:
        if self._used:
            raise StateError(f"this slot of {self._bind.name} was used already")
        self._used = True

    def _free_place(self) -> None:
        if self._connection is not None:
            self._connection.release()

    def _write(self, message: Submittable, flight: "_Flight") -> None:
        self._bind.server.taken -= 1
        connection = self._connection
        try:
            if connection is None or not connection.session.can_send:
                self._free_place()
                raise NotSent(message.command_id, 0, f"{self._bind.name} was lost before the part left")
            connection.send(message, flight, reserved=True)
        except StateError as error:
            flight.set_exception(NotSent(message.command_id, 0, str(error)))
        except SmppError as error:
            flight.set_exception(error)


class _Flight:
    """Where the answer to one part goes first: the bind counts it, a throttling answer pauses what it has to."""

    __slots__ = ("_bind", "_future", "_pool")

    def __init__(self, pool: "Pool", bind: PoolBind, future: "asyncio.Future[ResponseReceived]") -> None:
        self._pool = pool
        self._bind = bind
        self._future = future

    def done(self) -> bool:
        return False  # Counting goes on when nobody waits for the answer any more.

    def set_result(self, result: ResponseReceived, /) -> None:
        self._pool._answered(self._bind, result.command_status)
        if not self._future.done():
            self._future.set_result(result)

    def set_exception(self, exception: BaseException, /) -> None:
        if not self._future.done():
            self._future.set_exception(exception)


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody who waits for places."""

    count: int
    future: "asyncio.Future[list[Slot]]"


class Pool:
    """Binds to several servers, used as one.

    Args:
        servers: ``smpp://host:port`` and ``smpps://host:port``, mixed as you like.
        system_id: for all of them; credentials in a URL go before it.
        password: likewise.
        on_deliver: gets messages and receipts of all binds; answered when it returns.
        deliver_for: instead of `on_deliver`: makes the handler of each bind from its name, ``host:port#n``.
        on_change: called when a bind changes its state.
        config: settings; the keyword arguments below are shortcuts into it.
        desk: joins receipts with what was sent; default: one of the pool's own, shared by all its binds.
        ssl_context: for smpps servers; default: the system's authorities, verification on.
        trace: called for every PDU both ways.
    """

    def __init__(
        self,
        servers: Sequence[str],
        *,
        system_id: str = "",
        password: str = "",
        on_deliver: DeliverHandler | None = None,
        deliver_for: Callable[[str], DeliverHandler] | None = None,
        on_change: Callable[[BindStatus], None] | None = None,
        config: PoolConfig | None = None,
        binds_per_server: int | None = None,
        parts_per_second_per_server: float | None = None,
        desk: ReceiptDesk | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trace: Trace | None = None,
    ) -> None:
        config = config or PoolConfig()
        if binds_per_server is not None:
            config = replace(config, binds_per_server=binds_per_server)
        if parts_per_second_per_server is not None:
            config = replace(config, parts_per_second_per_server=parts_per_second_per_server)
        if not servers:
            raise ValueError("a pool needs at least one server")
        self.config = config
        self.desk = desk or ReceiptDesk(default_alphabet=config.client.default_alphabet)
        self._on_deliver = on_deliver
        self._deliver_for = deliver_for
        self._on_change = on_change
        self._reference = itertools.count(1)
        self._waiters: deque[_Waiter] = deque()
        self._change = asyncio.Event()
        self._stopping = False
        self._keepers = Tasks()
        endpoints = [self._endpoint(url, system_id, password) for url in servers]
        if ssl_context is None and any(endpoint.tls for endpoint in endpoints):
            ssl_context = client_tls()
        self._servers = [PoolServer(endpoint, config, self._wake) for endpoint in endpoints]
        self._binds = [
            self._new_bind(server, number, ssl_context, trace)
            for server in self._servers
            for number in range(config.binds_per_server)
        ]

    def _endpoint(self, url: str, system_id: str, password: str) -> Endpoint:
        endpoint = Endpoint.parse(url)
        return replace(
            endpoint,
            system_id=endpoint.system_id or system_id,
            password=endpoint.password or password,
            bind_mode=self.config.bind_mode,
        )

    def _new_bind(
        self, server: PoolServer, number: int, ssl_context: ssl.SSLContext | None, trace: Trace | None
    ) -> PoolBind:
        name = f"{server.endpoint.name}#{number}"
        return PoolBind(
            name,
            server,
            self.config,
            desk=self.desk,
            on_deliver=self._deliver_for(name) if self._deliver_for is not None else self._on_deliver,
            on_change=self._changed,
            on_room=self._wake,
            ssl_context=ssl_context,
            trace=trace,
        )

    # Life

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        """Connect all binds in the background."""
        for bind in self._binds:
            self._keepers.start(bind.keep())

    async def stop(self, timeout: float | None = None) -> None:
        """Take nothing more, let what is in flight finish, unbind, close.

        Args:
            timeout: seconds for the whole; default: the session's `unbind_seconds`.
        """
        self._stopping = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.future.done():
                waiter.future.set_exception(StateError("the pool stops: nothing can be sent"))
        seconds = self.config.client.session.unbind_seconds if timeout is None else timeout
        binds = [bind for bind in self._binds if bind.state is BindState.BOUND]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(bind.unbind() for bind in binds), return_exceptions=True)
        except TimeoutError:
            for bind in binds:
                bind.abort("the pool stops")
        await self._keepers.cancel()
        for server in self._servers:
            server.close()

    # Looking at it

    @property
    def binds(self) -> tuple[BindStatus, ...]:
        """State, window, counters and last error of each bind, now."""
        return tuple(bind.status for bind in self._binds)

    @property
    def is_available(self) -> bool:
        """Whether at least one bind may carry messages."""
        return any(bind.state is BindState.BOUND for bind in self._binds)

    async def wait_bound(self, count: int = 1, timeout: float | None = None) -> None:
        """Wait until so many binds are up.

        Raises:
            TimeoutError: they are not in time; the text says what each bind's last error was.
        """
        try:
            async with asyncio.timeout(timeout):
                while sum(bind.state is BindState.BOUND for bind in self._binds) < count:
                    await self._change.wait()
        except TimeoutError:
            errors = "; ".join(f"{bind.name}: {bind.last_error or bind.state.value}" for bind in self._binds)
            raise TimeoutError(f"{count} binds are not up: {errors}") from None

    # Sending

    async def reserve(self, count: int = 1, *, first: bool = False) -> list[Slot]:
        """Wait until a place is free, then take up to `count`: the freest binds first.

        Args:
            count: most places to take.
            first: whether to go before all that wait, as a part does that was throttled.

        Raises:
            StateError: the pool stops.
        """
        if self._stopping:
            raise StateError("the pool stops: nothing can be sent")
        if not self._waiters or first:
            slots = self._take(count)
            if slots:
                return slots
        waiter = _Waiter(count, asyncio.get_running_loop().create_future())
        if first:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None:
                for slot in waiter.future.result():
                    slot.release()
            raise

    async def submit(self, message: Submittable) -> Submission:
        """Submit one part over whichever bind is freest.

        A part that surely did not leave is sent over another bind; one that the SMSC throttles waits and is sent
        again.

        Raises:
            SubmitRejected: the SMSC refused it.
            InDoubt: it left, and no answer came (sent again instead, with `resend_in_doubt`).
            EncodeError: the message holds what the specification forbids.
            StateError: the pool stops.
        """
        again = False
        while True:
            slot = (await self.reserve(first=again))[0]
            again = True
            try:
                answer = await slot.submit(message)
            except NotSent:
                continue
            except InDoubt:
                if self.config.resend_in_doubt:
                    continue
                raise
            if answer.command_status in THROTTLING:
                continue
            if answer.command_status:
                raise rejected(message, answer, slot.bind)
            return self._accepted(message, answer, slot.bind)

    def _accepted(self, message: Submittable, answer: ResponseReceived, bind: str) -> Submission:
        message_id = getattr(answer.message, "message_id", None) or ""
        submission = Submission(message_id, getattr(message, "destination_addr", ""), answer.message, bind)
        self.desk.submitted(submission)
        return submission

    async def submit_all(
        self, messages: Iterable[Submittable] | AsyncIterable[Submittable], *, concurrency: int = 1000
    ) -> AsyncIterator[tuple[Submittable, Submission | SmppError]]:
        """Submit everything that an iterable gives, keeping windows full; outcomes come as they are known.

        Args:
            messages: taken from only as fast as they can be sent.
            concurrency: most messages under way.

        Yields:
            Each message with its Submission, or with the error that ended it: a rejection is a value, not the end.
        """
        source = _aiter(messages)
        under_way: set[asyncio.Task[tuple[Submittable, Submission | SmppError]]] = set()
        try:
            async for message in source:
                under_way.add(asyncio.ensure_future(self._outcome(message)))
                if len(under_way) >= concurrency:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        yield task.result()
            while under_way:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in under_way:
                task.cancel()

    async def _outcome(self, message: Submittable) -> tuple[Submittable, Submission | SmppError]:
        try:
            return message, await self.submit(message)
        except SmppError as error:
            return message, error

    async def send(
        self,
        *,
        sender: str | Address,
        to: str | Address,
        text: str,
        receipt: bool = True,
        validity_seconds: float | None = None,
        tlvs: Tlvs = NO_TLVS,
        service_type: str = "",
        **coding: Unpack[SplitOptions],
    ) -> SentMessage:
        """Code, split and submit a text; arguments and errors as `smpp.Client.send`."""
        messages = compose(
            sender=sender,
            to=to,
            text=text,
            receipt=receipt,
            validity_seconds=validity_seconds,
            tlvs=tlvs,
            service_type=service_type,
            reference=next(self._reference),
            coding=coding_options(self.config.client, coding),
        )
        return SentMessage(tuple(await asyncio.gather(*(self.submit(message) for message in messages))))

    # Inside

    def _take(self, count: int) -> list[Slot]:
        slots: list[Slot] = []
        while len(slots) < count:
            bind = self._freest()
            if bind is None:
                break
            slots.append(Slot(self, bind))
        return slots

    def _freest(self) -> PoolBind | None:
        best, best_room = None, 0
        for bind in self._binds:
            if bind.state is BindState.BOUND and bind.server.has_room:
                room = bind.room
                if room > best_room:
                    best, best_room = bind, room
        return best

    def _answered(self, bind: PoolBind, command_status: int) -> None:
        if not command_status:
            bind.submitted += 1
            bind.pause.forget()
            bind.server.pause.forget()
        elif command_status in THROTTLING:
            bind.throttled += 1
            self._throttled(bind)
            log.warning("throttled", bind=bind.name, status=status_name(command_status))
        else:
            bind.refused += 1

    def _throttled(self, bind: PoolBind) -> None:
        match self.config.throttle_scope:
            case ThrottleScope.BIND:
                bind.pause.begin()
            case ThrottleScope.SERVER:
                bind.server.throttled()
            case ThrottleScope.UPLINK:
                for server in self._servers:
                    server.throttled()

    def _changed(self, bind: PoolBind) -> None:
        changed, self._change = self._change, asyncio.Event()
        changed.set()
        self._wake()
        if self._on_change is not None:
            self._on_change(bind.status)

    def _wake(self) -> None:
        """Hand free places to those that wait, in the order of their coming."""
        while self._waiters:
            waiter = self._waiters[0]
            if waiter.future.done():
                self._waiters.popleft()
                continue
            slots = self._take(waiter.count)
            if not slots:
                return
            self._waiters.popleft()
            waiter.future.set_result(slots)

    def __repr__(self) -> str:
        up = sum(bind.state is BindState.BOUND for bind in self._binds)
        return f"<Pool {up} of {len(self._binds)} binds up>"


async def _aiter(messages: Iterable[Submittable] | AsyncIterable[Submittable]) -> AsyncIterator[Submittable]:
    if isinstance(messages, AsyncIterable):
        async for message in messages:
            yield message
    else:
        for message in messages:
            yield message
