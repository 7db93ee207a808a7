"""Every call of three providers' documents works, asked as an app would: doors, services, the provider behind them.

What is missing here would be told to apps as "not enabled" or the like, and look like a setting: so nothing may be.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import pytest

from gateway.providers.catalogue import CATALOGUE
from tests.gateway.rest_path import RestPath, rest_path

APPS: Final = """
[[price]]
amount = 0.25
[account.shop.billing]
mode = "prepaid"
credit = 100
[account.shop.lanck]
user = "app-user"
password = "app-password"
[account.shop.checkmobi]
key = "APP-KEY"
"""
LOGIN: Final = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-resp-format": "json"}
HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "mocean": {},
    "lanck": {"Authorization": "Basic " + base64.b64encode(b"app-user:app-password").decode()},
    "checkmobi": {"Authorization": "APP-KEY"},
}
TO: Final = "447400123456"


class Call(NamedTuple):
    """A call, by its row of the table."""

    method: str
    path: str
    fields: Mapping[str, Any] = {}
    """`$name` is what an earlier answer had under this name."""
    status: int = 200


def mocean(method: str, path: str, status: int = 200, **fields: str) -> Call:
    named = {f"mocean-{name.rstrip('_').replace('_', '-')}": value for name, value in fields.items()}
    return Call(method, path, named, status)


SMS: Final = '[{"action":"send-sms","from":{"id":"ME"},"to":{"id":"447400123456"},"content":{"text":"Hi"}}]'
TELEGRAM: Final = '[{"action":"send-telegram","from":{"type":"bot_username","id":"b"},"to":{"id":"1"}}]'
FLOW: Final = [{"type": "sms", "message": {"text": "Hi", "from": "ME"}}]
EVENTS: Final = [{"action": "speak", "text": "Hello", "language": "en-GB", "voice": "WOMAN"}]

CALLS: Final[Mapping[str, Sequence[Call]]] = {
    "mocean": (
        mocean("POST", "/rest/2/sms", 202, from_="ME", to=TO, text="Hi", dlr_mask="1", dlr_url="http://127.0.0.1:9/d"),
        mocean("POST", "/rest/1/sms", 202, from_="ME", to=TO, text="Hi"),
        mocean("GET", "/rest/2/report/message", msgid="$msgid"),
        mocean("POST", "/rest/2/conversion", msgid="$msgid", delivered="true", timestamp="2026-01-31 12:00:00"),
        mocean("GET", "/rest/2/account/balance"),
        mocean("GET", "/rest/2/account/pricing", type="sms"),
        mocean("POST", "/rest/2/verify/req", to=TO, brand="Shop", pin_validity="600", next_event_wait="120"),
        mocean("POST", "/rest/2/verify/req/sms", to=TO, brand="Shop", code_length="6", template="{code} of {brand}"),
        mocean("POST", "/rest/2/verify/resend/sms", reqid="$reqid"),
        mocean("POST", "/rest/2/verify/check", 400, reqid="$reqid", code="no such"),
        mocean("POST", "/rest/2/verify/req/telegram", from_="shop_bot", to="4711", brand="Shop"),
        mocean("POST", "/rest/2/verify/req/email", to="me@shop.example", brand="Shop"),
        mocean("POST", "/rest/2/nl", to=TO),
        mocean("POST", "/rest/2/nl", to=TO, nl_url="http://127.0.0.1:9/nl"),
        mocean("POST", "/rest/2/voice/dial", to=TO, command='[{"action":"say","language":"en-GB","text":"Hi"}]'),
        mocean("POST", "/rest/2/voice/hangup", call_uuid="c-1"),
        mocean("GET", "/rest/2/voice/rec", call_uuid="c-1"),
        mocean("POST", "/rest/2/send-message", command=SMS),
        mocean("POST", "/rest/2/send-message", command=TELEGRAM, event_url="http://127.0.0.1:9/e"),
        mocean("POST", "/rest/2/send-message/whatsapp", from_="60123456789", to=TO),
        mocean("GET", "/rest/2/media/whatsapp", media_id="m-1"),
    ),
    "lanck": (
        Call(
            "POST", "/v1/sms", {"number": f"+{TO}", "text": "Hi", "from": "ME", "callbackUrl": "http://127.0.0.1:9/d"}
        ),
        Call("GET", "/v1/requests/{id}"),
        Call("POST", "/v1/requests/{id}", {"goal": "LINK_OPENED"}),
        *(
            Call("POST", "/v1/verify", {"number": f"+{TO}", "method": method, "language": "en", "codeLength": "4"})
            for method in ("call", "voice", "sms")
        ),
        Call("POST", "/v1/verify/check", {"requestId": "$requestId", "code": "none"}, 400),
        Call("POST", "/v1/verify/info", {"requestId": "$requestId"}),
        Call("GET", "/v1/insight/hlr", {"number": f"+{TO}"}),
        Call("POST", "/v1/insight/hlr", {"number": f"+{TO}"}),
        Call("POST", "/v1/insight/fraudcheck", {"number": f"+{TO}"}),
        Call("POST", "/v1/messaging/push", {"number": f"+{TO}", "text": "Hi", "title": "Hi!"}),
        Call("POST", "/v1/messaging/viber", {"number": f"+{TO}", "text": "Hi", "imageUrl": "http://127.0.0.1:9/i"}),
        Call("POST", "/v1/messaging/rcs", {"number": f"+{TO}", "text": "Hi"}),
        Call("POST", "/v1/messaging/whatsapp", {"number": f"+{TO}", "text": "Hi"}),
        Call("POST", "/v1/messaging/failover", {"number": f"+{TO}", "flow": FLOW}),
        Call("POST", "/v1/calls/flash", {"number": f"+{TO}"}),
        Call("POST", "/v1/calls/p2s", {"number": f"+{TO}", "code": "1234"}),
        Call("POST", "/v1/calls/t2s", {"number": f"+{TO}", "text": "Hi", "language": "ru"}),
    ),
    "checkmobi": (
        Call("GET", "/v1/my-account"),
        Call("POST", "/v1/sms/send", {"to": f"+{TO}", "text": "Hi", "from": "ME", "is_transactional": False}),
        Call("GET", "/v1/sms/{id}"),
        Call("POST", "/v1/validation/request", {"number": f"+{TO}", "type": "reverse_cli", "platform": "web"}),
        Call("POST", "/v1/validation/request", {"number": f"+{TO}", "type": "ivr", "language": "fr-FR"}),
        Call("POST", "/v1/validation/request", {"number": f"+{TO}", "type": "sms", "android_app_hash": "FA+9qCX9VSu"}),
        Call("POST", "/v1/validation/verify", {"id": "$id", "pin": "none"}),
        Call("GET", "/v1/validation/status/{id}"),
        Call("POST", "/v1/validation/remote-config", {"number": f"+{TO}", "platform": "ios"}),
        Call("POST", "/v1/call", {"to": f"+{TO}", "events": EVENTS, "ring_timeout": 30}),
        Call("GET", "/v1/call/{id}"),
        Call("DELETE", "/v1/call/{id}", status=204),
        Call("GET", "/v1/lookup/verify/{number}"),
        Call("GET", "/v1/lookup/hlr/{number}"),
        Call("GET", "/v1/lookup/mnp/{number}"),
        Call("POST", "/v1/lookup/hlr", {"numbers": [f"+{TO}"], "notification_callback": "http://127.0.0.1:9/l"}),
        Call("POST", "/v1/lookup/mnp", {"numbers": [f"+{TO}"], "notification_callback": "http://127.0.0.1:9/l"}),
        Call("POST", "/v1/checknumber", {"number": f"+{TO}"}),
        Call("GET", "/v1/countries"),
        Call("GET", "/v1/prefixes"),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_call_is_left_out(name: str) -> None:
    rows = {(row.method, row.path) for row in CATALOGUE[name][1]}
    assert {(call.method, call.path) for call in CALLS[name]} == rows


@pytest.mark.parametrize("name", CALLS)
async def test_every_call_works(tmp_path: Path, name: str) -> None:
    async with rest_path(name, tmp_path, more=APPS) as path, aiohttp.ClientSession(headers=HEADERS[name]) as http:
        known: dict[str, str] = {}
        for call in CALLS[name]:
            status, answer = await ask(http, path, name, call, known)
            assert status == call.status, (call, answer)
            if isinstance(answer, dict):
                first = answer["messages"][0] if "messages" in answer else answer
                ids = ("msgid", "reqid", "requestId", "id")
                known |= {one: str(first[one]) for one in ids if one in first and call.path != "/rest/2/nl"}


async def ask(
    http: aiohttp.ClientSession, path: RestPath, name: str, call: Call, known: Mapping[str, str]
) -> tuple[int, Any]:
    fields = {
        field: known[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for field, value in call.fields.items()
    }
    if name == "mocean":
        fields = {**LOGIN, **fields}
    given = call.path.format(id=known.get("requestId", known.get("id", "")), number=f"%2B{TO}")
    url = f"http://{path.gateway.addresses[0]}/{name}{given}"
    is_json = name == "checkmobi" or "flow" in fields
    kind = "params" if call.method == "GET" else "json" if is_json else "data"
    how: dict[str, Any] = {kind: fields} if fields else {}
    async with http.request(call.method, url, **how) as answer:
        body = await answer.read()
        return answer.status, await answer.json() if "json" in answer.content_type and body else body
