"""Passwords of more than eight characters: refused, unless asked for."""

import pytest

from smpp.constants import BindMode, Role
from smpp.errors import EncodeError
from smpp.session import BindRequested, Session, SessionConfig
from smpp.wire import decode, encode
from smpp.wire.long_password import MAX_PASSWORD_OCTETS, encode_long
from smpp.wire.pdu import BindReceiver, BindTransceiver

LONG = "much longer than eight"


def esme(*, long_passwords: bool) -> Session:
    return Session(SessionConfig(long_passwords=long_passwords), 0.0)


@pytest.mark.parametrize("password", ["", "12345678", LONG, "x" * MAX_PASSWORD_OCTETS])
def test_bind_reads_back_whatever_the_length_of_its_password(password: str) -> None:
    message = BindReceiver("demo", password, "smpp", 0x34, 1, 1, "44*")
    octets = encode_long(message, 7)
    assert decode(octets).message == message
    if len(password) <= 8:
        assert octets == encode(message, 7)


@pytest.mark.parametrize("password", ["x" * (MAX_PASSWORD_OCTETS + 1), "näive and long", "nul\0in it"])
def test_password_that_cannot_be_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(EncodeError) as raised:
        encode_long(BindTransceiver("demo", password), 1)
    assert password not in str(raised.value)


def test_session_sends_a_long_password_only_where_it_is_told_to() -> None:
    with pytest.raises(EncodeError, match="password"):
        esme(long_passwords=False).bind(BindMode.TRANSCEIVER, now=0.0, system_id="demo", password=LONG)
    ours = esme(long_passwords=True)
    ours.bind(BindMode.TRANSCEIVER, now=0.0, system_id="demo", password=LONG)
    smsc = Session(SessionConfig(role=Role.SMSC, strict=False), 0.0)
    smsc.receive_data(ours.data_to_send(), 0.0)
    (asked,) = (event for event in smsc.take_events() if isinstance(event, BindRequested))
    assert asked.message.password == LONG
