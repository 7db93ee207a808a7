"""The simulated SMSC as an ESME sees it: binds, messages, the book, the log, servers that come and go."""

import asyncio
import json
import ssl
from pathlib import Path

import pytest

from smpp.constants import MessageState
from smpp.errors import ScriptError
from smpp.simulator import Arrival, Ids, Outcome, Receipts, Rule, Script, Simulator, SimulatorEvent, throw_away_tls
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.pdu import (
    BindTransceiver,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    EnquireLink,
    EnquireLinkResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smpp.wire.types import DistributionList, SmeAddress, UnsuccessSme
from tests.smpp.simulator.esme import SUBMIT, connection, esme

QUIET = SubmitSm("", 5, 0, "INFO", 1, 1, "447900900123", short_message=b"hello")


async def test_a_message_gets_an_id_and_stands_in_the_log_as_it_came() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        answer = await client.ask(QUIET)
        assert answer.message == SubmitSmResp("1")
        (entry,) = simulator.log
        assert entry.octets == encode(QUIET, 2)
        assert (entry.server, entry.bind, entry.system_id) == (0, "s0-esme-1", "demo")
        assert (entry.command, entry.sequence_number, entry.message_id) == ("submit_sm", 2, "1")
        assert entry.command_status == 0


async def test_octets_in_the_log_are_those_of_the_wire_not_an_encoding_of_ours() -> None:
    octets = bytearray(encode(QUIET, 7))
    trailing_tlv = bytes.fromhex("1400000361620014010000")  # a value that says 3 and has 3, then an empty one
    octets += trailing_tlv
    octets[:4] = len(octets).to_bytes(4, "big")
    async with Simulator() as simulator, esme(simulator) as client:
        client.writer.write(octets[:9])
        await asyncio.sleep(0)
        client.writer.write(octets[9:])
        assert (await client.read()).command_status == 0
        assert simulator.log[0].octets == octets


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (Ids(), ["1", "2"]),
        (Ids(start=254), ["254", "255"]),
        (Ids(format="hex", start=254), ["fe", "ff"]),
        (Ids(format="padded", start=9), ["0000000009", "0000000010"]),
        (Ids(format="padded", start=9, width=3), ["009", "010"]),
    ],
)
async def test_ids_look_as_asked(ids: Ids, expected: list[str]) -> None:
    async with Simulator(script=Script(ids=ids)) as simulator, esme(simulator) as client:
        assert [(await client.ask(QUIET)).message for _ in expected] == [SubmitSmResp(id_) for id_ in expected]


async def test_ids_may_be_uuids_that_a_seed_repeats() -> None:
    seen = []
    for _ in range(2):
        async with Simulator(id_format="uuid", seed=7) as simulator, esme(simulator) as client:
            await client.ask(QUIET)
            seen.append(simulator.log[0].message_id)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 36


async def test_credentials_are_checked_only_if_there_are_any() -> None:
    async with Simulator(credentials={"demo": "right"}) as simulator:
        async with connection(simulator) as client:
            assert (await client.ask(BindTransceiver("demo", "wrong"))).command_status == Status.ESME_RBINDFAIL
            assert (await client.ask(BindTransceiver("nobody", ""))).command_status == Status.ESME_RBINDFAIL
            assert (await client.ask(BindTransceiver("demo", "right"))).command_status == 0
        assert simulator.counters["binds_refused"] == 2


async def test_enquire_link_and_unbind_are_answered() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        assert (await client.ask(EnquireLink())).message == EnquireLinkResp()
        assert (await client.ask(Unbind())).message == UnbindResp()
        assert await client.is_closed()


async def test_what_cannot_be_read_is_refused_and_the_session_goes_on() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        body = b"\x00" * 5
        client.writer.write((16 + len(body)).to_bytes(4, "big") + bytes.fromhex("000000040000000000000009") + body)
        assert (await client.read()).command_status != 0
        assert (await client.ask(QUIET)).command_status == 0
        assert len(simulator.log) == 1


