"""What a provider's client side is: messages to HTTP requests, answers and callbacks to results. Pure: nothing is sent.

Outgoing ──► request ──HttpCall──► rest uplink ──► provider
Answered ◄── result ◄──HttpReply──┘
Receipt, Inbound ◄── callback ◄──WebRequest── provider          (or, polled: Polled ◄── polled ◄── poll)
app's request ──► passed_on ──HttpCall──► rest uplink ──► provider                 (what we do not serve ourselves)
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from gateway.models import Inbound, Receipt, SubmitResult
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.carrying import Outgoing
from gateway.providers.seams import ProviderEvent
from gateway.settings import Secret

if TYPE_CHECKING:
    from gateway.providers.reaching import Reach


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a provider."""

    method: str
    path: str
    """Below the uplink's `base_url`, percent-encoded, with its query."""
    content_type: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class HttpReply(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider answered, read within limits."""

    status: int
    content_type: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = {}
    """Read with the names' usual spelling; the uplink's mapping ignores case."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer means, for the message and for the uplink."""

    result: SubmitResult
    is_fault: bool = False
    """Whether it is the provider, or our account there, that cannot: it is left alone after some of these."""
    too_fast: bool = False
    """Whether all requests have to wait, not this one alone."""


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider knows of a message it took."""

    receipt: Receipt | None = None
    """None: nothing new."""
    is_over: bool = False
    """Whether there is no use in asking again."""


class CallbackRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's request to us says, and how it wants to be answered once that is committed."""

    receipts: tuple[Receipt, ...] = ()
    """`group`, `uplink` and `received_at` are the uplink's to fill in."""
    parts: int = 1
    """How many parts of a customer's were joined to the message they are about, where the provider echoes that."""
    inbound: tuple[Inbound, ...] = ()
    """`uplink` and `received_at` likewise; `id` is the provider's own, or empty."""
    relay: bool = False
    """Neither: it belongs to a request that was passed on, and is relayed as it came."""
    reference: str = ""
    """What a relayed one is found by."""
    event: ProviderEvent | None = None
    """What it tells whoever subscribed to that, where no request has asked for it."""
    answer: WebAnswer = WebAnswer(status=200, content_type="text/plain", body=b"")


class BadCallback(Exception):
    """A callback that is not what the provider's document says; `status` is what it is answered with.

    Attributes:
        status: an HTTP status; 401 where a signature is wrong.
    """

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Passed(NamedTuple):
    """A call that is passed on to the provider."""

    method: str
    path: str
    """Below the uplink's `base_url`; what varies stands in braces."""
    callbacks: tuple[str, ...] = ()
    """Fields of query or body that hold addresses for callbacks."""
    asking: tuple[str, ...] = ()
    """... for callbacks whose answer the provider waits for, and acts upon."""
    embedded: tuple[str, ...] = ()
    """Fields whose text is JSON of its own, in which such fields may be."""


class ConnectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the config says of an uplink to a provider."""

    key: Secret = Secret()
    secret: Secret = Secret()
    token: Secret = Secret()
    user: str = ""
    password: Secret = Secret()
    signing_secret: Secret = Secret()
    service: str = ""
    webhook_id: str = ""
    is_transactional: bool = True


class Connector(Protocol):
    """One provider's client side."""

    @property
    def name(self) -> str:
        """The provider's name."""

    @property
    def root(self) -> str:
        """What all or most paths of the document begin with; a `base_url` that ends with it means the same without."""

    # --- messages ---

    def check(self, message: Outgoing) -> None:
        """Refuse what this provider cannot carry.

        Raises:
            gateway.errors.Unsupported: the text says what.
        """

    def request(self, message: Outgoing) -> HttpCall:
        """The request that sends a whole message."""

    def result(self, reply: HttpReply) -> Answered:
        """What an answer means: accepted with the provider's id, rejected, throttled, to be tried again, in doubt."""

    def can_call_back(self, callback_url: str) -> bool:
        """Whether reports of our messages come by themselves; else the provider is asked for them."""

    def poll(self, provider_id: str) -> HttpCall | None:
        """The request that asks what became of a message; None where the provider has none."""

    def polled(self, provider_id: str, reply: HttpReply) -> Polled:
        """What the answer says."""

    def callback(self, request: WebRequest) -> CallbackRead:
        """Read a provider's request to us.

        Raises:
            BadCallback: it is malformed or wrongly signed.
        """

    def check_signature(self, request: WebRequest) -> None:
        """Refuse a request that is not signed as it should be; those of `callback` are looked at there.

        Raises:
            BadCallback: with status 401.
        """

    # --- what else the provider does ---

    def probe(self) -> HttpCall:
        """A request that changes nothing and costs nothing, to see whether we are let in."""

    def probed(self, reply: HttpReply) -> str:
        """What is wrong; empty where we are let in."""

    @property
    def reach(self) -> "Reach":
        """Its other channels, and its look-ups."""

    @property
    def passed(self) -> Sequence[Passed]:
        """The calls that may be passed on."""

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """Headers that say who we are."""

    def credential_fields(self) -> Mapping[str, str]:
        """Fields, in lower case, that hold an account's credentials in query or body, and what goes in their place.

        Empty: the field is left out.
        """

    def callback_value(self, relay_url: str) -> str:
        """What stands in a field for callbacks so that they come to this address of ours; empty: the field goes."""

    def references(self, reply: HttpReply) -> Sequence[str]:
        """The ids in an answer to a passed-on request by which its callbacks, which name no address, are found."""
