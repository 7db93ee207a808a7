"""Receipts and inbound messages: who gets them, when they are held, sent again, given up."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StoreError
from gateway.models import DELIVERY_SCHEME, Callback, Inbound
from smpp import ConnectionLost
from smpp.simulator import Rule, Script
from smpp.status import CommandStatus as Status
from smpp.wire import tlv
from smpp.wire.pdu import DeliverSm
from smpp.wire.tlv import Tlvs
from tests.gateway.smsc_path import NUMBER, TO, Inbox, smsc_path, submit
from tests.whole_path import receiver

FAILS = "447700900404"
"""The SMSC takes messages to it and cannot deliver them."""
REFUSED = "447700900500"
FAULTS = (
    Rule(destination=FAILS, receipt_state="UNDELIVERABLE", error="042"),
    Rule(destination=REFUSED, status="ESME_RINVDSTADR"),
)


async def test_receipts_come_as_registered_delivery_asks(tmp_path: Path) -> None:
    wanted = {0x00: "", 0x01: "DF", 0x02: "F", 0x03: "D", 0x10: "I", 0x11: "IDF"}
    async with smsc_path(tmp_path, script=Script(rules=FAULTS)) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        expected: dict[str, list[str]] = {}
        for registered, kinds in wanted.items():
            for to, letter, word in ((TO, "D", "DELIVRD"), (FAILS, "F", "UNDELIV")):
                sent = await client.submit(submit(to=to, registered_delivery=registered))
                expected[sent.message_id] = ["ENROUTE"] if "I" in kinds else []
                expected[sent.message_id] += [word] if letter in kinds else []
                if registered:
                    await path.state(sent.message_id, "delivered", "undeliverable")
        await inbox.wait_for(sum(map(len, expected.values())))
        await path.owed(0)
        told = {message_id: [one.stat for one in inbox.receipts if one.id == message_id] for message_id in expected}
        assert told == expected
        assert {one.stat for one in inbox.receipts if one.is_intermediate} == {"ENROUTE"}
        assert len(inbox.received) == sum(map(len, expected.values()))


async def test_what_the_smsc_refuses_is_told_with_its_error(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, script=Script(rules=FAULTS)) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        await client.submit(submit(to=REFUSED))
        await client.submit(submit(to=FAILS))
        receipts = await inbox.wait_for(2)
        assert {(one.stat, one.error) for one in receipts} == {("REJECTD", "011"), ("UNDELIV", "042")}


async def test_a_receipt_says_what_the_customer_said(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        sent = await client.submit(
            submit(
                "Привет".encode("utf-16-be"), data_coding=8, source_addr_ton=1, source_addr_npi=1,
                source_addr="447700900777", to="+" + TO, tlvs=Tlvs.of(tlv.user_message_reference(513)),
            )
        )  # fmt: skip
        await inbox.wait_for(1)
        (delivered,) = inbox.received
        assert isinstance(delivered, DeliverSm)
        assert (delivered.source_addr_ton, delivered.source_addr_npi, delivered.source_addr) == (1, 1, "+" + TO)
        assert (delivered.dest_addr_ton, delivered.destination_addr) == (1, "447700900777")
        assert (delivered.esm_class, delivered.data_coding) == (0x04, 0)
        assert delivered.tlvs.get(tlv.receipted_message_id) == sent.message_id
        assert delivered.tlvs.get(tlv.message_state) == 2
        assert delivered.tlvs.get(tlv.user_message_reference) == 513
        assert delivered.short_message.startswith(f"id:{sent.message_id} sub:001 dlvrd:001 ".encode())


# --- held until somebody takes them ---


async def test_a_transmitter_gets_none_and_a_receiver_of_the_account_all(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        not_for_it, inbox = Inbox(), Inbox()
        sender = await path.bind(not_for_it, bind="tx")
        ids = [(await sender.submit(submit())).message_id for _ in range(20)]
        await path.owed(20)
        await path.bind(inbox, bind="rx")
        receipts = await inbox.wait_for(20)
        assert [one.id for one in receipts] == ids
        assert not_for_it.received == []
        await path.owed(0)


async def test_receipts_wait_for_the_next_bind_and_over_a_restart(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        sender = await path.bind(bind="tx")
        ids = [(await sender.submit(submit())).message_id for _ in range(5)]
        await path.owed(5)
    inbox = Inbox()
    async with smsc_path(tmp_path) as path:
        await path.bind(inbox, bind="rx")
        receipts = await inbox.wait_for(5)
        assert [one.id for one in receipts] == ids
        await path.owed(0)


async def test_a_killed_connection_loses_no_receipt(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer="deliver_window = 3") as path:
        dying, inbox = Inbox(), Inbox()
        dying.is_open.clear()
        client = await path.bind(dying)
        ids = [(await client.submit(submit())).message_id for _ in range(10)]
        await dying.wait_for(3)
        await path.owed(10)
        # No more than the window without an answer.
        assert len(dying.received) == 3
        client._link.connection.abort("cut")
        await path.bind(inbox)
        receipts = await inbox.wait_for(10)
        assert {one.id for one in receipts} == set(ids)
        await path.owed(0)
        dying.is_open.set()


async def test_binds_share_the_work_and_one_that_hangs_keeps_no_more_than_its_window(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer="deliver_window = 2") as path:
        hanging, inbox = Inbox(), Inbox()
        hanging.is_open.clear()
        await path.bind(hanging, bind="rx")
        client = await path.bind(inbox)
        ids = {(await client.submit(submit())).message_id for _ in range(30)}
        await inbox.wait_until(lambda: len(inbox.received) >= 28)
        assert len(hanging.received) in (1, 2)
        hanging.is_open.set()
        await path.owed(0)
        assert {one.id for one in (*inbox.receipts, *hanging.receipts)} == ids


async def test_a_receipt_that_is_refused_comes_again(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, smpp="retry_seconds = 0.02") as path:
        inbox = Inbox()
        inbox.answer = lambda _: Status.ESME_RX_T_APPN if len(inbox.received) < 3 else Status.ESME_ROK
        client = await path.bind(inbox)
        sent = await client.submit(submit())
        receipts = await inbox.wait_for(3)
        assert [one.id for one in receipts] == [sent.message_id] * 3
        await path.owed(0)


async def test_a_receipt_without_an_answer_comes_again(tmp_path: Path) -> None:
    smpp = "retry_seconds = 0.02\nresponse_timeout_seconds = 0.2"
    async with smsc_path(tmp_path, smpp=smpp) as path:
        inbox = Inbox()
        inbox.is_open.clear()
        client = await path.bind(inbox)
        await client.submit(submit())
        await inbox.wait_for(2)
        inbox.is_open.set()
        await path.owed(0)


async def test_what_a_customer_refuses_for_good_is_kept_as_failed_and_can_be_replayed(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox(answer=int(Status.ESME_RX_P_APPN))
        client = await path.bind(inbox)
        await client.submit(submit())
        await inbox.wait_for(1)
        store = path.gateway.store
        async with asyncio.timeout(60):
            while not (failed := await store.callbacks("shop", failed=True)):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert failed[0].last_error == "ESME_RX_P_APPN"
        inbox.answer = 0
        assert await store.replay_callbacks(0.0) == 1
        deliveries = path.gateway._deliveries
        assert deliveries is not None
        deliveries.wake()
        await inbox.wait_for(2)
        await path.owed(0)


async def test_one_that_cannot_be_composed_stops_no_other(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        store = path.gateway.store
        broken = Callback(id="", account="shop", url=DELIVERY_SCHEME + "shop", body=b"{}", created_at=1.0)
        await store.add_inbound(Inbound(id="broken", account="shop", sender="1", recipient=NUMBER, text=""), broken)
        inbox = Inbox()
        client = await path.bind(inbox)
        await client.submit(submit())
        await inbox.wait_for(1)
        await path.owed(1)
        assert [one.failed for one in await store.callbacks("shop")] == [True]


async def test_an_answer_that_cannot_be_committed_is_committed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise StoreError("disk")

    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        with monkeypatch.context() as patch:
            patch.setattr(path.gateway.store, "acknowledge", fail)
            await client.submit(submit())
            await inbox.wait_for(1)
            await path.owed(1)
        await path.owed(0)
        assert len(inbox.received) == 1


# --- messages of handsets ---


async def test_a_message_of_a_handset_goes_to_the_bind(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        await path.bind(inbox, bind="rx")
        (delivery,) = path.simulator.deliver("Stop 🙂", source="447946000001", destination=NUMBER)
        await inbox.wait_for(1)
        (message,) = inbox.received
        assert isinstance(message, DeliverSm)
        assert (message.source_addr, message.destination_addr) == ("447946000001", NUMBER)
        assert (message.data_coding, message.short_message.decode("utf-16-be")) == (8, "Stop 🙂")
        assert (message.esm_class, message.dest_addr_ton) == (0, 3)
        assert await delivery.wait(timeout=10) == 0


async def test_it_waits_for_a_bind_and_passes_its_header(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        path.simulator.deliver("A" * 200, source="447946000001", destination=NUMBER)
        await path.owed(2)
        inbox = Inbox()
        await path.bind(inbox)
        await inbox.wait_for(2)
        parts = [one.short_message for one in inbox.received if isinstance(one, DeliverSm)]
        assert sum(len(part) - 6 for part in parts) == 200
        assert {one.esm_class for one in inbox.received} == {0x40}


async def test_an_account_may_have_them_posted_instead(tmp_path: Path) -> None:
    async with receiver() as taker, smsc_path(
        tmp_path, customer='inbound = "webhook"', callbacks=taker.url + "/in"
    ) as path:  # fmt: skip
        inbox = Inbox()
        client = await path.bind(inbox)
        path.simulator.deliver("hi", source="447946000001", destination=NUMBER)
        (posted,) = await taker.wait_for(1)
        assert posted.json["type"] == "message.inbound"
        # Its receipts come over the bind all the same, and are not posted.
        await client.submit(submit())
        await inbox.wait_for(1)
        assert len(inbox.receipts) == 1
        assert len(taker.received) == 1


# --- stopping ---


async def test_a_stop_answers_what_was_asked_and_unbinds(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, more="[node]\nshutdown_seconds = 5") as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        port = path.gateway.smpp_ports[0]
        sending = [asyncio.create_task(client.submit(submit())) for _ in range(50)]
        await asyncio.sleep(0)
        await path.gateway.stop()
        results = await asyncio.gather(*sending, return_exceptions=True)
        assert not client.is_bound
        with pytest.raises(ConnectionLost):
            await path.bind(port=port)
    taken = [one.message_id for one in results if not isinstance(one, BaseException)]
    async with smsc_path(tmp_path) as path:
        for message_id in taken:
            assert await path.state(message_id) != "failed"


async def test_a_stop_does_not_wait_for_a_customer_that_hangs(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, more="[node]\nshutdown_seconds = 1") as path:
        inbox = Inbox()
        inbox.is_open.clear()
        client = await path.bind(inbox)
        await client.submit(submit())
        await inbox.wait_for(1)
        async with asyncio.timeout(60):
            await path.gateway.stop()
        inbox.is_open.set()
    again = Inbox()
    async with smsc_path(tmp_path) as path:
        await path.bind(again)
        await again.wait_for(1)
