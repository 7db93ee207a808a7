"""Stores for the tests of the core: the real one and its fake."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import Store, open_store


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store of either kind, empty."""
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'gateway.db'}"
    opened = await open_store(url)
    yield opened
    await opened.close()
