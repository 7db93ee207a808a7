"""Mocean's words: parameters, codes with their texts and HTTP statuses, and how our states and statuses read as theirs.

Codes are per endpoint: 1 is a refused login for /sms and a throttled request for /verify.
"""

import re
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Final, NamedTuple

from gateway.models import State

NAME: Final = "mocean"
PREFIX: Final = "/mocean"

MAX_RECEIVERS: Final = 500
MAX_VALIDITY_SECONDS: Final = 63 * 7 * 86_400
"""3GPP TS 23.040 §9.2.3.12.1: a relative validity period ends at 63 weeks."""
MAX_PARTS: Final = 255
MAX_SINGLE_OCTETS: Final = 140
MALAYSIA_TIME: Final = timezone(timedelta(hours=8))
"""Every time without a zone. "Please use Malaysia time (or GMT +8:00)"."""
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
SCHEDULE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
"""strptime alone takes hours without their leading zero, which the document forbids."""

CHARSETS: Final[Mapping[str, str]] = {
    "": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16be": "utf-16-be",
    "ucs-2": "utf-16-be",
}
"""mocean-charset in lower case → Python's codec. The document's own list is lost; clients send UTF-8."""

CODING_7BIT: Final = "1"
CODING_8BIT: Final = "2"
CODING_UCS2: Final = "3"


class Code(NamedTuple):
    """One row of a code table."""

    http_status: int
    """Of a v2 answer; the provider's own are known only as "400 or more". v1 answers every failure with 200."""
    text: str
    example: str = ""
    """err_msg where the document's examples show less than the table."""


_AUTHORIZATION: Final = "Authorization failed. Invalid mocean-api-key or mocean-api-secret"
UNAUTHORIZED_CODE: Final = Code(401, _AUTHORIZATION, "Authorization failed")

# The status of /sms, as documented. Numbers that are missing here do not exist.
SMS_STATUS: Final[Mapping[int, Code]] = {
    0: Code(202, "OK. No error encountered"),
    1: UNAUTHORIZED_CODE,
    2: Code(402, "Insufficient balance. Not enough credit in the account to send to at least one of the receivers"),
    4: Code(400, "At least one of the destination numbers is not white listed"),
    5: Code(400, "At least one of the destination numbers is black listed"),
    6: Code(400, "No destination number specified"),
    8: Code(400, "Sender ID not found"),
    9: Code(400, "Invalid UDH field"),
    10: Code(400, "Invalid mclass field"),
    17: Code(400, "Invalid validity field"),
    19: Code(400, "Invalid character set or message body"),
    20: Code(400, "Insufficient headers for sending SMS"),
    23: Code(400, "Empty mocean-text"),
    24: Code(500, "Unknown error"),
    26: Code(400, "Invalid schedule format"),
    27: Code(400, "Max number of receivers in a single request reached. Too many receivers in mocean-to field"),
    28: Code(400, "Invalid destination number. Receiver is invalid after stripping all non-numerics"),
    29: Code(400, "Message body is too long"),
    32: Code(429, "Message throttled"),
    34: Code(404, "Unknown request"),
    37: Code(400, "Invalid sender length"),
    40: Code(503, "System down for maintenance"),
    43: Code(429, "SMS flooding detected"),
    44: Code(400, "Invalid Sender ID"),
    45: Code(500, "System error, please try again"),
    48: Code(400, "At least one of the senders is black listed"),
    49: Code(400, "At least one of the senders is not white listed"),
    50: Code(400, "Inappropriate content detected"),
    65: Code(400, "Destination not found"),
    69: Code(400, "Message contains unsupported character"),
    70: Code(400, "Invalid service"),
    73: Code(400, "Destination number and sender are blacklisted"),
}

REPORT_STATUS: Final[Mapping[int, Code]] = {
    0: Code(200, "OK. No error encountered"),
    1: UNAUTHORIZED_CODE,
    24: Code(500, "Unknown error"),
    25: Code(400, "Invalid message ID"),
    32: Code(429, "Throttled"),
    34: Code(404, "Unknown request"),
    40: Code(503, "System down for maintenance"),
    45: Code(500, "System error, please try again"),
}
"""The status of /report/message; 34 is ours, for paths and methods that do not exist."""

OK: Final = 0
UNAUTHORIZED: Final = 1
NO_DESTINATION: Final = 6
NO_SENDER: Final = 8
BAD_UDH: Final = 9
BAD_MCLASS: Final = 10
BAD_VALIDITY: Final = 17
BAD_CHARSET_OR_BODY: Final = 19
INSUFFICIENT_HEADERS: Final = 20
EMPTY_TEXT: Final = 23
UNKNOWN_ERROR: Final = 24
BAD_MESSAGE_ID: Final = 25
BAD_SCHEDULE: Final = 26
TOO_MANY_RECEIVERS: Final = 27
BAD_DESTINATION: Final = 28
TOO_LONG: Final = 29
THROTTLED: Final = 32
UNKNOWN_REQUEST: Final = 34
BAD_SENDER_LENGTH: Final = 37
BAD_SENDER: Final = 44
SYSTEM_ERROR: Final = 45
UNSUPPORTED_CHARACTER: Final = 69