async def test_submit_multi_has_one_id_and_names_who_was_refused() -> None:
    script = Script(
        rules=(Rule(destination="44*", status="ESME_RINVDSTADR"),),
        distribution_lists={"staff": ("4911", "4912")},
    )
    multi = SubmitMulti(
        "",
        5,
        0,
        "INFO",
        (SmeAddress(1, 1, "4910"), SmeAddress(1, 1, "4420"), DistributionList("staff"), DistributionList("board")),
        registered_delivery=1,
        short_message=b"hi",
    )
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        answer = await client.ask(multi)
        refused = (
            UnsuccessSme(0, 0, "board", Status.ESME_RINVDLNAME),
            UnsuccessSme(1, 1, "4420", Status.ESME_RINVDSTADR),
        )
        assert answer.message == SubmitMultiResp("1", refused)
        receipts = [await client.deliver() for _ in range(3)]
        assert {receipt.source_addr for receipt in receipts} == {"4910", "4911", "4912"}
        assert all(receipt.tlvs.get(tlv.receipted_message_id) == "1" for receipt in receipts)


async def test_submit_multi_that_is_for_nobody_is_refused_as_a_whole() -> None:
    script = Script(rules=(Rule(status="ESME_RINVDSTADR"),))
    multi = SubmitMulti("", 5, 0, "INFO", (SmeAddress(1, 1, "4910"),), short_message=b"hi")
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        assert (await client.ask(multi)).command_status == Status.ESME_RINVDSTADR
        assert simulator.log[0].message_id == ""


async def test_data_sm_is_a_message_like_any_other() -> None:
    data = DataSm(
        "",
        1,
        1,
        "4911",
        1,
        1,
        "4" * 40,
        registered_delivery=1,
        data_coding=0,
        tlvs=Tlvs.of(tlv.message_payload(b"long " * 80)),
    )
    async with Simulator() as simulator, esme(simulator) as client:
        assert (await client.ask(data)).message == DataSmResp("1")
        receipt = await client.deliver_any()
        assert isinstance(receipt, DataSm)  # no deliver_sm has room for such an address
        assert receipt.source_addr == "4" * 40


# The book


async def test_query_tells_the_state_of_now() -> None:
    async with Simulator(receipt_delay=60) as simulator, esme(simulator) as client:
        await client.ask(QUIET)
        assert (await client.ask(QuerySm("1", 5, 0, "INFO"))).message == QuerySmResp("1", "", MessageState.ENROUTE, 0)
        assert (await client.ask(QuerySm("1", 1, 1, "other"))).command_status == Status.ESME_RQUERYFAIL
        assert (await client.ask(QuerySm("9", 5, 0, "INFO"))).command_status == Status.ESME_RQUERYFAIL


async def test_query_tells_the_end_and_when_it_was() -> None:
    script = Script(rules=(Rule(receipt_state="UNDELIVERABLE", error="027"),))
    async with Simulator(script=script) as simulator, esme(simulator) as client:
        await client.ask(QUIET)
        message = (await client.ask(QuerySm("1", 5, 0, "INFO"))).message
        assert isinstance(message, QuerySmResp)
        assert (message.message_state, message.error_code) == (MessageState.UNDELIVERABLE, 27)
        assert message.final_date is not None
        assert message.final_date.endswith("+")


async def test_cancel_ends_what_waits_and_reports_it() -> None:
    cancel = CancelSm("", "1", 5, 0, "INFO", 1, 1, "447900900123")
    async with Simulator(receipt_delay=60) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        client.write(cancel)
        assert await client.expect(CancelSmResp) == CancelSmResp()
        receipt = await client.deliver()
        assert receipt.tlvs.get(tlv.message_state) == MessageState.DELETED
        assert (await client.ask(cancel)).command_status == Status.ESME_RCANCELFAIL
        unknown = CancelSm("", "77", 5, 0, "INFO", 1, 1, "447900900123")
        assert (await client.ask(unknown)).command_status == Status.ESME_RINVMSGID
        await simulator.drained()


async def test_cancel_without_an_id_ends_all_between_two_addresses() -> None:
    async with Simulator(receipt_delay=60) as simulator, esme(simulator) as client:
        await client.ask(QUIET)
        await client.ask(QUIET)
        assert (await client.ask(CancelSm("", "", 5, 0, "INFO", 1, 1, "447900900123"))).command_status == 0
        states = [simulator.messages[id_].state(asyncio.get_running_loop().time()) for id_ in ("1", "2")]
        assert states == [MessageState.DELETED] * 2


