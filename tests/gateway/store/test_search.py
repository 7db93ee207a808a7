"""Finding messages; each test runs on each store."""

import pytest

from gateway.models import Inbound, State
from gateway.store import Store
from tests.gateway.fakes import NOW
from tests.gateway.store.rows import BOOK, make_message, replace

DAY = 86_400.0
MIDNIGHT = NOW - NOW % DAY


async def test_messages_are_found_by_each_of_their_names(store: Store) -> None:
    messages = [
        make_message(
            store,
            created_at=NOW + n,
            recipient=f"44770090{n % 3:04d}",
            sender=f"S{n % 2}",
            client_reference=f"ref-{n % 4}" if n else "",
            group=f"g{n // 3}" if n > 2 else "",
            account="shop" if n % 2 else "other",
        )
        for n in range(12)
    ]
    await store.add(messages)

    async def found(account: str = "", **filters: str) -> list[int]:
        order = [one.id for one in messages]
        return [order.index(one.id) for one in await store.find_messages(account, **filters)]  # type: ignore[arg-type]

    assert await found(recipient="447700900001") == [10, 7, 4, 1]
    assert await found("shop", recipient="447700900001") == [7, 1]
    assert await found(client_reference="ref-3") == [11, 7, 3]
    assert await found(group="g2") == [8, 7, 6]
    assert await found("other", group="g2", sender="S0") == [8, 6]
    assert await found("shop", sender="S0") == []
    assert await found("shop", client_reference="ref-3", recipient="447700900001") == [7]
    assert await found("shop") == [11, 9, 7, 5, 3, 1]
    assert await found(group="g9") == []
    assert await found("nobody") == []
    counts = [await store.count_group(account, group) for account in ("", "shop") for group in ("g1", "g9", "")]
    assert counts[:2] + counts[3:5] == [3, 0, 2, 0]


async def test_messages_are_found_by_time_and_state_and_page_by_page(store: Store) -> None:
    messages = [make_message(store, created_at=NOW + n * 60) for n in range(8)]
    await store.add(messages)
    await store.end([replace(messages[3], state=State.FAILED, error="e")], BOOK)
    ids = [one.id for one in messages]
    found = await store.find_messages("shop", since=NOW + 120, until=NOW + 360)
    assert [one.id for one in found] == ids[5:1:-1]
    assert [one.id for one in await store.find_messages("shop", state=State.FAILED)] == [ids[3]]
    pages, before = [], ""
    while page := await store.find_messages("shop", limit=3, before_id=before):
        pages.append(len(page))
        before = page[-1].id
    assert pages == [3, 3, 2]
    found = await store.find_messages("shop", recipient=messages[0].recipient, before_id=ids[2], limit=9)
    assert [one.id for one in found] == [ids[1], ids[0]]


async def test_a_group_and_money_are_kept_with_a_message(store: Store) -> None:
    message = make_message(store, group="batch-1", price=12_500)
    await store.add([message])
    assert await store.message("shop", message.id) == message


async def test_a_page_before_what_is_no_id_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="not an id"):
        await store.find_messages("shop", before_id="x")


async def test_states_are_counted_by_day(store: Store) -> None:
    days = [0.0, 1.0, DAY - 1, DAY, DAY + 5, 3 * DAY]
    messages = [make_message(store, created_at=MIDNIGHT + at) for at in days]
    await store.add([*messages, make_message(store, account="other", created_at=MIDNIGHT)])
    await store.end([replace(messages[1], state=State.FAILED, error="e")], BOOK)
    counts = await store.count_by_state("shop", since=MIDNIGHT, until=MIDNIGHT + 3 * DAY)
    assert list(counts.values()) == [{State.QUEUED: 2, State.FAILED: 1}, {State.QUEUED: 2}]
    everybody = await store.count_by_state("", since=MIDNIGHT + 1, until=MIDNIGHT + DAY)
    assert list(everybody.values()) == [{State.QUEUED: 1, State.FAILED: 1}]
    assert await store.count_by_state("nobody", since=MIDNIGHT, until=MIDNIGHT + DAY) == {}


async def test_inbound_messages_are_found_by_their_numbers(store: Store) -> None:
    for n in range(6):
        inbound = Inbound(
            id=f"i{n}",
            account="shop" if n % 2 else "other",
            sender=f"4477009000{n % 3:02d}",
            recipient=f"8{n // 3}",
            text="hi",
            received_at=NOW + n,
        )
        await store.add_inbound(inbound, None)

    async def found(account: str = "", **filters: object) -> list[str]:
        return [one.id for one in await store.find_inbound(account, **filters)]  # type: ignore[arg-type]

    assert await found() == ["i5", "i4", "i3", "i2", "i1", "i0"]
    assert await found("shop") == ["i5", "i3", "i1"]
    assert await found(sender="447700900001") == ["i4", "i1"]
    assert await found("shop", recipient="80") == ["i1"]
    assert await found(since=NOW + 4) == ["i5", "i4"]
    assert await found(limit=1) == ["i5"]
    assert await found(since=NOW + 1, until=NOW + 4) == ["i3", "i2", "i1"]
    assert await found(before_id="i3", limit=2) == ["i2", "i1"]
    assert await found("shop", before_id="i4") == ["i3", "i1"]
    # What is gone was among the oldest.
    assert await found(before_id="i") == []
