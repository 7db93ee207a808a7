"""For the operator: everybody's messages, routes and why they decide, nodes, and reading the config again.

GET  /messages, /messages/{id}, /routes, /routes/explain, /nodes
POST /reload
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from aiohttp import web

from gateway.config import RouteConfig
from gateway.operations import Operator, Reloaded
from gateway.providers.forms import is_message_id
from gateway.providers.numbers import recipient_digits
from gateway.web import views
from gateway.web.endpoints import Call, Operation, answer, for_operator
from gateway.web.errors import ApiError
from gateway.web.messages import MessagesPage, MessagesQuery, find_page


class AllMessagesQuery(MessagesQuery, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /messages`; all that are given must hold."""

    account: Annotated[str, msgspec.Meta(max_length=64)] = ""


class ExplainQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A message that is not sent."""

    to: Annotated[str, msgspec.Meta(max_length=64)]
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    account: Annotated[str, msgspec.Meta(max_length=64)] = ""
    text: Annotated[str, msgspec.Meta(max_length=1_000)] = "Hello"


class RouteList(msgspec.Struct, frozen=True):
    """Rules, in the order of the config; `GET /routes/explain` says which decides."""

    routes: list[RouteConfig]


class NodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the gateway."""

    name: str
    is_alive: bool
    started_at: str
    seen_at: str
    http: str
    admin: str
    version: str


class NodeList(msgspec.Struct, frozen=True):
    """The nodes that share the store."""

    nodes: list[NodeLine]


class AdminSystem:
    """The endpoints."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield for_operator(
            "GET /messages",
            "listAllMessages",
            "Find messages of any account, newest first",
            self.messages,
            {200: MessagesPage},
            query=AllMessagesQuery,
        )
        yield for_operator(
            "GET /messages/{id}",
            "showAnyMessage",
            "Show a message of any account with its parts and timeline",
            self.message,
            {200: views.MessageView},
            errors=(404,),
        )
        yield for_operator("GET /routes", "listRoutes", "Show the routes in force", self.routes, {200: RouteList})
        yield for_operator(
            "GET /routes/explain",
            "explainRoute",
            "Say which route takes a message, and why; nothing is sent",
            self.explain,
            {200: dict[str, Any]},
            query=ExplainQuery,
        )
        yield for_operator(
            "GET /nodes", "listNodes", "Show the nodes that share the store", self.nodes, {200: NodeList}
        )
        yield for_operator(
            "POST /reload",
            "reload",
            "Read the config again; binds of uplinks that did not change stay up",
            self.reload,
            {200: Reloaded},
            errors=(409, 422),
        )

    async def messages(self, call: Call) -> web.Response:
        """Find messages."""
        query = call.query(AllMessagesQuery)
        return answer(await find_page(self._operator.log, query.account, query))

    async def message(self, call: Call) -> web.Response:
        """Show one."""
        message_id = call.at("id")
        shelf = self._operator.shelf
        message = await shelf.message("", message_id) if is_message_id(message_id) else None
        if message is None:
            raise ApiError(404, "not_found", "there is no such message")
        return answer(views.message_view(message, await shelf.parts(message.id), await shelf.timeline(message.id)))

    async def routes(self, _call: Call) -> web.Response:
        """Show routes."""
        return answer(RouteList(list(self._operator.routes())))

    async def explain(self, call: Call) -> web.Response:
        """Explain a route."""
        query = call.query(ExplainQuery)
        digits = recipient_digits(query.to)
        if digits is None:
            raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
        return answer(self._operator.explain(query.account, query.sender, digits, query.text))

    async def nodes(self, _call: Call) -> web.Response:
        """Show nodes."""
        lines = [
            NodeLine(
                name=node.name,
                is_alive=node.is_alive,
                started_at=views.timestamp(node.started_at),
                seen_at=views.timestamp(node.seen_at),
                http=node.http,
                admin=node.admin,
                version=node.version,
            )
            for node in await self._operator.nodes.nodes()
        ]
        return answer(NodeList(lines))

    async def reload(self, _call: Call) -> web.Response:
        """Read the config again."""
        return answer(await self._operator.reload())
