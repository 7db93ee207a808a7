"""What a session has to tell its owner."""

from enum import Enum
from typing import Any

import msgspec

from smpp.constants import BindMode
from smpp.errors import RequestLost
from smpp.session.state import SessionState
from smpp.wire.pdu import Bind, Outbind, Request, Response


class Event(msgspec.Struct, frozen=True):
    """Base of all events."""


class RequestReceived(Event, frozen=True):
    """The peer asks for something; answer with `Session.send_response`, unless nothing answers it."""

    message: Request
    sequence_number: int
    octets: bytes = b""
    """The whole PDU as it came, where `SessionConfig.keep_octets` asks for it."""


class ResponseReceived(Event, frozen=False):  # type: ignore[misc]
    """The peer answered one of our requests, well or badly.

    The only event that is not frozen: whoever hands it to its context takes the context out, or the two would hold each
    other until the garbage collector finds them.
    """

    context: Any
    """What was handed to `Session.send_request`."""
    message: Response
    command_status: int
    sequence_number: int


class RequestFailed(Event, frozen=True):
    """No response will come for one of our requests; the error says whether it may have been processed."""

    context: Any
    error: RequestLost


class BindRequested(Event, frozen=True):
    """An ESME wants to bind; call `Session.accept_bind` or `Session.reject_bind`. Nothing else is read before."""

    message: Bind
    mode: BindMode
    sequence_number: int


class OutbindReceived(Event, frozen=True):
    """An SMSC asks us to bind."""

    message: Outbind


class StateChanged(Event, frozen=True):
    """The session moved on."""

    old: SessionState
    new: SessionState


class NoticeKind(Enum):
    """What a notice is about; counters are kept by it."""

    UNMATCHED_RESPONSE = "unmatched_response"
    LATE_RESPONSE = "late_response"
    WRONG_RESPONSE_TYPE = "wrong_response_type"
    UNKNOWN_COMMAND = "unknown_command"
    BAD_BODY = "bad_body"
    BAD_FRAME = "bad_frame"
    NOT_ALLOWED = "not_allowed"
    NACK = "nack"
    DROPPED_TLVS = "dropped_tlvs"
    OVERLOADED = "overloaded"
    INACTIVE = "inactive"
    OTHER_PROTOCOL = "other_protocol"


class Notice(Event, frozen=True):
    """Something odd that was dealt with: for logs and counters."""

    kind: NoticeKind
    text: str


class Closed(Event, frozen=True):
    """The session is over: send what `data_to_send` still has, then close the connection."""

    reason: str
    in_order: bool
    """Whether it ended by unbind."""
