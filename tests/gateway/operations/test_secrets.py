"""Sealing anew; each test runs on each store."""

import pytest

from gateway.accounts import Accounts
from gateway.config import parse
from gateway.errors import OperatorError
from gateway.keys import KeyRing
from gateway.operations.secrets import SEALED_KINDS, SecretDesk
from gateway.optouts import OptOuts
from gateway.sealing import Sealer
from gateway.secretkey import SecretKey
from gateway.services.directory import DirectoryService
from gateway.store import Record, Store
from tests.gateway.fakes import Clock

WEBHOOK = {"uri": "https://app.example/", "secret": "s3cret"}


class Node:
    """What a node with these keys does with secrets; it uses the first of them."""

    def __init__(self, store: Store, *keys: bytes) -> None:
        clock = Clock()
        self.accounts = Accounts(parse("[account.shop]").account)
        key = SecretKey(keys[0], keys[1:])
        self.sealer = Sealer(key)
        self.ring = KeyRing(store, key, self.accounts, clock=clock)
        self.directory = DirectoryService(store, OptOuts(store, clock=clock), sealer=self.sealer, clock=clock)
        self.desk = SecretDesk(store, self.sealer, self.ring, [one.name for one in key.others])

    async def lines(self) -> dict[tuple[str, str], int]:
        return {(line.kind, line.state): line.count for line in (await self.desk.status()).lines}


async def test_everything_is_made_anew_with_the_present_key(store: Store) -> None:
    old = Node(store, b"old")
    for name in ("w1", "w2"):
        await old.directory.add("shop", "webhook", name, WEBHOOK)
    _, text = await old.ring.add("shop", ["send"])
    assert (await old.desk.status()).is_done
    node = Node(store, b"new", b"old")
    await node.directory.add("shop", "webhook", "w3", WEBHOOK)
    before = await node.desk.status()
    assert not before.is_done
    assert await node.lines() == {
        ("directory/webhook", "other"): 2,
        ("directory/webhook", "present"): 1,
        ("api_key", "other"): 1,
    }
    done = await node.desk.reseal()
    assert (done.documents, done.api_keys, done.left) == (2, 1, 0)
    assert (await node.desk.status()).is_done
    again = await node.desk.reseal()
    assert (again.documents, again.api_keys, again.left) == (0, 0, 0)
    alone = Node(store, b"new")
    await alone.ring.load()
    assert (await alone.desk.status()).is_done
    entries, _ = await alone.directory.list("shop", "webhook")
    assert [entry.fields for entry in entries] == [WEBHOOK] * 3
    assert alone.accounts.by_api_key(text).name == "shop"


async def test_what_an_earlier_version_left_in_clear_is_sealed(store: Store) -> None:
    value = b'{"fields":{"secret":"s3cret"},"name":"w1"}'
    for kind in SEALED_KINDS:
        await store.put_records([Record(kind=kind, account="shop", key=f"{1:015d}", value=value, tag="w1")])
    node = Node(store, b"one")
    assert await node.lines() == {(kind, "clear"): 1 for kind in SEALED_KINDS}
    assert (await node.desk.reseal()).documents == len(SEALED_KINDS)
    for kind in SEALED_KINDS:
        (record,) = await store.records(kind)
        assert b"s3cret" not in record.value
        assert node.sealer.open_value(record.value, record.name) == value
    (entry,) = await node.directory.by_name("shop", "webhook", "w1")
    assert entry.fields == {"secret": "s3cret"}


async def test_what_an_unknown_key_has_sealed_is_told_and_left(store: Store) -> None:
    gone = Node(store, b"gone")
    await gone.directory.add("shop", "webhook", "w1", WEBHOOK)
    await gone.ring.add("shop", ["send"])
    node = Node(store, b"new", b"old")
    assert await node.lines() == {("directory/webhook", "unknown"): 1, ("api_key", "unknown"): 1}
    done = await node.desk.reseal()
    assert (done.documents, done.api_keys, done.left) == (0, 0, 2)
    entries, _ = await gone.directory.list("shop", "webhook")
    assert [entry.fields for entry in entries] == [WEBHOOK]


async def test_many_are_made_anew(store: Store) -> None:
    old = Node(store, b"old")
    records = []
    for n in range(1_200):
        name = ("relay", "way", f"ref.{n}")
        value = old.sealer.seal_value(b"{}", name)
        records.append(Record(kind=name[0], account=name[1], key=name[2], value=value))
    assert all(await store.put_records(records))
    node = Node(store, b"new", b"old")
    assert (await node.desk.reseal()).documents == 1_200
    assert await node.lines() == {("relay", "present"): 1_200}


async def test_without_a_key_there_is_nothing_to_seal(store: Store) -> None:
    desk = SecretDesk(store, None, KeyRing(store, None, Accounts({})))
    for ask in (desk.status, desk.reseal):
        with pytest.raises(OperatorError, match=r"node\.secret_key"):
            await ask()
