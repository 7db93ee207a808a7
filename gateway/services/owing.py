"""Callbacks that services owe."""

import msgspec

from gateway.models import Callback
from gateway.store import Store


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
