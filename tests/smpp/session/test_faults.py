"""Responses and requests that do not fit, and more than we can answer."""

from typing import Any

import pytest

from smpp.constants import CommandId, Role
from smpp.errors import EncodeError, ResponseTimeout, StateError
from smpp.session import (
    Closed,
    NoticeKind,
    RequestReceived,
    ResponseReceived,
    SessionConfig,
    SessionState,
)
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, tlv
from smpp.wire.pdu import (
    DataSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
)
from tests.smpp.session.pairs import DELIVER, SUBMIT, Pair, alone, at

PAYLOAD = Tlvs.of(tlv.message_payload(b"a long text"))
REFERENCE = Tlvs.of(tlv.user_message_reference(7))


# Responses that do not fit


def test_error_responses_with_and_without_body_end_their_request() -> None:
    esme = alone(Role.ESME)
    numbers = [esme.submit(context) for context in "abcd"]
    bodies = [SubmitSmResp(), SubmitSmResp(""), SubmitSmResp("id"), SubmitSmResp("id", REFERENCE)]
    for number, body in zip(numbers, bodies, strict=True):
        esme.feed((body, number, Status.ESME_RTHROTTLED))
    assert esme.ends() == [(context, Status.ESME_RTHROTTLED) for context in "abcd"]
    assert [event.message for event in esme.of(ResponseReceived)] == bodies


@pytest.mark.parametrize("status", [0x55F, 0x4FF, 0xFFFFFFFF])
def test_any_status_is_a_number(status: int) -> None:
    esme = alone(Role.ESME)
    esme.feed((SubmitSmResp(), esme.submit("x"), status))
    assert esme.ends() == [("x", status)]


def test_late_response_is_noticed_and_ends_nothing_twice() -> None:
    pair = Pair(SessionConfig(response_timeout_seconds=5, enquire_link_seconds=0)).bind()
    number = pair.esme.submit("slow")
    pair.talk()
    pair.wait(5)
    assert ("slow", ResponseTimeout) in pair.esme.ends()
    pair.smsc.session.send_response(SubmitSmResp("late"), number)
    pair.talk()
    assert pair.esme.notices() == [NoticeKind.LATE_RESPONSE]
    assert [context for context, _ in pair.esme.ends()] == ["bind", "slow"]


def test_unmatched_response_is_noticed() -> None:
    esme = alone(Role.ESME)
    esme.feed((SubmitSmResp("x"), 77))
    assert esme.notices() == [NoticeKind.UNMATCHED_RESPONSE]
    assert esme.session.data_to_send() == b""


def test_response_of_the_wrong_type_does_not_end_the_request() -> None:
    esme = alone(Role.ESME)
    number = esme.submit("x")
    esme.feed((EnquireLinkResp(), number))
    assert esme.notices() == [NoticeKind.WRONG_RESPONSE_TYPE]
    esme.feed((SubmitSmResp("id"), number))
    assert esme.ends() == [("x", 0)]


def test_unknown_response_is_dropped_without_a_nack() -> None:
    esme = alone(Role.ESME)
    esme.feed(bytes.fromhex("00000010 8000ffff 00000000 00000002"))
    number = esme.submit("x")
    esme.feed(bytes.fromhex(f"00000010 8000ffff 00000000 {number:08x}"))
    assert esme.notices() == [NoticeKind.UNKNOWN_COMMAND, NoticeKind.WRONG_RESPONSE_TYPE]
    assert [pdu.message for pdu in esme.sent()] == [SUBMIT]


@pytest.mark.parametrize("request_", [SUBMIT, EnquireLink(), DataSm()])
def test_generic_nack_ends_any_request(request_: Any) -> None:
    esme = alone(Role.ESME)
    number = esme.session.send_request(request_, 0, "x")
    esme.feed((GenericNack(), number, Status.ESME_RINVCMDLEN))
    assert esme.ends() == [("x", Status.ESME_RINVCMDLEN)]


def test_generic_nack_is_no_success_even_with_status_zero() -> None:
    esme = alone(Role.ESME)
    esme.feed((GenericNack(), esme.submit("x"), 0))
    assert esme.ends() == [("x", Status.ESME_RUNKNOWNERR)]


def test_generic_nack_of_nothing_is_never_answered() -> None:
    for side in (alone(), alone(Role.ESME)):
        side.feed((GenericNack(), 0, Status.ESME_RINVCMDLEN), (GenericNack(), 99, Status.ESME_RINVCMDID))
        assert side.notices() == [NoticeKind.NACK, NoticeKind.NACK]
        assert side.session.data_to_send() == b""
        assert side.closed() is None


