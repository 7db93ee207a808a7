"""One bind of a pool: connected, kept connected, and what is known of it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Final

from smpp.backoff import Backoff
from smpp.client import DeliverHandler, Link
from smpp.connection import Connection
from smpp.constants import BindMode
from smpp.dispatch import Answer
from smpp.errors import BindFailed, ConnectionLost, SmppError
from smpp.log import log
from smpp.pool.rate import RateMeter
from smpp.pool.server import Pause, PoolServer
from smpp.pool.settings import PAIR, PoolConfig
from smpp.receipts import ReceiptDesk
from smpp.retry import BindClass
from smpp.session.session import Trace
from smpp.wire.pdu import DataSm, DeliverSm


class BindState(Enum):
    """Where a bind of a pool is."""

    CONNECTING = "connecting"
    BOUND = "bound"
    WAITING = "waiting"
    """Before the next try."""
    DRAINING = "draining"
    """Bound, and given nothing new: what is in flight finishes."""
    DRAINED = "drained"
    """Unbound until its server is resumed, or the bind let go."""
    STOPPED = "stopped"


_BOUND: Final = BindState.BOUND
"""To ask the enumeration for its member takes four times as long, and it is asked for with every part."""


class BindEvent(StrEnum):
    """What happens to a bind."""

    CONNECTING = "connecting"
    BOUND = "bound"
    REFUSED = "refused"
    """The SMSC refused the bind."""
    UNREACHABLE = "unreachable"
    """No connection, no TLS, or no answer to the bind."""
    FELL_BACK = "fell back"
    """The SMSC knows no transceiver: from now on a transmitter and a receiver."""
    LOST = "lost"
    PAUSED = "paused"
    """The SMSC throttles it, or its server."""
    RESUMED = "resumed"
    """A pause is over."""
    DRAINING = "draining"
    DRAINED = "drained"
    STOPPED = "stopped"


_OF_STATE = {
    BindState.CONNECTING: BindEvent.CONNECTING,
    BindState.BOUND: BindEvent.BOUND,
    BindState.DRAINING: BindEvent.DRAINING,
    BindState.DRAINED: BindEvent.DRAINED,
    BindState.STOPPED: BindEvent.STOPPED,
}
"""What to tell of a new state; WAITING has its reason told before."""

_AT_REST = frozenset({BindState.STOPPED, BindState.DRAINED})


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
    mode: str = BindMode.TRANSCEIVER.value
    """``tx``, ``rx``, ``trx`` or ``pair``: a transmitter and a receiver."""
    fell_back: bool = False
    """Whether it is a pair because the SMSC knows no transceiver."""
    is_paused: bool = False
    """Whether the SMSC throttles it, or its server."""
    in_doubt: int = 0
    """Parts that left and were not answered."""
    rate: float = 0.0
    """Parts a second that the SMSC accepted, over the last seconds."""
    server: str = ""
    """``host:port``."""
    is_suspended: bool = False
    """Whether it is to carry nothing new for now."""


class PoolBind:
    """Keeps one bind up.

    Args:
        name: ``host:port#n``.
        server: whose pace its parts follow.
        config: the pool's settings.
        desk: where receipts go.
        on_deliver: gets messages and receipts.
        on_change: called when its state changed.
        on_event: told what happens to it, and why.
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
        on_event: "Callable[[PoolBind, BindEvent, str], None]",
        on_room: Callable[[], None],
        ssl_context: ssl.SSLContext | None,
        trace: Trace | None,
    ) -> None:
        self.name = name
        self.server = server
        self.is_held = False
        """Whether it may not be up for now, whatever its server may."""
        self.is_suspended = False
        """Whether it carries nothing new for now; it stays up, and hears receipts."""
        self.window = server.client.session.window
        self.lane = server.lane()
        self.is_paced = server.is_paced
        self.pause = Pause(config, self._go_on, lambda: on_event(self, BindEvent.PAUSED, ""))
        self.state = BindState.STOPPED
        self.mode = server.bind_mode
        self.submitted = 0
        self.refused = 0
        self.throttled = 0
        self.in_doubt = 0
        self.delivered = 0
        self.reconnects = 0
        self.last_error = ""
        self.rate = RateMeter()
        self.link: Link | None = None
        """What carries our messages, while the bind is up."""
        self.connection: Connection | None = None
        """Its connection."""
        self._links: Sequence[Link] = ()
        self._config = config
        self._desk = desk
        self._on_deliver = on_deliver
        self._on_change = on_change
        self._on_event = on_event
        self._on_room = on_room
        self._ssl_context = ssl_context
        self._trace = trace
        self._backoff = Backoff(
            config.reconnect_min_seconds, config.reconnect_max_seconds, refused_minimum=config.refused_min_seconds
        )

    @property
    def may_send(self) -> bool:
        """Whether it can carry messages when it is up."""
        return self.mode is not BindMode.RECEIVER

    @property
    def is_out_of_use(self) -> bool:
        """Whether nothing new may go over it: it is held, or its server drained."""
        return self.is_held or self.server.is_drained

    def room(self) -> int:
        """How many more parts it may take now."""
        connection = self.connection
        if connection is None or self.state is not _BOUND or self.pause.is_on:
            return 0
        lane = self.lane
        if lane.ahead and lane.taken >= lane.ahead:
            return 0
        return connection.free_window

    @property
    def in_flight(self) -> int:
        """Parts that wait for their answer."""
        return self.link.connection.session.in_flight if self.link is not None else 0

    @property
    def status(self) -> BindStatus:
        """What is known of it now."""
        return BindStatus(
            self.name,
            self.state,
            self.server.endpoint.tls,
            self.in_flight if self.state in (BindState.BOUND, BindState.DRAINING) else 0,
            self.window,
            self.submitted,
            self.refused,
            self.throttled,
            self.delivered,
            self.reconnects,
            self.last_error,
            PAIR if self.mode == PAIR else BindMode(self.mode).value,
            self.mode != self.server.bind_mode,
            self.pause.is_on or self.server.pause.is_on,
            self.in_doubt,
            self.rate.per_second,
            self.server.name,
            self.is_suspended,
        )

    async def keep(self) -> None:
        """Connect, bind, wait until it is lost, and again; until cancelled or told to unbind."""
        while self._may_be_up():
            mode = self.mode
            refused = await self._once()
            if self._is_at_rest():
                return
            if not self._may_be_up():
                break
            if self.mode != mode and self.mode == PAIR:
                continue
            self.reconnects += 1
            self._move_to(BindState.WAITING)
            await asyncio.sleep(self._backoff.next(refused=refused))
        self._move_to(BindState.DRAINED)

    async def _once(self) -> bool:
        """Bind, and return when that is over; whether the SMSC refused it."""
        self._move_to(BindState.CONNECTING)
        links = self._links = self._new_links()
        event = BindEvent.UNREACHABLE
        try:
            for link in links:
                await link.open()
            self.link, self.connection = links[-1], links[-1].connection
            event = BindEvent.LOST
            await self._while_bound(links)
        except BindFailed as error:
            self._refused(error)
            return True
        except (SmppError, OSError) as error:
            self._failed(event, error)
        except Exception as error:
            # Whatever it is, a bind that nobody keeps up any more would be worse.
            log.error("bind failed by a fault of ours", bind=self.name, exc_info=error)
            self._failed(event, error)
        finally:
            self.link = self.connection = None
            for link in links:
                if not _is_over(link):
                    link.abort("the bind is given up")
        return False

    async def _while_bound(self, links: Sequence[Link]) -> None:
        loop = asyncio.get_running_loop()
        bound_at = loop.time()
        log.info("= bound", bind=self.name)
        self._move_to(BindState.BOUND)
        closed = [link.connection.closed for link in links]
        await asyncio.wait(closed, return_when=asyncio.FIRST_COMPLETED)
        if self.state is not BindState.BOUND:
            # Somebody ends it in order: both halves of a pair.
            await asyncio.wait(closed)
            if self._is_at_rest():
                return
        reason = next(one.result() for one in closed if one.done())
        self._failed(BindEvent.LOST, reason)
        if loop.time() - bound_at > self._config.reconnect_min_seconds:
            self._backoff.reset()
        others = [link for link, one in zip(links, closed, strict=True) if not one.done()]
        if others:
            # The other half of a pair: what is in flight there finishes.
            self._move_to(BindState.WAITING)
            await asyncio.gather(*(link.close() for link in others))

    async def unbind(self, state: BindState = BindState.STOPPED) -> None:
        """End the bind in order.

        Args:
            state: what it is in afterwards.
        """
        links, self.state = self._links, state
        if state is BindState.STOPPED:
            self.pause.close()
        try:
            if self.link is not None:
                await asyncio.gather(*(link.close() for link in links))
        finally:
            # Meanwhile the pool may have been told to stop, or the server to go on.
            if self.state is state:
                self._move_to(state)

    def rest(self, state: BindState) -> None:
        """It is not kept up any more."""
        self._move_to(state)

    def drain(self) -> None:
        """Take nothing new."""
        self._move_to(BindState.DRAINING)

    def undrain(self) -> bool:
        """Take new parts again, if it has not been unbound yet."""
        if self.state is not BindState.DRAINING:
            return False
        self._move_to(BindState.BOUND)
        return True

    def abort(self, reason: str) -> None:
        """End the bind now."""
        if self.link is not None:
            for link in self._links:
                link.abort(reason)

    def _new_links(self) -> Sequence[Link]:
        """What the bind is made of, the one that carries our messages last."""
        if self.mode == PAIR:
            # The receiver first: a receipt that our first message causes finds somebody.
            return self._new_link(BindMode.RECEIVER, "rx"), self._new_link(BindMode.TRANSMITTER, "tx")
        return (self._new_link(BindMode(self.mode)),)

    def _new_link(self, mode: BindMode, suffix: str = "") -> Link:
        return Link(
            replace(self.server.endpoint, bind_mode=mode),
            self.server.client,
            name=f"{self.name}{suffix}",
            desk=self._desk,
            on_deliver=None if self._on_deliver is None else self._deliver,
            on_room=self._on_room,
            ssl_context=self._ssl_context,
            trace=self._trace,
        )

    def _deliver(self, message: DeliverSm | DataSm) -> Answer | Awaitable[Answer]:
        self.delivered += 1
        return self._on_deliver(message) if self._on_deliver is not None else None

    def _may_be_up(self) -> bool:
        return not self.is_out_of_use

    def _is_at_rest(self) -> bool:
        return self.state in _AT_REST

    def _refused(self, error: BindFailed) -> None:
        self._failed(BindEvent.REFUSED, error)
        if self._config.retry.classify_bind(error.command_status) is not BindClass.UNSUPPORTED:
            return
        if self.mode is BindMode.TRANSCEIVER and self._config.fall_back_to_pair:
            self.mode = PAIR
            self._on_event(self, BindEvent.FELL_BACK, str(error))
        elif self.mode != self.server.bind_mode:
            # Neither will do: begin anew, after a while.
            self.mode = self.server.bind_mode

    def _failed(self, event: BindEvent, error: object) -> None:
        self.last_error = str(error)
        log.warning("bind is down", bind=self.name, error=self.last_error)
        self._on_event(self, event, self.last_error)

    def _go_on(self) -> None:
        self._on_event(self, BindEvent.RESUMED, "")
        self._on_room()

    def _move_to(self, state: BindState) -> None:
        self.state = state
        self._on_change(self)
        event = _OF_STATE.get(state)
        if event is not None:
            self._on_event(self, event, "")

    def __repr__(self) -> str:
        return f"<PoolBind {self.name} {self.state.value}>"


def _is_over(link: Link) -> bool:
    """Whether nothing of a link is left to abort."""
    try:
        return link.connection.closed.done()
    except ConnectionLost:
        return True
