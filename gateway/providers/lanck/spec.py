"""Lanck's words: error codes, statuses, languages. The API is sold under other names too: its host is configuration."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.models import State

NAME: Final = "lanck"
PREFIX: Final = "/lanck"
VERSION: Final = "/v1"
"""Begins every path of the document."""

REQUESTS_PER_SECOND: Final = 30
"""As the text of error 4 has it."""


class Error(NamedTuple):
    """One row of the error table."""

    http_status: int
    """Of those that only clients of the same API know, the status is not written down: it is ours."""
    reason: str
    text: str = ""


ERRORS: Final[Mapping[int, Error]] = {
    1: Error(401, "Authentication required", "Wrong authentication token was provided in the request header"),
    2: Error(400, "Inactive account", "Your account is inactive. Please contact support"),
    4: Error(
        429,
        "Too many requests",
        "You provided too many requests in a short period of time. Max number of requests allowed is 30 per second",
    ),
    5: Error(401, "Inactive token", "Token you are currently using for request is inactive"),
    6: Error(403, "Insufficient funds", "Your account balance is too low to process the request"),
    10: Error(400, "Invalid request", "Your request was formed incorrectly. Please see the documentation for details"),
    11: Error(
        400,
        "Invalid number",
        "The number you provided is invalid or malformed. We accept phone numbers in international format (E.164). "
        "Please see the documentation for details",
    ),
    16: Error(400, "Sender not allowed", "Sender id for current type of request is not allowed"),
    7: Error(403, "Forbidden"),
    8: Error(400, "Account misconfigured"),
    9: Error(400, "Rejected"),
    20: Error(404, "Request not found"),
    21: Error(400, "Invalid verification code"),
    22: Error(400, "Request expired"),
    23: Error(429, "Too many attempts"),
    25: Error(405, "Method not allowed"),
    99: Error(500, "Internal server error"),
}
"""By errorCode. 7 to 9 and from 20 on are known from public clients alone."""

STATUSES: Final[Mapping[str, bool]] = {
    "SENT": False,
    "DELIVERED": True,
    "UNDELIVERED": True,
    "REJECTED": True,
    "ANSWERED": True,
}
"""The status of a request, and whether it is its last. ANSWERED is a call's."""

STATES: Final[Mapping[str, State]] = {
    "SENT": State.ENROUTE,
    "DELIVERED": State.DELIVERED,
    "READ": State.DELIVERED,
    "ANSWERED": State.DELIVERED,
    "UNDELIVERED": State.UNDELIVERABLE,
    "REJECTED": State.REJECTED,
}
"""The status of a request in our words."""

FRAUD_STATUSES: Final = ("PASSED", "NOT_MOBILE_PREFIX", "SUSPICIOUS", "FRAUDULENT")
FRAUD_STATUS_MISSPELT: Final = "FRAUDLENT"
"""As the document's own sample has the last one."""

LANGUAGES: Final = frozenset(
    (  # noqa: SIM905
        "am ar az bn de en es fa fr he hi hy id it ja ka kk km ky mg mn ms my ne ps pt ru si sn so sv sw ta tg tk uk "
        "ur uz vi zh"
    ).split(" ")
)
"""Of codes by SMS and voice, and of calls that speak a code."""

SPEECH_LANGUAGES: Final = frozenset({"en", "ru"})
"""Of calls that speak a text."""

MILLISECONDS_FROM: Final = 100_000_000_000
"""A time above this is in milliseconds: the document has both."""

CHANNELS: Final = ("push", "viber", "rcs")
CALL_TYPES: Final = ("flash", "p2s", "t2s")
VERIFY_METHODS: Final = ("sms", "voice", "call")
CODE_LENGTHS: Final = (4, 5, 6)
DEFAULT_CODE_LENGTH: Final = 4
DEFAULT_LANGUAGE: Final = "en"
CALLBACK_FIELD: Final = "callbackUrl"
