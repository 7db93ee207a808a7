"""What scripts make the simulated SMSC do wrong."""

import asyncio

import pytest

from smpp.errors import DecodeError
from smpp.simulator import BindRule, LinkFaults, Receipts, Rule, Script, Simulator
from smpp.status import CommandStatus as Status
from smpp.wire import decode, encode
from smpp.wire.pdu import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransmitter,
    DataSmResp,
    DeliverSm,
    EnquireLink,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
)
from tests.smpp.simulator.esme import SUBMIT, connection, esme

QUIET = SubmitSm("", 5, 0, "INFO", 1, 1, "447900900123", short_message=b"hello")
OTHER = SubmitSm("", 1, 1, "4911", 1, 1, "33600000000", short_message=b"other")


def scripted(*rules: Rule, **sections: object) -> Simulator:
    return Simulator(script=Script(rules=rules, **sections))  # type: ignore[arg-type]


async def statuses(simulator: Simulator, *messages: SubmitSm) -> list[int]:
    async with esme(simulator) as client:
        return [(await client.ask(message)).command_status for message in messages]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(destination="4479*", status="ESME_RINVDSTADR"), [0x0B, 0]),
        (Rule(destination="44790090012?", status="RINVDSTADR"), [0x0B, 0]),
        (Rule(source="INFO", status="0x58"), [0x58, 0]),
        (Rule(text="*ell*", status=0x400), [0x400, 0]),
        (Rule(system_id="demo", server=0, status=8), [8, 8]),
        (Rule(system_id="someone", status=8), [0, 0]),
        (Rule(server=1, status=8), [0, 0]),
        (Rule(probability=0.0, status=8), [0, 0]),
    ],
)
async def test_rules_look_at_the_message(rule: Rule, expected: list[int]) -> None:
    async with scripted(rule) as simulator:
        assert await statuses(simulator, QUIET, OTHER) == expected


async def test_the_first_rule_that_fits_decides() -> None:
    async with scripted(Rule(source="INFO", status=1), Rule(status=2)) as simulator:
        assert await statuses(simulator, QUIET, OTHER) == [1, 2]


async def test_a_rule_may_take_every_third_message() -> None:
    async with scripted(Rule(every=3, status=8)) as simulator:
        assert await statuses(simulator, *[QUIET] * 7) == [0, 0, 8, 0, 0, 8, 0]


async def test_a_rule_may_serve_so_many_times() -> None:
    async with scripted(Rule(first=2, status=8)) as simulator:
        assert await statuses(simulator, *[QUIET] * 4) == [8, 8, 0, 0]


async def test_chances_repeat_with_a_seed() -> None:
    seen = []
    for _ in range(2):
        async with scripted(Rule(probability=0.5, status=8), seed=11) as simulator:
            seen.append(await statuses(simulator, *[QUIET] * 20))
    assert seen[0] == seen[1]
    assert set(seen[0]) == {0, 8}


async def test_what_exceeds_a_rate_is_throttled() -> None:
    async with scripted(Rule(over_per_second=3)) as simulator:
        assert await statuses(simulator, *[QUIET] * 5) == [0, 0, 0, Status.ESME_RTHROTTLED, Status.ESME_RTHROTTLED]
        assert simulator.servers[0].rate.max_per_second == 5


async def test_a_refused_message_has_no_id_and_no_receipt() -> None:
    async with scripted(Rule(first=1, status=8)) as simulator, esme(simulator) as client:
        answer = await client.ask(SUBMIT)
        assert answer.message == SubmitSmResp()
        assert simulator.pending_receipts == 0
        assert simulator.log[0].message_id == ""
        assert simulator.log[0].command_status == 8


async def test_a_late_answer_lets_others_pass() -> None:
    async with scripted(Rule(source="INFO", delay=0.02)) as simulator, esme(simulator) as client:
        slow, quick = client.write(QUIET), client.write(OTHER)
        assert [(await client.read()).sequence_number for _ in range(2)] == [quick, slow]


async def test_silence_means_accepted_and_not_answered() -> None:
    async with scripted(Rule(source="INFO", answer="none")) as simulator, esme(simulator) as client:
        client.write(SUBMIT)
        receipt = await client.deliver()
        assert isinstance(receipt, DeliverSm)
        assert (await client.ask(OTHER)).message == SubmitSmResp("2")
        assert [entry.command_status for entry in simulator.log] == [None, 0]


async def test_a_malformed_answer_keeps_the_framing() -> None:
    async with scripted(Rule(source="INFO", answer="malformed")) as simulator, esme(simulator) as client:
        sequence_number = client.write(QUIET)
        octets = await client.octets()
        assert octets[4:8] == bytes.fromhex("80000004")
        assert int.from_bytes(octets[12:16], "big") == sequence_number
        try:
            message = decode(octets).message
        except DecodeError:
            message = None
        assert message != SubmitSmResp("1")
        assert (await client.ask(OTHER)).command_status == 0


async def test_a_bad_length_loses_it() -> None:
    async with scripted(Rule(answer="bad_length")) as simulator, esme(simulator) as client:
        client.write(QUIET)
        assert await client.reader.readexactly(8) == bytes.fromhex("0000000880000004")


async def test_an_answer_may_be_of_the_wrong_type() -> None:
    async with scripted(Rule(answer="wrong_type")) as simulator, esme(simulator) as client:
        answer = await client.ask(QUIET)
        assert answer.message == DataSmResp("1")
        assert answer.sequence_number == client.sequence_number


