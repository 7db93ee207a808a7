"""Texts that must not be read where they are kept; each test runs on each store."""

import pytest

from gateway.models import State
from gateway.store import Store
from tests.gateway.fakes import NOW, receipt
from tests.gateway.store.rows import BOOK, depart, end_of, make_message, replace, submitted


@pytest.mark.parametrize("state", [State.DELIVERED, State.UNDELIVERABLE])
async def test_a_secret_text_is_erased_when_its_message_is_final(store: Store, state: State) -> None:
    message = await submitted(store, "m1", "m2", text="sealed", secret=True)
    plain = await submitted(store, "p1", "p2", text="plain")
    assert [part.body.short_message != b"" for part in await store.parts(message.id)] == [True, True]
    await store.receive([receipt("m1", state=state), receipt("p1", state=state)], BOOK)
    assert (await store.message("shop", message.id)).text == "sealed"  # type: ignore[union-attr]
    await store.receive([receipt("m2", state=state), receipt("p2", state=state)], BOOK)
    kept = await store.message("shop", message.id)
    assert kept is not None
    assert (kept.state, kept.text, kept.secret) == (state, "", True)
    assert [part.body.short_message for part in await store.parts(message.id)] == [b"", b""]
    assert (await store.message("shop", plain.id)).text == "plain"  # type: ignore[union-attr]
    assert all(part.body.short_message for part in await store.parts(plain.id))


async def test_a_secret_text_is_erased_when_its_message_is_given_up(store: Store) -> None:
    message = make_message(store, text="sealed", secret=True)
    await store.add([message])
    await store.end([replace(message, state=State.DELETED, updated_at=NOW + 1)], BOOK)
    kept = await store.message("shop", message.id)
    assert kept is not None
    assert kept.text == ""


async def test_a_secret_text_is_erased_when_its_only_part_is_refused(store: Store) -> None:
    message = make_message(store, text="sealed", secret=True)
    await store.add([message])
    gone, parts = await depart(store, message)
    await store.record([end_of(gone, parts[0], State.REJECTED)], BOOK)
    kept = await store.message("shop", message.id)
    assert kept is not None
    assert kept.text == ""
    assert (await store.parts(message.id))[0].body.short_message == b""
