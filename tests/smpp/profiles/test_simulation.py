"""A simulator that behaves as a profile says, spoken to over a loopback connection or a session joined in memory."""

from dataclasses import replace

import pytest

import smpp
from smpp.constants import BindMode, Role
from smpp.profiles import MOBTEXTING, PROFILES, receipt_rule, simulator_options, status_rule
from smpp.profiles.mobtexting_codes import RECEIPT_ERRORS
from smpp.session import Session
from smpp.simulator import Simulator, throw_away_tls
from smpp.status import CommandStatus

INDIA = "919876543210"
DLT = MOBTEXTING.tlvs_of({"PE_ID": "1101", "Template_ID": "1107", "TM_ID": "1102"})


def _submit(to: str = "447700900123", tlvs: smpp.Tlvs = smpp.NO_TLVS) -> smpp.SubmitSm:
    return smpp.SubmitSm(
        source_addr="INFO", destination_addr=to, short_message=b"hello", registered_delivery=1, tlvs=tlvs
    )


async def _refused(client: smpp.Client, message: smpp.SubmitSm | smpp.SubmitMulti) -> int:
    with pytest.raises(smpp.SubmitRejected) as error:
        await client.submit(message)
    return error.value.command_status


async def test_it_refuses_what_the_provider_refuses() -> None:
    async with (
        Simulator(**simulator_options(MOBTEXTING)) as simulator,
        smpp.connect(simulator.url(0, "demo", "secret"), config=MOBTEXTING.client_config()) as client,
    ):
        assert len(simulator.servers) == 2
        many = smpp.SubmitMulti(dest_addresses=(smpp.SmeAddress(1, 1, "4477"),), short_message=b"x")
        assert await _refused(client, many) == CommandStatus.ESME_RINVCMDID
        assert await _refused(client, _submit(INDIA)) == CommandStatus.ESME_RMISSINGOPTPARAM
        bad = smpp.Tlvs.of(smpp.dlt.pe_id("a"))
        assert await _refused(client, _submit(INDIA, bad)) == CommandStatus.ESME_RINVOPTPARAMVAL
        assert (await client.submit(_submit(INDIA, DLT))).message_id
        assert (await client.submit(_submit())).message_id


async def test_it_throttles_beyond_the_rate_of_a_server() -> None:
    profile = replace(MOBTEXTING, parts_per_second_per_server=5.0)
    async with Simulator(**simulator_options(profile)) as simulator:
        for server in (0, 1):
            async with smpp.connect(simulator.url(server, "demo"), config=profile.client_config()) as client:
                for _ in range(5):
                    await client.submit(_submit())
                assert await _refused(client, _submit()) == CommandStatus.ESME_RTHROTTLED


async def test_it_takes_so_many_binds_on_each_server() -> None:
    async with Simulator(**simulator_options(MOBTEXTING)) as simulator:
        clients = [smpp.connect(simulator.url(0, "demo")) for _ in range(4)]
        for client in clients[:3]:
            await client.__aenter__()
        with pytest.raises(smpp.BindFailed) as error:
            await clients[3].__aenter__()
        assert error.value.command_status == CommandStatus.ESME_RALYBND
        async with smpp.connect(simulator.url(1, "demo")):
            pass
        for client in clients[:3]:
            await client.close()


@pytest.mark.parametrize(("code", "state"), [("010", "UNDELIVERABLE"), ("452", "REJECTED"), ("021", "EXPIRED")])
async def test_it_reports_with_the_codes_of_the_provider(code: str, state: str) -> None:
    options = simulator_options(MOBTEXTING, rules=[receipt_rule(MOBTEXTING, code, "4477*")])
    async with (
        Simulator(**options) as simulator,
        smpp.connect(simulator.url(0, "demo"), desk=MOBTEXTING.receipt_desk()) as client,
    ):
        receipt = await (await client.submit(_submit())).receipt(timeout=5)
        assert (receipt.error, receipt.state) == (code, smpp.MessageState[state])
        assert receipt.stat == RECEIPT_ERRORS[code].word


async def test_it_answers_with_the_statuses_of_the_provider() -> None:
    options = simulator_options(MOBTEXTING, rules=[status_rule(MOBTEXTING, "ESME_RINVBALANCE")])
    async with Simulator(**options) as simulator, smpp.connect(simulator.url(0, "demo")) as client:
        assert await _refused(client, _submit()) == 0x40B


async def test_it_has_the_listeners_with_tls_of_the_provider() -> None:
    options = simulator_options(MOBTEXTING, ssl_context=throw_away_tls().server_context)
    async with Simulator(**options) as simulator:
        assert [url.partition("://")[0] for url in simulator.urls] == ["smpp", "smpps", "smpp", "smpps"]


def test_codes_that_the_provider_does_not_have_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="no error code"):
        receipt_rule(MOBTEXTING, "779")
    with pytest.raises(ValueError, match="no command_status"):
        status_rule(MOBTEXTING, "ESME_RNOTHING")


def test_the_standard_profile_makes_a_plain_simulator() -> None:
    options = simulator_options(PROFILES["standard"])
    assert options["urls"] == (("smpp://127.0.0.1:0",),)
    assert options["script"].rules == ()
    assert options["session"].inactivity_seconds == 0


def _bound() -> tuple[Session, Session]:
    """An ESME and the simulator's side of it, bound at second 0."""
    esme = Session(MOBTEXTING.session_config(), 0.0)
    smsc = Session(simulator_options(MOBTEXTING)["session"], 0.0)
    assert smsc.config.role is Role.SMSC
    esme.bind(BindMode.TRANSCEIVER, now=0.0, system_id="demo")
    smsc.receive_data(esme.data_to_send(), 0.0)
    smsc.accept_bind("SMSC", 0.0)
    esme.receive_data(smsc.data_to_send(), 0.0)
    assert esme.can_send
    return esme, smsc


def test_who_is_silent_for_five_minutes_is_dropped() -> None:
    _, smsc = _bound()
    smsc.handle_timer(299.0)
    assert not smsc.is_unbinding
    smsc.handle_timer(300.5)
    assert smsc.is_unbinding


def test_who_asks_each_minute_stays() -> None:
    esme, smsc = _bound()
    for now in range(1, 1201):
        esme.handle_timer(now)
        if octets := esme.data_to_send():
            smsc.receive_data(octets, now)
        smsc.handle_timer(now)
        if octets := smsc.data_to_send():
            esme.receive_data(octets, now)
    assert smsc.can_send
    assert esme.can_send
