"""What tests of services need: a clock one sets, an intake that keeps what it is given, channels that do as told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.config.services import VerifyConfig
from gateway.errors import InvalidMessage
from gateway.models import Callback, Message, NewMessage, State
from gateway.providers.ports import Flow, NotOffered, Verification
from gateway.providers.seams import (
    ChannelOrder,
    ChannelRefused,
    ChannelSent,
    Compared,
    LookupBatch,
    VerifyEvent,
)
from gateway.sealing import Sealer
from gateway.secretkey import SecretKey
from gateway.services.charging import Charges
from gateway.services.verify import VerifyService
from gateway.services.verify_sends import CodeSender
from gateway.store import Store

ACCOUNT = "shop"
NUMBER = "447400123456"
SEALER = Sealer(SecretKey(b"a key for tests"))


@dataclass
class Clock:
    """Time one sets."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Desk:
    """Takes messages in as the intake does, and tells what it was given."""

    store: Store
    clock: Clock
    taken: list[NewMessage] = field(default_factory=list)
    refuses: InvalidMessage | None = None
    breaks: BaseException | None = None

    async def accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = ()
    ) -> Sequence[Message | InvalidMessage]:
        if self.breaks is not None:
            raise self.breaks
        if self.refuses is not None:
            return [self.refuses] * len(messages)
        now = self.clock.now
        kept = [
            Message(
                **msgspec.structs.asdict(new),
                id=identifier,
                node="n",
                created_at=now,
                updated_at=now,
                state=State.QUEUED,
                uplink="up",
            )
            for new, identifier in zip(messages, ids, strict=True)
        ]
        await self.store.add([msgspec.structs.replace(one, text="(sealed)") if one.secret else one for one in kept])
        self.taken += messages
        return kept

    @property
    def code(self) -> str:
        """The code in the last message."""
        found = re.search(r"\d{3,10}", self.taken[-1].text)
        assert found is not None
        return found.group()


@dataclass
class Channels:
    """Provider channels."""

    offered: set[str] = field(default_factory=set)
    orders: list[ChannelOrder] = field(default_factory=list)
    answer: ChannelSent = field(default_factory=lambda: ChannelSent(reference="provider-1"))
    refuses: ChannelRefused | None = None
    says: list[Compared] = field(default_factory=list)
    """Of codes that the provider keeps."""
    silent: bool = False
    compared: list[tuple[Any, ...]] = field(default_factory=list)

    def is_offered(self, account: str, channel: str) -> bool:
        return channel in self.offered

    async def send(self, order: ChannelOrder) -> ChannelSent:
        if order.channel not in self.offered:
            raise NotOffered("no such channel")
        self.orders.append(order)
        if self.refuses is not None:
            raise self.refuses
        return self.answer

    async def compare(
        self, account: str, uplink: str, channel: str, reference: str, code: str, fields: Mapping[str, str]
    ) -> Compared:
        self.compared.append((account, uplink, channel, reference, code, dict(fields)))
        if self.silent:
            raise ChannelRefused("no answer")
        return self.says.pop(0)


class Words:
    """A dialect that reports everything, one word a callback."""

    name = "words"

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> Callback | None:
        return Callback(id="", account="", url=verification.callback_url, body=event.value.encode())

    def flow_callback(self, flow: Flow) -> Callback | None:
        return Callback(id="", account="", url=flow.callback_url, body=flow.status.encode())

    def lookup_callbacks(self, batch: LookupBatch) -> Sequence[Callback]:
        body = msgspec.json.encode(
            {"numbers": [one.number for one in batch.answers], "failed": batch.failed, "last": batch.is_last}
        )
        return [Callback(id="", account="", url=batch.callback_url, body=body)]


WORDS = Words()


async def owed(store: Store) -> list[str]:
    """The bodies of callbacks, oldest first."""
    return [one.body.decode() for one in await store.callbacks(limit=1_000)]


@dataclass
class Bench:
    """A verification service and all it touches."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    channels: Channels = field(default_factory=Channels)
    config: VerifyConfig = field(default_factory=VerifyConfig)
    till: Charges | None = None

    def __post_init__(self) -> None:
        self.desk = Desk(self.store, self.clock)
        self.verify = self.another()

    def another(self) -> VerifyService:
        """A second node over the same store."""
        sender = CodeSender(
            self.config,
            intake=self.desk,
            default_sender=lambda _account: "",
            clock=self.clock,
            channels=self.channels,
        )
        return VerifyService(
            self.config,
            store=self.store,
            sender=sender,
            sealer=SEALER,
            reporters={"words": WORDS},
            on_callbacks=lambda: None,
            clock=self.clock,
            billing=self.till,
        )
