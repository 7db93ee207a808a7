"""The public listener with one dialect over stand-ins for the services, in a loop of its own: SDKs block."""

import asyncio
import threading

from gateway.http import serve
from gateway.providers import PROVIDERS
from gateway.providers.base import Dialect
from gateway.web.app import build_app
from tests.gateway.providers.fakes import World

PATIENCE_SECONDS = 60.0


class DialectListener:
    """One dialect, listening."""

    def __init__(self, dialect: Dialect) -> None:
        self.world = World()
        self.url = ""
        self._dialect = dialect
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))

    async def _serve(self) -> None:
        async def is_healthy() -> bool:
            return True

        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        prefix = PROVIDERS[self._dialect.name].prefix
        app = build_app(self.world.services, dialects={prefix: self._dialect}, is_healthy=is_healthy)
        listener = await serve(app, "127.0.0.1:0", access_log=False)
        self.url = f"http://{listener.addresses[0]}{prefix}"
        self._ready.set()
        await self._done.wait()
        await listener.stop()

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(PATIENCE_SECONDS)
