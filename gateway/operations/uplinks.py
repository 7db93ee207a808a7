"""Uplinks under the operator's hand: seen, paused, drained, resumed.

What was asked for is a record in the store, so that it outlives a restart and holds on every node.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gateway.errors import NotThere, OperatorError, StoreError
from gateway.health import HealthBook, HealthState
from gateway.metrics import Metrics
from gateway.store import Record, Store
from gateway.uplinks.managed import ManagedUplink, UplinkState

log = structlog.get_logger(__name__)

KIND: Final = "uplink_control"
DRAIN_SECONDS: Final = 30.0
"""How long what is in flight may take before binds are closed all the same."""
_TRIES: Final = 10


class BindView(msgspec.Struct, frozen=True, kw_only=True):
    """One connection to an SMSC."""

    uplink: str
    bind: str
    """host:port#n."""
    server: str
    state: str
    mode: str
    tls: bool
    window: int
    in_flight: int
    rate: float
    """Parts a second that the SMSC accepted, over the last seconds."""
    submitted: int
    refused: int
    throttled: int
    in_doubt: int
    delivered: int
    reconnects: int
    is_paused: bool
    """Whether the SMSC throttles it, or its server."""
    is_suspended: bool
    """Whether the operator paused it, or its server."""
    last_error: str


class UplinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A way out, as it is now."""

    name: str
    group: str
    state: str
    """What the operator wants: running, paused or drained."""
    is_available: bool
    """Whether messages can leave over it now."""
    servers: tuple[str, ...]
    drained: tuple[str, ...]
    """Servers and binds of it that are out of use."""
    binds_up: int
    binds: int
    health: str = HealthState.WELL.value
    """What its answers of late say: well, sick (messages take the next one of their route), on_trial."""
    paused: tuple[str, ...] = ()
    """Servers and binds of it over which nothing is sent, though they stay bound."""
    remark: str = ""
    """Why it is not well."""


class _Control(msgspec.Struct, frozen=True):
    state: UplinkState = UplinkState.RUNNING
    drained: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()


class UplinkDesk:
    """The uplinks of this node.

    Args:
        uplinks: by name; those that are there when somebody looks.
        on_change: called when one may carry messages again, or no longer.
        health: what is thought of them; None: no ill.
    """

    def __init__(
        self,
        store: Store,
        uplinks: Mapping[str, ManagedUplink],
        on_change: Callable[[], None],
        *,
        health: HealthBook | None = None,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._uplinks = uplinks
        self._on_change = on_change
        self._health = health
        self._metrics = metrics
        self._clock = clock

    # --- seeing ---

    def statuses(self) -> list[UplinkStatus]:
        """Every uplink."""
        return [self.status(name) for name in self._uplinks]

    def status(self, name: str) -> UplinkStatus:
        """One uplink.

        Raises:
            NotThere: there is none.
        """
        uplink = self._known(name)
        return UplinkStatus(
            name=name,
            group=uplink.group,
            state=uplink.state.value,
            is_available=uplink.is_available,
            servers=tuple(uplink.servers),
            drained=tuple(sorted(uplink.drained)),
            paused=tuple(sorted(uplink.paused)),
            binds_up=sum(bind.state.value == "bound" for bind in uplink.binds),
            binds=len(uplink.binds),
            health=self._health.state(name).value if self._health is not None else HealthState.WELL.value,
            remark=self._health.remark(name) if self._health is not None else "",
        )

    def binds(self, uplink: str = "") -> list[BindView]:
        """Every connection, of one uplink or of all.

        Raises:
            NotThere: there is no such uplink.
        """
        names = [uplink] if uplink else list(self._uplinks)
        return [
            BindView(
                uplink=name,
                bind=bind.name,
                server=bind.server,
                state=bind.state.value,
                mode=bind.mode,
                tls=bind.tls,
                window=bind.window,
                in_flight=bind.in_flight,
                rate=round(bind.rate, 1),
                submitted=bind.submitted,
                refused=bind.refused,
                throttled=bind.throttled,
                in_doubt=bind.in_doubt,
                delivered=bind.delivered,
                reconnects=bind.reconnects,
                is_paused=bind.is_paused,
                is_suspended=bind.is_suspended,
                last_error=bind.last_error,
            )
            for name in names
            for bind in self._known(name).binds
        ]

    # --- verbs ---

    async def pause(self, name: str) -> UplinkStatus:
        """Send nothing over it; connections stay, and receipts are taken."""
        return await self._ask(name, state=UplinkState.PAUSED)

    async def drain(self, name: str) -> UplinkStatus:
        """Send nothing over it, and unbind once what is in flight is answered."""
        return await self._ask(name, state=UplinkState.DRAINED)

    async def resume(self, name: str) -> UplinkStatus:
        """Send over it again."""
        return await self._ask(name, state=UplinkState.RUNNING)

    async def pause_server(self, name: str, server: str) -> UplinkStatus:
        """Send nothing to one of its servers; its binds stay, and receipts are taken."""
        self._check(name, server, self._known(name).servers, "server")
        return await self._ask(name, pause=server)

    async def drain_server(self, name: str, server: str) -> UplinkStatus:
        """Take one of its servers out of use, after what is in flight."""
        self._check(name, server, self._known(name).servers, "server")
        return await self._ask(name, drain=server)

    async def resume_server(self, name: str, server: str) -> UplinkStatus:
        """Put it in use again."""
        self._check(name, server, self._known(name).servers, "server")
        return await self._ask(name, resume=server)

    async def pause_bind(self, name: str, bind: str) -> UplinkStatus:
        """Send nothing over one of its binds, which stays up, and takes receipts."""
        self._check(name, bind, [one.name for one in self._known(name).binds], "bind")
        return await self._ask(name, pause=bind)

    async def drain_bind(self, name: str, bind: str) -> UplinkStatus:
        """Take one of its binds out of use, after what is in flight."""
        self._check(name, bind, [one.name for one in self._known(name).binds], "bind")
        return await self._ask(name, drain=bind)

    async def resume_bind(self, name: str, bind: str) -> UplinkStatus:
        """Put it in use again."""
        self._check(name, bind, [one.name for one in self._known(name).binds], "bind")
        return await self._ask(name, resume=bind)

    async def sync(self) -> None:
        """Make every uplink what was asked for, here or on another node."""
        wanted = {record.key: _read(record) for record in await self._store.records(KIND, limit=10_000)}
        for name, uplink in list(self._uplinks.items()):
            try:
                await self._apply(uplink, wanted.get(name, _Control()))
            except Exception:
                log.exception("an uplink could not be made what was asked for", uplink=name)

    async def _ask(
        self, name: str, *, state: UplinkState | None = None, pause: str = "", drain: str = "", resume: str = ""
    ) -> UplinkStatus:
        uplink = self._known(name)
        for _ in range(_TRIES):
            record = await self._store.find_record(KIND, "", name)
            control = _read(record) if record is not None else _Control()
            # Each is either paused or drained: what was asked for last holds.
            drained = tuple(sorted({*control.drained, drain} - {pause, resume, ""}))
            paused = tuple(sorted({*control.paused, pause} - {drain, resume, ""}))
            control = _Control(state or control.state, drained, paused)
            now = self._clock()
            record = record or Record(kind=KIND, account="", key=name, created_at=now)
            changed = msgspec.structs.replace(record, value=msgspec.json.encode(control), updated_at=now)
            if (await self._store.put_records([changed]))[0]:
                break
        else:
            raise StoreError("others change this uplink at the same time")
        log.info(
            "uplink", uplink=name, state=control.state.value, drained=list(control.drained), paused=list(control.paused)
        )
        await self._apply(uplink, control)
        return self.status(name)

    async def _apply(self, uplink: ManagedUplink, control: _Control) -> None:
        drained, paused = frozenset(control.drained) & uplink.names, frozenset(control.paused) & uplink.names
        if self._metrics is not None:
            self._show(self._metrics, uplink.name, control.state, len(drained), len(paused))
        if uplink.state is control.state and uplink.drained == drained and uplink.paused == paused:
            return
        await uplink.arrange(control.state, drained, DRAIN_SECONDS, paused=paused)
        self._on_change()

    @staticmethod
    def _show(metrics: Metrics, name: str, state: UplinkState, drained: int, paused: int) -> None:
        """Of an uplink that is taken out of use as a whole, it counts as one more."""
        metrics.out_of_use.labels(name, "paused").set(paused + (state is UplinkState.PAUSED))
        metrics.out_of_use.labels(name, "drained").set(drained + (state is UplinkState.DRAINED))

    def _known(self, name: str) -> ManagedUplink:
        uplink = self._uplinks.get(name)
        if uplink is None:
            raise NotThere(f"there is no uplink {name}; there are: {', '.join(self._uplinks) or 'none'}")
        return uplink

    def _check(self, name: str, wanted: str, there: Sequence[str], what: str) -> None:
        if not there:
            raise OperatorError(f"uplink {name} has no {what}s that can be paused or drained one by one")
        if wanted not in there:
            raise NotThere(f"uplink {name} has no {what} {wanted}; it has: {', '.join(there)}")


def _read(record: Record) -> _Control:
    return msgspec.json.decode(record.value, type=_Control)
