"""Calls that are passed on: the uplink's credentials, our addresses for callbacks, and the callbacks handed back."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from gateway.errors import InvalidMessage
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.ports import Entry, NoAnswer, NotOffered
from gateway.services.passthrough import PassThroughService
from gateway.store import Record
from tests.gateway.providers import sim_lanck, sim_mobtexting, sim_mocean
from tests.gateway.providers.sim import Taken, answer_json
from tests.gateway.services.desk import SEALER
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


async def test_every_address_becomes_ours_and_each_is_called_back_by_its_own() -> None:
    async with world("mobtexting") as here:
        here.ways.directory = Webhooks("hook-1", "hook-2")  # type: ignore[assignment]
        channels = [
            {"name": "sms", "meta": {"webhook_id": "hook-1"}},
            {"name": "rcs", "meta": {"webhook_id": "hook-2"}},
        ]

        async def take(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"data": [{"id": "of-1"}, {"id": "of-2"}]})

        here.provider.instead = take
        await passed(here, in_json("/api/v2/whatsapp/message/send", {"channels": channels}))

        sent = here.provider.requests[0].content
        assert [one["meta"]["webhook_id"] for one in sent["channels"]] == [sim_mobtexting.WEBHOOK] * 2
        for number in ("1", "2"):
            assert await here.ways.relay_by_reference("way", f"of-{number}", in_json("/", {"event": number}))
        assert [(one.url, one.body) for one in await here.owed()] == [
            (f"{APP}&of=hook-1", b'{"event": "1"}'),
            (f"{APP}&of=hook-2", b'{"event": "2"}'),
        ]


async def test_where_nothing_says_whose_a_callback_is_all_of_them_hear_of_it() -> None:
    async with world("mobtexting") as here:
        here.ways.directory = Webhooks("hook-1", "hook-2")  # type: ignore[assignment]
        channels = [{"meta": {"webhook_id": "hook-1"}}, {"meta": {"webhook_id": "hook-2"}}]
        await passed(here, in_json("/api/v2/whatsapp/message/send", {"channels": channels}))

        assert await here.ways.relay_by_reference("way", "wa-1", in_json("/", {"event": "x"}))
        assert [one.url for one in await here.owed()] == [f"{APP}&of=hook-1", f"{APP}&of=hook-2"]


async def test_two_addresses_of_one_call_are_told_apart() -> None:
    async with world("mocean") as here:
        other = "http://127.0.0.1:9/other"
        fields = {"mocean-to": "60", "mocean-event-url": APP}
        await passed(here, form("/rest/2/voice/dial", fields, query=urlencode({"mocean-event-url": other})))

        taken = here.provider.requests[0]
        relays = [here.relay_id(one["mocean-event-url"]) for one in (taken.query, taken.content)]
        for relay in relays:
            assert await here.ways.relay("way", relay, in_json("/", {}))
        assert [one.url for one in await here.owed()] == [other, APP]


async def asked_app(path: str = "/") -> tuple[web.AppRunner, str, list[tuple[str, dict[str, Any]]]]:
    """An app that answers with what is to happen next in a call."""
    heard: list[tuple[str, dict[str, Any]]] = []

    async def next_commands(request: web.Request) -> web.Response:
        heard.append((request.method, dict(await request.post())))
        url = f"http://{request.host}/again"
        commands = [{"action": "say", "text": "?", "language": "en-GB"}, {"action": "collect", "event-url": url}]
        return web.json_response(commands, status=201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", next_commands)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}", heard


async def test_what_a_call_waits_for_is_asked_of_the_app_at_once() -> None:
    runner, url, heard = await asked_app()
    try:
        async with world("mocean") as here:
            command = [{"action": "collect", "event-url": f"{url}/digits", "min": 1, "max": 1, "timeout": 10000}]
            await passed(here, form("/rest/2/voice/dial", {"mocean-to": "60", "mocean-command": json.dumps(command)}))

            (sent,) = json.loads(here.provider.requests[0].content["mocean-command"])
            assert {**sent, "event-url": ""} == {**command[0], "event-url": ""}
            digits = form("/", {"mocean-digits": "7", "mocean-call-uuid": "c"})
            answer = await here.ways.relay("way", here.relay_id(sent["event-url"]), digits)

            assert answer is not None and answer.status == 201
            assert answer.content_type.startswith("application/json")
            assert heard == [("POST", {"mocean-digits": "7", "mocean-call-uuid": "c"})]
            say, collect = json.loads(answer.body)
            assert say == {"action": "say", "text": "?", "language": "en-GB"}
            # What the app says next leads to us as well.
            again = await here.ways.relay("way", here.relay_id(collect["event-url"]), digits)
            assert again is not None and len(heard) == 2
            assert not await here.owed()
    finally:
        await runner.cleanup()


async def test_a_call_that_waits_for_an_app_that_is_gone_is_told_so() -> None:
    async with world("mocean") as here:
        command = json.dumps([{"action": "collect", "event-url": APP}])
        await passed(here, form("/rest/2/voice/dial", {"mocean-to": "60", "mocean-command": command}))
        (sent,) = json.loads(here.provider.requests[0].content["mocean-command"])

        answer = await here.ways.relay("way", here.relay_id(sent["event-url"]), form("/", {"mocean-digits": ""}))

        assert answer is not None and answer.status == 502


async def test_no_address_in_a_command_may_lead_where_callbacks_may_not() -> None:
    async with world("mocean") as here:
        command = json.dumps([{"action": "collect", "event-url": "http://10.0.0.1/"}])
        with pytest.raises(InvalidMessage):
            await passed(here, form("/rest/2/voice/dial", {"mocean-command": command}))

        assert not here.provider.requests


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


async def test_a_streamed_form_names_callbacks_too() -> None:
    async with world("mobtexting") as here:
        here.ways.directory = Webhooks()  # type: ignore[assignment]
        head = b'--x\r\nContent-Disposition: form-data; name="webhook_id"\r\n\r\n'

        async def upload() -> AsyncIterator[bytes]:
            yield head
            yield b"hook-1\r\n--x--\r\n"

        async def take(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"data": {"id": "up-1"}})

        here.provider.instead = take
        request = WebRequest(
            method="POST",
            path="/api/v2/voice/sounds",
            content_type="multipart/form-data",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            stream=upload(),
        )
        await passed(here, request)

        assert here.provider.requests[0].body == head + sim_mobtexting.WEBHOOK.encode() + b"\r\n--x--\r\n"
        assert await here.ways.relay_by_reference("way", "up-1", in_json("/", {}))


async def test_the_uplinks_credentials_never_reach_the_app() -> None:
    async with world("mocean") as here:

        async def echo(taken: Taken) -> web.StreamResponse | None:
            return web.Response(body=taken.body, content_type="application/xml")

        here.provider.instead = echo
        answer = await passed(here, form("/rest/2/voice/dial", {"mocean-to": "60"}))

        assert sim_mocean.SECRET.encode() not in answer.body and sim_mocean.KEY.encode() not in answer.body
        assert b"mocean-to=60" in answer.body


async def test_without_an_address_of_ours_the_app_is_called_itself() -> None:
    async with world("lanck", is_reachable=False) as here:
        await passed(here, form("/v1/messaging/viber", {"number": "+1", "text": "x", "callbackUrl": APP}))

        assert here.provider.requests[0].content["callbackUrl"] == APP


class Webhooks:
    """Knows some webhooks, as the directory does."""

    def __init__(self, *names: str) -> None:
        self._names = names

    async def by_name(self, account: str, kind: str, name: str) -> list[Entry]:
        fields = {"uri": f"{APP}&of={name}" if self._names else APP, "secret": "app-secret"}
        is_it = (account, kind) == ("shop", "webhook") and name in (self._names or ("hook-1",))
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
        # The dispatcher looks its token up.
        assert dict(owed.headers) == {":bearer": "hook-1"}


async def test_where_an_app_wants_its_callbacks_is_read_by_nobody_else() -> None:
    async with world("mobtexting", sealer=SEALER) as here:
        here.ways.directory = Webhooks()  # type: ignore[assignment]
        channel = {"name": "whatsapp", "from": "9180", "meta": {"webhook_id": "hook-1"}}
        await passed(here, in_json("/api/v2/whatsapp/message/send", {"channels": [channel], "recipient": {"to": "91"}}))
        kept = await here.store.records("relay")
        assert kept
        assert not any(secret in record.value for record in kept for secret in (b"app-secret", b"token=t"))
        event = in_json("/", {"event": "whatsapp:message:status", "payload": {"id": "wa-1", "status": "read"}})
        assert await here.ways.relay_by_reference("way", "wa-1", event)
        assert [one.url for one in await here.owed()] == [APP]


async def test_a_relay_of_an_earlier_version_is_handed_back_with_its_token() -> None:
    async with world("mobtexting", sealer=SEALER) as here:
        owner = {"account": "shop", "url": APP, "dialect": "mobtexting", "secret": "app-secret"}
        old = Record(kind="relay", account="way", key="ref.wa-1", value=json.dumps(owner).encode())
        assert await here.store.put_records([old]) == [True]
        assert await here.ways.relay_by_reference("way", "wa-1", in_json("/", {}))
        (owed,) = await here.owed()
        assert (owed.url, dict(owed.headers)) == (APP, {"Authorization": "Bearer app-secret"})


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


async def test_old_relays_are_forgotten() -> None:
    async with world("lanck") as here:
        await passed(here, form("/v1/messaging/viber", {"number": "+1", "text": "x", "callbackUrl": APP}))
        relay = here.relay_id(here.provider.requests[0].content["callbackUrl"])
        later = PassThroughService(lambda: [], here.store, here.ways._addresses, clock=lambda: 1_900_000_000.0)

        await later.sweep()

        assert not await here.ways.relay("way", relay, in_json("/", {}))
