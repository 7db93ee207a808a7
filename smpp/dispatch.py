"""Handlers of requests: call them, await them where they are asynchronous, write their answer when they return."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any

from smpp.connection import Connection
from smpp.constants import CommandId
from smpp.errors import EncodeError, Reject
from smpp.log import log
from smpp.session import RequestReceived
from smpp.status import CommandStatus
from smpp.wire.pdu import DeliverSmResp, Request, Response

Answer = Response | int | None
"""What a handler returns: a whole response, a command_status, or None for success."""

Handler = Callable[..., Answer | Awaitable[Answer]]
"""A function or a coroutine function; raising `Reject` answers with its status."""


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
        """End them all."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)


def error_response(request: Request) -> Response | None:
    """The response that carries nothing but a status."""
    if request.response_type is None:
        return None
    return DeliverSmResp() if request.command_id == CommandId.DELIVER_SM else request.response_type()


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
        if isawaitable(answer):
            self._tasks.start(self._wait(connection, event, answer))
        else:
            self._answer(connection, event, answer)

    async def stop(self) -> None:
        """End handlers that are still running; what they were asked stays unanswered."""
        await self._tasks.cancel()

    async def _wait(self, connection: Connection, event: RequestReceived, answer: Awaitable[Answer]) -> None:
        try:
            answered = await answer
        except Exception as error:
            self._answer_error(connection, event, error)
        else:
            self._answer(connection, event, answered)

    def _answer(self, connection: Connection, event: RequestReceived, answer: Answer) -> None:
        try:
            if isinstance(answer, Response):
                connection.respond(answer, event.sequence_number)
            else:
                response = error_response(event.message)
                if response is not None:
                    connection.respond(response, event.sequence_number, answer or 0)
        except EncodeError as error:
            self._answer_error(connection, event, error)

    def _answer_error(self, connection: Connection, event: RequestReceived, error: Exception) -> None:
        if isinstance(error, Reject):
            status = error.command_status
            log.debug("handler rejects", connection=connection.name, error=str(error))
        else:
            status = int(self._failure_status)
            log.error("handler failed", connection=connection.name, exc_info=error)
        response = error_response(event.message)
        if response is not None:
            connection.respond(response, event.sequence_number, status)
