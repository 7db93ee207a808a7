"""Keeps services going: each is asked again and again whether something is due."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from gateway.errors import StoreError
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

Sweep = Callable[[], Awaitable[bool]]
"""Does some of what is due; whether nothing is left to do now."""

SWEEP_SECONDS: Final = 1.0


class Runner:
    """Asks services what is due.

    Args:
        sweeps: by the service's name.
        may_run: whether this node may write now.
        seconds: how long one that is done is left alone.
    """

    def __init__(
        self,
        sweeps: Mapping[str, Sweep],
        *,
        may_run: Callable[[], bool] = lambda: True,
        seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._sweeps = sweeps
        self._may_run = may_run
        self._seconds = seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(name, sweep)) for name, sweep in self._sweeps.items()]

    async def stop(self) -> None:
        """End; what is due stays due."""
        await cancel_all(self._tasks)

    async def _run(self, name: str, sweep: Sweep) -> None:
        while True:
            try:
                is_done = not self._may_run() or await sweep()
            except StoreError as error:
                log.warning("a service waits for the store", service=name, error=str(error))
                is_done = True
            except Exception:
                log.exception("a service was interrupted", service=name)
                is_done = True
            await asyncio.sleep(self._seconds if is_done else 0)
