"""Takes messages in for good, and changes or withdraws those of which nothing has left.

    accept: check → route → commit ──► the pipeline holds it, or finds it in the store when there is room

Whatever door a message came through, it passes here; the door answers when the commit is done.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, cast

import msgspec

from gateway.billing import TEXTS, Billing
from gateway.duplicates import DuplicateGuard
from gateway.errors import InvalidMessage, KeyTaken, NotWaiting, StoreFull
from gateway.lanes import Work
from gateway.metrics import Metrics
from gateway.models import Message, NewMessage, State
from gateway.pipeline import Pipeline
from gateway.policy import Policy
from gateway.providers.base import Claim
from gateway.router import Router
from gateway.sealing import Sealer
from gateway.store import Bookkeeping, Store
from gateway.store.money import INSUFFICIENT_BALANCE, NOTHING, NewClaim
from smpp.errors import EncodeError
from smpp.sms import segments

replace = msgspec.structs.replace

STOPPING_RETRY_SECONDS: Final = 5.0
CANCELLED: Final = "cancelled by its sender"
SHORTEST_LONG_TEXT: Final = 70
"""More characters than these may not fit into one part, whatever their alphabet."""


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
        billing: Billing | None = None,
        claim_seconds: float = 86_400.0,
        on_callbacks: Callable[[], None] = _nothing,
        clock: Callable[[], float] = time.time,
        sealer: Sealer | None = None,
        guard: DuplicateGuard | None = None,
    ) -> None:
        """Put it together.

        Args:
            pipeline: sends what was accepted.
            billing: what messages cost; None: nothing.
            claim_seconds: how long idempotency keys are kept.
            on_callbacks: called after a commit that owes callbacks.
            sealer: seals secret texts; None: then none is accepted.
            guard: refuses what was sent a short while ago; None: nothing is.
        """
        self._node = node
        self._sealer = sealer
        self._guard = guard
        self._store = store
        self._router = router
        self._policy = policy
        self._pipeline = pipeline
        self._book = bookkeeping
        self._metrics = metrics
        self._billing = billing
        self._claim_seconds = claim_seconds
        self._on_callbacks = on_callbacks
        self._clock = clock

    def reconfigure(self, bookkeeping: Bookkeeping) -> None:
        """Go by other settings from now on; router, policy and billing are replaced in themselves."""
        self._book = bookkeeping

    # --- taking in ---

    async def accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = (), claim: Claim | None = None
    ) -> list[Message | InvalidMessage]:
        """Check messages, keep those that can be sent, and return after the commit: item by item what it became.

        Args:
            ids: ids of the store's own making for the first of them; the others get new ones.
            claim: kept with them, if any of them is.

        Raises:
            KeyTaken: the claim's key was used before; nothing was kept.
            StoreFull: too much waits, or the gateway is stopping; nothing was kept.
            StoreError: the store cannot commit; nothing was kept.
        """
        if self._pipeline.is_stopping:
            raise StoreFull("the gateway is stopping", STOPPING_RETRY_SECONDS)
        now = self._clock()
        if claim is not None:
            # Looked for once more in the commit; but what was done before must not be judged anew.
            await self._check_key(claim, now)
        outcome: list[Message | InvalidMessage] = []
        works: list[Work] = []
        parts: dict[str, int] = {}
        given = iter(ids)
        for new in messages:
            try:
                work = self._admit(new, now, next(given, "") or self._store.ids.new(now), parts)
            except InvalidMessage as error:
                self._metrics.refused.labels(error.code).inc()
                outcome.append(error)
            else:
                works.append(work)
                outcome.append(work.message)
        if not works:
            return outcome
        if self._guard is None:
            refused = await self._keep(works, parts, self._new_claim(claim, outcome, now))
        else:
            works, outcome = await self._without_duplicates(works, outcome, claim)
            if not works:
                return outcome
            try:
                refused = await self._keep(works, parts, self._new_claim(claim, outcome, now))
            finally:
                self._guard.release(work.message.id for work in works)
        for code, count in Counter(refused.values()).items():
            self._metrics.refused.labels(code).inc(count)
        return _without(outcome, refused)

    def _admit(self, new: NewMessage, now: float, identifier: str, parts: dict[str, int]) -> Work:
        checked = self._policy.admit(new, now)
        way = self._router.route(checked)
        self._pipeline.check(checked, way)
        is_scheduled = checked.scheduled_at is not None and checked.scheduled_at > now
        message = Message(
            **msgspec.structs.asdict(checked),
            id=identifier,
            node=self._node,
            created_at=now,
            updated_at=now,
            state=State.SCHEDULED if is_scheduled else State.QUEUED,
            uplink=self._pipeline.first_available(way),
        )
        if self._billing is not None and self._billing.counts(message.account):
            parts[identifier] = self._parts(message)
            if not message.is_free:
                message = replace(message, price=self._price(message, parts[identifier]))
        return self._pipeline.plan(self._sealed(message) if message.secret else message, way)

    async def _without_duplicates(
        self, works: Sequence[Work], outcome: Sequence[Message | InvalidMessage], claim: Claim | None
    ) -> tuple[list[Work], list[Message | InvalidMessage]]:
        """What is left of messages, and what became of them, without those that were sent a short while ago.

        Raises:
            KeyTaken: they were sent by the same request, which came twice at a time.
        """
        if self._guard is None:
            return list(works), list(outcome)
        repeated = await self._guard.mark([work.message for work in works])
        left = [work for work in works if work.message.id not in repeated]
        if claim is not None and repeated and not left:
            await self._guard.until_settled([work.message for work in works])
            await self._check_key(claim, self._clock())
        for error in repeated.values():
            self._metrics.refused.labels(error.code).inc()
        return left, [repeated.get(one.id, one) if isinstance(one, Message) else one for one in outcome]

    def _sealed(self, message: Message) -> Message:
        """A message as it may be kept; nobody but its uplink opens it."""
        if self._sealer is None:
            raise InvalidMessage("no_secret_key", "secret texts need node.secret_key", "text")
        return self._sealer.seal_message(message, message.id)

    async def _keep(self, works: Sequence[Work], parts: Mapping[str, int], claim: NewClaim | None) -> Mapping[str, str]:
        """Commit messages; returns why some of them are not kept after all."""
        allowances = self._billing.allowances if parts and self._billing is not None else NOTHING
        with self._pipeline.arriving(work.message.id for work in works):
            try:
                refused = await self._store.add(
                    [work.message for work in works], claim=claim, allowances=allowances, parts=parts
                )
            except asyncio.CancelledError:
                # Whoever asked has gone; the messages may be kept all the same, and then they must be sent.
                self._pipeline.look_after_commit({work.lane for work in works})
                raise
        kept = [work for work in works if work.message.id not in refused] if refused else works
        for work in kept:
            self._pipeline.hold(work)
        for labels, count in Counter((work.message.account, work.message.dialect) for work in kept).items():
            self._metrics.accepted.labels(*labels).inc(count)
        return refused

    # --- idempotency keys ---

    async def _check_key(self, claim: Claim, now: float) -> None:
        claimed = await self._store.find_claim(claim.account, claim.key, now)
        if claimed is not None:
            raise KeyTaken(claimed.fingerprint, claimed.answer)

    def _new_claim(
        self, claim: Claim | None, outcome: Sequence[Message | InvalidMessage], now: float
    ) -> NewClaim | None:
        if claim is None:
            return None
        return NewClaim(
            account=claim.account,
            key=claim.key,
            fingerprint=claim.fingerprint,
            answer=lambda refused: claim.answer(_without(outcome, refused)),
            at=now,
            expires_at=now + self._claim_seconds,
        )

    # --- money ---

    def _price(self, message: Message, parts: int) -> int:
        return self._billing.price(message.account, message.recipient, parts) if self._billing is not None else 0

    async def _priced_anew(self, message: Message, charged: int) -> Message:
        """A message that was written anew, with its price: the store charges the difference."""
        if self._billing is None or not self._billing.counts(message.account):
            return message
        price = self._price(message, self._parts(message))
        allowance = self._billing.allowances.get(message.account)
        if price > charged and allowance is not None and allowance.floor is not None:
            balance = await self._store.balance(message.account)
            if balance - (price - charged) < allowance.floor:
                raise InvalidMessage(INSUFFICIENT_BALANCE, TEXTS[INSUFFICIENT_BALANCE], "account")
        return replace(message, price=price)

    def _parts(self, message: Message) -> int:
        """How many parts a message counts as: as its uplink would cut it, or whoever that leaves it to."""
        count = self._pipeline.count_parts(message)
        if count == 1 and message.data is None and len(message.text) > SHORTEST_LONG_TEXT:
            with contextlib.suppress(EncodeError):
                count = segments.count(message.text)
        return count

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
            if held[0].secret:
                raise NotWaiting("what a service sends cannot be changed")
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
            amended = await self._priced_anew(amended, held[0].price)
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


def _without(outcome: Sequence[Message | InvalidMessage], refused: Mapping[str, str]) -> list[Message | InvalidMessage]:
    """What became of messages, given those that could not be paid for or are too many."""
    return [
        InvalidMessage(code, TEXTS[code], "account")
        if isinstance(one, Message) and (code := refused.get(one.id))
        else one
        for one in outcome
    ]
