"""The client for callbacks against raw octets: kept connections, bodies of every framing, and what is no answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway import posting
from gateway.networks import parse_networks
from gateway.outgoing import CheckedResolver
from gateway.posting import BrokenAnswer, PostClient, target_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Raw:
    """A server that answers with octets, whole or one by one."""

    answers: list[bytes] = field(default_factory=list)
    bytewise: bool = False
    closes: bool = False
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                for piece in [answer[at : at + 1] for at in range(len(answer))] if self.bytewise else [answer]:
                    writer.write(piece)
                    await writer.drain()
                    if self.bytewise:
                        await asyncio.sleep(0)
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers: bytes, bytewise: bool = False, closes: bool = False) -> AsyncIterator[Raw]:
    raw = Raw(list(answers), bytewise, closes)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for writer in raw.writers:
            writer.close()


@asynccontextmanager
async def client(timeout: float = 5.0, limit: int = 1_000) -> AsyncIterator[PostClient]:
    exempt = parse_networks(["127.0.0.0/8"])
    made = PostClient(CheckedResolver(exempt), timeout_seconds=timeout, body_limit=limit)
    try:
        yield made
    finally:
        await made.close()


async def post(made: PostClient, raw: Raw, body: bytes = b"{}") -> int:
    return await made.request("POST", f"http://127.0.0.1:{raw.port}/x", {"Content-Type": "application/json"}, body)


FRAMINGS: dict[str, tuple[bytes, int]] = {
    "length": (OK, 1),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
    "empty": (b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 1),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n", 1),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 1),
    "close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 3),
    "no framing": (b"HTTP/1.1 200 OK\r\n\r\nok", 3),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 3),
    "too long": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nok", 3),
    "a chunk too long": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nok", 3),
}


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_connections_are_kept_where_the_answer_has_an_end(framing: str, bytewise: bool) -> None:
    octets, connections = FRAMINGS[framing]
    async with serving(octets, bytewise=bytewise) as raw, client() as made:
        for _ in range(3):
            assert await post(made, raw) in (200, 204)
        if framing != "chunks" or not bytewise:
            assert raw.connections == connections
        assert len(raw.requests) == 3


async def test_the_request_is_as_it_was_given() -> None:
    async with serving(OK) as raw, client() as made:
        await made.request("POST", f"http://127.0.0.1:{raw.port}/a%20b/ü?q=1&r=ä#x", {"X-One": "1"}, b"body")
        assert (
            raw.requests[0]
            == (
                f"POST /a%20b/%C3%BC?q=1&r=%C3%A4 HTTP/1.1\r\nHost: 127.0.0.1:{raw.port}\r\n"
                "User-Agent: smppkit-gateway\r\n"
                "X-One: 1\r\nContent-Length: 4\r\nAccept: */*\r\n\r\nbody"
            ).encode()
        )


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async with serving(OK) as raw, client() as made:
        await post(made, raw)
        raw.writers[0].close()
        # Not known here yet: the request goes out over it, and nobody is there.
        assert await post(made, raw) == 200
        assert raw.connections == 2


async def test_a_connection_that_nobody_uses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "IDLE_SECONDS", 0.01)
    async with serving(OK) as raw, client(timeout=0.2) as made:
        assert await post(made, raw) == 200

        async with asyncio.timeout(30):
            await raw.writers[0].wait_closed()

        assert await post(made, raw) == 200
        assert raw.connections == 2


async def test_at_the_same_time_each_request_has_a_connection_of_its_own() -> None:
    async with serving(OK) as raw, client() as made:
        await asyncio.gather(*(post(made, raw) for _ in range(5)))
        assert raw.connections == 5
        await asyncio.gather(*(post(made, raw) for _ in range(5)))
        assert raw.connections == 5


@pytest.mark.parametrize(
    "octets",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 2xx OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ntoo much",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
async def test_what_is_no_answer_is_told_apart(octets: bytes) -> None:
    async with serving(octets) as raw, client() as made:
        with pytest.raises(BrokenAnswer):
            await post(made, raw)


async def test_a_connection_closed_before_an_answer_is_an_error() -> None:
    async with serving(b"HTTP/1.1 200", closes=True) as raw, client() as made:
        with pytest.raises(ConnectionError):
            await post(made, raw)


async def test_an_answer_that_does_not_end_is_given_up() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok") as raw, client(timeout=0.1) as made:
        with pytest.raises(TimeoutError):
            await post(made, raw)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
async def test_a_header_cannot_bring_others_with_it(value: str) -> None:
    async with serving(OK) as raw, client() as made:
        with pytest.raises(ValueError, match="line break"):
            await made.request("POST", f"http://127.0.0.1:{raw.port}/", {"X": value}, b"")
        assert not raw.requests


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example", (False, "a.example", 80, "/", "a.example")),
        ("https://A.example:8443/p?q", (True, "a.example", 8443, "/p?q", "a.example:8443")),
        ("https://bücher.example/", (True, "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example")),
        ("http://[2001:db8::1]:81/", (False, "2001:db8::1", 81, "/", "[2001:db8::1]:81")),
    ],
)
def test_urls_are_read(url: str, expected: tuple[object, ...]) -> None:
    assert tuple(target_of(url)) == expected
