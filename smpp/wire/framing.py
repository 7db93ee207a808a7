"""A stream of octets to frames: where each PDU begins and ends. SMPP v3.4 §3.2.

The limit is checked as soon as command_length is there, before anything is kept for the rest.
"""

import struct
from typing import Final

from smpp.constants import HEADER_LENGTH, MAX_COMMAND_LENGTH
from smpp.errors import FrameError

Frame = tuple[int, int, int, int, int]
"""command_id, command_status, sequence_number, and where in `FrameReader.buffer` the body begins and ends."""

_LENGTH_OCTETS: Final = 4
_unpack_header = struct.Struct(">IIII").unpack_from


class FrameReader:
    """Cuts a stream into PDUs, whatever way its octets arrive.

    Call `feed` with what was received, then `next` until it returns None. A frame's positions are good until the
    next `feed`.

    Attributes:
        max_length: largest command_length that is let in; may be changed between two frames.
        buffer: the octets that frames point into.
    """

    def __init__(self, max_length: int = MAX_COMMAND_LENGTH) -> None:
        self.max_length = max_length
        self.buffer = b""
        self._position = 0

    @property
    def pending(self) -> int:
        """Octets of a PDU that is not complete yet."""
        return len(self.buffer) - self._position

    @property
    def unread(self) -> bytes:
        """Octets behind the last frame."""
        return self.buffer[self._position :]

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take octets from the stream; they are copied."""
        if self._position == len(self.buffer):
            self.buffer = bytes(data)
        else:
            self.buffer = self.buffer[self._position :] + data
        self._position = 0

    def next(self) -> Frame | None:
        """The next whole frame, or None until more octets come.

        Raises:
            FrameError: a length that no PDU has; the stream cannot be read any further.
        """
        buffer, start = self.buffer, self._position
        there = len(buffer) - start
        if there < HEADER_LENGTH:
            if there >= _LENGTH_OCTETS:
                self._check(int.from_bytes(buffer[start : start + _LENGTH_OCTETS]), 0)
            return None
        length, command_id, command_status, sequence_number = _unpack_header(buffer, start)
        if not HEADER_LENGTH <= length <= self.max_length:
            self._check(length, sequence_number)
        if there < length:
            return None
        self._position = end = start + length
        return command_id, command_status, sequence_number, start + HEADER_LENGTH, end

    def _check(self, length: int, sequence_number: int) -> None:
        if not HEADER_LENGTH <= length <= self.max_length:
            raise FrameError(f"command_length is {length}, not {HEADER_LENGTH} to {self.max_length}", sequence_number)
