"""Failover flows: step after step over channels and uplinks, until one reaches its reader.

    begin ──► kept with the id of the message to come ──► message ──► noted
    a message's end, a channel's word, the clock ──► rules ──► kept ──► next step, if one is due

What is to be sent is written down before it is sent, with the id it will have: after a crash whoever finds the flow
looks whether there is such a message, and sends it only where there is none. What was handed to a provider's channel
is not handed over twice.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from gateway.config.services import FlowsConfig
from gateway.errors import InvalidMessage, NoRoute, NotWaiting, StoreError
from gateway.models import SERVICES, Callback, Message, NewMessage
from gateway.providers.ports import Flow, FlowStep, NotOffered
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSender, ChannelState, ServiceCallbacks
from gateway.services import flow_rules as rules
from gateway.services.flow_rules import Document
from gateway.services.owing import allow_any, owed
from gateway.services.shelf import SET_BACK_SECONDS, Kept, Put, Shelf
from gateway.services.watching import origin_of
from gateway.store import Store

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

SERVICE: Final = "flow"
SMS: Final = "sms"
STEPS_LIMIT: Final = 20
WAIT_LIMIT_SECONDS: Final = 7 * 86_400
SWEEP_BATCH: Final = 100


class Takes(Protocol):
    """Takes messages in and withdraws them, as `gateway.intake.Intake` does."""

    async def accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = ()
    ) -> Sequence[Message | InvalidMessage]:
        """Returns after the commit: what each became."""

    async def cancel(self, account: str, message_id: str) -> Message:
        """Withdraw one of which nothing has left."""


class FlowService:
    """Implements `gateway.providers.ports.Flows`."""

    def __init__(
        self,
        config: FlowsConfig,
        *,
        store: Store,
        intake: Takes,
        has_uplink: Callable[[str], bool],
        reporters: Mapping[str, ServiceCallbacks],
        on_callbacks: Callable[[], None],
        check_url: Callable[[str], None] = allow_any,
        clock: Callable[[], float] = time.time,
        channels: ChannelSender | None = None,
    ) -> None:
        """Put it together.

        Args:
            has_uplink: whether there is an uplink of a name.
            reporters: dialects that have words for a flow's status, by name.
            on_callbacks: called after a commit that owes callbacks.
            check_url: refuses, by InvalidMessage, where a callback may not go.
            channels: the ways besides SMS; None: there are none.
        """
        self._config = config
        self._store = store
        self._intake = intake
        self._has_uplink = has_uplink
        self._check_url = check_url
        self._reporters = reporters
        self._on_callbacks = on_callbacks
        self._clock = clock
        self._channels = channels
        self._flows = Shelf(store, SERVICE, Document, clock=clock)

    def use(self, config: FlowsConfig) -> None:
        """Go by other settings from now on."""
        self._config = config

    # --- for doors ---

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
        """Keep a flow and take its first step; returns after the commit.

        Raises:
            InvalidMessage: the message of the step that is to be first cannot be accepted, or a step cannot be read.
            NotOffered: no step leads anywhere.
            StoreError: nothing was kept.
        """
        self._check(steps)
        if callback_url:
            self._check_url(callback_url)
        now = self._clock()
        document = Document(
            number=number.strip().removeprefix("+"),
            steps=tuple(steps),
            dialect=dialect,
            callback_url=callback_url,
            client_reference=client_reference,
            created_at=now,
            updated_at=now,
        )
        following = self._with_next_step(account, document, now)
        if following.is_ended:
            raise NotOffered(f"no uplink leads to {', '.join(dict.fromkeys(step.channel for step in steps))}")
        flow_id = self._store.ids.new(now)
        record = self._flows.new(account, flow_id, self._put(account, flow_id, document, following))
        await self._store.put_records([record])
        kept = Kept(following, replace(record, version=1, callbacks=()))
        try:
            kept, refusal = await self._take(kept)
            if refusal is None or isinstance(refusal, NoRoute):
                kept = await self._step_on(kept)
        except StoreError:
            with contextlib.suppress(StoreError):
                await self._flows.drop(account, [flow_id])
            raise
        if refusal is not None and (kept.value.is_ended or not isinstance(refusal, NoRoute)):
            await self._flows.drop(account, [flow_id])
            raise refusal
        return rules.view(kept.value, account, flow_id)

    async def find(self, account: str, flow_id: str) -> Flow | None:
        """One by its id."""
        kept = await self._flows.get(account, flow_id)
        return rules.view(kept.value, account, flow_id) if kept is not None else None

    # --- taking steps ---

    def _check(self, steps: Sequence[FlowStep]) -> None:
        if not 1 <= len(steps) <= STEPS_LIMIT:
            raise InvalidMessage("invalid_flow", f"a flow has 1 to {STEPS_LIMIT} steps", "steps")
        for step in steps:
            if step.condition not in rules.CONDITIONS:
                raise InvalidMessage("invalid_flow", "a step's condition is 'delivered' or 'read'", "condition")
            if not 0 <= step.wait_seconds <= WAIT_LIMIT_SECONDS:
                raise InvalidMessage("invalid_flow", f"a step waits 0 to {WAIT_LIMIT_SECONDS} seconds", "wait_seconds")
            if step.uplink and not self._has_uplink(step.uplink):
                raise InvalidMessage("invalid_flow", f"there is no uplink {step.uplink!r}", "uplink")

    def _is_offered(self, account: str, channel: str) -> bool:
        return channel == SMS or (self._channels is not None and self._channels.is_offered(account, channel))

    def _with_next_step(self, account: str, document: Document, now: float) -> Document:
        """The next step that leads anywhere is claimed; those before it have failed; without one it is over."""
        while document.has_step_left:
            index = document.step + 1
            channel = document.steps[index].channel
            if self._is_offered(account, channel):
                return rules.claimed(document, index, self._store.ids.new(now), now)
            document = rules.passed_over(document, index, f"no uplink leads to {channel}", now)
        return rules.on_or_over(document, now)

    async def _step_on(self, kept: Kept[Document]) -> Kept[Document]:
        """Take the step that is due, and those after it as long as they fail at once."""
        while not kept.value.is_ended and 0 < kept.value.next_step_at <= self._clock():
            await self._withdraw(kept)
            now = self._clock()
            claimed = await self._write(kept, self._with_next_step(kept.account, kept.value, now))
            if claimed is None:
                return kept  # another node has it
            kept = claimed
            if kept.value.claimed_until:
                kept, _ = await self._take(kept)
        return kept

    async def _withdraw(self, kept: Kept[Document]) -> None:
        """What has not left by now would come on top of what follows."""
        number = kept.value.latest
        latest = kept.value.sends[number]
        if number < 0 or latest.channel != SMS or latest.outcome != rules.GONE:
            return
        with contextlib.suppress(NotWaiting):
            await self._intake.cancel(kept.account, latest.message_id)

    async def _take(self, kept: Kept[Document]) -> tuple[Kept[Document], InvalidMessage | None]:
        """Hand over what the claimed step sends, and note it."""
        count = len(kept.value.sends)
        reference, error = "", ""
        refusal: InvalidMessage | None = None
        try:
            reference = await self._hand_over(kept)
        except InvalidMessage as invalid:
            refusal, error = invalid, invalid.message
        except (ChannelRefused, NotOffered) as refused:
            error = str(refused)
        now = self._clock()

        def edit(kept: Kept[Document]) -> Document | None:
            document = kept.value
            if not document.claimed_until or len(document.sends) != count:
                return None
            return rules.refused(document, error, now) if error else rules.taken(document, now, reference)

        try:
            return await self._change(kept.account, kept.key, edit) or kept, refusal
        except StoreError as store_error:
            if error:
                raise
            # It was handed over: whoever takes the claim up will see that.
            log.warning("a step of a flow was not noted", flow=kept.key, error=str(store_error))
            return kept, None

    async def _hand_over(self, kept: Kept[Document]) -> str:
        document = kept.value
        latest, number = document.sends[-1], len(document.sends) - 1
        step = document.steps[latest.step]
        if step.channel != SMS:
            return await self._hand_to_channel(kept, step, number)
        message = NewMessage(
            account=kept.account,
            recipient=document.number,
            sender=step.sender,
            text=step.text,
            via=step.uplink,
            dialect=SERVICES,
            origin=origin_of(SERVICE, f"{kept.key}/{number}"),
            client_reference=document.client_reference,
        )
        (outcome,) = await self._intake.accept([message], ids=[latest.message_id])
        if isinstance(outcome, InvalidMessage):
            raise outcome
        return outcome.id

    async def _hand_to_channel(self, kept: Kept[Document], step: FlowStep, number: int) -> str:
        if self._channels is None:
            raise NotOffered(f"no uplink leads to {step.channel}")
        order = ChannelOrder(
            id=f"{SERVICE}/{kept.account}/{kept.key}/{number}",
            account=kept.account,
            channel=step.channel,
            number=kept.value.number,
            text=step.text,
            sender=step.sender,
            uplink=step.uplink,
            fields=step.fields,
        )
        try:
            return (await self._channels.send(order)).reference
        except ChannelRefused as error:
            if not error.in_doubt:
                raise
            log.warning("a step of a flow is in doubt", flow=kept.key, channel=step.channel, reason=str(error))
            return ""

    # --- what comes back ---

    async def on_message(self, account: str, rest: str, message: Message) -> None:
        """A message of a flow has moved."""
        flow_id, _, number = rest.rpartition("/")
        outcome = rules.OUTCOMES.get(message.state)
        if outcome is not None:
            await self._hear(account, flow_id, int(number), outcome, message.error)

    async def on_channel_state(self, order_id: str, state: ChannelState, detail: str = "") -> None:
        """A channel tells what became of an order."""
        service, _, rest = order_id.partition("/")
        account, _, tail = rest.partition("/")
        flow_id, _, number = tail.rpartition("/")
        if service == SERVICE and number.isdecimal():
            await self._hear(account, flow_id, int(number), state.value, detail)

    async def _hear(self, account: str, flow_id: str, number: int, outcome: str, error: str) -> None:
        now = self._clock()

        def edit(kept: Kept[Document]) -> Document | None:
            document = rules.told(kept.value, number, outcome, error, now)
            return document if document is not kept.value else None

        kept = await self._change(account, flow_id, edit)
        if kept is not None:
            await self._step_on(kept)

    # --- what is due ---

    async def sweep(self) -> bool:
        """Take the steps that are due, look at messages nobody told of, forget what is old; whether all is done.

        Raises:
            StoreError: it goes on later.
        """
        now = self._clock()
        due = await self._flows.due(now, limit=SWEEP_BATCH)
        for kept in due:
            try:
                await self._attend(kept, now)
            except StoreError:
                raise
            except Exception:
                log.exception("a flow could not be attended to", flow=kept.key)
                await self._flows.set_back(kept, SET_BACK_SECONDS)
        return len(due) < SWEEP_BATCH

    async def _attend(self, kept: Kept[Document], now: float) -> None:
        if kept.value.is_ended:
            await self._flows.drop(kept.account, [kept.key])
        elif kept.value.claimed_until:
            await self._take_up(kept, now)
        else:
            await self._look(kept, now)

    async def _take_up(self, kept: Kept[Document], now: float) -> None:
        """Somebody began to take a step and did not say how it ended."""
        ours = await self._write(kept, replace(kept.value, claimed_until=now + rules.CLAIM_SECONDS))
        if ours is None:
            return
        latest = ours.value.sends[-1]
        if latest.channel == SMS and await self._store.message(kept.account, latest.message_id) is None:
            ours, _ = await self._take(ours)
        else:
            # It was accepted; or it went, or may have gone, to a provider: that is not done twice.
            ours = await self._write(ours, rules.taken(ours.value, now)) or ours
        await self._step_on(ours)

    async def _look(self, kept: Kept[Document], now: float) -> None:
        """Read what became of what was sent before the next step is taken: a note of it may have been lost."""
        document = kept.value
        for number, sent in enumerate(document.sends):
            if sent.channel == SMS and sent.message_id:
                message = await self._store.message(kept.account, sent.message_id)
                outcome = rules.OUTCOMES.get(message.state) if message is not None else None
                if message is not None and outcome is not None:
                    document = rules.told(document, number, outcome, message.error, now)
        if not document.is_ended and not 0 < document.next_step_at <= now:
            document = rules.polled(document, now)
        written = await self._write(kept, document) if document is not kept.value else kept
        if written is not None:
            await self._step_on(written)

    # --- keeping ---

    async def _write(self, kept: Kept[Document], document: Document) -> Kept[Document] | None:
        put = self._put(kept.account, kept.key, kept.value, document)
        written = await self._flows.put(kept, put)
        if written is not None and put.callbacks:
            self._on_callbacks()
        return written

    async def _change(
        self, account: str, flow_id: str, edit: Callable[[Kept[Document]], Document | None]
    ) -> Kept[Document] | None:
        owes = False

        def put(kept: Kept[Document]) -> Put[Document] | None:
            nonlocal owes
            document = edit(kept)
            made = self._put(account, flow_id, kept.value, document) if document is not None else None
            owes = made is not None and bool(made.callbacks)
            return made

        changed = await self._flows.change(account, flow_id, put)
        if owes:
            self._on_callbacks()
        return changed

    def _put(self, account: str, flow_id: str, before: Document, after: Document) -> Put[Document]:
        callback = self._callback(account, flow_id, after) if before.status != after.status else None
        return Put(
            after,
            due_at=rules.due_at(after, self._config.keep_seconds),
            tag=after.number,
            callbacks=(callback,) if callback is not None else (),
        )

    def _callback(self, account: str, flow_id: str, document: Document) -> Callback | None:
        reporter = self._reporters.get(document.dialect)
        if not document.callback_url or reporter is None:
            return None
        callback = reporter.flow_callback(rules.view(document, account, flow_id))
        if callback is None:
            return None
        return owed(callback, self._store, account, flow_id, document.dialect, self._clock())
