"""Calls that are passed on: the uplink's credentials, our addresses for callbacks, and the callbacks handed back."""

import base64
import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from aiohttp import web

from gateway.errors import InvalidMessage
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.ports import Entry, NoAnswer, NotOffered
from gateway.services.passthrough import PassThroughService
from tests.gateway.providers import sim_lanck, sim_mobtexting, sim_mocean
from tests.gateway.providers.sim import Taken, answer_json
from tests.gateway.services.provider_world import World, world

FORM = "application/x-www-form-urlencoded"
APP = "http://127.0.0.1:9/app?token=t"


def form(path: str, fields: dict[str, str], *, method: str = "POST", query: str = "") -> WebRequest:
    return WebRequest(
        method=method,
        path=path,
        query=query.encode(),
        content_type=FORM,
        body=urlencode(fields).encode(),
        headers={"Content-Type": FORM, "Authorization": "Bearer of the app", "Accept": "application/json"},
    )


def in_json(path: str, content: object, *, method: str = "POST") -> WebRequest:
    return WebRequest(
        method=method,
        path=path,
        content_type="application/json",
        body=json.dumps(content).encode(),
        headers={"Content-Type": "application/json"},
    )


async def passed(world: World, request: WebRequest, *, account: str = "shop") -> WebAnswer:
    return await world.ways.forward(account, world.uplink.kind, request, path=request.path)


async def test_the_accounts_credentials_are_exchanged_for_the_uplinks() -> None:
    async with world("mocean") as here:
        app = {"mocean-api-key": "app", "mocean-api-secret": "app-secret", "mocean-api-token": "", "mocean-to": "6012"}
        answer = await passed(here, form("/rest/2/voice/dial", app))

        (taken,) = here.provider.requests
        assert answer.status == 200
        assert taken.content == {
            "mocean-to": "6012",
            "mocean-api-key": sim_mocean.KEY,
            "mocean-api-secret": sim_mocean.SECRET,
        }
        assert "Authorization" not in taken.headers
        assert taken.headers["Accept"] == "application/json"


async def test_credentials_in_a_query_are_exchanged_too() -> None:
    async with world("mocean") as here:
        query = "mocean-api-key=app&mocean-api-secret=x&mocean-call-uuid=c%2F1"
        await passed(here, WebRequest(method="GET", path="/rest/2/voice/rec", query=query.encode()))

        (taken,) = here.provider.requests
        assert taken.query["mocean-api-key"] == sim_mocean.KEY
        assert taken.query["mocean-call-uuid"] == "c/1"


async def test_a_token_field_is_left_out_and_a_header_says_who_we_are() -> None:
    async with world("mobtexting") as here:
        request = WebRequest(method="GET", path="/api/v2/whatsapp/templates", query=b"access_token=app&page=2")
        answer = await passed(here, request)

        (taken,) = here.provider.requests
        assert answer.status == 200
        assert (taken.query, taken.headers["Authorization"]) == ({"page": "2"}, f"Bearer {sim_mobtexting.TOKEN}")


async def test_basic_credentials_are_the_uplinks() -> None:
    async with world("lanck") as here:
        await passed(here, form("/v1/calls/p2s", {"number": "+1880", "code": "1234"}))

        given = here.provider.requests[0].headers["Authorization"]
        assert base64.b64decode(given.removeprefix("Basic ")).decode() == f"{sim_lanck.USER}:{sim_lanck.PASSWORD}"


async def test_a_callback_address_becomes_ours_and_what_comes_there_is_owed_to_the_app() -> None:
    async with world("lanck") as here:
        await passed(here, form("/v1/messaging/viber", {"number": "+1880", "text": "hi", "callbackUrl": APP}))
        relay = here.relay_id(here.provider.requests[0].content["callbackUrl"])

        report = in_json("/", {"requestId": "x", "status": "DELIVERED"})
        assert await here.ways.relay("way", relay, report)
        assert await here.ways.relay("way", relay, report)
        assert not await here.ways.relay("way", "0" * 32, report)
        assert not await here.ways.relay("other", relay, report)

        owed = await here.owed()
        assert [(one.account, one.url, one.method, one.dialect) for one in owed] == [("shop", APP, "POST", "lanck")] * 2
        assert owed[0].body == report.body
        assert owed[0].content_type == "application/json"


