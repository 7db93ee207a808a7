"""What dialects ask of the gateway beyond taking messages in: one port for each service, with the words it speaks.

    dialect ──Verification, NumberInfo, Balance…──► port ◄── gateway.services, gateway.billing, gateway.uplinks

Money is in `Decimal`, times are seconds since the epoch, numbers are digits with country code and no plus sign.
Every port takes the account's name first: nobody sees what is another's.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from gateway.models import Inbound, Message, State
    from gateway.providers.base import WebAnswer, WebRequest


class NotOffered(Exception):
    """This gateway has nothing configured that could do what was asked; the text says what is missing."""


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


# --- one-time codes ---


class VerifyStatus(StrEnum):
    """Where a verification is."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    """Too many wrong codes."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


class VerifyProblem(StrEnum):
    """Why a verification cannot go on."""

    NOT_FOUND = "not_found"
    WRONG_CODE = "wrong_code"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    EXPIRED = "expired"
    ENDED = "ended"
    """It was verified or cancelled before."""
    CONCURRENT = "concurrent"
    """Another verification of this number is under way."""
    TOO_SOON = "too_soon"
    """A code went out a moment ago, or may not be withdrawn yet."""
    TOO_MANY_SENDS = "too_many_sends"
    BLOCKED = "blocked"
    """A guard against pumping traffic: this prefix, address or account asked too often or converts too seldom."""
    BAD_NUMBER = "bad_number"
    BAD_REQUEST = "bad_request"
    NO_ROUTE = "no_route"
    NO_FUNDS = "no_funds"


class VerifyError(Exception):
    """A verification could not be begun, sent again or checked.

    Attributes:
        problem: which rule.
        attempts_left: where a code was wrong.
        verification_id: of the one that is in the way or that was asked for.
    """

    def __init__(self, problem: VerifyProblem, text: str, *, attempts_left: int = 0, verification_id: str = "") -> None:
        super().__init__(text)
        self.problem = problem
        self.attempts_left = attempts_left
        self.verification_id = verification_id


class VerifyStep(msgspec.Struct, frozen=True, kw_only=True):
    """One way to bring a code to its reader."""

    channel: str = "sms"
    """'sms', 'voice', 'flash_call', 'missed_call', 'whatsapp', 'telegram', 'viber', 'rcs', 'email'."""
    wait_seconds: int = 0
    """Until the next step is taken; 0: it is taken on request only."""


class VerifyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A verification as a dialect asks for it."""

    number: str
    dialect: str
    """Whose rules and templates apply."""
    brand: str = ""
    sender: str = ""
    language: str = ""
    """BCP 47, lower case; empty: from the number's country."""
    template: str = ""
    """A text of the caller's own with {code}, {brand}; empty: the language's own."""
    code: str = ""
    """A code of the caller's own; empty: made here."""
    code_length: int = 4
    validity_seconds: int = 300
    max_attempts: int = 3
    max_sends: int = 3
    resend_after_seconds: int = 0
    """The shortest time between two codes."""
    allow_concurrent: bool = False
    """Whether a second verification of the same number, account and brand may run beside the first."""
    replaces_concurrent: bool = False
    """... or ends the first."""
    sms_retriever_hash: str = ""
    """Eleven characters of an Android app, put where its SMS Retriever looks for them."""
    steps: tuple[VerifyStep, ...] = (VerifyStep(),)
    reference: str = ""
    callback_url: str = ""
    remote: str = ""
    """Whose request it is: the end user's network address where the app said so."""
    extra: Mapping[str, str] = {}
    """What the dialect wants to find again."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification as callers may see it: never the code."""

    id: str
    account: str
    number: str
    dialect: str
    status: VerifyStatus
    channel: str
    brand: str = ""
    language: str = ""
    code_length: int = 4
    attempts: int = 0
    max_attempts: int = 3
    sends: int = 0
    created_at: float = 0.0
    expires_at: float = 0.0
    verified_at: float = 0.0
    message_id: str = ""
    """The message that carried the latest code."""
    reference: str = ""
    callback_url: str = ""
    extra: Mapping[str, str] = {}


