"""MOBtexting's words: products, statuses, events, and what their delivery reports mean."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.models import State

NAME: Final = "mobtexting"
PREFIX: Final = "/mobtexting"
VERSION: Final = "/api/v2"
"""Begins every path but those of the token calls, which are of version 3."""
JWT_VERSION: Final = "/api/v3"

GETS_PER_MINUTE: Final = 1_000
LOGS_PER_MINUTE: Final = 30
"""Of messages from handsets."""
MAX_TEXT: Final = 4_096
MAX_UNITS: Final = ("2", "3")
"""What a message may be limited to."""

PRODUCTS: Final[Mapping[str, str]] = {
    "T": "Transactional SMS",
    "P": "Promotional SMS",
    "S": "TransScrub SMS",
    "G": "Global SMS",
    "VOC": "Voice Flow",
    "WAP": "Whatsapp Messaging",
    "RCS": "RCS Messaging",
    "VBR": "Viber Messaging",
}
"""Samples use others too (ENT, MKT, A2P): deployments differ."""

TYPE_NORMAL: Final = "N"
TYPE_UNICODE: Final = "U"
TYPE_AUTO: Final = "A"

ENTITY_ID_TAG: Final = 0x1400
TEMPLATE_ID_TAG: Final = 0x1401
TM_ID_TAG: Final = 0x1402
"""The document's decimal of this one is misprinted."""


class DlrStatus(NamedTuple):
    """One row of the delivery statuses."""

    word: str
    """Longer than the seven characters of the standard receipt, some of them."""
    text: str


