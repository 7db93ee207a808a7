"""A connection on a transport without a socket: requests, places in the window, ends."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smpp.errors import EncodeError, InDoubt, NotSent, ResponseTimeout, StateError, WindowFull
from smpp.pump import FLUSH_AT
from smpp.session import ResponseReceived, SessionState
from smpp.wire.pdu import (
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from tests.smpp.links import Wired, turn

SUBMIT = SubmitSm(destination_addr="447700900123", short_message=b"hello")
DELIVER = DeliverSm(source_addr="447700900123", short_message=b"hello")


def start(coroutine: Any) -> "asyncio.Task[Any]":
    return asyncio.get_running_loop().create_task(coroutine)


# Requests


async def test_request_waits_for_its_response() -> None:
    link = await Wired().bind()
    asked = start(link.connection.request(SUBMIT))
    await turn()
    ((message, number, _),) = link.transport.taken()
    assert message == SUBMIT
    link.feed((SubmitSmResp("id"), number))
    assert (await asked).message == SubmitSmResp("id")


async def test_requests_of_one_turn_leave_in_one_write() -> None:
    link = await Wired().bind()
    writes = link.transport.writes
    for _ in range(FLUSH_AT - 1):
        link.connection.send(SUBMIT)
    assert link.transport.writes == writes
    await turn()
    assert link.transport.writes == writes + 1
    assert len(link.transport.taken()) == FLUSH_AT - 1


async def test_many_requests_leave_before_the_turn_is_over() -> None:
    link = await Wired().bind()
    writes = link.transport.writes
    for _ in range(FLUSH_AT):
        link.connection.send(SUBMIT)
    assert link.transport.writes == writes + 1


async def test_places_are_handed_out_in_the_order_they_were_asked_for() -> None:
    link = await Wired(window=1).bind()
    order: list[int] = []

    async def ask(number: int) -> None:
        await link.connection.request(SUBMIT)
        order.append(number)

    tasks = [start(ask(number)) for number in range(4)]
    for _ in range(4):
        await turn()
        ((_, number, _),) = link.transport.taken()
        link.feed((SubmitSmResp("id"), number))
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]


async def test_enquire_link_passes_a_full_window() -> None:
    link = await Wired(window=1).bind()
    link.connection.send(SUBMIT)
    asked = start(link.connection.request(EnquireLink()))
    await turn()
    assert [type(pdu.message) for pdu in link.transport.taken()] == [SubmitSm, EnquireLink]
    link.feed((EnquireLinkResp(), 3))
    await asked


async def test_reserved_place_is_not_taken_by_another_send() -> None:
    link = await Wired(window=1).bind()
    await link.connection.reserve()
    with pytest.raises(WindowFull):
        link.connection.send(SUBMIT)
    assert not link.connection.try_reserve()
    link.connection.send(SUBMIT, reserved=True)
    assert link.connection.reserved == 0


async def test_place_that_is_given_back_goes_to_who_waits() -> None:
    link = await Wired(window=1).bind()
    await link.connection.reserve()
    waiting = start(link.connection.reserve())
    await turn()
    assert not waiting.done()
    link.connection.release()
    await waiting
    assert link.connection.reserved == 1


async def test_place_of_a_message_that_cannot_be_encoded_goes_to_who_waits() -> None:
    link = await Wired(window=1).bind()
    await link.connection.reserve()
    waiting = start(link.connection.reserve())
    await turn()
    with pytest.raises(EncodeError):
        link.connection.send(SubmitSm(source_addr="x" * 40), reserved=True)
    await waiting


async def test_place_of_a_timed_out_request_is_free_again() -> None:
    link = await Wired(window=1, response_timeout_seconds=0.02, write_stall_seconds=0).bind()
    asked = start(link.connection.request(SUBMIT))
    await turn()
    link.owner.rooms = 0
    waiting = start(link.connection.reserve())
    with pytest.raises(ResponseTimeout):
        await asked
    await waiting
    assert link.owner.rooms


async def test_cancelled_waiters_leave_no_place_behind() -> None:
    link = await Wired(window=1).bind()
    await link.connection.reserve()
    first, second, third = (start(link.connection.reserve()) for _ in range(3))
    await turn()
    first.cancel()
    await turn()
    link.connection.release()
    second.cancel()  # its place is there already, and nobody comes for it
    await turn()
    await third
    assert link.connection.reserved == 1
    link.connection.release()
    assert link.connection.try_reserve()


async def test_cancelled_waiter_does_not_stand_in_the_way() -> None:
    link = await Wired(window=1).bind()
    number = 2
    link.connection.send(SUBMIT)
    gone = start(link.connection.reserve())
    await turn()
    gone.cancel()
    await turn()
    link.feed((SubmitSmResp("x"), number))
    assert link.connection.try_reserve()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["reserve", "cancel", "release", "send", "answer", "try"]), max_size=50), st.data())
def test_places_never_leak_whatever_the_order(steps: list[str], data: st.DataObject) -> None:
    async def play() -> None:
        link = await Wired(window=3).bind()
        connection = link.connection
        waiting: list[asyncio.Task[None]] = []
        held = 0
        in_flight: list[int] = []
        for step in steps:
            if step == "reserve":
                waiting.append(start(connection.reserve()))
            elif step == "cancel" and waiting:
                waiting.pop(data.draw(st.integers(0, len(waiting) - 1))).cancel()
            elif step == "release" and held:
                held -= 1
                connection.release()
            elif step == "send" and held:
                held -= 1
                connection.send(SUBMIT, reserved=True)
            elif step == "try":
                held += connection.try_reserve()
            elif step == "answer" and in_flight:
                link.feed((SubmitSmResp("x"), in_flight.pop(0)))
            if data.draw(st.booleans()):
                await turn(4)
                done = [task for task in waiting if task.done()]
                held += len(done)
                waiting = [task for task in waiting if not task.done()]
                in_flight += [pdu.sequence_number for pdu in link.transport.taken()]
        await turn(4)
        held += sum(task.done() for task in waiting)
        waiting = [task for task in waiting if not task.done()]
        used = connection.reserved + connection.session.in_flight
        assert connection.reserved == held
        assert used <= 3
        assert not waiting or used == 3
        for task in waiting:
            task.cancel()
        connection.close("done")
        await turn()

    asyncio.run(play())


async def test_request_before_the_bind_is_not_allowed() -> None:
    link = Wired()
    with pytest.raises(StateError, match="nothing can be sent"):
        await link.connection.request(SUBMIT)
    with pytest.raises(StateError, match="nothing can be sent"):
        await link.connection.reserve()


# Losing the link


async def test_request_that_waits_for_a_place_is_surely_not_sent_when_the_link_is_lost() -> None:
    link = await Wired(window=1).bind()
    sent, waits = start(link.connection.request(SUBMIT)), start(link.connection.request(SUBMIT))
    await turn()
    link.connection.connection_lost(ConnectionResetError("reset"))
    with pytest.raises(InDoubt, match="the link broke: reset"):
        await sent
    with pytest.raises(NotSent):
        await waits
    assert link.owner.closed == ["the link broke: reset"]
    assert await link.connection.closed == "the link broke: reset"


async def test_request_of_the_turn_in_which_the_link_is_lost_is_not_sent() -> None:
    link = await Wired().bind()
    asked = start(link.connection.request(SUBMIT))
    await asyncio.sleep(0)
    link.connection.connection_lost(None)
    with pytest.raises(NotSent):
        await asked


async def test_request_that_is_called_unsent_is_not_written_by_the_close() -> None:
    link = await Wired().bind()
    asked = start(link.connection.request(SUBMIT))
    await asyncio.sleep(0)
    link.connection.close("enough")
    with pytest.raises(NotSent):
        await asked
    assert link.transport.taken() == []


async def test_response_after_the_loss_is_nobody_s() -> None:
    link = await Wired().bind()
    asked = start(link.connection.request(SUBMIT))
    await turn()
    link.connection.connection_lost(None)
    link.feed((SubmitSmResp("x"), 2))
    with pytest.raises(InDoubt):
        await asked


async def test_answer_after_the_loss_is_dropped() -> None:
    link = await Wired().bind()
    link.feed((DELIVER, 5))
    link.connection.connection_lost(None)
    link.connection.respond(DeliverSmResp(), 5)
    await turn()
    assert link.transport.taken() == []


async def test_peer_that_closes_its_half_ends_the_session() -> None:
    link = await Wired().bind()
    asked = start(link.connection.request(SUBMIT))
    await turn()
    assert link.connection.eof_received() is False
    with pytest.raises(InDoubt, match="the peer closed the connection"):
        await asked
    await asyncio.wait_for(link.connection.lost, 1)


async def test_request_whose_caller_is_gone_keeps_its_place_until_it_is_answered() -> None:
    link = await Wired(window=1).bind()
    asked = start(link.connection.request(SUBMIT))
    await turn()
    asked.cancel()
    await turn()
    assert link.connection.free_window == 0
    link.feed((SubmitSmResp("x"), 2))
    assert link.connection.free_window == 1


async def test_link_that_answers_no_enquire_link_is_closed() -> None:
    link = await Wired(enquire_link_seconds=0.02, response_timeout_seconds=0.02).bind()
    assert await asyncio.wait_for(link.connection.closed, 2) == "enquire_link was not answered"
    assert [type(pdu.message) for pdu in link.transport.taken()] == [EnquireLink]


# Unbinding


async def test_unbind_waits_until_the_transport_is_gone() -> None:
    link = await Wired().bind()
    ending = start(link.connection.unbind())
    await turn()
    assert [type(pdu.message) for pdu in link.transport.taken()] == [Unbind]
    link.feed((UnbindResp(), 2))
    await ending
    assert link.connection.lost.done()
    assert link.owner.states[-2:] == [SessionState.UNBOUND, SessionState.CLOSED]


async def test_unbind_of_the_peer_ends_when_the_last_answer_is_given() -> None:
    link = await Wired().bind()
    link.feed((DELIVER, 5), (Unbind(), 6))
    assert not link.connection.closed.done()
    link.connection.respond(DeliverSmResp(), 5)
    assert link.connection.closed.result() == "the peer unbound"
    assert [(type(pdu.message), pdu.sequence_number) for pdu in link.transport.taken()] == [
        (DeliverSmResp, 5),
        (UnbindResp, 6),
    ]


async def test_waiters_are_told_at_once_that_the_peer_unbinds() -> None:
    link = await Wired(window=1).bind()
    link.connection.send(SUBMIT)
    waits = start(link.connection.reserve())
    await turn()
    link.feed((Unbind(), 6))
    with pytest.raises(StateError):
        await waits


# Other things


async def test_completion_of_the_caller_gets_the_end() -> None:
    class Ends:
        def __init__(self) -> None:
            self.ends: list[object] = []

        def done(self) -> bool:
            return False

        def set_result(self, result: ResponseReceived, /) -> None:
            self.ends.append(result.command_status)

        def set_exception(self, exception: BaseException, /) -> None:
            self.ends.append(type(exception))

    link = await Wired().bind()
    first, second = Ends(), Ends()
    assert link.connection.send(SUBMIT, first) is first
    link.connection.send(SUBMIT, second)
    await turn()
    link.feed((SubmitSmResp("x"), 2))
    link.connection.close("enough")
    assert (first.ends, second.ends) == ([0], [InDoubt])


async def test_repr_names_connection_and_session() -> None:
    assert (
        repr((await Wired().bind()).connection) == "<Connection test <Session ESME bound_trx with SMSC, 0 in flight>>"
    )


async def test_peer_address_is_known_after_the_end() -> None:
    link = await Wired().bind()
    link.connection.close("enough")
    await turn()
    assert link.connection.peer_address == ("192.0.2.7", 40_000)
