"""The load of `smpp bench`: messages written as fast as windows and rate let them, each answer timed.

How it works: there is no task and no future for a message. Parts are launched until the pool has no room, then one
place is waited for; an answer costs a clock reading and a bucket.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from smpp.errors import InDoubt, NotSent, ResponseTimeout, StateError
from smpp.pool import Pool
from smpp.session import ResponseReceived
from smpp.sms import Receipt
from smpp.status import status_name
from smpp.tools.histogram import Histogram
from smpp.tools.pooling import OwnReceipts
from smpp.wire.pdu import Request, SubmitSm

SAMPLE_SECONDS: Final = 0.1

_MOST_SAMPLES: Final = 2_000
_MOST_STATUSES: Final = 100
_CATCH_UP_SECONDS: Final = 0.1
"""How much of a rate that could not be kept is made up for."""


class _End:
    """Where the answer to one part goes (smpp.pool.slot.End)."""

    __slots__ = ("_began", "_load")

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._began = time.perf_counter()

    def done(self) -> bool:
        return False

    def cancelled(self) -> bool:
        return False

    def set_result(self, result: ResponseReceived, /) -> None:
        self._load.answered(self._began, result)

    def set_exception(self, exception: BaseException, /) -> None:
        self._load.lost(exception)


class Load:
    """Messages for an SMSC, and what it made of them.

    Args:
        parts: the PDUs of the message, sent again and again.
        count: how often.
        rate: most messages a second; None: as many as it takes.
        receipts: whether receipts are expected.

    Attributes:
        latencies: from the writing of a part to its response.
        samples: seconds since the begin, and how many parts were accepted by then.
    """

    def __init__(self, parts: Sequence[SubmitSm], count: int, rate: float | None, *, receipts: bool) -> None:
        self.parts = parts
        self.rate = rate
        self.total = count * len(parts)
        self.sent = 0
        self.accepted = 0
        self.errors: Counter[str] = Counter()
        self.latencies = Histogram()
        self.states: Counter[str] = Counter()
        self.receipts = 0
        self.samples: list[tuple[float, int]] = [(0.0, 0)]
        self.cpu_seconds = 0.0
        self.failure = ""
        self.began = time.perf_counter()
        self._ended = 0.0
        self._last_answer = self.began
        self._sample_seconds = SAMPLE_SECONDS
        self._all_answered = asyncio.Event()
        self._all_reported = asyncio.Event()
        self.desk: OwnReceipts[Load] = OwnReceipts(self._mine, Load._reported)
        self._desk_to_tell = self.desk if receipts else None

    # What is asked

    @property
    def under_way(self) -> int:
        """Parts without an answer."""
        return self.sent - self.accepted - self.errors.total()

    @property
    def seconds(self) -> float:
        """From the first part to the last answer, or to now."""
        return (self._ended or time.perf_counter()) - self.began

    @property
    def messages_per_second(self) -> float:
        """Messages accepted, all parts of each."""
        return self.accepted / len(self.parts) / self.seconds if self.accepted else 0.0

    @property
    def messages_per_second_now(self) -> float:
        """Likewise, over the last second."""
        (at, accepted), recent = self.samples[-1], self.samples[-1 - int(1 / SAMPLE_SECONDS) :][0]
        return (accepted - recent[1]) / (at - recent[0]) / len(self.parts) if at > recent[0] else 0.0

    def rates(self) -> list[tuple[float, float]]:
        """Seconds since the begin, and messages a second then."""
        samples = self.samples
        if len(samples) > 2 and samples[-1][0] - samples[-2][0] < self._sample_seconds / 2:
            # Too short for a rate: the last responses come together.
            samples = [*samples[:-2], samples[-1]]
        pairs = pairwise(samples)
        return [
            (end, (after - before) / (end - begin) / len(self.parts))
            for (begin, before), (end, after) in pairs
            if end > begin
        ]

    # What answers call

    def answered(self, began: float, result: ResponseReceived) -> None:
        """The SMSC answered a part."""
        self._last_answer = now = time.perf_counter()
        self.latencies.add(now - began)
        status = result.command_status
        if status:
            self._error(status_name(status))
        else:
            self.accepted += 1
            if self._desk_to_tell is not None:
                self._desk_to_tell.accepted(self.parts[0], result.message, "", asyncio.get_running_loop().time())
        if self.sent == self.total and not self.under_way:
            self._all_answered.set()

    def lost(self, exception: BaseException) -> None:
        """It will not answer."""
        kinds = ((ResponseTimeout, "no response"), (InDoubt, "in doubt"), (NotSent, "not sent"))
        self._error(next((name for kind, name in kinds if isinstance(exception, kind)), str(exception)))
        if not self.under_way:
            self._all_answered.set()

    def _error(self, name: str) -> None:
        self.errors[name if name in self.errors or len(self.errors) < _MOST_STATUSES else "others"] += 1

    def _mine(self, _message: Request, message_id: str) -> "Load | None":
        return self if message_id else None

    def _reported(self, receipt: Receipt) -> None:
        if receipt.is_final:
            self.receipts += 1
            self.states[receipt.state.name if receipt.state is not None else receipt.stat] += 1
            if self.receipts >= self.accepted and self._all_answered.is_set():
                self._all_reported.set()

    # Running

    async def run(self, pool: Pool, *, wait: float) -> None:
        """Send everything, wait for the answers, and for the receipts no longer than `wait`."""
        self.began = self._last_answer = time.perf_counter()
        cpu = time.process_time()
        sampler = asyncio.ensure_future(self._sample(pool))
        try:
            await self._send_all(pool)
            if self.under_way:
                await self._all_answered.wait()
            self._all_answered.set()
        except StateError:
            pass  # the pool stops: everything under way has its end already, or never had a place
        finally:
            sampler.cancel()
            self.samples.append((time.perf_counter() - self.began, self.accepted))
            self._ended = self._last_answer
            self.cpu_seconds = time.process_time() - cpu
        if self._desk_to_tell is not None and self.receipts < self.accepted and not pool.is_stopping:
            try:
                async with asyncio.timeout(wait):
                    await self._all_reported.wait()
            except TimeoutError:
                pass

    async def _send_all(self, pool: Pool) -> None:
        due = time.perf_counter()
        step = 1 / (self.rate * len(self.parts)) if self.rate else 0.0
        while self.sent < self.total:
            if step:
                now = time.perf_counter()
                due = max(due, now - _CATCH_UP_SECONDS)
                if due > now:
                    await asyncio.sleep(due - now)
                    continue
            part = self.parts[self.sent % len(self.parts)]
            self.sent += 1
            if not pool.launch(part, _End(self)):
                self.sent -= 1
                slot = (await pool.reserve())[0]
                self.sent += 1
                slot.submit_to(part, _End(self))
            due += step

    async def _sample(self, pool: Pool) -> None:
        """Note how it goes; end it where no bind comes up again."""
        seen_up = time.perf_counter()
        while True:
            await asyncio.sleep(self._sample_seconds)
            now = time.perf_counter()
            self.samples.append((now - self.began, self.accepted))
            if len(self.samples) > _MOST_SAMPLES:
                del self.samples[1::2]
                self._sample_seconds *= 2
            if pool.is_available:
                seen_up = now
            elif now - seen_up > pool.config.client.connect_timeout_seconds:
                self.failure = "; ".join(sorted({bind.last_error for bind in pool.binds if bind.last_error}))
                self.failure = self.failure or "no bind is up any more"
                # Others wait for this run to end, and so does whatever the pool still holds.
                await asyncio.shield(asyncio.ensure_future(pool.stop()))
                self._all_answered.set()
                return
