"""One SMPP session without any I/O, the same for ESME and SMSC. SMPP v3.4 section 2.

How it works: octets and the present time go in, octets and events come out::

    session.receive_data(data, now)              for event in session.take_events(): ...
    session.send_request(message, now, context)  transport.write(session.data_to_send())
    session.handle_timer(now)                    call again no later than session.next_timer()

After any call, send what `data_to_send` returns and look at the events. Every request handed to `send_request` ends
in exactly one event that carries its context: ResponseReceived, or RequestFailed with NotSent, InDoubt or
ResponseTimeout.
"""

from typing import Final

from smpp.constants import RESPONSE_BIT, CommandId
from smpp.session.core import Own, Trace
from smpp.session.events import Event, NoticeKind, RequestFailed
from smpp.session.receiving import Receiving
from smpp.session.state import BIND_MODE, CONTROL
from smpp.session.timers import NEVER, Due
from smpp.wire import tlv
from smpp.wire.pdu import MESSAGES
from smpp.wire.tlv import NO_TLVS, Tlvs

_HEAR_AGAIN_SECONDS: Final = 1.0
"""How long after a pause in reading nothing is given up: what waits in the socket is read first."""


class Session(Receiving):
    """A session between an ESME and an SMSC.

    Args:
        config: role, window, timers, limits.
        now: the present on any monotonic clock, in seconds; the same clock in every later call.
        trace: called for every PDU in ("<") and out (">"); None costs nothing.
    """

    __slots__ = ()

    # Deciding on binds

    def accept_bind(self, system_id: str, now: float) -> None:
        """As an SMSC, say yes to a BindRequested; reading goes on with what came behind it.

        Raises:
            EncodeError: our system_id is no C-octet string of 16; nothing was answered.
        """
        if not self.reading_paused or self.is_closed:
            return
        command_id, sequence_number = self._bind_command, self._bind_sequence
        # §5.2.25: sc_interface_version is for peers that know TLVs.
        tlvs = Tlvs.of(tlv.sc_interface_version(self.config.interface_version)) if self.peer_takes_tlvs else NO_TLVS
        self._put(MESSAGES[command_id | RESPONSE_BIT](system_id, tlvs), sequence_number)
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
        self._send_tlvs = self.peer_takes_tlvs
        self._count_error()
        self._resume(now)

    def _resume(self, now: float) -> None:
        self.reading_paused = False
        if not self.is_closed:
            self._read_frames(now)

    # What comes out

    def data_to_send(self) -> bytes:
        """Octets to write now. From here on, the requests in them count as sent."""
        out = self._out
        if not out:
            return b""
        self._window.unflushed.clear()
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
            return NEVER
        if self._is_deaf:
            return min(self._full_since + self.config.inbound_stall_seconds, self._unbinding_until)
        due = min(self._timers.next_due(), self._window.next_deadline())
        return min(max(due, self._heard_again_at), self._unbinding_until)

    def handle_timer(self, now: float) -> None:
        """Do what is due: give up overdue requests, send enquire_link, end what is dead."""
        if self._unbinding_until <= now:
            self._give_up_unbinding()
        if self.is_closed or not self._can_judge(now):
            return
        self._give_up_overdue(now)
        match self._timers.due(now):
            case None:
                return
            case Due.SEND_ENQUIRE_LINK:
                self._enquire(now)
            case Due.INACTIVITY as due:
                self._notice(NoticeKind.INACTIVE, due.value)
                self.unbind(now)
            case fatal:
                self.close(fatal.value)

    def listen_first(self, now: float) -> None:
        """We have not been able to hear the peer until now: for a moment nothing is given up.

        Somebody who says so all the time is believed for a tenth of it.
        """
        if now >= self._heard_again_at + 9 * _HEAR_AGAIN_SECONDS:
            self._heard_again_at = now + _HEAR_AGAIN_SECONDS

    @property
    def _is_deaf(self) -> bool:
        """Whether we do not read, because the peer has too many requests waiting for our answer."""
        return self._is_full and not self._is_refusing and self.config.inbound_stall_seconds > 0

    def _can_judge(self, now: float) -> bool:
        """Whether silence of the peer is its own: not while we do not read, nor before what waits then was read.

        When we have not been reading for too long, we read on and refuse messages.
        """
        if self._is_deaf:
            if self._full_since + self.config.inbound_stall_seconds > now:
                return False
            self._is_refusing = True
            self._notice(NoticeKind.OVERLOADED, f"{self.answering} requests wait for our answer: further ones refused")
            self._go_on_reading()
        if self._was_full:
            self._was_full = False
            self._heard_again_at = now + _HEAR_AGAIN_SECONDS
        return now >= self._heard_again_at

    def _give_up_overdue(self, now: float) -> None:
        for context, error in self._window.take_overdue(now):
            if error.command_id in CONTROL:
                self._room -= 1
            if error.sequence_number == self._bind_sequence and not self.reading_paused:
                self._bind_sequence = 0
            # What its own enquire_link means is for the timers to say: any PDU proves that the peer lives. §4.11.
            if not isinstance(context, Own):
                self._events.append(RequestFailed(context, error))
        if self.is_unbinding:
            self._go_on_unbinding()


__all__ = ["Session", "Trace"]
