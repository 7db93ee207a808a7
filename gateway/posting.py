"""A small HTTP/1.1 client for callbacks: checked addresses, kept connections, bodies of answers read past.

    post ──► idle connection, or a new one to a checked address ──► one write ──► status

It does what callbacks need and no more, at a fifth of the processor time of a general client: no redirects, no cookies,
no proxies, nothing unpacked. An answer is over with its body, or with its head where the body is too long to be worth
the connection.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from gateway.outgoing import DNS_CACHE_SECONDS, USER_AGENT, CheckedResolver

IDLE_SECONDS: Final = 15.0
"""How long an unused connection is kept: less than servers do."""
LOOK_SECONDS: Final = 0.25
"""How often it is looked for answers that are overdue: one timer for all of them costs nothing."""
HEAD_LIMIT: Final = 65_536
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: |\r|$)")
_SAFE: Final = "/%:@!$&'()*+,;=?-._~[]"


class BrokenAnswer(OSError):
    """What came is no HTTP answer."""


class Target(NamedTuple):
    """Where a URL leads."""

    is_tls: bool
    host: str
    port: int
    path: str
    authority: str


@lru_cache(1024)
def target_of(url: str) -> Target:
    """Read a URL.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    name = parts.hostname or ""
    host = name if name.isascii() else name.encode("idna").decode("ascii")
    port = parts.port or (443 if is_tls else 80)
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    shown = f"[{host}]" if ":" in host else host
    return Target(is_tls, host, port, path, shown if parts.port is None else f"{shown}:{port}")


class PostClient:
    """Makes requests.

    Args:
        resolver: gives the addresses a name may be called at.
        timeout_seconds: for one request, names and connections included.
        body_limit: the longest body of an answer that is read.
    """

    def __init__(self, resolver: CheckedResolver, *, timeout_seconds: float, body_limit: int) -> None:
        self._resolver = resolver
        self._timeout = timeout_seconds
        self._limit = body_limit
        self._idle: dict[tuple[bool, str, int], list[Connection]] = {}
        self._open: set[Connection] = set()
        self._names: dict[tuple[str, int], tuple[float, list[str]]] = {}
        self._tls: ssl.SSLContext | None = None
        self._look_seconds = min(LOOK_SECONDS, timeout_seconds / 4)
        self._looking: asyncio.TimerHandle | None = None

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Make a request; the status of its answer.

        Raises:
            TimeoutError: no answer in time.
            OSError: no connection, or what came is no answer.
            ValueError: the URL or a header cannot be sent.
        """
        target = target_of(url)
        octets = _octets(method, target, headers, body)
        deadline = asyncio.get_running_loop().time() + self._timeout
        connection = self._take(target)
        if connection is not None:
            try:
                return await self._exchange(connection, octets, target, deadline)
            except ConnectionError:
                if connection.has_answered:
                    raise
                # It was closed while it was idle: nobody has read what we wrote, or would have said so.
        async with asyncio.timeout_at(deadline):
            connection = await self._connect(target)
        return await self._exchange(connection, octets, target, deadline)

    async def _exchange(self, connection: "Connection", octets: bytes, target: Target, deadline: float) -> int:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(self._look_seconds, self._look)
        connection.until = deadline
        try:
            status = await connection.exchange(octets)
        except BaseException:
            connection.abort()
            raise
        if connection.is_reusable:
            self._idle.setdefault(target[:3], []).append(connection)
            connection.until = asyncio.get_running_loop().time() + IDLE_SECONDS
        return status

    def _look(self) -> None:
        """End what has taken too long, and what nobody has used for long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [one for one in self._open if one.until <= now]:
            connection.expire()
        self._looking = loop.call_later(self._look_seconds, self._look) if self._open else None

    def _take(self, target: Target) -> "Connection | None":
        idle = self._idle.get(target[:3])
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                return connection
        self._idle.pop(target[:3], None)
        return None

    async def _connect(self, target: Target) -> "Connection":
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for address in await self._addresses(target):
            try:
                _, connection = await loop.create_connection(
                    lambda: Connection(self._limit, self._open),
                    address,
                    target.port,
                    ssl=self._context() if target.is_tls else None,
                    server_hostname=target.host if target.is_tls else None,
                )
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure or OSError("the name leads nowhere")

    async def _addresses(self, target: Target) -> list[str]:
        if _is_address(target.host):
            # Whoever asks has checked it.
            return [target.host]
        now = asyncio.get_running_loop().time()
        until, found = self._names.get((target.host, target.port), (0.0, []))
        if now >= until:
            if len(self._names) > 1_000:
                self._names.clear()
            found = [one["host"] for one in await self._resolver.resolve(target.host, target.port)]
            self._names[target.host, target.port] = now + DNS_CACHE_SECONDS, found
        return found

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def close(self) -> None:
        """Close all connections."""
        if self._looking is not None:
            self._looking.cancel()
        for connection in list(self._open):
            connection.abort()
        await self._resolver.close()


class Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, body_limit: int, register: "set[Connection]") -> None:
        self._limit = body_limit
        self._register = register
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._buffer = bytearray()
        self._status = 0
        self._left = 0
        """Octets of the body to come; -1: in chunks."""
        self._read = 0
        self.is_reusable = True
        self.until = float("inf")
        """When its answer is overdue, or it has not been used for long enough; on the loop's clock."""
        self.has_answered = False
        """Whether any octet of an answer to the last request came."""

    async def exchange(self, octets: bytes) -> int:
        """Send a request; the status of its answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("closed by the other side")
        self._buffer.clear()
        self._status = self._read = 0
        self.has_answered = False
        self._answer = self._loop.create_future()
        transport.write(octets)
        try:
            return await self._answer
        finally:
            self._answer = None

    def expire(self) -> None:
        """Its time is over."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError("no answer in time"))
        self.abort()

    def abort(self) -> None:
        """Close it now."""
        self.is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = transport  # type: ignore[assignment]
        self._register.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed."""
        self._register.discard(self)
        self.is_reusable = False
        if self._answer is not None and not self._answer.done():
            if self._status:
                # The body was what ended with the connection; nobody looks at it.
                self._answer.set_result(self._status)
            else:
                self._answer.set_exception(error or ConnectionResetError("closed by the other side"))

    def data_received(self, data: bytes) -> None:
        """Octets of an answer."""
        if self._answer is None or self._answer.done():
            # Nobody asked.
            self.abort()
            return
        self.has_answered = True
        self._buffer += data
        try:
            if self._status or self._read_head():
                self._read_body()
        except BrokenAnswer as error:
            self._answer.set_exception(error)
            self.abort()

    def _read_head(self) -> bool:
        """Whether the head is whole; those of interim answers are left out."""
        while True:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    raise BrokenAnswer("the head of the answer does not end")
                return False
            head = bytes(self._buffer[: end + 2])
            del self._buffer[: end + 4]
            status = _STATUS.match(head)
            if status is None:
                raise BrokenAnswer("what came is no HTTP answer")
            if int(status[2]) >= 200:
                break
        self._status = int(status[2])
        length = _LENGTH.search(head)
        if self._status in (204, 304):
            self._left = 0
        elif _CHUNKED.search(head):
            self._left = -1
        elif length is not None:
            self._left = int(length[1])
        else:
            # It ends with the connection: nobody waits for that.
            self._left, self.is_reusable = 0, False
            self._buffer.clear()
        if status[1] == b"0" or _CLOSE.search(head):
            self.is_reusable = False
        return True

    def _read_body(self) -> None:
        if self._left < 0:
            is_over = self._read_chunks()
        else:
            self._left -= len(self._buffer)
            self._read += len(self._buffer)
            self._buffer.clear()
            if self._left < 0:
                raise BrokenAnswer("more came than was announced")
            is_over = not self._left
        if not is_over and (self._left > self._limit or self._read > self._limit):
            # Not worth reading to its end for the sake of the connection.
            is_over, self.is_reusable = True, False
        if is_over:
            self._end()

    def _read_chunks(self) -> bool:
        """Read past what came of the chunks; whether they are over."""
        while True:
            end = self._buffer.find(b"\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    raise BrokenAnswer("chunks cannot be told apart")
                return False
            try:
                size = int(bytes(self._buffer[:end]).partition(b";")[0], 16)
            except ValueError:
                raise BrokenAnswer("chunks cannot be told apart") from None
            if not size:
                # Trailers are rare: with any, the connection is not kept.
                self.is_reusable = self.is_reusable and self._buffer[end:] == _HEAD_END
                return True
            if size > self._limit:
                self._read = self._limit + 1
                return False
            if len(self._buffer) < end + 2 + size + 2:
                return False
            del self._buffer[: end + 2 + size + 2]
            self._read += size

    def _end(self) -> None:
        if self._answer is not None:
            self._answer.set_result(self._status)
        if not self.is_reusable:
            self.abort()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _octets(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.authority}", f"User-Agent: {USER_AGENT}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Accept: */*")
    head = "\r\n".join(lines)
    if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header with a line break in it")
    return head.encode("utf-8") + _HEAD_END + body
