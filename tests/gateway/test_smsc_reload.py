"""Customers who bind, and a config that changes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.config import AccountConfig, AccountSmppConfig, Config, Secret
from smpp.errors import BindFailed
from tests.gateway.smsc_path import PATIENCE_SECONDS, DoorPath, Inbox, smsc_path, submit

replace = msgspec.structs.replace


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[DoorPath]:
    async with smsc_path(tmp_path) as everything:
        yield everything


async def reload(path: DoorPath, accounts: dict[str, AccountConfig]) -> None:
    """Put other accounts in force."""
    there: Config = replace(path.gateway.config, account=accounts)
    path.gateway._steering._source = lambda: there
    done = await path.gateway.reload()
    assert done.restart_needed == ()


def with_smpp(path: DoorPath, **settings: object) -> dict[str, AccountConfig]:
    account = path.gateway.config.account["shop"]
    assert account.smpp is not None
    return {**path.gateway.config.account, "shop": replace(account, smpp=replace(account.smpp, **settings))}


async def test_a_bind_stays_and_works_when_the_customers_limits_change(path: DoorPath) -> None:
    inbox = Inbox()
    client = await path.bind(inbox)
    await reload(path, with_smpp(path, max_binds=1, parts_per_second=1000.0))
    await client.submit(submit())
    await inbox.wait_for(1)
    with pytest.raises(BindFailed):
        await path.bind()


async def test_binds_of_another_password_end(path: DoorPath) -> None:
    client = await path.bind()
    await reload(path, with_smpp(path, password=Secret("n3w")))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.closed
    with pytest.raises(BindFailed):
        await path.bind()
    inbox = Inbox()
    again = await path.bind(inbox, password="n3w")
    await again.submit(submit())
    await inbox.wait_for(1)


async def test_a_customer_that_comes_binds_and_gets_its_receipts(path: DoorPath) -> None:
    new = AccountConfig(smpp=AccountSmppConfig(system_id="newcomer", password=Secret("pw")))
    await reload(path, {**path.gateway.config.account, "new": new})
    inbox = Inbox()
    client = await path.bind(inbox, system_id="newcomer", password="pw")
    await client.submit(submit())
    await inbox.wait_for(1)


async def test_binds_of_a_customer_that_goes_end(path: DoorPath) -> None:
    client = await path.bind()
    account = path.gateway.config.account["shop"]
    await reload(path, {**path.gateway.config.account, "shop": replace(account, smpp=None)})
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.closed
    with pytest.raises(BindFailed):
        await path.bind()
