"""Behind every request: a shop with every service."""

import pytest

from tests.gateway.providers.fakes import World


@pytest.fixture
def world() -> World:
    return World()
