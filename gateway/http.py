"""How HTTP is served: limits, reading bodies, the access log, starting and stopping a listener.

    Listener ── aiohttp runner ── Application       one listener for callers, one for the operator
    read_body(request)                              the only way a body gets into memory

Limits hold before memory is taken: a declared length is judged before anything is read, an undeclared one while it
comes, and compressed bodies are not taken at all. A connection that sends its request too slowly is closed.
"""

import asyncio
import errno
import ssl
from dataclasses import dataclass
from logging import Logger
from typing import Any, Final, cast

import msgspec
import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from gateway.errors import GatewayError

_log: Final = structlog.get_logger("gateway.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What a caller may ask of us."""

    body_bytes: int = 1_048_576
    """Longest request body."""
    body_seconds: float = 20.0
    """Within this a body has to be complete."""
    keep_alive_seconds: float = 75.0
    """An idle connection is closed after this, and one whose next request head is not complete."""
    shutdown_seconds: float = 10.0
    """How long running requests may take to end once the listener stops."""
    line_bytes: int = 32_768
    """Longest request line: a GET may carry 500 receivers and a text."""
    header_bytes: int = 8_190
    """Longest header field."""
    batch_items: int = 10_000
    """Most messages in one request."""


LIMITS: Final = web.AppKey("limits", HttpLimits)
"""Where an application has its limits."""


class ListenError(GatewayError):
    """A listener cannot be opened: the text names the address and the reason."""


class UnreadableBody(GatewayError):
    """A body that is not read, or not to its end."""


class BodyTooLarge(UnreadableBody):
    """The body is longer than the limit."""


class BodyTooSlow(UnreadableBody):
    """The body did not come in time."""


class BodyBroken(UnreadableBody):
    """The body is not framed as its head says."""


class BodyEncoded(UnreadableBody):
    """The body is compressed, which could unfold to any size."""


# Reading a request.


async def read_body(request: web.Request) -> bytes:
    """The request's body, within the limits of its application.

    Raises:
        UnreadableBody: one of its kinds: the body is not read, or not to its end.
    """
    limits = request.app[LIMITS]
    if "Content-Encoding" in request.headers and request.headers["Content-Encoding"].lower() != "identity":
        raise BodyEncoded("compressed bodies are not taken")
    if (request.content_length or 0) > limits.body_bytes:
        raise BodyTooLarge(f"at most {limits.body_bytes} octets")
    content = request.content
    if content.is_eof():
        # All of it came with the head: the usual case, and no timer is needed.
        body = content.read_nowait(-1)
        if len(body) > limits.body_bytes:
            raise BodyTooLarge(f"at most {limits.body_bytes} octets")
        return body
    chunks = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            while chunk := await content.readany():
                size += len(chunk)
                if size > limits.body_bytes:
                    raise BodyTooLarge(f"at most {limits.body_bytes} octets")
                chunks.append(chunk)
    except TimeoutError:
        raise BodyTooSlow(f"not complete within {limits.body_seconds:g} seconds") from None
    except web.RequestPayloadError:
        raise BodyBroken("chunks cannot be told apart") from None
    return b"".join(chunks)


async def invite_body(request: web.Request) -> None:
    """Answer `Expect: 100-continue`, but not to a body that is refused anyway: its handler says why."""
    if (request.content_length or 0) > request.app[LIMITS].body_bytes:
        return
    if request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def add_route(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Add a route that invites bodies by our rule."""
    app.router.add_route(method, path, handler, expect_handler=invite_body)


async def hide_server(_request: web.Request, response: web.StreamResponse) -> None:
    """Say nothing of what serves: for `on_response_prepare` of an application."""
    response.headers.popall("Server", None)


# Serving.


_REFUSALS: Final = {
    400: ("malformed_request", "this is no HTTP request, or its head cannot be read"),
    500: ("internal_error", "something went wrong here; it has been logged"),
    504: ("timeout", "it took too long"),
}
"""What is said where no application could be asked, by status."""


class AccessLog(AbstractAccessLogger):
    """One line a request: its route's pattern, never its path or query, which may hold credentials."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line."""
        # A request that could not be read has no match, and the public property insists on one.
        match = getattr(request, "_match_info", None)
        resource = match.route.resource if match is not None else None
        _log.info(
            "request",
            method=request.method,
            route=resource.canonical if resource is not None else "",
            status=response.status,
            octets=response.body_length,
            milliseconds=round(time * 1000, 1),
            remote=request.remote,
        )


class _ServerLog:
    """What aiohttp says of connections, without the octets that its exceptions quote: they may hold credentials."""

    def exception(self, _message: str, *_args: object, exc_info: object = None, **_rest: object) -> None:
        _log.warning("request unreadable", reason=type(exc_info).__name__)

    def debug(self, *_args: object, **_rest: object) -> None:
        pass

    info = warning = error = debug


class _Unadorned(web.Response):
    """An answer that does not name what serves: where no application is asked, `hide_server` is not either."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall("Server", None)


class _Connection(web.RequestHandler):
    """A connection that answers what is no request in the native API's shape; aiohttp would answer in text."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Log why, and refuse; without what the parser quotes: it may hold credentials."""
        super().handle_error(request, status, exc, message)
        code, words = _REFUSALS.get(status, _REFUSALS[500])
        body = msgspec.json.encode({"error": {"code": code, "message": words, "field": ""}})
        response = _Unadorned(status=status, body=body, content_type="application/json")
        response.force_close()
        return response


class _Server(web.Server):
    def __call__(self) -> _Connection:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Runner(web.AppRunner):
    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **self._kwargs)


class Listener:
    """A running HTTP server."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    @property
    def addresses(self) -> list[str]:
        """Where it listens, as host:port."""
        return [format_address(address[0], address[1]) for address in self._runner.addresses]

    async def stop(self) -> None:
        """Stop accepting, let running requests end, close; within the limit's `shutdown_seconds`."""
        await self._runner.cleanup()


async def serve(
    app: web.Application,
    listen: str,
    *,
    access_log: bool = True,
    ssl_context: ssl.SSLContext | None = None,
) -> Listener:
    """Open a listener.

    Args:
        listen: ``host:port``; port 0 takes a free one.
        access_log: whether to log every request.

    Raises:
        ListenError: the address cannot be listened on.
    """
    options = runner_options(app[LIMITS])
    if not access_log:
        options["access_log"] = None
    runner = _Runner(app, **options)
    await runner.setup()
    try:
        host, port = parse_address(listen)
        site = web.TCPSite(runner, host, port, ssl_context=ssl_context, backlog=1024, reuse_address=True)
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise ListenError(f"cannot listen on {listen}: {_reason(error)}") from error
    except ListenError:
        await runner.cleanup()
        raise
    return Listener(runner)


def runner_options(limits: HttpLimits) -> dict[str, Any]:
    """The arguments of aiohttp's runner and connections."""
    return {
        "handle_signals": False,
        "access_log_class": AccessLog,
        "logger": cast("Logger", _ServerLog()),
        "keepalive_timeout": limits.keep_alive_seconds,
        # aiohttp waits twice: for handlers to end, then for the ends of those it cancelled.
        "shutdown_timeout": limits.shutdown_seconds / 2,
        "max_line_size": limits.line_bytes,
        "max_field_size": limits.header_bytes,
        "lingering_time": 2.0,
        "auto_decompress": False,
    }


def parse_address(listen: str) -> tuple[str, int]:
    """Split ``host:port``; an IPv6 address stands in brackets.

    Raises:
        ListenError: it is not one.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ListenError(f"cannot listen on {listen!r}: expected host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def format_address(host: str, port: int) -> str:
    """The reverse of `parse_address`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the address is in use by another process"
    if error.errno == errno.EACCES:
        return "ports below 1024 need privileges"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address"
    return error.strerror or str(error)
