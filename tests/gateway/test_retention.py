"""Forgetting what is old enough, and exporting it before."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway import retention
from gateway.config import Config, ConfigError, parse
from gateway.models import Inbound, State
from gateway.retention import Janitor
from gateway.store import Store
from tests.gateway.fakes import NOW, failing, receipt
from tests.gateway.store.rows import BOOK, make_message, submitted

DAY = 86_400.0


def config_of(**settings: Any) -> Config:
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return parse("[retention]\npause_seconds = 0\n" + "\n".join(lines))


def janitor_of(store: Store, at: float, **settings: Any) -> Janitor:
    return Janitor(config_of(**settings), store, clock=lambda: at)


async def delivered(store: Store, created_at: float, smsc_id: str) -> str:
    message = await submitted(store, smsc_id, created_at=created_at)
    await store.receive([receipt(smsc_id, received_at=created_at + 1)], BOOK)
    return message.id


async def test_all_that_is_old_enough_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    ids = [await delivered(store, NOW + n, str(n)) for n in range(25)]
    young = await delivered(store, NOW + 60 * DAY, "young")
    for n in range(5):
        sent = Inbound(id=f"i{n}", account="", sender="1", recipient="2", text="hi", received_at=NOW + n * 30 * DAY)
        await store.add_inbound(sent, None)
    forgotten = await janitor_of(store, NOW + 95 * DAY).forget()
    assert (forgotten.messages, forgotten.inbound) == (25, 1)
    assert await store.message("", ids[0]) is None
    record = await store.message("", young)
    assert record is not None
    assert record.text == ""
    assert [one.text for one in await store.inbound("")] == ["hi", "hi", "", ""]
    again = await janitor_of(store, NOW + 95 * DAY).forget()
    assert (again.messages, again.inbound, again.bodies) == (0, 0, 0)


async def test_what_is_forgotten_was_exported_before(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    old = [await delivered(store, NOW + n * DAY, str(n)) for n in range(3)]
    sent = Inbound(id="i", account="shop", sender="1", recipient="2", text="hi", data=b"\xff", received_at=NOW)
    await store.add_inbound(sent, None)
    await janitor_of(store, NOW + 99 * DAY, export_folder=str(folder), body_days=0).forget()
    lines = [json.loads(line) for file in sorted(folder.glob("messages-*")) for line in file.read_text().splitlines()]
    assert [line["message"]["id"] for line in lines] == old
    assert [line["message"]["text"] for line in lines] == ["hello"] * 3
    assert lines[0]["parts"][0]["smsc_message_id"] == "0"
    assert [event["state"] for event in lines[0]["timeline"]][-1] == "delivered"
    assert len(list(folder.glob("messages-*"))) == 3
    (file,) = folder.glob("inbound-*")
    assert json.loads(file.read_text())["id"] == "i"
    assert file.stat().st_mode & 0o077 == 0


async def test_nothing_is_forgotten_that_could_not_be_exported(store: Store, tmp_path: Path) -> None:
    old = await delivered(store, NOW, "1")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        await janitor_of(store, NOW + 99 * DAY, export_folder=str(blocked / "below")).forget()
    assert await store.message("", old) is not None


async def test_what_is_not_final_is_not_forgotten(store: Store) -> None:
    message = make_message(store, state=State.SCHEDULED, scheduled_at=NOW + 300 * DAY)
    await store.add([message])
    assert (await janitor_of(store, NOW + 200 * DAY).forget()).messages == 0
    assert await store.message("", message.id) == message


async def test_nothing_is_forgotten_where_the_settings_say_never(store: Store) -> None:
    old = await delivered(store, NOW, "1")
    never = {"message_days": 0, "body_days": 0, "inbound_days": 0, "orphan_days": 0, "callback_days": 0}
    await janitor_of(store, NOW + 9_999 * DAY, **never).forget()
    record = await store.message("", old)
    assert record is not None
    assert record.text == "hello"


async def test_of_several_nodes_one_forgets(store: Store) -> None:
    if not store.is_shared:
        pytest.skip("a store of one process")
    first, second = (
        Janitor(parse(f'[node]\nname = "{name}"'), store, clock=lambda: clock[0]) for name in ("one", "two")
    )
    clock = [NOW]
    assert await first._take_turn()
    assert await first._take_turn()
    assert not await second._take_turn()
    clock[0] += 301
    assert await second._take_turn()
    assert not await first._take_turn()


async def test_a_store_that_cannot_commit_is_tried_again(store: Store) -> None:
    old = await delivered(store, NOW, "1")
    janitor = janitor_of(store, NOW + 99 * DAY, every_seconds=1)
    store.fault = failing("before commit")
    janitor.start()
    await janitor.stop()
    store.fault = None
    assert await store.message("", old) is not None
    assert (await janitor.forget()).messages == 1


async def test_other_settings_take_effect_at_once(store: Store) -> None:
    old = await delivered(store, NOW, "1")
    janitor = janitor_of(store, NOW + 99 * DAY, message_days=200, every_seconds=86_400)
    assert (await janitor.forget()).messages == 0
    passes: list[int] = []
    looked = asyncio.Event()
    forget = janitor.forget

    async def noted() -> retention.Forgotten:
        done = await forget()
        passes.append(done.messages)
        looked.set()
        return done

    janitor.forget = noted  # type: ignore[method-assign]
    janitor.start()
    async with asyncio.timeout(60):
        await looked.wait()
        looked.clear()
        janitor.reconfigure(config_of(message_days=90, every_seconds=86_400))
        # Not in a day: now.
        await looked.wait()
    assert passes == [0, 1]
    assert await store.message("", old) is None
    janitor.reconfigure(config_of(message_days=90, every_seconds=86_400))
    await janitor.stop()


def test_messages_are_kept_at_least_as_long_as_receipts_may_find_them() -> None:
    with pytest.raises(ConfigError, match=r"retention\.message_days"):
        config_of(message_days=1)
