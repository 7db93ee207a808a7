"""What waits in memory for an uplink, in the order in which it should go. Time comes in as an argument.

by priority, and within each:  throttled and unsent parts, once ready  >  parts of a message already begun  >  messages

Messages of a priority go by turns of their accounts, so that nobody waits for another's batch. The room in memory is
shared out likewise: an account may hold its part of it, and as much again of what is urgent; the rest of its messages
waits in the store.
"""

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from gateway.fairness import FairQueue
from gateway.models import Message, Part, PartBody, State
from gateway.routing import Decision

replace = msgspec.structs.replace

READY_SLACK_SECONDS: Final = 0.02
"""A part may go this much early: its uplink's pause ends at the same moment, and nothing must overtake it then."""


@dataclass(slots=True, eq=False)
class Work:
    """A message on its way out."""

    message: Message
    way: Decision
    """Where its route lets it go."""
    expires_at: float
    lane: str
    """The uplink it waits for or goes through."""
    parts: list[Part] = field(default_factory=list)
    """Empty until it is split."""
    was_split: bool = False
    """Whether the store has parts of it."""
    has_accepted: bool = False
    """Whether the SMSC took a part: it must not go elsewhere then."""
    broken: tuple[State, str] | None = None
    """What becomes of the rest of it, and why, where it is not to be sent."""
    generation: int = 0
    """Grows when it is to be split anew: items of an earlier split mean nothing then."""
    retries: dict[int, int] = field(default_factory=dict)
    doubts: dict[int, int] = field(default_factory=dict)
    unsent: dict[int, int] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    refused_by: set[str] = field(default_factory=set)
    """Uplinks whose SMSC has refused it, and that it was sent on from: it does not come back to them."""
    refused_parts: set[tuple[str, int]] = field(default_factory=set)
    """Which part was refused by which of them: the second time is the end."""

    @property
    def in_flight(self) -> int:
        """Parts that wait for their response."""
        return sum(part.state is State.SENDING for part in self.parts)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to send or to wait for."""
        return bool(self.parts) and all(part.state not in (State.QUEUED, State.SENDING) for part in self.parts)

    @property
    def may_move(self) -> bool:
        """Whether it may go through another uplink."""
        return not self.has_accepted and self.broken is None and len(self.way.uplinks) > 1 and not self.in_flight

    def may_go_on(self, uplink: str, number: int) -> bool:
        """Whether the refusal of a part by an uplink need not be its end."""
        if self.has_accepted or self.broken is not None or (uplink, number) in self.refused_parts:
            return False
        return any(name != uplink and name not in self.refused_by for name in self.way.uplinks)

    def split_into(self, bodies: Sequence[PartBody], *, node: str, group: str, reference: int, now: float) -> None:
        """Take on the parts that the uplink of its lane has made of it."""
        self.parts = [
            Part(
                message_id=self.message.id,
                number=number,
                body=body,
                node=node,
                uplink=self.lane,
                group=group,
                reference=reference,
                updated_at=now,
            )
            for number, body in enumerate(bodies, 1)
        ]
        self.message = replace(
            self.message, state=State.SENDING, uplink=self.lane, part_count=len(bodies), node=node, updated_at=now
        )

    def unsplit(self) -> None:
        """Have it split anew."""
        self.parts = []
        self.generation += 1

    def item(self, number: int) -> "Item":
        """A part of it, or with number 0 all of it, to be queued."""
        return Item(self, number, self.generation)


class Item(NamedTuple):
    """Something to send: a part, or with number 0 a message that is not split yet."""

    work: Work
    number: int
    generation: int


def _one(_account: str) -> int:
    return 1


@dataclass(slots=True)
class _Level:
    """What waits of one priority."""

    fresh: FairQueue[Item]
    later: list[tuple[float, int, Item]] = field(default_factory=list)
    begun: deque[Item] = field(default_factory=deque)


class Lane:
    """The queue of one uplink.

    Args:
        name: the uplink's.
        limit: messages held in memory; each account gets its part of it.
        share: how many parts an account may send in each round.
    """

    def __init__(self, name: str, limit: int, share: Callable[[str], int] = _one) -> None:
        self.name = name
        self.limit = limit
        self._share = share
        self.works: dict[str, Work] = {}
        """All that is in memory for this uplink, in flight included, by message id."""
        self.held: Counter[str] = Counter()
        """How many of them are whose."""
        self.behind: set[str] = set()
        """Accounts of which the store has messages for this uplink that are not in memory."""
        self.has_more = False
        """Whether it may have messages of accounts that nobody has noted."""
        self.skipped = 0
        """How many messages were left in the store; a refill that saw all of them may end `has_more`."""
        self._order = itertools.count()
        self._back = itertools.count(-1, -1)
        self._levels: dict[int, _Level] = {}
        """By priority, the most urgent first."""

    def quota(self, account: str) -> int:
        """How many messages of an account may be held: as many as of each other that has some."""
        is_new = account not in self.held and account not in self.behind
        return max(1, self.limit // (max(len(self.held), len(self.behind)) + is_new))

    def room(self, account: str, *, is_urgent: bool = False) -> int:
        """How many messages more of an account may be held."""
        quota = self.quota(account)
        return max(0, (2 * quota if is_urgent else quota) - self.held.get(account, 0))

    def wants(self, account: str) -> bool:
        """Whether it is worth fetching messages of an account from the store: half of its room is free."""
        return (self.has_more or account in self.behind) and self.held.get(account, 0) <= self.quota(account) // 2

    def leave_behind(self, account: str) -> None:
        """Note that a message of an account waits in the store."""
        self.behind.add(account)
        self.skipped += 1

    def push(self, work: Work) -> None:
        """Queue a message behind those of its priority and account."""
        self.adopt(work)
        message = work.message
        self._level(work).fresh.push(message.account, work.item(0), estimated_parts(message))

    def _level(self, work: Work) -> "_Level":
        priority = work.message.priority
        level = self._levels.get(priority)
        if level is None:
            level = _Level(FairQueue(self._share))
            self._levels = dict(sorted({**self._levels, priority: level}.items(), reverse=True))
        return level

    def adopt(self, work: Work) -> None:
        """Hold a message whose parts are queued one by one."""
        work.lane = self.name
        if work.message.id not in self.works:
            self.held[work.message.account] += 1
        self.works[work.message.id] = work

    def push_begun(self, item: Item) -> None:
        """Queue a part of a message of which other parts have gone."""
        self._level(item.work).begun.append(item)

    def push_front(self, item: Item, ready_at: float) -> None:
        """Queue what goes before all others of its priority once it is ready."""
        heapq.heappush(self._level(item.work).later, (ready_at, next(self._order), item))

    def put_back(self, items: list[Item], ready_at: float) -> None:
        """Undo `pop`: the items go before all of their priority that is queued, in their order."""
        for item in reversed(items):
            heapq.heappush(self._level(item.work).later, (ready_at, next(self._back), item))

    def pop(self, now: float) -> Item | None:
        """The next item; None where nothing is ready."""
        while (item := self._next(now)) is not None:
            if self.is_current(item):
                return item
        return None

    def _next(self, now: float) -> Item | None:
        for level in self._levels.values():
            if level.later and level.later[0][0] <= now + READY_SLACK_SECONDS:
                return heapq.heappop(level.later)[2]
            if level.begun:
                return level.begun.popleft()
            item = level.fresh.pop()
            if item is not None:
                return item
        return None

    def is_current(self, item: Item) -> bool:
        """Whether it still waits here: its message may have moved, ended or been given up meanwhile."""
        work, number, generation = item
        if self.works.get(work.message.id) is not work or generation != work.generation or work.broken is not None:
            return False
        if number == 0:
            return not work.parts
        return number <= len(work.parts) and work.parts[number - 1].state is State.QUEUED

    def ready_count(self, now: float) -> int:
        """How many items are ready; may count some that are no longer current."""
        count = 0
        for level in self._levels.values():
            count += len(level.begun) + len(level.fresh)
            count += sum(ready_at <= now + READY_SLACK_SECONDS for ready_at, _, _ in level.later)
        return count

    def next_ready_at(self) -> float | None:
        """When the next of those that must wait is ready."""
        return min((level.later[0][0] for level in self._levels.values() if level.later), default=None)

    def drop(self, work: Work) -> None:
        """Forget a message."""
        if self.works.pop(work.message.id, None) is None:
            return
        account = work.message.account
        self.held[account] -= 1
        if not self.held[account]:
            del self.held[account]

    def expired(self, now: float) -> Iterator[Work]:
        """Messages whose validity period is over."""
        return (work for work in list(self.works.values()) if work.expires_at <= now)


def estimated_parts(message: Message) -> int:
    """About how many parts a message will have; which coding its uplink takes is not known yet."""
    if message.data is not None:
        return -(-len(message.data) // 140) or 1
    length, is_plain = len(message.text), message.text.isascii()
    if length <= (160 if is_plain else 70):
        return 1
    return -(-length // (153 if is_plain else 67))
