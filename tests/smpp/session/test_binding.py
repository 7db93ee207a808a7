"""Binds of every mode, refused, repeated, pipelined, and outbind."""

from typing import Any

import pytest

from smpp.constants import BindMode, CommandId, InterfaceVersion, Role
from smpp.errors import EncodeError, ResponseTimeout, StateError
from smpp.session import (
    BindRequested,
    Closed,
    NoticeKind,
    OutbindReceived,
    RequestReceived,
    ResponseReceived,
    SessionConfig,
    SessionState,
    StateChanged,
)
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    DeliverSm,
    EnquireLink,
    GenericNack,
    Outbind,
)
from tests.smpp.session.pairs import DELIVER, SUBMIT, Pair, alone, at

PAYLOAD = Tlvs.of(tlv.message_payload(b"a long text"))
REFERENCE = Tlvs.of(tlv.user_message_reference(7))


# Binding


@pytest.mark.parametrize("mode", BindMode)
def test_bind_of_each_mode_binds_both_sides(mode: BindMode) -> None:
    pair = Pair().bind(mode)
    state = {"tx": SessionState.BOUND_TX, "rx": SessionState.BOUND_RX, "trx": SessionState.BOUND_TRX}[mode.value]
    for side in (pair.esme, pair.smsc):
        assert side.session.state is state
        assert side.session.bind_mode is mode
        assert side.of(StateChanged) == [StateChanged(SessionState.OPEN, state)]
    assert pair.esme.ends() == [("bind", 0)]
    assert pair.esme.session.peer_system_id == "SMSC"
    assert pair.smsc.session.peer_system_id == "demo"
    assert pair.esme.session.peer_version == pair.smsc.session.peer_version == InterfaceVersion.V3_4


def test_bind_is_known_before_its_response_is_reported() -> None:
    pair = Pair().bind()
    kinds = [type(event) for event in pair.esme.collect()]
    assert kinds == [StateChanged, ResponseReceived]


def test_smsc_sees_credentials_and_decides_later() -> None:
    pair = Pair()
    pair.esme.session.bind(BindMode.RECEIVER, now=0, system_id="demo", password="secret", system_type="VMS")
    pair.talk()
    (asked,) = pair.smsc.of(BindRequested)
    assert (asked.message.system_id, asked.message.password, asked.message.system_type) == ("demo", "secret", "VMS")
    assert asked.mode is BindMode.RECEIVER
    assert pair.smsc.session.reading_paused
    assert not pair.smsc.session.wants_reading
    assert not pair.smsc.session.can_send


def test_refused_bind_may_be_tried_again_on_the_same_connection() -> None:
    pair = Pair()
    pair.esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="demo", password="wrong", context="first")
    pair.talk()
    pair.smsc.session.reject_bind(Status.ESME_RINVPASWD, pair.clock.now)
    pair.talk()
    assert pair.esme.ends() == [("first", Status.ESME_RINVPASWD)]
    assert {pair.esme.session.state, pair.smsc.session.state} == {SessionState.OPEN}
    assert pair.smsc.session.peer_system_id == ""
    pair.bind()
    assert pair.esme.session.state is SessionState.BOUND_TRX


def test_too_many_refused_binds_end_the_connection() -> None:
    pair = Pair(smsc=SessionConfig(max_errors_unbound=2))
    for _ in range(3):
        pair.esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="demo", context=None)
        pair.talk()
        pair.smsc.session.reject_bind(Status.ESME_RBINDFAIL, pair.clock.now)
        pair.talk()
    assert pair.smsc.closed() == Closed("too many errors before a bind", False)
    assert len(pair.esme.of(ResponseReceived)) == 3


def test_what_comes_behind_a_bind_waits_for_the_decision() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed((BindTransceiver("demo", "secret"), 1), (SUBMIT, 2), (EnquireLink(), 3))
    assert smsc.of(RequestReceived) == []
    assert smsc.sent() == []
    smsc.session.accept_bind("SMSC", smsc.now)
    (request,) = smsc.of(RequestReceived)
    assert (request.message, request.sequence_number) == (SUBMIT, 2)
    assert [pdu.sequence_number for pdu in smsc.sent()] == [1, 3]


def test_what_comes_behind_a_refused_bind_is_refused_too() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed((BindTransceiver("demo", "wrong"), 1), (SUBMIT, 2))
    smsc.session.reject_bind(Status.ESME_RBINDFAIL, smsc.now)
    assert [(pdu.sequence_number, pdu.command_status) for pdu in smsc.sent()] == [
        (1, Status.ESME_RBINDFAIL),
        (2, Status.ESME_RINVBNDSTS),
    ]


def test_pdus_in_the_same_read_as_the_bind_response_are_received() -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    esme.session.bind(BindMode.TRANSCEIVER, now=esme.now, system_id="demo", context="bind")
    esme.session.data_to_send()
    esme.feed((BindTransceiverResp("SMSC"), 1), (DELIVER, 9))
    assert [type(event) for event in esme.collect()] == [StateChanged, ResponseReceived, RequestReceived]


