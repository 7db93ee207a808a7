"""Everything about a session that can be set, in one place."""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Final, Self

from smpp.constants import HEADER_LENGTH, MAX_COMMAND_LENGTH, MAX_COMMAND_LENGTH_UNBOUND, InterfaceVersion, Role

_WITHOUT_TIMERS_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Settings of one session. Times are seconds; 0 switches a timer off. §7.2."""

    role: Role = Role.ESME
    """Which side we are."""

    window: int = 100
    """Most requests of ours without a response. §2.9 (asynchronous mode)."""

    inbound_window: int = 1000
    """Most requests of the peer that wait for our answer; at the limit we stop reading."""

    inbound_octets: int = 4 * 1024 * 1024
    """Most octets of requests above 1 KiB that wait for our answer; at the limit we stop reading."""

    inbound_stall_seconds: float = 5.0
    """When we have not been reading for so long, read on and refuse messages with a temporary error: a peer whose
    enquire_link is not answered takes the link for dead. 0: never."""

    response_timeout_seconds: float = 30.0
    """How long a request waits for its response (response_timer). After that it is in doubt."""

    enquire_link_seconds: float = 30.0
    """Send enquire_link after so long without hearing the peer (enquire_link_timer)."""

    inactivity_seconds: float = 0.0
    """End the session after so long without any operation but enquire_link (inactivity_timer)."""

    inactivity_counts_enquire_link: bool = False
    """Whether the peer's enquire_link counts as an operation: some SMSCs drop only those who are wholly silent."""

    session_init_seconds: float = 10.0
    """End a connection that has not bound by then (session_init_timer); an SMSC's own decision on a bind counts."""

    partial_pdu_seconds: float = 30.0
    """End a connection whose begun PDU does not get complete by then."""

    write_stall_seconds: float = 30.0
    """End a connection whose peer has not read what we write for so long."""

    unbind_seconds: float = 10.0
    """How long an unbind waits for what is under way on both sides and for its answer; cannot be switched off."""

    max_command_length: int = MAX_COMMAND_LENGTH
    """Largest PDU to accept once bound, in octets."""

    max_command_length_unbound: int = MAX_COMMAND_LENGTH_UNBOUND
    """Largest PDU to accept before that."""

    max_tlvs: int = 1024
    """Most TLVs to accept in one request; more cost memory and mean nothing."""

    max_errors_unbound: int = 10
    """How many PDUs that are wrong or out of place a peer may send before it binds."""

    interface_version: int = InterfaceVersion.V3_4
    """The version we speak: sent as interface_version or sc_interface_version."""

    strict: bool | None = None
    """Whether limits and contents of the peer's requests are checked. None: as an SMSC yes, as an ESME no, since a
    receipt refused for an over-long field is a receipt lost."""

    always_send_tlvs: bool = True
    """Send TLVs to an SMSC that did not say sc_interface_version. The book says no (§3.2.4.1), the field says yes."""

    long_passwords: bool = False
    """Bind with a password of more than 8 characters, which the specification forbids (§5.2.2) and some SMSCs issue. An
    SMSC of ours reads one with `strict=False`."""

    keep_octets: bool = False
    """Whether a RequestReceived carries the octets of its PDU as they came."""

    def __post_init__(self) -> None:
        if self.window < 1 or self.inbound_window < 1:
            raise ValueError("window and inbound_window are at least 1")
        if self.max_tlvs < 1 or self.inbound_octets < 1 or self.max_errors_unbound < 0:
            raise ValueError("max_tlvs and inbound_octets are at least 1, max_errors_unbound is not negative")
        if not HEADER_LENGTH <= self.max_command_length_unbound <= self.max_command_length:
            raise ValueError(f"{HEADER_LENGTH} <= max_command_length_unbound <= max_command_length")
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name.endswith("_seconds") and not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} is 0 (off) or more seconds, not {value}")
        if not self.unbind_seconds:
            raise ValueError("unbind_seconds is more than 0")

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
            self.inbound_stall_seconds,
            self.session_init_seconds,
            self.partial_pdu_seconds,
            self.write_stall_seconds,
            self.unbind_seconds,
        )
        return min((timer for timer in timers if timer > 0), default=_WITHOUT_TIMERS_SECONDS)

    def for_role(self, role: Role) -> Self:
        """The same settings for the other side."""
        return replace(self, role=role)