async def test_a_callback_by_get_keeps_its_query() -> None:
    async with world("mocean") as here:
        await passed(here, form("/rest/2/voice/dial", {"mocean-to": "60", "mocean-event-url": APP}))
        relay = here.relay_id(here.provider.requests[0].content["mocean-event-url"])

        await here.ways.relay("way", relay, WebRequest(method="GET", path="/", query=b"a=1&b=%20"))

        assert [one.url for one in await here.owed()] == [f"{APP}&a=1&b=%20"]


async def test_an_app_may_not_have_callbacks_sent_where_it_may_not_reach() -> None:
    async with world("lanck") as here:
        request = form("/v1/messaging/viber", {"number": "+1", "text": "x", "callbackUrl": "http://10.0.0.1/"})
        with pytest.raises(InvalidMessage):
            await passed(here, request)

        assert not here.provider.requests


async def test_without_an_address_of_ours_the_app_is_called_itself() -> None:
    async with world("lanck", is_reachable=False) as here:
        await passed(here, form("/v1/messaging/viber", {"number": "+1", "text": "x", "callbackUrl": APP}))

        assert here.provider.requests[0].content["callbackUrl"] == APP


class Webhooks:
    """Knows one webhook, as the directory does."""

    async def by_name(self, account: str, kind: str, name: str) -> list[Entry]:
        fields = {"uri": APP, "secret": "app-secret"}
        is_it = (account, kind, name) == ("shop", "webhook", "hook-1")
        return [Entry(id="1", name=name, fields=fields)] if is_it else []


async def test_a_webhook_of_ours_becomes_theirs_and_callbacks_are_found_by_their_id() -> None:
    async with world("mobtexting") as here:
        here.ways.directory = Webhooks()  # type: ignore[assignment]
        channel = {"name": "whatsapp", "from": "9180", "meta": {"webhook_id": "hook-1"}}
        await passed(here, in_json("/api/v2/whatsapp/message/send", {"channels": [channel], "recipient": {"to": "91"}}))

        sent = here.provider.requests[0].content
        assert sent["channels"][0]["meta"]["webhook_id"] == sim_mobtexting.WEBHOOK
        event = in_json("/", {"event": "whatsapp:message:status", "payload": {"id": "wa-1", "status": "read"}})
        assert await here.ways.relay_by_reference("way", "wa-1", event)
        assert not await here.ways.relay_by_reference("way", "wa-2", event)
        (owed,) = await here.owed()
        assert (owed.url, owed.body) == (APP, event.body)
        assert dict(owed.headers) == {"Authorization": "Bearer app-secret"}


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("mocean", "POST", "/rest/2/sms"),
        ("mocean", "DELETE", "/rest/2/voice/dial"),
        ("lanck", "GET", "/v1/requests/../../admin"),
        ("lanck", "GET", "/v1/requests/a/b"),
        ("checkmobi", "GET", "/v1/call/"),
        ("mobtexting", "POST", "/api/v2/finance/credits"),
        ("mobtexting", "DELETE", "/api/v2/developer/webhooks/1"),
    ],
)
async def test_what_is_not_in_the_table_is_not_passed_on(kind: str, method: str, path: str) -> None:
    async with world(kind) as here:
        with pytest.raises(NotOffered):
            await passed(here, WebRequest(method=method, path=path))

        assert not here.provider.requests


async def test_every_call_of_the_tables_gets_through() -> None:
    for kind in ("mocean", "mobtexting", "lanck", "checkmobi"):
        async with world(kind) as here:
            for call in here.uplink.connector.passed:
                path = call.path.replace("{", "x").replace("}", "")
                answer = await passed(here, WebRequest(method=call.method, path=path, query=b"mocean-msgid=x"))
                assert answer.status < 500, call
                assert (here.provider.requests[-1].method, here.provider.requests[-1].path) == (call.method, path)


