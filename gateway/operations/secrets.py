"""What the store keeps sealed and hashed: with which of our keys, and all of it made anew with the present one.

    status ──► counts, by kind and key          reseal ──► documents sealed anew, keys of accounts hashed anew

Another node may still seal with the key before: then what it writes is sealed anew at the next time. Codes under way
and the messages that carry them are left alone: they end by themselves.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from gateway.errors import OperatorError
from gateway.keys import KIND as API_KEY
from gateway.keys import KeyRing
from gateway.sealing import IN_CLEAR, SealBroken, Sealer, sealed_with
from gateway.services import directory, passthrough
from gateway.store import Record, Store

SEALED_KINDS: Final = (*(directory.PREFIX + kind for kind in sorted(directory.SECRETIVE)), passthrough.KIND)
NO_KEY: Final = "nothing is sealed here: set node.secret_key, the same on every node of the database"
_PAGE: Final = 1_000
_TRIES: Final = 10


class SealedLine(msgspec.Struct, frozen=True, kw_only=True):
    """How many things of a kind are made with one key."""

    kind: str
    key: str
    """Its name: eight hexadecimal digits; empty where there is none."""
    state: str
    """Of the key: 'present', 'other' (known), 'unknown'; 'clear': it is not sealed, as an earlier version left it."""
    count: int


class SecretStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys there are, and what is made with them."""

    present_key: str
    """The name of node.secret_key."""
    other_keys: tuple[str, ...]
    """Those that are only known."""
    lines: tuple[SealedLine, ...]
    is_done: bool
    """Whether everything is made with the present key, so that no other is needed for it."""


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """What was made anew."""

    documents: int
    api_keys: int
    left: int
    """What could not be: sealed with an unknown key, or a key of an account that nobody has used since an upgrade."""


class SecretDesk:
    """What is sealed.

    Args:
        sealer: None: there is no key.
        other_keys: names of keys that are only known.
    """

    def __init__(self, store: Store, sealer: Sealer | None, keys: KeyRing, other_keys: Sequence[str] = ()) -> None:
        self._store = store
        self._sealer = sealer
        self._keys = keys
        self._others = tuple(other_keys)

    async def status(self) -> SecretStatus:
        """Look at all of it.

        Raises:
            OperatorError: there is no key.
            StoreError: the store cannot be asked.
        """
        sealer = self._there()
        counts: Counter[tuple[str, str]] = Counter()
        for kind in SEALED_KINDS:
            async for record in self._all(kind):
                counts[kind, sealed_with(record.value)] += 1
        for name, count in (await self._keys.hashed_with()).items():
            counts[API_KEY, name] += count
        lines = tuple(
            SealedLine(kind=kind, key=name, state=self._state(name), count=count)
            for (kind, name), count in sorted(counts.items())
        )
        return SecretStatus(
            present_key=sealer.key_name,
            other_keys=self._others,
            lines=lines,
            is_done=all(line.state == "present" for line in lines),
        )

    def _state(self, name: str) -> str:
        if name == IN_CLEAR:
            return "clear"
        if name == self._there().key_name:
            return "present"
        return "other" if name in self._others else "unknown"

    async def reseal(self) -> Resealed:
        """Make everything anew that is made with another key, or in clear.

        Raises:
            OperatorError: there is no key.
            StoreError: the store gave up half-way; what is done is done.
        """
        sealer = self._there()
        done = left = 0
        for kind in SEALED_KINDS:
            async for record in self._all(kind):
                if sealed_with(record.value) == sealer.key_name:
                    continue
                try:
                    done += await self._put(sealer, record)
                except SealBroken:
                    left += 1
        rehashed, unknown = await self._keys.rehash()
        return Resealed(documents=done, api_keys=rehashed, left=left + unknown)

    async def _put(self, sealer: Sealer, record: Record | None) -> bool:
        """Write one sealed anew, whoever else writes it.

        Raises:
            SealBroken: it cannot be opened.
        """
        for _ in range(_TRIES):
            if record is None or sealed_with(record.value) == sealer.key_name:
                return False
            clear = sealer.open_value(record.value, record.name)
            new = msgspec.structs.replace(record, value=sealer.seal_value(clear, record.name))
            if (await self._store.put_records([new]))[0]:
                return True
            record = await self._store.find_record(*record.name)
        return False

    async def _all(self, kind: str) -> AsyncIterator[Record]:
        after = ""
        while records := await self._store.records(kind, after_key=after, limit=_PAGE):
            for record in records:
                yield record
            after = records[-1].key

    def _there(self) -> Sealer:
        if self._sealer is None:
            raise OperatorError(NO_KEY)
        return self._sealer
