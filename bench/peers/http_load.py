"""Posts messages to an HTTP door as fast as it answers, or at a pace: requests made beforehand, connections kept alive.

python -m bench.peers.http_load SETTINGS        prints one JSON object
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlencode

from bench.work import use_loop

TEXT: Final = "Your code is 471199. Do not share it with anybody, whoever asks for it."
FIRST_NUMBER: Final = 919_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What is posted."""

    ports: tuple[int, ...]
    """Of the gateway, or of several nodes in turn."""
    count: int
    """Messages in all."""
    batch: int = 1
    connections: int = 64
    rate: float = 0.0
    """Messages a second; 0: as fast as they are answered."""
    key: str = ""
    first: int = FIRST_NUMBER
    kannel: str = ""
    """For Kannel's sendsms instead: the callback URL."""

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Posting":
        """What a command line says."""
        fields = json.loads(text)
        return cls(**{**fields, "ports": tuple(fields["ports"])})


def requests(posting: Posting) -> Iterator[bytes]:
    """The requests, one after the other."""
    for start in range(posting.first, posting.first + posting.count, posting.batch):
        numbers = range(start, min(start + posting.batch, posting.first + posting.count))
        if posting.kannel:
            yield _kannel_request(posting, numbers[0])
        else:
            yield _request(posting, numbers)


def _request(posting: Posting, numbers: range) -> bytes:
    messages = [{"from": "INFO", "to": str(number), "text": TEXT} for number in numbers]
    body = json.dumps(messages if posting.batch > 1 else messages[0]).encode()
    head = (
        f"POST /api/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {posting.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _kannel_request(posting: Posting, number: int) -> bytes:
    query = urlencode(
        {
            "username": "bench",
            "password": "bench",
            "from": "INFO",
            "to": str(number),
            "text": TEXT,
            "dlr-mask": "3",
            "dlr-url": posting.kannel,
        }
    )
    return f"GET /cgi-bin/sendsms?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Results:
    """What came of it."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.accepted = 0
        self.refused = 0
        self.finished_at = 0.0


class Caller(asyncio.Protocol):
    """One connection with one request under way."""

    def __init__(self, posting: Posting, left: Iterator[bytes], results: Results, schedule: Iterator[float]) -> None:
        self._batch = posting.batch
        self._left = left
        self._results = results
        self._schedule = schedule
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._buffer = b""
        self._asked_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment]
        self._next()

    def _next(self) -> None:
        request = next(self._left, None)
        if request is None:
            self._end()
            return
        at = next(self._schedule)
        if at > time.monotonic():
            self._loop.call_later(at - time.monotonic(), self._ask, request, at)
        else:
            # Behind its schedule: what it waited counts, for its caller would have waited too.
            self._ask(request, at or time.monotonic())

    def _ask(self, request: bytes, at: float) -> None:
        assert self._transport is not None
        self._asked_at = at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """An answer, or a piece of it."""
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        self._buffer = b""
        if buffer[9:12] in (b"200", b"202"):
            self._results.latencies.append(time.monotonic() - self._asked_at)
            self._results.accepted += self._batch
        else:
            self._results.refused += self._batch
        self._results.finished_at = time.monotonic()
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        """It is over."""
        self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _moments(posting: Posting) -> Iterator[float]:
    started = time.monotonic() + 0.1
    step = posting.batch / posting.rate if posting.rate else 0.0
    number = 0
    while True:
        yield started + number * step if step else 0.0
        number += 1


async def post(posting: Posting, made: Sequence[bytes] = ()) -> dict[str, float]:
    """Post everything, or the requests that were made already."""
    made = made or list(requests(posting))
    left, results, moments = iter(made), Results(), _moments(posting)
    loop = asyncio.get_running_loop()
    started, started_cpu = time.monotonic(), time.process_time()
    callers = []
    for number in range(min(posting.connections, len(made))):
        port = posting.ports[number % len(posting.ports)]
        _, caller = await loop.create_connection(lambda: Caller(posting, left, results, moments), "127.0.0.1", port)
        callers.append(caller)
    await asyncio.gather(*(caller.done for caller in callers))
    times = sorted(results.latencies) or [0.0]
    return {
        "accepted": results.accepted,
        "refused": results.refused,
        "started_at": started,
        "seconds": results.finished_at - started,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "max_ms": times[-1] * 1000,
        "cpu_us": (time.process_time() - started_cpu) / posting.count * 1e6,
    }


if __name__ == "__main__":
    use_loop()
    print(json.dumps(asyncio.run(post(Posting.from_json(sys.argv[1])))), flush=True)
