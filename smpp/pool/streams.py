"""Submitting everything that an iterable gives: windows kept full, each outcome told as it is known.

How it works: there is no task for a message. Whenever there is room, messages are taken from the iterable and written;
the answer to each becomes an outcome, and is the occasion to look for room again. Those that were throttled, or surely
did not leave, go first in the next round; those that met a passing fault rest first.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from smpp.client import rejected
from smpp.errors import CommandFailed, InDoubt, NotSent, SmppError, StateError
from smpp.pool.slot import Submittable
from smpp.pool.trial import Trial
from smpp.receipts import ReceiptDesk, Submission
from smpp.session import ResponseReceived

Outcome = tuple[Submittable, Submission | SmppError]

_MOST_READ_AHEAD = 1000


class Launcher(Protocol):
    """The pool, as a stream sees it."""

    desk: ReceiptDesk

    @property
    def is_stopping(self) -> bool:
        """Whether nothing may leave any more."""

    def launch(self, message: Submittable, end: "StreamEnd") -> str:
        """Write a message now; the name of the bind that carries it, or "" where there is no room."""

    def launch_again(self, message: Submittable, end: "StreamEnd", avoid: str) -> str:
        """Likewise, over any other bind before the one to avoid."""

    def new_trial(self, message: Submittable) -> Trial:
        """For a message that was refused."""

    def retry_in(self, trial: Trial, error: CommandFailed, message: Submittable) -> float | None:
        """Seconds until a message that was refused goes again; None where it does not."""


@dataclass(slots=True, eq=False)
class _Retried:
    """A message that was refused and goes again."""

    message: Submittable
    trial: Trial
    end: asyncio.TimerHandle
    """When its time is over."""
    rest: asyncio.TimerHandle | None = None
    """Until then it rests."""


class StreamEnd(msgspec.Struct, eq=False):
    """Where the answer to one message of a stream goes (smpp.pool.slot.End)."""

    stream: "Stream"
    turn: int
    message: Submittable
    bind: str = ""

    def done(self) -> bool:
        """Somebody always waits."""
        return False

    def cancelled(self) -> bool:
        """Whether the stream was left before the message left."""
        return self.stream.is_left

    def set_result(self, result: ResponseReceived, /) -> None:
        """The SMSC answered."""
        stream = self.stream
        if result.command_status:
            stream.refuse(self.turn, self.message, rejected(self.message, result, self.bind))
        else:
            try:
                submission = stream.accept(self.message, result, self.bind)
            except Exception as error:
                stream.fail(error)
            else:
                stream.tell(self.turn, self.message, submission)

    def set_exception(self, exception: BaseException, /) -> None:
        """It will not answer."""
        if self._goes_again(exception):
            if isinstance(exception, InDoubt):
                self.stream.doubt(self.turn, exception)
            self.stream.send_again(self.turn, self.message)
        elif isinstance(exception, SmppError):
            self.stream.tell(self.turn, self.message, exception)
        else:
            self.stream.fail(exception)

    def _goes_again(self, exception: BaseException) -> bool:
        if isinstance(exception, NotSent):
            return not self.stream.is_over
        return isinstance(exception, InDoubt) and self.stream.resend_in_doubt


class Stream:
    """One `submit_all`.

    Args:
        pool: writes messages.
        concurrency: most messages under way or with an outcome that was not asked for yet.
        resend_in_doubt: whether a message whose response was lost is sent again.
    """

    def __init__(self, pool: Launcher, concurrency: int, resend_in_doubt: bool) -> None:
        self.is_left = False
        self.resend_in_doubt = resend_in_doubt
        self._pool = pool
        self._concurrency = concurrency
        self._waiting: list[tuple[int, Submittable]] = []
        """Messages that were taken and have to be written, by their turn: what comes back keeps its own."""
        self._trials: dict[int, _Retried] = {}
        """Messages that were refused and go again, by their turn."""
        self._doubts: dict[int, tuple[int, InDoubt]] = {}
        """How often the response to a message that goes again was lost, and how at last; by its turn."""
        self._turn = 0
        self._outcomes: deque[Outcome] = deque()
        self._under_way = 0
        self._has_room = True
        """Whether it is worth a try to write: not from when there was no room until something happens."""
        self._news = asyncio.Event()
        self._failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is written: the stream was left, or the pool stops."""
        return self.is_left or self._pool.is_stopping

    # What the ends of messages call

    def accept(self, message: Submittable, answer: ResponseReceived, bind: str) -> Submission:
        """The SMSC took a message."""
        return self._pool.desk.accepted(message, answer.message, bind, self._loop.time())

    def refuse(self, turn: int, message: Submittable, error: CommandFailed) -> None:
        """The SMSC refused a message: it goes again at once, or later, or not."""
        retried = self._trials.get(turn)
        if retried is None:
            trial = self._pool.new_trial(message)
            retried = _Retried(message, trial, self._loop.call_at(trial.until, self._give_up, turn))
            self._trials[turn] = retried
        delay = self._pool.retry_in(retried.trial, error, message)
        if delay is None or self.is_left or (delay and self.is_over):
            self.tell(turn, message, retried.trial.given_up(message))
        elif delay:
            # It counts as under way meanwhile.
            retried.rest = self._loop.call_later(delay, self._end_rest, turn)
        else:
            self.send_again(turn, message)

    def _end_rest(self, turn: int) -> None:
        retried = self._trials[turn]
        retried.rest = None
        self.send_again(turn, retried.message)

    def _give_up(self, turn: int) -> None:
        """A message's time is over: unless it is on its way, it does not go again."""
        retried = self._trials[turn]
        if retried.rest is not None:
            retried.rest.cancel()
        elif (turn, retried.message) in self._waiting:
            self._waiting.remove((turn, retried.message))
            heapq.heapify(self._waiting)
            self._under_way += 1
        else:
            return
        self.tell(turn, retried.message, retried.trial.given_up(retried.message))

    def _end_rests(self) -> None:
        """Nothing is sent any more: what rests has its last refusal for an outcome."""
        for turn, retried in list(self._trials.items()):
            if retried.rest is not None:
                retried.rest.cancel()
                self.tell(turn, retried.message, retried.trial.given_up(retried.message))

    def tell(self, turn: int, message: Submittable, outcome: Submission | SmppError) -> None:
        """A message has its outcome."""
        if self._trials and turn in self._trials:
            self._trials.pop(turn).end.cancel()
        if self._doubts:
            outcome = self._with_doubts(turn, outcome)
        self._under_way -= 1
        self._outcomes.append((message, outcome))
        self.wake()

    def doubt(self, turn: int, error: InDoubt) -> None:
        """A message goes again though it may be delivered."""
        self._doubts[turn] = (self._doubts[turn][0] + 1 if turn in self._doubts else 1), error

    def _with_doubts(self, turn: int, outcome: Submission | SmppError) -> Submission | SmppError:
        doubts, error = self._doubts.pop(turn, (0, None))
        if error is None:
            return outcome
        if isinstance(outcome, Submission):
            outcome.doubts = doubts
            return outcome
        # Whatever kept it from going again: the copy that left may be delivered.
        error.__cause__ = outcome
        return error

    def send_again(self, turn: int, message: Submittable) -> None:
        """A message goes again, before those that have not gone yet."""
        self._under_way -= 1
        heapq.heappush(self._waiting, (turn, message))
        self.wake()

    def fail(self, error: BaseException) -> None:
        """Something that is no outcome: raised to whoever asks for the next one."""
        self._under_way -= 1
        self._failure = error
        self._news.set()

    def wake(self) -> None:
        """There may be room again."""
        self._has_room = True
        self._news.set()

    # Running

    async def run(self, messages: Iterable[Submittable] | AsyncIterable[Submittable]) -> AsyncIterator[Outcome]:
        """Give each message with its outcome."""
        source = _Ahead(messages, self._news) if isinstance(messages, AsyncIterable) else _Now(messages)
        try:
            while True:
                self._send(source)
                while self._outcomes:
                    yield self._outcomes.popleft()
                    if self._has_room:
                        self._send(source)
                if self._failure is not None:
                    raise self._failure
                if not self._under_way and not self._waiting:
                    if source.is_exhausted:
                        source.check()
                        return
                    if self._pool.is_stopping:
                        raise StateError("the pool stops: the rest of the messages was not taken")
                await self._news.wait()
                self._news.clear()
        finally:
            self.is_left = True
            self._end_rests()
            for retried in self._trials.values():
                retried.end.cancel()
            await source.close()

    def _send(self, source: "_Now | _Ahead") -> None:
        """Write as many messages as there is room for."""
        if self._pool.is_stopping:
            self._end_rests()
            for turn, unsent in sorted(self._waiting, key=_turn_of):
                if turn in self._trials:
                    self._trials.pop(turn).end.cancel()
                error = NotSent(unsent.command_id, 0, "the pool stops")
                self._outcomes.append((unsent, self._with_doubts(turn, error)))
            self._waiting.clear()
            return
        while self._under_way + len(self._outcomes) < self._concurrency:
            if self._waiting:
                turn, message = heapq.heappop(self._waiting)
            else:
                taken = source.take()
                if taken is None:
                    return
                turn = self._turn = self._turn + 1
                message = taken
            end = StreamEnd(self, turn, message)
            self._under_way += 1
            retried = self._trials.get(turn) if self._trials else None
            if retried is not None and self._loop.time() >= retried.trial.until:
                self.tell(turn, message, retried.trial.given_up(message))
                continue
            if retried is not None:
                end.bind = self._pool.launch_again(message, end, retried.trial.avoid)
            else:
                end.bind = self._pool.launch(message, end)
            if not end.bind:
                self._has_room = False
                self._under_way -= 1
                heapq.heappush(self._waiting, (turn, message))
                return


