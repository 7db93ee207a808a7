"""The rows of the providers' code tables, and what each comes of; test_code_tables.py tries them.

A row is a `Cause` that is tried over HTTP, a `Tried` that names the test which does, a `Carried` that only the provider
says, or a `Never` with its reason.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.providers.checkmobi import spec as checkmobi
from gateway.providers.lanck import spec as lanck
from gateway.providers.mocean import codes
from gateway.providers.mocean import spec as mocean
from tests.gateway.providers.misfortunes import GOOD, LATER, LISTED, NOWHERE, REST


@dataclass(frozen=True)
class Cause:
    """What is asked, and by whom; what went before it does not matter to the answer but may be its cause."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    account: str = "fine"
    call: str = ""
    method: str = "POST"
    without: tuple[str, ...] = ()
    times: int = 1
    """It is the last of so many that is answered so."""
    http_status: int = 0
    """Where it is not the table's."""
    as_json: object = None
    """A body of its own."""
    is_broken: bool = False
    """Whether the store is gone by then."""
    before: "Cause | None" = None
    """What is asked first; the id in its answer stands in this one's call and fields as `{id}`."""
    by: str = ""
    """The provider that has to be behind it; empty: nobody is."""


@dataclass(frozen=True)
class Tried:
    """Tried elsewhere, by a test of this name."""

    file: str
    test: str


@dataclass(frozen=True)
class Carried:
    """Said by the provider to a call that is passed on: in test_each_code_of_a_provider_is_handed_on."""


@dataclass(frozen=True)
class Never:
    """Why nothing here can cause it."""

    reason: str


Row = Cause | Tried | Carried | Never
Table = Mapping[int, Row]

NO_MAINTENANCE: Final = Never("a node that is maintained closes its doors, and others go on: nobody is told to wait")
NOT_UNKNOWN: Final = Never("no reason is unknown to this call: test_reasons.py holds the maps against all of them")
NOT_PACED: Final = Never("questions are not paced here; what paces messages has its row in the table of /sms")
CARRIED: Final = "tests/gateway/providers/test_carried_codes.py"
WHOLE_CODES: Final = "tests/gateway/services/test_codes_through_dialects.py"
SMS: Final = {"mocean-from": "INFO", "mocean-to": GOOD, "mocean-text": "Hi"}
WRONG: Final = {"mocean-api-secret": "wrong"}
MANY: Final = {f"mocean-x{number}": "1" for number in range(2_000)}


def sms(more: Mapping[str, Any] | None = None, **options: Any) -> Cause:
    return Cause({**SMS, **(more or {})}, call="/sms", **options)


MOCEAN_SMS: Final[Table] = {
    0: sms(http_status=202),
    1: sms(WRONG),
    2: sms(account="poor"),
    4: sms(account="picky"),
    5: sms({"mocean-to": LISTED}),
    6: sms(without=("mocean-to",)),
    8: sms(without=("mocean-from",)),
    9: sms({"mocean-udh": "05"}),
    10: sms({"mocean-mclass": "9"}),
    17: sms({"mocean-validity": "soon"}),
    19: sms({"mocean-coding": "2", "mocean-text": "no hex"}),
    20: sms({"mocean-dlr-mask": "1"}),
    23: sms(without=("mocean-text",)),
    24: NOT_UNKNOWN,
    26: sms({"mocean-schedule": "2030-03-02 8:55:00"}),
    27: sms({"mocean-to": ",".join(str(447400000000 + number) for number in range(501))}),
    28: sms({"mocean-to": "nobody"}),
    29: sms({"mocean-text": "x" * 40_000}),
    32: sms(account="slow", times=2),
    34: Cause(SMS, call="/smss"),
    37: sms({"mocean-from": "A" * 12}),
    40: NO_MAINTENANCE,
    43: sms(account="twice", times=2),
    44: sms({"mocean-from": "ж"}),
    45: sms(is_broken=True),
    48: sms({"mocean-from": "MyBank"}),
    49: sms({"mocean-from": "OTHER"}, account="named"),
    50: Never("nobody judges contents here: an operator does, and its receipt says so (75)"),
    65: sms({"mocean-to": NOWHERE}),
    69: sms({"mocean-charset": "ISO-8859-1", "mocean-text": "\N{MULTIPLICATION SIGN}"}),
    70: sms({"mocean-to": REST, "mocean-coding": "2", "mocean-text": "00ff", "mocean-udh": "0605040b840000"}),
    73: Never("the first list that a message is on is named: 48 of the sender, 5 of the receiver"),
}


