"""What an account keeps: senders, templates, and those who want no more."""

from typing import Any

import pytest

from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, errors, said, uploaded

SENDER = {"name": "MOBTXT", "country_code": "IN", "service": "T", "entity_id": "1101", "entity_name": "Shop"}


async def test_sender_is_made_shown_changed_and_forgotten(world: World) -> None:
    _, made = await said(world, "POST", "sms/senders", SENDER)
    assert (made["message"], made["data"]["status"], made["data"]["service"]["name"]) == (
        "Sender Saved Successfully",
        1,
        "T",
    )
    key = made["data"]["id"]
    _, changed = await said(world, "PUT", f"sms/senders/{key}", {"entity_id": "1102"})
    assert (changed["message"], changed["data"]["entity_id"]) == ("Sender Updated Successfully", "1102")
    _, listed = await said(world, "GET", "sms/senders", {"filter[name]": "MOB"})
    assert (listed["meta"]["total"], listed["links"]["prev"], len(listed["data"])) == (1, None, 1)
    assert (await said(world, "POST", f"sms/senders/{key}?_method=DELETE"))[1]["message"] == "Deleted Successfully"
    assert (await said(world, "GET", f"sms/senders/{key}"))[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": "much too long"}, "name"), ({"country_code": "IND"}, "country_code"), ({"entity_id": ""}, "entity_id")],
)
async def test_sender_says_which_field_is_wrong(world: World, change: dict[str, str], field: str) -> None:
    assert await errors(world, "POST", "sms/senders", {**SENDER, **change}) == [field]


async def test_lists_come_in_pages_of_fifteen(world: World) -> None:
    for at in range(17):
        await said(world, "POST", "sms/suppressions/templates", {"template_id": f"11{at:02}"})
    _, second = await said(world, "GET", "sms/suppressions/templates", {"page": 2})
    assert (len(second["data"]), second["meta"]["from"], second["meta"]["to"], second["meta"]["last_page"]) == (
        2,
        16,
        17,
        2,
    )
    assert second["links"]["prev"].endswith("?page=1") and second["links"]["next"] is None


async def test_unsubscriber_of_everything_is_refused_at_every_door(world: World) -> None:
    _, made = await said(world, "POST", "sms/suppressions/unsubscribers", {"receiver": "918921269000"})
    assert made["data"]["type"] == "all"
    assert await world.directory.by_name("shop", "opt_out", "918921269000")
    await said(world, "DELETE", f"sms/suppressions/unsubscribers/{made['data']['id']}")
    assert not await world.directory.by_name("shop", "opt_out", "918921269000")
    await said(world, "POST", "sms/optout", {"number": "918921269001"})
    assert await world.directory.by_name("shop", "opt_out", "918921269001")
    await said(world, "DELETE", "sms/suppressions/unsubscribers")
    assert not await world.directory.by_name("shop", "opt_out", "918921269001")


@pytest.mark.parametrize(
    ("kind", "value", "order", "word"),
    [
        ("sender", "mobtxt", {}, "OPTOUT-REJ"),
        ("sender", "OTHER", {}, "AWAITING-DLR"),
        ("product", "T", {}, "OPTOUT-REJ"),
        ("service", "P", {}, "AWAITING-DLR"),
        ("tag", "sale", {"meta": {"tags": ["sale"]}}, "OPTOUT-REJ"),
        ("tag", "sale", {}, "AWAITING-DLR"),
    ],
)
async def test_unsubscriber_of_a_kind_gets_the_others(
    world: World, kind: str, value: str, order: dict[str, Any], word: str
) -> None:
    await said(
        world, "POST", "sms/suppressions/unsubscribers", {"receiver": "918921269000", "type": kind, "value": value}
    )
    _, content = await said(world, "POST", "sms/send", {**SMS, **order})
    assert content["data"][0]["status"] == word


async def test_unsubscribers_and_templates_are_imported(world: World) -> None:
    _, done = await uploaded(world, "sms/suppressions/unsubscribers/import", {}, "a.csv", b"mobile\n918921269000\nx\n")
    assert done["message"] == "Receivers accepted for import"
    assert await world.directory.by_name("shop", "opt_out", "918921269000")
    await uploaded(world, "sms/suppressions/templates/import", {}, "a.txt", b"110700001\n110700002\n")
    _, content = await said(world, "POST", "sms/send", {**SMS, "to": "918921269001", "template_id": "110700002"})
    assert content["data"][0]["status"] == "DLT-TM-BLACKLST"
