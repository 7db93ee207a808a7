"""Settings of a session, and how it looks."""

from typing import Any

import pytest

from smpp.session import (
    SessionConfig,
    SessionState,
)
from smpp.wire import Pdu, Tlvs, encode, tlv
from smpp.wire.pdu import (
    EnquireLink,
)
from tests.smpp.session.pairs import SUBMIT, Pair, alone, read_pdus

PAYLOAD = Tlvs.of(tlv.message_payload(b"a long text"))
REFERENCE = Tlvs.of(tlv.user_message_reference(7))


@pytest.mark.parametrize(
    "settings",
    [
        {"window": 0},
        {"inbound_window": 0},
        {"max_tlvs": 0},
        {"max_command_length": 100, "max_command_length_unbound": 200},
        {"max_command_length_unbound": 15},
        {"enquire_link_seconds": -1},
        {"response_timeout_seconds": float("nan")},
        {"inactivity_seconds": float("inf")},
        {"unbind_seconds": 0},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        SessionConfig(**settings)


def test_shortest_timer_tells_how_often_to_look() -> None:
    off: dict[str, Any] = dict.fromkeys(
        (
            "response_timeout_seconds",
            "enquire_link_seconds",
            "inbound_stall_seconds",
            "session_init_seconds",
            "partial_pdu_seconds",
            "write_stall_seconds",
        ),
        0.0,
    )
    assert SessionConfig(**off, unbind_seconds=3).shortest_timer_seconds == 3
    assert SessionConfig().shortest_timer_seconds == 5


def test_repr_is_worth_reading() -> None:
    pair = Pair().bind()
    pair.esme.submit()
    assert repr(pair.esme.session) == "<Session ESME bound_trx with SMSC, 1 in flight>"
    assert repr(alone(state=SessionState.OPEN).session) == "<Session SMSC open, 0 in flight>"


def test_read_pdus_of_the_helper_reads_what_is_written() -> None:
    assert read_pdus(encode(SUBMIT, 1) + encode(EnquireLink(), 2))[1] == Pdu(EnquireLink(), 2, 0)
