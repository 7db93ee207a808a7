"""Receipts of the simulated SMSC: when, in which form, over which bind, and how often."""

import pytest

from smpp.constants import EsmClass, MessageState
from smpp.session import SessionConfig
from smpp.simulator import RECEIPT_FORMS, Exponential, Ids, Receipts, Rule, Script, Simulator
from smpp.sms import parse_receipt
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, tlv
from smpp.wire.pdu import DataSm, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp
from tests.smpp.simulator.esme import SUBMIT, esme

TWO = ("smpp://127.0.0.1:0", "smpp://127.0.0.1:0")


def asking(registered_delivery: int) -> SubmitSm:
    return SubmitSm("", 5, 0, "INFO", 1, 1, "4479", registered_delivery=registered_delivery, short_message=b"hello")


def state_of(message: DeliverSm | DataSm) -> MessageState | None:
    octets = message.short_message if isinstance(message, DeliverSm) else b""
    receipt = parse_receipt(octets, esm_class=message.esm_class, tlvs=dict(message.tlvs), by_text=True)
    assert receipt is not None
    return receipt.state


async def test_a_receipt_comes_back_with_addresses_swapped() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        client.write(SUBMIT)
        assert await client.expect(SubmitSmResp) == SubmitSmResp("1")
        receipt = await client.deliver()
        assert (receipt.source_addr_ton, receipt.source_addr_npi, receipt.source_addr) == (1, 1, "447900900123")
        assert (receipt.dest_addr_ton, receipt.dest_addr_npi, receipt.destination_addr) == (5, 0, "INFO")
        assert receipt.esm_class == EsmClass.DELIVERY_RECEIPT
        assert receipt.short_message.startswith(b"id:1 sub:001 dlvrd:001 submit date:")
        assert receipt.short_message.endswith(b" stat:DELIVRD err:000 text:Your code is 4711, d")
        assert receipt.tlvs == Tlvs.of((0x001E, b"1\0"), (0x0427, b"\x02"))
        await simulator.drained()
        (delivery,) = simulator.deliveries
        assert (delivery.kind, delivery.message_id, delivery.state) == ("receipt", "1", MessageState.DELIVERED)
        assert (delivery.bind, delivery.attempts, delivery.status) == ("s0-esme-1", 1, 0)


@pytest.mark.parametrize(
    ("registered_delivery", "delivered", "failed"),
    [
        (0x00, [], []),
        (0x01, ["DELIVERED"], ["EXPIRED"]),
        (0x02, [], ["EXPIRED"]),
        (0x03, ["DELIVERED"], []),
        (0x10, ["ENROUTE"], ["ENROUTE"]),
        (0x11, ["ENROUTE", "DELIVERED"], ["ENROUTE", "EXPIRED"]),
        (0x0C, [], []),
    ],
)
async def test_every_bit_of_registered_delivery_counts(
    registered_delivery: int, delivered: list[str], failed: list[str]
) -> None:
    for state, expected in (("DELIVERED", delivered), ("EXPIRED", failed)):
        async with Simulator(receipt_states={state: 1}) as simulator, esme(simulator) as client:
            client.write(asking(registered_delivery))
            await client.expect(SubmitSmResp)
            assert simulator.pending_receipts == len(expected)
            got = [await client.deliver() for _ in expected]
            assert [receipt.tlvs.get(tlv.message_state) for receipt in got] == [MessageState[s] for s in expected]
            if registered_delivery & 0x10:
                assert got[0].esm_class == EsmClass.INTERMEDIATE_NOTIFICATION
            await simulator.drained()


@pytest.mark.parametrize("form", RECEIPT_FORMS)
async def test_every_form_can_be_read(form: str) -> None:
    script = Script(receipts=Receipts(form=form, states={"REJECTED": 1}))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        client.write(SUBMIT)
        await client.expect(SubmitSmResp)
        message = await client.deliver_any()
        receipt = parse_receipt(
            message.short_message if isinstance(message, DeliverSm) else b"",
            esm_class=message.esm_class,
            data_coding=message.data_coding,
            tlvs=dict(message.tlvs),
            by_text=True,
        )
        assert receipt is not None
        assert (receipt.id, receipt.state) == ("1", MessageState.REJECTED)


