"""The timers of §7.2 as plain numbers: what was heard when, what is due next. Pure; time comes in."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from smpp.session.config import SessionConfig

NEVER: Final = float("inf")


class Due(Enum):
    """What a timer asks for."""

    SEND_ENQUIRE_LINK = "send enquire_link"
    SESSION_INIT = "session_init_timer: not bound in time"
    INACTIVITY = "inactivity_timer: no operation in time"
    SILENCE = "enquire_link was not answered"
    PARTIAL_PDU = "a begun PDU did not get complete in time"


@dataclass(slots=True)
class Timers:
    """Last moments of everything that a timer watches.

    Attributes:
        heard_at: when the peer last sent anything.
        operated_at: when the last operation passed, either way; enquire_link is none.
        opened_at: when the connection was made, or the outbind came.
        partial_since: since when a PDU is begun and not complete.
        enquired_at: when we last sent an enquire_link.
        awaits_sign: whether nothing was heard since then. Any PDU proves that the peer lives (§4.11).
        is_bound: whether session_init_timer has done its work.
        is_ending: whether an unbind is under way, which has a limit of its own.
    """

    config: SessionConfig
    opened_at: float
    heard_at: float
    operated_at: float
    partial_since: float = NEVER
    enquired_at: float = -NEVER
    awaits_sign: bool = False
    is_bound: bool = False
    is_ending: bool = False

    def heard(self, now: float) -> None:
        """The peer sent something."""
        self.heard_at = now
        self.awaits_sign = False

    def enquired(self, now: float) -> None:
        """We sent an enquire_link."""
        self.enquired_at = now
        self.awaits_sign = True

    def bound(self, now: float) -> None:
        """The session is bound from now on."""
        self.is_bound = True
        self.heard_at = self.operated_at = now

    def next_due(self) -> float:
        """The next moment at which `due` may have something."""
        return min(moment for _, moment in self._moments())

    def due(self, now: float) -> Due | None:
        """What is due now; fatal things first."""
        for what, moment in self._moments():
            if moment <= now:
                return what
        return None

    def _moments(self) -> tuple[tuple[Due, float], ...]:
        config = self.config
        may_enquire = self.is_bound and not self.is_ending
        return (
            (Due.PARTIAL_PDU, _after(self.partial_since, config.partial_pdu_seconds)),
            (Due.SESSION_INIT, _after(self.opened_at, config.session_init_seconds, counts=not self.is_bound)),
            (
                Due.SILENCE,
                _after(
                    self.enquired_at,
                    config.response_timeout_seconds or config.enquire_link_seconds,
                    counts=may_enquire and self.awaits_sign,
                ),
            ),
            (Due.INACTIVITY, _after(self.operated_at, config.inactivity_seconds, counts=may_enquire)),
            (
                Due.SEND_ENQUIRE_LINK,
                _after(self.heard_at, config.enquire_link_seconds, counts=may_enquire and not self.awaits_sign),
            ),
        )


def _after(moment: float, seconds: float, *, counts: bool = True) -> float:
    return moment + seconds if seconds and counts else NEVER
