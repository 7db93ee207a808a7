"""Long messages from handsets: parts in any order, twice, never, of another message; and ends in between."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import StoreError
from gateway.joining import CLAIM_SECONDS, JOINED, PART, REMEMBER_SECONDS
from gateway.models import Inbound
from gateway.store import Store
from smpp.sms.udh import Concat, Ports, UserDataHeader
from tests.gateway.fakes import CONFIG, NOW, Core, broken, callback_body, make_core

JOIN_SECONDS = 600
EXTRA = f"[inbound]\njoin_seconds = {JOIN_SECONDS}\n"


def part(number: int, total: int, text: str, *, reference: int = 7, identifier: str = "", **fields: Any) -> Inbound:
    udh = UserDataHeader.of(Concat(reference, total, number)).encode()
    values: dict[str, Any] = {
        "id": identifier or f"{reference}-{number}-{text}",
        "account": "",
        "sender": "447700900123",
        "recipient": "447700900999",
        "text": text,
        "data": text.encode("utf-16-be"),
        "udh": udh,
        "data_coding": 8,
        "uplink": "a",
        "bind": "a:2775#1",
        "received_at": NOW,
    }
    return Inbound(**(values | fields))


def core_of(store: Store, **options: Any) -> Core:
    return make_core(store, extra=EXTRA, **options)


async def kept(store: Store) -> list[tuple[str, int]]:
    """Texts with the number of parts they lack, oldest first."""
    return [(one.text, one.missing_parts) for one in (await store.inbound(""))[::-1]]


async def left(store: Store) -> int:
    return await store.count_records(PART)


async def test_parts_become_one_message_whatever_their_order(store: Store) -> None:
    core = core_of(store)
    for number, text in ((3, "c"), (1, "a"), (2, "b")):
        assert await kept(store) == []
        await core.correlator.on_inbound(part(number, 3, text))
    (whole,) = await store.inbound("shop")
    assert (whole.text, whole.part_count, whole.missing_parts, whole.udh) == ("abc", 3, 0, b"")
    assert (whole.id, whole.data) == ("7-1-a", "abc".encode("utf-16-be"))
    (callback,) = await store.callbacks("shop")
    body = callback_body(callback)["message"]
    assert (body["text"], body["part_count"], body["missing_parts"]) == ("abc", 3, 0)
    assert await left(store) == 0


async def test_a_pair_that_was_cut_in_two_is_joined(store: Store) -> None:
    core = core_of(store)
    octets = "🌍".encode("utf-16-be")
    await core.correlator.on_inbound(part(1, 2, "", data=octets[:2], identifier="1"))
    await core.correlator.on_inbound(part(2, 2, "", data=octets[2:], identifier="2"))
    assert await kept(store) == [("🌍", 0)]


async def test_other_elements_of_the_header_stay(store: Store) -> None:
    core = core_of(store)
    for number in (1, 2):
        udh = UserDataHeader.of(Concat(1, 2, number), Ports(9200, 9200)).encode()
        await core.correlator.on_inbound(part(number, 2, "x", udh=udh, data_coding=4, data=b"x"))
    (whole,) = await store.inbound("")
    assert (whole.udh, whole.data) == (UserDataHeader.of(Ports(9200, 9200)).encode(), b"xx")


async def test_a_part_that_comes_twice_counts_once(store: Store) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(1, 2, "a"))
    await core.correlator.on_inbound(part(1, 2, "a", identifier="again"))
    await core.correlator.on_inbound(part(2, 2, "b"))
    # A copy that comes after the message is none of another.
    await core.correlator.on_inbound(part(2, 2, "b", identifier="late"))
    core.clock.advance(JOIN_SECONDS + 1)
    await core.correlator._desk.sweep()
    assert await kept(store) == [("ab", 0)]
    assert await left(store) == 0


async def test_the_same_message_sent_again_is_a_message_again(store: Store) -> None:
    core = core_of(store)
    for name in ("first", "second"):
        for number, text in ((1, "a"), (2, "b")):
            await core.correlator.on_inbound(part(number, 2, text, identifier=f"{name}{number}"))
    assert await kept(store) == [("ab", 0), ("ab", 0)]


async def test_a_message_that_shares_a_part_with_the_one_before_loses_nothing(store: Store) -> None:
    core = core_of(store)
    for number, text in ((1, "a"), (2, "same"), (2, "same"), (1, "b")):
        await core.correlator.on_inbound(part(number, 2, text, identifier=f"{number}{text}{await left(store)}"))
    assert await kept(store) == [("asame", 0), ("bsame", 0)]


async def test_what_is_there_is_delivered_when_the_time_is_over(store: Store) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(3, 3, "c"))
    core.clock.advance(JOIN_SECONDS - 1)
    await core.correlator.on_inbound(part(1, 3, "a"))
    await core.correlator._desk.sweep()
    assert await kept(store) == []
    core.clock.advance(1)
    await core.correlator._desk.sweep()
    assert await kept(store) == [("a…c", 1)]
    (callback,) = await store.callbacks("shop")
    assert callback_body(callback)["message"]["missing_parts"] == 1
    assert await left(store) == 0
    # The part that was missing comes after all: nothing is lost, it stands alone.
    await core.correlator.on_inbound(part(2, 3, "b"))
    core.clock.advance(JOIN_SECONDS)
    await core.correlator._desk.sweep()
    assert await kept(store) == [("a…c", 1), ("…b…", 2)]


async def test_a_reference_that_is_used_again_ends_the_earlier_message(store: Store) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(1, 2, "old"))
    await core.correlator.on_inbound(part(1, 2, "new"))
    assert await kept(store) == [("old…", 1)]
    await core.correlator.on_inbound(part(2, 2, "er"))
    assert await kept(store) == [("old…", 1), ("newer", 0)]


@pytest.mark.parametrize(
    "other",
    [
        {"sender": "447700900124"},
        {"recipient": "447700900998"},
        {"uplink": "b"},
        {"reference": 8},
        {"udh": UserDataHeader.of(Concat(7, 2, 2, is_16bit=True)).encode()},
    ],
)
async def test_parts_of_others_do_not_belong(store: Store, other: dict[str, Any]) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(1, 2, "a"))
    await core.correlator.on_inbound(part(2, 2, "b", **other))
    assert await kept(store) == []
    assert await left(store) == 2


async def test_parts_over_uplinks_of_one_group_belong_together(store: Store) -> None:
    core = make_core(store, config=CONFIG.replace("[uplink.b]", '[uplink.b]\ngroup = "a"'), extra=EXTRA)
    await core.correlator.on_inbound(part(1, 2, "a", uplink="a"))
    await core.correlator.on_inbound(part(2, 2, "b", uplink="b"))
    assert await kept(store) == [("ab", 0)]


@pytest.mark.parametrize(
    "udh", [b"", b"\x03\x70\x01\x00", b"\x05\x00\x03\x07\x02\x03", b"\x05\x00\x03\x07\x01\x01", b"\xff"]
)
async def test_what_is_no_part_is_delivered_at_once_as_it_came(store: Store, udh: bytes) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(1, 1, "alone", udh=udh))
    (only,) = await store.inbound("")
    assert (only.text, only.udh, only.part_count) == ("alone", udh, 1)


# --- ends in between ---


@pytest.mark.parametrize("method", ["put_records", "add_inbound", "drop_records"])
async def test_a_commit_that_fails_loses_nothing_and_doubles_nothing(store: Store, method: str) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(1, 2, "a"))
    with broken(store, method), pytest.raises(StoreError):
        await core.correlator.on_inbound(part(2, 2, "b"))
    # The process ends; its SMSC, which heard no answer, sends the part again.
    again = core_of(store, clock=core.clock)
    again.clock.advance(5)
    await again.correlator.on_inbound(part(2, 2, "b", identifier="again"))
    again.clock.advance(JOIN_SECONDS + REMEMBER_SECONDS + 1)
    await again.correlator._desk.sweep()
    await again.correlator._desk.sweep()
    assert await kept(store) == [("ab", 0)]
    assert len(await store.callbacks()) == 1
    assert await left(store) == 0
    assert await store.count_records(JOINED) == 0


async def test_a_set_that_nobody_finishes_is_taken_up_by_the_sweep(store: Store) -> None:
    core = core_of(store)
    await core.correlator.on_inbound(part(1, 2, "a"))
    # The last part is kept and claimed, and the process ends.
    taken = await core.correlator._desk._joiner.take(part(2, 2, "b"))
    assert taken.joined is not None
    other = core_of(store, clock=core.clock)
    await other.correlator._desk.sweep()
    assert await kept(store) == []
    core.clock.advance(CLAIM_SECONDS)
    await other.correlator._desk.sweep()
    assert await kept(store) == [("ab", 0)]


async def test_only_one_node_makes_a_message_of_a_set(store: Store) -> None:
    one, other = core_of(store), core_of(store)
    await one.correlator.on_inbound(part(1, 2, "a"))
    first = await one.correlator._desk._joiner.take(part(2, 2, "b"))
    assert first.joined is not None
    await other.correlator._desk._deliver(first.joined)
    await one.correlator._desk._deliver(first.joined)
    assert await kept(store) == [("ab", 0)]
    assert len(await store.callbacks()) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.data())
async def test_whatever_comes_in_whatever_order_no_text_is_lost(data: st.DataObject) -> None:
    from gateway.store import open_store

    store = await open_store("memory:")
    core = core_of(store)
    texts = data.draw(st.lists(st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=4), max_size=4))
    parts = [
        part(number, len(message), text, reference=at % 2, identifier=f"{at}.{number}")
        for at, message in enumerate(texts)
        for number, text in enumerate(message, 1)
    ]
    for one in data.draw(st.permutations(parts)):
        await core.correlator.on_inbound(one)
    core.clock.advance(JOIN_SECONDS + 1)
    await core.correlator._desk.sweep()
    got = "".join(text for text, _ in await kept(store))
    # Letters that came and were no copies of a finished message's parts are all there.
    sent = "".join(one.text for one in parts)
    for letter in set(sent):
        assert letter in got
    assert await left(store) == 0
    await store.close()
