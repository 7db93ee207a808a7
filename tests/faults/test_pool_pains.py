"""What hurts users of other stacks and had no test of its own: see tests/PAINS.md."""

import asyncio
import gc
from pathlib import Path

import pytest

from smpp.client import ClientConfig
from smpp.constants import MessageState
from smpp.pool import Pool, PoolConfig
from smpp.receipts import Submission, text_of
from smpp.session import SessionConfig
from smpp.simulator import BindRule, Rule, Script, Simulator
from smpp.wire.pdu import DataSm, DeliverSm, SubmitSm
from tests.faults.pools import PATIENCE_SECONDS, TWO_SERVERS, messages, pool_config, pool_of, submit_all


@pytest.mark.parametrize("status", ["ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RSYSERR"])
async def test_receipt_of_a_part_that_was_refused_at_first_still_finds_it(status: str) -> None:
    script = Script(rules=(Rule(first=3, status=status),))
    config = pool_config(retry_later_min_seconds=0.01, retry_later_max_seconds=0.02)
    async with Simulator(script=script) as simulator, pool_of(simulator, config) as pool:
        ended = await submit_all(pool, messages(6, receipts=True))
        assert simulator.counters["refused"] == 3
        for outcome in ended.values():
            assert isinstance(outcome, Submission)
            receipt = await outcome.receipt(PATIENCE_SECONDS)
            assert (receipt.id, receipt.state) == (outcome.message_id, MessageState.DELIVERED)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files cannot be counted here")
@pytest.mark.parametrize("answer", ["normal", "disconnect"])
async def test_binds_that_fail_again_and_again_leave_nothing_behind(answer: str) -> None:
    rule = BindRule(status="ESME_RBINDFAIL") if answer == "normal" else BindRule(answer="disconnect")
    async with Simulator(script=Script(binds=(rule,))) as simulator:
        before = len(asyncio.all_tasks())
        config = pool_config(reconnect_min_seconds=0.001, reconnect_max_seconds=0.001, refused_min_seconds=0.001)
        async with pool_of(simulator, config) as pool:
            await simulator.wait_until(lambda: simulator.counters["connections"] >= 20, PATIENCE_SECONDS)
            gc.collect()
            files, tasks = open_files(), len(asyncio.all_tasks())
            await simulator.wait_until(lambda: simulator.counters["connections"] >= 100, PATIENCE_SECONDS)
            gc.collect()
            # Those that are just being made or closed come and go.
            assert open_files() <= files + 6
            assert len(asyncio.all_tasks()) <= tasks + 6
            assert pool.binds[0].reconnects >= 90
        await simulator.wait_until(lambda: not simulator.servers[0].sessions, PATIENCE_SECONDS)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= before + 1


async def test_handler_that_submits_over_the_bind_it_was_called_by_gets_its_answer() -> None:
    # One request of the SMSC fills the inbound window, and reading stops: the answer to what its handler submits
    # is not read until it has stood still for a while.
    session = SessionConfig(window=1, inbound_window=1, inbound_stall_seconds=0.05)
    replied: asyncio.Future[Submission] = asyncio.get_running_loop().create_future()

    async def reply(message: DeliverSm | DataSm) -> int:
        assert text_of(message) == "hello?"
        replied.set_result(await pool.submit(SubmitSm(destination_addr=message.source_addr)))
        return 0

    async with Simulator() as simulator:
        config = PoolConfig(client=ClientConfig(session=session))
        async with Pool(simulator.urls, system_id="demo", config=config, on_deliver=reply) as pool:
            await pool.wait_bound(1, PATIENCE_SECONDS)
            (delivery,) = simulator.deliver("hello?", source="447000000001", destination="4711")
            assert await delivery.wait(PATIENCE_SECONDS) == 0
            assert (await replied).destination == "447000000001"


async def test_both_sides_may_flood_each_other_at_once() -> None:
    async with Simulator() as simulator:
        config = pool_config(window=5)
        async with pool_of(simulator, config, on_deliver=lambda _: 0) as pool:
            await pool.wait_bound(1, PATIENCE_SECONDS)
            text = "x" * 1000
            for number in range(300):
                simulator.deliver(text, source=str(447000000000 + number), destination="4711")
            ended = await submit_all(pool, messages(1000))
            assert all(isinstance(outcome, Submission) for outcome in ended.values())
            await simulator.drained(PATIENCE_SECONDS)
            assert simulator.counters["messages_given_up"] == 0


async def test_stop_with_submits_waiting_for_places_returns_and_they_end() -> None:
    script = Script(rules=(Rule(answer="none"),))
    async with Simulator(TWO_SERVERS, script=script) as simulator:
        pool = pool_of(simulator, pool_config(window=1))
        pool.start()
        await pool.wait_bound(2, PATIENCE_SECONDS)
        waiting = [asyncio.ensure_future(pool.submit(message)) for message in messages(50)]
        await simulator.wait_until(lambda: len(simulator.log) == 2, PATIENCE_SECONDS)
        await pool.stop(0.1)
        await asyncio.wait_for(asyncio.wait(waiting), 5)
        assert all(task.exception() is not None for task in waiting)


async def test_two_pools_with_equal_ids_do_not_mix_their_receipts() -> None:
    # Two SMSCs that both count from 1.
    async with (
        Simulator() as one,
        Simulator(receipt_states={"EXPIRED": 1}) as other,
        pool_of(one) as first,
        pool_of(other) as second,
    ):
        mine, theirs = await asyncio.gather(
            *(submit_all(pool, messages(20, receipts=True)) for pool in (first, second))
        )
        assert {outcome.message_id for outcome in mine.values()} == {  # type: ignore[union-attr]
            outcome.message_id  # type: ignore[union-attr]
            for outcome in theirs.values()
        }
        for ended, state in ((mine, MessageState.DELIVERED), (theirs, MessageState.EXPIRED)):
            for outcome in ended.values():
                assert isinstance(outcome, Submission)
                assert (await outcome.receipt(PATIENCE_SECONDS)).state is state
