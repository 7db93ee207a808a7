"""The world of this dialect's tests."""

import pytest

from tests.gateway.providers.fakes import World


@pytest.fixture
def world() -> World:
    return World()
