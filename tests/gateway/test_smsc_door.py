"""Who may bind, how fast, and what requests are answered with."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.errors import InvalidMessage, NoRoute, StoreError, StoreFull
from gateway.smsc.statuses import REFUSALS, refusal_status
from smpp import BindFailed, CommandFailed, client_tls, connect, decode, encode
from smpp.status import CommandStatus as Status
from smpp.wire import tlv
from smpp.wire.pdu import BindTransceiver, CancelSm, DataSm, QuerySm, ReplaceSm, SubmitMulti
from smpp.wire.tlv import Tlvs
from smpp.wire.types import DistributionList, SmeAddress
from tests.gateway.smsc_path import PASSWORD, SYSTEM_ID, TO, DoorPath, Inbox, smsc_path, submit

SOON = "000001000000000R"


async def refused(path: DoorPath, request: Any) -> int:
    client = await path.bind()
    with pytest.raises(CommandFailed) as failed:
        await client.request(request)
    return failed.value.command_status


# --- binding ---


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"system_id": "stranger"}, {"system_id": "shop"}, {"password": ""}]
)
async def test_wrong_credentials_are_refused_all_alike(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with smsc_path(tmp_path) as path:
        with pytest.raises(BindFailed) as failed:
            await path.bind(**wrong)
        assert failed.value.command_status == Status.ESME_RBINDFAIL


async def test_no_more_binds_than_allowed(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer="max_binds = 2") as path:
        await path.bind(bind="tx")
        second = await path.bind(bind="rx")
        with pytest.raises(BindFailed) as failed:
            await path.bind()
        assert failed.value.command_status == Status.ESME_RALYBND
        await second.close()
        await path.bind()


@pytest.mark.parametrize(
    ("networks", "is_let_in"), [('["10.0.0.0/8", "127.0.0.0/8"]', True), ('["10.0.0.0/8"]', False)]
)
async def test_only_allowed_addresses_may_bind(tmp_path: Path, networks: str, is_let_in: bool) -> None:
    async with smsc_path(tmp_path, customer=f"allowed_addresses = {networks}") as path:
        if is_let_in:
            await path.bind()
            return
        with pytest.raises(BindFailed) as failed:
            await path.bind()
        assert failed.value.command_status == Status.ESME_RBINDFAIL


@pytest.mark.parametrize(("address", "is_let_in"), [("192.0.2.7", True), ("198.51.100.1", False)])
async def test_behind_a_load_balancer_the_address_is_what_its_header_says(
    tmp_path: Path, address: str, is_let_in: bool
) -> None:
    customer = 'allowed_addresses = ["192.0.2.0/24"]'
    async with smsc_path(tmp_path, smpp='proxy_from = ["127.0.0.1/32"]', customer=customer) as path:
        reader, writer = await asyncio.open_connection("127.0.0.1", path.gateway.smpp_ports[0])
        writer.write(f"PROXY TCP4 {address} 127.0.0.1 4711 2775\r\n".encode())
        writer.write(encode(BindTransceiver(SYSTEM_ID, PASSWORD), 1))
        async with asyncio.timeout(60):
            answer = decode(await reader.read(1_000))
        assert answer.command_status == (Status.ESME_ROK if is_let_in else Status.ESME_RBINDFAIL)
        writer.close()


async def test_nobody_else_s_header_is_believed(tmp_path: Path) -> None:
    customer = 'allowed_addresses = ["192.0.2.0/24"]'
    async with smsc_path(tmp_path, smpp='proxy_from = ["10.0.0.0/8"]', customer=customer) as path:
        reader, writer = await asyncio.open_connection("127.0.0.1", path.gateway.smpp_ports[0])
        writer.write(b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 2775\r\n" + encode(BindTransceiver(SYSTEM_ID, PASSWORD), 1))
        async with asyncio.timeout(60):
            answer = await reader.read(1_000)
        assert not answer or decode(answer).command_status != Status.ESME_ROK
        writer.close()


async def test_an_account_that_may_only_read_binds_as_receiver_alone(tmp_path: Path) -> None:
    more = """
