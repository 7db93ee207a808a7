"""Commands run in the process of the tests: how that logs is not theirs to settle."""

import importlib

import pytest


@pytest.fixture(autouse=True)
def _leave_logging_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # By its full name: the package has a command of the same name.
    module = importlib.import_module("gateway.cli.main")
    monkeypatch.setattr(module, "configure_logging", lambda *_settings: None)
