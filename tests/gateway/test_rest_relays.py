"""Apps of each provider whose calls are passed on, doors and all: the call, its answer, its callback to the app."""

import base64
import json
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.gateway.providers.sim_checkmobi import SIGNATURE_KEY, signed
from tests.gateway.rest_path import rest_path
from tests.gateway.test_rest_failures import count

APPS = """
[account.shop.mobtexting]
token = "app-token-of-mobtexting"
[account.shop.lanck]
user = "app-user"
password = "app-password"
[account.shop.checkmobi]
key = "APP-KEY"
signature_key = "app-signature-key"
"""
BASIC = "Basic " + base64.b64encode(b"app-user:app-password").decode()


class Call(NamedTuple):
    """A call of an app."""

    path: str
    headers: dict[str, str]
    form: dict[str, str] | None
    content: dict[str, Any] | None
    callback_field: str


def call_of(kind: str, app: str) -> Call:
    match kind:
        case "mocean":
            fields = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-to": "60123456789"}
            command = {"mocean-command": '[{"action":"say","text":"hi"}]', "mocean-event-url": app}
            return Call("/mocean/rest/2/voice/dial", {}, {**fields, **command}, None, "mocean-event-url")
        case "lanck":
            fields = {"number": "+18800000000", "text": "hi", "callbackUrl": app}
            return Call("/lanck/v1/messaging/rcs", {"Authorization": BASIC}, fields, None, "callbackUrl")
        case _:
            events = [{"action": "speak", "text": "hi"}]
            content = {"to": "+40743123456", "events": events, "notification_callback": app}
            return Call("/checkmobi/v1/call", {"Authorization": "APP-KEY"}, None, content, "notification_callback")


@pytest.mark.parametrize("kind", ["mocean", "lanck", "checkmobi"])
async def test_a_call_is_passed_on_and_its_callback_comes_back(kind: str, tmp_path: Path) -> None:
    async with rest_path(kind, tmp_path, more=APPS) as path, aiohttp.ClientSession() as app:
        call = call_of(kind, f"{path.receiver.url}/app")
        url = f"http://{path.gateway.addresses[0]}{call.path}"
        async with app.post(url, headers=call.headers, data=call.form, json=call.content) as answer:
            assert answer.status == 200, await answer.text()

        (taken,) = path.provider.requests
        address = taken.content[call.callback_field]
        assert address.startswith(path.callback_url + "/")
        assert "app" not in json.dumps(taken.content)
        headers, body = signed({"id": "CAL-1", "event": "answer", "requestId": "x", "status": "SENT"})
        said = await path.provider.call("POST", address, headers, body)

        assert said.status == 200
        (callback,) = await path.receiver.wait_for(1)
        assert (callback.path, callback.body) == ("/app", body)
        assert count(path, "relayed") == 1
        if kind == "checkmobi":
            # Ours is checked and taken off, the app's is put on.
            assert callback.headers["X-CheckMobi-Signature"] not in ("", headers["X-CheckMobi-Signature"])


async def test_the_digits_of_a_call_are_answered_with_what_the_app_says(tmp_path: Path) -> None:
    async def next_command(request: web.Request) -> web.Response:
        digits = str((await request.post())["mocean-digits"])
        return web.json_response([{"action": "say", "language": "en-GB", "text": f"You pressed {digits}"}])

    async with rest_path("mocean", tmp_path, more=APPS) as path, aiohttp.ClientSession() as http:
        app = web.Application()
        app.router.add_post("/digits", next_command)
        async with TestServer(app) as server:
            command = [{"action": "collect", "event-url": str(server.make_url("/digits")), "min": 1, "max": 1}]
            fields = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-to": "60123456789"}
            fields |= {"mocean-command": json.dumps(command), "mocean-event-url": f"{path.receiver.url}/app"}
            url = f"http://{path.gateway.addresses[0]}/mocean/rest/2/voice/dial"
            async with http.post(url, data=fields) as answer:
                assert answer.status == 200, await answer.text()
            taken = path.provider.requests[0].content
            collect = json.loads(taken["mocean-command"])[0]["event-url"]
            assert collect.startswith(path.callback_url + "/") and collect != taken["mocean-event-url"]

            form = {"Content-Type": "application/x-www-form-urlencoded"}
            said = await path.provider.call("POST", collect, form, b"mocean-call-uuid=c&mocean-digits=7")
            told = await path.provider.call("POST", taken["mocean-event-url"], form, b"mocean-status=answered")

        assert (said.status, json.loads(said.body)[0]["text"]) == (200, "You pressed 7")
        assert (told.status, told.body) == (200, b"")
        (callback,) = await path.receiver.wait_for(1)
        assert (callback.path, callback.body) == ("/app", b"mocean-status=answered")
        # The app is gone by now.
        gone = await path.provider.call("POST", collect, form, b"mocean-call-uuid=c&mocean-digits=7")
        assert gone.status == 502


async def test_a_relayed_callback_has_to_be_signed_as_well(tmp_path: Path) -> None:
    async with rest_path("checkmobi", tmp_path, more=APPS) as path, aiohttp.ClientSession() as app:
        call = call_of("checkmobi", f"{path.receiver.url}/app")
        async with app.post(f"http://{path.gateway.addresses[0]}{call.path}", headers=call.headers, json=call.content):
            address = path.provider.requests[0].content[call.callback_field]
        headers, body = signed({"id": "CAL-1", "event": "answer"})

        wrong = await path.provider.call("POST", address, headers | {"X-CheckMobi-Signature": SIGNATURE_KEY}, body)
        nobodys = await path.provider.call("POST", f"{path.callback_url}/{'0' * 32}", headers, body)

        assert (wrong.status, nobodys.status) == (401, 404)
        assert (count(path, "refused"), count(path, "unclaimed")) == (1, 1)
        assert not path.receiver.received


async def test_a_file_passes_through_whole(tmp_path: Path) -> None:
    async with rest_path("mobtexting", tmp_path, more=APPS) as path, aiohttp.ClientSession() as app:
        form = aiohttp.FormData()
        form.add_field("name", "greeting")
        form.add_field("audio", bytes(range(256)) * 512, filename="a.mp3", content_type="audio/mpeg")
        url = f"http://{path.gateway.addresses[0]}/mobtexting/api/v2/voice/sounds"
        headers = {"Authorization": "Bearer app-token-of-mobtexting"}
        async with app.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

        (taken,) = path.provider.requests
        assert taken.path == "/api/v2/voice/sounds"
        assert bytes(range(256)) * 512 in taken.body
        assert b"app-token" not in taken.body


async def test_without_such_an_uplink_the_dialect_refuses_in_its_own_words(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path, more=APPS) as path, aiohttp.ClientSession() as app:
        call = call_of("lanck", "")
        async with app.post(
            f"http://{path.gateway.addresses[0]}{call.path}", headers=call.headers, data=call.form
        ) as answer:
            assert 400 <= answer.status < 500
            assert "errorCode" in await answer.json()
        assert not path.provider.requests
