"""Recorded streams in memory, and what a reader makes of their packets."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from smpp.recording import RecordedStream

CLIENT, SERVER = ("127.0.0.1", 40000), ("127.0.0.1", 2775)
BIND = bytes.fromhex(
    "00000027 00000009 00000000 00000001 65736d6500 73656372657400 766d7300 34 00 00 5e343400".replace(" ", "")
)
MASKED_BIND = BIND.replace(b"secret", b"******")
ENQUIRE_LINK = bytes.fromhex("00000010000000150000000000000002")


@dataclass(frozen=True)
class Packet:
    """What a test asks of an IPv4 packet."""

    source_port: int
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes
    now: float


class Memory:
    """Keeps packets instead of writing them."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.packets: list[Packet] = []
        self.has_left = False

    def write(self, packets: Iterable[bytes], now: float) -> None:
        """Append packets."""
        for packet in packets:
            self.raw.append(packet)
            port, sequence, acknowledged, flags = struct.unpack(">H2xIIxB", packet[20:34])
            self.packets.append(Packet(port, sequence, acknowledged, flags, packet[40:], now))

    def leave(self) -> None:
        """A stream is over."""
        self.has_left = True

    @property
    def from_client(self) -> bytes:
        """What the client sent."""
        return b"".join(packet.payload for packet in self.packets if packet.source_port == CLIENT[1])

    @property
    def from_server(self) -> bytes:
        """What the server sent."""
        return b"".join(packet.payload for packet in self.packets if packet.source_port == SERVER[1])


def recorded(*pieces: bytes, with_passwords: bool = False, ends: bool = True) -> Memory:
    """A stream in which the client sends these pieces."""
    memory = Memory()
    stream = RecordedStream(memory, CLIENT, SERVER, 1000.0, with_passwords=with_passwords)
    for piece in pieces:
        stream.from_client(piece, 1001.0)
    if ends:
        stream.close(1002.0)
    return memory
