"""A connection under pressure: slow readers, slow handlers, owners that fail."""

import asyncio
from typing import Any

import pytest

from smpp.constants import Role
from smpp.errors import WindowFull
from smpp.pump import _READ_NO_MORE_AT
from smpp.session import RequestReceived
from smpp.status import CommandStatus as Status
from smpp.wire.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
)
from tests.smpp.links import Recorder, Wired, turn

SUBMIT = SubmitSm(destination_addr="447700900123", short_message=b"hello")
DELIVER = DeliverSm(source_addr="447700900123", short_message=b"hello")


def start(coroutine: Any) -> "asyncio.Task[Any]":
    return asyncio.get_running_loop().create_task(coroutine)


# Back-pressure


async def test_reading_pauses_at_the_inbound_window_and_goes_on() -> None:
    link = await Wired(inbound_window=2).bind()
    link.feed((DELIVER, 1))
    assert link.transport.is_reading()
    link.feed((DELIVER, 2))
    assert not link.transport.is_reading()
    link.connection.respond(DeliverSmResp(), 1)
    assert link.transport.is_reading()


async def test_reading_pauses_while_a_bind_is_decided() -> None:
    link = Wired(role=Role.SMSC)
    link.feed((BindTransceiver("demo"), 1), (SUBMIT, 2))
    assert not link.transport.is_reading()
    assert link.owner.requests == []
    link.connection.act(lambda session, now: session.accept_bind("SMSC", now))
    assert link.transport.is_reading()
    assert len(link.owner.requests) == 1


async def test_stalled_handlers_do_not_keep_enquire_link_unanswered() -> None:
    link = await Wired(inbound_window=1, inbound_stall_seconds=0.02).bind()
    link.feed((DELIVER, 1))
    assert not link.transport.is_reading()
    await asyncio.wait_for(link.transport.reads.wait(), 2)
    link.feed((DELIVER, 2), (EnquireLink(), 3))
    await turn()
    assert [(pdu.sequence_number, pdu.command_status) for pdu in link.transport.taken()] == [
        (2, Status.ESME_RX_T_APPN),
        (3, 0),
    ]


async def test_flood_of_one_connection_leaves_time_to_others() -> None:
    link = await Wired(inbound_window=10_000).bind()
    link.feed(*[(DELIVER, number) for number in range(1000)])
    in_one_turn = len(link.owner.requests)
    assert 0 < in_one_turn < 1000
    assert not link.transport.is_reading()
    while not link.transport.is_reading():
        before = len(link.owner.requests)
        await turn(1)
        assert len(link.owner.requests) - before <= in_one_turn + 1
    assert [event.sequence_number for event in link.owner.requests] == list(range(1000))


async def test_responses_among_what_was_read_count_though_the_peer_has_left() -> None:
    link = await Wired().bind()
    asked = asyncio.ensure_future(link.connection.request(SUBMIT))
    await turn()
    link.feed(*[(DELIVER, number) for number in range(500)], (SubmitSmResp("id"), 2))
    link.connection.connection_lost(None)
    assert (await asked).message == SubmitSmResp("id")


async def test_slow_reader_stops_new_requests_and_is_closed_when_it_stalls() -> None:
    link = await Wired(write_stall_seconds=0.05).bind()
    link.connection.send(SUBMIT)
    link.transport.unread_octets = 300_000
    link.connection.pause_writing()
    assert link.connection.free_window == 0
    with pytest.raises(WindowFull):
        link.connection.send(SUBMIT)
    assert await asyncio.wait_for(link.connection.closed, 2) == "the peer has not read for 0.05 s"
    assert link.transport.was_aborted
    await asyncio.wait_for(link.connection.lost, 1)


async def test_peer_that_catches_up_makes_room_again() -> None:
    link = await Wired().bind()
    link.connection.pause_writing()
    waits = start(link.connection.reserve())
    await turn()
    link.owner.rooms = 0
    link.connection.resume_writing()
    await waits
    assert link.owner.rooms == 1


async def test_peer_that_asks_without_reading_is_read_no_more() -> None:
    link = await Wired().bind()
    link.connection.pause_writing()
    link.transport.unread_octets = _READ_NO_MORE_AT + 1
    link.feed(*[(EnquireLink(), number) for number in range(100)])
    await turn()
    assert not link.transport.is_reading()
    link.transport.unread_octets = 0
    link.connection.resume_writing()
    assert link.transport.is_reading()


async def test_closed_connection_does_not_keep_a_socket_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smpp.pump._LINGER_SECONDS", 0.02)
    link = await Wired().bind()
    link.transport.unread_octets = 1000
    link.connection.close("enough")
    await turn()
    assert not link.connection.lost.done()
    await asyncio.wait_for(link.connection.lost, 2)
    assert link.transport.was_aborted


async def test_abort_leaves_nothing_behind() -> None:
    link = await Wired().bind()
    link.transport.unread_octets = 1000
    link.connection.abort("enough")
    await turn()
    assert link.connection.lost.done()
    assert link.owner.closed == ["enough"]


# What is called may err


class Clumsy(Recorder):
    """An owner whose every call fails."""

    def request_received(self, event: RequestReceived) -> None:
        super().request_received(event)
        raise RuntimeError("clumsy")

    def state_changed(self, event: Any) -> None:
        super().state_changed(event)
        raise RuntimeError("clumsy")

    def room_changed(self) -> None:
        raise RuntimeError("clumsy")


async def test_owner_that_fails_loses_no_events(caplog: pytest.LogCaptureFixture) -> None:
    link = await Wired(Clumsy()).bind()
    asked = start(link.connection.request(SUBMIT))
    await turn()
    link.feed((DELIVER, 1), (SubmitSmResp("id"), 2), (DELIVER, 3))
    assert (await asked).message == SubmitSmResp("id")
    assert [event.sequence_number for event in link.owner.requests] == [1, 3]
    assert "callback failed" in caplog.text


async def test_owner_may_answer_close_and_send_from_within_a_call() -> None:
    class Busy(Recorder):
        link: Wired

        def request_received(self, event: RequestReceived) -> None:
            super().request_received(event)
            self.link.connection.respond(DeliverSmResp(), event.sequence_number)
            if event.sequence_number == 3:
                self.link.connection.close("seen enough")

    owner = Busy()
    link = owner.link = Wired(owner, inbound_window=1)
    await link.bind()
    link.feed(*[(DELIVER, number) for number in range(1, 6)])
    assert owner.closed == ["seen enough"]
    assert [pdu.sequence_number for pdu in link.transport.taken()] == [1, 2, 3]


async def test_trace_that_fails_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    def trace(*_: object) -> None:
        raise RuntimeError("clumsy")

    link = await Wired(trace=trace).bind()
    link.feed((EnquireLink(), 1))
    await turn()
    assert [type(pdu.message) for pdu in link.transport.taken()] == [EnquireLinkResp]
    assert "trace failed" in caplog.text


async def test_wrapped_transport_is_used_from_then_on() -> None:
    link = await Wired().bind()
    seen: list[Any] = []

    def wrap(transport: asyncio.Transport) -> asyncio.Transport:
        seen.append(transport)
        return transport

    link.connection.wrap_transport(wrap)
    assert seen == [link.transport]