[account.reader]
roles = ["read"]
[account.reader.smpp]
system_id = "reader"
password = "reader"
"""
    async with smsc_path(tmp_path, more=more) as path:
        await path.bind(system_id="reader", password="reader", bind="rx")
        with pytest.raises(BindFailed):
            await path.bind(system_id="reader", password="reader")


async def test_customers_bind_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "door.pem"))
    smpp = f'tls_listen = "127.0.0.1:0"\ncert_file = "{(tmp_path / "door.pem").as_posix()}"'
    async with smsc_path(tmp_path, smpp=smpp) as path:
        inbox = Inbox()
        url = f"smpps://{SYSTEM_ID}:{PASSWORD}@127.0.0.1:{path.gateway.smpp_ports[1]}"
        context = client_tls(str(tmp_path / "ca.pem"))
        async with connect(url, on_deliver=inbox.take, ssl_context=context) as client:
            sent = await client.submit(submit())
            (receipt,) = await inbox.wait_for(1)
            assert receipt.id == sent.message_id


# --- limits ---


async def test_who_is_too_fast_is_throttled_after_the_burst(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer="parts_per_second = 1\nburst_parts = 3") as path:
        client, other = await path.bind(), await path.bind()
        for one in (client, other, client):
            await one.submit(submit())
        for one in (client, other):
            with pytest.raises(CommandFailed) as failed:
                await one.submit(submit())
            assert failed.value.command_status == Status.ESME_RTHROTTLED


async def test_a_long_message_passes_the_pace_as_a_whole(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer="parts_per_second = 0.5") as path:
        client = await path.bind()
        payload = Tlvs.of(tlv.message_payload(b"A" * 134 * 10))
        await client.submit(submit(b"", tlvs=payload))
        with pytest.raises(CommandFailed) as failed:
            await client.submit(submit(b""))
        assert failed.value.command_status == Status.ESME_RTHROTTLED


async def test_more_than_the_window_is_throttled_and_the_rest_is_taken(tmp_path: Path) -> None:
    async with smsc_path(tmp_path, customer="window = 5") as path:
        client = await path.bind()
        results = await asyncio.gather(*(client.submit(submit()) for _ in range(40)), return_exceptions=True)
        statuses = {one.command_status for one in results if isinstance(one, CommandFailed)}
        taken = [one for one in results if not isinstance(one, BaseException)]
        assert statuses <= {Status.ESME_RTHROTTLED}
        assert len(taken) >= 5
        assert len(await path.gateway.store.messages("shop", limit=100)) == len(taken)


# --- refusals ---


def test_every_code_of_a_refusal_has_its_status() -> None:
    root = Path(__file__).parents[2] / "gateway"
    text = "\n".join(path.read_text(encoding="utf-8") for path in root.rglob("*.py") if "errors.py" not in path.name)
    codes = set(re.findall(r'InvalidMessage\(\s*"([a-z_]+)"', text)) | {NoRoute("x").code}
    missing = codes - REFUSALS.keys()
    assert not {code for code in missing if (root / "policy.py").read_text().count(f'"{code}"')}
    for code in REFUSALS:
        assert refusal_status(InvalidMessage(code, "x")) is REFUSALS[code] != Status.ESME_ROK


def test_a_code_nobody_has_heard_of_goes_by_its_field() -> None:
    assert refusal_status(InvalidMessage("new", "x", "recipient")) is Status.ESME_RINVDSTADR
    assert refusal_status(InvalidMessage("new", "x", "sender")) is Status.ESME_RINVSRCADR
    assert refusal_status(InvalidMessage("new", "x")) is Status.ESME_RSUBMITFAIL


def payload(octets: int) -> Tlvs:
    return Tlvs.of(tlv.message_payload(b"x" * octets))


REFUSED = {
    "recipient": (submit(to="12"), Status.ESME_RINVDSTADR),
    "recipient that is a name": (submit(to="HELLO"), Status.ESME_RINVDSTADR),
    "no route": (submit(to="999123456"), Status.ESME_RINVDSTADR),
    "no sender": (submit(source_addr=""), Status.ESME_RINVSRCADR),
    "bad sender": (submit(source_addr="TWELVE LETTERS"), Status.ESME_RINVSRCADR),
    "sender of another": (submit(source_addr="OTHER"), Status.ESME_RINVSRCADR),
    "nothing in it": (submit(b""), Status.ESME_RINVMSGLEN),
    "too long": (submit(b"", tlvs=payload(40_000)), Status.ESME_RINVMSGLEN),
    "two texts": (submit(b"x", tlvs=payload(3)), Status.ESME_ROPTPARNOTALLWD),
    "broken header": (submit(b"\x50\x00\x03", esm_class=0x40), Status.ESME_RINVESMCLASS),
    "header and too much": (
        submit(
            b"",
            esm_class=0x40,
            data_coding=4,
            tlvs=Tlvs.of(tlv.message_payload(b"\x05\x00\x03\x01\x02\x01" + b"x" * 150)),
        ),
        Status.ESME_RINVMSGLEN,
    ),
    "acknowledgement": (submit(esm_class=0x08), Status.ESME_RINVESMCLASS),
    "transaction mode": (submit(esm_class=0x02), Status.ESME_RINVESMCLASS),
    "validity over": (submit(validity_period="200101000000000+"), Status.ESME_RINVEXPIRY),
    "validity too long": (submit(validity_period="000100000000000R"), Status.ESME_RINVEXPIRY),
    "validity ends before it starts": (
        submit(validity_period=SOON, schedule_delivery_time="000002000000000R"),
        Status.ESME_RINVEXPIRY,
    ),
    "schedule too late": (submit(schedule_delivery_time="020000000000000R"), Status.ESME_RINVSCHED),
    "priority": (submit(priority_flag=9), Status.ESME_RINVPRTFLG),
    "registered delivery": (submit(registered_delivery=0x80), Status.ESME_RINVREGDLVFLG),
    "acknowledgement of the handset": (submit(registered_delivery=0x05), Status.ESME_RINVREGDLVFLG),
    "predefined message": (submit(sm_default_msg_id=1), Status.ESME_RINVDFTMSGID),
    "replace if present": (submit(replace_if_present_flag=1), Status.ESME_RINVSUBREP),
    "empty data_sm": (DataSm(source_addr="INFO", destination_addr=TO), Status.ESME_RINVMSGLEN),
    "distribution list": (
        SubmitMulti(
            source_addr="INFO", dest_addresses=(SmeAddress(1, 1, TO), DistributionList("all")), short_message=b"x"
        ),
        Status.ESME_RINVDLNAME,
    ),
}


async def test_what_cannot_be_is_refused_with_its_status_and_not_kept(tmp_path: Path) -> None:
    # One gateway for the whole table: what takes the time is to start it.
    account = ('uplinks = ["main"]', 'uplinks = ["main"]\nprefix = "44"')
    async with smsc_path(
        tmp_path, customer="", replacing=(account, ("numbers", 'senders = ["INFO", "TWELVE LETTERS"]\nnumbers'))
    ) as path:
        client = await path.bind()
        for name, (request, status) in REFUSED.items():
            with pytest.raises(CommandFailed) as failed:
                await client.request(request)
            assert (name, failed.value.command_status) == (name, status)
        assert await path.gateway.store.messages("shop") == []
        await client.submit(submit())


@pytest.mark.parametrize(
    ("error", "status"), [(StoreFull(), Status.ESME_RMSGQFUL), (StoreError("disk"), Status.ESME_RSYSERR)]
)
async def test_what_the_store_cannot_keep_is_refused_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: StoreError, status: Status
) -> None:
    async def fail(*_: Any, **_options: Any) -> None:
        raise error

    async with smsc_path(tmp_path) as path:
        client = await path.bind()
        with monkeypatch.context() as patch:
            patch.setattr(path.gateway.store, "add", fail)
            for request in (
                submit(),
                SubmitMulti(source_addr="INFO", dest_addresses=(SmeAddress(1, 1, TO),), short_message=b"x"),
            ):
                with pytest.raises(CommandFailed) as failed:
                    await client.request(request)
                assert failed.value.command_status == status
        await client.submit(submit())


async def test_the_answer_comes_after_the_commit(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        client = await path.bind()
        commits: list[int] = []
        add = path.gateway.store.add

        async def slow(messages: Any, **options: Any) -> Any:
            refused = await add(messages, **options)
            await asyncio.sleep(0.05)
            commits.append(len(messages))
            return refused

        path.gateway.store.add = slow  # type: ignore[method-assign]
        await client.submit(submit())
        assert commits == [1]


# --- query, cancel, replace ---


async def test_a_query_tells_the_state(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        sent = await client.submit(submit())
        later = await client.submit(submit(schedule_delivery_time=SOON))
        await inbox.wait_for(1)
        done: Any = await client.request(QuerySm(sent.message_id, 5, 0, "INFO"))
        assert (done.message_id, done.message_state, done.error_code) == (sent.message_id, 2, 0)
        assert re.fullmatch(r"\d{15}\+", done.final_date)
        waiting: Any = await client.request(QuerySm(later.message_id))
        assert (waiting.message_state, waiting.final_date) == (1, "")


async def test_queries_of_what_is_not_there_or_not_theirs_are_refused(tmp_path: Path) -> None:
    more = """
