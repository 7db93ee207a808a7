"""Fakes for the core: a clock that is set, uplinks that answer as told, and a gateway put together of them."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.billing import Billing
from gateway.config import Config, parse
from gateway.correlator import Correlator
from gateway.duplicates import DuplicateGuard
from gateway.errors import StoreError, Unsupported
from gateway.inbound import InboundDesk
from gateway.intake import Intake
from gateway.metrics import Metrics
from gateway.models import (
    Callback,
    Message,
    NewMessage,
    Outcome,
    Part,
    PartBody,
    Receipt,
    State,
    SubmitResult,
)
from gateway.optouts import OptOuts
from gateway.pipeline import Pipeline
from gateway.policy import Policy
from gateway.reports import Reporter
from gateway.router import Router
from gateway.sealing import Sealer
from gateway.store import Bookkeeping, Store
from gateway.webhooks import bookkeeping

NOW = 1_800_000_000.0
RECIPIENT = "447700900123"

CONFIG = """
[node]
name = "n1"
[uplink.a]
servers = ["smpp://a.example:2775"]
[uplink.b]
servers = ["smpp://b.example:2775"]
[[route]]
uplinks = ["a", "b"]
[account.shop]
api_keys = ["shop-key"]
default_sender = "SHOP"
callback_url = "https://hooks.example/shop"
inbound_url = "https://hooks.example/inbound"
numbers = ["447700900999"]
"""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def accepted(smsc_message_id: str) -> SubmitResult:
    return SubmitResult(Outcome.ACCEPTED, smsc_message_id)


@dataclass
class Attempt:
    """A part that was written."""

    message: Message
    part: Part
    future: "asyncio.Future[SubmitResult]"
    slot: "FakeSlot"

    def answer(self, result: SubmitResult) -> None:
        self.slot.free()
        self.future.set_result(result)


class FakeSlot:
    def __init__(self, uplink: "FakeUplink", bind: str) -> None:
        self.uplink = uplink
        self.bind = bind
        self.is_held = True

    def submit(self, message: Message, part: Part) -> "asyncio.Future[SubmitResult]":
        assert self.is_held
        future: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
        attempt = Attempt(message, part, future, self)
        self.uplink.attempts.append(attempt)
        if self.uplink.on_submit is not None:
            self.uplink.on_submit(attempt)
        result = self.uplink.answer(message, part) if self.uplink.answer is not None else None
        if result is not None:
            asyncio.get_running_loop().call_soon(attempt.answer, result)
        return future

    def release(self) -> None:
        self.free()

    def free(self) -> None:
        assert self.is_held, "a slot was given back twice"
        self.is_held = False
        self.uplink.free += 1
        self.uplink.has_room.set()


@dataclass
class FakeUplink:
    """An uplink whose answers the test gives; its parts are as many octets of text as `part_size`."""

    name: str
    group: str = ""
    is_available: bool = True
    window: int = 10
    part_size: int = 1000
    refuses: str = ""
    answer: Callable[[Message, Part], SubmitResult | None] | None = None
    on_submit: Callable[[Attempt], None] | None = None
    attempts: list[Attempt] = field(default_factory=list)
    references: list[int] = field(default_factory=list)
    has_room: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.group = self.group or self.name
        self.free = self.window

    def split(self, message: Message, *, reference: int) -> list[PartBody]:
        if self.refuses:
            raise Unsupported(self.refuses)
        self.references.append(reference)
        octets = message.text.encode()
        return [
            PartBody(short_message=octets[at : at + self.part_size], data_coding=0)
            for at in range(0, len(octets), self.part_size)
        ]

    async def reserve(self, count: int) -> Sequence[FakeSlot]:
        while not self.free or not self.is_available:
            self.has_room.clear()
            await self.has_room.wait()
        taken = min(count, self.free)
        self.free -= taken
        return [FakeSlot(self, f"{self.name}:2775#{n + 1}") for n in range(taken)]

    async def start(self) -> None:
        return

    async def stop(self, deadline_seconds: float) -> None:
        return

    def set_available(self, is_available: bool) -> None:
        self.is_available = is_available
        self.has_room.set()


@dataclass
class Core:
    """Store, pipeline and correlator of one gateway."""

    config: Config
    store: Store
    clock: Clock
    uplinks: dict[str, FakeUplink]
    book: Bookkeeping
    metrics: Metrics
    pipeline: Pipeline
    intake: Intake
    correlator: Correlator
    opt_outs: OptOuts
    callbacks_owed: int = 0

    async def send(self, text: str = "hello", **fields: Any) -> Message:
        (message,) = await self.intake.accept([new_message(text=text, **fields)])
        assert isinstance(message, Message), message
        return message

    async def state(self, message: Message) -> State:
        found = await self.store.message("", message.id)
        assert found is not None
        return found.state

    async def story(self, message: Message) -> list[str]:
        return [event.state.value for event in await self.store.timeline(message.id)]

    async def until(self, is_so: Callable[[], bool]) -> None:
        await eventually(is_so)

    async def tried(self, uplink: str, count: int) -> None:
        """Until an uplink was given so many parts, and their ends are recorded."""
        await eventually(lambda: len(self.uplinks[uplink].attempts) >= count)
        await self.quiet()
        assert len(self.uplinks[uplink].attempts) == count

    async def pass_time(self, seconds: float) -> None:
        """Move the clock and let the sender look at it."""
        self.clock.advance(seconds)
        self.pipeline._sender.wake()

    async def quiet(self) -> None:
        """Until nothing is in flight or unrecorded: what waits, waits for the clock."""
        sender = self.pipeline._sender
        for _ in range(3):
            await eventually(lambda: not sender.is_busy)
            await asyncio.sleep(0)

    async def settled(self, message: Message, *states: State) -> Message:
        """The message once it is in one of these states."""
        for _ in range(2_000):
            found = await self.store.message("", message.id)
            if found is not None and found.state in states:
                return found
            await asyncio.sleep(0.001)
        raise AssertionError(f"{message.id} is {found.state if found else 'gone'}, not {states}")


async def eventually(is_so: Callable[[], bool]) -> None:
    """Let the loop run until something is so."""
    for _ in range(5_000):
        if is_so():
            return
        await asyncio.sleep(0 if _ < 50 else 0.001)
    raise AssertionError("it did not come to pass")


def new_message(**fields: Any) -> NewMessage:
    values: dict[str, Any] = {"account": "shop", "recipient": RECIPIENT, "sender": "SHOP", "text": "hello"}
    return NewMessage(**(values | fields))


def make_core(
    store: Store,
    *,
    config: str = CONFIG,
    clock: Clock | None = None,
    extra: str = "",
    sealer: Sealer | None = None,
    reporters: Mapping[str, Reporter] | None = None,
) -> Core:
    """A gateway's core on a store; nothing runs yet."""
    parsed = parse(config + extra)
    clock = clock or Clock()
    uplinks = {name: FakeUplink(name, group=uplink.group) for name, uplink in parsed.uplink.items()}
    book = bookkeeping(parsed, reporters or {})
    metrics = Metrics()
    owed: list[int] = []
    router = Router.of(parsed, clock)
    opt_outs = OptOuts(store, clock=clock)
    policy = Policy.of(parsed, opt_outs)
    pipeline = Pipeline(
        parsed,
        store=store,
        router=router,
        uplinks=uplinks,
        bookkeeping=book,
        metrics=metrics,
        on_callbacks=lambda: owed.append(1),
        postponed_until=policy.postponed_until,
        clock=clock,
        sealer=sealer,
    )
    intake = Intake(
        node=parsed.node.name,
        store=store,
        router=router,
        policy=policy,
        guard=DuplicateGuard(store, policy.duplicate_seconds, clock=clock),
        pipeline=pipeline,
        bookkeeping=book,
        metrics=metrics,
        billing=Billing(parsed, store, router.network, clock),
        claim_seconds=parsed.store.idempotency_seconds,
        on_callbacks=lambda: owed.append(1),
        clock=clock,
        sealer=sealer,
    )
    desk = InboundDesk(
        parsed,
        store,
        book,
        opt_outs,
        metrics=metrics,
        on_callbacks=lambda: owed.append(1),
        reply=intake.accept,
        clock=clock,
    )
    correlator = Correlator(store, book, desk, metrics=metrics, clock=clock)
    return Core(parsed, store, clock, uplinks, book, metrics, pipeline, intake, correlator, opt_outs)