async def test_states_are_drawn_by_weight() -> None:
    simulator = Simulator(receipt_states={"DELIVERED": 3, "UNDELIVERABLE": 1}, seed=5)
    async with simulator, esme(simulator) as client:
        for _ in range(40):
            client.write(asking(1))
        async with client.answering():
            await simulator.wait_until(lambda: len(simulator.deliveries) == 40)
    states = [delivery.state for delivery in simulator.deliveries]
    assert 20 < states.count(MessageState.DELIVERED) < 40
    assert set(states) == {MessageState.DELIVERED, MessageState.UNDELIVERABLE}


@pytest.mark.parametrize("delay", [0.01, (0.005, 0.01), Exponential(mean=0.005, max=0.02)])
async def test_receipts_take_their_time(delay: float | tuple[float, float] | Exponential) -> None:
    async with Simulator(receipt_delay=delay) as simulator, esme(simulator) as client:
        client.write(SUBMIT)
        await client.expect(SubmitSmResp)
        stored = simulator.messages["1"]
        assert 0 < stored.final_at - stored.accepted_at <= 0.02
        await client.deliver()


async def test_a_rule_decides_on_the_receipt() -> None:
    rule = Rule(destination="4479*", receipt_state="UNDELIVERABLE", error="11", receipt_form="tlvs")
    async with Simulator(script=Script(rules=(rule,))) as simulator, esme(simulator) as client:
        client.write(SUBMIT)
        await client.expect(SubmitSmResp)
        receipt = await client.deliver()
        assert receipt.short_message == b""
        assert receipt.tlvs.get(tlv.message_state) == MessageState.UNDELIVERABLE
        assert receipt.tlvs.get(tlv.network_error_code) == bytes.fromhex("03000b")


async def test_a_rule_may_keep_the_receipt_back() -> None:
    async with Simulator(script=Script(rules=(Rule(receipt="none"),))) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        assert simulator.pending_receipts == 0


async def test_a_receipt_may_come_twice() -> None:
    async with Simulator(script=Script(rules=(Rule(receipt="duplicate"),))) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        assert await client.deliver() == await client.deliver()


async def test_a_receipt_on_the_way_may_come_behind_the_final_one() -> None:
    script = Script(rules=(Rule(receipt="out_of_order"),))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        states = [state_of(await client.deliver()) for _ in range(2)]
        assert states == [MessageState.DELIVERED, MessageState.ENROUTE]


async def test_a_receipt_may_come_before_its_response() -> None:
    script = Script(rules=(Rule(receipt="before_response"),), receipts=Receipts(lead=0.01))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        client.write(SUBMIT)
        assert (await client.deliver()).tlvs.get(tlv.receipted_message_id) == "1"
        assert await client.expect(SubmitSmResp) == SubmitSmResp("1")


async def test_ids_in_receipts_may_be_written_otherwise() -> None:
    script = Script(ids=Ids(format="hex", start=255, receipt_format="decimal"))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        assert (await client.ask(SUBMIT)).message == SubmitSmResp("ff")
        assert (await client.deliver()).tlvs.get(tlv.receipted_message_id) == "255"


# Which bind


async def test_a_receipt_may_go_to_another_server() -> None:
    simulator = Simulator(TWO, receipt_route="other_server")
    async with simulator, esme(simulator, 0) as first, esme(simulator, 1) as second:
        await first.ask(SUBMIT)
        await second.deliver()
        await second.ask(SUBMIT)
        await first.deliver()
        await simulator.drained()
        assert [delivery.server for delivery in simulator.deliveries] == [1, 0]


async def test_a_transmitter_gets_its_receipts_over_the_receiver() -> None:
    simulator = Simulator(receipt_route="same")
    async with simulator, esme(simulator, mode="tx") as sender, esme(simulator, mode="rx") as receiver:
        await sender.ask(SUBMIT)
        await receiver.deliver()


@pytest.mark.parametrize(("route", "expected"), [("same", "s0-esme-1"), ("other_bind", "s0-esme-2")])
async def test_a_receipt_may_keep_to_its_bind_or_avoid_it(route: str, expected: str) -> None:
    simulator = Simulator(receipt_route=route)
    async with simulator, esme(simulator) as first, esme(simulator) as second:
        for _ in range(5):
            await first.ask(SUBMIT)
            await (first if route == "same" else second).deliver()
        await simulator.drained()
        assert {delivery.bind for delivery in simulator.deliveries} == {expected}