[account.other]
[account.other.smpp]
system_id = "other"
password = "other"
"""
    async with smsc_path(tmp_path, more=more) as path:
        client = await path.bind()
        other = await path.bind(system_id="other", password="other")
        sent = await client.submit(submit(schedule_delivery_time=SOON))
        for who, request, status in (
            (client, QuerySm("17a9"), Status.ESME_RINVMSGID),
            (client, QuerySm(sent.message_id, 0, 0, "ELSE"), Status.ESME_RQUERYFAIL),
            (other, QuerySm(sent.message_id), Status.ESME_RINVMSGID),
            (other, CancelSm(message_id=sent.message_id), Status.ESME_RINVMSGID),
            (client, CancelSm(message_id=sent.message_id, source_addr="ELSE"), Status.ESME_RCANCELFAIL),
            (client, CancelSm(source_addr="INFO", destination_addr="447700900999"), Status.ESME_RCANCELFAIL),
            (client, CancelSm(), Status.ESME_RCANCELFAIL),
            (other, ReplaceSm(sent.message_id, short_message=b"x"), Status.ESME_RINVMSGID),
            (client, ReplaceSm(sent.message_id, source_addr="ELSE", short_message=b"x"), Status.ESME_RREPLACEFAIL),
            (client, ReplaceSm(sent.message_id, short_message=b""), Status.ESME_RINVMSGLEN),
            (client, ReplaceSm(sent.message_id, short_message=b"x", registered_delivery=4), Status.ESME_RINVREGDLVFLG),
        ):
            with pytest.raises(CommandFailed) as failed:
                await who.request(request)
            assert (request, failed.value.command_status) == (request, status)
        assert await path.state(sent.message_id) == "scheduled"


async def test_what_waits_is_cancelled_and_what_left_is_not(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        sent = await client.submit(submit())
        await inbox.wait_for(1)
        later = await client.submit(submit(schedule_delivery_time=SOON))
        await client.request(CancelSm(message_id=later.message_id, source_addr="INFO"))
        assert await path.state(later.message_id) == "deleted"
        receipts = await inbox.wait_for(2)
        assert (receipts[1].id, receipts[1].stat) == (later.message_id, "DELETED")
        for message_id in (sent.message_id, later.message_id):
            with pytest.raises(CommandFailed) as failed:
                await client.request(CancelSm(message_id=message_id))
            assert failed.value.command_status == Status.ESME_RCANCELFAIL


async def test_a_cancel_without_id_takes_all_to_that_destination(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        client = await path.bind()
        two = [await client.submit(submit(schedule_delivery_time=SOON)) for _ in range(2)]
        kept = await client.submit(submit(schedule_delivery_time=SOON, source_addr="ELSE"))
        await client.request(CancelSm(source_addr="INFO", destination_addr="+" + TO))
        assert [await path.state(one.message_id) for one in (*two, kept)] == ["deleted", "deleted", "scheduled"]


async def test_what_waits_is_replaced_and_goes_out_as_it_is_now(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        sent = await client.submit(submit(b"old", schedule_delivery_time=SOON, registered_delivery=0))
        replaced = ReplaceSm(
            sent.message_id, source_addr="INFO", short_message=b"new", registered_delivery=1,
            schedule_delivery_time="250101000000000+",
        )  # fmt: skip
        await client.request(replaced)
        (receipt,) = await inbox.wait_for(1)
        assert (receipt.id, receipt.text) == (sent.message_id, "new")
        assert [one.short_message for one in path.seen()] == [b"new"]
        with pytest.raises(CommandFailed) as failed:
            await client.request(replaced)
        assert failed.value.command_status == Status.ESME_RREPLACEFAIL