def test_second_bind_is_refused_as_already_bound() -> None:
    smsc = alone()
    smsc.feed((BindReceiver("demo"), 5))
    assert at(smsc, CommandId.BIND_RECEIVER_RESP) == [(5, Status.ESME_RALYBND)]
    assert smsc.notices() == [NoticeKind.NOT_ALLOWED]


def test_only_one_bind_at_a_time() -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    esme.session.bind(BindMode.TRANSMITTER, now=0, system_id="demo")
    with pytest.raises(StateError, match="a bind is under way"):
        esme.session.bind(BindMode.RECEIVER, now=0, system_id="demo")
    with pytest.raises(StateError, match="a bind is under way"):
        esme.session.send_request(BindTransmitter("demo"), 0)


def test_bind_without_an_answer_times_out_and_may_be_tried_again() -> None:
    pair = Pair(SessionConfig(response_timeout_seconds=5, session_init_seconds=60))
    esme = pair.esme
    esme.session.bind(BindMode.TRANSCEIVER, now=esme.now, system_id="demo", context="bind")
    esme.session.data_to_send()
    pair.clock.now += 5
    esme.tick()
    assert esme.ends() == [("bind", ResponseTimeout)]
    esme.session.bind(BindMode.TRANSCEIVER, now=esme.now, system_id="demo", context="again")


def test_credentials_that_cannot_be_raise_and_leave_the_session_as_it_was() -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    with pytest.raises(EncodeError):
        esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="a name of seventeen")
    assert esme.session.in_flight == 0
    esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="demo")


def test_own_name_that_cannot_be_leaves_the_bind_to_decide() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed((BindTransceiver("demo"), 1))
    with pytest.raises(EncodeError):
        smsc.session.accept_bind("x" * 16, smsc.now)
    smsc.session.reject_bind(Status.ESME_RSYSERR, smsc.now)
    assert at(smsc, CommandId.BIND_TRANSCEIVER_RESP) == [(1, Status.ESME_RSYSERR)]


@pytest.mark.parametrize("answer", [GenericNack(), BindTransceiverResp()])
def test_generic_nack_or_bare_error_refuses_a_bind(answer: Any) -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="demo", context="bind")
    esme.feed((answer, 1, Status.ESME_RINVCMDID))
    assert esme.ends() == [("bind", Status.ESME_RINVCMDID)]
    assert esme.session.state is SessionState.OPEN


def test_generic_nack_with_status_zero_is_no_bind() -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="demo", context="bind")
    esme.feed((GenericNack(), 1))
    assert esme.session.state is SessionState.OPEN
    assert esme.ends() == [("bind", Status.ESME_RUNKNOWNERR)]


def test_deciding_without_a_bind_to_decide_does_nothing() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.session.accept_bind("SMSC", 0)
    smsc.session.reject_bind(Status.ESME_RBINDFAIL, 0)
    assert smsc.sent() == []
    assert smsc.session.state is SessionState.OPEN


def test_larger_pdus_are_let_in_once_bound() -> None:
    large = DeliverSm(tlvs=Tlvs.of(tlv.message_payload(b"x" * 60_000)))
    esme = alone(Role.ESME)
    esme.feed((large, 1))
    assert len(esme.of(RequestReceived)) == 1
    smsc = alone(state=SessionState.OPEN)
    smsc.feed(encode(large, 1)[:4])
    assert smsc.closed() is not None


# Outbind


def test_outbind_asks_an_esme_to_bind() -> None:
    pair = Pair()
    pair.smsc.session.outbind("SMSC", "secret", pair.clock.now)
    pair.talk()
    (asked,) = pair.esme.of(OutbindReceived)
    assert asked.message == Outbind("SMSC", "secret")
    assert {pair.esme.session.state, pair.smsc.session.state} == {SessionState.OUTBOUND}
    pair.bind(BindMode.RECEIVER)
    assert pair.smsc.session.state is SessionState.BOUND_RX


def test_outbind_is_for_an_smsc_that_is_not_bound() -> None:
    with pytest.raises(StateError, match="outbind cannot be sent as ESME in state open"):
        alone(Role.ESME, SessionState.OPEN).session.outbind("x", "y", 0)
    with pytest.raises(StateError, match="outbind cannot be sent as SMSC in state bound_trx"):
        alone().session.outbind("x", "y", 0)


def test_outbind_starts_the_init_timer_anew() -> None:
    pair = Pair(SessionConfig(session_init_seconds=10), SessionConfig(session_init_seconds=10))
    pair.clock.now += 9
    pair.smsc.session.outbind("SMSC", "secret", pair.clock.now)
    pair.talk()
    pair.wait(9)
    assert pair.esme.closed() is pair.smsc.closed() is None
    pair.wait(1)
    assert pair.esme.closed() is not None
    assert pair.smsc.closed() is not None
