"""From a store's URL to the store."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.errors import StoreError
from gateway.store.base import Store
from gateway.store.memory import MemoryStore
from gateway.store.sqlite import SqliteStore


def _ignore(_seconds: float, _rows: int) -> None:
    return


async def open_store(
    url: str,
    *,
    queue_limit: int = 20_000,
    commit_batch: int = 2_000,
    on_commit: Callable[[float, int], None] = _ignore,
) -> Store:
    """Open the store that a URL names, and bring its schema up to date.

    Args:
        url: ``sqlite:PATH``, ``postgresql://user@host/database`` or ``memory:``.
        queue_limit: rows of senders, and rows of SMSCs, that may wait for a commit.
        commit_batch: the most rows in one commit.
        on_commit: called with seconds and rows after every commit, on the store's thread.

    Raises:
        StoreError: it is in use by another process, cannot be opened, was written by a newer version, or might lose
            what it has committed.
    """
    scheme, _, path = url.partition(":")
    if scheme == "memory":
        return MemoryStore(queue_limit=queue_limit)
    if scheme == "sqlite" and path:
        return await asyncio.to_thread(
            lambda: SqliteStore(Path(path), queue_limit=queue_limit, commit_batch=commit_batch, on_commit=on_commit)
        )
    if scheme in ("postgresql", "postgres"):
        return await _open_postgres(url, queue_limit=queue_limit, commit_batch=commit_batch, on_commit=on_commit)
    raise StoreError(f"no store is known for {scheme}:")


async def _open_postgres(
    url: str, *, queue_limit: int, commit_batch: int, on_commit: Callable[[float, int], None]
) -> Store:
    try:
        # Its driver is an extra: whoever keeps everything in SQLite does without.
        from gateway.store.postgres import PostgresStore
    except ImportError as error:
        raise StoreError("PostgreSQL needs the extra `postgres`: pip install smppkit[postgres]") from error
    return await PostgresStore.open(url, queue_limit=queue_limit, commit_batch=commit_batch, on_commit=on_commit)
