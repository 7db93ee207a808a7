"""Two nodes on one PostgreSQL: a customer gets its receipts wherever it is bound."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smpp.simulator import Simulator
from smpp.wire.pdu import CancelSm, QuerySm, QuerySmResp, ReplaceSm
from tests.gateway.smsc_path import NUMBER, PATIENCE_SECONDS, TO, DoorPath, Inbox, door_text, node, submit
from tests.postgres import Cluster
from tests.whole_path import config_text


@pytest.fixture
async def nodes(postgres: Cluster, tmp_path: Path) -> AsyncIterator[tuple[DoorPath, DoorPath]]:
    url = await postgres.new_url()
    async with Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, seed=7) as smsc:
        # A bind for each node: they share what a server allows.
        door = door_text(smpp="response_timeout_seconds = 5")
        text = config_text(tuple(smsc.urls), tmp_path, uplink="binds_per_server = 2", more=door)
        text = text.replace(f"sqlite:{tmp_path.as_posix()}/gateway.db", url)
        async with (
            node(smsc, text + '\n[node]\nname = "a"\n') as first,
            node(smsc, text + '\n[node]\nname = "b"\n') as second,
        ):
            yield first, second


async def test_a_receipt_comes_to_the_node_where_the_customer_is_bound(nodes: tuple[DoorPath, DoorPath]) -> None:
    first, second = nodes
    inbox = Inbox()
    sender = await first.bind(bind="tx")
    await second.bind(inbox, bind="rx")
    ids = {(await sender.submit(submit())).message_id for _ in range(20)}
    await inbox.wait_for(20)
    assert {one.id for one in inbox.receipts} == ids
    await first.owed(0)
    assert len(inbox.received) == 20


async def test_two_binds_on_two_nodes_share_what_is_owed(nodes: tuple[DoorPath, DoorPath]) -> None:
    here, there = Inbox(), Inbox()
    client = await nodes[0].bind(here)
    await nodes[1].bind(there)
    sent = await asyncio.gather(*(client.submit(submit()) for _ in range(100)))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(here.received) + len(there.received) < 100:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await nodes[0].owed(0)
    told = [one.id for one in (*here.receipts, *there.receipts)]
    assert sorted(told) == sorted(one.message_id for one in sent)


async def test_who_moves_to_another_node_takes_what_it_had_not_answered_along(nodes: tuple[DoorPath, DoorPath]) -> None:
    first, second = nodes
    hanging, inbox = Inbox(), Inbox()
    hanging.is_open.clear()
    client = await first.bind(hanging)
    ids = {(await client.submit(submit())).message_id for _ in range(15)}
    await hanging.wait_for(10)
    client._link.connection.abort("moved")
    await second.bind(inbox)
    await inbox.wait_for(15)
    assert {one.id for one in inbox.receipts} == ids
    hanging.is_open.set()


async def test_a_message_of_a_handset_comes_there_too(nodes: tuple[DoorPath, DoorPath]) -> None:
    first, second = nodes
    inbox = Inbox()
    await second.bind(inbox, bind="rx")
    first.simulator.deliver("hi", source="447946000001", destination=NUMBER)
    await inbox.wait_for(1)
    assert len(inbox.received) == 1


async def test_a_message_that_waits_at_one_node_is_queried_replaced_and_cancelled_at_another(
    nodes: tuple[DoorPath, DoorPath],
) -> None:
    first, second = nodes
    (server,) = first.simulator.servers
    await server.stop(in_order=False)
    sender, other = await first.bind(), await second.bind()
    kept, replaced, cancelled = [(await sender.submit(submit())).message_id for _ in range(3)]
    answer = await other.request(QuerySm(message_id=kept, source_addr="INFO"))
    assert isinstance(answer, QuerySmResp)
    assert answer.message_id == kept
    text = b"another text"
    await other.request(ReplaceSm(message_id=replaced, source_addr="INFO", registered_delivery=1, short_message=text))
    await other.request(CancelSm(message_id=cancelled, source_addr="INFO", destination_addr=TO))
    await server.start()
    await first.state(kept, "delivered")
    await first.state(replaced, "delivered")
    assert await first.state(cancelled) == "deleted"
    assert sorted(message.short_message for message in first.seen()) == [text, b"hello"]
