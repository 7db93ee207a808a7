"""Parts that an SMSC refuses for now: over another bind, after a while, within their validity."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from smpp.errors import NotSent, SmppError, StateError, SubmitRejected
from smpp.pool import Pool, PoolConfig
from smpp.pool.trial import Trial
from smpp.receipts import Submission
from smpp.retry import RetryClass, RetryPolicy
from smpp.simulator import Arrival, Outcome, Rule, Script, Simulator
from smpp.status import CommandStatus
from smpp.wire.pdu import SubmitSm
from smpp.wire.time import format_relative
from tests.faults.pools import (
    PATIENCE_SECONDS,
    TWO_SERVERS,
    arrivals,
    messages,
    pool_config,
    pool_of,
    submit_all,
)

FULL = CommandStatus.ESME_RMSGQFUL


def config(**options: Any) -> PoolConfig:
    quick: dict[str, Any] = {"retry_later_min_seconds": 0.01, "retry_later_max_seconds": 0.03}
    return pool_config(**{**quick, **options})


async def one(pool: Pool, message: SubmitSm) -> Submission | SmppError:
    """By `submit`."""
    try:
        return await pool.submit(message)
    except SmppError as error:
        return error


async def streamed(pool: Pool, message: SubmitSm) -> Submission | SmppError:
    """By `submit_all`."""
    return (await submit_all(pool, [message]))[message.destination_addr]


both_ways = pytest.mark.parametrize("submit", [one, streamed])
Submit = Callable[[Pool, SubmitSm], Any]


@both_ways
async def test_passing_fault_sends_the_part_over_another_bind(submit: Submit) -> None:
    script = Script(rules=(Rule(server=0, status="ESME_RSYSERR"),))
    async with Simulator(TWO_SERVERS, script=script) as simulator, pool_of(simulator, config()) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        for message in messages(12):
            assert isinstance(await submit(pool, message), Submission)
        assert max(arrivals(simulator).values()) == 2
        assert any(entry.server == 0 for entry in simulator.log)


@both_ways
async def test_passing_fault_that_stays_is_given_up_after_its_tries(submit: Submit) -> None:
    script = Script(rules=(Rule(status="ESME_RX_T_APPN"),))
    async with Simulator(script=script) as simulator, pool_of(simulator, config(retry_later_limit=2)) as pool:
        outcome = await submit(pool, messages(1)[0])
        assert isinstance(outcome, SubmitRejected)
        assert outcome.command_status == CommandStatus.ESME_RX_T_APPN
        assert "given up after 3 tries" in str(outcome)
        assert len(simulator.log) == 3


@both_ways
async def test_permanent_refusal_is_not_tried_again(submit: Submit) -> None:
    script = Script(rules=(Rule(status="ESME_RINVDSTADR"),))
    async with Simulator(script=script) as simulator, pool_of(simulator, config()) as pool:
        outcome = await submit(pool, messages(1)[0])
        assert isinstance(outcome, SubmitRejected)
        assert "given up" not in str(outcome)
        assert len(simulator.log) == 1


@both_ways
@pytest.mark.parametrize(
    ("kind", "throttled", "tries"),
    [(RetryClass.RETRY_LATER, 0, 2), (RetryClass.THROTTLED, 1, 2), (RetryClass.PERMANENT, 0, 1)],
)
async def test_policy_decides_what_a_status_means(submit: Submit, kind: RetryClass, throttled: int, tries: int) -> None:
    script = Script(rules=(Rule(first=1, status=0x55F),))
    policy = RetryPolicy({0x55F: kind})
    async with Simulator(script=script) as simulator, pool_of(simulator, config(retry=policy)) as pool:
        outcome = await submit(pool, messages(1)[0])
        assert isinstance(outcome, Submission) is (tries == 2)
        assert len(simulator.log) == tries
        assert sum(bind.throttled for bind in pool.binds) == throttled


@both_ways
async def test_throttled_part_is_given_up_when_its_validity_ends(submit: Submit) -> None:
    script = Script(rules=(Rule(status="ESME_RTHROTTLED"),))
    async with Simulator(script=script) as simulator, pool_of(simulator, config(retry_seconds=0.2)) as pool:
        outcome = await submit(pool, messages(1)[0])
        assert isinstance(outcome, SubmitRejected)
        assert outcome.command_status == CommandStatus.ESME_RTHROTTLED


@both_ways
async def test_part_is_given_up_while_a_long_pause_lasts(submit: Submit) -> None:
    script = Script(rules=(Rule(status="ESME_RTHROTTLED"),))
    slow = config(throttle_min_seconds=30.0, throttle_max_seconds=60.0, retry_seconds=0.05)
    async with Simulator(script=script) as simulator, pool_of(simulator, slow) as pool:
        outcome = await asyncio.wait_for(submit(pool, messages(1)[0]), PATIENCE_SECONDS)
        assert isinstance(outcome, SubmitRejected)
        assert len(simulator.log) == 1


async def test_deadline_ends_the_wait_for_a_place() -> None:
    async with Simulator() as simulator:
        pool = pool_of(simulator)
        with pytest.raises(NotSent, match="validity ended"):
            await pool.submit(messages(1)[0], deadline=asyncio.get_running_loop().time() + 0.02)
        with pytest.raises(NotSent, match="validity ended"):
            await pool.submit(messages(1)[0], deadline=asyncio.get_running_loop().time() - 1)
        async with pool:
            later = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            assert isinstance(await pool.submit(messages(1)[0], deadline=later), Submission)


async def test_stop_ends_the_rest_of_refused_parts() -> None:
    script = Script(rules=(Rule(status="ESME_RSYSERR"),))
    slow = config(retry_later_min_seconds=60.0, retry_later_max_seconds=120.0)
    async with Simulator(script=script) as simulator:
        pool = pool_of(simulator, slow)
        pool.start()
        await pool.wait_bound(1, PATIENCE_SECONDS)
        first, second = messages(2)
        alone = asyncio.ensure_future(one(pool, first))
        streaming = asyncio.ensure_future(streamed(pool, second))
        await simulator.wait_until(lambda: simulator.counters["refused"] == 2, PATIENCE_SECONDS)
        await pool.stop()
        assert isinstance(await alone, StateError)
        assert isinstance(await streaming, SubmitRejected)


async def test_stream_that_is_left_forgets_what_rests() -> None:
    script = Script(rules=(Rule(destination="447000000000", status="ESME_RSYSERR"),))
    slow = config(retry_later_min_seconds=60.0, retry_later_max_seconds=120.0)
    async with Simulator(script=script) as simulator, pool_of(simulator, slow) as pool:
        async for message, _ in pool.submit_all(messages(3)):
            assert message.destination_addr != "447000000000"
            if arrivals(simulator).total() == 3:
                break


# A destination that is full


def full_for(destination: str, times: int) -> tuple[Callable[[Arrival], Outcome | None], Counter[str]]:
    refused: Counter[str] = Counter()

    def answer(arrival: Arrival) -> Outcome | None:
        if arrival.destination != destination or refused[destination] >= times:
            return None
        refused[destination] += 1
        return Outcome(command_status=FULL)

    return answer, refused


async def test_destination_that_stays_full_is_deferred_alone() -> None:
    full = "447000000000"
    answer, refused = full_for(full, 8)
    paused: list[str] = []
    options = config(throttle_min_seconds=0.05, throttle_max_seconds=0.05, full_destination_after=3)
    async with (
        Simulator(on_submit=answer) as simulator,
        pool_of(simulator, options, on_event=lambda event: paused.append(event.kind)) as pool,
    ):
        ended = await submit_all(pool, messages(3000))
        assert all(isinstance(outcome, Submission) for outcome in ended.values())
        assert refused[full] == 8
        # Twice it might have been ours; from the third time on it is the destination's.
        assert paused.count("paused") == 2


async def test_full_queue_that_lets_nobody_pass_is_no_destinations() -> None:
    script = Script(rules=(Rule(first=6, status=FULL.name),))
    paused: list[str] = []
    async with (
        Simulator(script=script) as simulator,
        pool_of(simulator, config(), on_event=lambda event: paused.append(event.kind)) as pool,
    ):
        assert isinstance(await one(pool, messages(1)[0]), Submission)
        assert paused.count("paused") == 6


# The pure part


def test_messages_own_validity_goes_before_the_setting() -> None:
    message = SubmitSm(destination_addr="44", validity_period=format_relative(60))
    assert Trial(PoolConfig(retry_seconds=5), message, 100.0).until == pytest.approx(160, abs=1)
    assert Trial(PoolConfig(retry_seconds=5), SubmitSm(), 100.0).until == 105
    assert Trial(PoolConfig(retry_seconds=5), message, 100.0, 101.0).until == 101


def test_wait_that_would_outlast_the_validity_is_not_begun() -> None:
    trial = Trial(PoolConfig(retry_later_min_seconds=10, retry_later_max_seconds=10), SubmitSm(), 0.0, 5.0)
    error = SubmitRejected(8, "submit_sm", where="a#0")
    assert trial.refused(error, RetryClass.RETRY_LATER, 1.0, is_full=False) is None
    assert trial.given_up(SubmitSm()) is error


def test_refused_part_avoids_the_bind_that_refused_it() -> None:
    trial = Trial(PoolConfig(), SubmitSm(), 0.0)
    error = SubmitRejected(8, "submit_sm", where="a#0")
    assert trial.refused(error, RetryClass.RETRY_LATER, 1.0, is_full=False)
    assert trial.avoid == "a#0"
    assert trial.refused(error, RetryClass.THROTTLED, 1.0, is_full=False) == 0.0
    assert trial.avoid == ""


@pytest.mark.parametrize(
    "options",
    [
        {"retry_seconds": -1},
        {"retry_later_limit": -1},
        {"retry_later_min_seconds": 0},
        {"retry_later_max_seconds": 0.5},
        {"full_destination_after": 0},
        {"bind_mode": "both"},
        {"parts_per_second_per_bind": -1},
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        PoolConfig(**options)