async def test_replace_changes_the_text_of_what_waits() -> None:
    replaced = ReplaceSm("1", 5, 0, "INFO", registered_delivery=1, short_message=b"another text")
    async with Simulator(receipt_delay=60) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        assert (await client.ask(replaced)).command_status == 0
        assert simulator.messages["1"].text == b"another text"
        client.write(CancelSm("", "1", 5, 0, "INFO", 1, 1, "447900900123"))
        await client.expect(CancelSmResp)
        assert (await client.deliver()).short_message.endswith(b"text:another text")
        assert (await client.ask(replaced)).command_status == Status.ESME_RREPLACEFAIL


async def test_a_message_expires_with_its_validity() -> None:
    short_lived = SubmitSm(
        "",
        5,
        0,
        "INFO",
        1,
        1,
        "4479",
        validity_period="000000000000000R",
        registered_delivery=1,
        short_message=b"now or never",
    )
    async with Simulator(receipt_delay=60) as simulator, esme(simulator) as client:
        await client.ask(short_lived)
        assert (await client.deliver()).tlvs.get(tlv.message_state) == MessageState.EXPIRED


async def test_a_scheduled_message_waits_for_its_time() -> None:
    scheduled = SubmitSm("", 5, 0, "INFO", 1, 1, "4479", schedule_delivery_time="000000010000000R", short_message=b"x")
    async with Simulator() as simulator, esme(simulator) as client:
        await client.ask(scheduled)
        stored = simulator.messages["1"]
        assert stored.final_at - stored.accepted_at == pytest.approx(3600, abs=1)


async def test_the_book_and_the_log_are_bounded() -> None:
    async with Simulator(max_messages=10, log_limit=5) as simulator, esme(simulator) as client:
        for _ in range(40):
            await client.ask(QUIET)
        assert len(simulator.messages) <= 11
        assert "40" in simulator.messages
        assert [entry.message_id for entry in simulator.log] == ["36", "37", "38", "39", "40"]


async def test_messages_are_refused_when_too_many_receipts_are_under_way() -> None:
    async with Simulator(max_pending=2, receipt_delay=60) as simulator, esme(simulator) as client:
        statuses = [(await client.ask(SUBMIT)).command_status for _ in range(3)]
        assert statuses == [0, 0, Status.ESME_RMSGQFUL]
        assert (await client.ask(QUIET)).command_status == 0


# What it tells


async def test_the_log_file_has_every_message_and_every_receipt(tmp_path: Path) -> None:
    path = tmp_path / "smsc.jsonl"
    async with Simulator(log_file=path) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        await client.deliver()
        await simulator.drained()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["submit", "receipt"]
    assert lines[0]["octets"] == encode(SUBMIT, 2).hex()
    assert (lines[1]["message_id"], lines[1]["state"], lines[1]["command_status"]) == ("1", "DELIVERED", 0)


async def test_a_listener_hears_of_everything() -> None:
    heard: list[SimulatorEvent] = []
    async with Simulator(on_event=heard.append) as simulator, esme(simulator) as client:
        await client.ask(SUBMIT)
        await client.deliver()
        await client.ask(QuerySm("1", 5, 0, "INFO"))
        await simulator.drained()
    assert [event.kind for event in heard] == ["connected", "bound", "submit", "receipt", "operation", "closed"]
    assert heard[2].text == "submit_sm demo: INFO to 447900900123: id 1"


async def test_the_rate_is_judged_per_server() -> None:
    async with Simulator(["smpp://127.0.0.1:0"] * 2) as simulator:
        async with esme(simulator, 0) as first, esme(simulator, 1) as second:
            for _ in range(3):
                await first.ask(QUIET)
            await second.ask(QUIET)
        assert [server.rate.total for server in simulator.servers] == [3, 1]
        assert [server.rate.max_per_second for server in simulator.servers] == [3, 1]


async def test_waiting_for_what_never_comes_ends() -> None:
    async with Simulator() as simulator:
        with pytest.raises(TimeoutError):
            await simulator.wait_until(lambda: False, timeout=0.01)
        with pytest.raises(TimeoutError):
            simulator.deliver("x", source="1", destination="2")
            await simulator.drained(timeout=0.01)


# Python as the script


