"""Callbacks of calls that are passed on: our addresses in the app's place, what comes there handed back or asked."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from gateway.errors import InvalidMessage
from gateway.providers.base import WebRequest
from gateway.providers.ports import Entry
from gateway.services.passthrough import PassThroughService
from gateway.store import Record
from tests.gateway.providers import sim_mobtexting
from tests.gateway.providers.sim import Taken, answer_json
from tests.gateway.services.desk import SEALER
from tests.gateway.services.passing import APP, form, in_json, passed
from tests.gateway.services.provider_world import world


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


async def test_old_relays_are_forgotten() -> None:
    async with world("lanck") as here:
        await passed(here, form("/v1/messaging/viber", {"number": "+1", "text": "x", "callbackUrl": APP}))
        relay = here.relay_id(here.provider.requests[0].content["callbackUrl"])
        later = PassThroughService(lambda: [], here.store, here.ways._addresses, clock=lambda: 1_900_000_000.0)

        await later.sweep()

        assert not await here.ways.relay("way", relay, in_json("/", {}))
