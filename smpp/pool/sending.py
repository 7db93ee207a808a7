"""The sending half of a pool: which bind carries a part, who waits for a place, what goes again.

How it works: a part takes the freest bind if nobody waits; else it stands in a line, and whatever makes room calls
`wake`, which serves the line and then the streams of `submit_all`. A part that is refused or did not leave keeps its
turn. The other half, `smpp.pool.pool`, says which binds there are and how they live.
"""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress

from smpp.client import rejected
from smpp.errors import CommandFailed, InDoubt, NotSent, SmppError, StateError
from smpp.pool.bind import PoolBind
from smpp.pool.choice import Choice
from smpp.pool.server import PoolServer
from smpp.pool.settings import PoolConfig
from smpp.pool.slot import AnyMessage, End, Slot, Submittable, submit_now
from smpp.pool.streams import Stream
from smpp.pool.trial import Trial, Verdicts
from smpp.pool.waiting import Waiters
from smpp.receipts import ReceiptDesk, Submission, SubmissionEnd


class Sender(ABC):
    """What sends over the binds of a pool.

    Args:
        config: the pool's.
        desk: joins receipts with what was sent.
        servers: of the pool.
        binds: of all of them.
    """

    def __init__(self, config: PoolConfig, desk: ReceiptDesk, servers: list[PoolServer], binds: list[PoolBind]) -> None:
        self.config = config
        self.desk = desk
        self._turns = itertools.count()
        self._waiters = Waiters(self._take)
        self._line = self._waiters.line
        self._streams: set[Stream] = set()
        self._stopping = False
        self._ending = asyncio.Event()
        self._choice = Choice(binds)
        self._verdicts = Verdicts(config, servers, binds)
        self.answered = self._verdicts.answered

    async def reserve(self, count: int = 1) -> list[Slot]:
        """Wait until a place is free, then take up to `count`: the freest binds first.

        Raises:
            StateError: the pool stops, or its binds only receive.
        """
        return await self._reserve(count, next(self._turns))

    async def _reserve(self, count: int, turn: int) -> list[Slot]:
        if self._stopping or not self._choice.may_send:
            why = "stops" if self._stopping else "binds as a receiver"
            raise StateError(f"the pool {why}: nothing can be sent")
        if not self._line or turn < self._waiters.first_turn:
            slots = self._take(count)
            if slots:
                return slots
        return await self._waiters.wait(turn, count)

    async def submit(self, message: Submittable, *, deadline: float | None = None) -> Submission:
        """Submit one part over whichever bind is freest.

        A part that surely did not leave is sent over another bind; one that the SMSC throttles waits and is sent
        again. Neither loses its place in the line. After a passing fault of the SMSC's it goes over another bind after
        a while (`PoolConfig.retry`, `retry_later_limit`).

        Args:
            message: the part.
            deadline: when it is given up, on the loop's clock; default: none while it waits for its first place, then
                its validity_period, or else `PoolConfig.retry_seconds`, from the first refusal on.

        Raises:
            SubmitRejected: the SMSC refused it, for good or until its time was over.
            NotSent: its deadline came before there was a place for it.
            InDoubt: it left, and no answer came (sent again instead, with `resend_in_doubt`; raised all the same where
                the copy that went again was not accepted).
            EncodeError: the message holds what the specification forbids.
            StateError: the pool stops, or the SMSC's version of SMPP cannot carry the message.
        """
        self.desk.is_used = True
        turn = next(self._turns)
        trial = None if deadline is None else self.new_trial(message, deadline)
        doubt, doubts = None, 0
        try:
            while True:
                end = SubmissionEnd(asyncio.get_running_loop().create_future(), self.desk, message)
                if trial is None:
                    end.bind = self.launch(message, end)
                    slots = [] if end.bind else await self._reserve(1, turn)
                else:
                    end.bind, slots = await self._place_again(message, end, turn, trial)
                if not end.bind:
                    end.bind = slots[0].bind
                    slots[0].submit_to(message, end)
                try:
                    outcome = await end.future
                except NotSent:
                    continue
                except InDoubt as lost:
                    if self.config.resend_in_doubt:
                        doubt, doubts = lost, doubts + 1
                        continue
                    raise
                if isinstance(outcome, Submission):
                    outcome.doubts = doubts
                    return outcome
                refusal = rejected(message, outcome, end.bind)
                trial = trial or self.new_trial(message)
                delay = self.retry_in(trial, refusal, message)
                if delay is None:
                    raise trial.given_up(message)
                if delay:
                    await self._rest(delay)
        except SmppError as error:
            if doubt is None:
                raise
            # Whatever kept it from going again: the copy that left may be delivered.
            raise doubt from error

    async def _place_again(
        self, message: Submittable, answer_to: End, turn: int, trial: Trial
    ) -> tuple[str, list[Slot]]:
        """Write a part that has a time to end, or else wait for a place until then."""
        if asyncio.get_running_loop().time() >= trial.until:
            raise trial.given_up(message)
        bind = self.launch_again(message, answer_to, trial.avoid)
        if bind:
            return bind, []
        try:
            async with asyncio.timeout_at(trial.until):
                return "", await self._reserve(1, turn)
        except TimeoutError:
            raise trial.given_up(message) from None

    async def _rest(self, seconds: float) -> None:
        """Wait, but not longer than the pool runs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    async def submit_all(
        self, messages: Iterable[AnyMessage] | AsyncIterable[AnyMessage], *, concurrency: int = 1000
    ) -> AsyncIterator[tuple[AnyMessage, Submission | SmppError]]:
        """Submit everything that an iterable gives, keeping windows full; outcomes come as they are known.

        Args:
            messages: taken from only as fast as they can be sent.
            concurrency: most messages under way.

        Yields:
            Each message with its Submission, or with the error that ended it: a rejection is a value, not the end.
        """
        self.desk.is_used = True
        stream = Stream(self, concurrency, self.config.resend_in_doubt)
        self._streams.add(stream)
        try:
            async for outcome in stream.run(messages):
                yield outcome  # type: ignore[misc]  # what comes out is what went in
        finally:
            self._streams.discard(stream)

    def _take(self, count: int) -> list[Slot]:
        slots: list[Slot] = []
        while len(slots) < count:
            bind = self._choice.freest()
            if bind is None:
                break
            slots.append(Slot(self, bind))
        return slots

    def _end(self, error: StateError) -> None:
        """Send nothing more; who waits for a place hears why."""
        self._stopping = True
        self._ending.set()
        self._waiters.close(error)

    # What slots and streams call (smpp.pool.slot.Line, smpp.pool.streams.Launcher)

    def launch(self, message: Submittable, end: End) -> str:
        """Write a message over the freest bind, unless somebody waits for its place.

        Returns:
            The bind's name, or "" where there is no room now.
        """
        if self._line or self._stopping or not self._choice.may_send:
            return ""
        bind = self._choice.in_run()
        if bind is not None and submit_now(self, bind, message, end):
            return bind.name
        bind = self._choice.freest()
        if bind is None:
            return ""
        if bind.is_paced:
            Slot(self, bind).submit_to(message, end)
        elif not submit_now(self, bind, message, end):
            return ""
        return bind.name

    @property
    def is_stopping(self) -> bool:
        """Whether nothing may leave any more."""
        return self._stopping

    def launch_again(self, message: Submittable, end: End, avoid: str) -> str:
        """As `launch`, for a message that was refused: over any other bind before the one to avoid."""
        if not avoid or self._line or self._stopping:
            return self.launch(message, end)
        bind = self._choice.elsewhere(avoid)
        if bind is None:
            return ""
        Slot(self, bind).submit_to(message, end)
        return bind.name

    def new_trial(self, message: Submittable, deadline: float | None = None) -> Trial:
        """For a message that was refused, or has a deadline."""
        return Trial(self.config, message, asyncio.get_running_loop().time(), deadline)

    def retry_in(self, trial: Trial, error: CommandFailed, message: Submittable) -> float | None:
        """Seconds until a message that was refused goes again; None where it does not."""
        return self._verdicts.retry_in(trial, error, message, asyncio.get_running_loop().time())

    @abstractmethod
    def wake(self) -> None:
        """Something came free."""

    def _serve(self) -> None:
        """Hand free places to those that wait, in the order of their coming."""
        if self._line and not self._waiters.serve():
            return
        for stream in self._streams:
            stream.wake()
