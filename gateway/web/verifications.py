"""One-time codes: POST and GET /verifications, …/check, …/resend; GET and DELETE /verifications/{id}."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.providers.forms import MAX_URL_LENGTH, is_message_id, is_web_address
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import NoAnswer, Verification, VerifyRequest, VerifyStep
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.errors import ApiError
from gateway.web.messages import PAGE, PAGE_LIMIT, Moment
from gateway.web.times import read_moment
from gateway.web.views import timestamp

Short = Annotated[str, msgspec.Meta(max_length=64)]
Channel = Literal["sms", "voice", "flash_call", "missed_call", "whatsapp", "telegram", "viber", "rcs", "email"]


class StepIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One way to bring the code to its reader."""

    channel: Channel = "sms"
    wait_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 0
    """Until the next step is taken; 0: it is taken on request only."""
    to: Annotated[str, msgspec.Meta(max_length=254)] = ""
    """Whom the channel reaches: an address of e-mail; empty: the number."""


class VerificationIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A verification to begin."""

    to: Short
    brand: Short = ""
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    """BCP 47; empty: from the number's country."""
    template: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    """With {code}, and perhaps {brand}; empty: the language's own."""
    code: Annotated[str, msgspec.Meta(max_length=16)] = ""
    """A code of your own; empty: one is made."""
    code_length: Annotated[int, msgspec.Meta(ge=4, le=10)] = 6
    validity_seconds: Annotated[int, msgspec.Meta(ge=30, le=86_400)] = 300
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    max_sends: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    resend_after_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 30
    sms_retriever_hash: Annotated[str, msgspec.Meta(max_length=11)] = ""
    steps: Annotated[tuple[StepIn, ...], msgspec.Meta(min_length=1, max_length=10)] = (StepIn(),)
    client_reference: Annotated[str, msgspec.Meta(max_length=255)] = ""
    callback_url: Annotated[str, msgspec.Meta(max_length=MAX_URL_LENGTH)] = ""
    remote: Short = ""
    """The end user's network address, for the guard against pumped traffic."""


class CodeIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A code to compare."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class ResendIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the code goes out again."""

    channel: Channel | None = None
    """Null: the next step's."""


class VerificationView(msgspec.Struct, frozen=True, kw_only=True):
    """A verification, without its code."""

    id: str
    to: str
    status: str
    channel: str
    brand: str
    language: str
    code_length: int
    attempts: int
    max_attempts: int
    sends: int
    message_id: str
    """Of the message that carried the latest code."""
    client_reference: str
    created_at: str
    expires_at: str
    verified_at: str | None


class VerificationsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /verifications`; all that are given must hold."""

    to: Short = ""
    client_reference: Annotated[str, msgspec.Meta(max_length=255)] = ""
    since: Moment = ""
    """Begun at this time (RFC 3339) or later."""
    until: Moment = ""
    """Begun before this time."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)] = PAGE
    cursor: Annotated[str, msgspec.Meta(max_length=128)] = ""
    """`next_cursor` of the page before."""


class VerificationsPage(msgspec.Struct, frozen=True):
    """Verifications, newest first."""

    verifications: list[VerificationView]
    next_cursor: str | None
    """For the page that follows; null where there is none."""


class Verifications:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        one = {200: VerificationView}
        refused = (402, 403, 404, 408, 409, 410, 413, 415, 422, 429, 501)
        yield Operation(
            method="POST",
            path="/verifications",
            name="beginVerification",
            summary="Send a one-time code",
            serve=self.begin,
            role="send",
            body=VerificationIn,
            answers={201: VerificationView},
            errors=refused,
        )
        yield Operation(
            method="GET",
            path="/verifications",
            name="listVerifications",
            summary="Find verifications, newest first",
            serve=self.list,
            query=VerificationsQuery,
            answers={200: VerificationsPage},
            errors=(501,),
        )
        yield Operation(
            method="GET",
            path="/verifications/{id}",
            name="showVerification",
            summary="Show a verification",
            serve=self.show,
            answers=one,
            errors=(404, 501),
        )
        yield Operation(
            method="POST",
            path="/verifications/{id}/check",
            name="checkCode",
            summary="Compare a code that the reader typed",
            serve=self.check,
            role="send",
            body=CodeIn,
            answers=one,
            errors=(*refused, 502),
        )
        yield Operation(
            method="POST",
            path="/verifications/{id}/resend",
            name="resendCode",
            summary="Send the code again, over this or another channel",
            serve=self.resend,
            role="send",
            body=ResendIn,
            answers=one,
            errors=refused,
        )
        yield Operation(
            method="DELETE",
            path="/verifications/{id}",
            name="cancelVerification",
            summary="End a verification without a result",
            serve=self.cancel,
            role="send",
            answers=one,
            errors=(404, 409, 410, 422, 429, 501),
        )

    async def begin(self, call: Call) -> web.Response:
        """Send a code."""
        wanted = await call.read(VerificationIn)
        number = recipient_digits(wanted.to)
        if number is None:
            raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
        if wanted.callback_url and not is_web_address(wanted.callback_url):
            raise ApiError(400, "invalid_callback_url", "expected an absolute http or https address", "callback_url")
        request = VerifyRequest(
            number=number,
            dialect="native",
            brand=wanted.brand,
            sender=wanted.sender,
            language=wanted.language.lower(),
            template=wanted.template,
            code=wanted.code,
            code_length=wanted.code_length,
            validity_seconds=wanted.validity_seconds,
            max_attempts=wanted.max_attempts,
            max_sends=wanted.max_sends,
            resend_after_seconds=wanted.resend_after_seconds,
            sms_retriever_hash=wanted.sms_retriever_hash,
            steps=tuple(
                VerifyStep(channel=step.channel, wait_seconds=step.wait_seconds, recipient=step.to.strip())
                for step in wanted.steps
            ),
            reference=wanted.client_reference,
            callback_url=wanted.callback_url,
            remote=wanted.remote,
        )
        return answer(_view(await self._services.verifier.begin(call.account, request)), 201)

    async def list(self, call: Call) -> web.Response:
        """Find some."""
        query = call.query(VerificationsQuery)
        if query.cursor and not is_message_id(query.cursor):
            raise ApiError(400, "invalid_value", "expected next_cursor of the page before", "cursor")
        number = recipient_digits(query.to) if query.to else ""
        if number is None:
            raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
        found = await self._services.verifier.search(
            call.account,
            number=number,
            reference=query.client_reference,
            since=read_moment(query.since, "since") if query.since else 0.0,
            until=read_moment(query.until, "until") if query.until else 0.0,
            limit=query.limit + 1,
            before_id=query.cursor,
        )
        page = found[: query.limit]
        more = page[-1].id if len(found) > query.limit else None
        return answer(VerificationsPage([_view(one) for one in page], more))

    async def show(self, call: Call) -> web.Response:
        """Show one."""
        found = await self._services.verifier.find(call.account, _id(call))
        if found is None:
            raise _unknown()
        return answer(_view(found))

    async def check(self, call: Call) -> web.Response:
        """Compare a code."""
        wanted = await call.read(CodeIn)
        try:
            return answer(_view(await self._services.verifier.check(call.account, _id(call), wanted.code)))
        except NoAnswer as error:
            raise ApiError(502, "no_answer", f"the provider that keeps the code does not say: {error}") from None

    async def resend(self, call: Call) -> web.Response:
        """Send it again."""
        wanted = await call.read(ResendIn)
        found = await self._services.verifier.resend(call.account, _id(call), channel=wanted.channel or "")
        return answer(_view(found))

    async def cancel(self, call: Call) -> web.Response:
        """End it."""
        return answer(_view(await self._services.verifier.cancel(call.account, _id(call))))


def _id(call: Call) -> str:
    written = call.at("id")
    if not is_message_id(written):
        raise _unknown()
    return written


def _unknown() -> ApiError:
    return ApiError(404, "not_found", "there is no such verification")


def _view(found: Verification) -> VerificationView:
    return VerificationView(
        id=found.id,
        to=found.number,
        status=found.status.value,
        channel=found.channel,
        brand=found.brand,
        language=found.language,
        code_length=found.code_length,
        attempts=found.attempts,
        max_attempts=found.max_attempts,
        sends=found.sends,
        message_id=found.message_id,
        client_reference=found.reference,
        created_at=timestamp(found.created_at),
        expires_at=timestamp(found.expires_at),
        verified_at=timestamp(found.verified_at) if found.verified_at else None,
    )
