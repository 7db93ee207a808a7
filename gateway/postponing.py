"""Messages that were accepted in the hours of their account and had to wait until those ended wait for the next."""

from collections.abc import Callable

import structlog

from gateway.errors import StoreError
from gateway.lanes import Work, replace
from gateway.models import Message, State
from gateway.settling import Settler
from gateway.store import Store

log = structlog.get_logger(__name__)


class Postponer:
    """Schedules messages anew.

    Args:
        store: where they wait meanwhile.
        sender: holds them now.
        arriving: ids of messages that a refill must leave alone; those that are being written are among them.
        postponed_until: when a message may leave that must not leave now; None: it may.
        expect: told when something will be due.
        leave_in_store: told of an uplink for which a message waits in the store after all.
    """

    def __init__(
        self,
        store: Store,
        sender: Settler,
        arriving: set[str],
        postponed_until: Callable[[Message, float], float | None],
        expect: Callable[[float], None],
        leave_in_store: Callable[[str], None],
    ) -> None:
        self._store = store
        self._sender = sender
        self._arriving = arriving
        self._postponed_until = postponed_until
        self._expect = expect
        self._leave_in_store = leave_in_store

    def is_postponed(self, work: Work, now: float) -> bool:
        """Schedule a message anew of which nothing has left, if it must not leave now; whether that is so."""
        until = self._postponed_until(work.message, now)
        if until is None:
            return False
        self._arriving.add(work.message.id)
        self._sender.withdraw(work)
        later = replace(work.message, state=State.SCHEDULED, scheduled_at=until, updated_at=now)
        self._sender.spawn(self._postpone(later, until))
        return True

    async def _postpone(self, message: Message, until: float) -> None:
        try:
            await self._store.amend([message])
        except StoreError as error:
            log.warning("a message cannot be postponed; trying again", message=message.id, error=str(error))
            self._leave_in_store(message.uplink)
        else:
            self._expect(until)
        finally:
            self._arriving.discard(message.id)
