"""What a simulated SMSC does to a connection below the PDUs: freezing, writing in pieces, silence on enquire_link."""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Iterable
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Final

from smpp.constants import CommandId
from smpp.simulator.agenda import Agenda
from smpp.simulator.script import LinkFaults

_BACKLOG_OCTETS: Final = 256 * 1024
"""What may wait to be written in pieces before nothing more is read."""

_HEADER_LENGTH: Final = 16
_RESET_AT_ONCE: Final = struct.pack("ii", 1, 0)
_ENQUIRE_LINK_RESP: Final = int(CommandId.ENQUIRE_LINK_RESP).to_bytes(4, "big")


class FaultyTransport(asyncio.Transport):
    """A transport that does what the script says and otherwise hands everything on.

    Args:
        transport: the true one.
        faults: asked at each write, so that a script may be exchanged while it runs.
        agenda: for pieces that are written later.
        before_write: called before octets are written.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        faults: Callable[[], LinkFaults],
        agenda: Agenda,
        before_write: Callable[[], None],
    ) -> None:
        super().__init__()
        self._transport = transport
        self._faults = faults
        self._agenda = agenda
        self._before_write = before_write
        self._reading_held_by: set[str] = set()
        self._frozen = False
        self._waiting: deque[bytes] = deque()
        self._waiting_octets = 0
        self._is_writing_pieces = False
        self._close_when_written = False

    # Faults

    @property
    def is_frozen(self) -> bool:
        """Whether it neither reads nor writes."""
        return self._frozen

    @property
    def is_gone(self) -> bool:
        """Whether even its socket is closed."""
        socket = self._transport.get_extra_info("socket")
        return socket is None or socket.fileno() < 0

    def freeze(self) -> None:
        """Neither read nor write any more; the connection stays."""
        self._frozen = True
        self._hold_reading("frozen")

    def thaw(self) -> None:
        """Go on where it was frozen."""
        if not self._frozen:
            return
        self._frozen = False
        self._free_reading("frozen")
        self._write_waiting()

    def cut(self) -> None:
        """Break the connection: the peer gets a reset, not an end of the stream."""
        socket = self._transport.get_extra_info("socket")
        if not self.is_gone:
            socket.setsockopt(SOL_SOCKET, SO_LINGER, _RESET_AT_ONCE)
        self.abort()

    # asyncio.Transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, or keep for later."""
        self._before_write()
        faults = self._faults()
        if self._frozen or self._waiting or faults.changes_writing:
            self._write_later(bytes(data), faults)
        else:
            self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write them one behind the other."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Close when everything is written."""
        if self._waiting and not self._frozen:
            self._close_when_written = True
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._waiting.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._close_when_written or self._transport.is_closing()

    def is_reading(self) -> bool:
        """Whether octets are taken from the peer."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """Take no octets from the peer."""
        self._hold_reading("connection")

    def resume_reading(self) -> None:
        """Take octets again, unless a fault says otherwise."""
        self._free_reading("connection")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the true transport knows."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Octets that are not with the kernel yet."""
        return self._waiting_octets + self._transport.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Those of the true transport."""
        return self._transport.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Those of the true transport."""
        self._transport.set_write_buffer_limits(high, low)

    def can_write_eof(self) -> bool:
        """As the true transport."""
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        """As the true transport."""
        self._transport.write_eof()

    # Inside

    def _hold_reading(self, reason: str) -> None:
        if not self._reading_held_by and not self._transport.is_closing():
            self._transport.pause_reading()
        self._reading_held_by.add(reason)

    def _free_reading(self, reason: str) -> None:
        if reason not in self._reading_held_by:
            return
        self._reading_held_by.discard(reason)
        if not self._reading_held_by and not self._transport.is_closing():
            self._transport.resume_reading()

    def _write_later(self, data: bytes, faults: LinkFaults) -> None:
        if faults.ignore_enquire_link:
            data = without_enquire_link_resp(data)
        size = faults.write_octets or len(data)
        self._waiting.extend(data[start : start + size] for start in range(0, len(data), size or 1))
        self._waiting_octets += len(data)
        if self._waiting_octets > _BACKLOG_OCTETS:
            self._hold_reading("backlog")
        self._write_waiting()

    def _write_waiting(self) -> None:
        if self._is_writing_pieces or self._frozen:
            return
        if self._waiting:
            self._write_piece()

    def _write_piece(self) -> None:
        self._is_writing_pieces = False
        if self._frozen or not self._waiting:
            return
        piece = self._waiting.popleft()
        self._waiting_octets -= len(piece)
        self._transport.write(piece)
        if self._waiting_octets <= _BACKLOG_OCTETS // 2:
            self._free_reading("backlog")
        if self._waiting:
            # A turn of the loop between two pieces lets the peer read the first alone.
            self._is_writing_pieces = True
            self._agenda.after(self._faults().write_delay, self._write_piece)
        elif self._close_when_written:
            self._transport.close()


def without_enquire_link_resp(data: bytes) -> bytes:
    """The PDUs of `data` but for enquire_link_resp."""
    kept: list[bytes] = []
    position = 0
    while position + _HEADER_LENGTH <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length < _HEADER_LENGTH:
            break  # malformed on purpose: the rest goes as it is
        if data[position + 4 : position + 8] != _ENQUIRE_LINK_RESP:
            kept.append(data[position : position + length])
        position += length
    kept.append(data[position:])
    return b"".join(kept)
