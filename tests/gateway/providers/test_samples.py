"""The samples of the documents, as they are written there: what they ask is answered in the shape that they show.

Calls that are the provider's own go on as the sample has them, with nothing but the credentials changed.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest

from gateway.providers import PROVIDERS
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.ports import NetworkInfo
from gateway.providers.seams import ChannelOrder
from tests.gateway.providers.connectors import reply
from tests.gateway.providers.fakes import CODE, World
from tests.gateway.services.provider_world import world as provider_world

FORM: Final = "application/x-www-form-urlencoded"
MOCEAN_LOGIN: Final = "mocean-api-key=API_KEY_HERE&mocean-api-secret=API_SECRET_HERE"
LOGIN: Final = {
    "CLIENT_API_KEY": "KEY",
    "CLIENT_API_SECRET": "SECRET",
    "API_KEY_HERE": "KEY",
    "API_SECRET_HERE": "SECRET",
}
"""Whom the tests know."""
LANCK: Final = {"Authorization": "Basic " + base64.b64encode(b"user:pass").decode()}


@dataclass(frozen=True)
class Sample:
    """One request of a document, and the fields of the answer that follows it there."""

    dialect: str
    method: str
    path: str
    query: str = ""
    body: str = ""
    content_type: str = FORM
    answer: frozenset[str] = frozenset()
    """Of the provider's own calls: empty."""
    before: "Sample | None" = None
    replaced: dict[str, str] = field(default_factory=dict)
    """What the sample leaves for its reader to fill in."""

    @property
    def request(self) -> WebRequest:
        query, body = self.query, self.body
        for written, value in {**LOGIN, **self.replaced}.items():
            query, body = query.replace(written, value), body.replace(written, value)
        return WebRequest(
            method=self.method,
            path=self.path,
            query=query.encode(),
            body=body.encode(),
            content_type=self.content_type if self.body else "",
            headers=LANCK if self.dialect == "lanck" else {},
        )


def mocean(method: str, path: str, fields: str = "", *answer: str, **options: Any) -> Sample:
    written = "&".join(one for one in (MOCEAN_LOGIN, fields) if one)
    if "resp-format" not in written:
        # The samples of answers are JSON, which has to be asked for.
        written += "&mocean-resp-format=json"
    where: dict[str, Any] = {"query": written} if method == "GET" else {"body": written}
    return Sample("mocean", method, "/rest/2" + path, answer=frozenset(answer), **where, **options)


def lanck(method: str, path: str, fields: str = "", *answer: str, **options: Any) -> Sample:
    return Sample("lanck", method, "/v1" + path, body=fields, answer=frozenset(answer), **options)


SMS: Final = mocean(
    "POST", "/sms", "mocean-to=60173788399,60127902746&mocean-from=MOCEAN&mocean-text=Hello&mocean-coding=1", "messages"
)
ASKED: Final = mocean("POST", "/verify/req", "mocean-to=60123456789&mocean-brand=BRAND_NAME", "reqid", "status", "to")
LANCK_ASKED: Final = lanck("POST", "/verify", "number=+18800000000&method=sms", "requestId")
LANCK_SMS: Final = lanck("POST", "/sms", "number=+18800000000&text=Your order #29211 received", "requestId")

