"""The gateway as a whole: builds every part from the config and hands each what it needs. Nothing else wires.

doors (web, smsc) ──► intake ──► pipeline ──► uplinks ──► SMSCs
                            │ store              │
webhooks ◄── correlator ◄────────────────────────┘   receipts and inbound messages
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from gateway.accounts import Accounts, dialect_keys, request_rates
from gateway.billing import Billing
from gateway.config import Config, UplinkConfig
from gateway.correlator import Correlator
from gateway.errors import StoreError
from gateway.faults import fault_from
from gateway.http import HttpLimits, Listener, serve
from gateway.intake import Intake
from gateway.message_log import AccountLog
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.networks import parse_networks
from gateway.nodes import Lease
from gateway.pipeline import Pipeline
from gateway.policy import Policy
from gateway.providers import PROVIDERS
from gateway.providers.base import Dialect, Services
from gateway.reports import Reporter, bookkeeping
from gateway.router import Router
from gateway.services.passthrough import PassThroughService
from gateway.services.rates import RateLimits
from gateway.slots import Slots
from gateway.smsc import Deliveries, SmppDoor, SmppReports
from gateway.store import Bookkeeping, Store, open_store
from gateway.tasks import cancel_all
from gateway.uplinks.addresses import CallbackAddresses
from gateway.uplinks.base import Uplink
from gateway.uplinks.managed import ManagedUplink
from gateway.uplinks.rest import RestUplink, Ways
from gateway.uplinks.smpp import SmppUplink
from gateway.web.admin import build_admin_app
from gateway.web.app import build_app
from gateway.web.auth import AccountAuthenticator
from gateway.web.callbacks import CallbackDoor
from gateway.webhooks import WebhookDispatcher
from smpp import BindState, BindStatus

log = structlog.stdlib.get_logger("gateway")

_HEALTH_SECONDS: Final = 1.0


class Gateway:
    """One node of the gateway.

    Args:
        config: everything about it.
    """

    # Made by `start`.
    _accounts: Accounts
    _billing: Billing
    _log: AccountLog
    _book: Bookkeeping
    _correlator: Correlator
    _addresses: CallbackAddresses
    _deliveries: Deliveries
    _dialects: dict[str, Dialect]
    _intake: Intake
    _pass_through: PassThroughService
    _pipeline: Pipeline
    _router: Router
    _smpp_reports: SmppReports
    _webhooks: WebhookDispatcher

    def __init__(self, config: Config) -> None:
        self.config = config
        self.metrics = Metrics()
        self.uplinks: dict[str, ManagedUplink] = {}
        self.is_stopping = False
        self._store: Store | None = None
        self._listeners: list[Listener] = []
        self._door: SmppDoor | None = None
        self._stop_steps = AsyncExitStack()
        self._deadline = float("inf")
        self._lease: Lease | None = None
        self._is_healthy = False
        self._health_until = 0.0

    @property
    def store(self) -> Store:
        """The store; open from `start` to `stop`."""
        if self._store is None:
            raise StoreError("the store is not open")
        return self._store

    @property
    def addresses(self) -> tuple[str, str]:
        """``host:port`` of the public and of the admin listener."""
        public, admin = self._listeners
        return public.addresses[0], admin.addresses[0]

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

    # --- the parts, each made of the config and of those before it ---

    def _make_reports(self) -> None:
        """What is reported to whom."""
        self._dialects = {provider.name: provider.make_dialect() for provider in PROVIDERS.values()}
        self._smpp_reports = SmppReports(self.config)
        reporters: dict[str, Reporter] = {**self._dialects, self._smpp_reports.name: self._smpp_reports}
        self._book = bookkeeping(self.config, reporters, over_binds=self._smpp_reports)

    def _make_ways_back(self) -> None:
        """Receipts and inbound messages, to the store and from there to those they are owed."""
        config, store = self.config, self.store
        self._webhooks = WebhookDispatcher(
            store,
            config.webhooks,
            {name: account.signing_secret for name, account in config.account.items()},
            metrics=self.metrics,
            rules={name: dialect.callback_rules for name, dialect in self._dialects.items()},
            dialect_keys=dialect_keys(config.account),
        )
        customers = [(name, one.smpp) for name, one in config.account.items() if one.smpp is not None]
        self._deliveries = Deliveries(store, config.smpp, customers, metrics=self.metrics)
        numbers = {number: name for name, account in config.account.items() for number in account.numbers}
        self._correlator = Correlator(store, self._book, numbers, metrics=self.metrics, on_callbacks=self._on_callbacks)

    def _make_ways_out(self) -> None:
        """Uplinks, and what chooses among them."""
        lease = self._lease
        self._addresses = CallbackAddresses(self.config.http.public_url, self.config.http.callback_secrets)
        self._slots = Slots(
            self.store,
            lambda: {name: uplink.current for name, uplink in self.uplinks.items()},
            self.config.node.lease_seconds,
            on_surplus=lease.wake if lease is not None else lambda: None,
        )
        for name, uplink in self.config.uplink.items():
            self.uplinks[name] = ManagedUplink(self._new_uplink(name, uplink))
        self._router = self._new_router(self.config)
        self._pipeline = Pipeline(
            self.config,
            store=self.store,
            router=self._router,
            uplinks=self.uplinks,
            bookkeeping=self._book,
            metrics=self.metrics,
            on_callbacks=self._on_callbacks,
            is_elsewhere=self._slots.is_elsewhere,
        )

        self._pass_through = PassThroughService(
            self._rest_uplinks,
            self.store,
            self._addresses,
            exempt=parse_networks(self.config.webhooks.allow_private_networks),
            on_callbacks=self._on_callbacks,
        )

    def _make_ways_in(self) -> None:
        """What every door asks."""
        self._billing = Billing(self.config, self.store, self._router.network)
        self._intake = Intake(
            node=self.config.node.name,
            store=self.store,
            router=self._router,
            policy=self._new_policy(self.config),
            pipeline=self._pipeline,
            bookkeeping=self._book,
            metrics=self.metrics,
            billing=self._billing,
            claim_seconds=self.config.store.idempotency_seconds,
            on_callbacks=self._on_callbacks,
        )
        self._log = AccountLog(self.store, self._intake)
        self._accounts = Accounts(self.config.account)

    def _new_router(self, config: Config) -> Router:
        return Router.of(config, time.time)

    def _new_policy(self, config: Config) -> Policy:
        return Policy(config.account, parse_networks(config.webhooks.allow_private_networks))

    def _new_uplink(self, name: str, config: UplinkConfig) -> Uplink:
        store, lease = self.store, self._lease
        if config.kind != "smpp":
            return RestUplink(name, config, self._ways())
        return SmppUplink(
            name,
            config,
            on_receipt=self._correlator.on_receipt,
            on_inbound=self._correlator.on_inbound,
            new_id=lambda: store.ids.new(time.time()),
            may_send=lambda: lease is None or lease.is_held,
            is_elsewhere=(lambda: self._slots.is_elsewhere(name)) if store.is_shared else None,
            on_change=_log_change(name),
        )

    def _ways(self) -> Ways:
        """What uplinks to providers work with."""
        lease = self._lease
        return Ways(
            on_receipt=self._correlator.on_receipt,
            on_inbound=self._correlator.on_inbound,
            records=self.store,
            addresses=self._addresses,
            metrics=self.metrics,
            poll_for_seconds=self.config.receipts.deadline_seconds,
            may_send=lambda: lease is None or lease.is_held,
        )

    def _rest_uplinks(self) -> list[RestUplink]:
        """The uplinks to providers that there are now."""
        return [one.current for one in self.uplinks.values() if isinstance(one.current, RestUplink)]

    def _called_back(self, name: str) -> RestUplink | None:
        """The uplink to a provider that has this name."""
        return next((one for one in self._rest_uplinks() if one.name == name), None)

    def _on_callbacks(self) -> None:
        """Something is owed that was not a moment ago."""
        self._webhooks.wake()
        self._deliveries.wake()

    def _look_again(self) -> None:
        """Another process may have left something for this one in the store."""
        self._pipeline.look_again()
        self._on_callbacks()
        if self._lease is not None:
            self._lease.wake()

    # --- going ---

    async def _set_going(self) -> None:
        """Everything but the doors; what is stopped first comes last."""
        config, steps, lease = self.config, self._stop_steps, self._lease
        self._webhooks.start()
        steps.push_async_callback(self._with_time_left(self._webhooks.stop))
        self._deliveries.start()
        steps.push_async_callback(self._with_time_left(self._deliveries.stop))
        self._correlator.start()
        steps.push_async_callback(self._correlator.stop)
        steps.push_async_callback(self._stop_uplinks)
        for uplink in self.uplinks.values():
            await uplink.start()
        self._pass_through.start()
        steps.push_async_callback(self._pass_through.stop)
        if self.store.is_shared and lease is not None:
            self._slots.start()
            steps.push_async_callback(self._slots.stop)
            lease.also(self._slots.deal)
        self._pipeline.start()
        if self.uplinks and lease is not None:
            lease.take_over(self._pipeline.inherit)
            steps.callback(lease.leave_to_others)
        # What is in flight may use all the time but what unbinding takes.
        steps.push_async_callback(self._with_time_left(self._pipeline.stop, spare=config.node.shutdown_seconds / 4))

    async def _listen(self) -> None:
        """The doors."""
        config, steps = self.config, self._stop_steps
        app = build_app(
            self._services(),
            dialects={PROVIDERS[name].prefix: dialect for name, dialect in self._dialects.items()},
            is_healthy=self.is_healthy,
            limits=HttpLimits(
                body_bytes=config.http.body_limit_bytes,
                batch_items=config.http.batch_limit,
                # A caller who is slow with a request must not cost the time that what is in flight needs.
                shutdown_seconds=config.node.shutdown_seconds / 4,
            ),
            callbacks=CallbackDoor(self._addresses, self._called_back, self._pass_through, self.metrics),
        )
        admin = build_admin_app(
            is_healthy=self.is_healthy,
            is_ready=self.is_ready,
            metrics=self.metrics.render,
            metrics_type=CONTENT_TYPE,
        )
        for listening, address in ((app, config.http.listen), (admin, config.admin.listen)):
            listener = await serve(listening, address)
            self._listeners.append(listener)
            steps.push_async_callback(listener.stop)
        door = self._door = SmppDoor(
            config,
            accounts=self._accounts,
            intake=self._intake,
            store=self.store,
            deliveries=self._deliveries,
            metrics=self.metrics,
        )
        await door.start()
        # Customers who do not answer must not cost the time that what is in flight needs.
        steps.push_async_callback(self._with_time_left(door.stop, spare=config.node.shutdown_seconds / 2))

    def _services(self) -> Services:
        """All that the HTTP doors may ask for."""
        return Services(
            authenticator=AccountAuthenticator(self._accounts),
            intake=self._intake,
            lookup=self.store,
            log=self._log,
            ledger=self._billing,
            pass_through=self._pass_through,
            rates=RateLimits(request_rates(self.config.account)),
            clock=time.time,
        )

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


def _log_change(uplink: str) -> Callable[[BindStatus], None]:
    def changed(bind: BindStatus) -> None:
        if bind.state is BindState.BOUND:
            log.info("bind is up", uplink=uplink, bind=bind.name, tls=bind.tls)

    return changed
