"""One SMPP session without any I/O, the same for ESME and SMSC. SMPP v3.4 section 2.

How it works: octets and the present time go in, octets and events come out::

    session.receive_data(data, now)              for event in session.take_events(): ...
    session.send_request(message, now, context)  transport.write(session.data_to_send())
    session.handle_timer(now)                    call again no later than session.next_timer()

After any call, send what `data_to_send` returns and look at the events. Every request handed to `send_request` ends
in exactly one event that carries its context: ResponseReceived, or RequestFailed with NotSent, InDoubt or
ResponseTimeout.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import msgspec

from smpp.constants import HEADER_LENGTH, RESPONSE_BIT, BindMode, CommandId, InterfaceVersion, Role, command_name
from smpp.errors import DecodeError, FrameError, StateError, WindowFull
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
from smpp.session.state import ALLOWED, BIND_MODE, BOUND_STATE, V5_COMMANDS, SessionState
from smpp.session.timers import NEVER, Due, Timers
from smpp.session.window import Window
from smpp.status import CommandStatus as Status
from smpp.status import describe_status
from smpp.wire import tlv
from smpp.wire.codec import DECODERS, encode
from smpp.wire.framing import FrameReader
from smpp.wire.pdu import (
    MESSAGES,
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Message,
    Outbind,
    Request,
    Response,
    Unbind,
    UnbindResp,
)
from smpp.wire.tlv import NO_TLVS, Tlvs

_BINDS: Final[dict[BindMode, type[Bind]]] = {
    BindMode.TRANSMITTER: BindTransmitter,
    BindMode.RECEIVER: BindReceiver,
    BindMode.TRANSCEIVER: BindTransceiver,
}
_GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)
_ENQUIRE_LINK: Final = int(CommandId.ENQUIRE_LINK)
_ENQUIRE_LINK_RESP: Final = int(CommandId.ENQUIRE_LINK_RESP)
_UNBIND: Final = int(CommandId.UNBIND)
_OUTBIND: Final = int(CommandId.OUTBIND)
_CONTROL: Final = frozenset({_ENQUIRE_LINK, _UNBIND} | {int(command) for command in BIND_MODE})


Trace = Callable[[str, Message, int, int], None]
"""direction ("<" received, ">" sent), message, sequence_number, command_status."""


class _Own(Enum):
    """Contexts of the requests that the session sends by itself."""

    ENQUIRE_LINK = 1
    UNBIND = 2


class Session:
    """A session between an ESME and an SMSC.

    Args:
        config: role, window, timers, limits.
        now: the present on any monotonic clock, in seconds; the same clock in every later call.
        trace: called for every PDU in ("<") and out (">"); None costs nothing.
    """

    def __init__(self, config: SessionConfig, now: float, trace: Trace | None = None) -> None:
        self.config = config
        self._trace = trace
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

        self._window = Window(config.response_timeout_seconds)
        self._room = config.window
        self._timers = Timers(config, now, now, now)
        self._reader = FrameReader(config.max_command_length_unbound)
        self._strict = config.is_strict
        self._keep_octets = config.keep_octets
        self._events: list[Event] = []
        self._out: list[bytes] = []
        self._peer = Role.SMSC if config.role is Role.ESME else Role.ESME
        self._we_may_send = ALLOWED[config.role, self.state]
        self._peer_may_send = ALLOWED[self._peer, self.state]
        self._errors_unbound = 0
        self._unbinding_until = 0.0
        self._unbind_asked = False
        self._unbind_sequence: int | None = None
        self._bind_sequence = 0
        self._bind_command = 0

    # Asking questions

    @property
    def is_closed(self) -> bool:
        """Whether the session is over."""
        return self.state is SessionState.CLOSED

    @property
    def in_flight(self) -> int:
        """Requests of ours without a response, enquire_link and the like included."""
        return len(self._window)

    @property
    def free_window(self) -> int:
        """How many more requests may be sent now."""
        return max(0, self._room - len(self._window.pending)) if self.can_send else 0

    @property
    def can_send(self) -> bool:
        """Whether messages may be sent: bound, and no unbind under way."""
        return self.state.is_bound and not self.is_unbinding

    @property
    def is_unbinding(self) -> bool:
        """Whether either side has asked to unbind."""
        return self._unbind_asked or self._unbind_sequence is not None

    @property
    def peer_takes_tlvs(self) -> bool:
        """Whether TLVs may be sent to this peer. §3.2.4.1."""
        if self.peer_version is None:
            return self.config.always_send_tlvs or self.config.role is Role.SMSC
        return self.peer_version >= InterfaceVersion.V3_4

    # Sending

    def bind(
        self,
        mode: BindMode,
        *,
        now: float,
        system_id: str,
        password: str = "",
        system_type: str = "",
        addr_ton: int = 0,
        addr_npi: int = 0,
        address_range: str = "",
        context: Any = None,
    ) -> int:
        """Ask to bind; a ResponseReceived with `context` says how it went. §4.1.

        Raises:
            StateError: already bound or binding.
            EncodeError: a credential that the specification forbids.
        """
        if self._bind_sequence:
            raise StateError("a bind is under way")
        message = _BINDS[mode](
            system_id, password, system_type, self.config.interface_version, addr_ton, addr_npi, address_range
        )
        self._bind_sequence = self.send_request(message, now, context)
        return self._bind_sequence

    def outbind(self, system_id: str, password: str, now: float) -> None:
        """As an SMSC, ask an ESME to bind. §4.1.7; nothing answers it.

        Raises:
            StateError: not in state OPEN, or we are an ESME.
        """
        message = Outbind(system_id, password)
        self._check_allowed(message.command_id)
        self._put(message, self._window.next_sequence_number())
        self._timers.opened_at = now
        self._move_to(SessionState.OUTBOUND)

    def send_request(self, message: Request, now: float, context: Any = None) -> int:
        """Send a request.

        Args:
            message: what to send.
            now: the present.
            context: comes back in the event that ends the request.

        Returns:
            Its sequence_number.

        Raises:
            WindowFull: as many requests as the window holds are waiting.
            StateError: the state or the role does not allow this command.
            EncodeError: the message holds what the specification forbids.
        """
        command_id = message.command_id
        if command_id not in self._we_may_send or self.is_unbinding:
            self._check_allowed(command_id)
            raise StateError(f"{message.command_name} cannot be sent: the session unbinds")
        if command_id in _CONTROL:
            self._room += 1
        elif len(self._window.pending) >= self._room:
            raise WindowFull(f"{len(self._window.pending)} requests wait for a response, the window is full")
        if not self.peer_takes_tlvs:
            message = self._without_tlvs(message)
        window = self._window
        sequence_number = window.next_sequence_number()
        try:
            self._put(message, sequence_number)
        except Exception:
            if command_id in _CONTROL:
                self._room -= 1
            raise
        if message.response_type is not None:
            window.add(sequence_number, command_id, now, context)
        if command_id != _ENQUIRE_LINK:
            self._timers.operated_at = now
        return sequence_number

    def send_response(self, message: Response, sequence_number: int, command_status: int = 0) -> None:
        """Answer a request of the peer.

        Args:
            message: the response; for an error usually one without fields.
            sequence_number: that of the request.
            command_status: 0, or what was wrong.

        Raises:
            EncodeError: the message holds what the specification forbids.
        """
        if self.is_closed:
            return
        if not self.peer_takes_tlvs:
            tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
            message = msgspec.structs.replace(message, tlvs=NO_TLVS) if tlvs else message
        self._put(message, sequence_number, command_status)
        if self.answering:
            self.answering -= 1
        if self._unbind_sequence is not None or self._unbind_asked:
            self._go_on_unbinding()

    def send_raw(self, octets: bytes, *, answers: bool = False) -> None:
        """Put octets into the stream as they are, between two PDUs: for simulators of peers that err.

        Args:
            octets: anything; nothing leaves a request without its answer.
            answers: whether they stand for the response to a request of the peer.
        """
        if self.is_closed:
            return
        if octets:
            self._out.append(octets)
        if answers and self.answering:
            self.answering -= 1
        if self.is_unbinding:
            self._go_on_unbinding()

    def accept_bind(self, system_id: str, now: float) -> None:
        """As an SMSC, say yes to a BindRequested; reading goes on with what came behind it."""
        if not self.reading_paused or self.is_closed:
            return
        command_id, sequence_number = self._bind_command, self._bind_sequence
        response_type = MESSAGES[command_id | RESPONSE_BIT]
        # §5.2.25: sc_interface_version is for peers that know TLVs.
        tlvs = Tlvs.of(tlv.sc_interface_version(self.config.interface_version)) if self.peer_takes_tlvs else NO_TLVS
        self._put(response_type(system_id, tlvs), sequence_number)
        self._become_bound(BIND_MODE[CommandId(command_id)], now)
        self._resume(now)

    def reject_bind(self, command_status: int, now: float) -> None:
        """As an SMSC, say no to a BindRequested; the connection stays open for another try."""
        if not self.reading_paused or self.is_closed:
            return
        self._put(MESSAGES[self._bind_command | RESPONSE_BIT](), self._bind_sequence, command_status)
        self._bind_sequence = 0
        self.peer_system_id = ""
        self.peer_version = None
        self._count_error(now)
        self._resume(now)

    def unbind(self, now: float) -> None:
        """End the session in order: no new requests, wait for what is under way, unbind, then Closed. §4.2."""
        if self.is_closed or self._unbind_asked:
            return
        if not self.state.is_bound:
            self.close("unbind before any bind", in_order=True)
            return
        self._unbind_asked = True
        self._unbinding_until = now + self.config.unbind_seconds
        self._timers.operated_at = now
        self._go_on_unbinding()

    def close(self, reason: str, *, in_order: bool = False) -> None:
        """End the session now; every request in flight fails with NotSent or InDoubt."""
        if self.is_closed:
            return
        self.closed_because = reason
        self._move_to(SessionState.CLOSED)
        for context, error in self._window.take_all(reason):
            if not isinstance(context, _Own):
                self._events.append(RequestFailed(context, error))
        self._events.append(Closed(reason, in_order))

    # Receiving

    def receive_data(self, data: bytes, now: float) -> None:
        """Take octets from the peer."""
        if self.is_closed:
            return
        self._timers.heard_at = now
        self._reader.feed(data)
        if not self.reading_paused:
            self._read_frames(now)

    def receive_eof(self, reason: str = "the peer closed the connection") -> None:
        """The peer will send nothing any more, or the link broke."""
        in_order = self.state is SessionState.UNBOUND or self.is_unbinding
        self.close(reason, in_order=in_order and not self._window.pending)

    # What comes out

    def data_to_send(self) -> bytes:
        """Octets to write now. From here on, the requests in them count as sent."""
        out = self._out
        if not out:
            return b""
        self._window.unflushed = 0
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    @property
    def unsent_pdus(self) -> int:
        """How many PDUs `data_to_send` holds."""
        return len(self._out)

    def take_events(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        events = self._events
        self._events = []
        return events

    # Time

    def next_timer(self) -> float:
        """No later than this `handle_timer` has to be called; infinity where nothing is due."""
        if self.is_closed:
            return float("inf")
        unbinding = self._unbinding_until if self.is_unbinding else float("inf")
        return min(self._timers.next_due(), self._window.next_deadline(), unbinding)

    def handle_timer(self, now: float) -> None:
        """Do what is due: give up overdue requests, send enquire_link, end what is dead."""
        if self.is_closed:
            return
        if not self._give_up_overdue(now):
            return
        if self.is_unbinding and self._unbinding_until <= now:
            self.close("unbind was not answered in time")
            return
        match self._timers.due(now):
            case None:
                return
            case Due.SEND_ENQUIRE_LINK:
                self._timers.enquired_at = now
                if not self.is_unbinding:
                    self.send_request(EnquireLink(), now, _Own.ENQUIRE_LINK)
            case Due.INACTIVITY if not self.is_unbinding:
                self._events.append(Notice(NoticeKind.NOT_ALLOWED, Due.INACTIVITY.value))
                self.unbind(now)
            case Due.INACTIVITY:
                return
            case fatal:
                self.close(fatal.value)

    def _give_up_overdue(self, now: float) -> bool:
        """Fail what is overdue; False where that ended the session."""
        for context, error in self._window.take_overdue(now):
            if error.command_id in _CONTROL:
                self._room -= 1
            if context is _Own.ENQUIRE_LINK:
                # Whatever else was heard meanwhile proves that the peer lives. §4.11.
                if self._timers.heard_at <= now - self.config.response_timeout_seconds:
                    self.close("enquire_link was not answered")
                    return False
            elif context is _Own.UNBIND:
                self.close("unbind was not answered in time")
                return False
            else:
                if error.sequence_number == self._bind_sequence and not self.state.is_bound:
                    self._bind_sequence = 0
                self._events.append(RequestFailed(context, error))
        if self.is_unbinding:
            self._go_on_unbinding()
        return not self.is_closed

    # Reading frames

    def _read_frames(self, now: float) -> None:
        reader, any_frame = self._reader, False
        try:
            while (frame := reader.next()) is not None:
                any_frame = True
                command_id, command_status, sequence_number, position, end = frame
                if command_id & RESPONSE_BIT:
                    self._receive_response(command_id, command_status, sequence_number, position, end, now)
                else:
                    self._receive_request(command_id, sequence_number, position, end, now)
                if self.reading_paused or self.is_closed:
                    break
        except FrameError as error:
            self._put(GenericNack(), error.sequence_number, error.command_status)
            self._notice(NoticeKind.BAD_FRAME, str(error))
            self.close(f"framing is lost: {error}")
            return
        timers = self._timers
        if not reader.pending or self.reading_paused:
            timers.partial_since = NEVER
        else:
            timers.partial_since = now if any_frame else min(timers.partial_since, now)

    def _resume(self, now: float) -> None:
        self.reading_paused = False
        self._read_frames(now)

    def _receive_response(
        self, command_id: int, command_status: int, sequence_number: int, position: int, end: int, now: float
    ) -> None:
        entry = self._window.pending.get(sequence_number)
        if entry is None:
            self._unmatched(command_id, sequence_number)
            return
        request_id, _, context = entry
        if command_id & ~RESPONSE_BIT != request_id and command_id != _GENERIC_NACK:
            self._notice(
                NoticeKind.WRONG_RESPONSE_TYPE,
                f"{command_name(command_id)} #{sequence_number} answers a {command_name(request_id)}: ignored",
            )
            return
        del self._window.pending[sequence_number]
        message = DECODERS[command_id](self._reader.buffer, position, end, False)
        if self._trace is not None:
            self._trace("<", message, sequence_number, command_status)
        if request_id in _CONTROL:
            self._receive_control_response(request_id, message, command_status, sequence_number, context, now)
        else:
            self._timers.operated_at = now
            self._events.append(ResponseReceived(context, message, command_status, sequence_number))
        if self._unbind_asked:
            self._go_on_unbinding()

    def _receive_control_response(
        self, request_id: int, message: Response, command_status: int, sequence_number: int, context: Any, now: float
    ) -> None:
        self._room -= 1
        if request_id in BIND_MODE:
            self._bind_answered(request_id, message, command_status, now)
        if context is _Own.UNBIND:
            # A peer that refuses to unbind is left all the same.
            self._move_to(SessionState.UNBOUND)
            self.close("unbound", in_order=True)
        elif context is not _Own.ENQUIRE_LINK:
            self._events.append(ResponseReceived(context, message, command_status, sequence_number))

    def _bind_answered(self, request_id: int, message: Response, command_status: int, now: float) -> None:
        self._bind_sequence = 0
        if command_status or message.command_id == _GENERIC_NACK:
            return
        tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
        self.peer_version = tlvs.get(tlv.sc_interface_version)
        self.peer_system_id = getattr(message, "system_id", None) or ""
        self._become_bound(BIND_MODE[CommandId(request_id)], now)

    def _unmatched(self, command_id: int, sequence_number: int) -> None:
        if command_id == _GENERIC_NACK:
            self._notice(NoticeKind.NACK, f"the peer could not read a PDU of ours (generic_nack #{sequence_number})")
        elif command_id not in MESSAGES:
            self._notice(NoticeKind.UNKNOWN_COMMAND, f"unknown response {command_name(command_id)}: ignored")
        elif self._window.was_timed_out(sequence_number):
            self._notice(NoticeKind.LATE_RESPONSE, f"{command_name(command_id)} #{sequence_number} comes too late")
        else:
            self._notice(
                NoticeKind.UNMATCHED_RESPONSE, f"{command_name(command_id)} #{sequence_number} answers nothing of ours"
            )

    def _receive_request(self, command_id: int, sequence_number: int, position: int, end: int, now: float) -> None:
        out_of_place = command_id not in self._peer_may_send or self.is_unbinding
        if out_of_place and not self._receive_out_of_place(command_id, sequence_number, now):
            return
        try:
            message = DECODERS[command_id](self._reader.buffer, position, end, self._strict)
        except DecodeError as error:
            self._refuse(command_id, sequence_number, error.command_status, NoticeKind.BAD_BODY, str(error), now)
            return
        if self._trace is not None:
            self._trace("<", message, sequence_number, 0)
        if command_id == _ENQUIRE_LINK:
            self._put(EnquireLinkResp(), sequence_number)
        elif command_id == _UNBIND:
            self._unbind_sequence = sequence_number
            self._unbinding_until = now + self.config.unbind_seconds
            self._go_on_unbinding()
        elif command_id in BIND_MODE:
            self._ask_for_bind(message, sequence_number)
        elif command_id == _OUTBIND:
            self._timers.opened_at = now
            self._move_to(SessionState.OUTBOUND)
            self._events.append(OutbindReceived(message))
        else:
            self._timers.operated_at = now
            if message.response_type is not None:
                self.answering += 1
            octets = self._reader.buffer[position - HEADER_LENGTH : end] if self._keep_octets else b""
            self._events.append(RequestReceived(message, sequence_number, octets))

    def _receive_out_of_place(self, command_id: int, sequence_number: int, now: float) -> bool:
        """Answer a request that this state or role does not allow; True where it is to be read all the same."""
        if command_id not in MESSAGES or (command_id in V5_COMMANDS and not self._speaks_v5()):
            self._put(GenericNack(), sequence_number, Status.ESME_RINVCMDID)
            self._notice(NoticeKind.UNKNOWN_COMMAND, f"unknown command {command_name(command_id)}: generic_nack")
            self._count_error(now)
            return False
        if command_id in self._peer_may_send and self.is_unbinding:
            # Both sides drain: what the peer sent before it saw our unbind is still served.
            return self._unbind_sequence is None or command_id in (_UNBIND, _ENQUIRE_LINK)
        rebind = command_id in BIND_MODE and self.state.is_bound and self.config.role is Role.SMSC
        status = Status.ESME_RALYBND if rebind else Status.ESME_RINVBNDSTS
        text = f"{command_name(command_id)} is not allowed in state {self.state.value}"
        self._refuse(command_id, sequence_number, status, NoticeKind.NOT_ALLOWED, text, now)
        return False

    def _speaks_v5(self) -> bool:
        return (
            self.config.interface_version >= InterfaceVersion.V5_0
            and (self.peer_version or InterfaceVersion.V3_4) >= InterfaceVersion.V5_0
        )

    def _refuse(
        self, command_id: int, sequence_number: int, status: int, kind: NoticeKind, text: str, now: float
    ) -> None:
        message_type = MESSAGES[command_id]
        response_type = message_type.response_type if issubclass(message_type, Request) else None
        if response_type is not None:
            self._put(response_type(), sequence_number, status)
            text += f": {describe_status(status)}"
        self._notice(kind, text)
        self._count_error(now)

    def _count_error(self, now: float) -> None:
        if self.state.is_bound or self.is_closed:
            return
        self._errors_unbound += 1
        if self._errors_unbound > self.config.max_errors_unbound:
            self.close("too many errors before a bind")

    def _ask_for_bind(self, message: Bind, sequence_number: int) -> None:
        self.reading_paused = True
        self._bind_sequence = sequence_number
        self._bind_command = message.command_id
        self.peer_version = message.interface_version
        self.peer_system_id = message.system_id
        self._events.append(BindRequested(message, BIND_MODE[CommandId(message.command_id)], sequence_number))

    # Moving on

    def _become_bound(self, mode: BindMode, now: float) -> None:
        self.bind_mode = mode
        self._bind_sequence = 0
        self._timers.is_bound = True
        self._timers.heard_at = self._timers.operated_at = now
        self._reader.max_length = self.config.max_command_length
        self._move_to(BOUND_STATE[mode])

    def _move_to(self, state: SessionState) -> None:
        old, self.state = self.state, state
        self._we_may_send = ALLOWED[self.config.role, state]
        self._peer_may_send = ALLOWED[self._peer, state]
        if self._speaks_v5() is False:
            self._we_may_send -= V5_COMMANDS
            self._peer_may_send -= V5_COMMANDS
        if old is not state:
            self._events.append(StateChanged(old, state))

    def _go_on_unbinding(self) -> None:
        """Take the next step of an unbind: drain, then ask or answer."""
        if self.is_closed or self.answering or not self.state.is_bound:
            if not self.state.is_bound and self._unbind_sequence is not None:
                self._answer_unbind(self._unbind_sequence)
            return
        if self._unbind_sequence is not None:
            if not self._messages_in_flight():
                self._answer_unbind(self._unbind_sequence)
        elif self._unbind_asked and not self._messages_in_flight():
            sequence_number = self._window.next_sequence_number()
            if not any(entry[2] is _Own.UNBIND for entry in self._window.pending.values()):
                self._room += 1
                self._put(Unbind(), sequence_number)
                self._window.add(sequence_number, _UNBIND, self._timers.operated_at, _Own.UNBIND)

    def _messages_in_flight(self) -> bool:
        return any(entry[0] not in _CONTROL for entry in self._window.pending.values())

    def _answer_unbind(self, sequence_number: int) -> None:
        if self.is_closed:
            return
        self._put(UnbindResp(), sequence_number)
        self._move_to(SessionState.UNBOUND)
        self.close("the peer unbound", in_order=True)

    # Small things

    def _put(self, message: Message, sequence_number: int, command_status: int = 0) -> None:
        self._out.append(encode(message, sequence_number, command_status))
        if self._trace is not None:
            self._trace(">", message, sequence_number, command_status)

    def _check_allowed(self, command_id: int) -> None:
        if command_id in self._we_may_send:
            return
        raise StateError(
            f"{command_name(command_id)} cannot be sent as {self.config.role.name} in state {self.state.value}"
        )

    def _without_tlvs(self, message: Request) -> Request:
        tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
        if not tlvs:
            return message
        if tlvs.has(tlv.message_payload):
            raise StateError(f"{message.command_name}: the peer speaks SMPP 3.3 and takes no message_payload")
        self._notice(NoticeKind.DROPPED_TLVS, f"{message.command_name}: the peer speaks SMPP 3.3, TLVs left out")
        return msgspec.structs.replace(message, tlvs=NO_TLVS)

    def _notice(self, kind: NoticeKind, text: str) -> None:
        self._events.append(Notice(kind, text))

    def __repr__(self) -> str:
        peer = f" with {self.peer_system_id}" if self.peer_system_id else ""
        return f"<Session {self.config.role.name} {self.state.value}{peer}, {len(self._window)} in flight>"
