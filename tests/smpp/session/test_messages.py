"""Messages both ways, the window, sequence numbers, versions."""

from typing import Any

import pytest

from smpp.constants import BindMode, CommandId, InterfaceVersion, Role
from smpp.errors import EncodeError, StateError, WindowFull
from smpp.session import (
    NoticeKind,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    SessionState,
)
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.pdu import (
    AlertNotification,
    BindTransceiver,
    BindTransceiverResp,
    BroadcastSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
)
from tests.smpp.session.pairs import DELIVER, SUBMIT, Pair, Side, alone, answer_all, at

PAYLOAD = Tlvs.of(tlv.message_payload(b"a long text"))
REFERENCE = Tlvs.of(tlv.user_message_reference(7))


# Messages both ways


def test_submit_and_its_response() -> None:
    pair = Pair().bind()
    number = pair.esme.submit("one")
    pair.talk()
    (request,) = pair.smsc.of(RequestReceived)
    assert (request.message, request.sequence_number) == (SUBMIT, number)
    assert pair.smsc.session.answering == 1
    pair.smsc.session.send_response(SubmitSmResp("id-1"), number)
    pair.talk()
    assert pair.esme.of(ResponseReceived)[-1] == ResponseReceived("one", SubmitSmResp("id-1"), 0, number)
    assert pair.smsc.session.answering == pair.esme.session.in_flight == 0


def test_deliver_and_its_response() -> None:
    pair = Pair().bind()
    number = pair.smsc.session.send_request(DELIVER, pair.clock.now, "mo")
    pair.talk()
    pair.esme.session.send_response(DeliverSmResp(), number)
    pair.talk()
    assert pair.smsc.ends() == [("mo", 0)]


def test_both_sides_number_for_themselves() -> None:
    pair = Pair().bind()
    assert pair.esme.submit("mt") == 2
    assert [pair.smsc.session.send_request(DELIVER, 0, number) for number in (1, 2)] == [1, 2]
    pair.talk()
    pair.esme.session.send_response(DeliverSmResp(), 2)
    pair.talk()
    assert pair.smsc.ends() == [(2, 0)]
    assert ("mt", 0) not in pair.esme.ends()


def test_responses_match_in_any_order() -> None:
    pair = Pair().bind()
    numbers = [pair.esme.submit(context) for context in "abc"]
    pair.talk()
    for number in reversed(numbers):
        pair.smsc.session.send_response(SubmitSmResp(str(number)), number)
    pair.talk()
    assert pair.esme.ends() == [("bind", 0), ("c", 0), ("b", 0), ("a", 0)]


def test_window_full_is_an_error_and_an_answer_makes_room() -> None:
    pair = Pair(SessionConfig(window=2)).bind()
    pair.esme.submit(1)
    assert pair.esme.session.free_window == 1
    pair.esme.submit(2)
    assert pair.esme.session.free_window == 0
    with pytest.raises(WindowFull):
        pair.esme.submit(3)
    pair.talk()
    answer_all(pair.smsc)
    pair.talk()
    assert pair.esme.session.free_window == 2


def test_full_window_does_not_hold_back_an_enquire_link() -> None:
    esme = alone(Role.ESME, window=1)
    esme.submit()
    esme.session.send_request(EnquireLink(), 0, "ping")
    assert esme.session.free_window == 0
    esme.feed((EnquireLinkResp(), 3))
    assert esme.ends() == [("ping", 0)]
    assert esme.session.free_window == 0
    with pytest.raises(WindowFull):
        esme.submit()
    esme.feed((SubmitSmResp("x"), 2))
    assert esme.session.free_window == 1


def test_alert_notification_waits_for_nothing() -> None:
    pair = Pair().bind()
    pair.smsc.session.send_request(AlertNotification(source_addr="1", esme_addr="2"), 0, "alert")
    pair.talk()
    assert pair.smsc.session.in_flight == 0
    assert pair.esme.session.answering == 0
    assert len(pair.esme.of(RequestReceived)) == 1


def test_sequence_numbers_wrap_and_skip_those_in_flight() -> None:
    pair = Pair().bind()
    first = pair.esme.submit("stays")
    pair.esme.session._window.next_number = 0x7FFFFFFF
    assert [pair.esme.submit(), pair.esme.submit(), pair.esme.submit()] == [0x7FFFFFFF, 1, first + 1]


@pytest.mark.parametrize("number", [0, 0x80000000, 0xFFFFFFFF])
def test_any_sequence_number_of_a_peer_comes_back_unchanged(number: int) -> None:
    smsc = alone()
    smsc.feed((SUBMIT, number), (EnquireLink(), number))
    smsc.session.send_response(SubmitSmResp("x"), number)
    assert [pdu.sequence_number for pdu in smsc.sent()] == [number, number]


