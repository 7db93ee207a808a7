"""Requests to a provider: whether an octet has left, whom it trusts, and where it does not go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from gateway.config import parse
from gateway.providers.connecting import HttpCall
from gateway.uplinks.rest_http import NoReply, ProviderClient
from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.gateway.providers.sim import SimProvider, Taken, running
from tests.gateway.rest_path import PROVIDERS
from tests.ports import free_port

CALL = HttpCall(method="POST", path="/v1/sms", content_type="text/plain", body=b"hello")


class Open(SimProvider):
    """Answers everybody."""

    async def answer(self, taken: Taken) -> web.StreamResponse:
        return web.Response(text=f"{taken.method} {len(taken.body)}")


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def provider() -> AsyncIterator[SimProvider]:
    async with running(Open()) as one:
        yield one


@asynccontextmanager
async def client(url: str, *, lines: str = "", may_send: bool = True) -> AsyncIterator[ProviderClient]:
    text = f'[uplink.way]\n{PROVIDERS["lanck"][1]}\nbase_url = "{url}"\n{lines}\n'
    config = parse(text).uplink["way"]
    one = ProviderClient(config, base_url=url, may_send=lambda: may_send, concurrency=4)
    try:
        yield one
    finally:
        await one.close()


async def test_an_answer_is_read_with_status_and_headers(provider: SimProvider) -> None:
    async with client(provider.url + "/below") as one:
        reply = await one.call(CALL)

        assert (reply.status, reply.body, reply.content_type) == (200, b"POST 5", "text/plain; charset=utf-8")
        assert reply.headers["content-length"] == "6"
        (taken,) = provider.requests
        assert taken.path == "/below/v1/sms"
        assert taken.headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in taken.headers


async def test_what_may_not_leave_does_not(provider: SimProvider) -> None:
    async with client(provider.url, may_send=False) as one:
        with pytest.raises(NoReply) as kept:
            await one.call(CALL)

    assert not kept.value.has_left
    assert not provider.requests


async def test_without_a_connection_nothing_has_left() -> None:
    async with client(f"http://127.0.0.1:{free_port()}") as one:
        with pytest.raises(NoReply) as kept:
            await one.call(CALL)

    assert not kept.value.has_left


async def test_a_connection_that_is_cut_may_have_carried_it(provider: SimProvider) -> None:
    async def cut(_taken: Taken) -> web.StreamResponse | None:
        raise ConnectionResetError

    provider.instead = cut
    async with client(provider.url) as one:
        with pytest.raises(NoReply) as lost:
            await one.call(CALL)

    assert lost.value.has_left
    assert len(provider.requests) == 1


async def test_redirects_are_not_followed(provider: SimProvider) -> None:
    async def redirect(_taken: Taken) -> web.StreamResponse | None:
        return web.Response(status=307, headers={"Location": provider.url + "/elsewhere"})

    provider.instead = redirect
    async with client(provider.url) as one:
        reply = await one.call(CALL)

    assert reply.status == 307
    assert len(provider.requests) == 1


async def test_a_certificate_is_verified(tls: ThrowAwayTls, tmp_path: Path) -> None:
    tls.write_ca(tmp_path / "ca.pem")
    async with running(Open(), ssl_context=tls.server_context) as provider:
        url = f"https://127.0.0.1:{provider.port}"
        async with client(url, lines=f'tls = {{ ca_file = "{tmp_path.as_posix()}/ca.pem" }}') as trusting:
            assert (await trusting.call(CALL)).status == 200
        async with client(url) as wary:
            with pytest.raises(NoReply) as refused:
                await wary.call(CALL)

        assert not refused.value.has_left
        assert str(refused.value) == "its certificate cannot be verified"
        assert len(provider.requests) == 1


async def test_an_answer_over_the_limit_is_not_read_to_its_end(provider: SimProvider) -> None:
    async def long(_taken: Taken) -> web.StreamResponse | None:
        return web.Response(body=bytes(100_000))

    provider.instead = long
    async with client(provider.url, lines="answer_limit_bytes = 1024") as one:
        with pytest.raises(NoReply, match="longer than 1024") as lost:
            await one.call(CALL)

    assert lost.value.has_left


async def test_while_the_provider_wants_a_pause_nothing_leaves(provider: SimProvider) -> None:
    async with client(provider.url) as one:
        one.hold(60.0)
        with pytest.raises(NoReply) as held:
            await one.call(CALL)

        assert not held.value.has_left
        assert one.held_seconds > 50.0
    assert not provider.requests


async def test_every_request_takes_its_turn(provider: SimProvider) -> None:
    turns = 0

    async with client(provider.url, lines="requests_per_second = 1000") as one:
        take = one.pacer.try_take

        class Counting:
            def try_take(self, now: float) -> float:
                nonlocal turns
                wait = take(now)
                turns += not wait
                return wait

        one.pacer = Counting()  # type: ignore[assignment]
        await asyncio.gather(*(one.call(CALL) for _ in range(5)))
        _, chunks = await one.stream(CALL, None, limit=1024)
        assert b"".join([chunk async for chunk in chunks]) == b"POST 5"

    assert turns == 6
