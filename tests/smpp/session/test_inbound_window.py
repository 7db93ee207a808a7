"""Requests of the peer that wait for our answer: never more than the inbound window, however many come at once."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from smpp.constants import CommandId, Role
from smpp.errors import InDoubt
from smpp.session import RequestReceived
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.pdu import DeliverSmResp, EnquireLink, SubmitSm, SubmitSmResp
from tests.smpp.session.pairs import DELIVER, SUBMIT, Side, alone, at

RESPONSE = SubmitSmResp("x")


def waiting(side: Side) -> list[int]:
    """Numbers of the requests that came so far."""
    return [event.sequence_number for event in side.of(RequestReceived)]


def test_requests_beyond_the_window_wait_unread_until_there_is_room() -> None:
    smsc = alone(inbound_window=2)
    smsc.feed(*[(SUBMIT, number) for number in range(1, 6)])
    assert waiting(smsc) == [1, 2]
    assert not smsc.wants_reading()
    smsc.session.send_response(RESPONSE, 2)
    smsc.collect()
    assert waiting(smsc) == [1, 2, 3]
    for number in (1, 3, 4, 5):
        smsc.session.send_response(RESPONSE, number)
        smsc.collect()
    assert waiting(smsc) == [1, 2, 3, 4, 5]
    assert smsc.wants_reading()


def test_large_requests_beyond_the_octets_wait_too() -> None:
    smsc = alone(inbound_octets=5_000)
    large = SubmitSm(destination_addr="447700900123", tlvs=Tlvs.of(tlv.message_payload(b"x" * 4_000)))
    smsc.feed(*[(large, number) for number in (1, 2, 3)])
    assert waiting(smsc) == [1, 2]
    smsc.session.send_response(RESPONSE, 1)
    smsc.collect()
    assert waiting(smsc) == [1, 2, 3]


def test_after_a_stall_what_waited_unread_is_refused_for_now() -> None:
    smsc = alone(inbound_window=1, inbound_stall_seconds=5.0)
    smsc.feed((SUBMIT, 1), (SUBMIT, 2), (EnquireLink(), 3))
    assert smsc.sent() == []
    smsc.clock.now += 6.0
    smsc.tick()
    assert [(pdu.sequence_number, pdu.command_status) for pdu in smsc.sent()] == [(2, Status.ESME_RMSGQFUL), (3, 0)]
    assert waiting(smsc) == [1]


def test_responses_behind_unread_requests_count_when_the_peer_leaves() -> None:
    esme = alone(Role.ESME, inbound_window=1)
    answered = esme.submit("answered")
    esme.submit("lost")
    esme.sent()
    esme.feed((DELIVER, 1), (DELIVER, 2), (RESPONSE, answered))
    assert esme.ends() == []
    esme.session.receive_eof()
    esme.collect()
    assert esme.ends() == [("answered", 0), ("lost", InDoubt)]


@given(
    window=st.integers(1, 5),
    chunks=st.lists(st.integers(1, 400), min_size=1, max_size=20),
    answers=st.randoms(use_true_random=False),
)
def test_window_is_never_exceeded_and_every_request_comes_once_and_in_order(
    window: int, chunks: list[int], answers: Random
) -> None:
    esme = alone(Role.ESME, inbound_window=window)
    stream = b"".join(encode(DELIVER, number) for number in range(1, 31))
    unanswered: list[int] = []
    seen = 0
    for size in [*chunks, len(stream)]:
        esme.feed(stream[:size])
        stream = stream[size:]
        while True:
            came = waiting(esme)
            unanswered += came[seen:]
            seen = len(came)
            assert len(unanswered) <= window
            if not unanswered or (stream and answers.random() < 0.4):
                break
            esme.session.send_response(DeliverSmResp(), unanswered.pop(answers.randrange(len(unanswered))))
            esme.collect()
    assert waiting(esme) == list(range(1, 31))
    assert len(at(esme, CommandId.DELIVER_SM_RESP)) == 30
