"""What only the PostgreSQL store must do: promises of the server, leases, claims, many writers, lost connections."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest

from gateway.errors import StoreError, StoreFull
from gateway.models import Inbound, Message, State
from gateway.store import NotOurs, open_store
from gateway.store.base import LeaseLost
from gateway.store.postgres import PostgresStore
from tests.gateway.fakes import NOW, receipt
from tests.gateway.store.rows import BOOK, depart, end_of, make_message, state_of, submitted
from tests.postgres import Cluster

replace = msgspec.structs.replace
LEASE = 30.0


async def open_at(url: str, node: str = "", **options: Any) -> PostgresStore:
    store = await open_store(url, **options)
    assert isinstance(store, PostgresStore)
    if node:
        await store.register(node, NOW, LEASE)
    return store


@pytest.fixture
async def url(postgres: Cluster) -> str:
    return await postgres.new_url()


@pytest.fixture
async def nodes(url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two nodes, n1 and n2."""
    first, second = await open_at(url, "n1"), await open_at(url, "n2")
    yield first, second
    await first.close()
    await second.close()


async def expire(postgres: Cluster, url: str, node: str) -> None:
    """Let a node's lease end."""
    ended = f"UPDATE nodes SET lease_until = now() - interval '1 second' WHERE name = '{node}'"  # noqa: S608
    await postgres.execute(ended, url)


async def waiting(store: PostgresStore, uplink: str = "a", limit: int = 100) -> list[str]:
    return [one.id for one in await store.waiting(uplink, limit=limit, skip=set())]


# --- opening ---


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_may_lose_a_commit_is_refused(postgres: Cluster, url: str, setting: str) -> None:
    await postgres.execute(f"ALTER SYSTEM SET {setting} = off")
    await postgres.execute("SELECT pg_reload_conf()")
    try:
        for _ in range(100):
            try:
                await (await open_at(url)).close()
            except StoreError as error:
                assert f"{setting} = off" in str(error)
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it was taken")
    finally:
        await postgres.execute(f"ALTER SYSTEM RESET {setting}")
        await postgres.execute("SELECT pg_reload_conf()")


async def test_nobody_at_home_is_a_store_error() -> None:
    with pytest.raises(StoreError, match="cannot be reached"):
        await open_store("postgresql://nobody@/none?host=/nonexistent")


async def test_a_schema_of_a_newer_version_is_refused(postgres: Cluster, url: str) -> None:
    await (await open_at(url)).close()
    await postgres.execute("INSERT INTO migrations VALUES (9999, 'future', 0)", url)
    with pytest.raises(StoreError, match="newer version"):
        await open_at(url)


