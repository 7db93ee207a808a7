"""The pool against servers that die, freeze, forget, refuse and come back: nothing is lost, nothing sent twice.

The simulated SMSC's own log is the judge.
"""

import asyncio
from collections import Counter

import pytest

from smpp import tlv
from smpp.constants import InterfaceVersion
from smpp.endpoint import client_tls
from smpp.errors import EncodeError, InDoubt, NotSent, ResponseTimeout, StateError, SubmitRejected
from smpp.pool import BindState, BindStatus
from smpp.receipts import Submission
from smpp.session import SessionConfig
from smpp.simulator import BindRule, Rule, Script, Simulator, ThrowAwayTls, throw_away_tls
from smpp.status import CommandStatus
from smpp.wire.pdu import DataSm, DeliverSm, SubmitSm
from smpp.wire.tlv import Tlvs
from tests.faults.pools import (
    PATIENCE_SECONDS,
    TWO_SERVERS,
    arrivals,
    assert_once_unless_in_doubt,
    destinations,
    in_doubt,
    messages,
    pool_config,
    pool_of,
    reserve_all,
    submit_all,
)


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


# Servers that die


async def test_killed_server_costs_what_was_in_flight_there_at_most_and_comes_back() -> None:
    async with Simulator(TWO_SERVERS, script=Script(rules=(Rule(delay=0.005),))) as simulator:
        async with pool_of(simulator, binds_per_server=2) as pool:
            await pool.wait_bound(4, PATIENCE_SECONDS)
            sending = asyncio.ensure_future(submit_all(pool, to_send := messages(1500)))
            await simulator.wait_until(lambda: len(simulator.log) > 200, PATIENCE_SECONDS)
            await simulator.servers[0].stop(in_order=False)
            await simulator.wait_until(lambda: len(simulator.log) > 700, PATIENCE_SECONDS)
            await simulator.servers[0].start()
            await pool.wait_bound(4, PATIENCE_SECONDS)
            ended = await sending
            before = simulator.servers[0].rate.total
            later = await submit_all(pool, messages(1540)[1500:])
        assert_once_unless_in_doubt(simulator, ended, to_send)
        # Two binds with a window of 10 each were cut.
        assert len(in_doubt(ended)) <= 20
        assert all(isinstance(outcome, Submission) for outcome in later.values())
        assert simulator.servers[0].rate.total > before


async def test_all_but_one_server_lost_changes_nothing_but_speed() -> None:
    async with Simulator(("smpp://127.0.0.1:0",) * 4, script=Script(rules=(Rule(delay=0.002),))) as simulator:
        async with pool_of(simulator) as pool:
            await pool.wait_bound(4, PATIENCE_SECONDS)
            sending = asyncio.ensure_future(submit_all(pool, to_send := messages(3000)))
            for server in simulator.servers[1:]:
                # A stop takes its time: the others may be through with everything meanwhile.
                enough = min(len(simulator.log) + 100, len(to_send))
                await simulator.wait_until(lambda enough=enough: len(simulator.log) >= enough, PATIENCE_SECONDS)  # type: ignore[misc]
                # An SMSC that goes down in order answers everything it took.
                await server.stop()
            ended = await sending
            assert pool.is_available
        assert_once_unless_in_doubt(simulator, ended, to_send)
        assert not in_doubt(ended)


async def test_frozen_server_leaves_doubt_and_the_rest_goes_elsewhere() -> None:
    config = pool_config(response_timeout=0.4, enquire_link=0.4)
    back = asyncio.Event()

    def watch(bind: BindStatus) -> None:
        if bind.state is BindState.BOUND and bind.reconnects:
            back.set()

    async with (
        Simulator(TWO_SERVERS, script=Script(rules=(Rule(delay=0.002),))) as simulator,
        pool_of(simulator, config, on_change=watch) as pool,
    ):
        await pool.wait_bound(2, PATIENCE_SECONDS)
        sending = asyncio.ensure_future(submit_all(pool, to_send := messages(1500)))
        await simulator.wait_until(lambda: len(simulator.log) > 100, PATIENCE_SECONDS)
        simulator.servers[0].freeze()
        ended = await sending
        assert_once_unless_in_doubt(simulator, ended, to_send)
        # What the frozen bind's window held, twice at most: it waits for one answer more before it knows.
        assert 1 <= len(in_doubt(ended)) <= 20
        # The silent link is given up, and bound again since its server takes new ones.
        await back.wait()
        simulator.thaw()
        again = await submit_all(pool, messages(1520)[1500:])
        assert all(isinstance(outcome, Submission) for outcome in again.values())


