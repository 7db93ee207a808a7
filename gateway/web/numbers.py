"""Numbers looked up: GET /numbers/{number}; many at once: POST /lookups, GET /lookups/{id}."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.providers.forms import MAX_URL_LENGTH, is_message_id, is_web_address
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import BulkLookup
from gateway.providers.seams import LookupFailed
from gateway.services.number_views import AnswerView, NumberView, answer_view, number_view
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.errors import ApiError
from gateway.web.views import timestamp

Method = Literal["hlr", "mnp", "fraud"]
MANY: Final = 1_000


class NumberQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How far to look."""

    network: Method | None = None
    """Ask the network too, by a provider that offers it."""


class LookupIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Many numbers to look up."""

    numbers: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=64)]], msgspec.Meta(min_length=1, max_length=MANY)
    ]
    """Each is looked up once; what is no number is answered so, and no network is asked about it."""
    network: Method | None = None
    """Ask the network too, by a provider that offers it."""
    callback_url: Annotated[str, msgspec.Meta(max_length=MAX_URL_LENGTH)] = ""
    """Where answers are posted, up to a hundred at a time; empty: they are asked for."""


class LookupView(msgspec.Struct, frozen=True, kw_only=True):
    """A look-up of many numbers, and how far it is."""

    id: str
    status: Literal["processing", "done"]
    network: str | None
    total: int
    answered: int
    failed: int
    """Numbers that are none, or of which the network has said nothing in several tries."""
    answers: list[AnswerView]
    """Those there are by now."""
    created_at: str
    ended_at: str | None


class Numbers:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="GET",
            path="/numbers/{number}",
            name="showNumber",
            summary="Show what is known of a phone number",
            serve=self.show,
            query=NumberQuery,
            answers={200: NumberView},
            errors=(501, 502),
        )
        yield Operation(
            method="POST",
            path="/lookups",
            name="beginLookup",
            summary="Look up to 1,000 numbers up; answers are called back, asked for, or both",
            serve=self.begin,
            body=LookupIn,
            answers={202: LookupView},
            errors=(408, 413, 415, 422, 429, 501),
        )
        yield Operation(
            method="GET",
            path="/lookups/{id}",
            name="showLookup",
            summary="Show how far a look-up of many numbers is, with the answers there are",
            serve=self.show_many,
            answers={200: LookupView},
            errors=(404,),
        )

    async def show(self, call: Call) -> web.Response:
        """Look one up."""
        query = call.query(NumberQuery)
        digits = recipient_digits(call.at("number"))
        if digits is None:
            raise ApiError(400, "invalid_number", "a phone number has 3 to 15 digits, with its country code", "number")
        info = self._services.numbers.parse(digits)
        network = None
        if query.network is not None:
            try:
                network = await self._services.numbers.network(call.account, digits, method=query.network)
            except LookupFailed as error:
                raise ApiError(502, "no_answer", f"the provider gave no answer: {error}", "network") from None
        return answer(number_view(info, network))

    async def begin(self, call: Call) -> web.Response:
        """Look many up."""
        wanted = await call.read(LookupIn)
        if wanted.callback_url and not is_web_address(wanted.callback_url):
            raise ApiError(400, "invalid_callback_url", "expected an absolute http or https address", "callback_url")
        numbers = [recipient_digits(number) or number for number in wanted.numbers]
        lookup = await self._services.numbers.begin_bulk(
            call.account, numbers, method=wanted.network or "", callback_url=wanted.callback_url
        )
        return answer(_view(lookup), 202)

    async def show_many(self, call: Call) -> web.Response:
        """Show one."""
        written = call.at("id")
        lookup = await self._services.numbers.find_bulk(call.account, written) if is_message_id(written) else None
        if lookup is None:
            raise ApiError(404, "not_found", "there is no such look-up, or it is too long ago")
        return answer(_view(lookup))


def _view(lookup: BulkLookup) -> LookupView:
    return LookupView(
        id=lookup.id,
        status="done" if lookup.ended_at else "processing",
        network=lookup.method or None,
        total=lookup.total,
        answered=lookup.answered,
        failed=lookup.failed,
        answers=[answer_view(one) for one in lookup.answers],
        created_at=timestamp(lookup.created_at),
        ended_at=timestamp(lookup.ended_at) if lookup.ended_at else None,
    )