SERVED: Final = (
    SMS,
    ASKED,
    mocean("GET", "/account/balance", "", "status", "value"),
    mocean(
        "GET", "/report/message", "mocean-msgid=m1", "status", "message_status", "msgid", "credit_deducted", before=SMS
    ),
    mocean("POST", "/conversion", "mocean-msgid=m1&mocean-delivered=false", "status", before=SMS),
    mocean(
        "POST",
        "/verify/req/sms",
        "mocean-to=60123456789&mocean-brand=BRAND_NAME",
        "reqid",
        "status",
        "to",
        "is_number_reachable",
    ),
    mocean(
        "POST",
        "/verify/resend/sms",
        "mocean-reqid=XXXXXXXXXXXXXXXXXXXXXX",
        "reqid",
        "status",
        "to",
        "is_number_reachable",
        "resend_number",
        before=ASKED,
        replaced={"XXXXXXXXXXXXXXXXXXXXXX": "v1"},
    ),
    mocean(
        "POST",
        "/verify/check",
        "mocean-reqid=XXXXXXXXXXXXXXXXXXXXXX&mocean-code=123456&mocean-resp-format=json",
        "reqid",
        "status",
        before=ASKED,
        replaced={"XXXXXXXXXXXXXXXXXXXXXX": "v1", "123456": CODE},
    ),
    mocean(
        "POST",
        "/nl",
        "mocean-to=60123456789&mocean-resp-format=json",
        "status",
        "msgid",
        "to",
        "current_carrier",
        "original_carrier",
        "ported",
    ),
    mocean("POST", "/nl", "mocean-to=60123456789&mocean-nl-url=http://webhook.tld/nl", "status", "msgid", "to"),
    LANCK_SMS,
    LANCK_ASKED,
    lanck(
        "GET",
        "/requests/xxxxxxxxxxxxxx",
        "",
        "id",
        "product",
        "number",
        "mccmnc",
        "network",
        "country",
        "status",
        "createdAt",
        "payload",
        before=LANCK_ASKED,
    ),
    lanck("POST", "/verify/check", f"requestId=v1&code={CODE}", "number", "method", "verifiedAt", before=LANCK_ASKED),
    lanck("POST", "/insight/fraudcheck", "number=+18800000000", "status", "mobilePrefix"),
)
"""Where the answer is ours to write."""

PASSED: Final = (
    mocean(
        "POST",
        "/voice/dial",
        "mocean-to=60123456789&mocean-command=%5B%7B%22action%22:%22say%22,%22language%22:%22en-GB%22,"
        "%22text%22:%22Welcome%20to%20Mocean%20Voice%20API.%22%7D%5D",
    ),
    mocean("POST", "/voice/hangup", "mocean-call-uuid=YOUR_CALL_UUID&mocean-resp-format=json"),
    mocean("GET", "/voice/rec", "mocean-call-uuid=218fc2f6-fed8-11e9-952a-31afba325635"),
    mocean(
        "POST",
        "/verify/req/telegram",
        "mocean-from=BOT_USERNAME_HERE&mocean-to=CHAT_ID_HERE&mocean-brand=BRAND_NAME",
    ),
    Sample(
        "mocean",
        "POST",
        "/rest/2/send-message/whatsapp",
        content_type="application/json",
        body=json.dumps(
            {
                "mocean-api-key": "CLIENT_API_KEY",
                "mocean-api-secret": "CLIENT_API_SECRET",
                "mocean-from": "60123456789",
                "mocean-to": "601987654321",
                "mocean-event-url": "http://webhook.tld/path",
                "mocean-content": {"type": "template", "wa_template": {"name": "test_template", "language": "en"}},
            }
        ),
    ),
    lanck("POST", "/messaging/push", "number=+18800000000&text=Your order #29211 received&title=Hi!"),
    lanck("POST", "/messaging/viber", "number=+18800000000&text=Your order #29211 received"),
    lanck("POST", "/messaging/rcs", "number=+18800000000&text=Your order #29211 received"),
    lanck("POST", "/calls/flash", "number=+18800000000"),
    lanck("POST", "/calls/p2s", "number=+18800000000&code=1234"),
)
"""Where the provider answers."""


BEYOND: Final = {"goals", "reachable", "sender"}
"""Fields that only clients and SDKs of the same API know."""


def named(sample: Sample) -> str:
    return f"{sample.method} {sample.path}"


@pytest.mark.parametrize("sample", SERVED, ids=named)
async def test_a_sample_is_answered_in_the_shape_that_follows_it(sample: Sample) -> None:
    world = World()
    network = {"country": "MY", "name": "U Mobile", "network_code": "50218", "mcc": "502", "mnc": "18"}
    world.numbers.networks["60123456789"] = NetworkInfo(
        id="test0412143224000022.0002",
        number="60123456789",
        is_ported=True,
        current_network=network,
        original_network=network,
    )
    world.numbers.networks["18800000000"] = NetworkInfo(
        id="1", number="18800000000", status="PASSED", raw={"mobilePrefix": True}
    )
    dialect = PROVIDERS[sample.dialect].make_dialect()
    if sample.before is not None:
        assert (await dialect.answer(sample.before.request, world.services)).status < 300
    request = sample.request
    if "xxxxxxxxxxxxxx" in sample.path:
        request = WebRequest(method="GET", path=sample.path.replace("xxxxxxxxxxxxxx", "v1"), headers=LANCK)
    answer = await dialect.answer(request, world.services)
    assert answer.status < 300, answer.body
    assert set(json.loads(answer.body)) - BEYOND == sample.answer