def receipt(smsc_message_id: str, state: State = State.DELIVERED, **fields: Any) -> Receipt:
    values: dict[str, Any] = {"group": "a", "recipient": RECIPIENT, "received_at": NOW + 10, "raw": f"stat:{state}"}
    return Receipt(smsc_message_id=smsc_message_id, state=state, **(values | fields))


def callback_body(callback: Callback) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(callback.body)
    return body


THROTTLED = SubmitResult(Outcome.THROTTLED, error="ESME_RTHROTTLED", retry_after=5.0)
RETRY = SubmitResult(Outcome.RETRY, error="ESME_RSYSERR")
REJECTED = SubmitResult(Outcome.REJECTED, error="ESME_RINVDSTADR")
IN_DOUBT = SubmitResult(Outcome.IN_DOUBT, error="no response in 10 s")
NOT_SENT = SubmitResult(Outcome.NOT_SENT, error="the link was lost")


class Answers:
    """Answers in order, then the last one for ever."""

    def __init__(self, *results: SubmitResult) -> None:
        self.results = list(results)

    def __call__(self, _message: Message, _part: Part) -> SubmitResult:
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


async def started(store: Store, **options: Any) -> Core:
    core = make_core(store, **options)
    await core.pipeline.recover()
    core.pipeline.start()
    return core


def always(result: SubmitResult) -> Any:
    return lambda _message, _part: result


def numbered() -> Any:
    """Accepts everything, with ids 1, 2, 3 …"""
    counter = iter(range(1, 1_000_000))
    return lambda _message, _part: accepted(str(next(counter)))


def failing(kind: str) -> Any:
    def fault(point: str) -> None:
        if point == kind:
            raise OSError(28, "No space left on device")

    return fault


@contextlib.contextmanager
def broken(store: Store, method: str) -> Iterator[None]:
    """While this lasts, a method of the store cannot commit."""

    async def fails(*_arguments: Any, **_options: Any) -> Any:
        raise StoreError("No space left on device")

    setattr(store, method, fails)
    try:
        yield
    finally:
        delattr(store, method)
