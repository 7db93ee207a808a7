"""Unbinding in order, and losing the link."""

import pytest

from smpp.constants import BindMode, CommandId, Role
from smpp.errors import InDoubt, NotSent, StateError
from smpp.session import (
    Closed,
    RequestReceived,
    SessionState,
    StateChanged,
)
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, tlv
from smpp.wire.pdu import (
    AlertNotification,
    DeliverSmResp,
    GenericNack,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from tests.smpp.session.pairs import DELIVER, SUBMIT, Pair, alone, answer_all, at

PAYLOAD = Tlvs.of(tlv.message_payload(b"a long text"))
REFERENCE = Tlvs.of(tlv.user_message_reference(7))


# Unbinding


def test_unbind_ends_both_sides_in_order() -> None:
    pair = Pair().bind()
    pair.esme.session.unbind(pair.clock.now)
    pair.talk()
    assert pair.esme.closed() == Closed("unbound", True)
    assert pair.smsc.closed() == Closed("the peer unbound", True)
    assert [event.new for event in pair.esme.of(StateChanged)][-2:] == [SessionState.UNBOUND, SessionState.CLOSED]


def test_unbind_waits_for_our_requests() -> None:
    pair = Pair().bind()
    pair.esme.submit("mt")
    pair.esme.session.unbind(pair.clock.now)
    pair.talk()
    assert pair.esme.closed() is None
    assert not pair.esme.session.can_send
    with pytest.raises(StateError, match="the session unbinds"):
        pair.esme.submit("more")
    answer_all(pair.smsc)
    pair.talk()
    assert pair.esme.ends() == [("bind", 0), ("mt", 0)]
    assert pair.esme.closed() == Closed("unbound", True)


def test_unbind_waits_for_our_answers_and_serves_what_still_comes() -> None:
    pair = Pair().bind()
    pair.smsc.session.send_request(DELIVER, 0, 1)
    pair.talk()
    pair.esme.session.unbind(pair.clock.now)
    pair.smsc.session.send_request(DELIVER, 0, 2)
    pair.talk()
    assert pair.esme.session.answering == 2
    assert pair.esme.closed() is None
    for event in pair.esme.of(RequestReceived):
        pair.esme.session.send_response(DeliverSmResp(), event.sequence_number)
    pair.talk()
    assert pair.smsc.ends() == [(1, 0), (2, 0)]
    assert pair.esme.closed() == Closed("unbound", True)


def test_request_that_crosses_our_unbind_is_answered_before_the_end() -> None:
    esme = alone(Role.ESME)
    esme.session.unbind(esme.now)
    esme.feed((DELIVER, 5), (UnbindResp(), 2))
    assert esme.closed() is None
    esme.session.send_response(DeliverSmResp(), 5)
    assert esme.closed() == Closed("unbound", True)
    assert at(esme, CommandId.DELIVER_SM_RESP) == [(5, 0)]


def test_unbind_of_the_peer_waits_for_both_directions() -> None:
    pair = Pair().bind()
    pair.smsc.session.send_request(DELIVER, 0, "mo")
    pair.esme.submit("mt")
    pair.talk()
    pair.smsc.feed((Unbind(), 99))
    assert pair.smsc.session.data_to_send() == b""
    answer_all(pair.smsc)
    assert pair.smsc.closed() is None
    pair.esme.session.send_response(DeliverSmResp(), 1)
    pair.talk()
    assert pair.smsc.ends() == [("mo", 0)]
    assert pair.smsc.closed() == Closed("the peer unbound", True)


def test_messages_after_an_unbind_are_refused() -> None:
    smsc = alone()
    smsc.feed((SUBMIT, 1), (Unbind(), 2), (SUBMIT, 3), (Unbind(), 4))
    assert [(pdu.sequence_number, pdu.command_status) for pdu in smsc.sent()] == [
        (3, Status.ESME_RINVBNDSTS),
        (4, Status.ESME_RINVBNDSTS),
    ]
    smsc.session.send_response(SubmitSmResp("x"), 1)
    assert [pdu.sequence_number for pdu in smsc.sent()] == [1, 2]


def test_crossing_unbinds_end_both_sides_in_order() -> None:
    pair = Pair().bind()
    pair.esme.session.unbind(pair.clock.now)
    pair.smsc.session.unbind(pair.clock.now)
    pair.talk()
    assert [end.in_order for end in pair.esme.of(Closed)] == [True]
    assert [end.in_order for end in pair.smsc.of(Closed)] == [True]


def test_peer_that_refuses_to_unbind_is_left_all_the_same() -> None:
    for answer in (UnbindResp(), GenericNack()):
        esme = alone(Role.ESME)
        esme.session.unbind(esme.now)
        esme.feed((answer, 2, Status.ESME_RSYSERR))
        assert esme.closed() == Closed("unbound", True)


def test_peer_that_closes_instead_of_answering_unbind_ends_in_order() -> None:
    esme = alone(Role.ESME)
    esme.session.unbind(esme.now)
    esme.session.data_to_send()
    esme.session.receive_eof()
    assert esme.closed() == Closed("the peer closed the connection", True)


def test_unbind_that_nobody_answers_ends_in_its_time() -> None:
    esme = alone(Role.ESME, unbind_seconds=10)
    esme.submit("mt")
    esme.session.unbind(esme.now)
    esme.session.data_to_send()
    esme.clock.now += 9.9
    esme.tick()
    assert esme.closed() is None
    esme.clock.now += 0.1
    esme.tick()
    assert esme.closed() == Closed("unbind was not answered in time", False)
    assert esme.ends() == [("mt", InDoubt)]


def test_unbind_asked_after_long_idleness_has_its_whole_time() -> None:
    esme = alone(Role.ESME, unbind_seconds=10, response_timeout_seconds=5)
    esme.clock.now += 1000
    esme.session.unbind(esme.now)
    esme.clock.now += 9
    esme.tick()
    assert esme.closed() is None


def test_peer_that_unbinds_gets_its_answer_though_we_could_not_drain() -> None:
    smsc = alone(unbind_seconds=10)
    smsc.session.send_request(DELIVER, smsc.now, "mo")
    smsc.feed((Unbind(), 2))
    smsc.session.data_to_send()
    smsc.clock.now += 10
    smsc.tick()
    assert at(smsc, CommandId.UNBIND_RESP) == [(2, 0)]
    assert smsc.ends() == [("mo", InDoubt)]
    assert smsc.closed() == Closed("the peer unbound", False)


def test_unbind_before_a_bind() -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    esme.session.unbind(esme.now)
    assert esme.closed() == Closed("unbind before any bind", True)
    smsc = alone(state=SessionState.OPEN)
    smsc.feed((Unbind(), 1))
    assert at(smsc, CommandId.UNBIND_RESP) == [(1, 0)]
    assert smsc.closed() == Closed("the peer unbound", True)


def test_unbind_is_not_sent_past_what_is_under_way() -> None:
    with pytest.raises(StateError, match=r"Session\.unbind"):
        alone(Role.ESME).session.send_request(Unbind(), 0)


# Losing the link


def test_lost_link_hands_back_what_was_written_and_what_was_not() -> None:
    pair = Pair().bind()
    for context in ("a", "b"):
        pair.esme.submit(context)
    pair.esme.session.data_to_send()
    pair.esme.submit("c")
    pair.esme.session.receive_eof("the link broke")
    assert pair.esme.ends() == [("bind", 0), ("a", InDoubt), ("b", InDoubt), ("c", NotSent)]
    assert pair.esme.closed() == Closed("the link broke", False)
    assert pair.esme.collect() == []


def test_what_is_called_unsent_never_leaves() -> None:
    esme = alone(Role.ESME)
    esme.submit("written")
    esme.session.data_to_send()
    esme.submit("unsent")
    esme.feed((DELIVER, 1))
    esme.session.send_response(DeliverSmResp(), 1)
    esme.session.close("enough")
    assert esme.ends() == [("written", InDoubt), ("unsent", NotSent)]
    assert [pdu.message for pdu in esme.sent()] == [DeliverSmResp()]


def test_request_that_nothing_answers_leaves_with_the_close() -> None:
    smsc = alone()
    smsc.session.send_request(AlertNotification(source_addr="1"), smsc.now)
    smsc.session.send_request(DELIVER, smsc.now, "unsent")
    smsc.session.close("enough")
    assert smsc.ends() == [("unsent", NotSent)]
    assert [type(pdu.message) for pdu in smsc.sent()] == [AlertNotification]


def test_framing_lost_with_unsent_requests_leaves_only_the_nack() -> None:
    esme = alone(Role.ESME)
    esme.submit("unsent")
    esme.feed(b"\xff" * 16)
    assert esme.ends() == [("unsent", NotSent)]
    assert [type(pdu.message) for pdu in esme.sent()] == [GenericNack]


def test_own_enquire_link_is_no_event_when_the_link_is_lost() -> None:
    esme = alone(Role.ESME, enquire_link_seconds=30)
    esme.clock.now += 30
    esme.tick()
    esme.session.receive_eof()
    assert esme.ends() == []


def test_link_lost_while_binding_ends_the_bind() -> None:
    esme = alone(Role.ESME, SessionState.OPEN)
    esme.session.bind(BindMode.TRANSCEIVER, now=0, system_id="demo", context="bind")
    esme.session.data_to_send()
    esme.session.receive_eof()
    assert esme.ends() == [("bind", InDoubt)]