DLR_STATUSES: Final[Mapping[str, DlrStatus]] = {
    "000": DlrStatus("DELIVRD", "Delivered to SIM"),
    "001": DlrStatus("INVALID-SUB", "Unidentified subscriber"),
    "002": DlrStatus("INVALID-SUB", "Illegal subscriber"),
    "003": DlrStatus("ABSENT-SUB", "Unidentified subscriber"),
    "004": DlrStatus("HANDSET-ERR", "Illegal equipment"),
    "005": DlrStatus("BARRED", "SMS is prohibited"),
    "006": DlrStatus("HANDSET-ERR", "MS does not support SMS"),
    "007": DlrStatus("HANDSET-ERR", "MS is receiving an error"),
    "008": DlrStatus("NET-ERR", "Facility not supported"),
    "009": DlrStatus("MEMEXEC", "Handset memory is full"),
    "010": DlrStatus("ABSENT-SUB", "Absent subscriber"),
    "011": DlrStatus("FAILED", "SMSC system failure"),
    "012": DlrStatus("NET-ERR", "Gateway mobile switching error"),
    "013": DlrStatus("MOB-OFF", "Mobile handset switched off"),
    "014": DlrStatus("FAILED", "SMS is undelivered due to roaming limitations"),
    "015": DlrStatus("INVALID-SUB", "Unidentified subscriber"),
    "016": DlrStatus("HANDSET-BUSY", "Subscriber is busy"),
    "017": DlrStatus("NET-ERR", "Resources cannot be used at the GMSC level"),
    "018": DlrStatus("SERIES-BLK", "Series blocked"),
    "019": DlrStatus("NET-ERR", "Submission error or invalid input data"),
    "020": DlrStatus("BARRED", "CUG reject"),
    "021": DlrStatus("EXPIRED", "SMS timeout"),
    "034": DlrStatus("UNDELIV", "Unknown Error"),
    "045": DlrStatus("FAILED", "Unknown Error"),
    "099": DlrStatus("UNDELIV", "Unknown Error"),
    "400": DlrStatus("SERIES-BLOCK", "Series has been temporarily or permanently blocked"),
    "401": DlrStatus("NO-CREDITS", "Credit exhausted"),
    "402": DlrStatus("NO-ACCOUNT", "Invalid account"),
    "403": DlrStatus("SERVER-ERR", "Unknown Error"),
    "404": DlrStatus("INV-NUMBER", "Invalid destination number"),
    "405": DlrStatus("SERVER-ERR", "ESME client error"),
    "406": DlrStatus("SERVER-ERR", "ESME client error"),
    "407": DlrStatus("SPAM", "Sent illegal content"),
    "408": DlrStatus("DNDNUMB", "Number registered in the DND database"),
    "430": DlrStatus("SERVER-ERR", "Unknown Error"),
    "431": DlrStatus("SERVER-ERR", "Unknown Error"),
    "432": DlrStatus("SERVER-ERR", "Unknown Error"),
    "433": DlrStatus("SERVER-ERR", "Unknown Error"),
    "450": DlrStatus("BLACKLST", "Number blocklisted to receive messages"),
    "451": DlrStatus("SNDR-BLOCK", "Sender ID has been blocked"),
    "452": DlrStatus("TEMPLATE-NOT-FOUND", "No matching templates"),
    "453": DlrStatus("INV-TEMPLATE", "Message rejected as template not allotted for ESME"),
    "454": DlrStatus("INV-SENDER", "Message rejected as sender ID not allotted for ESME"),
    "455": DlrStatus("NOT-OPTIN", "Message rejected as number not in optin list"),
    "456": DlrStatus("OPTOUT-REJ", "Rejected as a number optout to receive messages"),
    "457": DlrStatus("PROMO-TMOUT", "Promotional time exceeded"),
    "458": DlrStatus("REJECTED", "Unknown Error"),
    "459": DlrStatus("NOTALLOWED", "Country is not allowed to send SMS"),
    "460": DlrStatus("DUPLICATE", "Same content was sent"),
    "461": DlrStatus("UNDELIV", "Unknown Error"),
    "462": DlrStatus("FAILED", "Unknown Error"),
    "463": DlrStatus("THROTTLED", "Maximum Sent Limit is Reached"),
    "778": DlrStatus("REJ-MULTIPART", "All message parts are not delivered to the handset"),
    "777": DlrStatus("DLT-REJECTED", "Invalid sender ID or invalid template"),
    "780": DlrStatus("DLT-INV-TMID", "Invalid DLT Telemarketer ID"),
    "781": DlrStatus("DLT-INV-ENTITY", "Invalid Entity DLT ID"),
    "782": DlrStatus("DLT-INV-TM-ID", "Invalid DLT Template ID"),
    "783": DlrStatus("DLT-TM-VAR-EXECEED", "Template variable exceeded 30 characters"),
    "784": DlrStatus("DLT-ENTITY-NOT-FOUND", "Entity ID not found"),
    "785": DlrStatus("DLT-TM-BLACKLST", "Template ID is blacklisted"),
    "786": DlrStatus("DLT-ENTITY-BLACKLST", "Entity ID is blacklisted"),
    "787": DlrStatus("DLT-HEADER-INACTIVE", "Sender Inactive"),
    "788": DlrStatus("DLT-TM-INACTIVE", "Template is inactive"),
    "789": DlrStatus("DLT-SENDER-NOT-REG-TM", "Sender is not registered for the template"),
    "790": DlrStatus("INV-PROVISION", "Sender Invalid Provision"),
    "791": DlrStatus("INV-SERVICE", "Invalid Service Type"),
    "792": DlrStatus("INV-SCHEDULE", "Invalid Schedule"),
}
"""By the three digits of a receipt's error."""

WAITING_WORDS: Final = frozenset(
    {"AWAITING-DLR", "SCHEDULED", "ENROUTE", "EN_ROUTE", "SUBMITTED", "ACCEPTD", "QUEUED", "PENDING"}
)
"""Not final: of pulled statuses; reports are pushed at the end alone."""
REJECTED_WORDS: Final = frozenset(
    {
        "REJECTED", "REJECTD", "INV-NUMBER", "INV-SENDER", "INV-TEMPLATE", "TEMPLATE-NOT-FOUND", "INV-SERVICE",
        "INV-SCHEDULE", "INV-PROVISION", "NO-CREDITS", "NO-ACCOUNT", "SPAM", "DNDNUMB", "BLACKLST", "SNDR-BLOCK",
        "NOT-OPTIN", "OPTOUT-REJ", "PROMO-TMOUT", "NOTALLOWED", "DUPLICATE", "THROTTLED", "SERIES-BLOCK",
    }
)  # fmt: skip
"""Words of the table that say that it was never handed to the network; so does all that begins with DLT-."""
DLT_PREFIX: Final = "DLT-"
STATES: Final[Mapping[str, State]] = {
    "DELIVRD": State.DELIVERED,
    "DELIVERED": State.DELIVERED,
    "EXPIRED": State.EXPIRED,
    "TIMEOUT-DLR": State.EXPIRED,
    "DELETED": State.DELETED,
    "UNKNOWN": State.UNKNOWN,
}
"""The other words in ours; a word of the tables that is neither here nor above is undeliverable."""