# Why the gateway refuses a message → the status of its receiver.
STATUS_BY_REASON: Final[Mapping[str, int]] = {
    "invalid_recipient": BAD_DESTINATION,
    "invalid_sender": BAD_SENDER,
    "sender_not_allowed": 49,
    "sender_blocked": 48,
    "recipient_blocked": 5,
    "recipient_opted_out": 5,
    "recipient_not_allowed": 4,
    "invalid_text": BAD_CHARSET_OR_BODY,
    "missing_text": EMPTY_TEXT,
    "missing_sender": NO_SENDER,
    "text_too_long": TOO_LONG,
    "data_too_long": TOO_LONG,
    "text_and_data": BAD_CHARSET_OR_BODY,
    "missing_data": EMPTY_TEXT,
    "invalid_data_coding": BAD_CHARSET_OR_BODY,
    "invalid_message_class": BAD_MCLASS,
    "invalid_udh": BAD_UDH,
    "invalid_validity": BAD_VALIDITY,
    "invalid_schedule": BAD_SCHEDULE,
    "invalid_callback_url": INSUFFICIENT_HEADERS,
    "insufficient_balance": 2,
    "rate_limited": THROTTLED,
    "quota_exceeded": THROTTLED,
    "outside_hours": THROTTLED,
    "duplicate": 43,
    "no_route": 65,
    "no_price": 65,
    "unsupported": 70,
    "unknown_account": UNAUTHORIZED,
    "no_secret_key": SYSTEM_ERROR,
    # This door makes none of these.
    "invalid_priority": UNKNOWN_ERROR,
    "client_reference_too_long": UNKNOWN_ERROR,
    "invalid_client_reference": UNKNOWN_ERROR,
    "too_many_tlvs": UNKNOWN_ERROR,
    "tlvs_too_long": UNKNOWN_ERROR,
    "invalid_tlv": UNKNOWN_ERROR,
}
# ... where the reason has no row, by the field it names.
STATUS_BY_FIELD: Final[Mapping[str, int]] = {
    "recipient": BAD_DESTINATION,
    "sender": BAD_SENDER,
    "text": BAD_CHARSET_OR_BODY,
    "data": BAD_CHARSET_OR_BODY,
    "coding": BAD_CHARSET_OR_BODY,
    "data_coding": BAD_CHARSET_OR_BODY,
    "udh": BAD_UDH,
    "message_class": BAD_MCLASS,
    "validity_seconds": BAD_VALIDITY,
    "scheduled_at": BAD_SCHEDULE,
    "callback_url": INSUFFICIENT_HEADERS,
}

# mocean-dlr-status of a final state: 1 success, 2 failed, 3 expired. States that are not here are not reported.
REPORT_BY_STATE: Final[Mapping[State, int]] = {
    State.DELIVERED: 1,
    State.EXPIRED: 3,
    State.UNDELIVERABLE: 2,
    State.REJECTED: 2,
    State.DELETED: 2,
    State.UNKNOWN: 2,
    State.FAILED: 2,
}
# mocean-error-code of a state whose receipt has none.
ERROR_BY_STATE: Final[Mapping[State, int]] = {
    State.DELIVERED: 0,
    State.EXPIRED: 52,
    State.UNDELIVERABLE: 1,
    State.REJECTED: 50,
    State.DELETED: 49,
    State.UNKNOWN: 255,
    State.FAILED: 255,
}
NO_FINAL_STATUS: Final = 96
"""The error code where no receipt ever came."""
UNKNOWN_DLR_ERROR: Final = 255

# What the SMSC said to the submission, or we of it, in `Message.error` → mocean-error-code.
ERROR_BY_SMPP_STATUS: Final[Mapping[str, int]] = {
    "ESME_RINVMSGLEN": 51,
    "ESME_RINVCMDLEN": 51,
    "ESME_RSYSERR": 12,
    "ESME_RINVSRCADR": 69,
    "ESME_RINVSRCTON": 69,
    "ESME_RINVSRCNPI": 69,
    "ESME_RINVDSTADR": 54,
    "ESME_RINVDSTTON": 54,
    "ESME_RINVDSTNPI": 54,
    "ESME_RBINDFAIL": 70,
    "ESME_RINVPASWD": 70,
    "ESME_RINVSYSID": 70,
    "ESME_RMSGQFUL": 58,
    "ESME_RTHROTTLED": 58,
    "ESME_RINVESMCLASS": 51,
    "ESME_RINVSCHED": 91,
    "ESME_RINVEXPIRY": 52,
    "ESME_RINVDCS": 66,
    "ESME_RPROHIBITED": 53,
    "ESME_RX_T_APPN": 74,
    "ESME_RX_P_APPN": 74,
    "ESME_RX_R_APPN": 74,
    "ESME_RSUBMITFAIL": 74,
    "ESME_RDELIVERYFAILURE": 74,
}

