"""smpp.recording.tap: between a transport and its protocol."""

import asyncio
import io
from pathlib import Path
from typing import Any

import smpp
from smpp.recording import tapped
from smpp.tools.capture import read_capture
from tests.smpp.recording.memory import BIND, ENQUIRE_LINK, MASKED_BIND


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__(
            {"sockname": ("127.0.0.1", 40000), "peername": ("127.0.0.1", 2775)},
        )
        self.written = b""
        self.is_paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.is_paused = True


class Inner(asyncio.Protocol):
    """Keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return False

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append(exc)


def test_without_a_recorder_the_protocol_is_itself() -> None:
    inner = Inner()
    assert tapped(inner, None, is_server=False) is inner


def test_everything_is_handed_on_and_recorded(tmp_path: Path) -> None:
    path, inner, transport = tmp_path / "session.pcapng", Inner(), Transport()
    tap = tapped(inner, smpp.Recorder(path), is_server=False)
    tap.connection_made(transport)
    assert inner.transport is not None
    inner.transport.write(BIND)
    tap.data_received(ENQUIRE_LINK)
    inner.transport.writelines([ENQUIRE_LINK[:4], ENQUIRE_LINK[4:]])
    inner.transport.pause_reading()
    tap.pause_writing()
    tap.resume_writing()
    tap.eof_received()
    error = OSError("broken")
    tap.connection_lost(error)
    assert inner.calls == [ENQUIRE_LINK, "pause", "resume", "eof", error]
    assert transport.written == BIND + ENQUIRE_LINK
    assert transport.is_paused
    found = [(pdu.octets, pdu.source) for pdu in read_capture(io.BytesIO(path.read_bytes()))]
    assert found == [
        (MASKED_BIND, "127.0.0.1:40000"),
        (ENQUIRE_LINK, "127.0.0.1:2775"),
        (ENQUIRE_LINK, "127.0.0.1:40000"),
    ]


def test_a_server_records_its_peer_as_the_one_who_opened(tmp_path: Path) -> None:
    path, inner = tmp_path / "session.pcapng", Inner()
    tap = tapped(inner, smpp.Recorder(path), is_server=True)
    tap.connection_made(Transport())
    tap.connection_lost(None)
    # The SYN is the first packet, behind a section header (28) and an interface description (20).
    packet = path.read_bytes()[48 + 28 :]
    assert packet[20:24] == (2775).to_bytes(2) + (40000).to_bytes(2)
    assert packet[33] == 2
