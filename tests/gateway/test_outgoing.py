"""Callbacks over HTTP, on loopback: never to where they must not go."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from gateway.config import WebhooksConfig
from gateway.models import Callback
from gateway.networks import parse_networks
from gateway.outgoing import CheckedResolver, RefusedAddressError, checked_session
from gateway.webhooks import Answer, HttpPoster


class Receiver:
    """An HTTP server that notes what comes and answers as told."""

    def __init__(self, respond: Callable[[web.Request], web.StreamResponse]) -> None:
        self.respond = respond
        self.requests: list[tuple[str, str, Mapping[str, str], bytes]] = []

    async def __aenter__(self) -> "Receiver":
        async def handle(request: web.Request) -> web.StreamResponse:
            self.requests.append((request.method, str(request.rel_url), request.headers, await request.read()))
            return self.respond(request)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handle)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        self.site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await self.site.start()
        self.port = self.runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


LOOPBACK = WebhooksConfig(allow_private_networks=("127.0.0.0/8",), timeout_seconds=2.0)


async def posted(url: str, config: WebhooksConfig = LOOPBACK, **fields: Any) -> Answer:
    poster = HttpPoster(config)
    callback = Callback(id="c1", account="shop", url=url, **({"body": b"{}"} | fields))
    try:
        return await poster.post(callback, {"Content-Type": "application/json"})
    finally:
        await poster.close()


@pytest.mark.parametrize(
    ("status", "is_acknowledged"),
    [
        (200, True),
        (202, True),
        (204, True),
        (302, False),
        (307, False),
        (400, False),
        (404, False),
        (410, False),
        (503, False),
    ],
)
async def test_only_2xx_acknowledges_and_redirects_are_not_followed(status: int, is_acknowledged: bool) -> None:
    async with Receiver(lambda _: web.Response(status=status, headers={"Location": "/elsewhere"})) as receiver:
        answer = await posted(f"http://127.0.0.1:{receiver.port}/x?y=%20z")
        assert answer.is_acknowledged is is_acknowledged
        ((method, path, headers, body),) = receiver.requests
        assert (method, path, body) == ("POST", "/x?y=%20z", b"{}")
        assert headers["Content-Type"] == "application/json"
        assert answer.error == ("" if is_acknowledged else f"HTTP status {status}")


async def test_the_method_and_an_empty_body_are_kept() -> None:
    async with Receiver(lambda _: web.Response()) as receiver:
        await posted(f"http://127.0.0.1:{receiver.port}/", method="GET", body=b"")
        assert receiver.requests[0][0] == "GET"
        assert receiver.requests[0][3] == b""


async def test_an_endless_answer_is_cut_off() -> None:
    config = msgspec.structs.replace(LOOPBACK, response_limit_bytes=1000)
    async with Receiver(lambda _: web.Response(body=b"x" * 5_000_000)) as receiver:
        assert (await posted(f"http://127.0.0.1:{receiver.port}/", config)).is_acknowledged


async def test_without_an_exemption_loopback_is_not_called() -> None:
    async with Receiver(lambda _: web.Response()) as receiver:
        for host in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"):
            answer = await posted(f"http://{host}:{receiver.port}/", WebhooksConfig())
            assert not answer.is_acknowledged
        assert receiver.requests == []


async def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver(lambda _: web.Response()) as receiver:
        lookups: list[str] = []

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            lookups.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr("gateway.outgoing.socket.getaddrinfo", look_up)
        answer = await posted(f"http://rebind.example:{receiver.port}/", WebhooksConfig())
        assert (answer.is_acknowledged, receiver.requests) == (False, [])
        assert (await posted(f"http://rebind.example:{receiver.port}/")).is_acknowledged
        assert lookups == ["rebind.example", "rebind.example"]


async def test_only_the_allowed_addresses_of_a_name_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 80, 0, 2)),
    ]
    monkeypatch.setattr("gateway.outgoing.socket.getaddrinfo", lambda *_, **__: found)
    resolver = CheckedResolver()
    assert [one["host"] for one in await resolver.resolve("mixed.example", 80)] == ["8.8.8.8"]
    found.pop(1)
    with pytest.raises(RefusedAddressError):
        await resolver.resolve("inside.example", 80)
    await resolver.close()


async def test_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Receiver(lambda _: web.Response()) as receiver:
        assert (await posted(f"http://127.0.0.1:{receiver.port}/")).is_acknowledged


async def test_errors_do_not_repeat_the_url() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    answer = await posted(f"http://127.0.0.1:{port}/?token=swordfish")
    assert not answer.is_acknowledged
    assert answer.error
    assert "swordfish" not in answer.error


async def test_a_host_that_does_not_answer_is_given_up_in_time() -> None:
    is_over, has_ended = asyncio.Event(), asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await is_over.wait()
        writer.close()
        has_ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = msgspec.structs.replace(LOOPBACK, timeout_seconds=0.1)
    assert (await posted(f"http://127.0.0.1:{port}/", config)).error == "no answer in time"
    is_over.set()
    await has_ended.wait()
    server.close()
    await server.wait_closed()


def test_a_session_keeps_no_cookies_and_unpacks_nothing() -> None:
    async def check() -> None:
        session = checked_session(exempt=(), timeout_seconds=1)
        assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
        assert session.trust_env is False
        await session.close()

    asyncio.run(check())
    assert parse_networks(()) == ()
