"""What an answer of an SMSC asks of a pool: pauses, and whether a refused part is worth another try.

How it works: a throttling answer pauses its scope, and the part goes first when that is over. A passing fault of the
SMSC's sends the part over another bind after a while. A queue that stays full for one destination while others pass
(ESME_RMSGQFUL) is the recipient's own: then that part alone waits, and nothing pauses. All of it ends with the part's
validity.
"""

import random
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from smpp.backoff import Backoff
from smpp.errors import CommandFailed, DecodeError, NotSent
from smpp.log import log
from smpp.pool.bind import PoolBind
from smpp.pool.server import PoolServer
from smpp.pool.settings import PoolConfig, ThrottleScope
from smpp.pool.slot import Submittable
from smpp.retry import RetryClass
from smpp.status import CommandStatus, status_name
from smpp.wire.pdu import DataSm, SubmitMulti
from smpp.wire.time import RelativePeriod, parse_time

_MOST_SUSPECTS: Final = 10_000
"""Destinations whose refusals are counted; beyond, the one that was refused longest ago is forgotten."""


class Trial:
    """A part that was refused, or has a deadline.

    Args:
        config: the pool's settings.
        message: the part.
        now: the loop's time.
        deadline: when its validity ends on the loop's clock; default: its validity_period, or else `retry_seconds`,
            from now on.

    Attributes:
        until: when it is given up.
        avoid: the bind that it should not go over next, or "".
    """

    __slots__ = ("_config", "_error", "_later", "_tries", "avoid", "until")

    def __init__(self, config: PoolConfig, message: Submittable, now: float, deadline: float | None = None) -> None:
        self.until = deadline if deadline is not None else now + _validity_seconds(message, config.retry_seconds)
        self.avoid = ""
        self._config = config
        self._error: CommandFailed | None = None
        self._later: Backoff | None = None
        self._tries = 0

    def refused(self, error: CommandFailed, kind: RetryClass, now: float, *, is_full: bool) -> float | None:
        """The SMSC refused it.

        Args:
            error: how.
            kind: what its status asks for.
            now: the loop's time.
            is_full: whether it is the destination that can take no more for now.

        Returns:
            Seconds to wait before it goes again, beside what pauses; None where it does not.
        """
        self._error = error
        self._tries += 1
        config = self._config
        if kind is RetryClass.PERMANENT or now >= self.until:
            return None
        if kind is RetryClass.THROTTLED and not is_full:
            self.avoid = ""
            return 0.0
        if self._later is None:
            self._later = Backoff(config.retry_later_min_seconds, config.retry_later_max_seconds, random=random.random)
        if not is_full and self._later.failures >= config.retry_later_limit:
            return None
        self.avoid = "" if is_full else error.where
        delay = self._later.next()
        return delay if now + delay < self.until else None

    def given_up(self, message: Submittable) -> CommandFailed | NotSent:
        """The error that ends it: the last refusal, or that it never left."""
        error = self._error
        if error is None:
            return NotSent(message.command_id, 0, "its validity ended before there was a place for it")
        if self._tries == 1:
            return error
        detail = f"{error.detail}, given up after {self._tries} tries"
        return type(error)(error.command_status, error.command, where=error.where, detail=detail.removeprefix(", "))


class Verdicts:
    """What answers do to the binds of a pool.

    Args:
        config: the pool's settings.
        servers: of the pool.
        binds: of the pool.
    """

    def __init__(self, config: PoolConfig, servers: Sequence[PoolServer], binds: Sequence[PoolBind]) -> None:
        self._config = config
        self._classify = config.retry.classify
        self._servers = servers
        self._binds = binds
        self._suspects: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """Destinations with a full queue: refusals in a row, and how many parts had been accepted at the last one."""

    def answered(self, bind: PoolBind, command_status: int, message: Submittable) -> None:
        """The SMSC answered a part: count it, and pause where it asks for that."""
        if not command_status:
            bind.submitted += 1
            if bind.pause.was_on:
                bind.pause.forget()
            if bind.server.pause.was_on:
                bind.server.pause.forget()
            if self._suspects:
                self._suspects.pop(_destination(message), None)
            return
        if self._classify(command_status) is not RetryClass.THROTTLED:
            bind.refused += 1
            return
        bind.throttled += 1
        if command_status == CommandStatus.ESME_RMSGQFUL and self._suspect(_destination(message)):
            log.info("destination deferred: its queue is full", bind=bind.name)
            return
        log.warning("throttled", bind=bind.name, status=status_name(command_status))
        match self._config.throttle_scope:
            case ThrottleScope.BIND:
                bind.pause.begin()
            case ThrottleScope.SERVER:
                bind.server.throttled()
            case ThrottleScope.UPLINK:
                for server in self._servers:
                    server.throttled()

    def retry_in(self, trial: Trial, error: CommandFailed, message: Submittable, now: float) -> float | None:
        """Seconds until a part that was refused goes again; None where it does not. Ask after `answered`."""
        status = error.command_status
        is_full = status == CommandStatus.ESME_RMSGQFUL and self._is_full(_destination(message))
        return trial.refused(error, self._classify(status), now, is_full=is_full)

    def _suspect(self, destination: str) -> bool:
        """A destination's queue is full; whether that is its own, as the others pass."""
        if not destination:
            return False
        accepted = sum(bind.submitted for bind in self._binds)
        refusals, before = self._suspects.pop(destination, (0, -1))
        # Where nothing passed in between, it says nothing of this destination.
        self._suspects[destination] = (refusals + (accepted > before), accepted)
        if len(self._suspects) > _MOST_SUSPECTS:
            self._suspects.popitem(last=False)
        return self._is_full(destination)

    def _is_full(self, destination: str) -> bool:
        known = self._suspects.get(destination)
        return known is not None and known[0] >= self._config.full_destination_after


def _destination(message: Submittable) -> str:
    return "" if isinstance(message, SubmitMulti) else message.destination_addr


def _validity_seconds(message: Submittable, default: float) -> float:
    """How long a part is worth sending, as it says itself."""
    text = "" if isinstance(message, DataSm) else message.validity_period
    try:
        validity = parse_time(text) if text else None
    except DecodeError:
        return default
    if validity is None:
        return default
    present = datetime.now(UTC)
    end = validity.after(present) if isinstance(validity, RelativePeriod) else validity
    return max(0.0, (end - (present if end.tzinfo else present.replace(tzinfo=None))).total_seconds())
