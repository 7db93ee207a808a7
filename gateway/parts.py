"""The parts of the gateway, each made of the config and of those before it. Nothing else wires.

doors (web, smsc) ──► intake ──► pipeline ──► uplinks ──► SMSCs, providers
                  │ store         │
webhooks ◄── correlator ◄─────────┘   receipts and inbound messages
"""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec
import structlog

from gateway.accounts import Accounts, dialect_keys, request_rates
from gateway.billing import Billing
from gateway.config import Config, UplinkConfig
from gateway.correlator import Correlator
from gateway.duplicates import DuplicateGuard
from gateway.errors import StoreError
from gateway.http import Listener
from gateway.inbound import InboundDesk
from gateway.intake import Intake
from gateway.keys import KeyRing
from gateway.message_log import AccountLog
from gateway.metrics import Metrics
from gateway.models import NewMessage
from gateway.networks import parse_networks
from gateway.nodes import Lease
from gateway.operations import AccountDesk, NodeDesk, Operator, Outbox, QueueDesk, Reloaded, SecretDesk, UplinkDesk
from gateway.optouts import OptOuts
from gateway.orphans import match_attempts
from gateway.pipeline import Pipeline
from gateway.policy import Policy
from gateway.providers import PROVIDERS
from gateway.providers.base import Dialect, Services
from gateway.renewal import Makers, Renewal, Running, customers_of, signing_secrets_of
from gateway.reports import Reporter, bookkeeping
from gateway.retention import Janitor
from gateway.router import Router
from gateway.sealing import Sealer
from gateway.secretkey import SecretKey, open_secret_key
from gateway.services.app_webhooks import AppWebhooks
from gateway.services.apps import ConfiguredApps
from gateway.services.assembly import ServiceDesk
from gateway.services.events import AppEvents
from gateway.services.owing import NoticeBoard
from gateway.services.passthrough import PassThroughService
from gateway.services.probe import AddressProbe
from gateway.services.rates import RateLimits
from gateway.services.reach import ProviderChannels, ProviderNetworks
from gateway.services.tokens import AccountTokens
from gateway.services.watching import MessageWatch
from gateway.sharing import LimitShares
from gateway.slots import Slots
from gateway.smsc import Deliveries, SmppDoor, SmppReports
from gateway.steering import Source, Steering
from gateway.store import Bookkeeping, Store
from gateway.uplinks.addresses import CallbackAddresses
from gateway.uplinks.base import Uplink
from gateway.uplinks.managed import ManagedUplink
from gateway.uplinks.rest import RestUplink, Ways
from gateway.uplinks.smpp import SmppUplink
from gateway.web.auth import AccountAuthenticator
from gateway.webhooks import WebhookDispatcher
from smpp import BindState, BindStatus

log = structlog.stdlib.get_logger("gateway")


