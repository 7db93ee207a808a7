"""What accounts keep; each test runs on each store."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.optouts import OptOuts
from gateway.providers.ports import NameTaken, NotOffered
from gateway.services.directory import DirectoryService, Fields
from gateway.services.number_file import NumberFile
from gateway.services.shelf import Put, Shelf
from gateway.store import Store
from tests.gateway.services.desk import ACCOUNT, SEALER, Clock


@pytest.fixture
def opt_outs(store: Store) -> OptOuts:
    return OptOuts(store, clock=Clock())


@pytest.fixture
def directory(store: Store, opt_outs: OptOuts) -> DirectoryService:
    return DirectoryService(store, opt_outs, clock=Clock())


async def test_an_entry_is_kept_changed_and_removed(directory: DirectoryService) -> None:
    entry = await directory.add(ACCOUNT, "sender", "INFO", {"status": 0, "tags": ["a"]})
    assert (entry.id, entry.name, entry.fields, entry.version) == ("1", "INFO", {"status": 0, "tags": ["a"]}, 1)
    assert await directory.get(ACCOUNT, "sender", "1") == entry
    changed = await directory.change(ACCOUNT, "sender", "1", {"status": 1})
    assert changed is not None
    assert (changed.fields, changed.version) == ({"status": 1, "tags": ["a"]}, 2)
    assert await directory.remove(ACCOUNT, "sender", "1")
    assert not await directory.remove(ACCOUNT, "sender", "1")
    assert await directory.change(ACCOUNT, "sender", "1", {}) is None
    assert (await directory.add(ACCOUNT, "sender", "INFO", {})).id == "2"


async def test_nobody_sees_what_is_anothers(directory: DirectoryService) -> None:
    await directory.add(ACCOUNT, "sender", "INFO", {})
    assert await directory.get("other", "sender", "1") is None
    assert await directory.get(ACCOUNT, "template", "1") is None
    assert await directory.by_name("other", "sender", "INFO") == []
    assert not await directory.remove("other", "sender", "1")


@pytest.mark.parametrize("written", ["", "0", "01", "-1", "x", "١", "9" * 30])
async def test_what_is_no_id_finds_nothing(directory: DirectoryService, written: str) -> None:
    await directory.add(ACCOUNT, "sender", "INFO", {})
    assert await directory.get(ACCOUNT, "sender", written) is None


async def test_pages_are_in_the_order_of_making(directory: DirectoryService) -> None:
    for n in range(12):
        await directory.add(ACCOUNT, "template", f"t{n % 2}", {"n": n})
    page, total = await directory.list(ACCOUNT, "template", page=2, per_page=5)
    assert ([one.fields["n"] for one in page], total) == ([5, 6, 7, 8, 9], 12)
    page, total = await directory.list(ACCOUNT, "template", page=2, per_page=4, where=lambda one: one.name == "t1")
    assert ([one.fields["n"] for one in page], total) == ([9, 11], 6)
    assert await directory.list(ACCOUNT, "template", page=9) == ([], 12)
    assert [one.fields["n"] for one in await directory.by_name(ACCOUNT, "template", "t0")] == [0, 2, 4, 6, 8, 10]
    assert await directory.clear(ACCOUNT, "template") == 12
    assert await directory.list(ACCOUNT, "template") == ([], 0)


async def test_of_many_who_want_a_name_one_has_it(directory: DirectoryService) -> None:
    tries = [directory.add(ACCOUNT, "sender", "INFO", {"n": n}, unique=True) for n in range(8)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    (made,) = [one for one in answers if not isinstance(one, BaseException)]
    refused = [one for one in answers if isinstance(one, NameTaken)]
    assert len(refused) == 7
    assert {one.entry_id for one in refused} == {made.id}
    assert await directory.by_name(ACCOUNT, "sender", "INFO") == [made]
    await directory.remove(ACCOUNT, "sender", made.id)
    assert (await directory.add(ACCOUNT, "sender", "INFO", {}, unique=True)).name == "INFO"


async def test_ids_are_given_once_however_many_ask(directory: DirectoryService) -> None:
    made = await asyncio.gather(*(directory.add(ACCOUNT, "link", f"l{n}", {}) for n in range(20)))
    assert sorted(int(one.id) for one in made) == list(range(1, 21))


async def test_the_policy_knows_of_opt_outs_at_once(directory: DirectoryService, opt_outs: OptOuts) -> None:
    entry = await directory.add(ACCOUNT, "opt_out", "447400123456", {"source": "app"})
    assert (entry.id, entry.name, entry.fields) == (
        "447400123456",
        "447400123456",
        {"source": "app", "reason": "app"},
    )
    assert opt_outs.has(ACCOUNT, "447400123456")
    with pytest.raises(NameTaken):
        await directory.add(ACCOUNT, "opt_out", "447400123456", {})
    assert await directory.by_name(ACCOUNT, "opt_out", "447400123456") == [entry]
    assert await directory.remove(ACCOUNT, "opt_out", "447400123456")
    assert not opt_outs.has(ACCOUNT, "447400123456")


async def test_opt_outs_that_came_as_messages_are_seen_here(directory: DirectoryService, opt_outs: OptOuts) -> None:
    await opt_outs.add(ACCOUNT, "447400123456", "STOP")
    (found,), total = await directory.list(ACCOUNT, "opt_out")
    assert (found.id, found.fields, total) == ("447400123456", {"reason": "STOP"}, 1)


async def test_many_numbers_are_listed_once(directory: DirectoryService, opt_outs: OptOuts) -> None:
    numbers = [f"4474001{n:05d}" for n in range(300)]
    assert await directory.add_many(ACCOUNT, "opt_out", numbers + numbers[:9], {"source": "file"}) == 300
    assert await directory.add_many(ACCOUNT, "opt_out", [*numbers[:5], "447400999999"], {"source": "file"}) == 1
    assert await directory.add_many(ACCOUNT, "dnd", numbers[:3], {}) == 3
    assert opt_outs.has(ACCOUNT, numbers[-1])
    assert await directory.clear(ACCOUNT, "opt_out") == 301
    assert not opt_outs.has(ACCOUNT, numbers[-1])
    assert (await directory.list(ACCOUNT, "dnd"))[1] == 3


async def test_many_of_another_kind_pass_over_what_is_there(directory: DirectoryService) -> None:
    await directory.add(ACCOUNT, "blocked_template", "1", {})
    assert await directory.add_many(ACCOUNT, "blocked_template", ["1", "2", "2"], {"status": "1"}) == 1
    assert len((await directory.list(ACCOUNT, "blocked_template"))[0]) == 2


async def test_a_register_of_the_operators_holds_for_everybody(directory: DirectoryService, tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    file.write_text('number,since\n# old\n+44 7400 100001,2020\n"447400100002"\n\n447400100001\n')
    directory.operator_lists = {"dnd": NumberFile(str(file))}
    await directory.add(ACCOUNT, "dnd", "447400100003", {})
    numbers = [f"44740010000{n}" for n in range(5)]
    assert await directory.listed(ACCOUNT, "dnd", numbers) == set(numbers[1:4])
    assert await directory.listed("other", "dnd", numbers) == set(numbers[1:3])
    assert await directory.listed(ACCOUNT, "opt_out", numbers) == set()


def test_a_file_of_numbers_is_a_set_of_numbers(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(str(447_400_000_000 + n * 7) for n in range(1_000)))
    numbers = NumberFile(str(file))
    assert len(numbers) == 1_000
    assert "447400000007" in numbers
    for other in ("447400000008", "", "x", "0", "9" * 30, "447400006994"):
        assert other not in numbers
    assert len(NumberFile()) == 0
    file.write_text("nothing\n")
    with pytest.raises(ValueError, match="no number"):
        NumberFile(str(file))


async def test_that_there_is_nothing_is_believed_for_a_second_and_no_longer(store: Store, opt_outs: OptOuts) -> None:
    clock = Clock()
    here, there = (DirectoryService(store, opt_outs, clock=clock) for _ in range(2))
    assert not await here.has_any(ACCOUNT, "partial_opt_out")
    await here.add(ACCOUNT, "partial_opt_out", "447400123456", {})
    assert await here.has_any(ACCOUNT, "partial_opt_out")
    assert not await there.has_any(ACCOUNT, "dnd")
    await here.add_many(ACCOUNT, "dnd", ["447400123456"], {})
    clock.pass_(1.1)
    assert await there.has_any(ACCOUNT, "dnd") and await here.has_any(ACCOUNT, "dnd")
    assert not await here.has_any("other", "dnd")


async def test_what_is_recalled_is_a_second_old_at_most_and_never_older_than_what_was_done_here(
    store: Store, opt_outs: OptOuts
) -> None:
    clock = Clock()
    here, there = (DirectoryService(store, opt_outs, clock=clock) for _ in range(2))
    assert await here.recall(ACCOUNT, "webhook", "w") == await there.recall(ACCOUNT, "webhook", "w") == []
    made = await here.add(ACCOUNT, "webhook", "w", {"status": 1})
    assert [one.fields for one in await here.recall(ACCOUNT, "webhook", "w")] == [{"status": 1}]
    assert await there.recall(ACCOUNT, "webhook", "w") == []
    clock.pass_(1.1)
    assert [one.fields for one in await there.recall(ACCOUNT, "webhook", "w")] == [{"status": 1}]
    await there.change(ACCOUNT, "webhook", made.id, {"status": 0})
    assert [one.fields for one in await there.recall(ACCOUNT, "webhook", "w")] == [{"status": 0}]
    await there.remove(ACCOUNT, "webhook", made.id)
    assert await there.recall(ACCOUNT, "webhook", "w") == []


WEBHOOK = {"uri": "https://app.example/?token=t0ken", "secret": "s3cret", "status": "1"}


async def test_what_bears_secrets_is_sealed(store: Store, opt_outs: OptOuts) -> None:
    directory = DirectoryService(store, opt_outs, sealer=SEALER, clock=Clock())
    entry = await directory.add(ACCOUNT, "webhook", "w1", WEBHOOK)
    await directory.change(ACCOUNT, "webhook", entry.id, {"secret": "s3cret2"})
    (record,) = await store.records("directory/webhook")
    assert record.tag == "w1"
    assert not any(text in record.value for text in (b"s3cret", b"t0ken"))
    (found,) = await directory.by_name(ACCOUNT, "webhook", "w1")
    assert found.fields == {**WEBHOOK, "secret": "s3cret2"}
    assert (await directory.recall(ACCOUNT, "webhook", "w1"))[0] == found
    assert await directory.list(ACCOUNT, "webhook") == ([found], 1)
    assert await directory.remove(ACCOUNT, "webhook", entry.id)


async def test_a_webhook_of_an_earlier_version_goes_on(store: Store, opt_outs: OptOuts) -> None:
    shelf = Shelf(store, "directory/webhook", Fields, clock=Clock())
    assert await shelf.add(ACCOUNT, f"{1:015d}", Put(Fields(dict(WEBHOOK), "w1"), tag="w1"))
    directory = DirectoryService(store, opt_outs, sealer=SEALER, clock=Clock())
    (found,) = await directory.by_name(ACCOUNT, "webhook", "w1")
    assert found.fields == WEBHOOK
    await directory.change(ACCOUNT, "webhook", found.id, {})
    (record,) = await store.records("directory/webhook")
    assert b"s3cret" not in record.value


async def test_without_a_key_no_secret_is_kept(directory: DirectoryService) -> None:
    with pytest.raises(NotOffered, match=r"node\.secret_key"):
        await directory.add(ACCOUNT, "webhook", "w1", WEBHOOK)
    entry = await directory.add(ACCOUNT, "webhook", "w1", {"uri": "https://app.example/", "secret": ""})
    with pytest.raises(NotOffered, match=r"node\.secret_key"):
        await directory.change(ACCOUNT, "webhook", entry.id, {"secret": "s3cret"})


async def test_one_looks_again_while_the_others_go_by_what_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    directory = DirectoryService(store, OptOuts(store, clock=clock), clock=clock)
    await directory.add(ACCOUNT, "webhook", "w", {"status": 1})
    assert not await directory.has_any(ACCOUNT, "dnd")
    before = await directory.recall(ACCOUNT, "webhook", "w")
    clock.now += 1.5
    looked, both, asked = asyncio.Event(), asyncio.Event(), 0
    records = store.records

    async def slow(*args: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:
            both.set()
        await looked.wait()
        return await records(*args, **more)

    monkeypatch.setattr(store, "records", slow)
    first = asyncio.create_task(directory.recall(ACCOUNT, "webhook", "w"))
    second = asyncio.create_task(directory.has_any(ACCOUNT, "dnd"))
    await both.wait()
    assert await directory.recall(ACCOUNT, "webhook", "w") == before
    assert not await directory.has_any(ACCOUNT, "dnd")
    looked.set()
    assert (await first, await second, asked) == (before, False, 2)


async def test_a_kind_that_is_not_sealed_may_bear_no_secret(store: Store, opt_outs: OptOuts) -> None:
    directory = DirectoryService(store, opt_outs, sealer=SEALER, clock=Clock())
    with pytest.raises(ValueError, match="SECRETIVE"):
        await directory.add(ACCOUNT, "sender", "INFO", {"secret": "s3cret"})
    entry = await directory.add(ACCOUNT, "sender", "INFO", {"secret": ""})
    with pytest.raises(ValueError, match="SECRETIVE"):
        await directory.change(ACCOUNT, "sender", entry.id, {"secret": "s3cret"})
