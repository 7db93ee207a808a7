"""The process: which event loop it runs on, how seldom the collector looks at it, how its threads take turns."""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Final, Literal

from gateway.errors import GatewayError

LoopName = Literal["auto", "asyncio", "uvloop"]

COLLECT_EVERY: Final = (50_000, 20, 100)
"""Objects made and not freed between collections of the youngest, and collections between those of older ones."""
SWITCH_SECONDS: Final = 0.0005
"""How long the loop may keep the interpreter from the store's thread, which needs it for moments again and again."""


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


def settle_process() -> None:
    """Fit the interpreter to a gateway that has started.

    The collector passes over what is held for good, and looks less often: with the interpreter's own settings it takes
    a fifth of the time of a busy gateway, where each message makes objects that live for some milliseconds, none of
    them in a cycle. Threads take shorter turns: a commit asks for the interpreter dozens of times, and would wait for
    most of its time (a twelfth more messages get through).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_EVERY)
    sys.setswitchinterval(SWITCH_SECONDS)
