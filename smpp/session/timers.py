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
    PARTIAL_PDU = "a begun PDU did not get complete in time"


@dataclass(slots=True)
class Timers:
    """Last moments of everything that a timer watches.

    Attributes:
        heard_at: when the peer last sent anything.
        operated_at: when the last operation passed, either way; enquire_link is none.
        opened_at: when the connection was made, or the outbind came.
        partial_since: since when a PDU is begun and not complete.
        is_bound: whether session_init_timer has done its work.
    """

    config: SessionConfig
    opened_at: float
    heard_at: float
    operated_at: float
    partial_since: float = NEVER
    enquired_at: float = -NEVER
    is_bound: bool = False

    def next_due(self) -> float:
        """The next moment at which `due` may have something."""
        config = self.config
        moments = [self._enquire_at()]
        if config.partial_pdu_seconds:
            moments.append(self.partial_since + config.partial_pdu_seconds)
        if not self.is_bound and config.session_init_seconds:
            moments.append(self.opened_at + config.session_init_seconds)
        if self.is_bound and config.inactivity_seconds:
            moments.append(self.operated_at + config.inactivity_seconds)
        return min(moments)

    def due(self, now: float) -> Due | None:
        """What is due now; fatal things first."""
        config = self.config
        if config.partial_pdu_seconds and self.partial_since + config.partial_pdu_seconds <= now:
            return Due.PARTIAL_PDU
        if not self.is_bound and config.session_init_seconds and self.opened_at + config.session_init_seconds <= now:
            return Due.SESSION_INIT
        if self.is_bound and config.inactivity_seconds and self.operated_at + config.inactivity_seconds <= now:
            return Due.INACTIVITY
        return Due.SEND_ENQUIRE_LINK if self._enquire_at() <= now else None

    def _enquire_at(self) -> float:
        if not self.is_bound or not self.config.enquire_link_seconds:
            return NEVER
        return max(self.heard_at, self.enquired_at) + self.config.enquire_link_seconds