def _turn_of(waiting: tuple[int, Submittable]) -> int:
    return waiting[0]


class _Now:
    """A source that has the next message at once."""

    def __init__(self, messages: Iterable[Submittable]) -> None:
        self.is_exhausted = False
        self._messages = iter(messages)
        self._error: BaseException | None = None

    def take(self) -> Submittable | None:
        """The next message, or None where there is none."""
        if self.is_exhausted:
            return None
        try:
            return next(self._messages)
        except StopIteration:
            self.is_exhausted = True
        except Exception as error:
            self.is_exhausted, self._error = True, error
        return None

    def check(self) -> None:
        """Raise what ended the source."""
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Nothing to do."""


class _Ahead:
    """A source that has to be waited for: a task reads a little ahead of the windows."""

    def __init__(self, messages: AsyncIterable[Submittable], news: asyncio.Event) -> None:
        self._messages = messages
        self._news = news
        self._read: deque[Submittable] = deque()
        self._room = asyncio.Semaphore(_MOST_READ_AHEAD)
        self._reader: asyncio.Task[Any] = asyncio.get_running_loop().create_task(self._run())
        self._reader.add_done_callback(lambda _: news.set())

    @property
    def is_exhausted(self) -> bool:
        """Whether it has given everything."""
        return self._reader.done() and not self._read

    def take(self) -> Submittable | None:
        """The next message, or None where there is none yet."""
        if not self._read:
            return None
        self._room.release()
        return self._read.popleft()

    def check(self) -> None:
        """Raise what ended the source."""
        self._reader.result()

    async def close(self) -> None:
        """Read no further."""
        await end_tasks(self._reader)

    async def _run(self) -> None:
        async for message in self._messages:
            await self._room.acquire()
            self._read.append(message)
            self._news.set()


async def end_tasks(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
