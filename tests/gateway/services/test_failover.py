"""Failover flows: steps in order, whatever is told, lost or breaks meanwhile."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.services import FlowsConfig
from gateway.errors import InvalidMessage, NoRoute, NotWaiting, StoreFull
from gateway.models import Message, State
from gateway.providers.ports import Flow, FlowStep, NotOffered
from gateway.providers.seams import ChannelRefused, ChannelState
from gateway.services.failover import FlowService
from gateway.store.memory import MemoryStore
from tests.gateway.services.desk import ACCOUNT, NUMBER, WORDS, Channels, Clock, Desk, owed

URL = "https://example.com/flow"


class Intake(Desk):
    """... that can withdraw, too."""

    withdrawn: list[str]

    async def cancel(self, account: str, message_id: str) -> Message:
        message = await self.store.message(account, message_id)
        if message is None or message.state is not State.QUEUED:
            raise NotWaiting("gone")
        self.withdrawn.append(message_id)
        message = msgspec.structs.replace(message, state=State.DELETED)
        assert isinstance(self.store, MemoryStore)
        self.store.tables.messages[message_id] = message
        return message


class Bench:
    """A service of flows and all it touches."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.intake = Intake(self.store, self.clock)
        self.intake.withdrawn = []
        self.channels = Channels(offered={"push", "viber"})
        self.flows = self.another()

    def another(self) -> FlowService:
        return FlowService(
            FlowsConfig(),
            store=self.store,
            intake=self.intake,
            has_uplink={"up", "spare"}.__contains__,
            reporters={"words": WORDS},
            on_callbacks=lambda: None,
            clock=self.clock,
            channels=self.channels,
        )

    async def begin(self, *steps: FlowStep) -> Flow:
        return await self.flows.begin(ACCOUNT, "+" + NUMBER, steps, dialect="words", callback_url=URL)

    async def found(self, flow: Flow) -> Flow:
        found = await self.flows.find(ACCOUNT, flow.id)
        assert found is not None
        return found

    async def moved(self, flow: Flow, number: int, state: State, *, is_told: bool = True) -> None:
        message_id = (await self.found(flow)).message_ids[number]
        message = msgspec.structs.replace(self.store.tables.messages[message_id], state=state, error="why")
        self.store.tables.messages[message_id] = message
        if is_told:
            await self.flows.on_message(ACCOUNT, message.origin.partition("/")[2], message)

    async def passes(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        await asyncio.gather(self.flows.sweep(), self.another().sweep())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def sms(text: str = "hello", **fields: Any) -> FlowStep:
    return FlowStep(text=text, sender="INFO", **fields)


PUSH = FlowStep(channel="push", text="hi", wait_seconds=60, fields={"title": "t"})


async def test_a_step_that_reaches_its_reader_ends_the_flow(bench: Bench) -> None:
    flow = await bench.begin(sms(wait_seconds=60), sms("again"))
    assert (flow.status, flow.step, len(flow.message_ids)) == ("processing", 0, 1)
    assert bench.intake.taken[0].recipient == NUMBER
    await bench.moved(flow, 0, State.SUBMITTED)
    await bench.moved(flow, 0, State.DELIVERED)
    await bench.passes(3_600)
    assert (await bench.found(flow)).status == "delivered"
    assert len(bench.intake.taken) == 1
    assert await owed(bench.store) == ["sent", "delivered"]


async def test_the_next_step_is_taken_when_the_wait_is_over(bench: Bench) -> None:
    flow = await bench.begin(PUSH, sms())
    assert bench.channels.orders[0].fields == {"title": "t"}
    await bench.passes(59)
    assert not bench.intake.taken
    await bench.passes(1)
    assert len(bench.intake.taken) == 1
    await bench.moved(flow, 1, State.DELIVERED)
    found = await bench.found(flow)
    assert (found.status, found.step) == ("delivered", 1)


async def test_a_step_that_fails_is_followed_at_once(bench: Bench) -> None:
    flow = await bench.begin(sms(wait_seconds=600), sms("again"))
    await bench.moved(flow, 0, State.UNDELIVERABLE)
    assert [message.text for message in bench.intake.taken] == ["hello", "again"]
    await bench.moved(flow, 1, State.EXPIRED)
    found = await bench.found(flow)
    assert (found.status, found.error) == ("undelivered", "why")
    assert await owed(bench.store) == ["undelivered"]


async def test_what_a_channel_tells_counts_too(bench: Bench) -> None:
    flow = await bench.begin(msgspec.structs.replace(PUSH, condition="read"), sms())
    order = bench.channels.orders[0].id
    await bench.flows.on_channel_state(order, ChannelState.DELIVERED)
    assert (await bench.found(flow)).status == "sent"
    await bench.flows.on_channel_state(order, ChannelState.READ)
    assert (await bench.found(flow)).status == "read"
    await bench.flows.on_channel_state("flow/nobody/nothing/0", ChannelState.READ)
    await bench.flows.on_channel_state("other", ChannelState.READ)


async def test_what_was_to_be_read_and_only_arrived_is_followed(bench: Bench) -> None:
    flow = await bench.begin(msgspec.structs.replace(PUSH, condition="read"), sms())
    await bench.flows.on_channel_state(bench.channels.orders[0].id, ChannelState.DELIVERED)
    await bench.passes(60)
    assert len(bench.intake.taken) == 1
    await bench.moved(flow, 1, State.REJECTED)
    assert (await bench.found(flow)).status == "delivered"


async def test_steps_that_lead_nowhere_are_passed_over(bench: Bench) -> None:
    flow = await bench.begin(FlowStep(channel="rcs", wait_seconds=60), PUSH, sms())
    assert [order.channel for order in bench.channels.orders] == ["push"]
    assert flow.step == 1
    with pytest.raises(NotOffered, match="rcs"):
        await bench.begin(FlowStep(channel="rcs"))
    bench.channels.refuses = ChannelRefused("closed")
    flow = await bench.begin(PUSH, sms())
    assert flow.step == 1


async def test_last_steps_that_lead_nowhere_do_not_end_what_is_on_its_way(bench: Bench) -> None:
    flow = await bench.begin(sms(wait_seconds=60), FlowStep(channel="rcs"))
    await bench.moved(flow, 0, State.SUBMITTED)
    await bench.passes(60)
    assert (await bench.found(flow)).status == "sent"
    await bench.moved(flow, 0, State.DELIVERED)
    assert (await bench.found(flow)).status == "delivered"


async def test_what_arrives_late_ends_the_flow_all_the_same(bench: Bench) -> None:
    flow = await bench.begin(sms(wait_seconds=60), PUSH, sms("third"))
    await bench.moved(flow, 0, State.SUBMITTED)
    await bench.passes(60)
    await bench.moved(flow, 0, State.DELIVERED)
    await bench.passes(600)
    assert (await bench.found(flow)).status == "delivered"
    assert len(bench.intake.taken) == 1


async def test_what_has_not_left_is_withdrawn_before_the_next_step(bench: Bench) -> None:
    flow = await bench.begin(sms(wait_seconds=60), PUSH)
    await bench.passes(60)
    assert bench.intake.withdrawn == list(flow.message_ids)
    assert len(bench.channels.orders) == 1


async def test_a_message_that_cannot_be_accepted_is_the_callers_fault(bench: Bench) -> None:
    bench.intake.refuses = InvalidMessage("invalid_recipient", "no number", "recipient")
    with pytest.raises(InvalidMessage, match="no number"):
        await bench.begin(sms(), PUSH)
    bench.intake.refuses = NoRoute("no route")
    with pytest.raises(NoRoute):
        await bench.begin(sms())
    assert (await bench.begin(sms(), PUSH)).step == 1
    bench.intake.breaks = StoreFull()
    with pytest.raises(StoreFull):
        await bench.begin(sms())
    assert await bench.store.count_records("flow") == 1


@pytest.mark.parametrize(
    "steps",
    [(), (sms(condition="seen"),), (sms(wait_seconds=-1),), (sms(uplink="nowhere"),), (sms(),) * 21],
)
async def test_a_flow_that_cannot_be_is_refused(bench: Bench, steps: tuple[FlowStep, ...]) -> None:
    with pytest.raises(InvalidMessage):
        await bench.begin(*steps)
    assert not bench.store.tables.messages


async def test_a_step_names_its_uplink(bench: Bench) -> None:
    await bench.begin(sms(uplink="spare"))
    assert bench.intake.taken[0].via == "spare"


# --- crashes ---


async def test_nothing_is_lost_when_nobody_tells(bench: Bench) -> None:
    flow = await bench.begin(sms(wait_seconds=600), sms("again"))
    await bench.moved(flow, 0, State.FAILED, is_told=False)
    await bench.passes(30)
    assert len(bench.intake.taken) == 2
    await bench.moved(flow, 1, State.DELIVERED, is_told=False)
    for _ in range(3):
        await bench.passes(600)
    assert (await bench.found(flow)).status == "delivered"
    assert await owed(bench.store) == ["delivered"]


async def test_a_step_whose_taker_died_is_taken_once(bench: Bench) -> None:
    bench.intake.breaks = RuntimeError("killed")
    with pytest.raises(RuntimeError):
        await bench.begin(sms())
    bench.intake.breaks = None
    assert not bench.intake.taken
    await bench.passes(31)
    await bench.passes(31)
    assert len(bench.intake.taken) == 1


async def test_a_message_that_was_accepted_before_the_crash_is_not_sent_again(bench: Bench) -> None:
    flow = await bench.begin(sms())
    (record,) = await bench.store.records("flow")
    value = msgspec.json.decode(record.value)
    value["claimed_until"] = bench.clock.now + 30
    changed = msgspec.structs.replace(record, value=msgspec.json.encode(value), due_at=bench.clock.now + 30)
    assert await bench.store.put_records([changed]) == [True]
    await bench.passes(31)
    assert len(bench.intake.taken) == 1
    await bench.moved(flow, 0, State.DELIVERED)
    assert (await bench.found(flow)).status == "delivered"


async def test_one_that_ended_is_forgotten_in_time(bench: Bench) -> None:
    flow = await bench.begin(sms())
    await bench.moved(flow, 0, State.DELIVERED)
    await bench.passes(FlowsConfig().keep_seconds + 1)
    assert await bench.flows.find(ACCOUNT, flow.id) is None
    assert await bench.flows.find("other", flow.id) is None
