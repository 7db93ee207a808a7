"""Two nodes on one PostgreSQL that leave through one provider: places and pace are shared, receipts come home."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from smpp.constants import EsmClass
from tests.gateway.providers.sim import running
from tests.gateway.rest_path import PROVIDERS, RestPath, config_text, started
from tests.gateway.smsc_path import PATIENCE_SECONDS, Inbox, submit
from tests.ports import free_port
from tests.postgres import Cluster
from tests.whole_path import receiver


@pytest.fixture
async def nodes(postgres: Cluster, tmp_path: Path) -> AsyncIterator[tuple[RestPath, RestPath]]:
    store = await postgres.new_url()
    async with AsyncExitStack() as stack:
        provider = PROVIDERS["lanck"][0]()
        await stack.enter_async_context(running(provider))
        taker = await stack.enter_async_context(receiver())
        paths = []
        for name in ("a", "b"):
            text = config_text(
                "lanck",
                provider.url,
                tmp_path,
                port=free_port(),
                callbacks=taker.url,
                uplink="concurrency = 4\nrequests_per_second = 400",
                more=f'[node]\nname = "{name}"\n',
            ).replace(f"sqlite:{tmp_path.as_posix()}/gateway.db", store)
            paths.append(await stack.enter_async_context(started(text, provider, taker)))
        yield paths[0], paths[1]


async def test_nodes_share_places_and_pace(nodes: tuple[RestPath, RestPath]) -> None:
    first, second = nodes

    def shares() -> list[float]:
        return [path.uplink.client.pacer.per_second for path in nodes]

    async with asyncio.timeout(PATIENCE_SECONDS):
        while shares() != [200.0, 200.0]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert [path.uplink._places.share for path in (first, second)] == [0.5, 0.5]


async def test_messages_of_both_leave_and_are_reported_once(nodes: tuple[RestPath, RestPath]) -> None:
    ids = {(await path.send(text=f"{number}"))["id"] for number in range(10) for path in nodes}

    callbacks = await nodes[0].receiver.wait_for(20)

    assert {callback.json["message"]["id"] for callback in callbacks} == ids
    assert {callback.json["message"]["state"] for callback in callbacks} == {"delivered"}
    assert len(nodes[0].provider.messages) == 20


async def test_parts_sent_to_two_nodes_meet(nodes: tuple[RestPath, RestPath]) -> None:
    inbox = Inbox()
    first, second = [await path.bind(inbox) for path in nodes]
    ids = []
    for number, client in ((1, first), (2, second), (3, first)):
        header = bytes((5, 0, 3, 9, 3, number))
        sent = await client.submit(submit(header + b"part %d " % number, esm_class=EsmClass.UDHI))
        ids.append(sent.message_id)

    receipts = await inbox.wait_for(3)

    assert [sms.text for sms in nodes[0].provider.messages] == ["part 1 part 2 part 3 "]
    assert sorted(receipt.id for receipt in receipts) == sorted(ids)
