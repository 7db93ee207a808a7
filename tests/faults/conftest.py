"""A safety net: no test here may wait for ever, whatever is broken."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

LIMIT_SECONDS: Final = 60.0


def _with_limit(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def limited(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            await test(*args, **kwargs)

    return limited


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Put a time limit round every asynchronous test of this folder."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = _with_limit(item.obj)
