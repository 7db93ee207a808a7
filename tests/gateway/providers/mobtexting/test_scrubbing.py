"""India's rules, for the account that wants them kept."""

from typing import Any

import pytest

from gateway.hours import Hours
from gateway.providers.ports import AppOptions
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, said

SENDER = {"name": "MOBTXT", "country_code": "IN", "service": "T", "entity_id": "1101", "entity_name": "Shop"}


async def scrubbed(world: World, **change: Any) -> str:
    world.apps.given = AppOptions(is_scrubbed=True, promotional_hours=Hours("00:00-24:00"))
    await said(world, "POST", "sms/senders", SENDER)
    template = {
        "name": "code",
        "body": "Code {#var#} for {#var#}",
        "sender": "MOBTXT",
        "template_id": "1107",
        "type": "T",
    }
    await said(world, "POST", "sms/templates", template)
    order = {**SMS, "message": "Code 1234 for Ann", "template_id": "1107", "entity_id": "1101", **change}
    _, content = await said(world, "POST", "sms/send", order)
    return str(content["data"][0]["status"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "AWAITING-DLR"),
        ({"sender": "OTHER"}, "INV-SENDER"),
        ({"entity_id": "9"}, "DLT-ENTITY-NOT-FOUND"),
        ({"template_id": ""}, "TEMPLATE-NOT-FOUND"),
        ({"template_id": "9"}, "TEMPLATE-NOT-FOUND"),
        ({"message": "Something else"}, "INV-TEMPLATE"),
        ({"message": "Code 1234 for " + "x" * 31}, "DLT-TM-VAR-EXECEED"),
        ({"message": "Code 1234 for " + "x" * 30}, "AWAITING-DLR"),
    ],
)
async def test_messages_fit_registered_senders_and_templates(world: World, change: dict[str, str], word: str) -> None:
    assert await scrubbed(world, **change) == word


async def test_entity_of_another_sender_is_not_this_ones(world: World) -> None:
    await said(world, "POST", "sms/senders", {**SENDER, "name": "OTHER", "entity_id": "1102"})
    assert await scrubbed(world, entity_id="1102") == "DLT-INV-ENTITY"
    assert await scrubbed(world, entity_id="1103") == "DLT-ENTITY-NOT-FOUND"


async def test_template_is_of_its_sender(world: World) -> None:
    await said(world, "POST", "sms/senders", {**SENDER, "name": "OTHER"})
    assert await scrubbed(world, sender="OTHER") == "DLT-SENDER-NOT-REG-TM"


async def test_promotional_messages_keep_the_hours(world: World) -> None:
    assert await scrubbed(world, service="P") == "AWAITING-DLR"
    world.apps.given = AppOptions(is_scrubbed=True, promotional_hours=Hours("01:00-02:00"))
    order = {**SMS, "message": "Code 1 for A", "template_id": "1107", "service": "P"}
    assert (await said(world, "POST", "sms/send", order))[1]["data"][0]["status"] == "PROMO-TMOUT"


async def test_promotional_messages_leave_those_alone_who_want_none(world: World) -> None:
    await world.directory.add("shop", "dnd", SMS["to"], {})
    assert await scrubbed(world) == "AWAITING-DLR"
    order = {**SMS, "message": "Code 1 for A", "template_id": "1107", "service": "P"}
    assert (await said(world, "POST", "sms/send", order))[1]["data"][0]["status"] == "DNDNUMB"
