"""Callbacks that are owed, or were given up: GET /webhooks, POST /webhooks/replay.

The same endpoints serve an account its own, and the operator everybody's.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from gateway.models import Callback
from gateway.web import views
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.errors import ApiError

PAGE = 50
PAGE_LIMIT = 500


class Outbox(Protocol):
    """Knows what is owed; `account` empty means everybody."""

    async def callbacks(self, account: str = "", *, failed: bool | None = None, limit: int = 50) -> Sequence[Callback]:
        """Callbacks not yet acknowledged, oldest first."""

    async def replay(self, account: str = "", ids: Collection[str] = ()) -> int:
        """Make failed callbacks due again: those named, or all. Returns how many."""


class WebhooksQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /webhooks`."""

    failed: bool | None = None
    """Only those that were given up, or only those that are still tried."""
    account: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Whose; only the operator may ask for others'."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)] = PAGE


class WebhookList(msgspec.Struct, frozen=True):
    """Callbacks, oldest first."""

    webhooks: list[views.WebhookView]


class Replay(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which callbacks are to be tried again."""

    ids: Annotated[list[Annotated[str, msgspec.Meta(max_length=128)]], msgspec.Meta(max_length=10_000)] = []
    """Those, or with `all` every one that was given up."""
    all: bool = False
    account: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Whose; only the operator may name others."""


class Replayed(msgspec.Struct, frozen=True):
    """How many are due again."""

    count: int


class Webhooks:
    """The endpoints.

    Args:
        outbox: what is owed.
        is_operator: whether the caller sees everybody's.
    """

    def __init__(self, outbox: Outbox, *, is_operator: bool = False) -> None:
        self._outbox = outbox
        self._is_operator = is_operator

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="GET",
            path="/webhooks",
            name="listWebhooks",
            summary="Show callbacks that are owed, or were given up",
            serve=self.list,
            role="admin" if self._is_operator else "read",
            query=WebhooksQuery,
            answers={200: WebhookList},
        )
        yield Operation(
            method="POST",
            path="/webhooks/replay",
            name="replayWebhooks",
            summary="Try callbacks again that were given up",
            serve=self.replay,
            role="admin" if self._is_operator else "send",
            body=Replay,
            answers={200: Replayed},
            errors=(408, 413, 415),
        )

    async def list(self, call: Call) -> web.Response:
        """Show callbacks."""
        query = call.query(WebhooksQuery)
        account = self._whose(call, query.account)
        found = await self._outbox.callbacks(account, failed=query.failed, limit=query.limit)
        return answer(WebhookList([views.webhook_view(callback) for callback in found]))

    async def replay(self, call: Call) -> web.Response:
        """Try them again."""
        wanted = await call.read(Replay)
        if bool(wanted.ids) == wanted.all:
            raise ApiError(400, "missing_field", "either ids, or all: true", "ids")
        return answer(Replayed(await self._outbox.replay(self._whose(call, wanted.account), wanted.ids)))

    def _whose(self, call: Call, account: str) -> str:
        if self._is_operator:
            return account
        if account not in ("", call.account):
            raise ApiError(403, "forbidden", "these are not the callbacks of this account", "account")
        return call.account
