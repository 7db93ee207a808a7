"""Errors of the native API: one shape, `{"error": {"code", "message", "field"}}`, whatever went wrong."""

import math
from typing import Final

import msgspec
from aiohttp import web

from gateway.errors import InvalidMessage, NotWaiting, RateLimited, StoreError, StoreFull
from gateway.http import BodyBroken, BodyTooLarge, BodyTooSlow, UnreadableBody
from gateway.providers.ports import VerifyError, VerifyProblem

JSON: Final = "application/json"

_encode: Final = msgspec.json.Encoder().encode

# The gateway's own names of fields → the API's.
_FIELDS: Final = {"recipient": "to", "sender": "from", "scheduled_at": "send_at"}

# Of messages that are refused; 400 for all others.
_STATUSES: Final = {
    "no_route": 422,
    "insufficient_balance": 402,
    "no_price": 422,
    "rate_limited": 429,
    "quota_exceeded": 429,
    "duplicate": 409,
    "recipient_opted_out": 422,
    "recipient_blocked": 422,
    "recipient_not_allowed": 422,
    "outside_hours": 422,
}

_OF_VERIFICATION: Final = {
    VerifyProblem.NOT_FOUND: 404,
    VerifyProblem.WRONG_CODE: 422,
    VerifyProblem.TOO_MANY_ATTEMPTS: 429,
    VerifyProblem.EXPIRED: 410,
    VerifyProblem.ENDED: 409,
    VerifyProblem.CONCURRENT: 409,
    VerifyProblem.TOO_SOON: 429,
    VerifyProblem.TOO_MANY_SENDS: 429,
    VerifyProblem.BLOCKED: 403,
    VerifyProblem.BAD_NUMBER: 400,
    VerifyProblem.BAD_REQUEST: 400,
    VerifyProblem.NO_ROUTE: 422,
    VerifyProblem.NO_FUNDS: 402,
}


class ErrorBody(msgspec.Struct, frozen=True):
    """What is wrong."""

    code: str
    """A short stable word, for programs."""
    message: str
    """A sentence, for people."""
    field: str = ""
    """Path of the offending field in the request: ``to``, ``[3].tlvs[0].value``; empty where it is none."""


class ErrorAnswer(msgspec.Struct, frozen=True):
    """What every error looks like."""

    error: ErrorBody


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, code: str, message: str, field: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = ErrorBody(code, message, field)
        self.headers = headers

    def under(self, prefix: str) -> "ApiError":
        """The same for an item of an array."""
        field = self.body.field
        path = f"{prefix}.{field}" if field and not field.startswith("[") else prefix + field
        return ApiError(self.status, self.body.code, self.body.message, path, self.headers)


def error_response(error: ApiError) -> web.Response:
    """The error as an answer."""
    response = web.Response(
        status=error.status, body=_encode({"error": error.body}), content_type=JSON, headers=error.headers
    )
    if error.status in (408, 413) or error.body.code == "malformed_body":
        # What is left of the body would be read as the next request.
        response.force_close()
    return response


def of_refusal(reason: InvalidMessage) -> ApiError:
    """A message that the gateway refuses."""
    status = _STATUSES.get(reason.code, 400)
    headers = _retry_after(reason.retry_after) if isinstance(reason, RateLimited) else None
    return ApiError(status, reason.code, reason.message, _FIELDS.get(reason.field, reason.field), headers)


def of_not_waiting(error: NotWaiting) -> ApiError:
    """A message that cannot be changed any more."""
    if not error.is_known:
        return ApiError(404, "not_found", "there is no such message")
    return ApiError(409, "not_waiting", str(error))


def of_verification(error: VerifyError) -> ApiError:
    """A verification that cannot go on."""
    text = str(error)
    if error.problem is VerifyProblem.WRONG_CODE:
        text = f"{text}; attempts left: {error.attempts_left}"
    return ApiError(_OF_VERIFICATION.get(error.problem, 400), error.problem.value, text)


def of_store(error: StoreError) -> ApiError:
    """A store that cannot commit now."""
    if isinstance(error, StoreFull):
        return ApiError(503, "busy", str(error), headers=_retry_after(error.retry_after))
    # Why is for the operator's log.
    return ApiError(503, "store_unavailable", "the message cannot be stored now; try again", headers=_retry_after(1))


def of_body(error: UnreadableBody) -> ApiError:
    """A body that was not read."""
    if isinstance(error, BodyTooLarge):
        return ApiError(413, "body_too_large", f"the body is over the limit: {error}")
    if isinstance(error, BodyTooSlow):
        return ApiError(408, "body_too_slow", f"the body is {error}")
    if isinstance(error, BodyBroken):
        return ApiError(400, "malformed_body", f"the body is broken: {error}")
    return ApiError(415, "unsupported_encoding", str(error))


def unauthorized() -> ApiError:
    """Nobody has these credentials."""
    return ApiError(
        401,
        "unauthorized",
        "an API key is needed, as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'",
        headers={"WWW-Authenticate": "Bearer"},
    )


def internal() -> ApiError:
    """A fault of ours: what it was is in the log alone."""
    return ApiError(500, "internal_error", "something went wrong here; it has been logged")


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
