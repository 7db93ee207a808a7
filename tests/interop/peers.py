"""Other implementations behind one face, so that one test holds for all of them.

A peer that is not installed fails the tests where the environment variable CI is set, and skips them otherwise.
"""

import importlib
import os
from dataclasses import dataclass, field
from types import ModuleType
from typing import NoReturn, Protocol

import pytest

HOST = "127.0.0.1"
PASSWORD = "secret"
REFUSED_DESTINATION = "447700900999"
"""A peer that is a server refuses messages to it with ESME_RINVDSTADR."""
REFUSED_SYSTEM_ID = "stranger"
"""A peer that is a server refuses its binds with ESME_RBINDFAIL, if it can."""
TIMEOUT = 60.0


def missing(peer: str, remedy: str) -> NoReturn:
    """Fail in CI, skip elsewhere."""
    text = f"{peer} is not installed, so nothing was tested with it; {remedy}"
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def peer_module(name: str) -> ModuleType:
    """A peer that is a Python package."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(name, "run make .venv/.dev")


@dataclass(frozen=True)
class Text:
    """A message, as a test hands it to a peer or as a peer saw it."""

    text: str | None = None
    """As the peer codes or decodes it; None where it knows octets only."""
    octets: bytes | None = None
    """Without the user data header; None where the peer shows text only."""
    udh: bytes = b""
    source: str = "INFO"
    destination: str = "447700900123"
    data_coding: int = 0
    esm_class: int = 0
    registered_delivery: int = 0
    tlvs: dict[int, bytes] = field(default_factory=dict)

    def is_like(self, text: str, octets: bytes) -> bool:
        """Whether it carries this text: compared as text or as octets, whichever is known."""
        assert self.text is not None or self.octets is not None
        return self.text in (None, text) and self.octets in (None, octets)


class PeerClient(Protocol):
    """An ESME by another implementation."""

    name: str
    sends_vendor_tlvs: bool
    sends_enquire_link: bool
    tells_bind_status: bool

    async def bind(self, port: int, mode: str, *, system_id: str = "peer", password: str = PASSWORD) -> int:
        """Connect and bind as "tx", "rx" or "trx"; the status of the answer, -1 for an error without one."""

    async def submit(self, text: Text) -> tuple[int, str]:
        """Submit one part; status and message_id of the answer."""

    async def submit_long(self, text: str) -> int:
        """Submit a text as parts with user data headers; how many."""

    async def delivered(self) -> Text:
        """The next deliver_sm."""

    async def enquire_link(self) -> int:
        """Send enquire_link; the status of the answer."""

    async def unbind(self) -> None:
        """Unbind and close."""

    async def stop(self) -> None:
        """Leave nothing behind."""


class PeerServer(Protocol):
    """An SMSC by another implementation. Ids of messages are "1", "2" and so on."""

    name: str
    refuses_binds: bool
    sends_enquire_link: bool
    answers_out_of_order: bool

    async def start(self) -> int:
        """Listen; the port."""

    async def submitted(self) -> Text:
        """The next submit_sm."""

    async def deliver(self, text: Text) -> int:
        """Send deliver_sm; the status of the answer."""

    async def enquire_link(self) -> int:
        """Send enquire_link; the status of the answer."""

    async def hold(self, count: int) -> None:
        """Answer in batches of so many, the last one first."""

    async def unbind(self) -> None:
        """Unbind the client."""

    async def unbound(self) -> None:
        """Wait until the client has unbound."""

    async def stop(self) -> None:
        """Leave nothing behind."""
