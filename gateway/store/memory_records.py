"""Records in dictionaries."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from gateway.store.records import Record, RecordKey


class RecordTable:
    """Records by name."""

    def __init__(self) -> None:
        self._rows: dict[RecordKey, Record] = {}

    def put(self, records: Sequence[Record]) -> list[bool]:
        """Write those whose version is still the one they name."""
        return [self._put(record) for record in records]

    def _put(self, record: Record) -> bool:
        stored = self._rows.get(record.name)
        if (stored.version if stored else 0) != record.version:
            return False
        self._rows[record.name] = msgspec.structs.replace(record, version=record.version + 1, callbacks=())
        return True

    def drop(self, kind: str, account: str, keys: Collection[str]) -> int:
        """Forget records."""
        return sum(self._rows.pop((kind, account, key), None) is not None for key in keys)

    def find(self, kind: str, account: str, key: str) -> Record | None:
        """One record."""
        return self._rows.get((kind, account, key))

    def page(self, kind: str, account: str, tag: str | None, after_key: str, limit: int) -> list[Record]:
        """By key."""
        found = sorted(
            (one for one in self._matching(kind, account, tag) if one.key > after_key),
            key=lambda one: (one.key, one.account),
        )
        last = found[:limit][-1].key if found and limit else ""
        return found[:limit] + ([] if account else [one for one in found[limit:] if one.key == last])

    def count(self, kind: str, account: str, tag: str | None) -> int:
        """How many."""
        return sum(1 for _ in self._matching(kind, account, tag))

    def due(self, kind: str, now: float, limit: int) -> list[Record]:
        """The longest due first."""
        found = [one for one in self._matching(kind, "", None) if 0 < one.due_at <= now]
        return sorted(found, key=lambda one: one.due_at)[:limit]

    def _matching(self, kind: str, account: str, tag: str | None) -> Iterable[Record]:
        return (
            one
            for one in self._rows.values()
            if one.kind == kind and account in ("", one.account) and tag in (None, one.tag)
        )
