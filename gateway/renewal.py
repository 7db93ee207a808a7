"""Puts another config in force, part by part, while messages flow.

First everything new is made, which is where a config can still be refused; then all parts are switched in one go,
without letting anything else run between; last, uplinks come, go and are replaced. One that did not change keeps its
binds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from gateway.accounts import Accounts, dialect_keys, request_rates
from gateway.billing import Billing
from gateway.config import AccountSmppConfig, Config, ConfigError, Secret, UplinkConfig
from gateway.correlator import Correlator
from gateway.intake import Intake
from gateway.pipeline import Pipeline
from gateway.policy import Policy
from gateway.reload import Plan
from gateway.router import Router
from gateway.services.rates import RateLimits
from gateway.smsc import Deliveries, SmppDoor
from gateway.store import Bookkeeping
from gateway.uplinks.base import Uplink
from gateway.uplinks.managed import ManagedUplink
from gateway.webhooks import WebhookDispatcher

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Makers:
    """How parts are made of a config; what they raise but ConfigError is said to be the config's fault."""

    router: Callable[[Config], Router]
    policy: Callable[[Config], Policy]
    billing: Callable[[Config, Router], Billing]
    book: Callable[[Config], Bookkeeping]
    uplink: Callable[[str, UplinkConfig], Uplink]
    more: Callable[[Config], Callable[[], None]]
    """Makes what else depends on a config, and returns what puts it in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The parts that run, each with its own way to go by other settings."""

    router: Router
    policy: Policy
    billing: Billing
    intake: Intake
    pipeline: Pipeline
    correlator: Correlator
    webhooks: WebhookDispatcher
    deliveries: Deliveries
    door: SmppDoor
    accounts: Accounts
    rates: RateLimits
    uplinks: dict[str, ManagedUplink]


class Renewal:
    """Puts plans in force.

    Args:
        deadline_seconds: how long what is in flight over an uplink that goes may take.
        switched: told the config that is in force from then on.
        settled: called when uplinks are as they should be.
    """

    def __init__(
        self,
        makers: Makers,
        running: Running,
        deadline_seconds: float,
        *,
        switched: Callable[[Config], None],
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        self._makers = makers
        self._running = running
        self._deadline_seconds = deadline_seconds
        self._switched = switched
        self._settled = settled

    async def apply(self, plan: Plan) -> None:
        """Put a plan in force; returns when uplinks that go have ended what was in flight.

        Raises:
            ConfigError: it cannot be; nothing was changed.
        """
        config, makers, running = plan.config, self._makers, self._running
        try:
            uplinks = {
                name: makers.uplink(name, config.uplink[name]) for name in (*plan.new_uplinks, *plan.replaced_uplinks)
            }
            router, policy, book = makers.router(config), makers.policy(config), makers.book(config)
            billing = makers.billing(config, router)
            put_more = makers.more(config)
        except (OSError, ValueError) as error:
            raise ConfigError("(config)", "(files)", None, f"what its settings name to be in order: {error}") from error
        for name in plan.new_uplinks:
            running.uplinks[name] = ManagedUplink(uplinks[name])
            running.pipeline.open_uplink(name)
        running.router.replace(router)
        running.policy.replace(policy)
        running.billing.replace(billing)
        running.intake.reconfigure(book)
        running.pipeline.reconfigure(config, book)
        running.correlator.reconfigure(config, book)
        running.deliveries.reconfigure(customers_of(config))
        running.accounts.replace(config.account)
        running.rates.replace(request_rates(config.account))
        put_more()
        self._switched(config)
        ended = await asyncio.gather(
            running.door.reconfigure(config),
            running.webhooks.reconfigure(config.webhooks, signing_secrets_of(config), dialect_keys(config.account)),
            *(running.uplinks[name].start() for name in plan.new_uplinks),
            *(running.uplinks[name].replace(uplinks[name], self._deadline_seconds) for name in plan.replaced_uplinks),
            *(self._remove(name) for name in plan.removed_uplinks),
            return_exceptions=True,
        )
        for end in ended:
            if isinstance(end, BaseException):
                # The config is in force by now: what went wrong with one part must not keep the others back.
                log.error("a part did not take the new config as it should", exc_info=end)
        await self._settled()

    async def _remove(self, name: str) -> None:
        uplink = self._running.uplinks[name]
        log.info("an uplink goes", uplink=name)
        await self._running.pipeline.leave_uplink(name, lambda: uplink.stop(self._deadline_seconds))
        del self._running.uplinks[name]


def customers_of(config: Config) -> list[tuple[str, AccountSmppConfig]]:
    """The accounts that may bind."""
    return [(name, account.smpp) for name, account in config.account.items() if account.smpp is not None]


def signing_secrets_of(config: Config) -> dict[str, Secret]:
    """What signs the native callbacks of each account."""
    return {name: account.signing_secret for name, account in config.account.items()}
