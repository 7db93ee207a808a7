"""What dialects ask of the gateway beyond taking messages in: one port for each service, with the words it speaks.

    dialect ──Verification, NumberInfo, Balance…──► port ◄── gateway.services, gateway.billing, gateway.uplinks

Money is in `Decimal`, times are seconds since the epoch, numbers are digits with country code and no plus sign.
Every port takes the account's name first: nobody sees what is another's. One-time codes and look-ups of numbers have
modules of their own, `verifying` and `looking`; what services ask of providers, and what dialects report for them, is
in `seams`.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from gateway.hours import Hours
from gateway.providers.looking import BulkLookup as BulkLookup
from gateway.providers.looking import LookupAnswer as LookupAnswer
from gateway.providers.looking import NetworkInfo as NetworkInfo
from gateway.providers.looking import NumberInfo as NumberInfo
from gateway.providers.looking import Numbers as Numbers
from gateway.providers.verifying import Verification as Verification
from gateway.providers.verifying import Verifier as Verifier
from gateway.providers.verifying import VerifyError as VerifyError
from gateway.providers.verifying import VerifyProblem as VerifyProblem
from gateway.providers.verifying import VerifyRequest as VerifyRequest
from gateway.providers.verifying import VerifySend as VerifySend
from gateway.providers.verifying import VerifyStatus as VerifyStatus
from gateway.providers.verifying import VerifyStep as VerifyStep

if TYPE_CHECKING:
    from gateway.models import Callback, Inbound, Message, State
    from gateway.providers.base import Caller, WebAnswer, WebRequest


class NotOffered(Exception):
    """This gateway has nothing configured that could do what was asked; the text says what is missing."""


class NoAnswer(Exception):
    """The provider that this was passed on to did not answer; whether it has done what was asked is not known."""


# --- money ---


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may still spend."""

    amount: Decimal
    currency: str
    is_limited: bool = True
    """Whether it ends at nought; an account that pays afterwards is never refused for it."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one part costs."""

    prefix: str
    amount: Decimal
    currency: str
    country: str = ""
    """ISO 3166-1 alpha-2."""
    country_name: str = ""
    operator: str = ""
    mcc: str = ""
    mnc: str = ""


class Ledger(Protocol):
    """Knows what accounts have and what messages cost."""

    async def balance(self, account: str) -> Balance:
        """What is left."""

    async def prices(self, account: str, *, mcc: str = "", mnc: str = "", country: str = "") -> Sequence[Price]:
        """The account's price list; of one network or country where that is given."""

    async def charged(self, account: str, message_id: str) -> Decimal:
        """What a message has cost so far, refunds taken off."""

    async def top_up(self, account: str, amount: Decimal, *, reference: str = "", note: str = "") -> object:
        """Let an account's balance rise; what is booked twice under one reference is booked once.

        Raises:
            ValueError: there is no such account, or it is no amount.
        """