async def test_any_bind_of_the_account_gets_receipts_and_no_other_does() -> None:
    simulator = Simulator(TWO, seed=3)
    async with simulator, esme(simulator, 0) as first, esme(simulator, 1) as second, esme(simulator, 1, who="b"):
        for _ in range(10):
            first.write(SUBMIT)
        async with first.answering(), second.answering():
            await simulator.wait_until(lambda: len(simulator.deliveries) == 10)
        assert {delivery.bind for delivery in simulator.deliveries} == {"s0-esme-1", "s1-esme-1"}


async def test_receipts_are_held_until_somebody_can_receive_them() -> None:
    async with Simulator() as simulator:
        async with esme(simulator, mode="tx") as sender:
            for _ in range(3):
                await sender.ask(SUBMIT)
        assert simulator.pending_receipts == 3
        async with esme(simulator, mode="rx") as receiver:
            ids = [(await receiver.deliver()).tlvs.get(tlv.receipted_message_id) for _ in range(3)]
            assert ids == ["1", "2", "3"]
            await simulator.drained()


async def test_a_full_window_holds_receipts_until_there_is_room() -> None:
    async with Simulator(session=SessionConfig(window=2)) as simulator, esme(simulator) as client:
        for _ in range(5):
            client.write(SUBMIT)
        unanswered = []
        for _ in range(7):
            pdu = await client.read()
            if isinstance(pdu.message, DeliverSm):
                unanswered.append(pdu.sequence_number)
        assert len(unanswered) == 2
        for sequence_number in unanswered:
            client.write(DeliverSmResp(), sequence_number)
        for _ in range(3):
            await client.deliver()
        await simulator.drained()


# Again


async def test_a_refused_receipt_comes_again_until_it_is_taken() -> None:
    script = Script(receipts=Receipts(retry=0.0))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        first = await client.deliver(Status.ESME_RX_T_APPN)
        assert await client.deliver() == first
        await simulator.drained()
        assert simulator.deliveries[0].attempts == 2
        assert simulator.counters["receipts_refused"] == 1


async def test_a_receipt_that_nobody_wants_is_given_up() -> None:
    script = Script(receipts=Receipts(retry=0.0, attempts=3))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        for _ in range(3):
            await client.deliver(Status.ESME_RX_P_APPN)
        await simulator.drained()
        assert simulator.deliveries[0].status == Status.ESME_RX_P_APPN
        assert simulator.counters["receipts_given_up"] == 1


async def test_an_unacknowledged_receipt_goes_to_the_next_bind_when_its_link_is_lost() -> None:
    async with Simulator() as simulator:
        async with esme(simulator) as client:
            await client.ask(SUBMIT)
            assert isinstance((await client.read()).message, DeliverSm)
        async with esme(simulator) as client:
            await client.deliver()
            await simulator.drained()
            assert simulator.deliveries[0].attempts == 2


# Messages of handsets


async def test_a_message_of_a_handset_is_delivered_and_its_answer_known() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        (delivery,) = simulator.deliver("hello", source="447900900123", destination="12345")
        message = await client.deliver(Status.ESME_RX_R_APPN)
        assert message == DeliverSm("", 1, 1, "447900900123", 3, 0, "12345", short_message=b"hello")
        await simulator.wait_until(lambda: simulator.counters["messages_refused"] == 1)
        assert delivery.status == Status.ESME_RX_R_APPN


async def test_a_long_message_comes_in_parts() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        parts = simulator.deliver("x" * 200, source="4479", destination="12345", system_id="demo")
        assert len(parts) == 2
        got = [await client.deliver() for _ in parts]
        assert [message.short_message[:6].hex() for message in got] == ["050003010201", "050003010202"]
        assert all(message.esm_class == EsmClass.UDHI for message in got)
        assert [await part.wait(5) for part in parts] == [0, 0]


async def test_a_message_waits_for_a_bind_of_anybody() -> None:
    async with Simulator() as simulator:
        (delivery,) = simulator.deliver("hello", source="4479", destination="12345")
        async with esme(simulator, mode="rx", who="whoever") as client:
            await client.deliver()
            assert await delivery.wait(5) == 0


async def test_any_pdu_can_be_sent() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        pdu = DataSm("", 1, 1, "4479", 1, 1, "4911", tlvs=Tlvs.of(tlv.message_payload(b"x")))
        delivery = simulator.send(pdu, system_id="demo")
        assert await client.deliver_any() == pdu
        assert await delivery.wait(5) == 0