async def test_reset_tls_links_come_back_as_tls(tls: ThrowAwayTls) -> None:
    servers = ("smpps://localhost:0",) * 2
    async with Simulator(
        servers, ssl_context=tls.server_context, script=Script(rules=(Rule(delay=0.002),))
    ) as simulator:
        context = client_tls()
        context.load_verify_locations(cadata=tls.ca_pem.decode())
        async with pool_of(simulator, ssl_context=context) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            sending = asyncio.ensure_future(submit_all(pool, to_send := messages(600)))
            for _ in range(3):
                seen = len(simulator.log)
                await simulator.wait_until(lambda seen=seen: len(simulator.log) >= seen + 50, PATIENCE_SECONDS)  # type: ignore[misc]
                simulator.servers[0].drop()
            ended = await sending
            await pool.wait_bound(2, PATIENCE_SECONDS)
            assert all(bind.tls for bind in pool.binds)
            assert pool.binds[0].reconnects >= 1
        assert_once_unless_in_doubt(simulator, ended, to_send)


# Answers that are lost


async def test_lost_responses_are_in_doubt_and_free_their_places() -> None:
    # Every place of the window is lost at once, and nothing else happens on the bind that could wake anybody.
    script = Script(rules=(Rule(first=3, answer="none"),))
    async with (
        Simulator(script=script) as simulator,
        pool_of(simulator, pool_config(window=3, response_timeout=0.3, enquire_link=0)) as pool,
    ):
        ended = await submit_all(pool, to_send := messages(12))
        assert_once_unless_in_doubt(simulator, ended, to_send)
        assert len(in_doubt(ended)) == 3
        assert all(isinstance(ended[destination], ResponseTimeout) for destination in in_doubt(ended))


async def test_resend_in_doubt_sends_again_what_was_lost_and_nothing_else() -> None:
    script = Script(rules=(Rule(first=3, answer="none"),))
    async with Simulator(script=script) as simulator:
        async with pool_of(simulator, pool_config(window=3, response_timeout=0.3, resend_in_doubt=True)) as pool:
            ended = await submit_all(pool, to_send := messages(12))
        assert all(isinstance(outcome, Submission) for outcome in ended.values())
        twice = [message.destination_addr for message in to_send[:3]]
        assert sorted(destinations(simulator)) == sorted([*twice, *(m.destination_addr for m in to_send)])
        marked = {to: one.doubts for to, one in ended.items() if isinstance(one, Submission) and one.doubts}
        assert marked == dict.fromkeys(twice, 1)


@pytest.mark.parametrize("refusal", ["ESME_RINVDSTADR", "ESME_RTHROTTLED"])
async def test_message_in_doubt_stays_so_when_its_second_copy_is_refused(refusal: str) -> None:
    once_silent = tuple(Rule(destination=message.destination_addr, first=1, answer="none") for message in messages(2))
    script = Script(rules=(*once_silent, Rule(status=refusal)))
    config = pool_config(response_timeout=0.2, resend_in_doubt=True, retry_seconds=0.1)
    async with Simulator(script=script) as simulator, pool_of(simulator, config) as pool:
        first, second = messages(2)
        with pytest.raises(InDoubt):
            await pool.submit(first)
        ended = await submit_all(pool, [second])
        assert in_doubt(ended) == {second.destination_addr}


async def test_message_in_doubt_stays_so_when_the_pool_stops_before_it_goes_again() -> None:
    once_silent = tuple(Rule(destination=message.destination_addr, first=1, answer="none") for message in messages(2))
    script = Script(rules=(*once_silent, Rule(status="ESME_RTHROTTLED")))
    config = pool_config(
        response_timeout=0.2, resend_in_doubt=True, throttle_min_seconds=60.0, throttle_max_seconds=60.0
    )
    async with Simulator(script=script) as simulator:
        pool = pool_of(simulator, config)
        pool.start()
        await pool.wait_bound(1, PATIENCE_SECONDS)
        first, second = messages(2)
        one = asyncio.ensure_future(pool.submit(first))
        other = asyncio.ensure_future(submit_all(pool, [second]))
        await simulator.wait_until(lambda: simulator.counters["refused"] >= 1, PATIENCE_SECONDS)
        await pool.stop()
        with pytest.raises(InDoubt):
            await one
        assert in_doubt(await other) == {second.destination_addr}


async def test_error_of_a_long_message_tells_of_all_its_parts() -> None:
    script = Script(rules=(Rule(every=2, first=1, status="ESME_RINVDSTADR"),))
    async with Simulator(script=script) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        with pytest.raises(SubmitRejected) as raised:
            await pool.send(sender="INFO", to="447000000000", text="long " * 90)
        assert [type(part) for part in raised.value.parts] == [Submission, SubmitRejected, Submission]
        assert len(simulator.log) == 3


