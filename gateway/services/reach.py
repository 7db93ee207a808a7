"""Beyond messages, by way of a provider: other channels for codes and flows, and look-ups in networks.

ChannelOrder ──► the first uplink that has the channel ──► provider ──callback──► ChannelStates
number ──► the first uplink that does the look-up ──► provider
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import structlog

from gateway.errors import StoreError
from gateway.providers.ports import NetworkInfo, NotOffered
from gateway.providers.reaching import KeepsCodes
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, Compared, LookupFailed
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
        uplink = self._fitting(order)
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
            # Without the reference a code that the provider keeps could not be compared: it is as if it had not gone.
            in_doubt = error.has_left and not keeps(uplink, order.channel)
            raise ChannelRefused(f"{uplink.kind}: {error}", in_doubt=in_doubt) from error
        sent = reach.ordered(order, reply)
        if keeps(uplink, order.channel):
            sent = msgspec.structs.replace(sent, keeper=uplink.name)
        if references := uplink.connector.references(reply):
            try:
                await self._ways.keep_owner(uplink.name, owner, [reference_key(one) for one in references])
            except StoreError as error:
                # The provider has it: what becomes of it will not be told, that is all.
                log.warning("whose an order is cannot be kept", uplink=uplink.name, error=str(error))
        return sent

    async def compare(
        self, account: str, uplink: str, channel: str, reference: str, code: str, fields: Mapping[str, str]
    ) -> Compared:
        """Ask the provider that keeps a code.

        Raises:
            ChannelRefused: it does not say.
            NotOffered: the uplink is gone.
        """
        way = next(self._offering(account, channel, uplink), None)
        if way is None or not isinstance(way.connector.reach, KeepsCodes):
            raise NotOffered(f"the uplink {uplink!r} is gone, and the code with it")
        reach = way.connector.reach
        try:
            reply = await way.ask(reach.compare(channel, reference, code, fields), VERIFY)
        except NoReply as error:
            raise ChannelRefused(f"{way.kind}: {error}") from error
        return reach.compared(channel, reply)

    def _fitting(self, order: ChannelOrder) -> RestUplink:
        """The first uplink that can carry an order as it is.

        Raises:
            ChannelRefused: some have its channel, none can.
            NotOffered: none has its channel.
        """
        refused: ChannelRefused | None = None
        for uplink in self._offering(order.account, order.channel, order.uplink):
            try:
                uplink.connector.reach.order(order, "")
            except ChannelRefused as error:
                refused = refused or error
                continue
            return uplink
        if refused is not None:
            raise refused
        raise NotOffered(f"no uplink carries anything over {order.channel}")

    def _offering(self, account: str, channel: str, name: str) -> Iterator[RestUplink]:
        for uplink in self._ways.offered(account):
            if channel in uplink.connector.reach.channels and name in ("", uplink.name):
                yield uplink


def keeps(uplink: RestUplink, channel: str) -> bool:
    """Whether a provider makes and compares the codes of a channel itself."""
    reach = uplink.connector.reach
    return isinstance(reach, KeepsCodes) and channel in reach.kept


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
