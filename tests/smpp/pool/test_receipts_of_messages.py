"""Receipts of long messages by the parts that were asked about, and receipts for which there is no room."""

import asyncio
from typing import Any

import pytest

import smpp
from smpp.constants import MessageState
from smpp.correlator import Correlator, ReceiptParts
from smpp.errors import StateError
from smpp.receipts import ReceiptDesk, SentMessage, Submission, ask_for_receipts
from smpp.simulator import Rule, Script, Simulator
from smpp.sms import Receipt
from smpp.status import CommandStatus
from smpp.wire.pdu import SubmitSm, SubmitSmResp
from tests.faults.pools import PATIENCE_SECONDS, messages, pool_config, pool_of

LONG = "word " * 80  # three parts


def asked(simulator: Simulator) -> list[int]:
    found = [entry.message for entry in simulator.log]
    return [one.registered_delivery for one in found if isinstance(one, SubmitSm)]


@pytest.mark.parametrize(
    ("receipt_parts", "expected"),
    [("all", [1, 1, 1]), ("first", [1, 0, 0]), (ReceiptParts.LAST, [0, 0, 1])],
)
async def test_only_the_wanted_parts_ask_and_the_message_waits_for_them(
    receipt_parts: Any, expected: list[int]
) -> None:
    async with Simulator() as simulator, pool_of(simulator, pool_config(window=1)) as pool:
        sent = await pool.send(sender="INFO", to="447700900123", text=LONG, receipt_parts=receipt_parts)
        assert asked(simulator) == expected
        receipt = await sent.receipt(PATIENCE_SECONDS)
        assert receipt.state is sent.state is MessageState.DELIVERED
        assert sent.is_final
        assert sum(len(part.receipts) for part in sent.parts) == sum(expected)


async def test_client_asks_about_the_wanted_parts_too() -> None:
    async with Simulator() as simulator, smpp.connect(simulator.url(0, "demo", "secret")) as client:
        sent = await client.send(sender="INFO", to="447700900123", text=LONG, receipt_parts="last")
        assert asked(simulator) == [0, 0, 1]
        assert (await sent.receipt(PATIENCE_SECONDS)).id == sent.message_ids[2]


async def test_message_without_receipts_is_final_and_cannot_be_waited_for() -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        sent = await pool.send(sender="INFO", to="447700900123", text="hi", receipt=False)
        assert asked(simulator) == [0]
        assert (sent.is_final, sent.state) == (True, MessageState.ACCEPTED)
        with pytest.raises(StateError, match="no receipt was asked for"):
            await sent.receipt()


async def test_unknown_choice_of_parts_is_an_error_before_anything_leaves() -> None:
    async with Simulator() as simulator, pool_of(simulator) as pool:
        with pytest.raises(ValueError, match="some"):
            await pool.send(sender="INFO", to="447700900123", text="hi", receipt_parts="some")
        assert not simulator.log


def test_parts_that_do_not_ask_keep_everything_else() -> None:
    parts = [SubmitSm(destination_addr=str(n), registered_delivery=1) for n in range(2)]
    assert ask_for_receipts(parts, ReceiptParts.FIRST) == [parts[0], SubmitSm(destination_addr="1")]
    assert ask_for_receipts(parts, ReceiptParts.NONE) == [
        SubmitSm(destination_addr="0"),
        SubmitSm(destination_addr="1"),
    ]


def part(*states: MessageState) -> Submission:
    submission = Submission("1", "44", SubmitSmResp("1"), "bind")
    for state in states:
        submission.add(Receipt(id="1", state=state))
    return submission


async def test_first_part_that_failed_tells_the_fate_of_the_message() -> None:
    good, bad = part(MessageState.DELIVERED), part(MessageState.ENROUTE, MessageState.EXPIRED)
    sent = SentMessage((good, bad, part(MessageState.REJECTED)))
    assert (await sent.receipt(1)).state is sent.state is MessageState.EXPIRED
    waiting = SentMessage((good, part(MessageState.ENROUTE)))
    assert not waiting.is_final
    with pytest.raises(TimeoutError):
        await waiting.receipt(0.001)


async def test_receipts_that_are_not_kept_are_counted() -> None:
    submission = part(*[MessageState.ENROUTE] * 20)
    submission.add(Receipt(id="1", state=MessageState.DELIVERED))
    assert (len(submission.receipts), submission.surplus) == (16, 5)
    assert submission.final is not None
    assert SentMessage((submission,)).state is MessageState.DELIVERED


# No room


async def test_receipt_without_room_is_refused_for_now_and_finds_its_part_when_it_comes_again() -> None:
    """Every receipt comes before its response, and there is room for two of them."""
    desk = ReceiptDesk(Correlator(max_parked=2))
    script = Script(rules=(Rule(receipt="before_response", delay=0.05),))
    async with Simulator(script=script) as simulator, pool_of(simulator, desk=desk) as pool:
        await pool.wait_bound(1, PATIENCE_SECONDS)
        sent = await asyncio.gather(*(pool.submit(message) for message in messages(8, receipts=True)))
        for submission in sent:
            await submission.receipt(PATIENCE_SECONDS)
        assert desk.counters.turned_away > 0
        assert desk.counters.evicted_receipts == 0
        refused = {entry.status for entry in simulator.deliveries}
        assert refused == {CommandStatus.ESME_ROK}


def test_correlator_keeps_what_it_has_rather_than_what_it_may_refuse() -> None:
    correlator: Correlator[str, str] = Correlator(max_parked=1)
    had_room = correlator.has_room
    assert had_room
    assert correlator.receipt("1", "44", "first", 0.0, park=correlator.has_room) is None
    assert not correlator.has_room
    assert correlator.receipt("2", "44", "second", 0.0, park=correlator.has_room) is None
    assert (correlator.parked, correlator.counters.turned_away, correlator.counters.evicted_receipts) == (1, 1, 0)
    assert [match.receipt for match in correlator.submitted("1", "44", "part", 1.0)] == ["first"]
