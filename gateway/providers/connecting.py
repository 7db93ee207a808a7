"""What a provider's client side is: messages to HTTP requests, answers and callbacks to results. Pure: nothing is sent.

Message ──► request ──HttpCall──► rest uplink ──► provider
SubmitResult ◄── result ◄──HttpReply──┘
Receipt, Inbound ◄── callback ◄──WebRequest── provider          (or, polled: Receipt ◄── polled ◄── poll)
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.models import Inbound, Message, Receipt, SubmitResult
from gateway.providers.base import WebAnswer, WebRequest
from gateway.settings import Secret


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
    headers: tuple[tuple[str, str], ...] = ()


class CallbackRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's request to us says, and how it wants to be answered once that is committed."""

    receipts: tuple[Receipt, ...] = ()
    """`group`, `uplink` and `received_at` are the uplink's to fill in."""
    inbound: tuple[Inbound, ...] = ()
    """`id`, `uplink` and `received_at` likewise."""
    relay: bool = False
    """Neither: it belongs to a request that was passed through, and is relayed as it came."""
    reference: str = ""
    """What a relayed one is found by."""
    answer: WebAnswer = WebAnswer(status=200, content_type="text/plain", body=b"")


class BadCallback(Exception):
    """A callback that is not what the provider's document says; `status` is what it is answered with.

    Attributes:
        status: an HTTP status; 401 where a signature is wrong.
    """

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class ConnectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the config says of an uplink to a provider."""

    base_url: str
    key: str = ""
    secret: Secret = Secret()
    token: Secret = Secret()
    signing_secret: Secret = Secret()
    options: dict[str, str] = {}
    """The provider's own: a default service, a webhook id."""


class Connector(Protocol):
    """One provider's client side."""

    @property
    def name(self) -> str:
        """The provider's name."""

    def check(self, message: Message) -> None:
        """Refuse what this provider cannot carry.

        Raises:
            gateway.errors.Unsupported: the text says what.
        """

    def request(self, message: Message, callback_url: str) -> HttpCall:
        """The request that sends a whole message; `callback_url` is empty where we cannot be reached."""

    def result(self, reply: HttpReply) -> SubmitResult:
        """What an answer means: accepted with the provider's id, rejected, throttled, to be tried again, in doubt."""

    def poll(self, provider_id: str) -> HttpCall | None:
        """The request that asks what became of a message; None where the provider has none."""

    def polled(self, reply: HttpReply) -> Receipt | None:
        """What the answer says; None where nothing new is known."""

    def callback(self, request: WebRequest) -> CallbackRead:
        """Read a provider's request to us.

        Raises:
            BadCallback: it is malformed or wrongly signed.
        """

    def credentials(self, call: WebRequest) -> tuple[tuple[tuple[str, str], ...], bytes, bytes]:
        """Headers, query and body of a passed-through request, the uplink's credentials in place of the account's."""

    def callback_fields(self) -> Sequence[str]:
        """The names of the fields, in query or body, that hold callback addresses and are rewritten when passed on."""