# --- what an account keeps here ---


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A thing an account keeps: a sender, a template, an unsubscribed number, a webhook, a subscription."""

    id: str
    name: str
    """What it is looked up by: the sender's text, the template's alias, the number, the event."""
    fields: Mapping[str, object]
    """What the dialect keeps with it, as JSON would have it."""
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0


class NameTaken(Exception):
    """There is an entry of that kind and name already.

    Attributes:
        entry_id: whose name it is.
    """

    def __init__(self, text: str, entry_id: str = "") -> None:
        super().__init__(text)
        self.entry_id = entry_id


class Directory(Protocol):
    """Keeps an account's things; kinds are 'sender', 'template', 'opt_out', 'blocked_template', 'webhook', …

    'opt_out' and 'dnd' are lists of numbers: an entry's name is a number, each at most once. Whatever goes to a number
    of 'opt_out' is refused at every door; 'dnd' says who wants no promotion, which is the dialect's to heed.
    """

    async def add(
        self, account: str, kind: str, name: str, fields: Mapping[str, object], *, unique: bool = False
    ) -> Entry:
        """Keep a new one; its id counts from 1 within account and kind. Returns after the commit.

        Args:
            unique: whether no other may have this name. Lists of numbers are so anyway.

        Raises:
            NameTaken: another has it.
        """

    async def add_many(self, account: str, kind: str, names: Sequence[str], fields: Mapping[str, object]) -> int:
        """Keep many that differ in their names only, passing over what is there already; how many were new."""

    async def change(self, account: str, kind: str, entry_id: str, fields: Mapping[str, object]) -> Entry | None:
        """Put these fields over the old ones; None where there is none."""

    async def remove(self, account: str, kind: str, entry_id: str) -> bool:
        """Forget one; whether there was one."""

    async def clear(self, account: str, kind: str) -> int:
        """Forget all of a kind; how many."""

    async def get(self, account: str, kind: str, entry_id: str) -> Entry | None:
        """One by its id."""

    async def by_name(self, account: str, kind: str, name: str) -> Sequence[Entry]:
        """Those of a name."""

    async def recall(self, account: str, kind: str, name: str) -> Sequence[Entry]:
        """`by_name` for who asks with every message; of other nodes' changes it may hear a second later."""

    async def has_any(self, account: str, kind: str) -> bool:
        """Whether there is any at all, for who asks with every message; of other nodes' it may hear a second later."""

    async def listed(self, account: str, kind: str, numbers: Sequence[str]) -> frozenset[str]:
        """Which of these numbers are on a list: the account's, or one that the operator keeps for all."""

    async def list(
        self,
        account: str,
        kind: str,
        *,
        page: int = 1,
        per_page: int = 15,
        where: Callable[[Entry], bool] | None = None,
    ) -> tuple[Sequence[Entry], int]:
        """One page, oldest first, and how many there are in all; of those that `where` lets through."""


# --- flows ---


class FlowStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a failover flow."""

    channel: str = "sms"
    text: str = ""
    sender: str = ""
    uplink: str = ""
    """Empty: as the routes say."""
    fields: Mapping[str, object] = {}
    """What else the channel takes, in the words of the dialect."""
    wait_seconds: int = 0
    condition: str = "delivered"
    """'delivered' (met by read too) or 'read'; unmet after the wait, or failed at once, the next step is taken."""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A failover flow and where it is."""

    id: str
    account: str
    number: str
    steps: tuple[FlowStep, ...]
    status: str
    """'processing', 'sent', 'delivered', 'read', 'undelivered', 'rejected'."""
    error: str = ""
    """Why the last step was not delivered."""
    step: int = 0
    message_ids: tuple[str, ...] = ()
    dialect: str = "native"
    callback_url: str = ""
    client_reference: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


class Flows(Protocol):
    """Runs failover flows; they outlive restarts."""

    async def begin(
        self,
        account: str,
        number: str,
        steps: Sequence[FlowStep],
        *,
        dialect: str = "native",
        callback_url: str = "",
        client_reference: str = "",
    ) -> Flow:
        """Keep a flow and take its first step; returns after the commit.

        Raises:
            gateway.errors.InvalidMessage: a message of the first step cannot be accepted, or a step cannot be read.
            NotOffered: no step can be taken.
            gateway.errors.StoreError: nothing was kept.
        """

    async def find(self, account: str, flow_id: str) -> Flow | None:
        """One by its id."""


# --- looking at messages ---


class MessageLog(Protocol):
    """Finds messages of an account."""

    async def find_messages(
        self,
        account: str,
        *,
        state: "State | None" = None,
        recipient: str = "",
        sender: str = "",
        client_reference: str = "",
        group: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> "Sequence[Message]":
        """Newest first. `group` is the batch the messages were sent in."""

    async def count_by_state(self, account: str, *, since: float, until: float) -> "Mapping[str, Mapping[State, int]]":
        """How many messages of each state, by day (YYYY-MM-DD, UTC)."""

    async def count_group(self, account: str, group: str) -> int:
        """How many messages were sent in a batch."""

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
    ) -> "Sequence[Inbound]":
        """Messages from handsets, newest first."""

    async def cancel(self, account: str, message_id: str) -> "Message":
        """Withdraw a message of which nothing has left.

        Raises:
            gateway.errors.NotWaiting: it has left, has ended, or is not known.
        """


