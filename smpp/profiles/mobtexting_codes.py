"""The codes of MOBtexting's SMPP gateway: names of command_status, and the `err` of receipts.

Names and words are spelt as the provider spells them, mistakes included, since that is what comes over the wire. Its
manual gives no rules for trying again: a class stands where the meaning leaves no doubt, and None where it does not.
"""

from typing import Final

from smpp.constants import MessageState
from smpp.profiles.profile import ReceiptError
from smpp.retry import RetryClass

_LATER: Final = RetryClass.RETRY_LATER
_NEVER: Final = RetryClass.PERMANENT
_THROTTLED: Final = RetryClass.THROTTLED

_DELIVERED: Final = MessageState.DELIVERED
_EXPIRED: Final = MessageState.EXPIRED
_REJECTED: Final = MessageState.REJECTED
_UNDELIVERABLE: Final = MessageState.UNDELIVERABLE

NO_BALANCE: Final = 0x0000040B
"""No credit is left for the message."""

STATUS_NAMES: Final[dict[int, str]] = {
    0x00000000: "ESME_ROK",
    0x00000001: "ESME_RINVMSGLEN",
    0x00000002: "ESME_RINVCMDLEN",
    0x00000003: "ESME_RINVCMDID",
    0x00000004: "ESME_RINVBNDSTS",
    0x00000005: "ESME_RALYBND",
    0x00000006: "ESME_RINVPRTFLG",
    0x00000007: "ESME_RINVREGDLVFLG",
    0x00000008: "ESME_RSYSERR",
    0x0000000A: "ESME_RINVSRCADR",
    0x0000000B: "ESME_RINVDSTADR",
    0x0000000C: "ESME_RINVMSGID",
    0x0000000D: "ESME_RBINDFAIL",
    0x0000000E: "ESME_RINVPASWD",
    0x0000000F: "ESME_RINVSYSID",
    0x00000011: "ESME_RCANCELFAIL",
    0x00000013: "ESME_RREPLACEFAIL",
    0x00000014: "ESME_RMSSQFUL",
    0x00000015: "ESME_RINVSERTYP",
    0x00000033: "ESME_RINVNUMDESTS",
    0x00000034: "ESME_RINVDLNAME",
    0x00000040: "ESME_RINVDESTFLAG",
    0x00000042: "ESME_RINVSUBREP",
    0x00000043: "ESME_RINVESMCLASS",
    0x00000044: "ESME_RCNTSUBDL",
    0x00000045: "ESME_RSUBMITFAIL",
    0x00000048: "ESME_RINVSRCTON",
    0x00000049: "ESME_RINVSRCNPI",
    0x00000050: "ESME_RINVDSTTON",
    0x00000051: "ESME_RINVDSTNPI",
    0x00000053: "ESME_RINVSYSTYP",
    0x00000054: "ESME_RINVREPFLAG",
    0x00000055: "ESME_RINVNUMMSGS",
    0x00000058: "ESME_RTHROTTLED",
    0x00000061: "ESME_RINVSCHED",
    0x00000062: "ESME_RINVEXPIRY",
    0x00000063: "ESME_RINVDFTMSGID",
    0x00000064: "ESME_RX_T_APPN",
    0x00000065: "ESME_RX_P_APPN",
    0x00000066: "ESME_RX_R_APPN",
    0x00000067: "ESME_RQUERYFAIL",
    0x000000C0: "ESME_RINVTLVSTREAM",
    0x000000C1: "ESME_RTLVNOTALLWD",
    0x000000C2: "ESME_RINVTLVLEN",
    0x000000C3: "ESME_RMISSINGTLV",
    0x000000C4: "ESME_RINVTLVVAL",
    0x000000FE: "ESME_RDELIVERYFAILURE",
    0x000000FF: "ESME_RUNKNOWNERR",
    0x00000100: "ESME_RSERTYPUNAUTH",
    0x00000101: "ESME_RPROHIBITED",
    0x00000102: "ESME_RSERTYPUNAVAIL",
    0x00000103: "ESME_RSERTYPDENIED",
    0x00000104: "ESME_RINVDCS",
    0x00000105: "ESME_RINVSRCADDRSUBUNIT",
    0x00000106: "ESME_RINVSTDADDRSUBUNIR",
    NO_BALANCE: "ESME_RINVBALANCE",
}

