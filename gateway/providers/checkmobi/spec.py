"""CheckMobi's words: error codes, statuses, kinds of numbers, voices."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.models import State

NAME: Final = "checkmobi"
PREFIX: Final = "/checkmobi"
VERSION: Final = "/v1"
"""Begins every path of the document."""


class Error(NamedTuple):
    """One row of the error table."""

    http_status: int
    """The document has the statuses beside the table, not in it: which goes with which is ours."""
    text: str


ERRORS: Final[Mapping[int, Error]] = {
    1: Error(401, "Invalid or expired API secret key"),
    2: Error(400, "Invalid phone number. Phone number should be provided into E.164 format"),
    3: Error(400, "Invalid Request ID"),
    4: Error(400, "Invalid validation type. Allowed (sms, ivr, reverse_cli)"),
    5: Error(400, "Insufficient funds"),
    6: Error(400, "Insufficient Missed Call validation count"),
    7: Error(400, "Invalid request payload"),
    8: Error(400, "Validation method not available for this destination"),
    9: Error(400, "Notification URL is invalid"),
    10: Error(400, "Invalid event payload"),
    11: Error(403, "This operation is currently disabled for your account"),
    12: Error(400, "Your account exceeded one or more limitations"),
    13: Error(403, "Destination is blocked due to application restrictions"),
    14: Error(400, "Number temporary blocked because of too many attempts"),
    15: Error(400, "Too many attempts to verify the pin"),
    16: Error(400, "Validation request expired"),
    17: Error(400, "Invalid lookup method"),
    18: Error(400, "No HLR lookup route available for this destination"),
}
"""By code. 9 is absent from the current document, and known from an older one."""

HTTP_STATUSES: Final[Mapping[int, str]] = {
    200: "Success",
    204: "Success",
    400: "Bad request due to missing or invalid parameters",
    401: "Unauthorized request",
    403: "Forbidden request",
    404: "The requested resource was not found",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

SMS_STATUSES: Final[Mapping[str, bool]] = {
    "queued": False,
    "sent": False,
    "failed": True,
    "delivered": True,
    "undelivered": True,
    "rejected": True,
}
"""The status of a message, and whether it is its last."""

STATES: Final[Mapping[str, State]] = {
    "queued": State.ENROUTE,
    "sent": State.ENROUTE,
    "failed": State.UNDELIVERABLE,
    "delivered": State.DELIVERED,
    "undelivered": State.UNDELIVERABLE,
    "rejected": State.REJECTED,
}
"""The status of a message in our words."""

LOOKUP_PROCESSING: Final[Mapping[str, str]] = {
    "completed": "The lookup query was completed with a valid response",
    "rejected": "The number does not qualify for a lookup and has been rejected",
    "failed": "The lookup query was processed but an error or exception occurred",
}

REACHABILITY: Final[Mapping[str, str]] = {
    "connected": "Active mobile number",
    "absent": "Number is not reachable at this moment",
    "no-teleservice-provisioned": "This number is not able to receive calls or SMS messages",
    "inconclusive": "We are unable to retrieve a response from the network for this number",
    "no-coverage": "We don't provide a coverage for this destination",
    "failed": "The partner networks encountered an error while performing this operation",
    "invalid": "The number provided is not valid",
}

NUMBER_TYPES: Final[Mapping[str, str]] = {
    "landline": "Landline phone number",
    "mobile": "Mobile phone number",
    "mobile_or_landline": "Landline or mobile phone number",
    "toll_free": "Toll free phone number",
    "premium_rate": "Premium rate phone number with additional charges",
    "shared_cost": "Shared cost phone number",
    "personal_number": (
        "A personal number is associated with a particular person, and may be routed to either a mobile or landline "
        "number"
    ),
    "voip": "Voice over IP phone number",
    "pager": "Pager phone number",
    "uan": "Universal Access Number (Company Number)",
    "voicemail": "Voicemail phone number",
    "unknown": "Number type could not be determined",
}

SUBSCRIPTIONS: Final[Mapping[int, str]] = {
    0: "Trial Account",
    1: "Startup",
    2: "Growing Business",
    3: "Big Business",
}


class Voice(NamedTuple):
    """A language that calls speak, and the voices it has."""

    language: str
    has_woman: bool
    has_man: bool


VOICES: Final[Mapping[str, Voice]] = {
    "da-DK": Voice("Danish", True, False),
    "nl-NL": Voice("Dutch", True, True),
    "en-AU": Voice("English - Australian", True, True),
    "en-GB": Voice("English - British", True, True),
    "en-US": Voice("English - USA", True, True),
    "fr-FR": Voice("French", True, True),
    "fr-CA": Voice("French - Canadian", True, False),
    "de-DE": Voice("German", True, True),
    "it-IT": Voice("Italian", True, True),
    "pl-PL": Voice("Polish", True, True),
    "pt-PT": Voice("Portuguese", False, True),
    "pt-BR": Voice("Portuguese - Brazilian", True, True),
    "ru-RU": Voice("Russian", True, False),
    "es-ES": Voice("Spanish", True, True),
    "es-US": Voice("Spanish - USA", True, True),
    "sv-SE": Voice("Swedish", True, False),
}

SIGNATURE_HEADER: Final = "X-CheckMobi-Signature"
"""HMAC-SHA256 of the body."""
CALLBACK_FIELD: Final = "notification_callback"
MAX_CALLBACK_URL: Final = 255
CALLBACK_RETRIES: Final = 3
MAX_BULK_NUMBERS: Final = 1_000
VALIDATION_TYPES: Final = ("sms", "ivr", "reverse_cli")
PLATFORMS: Final = ("ios", "android", "web", "desktop")
VALIDATION_SECONDS: Final = 3_600
VALIDATION_ATTEMPTS: Final = 3
