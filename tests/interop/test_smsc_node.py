"""node's smpp package as a customer of the gateway's SMPP door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smpp.sms import parse_receipt
from smpp.status import CommandStatus
from tests.gateway.smsc_path import NUMBER, PASSWORD, SYSTEM_ID, TO, DoorPath, smsc_path
from tests.interop.peer_node import NodeClient
from tests.interop.peers import Text

pytestmark = pytest.mark.interop


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[DoorPath]:
    async with smsc_path(tmp_path) as path:
        yield path


@pytest.fixture
async def customer() -> AsyncIterator[NodeClient]:
    client = NodeClient()
    try:
        yield client
    finally:
        await client.stop()


async def test_node_sends_and_gets_its_receipts(path: DoorPath, customer: NodeClient) -> None:
    port = path.gateway.smpp_ports[0]
    assert await customer.bind(port, "trx", system_id=SYSTEM_ID, password=PASSWORD) == 0
    ids = []
    for number in range(20):
        status, message_id = await customer.submit(
            Text(f"hello {number}", source="INFO", destination=TO, registered_delivery=1)
        )
        assert status == 0
        ids.append(message_id)
    receipts = [parse_receipt((await customer.delivered()).text.encode(), esm_class=4) for _ in ids]  # type: ignore[union-attr]
    assert sorted(one.id for one in receipts if one is not None) == sorted(ids)
    assert {one.stat for one in receipts if one is not None} == {"DELIVRD"}
    await path.owed(0)
    await customer.unbind()
    assert sorted(message.short_message for message in path.seen()) == sorted(f"hello {n}".encode() for n in range(20))


async def test_node_sends_a_long_text_in_parts_of_its_own(path: DoorPath, customer: NodeClient) -> None:
    assert await customer.bind(path.gateway.smpp_ports[0], "tx", system_id=SYSTEM_ID, password=PASSWORD) == 0
    text = "all in pieces " * 30
    count = await customer.submit_long(text)
    await path.simulator.wait_until(lambda: len(path.simulator.log) == count, 10)
    assert b"".join(message.short_message[6:] for message in path.seen()).decode() == text


async def test_node_gets_messages_from_handsets(path: DoorPath, customer: NodeClient) -> None:
    assert await customer.bind(path.gateway.smpp_ports[0], "rx", system_id=SYSTEM_ID, password=PASSWORD) == 0
    path.simulator.deliver("hi there", source="447946000001", destination=NUMBER)
    came = await customer.delivered()
    assert (came.text, came.source, came.destination) == ("hi there", "447946000001", NUMBER)


async def test_node_is_told_of_wrong_credentials(path: DoorPath, customer: NodeClient) -> None:
    status = await customer.bind(path.gateway.smpp_ports[0], "trx", system_id=SYSTEM_ID, password="wrong")
    assert status == CommandStatus.ESME_RBINDFAIL
