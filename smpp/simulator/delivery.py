"""Receipts and messages on their way to ESMEs: which bind gets them, waiting for one, sending again."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from random import Random
from typing import Final, Literal

from smpp.constants import MessageState
from smpp.errors import EncodeError, NotSent, StateError
from smpp.server import ServerSession
from smpp.session import ResponseReceived
from smpp.simulator.agenda import Agenda
from smpp.simulator.script import Receipts, draw
from smpp.wire.pdu import DataSm, DeliverSm

Kind = Literal["receipt", "notification", "message"]

GIVEN_UP: Final = -1


class Delivery:
    """One deliver_sm or data_sm for an ESME, until it is acknowledged or given up.

    Attributes:
        kind: receipt, intermediate notification or message.
        message: the PDU.
        system_id: whose it is; "" for anybody's.
        message_id: of the message that a receipt is about.
        state: what the receipt says.
        origin: the bind that carried that message.
        origin_server: its server.
        server: which server tried it last; None before the first try.
        bind: the bind that tried it last.
        attempts: how often it was sent.
        status: of the last answer; None without one.
        is_over: whether it was acknowledged or given up.
    """

    __slots__ = (
        "_post",
        "_waiters",
        "attempts",
        "bind",
        "is_over",
        "kind",
        "message",
        "message_id",
        "origin",
        "origin_server",
        "server",
        "state",
        "status",
        "system_id",
    )

    def __init__(
        self,
        post: "PostOffice",
        kind: Kind,
        message: DeliverSm | DataSm,
        system_id: str,
        *,
        message_id: str = "",
        state: MessageState | None = None,
        origin: ServerSession | None = None,
        origin_server: int | None = None,
    ) -> None:
        self._post = post
        self._waiters: list[asyncio.Future[int]] | None = None
        self.kind: Kind = kind
        self.message = message
        self.system_id = system_id
        self.message_id = message_id
        self.state = state
        self.origin = origin
        self.origin_server = origin_server
        self.server: int | None = None
        self.bind = ""
        self.attempts = 0
        self.status: int | None = None
        self.is_over = False

    async def wait(self, timeout: float | None = None) -> int:
        """Wait for its end: the status it was last answered with, `GIVEN_UP` where it never was.

        Raises:
            TimeoutError: it did not come in time.
        """
        if self.is_over:
            return GIVEN_UP if self.status is None else self.status
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiters = [*(self._waiters or ()), waiter]
        self._post.awaited.add(self)
        async with asyncio.timeout(timeout):
            return await waiter

    def end(self) -> None:
        """It is over."""
        self.is_over = True
        self.origin = None
        if self._waiters is None:
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(GIVEN_UP if self.status is None else self.status)
        self._waiters = None
        self._post.awaited.discard(self)

    # What the connection calls (smpp.owner.Completion)

    def done(self) -> bool:
        """Never: it wants to know."""
        return False

    def set_result(self, result: ResponseReceived, /) -> None:
        """The ESME answered."""
        self._post.answered(self, result.command_status)

    def set_exception(self, exception: BaseException, /) -> None:
        """No answer will come."""
        self._post.lost(self, exception)

    def __repr__(self) -> str:
        about = f" of {self.message_id} {self.state.name}" if self.state is not None else ""
        return f"<Delivery {self.kind}{about} to {self.system_id or 'anybody'}, status {self.status}>"


class PostOffice:
    """Sends deliveries to binds that can receive, and holds them while there is none.

    Args:
        receipts: how often to try again, and which bind to choose.
        agenda: for later.
        random: for the choice.
        limit: how many may be under way; beyond that `is_full` says so.
        remember: how many that are over to keep in `ended`.
        on_end: called with each that is over.
        on_refused: called with each that is answered with an error.
        on_change: called when anything was sent.
    """

    def __init__(
        self,
        receipts: Callable[[], Receipts],
        agenda: Agenda,
        random: Random,
        *,
        limit: int,
        remember: int,
        counters: Counter[str],
        on_end: Callable[[Delivery], None],
        on_refused: Callable[[Delivery], None],
        on_change: Callable[[], None],
    ) -> None:
        self._receipts = receipts
        self._agenda = agenda
        self._random = random
        self._limit = limit
        self._counters = counters
        self._on_end = on_end
        self._on_refused = on_refused
        self._on_change = on_change
        self._binds: defaultdict[str, list[ServerSession]] = defaultdict(list)
        self._servers: dict[ServerSession, int] = {}
        self._held: defaultdict[str, deque[Delivery]] = defaultdict(deque)
        self.pending = 0
        """Under way: planned, held, or not acknowledged."""
        self.ended: deque[Delivery] = deque(maxlen=remember)
        self.awaited: set[Delivery] = set()
        """Those that somebody waits for."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be planned."""
        return self.pending >= self._limit

    def open_bind(self, session: ServerSession, server: int) -> None:
        """A bind that can receive is there."""
        self._servers[session] = server
        self._binds[session.system_id].append(session)
        self.go_on(session.system_id)

    def close_bind(self, session: ServerSession) -> None:
        """It is gone."""
        if self._servers.pop(session, None) is None:
            return
        binds = self._binds[session.system_id]
        binds.remove(session)
        if not binds:
            del self._binds[session.system_id]
        self.go_on(session.system_id)

    def can_reach(self, system_id: str) -> bool:
        """Whether some bind of this account can receive."""
        return bool(self._binds.get(system_id)) if system_id else bool(self._servers)

    def post(self, delivery: Delivery) -> None:
        """Send it, now or as soon as a bind can take it. It has been counted in `pending`."""
        if delivery.system_id in self._held or not self._send(delivery):
            self._held[delivery.system_id].append(delivery)
            self.go_on(delivery.system_id)

    def go_on(self, system_id: str) -> None:
        """Send what is held for an account, as far as windows have room; and what is held for anybody."""
        held = self._held.get(system_id)
        while held and self._send(held[0]):
            held.popleft()
        if held is not None and not held:
            del self._held[system_id]
        if system_id and "" in self._held:
            self.go_on("")

    def answered(self, delivery: Delivery, command_status: int) -> None:
        """The ESME acknowledged it, or did not want it."""
        delivery.status = command_status
        if command_status == 0:
            self._counters[f"{delivery.kind}s_acknowledged"] += 1
            self._over(delivery)
            return
        self._counters[f"{delivery.kind}s_refused"] += 1
        self._on_refused(delivery)
        self._try_again(delivery, draw(self._receipts().retry, self._random))

    def lost(self, delivery: Delivery, error: BaseException) -> None:
        """The link was lost, or the answer did not come."""
        if isinstance(error, NotSent):
            delivery.attempts -= 1
        self._try_again(delivery, 0.0)

    def give_up(self, delivery: Delivery) -> None:
        """Try no more."""
        self._counters[f"{delivery.kind}s_given_up"] += 1
        self._over(delivery)

    def close(self) -> None:
        """Whoever waits for a delivery waits no longer: the simulator stops."""
        self._held.clear()
        for delivery in list(self.awaited):
            delivery.end()

    # Inside

    def _try_again(self, delivery: Delivery, seconds: float) -> None:
        if delivery.attempts >= self._receipts().attempts:
            self.give_up(delivery)
        else:
            self._agenda.after(seconds, self.post, delivery)

    def _over(self, delivery: Delivery) -> None:
        self.pending -= 1
        self.ended.append(delivery)
        delivery.end()
        self._on_end(delivery)

    def _send(self, delivery: Delivery) -> bool:
        """Send it over some bind; False where none has room."""
        session = self._choose(delivery)
        if session is None:
            return False
        delivery.attempts += 1
        delivery.server = self._servers[session]
        delivery.bind = session.name
        try:
            session.send(delivery.message, delivery)
        except EncodeError:
            delivery.attempts = self._receipts().attempts
            self.give_up(delivery)
            return True
        except StateError:
            delivery.attempts -= 1
            return False
        self._counters[f"{delivery.kind}s_sent"] += 1
        self._on_change()
        return True

    def _choose(self, delivery: Delivery) -> ServerSession | None:
        binds = self._binds.get(delivery.system_id) if delivery.system_id else list(self._servers)
        if not binds:
            return None
        if len(binds) > 1:
            binds = self._wanted(delivery, binds)
            with_room = [session for session in binds if session.connection.free_window]
            if not with_room:
                return None
            return with_room[int(self._random.random() * len(with_room))]
        return binds[0] if binds[0].connection.free_window else None

    def _wanted(self, delivery: Delivery, binds: list[ServerSession]) -> list[ServerSession]:
        route, origin = self._receipts().route, delivery.origin
        if route == "any" or origin is None:
            return binds
        if route == "same":
            wanted = [session for session in binds if session is origin]
        elif route == "other_bind":
            wanted = [session for session in binds if session is not origin]
        else:
            wanted = [session for session in binds if self._servers[session] != delivery.origin_server]
        # A receipt is never kept back for want of the right bind.
        return wanted or binds
