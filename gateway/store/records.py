"""Small durable documents for services: what they keep, found by key, by tag, or because their time has come.

Whoever changes a record says which version it read; where another has written meanwhile, nothing is changed and it is
told so. That is how several nodes share out what is due: all see it, one writes it first.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from gateway.models import Callback

RecordKey = tuple[str, str, str]
"""Kind, account, key."""


class Record(msgspec.Struct, kw_only=True, frozen=True):
    """One document; kind, account and key together are its own."""

    kind: str
    account: str
    key: str
    value: bytes = b""
    """JSON."""
    tag: str = ""
    """A second name it can be found by: a number, a reference."""
    due_at: float = 0.0
    """When it wants attention; 0: never."""
    version: int = 0
    """As read; 0: not stored yet."""
    created_at: float = 0.0
    updated_at: float = 0.0
    callbacks: tuple[Callback, ...] = ()
    """What is owed because of it, with ids of the store's making: kept in the same commit, if it is written; not part
    of what is read back."""

    @property
    def name(self) -> RecordKey:
        """What it is unique by."""
        return self.kind, self.account, self.key


RECORD_COLUMNS: Final = "kind, account, key, value, tag, due_at, version, created_at, updated_at"


class RecordStore(ABC):
    """Where records are kept: a part of every store."""

    @abstractmethod
    async def put_records(self, records: Sequence[Record]) -> list[bool]:
        """Write each whose stored version is `version` still, as `version + 1`, with its callbacks; all in one commit.

        Returns:
            Which were written. One that another has changed, dropped or, where it is new, put first, was not.

        Raises:
            StoreFull: too much waits for a commit.
            StoreError: nothing was written.
        """

    @abstractmethod
    async def drop_records(self, kind: str, account: str, keys: Collection[str]) -> int:
        """Forget records, whatever their version; returns how many there were."""

    @abstractmethod
    async def find_record(self, kind: str, account: str, key: str) -> Record | None:
        """One record; None where there is none."""

    @abstractmethod
    async def records(
        self, kind: str, account: str = "", *, tag: str | None = None, after_key: str = "", limit: int = 100
    ) -> list[Record]:
        """Records by their keys, those after `after_key`.

        Args:
            account: empty: of all accounts; more than `limit` are returned rather than some of a key.
            tag: only those that have it.
        """

    @abstractmethod
    async def count_records(self, kind: str, account: str = "", *, tag: str | None = None) -> int:
        """How many there are."""

    @abstractmethod
    async def due_records(self, kind: str, now: float, *, limit: int) -> list[Record]:
        """Those whose time has come, the longest due first; other nodes may be shown the same."""
