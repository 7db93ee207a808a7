"""What a provider is to the gateway, and what a dialect asks of it.

    HTTP ──WebRequest──► Dialect.answer ──NewMessage──► Intake          (an app speaks the provider's words to us)
         ◄─WebAnswer───                 ◄─Message | InvalidMessage
    state or inbound message ──► DialectCallbacks ──► Callback          (we speak the provider's words to the app)

Providers translate; they do not send. Nothing here knows a web framework, a socket or a clock.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

import msgspec

from gateway.errors import InvalidMessage
from gateway.models import Callback, Event, Inbound, Message, NewMessage, Part, Receipt
from gateway.providers.ports import (
    Apps,
    DefaultApps,
    Directory,
    Entry,
    Flows,
    Ledger,
    MessageLog,
    Notices,
    NotOffered,
    Numbers,
    PassThrough,
    Probe,
    Rates,
    Tokens,
    Unlimited,
    Verifier,
)

T = TypeVar("T")


class Credentials(msgspec.Struct, kw_only=True, frozen=True):
    """What a caller showed to be let in; which fields are filled depends on the door."""

    door: str = "native"
    """'native' or the provider's name: an account may hold separate credentials for each."""
    key: str = ""
    """The public half of a pair."""
    secret: str = ""
    token: str = ""
    """A secret that stands alone: an API key, a bearer token."""
    remote: str = ""
    """The caller's network address."""

    def __repr__(self) -> str:
        return f"Credentials(door={self.door!r}, remote={self.remote!r})"


class Caller(Protocol):
    """An account that came through a door."""

    @property
    def name(self) -> str:
        """The account's name."""

    def may(self, role: str, /) -> bool:
        """Whether it holds a role: 'send', 'read', 'admin'."""


class Authenticator(Protocol):
    """Knows the accounts."""

    def authenticate(self, credentials: Credentials) -> Caller:
        """The account that these credentials belong to.

        Raises:
            gateway.errors.Unauthorized: nobody has them.
        """


@dataclass(frozen=True, slots=True)
class Claim:
    """The idempotency key of a request."""

    account: str
    key: str
    fingerprint: str
    """Of the request: whoever uses the key for another one must not get this one's answer."""
    answer: Callable[[Sequence[Message | InvalidMessage]], bytes]
    """What the request is answered, given what became of its messages; kept with the key. Called within the commit, so
    pure and quick."""


class Intake(Protocol):
    """Takes messages in for good."""

    async def accept(
        self, messages: Sequence[NewMessage], *, claim: Claim | None = None
    ) -> Sequence[Message | InvalidMessage]:
        """Returns after the commit: for each message, in order, what it became or why it is refused.

        Raises:
            gateway.errors.KeyTaken: the claim's key was used before; its fingerprint and answer are those of then.
            gateway.errors.StoreFull: nothing of the batch was kept; try again.
            gateway.errors.StoreError: nothing of the batch was kept.
        """


CONTENT_REASONS: Final = (
    "missing_sender",
    "invalid_sender",
    "missing_text",
    "text_too_long",
    "invalid_text",
    "missing_data",
    "text_and_data",
    "data_too_long",
    "invalid_udh",
    "invalid_data_coding",
    "invalid_message_class",
    "invalid_validity",
    "invalid_schedule",
    "invalid_priority",
    "invalid_client_reference",
    "client_reference_too_long",
    "too_many_tlvs",
    "tlvs_too_long",
    "invalid_tlv",
)
"""Codes of `InvalidMessage` that say what is wrong with the message itself, whoever sends it to whom."""


class Lookup(Protocol):
    """Knows what became of messages."""

    async def message(self, account: str, message_id: str) -> Message | None:
        """An account's own message; None where it has none of this id."""

    async def parts(self, message_id: str) -> Sequence[Part]:
        """Its parts in order; none before it was split."""

    async def timeline(self, message_id: str) -> Sequence[Event]:
        """What happened to it, oldest first."""


class _Absent:
    """Stands for a service that nobody has put in its place."""

    def __getattr__(self, name: str) -> Any:
        raise NotOffered(f"this gateway offers no {name}")


_ABSENT: Final[Any] = _Absent()
_UNLIMITED: Final = Unlimited()
_DEFAULT_APPS: Final = DefaultApps()


def _long_ago() -> float:
    return 0.0


