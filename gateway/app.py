"""The gateway as a whole: started, stopped, healthy or not."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog
from aiohttp import web

from gateway.config import Config
from gateway.errors import ConfigError, StoreError
from gateway.faults import fault_from
from gateway.http import HttpLimits, Listener, serve
from gateway.metrics import CONTENT_TYPE
from gateway.networks import parse_networks
from gateway.nodes import Lease
from gateway.operations.accounts import load_accounts
from gateway.parts import Parts
from gateway.providers import PROVIDERS
from gateway.reload import with_accounts
from gateway.retention import Janitor
from gateway.smsc import SmppDoor
from gateway.steering import Source
from gateway.store import open_store
from gateway.tasks import cancel_all
from gateway.web.admin import build_admin_app
from gateway.web.app import build_app, build_dialect_app
from gateway.web.auth import AccountAuthenticator
from gateway.web.callbacks import CallbackDoor

log = structlog.stdlib.get_logger("gateway")

_HEALTH_SECONDS: Final = 1.0
_SHARES_SECONDS: Final = 5.0
"""How long other nodes have to leave some of the accounts' limits to one that starts."""


class Gateway(Parts):
    """One node of the gateway.

    Args:
        config: everything about it.
        source: reads the config again, for `reload`; None: there is no reload.
    """

    def __init__(self, config: Config, *, source: Source | None = None) -> None:
        super().__init__(config, source=source)
        self.is_stopping = False
        self._door: SmppDoor | None = None
        self._stop_steps = AsyncExitStack()
        self._deadline = float("inf")
        self._is_healthy = False
        self._health_until = 0.0

    @property
    def smpp_ports(self) -> tuple[int, ...]:
        """The ports customers bind to: plain, TLS."""
        return self._door.ports if self._door is not None else ()

    async def start(self) -> None:
        """Open the store, take up what was left, connect, listen.

        Raises:
            StoreError: the store cannot be opened.
            ListenError: an address cannot be had.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        await self._open_store()
        await self._add_stored_accounts()
        self._make_reports()
        self._make_ways_back()
        self._make_ways_out()
        self._make_ways_in()
        await self._while_leased(self._pipeline.recover())
        await self._set_going()
        await self._listen()

    async def _open_store(self) -> None:
        config, steps = self.config, self._stop_steps
        store = self._store = await open_store(
            config.store.url,
            queue_limit=config.store.queue_limit,
            commit_batch=config.store.commit_batch,
            on_commit=self.metrics.on_commit,
        )
        store.fault = fault_from(os.environ)
        steps.push_async_callback(store.close)
        lease = self._lease = Lease(store, config.node.name, config.node.lease_seconds)
        await lease.start()
        steps.push_async_callback(lease.stop)
        store.on_notice = self._look_again

    async def _add_stored_accounts(self) -> None:
        """Those that were added while it ran; what does not fit the config any more must not keep it from starting."""
        problems: list[ConfigError] = []
        self.config = with_accounts(self.declared, await load_accounts(self.store, problems), problems)
        for problem in problems:
            log.error("an account of the store is left out", error=str(problem))

    # --- going ---

    async def _set_going(self) -> None:
        """Everything but the doors; what is stopped first comes last."""
        config, steps, lease = self.config, self._stop_steps, self._lease
        self._webhooks.start()
        steps.push_async_callback(self._with_time_left(self._webhooks.stop))
        self._deliveries.start()
        steps.push_async_callback(self._with_time_left(self._deliveries.stop))
        await self._opt_outs.load()
        self._opt_outs.start()
        steps.push_async_callback(self._opt_outs.stop)
        self._guard.start()
        steps.push_async_callback(self._guard.stop)
        self._correlator.start()
        steps.push_async_callback(self._correlator.stop)
        self._janitor = Janitor(config, self.store)
        self._janitor.start()
        steps.push_async_callback(self._janitor.stop)
        steps.push_async_callback(self._stop_uplinks)
        for uplink in self.uplinks.values():
            await uplink.start()
        self._pass_through.start()
        steps.push_async_callback(self._pass_through.stop)
        if self.store.is_shared and lease is not None:
            self._slots.start()
            steps.push_async_callback(self._slots.stop)
            lease.also(self._slots.deal)
            steps.callback(self._shares.stop)
            lease.also(self._shares.deal)
        self._pipeline.start()
        if self.uplinks and lease is not None:
            lease.take_over(self._pipeline.inherit, lambda: self._slots.shares.elsewhere)
            steps.callback(lease.leave_to_others)
        # What is in flight may use all the time but what unbinding takes.
        steps.push_async_callback(self._with_time_left(self._pipeline.stop, spare=config.node.shutdown_seconds / 4))
        self._service_desk.start()
        steps.push_async_callback(self._service_desk.stop)

    async def _listen(self) -> None:
        """The doors, and who opens and shuts everything else."""
        config, steps = self.config, self._stop_steps
        door = self._door = SmppDoor(
            config,
            accounts=self._accounts,
            intake=self._intake,
            store=self.store,
            deliveries=self._deliveries,
            metrics=self.metrics,
            share_of=self._shares.of,
        )
        if self.store.is_shared and self._lease is not None:
            self._lease.also(door.check_binds)
        await self._shares.wait_dealt(_SHARES_SECONDS)
        self._steering = self._new_steering(door)
        services, doors = self._services(), config.http.dialect.by_name()
        limits = HttpLimits(
            body_bytes=config.http.body_limit_bytes,
            batch_items=config.http.batch_limit,
            # A caller who is slow with a request must not cost the time that what is in flight needs.
            shutdown_seconds=config.node.shutdown_seconds / 4,
        )
        app = build_app(
            services,
            dialects={PROVIDERS[name].prefix: dialect for name, dialect in self._dialects.items()},
            hosts={host: self._dialects[name] for name, own in doors.items() for host in own.hosts},
            is_healthy=self.is_healthy,
            limits=limits,
            outbox=self._outbox,
            callbacks=CallbackDoor(self._addresses, self._called_back, self._pass_through, self.metrics, self._events),
        )
        admin = build_admin_app(
            is_healthy=self.is_healthy,
            is_ready=self.is_ready,
            metrics=self.metrics.render,
            metrics_type=CONTENT_TYPE,
            metrics_networks=parse_networks(config.admin.metrics_networks),
            authenticator=AccountAuthenticator(self._accounts),
            operator=self._operator,
        )
        for listening, address in ((app, config.http.listen), (admin, config.admin.listen)):
            self._listeners.append(await self._serve(listening, address))
        for name, own in doors.items():
            if own.listen:
                only = build_dialect_app(self._dialects[name], services, limits=limits)
                self._own_listeners[name] = await self._serve(only, own.listen)
        await self._steering.start()
        steps.push_async_callback(self._with_time_left(self._steering.stop, spare=config.node.shutdown_seconds / 2))
        await door.start()
        # Customers who do not answer must not cost the time that what is in flight needs.
        steps.push_async_callback(self._with_time_left(door.stop, spare=config.node.shutdown_seconds / 2))

    async def _serve(self, app: web.Application, address: str) -> Listener:
        listener = await serve(app, address)
        self._stop_steps.push_async_callback(listener.stop)
        return listener

    async def stop(self) -> None:
        """Take nothing more, empty the windows, unbind, post what is due, close; within `node.shutdown_seconds`."""
        if self.is_stopping:
            return
        self.is_stopping = True
        # Without a lease nothing can be recorded: there is nothing to wait for.
        seconds = 0.0 if self._lease is not None and self._lease.lost.is_set() else self.config.node.shutdown_seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        await self._stop_steps.aclose()

    async def wait_lost(self) -> None:
        """Wait until another node has taken over from this one; then it has to be stopped, and another started."""
        if self._lease is not None:
            await self._lease.lost.wait()

    async def _while_leased(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that must not go on once another node has taken over."""
        tasks = [asyncio.ensure_future(work), asyncio.ensure_future(self.wait_lost())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not tasks[0].done():
                raise StoreError("another node has taken over from this one")
            tasks[0].result()
        finally:
            await cancel_all(tasks)

    def _with_time_left(
        self, stop: Callable[[float], Awaitable[object]], *, spare: float = 0.0
    ) -> Callable[[], Awaitable[object]]:
        """A step of stopping that is told how many seconds are left for it, of which it leaves some to others."""

        def step() -> Awaitable[object]:
            return stop(max(0.0, self._deadline - spare - asyncio.get_running_loop().time()))

        return step

    async def _stop_uplinks(self) -> None:
        """All at the same time: one whose SMSC does not answer must not cost the others their unbind."""
        steps = [self._with_time_left(uplink.stop) for uplink in self.uplinks.values()]
        await asyncio.gather(*(step() for step in steps))

    async def is_healthy(self) -> bool:
        """Whether the store takes and gives; looked at once a second at most, because to know it costs a commit."""
        now = asyncio.get_running_loop().time()
        if now >= self._health_until:
            try:
                await self.store.ping()
            except StoreError:
                self._is_healthy = False
            else:
                self._is_healthy = True
            self._health_until = now + _HEALTH_SECONDS
        return self._is_healthy

    def is_ready(self) -> bool:
        """Whether messages can leave now."""
        return not self.is_stopping and any(uplink.is_available for uplink in self.uplinks.values())
