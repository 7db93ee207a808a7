"""Simulated providers: HTTP servers that answer as the providers' documents say, and call back.

What they know is written out in `sim_<provider>.py`, from the documents; they share nothing with the gateway's tables.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

PATIENCE_SECONDS = 60.0
REPORT_TRIES = 100
REPORT_PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class Taken:
    """A request that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: "CIMultiDict[str]"
    body: bytes
    content: dict[str, Any]
    """Of a form or a JSON body."""


@dataclass(slots=True)
class Sms:
    """A message that was taken."""

    id: str
    sender: str
    recipient: str
    text: str
    report_to: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    state: str = ""
    """The last word of ours: 'delivered', 'failed', 'expired', 'rejected'."""


@dataclass(slots=True)
class Said:
    """What an app of ours answered to a callback."""

    status: int
    body: bytes


class SimProvider:
    """What all have in common: requests are recorded, tests may answer in their place."""

    def __init__(self) -> None:
        self.requests: list[Taken] = []
        self.messages: list[Sms] = []
        self.said: list[Said] = []
        self.instead: Callable[[Taken], Awaitable[web.StreamResponse | None]] | None = None
        """Answers in place of the provider; None: as usual; ConnectionResetError cuts the connection."""
        self.final: str = "delivered"
        """What becomes of messages at once; empty: nothing, until `report` is called."""
        self.port = 0
        self._came = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    # --- for each provider ---

    async def answer(self, taken: Taken) -> web.StreamResponse:
        """Answer a request as the document says."""
        raise NotImplementedError

    def report_call(self, sms: Sms) -> tuple[str, str, dict[str, str], bytes]:
        """Method, address, headers and body of a delivery report."""
        raise NotImplementedError

    def inbound_call(self, sender: str, recipient: str, text: str) -> tuple[str, dict[str, str], bytes]:
        """Method, headers and body of a message from a handset."""
        raise NotImplementedError

    # --- for tests ---

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so that depends on what came."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._came.clear()
                await self._came.wait()

    async def report(self, sms: Sms, state: str = "delivered") -> Said | None:
        """Report on a message; what the app answered, if there is an address to report to."""
        sms.state = state
        if not sms.report_to:
            return None
        method, url, headers, body = self.report_call(sms)
        return await self.call(method, url, headers, body)

    async def send_inbound(self, url: str, sender: str, recipient: str, text: str) -> Said:
        """Hand over a message from a handset."""
        method, headers, body = self.inbound_call(sender, recipient, text)
        return await self.call(method, url, headers, body)

    async def call(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Said:
        """Call an app back."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.request(method, url, headers=headers, data=body) as response:
            said = Said(response.status, await response.read())
        self.said.append(said)
        self._came.set()
        return said

    # --- the server ---

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take a request."""
        body = await request.read()
        content: dict[str, Any] = {}
        if request.content_type == "application/json" and body:
            content = json.loads(body)
        elif request.content_type == "application/x-www-form-urlencoded":
            content = dict(await request.post())
        taken = Taken(request.method, request.path, dict(request.query), CIMultiDict(request.headers), body, content)
        self.requests.append(taken)
        self._came.set()
        if self.instead is not None:
            try:
                answer = await self.instead(taken)
            except ConnectionResetError:
                if request.transport is not None:
                    request.transport.abort()
                answer = web.Response()
            if answer is not None:
                return answer
        return await self.answer(taken)

    def took(self, sms: Sms) -> None:
        """Keep a message; its report follows."""
        self.messages.append(sms)
        self._came.set()
        if self.final:
            task = asyncio.get_running_loop().create_task(self._report_soon(sms))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _report_soon(self, sms: Sms) -> None:
        """Report, and again until it is taken, as all of them do."""
        for _ in range(REPORT_TRIES):
            try:
                said = await self.report(sms, self.final)
            except aiohttp.ClientError:
                said = Said(0, b"")
            if said is None or said.status == 200:
                return
            await asyncio.sleep(REPORT_PAUSE_SECONDS)

    async def close(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


@asynccontextmanager
async def running(provider: SimProvider, *, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[SimProvider]:
    """A provider on a free port."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", provider.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", provider.port, ssl_context=ssl_context)
    await site.start()
    provider.port = runner.addresses[0][1]
    try:
        yield provider
    finally:
        await provider.close()
        await runner.cleanup()


def answer_json(content: object, status: int = 200, **headers: str) -> web.Response:
    """An answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        status=status, body=json.dumps(content).encode(), content_type="application/json", headers=named
    )