def call(path: str, more: Mapping[str, Any] | None = None, **options: Any) -> Cause:
    return Cause(more or {}, call=path, **options)


BALANCE: Final[Table] = {
    0: call("/account/balance", method="GET"),
    1: call("/account/balance", WRONG, method="GET"),
    24: call("/account/balance", MANY),
    40: NO_MAINTENANCE,
    45: call("/account/balance", method="GET", account="poor", is_broken=True),
}
REPORT: Final[Table] = {
    0: call("/report/message", {"mocean-msgid": "01J0000000000000000000000X"}, method="GET"),
    1: call("/report/message", WRONG, method="GET"),
    24: NOT_UNKNOWN,
    25: call("/report/message", {"mocean-msgid": "no id"}, method="GET"),
    32: NOT_PACED,
    34: call("/report/message", {"mocean-resp-format": "yaml"}, method="GET"),
    40: NO_MAINTENANCE,
    45: call("/report/message", {"mocean-msgid": "01J0000000000000000000000X"}, method="GET", is_broken=True),
}
PRICING: Final[Table] = {
    0: call("/account/pricing", method="GET"),
    1: call("/account/pricing", WRONG, method="GET"),
    3: call("/account/pricing", {"mocean-type": "voice"}, method="GET"),
    24: call("/account/pricing", MANY),
    32: NOT_PACED,
    40: NO_MAINTENANCE,
    45: Never("prices are settings: they are there whatever becomes of the store"),
    46: call("/account/pricing", {"mocean-mcc": "x", "mocean-mnc": "1"}, method="GET"),
    51: call("/account/pricing", {"mocean-delimiter": "!"}, method="GET"),
    52: Never("an account has one price for a number, never packages to choose from"),
    72: call("/account/pricing", {"mocean-type": "fax"}, method="GET"),
}
CONVERTED: Final = {"mocean-msgid": "{id}", "mocean-delivered": "true"}
CONVERSION: Final[Table] = {
    0: call("/conversion", CONVERTED, before=sms()),
    1: call("/conversion", WRONG),
    24: call("/conversion", MANY),
    25: call("/conversion", {"mocean-msgid": "unknown", "mocean-delivered": "true"}),
    32: NOT_PACED,
    40: call("/conversion", {"mocean-msgid": "01J0000000000000000000000X"}, is_broken=True),
}
LOOKUP: Final[Table] = {
    0: call("/nl", {"mocean-to": GOOD}, by="mocean"),
    1: call("/nl", WRONG, method="GET"),
    2: Never("look-ups are charged by the provider that answers them, which has a balance of its own"),
    6: call("/nl", method="GET"),
    24: Tried(CARRIED, "test_a_look_up_that_failed_is_reported_as_an_unknown_error"),
    28: call("/nl", {"mocean-to": "123"}, method="GET"),
    32: NOT_PACED,
    34: call("/nl", {"mocean-to": GOOD, "mocean-nl-url": "nowhere"}),
    40: NO_MAINTENANCE,
    45: call("/nl", {"mocean-to": GOOD}, method="GET"),
    65: Never("which network a number has is asked of one uplink, there is no route to miss; without one it is 70"),
    70: call("/nl", {"mocean-to": GOOD}, account="named"),
}
SPOKEN: Final = {"from": {"type": "phone_num", "id": "INFO"}, "content": {"type": "text", "text": "Hi"}}


def command(to: str, **options: Any) -> Cause:
    """A message by /send-message."""
    one = {"action": "send-sms", "to": {"type": "phone_num", "id": to}, **SPOKEN}
    return call("/send-message", {"mocean-command": json.dumps([one])}, **options)


