"""The pool under throttling, limits and want of places: who goes when, and that nothing leaks.

The simulated SMSC's own log is the judge, and for rates our own clock.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smpp.constants import BindMode
from smpp.errors import SmppError, StateError
from smpp.pool import Slot, ThrottleScope
from smpp.receipts import Submission
from smpp.simulator import Arrival, Outcome, Rule, Script, Simulator
from smpp.simulator.record import RateJudge
from smpp.status import CommandStatus
from smpp.wire.pdu import Message, SubmitSm
from tests.faults.pools import (
    PATIENCE_SECONDS,
    THROTTLED,
    TWO_SERVERS,
    arrivals,
    destinations,
    messages,
    pool_config,
    pool_of,
    reserve_all,
    submit_all,
)
from tests.virtual_time import in_virtual_time

# Throttling


@pytest.mark.parametrize("status", [CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL])
@pytest.mark.parametrize("scope", ThrottleScope)
async def test_throttled_part_is_sent_again_as_it_was(status: CommandStatus, scope: ThrottleScope) -> None:
    script = Script(rules=(Rule(first=4, status=status.name),))
    async with Simulator(TWO_SERVERS, script=script) as simulator:
        async with pool_of(simulator, pool_config(throttle_scope=scope)) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            ended = await submit_all(pool, to_send := messages(40))
            assert sum(bind.throttled for bind in pool.binds) == 4
        assert all(isinstance(outcome, Submission) for outcome in ended.values())
        assert arrivals(simulator).total() == len(to_send) + 4
        for entry in simulator.log:
            if entry.command_status:
                copies = [one for one in simulator.log if one.octets[16:] == entry.octets[16:]]
                assert [one.command_status for one in copies] == [*[int(status)] * (len(copies) - 1), 0]


async def test_throttled_parts_keep_their_order_on_one_bind() -> None:
    # Parts 3 to 7 are refused twice each: the second time they all were on their way together.
    refused = {str(447000000000 + n): 2 for n in range(3, 8)}

    def throttle(arrival: Arrival) -> Outcome | None:
        if not refused.get(arrival.destination):
            return None
        refused[arrival.destination] -= 1
        return Outcome(command_status=THROTTLED)

    async with Simulator(on_submit=throttle) as simulator, pool_of(simulator, pool_config(window=1)) as pool:
        await submit_all(pool, to_send := messages(20))
        taken = [entry.message.destination_addr for entry in simulator.log if not entry.command_status]  # type: ignore[union-attr]
        assert taken == [message.destination_addr for message in to_send]


async def test_throttled_parts_go_before_those_that_never_went() -> None:
    async with (
        Simulator(script=Script(rules=(Rule(first=5, status=THROTTLED.name),))) as simulator,
        pool_of(simulator, pool_config(window=5)) as pool,
    ):
        await pool.wait_bound(1, PATIENCE_SECONDS)
        await submit_all(pool, to_send := messages(30))
        first = [message.destination_addr for message in to_send[:5]]
        assert destinations(simulator)[:10] == first + first
        assert destinations(simulator)[5:] == [message.destination_addr for message in to_send]


async def test_nothing_leaves_while_a_server_pauses_not_even_with_a_place() -> None:
    config = pool_config(window=3, throttle_min_seconds=0.2, throttle_max_seconds=0.4)
    async with (
        Simulator(script=Script(rules=(Rule(first=1, status=THROTTLED.name),))) as simulator,
        pool_of(simulator, config) as pool,
    ):
        first, second, third = await reserve_all(pool, 3)
        one, two, three = messages(3)
        assert (await first.submit(one)).command_status == THROTTLED
        for slot, message in ((second, two), (third, three)):
            with pytest.raises(SmppError, match="was throttled before the part left"):
                await slot.submit(message)
        assert destinations(simulator) == [one.destination_addr]
        # They have given their places back.
        assert len(await reserve_all(pool, 3)) == 3


async def test_other_servers_go_on_while_one_pauses() -> None:
    rules = (Rule(server=0, status=THROTTLED.name),)
    config = pool_config(throttle_min_seconds=30.0, throttle_max_seconds=60.0)
    async with Simulator(TWO_SERVERS, script=Script(rules=rules)) as simulator:
        async with pool_of(simulator, config) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            ended = await submit_all(pool, messages(200))
        assert all(isinstance(outcome, Submission) for outcome in ended.values())
        # One window at most, and not one part after it.
        assert 1 <= simulator.servers[0].rate.total <= 10


async def test_all_servers_pause_where_the_scope_is_the_uplink() -> None:
    rules = (Rule(server=0, first=1, status=THROTTLED.name),)
    config = pool_config(throttle_scope=ThrottleScope.UPLINK, throttle_min_seconds=30.0, throttle_max_seconds=60.0)
    async with Simulator(TWO_SERVERS, script=Script(rules=rules)) as simulator, pool_of(simulator, config) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        slots = await reserve_all(pool, 20)
        on_first = next(slot for slot in slots if f":{simulator.ports[0]}#" in slot.bind)
        on_second = next(slot for slot in slots if f":{simulator.ports[1]}#" in slot.bind)
        one, two, three = messages(3)
        assert (await on_first.submit(one)).command_status == THROTTLED
        with pytest.raises(SmppError, match="was throttled"):
            await on_second.submit(two)
        waiting = asyncio.ensure_future(pool.submit(three))
        for slot in slots:
            if slot not in (on_first, on_second):
                slot.release()
        assert not waiting.done()
        assert len(simulator.log) == 1
        waiting.cancel()


# Rates


class Tachograph:
    """How fast submit_sm left, by our own clock: the limit holds for every server."""

    def __init__(self) -> None:
        self.rate = RateJudge()

    def __call__(self, direction: str, message: Message, _sequence_number: int, _command_status: int) -> None:
        if direction == ">" and isinstance(message, SubmitSm):
            self.rate.add(asyncio.get_running_loop().time())


@in_virtual_time
async def test_no_second_holds_more_than_the_limit_throttled_retries_included() -> None:
    limit = 100
    rules = (Rule(probability=0.05, status=THROTTLED.name),)
    tachograph = Tachograph()
    async with Simulator(script=Script(rules=rules, seed=11)) as simulator:
        config = pool_config(window=50, throttle_min_seconds=0.01, throttle_max_seconds=0.02)
        async with pool_of(
            simulator, config, parts_per_second_per_server=limit, binds_per_server=3, trace=tachograph
        ) as pool:
            await pool.wait_bound(3, PATIENCE_SECONDS)
            ended = await submit_all(pool, messages(3 * limit))
        assert all(isinstance(outcome, Submission) for outcome in ended.values())
        assert simulator.counters["refused"] > 5
        assert tachograph.rate.total == simulator.counters["submitted"] == simulator.counters["refused"] + 3 * limit
        assert tachograph.rate.max_per_second <= limit
        assert simulator.servers[0].rate.max_per_second <= limit


@in_virtual_time
async def test_the_limit_is_nearly_reached_where_many_wait() -> None:
    limit = 200
    async with Simulator(TWO_SERVERS) as simulator:
        async with pool_of(simulator, parts_per_second_per_server=limit, binds_per_server=2) as pool:
            await pool.wait_bound(4, PATIENCE_SECONDS)
            await submit_all(pool, messages(4 * limit))
        times = [entry.at for entry in simulator.log]
        assert len(times) / (times[-1] - times[0]) > 0.98 * 2 * limit


# Places


async def test_places_are_spread_over_the_freest_binds() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_of(simulator, binds_per_server=2) as pool:
        await pool.wait_bound(4, PATIENCE_SECONDS)
        slots = await reserve_all(pool, 20)
        assert set(Counter(slot.bind for slot in slots).values()) == {5}
        for slot in slots:
            slot.release()
        with pytest.raises(StateError, match="used already"):
            slots[0].release()


async def test_place_that_was_granted_to_somebody_who_has_just_left_goes_to_the_next() -> None:
    async with Simulator() as simulator, pool_of(simulator, pool_config(window=1)) as pool:
        (held,) = await pool.reserve()
        leaving, next_one = (asyncio.ensure_future(pool.reserve()) for _ in range(2))
        await asyncio.sleep(0)
        held.release()
        leaving.cancel()
        (slot,) = await next_one
        slot.release()
        assert leaving.cancelled()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 12)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("release"), st.integers(0, 30)),
        st.tuples(st.just("submit"), st.integers(0, 30)),
        st.tuples(st.just("refused"), st.integers(0, 30)),
        st.tuples(st.just("turn"), st.integers(1, 3)),
        st.tuples(st.just("drop"), st.integers(0, 1)),
    ),
    max_size=40,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_reserve_release_submit_and_cancel_leak_no_place(steps: list[tuple[str, int]]) -> None:
    asyncio.run(take_steps(steps))


async def take_steps(steps: list[tuple[str, int]]) -> None:
    window, binds = 5, 2
    numbers = count()
    async with Simulator(TWO_SERVERS) as simulator, pool_of(simulator, pool_config(window=window)) as pool:
        await pool.wait_bound(binds, PATIENCE_SECONDS)
        reserving: list[asyncio.Task[list[Slot]]] = []
        slots: list[Slot] = []
        ending: list[asyncio.Future[Any]] = []
        for step, value in steps:
            for task in [task for task in reserving if task.done()]:
                reserving.remove(task)
                slots += [] if task.cancelled() else task.result()
            match step:
                case "reserve":
                    reserving.append(asyncio.ensure_future(pool.reserve(value)))
                case "cancel" if reserving:
                    reserving.pop(value % len(reserving)).cancel()
                case "release" if slots:
                    slots.pop(value % len(slots)).release()
                case "submit" if slots:
                    ending.append(slots.pop(value % len(slots)).submit(SubmitSm(destination_addr=str(next(numbers)))))
                case "refused" if slots:
                    ending.append(slots.pop(value % len(slots)).submit(SubmitSm(destination_addr="4" * 40)))
                case "turn":
                    for _ in range(value):
                        await asyncio.sleep(0)
                case "drop":
                    simulator.servers[value].drop()
        for task in reserving:
            task.cancel()
        await asyncio.gather(*reserving, *ending, return_exceptions=True)
        for task in reserving:
            slots += [] if task.cancelled() else task.result()
        for slot in slots:
            slot.release()
        await pool.wait_bound(binds, PATIENCE_SECONDS)
        # After everything, the whole pool can be had: no more, no less.
        everything = await reserve_all(pool, window * binds)
        one_more = asyncio.ensure_future(pool.reserve())
        await asyncio.sleep(0)
        assert not one_more.done()
        everything.pop().release()
        (last,) = await one_more
        for slot in (*everything, last):
            slot.release()
        assert {bind.in_flight for bind in pool.binds} == {0}


async def test_receiver_pool_says_that_it_cannot_send() -> None:
    async with Simulator() as simulator, pool_of(simulator, pool_config(bind_mode=BindMode.RECEIVER)) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        assert not pool.is_available
        with pytest.raises(StateError, match="receiver"):
            await pool.submit(messages(1)[0])


# Many at a time


async def test_outcomes_come_while_the_source_is_still_thinking() -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        go_on = asyncio.Event()

        async def source() -> AsyncIterator[SubmitSm]:
            first, second = messages(2)
            yield first
            await go_on.wait()
            yield second

        seen = []
        async for message, outcome in pool.submit_all(source()):
            seen.append((message, outcome))
            go_on.set()
        assert [isinstance(outcome, Submission) for _, outcome in seen] == [True, True]
        assert simulator.counters["accepted"] == 2


async def test_error_of_the_source_comes_after_the_outcomes_of_what_it_gave() -> None:
    class OutOfRows(Exception):
        pass

    def source() -> Iterator[SubmitSm]:
        yield from messages(3)
        raise OutOfRows

    async with Simulator() as simulator, pool_of(simulator) as pool:
        seen = []
        with pytest.raises(OutOfRows):
            async for _, outcome in pool.submit_all(source()):
                seen.append(outcome)
        assert [type(outcome) for outcome in seen] == [Submission] * 3
        assert simulator.counters["accepted"] == 3


async def test_source_is_asked_only_as_fast_as_messages_go() -> None:
    given_out = 0

    def source() -> Iterator[SubmitSm]:
        nonlocal given_out
        for message in messages(100):
            given_out += 1
            yield message

    async with Simulator() as simulator, pool_of(simulator) as pool:
        told = 0
        async for _ in pool.submit_all(source(), concurrency=5):
            told += 1
            assert given_out <= told + 6
        assert told == len(simulator.log) == 100
