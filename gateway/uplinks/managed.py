"""A way out under the operator's hand: paused, drained, resumed, and replaced by one with other settings.

    pipeline ──reserve──► ManagedUplink ──► SmppUplink, RestUplink        (which one, may change meanwhile)

The pipeline keeps the name; what stands behind it changes without its noticing more than a pause.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gateway.models import Message, NewMessage, PartBody
from gateway.providers.carrying import Piece
from gateway.uplinks.base import Slot, Uplink
from smpp.pool import BindStatus


class UplinkState(StrEnum):
    """What the operator wants of an uplink."""

    RUNNING = "running"
    PAUSED = "paused"
    """Nothing is sent; connections stay, and receipts are taken."""
    DRAINED = "drained"
    """Nothing is sent, what was in flight is answered, connections are closed."""


@runtime_checkable
class Connected(Protocol):
    """An uplink that has connections to see, and servers that can be drained one by one."""

    @property
    def binds(self) -> Sequence[BindStatus]:
        """What is known of each connection."""

    @property
    def servers(self) -> Sequence[str]:
        """``host:port`` of each server."""

    async def wait_bound(self, count: int, timeout: float | None = None) -> None:
        """Wait until so many connections are up."""

    async def drain(self, server: str, timeout: float | None = None) -> None:
        """Take a server out of use, after what is in flight."""

    def resume(self, server: str) -> None:
        """Put it in use again."""

    async def drain_bind(self, bind: str, timeout: float | None = None) -> None:
        """Take a connection out of use, after what is in flight."""

    def resume_bind(self, bind: str) -> None:
        """Put it in use again."""

    def suspend_bind(self, bind: str) -> None:
        """Send nothing over a connection, which stays up."""

    def unsuspend_bind(self, bind: str) -> None:
        """Send over it again."""


class ManagedUplink:
    """A name for a way out (gateway.uplinks.base.Uplink)."""

    def __init__(self, uplink: Uplink) -> None:
        self._name = uplink.name
        self._current = uplink
        self._state = UplinkState.RUNNING
        self._drained: frozenset[str] = frozenset()
        self._paused: frozenset[str] = frozenset()
        self._may_send = asyncio.Event()
        self._may_send.set()

    @property
    def name(self) -> str:
        """Its name in the config."""
        return self._name

    @property
    def group(self) -> str:
        """The SMSC group whose message ids it shares."""
        return self._current.group

    @property
    def state(self) -> UplinkState:
        """What the operator wants of it."""
        return self._state

    @property
    def drained(self) -> frozenset[str]:
        """Servers and binds that the operator took out of use, by name."""
        return self._drained

    @property
    def paused(self) -> frozenset[str]:
        """Servers and binds over which nothing is sent, though they stay connected."""
        return self._paused

    @property
    def names(self) -> frozenset[str]:
        """What can be paused or taken out of use: servers, binds."""
        return frozenset((*self.servers, *(bind.name for bind in self.binds)))

    @property
    def current(self) -> Uplink:
        """What stands behind the name."""
        return self._current

    @property
    def is_available(self) -> bool:
        """Whether at least one connection can carry a message now."""
        return self._may_send.is_set() and self._current.is_available

    @property
    def binds(self) -> Sequence[BindStatus]:
        """What is known of each connection; nothing where it has none that stay."""
        return self._current.binds if isinstance(self._current, Connected) else ()

    @property
    def servers(self) -> Sequence[str]:
        """``host:port`` of each server; none where they cannot be drained one by one."""
        return self._current.servers if isinstance(self._current, Connected) else ()

    async def wait_bound(self, count: int, timeout: float | None = None) -> None:
        """Wait until so many connections are up; raises TimeoutError with each one's last error."""
        if isinstance(self._current, Connected):
            await self._current.wait_bound(count, timeout)

    def split(self, message: Message, *, reference: int) -> list[PartBody]:
        """Code and cut a message for this uplink."""
        return self._current.split(message, reference=reference)

    def check(self, message: NewMessage) -> None:
        """Refuse what it can carry of no sender, where that is known before the message is accepted.

        Raises:
            gateway.errors.Unsupported: the text says what.
        """
        look: Callable[[NewMessage], None] | None = getattr(self._current, "check", None)
        if look is not None:
            look(message)

    def piece_of(self, message: Message) -> Piece | None:
        """What a message is a part of that has to be joined before it leaves here."""
        find: Callable[[Message], Piece | None] | None = getattr(self._current, "piece_of", None)
        return find(message) if find is not None else None

    async def reserve(self, count: int) -> Sequence[Slot]:
        """Wait until at least one slot is free and may be used, then take up to `count` of them."""
        while True:
            await self._may_send.wait()
            uplink = self._current
            try:
                slots = await uplink.reserve(count)
            except Exception:
                if uplink is self._current and self._may_send.is_set():
                    raise
                # It was stopped under our hands: its successor will have slots.
                continue
            if uplink is self._current and self._may_send.is_set():
                return slots
            for slot in slots:
                slot.release()

    async def start(self) -> None:
        """Connect in the background."""
        await self._current.start()

    async def stop(self, deadline_seconds: float) -> None:
        """Finish what is in flight and close."""
        await self._current.stop(deadline_seconds)

    # --- the operator's hand ---

    async def arrange(
        self,
        state: UplinkState,
        drained: frozenset[str],
        timeout: float | None = None,
        *,
        paused: frozenset[str] = frozenset(),
    ) -> None:
        """Be in this state, with these servers and binds out of use; returns when they are.

        Args:
            paused: servers and binds that stay connected, but send nothing.
            timeout: seconds after which connections are closed all the same.
        """
        self._state, self._drained, self._paused = state, drained, paused
        if state is not UplinkState.RUNNING:
            self._may_send.clear()
        await self._arrange_servers(timeout)
        if self._state is UplinkState.RUNNING:
            self._may_send.set()

    async def replace(self, uplink: Uplink, deadline_seconds: float) -> None:
        """Put another in its place: this one ends what is in flight and closes before the other connects.

        An SMSC may allow no more connections than we have.
        """
        old, self._current = self._current, uplink
        try:
            await old.stop(deadline_seconds)
        finally:
            await uplink.start()
        self._drained &= self.names
        self._paused &= self.names
        await self._arrange_servers(deadline_seconds)

    async def _arrange_servers(self, timeout: float | None) -> None:
        """Pause, drain and resume servers until they are as wanted."""
        uplink = self._current
        if not isinstance(uplink, Connected):
            return
        away = frozenset(uplink.servers) if self._state is UplinkState.DRAINED else self._drained
        binds = [bind.name for bind in uplink.binds]
        for bind in uplink.binds:
            is_paused = bind.name in self._paused or bind.server in self._paused
            (uplink.suspend_bind if is_paused else uplink.unsuspend_bind)(bind.name)
        for server in uplink.servers:
            if server not in away:
                uplink.resume(server)
        for name in binds:
            if name not in self._drained:
                uplink.resume_bind(name)
        await asyncio.gather(
            *(uplink.drain(server, timeout) for server in uplink.servers if server in away),
            *(uplink.drain_bind(name, timeout) for name in binds if name in self._drained),
        )
