"""The file of a recording: opened, continued, kept to its size."""

import asyncio
import errno
import os
import struct
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path
from typing import Final

from smpp.errors import RecordingError
from smpp.log import log
from smpp.recording.packets import INTERFACE_DESCRIPTION, SECTION_HEADER, is_block_type, packet_block
from smpp.recording.stream import RecordedStream
from smpp.recording.tap import Tap

DEFAULT_MAX_OCTETS: Final = 100_000_000
MIN_MAX_OCTETS: Final = 200_000
"""Room for the longest PDU, at least."""


class Recorder:
    """A pcapng file, and the connections that are recorded in it.

    The file is opened with the first connection and closed with the last. One that is there already is continued.

    Args:
        path: the file; those put aside are called ``name.1.pcapng``, ``name.2.pcapng`` and so on, 1 the newest.
        max_octets: size at which a file is put aside.
        keep: how many of those to keep; all in all ``(keep + 1) * max_octets`` are used.
        with_passwords: whether binds are recorded as they are.

    Raises:
        RecordingError: the file cannot be written, or is there and no pcapng file.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_octets: int = DEFAULT_MAX_OCTETS,
        keep: int = 1,
        with_passwords: bool = False,
    ) -> None:
        if max_octets < MIN_MAX_OCTETS or keep < 0:
            raise ValueError(f"max_octets is at least {MIN_MAX_OCTETS}, keep is not negative")
        self.path = Path(path)
        self.with_passwords = with_passwords
        self._max_octets = max_octets
        self._keep = keep
        self._file: FileIO | None = None
        self._size = 0
        self._streams = 0
        self._broken = False
        self._open()
        self._close()

    def stream(self, client: tuple[str, int], server: tuple[str, int], now: float) -> "RecordedStream":
        """Begin to record a connection.

        Args:
            client: address and port of who opened it.
            server: address and port of the other side.
            now: seconds since 1970, as everywhere here.
        """
        if not self._streams:
            self._guarded(self._open)
        self._streams += 1
        return RecordedStream(self, client, server, now, with_passwords=self.with_passwords)

    def tap(self, protocol: asyncio.Protocol, *, is_server: bool) -> asyncio.Protocol:
        """A protocol that records what passes and otherwise is the one given."""
        return Tap(protocol, self.stream, is_server=is_server)

    # What streams call

    def write(self, packets: Iterable[bytes], now: float) -> None:
        """Append packets. A file that cannot be written ends the recording, not the connection."""
        blocks = b"".join([packet_block(packet, now) for packet in packets])
        self._guarded(self._write, blocks)

    def leave(self) -> None:
        """A stream is over."""
        self._streams -= 1
        if not self._streams:
            self._close()

    # Inside

    def _guarded(self, action: Callable[..., None], *arguments: object) -> None:
        if self._broken:
            return
        try:
            action(*arguments)
        except (OSError, RecordingError) as error:
            self._broken = True
            self._close()
            log.error("recording ends", file=str(self.path), error=str(error))

    def _write(self, blocks: bytes) -> None:
        if self._size + len(blocks) > self._max_octets:
            self._put_aside()
        self._append(blocks)

    def _append(self, blocks: bytes) -> None:
        if self._file is not None:
            # One write, no buffer: a program that is killed leaves whole blocks.
            if self._file.write(blocks) != len(blocks):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._size += len(blocks)

    def _open(self) -> None:
        try:
            self._file = FileIO(self.path, "a+")
            self._size = self._file.seek(0, 2)
            if self._size and not self._ends_whole(self._file):
                self._put_aside()
            elif not self._size:
                self._append(SECTION_HEADER + INTERFACE_DESCRIPTION)
        except OSError as error:
            self._close()
            raise RecordingError(f"{self.path} cannot be written: {error.strerror}") from error

    def _ends_whole(self, file: FileIO) -> bool:
        """Whether the last block is complete, so that more may follow."""
        file.seek(0)
        if file.read(12) != SECTION_HEADER[:12]:
            self._close()
            raise RecordingError(f"{self.path} is there already and is no recording")
        file.seek(-4, 2)
        (length,) = struct.unpack("<I", file.read(4))
        if not 12 <= length <= self._size:
            return False
        file.seek(-length, 2)
        kind, same_length = struct.unpack("<II", file.read(8))
        return same_length == length and is_block_type(kind)

    def _put_aside(self) -> None:
        self._close()
        aside = [self.path.with_suffix(f".{number}{self.path.suffix}") for number in range(1, self._keep + 1)]
        names = [self.path, *aside]
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            if newer.exists():
                newer.replace(older)
        if not aside:
            self.path.unlink(missing_ok=True)
        self._open()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __repr__(self) -> str:
        return f"<Recorder {self.path} {self._size} octets, {self._streams} connections>"


def recorder_of(record: "Recorder | str | Path | None") -> Recorder | None:
    """What an argument `record` says: a recorder, the path of a file, or nothing.

    Raises:
        RecordingError: the file cannot be written.
    """
    return Recorder(record) if isinstance(record, str | Path) else record


def tapped(protocol: asyncio.Protocol, recorder: Recorder | None, *, is_server: bool) -> asyncio.Protocol:
    """The protocol, recorded if there is a recorder."""
    return protocol if recorder is None else recorder.tap(protocol, is_server=is_server)
