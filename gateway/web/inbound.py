"""Messages from handsets to the account's numbers: GET /inbound."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.web import views
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.times import read_moment

PAGE = 50
PAGE_LIMIT = 500


class InboundQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /inbound`; all that are given must hold."""

    to: Annotated[str, msgspec.Meta(max_length=64)] = ""
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    since: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """Received at this time (RFC 3339) or later."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)] = PAGE


class InboundList(msgspec.Struct, frozen=True):
    """Messages from handsets, newest first."""

    messages: list[views.InboundView]


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
            answers={200: InboundList},
        )

    async def list(self, call: Call) -> web.Response:
        """Find messages from handsets."""
        query = call.query(InboundQuery)
        found = await self._services.log.find_inbound(
            call.account,
            recipient=query.to.removeprefix("+"),
            sender=query.sender.removeprefix("+"),
            since=read_moment(query.since, "since") if query.since else 0.0,
            limit=query.limit,
        )
        return answer(InboundList([views.inbound_view(message) for message in found]))
