"""One bind of a pool: connected, kept connected, and what is known of it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from smpp.backoff import Backoff
from smpp.client import DeliverHandler, Link
from smpp.dispatch import Answer
from smpp.errors import BindFailed, SmppError
from smpp.log import log
from smpp.pool.server import Pause, PoolServer
from smpp.pool.settings import PoolConfig
from smpp.receipts import ReceiptDesk
from smpp.session.session import Trace
from smpp.wire.pdu import DataSm, DeliverSm


class BindState(Enum):
    """Where a bind of a pool is."""

    CONNECTING = "connecting"
    BOUND = "bound"
    WAITING = "waiting"
    """Before the next try."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class BindStatus:
    """What is known of a bind at one moment."""

    name: str
    state: BindState
    tls: bool
    in_flight: int
    window: int
    submitted: int
    """Parts that the SMSC accepted over this bind, since the pool started."""
    refused: int
    throttled: int
    delivered: int
    """deliver_sm and data_sm that came over it."""
    reconnects: int
    last_error: str


class PoolBind:
    """Keeps one bind up.

    Args:
        name: ``host:port#n``.
        server: whose pace its parts follow.
        config: the pool's settings.
        desk: where receipts go.
        on_deliver: gets messages and receipts.
        on_room: called when it may take more.
    """

    def __init__(
        self,
        name: str,
        server: PoolServer,
        config: PoolConfig,
        *,
        desk: ReceiptDesk,
        on_deliver: DeliverHandler | None,
        on_change: "Callable[[PoolBind], None]",
        on_room: Callable[[], None],
        ssl_context: ssl.SSLContext | None,
        trace: Trace | None,
    ) -> None:
        self.name = name
        self.server = server
        self.pause = Pause(config, on_room)
        self.state = BindState.STOPPED
        self.submitted = 0
        self.refused = 0
        self.throttled = 0
        self.delivered = 0
        self.reconnects = 0
        self.last_error = ""
        self.link: Link | None = None
        self._config = config
        self._desk = desk
        self._on_deliver = on_deliver
        self._on_change = on_change
        self._on_room = on_room
        self._ssl_context = ssl_context
        self._trace = trace
        self._backoff = Backoff(
            config.reconnect_min_seconds, config.reconnect_max_seconds, refused_minimum=config.refused_min_seconds
        )

    @property
    def room(self) -> int:
        """How many more parts it may take now."""
        link = self.link
        if link is None or self.state is not BindState.BOUND or self.pause.is_on:
            return 0
        return link.connection.free_window

    @property
    def status(self) -> BindStatus:
        """What is known of it now."""
        session = self.link.connection.session if self.link is not None and self.state is BindState.BOUND else None
        return BindStatus(
            self.name,
            self.state,
            self.server.endpoint.tls,
            session.in_flight if session is not None else 0,
            self._config.client.session.window,
            self.submitted,
            self.refused,
            self.throttled,
            self.delivered,
            self.reconnects,
            self.last_error,
        )

    async def keep(self) -> None:
        """Connect, bind, wait until it is lost, and again; until cancelled or told to unbind."""
        while True:
            refused = await self._once()
            if self._is_stopped():
                return
            self.reconnects += 1
            self._move_to(BindState.WAITING)
            await asyncio.sleep(self._backoff.next(refused=refused))

    async def _once(self) -> bool:
        """Bind, and return when that is over; whether the SMSC refused it."""
        self._move_to(BindState.CONNECTING)
        link = self._new_link()
        try:
            await link.open()
            self.link = link
            await self._while_bound(link)
        except BindFailed as error:
            self._failed(error)
            return True
        except (SmppError, OSError) as error:
            self._failed(error)
        except Exception as error:
            # Whatever it is, a bind that nobody keeps up any more would be worse.
            log.error("bind failed by a fault of ours", bind=self.name, exc_info=error)
            self._failed(error)
        finally:
            self.link = None
            if link.is_bound:
                link.abort("the bind is given up")
        return False

    async def _while_bound(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        bound_at = loop.time()
        log.info("= bound", bind=self.name)
        self._move_to(BindState.BOUND)
        reason = await asyncio.shield(link.connection.closed)
        if self._is_stopped():
            return
        self._failed(reason)
        if loop.time() - bound_at > self._config.reconnect_min_seconds:
            self._backoff.reset()

    async def unbind(self) -> None:
        """End the bind in order."""
        link, self.state = self.link, BindState.STOPPED
        self.pause.close()
        try:
            if link is not None:
                await link.close()
        finally:
            self._move_to(BindState.STOPPED)

    def abort(self, reason: str) -> None:
        """End the bind now."""
        if self.link is not None:
            self.link.abort(reason)

    def _new_link(self) -> Link:
        return Link(
            self.server.endpoint,
            self._config.client,
            name=self.name,
            desk=self._desk,
            on_deliver=None if self._on_deliver is None else self._deliver,
            on_room=self._on_room,
            ssl_context=self._ssl_context,
            trace=self._trace,
        )

    def _deliver(self, message: DeliverSm | DataSm) -> Answer | Awaitable[Answer]:
        self.delivered += 1
        return self._on_deliver(message) if self._on_deliver is not None else None

    def _is_stopped(self) -> bool:
        return self.state is BindState.STOPPED

    def _failed(self, error: object) -> None:
        self.last_error = str(error)
        log.warning("bind is down", bind=self.name, error=self.last_error)

    def _move_to(self, state: BindState) -> None:
        self.state = state
        self._on_change(self)

    def __repr__(self) -> str:
        return f"<PoolBind {self.name} {self.state.value}>"
