"""The providers' APIs as we serve them: aiohttp on one side, a pure dialect on the other."""

import traceback
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.http import BodyBroken, BodyEncoded, BodyTooLarge, BodyTooSlow, UnreadableBody, add_route, read_body
from gateway.providers.base import Dialect, Refusal, Services, Streaming, WebAnswer, WebRequest
from gateway.web.streaming import check_stream, pieces_of, send_stream

_log: Final = structlog.get_logger("gateway.web")

_REFUSALS: Final[dict[type[UnreadableBody], Refusal]] = {
    BodyTooLarge: Refusal.TOO_LARGE,
    BodyTooSlow: Refusal.TOO_SLOW,
    BodyEncoded: Refusal.ENCODED,
    BodyBroken: Refusal.BROKEN,
}


class DialectDoor:
    """One dialect under one prefix: every path and method below it is the dialect's to answer."""

    def __init__(self, dialect: Dialect, prefix: str, services: Services) -> None:
        self._dialect = dialect
        # Asked once: to hold an object against a protocol takes longer than many a dialect takes for a message.
        self._streaming = dialect if isinstance(dialect, Streaming) else None
        self._prefix = prefix.rstrip("/")
        self._services = services

    def add_to(self, app: web.Application) -> None:
        """Add the route; a line break in a path is a path like any other."""
        add_route(app, "*", f"{self._prefix}/{{path:(?s:.*)}}", self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        answer = await self._answer(request)
        if answer.stream is not None:
            return await send_stream(request, answer, answer.stream)
        return _response(answer)

    async def _answer(self, request: web.Request) -> WebAnswer:
        read = self._read(request)
        try:
            if self._streaming is not None and request.can_read_body and self._streaming.streams(read):
                check_stream(request)
                read = msgspec.structs.replace(read, stream=pieces_of(request))
            else:
                read = msgspec.structs.replace(read, body=await read_body(request))
        except UnreadableBody as error:
            return self._dialect.refuse(read, _REFUSALS[type(error)])
        try:
            return await self._dialect.answer(read, self._services)
        except Exception:
            # As text: tracebacks rendered with their variables would show keys and messages.
            _log.error("request failed", door=self._dialect.name, traceback=traceback.format_exc())
            return self._dialect.refuse(read, Refusal.INTERNAL)

    def _read(self, request: web.Request) -> WebRequest:
        """The request without its body."""
        # raw_path is the request line's target; its octets beyond ASCII survive as surrogates.
        target = request.raw_path
        query = target.partition("?")[2].partition("#")[0] if "?" in target else ""
        return WebRequest(
            method=request.method,
            path=request.path[len(self._prefix) :],
            query=query.encode("utf-8", "surrogateescape"),
            content_type=request.content_type.lower() if "Content-Type" in request.headers else "",
            headers=request.headers,
            remote=request.remote or "",
        )


def by_host(doors: Mapping[str, DialectDoor]) -> Middleware:
    """Lead requests to some host names to a dialect each, whatever their path; the others go their way.

    Args:
        doors: by host name in lower case, without a port; each at the root.
    """

    @web.middleware
    async def lead(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "").lower()
        # What is behind a colon is the port; names that are looked for hold none.
        door = doors.get(host) or doors.get(host.partition(":")[0].rstrip("."))
        return await (door.handle(request) if door is not None else handler(request))

    return lead


def _response(answer: WebAnswer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
    response = web.Response(status=answer.status, body=answer.body, headers=headers)
    if answer.status in (408, 413):
        response.force_close()
    return response