# --- pace ---


class Rates(Protocol):
    """Counts the requests of accounts where a provider limits them."""

    def take(self, account: str, name: str, per_second: float, burst: int) -> float:
        """Take one request's place.

        Args:
            name: whose limit it is: the dialect's name, or one of its calls.
            per_second: what the provider's document allows; the account's config may say otherwise.
            burst: how many may come at once.

        Returns:
            0.0 where there was one; else the seconds until there will be.
        """


class Unlimited:
    """Lets every request pass: where nobody counts."""

    def take(self, account: str, name: str, per_second: float, burst: int) -> float:
        """Nothing to wait for."""
        return 0.0


# --- what an account's app is allowed and told ---


_INDIAN_HOURS: Final = Hours("10:00-21:00", time_zone="Asia/Kolkata")


class AppOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the config says of an app written for a provider where its document leaves a choice."""

    time_zone: str = "UTC"
    """IANA name: times without a zone are in it."""
    products: tuple[str, ...] = ()
    """Product codes it may send by; empty: any."""
    is_scrubbed: bool = False
    """Whether messages are checked against registered senders and templates, hours and lists, as India's rules say."""
    promotional_products: tuple[str, ...] = ("P",)
    promotional_hours: Hours = _INDIAN_HOURS
    """When those may be sent."""
    base_url: str = ""
    """Where this dialect is reached from outside; empty: nobody has said."""


class Apps(Protocol):
    """Knows what the config says of an account's app."""

    def options(self, account: str, dialect: str) -> AppOptions:
        """The options of one."""


class DefaultApps:
    """Says what the documents say, whatever the account."""

    def options(self, account: str, dialect: str) -> AppOptions:
        """All defaults."""
        return AppOptions()


class Tokens(Protocol):
    """Makes tokens that stand for an account for a while, and reads them again."""

    def issue(self, account: str, dialect: str, lifetime_seconds: int) -> str:
        """A new one."""

    def account_of(self, token: str, dialect: str) -> "Caller":
        """Whom a token stands for.

        Raises:
            gateway.errors.Unauthorized: it is none of ours, or its time is over.
        """


class Notices(Protocol):
    """Keeps what apps are to be told of."""

    async def owe(self, account: str, dialect: str, about: str, callbacks: "Sequence[Callback]") -> None:
        """Keep callbacks without id and times, which are posted as all others; returns after the commit.

        Args:
            about: what they are about: a number, the id of a message.

        Raises:
            gateway.errors.StoreError: they were not kept.
        """


class Probe(Protocol):
    """Asks an app's address whether it is what it says."""

    async def post(self, url: str, body: bytes, headers: "Mapping[str, str]") -> tuple[int, bytes]:
        """HTTP status and body of the answer; status 0 where there was none.

        Raises:
            gateway.errors.InvalidMessage: the address may not be called.
        """


# --- the provider itself ---


class PassThrough(Protocol):
    """Hands requests to a provider of which an uplink is configured."""

    def is_offered(self, account: str, provider: str) -> bool:
        """Whether there is such an uplink."""

    async def forward(
        self, account: str, provider: str, request: "WebRequest", *, path: str, uplink: str = ""
    ) -> "WebAnswer":
        """The provider's own answer; our account's credentials are exchanged for the uplink's, callbacks are rewritten.

        Args:
            path: below the provider's base URL, as its document has it.
            uplink: the one that it has to go by; empty: any that leads there.

        Raises:
            NotOffered: no uplink of this provider is configured, or it lets this account or this call not through.
            NoAnswer: the provider cannot be reached, or did not answer.
        """
