"""States of a session and what may be sent in each: Table 2-1 as data, and where we differ from it.

SMPP v3.4 §2.2 and §2.3.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from smpp.constants import BindMode, CommandId, Role


class SessionState(Enum):
    """Where a session is. §2.2; UNBOUND is v5.0's word for what follows unbind."""

    OPEN = "open"
    OUTBOUND = "outbound"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBOUND = "unbound"
    CLOSED = "closed"

    is_bound: bool
    """Whether messages may pass. An attribute, because it is asked for with every message."""

    def __init__(self, name: str) -> None:
        self.is_bound = name.startswith("bound_")


OPEN, OUTBOUND = SessionState.OPEN, SessionState.OUTBOUND
TX, RX, TRX = SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX
BOUND_STATE: Final = {
    BindMode.TRANSMITTER: TX,
    BindMode.RECEIVER: RX,
    BindMode.TRANSCEIVER: TRX,
}

BIND_MODE: Final = {
    CommandId.BIND_TRANSMITTER: BindMode.TRANSMITTER,
    CommandId.BIND_RECEIVER: BindMode.RECEIVER,
    CommandId.BIND_TRANSCEIVER: BindMode.TRANSCEIVER,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may send a request, and in which states."""

    sent_by: frozenset[Role]
    states: frozenset[SessionState]


def _rule(who: Role | None, *states: SessionState) -> Rule:
    return Rule(frozenset(Role) if who is None else frozenset({who}), frozenset(states))


ESME, SMSC = Role.ESME, Role.SMSC

# Table 2-1, requests in its order.
RULES: Final[dict[CommandId, Rule]] = {
    CommandId.BIND_TRANSMITTER: _rule(ESME, OPEN, OUTBOUND),
    CommandId.BIND_RECEIVER: _rule(ESME, OPEN, OUTBOUND),
    CommandId.BIND_TRANSCEIVER: _rule(ESME, OPEN, OUTBOUND),
    CommandId.OUTBIND: _rule(SMSC, OPEN),
    CommandId.UNBIND: _rule(None, TX, RX, TRX),
    CommandId.SUBMIT_SM: _rule(ESME, TX, TRX),
    CommandId.SUBMIT_MULTI: _rule(ESME, TX, TRX),
    CommandId.DATA_SM: _rule(None, TX, RX, TRX),
    CommandId.DELIVER_SM: _rule(SMSC, RX, TRX),
    CommandId.QUERY_SM: _rule(ESME, TX, TRX),
    CommandId.CANCEL_SM: _rule(ESME, TX, TRX),
    CommandId.REPLACE_SM: _rule(ESME, TX),
    CommandId.ENQUIRE_LINK: _rule(None, TX, RX, TRX),
    CommandId.ALERT_NOTIFICATION: _rule(SMSC, RX, TRX),
    # v5.0, Table 2-1.
    CommandId.BROADCAST_SM: _rule(ESME, TX, TRX),
    CommandId.QUERY_BROADCAST_SM: _rule(ESME, TX, TRX),
    CommandId.CANCEL_BROADCAST_SM: _rule(ESME, TX, TRX),
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Where we let in more than the table, and why."""

    command: CommandId
    states: frozenset[SessionState]
    reason: str


TOLERANCES: Final = (
    Tolerance(CommandId.REPLACE_SM, frozenset({TRX}), "§2.2.4 gives a transceiver every transmitter operation"),
    Tolerance(
        CommandId.ENQUIRE_LINK, frozenset({OPEN, OUTBOUND}), "v5.0 allows it everywhere; peers probe before bind"
    ),
    Tolerance(CommandId.UNBIND, frozenset({OPEN, OUTBOUND}), "a peer that gives up before its bind says goodbye"),
)

CONTROL: Final = frozenset(
    int(command) for command in (*BIND_MODE, CommandId.OUTBIND, CommandId.UNBIND, CommandId.ENQUIRE_LINK)
)
"""Requests that move or probe a session: dealt with by itself, and never held back by a full window."""

V5_COMMANDS: Final = frozenset({CommandId.BROADCAST_SM, CommandId.QUERY_BROADCAST_SM, CommandId.CANCEL_BROADCAST_SM})
"""Commands that a v3.4 session does not know."""


def _allowed(sender: Role, state: SessionState) -> frozenset[int]:
    by_table = {int(command) for command, rule in RULES.items() if sender in rule.sent_by and state in rule.states}
    tolerated = {
        int(tolerance.command)
        for tolerance in TOLERANCES
        if sender in RULES[tolerance.command].sent_by and state in tolerance.states
    }
    return frozenset(by_table | tolerated)


ALLOWED: Final[dict[tuple[Role, SessionState], frozenset[int]]] = {
    (role, state): _allowed(role, state) for role in Role for state in SessionState
}
"""command_ids of the requests that a side may send in a state."""
