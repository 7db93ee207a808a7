"""What stores forget; each test runs on each store."""

from gateway.models import Coding, Inbound, State
from gateway.store import Store
from gateway.store.retention import Cutoffs, Purged
from tests.gateway.fakes import NOW, receipt
from tests.gateway.store.rows import BOOK, depart, make_message, replace, submitted

HOUR = 3_600.0


async def delivered(store: Store, created_at: float, smsc_id: str) -> str:
    message = await submitted(store, smsc_id, created_at=created_at)
    await store.receive([receipt(smsc_id, received_at=created_at + 1)], BOOK)
    return message.id


async def purge_all(store: Store, **cutoffs: float) -> Purged:
    total = Purged()
    while True:
        purged = await store.purge(Cutoffs(**cutoffs))
        total = Purged(
            bodies=total.bodies + purged.bodies,
            timelines=total.timelines + purged.timelines,
            orphans=total.orphans + purged.orphans,
            callbacks=total.callbacks + purged.callbacks,
        )
        if purged.is_done:
            return total


async def test_final_messages_are_forgotten_with_parts_and_timeline(store: Store) -> None:
    old = [await delivered(store, NOW + n, f"{n}") for n in range(3)]
    young = await delivered(store, NOW + HOUR, "9")
    waiting = make_message(store, created_at=NOW - 5)
    await store.add([waiting])
    found = await store.finished(NOW + 60)
    assert [one.id for one in found] == old
    assert [one.id for one in await store.finished(NOW + 60, after_id=old[0], limit=1)] == [old[1]]
    await store.forget_messages(old)
    assert await store.finished(NOW + 60) == []
    for one in old:
        assert await store.message("", one) is None
        assert await store.parts(one) == []
        assert await store.timeline(one) == []
    for kept in (young, waiting.id):
        assert await store.message("", kept) is not None
        assert await store.timeline(kept)
    assert len(await store.parts(young)) == 1
    assert (await store.receive([receipt("1")], BOOK))[0] == [False]


async def test_bodies_are_erased_and_records_stay(store: Store) -> None:
    old = await delivered(store, NOW, "1")
    binary = make_message(
        store, text="", data=b"\x01\x02", udh=b"\x02\x70\x00", coding=Coding.BINARY, tlvs=((5, b"x"),)
    )
    waiting = make_message(store)
    await store.add([binary, waiting])
    await store.end([replace(binary, state=State.FAILED, error="e")], BOOK)
    young = await delivered(store, NOW + HOUR, "2")
    assert (await purge_all(store, bodies=NOW + 60)).bodies >= 2
    record = await store.message("", old)
    assert record is not None
    assert (record.text, record.recipient, record.state) == ("", waiting.recipient, State.DELIVERED)
    assert [part.body.short_message for part in await store.parts(old)] == [b""]
    record = await store.message("", binary.id)
    assert record is not None
    assert (record.data, record.udh, record.tlvs) == (b"", b"", ((5, b"x"),))
    for kept in (young, waiting.id):
        record = await store.message("", kept)
        assert record is not None
        assert record.text == "hello"
    assert (await purge_all(store, bodies=NOW + 60)).bodies == 0


async def test_messages_from_handsets_lose_their_body_and_are_forgotten(store: Store) -> None:
    for n in range(4):
        sent = Inbound(
            id=f"i{n}", account="shop", sender="1", recipient="2", text="hi", data=b"hi", received_at=NOW + n
        )
        await store.add_inbound(sent, None)
    await purge_all(store, bodies=NOW + 2)
    assert [one.text for one in await store.inbound("shop")] == ["hi", "hi", "", ""]
    old = await store.inbound_before(NOW + 3, limit=2)
    assert [one.id for one in old] == ["i0", "i1"]
    await store.forget_inbound(["i0", "i1"])
    assert [one.id for one in await store.inbound("shop")] == ["i3", "i2"]
    assert await store.inbound_before(NOW) == []


async def test_timelines_orphans_and_failed_callbacks_are_purged(store: Store) -> None:
    old = await delivered(store, NOW, "1")
    young = await delivered(store, NOW + HOUR, "2")
    await store.receive([receipt("nobody", received_at=NOW)], BOOK)
    await store.sweep(BOOK, NOW + BOOK.parked_seconds + 1)
    assert len(await store.orphans()) == 1
    first, second = await store.callbacks("shop")
    await store.postpone([replace(first, failed=True)])
    purged = await purge_all(store, timelines=NOW + 60, orphans=NOW + 60, callbacks=NOW + 60)
    assert purged.orphans == purged.callbacks == 1
    assert [event.state for event in await store.timeline(old)] == [State.ACCEPTED]
    assert len(await store.timeline(young)) > 1
    assert await store.orphans() == []
    assert [one.id for one in await store.callbacks("shop")] == [second.id]


async def test_nothing_is_purged_where_nothing_is_asked(store: Store) -> None:
    old = await delivered(store, NOW, "1")
    assert await purge_all(store, now=NOW + 1e9) == Purged()
    record = await store.message("", old)
    assert record is not None
    assert record.text == "hello"
    assert await store.finished(0.0) == []


async def test_a_message_that_is_being_sent_is_not_finished(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    await depart(store, message)
    assert await store.finished(NOW + HOUR) == []
