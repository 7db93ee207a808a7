"""What the gateway asks of a store, and the words in which it asks.

Writing methods return after the commit, or raise `StoreError` and have kept nothing. All of them take many rows at
once: an engine joins whatever arrived during the last commit into one transaction.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from gateway.errors import StoreError
from gateway.models import DELIVERY_SCHEME, Callback, Event, Inbound, Message, Part, Receipt, State
from gateway.store.ids import Ids
from gateway.store.matching import IdRule
from gateway.store.money import NOTHING, Allowance, MoneyStore, NewClaim, RefundRule
from gateway.store.nodes import NodeStore
from gateway.store.records import RecordStore
from gateway.store.retention import RetentionStore

CallbackFor = Callable[[Message, Receipt | None], Callback | None]
"""The callback that a message's new state owes its sender, or None. Called inside the transaction: pure and quick."""


class InboundCallback(Protocol):
    """Makes the callback that a message from a handset owes the account it belongs to, if any."""

    def __call__(self, inbound: Inbound, url: str = "", dialect: str = "native", /) -> Callback | None:
        """To that address in the words of that dialect; empty: as the account has it; "smpp": over its binds."""


def _nothing_owed(_inbound: Inbound, _url: str = "", _dialect: str = "native") -> Callback | None:
    return None


FaultPoint = Callable[[str], None]
"""For tests of what a crash or a full disk does: called with the name of the point that is reached."""


@dataclass(slots=True, frozen=True)
class Bookkeeping:
    """What the store must know to keep a message's account right when a response or a receipt comes."""

    callback_for: CallbackFor
    inbound_callback: InboundCallback = _nothing_owed
    id_rules: Mapping[str, IdRule] = field(default_factory=dict)
    """By SMSC group; `as_is` for others."""
    receipt_parts: Mapping[str, str] = field(default_factory=dict)
    """Uplinks that are asked for the receipt of one part only: "first" or "last"."""
    parked_seconds: float = 3_600.0
    """How long a receipt waits for its response."""
    deadline_seconds: float = 259_200.0
    """How long a part waits for its receipt."""
    lifetime_seconds: float = 345_600.0
    """How long after its message was accepted a part may be found by its SMSC id."""
    settled_seconds: float = 3_600.0
    """... and how long if it has ended by then, by a receipt or otherwise: receipts are repeated soon, if at all."""
    refund: RefundRule = "unaccepted"
    """Which parts of a message that has ended are not to be paid for."""

    def rule(self, group: str) -> IdRule:
        """How the message ids of a group compare."""
        return self.id_rules.get(group, "as_is")


class Departure(msgspec.Struct, frozen=True):
    """A message of which parts are about to be sent."""

    message: Message
    """As it is from now on: state, uplink, part_count."""
    parts: tuple[Part, ...]
    """The rows to write: what leaves is SENDING with attempt, node and bind; what waits of a fresh split is QUEUED."""
    replaces_split: bool = False
    """Whether the store has parts of an earlier split, for another uplink, that these replace."""


class PartEnd(msgspec.Struct, frozen=True):
    """What an attempt has made of a part."""

    message: Message
    part: Part
    """With its new state, id and error."""
    events: tuple[Event, ...]
    in_doubt: bool = False
    """Whether it may have reached the recipient all the same."""


class Swept(msgspec.Struct, frozen=True):
    """What a sweep found to do."""

    orphaned: int = 0
    """Parked receipts whose time was up."""
    unknown: int = 0
    """Parts whose receipt did not come in time."""
    callbacks: int = 0
    is_done: bool = True
    """Whether nothing more is to do now."""


class LeaseLost(StoreError):
    """This node's lease has ended: it may not write until it holds one again."""


class NotOurs(StoreError):
    """Messages that another node has taken over; nothing of the call was kept.

    Attributes:
        ids: the messages.
    """

    def __init__(self, ids: Collection[str]) -> None:
        super().__init__(f"{len(ids)} messages were taken over by another node")
        self.ids = frozenset(ids)


