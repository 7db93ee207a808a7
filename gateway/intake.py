"""Takes messages in for good, and changes or withdraws those of which nothing has left.

    accept: check → route → commit ──► the pipeline holds it, or finds it in the store when there is room

Whatever door a message came through, it passes here; the door answers when the commit is done.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, cast

import msgspec

from gateway.errors import InvalidMessage, NotWaiting, StoreFull
from gateway.lanes import Work
from gateway.metrics import Metrics
from gateway.models import Message, NewMessage, State
from gateway.pipeline import Pipeline
from gateway.policy import Policy
from gateway.router import Router
from gateway.store import Bookkeeping, Store

replace = msgspec.structs.replace

STOPPING_RETRY_SECONDS: Final = 5.0
CANCELLED: Final = "cancelled by its sender"


def _nothing() -> None:
    return


class Intake:
    """The way in."""

    def __init__(
        self,
        *,
        node: str,
        store: Store,
        router: Router,
        policy: Policy,
        pipeline: Pipeline,
        bookkeeping: Bookkeeping,
        metrics: Metrics,
        on_callbacks: Callable[[], None] = _nothing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put it together.

        Args:
            pipeline: sends what was accepted.
            on_callbacks: called after a commit that owes callbacks.
        """
        self._node = node
        self._store = store
        self._router = router
        self._policy = policy
        self._pipeline = pipeline
        self._book = bookkeeping
        self._metrics = metrics
        self._on_callbacks = on_callbacks
        self._clock = clock

    # --- taking in ---

    async def accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = ()
    ) -> list[Message | InvalidMessage]:
        """Check messages, keep those that can be sent, and return after the commit: item by item what it became.

        Args:
            ids: ids of the store's own making for the first of them; the others get new ones.

        Raises:
            StoreFull: too much waits, or the gateway is stopping; nothing was kept.
            StoreError: the store cannot commit; nothing was kept.
        """
        if self._pipeline.is_stopping:
            raise StoreFull("the gateway is stopping", STOPPING_RETRY_SECONDS)
        now = self._clock()
        outcome: list[Message | InvalidMessage] = []
        works: list[Work] = []
        given = iter(ids)
        for new in messages:
            try:
                work = self._admit(new, now, next(given, "") or self._store.ids.new(now))
            except InvalidMessage as error:
                self._metrics.refused.labels(error.code).inc()
                outcome.append(error)
            else:
                works.append(work)
                outcome.append(work.message)
        if works:
            await self._keep(works)
        return outcome

    def _admit(self, new: NewMessage, now: float, identifier: str) -> Work:
        checked = self._policy.admit(new, now)
        uplinks = self._router.route(checked)
        is_scheduled = checked.scheduled_at is not None and checked.scheduled_at > now
        message = Message(
            **msgspec.structs.asdict(checked),
            id=identifier,
            node=self._node,
            created_at=now,
            updated_at=now,
            state=State.SCHEDULED if is_scheduled else State.QUEUED,
            uplink=self._pipeline.first_available(uplinks),
        )
        return self._pipeline.plan(message, uplinks)

    async def _keep(self, works: Sequence[Work]) -> None:
        with self._pipeline.arriving(work.message.id for work in works):
            try:
                await self._store.add([work.message for work in works])
            except asyncio.CancelledError:
                # Whoever asked has gone; the messages may be kept all the same, and then they must be sent.
                self._pipeline.look_after_commit({work.lane for work in works})
                raise
        for work in works:
            self._pipeline.hold(work)
        for labels, count in Counter((work.message.account, work.message.dialect) for work in works).items():
            self._metrics.accepted.labels(*labels).inc(count)

    # --- changing what waits ---

    async def cancel(self, account: str, message_id: str) -> Message:
        """Withdraw a message of which nothing has left; returns after the commit.

        Raises:
            NotWaiting: it has left, has ended, or is not known.
            StoreError: the store cannot commit; the message is sent as if nothing had been asked.
        """
        async with self._held_back(account, message_id) as held:
            now = self._clock()
            gone = replace(held[0], state=State.DELETED, error=CANCELLED, updated_at=now)
            callbacks = await self._store.end([gone], self._book)
            held.clear()
        self._metrics.ended.labels(State.DELETED.value).inc()
        if callbacks:
            self._on_callbacks()
        return gone

    async def amend(self, account: str, message_id: str, change: Callable[[Message], Message]) -> Message:
        """Put another in the place of a message of which nothing has left; returns after the commit.

        Args:
            change: makes the new one of the old; what it raises is passed on.

        Raises:
            InvalidMessage: the new one cannot be accepted.
            NotWaiting: it has left, has ended, or is not known.
            StoreError: the store cannot commit; the old one is sent.
        """
        async with self._held_back(account, message_id) as held:
            now = self._clock()
            checked = cast(Message, self._policy.check(change(held[0]), now))
            uplinks = self._router.route(checked)
            is_scheduled = checked.scheduled_at is not None and checked.scheduled_at > now
            amended = replace(
                checked,
                updated_at=now,
                state=State.SCHEDULED if is_scheduled else State.QUEUED,
                uplink=self._pipeline.first_available(uplinks),
            )
            await self._store.amend([amended])
            held.clear()
        self._pipeline.hold(self._pipeline.plan(amended, uplinks))
        return amended

    @contextlib.asynccontextmanager
    async def _held_back(self, account: str, message_id: str) -> AsyncIterator[list[Message]]:
        """Keep a message of which nothing has left where it is; whoever deals with it clears the list."""
        with self._pipeline.withdrawn(account, message_id) as held:
            message = await self._store.message(account, message_id)
            if message is None:
                raise NotWaiting("no such message", is_known=False)
            if message.state not in (State.QUEUED, State.SCHEDULED) or message.part_count:
                raise NotWaiting("the message has left")
            held.append(message)
            yield held
