"""Callbacks that services owe."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway.errors import StoreError
from gateway.models import Callback
from gateway.store import Record, Store

NOTICE: Final = "notice"
FORGOTTEN_AT_ONCE: Final = 100


def allow_any(_url: str) -> None:
    """No address is refused when it is given; each is looked at again when it is called."""


def owed(callback: Callback, store: Store, account: str, about: str, dialect: str, now: float) -> Callback:
    """A callback as it is kept: with an id, and due at once.

    Args:
        about: the id of what it reports on.
    """
    return msgspec.structs.replace(
        callback,
        id=store.ids.new(now),
        account=account,
        message_id=about,
        dialect=dialect,
        created_at=now,
        due_at=now,
    )


class NoticeBoard:
    """Implements `gateway.providers.ports.Notices`.

    Args:
        on_callbacks: called after a commit that owes callbacks.
    """

    def __init__(
        self, store: Store, on_callbacks: Callable[[], None], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._on_callbacks = on_callbacks
        self._clock = clock

    async def owe(self, account: str, dialect: str, about: str, callbacks: Sequence[Callback]) -> None:
        """Keep them; returns after the commit."""
        if not callbacks:
            return
        now = self._clock()
        kept = tuple(owed(one, self._store, account, about, dialect, now) for one in callbacks)
        # Callbacks are kept with a record; this one has done its duty when they are.
        notice = Record(
            kind=NOTICE,
            account=account,
            key=self._store.ids.new(now),
            due_at=now,
            created_at=now,
            updated_at=now,
            callbacks=kept,
        )
        if not all(await self._store.put_records([notice])):
            raise StoreError("a notice could not be kept")
        self._on_callbacks()
        with contextlib.suppress(StoreError):
            for old in await self._store.due_records(NOTICE, now, limit=FORGOTTEN_AT_ONCE):
                await self._store.drop_records(NOTICE, old.account, [old.key])