class Aside(Protocol):
    """Does what takes long where nobody waits for it: the reading of large files."""

    async def __call__(self, work: Callable[[], T], /) -> T:
        """What the work returns or raises."""


async def _at_once(work: Callable[[], T], /) -> T:
    return work()


@dataclass(frozen=True, slots=True)
class Services:
    """All that a door asks of the gateway."""

    authenticator: Authenticator
    intake: Intake
    lookup: Lookup
    log: MessageLog = _ABSENT
    ledger: Ledger = _ABSENT
    verifier: Verifier = _ABSENT
    numbers: Numbers = _ABSENT
    directory: Directory = _ABSENT
    flows: Flows = _ABSENT
    pass_through: PassThrough = _ABSENT
    rates: Rates = _UNLIMITED
    apps: Apps = _DEFAULT_APPS
    tokens: Tokens = _ABSENT
    probe: Probe = _ABSENT
    notices: Notices = _ABSENT
    aside: Aside = _at_once
    clock: Callable[[], float] = _long_ago
    """Seconds since the epoch."""


class WebRequest(msgspec.Struct, kw_only=True, frozen=True):
    """An HTTP request, read whole and within limits."""

    method: str
    path: str
    """Below the dialect's prefix, percent-decoded: ``/rest/2/sms``."""
    query: bytes = b""
    """As it came: a charset parameter may say how its octets read."""
    content_type: str = ""
    """Media type in lower case, without parameters."""
    body: bytes = b""
    headers: Mapping[str, str] = {}
    """Read with the names' usual spelling; the web's mapping ignores case."""
    remote: str = ""
    stream: AsyncIterator[bytes] | None = None
    """The body as it comes, of a request that the dialect `streams`; `body` is empty then."""


class WebAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What goes back."""

    status: int
    content_type: str
    """With its charset where it has one."""
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncIterator[bytes] | None = None
    """The body in pieces, where it is another's and may be long; `body` is empty then."""


@runtime_checkable
class Streaming(Protocol):
    """A dialect some of whose requests are handed on without being held in memory."""

    def streams(self, request: WebRequest) -> bool:
        """Whether the body of this one, which is not read yet, is for `PassThrough.forward` alone."""


@runtime_checkable
class Completing(Protocol):
    """A dialect some of whose callbacks are completed as they leave: by what an app keeps here, and nobody may read."""

    def completed(self, waiting: Callback, webhook: Entry) -> Callback:
        """The callback with what its webhook says."""


class Refusal(Enum):
    """Why a request is turned away before, or without, the dialect's own reading of it."""

    TOO_LARGE = "the body is over the limit"
    TOO_SLOW = "the body did not come in time"
    ENCODED = "the body is compressed"
    BROKEN = "the body is not framed as its head says"
    INTERNAL = "a fault of ours"


class DialectCallbacks(Protocol):
    """Reports to an app in the words of one dialect."""

    @property
    def name(self) -> str:
        """The provider's name, as `NewMessage.dialect` has it; 'native' for our own."""

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """The report that is owed now that the message as a whole is in `message.state`.

        Args:
            receipt: what brought it there; None where the gateway decided.

        Returns:
            The request without its id and times, which the caller fills in; None where this state owes nothing.
        """

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback | None:
        """The same for a message from a handset, to the address its account registered."""


class CallbackRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the callbacks of a dialect are acknowledged, tried again and signed, where its document says so."""

    acknowledged_by: tuple[int, ...] = ()
    """HTTP statuses; empty: any 2xx."""
    max_tries: int = 0
    """The first included; 0: until the gateway's own settings give up."""
    give_up_seconds: int = 0
    """How long it is tried; 0: as long as the gateway's own settings say, and never longer than that."""
    pauses: tuple[float, ...] = ()
    """Seconds between tries, the last one repeated; empty: as the gateway's own settings say."""
    signature_header: str = ""
    """Holds the HMAC-SHA256 of the body in lower-case hex, with the account's key for the dialect; empty: none."""


DEFAULT_RULES: Final = CallbackRules()


class Dialect(DialectCallbacks, Protocol):
    """A provider's API as we serve it."""

    @property
    def callback_rules(self) -> CallbackRules:
        """What its document says of callbacks."""

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        """Serve one request: every fault of the caller is an answer in the provider's own words."""

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        """Turn a request away; its body is empty where it was not read."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that the gateway knows."""

    name: str
    prefix: str
    """The path its dialect is served under."""
    make_dialect: Callable[[], Dialect]
