"""Ports for programs that have to be told one."""

import contextlib
import random
import socket
from typing import Final

PORTS: Final = (20_000, 32_000)
"""Below those that Linux gives to connections of its own choice."""


def free_port() -> int:
    """A port that nobody has, and that the system gives to nobody who asks for any."""
    while True:
        port = random.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
