"""The work that every peer does, so that figures compare: one message, one receipt, and what a run reports."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

SOURCE, DESTINATION = "INFO", "919876543210"
TEXT = b"Your code is 471199. Do not share it with anybody, whoever asks for it."
RECEIPT = (
    "id:{} sub:001 dlvrd:001 submit date:2601021530 done date:2601021531 stat:DELIVRD err:000 text:Your code is 471199."
)
PDU_RECEIPT = 0x04


class Codec(NamedTuple):
    """What a peer's codec is measured by."""

    make_and_encode: Callable[[], object]
    decode_and_read: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a client does in a run, and what a server does with it."""

    count: int = 10_000
    window: int = 100
    receipts: bool = False
    binds: int = 1
    how: str = "submit"
    """Of our own client: "submit" (awaited by as many workers as the window has places), "submit_all", "pool"."""
    tls: bool = False
    port: int = 0
    ca_file: str = ""

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps({name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def from_arguments(cls) -> "Load":
        """What the command line of this process says: the last argument."""
        fields: dict[str, Any] = json.loads(sys.argv[-1])
        return cls(**fields)


class Meter:
    """Measures the work between its making and its `report`."""

    def __init__(self) -> None:
        self._rss = rss_kib()
        self._cpu = time.process_time()
        self._started = time.perf_counter()

    def report(self, count: int) -> None:
        """Print what it took, as one line of JSON."""
        seconds = time.perf_counter() - self._started
        figures = {
            "rate": count / seconds,
            "cpu_us": (time.process_time() - self._cpu) / count * 1e6,
            "kib_per_1000": (rss_kib() - self._rss) / count * 1000,
        }
        print(json.dumps(figures), flush=True)


def use_loop() -> None:
    """Install the event loop that the environment names: BENCH_LOOP=uvloop."""
    if os.environ.get("BENCH_LOOP") == "uvloop":
        import uvloop

        uvloop.install()


def rss_kib() -> int:
    """Memory of this process; its peak (which may be that of its parent) where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
