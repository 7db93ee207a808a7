"""Handlers: their answers, their errors, and when they are written."""

import asyncio
from typing import Any

import pytest

from smpp.constants import Role
from smpp.dispatch import Dispatcher, Tasks, error_response
from smpp.errors import Reject
from smpp.session import RequestReceived
from smpp.status import CommandStatus as Status
from smpp.wire.pdu import (
    AlertNotification,
    CancelSm,
    DataSm,
    DataSmResp,
    DeliverSmResp,
    Request,
    Response,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from smpp.wire.types import SmeAddress
from tests.smpp.links import Wired, turn

SUBMIT = SubmitSm(short_message=b"hello")
MULTI = SubmitMulti(dest_addresses=(SmeAddress(1, 1, "44"),))


class Served:
    """An SMSC's connection, and a dispatcher for it."""

    async def ready(self) -> "Served":
        self.link = await Wired(role=Role.SMSC).bind()
        self.dispatcher = Dispatcher(Status.ESME_RSYSERR)
        return self

    def ask(self, handler: Any, message: Request = SUBMIT) -> None:
        self.link.feed((message, 5))
        self.dispatcher.dispatch(self.link.connection, self.link.owner.requests[-1], handler, message)

    async def answers(self) -> list[tuple[Response, int]]:
        await turn()
        return [(pdu.message, pdu.command_status) for pdu in self.link.transport.taken()]  # type: ignore[misc]


@pytest.fixture
async def served() -> Served:
    return await Served().ready()


@pytest.mark.parametrize(
    ("returned", "answer"),
    [
        (SubmitSmResp("id"), (SubmitSmResp("id"), 0)),
        (None, (SubmitSmResp(""), 0)),
        (0, (SubmitSmResp(""), 0)),
        (Status.ESME_RTHROTTLED, (SubmitSmResp(), Status.ESME_RTHROTTLED)),
        (0x55F, (SubmitSmResp(), 0x55F)),
    ],
)
async def test_what_a_handler_returns_is_the_answer(served: Served, returned: Any, answer: Any) -> None:
    served.ask(lambda _: returned)
    assert await served.answers() == [answer]

    async def later(_: Request) -> Any:
        return returned

    served.ask(later)
    assert await served.answers() == [answer]


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (DataSm(), DataSmResp("")),
        (MULTI, SubmitMultiResp("", ())),
        (CancelSm(), CancelSm.response_type and CancelSm.response_type()),
    ],
    ids=lambda value: value.command_name,
)
async def test_success_without_a_response_has_a_whole_body(served: Served, message: Request, answer: Response) -> None:
    served.ask(lambda _: None, message)
    assert await served.answers() == [(answer, 0)]


@pytest.mark.parametrize("is_async", [False, True])
async def test_reject_answers_with_its_status_and_keeps_its_reason(served: Served, is_async: bool) -> None:
    def now(_: Request) -> None:
        raise Reject(Status.ESME_RINVDSTADR, "not one of our networks")

    async def later(_: Request) -> None:
        now(SUBMIT)

    served.ask(later if is_async else now)
    assert await served.answers() == [(SubmitSmResp(), Status.ESME_RINVDSTADR)]


@pytest.mark.parametrize("is_async", [False, True])
async def test_failing_handler_is_a_temporary_error_and_logged(
    served: Served, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def now(_: Request) -> None:
        raise KeyError("a mistake")

    async def later(_: Request) -> None:
        now(SUBMIT)

    served.ask(later if is_async else now)
    assert await served.answers() == [(SubmitSmResp(), Status.ESME_RSYSERR)]
    assert "handler failed" in caplog.text
    assert "a mistake" in caplog.text


async def test_cancelled_handler_answers_too(served: Served) -> None:
    async def cancels_itself(_: Request) -> None:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    served.ask(cancels_itself)
    assert await served.answers() == [(SubmitSmResp(), Status.ESME_RSYSERR)]
    assert served.link.connection.session.answering == 0


async def test_handlers_that_still_run_are_ended_by_stop(served: Served) -> None:
    served.ask(lambda _: asyncio.sleep(100))
    await turn()
    assert len(served.dispatcher) == 1
    await served.dispatcher.stop()
    assert len(served.dispatcher) == 0
    assert await served.answers() == [(SubmitSmResp(), Status.ESME_RSYSERR)]


async def test_answer_is_written_when_the_handler_returns_and_no_sooner(served: Served) -> None:
    may_return = asyncio.Event()

    async def commits(_: Request) -> SubmitSmResp:
        await may_return.wait()
        return SubmitSmResp("committed")

    served.ask(commits)
    assert await served.answers() == []
    assert served.link.connection.session.answering == 1
    may_return.set()
    assert await served.answers() == [(SubmitSmResp("committed"), 0)]


@pytest.mark.parametrize("returned", [SubmitSmResp("x" * 70), DeliverSmResp(), "an-id", 1 << 40])
async def test_answer_that_cannot_be_sent_is_a_temporary_error(
    served: Served, returned: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served.ask(lambda _: returned)
    assert await served.answers() == [(SubmitSmResp(), Status.ESME_RSYSERR)]
    assert "handler failed" in caplog.text


async def test_request_that_nothing_answers_is_not_answered(served: Served) -> None:
    event = RequestReceived(AlertNotification(), 9)
    for returned in (None, Status.ESME_RSYSERR, SubmitSmResp("x")):
        served.dispatcher.dispatch(served.link.connection, event, lambda returned=returned: returned)
    assert await served.answers() == []


async def test_handler_that_is_done_after_the_link_is_lost_does_no_harm(served: Served) -> None:
    may_return = asyncio.Event()

    async def slow(_: Request) -> SubmitSmResp:
        await may_return.wait()
        return SubmitSmResp("late")

    served.ask(slow)
    await turn()
    served.link.connection.connection_lost(None)
    may_return.set()
    await turn()
    assert len(served.dispatcher) == 0


def test_error_response_is_that_of_the_request() -> None:
    assert error_response(SUBMIT) == SubmitSmResp()
    assert error_response(AlertNotification()) is None


async def test_tasks_may_be_ended_by_one_of_them() -> None:
    tasks = Tasks()
    ended = asyncio.Event()

    async def ends_all() -> None:
        await tasks.cancel()
        ended.set()

    other = tasks.start(asyncio.sleep(100))
    tasks.start(ends_all())
    await asyncio.wait_for(ended.wait(), 1)
    assert other.cancelled()