async def test_message_that_cannot_be_coded_frees_its_place() -> None:
    bad = SubmitSm(destination_addr="4" * 40)
    async with Simulator() as simulator, pool_of(simulator, pool_config(window=1)) as pool:
        outcomes = await asyncio.gather(
            *(pool.submit(message) for message in (bad, *messages(2), bad)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [EncodeError, Submission, Submission, EncodeError]


async def test_message_that_an_old_smsc_cannot_carry_is_an_error_not_a_loop() -> None:
    session = SessionConfig(interface_version=InterfaceVersion.V3_3)
    async with Simulator(session=session) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        with pytest.raises(EncodeError, match=r"3\.3"):
            await pool.submit(SubmitSm(destination_addr="44", tlvs=Tlvs.of(tlv.message_payload(b"x" * 300))))
        assert isinstance(await pool.submit(messages(1)[0]), Submission)


async def test_rejection_names_status_destination_and_bind() -> None:
    script = Script(rules=(Rule(destination="447000000001", status="ESME_RINVDSTADR"),))
    async with Simulator(script=script) as simulator, pool_of(simulator) as pool:
        ended = await submit_all(pool, messages(3))
        rejected = ended["447000000001"]
        assert isinstance(rejected, SubmitRejected)
        assert rejected.command_status == CommandStatus.ESME_RINVDSTADR
        assert "447000000001" in str(rejected)
        assert f"127.0.0.1:{simulator.ports[0]}#0" in str(rejected)
        assert sum(bind.refused for bind in pool.binds) == 1


# Binds that are refused


async def test_bind_refused_as_already_bound_is_tried_until_it_is_let_in() -> None:
    script = Script(binds=(BindRule(first=3, status="ESME_RALYBND"),))
    async with Simulator(script=script) as simulator, pool_of(simulator) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        assert simulator.counters["binds_refused"] == 3
        assert "ESME_RALYBND" in pool.binds[0].last_error
        assert pool.binds[0].reconnects == 3
        assert isinstance(await pool.submit(messages(1)[0]), Submission)


async def test_wait_bound_says_why_a_bind_is_not_up() -> None:
    async with Simulator(credentials={"demo": "other"}) as simulator, pool_of(simulator) as pool:
        with pytest.raises(TimeoutError, match=r"127\.0\.0\.1:\d+#0: .*ESME_R") as raised:
            await pool.wait_bound(1, 0.3)
        assert "secret" not in str(raised.value)


async def test_pool_stops_while_a_server_keeps_it_waiting_for_its_bind() -> None:
    rules = (BindRule(server=1, answer="none"),)
    async with Simulator(TWO_SERVERS, script=Script(binds=rules)) as simulator:
        pool = pool_of(simulator)
        pool.start()
        await pool.wait_bound(1, PATIENCE_SECONDS)
        await simulator.wait_until(lambda: simulator.counters["connections"] == 2, PATIENCE_SECONDS)
        await pool.stop()
        assert [bind.state for bind in pool.binds] == [BindState.STOPPED] * 2
        assert not [task for task in asyncio.all_tasks() if "Pool" in repr(task.get_coro())]


# Ending


async def test_stop_waits_for_what_is_in_flight_then_unbinds() -> None:
    ends: list[str] = []
    script = Script(rules=(Rule(delay=0.3),))
    async with Simulator(
        TWO_SERVERS, script=script, on_event=lambda event: ends.append(event.text) if event.kind == "closed" else None
    ) as simulator:
        pool = pool_of(simulator)
        pool.start()
        await pool.wait_bound(2, PATIENCE_SECONDS)
        sending = [asyncio.ensure_future(pool.submit(message)) for message in messages(20)]
        await simulator.wait_until(lambda: len(simulator.log) == 20, PATIENCE_SECONDS)
        await pool.stop()
        assert all(isinstance(task.result(), Submission) for task in sending)
        await simulator.wait_until(lambda: len(ends) == 2, PATIENCE_SECONDS)
        assert ends == ["the peer unbound"] * 2


async def test_stop_under_load_tells_everybody_what_became_of_their_part() -> None:
    async with Simulator(TWO_SERVERS, script=Script(rules=(Rule(delay=0.01),))) as simulator:
        pool = pool_of(simulator, parts_per_second_per_server=2000)
        pool.start()
        await pool.wait_bound(2, PATIENCE_SECONDS)
        sending = [asyncio.ensure_future(pool.submit(message)) for message in messages(1000)]
        await simulator.wait_until(lambda: len(simulator.log) > 100, PATIENCE_SECONDS)
        await pool.stop()
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Submission, StateError}
        taken = {outcome.destination for outcome in outcomes if isinstance(outcome, Submission)}
        assert arrivals(simulator) == Counter(taken)
        with pytest.raises(StateError, match="stops"):
            await pool.submit(messages(1)[0])


async def test_stop_lets_no_part_go_before_its_moment() -> None:
    async with Simulator() as simulator:
        pool = pool_of(simulator, parts_per_second_per_server=60)
        pool.start()
        await pool.wait_bound(1, PATIENCE_SECONDS)
        first, second, third, fourth = messages(4)
        await pool.submit(first)
        waiting = [
            slot.submit(message)
            for slot, message in zip(await reserve_all(pool, 3), (second, third, fourth), strict=True)
        ]
        await pool.stop()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {NotSent}
        assert destinations(simulator) == [first.destination_addr]


async def test_stop_of_a_frozen_smsc_ends_at_its_deadline_with_doubt() -> None:
    async with Simulator(TWO_SERVERS) as simulator:
        pool = pool_of(simulator)
        pool.start()
        await pool.wait_bound(2, PATIENCE_SECONDS)
        simulator.freeze()
        payload = Tlvs.of(tlv.message_payload(b"x" * 60_000))
        big = [SubmitSm(destination_addr=str(n), tlvs=payload) for n in range(20)]
        sending = [slot.submit(message) for slot, message in zip(await reserve_all(pool, 20), big, strict=True)]
        waiting = asyncio.ensure_future(pool.submit(big[0]))
        await pool.stop(0.2)
        assert all(future.done() for future in sending)
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {InDoubt}
        with pytest.raises(StateError):
            await waiting
        assert {bind.state for bind in pool.binds} == {BindState.STOPPED}
        # Nothing of the connections is left on our side, though the peer never read what was written.
        simulator.thaw()
        await simulator.wait_until(lambda: not any(server.sessions for server in simulator.servers), PATIENCE_SECONDS)


async def test_submit_that_is_cancelled_before_its_moment_never_leaves() -> None:
    async with Simulator() as simulator, pool_of(simulator, parts_per_second_per_server=20) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        first, second, third = messages(3)
        await pool.submit(first)
        waiting = asyncio.ensure_future(pool.submit(second))
        await asyncio.sleep(0)
        waiting.cancel()
        assert isinstance(await pool.submit(third), Submission)
        assert destinations(simulator) == [first.destination_addr, third.destination_addr]


# Receipts


async def test_every_receipt_finds_its_submission_over_any_bind_of_any_server() -> None:
    async with (
        Simulator(TWO_SERVERS, receipt_route="other_server", seed=3) as simulator,
        pool_of(simulator, binds_per_server=2) as pool,
    ):
        await pool.wait_bound(4, PATIENCE_SECONDS)
        ended = await submit_all(pool, messages(300, receipts=True))
        for outcome in ended.values():
            assert isinstance(outcome, Submission)
            receipt = await outcome.receipt(PATIENCE_SECONDS)
            assert receipt.id == outcome.message_id
            assert len(outcome.receipts) == 1
        by_id = {entry.message_id: entry for entry in simulator.log}
        await simulator.drained(PATIENCE_SECONDS)
        assert len(simulator.deliveries) == 300
        assert all(one.server != by_id[one.message_id].server for one in simulator.deliveries)


async def test_receipts_are_kept_by_the_smsc_while_every_bind_is_down() -> None:
    came: list[str] = []

    async def keep(message: DeliverSm | DataSm) -> int:
        came.append(message.source_addr)
        return 0

    async with Simulator(TWO_SERVERS, receipt_delay=0.2) as simulator:
        async with pool_of(simulator, on_deliver=keep) as pool:
            await pool.wait_bound(2, PATIENCE_SECONDS)
            ended = await submit_all(pool, to_send := messages(20, receipts=True))
            for server in simulator.servers:
                await server.stop(in_order=False)
            for server in simulator.servers:
                await server.start()
            await pool.wait_bound(2, PATIENCE_SECONDS)
            for outcome in ended.values():
                assert isinstance(outcome, Submission)
                await outcome.receipt(PATIENCE_SECONDS)
            await simulator.drained(PATIENCE_SECONDS)
        assert sorted(came) == sorted(message.destination_addr for message in to_send)


async def test_receipt_that_the_handler_cannot_keep_is_sent_again() -> None:
    tries: list[str] = []

    async def keep(message: DeliverSm | DataSm) -> int:
        tries.append(message.source_addr)
        if len(tries) == 1:
            raise OSError("disk full")
        return 0

    script = Script()
    async with Simulator(script=script) as simulator:
        simulator.script = Script(receipts=type(script.receipts)(retry=0.01))
        async with pool_of(simulator, on_deliver=keep) as pool:
            submission = await pool.submit(messages(1, receipts=True)[0])
            await submission.receipt(PATIENCE_SECONDS)
            assert simulator.counters["receipts_refused"] == 1
            await simulator.drained(PATIENCE_SECONDS)
        assert len(tries) == 2
