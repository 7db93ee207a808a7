"""Keys that the store keeps."""

import hashlib

import msgspec
import pytest

from gateway.accounts import Accounts
from gateway.config import parse
from gateway.errors import NotThere, OperatorError, Unauthorized
from gateway.keys import KIND, KeyRing
from gateway.secretkey import SecretKey
from gateway.store import Store
from tests.gateway.fakes import Clock

CONFIG = """
[account.shop]
api_keys = ["from-the-config"]
[account.reader]
"""


def ring(store: Store, clock: Clock, *, secret: bytes = b"s") -> tuple[KeyRing, Accounts]:
    accounts = Accounts(parse(CONFIG).account)
    return KeyRing(store, SecretKey(secret), accounts, clock=clock), accounts


async def test_key_that_was_added_opens_with_its_roles(store: Store) -> None:
    keys, accounts = ring(store, Clock())
    key, text = await keys.add("shop", ["admin", "read"], "ops")
    owner = accounts.by_api_key(text)
    assert (owner.name, sorted(owner.roles)) == ("shop", ["admin", "read"])
    assert (key.roles, key.label) == (("read", "admin"), "ops")
    assert accounts.by_api_key("from-the-config").name == "shop"


async def test_only_a_keyed_hash_is_kept(store: Store) -> None:
    keys, _ = ring(store, Clock())
    _, text = await keys.add("shop", ["send"])
    (record,) = await store.records(KIND)
    assert text.encode() not in record.value
    assert text not in (record.tag, record.key)
    assert text.rpartition("_")[2] not in repr(record)


async def test_key_outlives_the_process_but_not_its_secret(store: Store) -> None:
    keys, _ = ring(store, Clock())
    _, text = await keys.add("reader", ["read"])
    again, accounts = ring(store, Clock())
    await again.load()
    assert accounts.by_api_key(text).name == "reader"
    other, accounts = ring(store, Clock(), secret=b"other")
    await other.load()
    with pytest.raises(Unauthorized):
        accounts.by_api_key(text)


async def test_rotated_key_ends_after_the_overlap(store: Store) -> None:
    clock = Clock()
    keys, accounts = ring(store, clock)
    old, old_text = await keys.add("shop", ["send"], "app")
    new, new_text = await keys.rotate("shop", old.id, 60)
    assert (new.roles, new.label) == (("send",), "app")
    assert accounts.by_api_key(old_text).name == "shop"
    clock.advance(60)
    with pytest.raises(Unauthorized):
        accounts.by_api_key(old_text)
    assert accounts.by_api_key(new_text).name == "shop"


async def test_revoked_key_ends_at_once(store: Store) -> None:
    keys, accounts = ring(store, Clock())
    key, text = await keys.add("shop", ["send"])
    await keys.revoke("shop", key.id)
    with pytest.raises(Unauthorized):
        accounts.by_api_key(text)
    assert keys.keys() == []
    with pytest.raises(NotThere):
        await keys.revoke("shop", key.id)


async def test_key_of_another_account_cannot_be_revoked(store: Store) -> None:
    keys, accounts = ring(store, Clock())
    key, text = await keys.add("shop", ["send"])
    with pytest.raises(NotThere):
        await keys.revoke("reader", key.id)
    assert accounts.by_api_key(text).name == "shop"


@pytest.mark.parametrize(("account", "roles"), [("nobody", ["send"]), ("shop", ["root"]), ("shop", [])])
async def test_what_cannot_be_a_key_is_refused(store: Store, account: str, roles: list[str]) -> None:
    keys, _ = ring(store, Clock())
    with pytest.raises(OperatorError):
        await keys.add(account, roles)


async def test_without_a_secret_no_key_is_made(store: Store) -> None:
    keys = KeyRing(store, None, Accounts(parse(CONFIG).account))
    with pytest.raises(OperatorError, match=r"node\.secret_key"):
        await keys.add("shop", ["send"])


# --- another key of our own ---


def opened(store: Store, *secrets: bytes) -> tuple[KeyRing, Accounts]:
    """A ring that hashes with the first of these keys and knows the others."""
    accounts = Accounts(parse(CONFIG).account)
    return KeyRing(store, SecretKey(secrets[0], secrets[1:]), accounts, clock=Clock()), accounts


async def test_key_opens_while_the_one_it_was_hashed_with_is_known(store: Store) -> None:
    keys, _ = opened(store, b"old")
    _, text = await keys.add("reader", ["read"])
    both, accounts = opened(store, b"new", b"old")
    await both.load()
    assert accounts.by_api_key(text).name == "reader"
    # As another node, that will make things with the new one a moment later.
    both, accounts = opened(store, b"old", b"new")
    await both.load()
    assert accounts.by_api_key(text).name == "reader"


async def test_rehashed_keys_open_with_the_new_key_alone(store: Store) -> None:
    keys, _ = opened(store, b"old")
    made = [await keys.add("shop", ["send"]) for _ in range(3)]
    rotating, accounts = opened(store, b"new", b"old")
    await rotating.load()
    made.append(await rotating.add("shop", ["read"]))
    assert await rotating.rehash() == (3, 0)
    assert await rotating.rehash() == (0, 0)
    assert all(accounts.by_api_key(text).name == "shop" for _, text in made)
    alone, accounts = opened(store, b"new")
    await alone.load()
    assert all(accounts.by_api_key(text).name == "shop" for _, text in made)
    assert {key.id for key in alone.keys("shop")} == {key.id for key, _ in made}
    former, accounts = opened(store, b"old")
    await former.load()
    for _, text in made:
        with pytest.raises(Unauthorized):
            accounts.by_api_key(text)


async def test_end_of_a_rotated_key_outlives_rehashing(store: Store) -> None:
    keys, _ = opened(store, b"old")
    first, text = await keys.add("shop", ["send"])
    await keys.rotate("shop", first.id, 0)
    rotating, accounts = opened(store, b"new", b"old")
    await rotating.rehash()
    with pytest.raises(Unauthorized):
        accounts.by_api_key(text)


async def test_key_of_an_earlier_version_is_kept_when_it_is_used(store: Store) -> None:
    keys, _ = opened(store, b"old")
    _, text = await keys.add("shop", ["send"])
    (record,) = await store.records(KIND)
    plain = msgspec.json.encode({"roles": ["send"]})
    before = msgspec.structs.replace(record, value=plain, tag=SecretKey(b"old").digest("api keys", text))
    assert await store.put_records([before]) == [True]
    again, accounts = opened(store, b"old")
    await again.load()
    assert await again.rehash() == (0, 1)
    assert accounts.by_api_key(text).name == "shop"
    assert await again.rehash() == (0, 0)
    rotating, _ = opened(store, b"new", b"old")
    assert await rotating.rehash() == (1, 0)
    alone, accounts = opened(store, b"new")
    await alone.load()
    assert accounts.by_api_key(text).name == "shop"


async def test_neither_key_nor_its_hash_can_be_read_in_the_store(store: Store) -> None:
    keys, _ = opened(store, b"old")
    _, text = await keys.add("shop", ["send"])
    (record,) = await store.records(KIND)
    hashed = hashlib.sha256(text.encode()).hexdigest()
    assert hashed not in record.tag
    assert hashed.encode() not in record.value