async def test_an_answer_may_come_twice() -> None:
    async with scripted(Rule(answer="duplicate")) as simulator, esme(simulator) as client:
        client.write(QUIET)
        assert await client.read() == await client.read()


async def test_an_answer_may_be_a_generic_nack() -> None:
    async with scripted(Rule(answer="nack", status="ESME_RINVCMDID")) as simulator, esme(simulator) as client:
        answer = await client.ask(QUIET)
        assert (answer.message, answer.command_status) == (GenericNack(), Status.ESME_RINVCMDID)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_connection_may_end_about_an_answer(moment: str) -> None:
    async with scripted(Rule(disconnect=moment)) as simulator, esme(simulator) as client:  # type: ignore[arg-type]
        client.write(QUIET)
        if moment == "after":
            assert await client.expect(SubmitSmResp) == SubmitSmResp("1")
        assert await client.is_closed()
        assert simulator.log[0].message_id == "1"
        assert simulator.log[0].command_status == (0 if moment == "after" else None)


async def test_a_frozen_connection_neither_reads_nor_writes_and_then_goes_on() -> None:
    async with scripted(Rule(first=1, freeze=0.05)) as simulator, esme(simulator) as client:
        await client.ask(QUIET)
        loop = asyncio.get_running_loop()
        await simulator.wait_until(lambda: True)
        start = loop.time()
        # Two round trips: the first may still have been read before the link froze.
        await client.ask(QUIET)
        await client.ask(QUIET)
        assert loop.time() - start >= 0.03
        assert len(simulator.log) == 3


async def test_everything_may_be_frozen_by_hand() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        simulator.freeze()
        client.write(QUIET)
        with pytest.raises(TimeoutError):
            await client.octets(timeout=0.02)
        assert len(simulator.log) == 0
        simulator.thaw()
        assert (await client.read()).message == SubmitSmResp("1")


async def test_stopping_a_frozen_simulator_does_not_wait() -> None:
    async with Simulator() as simulator, esme(simulator):
        simulator.freeze()
        await simulator.servers[0].stop(in_order=False)


# Links


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17])
async def test_pdus_may_be_written_in_pieces(size: int) -> None:
    async with Simulator(script=Script(link=LinkFaults(write_octets=size))) as simulator, esme(simulator) as client:
        first, second = client.write(QUIET), client.write(QUIET)
        assert [await client.octets(), await client.octets()] == [
            encode(SubmitSmResp("1"), first),
            encode(SubmitSmResp("2"), second),
        ]


async def test_enquire_link_may_be_ignored_and_nothing_else_is() -> None:
    script = Script(link=LinkFaults(ignore_enquire_link=True))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        client.write(QUIET)
        client.write(EnquireLink())
        client.write(QUIET)
        assert [(await client.read()).message for _ in range(2)] == [SubmitSmResp("1"), SubmitSmResp("2")]


async def test_a_window_that_is_exceeded_is_refused() -> None:
    script = Script(rules=(Rule(delay=0.02),), link=LinkFaults(window=2, window_status="ESME_RMSGQFUL"))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        for _ in range(3):
            client.write(QUIET)
        answers = [await client.read() for _ in range(3)]
        assert [answer.command_status for answer in answers] == [Status.ESME_RMSGQFUL, 0, 0]


# Binds


async def test_binds_may_be_refused_by_rule() -> None:
    rules = (BindRule(mode="rx", status="ESME_RALYBND"), BindRule(first=1, status="ESME_RSYSERR"))
    async with Simulator(script=Script(binds=rules)) as simulator, connection(simulator) as client:
        assert (await client.ask(BindTransceiver("demo", "x"))).command_status == Status.ESME_RSYSERR
        assert (await client.ask(BindReceiver("demo", "x"))).command_status == Status.ESME_RALYBND
        assert (await client.ask(BindTransceiver("demo", "x"))).command_status == 0


async def test_binds_may_take_their_time() -> None:
    script = Script(binds=(BindRule(delay=0.02),))
    async with Simulator(script=script) as simulator, connection(simulator) as client:
        start = asyncio.get_running_loop().time()
        assert (await client.ask(BindReceiver("demo", "x"))).message.__class__ is BindReceiverResp
        assert asyncio.get_running_loop().time() - start >= 0.015


async def test_binds_may_stay_unanswered_or_end_the_connection() -> None:
    rules = (BindRule(mode="tx", answer="disconnect"), BindRule(mode="rx", answer="none"))
    async with Simulator(script=Script(binds=rules)) as simulator:
        async with connection(simulator) as client:
            client.write(BindTransmitter("demo", "x"))
            assert await client.is_closed()
        async with connection(simulator) as client:
            client.write(BindReceiver("demo", "x"))
            with pytest.raises(TimeoutError):
                await client.octets(timeout=0.02)


async def test_binds_of_one_account_may_be_limited() -> None:
    async with Simulator(script=Script(max_binds=1)) as simulator, esme(simulator), connection(simulator) as second:
        assert (await second.ask(BindTransceiver("demo", "x"))).command_status == Status.ESME_RALYBND


async def test_stopping_ends_what_was_still_to_come() -> None:
    script = Script(rules=(Rule(delay=60),), binds=(BindRule(mode="rx", answer="none"),), receipts=Receipts(delay=60))
    async with Simulator(script=script) as simulator, esme(simulator) as client, connection(simulator) as waiting:
        client.write(SUBMIT)
        waiting.write(BindReceiver("demo", "x"))
        await simulator.wait_until(lambda: len(simulator.log) == 1)
