"""Nodes, XML, files, templates and channels: the same message in other clothes."""

import io
from typing import Any

import openpyxl
import pytest

from gateway.providers.base import WebRequest
from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import BEARER, errors, said, uploaded


async def test_nodes_override_the_root_but_for_what_is_the_roots(world: World) -> None:
    root = {"sender": "ROOT", "service": "T", "message": "of the root"}
    nodes = [
        {"to": "918921269000,918921269001", "service": "P"},
        {"to": "918921269002", "message": "of the node", "sender": "NODE", "custom": "n"},
    ]
    _, content = await said(world, "POST", "sms/send/json", {"root": root, "nodes": nodes})
    assert content["message"] == "3 numbers accepted for delivery."
    assert [(one.sender, one.text, one.service) for one in world.behind.intake.accepted] == [
        ("ROOT", "of the root", "T"),
        ("ROOT", "of the root", "T"),
        ("NODE", "of the node", "T"),
    ]


XML = b"""<?xml version="1.0"?><data><root><service>T</service><sender>ROOT</sender></root>
<nodes><node><to>918921269000</to><message><![CDATA[a < b & c]]></message></node></nodes></data>"""


async def test_xml_is_read_with_its_cdata(world: World) -> None:
    asked = WebRequest(
        method="POST", path="/api/v2/sms/send/xml", body=XML, content_type="application/xml", headers=BEARER
    )
    assert (await Mobtexting().answer(asked, world.services)).status == 200
    assert world.behind.intake.last.text == "a < b & c"


@pytest.mark.parametrize(
    "body",
    [
        b"<data>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><data><root/><nodes><node><to>&a;</to></node></nodes></data>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><data/>',
        b"<data>" * 100,
    ],
)
async def test_xml_with_entities_or_without_end_is_refused(world: World, body: bytes) -> None:
    asked = WebRequest(
        method="POST", path="/api/v2/sms/send/xml", body=body, content_type="application/xml", headers=BEARER
    )
    assert (await Mobtexting().answer(asked, world.services)).status == 400


def excel(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"name,mobile\r\nAnn,918921269000\r\nBob,918921269001\r\n"),
        ("a.csv", "\ufeffname;mobile\nAnn;918921269000\nBob;918921269001\n".encode()),
        ("a.xlsx", excel(("name", "mobile"), ("Ann", 918921269000), ("Bob", "918921269001"))),
    ],
)
async def test_file_fills_the_variables_of_the_text(world: World, name: str, content: bytes) -> None:
    fields = {"sender": "MOBTXT", "service": "T", "message": "Dear {{name}}"}
    status, answer = await uploaded(world, "sms/bulk", fields, name, content)
    assert (status, answer["message"], answer["data"]) == (200, "2 numbers accepted for delivery.", [])
    assert [(one.recipient, one.text) for one in world.behind.intake.accepted] == [
        ("918921269000", "Dear Ann"),
        ("918921269001", "Dear Bob"),
    ]


async def test_plain_list_of_numbers_needs_no_head(world: World) -> None:
    fields = {"sender": "MOBTXT", "service": "T", "message": "Hi"}
    _, answer = await uploaded(world, "sms/bulk", fields, "a.txt", b"918921269000\n+91 89212 69001\n\n")
    assert answer["message"] == "2 numbers accepted for delivery."


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", b"x"), ("a.csv", b"\xff\xfe"), ("a.xlsx", b"PK no"), ("a.csv", b""), ("a.csv", b"a\n")],
)
async def test_files_that_cannot_be_read(world: World, name: str, content: bytes) -> None:
    fields = {"sender": "MOBTXT", "service": "T", "message": "Hi"}
    status, answer = await uploaded(world, "sms/bulk", fields, name, content)
    assert status in (200, 422)
    assert not world.behind.intake.accepted or answer["message"] == "0 numbers accepted for delivery."


async def test_stored_text_is_sent_with_its_variables(world: World) -> None:
    created = {"name": "welcome", "body": "Dear {{name}}, hi", "sender": "MOBTXT", "template_id": "1107", "type": "T"}
    await said(world, "POST", "sms/templates", created)
    order = {
        "alias": "welcome",
        "data": {"name": "Ann"},
        "recipient": {"to": ["918921269000"]},
        "meta": {"foreign_id": "f-1"},
    }
    _, content = await said(world, "POST", "sms/send/template", order)
    assert (content["status"], content["message"]) == (200, "1 numbers accepted for delivery.")
    assert content["group_id"] == content["data"][0]["id"]
    assert content["data"][0] | {"id": 0} == {
        "id": 0,
        "mobile": "918921269000",
        "units": 1,
        "length": 12,
        "charges": 1,
        "customid": "f-1",
        "iso_code": None,
        "submitted_at": "2023-11-14 22:13:21",
        "channel": "sms",
        "from": "MOBTXT",
        "to": "918921269000",
        "credits": 1,
        "created_at": "2023-11-14T22:13:21.000000Z",
        "status": "AWAITING-DLR",
        "foreign_id": "f-1",
    }
    assert (world.behind.intake.last.text, world.behind.intake.last.tlvs) == ("Dear Ann, hi", ((0x1401, b"1107\0"),))
    assert (await said(world, "POST", "sms/send/template", {**order, "alias": "nobody"}))[0] == 404
    assert await errors(world, "POST", "sms/send/template", {**order, "id": "1"}) == ["alias"]
    assert await errors(world, "POST", "sms/send/template", {**order, "data": {"name": "x" * 5_000}}) == ["data"]
    del order["data"]
    assert await errors(world, "POST", "sms/send/template", order) == ["data"]


UNIFIED: dict[str, Any] = {
    "channels": [{"name": "sms", "from": "MOBTXT", "meta": {"service": "T", "foreign_id": "f-1"}}],
    "recipient": {"to": ["918921269000"]},
    "message": {"type": "text", "payload": {"text": "Hi"}},
}


async def test_unified_form_is_sent(world: World) -> None:
    status, content = await said(world, "POST", "sms/message/send", UNIFIED)
    assert (status, content["data"][0]["foreign_id"], world.behind.intake.last.text) == (200, "f-1", "Hi")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": []}, "channels"),
        ({"channels": [{"name": "viber"}]}, "channels"),
        ({"message": {"type": "image"}}, "message.type"),
        ({"message": {"type": "text", "payload": {}}}, "message.payload.text"),
        ({"message": {"type": "text", "payload": {"text": "x" * 4097}}}, "message.payload.text"),
        ({"recipient": {}}, "recipient.to"),
        ({"recipient": {"group_id": "7"}}, "recipient.group_id"),
    ],
)
async def test_unified_form_says_which_field_is_wrong(world: World, change: dict[str, Any], field: str) -> None:
    assert await errors(world, "POST", "sms/message/send", {**UNIFIED, **change}) == [field]
