"""Table 2-1, and the tolerances beside it."""

import pytest

from smpp.constants import CommandId, Role
from smpp.session.state import ALLOWED, BIND_MODE, BOUND_STATE, CONTROL, RULES, TOLERANCES, V5_COMMANDS, SessionState
from tests.vectors.load import reference

OPEN, OUTBOUND = SessionState.OPEN, SessionState.OUTBOUND
BOUND = frozenset({SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX})

REQUESTS = [row for row in reference("commands")["commands"] if row["kind"] == "request"]

# Where our table says more or less than the one of the specification, and why.
DIFFERENCES = {
    # §2.2.1 knows no OUTBOUND; after an outbind the ESME binds as it does in OPEN (v5.0 §2.3).
    "bind_receiver": {OUTBOUND},
    "bind_transmitter": {OUTBOUND},
    "bind_transceiver": {OUTBOUND},
}


@pytest.mark.parametrize("row", REQUESTS, ids=lambda row: row["name"])
def test_every_request_is_ruled_as_the_table_says(row: dict[str, object]) -> None:
    command = CommandId(int(str(row["id"]), 16))
    rule = RULES[command]
    wanted = {SessionState[str(name)] for name in row["states_v34"]}  # type: ignore[attr-defined]
    wanted |= DIFFERENCES.get(str(row["name"]), set())
    assert rule.states == wanted
    assert rule.sent_by == {Role[str(name)] for name in row["sent_by"]}  # type: ignore[attr-defined]


def test_no_request_is_forgotten() -> None:
    assert {int(str(row["id"]), 16) for row in REQUESTS} == set(RULES) - V5_COMMANDS


def test_broadcast_is_for_esmes_that_may_submit() -> None:
    # v5.0 Table 2-1.
    for command in V5_COMMANDS:
        assert RULES[command] == RULES[CommandId.SUBMIT_SM]


def test_tolerances_are_these_and_each_has_a_reason() -> None:
    assert {(tolerance.command, state) for tolerance in TOLERANCES for state in tolerance.states} == {
        (CommandId.REPLACE_SM, SessionState.BOUND_TRX),
        (CommandId.ENQUIRE_LINK, OPEN),
        (CommandId.ENQUIRE_LINK, OUTBOUND),
        (CommandId.UNBIND, OPEN),
        (CommandId.UNBIND, OUTBOUND),
    }
    assert all(tolerance.reason for tolerance in TOLERANCES)


def test_a_tolerance_lets_in_what_the_table_does_not() -> None:
    for tolerance in TOLERANCES:
        assert not tolerance.states & RULES[tolerance.command].states


def test_allowed_is_table_and_tolerances() -> None:
    for (role, state), commands in ALLOWED.items():
        for command, rule in RULES.items():
            tolerated = any(item.command is command and state in item.states for item in TOLERANCES)
            assert (int(command) in commands) is (role in rule.sent_by and (state in rule.states or tolerated))


def test_nothing_is_sent_after_the_end() -> None:
    for role in Role:
        assert not ALLOWED[role, SessionState.UNBOUND]
        assert not ALLOWED[role, SessionState.CLOSED]


def test_bound_states_are_those_of_the_binds() -> None:
    assert {state for state in SessionState if state.is_bound} == BOUND == set(BOUND_STATE.values())
    assert {int(command) for command in BIND_MODE} < CONTROL
