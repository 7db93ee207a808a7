"""What customers send reaches the SMSC as they gave it: octets, coding, headers, parts, times, TLVs."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from smpp.status import CommandStatus as Status
from smpp.wire import dlt, tlv
from smpp.wire.pdu import DataSm, SubmitMulti, SubmitMultiResp
from smpp.wire.tlv import Tlvs
from smpp.wire.types import SmeAddress
from tests.gateway.smsc_path import TO, DoorPath, Inbox, smsc_path, submit

PORTS = b"\x06\x05\x04\x0b\x84\x23\xf0"


def concat(reference: int, total: int, number: int) -> bytes:
    return bytes((5, 0, 3, reference, total, number))


AS_GIVEN = {
    "gsm": submit(b"5\x1be @ \x00"),
    "latin1": submit("déjà".encode("latin-1"), data_coding=3),
    "ucs2 with emoji": submit("Привет 🙂".encode("utf-16-be"), data_coding=8),
    "8-bit": submit(bytes(range(140)), data_coding=4),
    "for the SIM": submit(b"\x02\x70\x00\x00\x01", data_coding=0xF6, protocol_id=0x7F),
    "flash": submit(b"hello", data_coding=0x10),
    "ports": submit(PORTS + b"\x01\x02", data_coding=4, esm_class=0x40),
    "first of two": submit(concat(77, 2, 1) + b"A" * 153, esm_class=0x40),
    "second of two": submit(concat(77, 2, 2) + b"tail", esm_class=0x40),
    "ucs2 part": submit(concat(9, 2, 1) + "ж".encode("utf-16-be") * 67, esm_class=0x40, data_coding=8),
    "sar part": submit(
        b"A" * 134,
        tlvs=Tlvs.of(tlv.sar_msg_ref_num(7), tlv.sar_total_segments(2), tlv.sar_segment_seqnum(1)),
    ),
    "reference and port": submit(tlvs=Tlvs.of(tlv.user_message_reference(4711), tlv.destination_port(2948))),
}


async def test_what_fits_one_part_passes_octet_for_octet(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        for count, (name, request) in enumerate(AS_GIVEN.items(), 1):
            sent = await client.submit(request)
            await inbox.wait_for(count)
            seen = path.seen()[-1]
            assert (name, seen.short_message) == (name, request.short_message)
            assert (seen.data_coding, seen.esm_class) == (request.data_coding, request.esm_class)
            assert seen.protocol_id == request.protocol_id
            assert seen.tlvs == request.tlvs
            assert inbox.receipts[-1].id == sent.message_id
        assert len(path.seen()) == len(AS_GIVEN)


async def test_a_message_payload_is_cut_for_the_uplink(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        sent = await client.submit(submit(b"", tlvs=Tlvs.of(tlv.message_payload(b"A" * 300))))
        (receipt,) = await inbox.wait_for(1)
        parts = sorted(one.short_message for one in path.seen())
        assert [part[6:] for part in parts] == [b"A" * 153, b"A" * 147]
        assert receipt.id == sent.message_id


async def test_data_sm_is_a_message_like_any_other(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        request = DataSm(
            source_addr_ton=5,
            source_addr="INFO",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=TO,
            registered_delivery=1,
            tlvs=Tlvs.of(tlv.message_payload(b"over data sm")),
        )
        sent = await client.submit(request)
        (receipt,) = await inbox.wait_for(1)
        assert (receipt.id, receipt.text) == (sent.message_id, "over data sm")
        assert path.seen()[0].short_message == b"over data sm"


async def multi(path: DoorPath, *numbers: str, **fields: Any) -> SubmitMultiResp:
    client = path.clients[-1]
    answer = await client.request(
        SubmitMulti(
            source_addr="INFO",
            dest_addresses=tuple(SmeAddress(1, 1, number) for number in numbers),
            short_message=b"to all",
            registered_delivery=1,
            **fields,
        )
    )
    assert isinstance(answer, SubmitMultiResp)
    return answer


async def test_submit_multi_has_one_id_and_names_those_that_failed(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        await path.bind(inbox)
        answer = await multi(path, TO, "12", "447700900124")
        assert answer.unsuccess_smes is not None
        assert [(one.destination_addr, one.error_status_code) for one in answer.unsuccess_smes] == [
            ("12", Status.ESME_RINVDSTADR)
        ]
        receipts = await inbox.wait_for(2)
        assert [one.id for one in receipts] == [answer.message_id] * 2
        assert {one.source_addr for one in inbox.received} == {TO, "447700900124"}
        assert {one.destination_addr for one in path.seen()} == {TO, "447700900124"}
        assert await path.state(answer.message_id or "") == "delivered"


async def test_submit_multi_all_of_which_fails_is_answered_with_all_of_them(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        await path.bind()
        answer = await multi(path, "1", "2")
        assert answer.unsuccess_smes is not None
        assert len(answer.unsuccess_smes) == 2
        assert await path.gateway.store.messages("shop") == []


async def test_validity_schedule_and_priority_are_kept(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        client = await path.bind()
        now = time.time()
        sent = await client.submit(
            submit(
                schedule_delivery_time="000000010000000R", validity_period="000000020000000R", priority_flag=2,
                registered_delivery=0,
            )
        )  # fmt: skip
        message = await path.gateway.store.message("shop", sent.message_id)
        assert message is not None
        assert message.scheduled_at == pytest.approx(now + 3_600, abs=5)
        assert message.validity_seconds == pytest.approx(3_600, abs=1)
        assert (message.priority, message.state.value, message.wants_receipt) == (2, "scheduled", False)


async def test_a_validity_goes_on_to_the_smsc(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        await client.submit(submit(validity_period="000000003000000R"))
        await inbox.wait_for(1)
        assert path.seen()[0].validity_period == "000000003000000R"


@pytest.mark.parametrize(("profile", "tags"), [("none", []), ("dlt", [0x1400, 0x1401])])
async def test_vendor_tags_pass_by_the_profile_of_the_account(tmp_path: Path, profile: str, tags: list[int]) -> None:
    async with smsc_path(
        tmp_path, customer=f'tlv_profile = "{profile}"', uplink='tlv_profile = "dlt"'
    ) as path:  # fmt: skip
        inbox = Inbox()
        client = await path.bind(inbox)
        vendor = Tlvs.of(dlt.pe_id("1101"), dlt.template_id("1107"), (0x3FFE, b"x"))
        await client.submit(submit(tlvs=vendor))
        await inbox.wait_for(1)
        assert [tag for tag, _ in path.seen()[0].tlvs] == tags


async def test_a_customer_of_another_alphabet_is_recoded(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer='default_alphabet = "latin1"') as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        await client.submit(submit("prix: 5é @ _".encode("latin-1")))
        await client.submit(submit("façade".encode("latin-1")))
        await inbox.wait_for(2)
        first, second = path.seen()
        assert (first.data_coding, first.short_message) == (0, b"prix: 5\x05 \x00 \x11")
        assert (second.data_coding, second.short_message.decode("utf-16-be")) == (8, "façade")


async def test_many_messages_at_once_are_each_kept_once(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        sent = await asyncio.gather(*(client.submit(submit(b"n%d" % number)) for number in range(300)))
        await inbox.wait_for(300)
        assert {one.id for one in inbox.receipts} == {one.message_id for one in sent}
        assert sorted(one.short_message for one in path.seen()) == sorted(b"n%d" % number for number in range(300))
        await path.owed(0)