class Store(RecordStore, MoneyStore, RetentionStore, NodeStore):
    """Where messages are kept."""

    ids: Ids
    fault: FaultPoint | None = None
    is_shared: bool = False
    """Whether other processes may use it at the same time: then a node without a lease may do nothing."""
    delivery_seconds: float = 60.0
    """How long a node that was handed deliveries has them for itself, where others may have them."""
    on_notice: Callable[[], None] | None = None
    """Called when there may be work for this node that it does not know of: a hint, nothing relies on it."""

    # --- accepting and sending ---

    @abstractmethod
    async def add(
        self,
        messages: Sequence[Message],
        *,
        claim: NewClaim | None = None,
        allowances: Mapping[str, Allowance] = NOTHING,
        parts: Mapping[str, int] = NOTHING,
    ) -> Mapping[str, str]:
        """Keep accepted messages, and charge their accounts for them.

        Args:
            claim: kept with them; dropped where none of them is.
            allowances: of accounts that are limited.
            parts: how many parts messages count as; 1 for others.

        Returns:
            Why some are not kept, by id: the account cannot pay for them, or its quota is used up.

        Raises:
            KeyTaken: the claim's key was used before; nothing was kept.
            StoreFull: too much waits for a commit.
        """

    @abstractmethod
    async def depart(self, departures: Sequence[Departure]) -> None:
        """Note what is about to be written to a socket."""

    @abstractmethod
    async def record(self, ends: Sequence[PartEnd], book: Bookkeeping) -> int:
        """Note what became of attempts; apply receipts parked for their ids. Returns the number of callbacks owed."""

    @abstractmethod
    async def end(self, messages: Sequence[Message], book: Bookkeeping) -> int:
        """Give up messages, and parts of an abandoned split; each has its final state. Returns the callbacks owed."""

    @abstractmethod
    async def amend(self, messages: Sequence[Message]) -> None:
        """Write messages of which nothing has left anew: what they say, when they go, their state."""

    @abstractmethod
    async def reassign(self, ids: Collection[str], uplink: str) -> None:
        """Let waiting messages wait for another uplink."""

    @abstractmethod
    async def release_scheduled(self, now: float, limit: int = 1000) -> int:
        """Queue the scheduled messages whose time has come; returns how many."""

    @abstractmethod
    async def next_scheduled_at(self) -> float | None:
        """When the next scheduled message is due."""

    # --- coming back ---

    @abstractmethod
    async def receive(self, receipts: Sequence[Receipt], book: Bookkeeping) -> tuple[list[bool], int]:
        """Apply receipts to their messages, or park them. Returns which were matched, and the number of callbacks owed.

        Raises:
            StoreFull: too much waits for a commit.
        """

    @abstractmethod
    async def add_inbound(self, inbound: Inbound, callback: Callback | None) -> None:
        """Keep a message from a handset with the callback it causes, which gets its id here; a known id is kept once.

        Raises:
            StoreFull: too much waits for a commit.
        """

    @abstractmethod
    async def sweep(self, book: Bookkeeping, now: float) -> Swept:
        """Make parked receipts orphans, parts without a receipt unknown, old ids unmatchable; so many at a time."""

    # --- callbacks ---

    @abstractmethod
    async def due_callbacks(
        self, now: float, *, limit: int, per_host: int, skip_hosts: Set[str], skip_ids: Set[str]
    ) -> list[Callback]:
        """What is due over HTTP, oldest first within a host, at most `per_host` of each, whatever others' backlog."""

    @abstractmethod
    async def next_callback_at(self) -> float | None:
        """When the earliest callback over HTTP is due."""

    @abstractmethod
    async def due_deliveries(self, account: str, now: float, *, limit: int, skip_ids: Set[str]) -> list[Callback]:
        """What is due over an account's binds, oldest first; an engine for several nodes claims it for the asker."""

    @abstractmethod
    async def next_delivery_at(self, account: str) -> float | None:
        """When the earliest delivery over an account's binds is due."""

    @abstractmethod
    async def acknowledge(self, ids: Collection[str]) -> None:
        """Forget callbacks that were acknowledged."""

    @abstractmethod
    async def postpone(self, callbacks: Sequence[Callback]) -> None:
        """Note due time, tries, last error and failure of callbacks that were not."""

    @abstractmethod
    async def fail_callbacks(self, created_before: float) -> int:
        """Give up what is owed over HTTP for too long, tried or not; returns how many, at most SWEEP_LIMIT a time."""

    @abstractmethod
    async def fail_deliveries(self, created_before: float) -> int:
        """The same of what is owed over binds."""

    @abstractmethod
    async def replay_callbacks(self, now: float, account: str = "", ids: Collection[str] = ()) -> int:
        """Make failed callbacks due again: those named, or all of an account's, or all. Returns how many."""

    # --- starting ---

    @abstractmethod
    async def waiting(self, uplink: str, *, limit: int, skip: Set[str], account: str = "") -> list[Message]:
        """Messages queued for an uplink that are not in `skip`, of one account or of any, in the order of going."""

    @abstractmethod
    async def waiting_accounts(self, uplink: str) -> list[str]:
        """The accounts whose messages are queued for an uplink."""

    @abstractmethod
    async def waiting_uplinks(self) -> list[str]:
        """The uplinks for which messages are queued."""

    @abstractmethod
    async def count_waiting(self) -> dict[tuple[str, str], int]:
        """How many messages are queued, by uplink and account, whichever node has them; takes none."""

    @abstractmethod
    async def unfinished(self, node: str) -> list[tuple[Message, list[Part]]]:
        """Messages of this node that were split and have parts queued or sending, with all their parts."""

    # --- looking ---

    @abstractmethod
    async def message(self, account: str, message_id: str) -> Message | None:
        """A message of an account; of any where `account` is empty."""

    @abstractmethod
    async def messages(
        self, account: str, *, state: State | None = None, recipient: str = "", limit: int = 50, before_id: str = ""
    ) -> list[Message]:
        """An account's messages (any account's where empty), newest first."""

    @abstractmethod
    async def find_messages(
        self,
        account: str,
        *,
        state: State | None = None,
        recipient: str = "",
        sender: str = "",
        client_reference: str = "",
        group: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> list[Message]:
        """An account's messages (any account's where empty), newest first; accepted at `since` or later.

        A reference, a group, a recipient or an account leads to its messages at once; the other conditions are for
        choosing among those.

        Args:
            until: accepted before; 0: until now.
        """

    @abstractmethod
    async def count_by_state(self, account: str, *, since: float, until: float) -> dict[str, dict[State, int]]:
        """How many messages accepted in a time are in each state, by day (YYYY-MM-DD, UTC); looks at each of them."""

    @abstractmethod
    async def count_group(self, account: str, group: str) -> int:
        """How many messages of an account (any account's where empty) are of a group."""

    @abstractmethod
    async def parts(self, message_id: str) -> list[Part]:
        """A message's parts in order; none before it was split."""

    @abstractmethod
    async def timeline(self, message_id: str) -> list[Event]:
        """What happened to a message, oldest first, from ACCEPTED on."""

    @abstractmethod
    async def inbound(self, account: str, *, limit: int = 50) -> list[Inbound]:
        """Messages to an account's numbers (any account's where empty), newest first."""

    @abstractmethod
    async def find_inbound(
        self,
        account: str,
        *,
        recipient: str = "",
        sender: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> list[Inbound]:
        """Messages to an account's numbers (any account's where empty) that came at `since` or later, newest first.

        Args:
            until: came before; 0: until now.
            before_id: older than this one.
        """

    @abstractmethod
    async def callbacks(self, account: str = "", *, failed: bool | None = None, limit: int = 50) -> list[Callback]:
        """Callbacks not yet acknowledged, oldest first."""

    @abstractmethod
    async def parked(self) -> int:
        """How many receipts wait for their response."""

    @abstractmethod
    async def candidates(self, key: str, *, limit: int) -> list[tuple[Message, Part]]:
        """Parts that a receipt may still find, of any group, whose SMSC id has this look-up key; newest first."""

    @abstractmethod
    async def orphans(self, limit: int = 50) -> list[Receipt]:
        """Receipts whose message never turned up, newest first."""

    @abstractmethod
    async def ping(self) -> None:
        """Return when a write would be possible.

        Raises:
            StoreError: it would not.
        """

    @abstractmethod
    async def close(self) -> None:
        """Commit what waits, then close."""


NOT_BOUND: Final = "the account did not take it in time"
NOT_REACHED: Final = "its host could not be reached in time"

SWEEP_LIMIT: Final = 500
"""Rows of each kind that one sweep handles, so that others get their turn at the writer."""


def accepted_event(message: Message) -> Event:
    """The first line of every timeline; derived, so that it need not be stored."""
    return Event(message_id=message.id, at=message.created_at, state=State.ACCEPTED, node=message.node)


def replaced_event(message: Message) -> Event:
    """The timeline's line for a message that was written anew."""
    return Event(
        message_id=message.id, at=message.updated_at, state=message.state, node=message.node, detail="replaced"
    )


def departure_events(departure: Departure) -> list[Event]:
    """The timeline's lines for the parts that leave."""
    return [
        Event(
            message_id=part.message_id,
            at=part.updated_at,
            state=State.SENDING,
            part=part.number,
            attempt=part.attempt,
            node=part.node,
            bind=part.bind,
            detail=part.uplink,
        )
        for part in departure.parts
        if part.state is State.SENDING
    ]


def callback_host(callback: Callback) -> str:
    """The host a callback goes to, with its port, as the dispatcher counts them; of a delivery, its whole URL."""
    if callback.url.startswith(DELIVERY_SCHEME):
        # No host has such a name, so that account and host cannot be taken for each other.
        return callback.url
    _, _, rest = callback.url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    return authority.rpartition("@")[2].lower()
