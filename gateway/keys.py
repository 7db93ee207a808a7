"""Keys of the native API that the store keeps: added, rotated and revoked while the gateway runs.

A key is shown once, when it is made. What is kept is its keyed hash, under its short name, with its roles and, once it
was rotated, the time when it ends. Its plain hash is kept too, sealed: of it the keyed one is made anew when the
gateway's own key is another. A key of an earlier version gets that when it is used.
"""

import hashlib
import hmac
import secrets
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from gateway.accounts import Accounts, ExtraKey
from gateway.errors import NotThere, OperatorError, StoreError
from gateway.sealing import IN_CLEAR, SealBroken, Sealer, sealed_with
from gateway.secretkey import SecretKey
from gateway.store import Record, Store

log = structlog.get_logger(__name__)

KIND: Final = "api_key"
ROLES: Final = ("send", "read", "admin")
_PURPOSE: Final = "api keys"
_PAGE: Final = 1_000
_USED_LIMIT: Final = 1_000
"""Keys that are written anew after one reading of the store."""


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
    sealed_hash: str = ""
    """The hash of its text, sealed; empty with keys of an earlier version that were not used since."""


class KeyRing:
    """The keys that the store keeps, all of them in memory too.

    Args:
        secret: hashes them; None: there is none, and no key can be made.
        accounts: learns which keys there are.
    """

    # How a key's text becomes what it is found by:
    #   text ──SHA-256──► hash (sealed in the record) ──HMAC with our own key──► tag
    # Its 256 random bits keep the hash from being guessed; that it is keyed keeps the table from being searched at all.

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
        self._sealer = Sealer(secret) if secret is not None else None
        self._accounts = accounts
        self._clock = clock
        self._secrets = [one.derive(_PURPOSE) for one in secret.all] if secret is not None else []
        """What keys may be hashed with; the first of them is used."""
        self._by_digest: dict[str, StoredKey] = {}
        self._used: dict[tuple[str, str], str] = {}
        """Hashes of keys of an earlier version that were used and can be kept now, by account and id."""
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
        await self._keep_hashes()

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
        record = self._hashed(
            Record(kind=KIND, account=account, key=identifier, created_at=now, updated_at=now), kept, _hash(text)
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
        if not text.startswith("gk_"):
            return None
        hashed = _hash(text)
        for at, secret in enumerate(self._secrets):
            key = self._by_digest.get(_digest(secret, hashed))
            if key is None:
                # As an earlier version has it.
                key = self._by_digest.get(_digest(secret, text))
                if key is not None and at == 0 and len(self._used) < _USED_LIMIT:
                    self._used[key.account, key.id] = hashed
            if key is not None:
                is_over = bool(key.expires_at) and key.expires_at <= self._clock()
                return None if is_over else ExtraKey(key.account, frozenset(key.roles))
        return None

    # --- another key of our own ---

    async def rehash(self) -> tuple[int, int]:
        """Hash with our present key what was hashed with another; how many, and how many keys that cannot be done to.

        Those are keys of an earlier version that were not used since, and keys hashed with a key that is not known.

        Raises:
            StoreError: the store cannot be asked.
        """
        await self._keep_hashes()
        done = left = 0
        after = ""
        while True:
            records = await self._store.records(KIND, after_key=after, limit=_PAGE)
            for record in records:
                hashed = self._hash_of(record)
                if hashed is None:
                    left += 1
                elif not self._is_present(record, hashed):
                    done += await self._put_hash(record, hashed)
            if len(records) < _PAGE:
                break
            after = records[-1].key
        await self.load()
        return done, left

    async def hashed_with(self) -> dict[str, int]:
        """How many keys are hashed with which of our own, by its name; IN_CLEAR: an earlier version made them.

        Raises:
            StoreError: the store cannot be asked.
        """
        found: Counter[str] = Counter()
        after = ""
        while records := await self._store.records(KIND, after_key=after, limit=_PAGE):
            for record in records:
                sealed = msgspec.json.decode(record.value, type=_Kept).sealed_hash
                found[sealed_with(b64decode(sealed)) if sealed else IN_CLEAR] += 1
            after = records[-1].key
        return dict(found)

    async def _keep_hashes(self) -> None:
        used, self._used = self._used, {}
        for (account, key_id), hashed in used.items():
            try:
                record = await self._store.find_record(KIND, account, key_id)
                if record is not None and self._hash_of(record) is None:
                    await self._put_hash(record, hashed)
            except StoreError as error:
                # It is used again.
                log.warning("the hash of a key could not be kept", account=account, key=key_id, error=str(error))

    async def _put_hash(self, record: Record, hashed: str) -> bool:
        kept = msgspec.json.decode(record.value, type=_Kept)
        changed = self._hashed(msgspec.structs.replace(record, updated_at=self._clock()), kept, hashed)
        if not (await self._store.put_records([changed]))[0]:
            return False
        self._by_digest.pop(record.tag, None)
        self._by_digest[changed.tag] = _read(changed)
        return True

    def _hashed(self, record: Record, kept: _Kept, hashed: str) -> Record:
        if self._sealer is None:
            return record
        kept.sealed_hash = self._sealer.seal_text(hashed, _owner(record))
        return msgspec.structs.replace(record, value=msgspec.json.encode(kept), tag=_digest(self._secrets[0], hashed))

    def _hash_of(self, record: Record) -> str | None:
        sealed = msgspec.json.decode(record.value, type=_Kept).sealed_hash
        if not sealed or self._sealer is None:
            return None
        try:
            return self._sealer.open_text(sealed, _owner(record))
        except SealBroken:
            return None

    def _is_present(self, record: Record, hashed: str) -> bool:
        return record.tag == _digest(self._secrets[0], hashed)


def _digest(secret: bytes, text: str) -> str:
    # surrogatepass: whatever text a header was decoded to is a wrong key, not a fault.
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _owner(record: Record) -> str:
    return f"api key {record.account} {record.key}"


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
