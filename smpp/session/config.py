"""Everything about a session that can be set, in one place."""

from dataclasses import dataclass, replace
from typing import Self

from smpp.constants import MAX_COMMAND_LENGTH, MAX_COMMAND_LENGTH_UNBOUND, InterfaceVersion, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Settings of one session. Times are seconds; 0 switches a timer off. §7.2."""

    role: Role = Role.ESME
    """Which side we are."""

    window: int = 100
    """Most requests of ours without a response. §2.9 (asynchronous mode)."""

    inbound_window: int = 1000
    """Most requests of the peer that wait for our answer; at the limit we stop reading."""

    response_timeout_seconds: float = 30.0
    """How long a request waits for its response (response_timer). After that it is in doubt."""

    enquire_link_seconds: float = 30.0
    """Send enquire_link after so long without hearing the peer (enquire_link_timer)."""

    inactivity_seconds: float = 0.0
    """End the session after so long without any operation but enquire_link (inactivity_timer)."""

    session_init_seconds: float = 10.0
    """End a connection that has not bound by then (session_init_timer)."""

    partial_pdu_seconds: float = 30.0
    """End a connection whose begun PDU does not get complete by then."""

    write_stall_seconds: float = 30.0
    """End a connection whose peer has not read what we write for so long."""

    unbind_seconds: float = 10.0
    """How long an unbind waits for what is under way on both sides."""

    max_command_length: int = MAX_COMMAND_LENGTH
    """Largest PDU to accept once bound, in octets."""

    max_command_length_unbound: int = MAX_COMMAND_LENGTH_UNBOUND
    """Largest PDU to accept before that."""

    max_errors_unbound: int = 10
    """How many PDUs that are wrong or out of place a peer may send before it binds."""

    interface_version: int = InterfaceVersion.V3_4
    """The version we speak: sent as interface_version or sc_interface_version."""

    strict: bool | None = None
    """Whether limits and contents of the peer's requests are checked. None: as an SMSC yes, as an ESME no, since a
    receipt refused for an over-long field is a receipt lost."""

    always_send_tlvs: bool = True
    """Send TLVs to an SMSC that did not say sc_interface_version. The book says no (§3.2.4.1), the field says yes."""

    keep_octets: bool = False
    """Whether a RequestReceived carries the octets of its PDU as they came."""

    def __post_init__(self) -> None:
        if self.window < 1 or self.inbound_window < 1:
            raise ValueError("window and inbound_window are at least 1")
        if not 16 <= self.max_command_length_unbound <= self.max_command_length:
            raise ValueError("16 <= max_command_length_unbound <= max_command_length")

    @property
    def is_strict(self) -> bool:
        """Whether the peer's requests are checked."""
        return self.role is Role.SMSC if self.strict is None else self.strict

    @property
    def shortest_timer_seconds(self) -> float:
        """The shortest of the timers that are on; how often a clock has to look is derived from it."""
        timers = (
            self.response_timeout_seconds,
            self.enquire_link_seconds,
            self.inactivity_seconds,
            self.session_init_seconds,
            self.partial_pdu_seconds,
            self.unbind_seconds,
        )
        return min((timer for timer in timers if timer > 0), default=60.0)

    def for_role(self, role: Role) -> Self:
        """The same settings for the other side."""
        return replace(self, role=role)