async def test_a_function_may_decide_before_the_rules() -> None:
    def decide(arrival: Arrival) -> Outcome | None:
        return Outcome(command_status=Status.ESME_RINVSRCADR) if "code" in arrival.text else None

    async with Simulator(on_submit=decide) as simulator, esme(simulator) as client:
        assert (await client.ask(SUBMIT)).command_status == Status.ESME_RINVSRCADR
        assert (await client.ask(QUIET)).command_status == 0


async def test_a_function_that_fails_makes_a_system_error_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("oops")

    async with Simulator(on_submit=fail, on_event=fail) as simulator, esme(simulator) as client:
        assert (await client.ask(QUIET)).command_status == Status.ESME_RSYSERR
        assert (await client.ask(EnquireLink())).message == EnquireLinkResp()
    assert "on_submit failed" in caplog.text
    assert "on_event failed" in caplog.text


async def test_the_script_may_change_while_it_runs() -> None:
    async with Simulator() as simulator, esme(simulator) as client:
        assert (await client.ask(QUIET)).message == SubmitSmResp("1")
        simulator.script = Script(rules=(Rule(status="ESME_RSYSERR"),))
        assert (await client.ask(QUIET)).command_status == Status.ESME_RSYSERR
        simulator.script = Script()
        assert (await client.ask(QUIET)).message == SubmitSmResp("2")


async def test_arguments_go_before_the_script() -> None:
    script = Script(ids=Ids(format="hex"), receipts=Receipts(route="same"))
    simulator = Simulator(script=script, id_start=255, receipt_delay=(1.0, 2.0), receipt_states={"EXPIRED": 1})
    assert simulator.script.ids == Ids(format="hex", start=255)
    assert simulator.script.receipts == Receipts(route="same", delay=(1.0, 2.0), states={"EXPIRED": 1})


def test_arguments_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ScriptError, match=r"Simulator\(\): receipts.route = 'x': expected one of 'any'"):
        Simulator(receipt_route="x")


# Servers


async def test_one_server_may_have_several_listeners_and_tls() -> None:
    tls = throw_away_tls()
    urls = [["smpp://127.0.0.1:0", "smpps://127.0.0.1:0"], "smpp://127.0.0.1:0"]
    async with Simulator(urls, ssl_context=tls.server_context) as simulator:
        assert [len(server.urls) for server in simulator.servers] == [2, 1]
        assert simulator.ports == tuple(int(url.rpartition(":")[2]) for url in simulator.urls)
        assert simulator.url(1, "demo", "p@ss") == f"smpps://demo:p%40ss@127.0.0.1:{simulator.ports[1]}"
        context = tls.client_context()
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", simulator.ports[1], ssl=context, server_hostname="localhost"
        )
        writer.write(encode(BindTransceiver("demo", "x"), 1))
        assert (await reader.readexactly(8))[4:] == bytes.fromhex("80000009")
        writer.close()
        await writer.wait_closed()


async def test_a_tls_client_that_trusts_somebody_else_gets_nowhere() -> None:
    tls = throw_away_tls()
    async with Simulator(["smpps://127.0.0.1:0"], ssl_context=tls.server_context) as simulator:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", simulator.ports[0], ssl=ssl.create_default_context())


async def test_a_server_comes_back_on_the_same_port() -> None:
    async with Simulator() as simulator:
        server, port = simulator.servers[0], simulator.ports[0]
        async with connection(simulator) as client:
            await client.ask(BindTransceiver("demo", "x"))
            await server.stop(in_order=False)
            with pytest.raises(ConnectionResetError):
                await client.octets()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
        await server.start()
        assert simulator.ports[0] == port
        async with esme(simulator) as client:
            assert (await client.ask(QUIET)).message == SubmitSmResp("1")


async def test_stopping_unbinds_who_is_bound() -> None:
    simulator = Simulator()
    await simulator.start()
    async with esme(simulator) as client:
        stopping = asyncio.create_task(simulator.stop())
        pdu = await client.read()
        assert pdu.message == Unbind()
        client.write(UnbindResp(), pdu.sequence_number)
        assert await client.is_closed()
        await stopping


async def test_dropped_connections_break_and_the_server_stays() -> None:
    async with Simulator() as simulator:
        async with connection(simulator) as client:
            await client.ask(BindTransceiver("demo", "x"))
            simulator.servers[0].drop()
            with pytest.raises(ConnectionError):
                await client.octets()
        async with esme(simulator):
            pass
