"""The words in which dialects ask for one-time codes; `gateway.services.verify` answers them.

    begin ──► a code goes out by the first step ──wait──► by the second … ──► check: VERIFIED
                └── resend: a fresh code                                  └── FAILED, EXPIRED, CANCELLED

Nothing here ever holds a code that a caller could read back.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec


class VerifyStatus(StrEnum):
    """Where a verification is."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    """Too many wrong codes."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"
    """Every way was tried and none led there; a code that arrives all the same still counts until it expires."""


class VerifyProblem(StrEnum):
    """Why a verification cannot go on."""

    NOT_FOUND = "not_found"
    WRONG_CODE = "wrong_code"
    """`attempts_left` may be 0: that was the last."""
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    EXPIRED = "expired"
    ENDED = "ended"
    """It was verified or cancelled before; `VerifyError.status` says which."""
    CONCURRENT = "concurrent"
    """Another verification of this number is under way."""
    TOO_SOON = "too_soon"
    """A code went out a moment ago, or may not be withdrawn yet."""
    TOO_MANY_SENDS = "too_many_sends"
    BLOCKED = "blocked"
    """A guard against pumping traffic: this prefix, address or account asked too often or converts too seldom."""
    BAD_NUMBER = "bad_number"
    BAD_SENDER = "bad_sender"
    """The account may not use it, or it is no sender at all."""
    BAD_REQUEST = "bad_request"
    NO_ROUTE = "no_route"
    NO_FUNDS = "no_funds"


class VerifyError(Exception):
    """A verification could not be begun, sent again or checked.

    Attributes:
        problem: which rule.
        attempts_left: where a code was wrong.
        verification_id: of the one that is in the way or that was asked for.
        status: of that one, where there is one.
        retry_after: seconds, where waiting helps.
        guard: of BLOCKED: 'number', 'prefix', 'remote', 'account', 'conversion', 'country' or 'kind'; of
            TOO_MANY_ATTEMPTS: 'guesses', where it was not for this verification's own.
    """

    def __init__(
        self,
        problem: VerifyProblem,
        text: str,
        *,
        attempts_left: int = 0,
        verification_id: str = "",
        status: VerifyStatus | None = None,
        retry_after: float = 0.0,
        guard: str = "",
    ) -> None:
        super().__init__(text)
        self.problem = problem
        self.attempts_left = attempts_left
        self.verification_id = verification_id
        self.status = status
        self.retry_after = retry_after
        self.guard = guard


class VerifyStep(msgspec.Struct, frozen=True, kw_only=True):
    """One way to bring a code to its reader."""

    channel: str = "sms"
    """'sms', 'voice', 'flash_call', 'missed_call', 'whatsapp', 'telegram', 'viber', 'rcs', 'email'."""
    wait_seconds: int = 0
    """Until the next step is taken; 0: it is taken when this one fails, or on request."""
    sender: str = ""
    """Empty: the request's."""
    recipient: str = ""
    """Empty: the request's number."""
    fields: Mapping[str, str] = {}
    """What else the channel takes, in the words of the dialect."""


class VerifyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A verification as a dialect asks for it."""

    number: str
    dialect: str
    """Whose rules and templates apply."""
    id: str = ""
    """An id in the dialect's own shape, which nobody guesses; empty: made here."""
    brand: str = ""
    sender: str = ""
    language: str = ""
    """BCP 47, lower case; empty: from the number's country."""
    template: str = ""
    """A text of the caller's own with {code}, {brand}, {minutes}; empty: the language's own."""
    code: str = ""
    """A code of the caller's own; empty: made here."""
    code_length: int = 4
    validity_seconds: int = 300
    """Of each fresh code."""
    max_attempts: int = 3
    """Wrong codes in all, whatever number of codes was sent."""
    max_sends: int = 3
    """Codes in all: the steps that are taken by themselves, and those asked for."""
    resend_after_seconds: int = 0
    """The shortest time between two codes."""
    cancel_after_seconds: int = 0
    """How long it cannot be cancelled."""
    per_conversion: bool = False
    """Whether the account pays the price of one message when it is verified, and nothing for the messages."""
    allow_concurrent: bool = False
    """Whether a second verification of the same number, account and brand may run beside the first."""
    replaces_concurrent: bool = False
    """... or ends the first."""
    skip_unavailable: bool = True
    """Whether steps over channels that lead nowhere are passed over; else they are `NotOffered`."""
    sms_retriever_hash: str = ""
    """Eleven characters of an Android app, put where its SMS Retriever looks for them."""
    steps: tuple[VerifyStep, ...] = (VerifyStep(),)
    reference: str = ""
    callback_url: str = ""
    """What happens is reported there in the dialect's words, where it has any: `seams.ServiceCallbacks`."""
    remote: str = ""
    """Whose request it is: the end user's network address where the app said so."""
    extra: Mapping[str, str] = {}
    """What the dialect wants to find again."""


class VerifySend(msgspec.Struct, frozen=True, kw_only=True):
    """One code that went out."""

    channel: str
    recipient: str
    sender: str = ""
    message_id: str = ""
    """Of the message, or the provider's id."""
    status: str = "sent"
    """'sent', 'delivered', 'read' or 'failed'."""
    sent_at: float = 0.0
    error: str = ""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification as callers may see it: never the code."""

    id: str
    account: str
    number: str
    dialect: str
    status: VerifyStatus
    channel: str
    """Of the latest code."""
    brand: str = ""
    language: str = ""
    code_length: int = 4
    attempts: int = 0
    max_attempts: int = 3
    sends: int = 0
    created_at: float = 0.0
    expires_at: float = 0.0
    verified_at: float = 0.0
    ended_at: float = 0.0
    message_id: str = ""
    """The message that carried the latest code."""
    history: tuple[VerifySend, ...] = ()
    """Every code that went out, the oldest first."""
    reference: str = ""
    callback_url: str = ""
    extra: Mapping[str, str] = {}
    """As the request had it, with what a channel's answer added."""


NO_FIELDS: Final[Mapping[str, str]] = {}


class Verifier(Protocol):
    """One-time codes.

    Every call raises `VerifyError` where a rule says no, `NotOffered` where no way out carries the code, and
    `gateway.errors.StoreError` where nothing can be kept.
    """

    async def begin(self, account: str, request: VerifyRequest) -> Verification:
        """Make a code and send it; returns after the commit."""

    async def resend(self, account: str, verification_id: str, *, channel: str = "") -> Verification:
        """Send a fresh code (the caller's own again, where it gave one) over this or another channel."""

    def is_offered(self, account: str, channel: str) -> bool:
        """Whether codes can go this way now."""

    async def check(
        self, account: str, verification_id: str, code: str, *, fields: Mapping[str, str] = NO_FIELDS
    ) -> Verification:
        """Compare a code; the verification it has verified.

        Args:
            fields: what else a channel takes whose provider keeps the code, in the words of the dialect.

        Raises:
            gateway.providers.ports.NoAnswer: a provider keeps the code, and does not say; no attempt was counted.
        """

    async def cancel(self, account: str, verification_id: str) -> Verification:
        """End it without a result."""

    async def find(self, account: str, verification_id: str) -> Verification | None:
        """One by its id."""

    async def search(
        self,
        account: str,
        *,
        number: str = "",
        reference: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> Sequence[Verification]:
        """Those of a number, a reference and a time, newest first.

        Args:
            since: begun then or later.
            until: begun before; 0: until now.
            before_id: those that come after this one.
        """
