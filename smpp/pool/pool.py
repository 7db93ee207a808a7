"""One sender over many binds: every message takes the freest bind, every receipt finds its message.

    async with smpp.Pool(["smpps://smpp1.example.net:3550", "smpps://smpp2.example.net:3550"],
                         system_id="demo", password="secret", on_deliver=store_it) as pool:
        submission = await pool.submit(smpp.SubmitSm(...))

How it works: a `Slot` is a place in the window of one bind. Taking slots and using them are two steps, so that a
program can write down which bind will carry a part before any octet leaves. Binds reconnect by themselves; a part that
surely did not leave goes over another bind, one that may have left is reported as in doubt. One object in two files:
here is how its binds live, in `smpp.pool.sending` what goes over them.
"""

import asyncio
import itertools
import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from smpp.client import DeliverHandler, coding_options, compose, configure
from smpp.constants import BindMode
from smpp.correlator import ReceiptParts
from smpp.endpoint import Address, Endpoint, client_tls
from smpp.errors import StateError
from smpp.log import log
from smpp.pool.bind import BindEvent, BindState, BindStatus, PoolBind
from smpp.pool.events import EventHub, EventStream, PoolEvent
from smpp.pool.keeping import Keeping
from smpp.pool.sending import Sender
from smpp.pool.server import PoolServer
from smpp.pool.settings import PoolConfig, ServerOptions
from smpp.receipts import ReceiptDesk, SentMessage, ask_for_receipts, sent_message
from smpp.recording import Recorder, recorder_of
from smpp.session.session import Trace
from smpp.sms import SplitOptions
from smpp.wire.tlv import NO_TLVS, Tlvs