@pytest.mark.parametrize(
    ("uplink", "account", "is_offered"),
    [
        ("", "shop", True),
        ('pass_through_accounts = ["other"]', "shop", False),
        ('pass_through_accounts = ["other"]', "other", True),
        ("pass_through = false", "shop", False),
    ],
)
async def test_the_operator_says_who_may(uplink: str, account: str, is_offered: bool) -> None:
    async with world("lanck", uplink=uplink) as here:
        assert here.ways.is_offered(account, "lanck") is is_offered
        assert not here.ways.is_offered(account, "mocean")


async def test_a_provider_that_refuses_us_does_not_refuse_the_app() -> None:
    async with world("lanck") as here:

        async def deny(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"errorCode": 1, "errorReason": "Authentication required"}, 401)

        here.provider.instead = deny
        with pytest.raises(NotOffered):
            await passed(here, form("/v1/calls/p2s", {}))


async def test_a_provider_that_does_not_answer_is_another_thing() -> None:
    async with world("lanck") as here:

        async def cut(_taken: Taken) -> web.StreamResponse | None:
            raise ConnectionResetError

        here.provider.instead = cut
        with pytest.raises(NoAnswer):
            await passed(here, form("/v1/calls/p2s", {}))


async def test_other_errors_are_the_providers_own() -> None:
    async with world("lanck") as here:

        async def refuse(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"errorCode": 11, "errorReason": "Invalid number"}, 400, Retry_After="3")

        here.provider.instead = refuse
        answer = await passed(here, form("/v1/calls/p2s", {}))

        assert (answer.status, json.loads(answer.body)["errorCode"]) == (400, 11)
        assert ("Retry-After", "3") in answer.headers


async def test_long_bodies_pass_piece_by_piece() -> None:
    async with world("mobtexting") as here:
        size = 3 << 20

        async def upload() -> AsyncIterator[bytes]:
            for _ in range(size >> 16):
                yield bytes(1 << 16)

        async def record(taken: Taken) -> web.StreamResponse | None:
            return web.Response(body=taken.body, content_type="audio/mpeg")

        here.provider.instead = record
        request = WebRequest(
            method="POST",
            path="/api/v2/voice/sounds",
            content_type="multipart/form-data",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            stream=upload(),
        )
        answer = await passed(here, request)

        assert (answer.content_type, answer.body) == ("audio/mpeg", b"")
        assert answer.stream is not None
        assert sum([len(piece) async for piece in answer.stream]) == size
        assert here.provider.requests[0].headers["Content-Type"] == "multipart/form-data; boundary=x"


async def test_bodies_over_the_limit_are_refused_both_ways() -> None:
    async with world("mobtexting", uplink="pass_through_limit_bytes = 1024") as here:
        with pytest.raises(InvalidMessage):
            await passed(here, form("/api/v2/voice/sounds", {"name": "x" * 2000}))

        async def long(_taken: Taken) -> web.StreamResponse | None:
            return web.Response(body=bytes(5000), content_type="audio/mpeg")

        here.provider.instead = long
        answer = await passed(here, WebRequest(method="GET", path="/api/v2/voice/recordings"))
        assert answer.stream is not None
        with pytest.raises(Exception, match="longer than 1024"):
            [piece async for piece in answer.stream]


async def test_old_relays_are_forgotten() -> None:
    async with world("lanck") as here:
        await passed(here, form("/v1/messaging/viber", {"number": "+1", "text": "x", "callbackUrl": APP}))
        relay = here.relay_id(here.provider.requests[0].content["callbackUrl"])
        later = PassThroughService(lambda: [], here.store, here.ways._addresses, clock=lambda: 1_900_000_000.0)

        await later.sweep()

        assert not await here.ways.relay("way", relay, in_json("/", {}))