def test_response_with_a_broken_body_still_ends_its_request() -> None:
    esme = alone(Role.ESME)
    number = esme.submit("x")
    esme.feed(bytes.fromhex(f"00000013 80000004 00000000 {number:08x} 414243"))
    assert esme.ends() == [("x", 0)]


# Requests that do not fit


def test_bad_body_is_answered_and_the_session_goes_on() -> None:
    smsc = alone()
    smsc.feed(bytes.fromhex("00000012 00000004 00000000 00000009 4141"), (EnquireLink(), 10))
    assert [(type(pdu.message), pdu.sequence_number) for pdu in smsc.sent()] == [
        (SubmitSmResp, 9),
        (EnquireLinkResp, 10),
    ]
    assert smsc.notices() == [NoticeKind.BAD_BODY]
    assert smsc.session.answering == 0


def test_unknown_command_is_nacked_with_its_number() -> None:
    smsc = alone()
    smsc.feed(bytes.fromhex("00000010 00000fff 00000000 0000002a"))
    assert at(smsc, CommandId.GENERIC_NACK) == [(42, Status.ESME_RINVCMDID)]


def test_messages_that_the_bind_does_not_allow_are_refused() -> None:
    smsc = alone(state=SessionState.BOUND_RX)
    smsc.feed((SUBMIT, 3))
    assert at(smsc, CommandId.SUBMIT_SM_RESP) == [(3, Status.ESME_RINVBNDSTS)]
    esme = alone(Role.ESME, SessionState.BOUND_TX)
    esme.feed((DELIVER, 4))
    assert at(esme, CommandId.DELIVER_SM_RESP) == [(4, Status.ESME_RINVBNDSTS)]


def test_own_messages_that_the_bind_does_not_allow_raise() -> None:
    with pytest.raises(StateError, match="submit_sm cannot be sent as ESME in state bound_rx"):
        alone(Role.ESME, SessionState.BOUND_RX).submit()
    with pytest.raises(StateError, match="deliver_sm cannot be sent as SMSC in state bound_tx"):
        alone(state=SessionState.BOUND_TX).session.send_request(DELIVER, 0)
    with pytest.raises(StateError, match="submit_sm cannot be sent as ESME in state open"):
        alone(Role.ESME, SessionState.OPEN).submit()


def test_message_that_cannot_be_encoded_leaves_window_and_output_alone() -> None:
    esme = alone(Role.ESME)
    with pytest.raises(EncodeError):
        esme.session.send_request(SubmitSm(source_addr="x" * 30), 0)
    assert esme.session.in_flight == 0
    assert esme.session.data_to_send() == b""
    assert esme.session.free_window == 100


def test_too_many_errors_before_a_bind_end_the_connection() -> None:
    smsc = alone(state=SessionState.OPEN, max_errors_unbound=3)
    for number in range(3):
        smsc.feed((SUBMIT, number))
    assert smsc.closed() is None
    smsc.feed((SUBMIT, 3), (EnquireLink(), 4))
    assert smsc.closed() == Closed("too many errors before a bind", False)
    assert at(smsc, CommandId.SUBMIT_SM_RESP) == [(number, Status.ESME_RINVBNDSTS) for number in range(4)]


def test_errors_of_a_bound_peer_do_not_end_its_session() -> None:
    smsc = alone(max_errors_unbound=0)
    smsc.feed(*[(DELIVER, number) for number in range(50)])
    assert smsc.closed() is None


def test_length_that_cannot_be_is_nacked_and_ends_the_session() -> None:
    smsc = alone()
    smsc.feed(bytes.fromhex("0000000f 00000004 00000000 00000007"))
    assert at(smsc, CommandId.GENERIC_NACK) == [(7, Status.ESME_RINVCMDLEN)]
    assert [end.in_order for end in smsc.of(Closed)] == [False]
    assert smsc.notices() == [NoticeKind.BAD_FRAME]


def test_huge_length_is_refused_before_anything_is_kept_for_it() -> None:
    smsc = alone()
    smsc.feed(bytes.fromhex("7fffffff"))
    assert at(smsc, CommandId.GENERIC_NACK) == [(0, Status.ESME_RINVCMDLEN)]
    assert smsc.closed() is not None


