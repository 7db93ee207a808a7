"""Fields that ought to be empty and are not, or the other way round: no reason to end a session."""

import pytest

from smpp.constants import Role
from smpp.session import ResponseReceived
from smpp.wire.pdu import DeliverSmResp, Request, Response, SubmitSmResp
from tests.smpp.session.pairs import DELIVER, SUBMIT, alone

RESPONSES = [
    pytest.param(Role.SMSC, DELIVER, DeliverSmResp("an id"), id="deliver_sm_resp with a message_id"),
    pytest.param(Role.SMSC, DELIVER, DeliverSmResp("x" * 64), id="deliver_sm_resp with a long one"),
    pytest.param(Role.ESME, SUBMIT, SubmitSmResp(""), id="submit_sm_resp without one"),
    pytest.param(Role.ESME, SUBMIT, SubmitSmResp("a9f0c1de-0f5a-4c6e-9a59-6f1f2f2f9a10"), id="with a UUID"),
    pytest.param(Role.ESME, SUBMIT, SubmitSmResp("x" * 200), id="submit_sm_resp with too long a one"),
]


@pytest.mark.parametrize(("role", "request_", "response"), RESPONSES)
def test_message_id_of_a_response_may_be_what_it_likes(role: Role, request_: Request, response: Response) -> None:
    side = alone(role)
    number = side.session.send_request(request_, side.now, "mine")
    octets = _octets(response, number)
    side.feed(octets)
    (event,) = side.of(ResponseReceived)
    assert (event.context, event.command_status, event.message) == ("mine", 0, response)
    assert side.session.in_flight == 0
    assert not side.session.is_closed


def _octets(response: Response, sequence_number: int) -> bytes:
    """As a peer writes it that knows no limits."""
    body = (getattr(response, "message_id", None) or "").encode() + b"\0"
    header = (16 + len(body), int(response.command_id), 0, sequence_number)
    return b"".join(value.to_bytes(4, "big") for value in header) + body