VOICE: Final[Table] = {
    0: command(GOOD),
    1: call("/voice/dial", WRONG),
    2: command(GOOD, account="poor"),
    3: command("447500123456", account="unpriced"),
    4: command(GOOD, account="picky"),
    5: command(LISTED),
    6: command("nobody"),
    7: Carried(),
    8: Carried(),
    9: call("/voice/hangup", {"mocean-call-uuid": "c"}),
    10: command(GOOD, is_broken=True),
    11: command(NOWHERE),
    12: call("/send-message"),
    13: call("/send-message", {"mocean-command": "[{]"}),
    14: Carried(),
    15: Carried(),
}
WHATSAPP: Final[Table] = {
    0: call("/send-message/whatsapp", {"mocean-to": GOOD}, by="mocean", http_status=200),
    1: call("/send-message/whatsapp", WRONG),
    2: Carried(),
    6: Carried(),
    34: call("/send-message/whatsapp", {"mocean-resp-format": "yaml"}),
    44: Carried(),
    72: Carried(),
    78: call("/send-message/whatsapp"),
    92: Carried(),
    93: Carried(),
    94: Carried(),
}
MEDIA: Final[Table] = {
    200: Carried(),
    400: call("/media/whatsapp", MANY, method="GET"),
    401: call("/media/whatsapp", WRONG, method="GET"),
    403: call("/media/whatsapp", method="GET"),
    404: Carried(),
    406: Carried(),
    429: Carried(),
    500: Carried(),
}
ASKED: Final = {"mocean-to": GOOD, "mocean-brand": "Shop"}
GUESS: Final = {"mocean-reqid": "{id}", "mocean-code": "no code is like this"}
VERIFY: Final[Table] = {
    0: call("/verify/req/sms", {**ASKED, "mocean-to": LATER}),
    1: call("/verify/req/sms", ASKED, times=3, account="named"),
    2: call("/verify/req/sms", {**ASKED, **WRONG}),
    3: call("/verify/req/sms", ASKED, is_broken=True),
    4: call("/verify/req/sms", {"mocean-to": GOOD}),
    5: call("/verify/req/sms", {"mocean-brand": "Shop"}),
    6: call("/verify/req/sms", {**ASKED, "mocean-to": "none"}),
    7: call("/verify/check"),
    8: call("/verify/check", {"mocean-reqid": "unknown"}),
    9: call("/verify/req/sms", {**ASKED, "mocean-brand": "x" * 31}),
    10: call("/verify/req/sms", {**ASKED, "mocean-from": "x" * 20}),
    11: call("/verify/req/sms", {**ASKED, "mocean-code-length": "5"}),
    13: call("/verify/req/sms", {**ASKED, "mocean-pin-validity": "59"}),
    14: call("/verify/req", {**ASKED, "mocean-next-event-wait": "901"}),
    15: call("/verify/check", GUESS, before=call("/verify/req/sms", ASKED), times=4),
    16: call("/verify/check", GUESS, before=call("/verify/req/sms", ASKED)),
    17: call("/verify/check", {"mocean-reqid": "unknown", "mocean-code": "1234"}),
    18: call("/verify/req/sms", ASKED, account="poor"),
    19: call("/verify/req", {**ASKED, "mocean-to": "447400222222"}, times=2),
    20: call("/verify/req/sms", {**ASKED, "mocean-to": "12025550123"}),
    21: call("/verify/req/sms", {**ASKED, "mocean-to": "447400333333", "mocean-template": "no place for it"}),
    22: call("/verify/check", method="PUT"),
    23: call("/verify/req/telegram", {**ASKED, "mocean-from": "bot"}),
    26: call("/verify/req/telegram", ASKED),
}

MOCEAN: Final[Mapping[str, tuple[Table, Mapping[int, mocean.Code]]]] = {
    "sms": (MOCEAN_SMS, mocean.SMS_STATUS),
    "balance": (BALANCE, codes.BALANCE_STATUS),
    "report": (REPORT, mocean.REPORT_STATUS),
    "pricing": (PRICING, codes.PRICING_STATUS),
    "conversion": (CONVERSION, codes.CONVERSION_STATUS),
    "lookup": (LOOKUP, codes.LOOKUP_STATUS),
    "verify": (VERIFY, codes.VERIFY_STATUS),
    "voice": (VOICE, codes.VOICE_STATUS),
    "whatsapp": (WHATSAPP, codes.WHATSAPP_STATUS),
    "media": (MEDIA, codes.MEDIA_STATUS),
}


def lanck_sms(more: Mapping[str, Any] | None = None, **options: Any) -> Cause:
    fields = {"number": f"+{GOOD}", "from": "INFO", "text": "Hi", **(more or {})}
    return Cause(fields, call="/v1/sms", **options)


LANCK_ASKED: Final = Cause({"number": f"+{GOOD}", "method": "sms"}, call="/v1/verify")


