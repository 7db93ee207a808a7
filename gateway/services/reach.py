"""Beyond messages, by way of a provider: other channels for codes and flows, and look-ups in networks.

ChannelOrder ──► the first uplink that has the channel ──► provider ──callback──► ChannelStates
number ──► the first uplink that does the look-up ──► provider
"""

import secrets
from collections.abc import Iterator
from typing import Final

import structlog

from gateway.errors import StoreError
from gateway.providers.ports import NetworkInfo, NotOffered
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, LookupFailed
from gateway.services.forwarding import Owner, reference_key
from gateway.services.passthrough import PassThroughService
from gateway.uplinks.rest import RestUplink
from gateway.uplinks.rest_http import NoReply

log = structlog.get_logger(__name__)

VERIFY: Final = "channel"
LOOKUP: Final = "lookup"


class ProviderChannels:
    """Channels of all providers (gateway.providers.seams.ChannelSender).

    Args:
        ways: knows the uplinks, and whose callbacks are.
    """

    def __init__(self, ways: PassThroughService) -> None:
        self._ways = ways

    def is_offered(self, account: str, channel: str) -> bool:
        """Whether an uplink has this channel."""
        return next(self._offering(account, channel, ""), None) is not None

    async def send(self, order: ChannelOrder) -> ChannelSent:
        """Hand an order to the provider.

        Raises:
            ChannelRefused: it was not taken, or may not have been.
            NotOffered: no uplink has this channel.
        """
        uplink = next(self._offering(order.account, order.channel, order.uplink), None)
        if uplink is None:
            raise NotOffered(f"no uplink carries anything over {order.channel}")
        owner = Owner(order.account, "", uplink.kind, order=order.id)
        relay_id = secrets.token_hex(16)
        address = self._ways.relay_address(uplink.name, relay_id)
        try:
            if address:
                # Before it leaves: its callback may be quicker than its answer.
                await self._ways.keep_owner(uplink.name, owner, [relay_id])
        except StoreError as error:
            raise ChannelRefused(f"not kept: {error}") from error
        reach = uplink.connector.reach
        call = reach.order(order, address)
        try:
            reply = await uplink.ask(call, VERIFY)
        except NoReply as error:
            raise ChannelRefused(f"{uplink.kind}: {error}", in_doubt=error.has_left) from error
        sent = reach.ordered(order, reply)
        if references := uplink.connector.references(reply):
            try:
                await self._ways.keep_owner(uplink.name, owner, [reference_key(one) for one in references])
            except StoreError as error:
                # The provider has it: what becomes of it will not be told, that is all.
                log.warning("whose an order is cannot be kept", uplink=uplink.name, error=str(error))
        return sent

    def _offering(self, account: str, channel: str, name: str) -> Iterator[RestUplink]:
        for uplink in self._ways.offered(account):
            if channel in uplink.connector.reach.channels and name in ("", uplink.name):
                yield uplink


class ProviderNetworks:
    """Look-ups of all providers (gateway.providers.seams.NetworkSource).

    Args:
        ways: knows the uplinks.
    """

    def __init__(self, ways: PassThroughService) -> None:
        self._ways = ways

    def is_offered(self, account: str, method: str) -> bool:
        """Whether an uplink does this."""
        return self._find(account, method) is not None

    async def ask(self, account: str, number: str, method: str) -> NetworkInfo:
        """One answer.

        Raises:
            LookupFailed: there was none.
            NotOffered: no uplink does this.
        """
        uplink = self._find(account, method)
        if uplink is None:
            raise NotOffered(f"no uplink asks networks ({method})")
        reach = uplink.connector.reach
        try:
            reply = await uplink.ask(reach.look_up(number, method), LOOKUP)
        except NoReply as error:
            raise LookupFailed(f"{uplink.kind}: {error}") from error
        return reach.looked_up(number, method, reply)

    def _find(self, account: str, method: str) -> RestUplink | None:
        offered = (uplink for uplink in self._ways.offered(account) if method in uplink.connector.reach.methods)
        return next(offered, None)
