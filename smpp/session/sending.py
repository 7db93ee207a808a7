"""The sending half of a session: binds, requests, responses, and the steps of an unbind."""

from typing import Any, Final

import msgspec

from smpp.constants import MAX_SEQUENCE_NUMBER, BindMode, CommandId
from smpp.errors import EncodeError, StateError, WindowFull
from smpp.session.core import Own, SessionCore
from smpp.session.events import NoticeKind
from smpp.session.state import ALLOWED, BIND_MODE, SessionState
from smpp.session.timers import NEVER
from smpp.wire import tlv
from smpp.wire.codec import ENCODERS
from smpp.wire.long_password import encode_long
from smpp.wire.pdu import (
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    EnquireLink,
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
_CLOSED: Final = SessionState.CLOSED
_ENQUIRE_LINK: Final = int(CommandId.ENQUIRE_LINK)
_UNBIND: Final = int(CommandId.UNBIND)


class Sending(SessionCore):
    """What our side asks and answers."""

    __slots__ = ()

    # Requests

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
        message = _BINDS[mode](
            system_id, password, system_type, self.config.interface_version, addr_ton, addr_npi, address_range
        )
        return self.send_request(message, now, context)

    def outbind(self, system_id: str, password: str, now: float) -> None:
        """As an SMSC, ask an ESME to bind. §4.1.7; nothing answers it.

        Raises:
            StateError: not in state OPEN, or we are an ESME.
            EncodeError: a credential that the specification forbids.
        """
        self.send_request(Outbind(system_id, password), now)

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
        if command_id not in self._we_messages:
            return self._send_control(message, now, context)
        window = self._window
        if len(window.pending) >= self._room:
            raise WindowFull(f"{len(window.pending)} requests wait for a response, the window is full")
        if not self._send_tlvs:
            message = self._without_tlvs(message)
        # As Window.next_sequence_number and Window.add, without two calls for every message.
        sequence_number = window.next_number
        if sequence_number in window.pending or sequence_number >= MAX_SEQUENCE_NUMBER:
            sequence_number = window.next_sequence_number()
        else:
            window.next_number = sequence_number + 1
        self._out.append(ENCODERS[command_id](message, sequence_number, 0))
        if self._trace is not None:
            self._trace(">", message, sequence_number, 0)
        if message.response_type is not None:
            window.pending[sequence_number] = (command_id, now + window.timeout_seconds, context)
            window.unflushed.append(sequence_number)
        self._timers.operated_at = now
        return sequence_number

    def _send_control(self, message: Request, now: float, context: Any) -> int:
        """Send what moves or probes the session; a full window does not hold it back."""
        command_id = message.command_id
        self._check_allowed(message)
        sequence_number = self._window.next_sequence_number()
        if isinstance(message, Bind) and self.config.long_passwords:
            self._out.append(encode_long(message, sequence_number))
            if self._trace is not None:
                self._trace(">", message, sequence_number, 0)
        else:
            self._put(message, sequence_number)
        if message.response_type is None:  # outbind
            self._timers.opened_at = now
            self._move_to(SessionState.OUTBOUND)
            return sequence_number
        self._window.add(sequence_number, command_id, now, context)
        self._room += 1
        if command_id in BIND_MODE:
            self._bind_sequence = sequence_number
        if command_id != _ENQUIRE_LINK:
            self._timers.operated_at = now
        return sequence_number

    def _check_allowed(self, message: Request) -> None:
        command_id, name = message.command_id, message.command_name
        if command_id not in ALLOWED[self.config.role, self.state]:
            raise StateError(f"{name} cannot be sent as {self.config.role.name} in state {self.state.value}")
        if command_id == _UNBIND:
            raise StateError("unbind is sent by Session.unbind, when nothing is under way any more")
        if self.is_unbinding:
            raise StateError(f"{name} cannot be sent: the session unbinds")
        if command_id in BIND_MODE and self._bind_sequence:
            raise StateError("a bind is under way")
        if command_id not in BIND_MODE and command_id not in (_ENQUIRE_LINK, CommandId.OUTBIND):
            raise StateError(f"{name} cannot be sent: it is of SMPP v5.0, and this session speaks v3.4")

    def _without_tlvs(self, message: Request) -> Request:
        tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
        if not tlvs:
            return message
        if tlvs.has(tlv.message_payload):
            raise EncodeError(f"{message.command_name}: the peer speaks SMPP 3.3 and takes no message_payload")
        self._notice(NoticeKind.DROPPED_TLVS, f"{message.command_name}: the peer speaks SMPP 3.3, TLVs left out")
        return msgspec.structs.replace(message, tlvs=NO_TLVS)

    def _enquire(self, now: float) -> None:
        """Ask whether the peer lives; a former question of ours is forgotten."""
        if self._window.pending.pop(self._enquiry_sequence, None) is not None:
            self._room -= 1
        self._timers.enquired(now)
        self._enquiry_sequence = self._send_control(EnquireLink(), now, Own.ENQUIRE_LINK)

    # Responses

    def send_response(self, message: Response, sequence_number: int, command_status: int = 0) -> None:
        """Answer a request of the peer.

        Args:
            message: the response; for an error usually one without fields.
            sequence_number: that of the request.
            command_status: 0, or what was wrong.

        Raises:
            EncodeError: the message holds what the specification forbids.
        """
        if self.state is _CLOSED:
            return
        if not self._send_tlvs:
            tlvs: Tlvs = getattr(message, "tlvs", NO_TLVS)
            message = msgspec.structs.replace(message, tlvs=NO_TLVS) if tlvs else message
        self._out.append(ENCODERS[message.command_id](message, sequence_number, command_status))
        if self._trace is not None:
            self._trace(">", message, sequence_number, command_status)
        self._answered()

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
        if answers:
            self._answered()

    def _answered(self) -> None:
        """One request of the peer less to answer."""
        if self.answering:
            if self._answering_octets:
                self._answering_octets -= self._answering_octets // self.answering
            self.answering -= 1
        if self._is_full:
            self._adjust_fullness()
        if self._unbinding_until is not NEVER:
            self._go_on_unbinding()

    def _adjust_fullness(self) -> None:
        """Read on as soon as there is room for requests of the peer again."""
        if self.answering < self._inbound_window and self._answering_octets < self.config.inbound_octets:
            self._is_full = self._is_refusing = False
            self._full_since = NEVER
            self._go_on_reading()

    # Unbinding

    def unbind(self, now: float) -> None:
        """End the session in order: no new requests, wait for what is under way, unbind, then Closed. §4.2."""
        if self.is_closed or self._unbind_asked:
            return
        if not self.state.is_bound:
            self.close("unbind before any bind", in_order=True)
            return
        self._unbind_asked = True
        self._begin_unbinding(now)

    def _begin_unbinding(self, now: float) -> None:
        """Either side has asked; both drain, for so long and no longer."""
        self._unbinding_until = min(self._unbinding_until, now + self.config.unbind_seconds)
        self._timers.is_ending = True
        self._adjust_rights()
        self._go_on_unbinding()

    def _go_on_unbinding(self) -> None:
        """Take the next step: finish what is under way on both sides, then ask or answer, then close."""
        if self.is_closed or self.answering:
            return
        if self._unbind_answered:
            self._end_unbound("unbound")
        elif self._messages_in_flight():
            return
        elif self._unbind_sequence is not None:
            self._answer_unbind(self._unbind_sequence)
        elif self._unbind_asked and not self._unbind_sent:
            self._unbind_sent = True
            sequence_number = self._window.next_sequence_number()
            self._put(Unbind(), sequence_number)
            self._window.add_last(sequence_number, _UNBIND, Own.UNBIND)
            self._room += 1

    def _give_up_unbinding(self) -> None:
        """It took too long: a peer that asked gets its answer all the same."""
        if self._unbind_sequence is not None:
            self._answer_unbind(self._unbind_sequence)
        elif self._unbind_answered:
            self._end_unbound("unbound, with requests of the peer unanswered")
        else:
            self.close("unbind was not answered in time")

    def _answer_unbind(self, sequence_number: int) -> None:
        self._put(UnbindResp(), sequence_number)
        self._end_unbound("the peer unbound")

    def _end_unbound(self, reason: str) -> None:
        self._move_to(SessionState.UNBOUND)
        self.close(reason, in_order=not self._messages_in_flight() and not self.answering)