class Verifier(Protocol):
    """One-time codes.

    Every call raises `VerifyError` where a rule says no, `NotOffered` where no way out carries the code.
    """

    async def begin(self, account: str, request: VerifyRequest) -> Verification:
        """Make a code and send it; returns after the commit."""

    async def resend(self, account: str, verification_id: str, *, channel: str = "") -> Verification:
        """Send a fresh code (or the same, as the dialect's rules say) over this or another channel."""

    async def check(self, account: str, verification_id: str, code: str) -> Verification:
        """Compare a code; the verification it has verified."""

    async def cancel(self, account: str, verification_id: str) -> Verification:
        """End it without a result."""

    async def find(self, account: str, verification_id: str) -> Verification | None:
        """One by its id."""

    async def search(
        self, account: str, *, number: str = "", reference: str = "", limit: int = 50, before_id: str = ""
    ) -> Sequence[Verification]:
        """Those of a number, newest first."""


# --- numbers ---


class NumberInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a number says by itself."""

    number: str
    is_valid: bool
    e164: str = ""
    international: str = ""
    national: str = ""
    rfc3966: str = ""
    kind: str = "unknown"
    """'mobile', 'fixed_line', 'fixed_line_or_mobile', 'toll_free', 'premium_rate', 'shared_cost', 'voip', 'personal',
    'pager', 'uan', 'voicemail' or 'unknown'."""
    country: str = ""
    country_name: str = ""
    country_code: int = 0
    area: str = ""
    time_zones: tuple[str, ...] = ()
    carrier: str = ""
    """Who was given the prefix; wrong after porting."""
    mcc: str = ""
    mnc: str = ""


class NetworkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a network says of a number: an HLR or MNP answer of a provider."""

    id: str
    number: str
    status: str = ""
    is_ported: bool | None = None
    is_reachable: bool | None = None
    imsi: str = ""
    original_network: Mapping[str, str] = {}
    """'name', 'country', 'mcc', 'mnc' where known."""
    current_network: Mapping[str, str] = {}
    raw: Mapping[str, object] = {}
    """The provider's own answer, for its own dialect."""


class Numbers(Protocol):
    """Looks numbers up."""

    def parse(self, number: str) -> NumberInfo:
        """What needs no network."""

    async def network(self, account: str, number: str, *, method: str = "hlr") -> NetworkInfo:
        """Ask a provider: 'hlr', 'mnp' or 'fraud'; answers are kept for a while.

        Raises:
            NotOffered: no uplink does this.
        """

    async def network_bulk(
        self, account: str, numbers: Sequence[str], *, method: str, callback_url: str, dialect: str
    ) -> str:
        """Ask for many; the answers are called back in the words of the dialect. Returns the job's id."""

    def countries(self) -> Sequence[tuple[str, str, int]]:
        """ISO code, name and calling code of every country."""


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


class Directory(Protocol):
    """Keeps an account's things; kinds are 'sender', 'template', 'opt_out', 'blocked_template', 'webhook', …"""

    async def add(self, account: str, kind: str, name: str, fields: Mapping[str, object]) -> Entry:
        """Keep a new one."""

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

    async def list(self, account: str, kind: str, *, page: int = 1, per_page: int = 15) -> tuple[Sequence[Entry], int]:
        """One page, oldest first, and how many there are in all."""


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
    """'processing', 'sent', 'delivered', 'undelivered', 'rejected'."""
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
        """Keep a flow and take its first step; returns after the commit."""

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

    async def find_inbound(
        self, account: str, *, recipient: str = "", sender: str = "", since: float = 0.0, limit: int = 50
    ) -> "Sequence[Inbound]":
        """Messages from handsets, newest first."""

    async def cancel(self, account: str, message_id: str) -> "Message":
        """Withdraw a message of which nothing has left.

        Raises:
            gateway.errors.NotWaiting: it has left, has ended, or is not known.
        """


# --- the provider itself ---


class PassThrough(Protocol):
    """Hands requests to a provider of which an uplink is configured."""

    def is_offered(self, account: str, provider: str) -> bool:
        """Whether there is such an uplink."""

    async def forward(self, account: str, provider: str, request: "WebRequest", *, path: str) -> "WebAnswer":
        """The provider's own answer; our account's credentials are exchanged for the uplink's, callbacks are rewritten.

        Args:
            path: below the provider's base URL, as its document has it.

        Raises:
            NotOffered: no uplink of this provider is configured.
        """
