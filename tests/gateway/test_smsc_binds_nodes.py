"""Two nodes on one PostgreSQL: a customer has no more binds on both than on one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from gateway.config import Secret
from gateway.smsc.binds import KIND
from gateway.store import Record
from smpp import BindFailed, Client, encode
from smpp.simulator import Simulator
from smpp.status import CommandStatus as Status
from smpp.wire.pdu import BindTransceiver
from tests.gateway.fakes import broken
from tests.gateway.smsc_path import PASSWORD, PATIENCE_SECONDS, SYSTEM_ID, DoorPath, door_text, node
from tests.postgres import Cluster
from tests.whole_path import config_text

replace = msgspec.structs.replace


@dataclass
class Pair:
    first: DoorPath
    second: DoorPath
    end_second: Callable[[], object]


@pytest.fixture
async def nodes(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Pair]:
    url = await postgres.new_url()
    async with Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, seed=7) as smsc:
        door = door_text(customer="max_binds = 2")
        text = config_text(tuple(smsc.urls), tmp_path, uplink="binds_per_server = 2", more=door)
        text = text.replace(f"sqlite:{tmp_path.as_posix()}/gateway.db", url)

        def named(name: str) -> str:
            return text + f'\n[node]\nname = "{name}"\nlease_seconds = 60.0\n'

        async with AsyncExitStack() as one, AsyncExitStack() as two:
            first = await one.enter_async_context(node(smsc, named("a")))
            second = await two.enter_async_context(node(smsc, named("b")))
            yield Pair(first, second, two.aclose)


async def refused(path: DoorPath) -> int:
    with pytest.raises(BindFailed) as failed:
        await path.bind()
    return failed.value.command_status


async def counted(path: DoorPath, count: int) -> None:
    """Wait until so many binds are written down."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            record = await path.gateway.store.find_record(KIND, "", "shop")
            book = msgspec.json.decode(record.value) if record is not None else {}
            if sum(one["binds"] for one in book.values()) == count:
                return
            await asyncio.sleep(0.01)


async def test_binds_of_both_nodes_count_until_they_are_gone(nodes: Pair) -> None:
    await nodes.first.bind(bind="tx")
    there = await nodes.second.bind(bind="rx")
    assert [await refused(nodes.first), await refused(nodes.second)] == [Status.ESME_RALYBND] * 2
    await there.close()
    await counted(nodes.first, 1)
    await nodes.first.bind()
    assert await refused(nodes.second) == Status.ESME_RALYBND


async def test_of_two_who_want_the_last_place_at_two_nodes_one_gets_it(nodes: Pair) -> None:
    await nodes.first.bind()
    both = (nodes.first, nodes.second)
    for _ in range(5):
        answers = await asyncio.gather(*(path.bind() for path in both), return_exceptions=True)
        (bound,) = (one for one in answers if isinstance(one, Client))
        (failed,) = (one for one in answers if not isinstance(one, Client))
        assert isinstance(failed, BindFailed)
        assert failed.command_status == Status.ESME_RALYBND
        await bound.close()
        await counted(nodes.first, 1)


async def test_a_node_that_stops_gives_its_places_back(nodes: Pair) -> None:
    for _ in range(2):
        await nodes.second.bind()
    await nodes.end_second()  # type: ignore[misc]
    for _ in range(2):
        await nodes.first.bind()


async def test_while_the_store_cannot_count_nobody_binds_and_afterwards_all_can(nodes: Pair) -> None:
    await nodes.first.bind()
    for method in ("find_record", "put_records"):
        with broken(nodes.second.gateway.store, method):
            assert await refused(nodes.second) == Status.ESME_RSYSERR
    await nodes.second.bind()
    assert await refused(nodes.first) == Status.ESME_RALYBND


async def test_a_connection_that_dies_before_it_is_counted_holds_no_place(nodes: Pair) -> None:
    store = nodes.first.gateway.store
    put, came, opened = store.put_records, asyncio.Event(), asyncio.Event()

    async def put_later(records: Sequence[Record]) -> list[bool]:
        if records[0].kind == KIND:
            came.set()
            await opened.wait()
        return await put(records)

    store.put_records = put_later  # type: ignore[method-assign]
    _, writer = await asyncio.open_connection("127.0.0.1", nodes.first.gateway.smpp_ports[0])
    writer.write(encode(BindTransceiver(SYSTEM_ID, PASSWORD), 1))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await came.wait()
    writer.transport.abort()
    opened.set()
    # Written, and given back.
    door = nodes.first.gateway._door
    assert door is not None
    assert door._server is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if not (door._server.sessions or door._binds._writers):
                break
            await asyncio.sleep(0.01)
    await counted(nodes.second, 0)
    for _ in range(2):
        await nodes.second.bind()


async def test_a_password_that_changes_while_a_bind_is_counted_is_wrong(nodes: Pair) -> None:
    gateway = nodes.first.gateway
    put, came, opened = gateway.store.put_records, asyncio.Event(), asyncio.Event()

    async def put_later(records: Sequence[Record]) -> list[bool]:
        if records[0].kind == KIND:
            came.set()
            await opened.wait()
        return await put(records)

    gateway.store.put_records = put_later  # type: ignore[method-assign]
    binding = asyncio.ensure_future(nodes.first.bind())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await came.wait()
    account = gateway.config.account["shop"]
    assert account.smpp is not None
    other = replace(account, smpp=replace(account.smpp, password=Secret("n3w")))
    there = replace(gateway.config, account={**gateway.config.account, "shop": other})
    assert gateway._steering is not None
    gateway._steering._source = lambda: there
    await gateway.reload()
    opened.set()
    with pytest.raises(BindFailed) as failed:
        await binding
    assert failed.value.command_status == Status.ESME_RBINDFAIL
    await counted(nodes.second, 0)


async def test_what_a_dead_node_held_is_free_once_its_lease_is_over(nodes: Pair) -> None:
    for _ in range(2):
        await nodes.second.bind()
    lease = nodes.second.gateway._lease
    assert lease is not None
    await lease.stop()
    assert await refused(nodes.first) == Status.ESME_RALYBND
    # Time passes: its lease is over.
    await nodes.second.gateway.store.renew(0.0)
    for _ in range(2):
        await nodes.first.bind()
