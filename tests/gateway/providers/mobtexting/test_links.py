"""Links in messages by which a receiver unsubscribes."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.mobtexting.dialect import Mobtexting
from gateway.providers.mobtexting.links import number_of, ticket
from gateway.providers.ports import AppOptions
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, errors, said

BASE = "https://gateway.example/mobtexting"
SECRET = "00" * 16


@pytest.fixture
def world() -> World:
    made = World()
    made.apps.given = AppOptions(base_url=BASE)
    return made


async def link(world: World, which: str = "optout", **fields: Any) -> str:
    _, made = await said(
        world, "POST", f"sms/suppressions/{which}/link", {"sender": "MOBTXT", "service": "T", **fields}
    )
    assert re.fullmatch(BASE + "/o/[0-9A-Za-z]{8}", made["data"])
    return str(made["data"])


async def sent_link(world: World, url: str) -> str:
    """What stands in the message."""
    await said(world, "POST", "sms/send", {**SMS, "message": f"News! No more: {url} bye", "meta": {"tags": ["sale"]}})
    found = re.search(r"https://\S+", world.behind.intake.last.text)
    assert found is not None
    return found[0]


async def opened(world: World, url: str, method: str = "GET") -> WebAnswer:
    asked = WebRequest(method=method, path=url.removeprefix(BASE))
    return await Mobtexting().answer(asked, world.services)


async def word(world: World, **order: Any) -> str:
    _, content = await said(world, "POST", "sms/send", {**SMS, **order})
    return str(content["data"][0]["status"])


async def test_receiver_unsubscribes_by_the_link_of_their_message(world: World) -> None:
    url = await sent_link(world, await link(world, tag=["sale"]))
    page = await opened(world, url)
    assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
    assert b"Unsubscribe" in page.body and b"918921269000" not in page.body
    # To look at it does nothing.
    assert await word(world, meta={"tags": ["sale"]}) == "AWAITING-DLR"
    assert (await opened(world, url, "POST")).status == 200
    assert await word(world, meta={"tags": ["sale"]}) == "OPTOUT-REJ"
    assert await word(world) == "AWAITING-DLR"


@pytest.mark.parametrize(
    ("fields", "entry"),
    [
        ({}, ("product", "T")),
        ({"service": ""}, ("sender", "MOBTXT")),
        ({"service": "", "sender": ""}, ("all", None)),
        ({"tag": "a,b"}, ("tag", "a")),
    ],
)
async def test_link_is_about_what_it_was_made_for_and_another_takes_it_back(
    world: World, fields: dict[str, str], entry: tuple[str, str | None]
) -> None:
    await opened(world, await sent_link(world, await link(world, **fields)), "POST")
    _, listed = await said(world, "GET", "sms/suppressions/unsubscribers")
    assert entry in [(one["type"], one["value"]) for one in listed["data"]]
    back = await link(world, "optin", **fields)
    secret = next(iter(await world.directory.by_name("*", "optout_link", back[-8:]))).fields["secret"]
    assert (await opened(world, f"{back}/{ticket('918921269000', str(secret))}", "POST")).status == 200
    assert (await said(world, "GET", "sms/suppressions/unsubscribers"))[1]["meta"]["total"] == 0


async def test_links_that_nobody_has_sent_lead_nowhere(world: World) -> None:
    url = await link(world)
    other = await link(world)
    personal = await sent_link(world, url)
    for wrong in (
        url,
        f"{url}/1",
        other + personal.removeprefix(url),
        f"{BASE}/o/",
        f"{BASE}/o/aaaaaaaa/1",
        f"{personal}x",
    ):
        for method in ("GET", "POST"):
            assert (await opened(world, wrong, method)).status == 404
    assert (await opened(world, personal, "PUT")).status == 405


async def test_texts_keep_links_that_are_not_ours(world: World) -> None:
    texts = (f"{BASE}/o/unknown1", f"{BASE}/o/short", f"{BASE}/other", "https://else.example/o/unknown1")
    for text in texts:
        await said(world, "POST", "sms/send", {**SMS, "message": text})
        assert world.behind.intake.last.text == text


async def test_link_says_which_field_is_wrong_or_that_there_is_no_way_in(world: World) -> None:
    assert await errors(world, "POST", "sms/suppressions/optout/link", {"tag": ["a", "b", "c"]}) == ["tag"]
    world.apps.given = AppOptions(products=("T",), base_url=BASE)
    assert await errors(world, "POST", "sms/suppressions/optout/link", {"service": "P"}) == ["service"]
    world.apps.given = AppOptions()
    status, answer = await said(world, "POST", "sms/suppressions/optout/link", {})
    assert (status, json.dumps(answer["status"])) == (403, '"error"')


@given(st.from_regex(r"[0-9]{3,15}", fullmatch=True))
def test_a_ticket_is_good_for_its_number_alone(number: str) -> None:
    written = ticket(number, SECRET)
    assert len(written) <= 17 and number_of(written, SECRET) == number
    assert number_of(written, "11" * 16) is None
    assert number_of(written[:-1] + ("0" if written[-1] != "0" else "1"), SECRET) is None


@given(st.text(max_size=25))
def test_no_text_is_a_ticket(text: str) -> None:
    assert number_of(text, SECRET) is None
