"""``gateway serve CONFIG`` that notes what its event loop is at, a thousand times a second, and tells it at its end.

python -m bench.peers.profiled_gateway CONFIG RESULT.json [--top N]
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from gateway import config as settings
from gateway.logs import configure_logging
from gateway.loops import settle_process
from gateway.run import run

_INTERVAL_SECONDS: Final = 0.001
_ROOT: Final = str(Path(__file__).parents[2])

STAGES: Final = (
    ("gateway/webhooks", "webhooks"),
    ("gateway/outgoing", "webhooks"),
    ("gateway/smsc/", "SMPP door"),
    ("gateway/web/", "HTTP door"),
    ("gateway/http", "HTTP door"),
    ("gateway/intake", "accept"),
    ("gateway/policy", "accept"),
    ("gateway/senders", "accept"),
    ("gateway/duplicates", "accept"),
    ("gateway/router", "accept"),
    ("gateway/routing", "accept"),
    ("gateway/correlator", "receipts"),
    ("gateway/inbound", "receipts"),
    ("gateway/joining", "receipts"),
    ("gateway/uplinks/", "uplink"),
    ("gateway/sending", "sending"),
    ("gateway/settling", "sending"),
    ("gateway/pipeline", "sending"),
    ("gateway/lanes", "sending"),
    ("gateway/fairness", "sending"),
    ("gateway/refilling", "sending"),
    ("gateway/verdicts", "sending"),
    ("gateway/store/", "store, on the loop"),
    ("smpp/", "SMPP sessions"),
    ("aiohttp/client", "HTTP client"),
    ("aiohttp/connector", "HTTP client"),
    ("aiohttp/web", "HTTP server"),
    ("structlog", "logs"),
)
"""Where a frame belongs: by the first mark that its file holds; the innermost frame that belongs somewhere counts."""


class Sampler:
    """Looks at the main thread by a timer."""

    def __init__(self) -> None:
        self.stages: Counter[str] = Counter()
        self.places: Counter[str] = Counter()

    def start(self) -> None:
        """Begin; only the main thread can."""
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, _INTERVAL_SECONDS, _INTERVAL_SECONDS)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        file = frame.f_code.co_filename
        self.places[f"{file.removeprefix(_ROOT)}:{frame.f_code.co_name}"] += 1
        if file.endswith("selectors.py"):
            self.stages["idle"] += 1
            return
        inner: FrameType | None = frame
        while inner is not None:
            file = inner.f_code.co_filename
            for mark, stage in STAGES:
                if mark in file:
                    self.stages[stage] += 1
                    return
            inner = inner.f_back
        self.stages["event loop"] += 1


def begin(sampler: Sampler) -> None:
    """The gateway has started: from here on it is as under `gateway serve`, and looked at."""
    settle_process()
    sampler.start()


def main() -> None:
    """Run the gateway; write what was seen."""
    configure_logging("info", "json")
    sampler = Sampler()
    try:
        asyncio.run(run(settings.load(Path(sys.argv[1])), on_ready=lambda _: begin(sampler)))
    finally:
        sampler.stop()
        seen = {"stages": dict(sampler.stages), "places": dict(sampler.places.most_common(80))}
        Path(sys.argv[2]).write_text(json.dumps(seen), encoding="utf-8")


if __name__ == "__main__":
    main()
