"""PDUs as lines of the log."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from smpp.session import NoticeKind
from smpp.status import CommandStatus as Status
from smpp.trace import both, describe
from smpp.wire import Tlvs, tlv
from smpp.wire.pdu import (
    BindTransmitter,
    DeliverSm,
    Message,
    Outbind,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from smpp.wire.types import SmeAddress
from tests.smpp.links import Wired, turn

SUBMIT = SubmitSm(destination_addr="447700900123", short_message=b"hello")
DELIVER = DeliverSm(source_addr="447700900123", short_message=b"hello")


def start(coroutine: Any) -> "asyncio.Task[Any]":
    return asyncio.get_running_loop().create_task(coroutine)


@pytest.fixture
def debug(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.DEBUG, logger="smpp")
    return lambda: [record.getMessage() for record in caplog.records]


async def test_every_pdu_is_a_line_where_debug_is_on(debug: Callable[[], list[str]]) -> None:
    link = await Wired().bind()
    link.connection.send(SUBMIT)
    link.feed((SubmitSmResp("id-1"), 2))
    lines = [line for line in debug() if line[0] in "<>="]
    assert lines[0].startswith("> bind_transceiver #1 connection='test' system_id='demo' password='***'")
    assert any(line.startswith("= state") for line in lines)
    assert any(line.startswith("> submit_sm #2 ") and "short_message='<5 octets>'" in line for line in lines)
    assert "< submit_sm_resp #2 connection='test' message_id='id-1'" in lines
    assert "hello" not in "".join(lines)


async def test_line_of_an_error_names_its_status(debug: Callable[[], list[str]]) -> None:
    link = await Wired().bind()
    link.connection.send(SUBMIT)
    link.feed((SubmitSmResp(), 2, Status.ESME_RTHROTTLED))
    assert any(line.startswith("< submit_sm_resp #2") and "ESME_RTHROTTLED" in line for line in debug())


async def test_nothing_is_traced_where_debug_is_off() -> None:
    link = Wired()
    assert link.connection.session._trace is None


async def test_notices_of_a_flood_are_logged_less_and_less(caplog: pytest.LogCaptureFixture) -> None:
    link = await Wired().bind()
    link.feed(*[(SubmitSmResp("x"), 1000 + number) for number in range(1000)])
    await turn()
    assert link.connection.notices == {NoticeKind.UNMATCHED_RESPONSE: 1000}
    assert len(caplog.records) == 10 + 6  # then 16, 32, ... 512


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (SubmitSm(), {}),
        (SubmitSm(source_addr="x" * 60), {"source_addr": "x" * 40 + "…"}),
        (
            SubmitSm(tlvs=Tlvs.of(tlv.message_payload(b"4711"), tlv.user_message_reference(7), (0x1400, b"1"))),
            {"message_payload": "<4 octets>", "user_message_reference": "0007", "tlv_0x1400": "31"},
        ),
        (SubmitSm(tlvs=Tlvs([(0x1400, b"")] * 12)), {"tlv_0x1400": "", "more_tlvs": "2"}),
        (SubmitMulti(dest_addresses=(SmeAddress(1, 1, "44"),) * 3), {"dest_addresses": "<3 items>"}),
        (BindTransmitter("demo", "secret"), {"system_id": "demo", "password": "***"}),
        (Outbind("demo", "secret"), {"system_id": "demo", "password": "***"}),
        (SubmitSmResp(), {}),
    ],
    ids=lambda value: getattr(value, "command_name", ""),
)
def test_messages_are_described_shortly_and_without_secrets(message: Message, shown: dict[str, Any]) -> None:
    assert describe(message) == shown


def test_two_traces_become_one() -> None:
    seen: list[str] = []
    first, second = (lambda name: lambda *_: seen.append(name))("a"), (lambda name: lambda *_: seen.append(name))("b")
    both_of_them = both(first, second)
    assert both_of_them is not None
    both_of_them("<", SubmitSm(), 1, 0)
    assert seen == ["a", "b"]
    assert both(None, second) is second
    assert both(first, None) is first
    assert both(None, None) is None
