"""The life of the process: one gateway after another, until it is told to end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import Final

import structlog

from gateway.app import Gateway
from gateway.config import Config
from gateway.errors import ConfigError, StoreError
from gateway.http import ListenError
from gateway.tasks import cancel_all

log = structlog.stdlib.get_logger("gateway")

_ANEW_SECONDS: Final = 1.0


async def _is_asked(asked: asyncio.Event, gateway: Gateway) -> bool:
    """Wait until a stop is asked for, or the node's work is another's; whether it was the former."""
    tasks = [asyncio.ensure_future(asked.wait()), asyncio.ensure_future(gateway.wait_lost())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_all(tasks)
    return asked.is_set()


async def _begin_anew(lost: Gateway, asked: asyncio.Event) -> Gateway:
    """Drop everything that was begun, uplinks first, and become a node again."""
    await lost.stop()
    while True:
        gateway = Gateway(lost.declared, source=lost.source)
        try:
            await gateway.start()
        except (StoreError, ListenError) as error:
            log.warning("the node cannot begin anew; trying again", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANEW_SECONDS):
                    await asked.wait()
            if asked.is_set():
                return gateway
        else:
            public, admin = gateway.addresses
            log.info("serving again", http=public, admin=admin)
            return gateway


async def _reload(gateway: Gateway) -> None:
    """SIGHUP: the answer is in the log."""
    try:
        done = await gateway.reload()
    except (ConfigError, StoreError) as error:
        log.error("the config was not read again: the old one stays", error=str(error))
    else:
        log.info("the config was read again", changed=done.changed, restart_needed=done.restart_needed)


async def run(
    config: Config,
    on_ready: Callable[[Gateway], None] | None = None,
    *,
    source: Callable[[], Config] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order; a second signal ends the process at once. SIGHUP reloads.

    Args:
        config: everything about the gateway.
        on_ready: called when it listens.
        source: reads the config again, for a reload; without it there is none.
    """
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def ask(name: str) -> None:
        if asked.is_set():
            log.warning("ended without stopping in order", signal=name)
            # Not an exception: that would run every step of stopping after all. Whatever is promised is in the store.
            os._exit(1)
        log.info("stopping", signal=name, deadline_seconds=config.node.shutdown_seconds)
        asked.set()

    def reload() -> None:
        task = loop.create_task(_reload(gateway))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    gateway = Gateway(config, source=source)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number.name)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        await gateway.start()
        public, admin = gateway.addresses
        more = {"dialects": gateway.dialect_addresses} if gateway.dialect_addresses else {}
        log.info("serving", http=public, admin=admin, smpp=gateway.smpp_ports, uplinks=sorted(gateway.uplinks), **more)
        if on_ready is not None:
            on_ready(gateway)
        while not await _is_asked(asked, gateway):
            gateway = await _begin_anew(gateway, asked)
    finally:
        await cancel_all(reloads)
        await gateway.stop()
        log.info("stopped")
