"""Every row of the providers' code tables comes of its real cause, or it is written down why it cannot.

A gateway with an account for each misfortune (no money, no route, listed numbers, …) is asked over HTTP; what only the
network can cause is in test_carried_codes.py. A row is either a
`Cause` that is tried here, a `Tried` that names the test which does, or a `Never` with its reason. A row without any of
them fails, and so does one that no longer is in the table.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from xml.etree import ElementTree

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.providers.checkmobi import spec as checkmobi
from gateway.providers.lanck import spec as lanck
from gateway.providers.mocean import codes
from gateway.providers.mocean import spec as mocean
from tests.gateway.providers.misfortunes import GOOD, LATER, LISTED, NOWHERE, REST, started

ROOT: Final = Path(__file__).parents[3]


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


@dataclass(frozen=True)
class Tried:
    """Tried elsewhere, by a test of this name."""

    file: str
    test: str


@dataclass(frozen=True)
class Never:
    """Why nothing here can cause it."""

    reason: str


Row = Cause | Tried | Never
Table = Mapping[int, Row]

NO_MAINTENANCE: Final = Never("a node that is maintained closes its doors, and others go on: nobody is told to wait")
NOT_UNKNOWN: Final = Never("no reason is unknown to this call: test_reasons.py holds the maps against all of them")
NOT_PACED: Final = Never("questions are not paced here; what paces messages has its row in the table of /sms")
MOCEAN_CALLS: Final = "tests/gateway/providers/mocean/test_calls.py"
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
CONVERSION: Final[Table] = {
    0: Tried(MOCEAN_CALLS, "test_conversion_is_kept_once_and_may_be_corrected"),
    1: call("/conversion", WRONG),
    24: call("/conversion", MANY),
    25: call("/conversion", {"mocean-msgid": "unknown", "mocean-delivered": "true"}),
    32: NOT_PACED,
    40: call("/conversion", {"mocean-msgid": "01J0000000000000000000000X"}, is_broken=True),
}
LOOKUP: Final[Table] = {
    0: Tried(MOCEAN_CALLS, "test_look_up_is_the_documents_example"),
    1: call("/nl", WRONG, method="GET"),
    2: Never("look-ups are charged by the provider that answers them, which has a balance of its own"),
    6: call("/nl", method="GET"),
    24: Tried(CARRIED, "test_a_look_up_that_failed_is_reported_as_an_unknown_error"),
    28: call("/nl", {"mocean-to": "123"}, method="GET"),
    32: NOT_PACED,
    34: Tried(MOCEAN_CALLS, "test_look_up_says_what_is_wrong"),
    40: NO_MAINTENANCE,
    45: call("/nl", {"mocean-to": GOOD}, method="GET"),
    65: Never("which network a number has is asked of one uplink, there is no route to miss; without one it is 70"),
    70: Tried(MOCEAN_CALLS, "test_look_up_without_an_uplink_is_a_service_not_enabled"),
}
ASKED: Final = {"mocean-to": GOOD, "mocean-brand": "Shop"}
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
    15: Tried(WHOLE_CODES, "test_guessing_is_stopped_and_then_not_even_the_right_code_counts"),
    16: Tried(WHOLE_CODES, "test_a_code_is_right_once_and_a_wrong_one_is_not"),
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
}


def lanck_sms(more: Mapping[str, Any] | None = None, **options: Any) -> Cause:
    fields = {"number": f"+{GOOD}", "from": "INFO", "text": "Hi", **(more or {})}
    return Cause(fields, call="/v1/sms", **options)


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
    21: Tried(WHOLE_CODES, "test_a_code_is_right_once_and_a_wrong_one_is_not"),
    22: Tried(WHOLE_CODES, "test_a_code_counts_until_its_time_is_over"),
    23: Tried(WHOLE_CODES, "test_guessing_is_stopped_and_then_not_even_the_right_code_counts"),
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
    10: Tried(CHECKMOBI_TESTS, "test_events_that_make_no_sense"),
    11: checkmobi_sms(account="reader"),
    12: checkmobi_sms(account="slow", times=2),
    13: checkmobi_sms({"to": f"+{LISTED}"}),
    14: checkmobi_sms(account="twice", times=2),
    15: Tried(WHOLE_CODES, "test_guessing_is_stopped_and_then_not_even_the_right_code_counts"),
    16: Tried(WHOLE_CODES, "test_a_code_counts_until_its_time_is_over"),
    17: Cause(call=f"/v1/lookup/other/{GOOD}", method="GET"),
    18: Tried(CHECKMOBI_TESTS, "test_network_without_an_uplink_is_no_route"),
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with started(tmp_path) as running:
        yield running


async def ask(gateway: Gateway, dialect: str, cause: Cause) -> tuple[int, Any]:
    """What the last of so many requests is answered."""
    fields: dict[str, Any] = {name: value for name, value in cause.fields.items() if name not in cause.without}
    headers, prefix = {}, f"/{dialect}"
    if dialect == "mocean":
        prefix = "/mocean/rest/2"
        login = {"mocean-api-key": cause.account, "mocean-api-secret": "secret", "mocean-resp-format": "json"}
        fields = {**login, **fields}
    elif dialect == "lanck":
        headers["Authorization"] = "Basic " + base64.b64encode(f"{cause.account}:password".encode()).decode()
    else:
        headers["Authorization"] = f"{cause.account}-key"
    how = "params" if cause.method == "GET" else "json" if dialect == "checkmobi" else "data"
    async with aiohttp.ClientSession(f"http://{gateway.addresses[0]}", headers=headers) as http:
        for _ in range(cause.times):
            given: dict[str, Any] = {how: fields} if fields else {}
            if "mocean-charset" in fields:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                given = {"data": urlencode(fields, encoding="latin-1"), "headers": form}
            async with http.request(cause.method, prefix + cause.call, **given) as answer:
                status, body = answer.status, await answer.read()
    return status, json.loads(body) if body[:1] == b"{" else flat(body)


def flat(body: bytes) -> dict[str, Any]:
    """XML, in which Mocean answers whoever does not say legibly that it is to be JSON."""
    elements = ElementTree.fromstring(body)  # noqa: S314 - our own answer
    return {one.tag: int(one.text) if one.tag == "status" and one.text else one.text for one in elements}


def named(rows: Mapping[str, tuple[Table, Any]]) -> list[Any]:
    return [
        pytest.param(name, code, id=f"{name} {code}")
        for name, (table, _) in rows.items()
        for code, row in table.items()
        if isinstance(row, Cause)
    ]


@pytest.mark.parametrize(("name", "code"), named(MOCEAN))
async def test_mocean_says_so(gateway: Gateway, name: str, code: int) -> None:
    table, known = MOCEAN[name]
    row = table[code]
    status, answer = await answer_to(gateway, "mocean", row)
    said = answer["messages"][0] if name == "sms" and "messages" in answer else answer
    assert (said["status"], status) == (code, known[code].http_status), answer
    if code:
        assert said["err_msg"] == mocean.SHORT_TEXT.get(code, known[code].text)
        # Refused as a whole, a message says no more; refused for its receiver, it names that one.
        assert set(said) - {"receiver"} == {"status", "err_msg"}


async def answer_to(gateway: Gateway, dialect: str, row: Row) -> tuple[int, Any]:
    assert isinstance(row, Cause)
    if row.is_broken:
        await gateway.store.close()
    return await ask(gateway, dialect, row)


@pytest.mark.parametrize("code", [code for code, row in LANCK.items() if isinstance(row, Cause)])
async def test_lanck_says_so(gateway: Gateway, code: int) -> None:
    status, answer = await answer_to(gateway, "lanck", LANCK[code])
    assert answer == {"errorCode": code, "errorReason": lanck.ERRORS[code].reason}
    assert status == lanck.ERRORS[code].http_status


@pytest.mark.parametrize("code", [code for code, row in CHECKMOBI.items() if isinstance(row, Cause)])
async def test_checkmobi_says_so(gateway: Gateway, code: int) -> None:
    status, answer = await answer_to(gateway, "checkmobi", CHECKMOBI[code])
    assert answer == {"code": code, "error": checkmobi.ERRORS[code].text}
    assert status == checkmobi.ERRORS[code].http_status


CHECKMOBI_HTTP: Final[Table] = {
    200: checkmobi_sms(),
    204: Tried(CHECKMOBI_TESTS, "test_unknown_and_cancelled_validations"),
    400: checkmobi_sms({"to": "+44"}),
    401: checkmobi_sms(account="nobody"),
    403: checkmobi_sms({"to": f"+{LISTED}"}),
    404: Cause(call="/v1/sms/01J0000000000000000000000X", method="GET"),
    500: Tried(CHECKMOBI_TESTS, "test_every_refusal_has_the_error_shape"),
    503: checkmobi_sms(is_broken=True),
}


@pytest.mark.parametrize("status", [status for status, row in CHECKMOBI_HTTP.items() if isinstance(row, Cause)])
async def test_checkmobi_answers_with_each_of_its_http_statuses(gateway: Gateway, status: int) -> None:
    said, answer = await answer_to(gateway, "checkmobi", CHECKMOBI_HTTP[status])
    assert said == status
    assert set(answer) == ({"id", "number_info"} if status == 200 else {"code", "error"})


TABLES: Final[Mapping[str, tuple[Mapping[int, Row], set[int]]]] = {
    **{name: (rows, set(known)) for name, (rows, known) in MOCEAN.items()},
    "lanck": (LANCK, set(lanck.ERRORS)),
    "checkmobi": (CHECKMOBI, set(checkmobi.ERRORS)),
    "checkmobi http": (CHECKMOBI_HTTP, set(checkmobi.HTTP_STATUSES)),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_its_cause_or_a_reason(name: str) -> None:
    rows, known = TABLES[name]
    assert set(rows) == known


def test_what_is_tried_elsewhere_is_there() -> None:
    for rows, _ in TABLES.values():
        for row in rows.values():
            if isinstance(row, Tried):
                assert f"def {row.test}(" in (ROOT / row.file).read_text(encoding="utf-8"), row
