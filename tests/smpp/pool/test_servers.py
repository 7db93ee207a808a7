"""Servers of a pool as values: drained and resumed, weights and priorities, pairs of binds, limits of their own."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from smpp.constants import BindMode
from smpp.errors import InvalidUrl, NotSent, StateError
from smpp.pool import BindState, Pool, ServerOptions
from smpp.receipts import Submission
from smpp.simulator import BindRule, Rule, Script, Simulator
from tests.faults.pools import (
    PATIENCE_SECONDS,
    TWO_SERVERS,
    assert_once_unless_in_doubt,
    in_doubt,
    messages,
    pool_config,
    pool_of,
    reserve_all,
    submit_all,
)


def pool_with(simulator: Simulator, *options: dict[str, Any], **config: Any) -> Pool:
    servers = [ServerOptions(url=url, **one) for url, one in zip(simulator.urls, options, strict=True)]
    return Pool(servers, system_id="demo", password="secret", config=pool_config(**config))


def shares(simulator: Simulator) -> Counter[int]:
    return Counter(entry.server for entry in simulator.log)


async def wait_state(pool: Pool, number: int, state: BindState) -> None:
    events = pool.events()
    while pool.binds[number].state is not state:
        await asyncio.wait_for(anext(events), PATIENCE_SECONDS)


# Draining


async def test_drained_server_finishes_what_is_in_flight_and_gets_nothing_new() -> None:
    script = Script(rules=(Rule(delay=0.05),))
    async with Simulator(TWO_SERVERS, script=script) as simulator, pool_of(simulator, binds_per_server=2) as pool:
        await pool.wait_bound(4, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(submit_all(pool, to_send := messages(400)))
        await simulator.wait_until(lambda: len(simulator.log) > 60, PATIENCE_SECONDS)
        await pool.drain(f"127.0.0.1:{simulator.ports[0]}")
        got = simulator.servers[0].rate.total
        assert [bind.state for bind in pool.binds] == [BindState.DRAINED] * 2 + [BindState.BOUND] * 2
        ended = await sending
        assert simulator.servers[0].rate.total == got > 0
        assert_once_unless_in_doubt(simulator, ended, to_send)
        assert not in_doubt(ended)
        assert not simulator.servers[0].sessions


async def test_resumed_server_carries_messages_again() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await pool.drain(simulator.urls[1])
        before = simulator.servers[1].rate.total
        pool.resume(simulator.urls[1])
        await pool.wait_bound(2, PATIENCE_SECONDS)
        ended = await submit_all(pool, messages(100))
        assert all(isinstance(outcome, Submission) for outcome in ended.values())
        assert simulator.servers[1].rate.total > before


async def test_messages_wait_while_the_only_server_is_drained() -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        await pool.drain(simulator.urls[0])
        assert not pool.is_available
        waiting = asyncio.ensure_future(pool.submit(messages(1)[0]))
        await asyncio.sleep(0)
        assert not waiting.done()
        pool.resume(simulator.urls[0])
        assert isinstance(await waiting, Submission)


async def test_place_of_a_drained_server_is_given_back_unsent() -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        (slot,) = await reserve_all(pool, 1)
        await pool.drain(simulator.urls[0])
        with pytest.raises(NotSent):
            await slot.submit(messages(1)[0])
        assert not simulator.log


async def test_paced_parts_of_a_drained_server_go_over_another() -> None:
    async with (
        Simulator(TWO_SERVERS) as simulator,
        pool_of(simulator, parts_per_second_per_server=200) as pool,
    ):
        await pool.wait_bound(2, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(submit_all(pool, to_send := messages(60)))
        await simulator.wait_until(lambda: len(simulator.log) > 10, PATIENCE_SECONDS)
        await pool.drain(simulator.urls[0])
        ended = await sending
        assert_once_unless_in_doubt(simulator, ended, to_send)
        assert not in_doubt(ended)


async def test_server_that_is_down_can_be_drained_and_resumed() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await simulator.servers[0].stop()
        await wait_state(pool, 0, BindState.WAITING)
        await pool.drain(simulator.urls[0])
        assert pool.binds[0].state is BindState.DRAINED
        await simulator.servers[0].start()
        pool.resume(simulator.urls[0])
        await pool.wait_bound(2, PATIENCE_SECONDS)


async def test_server_that_dies_while_it_is_drained_stays_down() -> None:
    script = Script(rules=(Rule(answer="none"),))
    async with Simulator(TWO_SERVERS, script=script) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        slots = await reserve_all(pool, 20)
        answers = [slot.submit(message) for slot, message in zip(slots, messages(20), strict=True)]
        await simulator.wait_until(lambda: len(simulator.log) == 20, PATIENCE_SECONDS)
        draining = asyncio.ensure_future(pool.drain(simulator.urls[0]))
        await wait_state(pool, 0, BindState.DRAINING)
        simulator.servers[0].drop()
        await draining
        assert pool.binds[0].state is BindState.DRAINED
        assert pool.binds[0].in_doubt == 10
        simulator.servers[1].drop()
        await asyncio.gather(*answers, return_exceptions=True)


async def test_resume_while_draining_goes_on_where_it_was() -> None:
    script = Script(rules=(Rule(first=1, answer="none"),))
    async with (
        Simulator(script=script) as simulator,
        pool_of(simulator, pool_config(response_timeout=0.3)) as pool,
    ):
        await pool.wait_bound(1, PATIENCE_SECONDS)
        lost, taken = messages(2)
        first = asyncio.ensure_future(pool.submit(lost))
        await simulator.wait_until(lambda: len(simulator.log) == 1, PATIENCE_SECONDS)
        draining = asyncio.ensure_future(pool.drain(simulator.urls[0]))
        await wait_state(pool, 0, BindState.DRAINING)
        pool.resume(simulator.urls[0])
        await draining
        assert isinstance(await pool.submit(taken), Submission)
        assert pool.binds[0].reconnects == 0
        await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize("turns", range(1, 20, 2))
async def test_resume_at_any_moment_of_a_drain_leaves_no_bind_behind(turns: int) -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        draining = asyncio.ensure_future(pool.drain(simulator.urls[0]))
        for _ in range(turns):
            await asyncio.sleep(0)
        pool.resume(simulator.urls[0])
        await asyncio.wait_for(draining, PATIENCE_SECONDS)
        await pool.wait_bound(1, PATIENCE_SECONDS)
        events = pool.events()
        simulator.servers[0].drop()
        while (await asyncio.wait_for(anext(events), PATIENCE_SECONDS)).kind != "bound":
            pass
        assert isinstance(await pool.submit(messages(1)[0]), Submission)


async def test_drain_does_not_wait_longer_than_it_is_told() -> None:
    script = Script(rules=(Rule(answer="none"),))
    async with Simulator(script=script) as simulator, pool_of(simulator, pool_config(response_timeout=0.3)) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(pool.submit(messages(1)[0]))
        await simulator.wait_until(lambda: len(simulator.log) == 1, PATIENCE_SECONDS)
        await pool.drain(simulator.urls[0], timeout=0.0)
        assert pool.binds[0].state is BindState.DRAINED
        await asyncio.gather(sending, return_exceptions=True)


async def test_stop_ends_a_drain_that_waits() -> None:
    script = Script(rules=(Rule(delay=0.1),))
    async with Simulator(script=script) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(pool.submit(messages(1)[0]))
        await simulator.wait_until(lambda: len(simulator.log) == 1, PATIENCE_SECONDS)
        draining = asyncio.ensure_future(pool.drain(simulator.urls[0]))
        await wait_state(pool, 0, BindState.DRAINING)
        await pool.stop()
        await draining
        assert isinstance(await sending, Submission)
        assert pool.binds[0].state is BindState.STOPPED


async def test_unknown_server_is_an_error_that_names_the_known_ones() -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        with pytest.raises(ValueError, match=rf"no server 'elsewhere:1', but 127\.0\.0\.1:{simulator.ports[0]}"):
            await pool.drain("elsewhere:1")
        with pytest.raises(ValueError, match="no server") as raised:
            pool.resume(f"smpps://demo:hush@127.0.0.1:{simulator.ports[0]}")
        assert "hush" not in str(raised.value)
        with pytest.raises(InvalidUrl):
            pool.resume("http://127.0.0.1")


async def test_pool_that_does_not_run_cannot_be_drained() -> None:
    with pytest.raises(StateError, match="does not run"):
        await Pool(["smpp://127.0.0.1:1"]).drain("127.0.0.1:1")


# Priorities and weights


async def test_standby_gets_nothing_while_a_better_server_is_up() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_with(simulator, {"priority": 2}, {"priority": 1}) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await submit_all(pool, messages(200))
        assert shares(simulator) == {1: 200}


async def test_standby_takes_over_and_hands_back() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_with(simulator, {}, {"priority": 1}) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await simulator.servers[0].stop()
        await wait_state(pool, 0, BindState.WAITING)
        await submit_all(pool, messages(30))
        assert shares(simulator) == {1: 30}
        await simulator.servers[0].start()
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await submit_all(pool, messages(30))
        assert shares(simulator) == {0: 30, 1: 30}


async def test_standby_takes_over_from_a_drained_server() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_with(simulator, {}, {"priority": 1}) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await pool.drain(simulator.urls[0])
        await submit_all(pool, messages(30))
        assert shares(simulator) == {1: 30}


@pytest.mark.parametrize("at_once", [1, 8])
async def test_servers_share_by_weight(at_once: int) -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_with(simulator, {"weight": 3}, {}) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        async for _ in pool.submit_all(messages(400), concurrency=at_once):
            pass
        assert shares(simulator)[0] == pytest.approx(300, abs=20)


async def test_weight_is_the_servers_however_many_binds_it_has() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_with(simulator, {"binds": 4}, {"binds": 1}) as pool:
        await pool.wait_bound(5, PATIENCE_SECONDS)
        async for _ in pool.submit_all(messages(400), concurrency=1):
            pass
        assert shares(simulator)[0] == pytest.approx(200, abs=20)


async def test_slow_server_gets_less_whatever_its_weight() -> None:
    script = Script(rules=(Rule(server=0, delay=0.2),))
    async with Simulator(TWO_SERVERS, script=script) as simulator, pool_with(simulator, {"weight": 50}, {}) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        async for _ in pool.submit_all(messages(500), concurrency=20):
            pass
        assert shares(simulator)[0] < 200


async def test_server_that_was_away_does_not_make_up_for_it() -> None:
    async with Simulator(TWO_SERVERS) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await pool.drain(simulator.urls[0])
        await submit_all(pool, messages(300))
        pool.resume(simulator.urls[0])
        await pool.wait_bound(2, PATIENCE_SECONDS)
        before = shares(simulator)
        async for _ in pool.submit_all(messages(100), concurrency=1):
            pass
        assert shares(simulator)[1] - before[1] == pytest.approx(50, abs=10)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"weight": 0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"binds": 0}, "at least 1 bind"),
        ({"bind_mode": "trx"}, "bind_mode"),
        ({"parts_per_second": -1}, "parts_per_second"),
        ({"parts_per_second_per_bind": float("inf")}, "parts_per_second_per_bind"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        ServerOptions(url="smpp://localhost", **options)


def test_options_do_not_show_the_password_of_their_url() -> None:
    assert "hush" not in repr(ServerOptions(url="smpp://demo:hush@localhost"))


# Pairs


async def test_pair_sends_over_its_transmitter_and_hears_over_its_receiver() -> None:
    bound: list[str] = []
    async with Simulator(
        on_event=lambda event: bound.append(event.text) if event.kind == "bound" else None
    ) as simulator:
        async with pool_with(simulator, {"bind_mode": "pair", "binds": 2}) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            ended = await submit_all(pool, messages(20, receipts=True))
            for outcome in ended.values():
                assert isinstance(outcome, Submission)
                await outcome.receipt(PATIENCE_SECONDS)
            assert [(bind.mode, bind.fell_back) for bind in pool.binds] == [("pair", False)] * 2
        assert len(bound) == 4


@pytest.mark.parametrize("status", ["ESME_RINVCMDID", "ESME_RINVBNDSTS"])
async def test_transceiver_falls_back_to_a_pair_where_the_smsc_knows_none(status: str) -> None:
    script = Script(binds=(BindRule(mode="trx", status=status),))
    async with Simulator(script=script) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        assert (pool.binds[0].mode, pool.binds[0].fell_back, pool.binds[0].reconnects) == ("pair", True, 0)
        (outcome,) = (await submit_all(pool, messages(1, receipts=True))).values()
        assert isinstance(outcome, Submission)
        await outcome.receipt(PATIENCE_SECONDS)
        simulator.servers[0].drop()
        await wait_state(pool, 0, BindState.WAITING)
        await pool.submit(messages(1)[0])
        assert simulator.counters["binds_refused"] == 1


async def test_fall_back_can_be_switched_off() -> None:
    script = Script(binds=(BindRule(mode="trx", status="ESME_RINVCMDID", first=1),))
    async with Simulator(script=script) as simulator, pool_of(simulator, pool_config(fall_back_to_pair=False)) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        assert (pool.binds[0].mode, pool.binds[0].reconnects) == ("trx", 1)


async def test_pair_that_loses_one_half_answers_what_is_in_flight_and_comes_back() -> None:
    script = Script(rules=(Rule(delay=0.05),))
    async with Simulator(script=script) as simulator, pool_with(simulator, {"bind_mode": "pair"}) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(submit_all(pool, to_send := messages(100)))
        await simulator.wait_until(lambda: len(simulator.log) >= 5, PATIENCE_SECONDS)
        receiver = next(one for one in simulator.servers[0].sessions if one.bind_mode is BindMode.RECEIVER)
        receiver.connection.abort("cut")
        ended = await sending
        assert_once_unless_in_doubt(simulator, ended, to_send)
        assert not in_doubt(ended)
        assert pool.binds[0].reconnects == 1


async def test_receiver_bind_carries_no_messages() -> None:
    async with (
        Simulator(TWO_SERVERS) as simulator,
        pool_with(simulator, {"bind_mode": BindMode.RECEIVER}, {"bind_mode": BindMode.TRANSMITTER}) as pool,
    ):
        await pool.wait_bound(2, PATIENCE_SECONDS)
        await submit_all(pool, messages(40))
        assert shares(simulator) == {1: 40}
        assert [bind.mode for bind in pool.binds] == ["rx", "tx"]
