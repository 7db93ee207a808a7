"""Where services reach beyond this gateway, and where dialects put what services report into their own words.

verify, failover ──ChannelOrder──► ChannelSender ──► a provider that calls, pushes, or sends over other channels
                 ◄──on_channel_state──┘
look-ups ──number, method──► NetworkSource ──► a provider that asks the networks
what is owed ──► ServiceCallbacks ──► Callback (committed with what it reports)
"""

from collections.abc import Mapping, Sequence
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from gateway.providers.verifying import Verification

if TYPE_CHECKING:
    from gateway.models import Callback, Inbound
    from gateway.providers.ports import Directory, Flow, NetworkInfo, NumberInfo


# --- channels other than our own SMS ---


class ChannelState(StrEnum):
    """What became of what a channel was given."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class ChannelOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be brought to somebody over a provider's channel."""

    id: str
    """Ours: what becomes of it is told by this name. It is handed over once; what was in doubt is not repeated."""
    account: str
    channel: str
    number: str
    text: str = ""
    sender: str = ""
    uplink: str = ""
    """Empty: any that offers the channel."""
    code: str = ""
    """The one-time code in it, for channels that read it out or hide it in a number."""
    is_own_code: bool = False
    """Whether the code is the caller's own: another will not do."""
    validity_seconds: int = 0
    language: str = ""
    brand: str = ""
    fields: Mapping[str, object] = {}

    def __repr__(self) -> str:
        return f"ChannelOrder(id={self.id!r}, channel={self.channel!r}, number={self.number!r})"


class ChannelSent(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel answered."""

    reference: str = ""
    """The provider's id."""
    code: str = ""
    """The code, where the channel chose another: the last digits of the number that calls."""
    keeper: str = ""
    """The uplink whose provider keeps the code itself: it is asked whether one is right, by the reference."""
    extra: Mapping[str, str] = {}
    """What the dialect's answer shows besides: a hash of the number, its head."""

    def __repr__(self) -> str:
        return f"ChannelSent(reference={self.reference!r})"


class Compared(Enum):
    """What a provider that keeps a code says of one."""

    RIGHT = auto()
    WRONG = auto()
    TOO_MANY = auto()
    """It compares no more: too many were wrong."""
    EXPIRED = auto()
    """... its time is up, or it knows nothing of it."""


class ChannelRefused(Exception):
    """A channel did not take an order, or may not have.

    Attributes:
        in_doubt: whether it may have been taken all the same.
    """

    def __init__(self, text: str, *, in_doubt: bool = False) -> None:
        super().__init__(text)
        self.in_doubt = in_doubt


class ChannelSender(Protocol):
    """Brings things to people over channels that need a provider."""

    def is_offered(self, account: str, channel: str) -> bool:
        """Whether an uplink has this channel."""

    async def send(self, order: ChannelOrder) -> ChannelSent:
        """Hand an order to the provider.

        Raises:
            ChannelRefused: it was not taken.
            gateway.providers.ports.NotOffered: no uplink has this channel.
        """

    async def compare(
        self, account: str, uplink: str, channel: str, reference: str, code: str, fields: Mapping[str, str]
    ) -> Compared:
        """Ask a provider that keeps a code itself.

        Args:
            fields: what else the channel takes, in the words of the dialect.

        Raises:
            ChannelRefused: it does not say.
            gateway.providers.ports.NotOffered: the uplink is gone.
        """


class ChannelStates(Protocol):
    """Hears what became of orders; whoever sends for services tells it."""

    async def on_channel_state(self, order_id: str, state: ChannelState, detail: str = "") -> None:
        """Note it; returns after the commit. Unknown orders are passed over."""


# --- events ---


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider tells of its own accord: no call of ours has asked for it."""

    name: str
    numbers: tuple[str, ...] = ()
    """On our side: what a message came to."""
    content: "Mapping[str, Any]" = {}


@runtime_checkable
class Subscribing(Protocol):
    """A dialect whose apps subscribe to events; each method returns what is owed to those who did."""

    @property
    def name(self) -> str:
        """The provider's name."""

    async def arrived(self, inbound: "Inbound", directory: "Directory") -> "Sequence[Callback]":
        """A message from a handset."""

    async def stopped(self, account: str, number: str, directory: "Directory") -> "Sequence[Callback]":
        """A number that asked for no more messages; noted where the app sees it."""

    async def started(self, account: str, number: str, directory: "Directory") -> None:
        """One that asked for them again."""

    async def relayed(self, account: str, event: ProviderEvent, directory: "Directory") -> "Sequence[Callback]":
        """An event of the provider's own."""


# --- look-ups in networks ---


class LookupFailed(Exception):
    """A provider was asked and gave no answer that is one; nothing is kept of it."""


class NetworkSource(Protocol):
    """Asks networks about numbers, by way of a provider."""

    def is_offered(self, account: str, method: str) -> bool:
        """Whether an uplink does this: 'hlr', 'mnp' or 'fraud'."""

    async def ask(self, account: str, number: str, method: str) -> "NetworkInfo":
        """One answer; `id` is the provider's.

        Raises:
            LookupFailed: there was none.
            gateway.providers.ports.NotOffered: no uplink does this.
        """


class LookupBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Some answers of a look-up of many numbers, to be called back."""

    job: str
    account: str
    method: str
    callback_url: str
    answers: "tuple[NetworkInfo, ...]" = ()
    parsed: "Mapping[str, NumberInfo]" = {}
    """What each of these numbers says by itself."""
    unasked: tuple[str, ...] = ()
    """Numbers that no network was asked about: none was to be, or they are no numbers."""
    failed: tuple[str, ...] = ()
    """Numbers for which there was no answer."""
    error: str = ""
    """Why."""
    written: Mapping[str, tuple[str, ...]] = {}
    """How the caller wrote a number, each way of them, where that was another."""
    is_last: bool = False


# --- what services report ---


class VerifyEvent(StrEnum):
    """What happened to a verification."""

    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    VERIFIED = "verified"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@runtime_checkable
class ServiceCallbacks(Protocol):
    """A dialect that has words for what services report; id, account and times of a callback are filled in for it."""

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> "Callback | None":
        """To `verification.callback_url`; None where the dialect reports nothing of the kind."""

    def flow_callback(self, flow: "Flow") -> "Callback | None":
        """To `flow.callback_url`, now that its status is another."""

    def lookup_callbacks(self, batch: LookupBatch) -> "Sequence[Callback]":
        """To `batch.callback_url`: one for all answers, or one for each."""
