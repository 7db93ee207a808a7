"""Out over a provider's REST API: a message is one request, its parts joined; reports come back or are asked for.

    slot.submit ──► connector.request ──► provider ──► connector.result ──► SubmitResult
    callback, or poll ──► connector ──► on_receipt, on_inbound (which commit) ──► answered

The ids of the parts that were joined to one message are the provider's, with ``~2``, ``~3`` … at the end from the
second part on; how many there are goes out with the request and comes back with the report.
"""

import asyncio
import hashlib
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from math import ceil
from typing import Final, NamedTuple

import msgspec
import structlog

from gateway.config import UplinkConfig
from gateway.errors import Unsupported
from gateway.metrics import Metrics
from gateway.models import Inbound, Message, NewMessage, Outcome, PartBody, Receipt, SubmitResult
from gateway.providers import CONNECTORS
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.carrying import Piece, content_of, outgoing_of, piece_of
from gateway.providers.connecting import CallbackRead, Connector, ConnectorSettings, HttpCall, HttpReply
from gateway.providers.forms import TooManyFields, parse_form
from gateway.store.records import RecordStore
from gateway.store.slots import BindSlot
from gateway.tasks import cancel_all
from gateway.uplinks.addresses import PARTS_FIELD, CallbackAddresses
from gateway.uplinks.base import InboundHandler, ReceiptHandler
from gateway.uplinks.breaker import Breaker
from gateway.uplinks.places import Places
from gateway.uplinks.rest_http import NoReply, ProviderClient
from gateway.uplinks.rest_polling import Poller
from gateway.uplinks.rest_slots import RestSlot, part_id
from gateway.uplinks.scrubbing import without_secrets
from gateway.uplinks.unnamed import Unnamed
from smpp.backoff import Backoff
from smpp.status import CommandStatus as Status

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

AUTOMATIC_POLL_SECONDS: Final = 30.0
MAX_PARTS: Final = 255
IDLE_SECONDS: Final = 60.0


class Ways(NamedTuple):
    """What an uplink to a provider is given by the gateway."""

    on_receipt: ReceiptHandler
    on_inbound: InboundHandler
    records: RecordStore
    addresses: CallbackAddresses
    metrics: Metrics
    poll_for_seconds: float
    """How long a message without a report is asked after."""
    may_send: Callable[[], bool] = lambda: True
    is_elsewhere: Callable[[str], bool] | None = None
    """Asked where uplinks are shared with other nodes: whether they alone have places. None: not shared."""
    clock: Callable[[], float] = time.time


