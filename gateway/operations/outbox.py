"""Callbacks that are owed, or were given up."""

import time
from collections.abc import Callable, Collection, Sequence

from gateway.models import Callback
from gateway.store import Store
from gateway.store.ids import is_id


class Outbox:
    """What is owed, to see and to try again.

    Args:
        on_callbacks: called when some became due again.
    """

    def __init__(self, store: Store, on_callbacks: Callable[[], None], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._on_callbacks = on_callbacks
        self._clock = clock

    async def callbacks(self, account: str = "", *, failed: bool | None = None, limit: int = 50) -> Sequence[Callback]:
        """Callbacks not yet acknowledged, oldest first; everybody's where `account` is empty."""
        return await self._store.callbacks(account, failed=failed, limit=limit)

    async def replay(self, account: str = "", ids: Collection[str] = ()) -> int:
        """Make failed callbacks due again: those named, or all. Returns how many."""
        known = [one for one in ids if is_id(one)]
        if ids and not known:
            # An empty list would mean all.
            return 0
        count = await self._store.replay_callbacks(self._clock(), account, known)
        if count:
            self._on_callbacks()
        return count
