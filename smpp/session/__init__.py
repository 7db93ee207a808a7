"""The session state machine: no I/O, time comes in."""

from smpp.session.config import SessionConfig
from smpp.session.events import (
    BindRequested,
    Closed,
    Event,
    Notice,
    NoticeKind,
    OutbindReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    StateChanged,
)
from smpp.session.session import Session, Trace
from smpp.session.state import SessionState

__all__ = [
    "BindRequested",
    "Closed",
    "Event",
    "Notice",
    "NoticeKind",
    "OutbindReceived",
    "RequestFailed",
    "RequestReceived",
    "ResponseReceived",
    "Session",
    "SessionConfig",
    "SessionState",
    "StateChanged",
    "Trace",
]
