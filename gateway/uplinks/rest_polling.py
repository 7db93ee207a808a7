"""Asks a provider what became of messages whose reports do not come by themselves; survives restarts.

accepted ──► record, due in a while ──► ask ──final──► report, record dropped
                    ▲                    └─not yet──► due later, at growing distances
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from gateway.config import UplinkConfig
from gateway.errors import StoreError
from gateway.models import Receipt
from gateway.providers.connecting import Connector
from gateway.store.records import Record
from gateway.tasks import cancel_all
from gateway.uplinks.rest_http import NoReply, ProviderClient
from smpp.ratelimit import Pacer

if TYPE_CHECKING:
    from gateway.uplinks.rest import Ways

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

KIND: Final = "poll."
"""Begins the kind of the records; the uplink's name follows."""
BATCH: Final = 50
AT_A_TIME: Final = 4
LOOK_SECONDS: Final = 1.0
LEFT_OVER_SECONDS: Final = 30.0
"""The first pause of what was to be asked after before reports came by themselves."""
CLAIM_SECONDS: Final = 120.0
"""Within this a claimed question has been asked, or its node is gone."""
MAX_PAUSE_SECONDS: Final = 900.0
STORE_PAUSE_SECONDS: Final = 0.2
STORE_PAUSE_MAX_SECONDS: Final = 5.0


class Question(msgspec.Struct, frozen=True):
    """What is kept of a message that is asked after."""

    parts: int
    until: float
    tries: int = 0
    state: str = ""
    """The last that was reported."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Question).decode


class Poller:
    """Asks after the messages of one uplink.

    Args:
        first_seconds: how long after sending a message is first asked after; 0: never.
        on_receipt: takes a report for so many parts.
    """

    def __init__(
        self,
        name: str,
        connector: Connector,
        client: ProviderClient,
        config: UplinkConfig,
        ways: "Ways",
        first_seconds: float,
        on_receipt: Callable[[Receipt, int], Awaitable[None]],
    ) -> None:
        self._name = name
        self._kind = KIND + name
        self._connector = connector
        self._client = client
        self._ways = ways
        self._first_seconds = first_seconds
        self._on_receipt = on_receipt
        self.pacer = Pacer(config.polls_per_second)
        self._runner: asyncio.Task[None] | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything is asked."""
        return self._first_seconds > 0

    def start(self) -> None:
        """Begin to ask; what an earlier run left as well, even where nothing new is asked after."""
        if self._runner is None:
            self._runner = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Ask no more; what is left stays due."""
        if self._runner is not None:
            await cancel_all([self._runner])
            self._runner = None

    # --- what is asked after ---

    async def note(self, provider_id: str, parts: int) -> None:
        """Keep that a message is to be asked after; returns after the commit."""
        if not self.is_on:
            return
        now = self._ways.clock()
        question = Question(parts, until=now + self._ways.poll_for_seconds)
        record = Record(
            kind=self._kind,
            account="",
            key=provider_id,
            value=_encode(question),
            due_at=now + self._first_seconds,
            created_at=now,
            updated_at=now,
        )
        pause = STORE_PAUSE_SECONDS
        while True:
            try:
                await self._ways.records.put_records([record])
                return
            except StoreError as error:
                # The provider has it and says so once: without the record nobody would ask.
                log.warning("the store cannot commit; trying again", uplink=self._name, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, STORE_PAUSE_MAX_SECONDS)

    async def forget(self, provider_id: str) -> None:
        """A report came by itself."""
        if self.is_on:
            await self._ways.records.drop_records(self._kind, "", [provider_id])

    # --- asking ---

    async def _run(self) -> None:
        while True:
            pause = LOOK_SECONDS
            try:
                if await self.ask_due():
                    pause = 0.0
            except StoreError as error:
                log.warning("messages cannot be asked after", uplink=self._name, error=str(error))
                pause = STORE_PAUSE_MAX_SECONDS
            except Exception:
                log.exception("asking was interrupted", uplink=self._name)
                pause = STORE_PAUSE_MAX_SECONDS
            await asyncio.sleep(pause)

    async def ask_due(self) -> bool:
        """Ask after what is due; whether there may be more."""
        records = self._ways.records
        now = self._ways.clock()
        due = await records.due_records(self._kind, now, limit=BATCH)
        if not due:
            return False
        claims = [replace(record, due_at=now + CLAIM_SECONDS, updated_at=now) for record in due]
        written = await records.put_records(claims)
        mine = [replace(one, version=one.version + 1) for one, is_mine in zip(claims, written, strict=True) if is_mine]
        await self._ask(mine)
        return len(due) == BATCH

    async def _ask(self, claimed: Sequence[Record]) -> None:
        """Ask after some, a few at a time."""
        left = iter(claimed)
        ends = await asyncio.gather(*(self._ask_each(left) for _ in range(AT_A_TIME)), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _ask_each(self, records: Iterator[Record]) -> None:
        for record in records:
            await self._wait_turn()
            question = _decode(record.value)
            try:
                over, question = await self._ask_one(record.key, question)
            except NoReply as error:
                self._ways.metrics.provider_requests.labels(self._name, "poll", "no answer").inc()
                log.info("no answer to a question", uplink=self._name, reason=str(error))
                over = False
            now = self._ways.clock()
            if over or now >= question.until:
                await self._ways.records.drop_records(self._kind, "", [record.key])
                continue
            pause = min((self._first_seconds or LEFT_OVER_SECONDS) * 2.0 ** min(question.tries, 20), MAX_PAUSE_SECONDS)
            question = replace(question, tries=question.tries + 1)
            later = replace(record, value=_encode(question), due_at=now + pause, updated_at=now)
            await self._ways.records.put_records([later])

    async def _ask_one(self, provider_id: str, question: Question) -> tuple[bool, Question]:
        """Ask once; whether that was the last time."""
        call = self._connector.poll(provider_id)
        if call is None:
            return True, question
        reply = await self._client.call(call)
        self._ways.metrics.provider_requests.labels(self._name, "poll", f"{reply.status // 100}xx").inc()
        polled = self._connector.polled(provider_id, reply)
        receipt = polled.receipt
        if receipt is not None and receipt.state.value != question.state:
            await self._on_receipt(receipt, question.parts)
            question = replace(question, state=receipt.state.value)
        return polled.is_over, question

    async def _wait_turn(self) -> None:
        loop = asyncio.get_running_loop()
        while wait := self.pacer.try_take(loop.time()):  # noqa: ASYNC110
            await asyncio.sleep(wait)
