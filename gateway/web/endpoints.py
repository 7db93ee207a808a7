"""What an endpoint is: declared once, with who may call it, what it reads and what it answers.

    Operation ──mount──► route         one table of operations serves requests
        └──────openapi──► document     and describes them

A `Call` is one request with its caller; every end of an endpoint becomes an answer of the API's shape.
"""

import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import structlog
from aiohttp import web

from gateway.errors import (
    ConfigError,
    InvalidMessage,
    NotThere,
    NotWaiting,
    OperatorError,
    StoreError,
    Unauthorized,
)
from gateway.http import UnreadableBody, add_route, read_body
from gateway.providers.base import Authenticator, Caller, Credentials
from gateway.providers.ports import NotOffered, VerifyError
from gateway.web import errors
from gateway.web.errors import JSON, ApiError, error_response
from gateway.web.reading import UNREADABLE, of_json

T = TypeVar("T")

PREFIX: Final = "/api/v1"

_log: Final = structlog.get_logger("gateway.web")
_encode: Final = msgspec.json.Encoder().encode


class Call:
    """One request and who makes it."""

    __slots__ = ("caller", "request")

    def __init__(self, request: web.Request, caller: Caller) -> None:
        self.request = request
        self.caller = caller

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.caller.name

    def at(self, name: str) -> str:
        """A variable part of the path."""
        return self.request.match_info[name]

    def query(self, kind: type[T]) -> T:
        """The query parameters.

        Raises:
            ApiError: 400: one is not known, comes twice or cannot be.
        """
        return read_query(self.request, kind)

    async def body(self) -> bytes:
        """The body, which has to be JSON.

        Raises:
            ApiError: 415.
            UnreadableBody: it is not read.
        """
        _check_json(self.request)
        return await read_body(self.request)

    async def read(self, kind: type[T]) -> T:
        """The body as an object.

        Raises:
            ApiError: 400, 415.
            UnreadableBody: it is not read.
        """
        return decode(await self.body(), kind)


Serve = Callable[[Call], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Types of JSON any of which it may be: objects that nothing but their fields tells apart."""

    kinds: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array of such."""

    kind: AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One endpoint."""

    method: str
    path: str
    """Below PREFIX, with names in braces."""
    name: str
    summary: str
    serve: Serve
    role: str = "read"
    """What the caller's key must be good for: 'send', 'read' or 'admin'."""
    query: type[msgspec.Struct] | None = None
    body: Any = None
    """Type of the JSON it reads."""
    answers: Mapping[int, Any] = field(default_factory=dict)
    """Type of the JSON (or AnyOf, ListOf) by status, where it goes well; None: no body."""
    errors: tuple[int, ...] = ()
    """Statuses of errors beyond those that every operation may have."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers with a meaning of their own."""


def for_operator(
    place: str,
    name: str,
    summary: str,
    serve: Serve,
    answers: Mapping[int, Any],
    *,
    query: type[msgspec.Struct] | None = None,
    body: Any = None,
    errors: tuple[int, ...] = (),
) -> Operation:
    """An endpoint of the admin listener.

    Args:
        place: method and path: ``GET /queue``.
    """
    method, _, path = place.partition(" ")
    return Operation(
        method=method,
        path=path,
        name=name,
        summary=summary,
        serve=serve,
        role="admin",
        query=query,
        body=body,
        answers=answers,
        errors=errors,
    )


def mount(app: web.Application, operations: Iterable[Operation], authenticator: Authenticator) -> None:
    """Add the routes of operations."""
    for operation in operations:
        add_route(app, operation.method, PREFIX + operation.path, _handler(operation, authenticator))


def _handler(operation: Operation, authenticator: Authenticator) -> "Endpoint":
    serve, role = operation.serve, operation.role

    async def handle(request: web.Request) -> web.Response:
        caller = authenticate(request, authenticator)
        if not caller.may(role):
            raise ApiError(403, "forbidden", f"this key does not have the role '{role}'")
        return await serve(Call(request, caller))

    handle.__name__ = operation.name
    return answering(handle)


Endpoint = Callable[[web.Request], Awaitable[web.Response]]


def answering(endpoint: Endpoint) -> Endpoint:
    """Turn every end of an endpoint into an answer of the API's shape."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await endpoint(request)
        except ApiError as error:
            return error_response(error)
        except UnreadableBody as error:
            return error_response(errors.of_body(error))
        except Unauthorized:
            return error_response(errors.unauthorized())
        except InvalidMessage as error:
            return error_response(errors.of_refusal(error))
        except NotWaiting as error:
            return error_response(errors.of_not_waiting(error))
        except NotOffered as error:
            return error_response(ApiError(501, "not_offered", str(error)))
        except VerifyError as error:
            return error_response(errors.of_verification(error))
        except NotThere as error:
            return error_response(ApiError(404, "not_found", str(error)))
        except OperatorError as error:
            return error_response(ApiError(409, "refused", str(error)))
        except ConfigError as error:
            return error_response(ApiError(422, "invalid_config", str(error), error.key))
        except StoreError as error:
            _log.warning("store refuses", reason=str(error))
            return error_response(errors.of_store(error))
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            # As text: tracebacks rendered with their variables would show keys and messages.
            _log.error("request failed", endpoint=endpoint.__name__, traceback=traceback.format_exc())
            return error_response(errors.internal())

    return handle


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    return web.Response(status=status, body=_encode(value), content_type=JSON, headers=headers)


def authenticate(request: web.Request, authenticator: Authenticator) -> Caller:
    """Who asks.

    Raises:
        ApiError: 401 without a key.
        Unauthorized: nobody has this key.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    token = token or request.headers.get("X-API-Key", "").strip()
    if not token:
        raise errors.unauthorized()
    return authenticator.authenticate(Credentials(token=token, remote=request.remote or ""))


def decode(body: bytes, kind: type[T]) -> T:
    """JSON as an object.

    Raises:
        ApiError: 400, with the place of the fault.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise of_json(error) from None


def read_query(request: web.Request, kind: type[T]) -> T:
    """The query parameters as an object.

    Raises:
        ApiError: 400: one is not known, comes twice or cannot be.
    """
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise ApiError(400, "repeated_parameter", f"the parameter {name} is there twice", name)
        if "\0" in value or not is_text(value):
            raise ApiError(400, "invalid_value", f"the value of {name} is no text", name)
        given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise of_json(error) from None


def is_text(value: str) -> bool:
    """Whether it is Unicode: octets of a request that are not leave surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_json(request: web.Request) -> None:
    if request.headers.get("Content-Type") == JSON:
        return
    if request.content_type != JSON or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise ApiError(415, "unsupported_media_type", "the body has to be application/json in UTF-8")
