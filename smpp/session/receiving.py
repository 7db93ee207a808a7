"""The receiving half of a session: octets to frames, frames to events, and an answer to whatever is wrong."""

from typing import Any, Final

from smpp.constants import HEADER_LENGTH, RESPONSE_BIT, CommandId, Role, command_name
from smpp.errors import DecodeError, FrameError
from smpp.session.core import Own
from smpp.session.events import BindRequested, NoticeKind, OutbindReceived, RequestReceived, ResponseReceived
from smpp.session.sending import Sending
from smpp.session.state import ALLOWED, BIND_MODE, CONTROL, V5_COMMANDS, SessionState
from smpp.session.strangers import recognise
from smpp.session.timers import NEVER
from smpp.status import CommandStatus as Status
from smpp.status import describe_status
from smpp.wire import tlv
from smpp.wire.codec import DECODERS
from smpp.wire.pdu import MESSAGES, Bind, EnquireLinkResp, GenericNack, Request, Response
from smpp.wire.tlv import NO_TLVS, Tlvs

_GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)
_ENQUIRE_LINK: Final = int(CommandId.ENQUIRE_LINK)
_UNBIND: Final = int(CommandId.UNBIND)

_CLOSED: Final = SessionState.CLOSED
"""To ask the enumeration for its member takes four times as long, and it is asked for after every PDU."""

_LARGE_OCTETS: Final = 1024
"""Bodies up to here are not worth counting: 1000 of them are a megabyte, and each has fewer than 256 TLVs."""

_MAX_ENQUIRIES_UNBOUND: Final = 100
"""Peers probe before they bind; a hundred times is no probe."""

_OVERLOAD_STATUS: Final = {Role.SMSC: Status.ESME_RMSGQFUL, Role.ESME: Status.ESME_RX_T_APPN}
"""Temporary errors: the peer keeps the message and tries again."""


