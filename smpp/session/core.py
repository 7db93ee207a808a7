"""What all parts of a session share: what it knows, who may send what now, and how it moves on.

`SessionCore` ← `Sending` ← `Receiving` ← `Session`: one object in four files, each built on the one before.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import Final

from smpp.constants import HEADER_LENGTH, BindMode, InterfaceVersion, Role
from smpp.session.config import SessionConfig
from smpp.session.events import Closed, Event, Notice, NoticeKind, RequestFailed, StateChanged
from smpp.session.state import ALLOWED, BOUND_STATE, CONTROL, V5_COMMANDS, SessionState
from smpp.session.timers import NEVER, Timers
from smpp.session.window import Window
from smpp.wire.codec import encode
from smpp.wire.framing import FrameReader
from smpp.wire.pdu import Message

Trace = Callable[[str, Message, int, int], None]
"""direction ("<" received, ">" sent), message, sequence_number, command_status."""

_NOTHING: Final[frozenset[int]] = frozenset()
_RESPONSE: Final = 0x80


class Own(Enum):
    """Contexts of the requests that the session sends by itself."""

    ENQUIRE_LINK = 1
    UNBIND = 2


class SessionCore(ABC):
    """What a session knows, and the moves that its parts have in common."""

    __slots__ = (
        "_answering_octets",
        "_bind_command",
        "_bind_sequence",
        "_enquiries_unbound",
        "_enquiry_sequence",
        "_errors_unbound",
        "_events",
        "_full_since",
        "_heard_again_at",
        "_inbound_window",
        "_is_full",
        "_is_refusing",
        "_keep_octets",
        "_out",
        "_peer",
        "_peer_messages",
        "_reader",
        "_room",
        "_send_tlvs",
        "_strict",
        "_timers",
        "_trace",
        "_unbind_answered",
        "_unbind_asked",
        "_unbind_sent",
        "_unbind_sequence",
        "_unbinding_until",
        "_was_full",
        "_we_messages",
        "_window",
        "answering",
        "bind_mode",
        "closed_because",
        "config",
        "peer_system_id",
        "peer_version",
        "reading_paused",
        "state",
    )

    def __init__(self, config: SessionConfig, now: float, trace: Trace | None = None) -> None:
        self.config = config
        self.state = SessionState.OPEN
        self.bind_mode: BindMode | None = None
        self.peer_system_id = ""
        self.peer_version: int | None = None
        """interface_version or sc_interface_version of the peer; None until it said one."""
        self.answering = 0
        """Requests of the peer that wait for our answer."""
        self.reading_paused = False
        """Whether a bind waits for its decision: what comes behind it is kept unread."""
        self.closed_because = ""

        self._trace = trace
        self._window = Window(config.response_timeout_seconds)
        self._room = config.window
        self._timers = Timers(config, now, now, now)
        self._reader = FrameReader(config.max_command_length_unbound)
        self._strict = config.is_strict
        self._keep_octets = config.keep_octets
        self._events: list[Event] = []
        self._out: list[bytes] = []
        self._peer = Role.SMSC if config.role is Role.ESME else Role.ESME
        self._errors_unbound = 0
        self._enquiries_unbound = 0
        self._enquiry_sequence = 0
        # The bind under way.
        self._bind_sequence = 0
        self._bind_command = 0
        # The unbind under way: asked for by us, written, answered; or the peer's, waiting for our answer.
        self._unbind_asked = False
        self._unbind_sent = False
        self._unbind_answered = False
        self._unbind_sequence: int | None = None
        self._unbinding_until = NEVER
        # Requests of the peer beyond what we can answer.
        self._inbound_window = config.inbound_window
        self._answering_octets = 0
        self._is_full = False
        self._full_since = NEVER
        self._is_refusing = False
        self._was_full = False
        self._heard_again_at = -NEVER
        # What follows from the state.
        self._we_messages = _NOTHING
        self._peer_messages = _NOTHING
        self._send_tlvs = True
        self._adjust_rights()

    # Asking questions

    @property
    def is_closed(self) -> bool:
        """Whether the session is over."""
        return self.state is SessionState.CLOSED

    @property
    def in_flight(self) -> int:
        """Requests of ours without a response, enquire_link and the like included."""
        return len(self._window.pending)

    @property
    def free_window(self) -> int:
        """How many more requests may be sent now."""
        free = self._room - len(self._window.pending) if self._we_messages else 0
        return free if free > 0 else 0

    @property
    def can_send(self) -> bool:
        """Whether messages may be sent: bound, and no unbind under way."""
        return bool(self._we_messages)

    @property
    def is_unbinding(self) -> bool:
        """Whether either side has asked to unbind."""
        return self._unbind_asked or self._unbind_sequence is not None

    @property
    def wants_reading(self) -> bool:
        """Whether octets of the peer are welcome: no bind to decide on, not too many requests to answer."""
        return not self.reading_paused and (not self._is_full or self._is_refusing)

    @property
    def peer_takes_tlvs(self) -> bool:
        """Whether TLVs may be sent to this peer. §3.2.4.1."""
        if self.peer_version is None:
            return self.config.always_send_tlvs or self.config.role is Role.SMSC
        return self.peer_version >= InterfaceVersion.V3_4

    # Ending

    def close(self, reason: str, *, in_order: bool = False) -> None:
        """End the session now; every request in flight fails with NotSent or InDoubt."""
        if self.state is SessionState.CLOSED:
            return
        self.closed_because = reason
        self._drop_unsent_requests()
        self._move_to(SessionState.CLOSED)
        for context, error in self._window.take_all(reason):
            if not isinstance(context, Own):
                self._events.append(RequestFailed(context, error))
        self._events.append(Closed(reason, in_order))

    def _drop_unsent_requests(self) -> None:
        """Requests that nobody took for writing stay unwritten: they are reported as not sent. Responses leave."""
        unsent = self._window.unflushed
        if unsent:
            numbers = {number.to_bytes(4, "big") for number in unsent}
            self._out = [octets for octets in self._out if not _is_request(octets) or octets[12:16] not in numbers]

    # Moving on

    def _become_bound(self, mode: BindMode, now: float) -> None:
        self.bind_mode = mode
        self._bind_sequence = 0
        self._timers.bound(now)
        self._reader.max_length = self.config.max_command_length
        self._move_to(BOUND_STATE[mode])

    def _move_to(self, state: SessionState) -> None:
        old, self.state = self.state, state
        self._adjust_rights()
        if old is not state:
            self._events.append(StateChanged(old, state))

    def _adjust_rights(self) -> None:
        """Work out which messages either side may send now; an unbind takes rights away."""
        without = CONTROL if self._speaks_v5() else CONTROL | V5_COMMANDS
        ours, theirs = ALLOWED[self.config.role, self.state] - without, ALLOWED[self._peer, self.state] - without
        # Both sides drain: what the peer sent before it saw our unbind is still served.
        self._we_messages = _NOTHING if self.is_unbinding else ours
        self._peer_messages = _NOTHING if self._unbind_sequence is not None else theirs
        self._send_tlvs = self.peer_takes_tlvs

    def _speaks_v5(self) -> bool:
        return (
            self.config.interface_version >= InterfaceVersion.V5_0
            and (self.peer_version or InterfaceVersion.V3_4) >= InterfaceVersion.V5_0
        )

    # Small things

    @abstractmethod
    def _go_on_reading(self) -> None:
        """There is room for requests of the peer again."""

    def _put(self, message: Message, sequence_number: int, command_status: int = 0) -> None:
        self._out.append(encode(message, sequence_number, command_status))
        if self._trace is not None:
            self._trace(">", message, sequence_number, command_status)

    def _notice(self, kind: NoticeKind, text: str) -> None:
        self._events.append(Notice(kind, text))

    def _messages_in_flight(self) -> bool:
        return any(command_id not in CONTROL for command_id, _, _ in self._window.pending.values())

    def __repr__(self) -> str:
        peer = f" with {self.peer_system_id}" if self.peer_system_id else ""
        return f"<Session {self.config.role.name} {self.state.value}{peer}, {self.in_flight} in flight>"


def _is_request(octets: bytes) -> bool:
    return len(octets) >= HEADER_LENGTH and not octets[4] & _RESPONSE


__all__ = ["Own", "SessionCore", "Trace"]
