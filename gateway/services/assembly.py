"""All services of a node, made of its config and its core, and kept going together."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from gateway.config import Config, ServicesConfig
from gateway.errors import ConfigError
from gateway.intake import Intake
from gateway.metrics import Metrics
from gateway.networks import check_url, parse_networks
from gateway.optouts import OptOuts
from gateway.providers.ports import NotOffered, Verifier
from gateway.providers.seams import ChannelSender, ChannelState, NetworkSource, ServiceCallbacks
from gateway.sealing import Sealer
from gateway.services import failover, verify_sends
from gateway.services.charging import Charges
from gateway.services.directory import DirectoryService
from gateway.services.failover import FlowService
from gateway.services.lookup import LookupService
from gateway.services.number_file import NumberFile
from gateway.services.operators import countries
from gateway.services.reports import NativeServiceReports
from gateway.services.runner import Runner
from gateway.services.verify import VerifyService
from gateway.services.verify_sends import CodeSender
from gateway.services.watching import MessageWatch
from gateway.store import Store

NO_KEY: Final = "one-time codes need node.secret_key, the same on every node"


class _Unkeyed:
    """Stands for one-time codes where nothing could seal them."""

    def __getattr__(self, name: str) -> Any:
        raise NotOffered(NO_KEY)


class ServiceDesk:
    """One-time codes, look-ups, flows and directories.

    Args:
        config: says the current settings; asked anew each time.
        dialects: whoever may have words for what services report, by name.
        watch: hears of messages' ends; the bookkeeping knows it as a reporter.
        sealer: None: there are no one-time codes, and webhooks have no secrets.
        channels: ways out besides SMS; None: there are none.
        source: asks networks about numbers; None: nobody does.
        may_run: whether this node may write now.
        billing: charges for codes that came back, where the caller's API says so.

    Raises:
        ConfigError: a file that the settings name cannot be read.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        *,
        store: Store,
        intake: Intake,
        opt_outs: OptOuts,
        dialects: Mapping[str, object],
        watch: MessageWatch,
        sealer: Sealer | None,
        on_callbacks: Callable[[], None],
        channels: ChannelSender | None = None,
        source: NetworkSource | None = None,
        may_run: Callable[[], bool] = lambda: True,
        metrics: Metrics | None = None,
        billing: Charges | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._watch = watch
        settings = config().services
        native = NativeServiceReports()
        reporters: dict[str, ServiceCallbacks] = {native.name: native}
        reporters |= {name: one for name, one in dialects.items() if isinstance(one, ServiceCallbacks)}
        self.directory = DirectoryService(store, opt_outs, sealer=sealer, clock=clock)
        self.directory.operator_lists = _lists(settings)
        self.numbers = LookupService(
            settings.lookup,
            store=store,
            source=source,
            reporters=reporters,
            on_callbacks=on_callbacks,
            check_url=self._check_url,
            clock=clock,
        )
        self.flows = FlowService(
            settings.flows,
            store=store,
            intake=intake,
            has_uplink=lambda name: name in config().uplink,
            reporters=reporters,
            on_callbacks=on_callbacks,
            check_url=self._check_url,
            clock=clock,
            channels=channels,
        )
        self._verify: VerifyService | None = None
        if sealer is not None:
            sender = CodeSender(
                settings.verify,
                intake=intake,
                default_sender=self._default_sender,
                clock=clock,
                channels=channels,
            )
            self._verify = VerifyService(
                settings.verify,
                store=store,
                sender=sender,
                sealer=sealer,
                reporters=reporters,
                on_callbacks=on_callbacks,
                check_url=self._check_url,
                clock=clock,
                metrics=metrics,
                billing=billing,
            )
        sweeps = {"flows": self.flows.sweep, "look-ups": self.numbers.sweep}
        watch.tell(failover.SERVICE, self.flows.on_message, of_sending=True)
        if self._verify is not None:
            sweeps["verify"] = self._verify.sweep
            watch.tell(verify_sends.SERVICE, self._verify.on_message)
        self._runner = Runner(sweeps, may_run=may_run)

    @property
    def verifier(self) -> Verifier:
        """One-time codes; without a key, each call says what is missing."""
        return self._verify if self._verify is not None else cast(Verifier, _Unkeyed())

    # --- life ---

    def start(self) -> None:
        """Take up what is due."""
        self._watch.start()
        self._runner.start()

    async def stop(self) -> None:
        """Begin nothing more; what is due stays due."""
        await self._runner.stop()
        await self._watch.stop()
        await self.numbers.stop()

    def renew(self, config: Config) -> Callable[[], None]:
        """Make what other settings need; the result puts them in force.

        Raises:
            ConfigError: a file cannot be read.
        """
        lists = _lists(config.services)
        return lambda: self._use(config, lists)

    def _use(self, config: Config, lists: Mapping[str, NumberFile]) -> None:
        settings = config.services
        self.directory.operator_lists = lists
        self.flows.use(settings.flows)
        self.numbers.use(settings.lookup)
        if self._verify is not None:
            self._verify.use(settings.verify)

    # --- from providers ---

    async def on_channel_state(self, order_id: str, state: ChannelState, detail: str = "") -> None:
        """What became of an order: `gateway.providers.seams.ChannelStates`."""
        await self.flows.on_channel_state(order_id, state, detail)
        if self._verify is not None:
            await self._verify.on_channel_state(order_id, state, detail)

    # --- settings ---

    def _default_sender(self, account: str) -> str:
        found = self._config().account.get(account)
        if found is None:
            return ""
        return found.default_sender or next(iter(found.senders), "")

    def _check_url(self, url: str) -> None:
        check_url(url, parse_networks(self._config().webhooks.allow_private_networks))


def _lists(settings: ServicesConfig) -> Mapping[str, NumberFile]:
    """The operator's lists; and a look at the settings that only our tables can judge."""
    for name in ("countries", "blocked_countries"):
        for country in getattr(settings.verify, name):
            if country not in countries():
                raise ConfigError("config", f"services.verify.{name}", country, "a country's ISO 3166 code, such as GB")
    try:
        return {"dnd": NumberFile(settings.dnd_file)}
    except (OSError, ValueError) as error:
        expected = "a file of numbers that can be read"
        raise ConfigError("config", "services.dnd_file", settings.dnd_file, f"{expected} ({error})") from None
