"""PDUs out of captures: hex lines, pcap and pcapng files.

How it works: `Stream` puts the segments of one direction of one connection in order, whatever way they were
captured (retransmitted, overlapping, out of order), and cuts the octets into PDUs. Where octets are missing for
good, or the place in the stream is lost, it says so and starts again with the next segment: SMPP peers begin most
segments with a PDU.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from smpp.constants import HEADER_LENGTH, MAX_COMMAND_LENGTH
from smpp.errors import FrameError
from smpp.tools.packets import CaptureError, Segment, is_capture, read_segments
from smpp.wire import FrameReader
from smpp.wire.pdu import MESSAGES

MAX_WAITING: Final = 1024
"""Segments that wait for a missing one before it is given up."""

_NUMBERS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Captured:
    """A PDU of a capture, or what is left of one.

    Attributes:
        octets: the PDU.
        source: address and port of the sender.
        destination: address and port of the receiver.
        time: when its last octet was captured.
        note: what is wrong with the stream at this place; the octets are then no whole PDU.
    """

    octets: bytes
    source: str
    destination: str
    time: datetime | None
    note: str = ""


class Stream:
    """One direction of one TCP connection.

    Args:
        source: address and port of the sender.
        destination: address and port of the receiver.
        is_smpp: whether its octets are PDUs from the start. If not, they are from the first segment on that begins
            with the header of a known PDU.
    """

    def __init__(self, source: str, destination: str, *, is_smpp: bool) -> None:
        self.source = source
        self.destination = destination
        self._is_smpp = is_smpp
        self._reader = FrameReader(MAX_COMMAND_LENGTH)
        self._opened: int | None = None
        self._expected: int | None = None
        self._waiting: dict[int, Segment] = {}
        self._time: datetime | None = None

    def add(self, segment: Segment) -> Iterator[Captured]:
        """Take a segment; the PDUs that are complete with it."""
        start = segment.sequence
        if segment.is_syn:
            if segment.sequence == self._opened:
                return  # sent again
            yield from self.end()
            self._opened = segment.sequence
            self._expected = start = (segment.sequence + 1) % _NUMBERS
        if segment.payload:
            known = self._waiting.get(start)
            if known is None or len(known.payload) < len(segment.payload):
                self._waiting[start] = segment
            if self._expected is None:  # The capture began in the middle of the connection.
                self._expected = start
        yield from self._read()
        if len(self._waiting) > MAX_WAITING:
            yield from self._skip()

    def end(self) -> Iterator[Captured]:
        """The connection or the capture is over: what is left."""
        while self._waiting:
            yield from self._skip()
        yield from self._left("the stream ends inside a PDU")

    def _read(self) -> Iterator[Captured]:
        for start in sorted(self._waiting, key=self._distance):
            overlap = -self._distance(start)
            if overlap < 0:
                return  # a segment is missing before this one
            segment = self._waiting.pop(start)
            payload = segment.payload[overlap:]  # without what was there before
            if payload:
                self._expected = (start + len(segment.payload)) % _NUMBERS
                self._time = segment.time
                self._reader.feed(payload)
                yield from self._frames()

    def _distance(self, start: int) -> int:
        """How far ahead of the expected octet a segment begins; negative where it begins before. RFC 793 §3.3."""
        ahead = (start - (self._expected or 0)) % _NUMBERS
        return ahead if ahead < _NUMBERS // 2 else ahead - _NUMBERS

    def _skip(self) -> Iterator[Captured]:
        """Give up the octets before the first segment that waits."""
        start = min(self._waiting, key=self._distance)
        missing = self._distance(start)
        if missing > 0:
            yield from self._left(f"{missing} octets are missing from the capture")
            self._expected = start
        yield from self._read()

    def _frames(self) -> Iterator[Captured]:
        reader = self._reader
        if not self._is_smpp:
            if reader.pending < HEADER_LENGTH:
                return
            if not _begins_with_header(reader.buffer[-reader.pending :]):
                self._reader = FrameReader(MAX_COMMAND_LENGTH)
                return
            self._is_smpp = True
        try:
            while (frame := reader.next()) is not None:
                *_, start, end = frame
                yield self._captured(reader.buffer[start - HEADER_LENGTH : end])
        except FrameError as error:
            yield from self._left(str(error))

    def _left(self, note: str) -> Iterator[Captured]:
        """Start again behind octets that are no PDU."""
        reader, self._reader = self._reader, FrameReader(MAX_COMMAND_LENGTH)
        if reader.pending and self._is_smpp:
            yield self._captured(reader.buffer[-reader.pending :], note)
        self._is_smpp = False

    def _captured(self, octets: bytes, note: str = "") -> Captured:
        return Captured(octets, self.source, self.destination, self._time, note)


def read_capture(file: BinaryIO, *, port: int | None = None) -> Iterator[Captured]:
    """The PDUs of a pcap or pcapng file, in the order in which they were complete.

    Args:
        file: opened for octets.
        port: take the connections with this port at either end, whatever they carry. Without it, those are taken
            that carry PDUs.

    Raises:
        CaptureError: the file is no capture, or is damaged.
    """
    streams: dict[tuple[str, str], Stream] = {}
    for segment in read_segments(file):
        key = segment.source, segment.destination
        if port is not None and f":{port}" not in (_port(segment.source), _port(segment.destination)):
            continue
        if key not in streams:
            streams[key] = Stream(*key, is_smpp=port is not None)
        yield from streams[key].add(segment)
    for stream in streams.values():
        yield from stream.end()


def _port(endpoint: str) -> str:
    return endpoint[endpoint.rindex(":") :]


def _begins_with_header(payload: bytes) -> bool:
    length, command_id = int.from_bytes(payload[:4]), int.from_bytes(payload[4:8])
    return HEADER_LENGTH <= length <= MAX_COMMAND_LENGTH and command_id in MESSAGES


def read_hex(text: str) -> bytes:
    """Octets from hex, with or without blanks, colons or 0x between them.

    Raises:
        CaptureError: it is no hex.
    """
    digits = text.replace("0x", " ").replace(":", " ")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise CaptureError(f"{shown!r} is no hex") from None


def read_hex_lines(lines: Iterable[str]) -> Iterator[bytes]:
    """The PDUs of a text, one a line; empty lines and those that begin with # are left out.

    Raises:
        CaptureError: a line is no hex; says which.
    """
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            yield read_hex(line)
        except CaptureError as error:
            raise CaptureError(f"line {number}: {error}") from None


def read_file(path: Path, *, port: int | None = None) -> Iterator[Captured]:
    """The PDUs of a file of any kind that this module reads.

    Raises:
        CaptureError: the file cannot be read; says why.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if is_capture(start):
                yield from read_capture(file, port=port)
                return
            text = file.read().decode("ascii")
        for octets in read_hex_lines(text.splitlines()):
            yield Captured(octets, "", "", None)
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise CaptureError(f"{path}: neither a pcap or pcapng file nor lines of hex") from None
    except CaptureError as error:
        raise CaptureError(f"{path}: {error}") from None
