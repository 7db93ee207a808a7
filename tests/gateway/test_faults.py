"""The hook that lets tests end the process: silent unless the environment asks."""

import os
import signal

import pytest

from gateway.errors import GatewayError
from gateway.faults import VARIABLE, fault_from


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: calls.append((pid, number)))
    return calls


def test_nothing_is_hooked_where_nothing_is_asked_for() -> None:
    assert fault_from({}) is None
    assert fault_from({VARIABLE: ""}) is None


def test_the_process_is_killed_at_the_named_point_the_time_that_was_asked_for(killed: list[tuple[int, int]]) -> None:
    reach = fault_from({VARIABLE: "after depart:3"})
    assert reach is not None
    for point in ("after depart", "depart", "after commit", "after depart"):
        reach(point)
    assert not killed
    reach("after depart")
    assert killed == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("wrong", ["after add", "after add:", ":1", "after add:0", "after add:-1", "after add:x"])
def test_what_cannot_be_read_is_refused(wrong: str) -> None:
    with pytest.raises(GatewayError, match="expected POINT:COUNT"):
        fault_from({VARIABLE: wrong})