# message_status of /report/message; every state has one. 5 is a message that does not exist.
MESSAGE_STATUS: Final[Mapping[State, int]] = {state: REPORT_BY_STATE.get(state, 4) for state in State}
MESSAGE_NOT_FOUND: Final = 5
MESSAGE_STATUS_TEXT: Final[Mapping[int, str]] = {
    1: "Transaction success",
    2: "Transaction failed",
    3: "Transaction failed due to message expired",
    4: "Transaction pending for final status",
    5: "Transaction not found",
}

# mocean-error-code, as documented.
DLR_ERROR: Final[Mapping[int, str]] = {
    0: "No error",
    1: "Absent subscriber",
    2: "Handset memory capacity exceeded. Handset has run out of free memory to store new message",
    3: "Equipment protocol error",
    4: "Equipment not equipped with short-message capability",
    5: "Unknown subscriber. The IMSI is unknown in the HLR",
    6: "Illegal subscriber. The mobile station failed authentication",
    7: (
        "Teleservice not provisioned. Mobile subscription identified by the MSISDN number does include the "
        "short message service"
    ),
    8: "Illegal equipment. IMEI check failed, i.e. the IMEI is either black listed or not white listed",
    9: "Call barred. Operator barred the MSISDN number",
    10: "Facility not supported. VLR in the PLMN does not support MT short message service",
    11: (
        "Subscriber busy for MT short message. Mobile terminated short message transfer cannot be completed "
        "because: a. another MT SM transfer is going on and the delivery node does not support buffering. b. "
        "another MT SM transfer is going on and it is not possible to buffer the message for later delivery. "
        "c. the message was buffered but it is not possible to deliver the message before the expiry of the "
        "buffering time defined in GSM 03.40"
    ),
    12: "System failure. Task cannot be completed because of a problem in another entity",
    13: "Data missing. Necessary parameter is not present in the primitive",
    14: "Unexpected data value. Necessary data is badly formatted in the primitive",
    15: "Unidentified subscriber",
    16: "Absent subscriber. No paging response",
    17: "Absent subscriber. IMSI detached",
    18: "Absent subscriber. Roaming restriction",
    19: "Subscriber busy for USSD",
    47: "SMSC SS7 error",
    49: "SMS discarded. Unable to fulfill request",
    50: "SMS is rejected",
    51: "SMS malformed. SMS is not formed correctly. This error is specific to IP-based protocols like SMPP",
    52: "SMS expired",
    53: "Insufficient credit. The user has insufficient credit/not allowed to send to that destination",
    54: "Invalid destination. Receiver is not a valid number",
    55: "Unable to find outbound route for this SMS",
    56: "SMS buffered",
    57: "Timeout waiting for response from peer",
    58: "Throttling error. The user has exceeded allowed message limit",
    59: "SMS suspected spam message",
    60: "Invalid service keyword (premium SMS)",
    61: "Subscriber blacklisted",
    62: "Subscriber not white listed",
    63: "Invalid sender length",
    65: "System down for maintenance",
    66: "Invalid data coding. This error is specific to SMPP protocol",
    67: "Invalid USSD session ID passed in",
    68: "SMS flooding detected",
    69: "Invalid sender ID",
    70: "Unable to fulfill request due to invalid credentials",
    71: "Subscriber opted out from receiving SMS",
    72: "Invalid MNC/MCC passed in",
    73: "Invalid MO ID (premium SMS)",
    74: "SMS rejected. Error received from peer SMSC",
    75: "SMS rejected. Inappropriate SMS content",
    76: "Sender ID blacklisted",
    77: "Sender ID not white listed",
    78: "No pricing information found for pricing request",
    79: "Multiple charging packages found for pricing request",
    80: "Invalid message ID for message status request",
    81: "Charging failed",
    91: "Invalid schedule date",
    94: "URL blacklisted",
    95: "URL not white listed",
    96: "Message expired in system with no final status from carrier",
    100: "Source account blacklisted",
    101: "Destination account blacklisted",
    102: "Source account not white listed",
    103: "Destination account not white listed",
    121: "Invalid service",
    134: "Invalid type",
    137: "Subscriber and sender blacklisted",
    155: "Invalid receiver",
    159: "Invalid URL",
    160: "Traffic volume limit reached",
    255: "Unknown error",
}
