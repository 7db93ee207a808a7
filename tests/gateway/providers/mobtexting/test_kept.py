"""What an account keeps: senders, templates, and those who want no more."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from gateway.providers.base import WebRequest
from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, errors, multipart, said, uploaded

T = TypeVar("T")

SENDER = {"name": "MOBTXT", "country_code": "IN", "service": "T", "entity_id": "1101", "entity_name": "Shop"}


async def test_sender_is_made_shown_changed_and_forgotten(world: World) -> None:
    _, made = await said(world, "POST", "sms/senders", SENDER)
    assert (made["message"], made["data"]["status"], made["data"]["service"]["name"]) == (
        "Sender Saved Successfully",
        1,
        "T",
    )
    key = made["data"]["id"]
    assert (await said(world, "GET", f"sms/senders/{key}"))[1]["message"] == "Sender Data"
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


TEMPLATE = {"name": "welcome", "body": "Dear {{name}}", "sender": "MOBTXT", "template_id": "1107", "type": "P"}


async def test_template_changes_in_what_is_given_alone(world: World) -> None:
    _, made = await said(world, "POST", "sms/templates", TEMPLATE)
    key = made["data"]["id"]
    _, changed = await said(world, "PUT", f"sms/templates/{key}", {"template_id": "1108", "name": "hello"})
    shown = changed["data"]
    assert (changed["message"], shown["template_id"], shown["name"], shown["alias"], shown["body"]) == (
        "Template Updated Successfully",
        "1108",
        "hello",
        "welcome",
        "Dear {{name}}",
    )
    assert shown["template_type"] == "Promotional"
    _, changed = await said(world, "PUT", f"sms/templates/{key}", {"template_id": "1108", "is_english": "0"})
    assert (changed["data"]["is_english"], changed["data"]["template_type"]) == (0, "Promotional")
    assert [one["alias"] for one in (await said(world, "GET", "sms/templates", {"filter[name]": "hell"}))[1]["data"]]
    assert await errors(world, "PUT", f"sms/templates/{key}", {}) == ["template_id"]
    assert await errors(world, "PUT", f"sms/templates/{key}", {"type": "X"}) == ["type"]
    _, gone = await said(world, "DELETE", f"sms/templates/{key}")
    assert (gone["data"], gone["message"]) == (1, "Template deleted successfully")


async def test_template_of_an_indian_sender_has_its_id_and_type(world: World) -> None:
    await said(world, "POST", "sms/senders", SENDER)
    for absent in ("template_id", "type"):
        given = {name: value for name, value in TEMPLATE.items() if name != absent}
        assert await errors(world, "POST", "sms/templates", given) == [absent]
        assert (await said(world, "POST", "sms/templates", {**given, "sender": absent, "name": absent}))[0] == 200


async def test_unsubscribers_are_shown_with_their_country_and_found_by_it(world: World) -> None:
    fields = {"receiver": "40721123456", "type": "tag", "value": "sale"}
    _, made = await said(world, "POST", "sms/suppressions/unsubscribers", fields)
    assert made["data"]["iso"] == "RO"
    for asked, count in (("RO", 1), ("in", 0)):
        _, listed = await said(world, "GET", "sms/suppressions/unsubscribers", {"filter[iso]": asked})
        assert (listed["message"], len(listed["data"])) == ("Unsubscribers list", count)


async def test_unsubscriber_and_blocked_template_become_others(world: World) -> None:
    fields = {"receiver": "918921269000", "type": "all"}
    _, made = await said(world, "POST", "sms/suppressions/unsubscribers", fields)
    path = f"sms/suppressions/unsubscribers/{made['data']['id']}"
    _, changed = await said(world, "PUT", path, {"receiver": "918921269001", "type": "tag", "value": "sale"})
    assert (changed["message"], changed["data"]["receiver"]) == ("Receiver update successfully", "918921269001")
    assert not await world.directory.by_name("shop", "opt_out", "918921269000")
    assert await world.directory.by_name("shop", "partial_opt_out", "918921269001")
    assert (await said(world, "GET", path))[0] == 404
    _, blocked = await said(world, "POST", "sms/suppressions/templates", {"template_id": "1107"})
    path = f"sms/suppressions/templates/{blocked['data']['id']}"
    _, changed = await said(world, "PUT", path, {"template_id": "1108", "status": "0"})
    assert (changed["data"]["template_id"], changed["data"]["status"]) == ("1108", "0")
    _, listed = await said(world, "GET", "sms/suppressions/templates")
    assert [one["template_id"] for one in listed["data"]] == ["1108"]


SHEET = Path(__file__).parents[3] / "vectors" / "providers" / "numbers.xls"


async def test_old_excel_files_are_read(world: World) -> None:
    content = SHEET.read_bytes()
    _, done = await uploaded(world, "sms/suppressions/unsubscribers/import", {}, "numbers.xls", content)
    assert done["message"] == "Receivers accepted for import"
    assert [one.name for one in world.directory.entries.values() if one.fields.get("type") == "all"] == [
        "918921269000",
        "918921269001",
    ]
    fields = {"sender": "MOBTXT", "service": "T", "message": "Dear {{name}}, {{amount}}"}
    await uploaded(world, "sms/bulk", {**fields, "column": "mobile"}, "numbers.XLS", content)
    assert [one.text for one in world.behind.intake.accepted] == ["Dear Ann, 10.5", "Dear Börje, 3"]


@pytest.mark.parametrize("cut", [0, 8, 512, 1_536, 4_000])
async def test_broken_excel_files_are_refused(world: World, cut: int) -> None:
    content = SHEET.read_bytes()[:cut]
    path = "sms/suppressions/templates/import"
    status, answer = await uploaded(world, path, {}, "a.xls", content)
    assert (status, list(answer["errors"])) == (422, ["file"])
    assert (await uploaded(world, path, {}, "a.xlsx", SHEET.read_bytes()))[0] == 422


async def test_files_whose_little_becomes_much_are_refused(world: World) -> None:
    fields = {"sender": "MOBTXT", "service": "T", "message": "{{a}}" * 800}
    rows = "\n".join(f"918921269{at:03},{'x' * 4_000}" for at in range(20))
    status, answer = await uploaded(world, "sms/bulk", fields, "a.csv", f"mobile,a\n{rows}\n".encode())
    assert (status, list(answer["errors"])) == (422, ["file"])
    status, answer = await uploaded(world, "sms/bulk", {**fields, "message": "x" * 5_000}, "a.csv", b"mobile\n")
    assert (status, list(answer["errors"])) == (422, ["message"])
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["mobile", "x" * 5_000])
    packed = io.BytesIO()
    book.save(packed)
    status, answer = await uploaded(world, "sms/bulk", {**fields, "message": "Hi"}, "a.xlsx", packed.getvalue())
    assert (status, list(answer["errors"])) == (422, ["file"])


@pytest.mark.parametrize(
    "path", ["sms/suppressions/unsubscribers/import", "sms/suppressions/templates/import", "sms/bulk"]
)
async def test_files_are_read_where_nobody_waits_for_it(world: World, path: str) -> None:
    aside: list[object] = []

    async def done_aside(work: Callable[[], T]) -> T:
        aside.append(work)
        return work()

    fields = {"sender": "MOBTXT", "service": "T", "message": "Hi"}
    body, headers = multipart(fields, "a.txt", b"918921269000\n")
    asked = WebRequest(
        method="POST", path=f"/api/v2/{path}", body=body, content_type="multipart/form-data", headers=headers
    )
    answer = await Mobtexting().answer(asked, dataclasses.replace(world.services, aside=done_aside))
    assert (answer.status, len(aside)) == (200, 1)