class RestUplink:
    """A provider (gateway.uplinks.base.Uplink).

    Args:
        name: its name in the config.
        config: its settings.
        ways: what it works with.
    """

    def __init__(self, name: str, config: UplinkConfig, ways: Ways) -> None:
        self._name = name
        self._config = config
        self._ways = ways
        self.connector: Connector = CONNECTORS[config.kind](settings_of(config))
        self.client = client_of(config, self.connector, ways.may_send)
        pauses = Backoff(config.reconnect_min_seconds, config.reconnect_max_seconds)
        self._breaker = Breaker(config.circuit_failures, pauses)
        self._throttle = Backoff(config.throttle_seconds, config.throttle_max_seconds)
        self._places = Places(config.concurrency, is_shared=ways.is_elsewhere is not None)
        self._has_room = asyncio.Event()
        self._is_stopping = False
        self._requests: set[asyncio.Task[None]] = set()
        self._callback_url = ways.addresses.address(name)
        self._can_call_back = self.connector.can_call_back(self._callback_url)
        seconds = config.poll_seconds or (0.0 if self._can_call_back else AUTOMATIC_POLL_SECONDS)
        self._unnamed = Unnamed(name, ways.records, ways.clock)
        self._poller = Poller(name, self.connector, self.client, config, ways, seconds, self.take_receipt)

    @property
    def name(self) -> str:
        """Its name in the config."""
        return self._name

    @property
    def kind(self) -> str:
        """The provider's name."""
        return self._config.kind

    @property
    def address(self) -> str:
        """``host:port`` of the provider."""
        return self.client.address

    @property
    def config(self) -> UplinkConfig:
        """Its settings."""
        return self._config

    @property
    def group(self) -> str:
        """What its message ids are unique within."""
        return self._config.group or self._name

    @property
    def is_available(self) -> bool:
        """Whether a message could leave now."""
        is_elsewhere = self._ways.is_elsewhere
        if is_elsewhere is not None and not self._places.share and not is_elsewhere(self._name):
            return False
        return not self._is_stopping and not self._breaker.is_open(self._now())

    # --- what nodes share ---

    @property
    def slots(self) -> Mapping[BindSlot, str]:
        """Its places, where they are shared with other nodes."""
        if self._ways.is_elsewhere is None:
            return {}
        server = f"{self._name}@{self.address}"
        return {BindSlot(server, number): f"{self.address}#{number}" for number in self._places.numbers}

    async def hold_back(self, bind: str, timeout: float) -> None:
        """Use a place no more; returns once what is under way there has ended, or the time is over."""
        await self._places.close(_place_of(bind), timeout)
        self._share_pace()

    def let_up(self, bind: str) -> None:
        """Use a place."""
        self._places.open(_place_of(bind))
        self._share_pace()
        self._has_room.set()

    def _share_pace(self) -> None:
        """The provider's limit is of all nodes together."""
        share = self._places.share or 1 / self._config.concurrency
        self.client.pacer.per_second = self._config.requests_per_second * share
        self._poller.pacer.per_second = self._config.polls_per_second * share

    # --- messages out ---

    @property
    def join_seconds(self) -> float:
        """How long the parts of a message wait for each other."""
        return self._config.join_seconds

    def piece_of(self, message: Message) -> Piece | None:
        """What a message is a part of that has to be joined before it leaves."""
        return piece_of(message)

    def check(self, message: NewMessage) -> None:
        """Refuse what the provider cannot carry, before it is accepted.

        Raises:
            Unsupported: the text says what.
        """
        self.connector.check(content_of(message))

    def split(self, message: Message, *, reference: int) -> list[PartBody]:
        """One body: the provider cuts.

        Raises:
            Unsupported: the provider cannot carry it.
        """
        self.connector.check(outgoing_of([message], validity_seconds=message.validity_seconds))
        # The request is made of the message itself.
        return [PartBody(short_message=b"", data_coding=message.data_coding or 0)]

    async def reserve(self, count: int) -> Sequence[RestSlot]:
        """Wait until the provider may be asked, then take up to `count` places."""
        while True:
            now = self._now()
            wait = max(self.client.held_seconds, self._breaker.wait(now))
            free = self._places.free
            if free and not wait and (room := self._breaker.room(now, min(count, free))):
                return [self._take_place() for _ in range(room)]
            self._has_room.clear()
            try:
                async with asyncio.timeout(wait or IDLE_SECONDS):
                    await self._has_room.wait()
            except TimeoutError:
                continue

    def _take_place(self) -> RestSlot:
        self._breaker.began()
        return RestSlot(self, self._places.take())

    def give_back(self, place: int) -> None:
        """A place is free again."""
        self._breaker.ended()
        self._places.give_back(place)
        self._has_room.set()

    def send(self, place: int, messages: Sequence[Message], results: "Sequence[asyncio.Future[SubmitResult]]") -> None:
        """Send a message, or all parts of one in their order, with one request; gives the place back."""
        task = asyncio.get_running_loop().create_task(self._send(place, messages, results))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _send(
        self, place: int, messages: Sequence[Message], results: "Sequence[asyncio.Future[SubmitResult]]"
    ) -> None:
        journey = self.client.journey()
        result = SubmitResult(Outcome.NOT_SENT, error="the attempt was broken off")
        try:
            outgoing = outgoing_of(
                messages,
                validity_seconds=self._validity_left(messages[0]),
                callback_url=self._ways.addresses.address(self._name, parts=len(messages))
                if self._can_call_back
                else "",
            )
            self.connector.check(outgoing)
            call = self.connector.request(outgoing)
            result = self._judge(await self.client.call(call, journey), messages)
            if result.outcome is Outcome.ACCEPTED and outgoing.wants_receipt:
                await self._poller.note(result.smsc_message_id, len(messages))
        except NoReply as error:
            result = self._without_reply(error)
        except Unsupported as error:
            status = Status.ESME_RINVESMCLASS
            result = SubmitResult(Outcome.REJECTED, "", f"{error} ({status.name})", int(status))
        except asyncio.CancelledError:
            if journey.has_left and result.outcome is Outcome.NOT_SENT:
                result = SubmitResult(Outcome.IN_DOUBT, error="the attempt was broken off")
        except Exception as error:
            # One must not stop the others. As text: a traceback with its variables would show keys and messages.
            log.error("a message cannot be sent", message=messages[0].id, traceback=traceback.format_exc())
            outcome = Outcome.IN_DOUBT if journey.has_left else Outcome.REJECTED
            if result.outcome is not Outcome.ACCEPTED:
                result = SubmitResult(outcome, "", type(error).__name__)
        finally:
            self.give_back(place)
            self._ways.metrics.provider_requests.labels(self._name, "send", result.outcome.value).inc()
            for number, future in enumerate(results, 1):
                if not future.done():
                    future.set_result(replace(result, smsc_message_id=part_id(result.smsc_message_id, number)))

    def _judge(self, reply: HttpReply, messages: Sequence[Message]) -> SubmitResult:
        """What an answer means for the message, and what follows for the uplink."""
        answered = self.connector.result(reply)
        result = answered.result
        if result.error:
            result = replace(result, error=without_secrets(result.error, self._config, messages))
        if answered.is_fault:
            self._note_failure(result.error)
        else:
            self._breaker.succeeded()
        if answered.too_fast:
            pause = result.retry_after or self._throttle.next()
            self.client.hold(pause)
            result = replace(result, retry_after=pause)
        elif result.outcome is Outcome.ACCEPTED:
            self._throttle.reset()
        return result

    def _without_reply(self, error: NoReply) -> SubmitResult:
        if error.has_left or not self.client.held_seconds:
            self._note_failure(str(error))
        status = int(Status.ESME_RSYSERR)
        if error.has_left:
            return SubmitResult(Outcome.IN_DOUBT, "", f"{self.kind}: {error}", status)
        return SubmitResult(Outcome.NOT_SENT, "", f"{self.kind}: {error}", status)

    def _note_failure(self, reason: str) -> None:
        if self._breaker.failed(self._now()):
            self._ways.metrics.provider_pauses.labels(self._name).inc()
            log.warning("provider is left alone for a while", uplink=self._name, reason=reason)

    def _validity_left(self, message: Message) -> int | None:
        if message.validity_seconds is None:
            return None
        starts_at = max(message.created_at, message.scheduled_at or 0.0)
        return max(1, ceil(starts_at + message.validity_seconds - self._ways.clock()))

    # --- what comes back ---

    async def take_callback(self, request: WebRequest) -> tuple[CallbackRead, WebAnswer]:
        """Read a provider's request and commit what it says; what it is, and how it is to be answered then.

        Raises:
            BadCallback: it is malformed or wrongly signed.
            gateway.errors.StoreError: it was not kept; the provider must send it again.
        """
        read = self.connector.callback(request)
        parts = max(read.parts, _parts_of(request.query))
        for receipt in read.receipts:
            await self.take_receipt(receipt, parts)
            if receipt.state.is_final:
                await self._poller.forget(receipt.smsc_message_id)
        for inbound in read.inbound:
            await self._ways.on_inbound(await self._own_inbound(inbound, request))
        return read, read.answer

    def check_signature(self, request: WebRequest) -> None:
        """Refuse a callback for somebody else that is not signed as it should be.

        Raises:
            BadCallback: with status 401.
        """
        self.connector.check_signature(request)

    async def take_receipt(self, receipt: Receipt, parts: int) -> None:
        """Commit a report for every part of the message it is about."""
        now = self._ways.clock()
        receipt = replace(receipt, group=self.group, uplink=self._name, received_at=now, bind=self.client.address)
        provider_id = receipt.smsc_message_id
        # Together: the store joins what waits in one commit.
        await asyncio.gather(
            *(
                self._ways.on_receipt(replace(receipt, smsc_message_id=part_id(provider_id, number)))
                for number in range(1, parts + 1)
            )
        )

    async def _own_inbound(self, inbound: Inbound, request: WebRequest) -> Inbound:
        """With an id that is the same when the provider sends it once more."""
        same = inbound.id.encode() or request.query + b"\n" + request.body
        if not inbound.id:
            digest = hashlib.sha256(same).hexdigest()
            same += b"\n" + (await self._unnamed.number(digest, has_time=inbound.received_at > 0)).encode()
        digest = hashlib.sha256(self._name.encode() + b"\n" + same).hexdigest()[:32]
        now = self._ways.clock()
        return replace(
            inbound,
            id=f"in-{digest}",
            uplink=self._name,
            bind=self.client.address,
            # A time of the provider's from the future would hold back what it owes.
            received_at=min(inbound.received_at, now) or now,
        )

    # --- what else the provider does ---

    async def ask(self, call: HttpCall, purpose: str) -> HttpReply:
        """Make a request of another kind.

        Raises:
            NoReply: there is no answer.
        """
        outcome = "no answer"
        try:
            if self._breaker.is_open(self._now()):
                raise NoReply("the provider is left alone for a while", has_left=False)
            reply = await self.client.call(call)
            outcome = f"{reply.status // 100}xx"
            return reply
        finally:
            self._ways.metrics.provider_requests.labels(self._name, purpose, outcome).inc()

    async def stream(
        self, call: HttpCall, body: AsyncIterator[bytes] | None, *, limit: int
    ) -> tuple[HttpReply, AsyncIterator[bytes]]:
        """Make a request that is passed on; neither body is held in memory.

        Raises:
            NoReply: there is no answer.
        """
        outcome = "no answer"
        try:
            if self._breaker.is_open(self._now()):
                raise NoReply("the provider is left alone for a while", has_left=False)
            reply, chunks = await self.client.stream(call, body, limit=limit)
            outcome = f"{reply.status // 100}xx"
            return reply, chunks
        finally:
            self._ways.metrics.provider_requests.labels(self._name, "pass", outcome).inc()

    # --- life ---

    async def start(self) -> None:
        """Begin to ask for reports, where they do not come by themselves."""
        self._is_stopping = False
        self._poller.start()

    async def stop(self, deadline_seconds: float) -> None:
        """Wait for the answers to what has left, then close."""
        self._is_stopping = True
        await self._poller.stop()
        if self._requests:
            await asyncio.wait(self._requests, timeout=deadline_seconds)
        await cancel_all(self._requests)
        await self.client.close()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def __repr__(self) -> str:
        state = "ok" if self._breaker.is_closed else "left alone"
        return f"<RestUplink {self._name} {self.kind} at {self.client.address}, {state}>"


def _place_of(bind: str) -> int:
    return int(bind.rpartition("#")[2])


def client_of(
    config: UplinkConfig, connector: Connector, may_send: Callable[[], bool] = lambda: True
) -> ProviderClient:
    """What talks to an uplink's provider."""
    return ProviderClient(
        config,
        base_url=config.base_url.rstrip("/").removesuffix(connector.root),
        may_send=may_send,
        concurrency=config.concurrency,
    )


def settings_of(config: UplinkConfig) -> ConnectorSettings:
    """What a connector must know of an uplink."""
    return ConnectorSettings(
        key=config.key,
        secret=config.secret,
        token=config.token,
        user=config.user,
        password=config.password,
        signing_secret=config.signing_secret,
        service=config.service,
        webhook_id=config.webhook_id,
        is_transactional=config.is_transactional,
    )


def _parts_of(query: bytes) -> int:
    try:
        fields: Mapping[str, bytes] = dict(parse_form(query))
    except TooManyFields:
        return 1
    written = fields.get(PARTS_FIELD, b"")
    return min(int(written), MAX_PARTS) if written.isdigit() and len(written) <= 3 and int(written) else 1