class Receiving(Sending):
    """What the other side asks and answers."""

    __slots__ = ()

    def receive_data(self, data: bytes, now: float) -> None:
        """Take octets from the peer."""
        if self.state is SessionState.CLOSED:
            return
        timers = self._timers
        timers.heard_at = now
        timers.awaits_sign = False
        self._reader.feed(data)
        if not self.reading_paused and (not self._is_full or self._is_refusing):
            self._read_frames(now)

    def receive_eof(self, reason: str = "the peer closed the connection") -> None:
        """The peer will send nothing any more, or the link broke."""
        if self._is_full:
            # Responses among what is left unread say what became of our requests; nobody hears our answers any more.
            self._is_refusing = True
            self._go_on_reading()
        # Many peers close instead of answering an unbind.
        self.close(reason, in_order=self.is_unbinding and not self._messages_in_flight() and not self.answering)

    def _go_on_reading(self) -> None:
        """Read what was left unread because too many requests waited for our answer."""
        if self.state is not SessionState.CLOSED and not self.reading_paused and self._reader.pending:
            self._read_frames(self._timers.heard_at)

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
                if self.reading_paused or self.state is _CLOSED or (self._is_full and not self._is_refusing):
                    break
        except FrameError as error:
            self._lose_framing(error)
            return
        timers = self._timers
        if not reader.pending or self.reading_paused or (self._is_full and not self._is_refusing):
            timers.partial_since = NEVER
        else:
            timers.partial_since = now if any_frame else min(timers.partial_since, now)

    def _lose_framing(self, error: FrameError) -> None:
        """§4.3: a length that cannot be is answered with generic_nack; nothing behind it can be read."""
        protocol = None if self.state.is_bound else recognise(self._reader.unread)
        if protocol is not None:
            # Nobody there would understand a generic_nack.
            self._notice(NoticeKind.OTHER_PROTOCOL, f"the peer speaks {protocol}")
            self.close(f"the peer speaks {protocol}, not SMPP")
            return
        self._put(GenericNack(), error.sequence_number, error.command_status)
        self._notice(NoticeKind.BAD_FRAME, str(error))
        self.close(f"framing is lost: {error}")

    # Responses

    def _receive_response(
        self, command_id: int, command_status: int, sequence_number: int, position: int, end: int, now: float
    ) -> None:
        entry = self._window.pending.get(sequence_number)
        if entry is None:
            self._receive_unmatched(command_id, sequence_number)
            return
        request_id, _, context = entry
        if command_id & ~RESPONSE_BIT != request_id:
            if command_id != _GENERIC_NACK:
                self._notice(
                    NoticeKind.WRONG_RESPONSE_TYPE,
                    f"{_named(command_id, sequence_number)} answers another request of ours: ignored",
                )
                return
            # A generic_nack is never a success, whatever its status says; some send it with 0.
            command_status = command_status or Status.ESME_RUNKNOWNERR
        del self._window.pending[sequence_number]
        message = DECODERS[command_id](self._reader.buffer, position, end, False)
        if self._trace is not None:
            self._trace("<", message, sequence_number, command_status)
        if request_id in CONTROL:
            self._receive_control_response(request_id, message, command_status, sequence_number, context, now)
        else:
            self._timers.operated_at = now
            self._events.append(ResponseReceived(context, message, command_status, sequence_number))
        if self._unbinding_until is not NEVER:
            self._go_on_unbinding()

    def _receive_control_response(
        self, request_id: int, message: Response, command_status: int, sequence_number: int, context: Any, now: float
    ) -> None:
        self._room -= 1
        if context is Own.UNBIND:
            # A peer that refuses to unbind is left all the same.
            self._unbind_answered = True
        elif context is not Own.ENQUIRE_LINK:
            if request_id in BIND_MODE:
                self._receive_bind_response(request_id, message, command_status, now)
            self._events.append(ResponseReceived(context, message, command_status, sequence_number))

    def _receive_bind_response(self, request_id: int, message: Response, command_status: int, now: float) -> None:
        self._bind_sequence = 0
        if command_status or message.command_id == _GENERIC_NACK:
            return
        tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
        self.peer_version = tlvs.get(tlv.sc_interface_version)
        self.peer_system_id = getattr(message, "system_id", None) or ""
        self._become_bound(BIND_MODE[CommandId(request_id)], now)

    def _receive_unmatched(self, command_id: int, sequence_number: int) -> None:
        what = _named(command_id, sequence_number)
        if command_id == _GENERIC_NACK:
            self._notice(NoticeKind.NACK, f"the peer could not read a PDU of ours ({what})")
        elif command_id not in MESSAGES:
            self._notice(NoticeKind.UNKNOWN_COMMAND, f"{what} is no response that is known: ignored")
        elif self._window.was_timed_out(sequence_number):
            self._notice(NoticeKind.LATE_RESPONSE, f"{what} comes too late")
        else:
            self._notice(NoticeKind.UNMATCHED_RESPONSE, f"{what} answers nothing of ours")

    # Requests

    def _receive_request(self, command_id: int, sequence_number: int, position: int, end: int, now: float) -> None:
        if command_id not in self._peer_messages:
            self._receive_control(command_id, sequence_number, position, end, now)
            return
        try:
            message = DECODERS[command_id](self._reader.buffer, position, end, self._strict)
        except DecodeError as error:
            self._refuse(command_id, sequence_number, error.command_status, NoticeKind.BAD_BODY, str(error))
            return
        if self._trace is not None:
            self._trace("<", message, sequence_number, 0)
        if end - position > _LARGE_OCTETS and not self._check_size(message, sequence_number, end - position):
            return
        if message.response_type is not None:
            if self._is_refusing:
                self._refuse(
                    command_id,
                    sequence_number,
                    _OVERLOAD_STATUS[self.config.role],
                    NoticeKind.OVERLOADED,
                    f"{message.command_name}: {self.answering} requests wait for our answer",
                )
                return
            self.answering += 1
            if self.answering >= self._inbound_window:
                self._become_full(now)
        self._timers.operated_at = now
        octets = self._reader.buffer[position - HEADER_LENGTH : end] if self._keep_octets else b""
        self._events.append(RequestReceived(message, sequence_number, octets))

    def _check_size(self, message: Request, sequence_number: int, octets: int) -> bool:
        """Whether a large request may pass; counts what it occupies until it is answered."""
        tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
        if len(tlvs) > self.config.max_tlvs:
            self._refuse(
                message.command_id,
                sequence_number,
                Status.ESME_RINVOPTPARSTREAM,
                NoticeKind.BAD_BODY,
                f"{message.command_name} has {len(tlvs)} TLVs, more than {self.config.max_tlvs}",
            )
            return False
        if message.response_type is not None and not self._is_refusing:
            self._answering_octets += octets
            if self._answering_octets >= self.config.inbound_octets:
                self._become_full(self._timers.heard_at)
        return True

    def _become_full(self, now: float) -> None:
        if not self._is_full:
            self._is_full = self._was_full = True
            self._full_since = now

    def _receive_control(self, command_id: int, sequence_number: int, position: int, end: int, now: float) -> None:
        """A request that moves or probes the session, or that has no place here."""
        if not self._check_place(command_id, sequence_number):
            return
        try:
            message = DECODERS[command_id](self._reader.buffer, position, end, self._strict)
        except DecodeError as error:
            self._refuse(command_id, sequence_number, error.command_status, NoticeKind.BAD_BODY, str(error))
            return
        if self._trace is not None:
            self._trace("<", message, sequence_number, 0)
        if command_id == _ENQUIRE_LINK:
            if self.config.inactivity_counts_enquire_link:
                self._timers.operated_at = now
            self._put(EnquireLinkResp(), sequence_number)
            if not self.state.is_bound:
                self._count_enquiry()
        elif command_id == _UNBIND:
            self._unbind_sequence = sequence_number
            self._begin_unbinding(now)
        elif command_id in BIND_MODE:
            self._ask_for_bind(message, sequence_number)
        else:
            self._timers.opened_at = now
            self._move_to(SessionState.OUTBOUND)
            self._events.append(OutbindReceived(message))

    def _check_place(self, command_id: int, sequence_number: int) -> bool:
        """Whether this request may come now; answers it where not."""
        if command_id not in MESSAGES or (command_id in V5_COMMANDS and not self._speaks_v5()):
            self._put(GenericNack(), sequence_number, Status.ESME_RINVCMDID)
            self._notice(
                NoticeKind.UNKNOWN_COMMAND,
                f"{_named(command_id, sequence_number)} is not known: generic_nack",
            )
            self._count_error()
            return False
        is_in_place = command_id in CONTROL and command_id in ALLOWED[self._peer, self.state]
        if is_in_place and (self._unbind_sequence is None or command_id == _ENQUIRE_LINK):
            return True
        is_rebind = command_id in BIND_MODE and self.state.is_bound and self.config.role is Role.SMSC
        where = "after unbind" if self._unbind_sequence is not None else f"in state {self.state.value}"
        self._refuse(
            command_id,
            sequence_number,
            Status.ESME_RALYBND if is_rebind else Status.ESME_RINVBNDSTS,
            NoticeKind.NOT_ALLOWED,
            f"{MESSAGES[command_id].command_name} is not allowed {where}",
        )
        return False

    def _ask_for_bind(self, message: Bind, sequence_number: int) -> None:
        self.reading_paused = True
        self._bind_sequence = sequence_number
        self._bind_command = message.command_id
        self.peer_version = message.interface_version
        self.peer_system_id = message.system_id
        self._send_tlvs = self.peer_takes_tlvs
        self._events.append(BindRequested(message, BIND_MODE[CommandId(message.command_id)], sequence_number))

    # What is wrong

    def _refuse(self, command_id: int, sequence_number: int, status: int, kind: NoticeKind, text: str) -> None:
        """Answer with an error status, in the response that belongs to the request."""
        message_type = MESSAGES[command_id]
        response_type = message_type.response_type if issubclass(message_type, Request) else None
        if response_type is not None:
            self._put(response_type(), sequence_number, status)
            text += f": {describe_status(status)}"
        self._notice(kind, text)
        self._count_error()

    def _count_enquiry(self) -> None:
        self._enquiries_unbound += 1
        if self._enquiries_unbound > _MAX_ENQUIRIES_UNBOUND:
            self.close("too many enquire_link before a bind")

    def _count_error(self) -> None:
        if self.state.is_bound or self.is_closed:
            return
        self._errors_unbound += 1
        if self._errors_unbound > self.config.max_errors_unbound:
            self.close("too many errors before a bind")


def _named(command_id: int, sequence_number: int) -> str:
    return f"{command_name(command_id)} #{sequence_number}"
