"""What waits to be sent: seen, sent another way, withdrawn; and what has failed, sent again."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

import msgspec

from gateway.errors import InvalidMessage, NotThere, NotWaiting, OperatorError
from gateway.models import Message, NewMessage, State
from gateway.store import Store
from gateway.store.ids import is_id

BATCH: Final = 500
WAITING: Final = (State.QUEUED, State.SCHEDULED)
AGAIN: Final = (State.FAILED, State.EXPIRED, State.REJECTED, State.UNDELIVERABLE, State.DELETED)
"""Ends after which a message may be sent once more."""
_OWN: Final = frozenset(NewMessage.__struct_fields__)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of an account wait for an uplink."""

    uplink: str
    account: str
    messages: int
    """On all nodes; what is scheduled does not wait yet."""
    in_memory: int
    """How many of them this node holds ready; the others wait in the store."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages are meant; all that is given must hold."""

    account: str = ""
    uplink: str = ""
    recipient: str = ""
    sender: str = ""
    client_reference: str = ""
    group: str = ""
    since: float = 0.0
    until: float = 0.0
    ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self == Filter()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the messages that were meant."""

    done: int = 0
    passed_over: int = 0
    """Left meanwhile, or could not be: the reasons say why, the first few of them."""
    reasons: tuple[str, ...] = ()
    new_ids: tuple[str, ...] = ()
    """Of messages that were sent again."""


class Intake(Protocol):
    """Takes messages in and withdraws them."""

    async def accept(self, messages: Sequence[NewMessage]) -> Sequence[Message | InvalidMessage]:
        """Keep them."""

    async def cancel(self, account: str, message_id: str) -> Message:
        """Withdraw one."""


class Lanes(Protocol):
    """The pipeline, as far as queues go."""

    def waiting_in_memory(self) -> dict[tuple[str, str], int]:
        """How many messages wait in memory, by uplink and account."""

    async def reroute(self, messages: Sequence[Message], uplink: str) -> int:
        """Have messages of which nothing has left wait for another uplink; how many could be moved."""


class QueueDesk:
    """The queues.

    Args:
        uplinks: their names, those that are there when somebody asks.
    """

    def __init__(
        self,
        store: Store,
        intake: Intake,
        lanes: Lanes,
        uplinks: Collection[str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._intake = intake
        self._lanes = lanes
        self._uplinks = uplinks
        self._clock = clock

    async def waiting(self) -> list[Waiting]:
        """What waits, by uplink and account."""
        held = self._lanes.waiting_in_memory()
        counts = await self._store.count_waiting()
        return [
            Waiting(uplink=uplink, account=account, messages=count, in_memory=held.get((uplink, account), 0))
            for (uplink, account), count in sorted(counts.items())
        ]

    async def reroute(self, which: Filter, uplink: str, *, limit: int) -> Done:
        """Have what waits go over another uplink, whatever the routes say; what is scheduled does not wait yet.

        Raises:
            NotThere: there is no such uplink.
            OperatorError: the filter is empty.
        """
        if uplink not in self._uplinks:
            raise NotThere(f"there is no uplink {uplink}; there are: {', '.join(self._uplinks) or 'none'}")
        found = [message for message in await self._find(which, (State.QUEUED,), limit) if message.uplink != uplink]
        moved = 0
        for start in range(0, len(found), BATCH):
            moved += await self._lanes.reroute(found[start : start + BATCH], uplink)
        left = len(found) - moved
        return Done(done=moved, passed_over=left, reasons=("they have left meanwhile",) if left else ())

    async def purge(self, which: Filter, *, limit: int) -> Done:
        """Withdraw what waits; its senders are told.

        Raises:
            OperatorError: the filter is empty.
        """
        done, reasons = 0, []
        for message in await self._find(which, WAITING, limit):
            try:
                await self._intake.cancel(message.account, message.id)
                done += 1
            except NotWaiting as error:
                reasons.append(f"{message.id}: {error}")
        return Done(done=done, passed_over=len(reasons), reasons=tuple(reasons[:10]))

    async def requeue(self, which: Filter, states: Sequence[State], *, limit: int) -> Done:
        """Send messages once more that have failed, as new messages with new ids: of the old ones the senders know.

        Raises:
            OperatorError: the filter is empty, or a state is none after which a message is sent again.
        """
        wrong = [state.value for state in states if state not in AGAIN]
        if wrong or not states:
            raise OperatorError("messages are sent again after: " + ", ".join(AGAIN))
        matching = await self._find(which, states, limit)
        found = [message for message in matching if not message.secret]
        done: list[str] = []
        # Their texts are erased by now.
        reasons = [f"{message.id}: a secret text is not sent again" for message in matching if message.secret]
        for start in range(0, len(found), BATCH):
            batch = found[start : start + BATCH]
            outcomes = await self._intake.accept([_anew(message) for message in batch])
            for message, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, InvalidMessage):
                    reasons.append(f"{message.id}: {outcome.message}")
                else:
                    done.append(outcome.id)
        return Done(done=len(done), passed_over=len(reasons), reasons=tuple(reasons[:10]), new_ids=tuple(done))

    async def _find(self, which: Filter, states: Sequence[State], limit: int) -> list[Message]:
        if which.is_empty:
            raise OperatorError("say which messages: account, uplink, to, from, client_reference, group, times or ids")
        if which.ids:
            found = [await self._store.message(which.account, one) for one in which.ids[:limit] if is_id(one)]
            return [one for one in found if one is not None and one.state in states and _fits(one, which)]
        matching: list[Message] = []
        for state in states:
            before = ""
            while len(matching) < limit:
                page = await self._store.find_messages(
                    which.account,
                    state=state,
                    recipient=which.recipient,
                    sender=which.sender,
                    client_reference=which.client_reference,
                    group=which.group,
                    since=which.since,
                    until=which.until,
                    limit=BATCH,
                    before_id=before,
                )
                matching += [message for message in page if _fits(message, which)]
                if len(page) < BATCH:
                    break
                before = page[-1].id
        return matching[:limit]


def _fits(message: Message, which: Filter) -> bool:
    return which.uplink in ("", message.uplink)


def _anew(message: Message) -> NewMessage:
    """The message as its sender gave it, to be sent now."""
    given = {name: getattr(message, name) for name in _OWN}
    return NewMessage(**{**given, "scheduled_at": None})
