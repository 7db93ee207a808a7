"""What comes from outside and apps have subscribed to: messages from handsets, STOP and START, other channels' events.

InboundDesk ──arrived, stopped, started──► the account's dialect ──► callbacks to its webhooks
a provider's event that belongs to no request ──relayed──► whose it is? ──► likewise
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog

from gateway.config import Config
from gateway.errors import StoreError
from gateway.models import Callback, Inbound
from gateway.providers.ports import Directory, Notices
from gateway.providers.seams import ProviderEvent, Subscribing

log = structlog.get_logger(__name__)


class AppEvents:
    """Tells apps.

    Args:
        config: says the current settings; asked anew each time.
        dialects: those that know subscriptions are `Subscribing`.
    """

    def __init__(
        self, config: Callable[[], Config], dialects: Mapping[str, object], directory: Directory, notices: Notices
    ) -> None:
        self._config = config
        self._dialects = {name: one for name, one in dialects.items() if isinstance(one, Subscribing)}
        self._directory = directory
        self._notices = notices

    def _of(self, account: str) -> Sequence[Subscribing]:
        """The dialects of an account's apps that know subscriptions."""
        found = self._config().account.get(account)
        return [one for name, one in self._dialects.items() if getattr(found, name, None) is not None]

    async def _asked(self, question: Awaitable[Sequence[Callback]]) -> Sequence[Callback]:
        """What a dialect says; a fault in its words must not keep a message from being taken."""
        try:
            return await question
        except StoreError:
            raise
        except Exception:
            log.exception("an app cannot be told of what it subscribed to")
            return ()

    async def arrived(self, inbound: Inbound, *, is_told: bool) -> Callback | None:
        """Tell who subscribed of a message from a handset; one callback is handed back, to be kept with it.

        Args:
            is_told: whether a callback is kept with it already; then none is handed back.
        """
        kept: Callback | None = None
        for dialect in self._of(inbound.account):
            told = list(await self._asked(dialect.arrived(inbound, self._directory)))
            if told and not is_told and kept is None:
                at = inbound.received_at
                kept = msgspec.structs.replace(
                    told.pop(0), account=inbound.account, message_id=inbound.id, created_at=at, due_at=at
                )
            await self._notices.owe(inbound.account, dialect.name, inbound.id, told)
        return kept

    async def stopped(self, account: str, number: str) -> None:
        """A number has asked for no more messages; it is on the list already."""
        for dialect in self._of(account):
            told = await self._asked(dialect.stopped(account, number, self._directory))
            await self._notices.owe(account, dialect.name, number, told)

    async def started(self, account: str, number: str) -> None:
        """It has asked for them again, and is off the list."""
        for dialect in self._of(account):
            await dialect.started(account, number, self._directory)

    async def relayed(self, uplink: str, event: ProviderEvent) -> bool:
        """Tell whom a provider's event concerns; whether that is anybody."""
        config = self._config().uplink.get(uplink)
        dialect = self._dialects.get(config.kind) if config is not None else None
        account = self._owner(uplink, event.numbers)
        if dialect is None or not account:
            return False
        told = await dialect.relayed(account, event, self._directory)
        await self._notices.owe(account, dialect.name, event.name, told)
        return bool(told)

    def _owner(self, uplink: str, numbers: Sequence[str]) -> str:
        """Whose an event is: who claims the number that it came to; else the only one who may use the uplink so."""
        config = self._config()
        way = config.uplink[uplink]
        users = [
            name
            for name, account in config.account.items()
            if getattr(account, way.kind, None) is not None
            and (not way.pass_through_accounts or name in way.pass_through_accounts)
        ]
        claiming = [name for name in users if set(numbers) & set(config.account[name].numbers)]
        found = claiming or users
        return found[0] if way.pass_through and len(found) == 1 else ""