RECEIPT_ERRORS: Final[dict[str, ReceiptError]] = {
    "000": ReceiptError("DELIVRD", "on the SIM", _DELIVERED, None),
    "001": ReceiptError("INVALID-SUB", "the subscriber is not known", _UNDELIVERABLE, _NEVER),
    "002": ReceiptError("INVALID-SUB", "the subscriber may not be served", _UNDELIVERABLE, _NEVER),
    "003": ReceiptError("ABSENT-SUB", "the subscriber is not known, or away", _UNDELIVERABLE, _NEVER),
    "004": ReceiptError("HANDSET-ERR", "the handset may not be used", _UNDELIVERABLE, _NEVER),
    "005": ReceiptError("BARRED", "messages are barred for the subscriber", _UNDELIVERABLE, _NEVER),
    "006": ReceiptError("HANDSET-ERR", "the handset takes no messages", _UNDELIVERABLE, _NEVER),
    "007": ReceiptError("HANDSET-ERR", "the handset reports an error", _UNDELIVERABLE, _NEVER),
    "008": ReceiptError("NET-ERR", "the network lacks the facility", _UNDELIVERABLE, None),
    "009": ReceiptError("MEMEXEC", "the memory of the handset is full", _UNDELIVERABLE, _LATER),
    "010": ReceiptError("ABSENT-SUB", "the subscriber cannot be reached", _UNDELIVERABLE, _LATER),
    "011": ReceiptError("FAILED", "a failure of the SMSC", _UNDELIVERABLE, None),
    "012": ReceiptError("NET-ERR", "an error of the gateway switch", _UNDELIVERABLE, None),
    "013": ReceiptError("MOB-OFF", "the handset is switched off", _UNDELIVERABLE, _LATER),
    "014": ReceiptError("FAILED", "roaming keeps the message from being delivered", _UNDELIVERABLE, _NEVER),
    "015": ReceiptError("INVALID-SUB", "the subscriber is not known", _UNDELIVERABLE, _NEVER),
    "016": ReceiptError("HANDSET-BUSY", "the subscriber is busy", _UNDELIVERABLE, _LATER),
    "017": ReceiptError("NET-ERR", "the gateway switch is out of resources", _UNDELIVERABLE, None),
    "018": ReceiptError("SERIES-BLK", "the series of numbers is blocked", _UNDELIVERABLE, None),
    "019": ReceiptError("NET-ERR", "the network refused the submission or its data", _UNDELIVERABLE, None),
    "020": ReceiptError("BARRED", "refused by a closed user group", _UNDELIVERABLE, _NEVER),
    "021": ReceiptError("EXPIRED", "not delivered in time", _EXPIRED, _LATER),
    "034": ReceiptError("UNDELIV", "no reason is given", _UNDELIVERABLE, None),
    "045": ReceiptError("FAILED", "no reason is given", _UNDELIVERABLE, None),
    "099": ReceiptError("UNDELIV", "no reason is given", _UNDELIVERABLE, None),
    "400": ReceiptError("SERIES-BLOCK", "the series of numbers is blocked, for a time or for good", _REJECTED, None),
    "401": ReceiptError("NO-CREDITS", "the account has no credit left", _REJECTED, _NEVER),
    "402": ReceiptError("NO-ACCOUNT", "there is no such account", _REJECTED, _NEVER),
    "403": ReceiptError("SERVER-ERR", "no reason is given", _REJECTED, None),
    "404": ReceiptError("INV-NUMBER", "the recipient is no number", _REJECTED, _NEVER),
    "405": ReceiptError("SERVER-ERR", "a fault of the provider towards the operator", _REJECTED, None),
    "406": ReceiptError("SERVER-ERR", "a fault of the provider towards the operator", _REJECTED, None),
    "407": ReceiptError("SPAM", "the content is not allowed", _REJECTED, _NEVER),
    "408": ReceiptError("DNDNUMB", "the recipient is registered as do-not-disturb", _REJECTED, _NEVER),
    "430": ReceiptError("SERVER-ERR", "no reason is given", _REJECTED, None),
    "431": ReceiptError("SERVER-ERR", "no reason is given", _REJECTED, None),
    "432": ReceiptError("SERVER-ERR", "no reason is given", _REJECTED, None),
    "433": ReceiptError("SERVER-ERR", "no reason is given", _REJECTED, None),
    "450": ReceiptError("BLACKLST", "the recipient is on a block list", _REJECTED, _NEVER),
    "451": ReceiptError("SNDR-BLOCK", "the sender is blocked", _REJECTED, _NEVER),
    "452": ReceiptError("TEMPLATE-NOT-FOUND", "no template matches the text", _REJECTED, _NEVER),
    "453": ReceiptError("INV-TEMPLATE", "the template belongs to somebody else", _REJECTED, _NEVER),
    "454": ReceiptError("INV-SENDER", "the sender belongs to somebody else", _REJECTED, _NEVER),
    "455": ReceiptError("NOT-OPTIN", "the recipient has not opted in", _REJECTED, _NEVER),
    "456": ReceiptError("OPTOUT-REJ", "the recipient has opted out", _REJECTED, _NEVER),
    "457": ReceiptError("PROMO-TMOUT", "too late in the day for promotion", _REJECTED, _LATER),
    "458": ReceiptError("REJECTED", "no reason is given", _REJECTED, None),
    "459": ReceiptError("NOTALLOWED", "the country is not open to the account", _REJECTED, _NEVER),
    "460": ReceiptError("DUPLICATE", "the same text was sent before", _REJECTED, _NEVER),
    "461": ReceiptError("UNDELIV", "no reason is given", _UNDELIVERABLE, None),
    "462": ReceiptError("FAILED", "no reason is given", _UNDELIVERABLE, None),
    "463": ReceiptError("THROTTLED", "the limit of the account is reached", _REJECTED, _THROTTLED),
    "777": ReceiptError("DLT-REJECTED", "DLT: the sender or the template is refused", _REJECTED, _NEVER),
    "778": ReceiptError("REJ-MULTIPART", "not all parts reached the handset", _UNDELIVERABLE, None),
    "780": ReceiptError("DLT-INV-TMID", "DLT: the telemarketer id is refused", _REJECTED, _NEVER),
    "781": ReceiptError("DLT-INV-ENTITY", "DLT: the entity id is refused", _REJECTED, _NEVER),
    "782": ReceiptError("DLT-INV-TM-ID", "DLT: the template id is refused", _REJECTED, _NEVER),
    "783": ReceiptError(
        "DLT-TM-VAR-EXECEED", "DLT: a variable of the template has more than 30 characters", _REJECTED, _NEVER
    ),
    "784": ReceiptError("DLT-ENTITY-NOT-FOUND", "DLT: there is no such entity", _REJECTED, _NEVER),
    "785": ReceiptError("DLT-TM-BLACKLST", "DLT: the template is on a block list", _REJECTED, _NEVER),
    "786": ReceiptError("DLT-ENTITY-BLACKLST", "DLT: the entity is on a block list", _REJECTED, _NEVER),
    "787": ReceiptError("DLT-HEADER-INACTIVE", "DLT: the sender is not active", _REJECTED, _NEVER),
    "788": ReceiptError("DLT-TM-INACTIVE", "DLT: the template is not active", _REJECTED, _NEVER),
    "789": ReceiptError(
        "DLT-SENDER-NOT-REG-TM", "DLT: the sender is not registered for the template", _REJECTED, _NEVER
    ),
    "790": ReceiptError("INV-PROVISION", "the sender is not provisioned", _REJECTED, _NEVER),
    "791": ReceiptError("INV-SERVICE", "there is no such service", _REJECTED, _NEVER),
    "792": ReceiptError("INV-SCHEDULE", "the time of delivery is refused", _REJECTED, _NEVER),
}
