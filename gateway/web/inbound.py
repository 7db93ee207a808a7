"""Messages from handsets to the account's numbers: GET /inbound."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.store.ids import is_id
from gateway.web import views
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.errors import ApiError
from gateway.web.times import read_moment

PAGE = 50
PAGE_LIMIT = 500


class InboundQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /inbound`; all that are given must hold."""

    to: Annotated[str, msgspec.Meta(max_length=64)] = ""
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    since: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """Received at this time (RFC 3339) or later."""
    until: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """Received before this time."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)] = PAGE
    cursor: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """`next_cursor` of the page before."""


class InboundPage(msgspec.Struct, frozen=True):
    """Messages from handsets, newest first."""

    messages: list[views.InboundView]
    next_cursor: str | None
    """For the page that follows; null where there is none."""


class Inbound:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="GET",
            path="/inbound",
            name="listInbound",
            summary="Find messages from handsets to the account's numbers, newest first",
            serve=self.list,
            query=InboundQuery,
            answers={200: InboundPage},
        )

    async def list(self, call: Call) -> web.Response:
        """Find messages from handsets."""
        query = call.query(InboundQuery)
        if query.cursor and not is_id(query.cursor):
            raise ApiError(400, "invalid_value", "expected next_cursor of the page before", "cursor")
        found = await self._services.log.find_inbound(
            call.account,
            recipient=query.to.removeprefix("+"),
            sender=query.sender.removeprefix("+"),
            since=read_moment(query.since, "since") if query.since else 0.0,
            until=read_moment(query.until, "until") if query.until else 0.0,
            limit=query.limit + 1,
            before_id=query.cursor,
        )
        page = found[: query.limit]
        cursor = page[-1].id if len(found) > query.limit else None
        return answer(InboundPage([views.inbound_view(message) for message in page], cursor))
