"""Handlers of requests: call them, await them where they are asynchronous, write their answer when they return."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, Final

from smpp.connection import Connection
from smpp.constants import CommandId
from smpp.errors import EncodeError, Reject
from smpp.log import log
from smpp.session import RequestReceived
from smpp.status import CommandStatus
from smpp.wire.pdu import DataSmResp, DeliverSmResp, Request, Response, SubmitMultiResp, SubmitSmResp

Answer = Response | int | None
"""What a handler returns: a whole response, a command_status, or None for success."""

Handler = Callable[..., Answer | Awaitable[Answer]]
"""A function or a coroutine function; raising `Reject` answers with its status. A success without a response of its own
answers submit_sm and the like with an empty message_id."""

_AT_ONCE: Final = (int, Response)
"""Answers that need not be waited for. A tuple: to make a union for each request takes longer than to ask."""

_SUCCESSES: Final[dict[int, Response]] = {
    int(CommandId.SUBMIT_SM): SubmitSmResp(""),
    int(CommandId.SUBMIT_MULTI): SubmitMultiResp("", ()),
    int(CommandId.DATA_SM): DataSmResp(""),
    int(CommandId.DELIVER_SM): DeliverSmResp(),
}
"""A success has a body (§4.4.2), if only an empty message_id."""


class Tasks:
    """Tasks that somebody has to hold on to, and that end with their owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run a coroutine in the background; on Python 3.12 its first step runs at once."""
        loop = asyncio.get_running_loop()
        if sys.version_info >= (3, 12):
            task = asyncio.Task(coroutine, loop=loop, eager_start=True)
        else:
            task = loop.create_task(coroutine)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task

    async def cancel(self) -> None:
        """End them all, but for the one that asks for it."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)


def error_response(request: Request) -> Response | None:
    """The response that carries nothing but a status; None where nothing answers the request."""
    return request.response_type() if request.response_type is not None else None


def _plain_response(request: Request, command_status: int) -> Response | None:
    """The response for a handler that has no more to say than a status."""
    whole = None if command_status else _SUCCESSES.get(request.command_id)
    return whole if whole is not None else error_response(request)


class Dispatcher:
    """Runs handlers and answers for them.

    Args:
        failure_status: what a request is answered with when its handler fails by a mistake of its own: temporary, so
            that the peer keeps the message.
    """

    def __init__(self, failure_status: CommandStatus) -> None:
        self._failure_status = failure_status
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._tasks)

    def dispatch(self, connection: Connection, event: RequestReceived, handler: Handler, *arguments: object) -> None:
        """Call a handler; its answer is written when it returns, or when what it returned is done."""
        try:
            answer = handler(*arguments)
        except Exception as error:
            self._answer_error(connection, event, error)
            return
        if answer is None or isinstance(answer, _AT_ONCE) or not isawaitable(answer):
            self._answer(connection, event, answer)
        else:
            self._tasks.start(self._wait(connection, event, answer))

    async def stop(self) -> None:
        """End handlers that are still running."""
        await self._tasks.cancel()

    async def _wait(self, connection: Connection, event: RequestReceived, answer: Awaitable[Answer]) -> None:
        try:
            answered = await answer
        except asyncio.CancelledError as error:
            self._answer_error(connection, event, error)
            raise
        except Exception as error:
            self._answer_error(connection, event, error)
        else:
            self._answer(connection, event, answered)

    def _answer(self, connection: Connection, event: RequestReceived, answer: Answer) -> None:
        request = event.message
        try:
            if isinstance(answer, Response):
                if type(answer) is not request.response_type:
                    raise TypeError(f"a handler answers {request.command_name} with {type(answer).__name__}")
                connection.respond(answer, event.sequence_number)
                return
            response = _plain_response(request, answer or 0)
            if response is not None:
                connection.respond(response, event.sequence_number, answer or 0)
        except (EncodeError, TypeError) as error:
            self._answer_error(connection, event, error)

    def _answer_error(self, connection: Connection, event: RequestReceived, error: BaseException) -> None:
        if isinstance(error, Reject):
            status = error.command_status
            log.debug("handler rejects", connection=connection.name, error=str(error))
        else:
            status = int(self._failure_status)
            if isinstance(error, asyncio.CancelledError):
                log.warning("handler cancelled", connection=connection.name, request=event.message.command_name)
            else:
                log.error("handler failed", connection=connection.name, exc_info=error)
        response = error_response(event.message)
        if response is not None:
            connection.respond(response, event.sequence_number, status)