class Pool(Sender):
    """Binds to several servers, used as one.

    Args:
        servers: ``smpp://host:port`` and ``smpps://host:port``, mixed as you like; `ServerOptions` for what differs
            from server to server: priority, weight, binds, limits.
        system_id: for all of them; credentials in a URL go before it.
        password: likewise.
        on_deliver: gets messages and receipts of all binds; answered when it returns.
        deliver_for: instead of `on_deliver`: makes the handler of each bind from its name, ``host:port#n``.
        on_change: called when a bind changes its state.
        on_event: called for what happens to binds (`PoolEvent`); `events` gives the same.
        config: settings; binds_per_server and parts_per_second_per_server are shortcuts into it.
        desk: joins receipts with what was sent; default: one of the pool's own, shared by all its binds.
        ssl_context: for smpps servers; default: the system's authorities, verification on.
        trace: called for every PDU both ways.
        record: a pcapng file (or `Recorder`) that gets what passes over all binds, passwords hidden.
    """

    def __init__(
        self,
        servers: Sequence[str | ServerOptions],
        *,
        system_id: str = "",
        password: str = "",
        on_deliver: DeliverHandler | None = None,
        deliver_for: Callable[[str], DeliverHandler] | None = None,
        on_change: Callable[[BindStatus], None] | None = None,
        on_event: Callable[[PoolEvent], None] | None = None,
        config: PoolConfig | None = None,
        binds_per_server: int | None = None,
        parts_per_second_per_server: float | None = None,
        desk: ReceiptDesk | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trace: Trace | None = None,
        record: Recorder | str | Path | None = None,
    ) -> None:
        config = config or PoolConfig()
        if binds_per_server is not None:
            config = replace(config, binds_per_server=binds_per_server)
        if parts_per_second_per_server is not None:
            config = replace(config, parts_per_second_per_server=parts_per_second_per_server)
        if record is not None:
            config = replace(config, client=replace(config.client, recorder=recorder_of(record)))
        if not servers:
            raise ValueError("a pool needs at least one server")
        desk = desk or ReceiptDesk(default_alphabet=config.client.default_alphabet)
        self._on_deliver = on_deliver
        self._deliver_for = deliver_for
        self._on_change = on_change
        # Not from 1: after a restart a handset may still be putting our last long messages together.
        self._reference = itertools.count(random.randrange(0x10000))
        self._change = asyncio.Event()
        self._events = EventHub(on_event)
        self._servers = [self._new_server(server, config, system_id, password) for server in servers]
        if ssl_context is None and any(server.endpoint.tls for server in self._servers):
            ssl_context = client_tls()
        self._binds = [
            self._new_bind(server, number, config, desk, ssl_context, trace)
            for server in self._servers
            for number in range(server.bind_count)
        ]
        super().__init__(config, desk, self._servers, self._binds)
        self._keeping = Keeping(self._servers, self._binds, config.client.session.unbind_seconds, self.wake)

    def _new_server(self, server: str | ServerOptions, config: PoolConfig, system_id: str, password: str) -> PoolServer:
        options = server if isinstance(server, ServerOptions) else ServerOptions(url=server)
        endpoint = Endpoint.parse(options.url)
        if options.bind_mode is None and endpoint.bind_mode is not BindMode.TRANSCEIVER:
            options = replace(options, bind_mode=endpoint.bind_mode)
        return PoolServer(
            replace(endpoint, system_id=endpoint.system_id or system_id, password=endpoint.password or password),
            options,
            configure(config.client, endpoint),
            config,
            on_room=self.wake,
            on_pause=self._paused,
        )

    def _new_bind(
        self,
        server: PoolServer,
        number: int,
        config: PoolConfig,
        desk: ReceiptDesk,
        ssl_context: ssl.SSLContext | None,
        trace: Trace | None,
    ) -> PoolBind:
        name = f"{server.name}#{number}"
        return PoolBind(
            name,
            server,
            config,
            desk=desk,
            on_deliver=self._deliver_for(name) if self._deliver_for is not None else self._on_deliver,
            on_change=self._changed,
            on_event=self._happened,
            on_room=self.wake,
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
        self._keeping.start()

    async def stop(self, timeout: float | None = None) -> None:
        """Take nothing more, let what is in flight finish, unbind, close.

        Args:
            timeout: seconds for the whole; default: the session's `unbind_seconds`.
        """
        self._end(StateError("the pool stops: nothing can be sent"))
        for server in self._servers:
            server.close()
        for stream in self._streams:
            stream.wake()
        try:
            await self._keeping.stop(timeout)
        finally:
            self._events.close()

    async def drain(self, server: str, timeout: float | None = None) -> None:
        """Take a server out of use, as before maintenance; returns when its binds are unbound.

        Nothing new goes to it, what is in flight finishes, what only waited for its moment goes over other servers.

        Args:
            server: its URL, or ``host:port``.
            timeout: seconds to wait for what is in flight before unbinding; default: until each part is answered or
                its `response_timeout_seconds` are over.

        Raises:
            ValueError: the pool has no such server.
            StateError: the pool does not run.
        """
        await self._keeping.drain(server, timeout)

    def resume(self, server: str) -> None:
        """Put a drained server in use again: its binds connect in the background.

        Raises:
            As `drain`.
        """
        self._keeping.resume(server)

    async def hold(self, bind: str, timeout: float | None = None) -> None:
        """Take one bind out of use, as `drain` takes all of a server; before `start`, keep it from coming up.

        For programs that share the binds an SMSC allows with others.

        Args:
            bind: its name, ``host:port#n``.
            timeout: as with `drain`.

        Raises:
            ValueError: the pool has no such bind.
        """
        await self._keeping.hold(bind, timeout)

    def let(self, bind: str) -> None:
        """Put a bind that was held in use again, unless its server is drained.

        Raises:
            ValueError: the pool has no such bind.
        """
        self._keeping.let(bind)

    def suspend(self, bind: str) -> None:
        """Send nothing new over a bind, which stays up: receipts and messages come over it as before.

        What was written is answered; what only waited for its moment goes over other binds.

        Args:
            bind: its name, ``host:port#n``.

        Raises:
            ValueError: the pool has no such bind.
        """
        self._suspend(bind, True)

    def unsuspend(self, bind: str) -> None:
        """Send over a suspended bind again.

        Raises:
            ValueError: the pool has no such bind.
        """
        self._suspend(bind, False)

    def _suspend(self, bind: str, is_suspended: bool) -> None:
        self._keeping.suspend(bind, is_suspended)
        self._choice.refresh()
        self.wake()

    # Looking at it

    @property
    def binds(self) -> tuple[BindStatus, ...]:
        """State, window, counters and last error of each bind, now."""
        return tuple(bind.status for bind in self._binds)

    @property
    def is_available(self) -> bool:
        """Whether at least one bind may carry messages."""
        return self._choice.is_possible

    def events(self) -> EventStream:
        """What happens to binds from now on: ``async for event in pool.events()``, until the pool has stopped."""
        return self._events.listen()

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

    async def send(
        self,
        *,
        sender: str | Address,
        to: str | Address,
        text: str,
        receipt: bool = True,
        receipt_parts: ReceiptParts | str = ReceiptParts.ALL,
        validity_seconds: float | None = None,
        tlvs: Tlvs = NO_TLVS,
        service_type: str = "",
        **coding: Unpack[SplitOptions],
    ) -> SentMessage:
        """Code, split and submit a text; arguments and errors as `smpp.Client.send`.

        An error comes when all parts have ended; its `parts` says what became of each.
        """
        parts = ReceiptParts(receipt_parts) if receipt else ReceiptParts.NONE
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
        messages = ask_for_receipts(messages, parts)
        submitting = (self.submit(message) for message in messages)
        return sent_message(await asyncio.gather(*submitting, return_exceptions=True), parts)

    # Inside

    def _changed(self, bind: PoolBind) -> None:
        changed, self._change = self._change, asyncio.Event()
        changed.set()
        self._choice.refresh()
        self.wake()
        if self._on_change is not None:
            try:
                self._on_change(bind.status)
            except Exception as error:
                log.error("on_change failed", bind=bind.name, exc_info=error)

    def _paused(self, server: PoolServer, is_pausing: bool) -> None:
        event = BindEvent.PAUSED if is_pausing else BindEvent.RESUMED
        for bind in self._binds:
            if bind.server is server:
                self._happened(bind, event, "")
        if not is_pausing:
            self.wake()

    def _happened(self, bind: PoolBind, event: BindEvent, reason: str) -> None:
        self._events.tell(event, bind, reason)

    def wake(self) -> None:
        """Something came free: it is for servers that drain, then for those that wait, in the order of their coming."""
        if self._keeping.is_draining:
            self._keeping.progress()
        self._serve()

    def __repr__(self) -> str:
        up = sum(bind.state is BindState.BOUND for bind in self._binds)
        return f"<Pool {up} of {len(self._binds)} binds up>"
