"""Messages: sent, found, looked at, withdrawn.

POST   /messages       one object or an array; 202 once they are committed
GET    /messages       the account's own, newest first, by filter and page
GET    /messages/{id}  one, with its parts and timeline
DELETE /messages/{id}  withdraws what has not left
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, Final

import msgspec
from aiohttp import web

from gateway.errors import InvalidMessage, KeyTaken
from gateway.http import LIMITS
from gateway.models import Message, NewMessage, State
from gateway.providers.base import Claim, Services
from gateway.providers.forms import is_message_id
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import MessageLog
from gateway.store.ids import is_id
from gateway.web import errors, schema, views
from gateway.web.endpoints import AnyOf, Call, ListOf, Operation, answer
from gateway.web.errors import JSON, ApiError
from gateway.web.times import read_moment

KEY_HEADER: Final = "Idempotency-Key"
KEY_LIMIT: Final = 255
REPLAYED_HEADER: Final = "Idempotent-Replayed"
PAGE: Final = 50
PAGE_LIMIT: Final = 500

_encode: Final = msgspec.json.Encoder().encode

Moment = Annotated[str, msgspec.Meta(max_length=40)]


class MessagesQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /messages`; all that are given must hold."""

    state: State | None = None
    to: Annotated[str, msgspec.Meta(max_length=64)] = ""
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    client_reference: Annotated[str, msgspec.Meta(max_length=schema.MAX_REFERENCE)] = ""
    group: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """The batch that messages were sent in."""
    since: Moment = ""
    """Accepted at this time (RFC 3339) or later."""
    until: Moment = ""
    """Accepted before this time."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)] = PAGE
    cursor: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """`next_cursor` of the page before."""


class MessagesPage(msgspec.Struct, frozen=True):
    """Messages, newest first."""

    messages: list[views.MessageSummary]
    next_cursor: str | None
    """For the page that follows; null where there is none."""


class BatchError(msgspec.Struct, frozen=True):
    """An item of a batch that was not accepted."""

    error: errors.ErrorBody


class Messages:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        item = AnyOf((views.AcceptedView, BatchError))
        yield Operation(
            method="POST",
            path="/messages",
            name="sendMessages",
            summary="Send a message, or an array of them whose items succeed or fail singly",
            serve=self.send,
            role="send",
            body=schema.MessageIn | list[schema.MessageIn],
            answers={
                202: AnyOf((views.AcceptedView, ListOf(item))),
                400: AnyOf((errors.ErrorAnswer, ListOf(item))),
            },
            errors=(402, 408, 409, 413, 415, 422, 429),
            headers={KEY_HEADER: "Requests with the same key are done once: the others get the first one's answer."},
        )
        yield Operation(
            method="GET",
            path="/messages",
            name="listMessages",
            summary="Find messages, newest first",
            serve=self.list,
            query=MessagesQuery,
            answers={200: MessagesPage},
        )
        yield Operation(
            method="GET",
            path="/messages/{id}",
            name="showMessage",
            summary="Show a message with its parts and timeline",
            serve=self.show,
            answers={200: views.MessageView},
            errors=(404,),
        )
        yield Operation(
            method="DELETE",
            path="/messages/{id}",
            name="cancelMessage",
            summary="Withdraw a message of which nothing has left",
            serve=self.cancel,
            role="send",
            answers={200: views.MessageSummary},
            errors=(404, 409),
        )

    async def send(self, call: Call) -> web.Response:
        """Take messages."""
        body = await call.body()
        key = _idempotency_key(call.request)
        if schema.is_batch(body):
            items: Sequence[schema.Item] = schema.read_batch(
                body, call.account, limit=call.request.app[LIMITS].batch_items
            )
            answered: Callable[[Sequence[Message | InvalidMessage]], tuple[int, bytes]] = partial(_batch_answer, items)
        else:
            items, answered = (schema.read_message(body, call.account),), _one_answer
        messages = [item for item in items if isinstance(item, NewMessage)]
        claim = None
        if key is not None:
            fingerprint = hashlib.sha256(body).hexdigest()
            claim = Claim(call.account, key, fingerprint, lambda outcomes: answered(outcomes)[1])
        try:
            outcomes = await self._services.intake.accept(messages, claim=claim) if messages else ()
        except KeyTaken as taken:
            if claim is None or taken.fingerprint != claim.fingerprint:
                raise _key_reused() from None
            return web.Response(status=202, body=taken.answer, content_type=JSON, headers={REPLAYED_HEADER: "true"})
        status, octets = answered(outcomes)
        return web.Response(status=status, body=octets, content_type=JSON)

    async def list(self, call: Call) -> web.Response:
        """Find messages."""
        query = call.query(MessagesQuery)
        return answer(await find_page(self._services.log, call.account, query))

    async def show(self, call: Call) -> web.Response:
        """Show a message."""
        message_id = call.at("id")
        lookup = self._services.lookup
        message = await lookup.message(call.account, message_id) if is_message_id(message_id) else None
        if message is None:
            raise ApiError(404, "not_found", "there is no such message")
        parts = await lookup.parts(message.id)
        timeline = await lookup.timeline(message.id)
        return answer(views.message_view(message, parts, timeline))

    async def cancel(self, call: Call) -> web.Response:
        """Withdraw a message."""
        message_id = call.at("id")
        if not is_message_id(message_id):
            raise ApiError(404, "not_found", "there is no such message")
        return answer(views.summary(await self._services.log.cancel(call.account, message_id)))


def _one_answer(outcomes: Sequence[Message | InvalidMessage]) -> tuple[int, bytes]:
    (outcome,) = outcomes
    if isinstance(outcome, InvalidMessage):
        raise errors.of_refusal(outcome)
    return 202, _encode(views.accepted_view(outcome))


def _batch_answer(items: Sequence[schema.Item], outcomes: Sequence[Message | InvalidMessage]) -> tuple[int, bytes]:
    """Items succeed or fail singly, in the order they came."""
    results: list[views.AcceptedView | BatchError] = []
    judged = iter(outcomes)
    accepted = 0
    for index, item in enumerate(items):
        outcome = item if isinstance(item, ApiError) else next(judged)
        if isinstance(outcome, Message):
            accepted += 1
            results.append(views.accepted_view(outcome))
        else:
            error = outcome if isinstance(outcome, ApiError) else errors.of_refusal(outcome).under(f"[{index}]")
            results.append(BatchError(error.body))
    return 202 if accepted else 400, _encode(results)


def _idempotency_key(request: web.Request) -> str | None:
    """The request's idempotency key, where it has one.

    Raises:
        ApiError: 400: it cannot be.
    """
    keys = request.headers.getall(KEY_HEADER, ())
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= KEY_LIMIT or not (key.isascii() and key.isprintable()):
        text = f"expected one {KEY_HEADER} of 1 to {KEY_LIMIT} printable ASCII characters"
        raise ApiError(400, "invalid_idempotency_key", text, KEY_HEADER)
    return key


def _key_reused() -> ApiError:
    return ApiError(409, "idempotency_key_reused", "another request has used this key", KEY_HEADER)


async def find_page(log: MessageLog, account: str, query: MessagesQuery) -> MessagesPage:
    """One page of what a query finds; of any account's messages where `account` is empty."""
    if query.cursor and not is_id(query.cursor):
        raise ApiError(400, "invalid_value", "expected next_cursor of the page before", "cursor")
    recipient = ""
    if query.to:
        digits = recipient_digits(query.to)
        if digits is None:
            raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
        recipient = digits
    found = await log.find_messages(
        account,
        state=query.state,
        recipient=recipient,
        sender=query.sender,
        client_reference=query.client_reference,
        group=query.group,
        since=read_moment(query.since, "since") if query.since else 0.0,
        until=read_moment(query.until, "until") if query.until else 0.0,
        limit=query.limit + 1,
        before_id=query.cursor,
    )
    page = found[: query.limit]
    return MessagesPage(
        [views.summary(message) for message in page], page[-1].id if len(found) > query.limit and page else None
    )
