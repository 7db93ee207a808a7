"""The code tables of Mocean's other calls, and the words by which a handler finds a code in its own table.

The same number means different things: 1 is a refused login for balance, a throttled request for verify.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.providers.mocean.spec import REPORT_STATUS, SMS_STATUS, UNAUTHORIZED_CODE, Code
from gateway.providers.ports import VerifyProblem

_OK: Final = Code(200, "OK. No error encountered")
_UNAUTHORIZED: Final = UNAUTHORIZED_CODE
_UNAUTHORIZED_OR_IP: Final = Code(
    401,
    "Authorization failed. Invalid mocean-api-key or mocean-api-secret or IP not whitelisted",
    "Authorization failed",
)
_NO_LOGIN: Final = Code(401, _UNAUTHORIZED.text, "Invalid credentials were provided")
_UNKNOWN: Final = Code(500, "Unknown error")
_DOWN: Final = Code(503, "System down for maintenance")
_SYSTEM: Final = Code(500, "System error, please try again")

BALANCE_STATUS: Final[Mapping[int, Code]] = {0: _OK, 1: _UNAUTHORIZED, 24: _UNKNOWN, 40: _DOWN, 45: _SYSTEM}

PRICING_STATUS: Final[Mapping[int, Code]] = {
    0: _OK,
    1: _UNAUTHORIZED,
    3: Code(400, "No rate found"),
    24: _UNKNOWN,
    32: Code(429, "Throttled"),
    40: _DOWN,
    45: _SYSTEM,
    46: Code(400, "Invalid MCC MNC"),
    51: Code(400, "Invalid delimiter"),
    52: Code(400, "Multiple charging packages"),
    72: Code(400, "Invalid Type"),
}

CONVERSION_STATUS: Final[Mapping[int, Code]] = {
    0: _OK,
    1: _UNAUTHORIZED_OR_IP,
    24: _UNKNOWN,
    25: Code(400, "Invalid message id"),
    32: Code(429, "Message throttled"),
    40: _DOWN,
}

LOOKUP_STATUS: Final[Mapping[int, Code]] = {
    0: _OK,
    1: _UNAUTHORIZED_OR_IP,
    2: Code(402, "Insufficient balance"),
    6: Code(400, "No phone number specified"),
    24: _UNKNOWN,
    28: Code(400, "Invalid phone number"),
    32: Code(429, "Throttled error"),
    34: Code(400, "Invalid request received"),
    40: _DOWN,
    45: _SYSTEM,
    65: Code(400, "Route not found"),
    70: Code(400, "Invalid service - Request made is not a service enabled on your account"),
}

VERIFY_STATUS: Final[Mapping[int, Code]] = {
    0: _OK,
    1: Code(429, "Throttled error. You are trying to send more than allowed requests per minute"),
    2: _NO_LOGIN,
    3: _SYSTEM,
    4: Code(400, "Missing mandatory parameter: brand"),
    5: Code(400, "Missing mandatory parameter: receiver"),
    6: Code(400, "Invalid destination number. Receiver is invalid after stripping all non-numerics"),
    7: Code(400, "Missing mandatory parameter: request id"),
    8: Code(400, "Missing mandatory parameter: pin code"),
    9: Code(400, "Brand provided is too long"),
    10: Code(400, "Sender id provided is too long"),
    11: Code(400, "Code length provided is unsupported"),
    13: Code(400, "Pin validity provided is invalid, valid range is between 60 and 3600 seconds"),
    14: Code(400, "Next event wait is invalid, valid range is between 60 and 900 seconds"),
    15: Code(400, "Incorrect code was provided too many times. Maximum retry limit is 3"),
    16: Code(400, "The code inserted does not match the expected value"),
    17: Code(400, "Associated verify request not found"),
    18: Code(402, "Insufficient balance. Not enough credit in the account for verification"),
    19: Code(
        400,
        "Concurrent verify request to the same number and brand are not allowed. "
        "Only applicable to pay-per-conversion API",
    ),
    20: Code(400, "The request could not be routed"),
    # Ours is to say that a brand or template cannot be used: nothing is gained by trying again.
    21: Code(400, "System error, request could not be processed"),
    22: Code(404, "Unknown request"),
    23: Code(400, "Invalid service - your request makes use of a facility that is not enabled on your account"),
    26: Code(400, "Missing mandatory parameter: bot username"),
}

VOICE_STATUS: Final[Mapping[int, Code]] = {
    0: _OK,
    1: _UNAUTHORIZED,
    2: Code(402, "Insufficient balance. Not enough credit in the account to call to any of the receivers"),
    3: Code(400, "No rate found for destination number"),
    4: Code(400, "At least one of the destination numbers is not white listed"),
    5: Code(400, "At least one of the destination numbers is black listed"),
    6: Code(400, "No destination number specified"),
    7: Code(400, "Invalid call-uuid"),
    8: Code(400, "Too many receivers in 'to' field"),
    9: Code(400, "Invalid request"),
    10: _SYSTEM,
    11: Code(400, "Destination not found"),
    12: Code(400, "Missing Mocean Command (MC) input or parameter"),
    13: Code(400, "Mocean Command (MC) syntax error"),
    14: _UNKNOWN,
    15: Code(503, "System down for maintenance. Sorry for the inconvenience"),
}

WHATSAPP_STATUS: Final[Mapping[int, Code]] = {
    0: Code(202, "OK. No error encountered"),
    1: _UNAUTHORIZED_OR_IP,
    2: Code(402, "Insufficient balance"),
    6: Code(400, "No destination number specified"),
    34: Code(400, "Invalid request received"),
    44: Code(400, "Invalid sender ID"),
    72: Code(400, "Invalid type"),
    78: Code(400, "Invalid bot or bot is not active"),
    92: Code(400, "OTT content syntax error"),
    93: Code(400, "Missing OTT content input. Content JSON object not found in the request body"),
    94: Code(400, "OTT content parameters error"),
}

MEDIA_STATUS: Final[Mapping[int, Code]] = {
    200: Code(200, "OK. Media successfully downloaded"),
    400: Code(400, "Bad Request"),
    401: Code(401, "Authorization failed. Invalid mocean-api-key or mocean-api-secret or IP not whitelisted"),
    403: Code(403, "Sender not found"),
    404: Code(404, "Media not found"),
    406: Code(406, "Not Acceptable"),
    429: Code(429, "Too many requests. Rate limit: 20 requests per minute (per account)"),
    500: Code(500, "Internal server error"),
}
"""Here the HTTP status is the code, and the body is empty."""


TABLES: Final = (
    SMS_STATUS,
    REPORT_STATUS,
    BALANCE_STATUS,
    PRICING_STATUS,
    CONVERSION_STATUS,
    LOOKUP_STATUS,
    VERIFY_STATUS,
    VOICE_STATUS,
    WHATSAPP_STATUS,
    MEDIA_STATUS,
)


class Words(NamedTuple):
    """The codes of one table for what may happen to any request."""

    table: Mapping[int, Code]
    unauthorized: int
    malformed: int
    """A body that is no form, too many fields, a format nobody writes."""
    unknown_request: int
    """No such path, or not by this method."""
    throttled: int
    system: int
    not_offered: int
    """The facility needs an uplink that is not configured."""
    too_large: int


SMS: Final = Words(SMS_STATUS, 1, 20, 34, 32, 45, 70, 29)
REPORT: Final = Words(REPORT_STATUS, 1, 34, 34, 32, 45, 45, 34)
BALANCE: Final = Words(BALANCE_STATUS, 1, 24, 24, 45, 45, 45, 24)
PRICING: Final = Words(PRICING_STATUS, 1, 24, 24, 32, 45, 3, 24)
CONVERSION: Final = Words(CONVERSION_STATUS, 1, 24, 24, 32, 40, 40, 24)
LOOKUP: Final = Words(LOOKUP_STATUS, 1, 34, 34, 32, 45, 70, 34)
VERIFY: Final = Words(VERIFY_STATUS, 2, 22, 22, 1, 3, 23, 22)
VOICE: Final = Words(VOICE_STATUS, 1, 9, 9, 10, 10, 9, 9)
WHATSAPP: Final = Words(WHATSAPP_STATUS, 1, 34, 34, 34, 34, 78, 34)
MEDIA: Final = Words(MEDIA_STATUS, 401, 400, 406, 429, 500, 403, 400)

VERIFY_PROBLEM: Final[Mapping[VerifyProblem, int]] = MappingProxyType(
    {
        VerifyProblem.NOT_FOUND: 17,
        VerifyProblem.WRONG_CODE: 16,
        VerifyProblem.TOO_MANY_ATTEMPTS: 15,
        VerifyProblem.EXPIRED: 17,
        VerifyProblem.ENDED: 17,
        VerifyProblem.CONCURRENT: 19,
        VerifyProblem.TOO_SOON: 1,
        VerifyProblem.TOO_MANY_SENDS: 1,
        VerifyProblem.BLOCKED: 1,
        VerifyProblem.BAD_NUMBER: 6,
        VerifyProblem.BAD_SENDER: 10,
        VerifyProblem.BAD_REQUEST: 21,
        VerifyProblem.NO_ROUTE: 20,
        VerifyProblem.NO_FUNDS: 18,
    }
)
