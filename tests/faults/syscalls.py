"""What a process asked of the system, as strace writes it down, and which promises it made before the disk had them.

A promise is an answer with a message's id: the `202` of the HTTP API, a submit_sm_resp of the SMPP door. It is kept
where the id stands in octets written to the database's log, and the fdatasync that began after that write had ended
before the answer began to leave. A deliver_sm_resp with ESME_ROK is kept where an fdatasync began after its deliver_sm
had come.
"""

import codecs
import os
import re
import shutil
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import pytest

SUBMIT_SM_RESP: Final = 0x80000004
DELIVER_SM: Final = 0x00000005
DELIVER_SM_RESP: Final = 0x80000005
_SENDING: Final = frozenset({"sendto", "sendmsg", "write", "writev"})
_RECEIVING: Final = frozenset({"recvfrom", "recvmsg", "read"})
"""The first of each are asyncio's, the last uvloop's."""
_TRACED: Final = ",".join(["pwrite64", "fdatasync", "fsync", *sorted(_SENDING | _RECEIVING)])
_LINE: Final = re.compile(r"^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ID: Final = re.compile(rb'"id":"([^"]+)"')


def missing(tool: str, remedy: str) -> NoReturn:
    """Fail in CI, skip elsewhere."""
    text = f"{tool} is not there, so nothing was tested with it; {remedy}"
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def traced(output: Path, *program: str) -> Sequence[str]:
    """The command that runs a program of ours and writes down its calls."""
    strace = shutil.which("strace")
    if strace is None:
        missing("strace", "run apt-get install strace")
    # -D: the process that we start is the program, not strace.
    return (
        strace,
        "-D",
        "-f",
        "-y",
        "-s",
        "70000",
        "-o",
        str(output),
        "-e",
        f"trace={_TRACED}",
        sys.executable,
        *program,
    )


@dataclass(slots=True)
class Call:
    """A system call, as it begins or as it ends."""

    thread: str
    name: str
    arguments: str
    is_begin: bool
    is_end: bool

    @property
    def octets(self) -> bytes:
        """What it read or wrote."""
        texts = _TEXT.findall(self.arguments)
        return b"".join(codecs.escape_decode(text.encode())[0] for text in texts)

    @property
    def file(self) -> str:
        """What it was about: a path, or ``socket:[number]``."""
        return self.arguments.partition("<")[2].partition(">")[0]

    @property
    def is_of_socket(self) -> bool:
        """Whether it was about a connection."""
        return self.file.startswith(("socket:", "TCP"))


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls of a trace; one that others interrupt begins and ends apart."""
    begun: dict[str, str] = {}
    for line in lines:
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            continue
        thread, name, arguments, resumed, rest = found.groups()
        if resumed is not None:
            yield Call(thread, resumed, begun.pop(thread, "") + rest, False, True)
        elif arguments.endswith("<unfinished ...>"):
            begun[thread] = arguments.removesuffix("<unfinished ...>")
            yield Call(thread, name, begun[thread], True, False)
        else:
            yield Call(thread, name, arguments, True, True)


@dataclass(slots=True)
class Judge:
    """Follows the calls of a gateway on SQLite."""

    promises: dict[str, int] = field(default_factory=dict)
    """How many of each kind were made."""
    broken: list[str] = field(default_factory=list)
    """Those that the disk did not have when they were made."""
    syncs: int = 0
    _written: list[bytes] = field(default_factory=list)
    """Since the last sync began."""
    _syncing: dict[str, list[bytes]] = field(default_factory=dict)
    _synced: bytearray = field(default_factory=bytearray)
    _awaiting: dict[tuple[str, int], int] = field(default_factory=dict)
    """The syncs that had begun when a deliver_sm came, by socket and sequence_number."""
    _begun: int = 0
    _last_done: int = 0
    """The number of the youngest sync that is over."""
    _numbers: dict[str, int] = field(default_factory=dict)

    def judge(self, lines: Iterable[str]) -> None:
        """Read a trace."""
        for call in calls(lines):
            if call.name == "pwrite64" and call.is_end and call.file.endswith("-wal"):
                self._written.append(call.octets)
            elif call.name in ("fdatasync", "fsync") and call.file.endswith("-wal"):
                self._sync(call)
            elif call.name in _SENDING and call.is_begin and call.is_of_socket:
                self._sent(call)
            elif call.name in _RECEIVING and call.is_end and call.is_of_socket:
                self._received(call)

    def _sync(self, call: Call) -> None:
        if call.is_begin:
            self._syncing[call.thread], self._written = self._written, []
            self._begun += 1
            self._numbers[call.thread] = self._begun
        if call.is_end and call.arguments.rstrip().endswith("= 0"):
            self.syncs += 1
            self._synced += b"".join(self._syncing.pop(call.thread))
            self._last_done = max(self._last_done, self._numbers[call.thread])

    def _sent(self, call: Call) -> None:
        octets = call.octets
        if octets.startswith(b"HTTP/1.1 202"):
            for found in _ID.findall(octets):
                self._promise("202", found)
        for command, status, sequence, body in _pdus(octets):
            if command == SUBMIT_SM_RESP and not status:
                self._promise("submit_sm_resp", body.rstrip(b"\0"))
            elif command == DELIVER_SM_RESP and not status:
                self._count("deliver_sm_resp")
                if self._awaiting.pop((call.file, sequence), 0) >= self._last_done:
                    self.broken.append(f"deliver_sm_resp {sequence}")

    def _received(self, call: Call) -> None:
        for command, _, sequence, _ in _pdus(call.octets):
            if command == DELIVER_SM:
                self._awaiting[call.file, sequence] = self._begun

    def _promise(self, kind: str, identifier: bytes) -> None:
        self._count(kind)
        if identifier not in self._synced:
            self.broken.append(f"{kind} {identifier.decode()}")

    def _count(self, kind: str) -> None:
        self.promises[kind] = self.promises.get(kind, 0) + 1


def _pdus(octets: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Command, status, sequence_number and body of PDUs, where octets begin with one."""
    while len(octets) >= 16:
        length, command, status, sequence = struct.unpack(">IIII", octets[:16])
        if not 16 <= length <= 70_000:
            return
        yield command, status, sequence, octets[16:length]
        octets = octets[length:]