def test_octets_of_a_request_are_kept_where_asked_for() -> None:
    smsc = alone(keep_octets=True)
    octets = encode(SUBMIT, 7)
    smsc.feed(octets[:20])
    smsc.feed(octets[20:] + encode(EnquireLink(), 8))
    assert [event.octets for event in smsc.of(RequestReceived)] == [octets]


def test_trace_sees_both_directions() -> None:
    seen: list[tuple[str, str, int, int]] = []
    session = Session(
        SessionConfig(role=Role.SMSC),
        0.0,
        lambda direction, message, number, status: seen.append((direction, message.command_name, number, status)),
    )
    session.receive_data(encode(BindTransceiver("demo"), 1), 0)
    session.reject_bind(Status.ESME_RBINDFAIL, 0)
    assert seen == [("<", "bind_transceiver", 1, 0), (">", "bind_transceiver_resp", 1, Status.ESME_RBINDFAIL)]


def test_raw_octets_go_into_the_stream_and_may_stand_for_an_answer() -> None:
    smsc = alone()
    smsc.feed((SUBMIT, 1), (SUBMIT, 2))
    smsc.session.send_raw(b"\xff\xff", answers=True)
    smsc.session.send_raw(b"", answers=True)
    assert smsc.session.data_to_send() == b"\xff\xff"
    assert smsc.session.answering == 0


# Versions


def old_smsc(**settings: Any) -> Side:
    """An ESME bound to an SMSC of version 3.3."""
    esme = alone(Role.ESME, SessionState.OPEN, **settings)
    esme.session.bind(BindMode.TRANSCEIVER, now=esme.now, system_id="demo")
    esme.session.data_to_send()
    esme.feed((BindTransceiverResp("old", Tlvs.of(tlv.sc_interface_version(0x33))), 1))
    return esme


def test_tlvs_are_left_out_towards_a_3_3_smsc() -> None:
    esme = old_smsc()
    esme.session.send_request(SubmitSm(short_message=b"x", tlvs=REFERENCE), 0)
    assert [pdu.message for pdu in esme.sent()] == [SubmitSm(short_message=b"x")]
    assert esme.notices() == [NoticeKind.DROPPED_TLVS]


def test_text_in_a_tlv_is_refused_towards_a_3_3_smsc() -> None:
    esme = old_smsc()
    with pytest.raises(EncodeError, match=r"speaks SMPP 3\.3 and takes no message_payload"):
        esme.session.send_request(SubmitSm(tlvs=PAYLOAD), 0)
    assert esme.session.in_flight == 0


def test_smsc_that_says_no_version_gets_tlvs_unless_told_otherwise() -> None:
    for always, kept in ((True, REFERENCE), (False, Tlvs())):
        esme = alone(Role.ESME, SessionState.OPEN, always_send_tlvs=always)
        esme.session.bind(BindMode.TRANSCEIVER, now=esme.now, system_id="demo")
        esme.session.data_to_send()
        esme.feed((BindTransceiverResp("silent"), 1))
        esme.session.send_request(SubmitSm(tlvs=REFERENCE), 0)
        assert [pdu.message for pdu in esme.sent()] == [SubmitSm(tlvs=kept)]


def test_esme_of_3_3_gets_no_tlvs() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed((BindTransceiver("demo", interface_version=0x33), 1))
    smsc.session.accept_bind("SMSC", smsc.now)
    smsc.feed((SUBMIT, 2))
    smsc.session.send_response(SubmitSmResp("id", REFERENCE), 2)
    smsc.session.send_request(DeliverSm(tlvs=REFERENCE), smsc.now)
    assert [pdu.message for pdu in smsc.sent()] == [BindTransceiverResp("SMSC"), SubmitSmResp("id"), DeliverSm()]


def test_esme_of_3_4_learns_our_version() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed((BindTransceiver("demo"), 1))
    smsc.session.accept_bind("SMSC", smsc.now)
    (answer,) = smsc.sent()
    assert answer.message == BindTransceiverResp("SMSC", Tlvs.of(tlv.sc_interface_version(0x34)))


def test_broadcast_on_a_v3_4_session_is_not_known() -> None:
    smsc = alone()
    smsc.feed(bytes.fromhex("00000010 00000111 00000000 00000005"))
    assert at(smsc, CommandId.GENERIC_NACK) == [(5, Status.ESME_RINVCMDID)]
    with pytest.raises(StateError, match=r"it is of SMPP v5\.0"):
        alone(Role.ESME).session.send_request(BroadcastSm(), 0)


def test_broadcast_passes_where_both_speak_v5() -> None:
    v5 = SessionConfig(interface_version=InterfaceVersion.V5_0)
    pair = Pair(v5, v5).bind()
    pair.smsc.session._strict = False
    pair.esme.session.send_request(BroadcastSm(), 0)
    pair.talk()
    assert [type(event.message) for event in pair.smsc.of(RequestReceived)] == [BroadcastSm]
