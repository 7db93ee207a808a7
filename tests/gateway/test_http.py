"""Listeners: limits that hold before memory is taken, addresses, and a stop that lets requests end."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from gateway.http import (
    LIMITS,
    HttpLimits,
    Listener,
    ListenError,
    UnreadableBody,
    add_route,
    parse_address,
    read_body,
    serve,
)

LIMITED = HttpLimits(body_bytes=1000, body_seconds=0.1, keep_alive_seconds=0.2, shutdown_seconds=1.0)


async def echo(request: web.Request) -> web.Response:
    try:
        return web.Response(body=b"%d" % len(await read_body(request)))
    except UnreadableBody as error:
        return web.Response(status=400, text=type(error).__name__)


@asynccontextmanager
async def listening(
    handler: web.RequestHandler | object = echo, limits: HttpLimits = LIMITED
) -> AsyncIterator[Listener]:
    app = web.Application()
    app[LIMITS] = limits
    add_route(app, "POST", "/{path}", handler)  # type: ignore[arg-type]
    listener = await serve(app, "127.0.0.1:0")
    try:
        yield listener
    finally:
        await listener.stop()


async def talk(listener: Listener, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Write the pieces, and read until the other side closes."""
    host, port = parse_address(listener.addresses[0])
    reader, writer = await asyncio.open_connection(host, port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(pause)
    heard = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return heard


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 secret",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /x HTTP/1.1\r\nsecret without a colon\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: secret\r\n\r\n",
        b"POST /x HTTP/1.1\r\nX: " + b"secret" * 10_000 + b"\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nwhat is this? secret\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_in_the_shape_of_every_error(octets: bytes) -> None:
    async with listening() as listener:
        heard = await talk(listener, octets)
    head, _, body = heard.rpartition(b"\r\n\r\n")
    # A request before it has its own answer.
    head = head[head.rindex(b"HTTP/1.") :]
    assert head.partition(b"\r\n")[0].endswith(b" 400 Bad Request")
    assert b"Content-Type: application/json" in head
    assert b"\r\nServer:" not in head
    assert b"secret" not in heard
    error = json.loads(body)["error"]
    assert (error["code"], error["field"]) == ("malformed_request", "")


async def test_a_handler_that_fails_is_a_fault_of_ours_and_no_secret() -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("a secret")

    async with listening(fail) as listener:
        heard = await talk(listener, HEAD + b"Content-Length: 0\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in heard
    assert json.loads(heard.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "internal_error"


HEAD = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ((HEAD + b"Content-Length: 0\r\n\r\n",), b"0"),
        ((HEAD + b"\r\n",), b"0"),
        ((HEAD + b"Content-Length: 5\r\n\r\nHello",), b"5"),
        ((HEAD + b"Content-Length: 5\r\n\r\n", b"He", b"llo"), b"5"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n",), b"5"),
        ((HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000,), b"1000"),
        ((HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001,), b"BodyTooLarge"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"), b"BodyTooLarge"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",), b"BodyTooLarge"),
        ((HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",), b"BodyEncoded"),
    ],
)
async def test_body_is_read_within_its_limit(pieces: tuple[bytes, ...], answer: bytes) -> None:
    async with listening() as listener:
        assert (await talk(listener, *pieces)).endswith(b"\r\n\r\n" + answer)


async def test_declared_length_over_the_limit_is_refused_without_waiting_for_it() -> None:
    async with listening() as listener:
        host, port = parse_address(listener.addresses[0])
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), 1)).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_expected_body_is_invited() -> None:
    async with listening() as listener:
        host, port = parse_address(listener.addresses[0])
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await asyncio.wait_for(reader.readline(), 1) == b"HTTP/1.1 100 Continue\r\n"
        writer.write(b"Hi")
        assert (await asyncio.wait_for(reader.read(), 1)).endswith(b"\r\n\r\n2")
        writer.close()


async def test_slow_body_is_refused() -> None:
    async with listening() as listener:
        assert b"BodyTooSlow" in await talk(listener, HEAD + b"Content-Length: 5\r\n\r\nH")


async def test_chunks_that_break_off_the_rules_are_refused() -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"
    async with listening() as listener:
        # aiohttp's fast parser leaves the body unfinished, its plain one says that it is broken.
        heard = await talk(listener, head, b"zz\r\n", pause=0.02)
    assert heard.endswith((b"BodyBroken", b"BodyTooSlow"))


async def test_slow_head_is_hung_up_on() -> None:
    async with listening() as listener:
        assert (
            await talk(listener, *[b"POST /x HTTP/1.1\r\n"[index : index + 1] for index in range(8)], pause=0.03) == b""
        )


async def test_address_in_use_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        app = web.Application()
        app[LIMITS] = LIMITED
        with pytest.raises(ListenError, match=f"cannot listen on {address}: the address is in use"):
            await serve(app, address)


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
async def test_address_that_is_none_says_so(listen: str) -> None:
    app = web.Application()
    app[LIMITS] = LIMITED
    with pytest.raises(ListenError, match="expected host:port"):
        await serve(app, listen)


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8080", ("::1", 8080)), (":8080", ("", 8080))],
)
def test_address_is_split_at_its_port(listen: str, address: tuple[str, int]) -> None:
    assert parse_address(listen) == address


async def test_stop_lets_a_running_request_end() -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        started.set()
        await finish.wait()
        return web.Response(text="done")

    async with listening(slow) as listener, ClientSession() as session:
        url = f"http://{listener.addresses[0]}/x"
        running = asyncio.ensure_future(session.post(url))
        await started.wait()
        stopping = asyncio.ensure_future(listener.stop())
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(OSError):
            await talk_once(url)
        finish.set()
        assert await (await running).text() == "done"
        await stopping


async def test_stop_ends_within_its_deadline() -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    limits = HttpLimits(shutdown_seconds=0.2)
    async with listening(never, limits) as listener:
        host, port = parse_address(listener.addresses[0])
        _, writer = await asyncio.open_connection(host, port)
        writer.write(HEAD + b"\r\n")
        await asyncio.sleep(0.02)
        async with asyncio.timeout(60):
            await listener.stop()
        writer.close()


async def test_access_log_has_the_route_and_no_secret() -> None:
    structlog.reset_defaults()
    async with listening() as listener:
        with capture_logs() as lines:
            await talk(
                listener, b"POST /hunter2?mocean-api-secret=hunter3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            )
            await talk(listener, b"GET /hunter4\x00 HTTP/1.1\r\n\r\n")
    assert [line["event"] for line in lines] == ["request", "request unreadable", "request"]
    assert lines[0]["route"] == "/{path}"
    assert lines[0]["status"] == 200
    assert "hunter" not in repr(lines)


async def talk_once(url: str) -> None:
    async with ClientSession() as session:
        await session.post(url)
