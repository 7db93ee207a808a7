"""What an earlier run, or a node that died, has left: what was begun goes on, what lost its uplink gets another."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from gateway.lanes import Work, replace
from gateway.models import Message, Outcome, Part, State, SubmitResult
from gateway.routing import Decision
from gateway.sending import Sender
from gateway.settling import EXPIRED
from gateway.store import Store
from gateway.uplinks.base import Uplink

log = structlog.get_logger(__name__)

BATCH: Final = 1_000
STRANDED_LIMIT: Final = 10_000
STRANDED_VALIDITY_SECONDS: Final = 86_400
"""Of a message whose uplink, with its default, is gone."""
INTERRUPTED: Final = "the gateway ended before the response came"


class Recovery:
    """Takes up what was left.

    Args:
        store: where it is.
        sender: sends it.
        uplinks: those that are configured.
        plan: a message as the lanes hold it.
        way_for: where a message may go by now; None: nowhere.
        end: commits messages that have come to their end.
    """

    def __init__(
        self,
        store: Store,
        sender: Sender,
        uplinks: Mapping[str, Uplink],
        plan: Callable[[Message, Decision], Work],
        way_for: Callable[[Message], Decision | None],
        end: Callable[[Sequence[Message]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._sender = sender
        self._uplinks = uplinks
        self._plan = plan
        self._way_for = way_for
        self._end = end

    # --- what was begun ---

    async def take_up(self, unfinished: Sequence[tuple[Message, list[Part]]]) -> None:
        """Go on with messages of which parts wait or were being sent: these are in doubt."""
        if unfinished and not self._uplinks:
            log.error("messages are half sent and no uplink is configured", messages=len(unfinished))
            return
        in_doubt: list[tuple[Work, Part, SubmitResult]] = []
        homeless: list[Work] = []
        for message, parts in unfinished:
            work = self._recovered(message, parts)
            if work.lane != message.uplink:
                homeless.append(work)
            self._sender.hold_parts(work)
            result = SubmitResult(Outcome.IN_DOUBT, error=INTERRUPTED)
            in_doubt += [(work, part, result) for part in parts if part.state is State.SENDING]
        for start in range(0, len(in_doubt), BATCH):
            await self._sender.settle(in_doubt[start : start + BATCH])
        for work in homeless:
            self._sender.replan(work, f"uplink {work.message.uplink} is no longer configured")
        if unfinished:
            log.info("recovered", messages=len(unfinished), parts_in_doubt=len(in_doubt))

    def _recovered(self, message: Message, parts: list[Part]) -> Work:
        """A message that was begun: in the lane of its uplink, or of any other where that one is gone."""
        way = self._way_for(message) or Decision((next(iter(self._uplinks)),))
        lane = message.uplink if message.uplink in self._uplinks else way.uplinks[0]
        work = self._plan(replace(message, uplink=lane), way)
        work.message, work.parts, work.was_split = message, parts, True
        work.has_accepted = any(part.state not in (State.QUEUED, State.SENDING) for part in parts)
        return work

    # --- what waits for an uplink that is gone ---

    async def reroute_stranded(self, now: float) -> None:
        """Let the messages of uplinks that are no longer configured wait for another, where a route takes them."""
        for name in await self._store.waiting_uplinks():
            if name in self._uplinks:
                continue
            left: set[str] = set()
            while messages := await self._store.waiting(name, limit=BATCH, skip=left):
                left |= await self._reroute(messages, now)
                if len(left) >= STRANDED_LIMIT:
                    break
            if left:
                log.warning("messages wait for an uplink that is not configured", uplink=name, messages=len(left))

    async def _reroute(self, messages: Sequence[Message], now: float) -> set[str]:
        """Give messages to the uplinks of their routes; returns the ids of those that no route takes."""
        targets: dict[str, list[str]] = {}
        expired: list[Message] = []
        left: set[str] = set()
        for message in messages:
            way = self._way_for(message)
            if way is not None:
                targets.setdefault(way.uplinks[0], []).append(message.id)
            elif message.created_at + (message.validity_seconds or STRANDED_VALIDITY_SECONDS) <= now:
                expired.append(replace(message, state=State.EXPIRED, error=EXPIRED, updated_at=now))
            else:
                left.add(message.id)
        for uplink, ids in targets.items():
            await self._store.reassign(ids, uplink)
            self._sender.lanes[uplink].has_more = True
        if expired:
            await self._end(expired)
        return left