@pytest.mark.parametrize(
    ("octets", "protocol"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP"),
        (b"POST", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
        (b"SSH-2.0-OpenSSH", "SSH"),
        (b"AMQP\x00\x00\x09\x01", "AMQP"),
        (b"\x03\x00\x00\x2f\x2a\xe0", "RDP"),
        (b"EHLO x\r\n", "SMTP"),
        (b"PROXY TCP4 1.2.3.4", "PROXY protocol"),
    ],
)
def test_clients_of_other_protocols_are_left_without_a_word(octets: bytes, protocol: str) -> None:
    smsc = alone(state=SessionState.OPEN)
    smsc.feed(octets)
    assert smsc.session.data_to_send() == b""
    assert smsc.notices() == [NoticeKind.OTHER_PROTOCOL]
    assert smsc.closed() == Closed(f"the peer speaks {protocol}, not SMPP", False)


def test_other_protocols_are_recognised_octet_by_octet() -> None:
    smsc = alone(state=SessionState.OPEN)
    for octet in b"OPTI":
        smsc.feed(bytes((octet,)))
    assert smsc.notices() == [NoticeKind.OTHER_PROTOCOL]


def test_too_many_tlvs_are_refused() -> None:
    smsc = alone(max_tlvs=256)
    assert SessionConfig().max_tlvs >= 500
    many = Tlvs([(0x1400, b"1234")] * 257)
    smsc.feed((SubmitSm(tlvs=many), 1), (SubmitSm(tlvs=Tlvs(many[:256])), 2))
    assert at(smsc, CommandId.SUBMIT_SM_RESP) == [(1, Status.ESME_RINVOPTPARSTREAM)]
    assert [event.sequence_number for event in smsc.of(RequestReceived)] == [2]


# More than we can answer


def test_reading_is_not_wanted_while_too_many_requests_wait() -> None:
    smsc = alone(inbound_window=2)
    smsc.feed((SUBMIT, 1))
    assert smsc.wants_reading()
    smsc.feed((SUBMIT, 2))
    assert not smsc.wants_reading()
    smsc.session.send_response(SubmitSmResp("x"), 1)
    assert smsc.wants_reading()


def test_reading_is_not_wanted_while_too_many_octets_wait() -> None:
    smsc = alone(inbound_octets=100_000)
    large = SubmitSm(tlvs=Tlvs.of(tlv.message_payload(b"x" * 60_000)))
    smsc.feed((large, 1))
    assert smsc.wants_reading()
    smsc.feed((large, 2))
    assert not smsc.wants_reading()
    smsc.session.send_response(SubmitSmResp("x"), 1)
    assert smsc.wants_reading()
    smsc.session.send_response(SubmitSmResp("x"), 2)
    assert smsc.session._answering_octets == 0


@pytest.mark.parametrize(
    ("role", "request_", "status"),
    [(Role.SMSC, SUBMIT, Status.ESME_RMSGQFUL), (Role.ESME, DELIVER, Status.ESME_RX_T_APPN)],
)
def test_after_a_stall_messages_are_refused_for_now_and_enquire_link_answered(
    role: Role, request_: Any, status: int
) -> None:
    side = alone(role, inbound_window=1, inbound_stall_seconds=5.0)
    side.feed((request_, 1))
    side.clock.now += 4.9
    side.tick()
    assert not side.wants_reading()
    side.clock.now += 0.1
    side.tick()
    assert side.wants_reading()
    side.feed((request_, 2), (EnquireLink(), 3))
    assert [(pdu.sequence_number, pdu.command_status) for pdu in side.sent()] == [(2, status), (3, 0)]
    side.session.send_response(request_.response_type(), 1)
    side.feed((request_, 4))
    assert [event.sequence_number for event in side.of(RequestReceived)] == [1, 4]


def test_nothing_is_given_up_while_we_do_not_read() -> None:
    # The response waits in the socket behind what we cannot take: it is not the peer that is late.
    esme = alone(
        Role.ESME,
        inbound_window=1,
        inbound_stall_seconds=20.0,
        response_timeout_seconds=10.0,
        enquire_link_seconds=3.0,
    )
    number = esme.submit("mt")
    esme.feed((DELIVER, 1))
    esme.clock.now += 15
    esme.tick()
    assert esme.closed() is None
    assert esme.ends() == []
    esme.session.send_response(DeliverSmResp(), 1)
    esme.tick()
    assert esme.ends() == []
    esme.feed((SubmitSmResp("x"), number))
    assert esme.ends() == [("mt", 0)]


def test_requests_are_given_up_a_moment_after_reading_went_on() -> None:
    esme = alone(Role.ESME, inbound_window=1, inbound_stall_seconds=20.0, response_timeout_seconds=10.0)
    esme.submit("mt")
    esme.feed((DELIVER, 1))
    esme.clock.now += 15
    esme.session.send_response(DeliverSmResp(), 1)
    esme.tick()
    esme.clock.now += 1
    esme.tick()
    assert esme.ends() == [("mt", ResponseTimeout)]