def lanck_guess(times: int = 1) -> Cause:
    """A code that cannot be right."""
    return Cause({"requestId": "{id}", "code": "none"}, call="/v1/verify/check", before=LANCK_ASKED, times=times)


LANCK: Final[Table] = {
    1: lanck_sms(account="nobody"),
    2: Never("an account that is gone has no credentials either (1); it is told so if it goes within a request"),
    4: lanck_sms(account="paced", times=32),
    5: Never("a token is an account's pair: when it is taken away nobody knows it any more (1)"),
    6: lanck_sms(account="poor"),
    7: lanck_sms(account="reader"),
    8: lanck_sms({"number": "+447500123456"}, account="unpriced"),
    9: lanck_sms({"number": f"+{LISTED}"}),
    10: lanck_sms(without=("text",)),
    11: lanck_sms({"number": "nobody"}),
    16: lanck_sms({"from": "OTHER"}, account="named"),
    20: Cause(call="/v1/requests/01J0000000000000000000000X", method="GET"),
    21: lanck_guess(),
    22: Tried(WHOLE_CODES, "test_a_code_counts_until_its_time_is_over"),
    23: lanck_guess(5),
    25: Cause(call="/v1/sms", method="DELETE"),
    99: lanck_sms(is_broken=True),
}


def checkmobi_sms(more: Mapping[str, Any] | None = None, **options: Any) -> Cause:
    return Cause({"to": f"+{GOOD}", "from": "INFO", "text": "Hi", **(more or {})}, call="/v1/sms/send", **options)


CHECKMOBI_TESTS: Final = "tests/gateway/providers/checkmobi/test_dialect.py"
CHECKMOBI: Final[Table] = {
    1: checkmobi_sms(account="nobody"),
    2: checkmobi_sms({"to": "+44"}),
    3: Cause({"id": "unknown", "pin": "1234"}, call="/v1/validation/verify"),
    4: Cause({"number": f"+{GOOD}", "type": "post"}, call="/v1/validation/request"),
    5: checkmobi_sms(account="poor"),
    6: Never("subscriptions that count missed calls are the provider's; our accounts have a balance (5)"),
    7: checkmobi_sms(without=("text",)),
    8: Cause({"number": f"+{GOOD}", "type": "ivr"}, call="/v1/validation/request"),
    9: checkmobi_sms({"notification_callback": "nowhere"}),
    10: Cause({"to": f"+{GOOD}", "events": [{"action": "sing"}]}, call="/v1/call"),
    11: checkmobi_sms(account="reader"),
    12: checkmobi_sms(account="slow", times=2),
    13: checkmobi_sms({"to": f"+{LISTED}"}),
    14: checkmobi_sms(account="twice", times=2),
    15: Cause(
        {"id": "{id}", "pin": "none"},
        call="/v1/validation/verify",
        before=Cause({"number": f"+{GOOD}", "type": "sms"}, call="/v1/validation/request"),
        times=3,
    ),
    16: Tried(WHOLE_CODES, "test_a_code_counts_until_its_time_is_over"),
    17: Cause(call=f"/v1/lookup/other/{GOOD}", method="GET"),
    18: Cause(call=f"/v1/lookup/hlr/{GOOD}", method="GET", account="named"),
}


CHECKMOBI_HTTP: Final[Table] = {
    200: checkmobi_sms(),
    204: Cause(
        call="/v1/call/{id}",
        method="DELETE",
        before=Cause({"number": f"+{GOOD}", "type": "sms"}, call="/v1/validation/request"),
    ),
    400: checkmobi_sms({"to": "+44"}),
    401: checkmobi_sms(account="nobody"),
    403: checkmobi_sms({"to": f"+{LISTED}"}),
    404: Cause(call="/v1/sms/01J0000000000000000000000X", method="GET"),
    500: Tried(CHECKMOBI_TESTS, "test_every_refusal_has_the_error_shape"),
    503: checkmobi_sms(is_broken=True),
}

TABLES: Final[Mapping[str, tuple[Mapping[int, Row], set[int]]]] = {
    **{name: (rows, set(known)) for name, (rows, known) in MOCEAN.items()},
    "lanck": (LANCK, set(lanck.ERRORS)),
    "checkmobi": (CHECKMOBI, set(checkmobi.ERRORS)),
    "checkmobi http": (CHECKMOBI_HTTP, set(checkmobi.HTTP_STATUSES)),
}
