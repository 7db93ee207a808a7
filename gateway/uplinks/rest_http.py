"""Requests to a provider: verified TLS, no redirects, answers within a limit, and whether an octet of them has left.

A request may be repeated only where none has. aiohttp is asked at the one place that knows: just before it writes.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import aiohttp
from yarl import URL

from gateway.config import UplinkConfig
from gateway.outgoing import USER_AGENT
from gateway.providers.connecting import HttpCall, HttpReply
from smpp.ratelimit import Pacer

KEEP_ALIVE_SECONDS: Final = 4.0
"""Less than servers keep idle connections, some of which close them after five: a request that meets the end of its
connection is in doubt, and may go out twice."""
DNS_CACHE_SECONDS: Final = 30
CHUNK_OCTETS: Final = 1 << 16
OTHER_CONNECTIONS: Final = 8
"""At least so many, for questions, look-ups and what is passed on."""
STREAM_SECONDS: Final = 900.0
"""Within this a file that is passed on has to reach the provider."""


class NoReply(Exception):
    """A request that got no answer that can be read; the text has neither URL nor body.

    Attributes:
        has_left: whether an octet of it may have reached the provider.
    """

    def __init__(self, text: str, *, has_left: bool) -> None:
        super().__init__(text)
        self.has_left = has_left


@dataclass(slots=True)
class Journey:
    """What is known of one request while it is under way."""

    may_leave: Callable[[], bool]
    has_left: bool = False


class _Held(Exception):
    """It must not leave any more."""


class ProviderClient:
    """Talks to one provider.

    Args:
        base_url: where its API is; a path at its end stands before every call's.
        may_send: asked at the moment a request would leave.
    """

    def __init__(self, config: UplinkConfig, *, base_url: str, may_send: Callable[[], bool], concurrency: int) -> None:
        self._config = config
        self._base_url = base_url.rstrip("/")
        self._may_send = may_send
        self._concurrency = concurrency
        self.pacer = Pacer(config.requests_per_second)
        self._turn = asyncio.Lock()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """For messages, and for all else: no file on its way may keep a message from its connection."""
        self._held_until = 0.0

    @property
    def address(self) -> str:
        """``host:port``, for logs and the timeline."""
        url = URL(self._base_url)
        return f"{url.host}:{url.port}"

    async def close(self) -> None:
        """Close all connections."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    # --- pace ---

    def hold(self, seconds: float) -> None:
        """Let nothing go for so long: the provider says that we are too fast."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)

    @property
    def held_seconds(self) -> float:
        """How long that is from now."""
        return max(0.0, self._held_until - asyncio.get_running_loop().time())

    async def wait_turn(self) -> None:
        """Wait until the pace allows one more request.

        Raises:
            NoReply: the provider has asked for a pause meanwhile.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            while True:
                if self.held_seconds:
                    raise NoReply("the provider has asked for a pause", has_left=False)
                wait = self.pacer.try_take(loop.time())
                if not wait:
                    return
                await asyncio.sleep(wait)

    # --- requests ---

    def journey(self) -> Journey:
        """For a request whose fate matters even where its maker is cancelled."""
        return Journey(self._may_send)

    async def call(self, call: HttpCall, journey: Journey | None = None) -> HttpReply:
        """Make a request, at its turn.

        Args:
            journey: of a message, whose fate matters.

        Raises:
            NoReply: there is no answer, or none that may be read.
        """
        is_message = journey is not None
        journey = journey or self.journey()
        await self.wait_turn()
        try:
            async with asyncio.timeout(self._config.timeout_seconds + self._config.connect_timeout_seconds):
                async with self._open(call, call.body or None, journey, is_message=is_message) as response:
                    return await self._read(response)
        except NoReply:
            raise
        except Exception as error:
            raise _no_reply(error, journey) from error

    async def stream(
        self, call: HttpCall, body: AsyncIterator[bytes] | None, *, limit: int
    ) -> tuple[HttpReply, AsyncIterator[bytes]]:
        """Make a request whose bodies are not held in memory; the answer's has to be read or closed.

        Raises:
            NoReply: there is no answer.
        """
        journey = self.journey()
        await self.wait_turn()
        context = self._open(call, body if body is not None else call.body or None, journey, is_message=False)
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                response = await context.__aenter__()
        except Exception as error:
            raise _no_reply(error, journey) from error
        reply = HttpReply(
            status=response.status, content_type=response.headers.get("Content-Type", ""), headers=response.headers
        )
        return reply, _chunks(response, limit)

    def _open(
        self, call: HttpCall, body: "bytes | AsyncIterator[bytes] | None", journey: Journey, *, is_message: bool
    ) -> "aiohttp.client._RequestContextManager":
        headers = dict(call.headers)
        # What is compressed could unfold to any size.
        headers["Accept-Encoding"] = "identity"
        if call.content_type:
            headers["Content-Type"] = call.content_type
        return self._session(is_message).request(
            call.method,
            URL(self._base_url + call.path, encoded=True),
            # A long one is written piece by piece, so that the loop has time for others.
            data=io.BytesIO(body) if isinstance(body, bytes) and len(body) > CHUNK_OCTETS else body,
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=journey,
        )

    async def _read(self, response: aiohttp.ClientResponse) -> HttpReply:
        limit = self._config.answer_limit_bytes
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                response.close()
                raise NoReply(f"the answer is longer than {limit} octets", has_left=True)
        return HttpReply(
            status=response.status,
            content_type=response.headers.get("Content-Type", ""),
            body=bytes(body),
            headers=response.headers,
        )

    def _session(self, is_message: bool) -> aiohttp.ClientSession:
        if is_message not in self._sessions:
            config = self._config
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_leaving)
            self._sessions[is_message] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=_tls(config) if self._base_url.startswith("https:") else True,
                    limit=self._concurrency if is_message else max(self._concurrency, OTHER_CONNECTIONS),
                    keepalive_timeout=KEEP_ALIVE_SECONDS,
                    ttl_dns_cache=DNS_CACHE_SECONDS,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=config.connect_timeout_seconds,
                    sock_connect=config.connect_timeout_seconds,
                    sock_read=config.timeout_seconds,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"User-Agent": USER_AGENT},
                trace_configs=[trace],
            )
        return self._sessions[is_message]


async def _note_leaving(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    """Called when a connection is there and the head is about to be written."""
    journey = context.trace_request_ctx
    if not journey.may_leave():
        raise _Held
    journey.has_left = True


def _tls(config: UplinkConfig) -> ssl.SSLContext:
    """Certificates are always verified."""
    return ssl.create_default_context(cafile=config.tls.ca_file or None)


def _no_reply(error: Exception, journey: Journey) -> NoReply:
    if isinstance(error, _Held):
        return NoReply("this node may not send any more", has_left=False)
    if isinstance(error, TimeoutError):
        return NoReply("no answer in time" if journey.has_left else "no connection in time", has_left=journey.has_left)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NoReply("its certificate cannot be verified", has_left=False)
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    reason = getattr(cause, "strerror", None)
    words = reason if isinstance(reason, str) and reason else type(error).__name__
    return NoReply(words if journey.has_left else f"no connection: {words}", has_left=journey.has_left)


async def _chunks(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    """An answer's body; one that is over the limit, or does not come to its end, raises NoReply."""
    size = 0
    try:
        async for chunk in response.content.iter_chunked(CHUNK_OCTETS):
            size += len(chunk)
            if size > limit:
                raise NoReply(f"the answer is longer than {limit} octets", has_left=True)
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NoReply(type(error).__name__, has_left=True) from error
    finally:
        response.close()
