"""Lets a test end the process at a named point, as a power cut would. Nothing happens unless the environment asks.

    GATEWAY_FAULT_POINT="after depart:3"      SIGKILL when that point is reached for the third time

The points (KIND: add, depart, record, end, amend, receive, inbound, acknowledge and other kinds of the store's work):

    KIND              its transaction has begun, nothing of it is written
    before commit     everything of a transaction is written, whatever it holds
    before KIND       ... a transaction that holds such work
    after commit      a transaction is on the disk, nobody has been told
    after KIND        ... a transaction that holds such work
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from gateway.errors import GatewayError

VARIABLE: Final = "GATEWAY_FAULT_POINT"


def fault_from(environment: Mapping[str, str]) -> Callable[[str], None] | None:
    """What to call at each point; None where no fault is asked for.

    Raises:
        GatewayError: what is asked for cannot be read.
    """
    wanted = environment.get(VARIABLE, "")
    if not wanted:
        return None
    point, _, number = wanted.rpartition(":")
    if not point or not number.isdecimal() or not int(number):
        raise GatewayError(f"{VARIABLE}: expected POINT:COUNT such as 'after add:1', not {wanted!r}")
    left = int(number)

    def reach(reached: str) -> None:
        nonlocal left
        if reached == point:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    return reach
