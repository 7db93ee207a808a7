"""Calls that are passed on: the uplink's credentials, our addresses for callbacks, and the callbacks handed back."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.errors import InvalidMessage
from gateway.providers.base import WebRequest
from gateway.providers.ports import NoAnswer, NotOffered
from tests.gateway.providers import sim_lanck, sim_mobtexting, sim_mocean
from tests.gateway.providers.sim import Taken, answer_json
from tests.gateway.services.passing import FORM, form, in_json, passed
from tests.gateway.services.provider_world import world


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


@pytest.mark.parametrize("content_type", ["", "text/plain", FORM])
async def test_credentials_leave_out_of_a_form_that_is_called_nothing_of_the_kind(content_type: str) -> None:
    async with world("mocean") as here:
        request = WebRequest(
            method="POST",
            path="/rest/2/voice/dial",
            content_type=content_type,
            body=b"mocean-api-key=app&mocean-api-secret=app-secret&mocean-to=60",
            headers={"Content-Type": content_type} if content_type else {},
        )
        await passed(here, request)

        (taken,) = here.provider.requests
        assert b"app" not in taken.body
        assert f"mocean-api-secret={sim_mocean.SECRET}".encode() in taken.body


async def test_credentials_leave_out_of_a_streamed_form() -> None:
    async with world("mobtexting") as here:
        field = b'--x\r\nContent-Disposition: form-data; name="access_token"\r\n\r\nof the app\r\n'
        sound = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(200_000) + b"\r\n"

        async def upload() -> AsyncIterator[bytes]:
            whole = field + sound + field + b"--x--\r\n"
            for at in range(0, len(whole), 1_000):
                yield whole[at : at + 1_000]

        request = WebRequest(
            method="POST",
            path="/api/v2/voice/sounds",
            content_type="multipart/form-data",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            stream=upload(),
        )
        await passed(here, request)

        (taken,) = here.provider.requests
        assert taken.body == sound + b"--x--\r\n"
        assert taken.headers["Authorization"] == f"Bearer {sim_mobtexting.TOKEN}"


@pytest.mark.parametrize("body", [b"--x\r\nContent-Disposition: form", b"y" * 5_000])
async def test_a_streamed_form_that_cannot_be_read_is_the_apps_fault(body: bytes) -> None:
    async with world("mobtexting", uplink="pass_through_limit_bytes = 1024") as here:

        async def upload() -> AsyncIterator[bytes]:
            yield body

        request = WebRequest(
            method="POST",
            path="/api/v2/voice/sounds",
            content_type="multipart/form-data",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            stream=upload(),
        )
        with pytest.raises(InvalidMessage):
            await passed(here, request)


async def test_the_uplinks_credentials_never_reach_the_app() -> None:
    async with world("mocean") as here:

        async def echo(taken: Taken) -> web.StreamResponse | None:
            return web.Response(body=taken.body, content_type="application/xml")

        here.provider.instead = echo
        answer = await passed(here, form("/rest/2/voice/dial", {"mocean-to": "60"}))

        assert sim_mocean.SECRET.encode() not in answer.body and sim_mocean.KEY.encode() not in answer.body
        assert b"mocean-to=60" in answer.body


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


async def test_what_a_provider_forbids_the_app_is_the_apps_to_hear() -> None:
    async with world("checkmobi") as here:

        async def block(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"code": 13, "error": "Destination is blocked"}, 403)

        here.provider.instead = block
        answer = await passed(here, in_json("/v1/call", {"to": "+40"}))

        assert (answer.status, json.loads(answer.body)["code"]) == (403, 13)


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
