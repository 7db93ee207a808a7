"""The native API under /api/v1.

POST /messages        one object or an array; 202 once they are committed
GET  /messages/{id}   the account's own message, its parts and timeline
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog
from aiohttp import web

from gateway.errors import InvalidMessage, StoreError, Unauthorized
from gateway.http import LIMITS, UnreadableBody, add_route, read_body
from gateway.models import Message, NewMessage
from gateway.providers.base import Caller, Credentials, Services
from gateway.providers.forms import is_message_id
from gateway.web import errors, schema, views
from gateway.web.errors import JSON, ApiError, error_response

PREFIX: Final = "/api/v1"

_log: Final = structlog.get_logger("gateway.web")
_encode: Final = msgspec.json.Encoder().encode

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


class NativeApi:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        add_route(app, "POST", f"{PREFIX}/messages", answering(self.send))
        add_route(app, "GET", f"{PREFIX}/messages/{{id}}", answering(self.show))

    async def send(self, request: web.Request) -> web.Response:
        """Take messages."""
        caller = self._caller(request, "send")
        _check_json(request)
        body = await read_body(request)
        if schema.is_batch(body):
            items = schema.read_batch(body, caller.name, limit=request.app[LIMITS].batch_items)
            return await self._send_batch(items)
        outcome = (await self._services.intake.accept((schema.read_message(body, caller.name),)))[0]
        if isinstance(outcome, InvalidMessage):
            raise errors.of_refusal(outcome)
        return web.Response(status=202, body=_encode(views.accepted_view(outcome)), content_type=JSON)

    async def show(self, request: web.Request) -> web.Response:
        """Show a message."""
        caller = self._caller(request, "read")
        message_id = request.match_info["id"]
        lookup = self._services.lookup
        message = await lookup.message(caller.name, message_id) if is_message_id(message_id) else None
        if message is None:
            raise ApiError(404, "not_found", "there is no such message")
        parts = await lookup.parts(message.id)
        timeline = await lookup.timeline(message.id)
        return web.Response(body=_encode(views.message_view(message, parts, timeline)), content_type=JSON)

    async def _send_batch(self, items: Sequence[schema.Item]) -> web.Response:
        """Items succeed or fail singly, in the order they came."""
        messages = [item for item in items if isinstance(item, NewMessage)]
        outcomes = iter(await self._services.intake.accept(messages) if messages else ())
        results: list[views.AcceptedView | dict[str, errors.ErrorBody]] = []
        accepted = 0
        for index, item in enumerate(items):
            outcome = item if isinstance(item, ApiError) else next(outcomes)
            if isinstance(outcome, Message):
                accepted += 1
                results.append(views.accepted_view(outcome))
            else:
                error = outcome if isinstance(outcome, ApiError) else errors.of_refusal(outcome).under(f"[{index}]")
                results.append({"error": error.body})
        return web.Response(status=202 if accepted else 400, body=_encode(results), content_type=JSON)

    def _caller(self, request: web.Request, role: str) -> Caller:
        """Who asks.

        Raises:
            ApiError: 401 without a key; 403 where its owner may not do this.
            Unauthorized: nobody has this key.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        token = token or request.headers.get("X-API-Key", "").strip()
        if not token:
            raise errors.unauthorized()
        caller = self._services.authenticator.authenticate(Credentials(token=token, remote=request.remote or ""))
        if not caller.may(role):
            raise ApiError(403, "forbidden", f"this account does not have the role '{role}'")
        return caller


def _check_json(request: web.Request) -> None:
    if request.headers.get("Content-Type") == JSON:
        return
    if request.content_type != JSON or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise ApiError(415, "unsupported_media_type", "the body has to be application/json in UTF-8")
