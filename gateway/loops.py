"""The process: which event loop it runs on, and how seldom the collector of cycles looks at it."""

import asyncio
import gc
from collections.abc import Callable
from typing import Final, Literal

from gateway.errors import GatewayError

LoopName = Literal["auto", "asyncio", "uvloop"]

COLLECT_EVERY: Final = (50_000, 20, 100)
"""Objects made and not freed between collections of the youngest, and collections between those of older ones."""


def new_loop(name: LoopName) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop of that name; `auto` is uvloop where it is installed.

    Raises:
        GatewayError: uvloop is asked for and not installed.
    """
    if name == "asyncio":
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        if name == "uvloop":
            raise GatewayError("uvloop is not installed: pip install 'smppkit[uvloop]'") from None
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def spare_collector() -> None:
    """Let the collector pass over what a gateway that has started holds for good, and look less often.

    With the interpreter's own settings it takes a fifth of the time of a busy gateway: each message makes objects that
    live for some milliseconds, none of them in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_EVERY)