class Parts:
    """What a node is made of.

    Args:
        config: everything about it.
        source: reads the config again, for `reload`; None: there is no reload.
    """

    # Made by `start`.
    _accounts: Accounts
    _operator: Operator
    _outbox: Outbox
    _policy: Policy
    _rates: RateLimits
    _sealer: Sealer | None
    _secret_key: SecretKey | None
    _service_desk: ServiceDesk
    _steering: Steering
    _watch: MessageWatch
    _billing: Billing
    _log: AccountLog
    _book: Bookkeeping
    _correlator: Correlator
    _addresses: CallbackAddresses
    _deliveries: Deliveries
    _dialects: dict[str, Dialect]
    _intake: Intake
    _janitor: Janitor
    _pass_through: PassThroughService
    _pipeline: Pipeline
    _router: Router
    _webhooks: WebhookDispatcher

    def __init__(self, config: Config, *, source: Source | None = None) -> None:
        self.config = config
        self.source = source
        self.declared = config
        """The config as its file had it when it was last read; the accounts that the store has are not in it."""
        self.metrics = Metrics()
        self.uplinks: dict[str, ManagedUplink] = {}
        self._listeners: list[Listener] = []
        self._own_listeners: dict[str, Listener] = {}
        self._store: Store | None = None
        self._lease: Lease | None = None

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
    def dialect_addresses(self) -> dict[str, str]:
        """``host:port`` of the listeners that are one dialect's alone, by its name."""
        return {name: listener.addresses[0] for name, listener in self._own_listeners.items()}

    # --- the parts, each made of the config and of those before it ---

    def _make_reports(self) -> None:
        """What is reported to whom."""
        self._dialects = {provider.name: provider.make_dialect() for provider in PROVIDERS.values()}
        self._watch = MessageWatch(self.store.message)
        self._book = self._new_book(self.config)

    def _new_book(self, config: Config) -> Bookkeeping:
        smpp_reports = SmppReports(config)
        reporters: dict[str, Reporter] = {
            **self._dialects,
            smpp_reports.name: smpp_reports,
            self._watch.name: self._watch,
        }
        return bookkeeping(config, reporters, over_binds=smpp_reports)

    def _make_ways_back(self) -> None:
        """Receipts and inbound messages, to the store and from there to those they are owed."""
        config, store = self.config, self.store
        hooks = AppWebhooks(lambda: self._service_desk.directory, self._dialects)
        self._webhooks = WebhookDispatcher(
            store,
            config.webhooks,
            signing_secrets_of(config),
            metrics=self.metrics,
            rules={name: dialect.callback_rules for name, dialect in self._dialects.items()},
            dialect_keys=dialect_keys(config.account),
            bearer_of=hooks.bearer_of,
            complete=hooks.complete,
        )
        self._deliveries = Deliveries(store, config.smpp, customers_of(config), metrics=self.metrics)
        self._opt_outs = OptOuts(store)
        self._desk = InboundDesk(
            config, store, self._book, self._opt_outs, metrics=self.metrics, on_callbacks=self._on_callbacks
        )
        self._correlator = Correlator(
            store, self._book, self._desk, metrics=self.metrics, on_callbacks=self._on_callbacks
        )

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
        self._shares = LimitShares(
            self.store,
            self.config.node.name,
            lambda: lease.held_until if lease is not None else 0.0,
            on_pending=lease.wake if lease is not None else lambda: None,
            metrics=self.metrics,
        )
        for name, uplink in self.config.uplink.items():
            self.uplinks[name] = ManagedUplink(self._new_uplink(name, uplink))
        self._router = self._new_router(self.config)
        self._policy = self._new_policy(self.config)
        key = self._secret_key = open_secret_key(self.config)
        self._sealer = Sealer(key) if key is not None else None
        self._pipeline = Pipeline(
            self.config,
            store=self.store,
            router=self._router,
            uplinks=self.uplinks,
            bookkeeping=self._book,
            metrics=self.metrics,
            on_callbacks=self._on_callbacks,
            is_elsewhere=self._slots.is_elsewhere,
            postponed_until=self._policy.postponed_until,
            sealer=self._sealer,
        )

        self._pass_through = PassThroughService(
            self._rest_uplinks,
            self.store,
            self._addresses,
            exempt=parse_networks(self.config.webhooks.allow_private_networks),
            on_callbacks=self._on_callbacks,
            sealer=self._sealer,
        )

    def _make_ways_in(self) -> None:
        """What every door asks."""
        self._billing = self._new_billing(self.config, self._router)
        self._guard = DuplicateGuard(self.store, self._policy.duplicate_seconds)
        self._intake = Intake(
            node=self.config.node.name,
            store=self.store,
            router=self._router,
            policy=self._policy,
            pipeline=self._pipeline,
            bookkeeping=self._book,
            metrics=self.metrics,
            billing=self._billing,
            claim_seconds=self.config.store.idempotency_seconds,
            on_callbacks=self._on_callbacks,
            sealer=self._sealer,
            guard=self._guard,
        )
        self._log = AccountLog(self.store, self._intake)
        self._service_desk = ServiceDesk(
            lambda: self.config,
            store=self.store,
            intake=self._intake,
            opt_outs=self._opt_outs,
            dialects=self._dialects,
            watch=self._watch,
            sealer=self._sealer,
            on_callbacks=self._on_callbacks,
            channels=ProviderChannels(self._pass_through),
            source=ProviderNetworks(self._pass_through),
            billing=self._billing,
            metrics=self.metrics,
            may_run=lambda: self._lease is None or self._lease.is_held,
        )
        self._pass_through.states = (self._service_desk,)
        self._pass_through.directory = self._service_desk.directory
        self._desk.reply = self._intake.accept
        self._accounts = Accounts(self.config.account)
        self._rates = RateLimits(request_rates(self.config.account), share_of=self._shares.of)
        self._apps = ConfiguredApps(lambda: self.config.account, lambda: self.config.http.public_url)
        self._notices = NoticeBoard(self.store, self._on_callbacks)
        self._events = AppEvents(lambda: self.config, self._dialects, self._service_desk.directory, self._notices)
        self._desk.events = self._events
        self._tokens = AccountTokens(self._secret_key, self._accounts.get)
        self._probe = AddressProbe(parse_networks(self.config.webhooks.allow_private_networks))
        self._outbox = Outbox(self.store, self._on_callbacks)

    def _new_router(self, config: Config) -> Router:
        return Router.of(config, time.time)

    def _new_billing(self, config: Config, router: Router) -> Billing:
        return Billing(config, self.store, router.network)

    def _new_policy(self, config: Config) -> Policy:
        return Policy.of(config, self._opt_outs, self._shares.of)

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
            is_elsewhere=self._slots.is_elsewhere if self.store.is_shared else None,
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

    def _new_steering(self, door: SmppDoor) -> Steering:
        """The operator's desks, and what puts other settings in force."""
        renewal = Renewal(
            Makers(
                router=self._new_router,
                policy=self._new_policy,
                billing=self._new_billing,
                book=self._new_book,
                uplink=self._new_uplink,
                more=self._new_rest,
            ),
            Running(
                router=self._router,
                policy=self._policy,
                billing=self._billing,
                intake=self._intake,
                pipeline=self._pipeline,
                correlator=self._correlator,
                webhooks=self._webhooks,
                deliveries=self._deliveries,
                door=door,
                accounts=self._accounts,
                rates=self._rates,
                uplinks=self.uplinks,
            ),
            self.config.node.shutdown_seconds,
            switched=self._switched,
            settled=self._settled,
        )
        keys = KeyRing(self.store, self._secret_key, self._accounts)
        others = self._secret_key.others if self._secret_key is not None else ()
        nodes = NodeDesk(self.store, self.config.node.name)
        accounts = AccountDesk(self.store, lambda: self.config, keys, self._billing, self._accounts_changed)
        self._operator = Operator(
            uplinks=UplinkDesk(
                self.store, self.uplinks, self._pipeline.look_again, health=self._pipeline.health, metrics=self.metrics
            ),
            queue=QueueDesk(self.store, self._intake, self._pipeline, self.uplinks.keys()),
            outbox=self._outbox,
            accounts=accounts,
            keys=keys,
            nodes=nodes,
            secrets=SecretDesk(self.store, self._sealer, keys, [one.name for one in others]),
            log=self._log,
            shelf=self.store,
            attempts=lambda receipt: match_attempts(self.store, self._correlator.bookkeeping, receipt),
            reload=self.reload,
            routes=lambda: self.config.route,
            explain=self._explain,
        )
        return Steering(
            self.declared,
            current=lambda: self.config,
            source=self.source,
            apply=renewal.apply,
            operator=self._operator,
            nodes=nodes,
            addresses=lambda: self.addresses,
            is_shared=self.store.is_shared,
        )

    def _new_rest(self, config: Config) -> Callable[[], None]:
        """What else goes by other settings, made and ready to be put in force."""
        exempt = parse_networks(config.webhooks.allow_private_networks)
        put_services = self._service_desk.renew(config)

        def put() -> None:
            put_services()
            self._janitor.reconfigure(config)
            self._pass_through.reconfigure(exempt)
            self._probe.reconfigure(exempt)

        return put

    def _switched(self, config: Config) -> None:
        self.config = config

    async def _settled(self) -> None:
        """Uplinks are as the config says; what was asked of them holds all the same."""
        await self._operator.uplinks.sync()

    async def _accounts_changed(self) -> None:
        await self._steering.accounts_changed()

    async def reload(self) -> Reloaded:
        """Read the config again and put in force what can be.

        Raises:
            ConfigError: it cannot be; everything stays as it was.
            OperatorError: there is no source to read it from.
            StoreError: the store cannot be read.
        """
        done = await self._steering.reload()
        self.declared = self._steering.declared
        return done

    def _explain(self, account: str, sender: str, recipient: str, text: str) -> Mapping[str, object]:
        """Which route takes a message, and why."""
        number = self._policy.plain_recipient(account, recipient)
        message = NewMessage(account=account, sender=sender, recipient=number, text=text)
        found = self._router.explain(
            message, lambda name: self.uplinks[name].is_available, self._pipeline.health.remark
        )
        shown: Mapping[str, object] = msgspec.to_builtins(found)
        return shown

    def _services(self) -> Services:
        """All that the HTTP doors may ask for."""
        return Services(
            authenticator=AccountAuthenticator(self._accounts),
            intake=self._intake,
            lookup=self.store,
            log=self._log,
            ledger=self._billing,
            pass_through=self._pass_through,
            verifier=self._service_desk.verifier,
            numbers=self._service_desk.numbers,
            directory=self._service_desk.directory,
            flows=self._service_desk.flows,
            rates=self._rates,
            apps=self._apps,
            tokens=self._tokens,
            probe=self._probe,
            notices=self._notices,
            aside=asyncio.to_thread,
            clock=time.time,
        )


def _log_change(uplink: str) -> Callable[[BindStatus], None]:
    def changed(bind: BindStatus) -> None:
        if bind.state is BindState.BOUND:
            log.info("bind is up", uplink=uplink, bind=bind.name, tls=bind.tls)

    return changed
