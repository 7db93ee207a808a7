"""Where parts of a message meet that a customer has sent over binds of several nodes.

part waits alone ──► whose message is it? ──first to ask──► stays here
                                          └──another──► handed over: that node finds it in the store
"""

import hashlib
from collections.abc import Callable
from typing import Final

import structlog

from gateway.providers.carrying import PieceKey
from gateway.store import Record, Store

log = structlog.get_logger(__name__)

KIND: Final = "meeting"
ALONE_SECONDS: Final = 2.0
"""So long a part waits for the others before it is asked where they are."""
SWEEP_LIMIT: Final = 100


class Meeting:
    """Says which node the parts of a message go to.

    Args:
        store: shared by the nodes.
        node: this one.
    """

    def __init__(self, store: Store, node: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._node = node
        self._clock = clock

    @property
    def is_needed(self) -> bool:
        """Whether there may be other nodes."""
        return self._store.is_shared

    async def node_of(self, uplink: str, key: PieceKey, seconds: float) -> str:
        """The node where the parts of a message meet: the first that asked within so many seconds.

        Raises:
            StoreError: it cannot be known now.
        """
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
        now = self._clock()
        found = await self._store.find_record(KIND, uplink, name)
        if found is None or found.due_at <= now:
            version = found.version if found is not None else 0
            mine = Record(
                kind=KIND,
                account=uplink,
                key=name,
                value=self._node.encode(),
                due_at=now + seconds,
                version=version,
                created_at=now,
                updated_at=now,
            )
            if (await self._store.put_records([mine]))[0]:
                await self._forget_old(now)
                return self._node
            found = await self._store.find_record(KIND, uplink, name)
        return found.value.decode() if found is not None else self._node

    async def _forget_old(self, now: float) -> None:
        for record in await self._store.due_records(KIND, now, limit=SWEEP_LIMIT):
            await self._store.drop_records(KIND, record.account, [record.key])