PULL_STATUSES: Final[Mapping[str, str]] = {
    "SCHEDULED": "The message is scheduled",
    "ENROUTE or EN_ROUTE": "The message is in enroute state",
    "DELIVERED": "Message is delivered to the destination",
    "EXPIRED": "Message validity period has expired",
    "DELETED": "Message has been deleted",
    "UNDELIVERABLE": "Message is undeliverable",
}
"""As the pull call's own page has them; its samples have the words of the table above."""

HTTP_STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "200": ("OK", "Everything went as planned."),
    "202": ("Accepted", "Request accepted."),
    "400": ("Bad Request", "Something in your header or request body was malformed."),
    "401": ("Unauthorized", "Necessary credentials were either missing or invalid."),
    "403": ("Forbidden", "Your credentials are valid, but you don’t have access to the requested resource."),
    "404": ("Not Found", "The resources cannot be found."),
    "409": ("Conflict", "You might be trying to update the same resource concurrently."),
    "422": ("Unprocessable Content", "Validation error"),
    "429": ("Too Many Requests", "You are calling our APIs more frequently than we allow."),
    "5xx": ("Server issue", "Something went wrong on our end. Please try again."),
}

EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "sms:message:status": ("SMS", "Acknowledgement of message delivery or undelivery."),
    "sms:unsubscription": ("SMS", "Acknowledgement of opting out from any number."),
    "whatsapp:message:in": ("Whatsapp", "For receiving updates when the user sends a message to WhatsApp number"),
    "whatsapp:message:status": ("Whatsapp", "For receiving DLR status from the WhatsApp number to the user"),
    "whatsapp:unsubscription": ("Whatsapp", "Acknowledgement of opting out from any number."),
    "rcs:message:in": ("RCS", "For receiving RCS message event"),
    "rcs:message:status": ("RCS", "For receiving RCS delivery updates"),
    "rcs:unsubscription": ("RCS", "Acknowledgement of opting out from any number."),
    "voice:message:out": ("Voice", "To receive acknowledgements after CDR events."),
    "voice:unsubscription": ("Voice", "Acknowledgement of opting out from any number."),
    "viber:message:status": ("Viber", "To receive Viber delivery updates."),
    "viber:message:in": ("Viber", "To receive notifications when a user sends a message to the Viber number."),
    "viber:unsubscription": ("Viber", "Acknowledgement of opting out of any number."),
    "vmn:message:in": ("Interact", "Once we receive the acknowledgment, we will send the same to the webhook."),
    "contacts:subscriber:subscription": ("Contact", "For receiving contact creation and updating the event payload."),
}
"""What webhooks subscribe to: product and meaning."""

COMPOSED_EVENTS: Final = frozenset(
    {
        "sms:message:status",
        "whatsapp:message:status",
        "rcs:message:status",
        "voice:message:out",
        "viber:message:status",
    }
)
"""What a webhook that an app composes itself can hear of."""

CALL_STATUSES: Final[Mapping[str, str]] = {
    "ANSWER": "The call is answered",
    "BUSY": "Busy signal",
    "NOANSWER": "The dial command reached its number; the number rang for too long, then the dial timed out",
    "CANCEL": "The call is cancelled",
    "CONGESTION": "This status is usually a sign that the dialled number is not recognised",
    "CHANUNAVAIL": "Channel unavailable",
    "RECEIVED": "A call was received in the IVR system, but no call forward happened",
    "MISSED": "A call was received in the IVR system, but no call forward happened",
    "COMPLETED": "The second leg is answered",
}

VERIFY_CHECK: Final[Mapping[str, tuple[int, str]]] = {
    "Unauthenticated": (401, "Authentication Error"),
    "failed": (200, "When you passed an invalid id value"),
    "expired": (200, "token expired"),
    "invalid": (200, "When you passed the wrong token for verification"),
    "OTP already verified": (200, "When you have already verified the OTP."),
}
"""The status of a checked code that is not `success`: HTTP status and meaning."""
