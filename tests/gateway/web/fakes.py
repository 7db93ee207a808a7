"""Stand-ins for what is behind the doors."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.errors import InvalidMessage, Unauthorized
from gateway.models import Event, Message, NewMessage, Part, PartBody, State
from gateway.providers.base import Caller, Claim, Credentials, Services

SHOP_KEY = "sk-shop"
READER_KEY = "sk-reader"
OPERATOR_KEY = "sk-operator"

Client = TestClient[web.Request, web.Application]
"""What a test speaks to an application with."""


@dataclass(frozen=True)
class FakeCaller:
    name: str
    roles: frozenset[str] = frozenset({"send", "read"})

    def may(self, role: str, /) -> bool:
        return role in self.roles


class FakeAuthenticator:
    """Knows the shop by key, key and secret, and token, and an account that may only read."""

    def __init__(self) -> None:
        self.seen: list[Credentials] = []

    def authenticate(self, credentials: Credentials) -> Caller:
        self.seen.append(credentials)
        match credentials:
            case Credentials(door="native", token="sk-shop"):
                return FakeCaller("shop")
            case Credentials(door="native", token="sk-reader"):
                return FakeCaller("reader", frozenset({"read"}))
            case Credentials(door="native", token="sk-operator"):
                return FakeCaller("operator", frozenset({"admin"}))
            case Credentials(door="mocean", key="KEY", secret="SECRET") | Credentials(door="mocean", token="apit-xyz"):
                return FakeCaller("shop")
            case Credentials(door="mocean", token="apit-reader"):
                return FakeCaller("reader", frozenset({"read"}))
            case Credentials(door="lanck", key="user", secret="pass"):
                return FakeCaller("shop")
            case Credentials(door="checkmobi" | "mobtexting", token="TOKEN"):
                return FakeCaller("shop")
            case Credentials(door="lanck", key="reader") | Credentials(token="READER"):
                return FakeCaller("reader", frozenset({"read"}))
        raise Unauthorized("nobody has these credentials")


@dataclass
class FakeIntake:
    """Accepts everything but what it is told to refuse."""

    accepted: list[Message] = field(default_factory=list)
    refuse: dict[str, InvalidMessage] = field(default_factory=dict)
    """By recipient."""
    fail: Exception | None = None
    calls: int = 0

    async def accept(
        self, messages: Sequence[NewMessage], *, claim: Claim | None = None
    ) -> list[Message | InvalidMessage]:
        self.calls += 1
        if self.fail is not None:
            raise self.fail
        return [self._accept(message) for message in messages]

    def _accept(self, new: NewMessage) -> Message | InvalidMessage:
        if new.recipient in self.refuse:
            return self.refuse[new.recipient]
        message = Message(
            **{name: getattr(new, name) for name in NewMessage.__struct_fields__},
            id=f"m{len(self.accepted) + 1}",
            node="node-1",
            created_at=1_700_000_000.25,
            updated_at=1_700_000_000.25,
            state=State.QUEUED,
        )
        self.accepted.append(message)
        return message

    @property
    def last(self) -> Message:
        return self.accepted[-1]


class FakeLookup:
    """Shows what the intake took."""

    def __init__(self, intake: FakeIntake) -> None:
        self._intake = intake

    def set_state(self, message_id: str, state: State) -> None:
        self._intake.accepted = [
            msgspec.structs.replace(message, state=state) if message.id == message_id else message
            for message in self._intake.accepted
        ]

    async def message(self, account: str, message_id: str) -> Message | None:
        for message in self._intake.accepted:
            if message.id == message_id and message.account == account:
                return message
        return None

    async def parts(self, message_id: str) -> list[Part]:
        body = PartBody(short_message=b"Hi", data_coding=0)
        return [
            Part(message_id=message_id, number=1, body=body, state=State.SUBMITTED, smsc_message_id="17a9", attempt=1)
        ]

    async def timeline(self, message_id: str) -> list[Event]:
        return [Event(message_id=message_id, at=1_700_000_000.25, state=State.ACCEPTED)]


@dataclass
class Behind:
    """Everything behind the doors, in one hand."""

    authenticator: FakeAuthenticator
    intake: FakeIntake
    lookup: FakeLookup

    @classmethod
    def fresh(cls) -> "Behind":
        intake = FakeIntake()
        return cls(FakeAuthenticator(), intake, FakeLookup(intake))

    @property
    def services(self) -> Services:
        return Services(authenticator=self.authenticator, intake=self.intake, lookup=self.lookup)
