"""The nodes that share a store, as each says of itself every few seconds."""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.store import Record, Store

KIND: Final = "node"
SILENT_SECONDS: Final = 30.0
"""A node that has said nothing for so long counts as gone."""


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the gateway."""

    name: str
    is_alive: bool
    """Whether it gave a sign of life of late."""
    started_at: float
    seen_at: float
    http: str = ""
    admin: str = ""
    version: str = ""


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    started_at: float
    http: str
    admin: str
    version: str


class NodeDesk:
    """Knows the nodes.

    Args:
        name: of this one.
    """

    def __init__(self, store: Store, name: str, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        self._started_at = clock()

    async def say(self, *, http: str, admin: str, version: str) -> None:
        """Say that this node is there, and where."""
        now = self._clock()
        said = _Said(started_at=self._started_at, http=http, admin=admin, version=version)
        record = await self._store.find_record(KIND, "", self._name)
        record = record or Record(kind=KIND, account="", key=self._name, created_at=now)
        # Whoever writes it at the same time bears our name: one of the two is enough.
        await self._store.put_records(
            [msgspec.structs.replace(record, value=msgspec.json.encode(said), updated_at=now)]
        )

    async def nodes(self) -> list[NodeView]:
        """All that were ever seen, by name."""
        return [self._view(record) for record in await self._store.records(KIND, limit=1_000)]

    def _view(self, record: Record) -> NodeView:
        said = msgspec.json.decode(record.value, type=_Said)
        return NodeView(
            name=record.key,
            is_alive=self._clock() - record.updated_at < SILENT_SECONDS,
            started_at=said.started_at,
            seen_at=record.updated_at,
            http=said.http,
            admin=said.admin,
            version=said.version,
        )
