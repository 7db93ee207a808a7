"""For the operator: what waits, and what has ended badly.

GET  /queue                                 what waits, by uplink and account
POST /queue/reroute, /queue/purge           what waits goes elsewhere, or nowhere
POST /queue/requeue                         what has failed is sent again, as new messages
GET  /orphans                               receipts whose message never turned up
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.models import Receipt, State
from gateway.operations.operator import MessageShelf
from gateway.operations.queue import Done, Filter, QueueDesk, Waiting
from gateway.orphans import MatchAttempt
from gateway.providers.numbers import recipient_digits
from gateway.web.endpoints import Call, Operation, answer, for_operator
from gateway.web.errors import ApiError
from gateway.web.times import read_moment
from gateway.web.views import timestamp

LIMIT = 10_000

Short = Annotated[str, msgspec.Meta(max_length=64)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class FilterIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which messages are meant; all that is given must hold, and something must be."""

    account: Short = ""
    uplink: Short = ""
    """The one they wait for, or went over."""
    to: Short = ""
    sender: Short = msgspec.field(default="", name="from")
    client_reference: Annotated[str, msgspec.Meta(max_length=255)] = ""
    group: Short = ""
    since: Short = ""
    """Accepted at this time (RFC 3339) or later."""
    until: Short = ""
    """Accepted before this time."""
    ids: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=128)], ...], msgspec.Meta(max_length=10_000)] = ()

    def filter(self) -> Filter:
        """As the desk wants it.

        Raises:
            ApiError: a number or a time is none.
        """
        recipient = recipient_digits(self.to) if self.to else ""
        if recipient is None:
            raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
        return Filter(
            account=self.account,
            uplink=self.uplink,
            recipient=recipient,
            sender=self.sender,
            client_reference=self.client_reference,
            group=self.group,
            since=read_moment(self.since, "since") if self.since else 0.0,
            until=read_moment(self.until, "until") if self.until else 0.0,
            ids=self.ids,
        )


class RerouteIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What waits, and where it shall go."""

    uplink: Short
    """Where they go from now on."""
    which: FilterIn
    limit: Limit = LIMIT


class PurgeIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What waits and shall not be sent."""

    which: FilterIn
    limit: Limit = LIMIT


class RequeueIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What has ended and shall be sent again."""

    which: FilterIn
    states: tuple[State, ...] = (State.FAILED,)
    limit: Limit = LIMIT


class WaitingList(msgspec.Struct, frozen=True):
    """What waits."""

    waiting: list[Waiting]


class OrphansQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Filter of `GET /orphans`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50


class OrphanView(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt whose message never turned up."""

    group: str
    smsc_message_id: str
    state: str
    to: str
    sender: str = msgspec.field(name="from")
    error: str
    uplink: str
    bind: str
    received_at: str
    raw: str
    attempts: list[MatchAttempt]
    """How its message was looked for, and why what was found is not it."""


class OrphanList(msgspec.Struct, frozen=True):
    """Orphans, newest first."""

    orphans: list[OrphanView]


class AdminQueue:
    """The endpoints."""

    def __init__(
        self,
        desk: QueueDesk,
        shelf: MessageShelf,
        attempts: Callable[[Receipt], Awaitable[Sequence[MatchAttempt]]],
    ) -> None:
        self._desk = desk
        self._shelf = shelf
        self._attempts = attempts

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield for_operator(
            "GET /queue", "showQueue", "Show what waits, by uplink and account", self.waiting, {200: WaitingList}
        )
        for verb, kind, summary, serve in (
            ("reroute", RerouteIn, "Have what waits go over another uplink", self.reroute),
            ("purge", PurgeIn, "Withdraw what waits", self.purge),
            ("requeue", RequeueIn, "Send what has failed again, as new messages", self.requeue),
        ):
            yield for_operator(
                f"POST /queue/{verb}",
                f"{verb}Queue",
                summary,
                serve,
                {200: Done},
                body=kind,
                errors=(404, 408, 409, 413, 415),
            )
        yield for_operator(
            "GET /orphans",
            "listOrphans",
            "Show receipts whose message never turned up",
            self.orphans,
            {200: OrphanList},
            query=OrphansQuery,
        )

    async def waiting(self, _call: Call) -> web.Response:
        """Show what waits."""
        return answer(WaitingList(await self._desk.waiting()))

    async def reroute(self, call: Call) -> web.Response:
        """Send it elsewhere."""
        wanted = await call.read(RerouteIn)
        return answer(await self._desk.reroute(wanted.which.filter(), wanted.uplink, limit=wanted.limit))

    async def purge(self, call: Call) -> web.Response:
        """Send it nowhere."""
        wanted = await call.read(PurgeIn)
        return answer(await self._desk.purge(wanted.which.filter(), limit=wanted.limit))

    async def requeue(self, call: Call) -> web.Response:
        """Send it again."""
        wanted = await call.read(RequeueIn)
        return answer(await self._desk.requeue(wanted.which.filter(), wanted.states, limit=wanted.limit))

    async def orphans(self, call: Call) -> web.Response:
        """Show orphans."""
        found = await self._shelf.orphans(call.query(OrphansQuery).limit)
        return answer(OrphanList([_orphan(receipt, await self._attempts(receipt)) for receipt in found]))


def _orphan(receipt: Receipt, attempts: Sequence[MatchAttempt]) -> OrphanView:
    return OrphanView(
        group=receipt.group,
        smsc_message_id=receipt.smsc_message_id,
        state=receipt.state.value,
        to=receipt.recipient,
        sender=receipt.sender,
        error=receipt.error,
        uplink=receipt.uplink,
        bind=receipt.bind,
        received_at=timestamp(receipt.received_at),
        raw=receipt.raw,
        attempts=list(attempts),
    )
