"""One connection in a recording: what was sent and received as TCP segments, passwords hidden. No I/O, no clock."""

import struct
from collections.abc import Iterable
from enum import IntFlag
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Protocol

from smpp.constants import HEADER_LENGTH, MAX_COMMAND_LENGTH, CommandId
from smpp.recording.packets import ip_packet, same_family

_WITH_PASSWORD: Final = frozenset(
    {CommandId.BIND_RECEIVER, CommandId.BIND_TRANSMITTER, CommandId.BIND_TRANSCEIVER, CommandId.OUTBIND}
)
_ID_END: Final = 8
"""Octets that tell length and command of a PDU."""

_FOR_EVER: Final = 1 << 62
_MAX_SEGMENT: Final = 32_768


class Sink(Protocol):
    """Where a stream goes: a `smpp.recording.Recorder`."""

    def write(self, packets: Iterable[bytes], now: float) -> None:
        """Append packets."""

    def leave(self) -> None:
        """A stream is over."""


class _Flag(IntFlag):
    """TCP flags. RFC 9293 §3.1."""

    FIN = 1
    SYN = 2
    PSH = 8
    ACK = 16


class RecordedStream:
    """One connection in a recording: a TCP stream made up from what was sent and received.

    Args:
        sink: where it goes.
        client: address and port of who opened it.
        server: address and port of the other side.
        now: when it was opened.
    """

    def __init__(
        self, sink: Sink, client: tuple[str, int], server: tuple[str, int], now: float, *, with_passwords: bool = False
    ) -> None:
        self._sink = sink
        addresses = same_family(client[0], server[0])
        # RFC 793 §3.3: numbers that move with the clock; two streams with the same ports must not look like one.
        start = int(now * 250_000) % (1 << 32)
        self._client = _Side(addresses[0], client[1], start, with_passwords)
        self._server = _Side(addresses[1], server[1], start, with_passwords)
        opening = [self._packet(self._client, _Flag.SYN), self._packet(self._server, _Flag.SYN | _Flag.ACK)]
        sink.write([*opening, self._packet(self._client, _Flag.ACK)], now)
        self._is_over = False

    def from_client(self, octets: bytes, now: float) -> None:
        """The side that opened the connection sent this."""
        self._record(self._client, octets, now)

    def from_server(self, octets: bytes, now: float) -> None:
        """The other side sent this."""
        self._record(self._server, octets, now)

    def close(self, now: float, *, by_client: bool = True) -> None:
        """The connection is over; what is left of a bind is written with everything behind its header hidden."""
        if self._is_over:
            return
        self._is_over = True
        for side in (self._client, self._server):
            rest = side.mask.rest()
            if rest:
                self._sink.write(self._segments(side, rest), now)
        first, second = (self._client, self._server) if by_client else (self._server, self._client)
        ends = [self._packet(side, _Flag.FIN | _Flag.ACK) for side in (first, second)]
        self._sink.write([*ends, self._packet(first, _Flag.ACK)], now)
        self._sink.leave()

    def _record(self, side: "_Side", octets: bytes, now: float) -> None:
        if self._is_over:
            return
        octets = side.mask.feed(octets)
        if octets:
            self._sink.write(self._segments(side, octets), now)

    def _segments(self, side: "_Side", octets: bytes) -> list[bytes]:
        starts = range(0, len(octets), _MAX_SEGMENT)
        return [self._packet(side, _Flag.PSH | _Flag.ACK, octets[at : at + _MAX_SEGMENT]) for at in starts]

    def _packet(self, side: "_Side", flags: _Flag, payload: bytes = b"") -> bytes:
        other = self._server if side is self._client else self._client
        acknowledged = other.sequence if flags & _Flag.ACK else 0
        header = struct.pack(
            ">HHIIBBHHH", side.port, other.port, side.sequence, acknowledged, 5 << 4, flags, 0xFFFF, 0, 0
        )
        side.sequence += len(payload) + bool(flags & (_Flag.SYN | _Flag.FIN))
        side.sequence %= 1 << 32
        return ip_packet(side.address, other.address, header + payload)


class _Side:
    """One end of a stream."""

    def __init__(self, address: IPv4Address | IPv6Address, port: int, sequence: int, with_passwords: bool) -> None:
        self.address = address
        self.port = port
        self.sequence = sequence
        self.mask = _Mask(with_passwords)


class _Mask:
    """Hides passwords in a stream of PDUs; all else goes through as soon as it comes."""

    def __init__(self, is_off: bool) -> None:
        self._is_off = is_off
        self._held = b""
        """The beginning of a PDU: of any, until its command is known; of a bind, until it is whole."""
        self._passing = 0
        """Octets that are left of a PDU without a password."""
        self._hides = False

    def feed(self, octets: bytes) -> bytes:
        """What may be shown of these octets and those that were held back."""
        if self._is_off:
            return octets
        data, self._held = self._held + octets, b""
        shown: list[bytes] = []
        at = 0
        while at < len(data):
            if not self._passing:
                if len(data) - at < _ID_END:
                    break
                length, command_id = struct.unpack_from(">II", data, at)
                if not HEADER_LENGTH <= length <= MAX_COMMAND_LENGTH:
                    # Where the next PDU begins is not known. A bind with such a length keeps its secret.
                    shown.append(data[at : at + _ID_END])
                    at += _ID_END
                    self._passing = _FOR_EVER
                    self._hides = command_id in _WITH_PASSWORD
                elif command_id not in _WITH_PASSWORD:
                    self._passing = length
                elif len(data) - at >= length:
                    shown.append(without_password(data[at : at + length]))
                    at += length
                    continue
                else:
                    break
            end = min(len(data), at + self._passing)
            self._passing -= end - at
            shown.append(b"*" * (end - at) if self._hides else data[at:end])
            at = end
        self._held = data[at:]
        return b"".join(shown)

    def rest(self) -> bytes:
        """What was held back when the stream ended."""
        held, self._held = self._held, b""
        return held[:HEADER_LENGTH] + b"*" * (len(held) - HEADER_LENGTH)


def without_password(octets: bytes) -> bytes:
    """A whole bind or outbind with as many asterisks as its password is long. §4.1.1, §4.1.7."""
    start = octets.find(b"\0", HEADER_LENGTH) + 1 or HEADER_LENGTH  # no NUL behind system_id: hide all of it
    end = octets.find(b"\0", start) if start > HEADER_LENGTH else -1
    end = len(octets) if end < 0 else end
    return octets[:start] + b"*" * (end - start) + octets[end:]
