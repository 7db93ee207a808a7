"""Fetches what waits in the store for lanes that have room: of each account as much as its part of the room."""

from collections.abc import Callable, Set

import structlog

from gateway.errors import StoreError
from gateway.lanes import Lane
from gateway.models import Message
from gateway.sending import Sender
from gateway.store import Store

log = structlog.get_logger(__name__)


class Refiller:
    """Keeps the lanes filled.

    Args:
        store: where messages wait.
        sender: whose lanes they are.
        arriving: ids between commit and lane, which are left alone.
        resume: puts a message into its lane.
    """

    def __init__(self, store: Store, sender: Sender, arriving: Set[str], resume: Callable[[Message], None]) -> None:
        self._store = store
        self._sender = sender
        self._arriving = arriving
        self._resume = resume
        self._under_way: set[str] = set()

    def soon(self, lane: Lane) -> None:
        """Fetch in the background."""
        if lane.name not in self._under_way:
            self._sender.spawn(self.refill(lane))

    async def refill(self, lane: Lane) -> None:
        """Fetch what waits for a lane that has room."""
        if lane.name in self._under_way:
            return
        self._under_way.add(lane.name)
        if self._sender.forgotten is None:
            self._sender.forgotten = set()
        skipped = lane.skipped
        try:
            accounts = set(await self._store.waiting_accounts(lane.name))
            # From here on they count, each with its part of the room.
            lane.behind |= accounts
            # Who has the least comes first: what one leaves free is the others'.
            order = sorted(accounts, key=lambda account: (lane.held.get(account, 0), account))
            known = self._known(lane)
            exhausted = {account for account in order if await self._fetch(lane, account, known.get(account, set()))}
        except StoreError as error:
            log.warning("the store cannot be read", error=str(error))
            return
        finally:
            self._under_way.discard(lane.name)
            if not self._under_way:
                self._sender.forgotten = None
        if lane.skipped == skipped:
            lane.has_more = False
            lane.behind = accounts - exhausted

    def _known(self, lane: Lane) -> dict[str, set[str]]:
        """What is in memory of what the store has waiting for a lane, by account."""
        known: dict[str, set[str]] = {}
        for identifier, work in self._sender.works.items():
            if work.message.uplink == lane.name:
                known.setdefault(work.message.account, set()).add(identifier)
        return known

    async def _fetch(self, lane: Lane, account: str, known: Set[str]) -> bool:
        """Fetch messages of one account; whether the store has no more of them."""
        room = lane.room(account)
        if not room:
            return False
        messages = await self._store.waiting(lane.name, limit=room, skip=known | self._arriving, account=account)
        forgotten: Set[str] = self._sender.forgotten or frozenset()
        for message in messages:
            if message.id in self._sender.works or message.id in self._arriving or message.id in forgotten:
                continue
            self._resume(message)
        return len(messages) < room