async def test_a_name_belongs_to_one_process_until_that_ends(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.postgres_keeper.NAME_SECONDS", 0.1)
    first, second = await open_at(url, "n1"), await open_at(url)
    with pytest.raises(StoreError, match="another process runs as node n1"):
        await second.register("n1", NOW, LEASE)
    await first.close()
    await second.register("n1", NOW, LEASE)
    await second.close()


async def test_ids_of_several_processes_are_never_equal(url: str) -> None:
    stores = [await open_at(url) for _ in range(4)]
    ids = [store.ids.new(NOW) for _ in range(200) for store in stores]
    assert len({one[:11] for one in ids}) == 800
    await stores[0].add([make_message(stores[0], created_at=NOW + 3600)])
    later = await open_at(url)
    # Whatever the clock says, a new process begins after what is kept.
    assert later.ids.new(NOW - 3600) > max(ids)
    for store in (*stores, later):
        await store.close()


# --- leases ---


async def test_without_a_lease_nothing_is_written(postgres: Cluster, url: str, nodes: Any) -> None:
    first, _ = nodes
    await expire(postgres, url, "n1")
    message = make_message(first)
    with pytest.raises(LeaseLost):
        await first.add([message])
    with pytest.raises(LeaseLost):
        await first.receive([receipt("1")], BOOK)
    # Nobody has taken over: the lease can be had again.
    assert await first.renew(LEASE)
    await first.add([message])


async def test_a_node_that_was_taken_over_can_neither_write_nor_renew(postgres: Cluster, url: str, nodes: Any) -> None:
    first, second = nodes
    message = make_message(first)
    await first.add([message])
    await expire(postgres, url, "n1")
    await second.take_over()
    assert not await first.renew(LEASE)
    with pytest.raises(LeaseLost):
        await depart(first, message)
    assert await waiting(second) == [message.id]
    # It comes back as a new node of its name: what was taken is not its own any more.
    await first.register("n1", NOW, LEASE)
    assert await waiting(first) == []
    with pytest.raises(NotOurs) as caught:
        await depart(first, message)
    assert caught.value.ids == {message.id}


async def test_a_live_nodes_messages_are_left_alone(nodes: Any) -> None:
    first, second = nodes
    message = make_message(first)
    await first.add([message])
    inherited = await second.take_over()
    assert (inherited.unfinished, inherited.uplinks) == ((), frozenset())
    assert await waiting(second) == []
    assert await second.waiting_uplinks() == []
    assert await waiting(first) == [message.id]


async def test_a_dead_nodes_work_is_taken_over(postgres: Cluster, url: str, nodes: Any) -> None:
    first, second = nodes
    begun, queued = make_message(first), make_message(first, uplink="b")
    later = make_message(first, state=State.SCHEDULED, scheduled_at=NOW + 5)
    await first.add([begun, queued, later])
    await depart(first, begun, 2)
    await expire(postgres, url, "n1")
    inherited = await second.take_over()
    ((message, parts),) = inherited.unfinished
    assert (message.id, message.node, [part.node for part in parts]) == (begun.id, "n2", ["n2", "n2"])
    assert inherited.uplinks == {"b"}
    assert await waiting(second, "b") == [queued.id]
    assert await second.next_scheduled_at() == NOW + 5
    assert await second.release_scheduled(NOW + 5) == 1
    assert await waiting(second) == [later.id]
    assert (await second.take_over()).unfinished == ()
    assert [event.detail for event in await second.timeline(queued.id)][-1] == "taken over from node n1"


async def test_a_node_that_is_only_late_is_left_alone_by_who_asks_so(postgres: Cluster, url: str, nodes: Any) -> None:
    first, second = nodes
    await first.add([make_message(first)])
    await expire(postgres, url, "n1")
    assert (await second.take_over(only_resigned=True)).uplinks == frozenset()
    assert await first.renew(LEASE)


async def test_a_node_that_ends_in_order_leaves_its_work_at_once(url: str) -> None:
    first, second = await open_at(url, "n1"), await open_at(url, "n2")
    heard = asyncio.Event()
    second.on_notice = heard.set
    message = make_message(first)
    await first.add([message])
    await first.close()
    async with asyncio.timeout(60):
        await heard.wait()
    assert (await second.take_over()).uplinks == {"a"}
    assert await waiting(second) == [message.id]
    await second.close()


async def test_survivors_share_what_is_left_and_nothing_goes_to_two(postgres: Cluster, url: str) -> None:
    stores = [await open_at(url, f"n{n}") for n in range(4)]
    messages = [make_message(stores[0], node="n0") for _ in range(400)]
    await stores[0].add(messages)
    await expire(postgres, url, "n0")
    survivors = stores[1:]
    await asyncio.gather(*(one.take_over() for one in survivors))

    async def take(store: PostgresStore) -> list[str]:
        mine: list[str] = []
        for _ in range(40):
            mine += [one.id for one in await store.waiting("a", limit=5, skip=set(mine))]
        return mine

    taken = await asyncio.gather(*map(take, survivors))
    assert sorted(one for part in taken for one in part) == sorted(message.id for message in messages)
    assert all(taken)
    for store in stores:
        await store.close()


async def test_a_message_changed_at_another_node_does_not_leave_as_it_was(nodes: Any) -> None:
    first, second = nodes
    amended, cancelled, left = (make_message(first) for _ in range(3))
    await first.add([amended, cancelled, left])
    await second.amend([replace(amended, text="other")])
    await second.end([replace(cancelled, state=State.DELETED)], BOOK)
    for message in (amended, cancelled):
        with pytest.raises(NotOurs):
            await depart(first, message)
    await depart(first, left)
    for change in (second.amend([left]), second.end([replace(left, state=State.DELETED)], BOOK)):
        with pytest.raises(NotOurs):
            await change


# --- across nodes ---


async def test_a_receipt_at_another_node_moves_the_message_and_owes_its_callback(nodes: Any) -> None:
    first, second = nodes
    message = await submitted(first, "id-1")
    assert await second.receive([receipt("id-1")], BOOK) == ([True], 1)
    assert await state_of(first, message) is State.DELIVERED


async def test_receipts_that_race_with_responses_at_another_node_are_never_left_parked(nodes: Any) -> None:
    first, second = nodes
    count = 150
    messages = [make_message(first) for _ in range(count)]
    await first.add(messages)
    gone = [await depart(first, message) for message in messages]

    async def respond(n: int) -> None:
        message, (part,) = gone[n]
        await asyncio.sleep(random.random() * 0.2)
        await first.record([end_of(message, part, State.SUBMITTED, f"r{n}")], BOOK)

    async def report(n: int) -> None:
        await asyncio.sleep(random.random() * 0.2)
        await second.receive([receipt(f"r{n}")], BOOK)

    await asyncio.gather(*map(respond, range(count)), *map(report, range(count)))
    assert await first.parked() == 0
    delivered = await second.messages("shop", state=State.DELIVERED, limit=count)
    assert len(delivered) == count


async def test_nodes_that_write_the_same_messages_never_wait_in_a_circle(nodes: Any) -> None:
    messages = [await submitted(nodes[0], f"a{n}", f"b{n}") for n in range(40)]
    rounds = [(store, random.sample(range(40), 40)) for store in nodes for _ in range(8)]

    async def report(store: PostgresStore, order: list[int]) -> None:
        for at in range(0, 40, 10):
            letter = random.choice("ab")
            await store.receive([receipt(f"{letter}{n}", State.ENROUTE) for n in order[at : at + 10]], BOOK)
            await store.receive([receipt(f"{other}{n}") for n in order[at : at + 10] for other in "ab"], BOOK)

    await asyncio.gather(*(report(store, order) for store, order in rounds))
    assert {await state_of(nodes[0], message) for message in messages} == {State.DELIVERED}
    assert len(await nodes[1].callbacks(limit=1000)) == 40


async def test_a_callback_is_tried_by_one_node_until_that_is_dead(postgres: Cluster, url: str, nodes: Any) -> None:
    first, second = nodes
    message = await submitted(first, "1")
    await first.receive([receipt("1")], BOOK)

    async def due(store: PostgresStore, *skip: str) -> list[str]:
        found = await store.due_callbacks(NOW + 99, limit=9, per_host=9, skip_hosts=set(), skip_ids=set(skip))
        return [one.message_id for one in found]

    assert await due(second) == [message.id]
    assert await due(first) == []
    assert await first.next_callback_at() is None
    # Asked again, its holder may have it: it knows what it is trying.
    assert await due(second) == [message.id]
    await expire(postgres, url, "n2")
    await first.take_over()
    assert await due(first) == [message.id]


# --- text ---


async def test_what_the_wire_brings_is_kept_though_postgresql_has_no_zero_character(nodes: Any) -> None:
    first, _ = nodes
    message = await submitted(first, "a\0b", group="a")
    await first.receive([receipt("a\0b", raw="id:\0 \ud800", error="\0")], BOOK)
    assert await state_of(first, message) is State.DELIVERED
    await first.add_inbound(
        Inbound(id="i", account="shop", sender="1\0", recipient="2", text="x\0\udfff", data=b"\0"), None
    )
    (kept,) = await first.inbound("shop")
    assert (kept.text, kept.data) == ("x\u2400\ufffd", b"\0")
    assert await first.messages("shop", recipient="\0") == []


# --- the writer ---


async def test_what_arrives_during_a_commit_goes_into_the_next_one(url: str) -> None:
    commits: list[int] = []
    store = await open_at(url, on_commit=lambda _seconds, rows: commits.append(rows))
    batches = [[make_message(store), make_message(store)] for _ in range(50)]
    first = asyncio.create_task(store.add([make_message(store)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, *map(store.add, batches))
    assert sum(commits) == 101
    assert len(commits) <= 3
    await store.close()


async def test_a_full_queue_refuses_senders_and_keeps_what_it_has(url: str) -> None:
    store = await open_at(url, queue_limit=10)
    async with asyncio.TaskGroup() as group:
        group.create_task(store.add([make_message(store) for _ in range(8)]))
        await asyncio.sleep(0)
        with pytest.raises(StoreFull):
            await store.add([make_message(store) for _ in range(3)])
        # The SMSCs have a queue of their own.
        received = group.create_task(store.receive([receipt("x")], BOOK))
    assert received.result() == ([False], 0)
    await store.add([make_message(store) for _ in range(11)])
    assert len(await store.messages("shop")) == 19
    await store.close()


async def test_one_wrong_row_does_not_fail_its_neighbours(url: str) -> None:
    store = await open_at(url)
    message = make_message(store)
    rows: list[Message] = [make_message(store), message, message, make_message(store), make_message(store, text="\0")]
    outcome = await asyncio.gather(*(store.add([one]) for one in rows), return_exceptions=True)
    assert [isinstance(one, StoreError) for one in outcome] == [False, False, True, False, True]
    assert len(await store.messages("shop")) == 3
    await store.close()


async def cut(postgres: Cluster) -> None:
    """Break every other connection to the server."""
    await postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND application_name = 'smppkit gateway'"
    )


async def test_lost_connections_are_store_errors_now_and_made_again_soon(postgres: Cluster, url: str) -> None:
    store = await open_at(url, "n1")
    kept = make_message(store)
    await store.add([kept])
    await cut(postgres)
    lost = make_message(store)
    with pytest.raises(StoreError):
        await store.add([lost])
    async with asyncio.timeout(60):
        while True:
            try:
                await store.add([again := make_message(store)])
                break
            except StoreError:
                await asyncio.sleep(0.05)
    assert await store.renew(LEASE)
    assert {one.id for one in await store.messages("shop")} == {kept.id, again.id}
    await store.close()


async def test_a_commit_whose_answer_is_lost_is_looked_up(
    postgres: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_at(url, "n1")
    commit = asyncpg.transaction.Transaction.commit

    async def lose(transaction: Any, *, is_kept: bool) -> None:
        if is_kept:
            await commit(transaction)
        transaction._connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    kept, lost = make_message(store), make_message(store)
    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", lambda one: lose(one, is_kept=True))
    await store.add([kept])
    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", lambda one: lose(one, is_kept=False))
    with pytest.raises(StoreError):
        await store.add([lost])
    monkeypatch.undo()
    assert [one.id for one in await store.messages("shop")] == [kept.id]
    await store.close()


async def test_no_statement_of_the_path_scans_a_table(
    postgres: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan would be as slow as the store is large; lists for people are limited by their page."""
    seen: dict[str, tuple[Any, ...]] = {}
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        original = getattr(asyncpg.Connection, name)

        def noting(connection: Any, query: str, *arguments: Any, _original: Any = original, **options: Any) -> Any:
            seen.setdefault(query, arguments)
            return _original(connection, query, *arguments, **options)

        monkeypatch.setattr(asyncpg.Connection, name, noting)
    store = await open_at(url, "n1")
    await store.receive([receipt("1")], BOOK)
    await submitted(store, "1", "2")
    await store.receive([receipt("1"), receipt("2")], BOOK)
    message = await submitted(store, "3")
    await store.sweep(BOOK, NOW + 1e6)
    await store.due_callbacks(NOW + 1e6, limit=9, per_host=9, skip_hosts=set(), skip_ids=set())
    await store.due_deliveries("x", NOW, limit=9, skip_ids=set())
    await store.next_callback_at()
    (callback, *_) = await store.callbacks()
    await store.postpone([callback])
    await store.acknowledge([callback.id])
    await store.fail_callbacks(NOW)
    await store.waiting("a", limit=9, skip=set())
    await store.waiting_uplinks()
    await store.count_waiting()
    await store.take_over()
    await store.unfinished("n1")
    await store.release_scheduled(NOW)
    await store.next_scheduled_at()
    await store.timeline(message.id)
    monkeypatch.undo()
    connection = store._writer._connection
    assert connection is not None
    scans = set()
    for statement, arguments in seen.items():
        if statement.split()[0] not in ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT"):
            continue
        plan = await connection.fetch(f"EXPLAIN {statement}", *arguments)
        for (line,) in plan:
            if any(f"Seq Scan on {name}" in line for name in ("messages", "parts", "events", "callbacks", "inbound")):
                scans.add(statement)
    assert {one for one in scans if "FROM callbacks WHERE true ORDER BY key LIMIT" not in one} == set()
    await store.close()
