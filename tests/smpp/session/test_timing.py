"""enquire_link and the other timers, with a clock that the test sets."""

import pytest

from smpp.constants import CommandId, Role
from smpp.errors import ResponseTimeout, StateError
from smpp.session import (
    Closed,
    NoticeKind,
    RequestReceived,
    SessionConfig,
    SessionState,
)
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.pdu import (
    BindTransceiver,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSmResp,
    Unbind,
)
from tests.smpp.session.pairs import DELIVER, SUBMIT, Pair, alone, answer_all, at

PAYLOAD = Tlvs.of(tlv.message_payload(b"a long text"))
REFERENCE = Tlvs.of(tlv.user_message_reference(7))


# enquire_link


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "state", [SessionState.OPEN, SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX]
)
def test_enquire_link_is_answered_in_every_state(role: Role, state: SessionState) -> None:
    side = alone(role, state)
    side.feed((EnquireLink(), 5))
    assert [(pdu.message, pdu.sequence_number) for pdu in side.sent()] == [(EnquireLinkResp(), 5)]
    side.session.send_request(EnquireLink(), side.now, "ours")


def test_enquire_link_is_answered_after_an_outbind_and_while_unbinding() -> None:
    pair = Pair()
    pair.smsc.session.outbind("x", "y", 0)
    pair.talk()
    pair.esme.feed((EnquireLink(), 1))
    assert at(pair.esme, CommandId.ENQUIRE_LINK_RESP) == [(1, 0)]
    smsc = alone()
    smsc.feed((SUBMIT, 1), (Unbind(), 2), (EnquireLink(), 3))
    assert at(smsc, CommandId.ENQUIRE_LINK_RESP) == [(3, 0)]


def test_flood_of_enquire_links_before_a_bind_ends_the_connection() -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed(*[(EnquireLink(), number) for number in range(100)])
    assert smsc.closed() is None
    smsc.feed((EnquireLink(), 100))
    assert smsc.closed() is not None
    bound = alone()
    bound.feed(*[(EnquireLink(), number) for number in range(500)])
    assert bound.closed() is None


def test_crossing_enquire_links_with_equal_numbers_do_not_meet() -> None:
    pair = Pair()
    pair.smsc.session.send_request(EnquireLink(), 0, "smsc")
    pair.esme.session.send_request(EnquireLink(), 0, "esme")
    pair.talk()
    assert pair.smsc.ends() == [("smsc", 0)]
    assert pair.esme.ends() == [("esme", 0)]


def test_silence_is_asked_about_and_an_answer_is_no_event() -> None:
    pair = Pair(SessionConfig(enquire_link_seconds=30), SessionConfig(enquire_link_seconds=0)).bind()
    pair.esme.collect()
    pair.clock.now += 30
    pair.esme.tick()
    assert pair.esme.session.in_flight == 1
    pair.talk()
    assert pair.esme.collect() == []
    assert pair.esme.session.in_flight == 0
    assert pair.esme.session.next_timer() == pair.clock.now + 30


def test_link_without_a_sign_of_life_is_closed() -> None:
    esme = alone(Role.ESME, enquire_link_seconds=30, response_timeout_seconds=10)
    esme.submit("waits")
    esme.session.data_to_send()
    for seconds in (10, 20, 10):
        esme.clock.now += seconds
        esme.tick()
        esme.session.data_to_send()
    assert esme.closed() == Closed("enquire_link was not answered", False)
    assert esme.ends() == [("waits", ResponseTimeout)]


def test_any_pdu_proves_that_the_peer_lives() -> None:
    # §4.11: peers that do not know enquire_link exist.
    esme = alone(Role.ESME, enquire_link_seconds=30, response_timeout_seconds=10)
    for number in range(20):
        esme.clock.now += 35
        esme.tick()
        esme.session.data_to_send()
        esme.clock.now += 5
        esme.feed((DELIVER, number))
        esme.session.send_response(DeliverSmResp(), number)
        esme.tick()
    assert esme.closed() is None
    assert esme.session.in_flight <= 1
    assert esme.session.free_window == 100


# Other timers


def test_connection_that_does_not_bind_is_closed() -> None:
    pair = Pair(SessionConfig(session_init_seconds=0), SessionConfig(session_init_seconds=10))
    pair.wait(9.9)
    assert pair.smsc.closed() is None
    pair.wait(0.1)
    assert pair.smsc.closed() == Closed("session_init_timer: not bound in time", False)


def test_request_without_a_response_is_in_doubt_after_its_time() -> None:
    esme = alone(Role.ESME, response_timeout_seconds=7)
    esme.submit("a")
    esme.clock.now += 1
    esme.submit("b")
    esme.session.data_to_send()
    esme.clock.now += 6
    esme.tick()
    assert esme.ends() == [("a", ResponseTimeout)]
    assert esme.session.free_window == 99
    assert esme.closed() is None


def test_session_without_operations_is_unbound() -> None:
    pair = Pair(
        SessionConfig(inactivity_seconds=100, enquire_link_seconds=30), SessionConfig(enquire_link_seconds=30)
    ).bind()
    pair.wait(60)
    pair.esme.submit("x")
    pair.talk()
    answer_all(pair.smsc)
    pair.wait(99)
    assert pair.esme.closed() is None
    pair.wait(1)
    assert pair.esme.closed() == Closed("unbound", True)
    assert pair.smsc.closed() == Closed("the peer unbound", True)
    assert pair.esme.notices() == [NoticeKind.INACTIVE]


def test_pdu_that_does_not_get_complete_ends_the_session() -> None:
    smsc = alone(partial_pdu_seconds=5)
    octets = encode(SUBMIT, 1)
    for octet in octets[:5]:
        smsc.feed(bytes((octet,)))
        smsc.clock.now += 0.9
        smsc.tick()
    assert smsc.closed() is None
    smsc.clock.now += 0.6
    smsc.tick()
    assert smsc.closed() == Closed("a begun PDU did not get complete in time", False)


def test_each_pdu_has_its_own_time_to_get_complete() -> None:
    smsc = alone(partial_pdu_seconds=5)
    octets = encode(EnquireLink(), 1)
    for _ in range(5):
        smsc.feed(octets[8:] if smsc.session._reader.pending else b"", octets[:8])
        smsc.clock.now += 4
        smsc.tick()
    assert smsc.closed() is None


def test_time_for_a_partial_pdu_does_not_run_while_a_bind_is_decided() -> None:
    smsc = alone(state=SessionState.OPEN, partial_pdu_seconds=2, session_init_seconds=0)
    smsc.feed((BindTransceiver("demo"), 1), encode(SUBMIT, 2)[:30])
    smsc.clock.now += 10
    smsc.tick()
    assert smsc.closed() is None
    smsc.session.accept_bind("SMSC", smsc.now)
    smsc.feed(encode(SUBMIT, 2)[30:])
    assert len(smsc.of(RequestReceived)) == 1


def test_closed_session_has_nothing_due_and_takes_nothing() -> None:
    smsc = alone()
    smsc.session.close("enough")
    smsc.collect()
    assert smsc.session.next_timer() == float("inf")
    smsc.session.handle_timer(1e12)
    smsc.feed((SUBMIT, 1))
    smsc.session.send_response(SubmitSmResp("x"), 1)
    smsc.session.send_raw(b"xxxx")
    smsc.session.unbind(0)
    smsc.session.close("again")
    assert smsc.session.take_events() == []
    assert smsc.session.data_to_send() == b""
    with pytest.raises(StateError, match="in state closed"):
        smsc.session.send_request(DELIVER, 0)
