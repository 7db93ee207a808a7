"""Keys of the native API that the store keeps: added, rotated and revoked while the gateway runs.

A key is shown once, when it is made. What is kept is its keyed hash, under its short name, with its roles and, once it
was rotated, the time when it ends.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway.accounts import Accounts, ExtraKey
from gateway.errors import NotThere, OperatorError
from gateway.secretkey import SecretKey
from gateway.store import Record, Store

KIND: Final = "api_key"
ROLES: Final = ("send", "read", "admin")
_PURPOSE: Final = "api keys"
_PAGE: Final = 1_000


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key; never the key."""

    id: str
    account: str
    roles: tuple[str, ...]
    label: str = ""
    created_at: float = 0.0
    expires_at: float = 0.0
    """0: never."""


class _Kept(msgspec.Struct, kw_only=True):
    roles: tuple[str, ...]
    label: str = ""
    expires_at: float = 0.0


class KeyRing:
    """The keys that the store keeps, all of them in memory too.

    Args:
        secret: hashes them; None: there is none, and no key can be made.
        accounts: learns which keys there are.
    """

    def __init__(
        self,
        store: Store,
        secret: SecretKey | None,
        accounts: Accounts,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._secret = secret
        self._accounts = accounts
        self._clock = clock
        self._by_digest: dict[str, StoredKey] = {}
        accounts.set_extra_keys(self._find)

    async def load(self) -> None:
        """Read what the store has: at start, and whenever another process may have changed it."""
        found: dict[str, StoredKey] = {}
        after = ""
        while True:
            records = await self._store.records(KIND, after_key=after, limit=_PAGE)
            for record in records:
                found[record.tag] = _read(record)
            if len(records) < _PAGE:
                break
            after = records[-1].key
        self._by_digest = found

    def keys(self, account: str = "") -> list[StoredKey]:
        """An account's keys (everybody's where empty), by account, oldest first."""
        found = [key for key in self._by_digest.values() if account in ("", key.account)]
        return sorted(found, key=lambda key: (key.account, key.created_at, key.id))

    async def add(self, account: str, roles: Sequence[str], label: str = "") -> tuple[StoredKey, str]:
        """Make a key; returns it and, for this once, its text.

        Raises:
            OperatorError: there is no such account or role, or no secret to hash it with.
        """
        if self._accounts.get(account) is None:
            raise NotThere(f"there is no account {account}")
        unknown = [role for role in roles if role not in ROLES]
        if unknown or not roles:
            raise OperatorError("roles are: " + ", ".join(ROLES))
        if self._secret is None:
            raise OperatorError("keys cannot be kept: set node.secret_key, the same on every node of the database")
        now = self._clock()
        identifier = secrets.token_hex(4)
        text = f"gk_{identifier}_{secrets.token_urlsafe(32)}"
        kept = _Kept(roles=tuple(role for role in ROLES if role in roles), label=label)
        record = Record(
            kind=KIND,
            account=account,
            key=identifier,
            value=msgspec.json.encode(kept),
            tag=self._secret.digest(_PURPOSE, text),
            created_at=now,
            updated_at=now,
        )
        if not (await self._store.put_records([record]))[0]:
            raise OperatorError("another key has that name; try again")
        key = self._by_digest[record.tag] = _read(record)
        return key, text

    async def rotate(self, account: str, key_id: str, overlap_seconds: float) -> tuple[StoredKey, str]:
        """Make a key with the same roles, and let the old one end after the overlap.

        Raises:
            NotThere: the account has no such key.
            OperatorError: no secret to hash it with.
        """
        old = self._known(account, key_id)
        made = await self.add(account, old.roles, old.label)
        await self._expire(old, self._clock() + overlap_seconds)
        return made

    async def revoke(self, account: str, key_id: str) -> None:
        """End a key at once.

        Raises:
            NotThere: the account has no such key.
        """
        key = self._known(account, key_id)
        await self._store.drop_records(KIND, account, [key_id])
        self._by_digest = {digest: one for digest, one in self._by_digest.items() if one is not key}

    async def _expire(self, key: StoredKey, at: float) -> None:
        record = await self._store.find_record(KIND, key.account, key.id)
        if record is None:
            return
        kept = msgspec.json.decode(record.value, type=_Kept)
        kept.expires_at = at
        changed = msgspec.structs.replace(record, value=msgspec.json.encode(kept), due_at=at, updated_at=self._clock())
        await self._store.put_records([changed])
        self._by_digest[record.tag] = _read(changed)

    def _known(self, account: str, key_id: str) -> StoredKey:
        for key in self._by_digest.values():
            if key.id == key_id and key.account == account:
                return key
        raise NotThere(f"account {account} has no key {key_id} in the store; those of the config are changed there")

    def _find(self, text: str) -> ExtraKey | None:
        """Whose key this is, for `Accounts`."""
        if self._secret is None or not text.startswith("gk_"):
            return None
        key = self._by_digest.get(self._secret.digest(_PURPOSE, text))
        if key is None or (key.expires_at and key.expires_at <= self._clock()):
            return None
        return ExtraKey(key.account, frozenset(key.roles))


def _read(record: Record) -> StoredKey:
    kept = msgspec.json.decode(record.value, type=_Kept)
    return StoredKey(
        id=record.key,
        account=record.account,
        roles=kept.roles,
        label=kept.label,
        created_at=record.created_at,
        expires_at=kept.expires_at,
    )