@pytest.mark.parametrize("sample", PASSED, ids=named)
async def test_a_sample_goes_on_as_it_is_written(sample: Sample) -> None:
    world = World()
    world.pass_through.answer = WebAnswer(status=200, content_type="application/json", body=b'{"status":0}')
    answer = await PROVIDERS[sample.dialect].make_dialect().answer(sample.request, world.services)
    assert (answer.status, answer.body) == (200, b'{"status":0}')
    ((_, _, request, path),) = world.pass_through.passed

    async with provider_world(sample.dialect, is_reachable=False) as here:
        await here.ways.forward("shop", sample.dialect, request, path=path)
        (taken,) = here.provider.requests
        assert (taken.method, taken.path) == (sample.method, sample.path)
        given = {**taken.query, **taken.content}
        sent = fields_of(sample)
        assert {name: given[name] for name in sent} == sent
        own = here.uplink.connector.credential_fields()
        assert given.keys() - sent.keys() <= own.keys()
        assert all(given[name] == own[name] for name in given.keys() & own.keys())


def fields_of(sample: Sample) -> dict[str, Any]:
    if sample.body.startswith("{"):
        fields = json.loads(sample.body)
    else:
        fields = dict(parse_qsl(sample.query or sample.body, keep_blank_values=True))
    return {name: value for name, value in fields.items() if not name.startswith("mocean-api-")}


@pytest.mark.parametrize(
    ("kind", "channel", "answer", "reference"),
    [
        (
            "mocean",
            "voice",
            {"calls": [{"status": 0, "session_uuid": "{session-uuid}", "call_uuid": "{call-uuid}"}]},
            "{call-uuid}",
        ),
        (
            "mocean",
            "whatsapp",
            {"status": 0, "message_id": "d2eaf858-1b0e-11ee-a06f-891a3eb010d6"},
            "d2eaf858-1b0e-11ee-a06f-891a3eb010d6",
        ),
        (
            "mocean",
            "email",
            {"reqid": "XXXXXXXXXXXXXXXXXXXXXX", "status": 0, "to": "60123456789"},
            "XXXXXXXXXXXXXXXXXXXXXX",
        ),
        ("lanck", "viber", {"requestId": "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65"}, "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65"),
    ],
)
async def test_the_documents_answers_to_orders_are_read(
    kind: str, channel: str, answer: object, reference: str
) -> None:
    async with provider_world(kind) as here:
        order = ChannelOrder(id="x", account="shop", channel=channel, number="60123456789", code="4711", brand="B")
        assert here.uplink.connector.reach.ordered(order, reply(answer)).reference == reference


@pytest.mark.parametrize(
    "sample", [one for one in PASSED if one.content_type == FORM and one.dialect == "mocean"], ids=named
)
async def test_a_call_goes_on_by_the_documents_method_whichever_was_used(sample: Sample) -> None:
    world = World()
    world.pass_through.answer = WebAnswer(status=200, content_type="application/json", body=b'{"status":0}')
    asked = sample.request
    fields = asked.query or asked.body
    other = WebRequest(method="GET", path=asked.path, query=fields)
    if sample.method == "GET":
        other = WebRequest(
            method="POST", path=asked.path, body=fields, content_type=FORM, headers={"Content-Type": FORM}
        )
    assert (await PROVIDERS["mocean"].make_dialect().answer(other, world.services)).status == 200
    ((_, _, request, path),) = world.pass_through.passed
    async with provider_world("mocean", is_reachable=False) as here:
        await here.ways.forward("shop", "mocean", request, path=path)
        (taken,) = here.provider.requests
        assert taken.method == sample.method
        sent = fields_of(sample)
        assert {name: {**taken.query, **taken.content}[name] for name in sent} == sent
