"""sms/send: what is taken, what is refused, and in which words."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidMessage, StoreError, StoreFull
from gateway.models import Coding
from gateway.providers.base import WebRequest
from gateway.providers.mobtexting import answers, spec
from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import BEARER, FORM, SMS, errors, said


@pytest.mark.parametrize(("method", "form"), [("POST", False), ("POST", True), ("GET", False)])
async def test_message_is_sent_by_json_form_and_query(world: World, method: str, form: bool) -> None:
    status, content = await said(world, method, "sms/send", {**SMS, "custom": "c-1"}, form=form)
    message = world.behind.intake.last
    assert (status, content) == (
        200,
        {
            "status": 200,
            "code": 200,
            "message": "1 numbers accepted for delivery.",
            "group_id": message.id,
            "data": [
                {
                    "id": "m1",
                    "mobile": "918921269000",
                    "status": "AWAITING-DLR",
                    "units": 1,
                    "length": 7,
                    "charges": 1,
                    "customid": "c-1",
                    "iso_code": None,
                    "submitted_at": "2023-11-14 22:13:21",
                }
            ],
        },
    )
    assert (message.sender, message.text, message.service, message.client_reference) == (
        "MOBTXT",
        "Welcome",
        "T",
        "c-1",
    )


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer TOKEN"}, {"Authorization": "TOKEN"}, {"authorization-is-absent": ""}]
)
async def test_token_comes_in_any_of_its_ways(world: World, headers: dict[str, str]) -> None:
    path = "sms/send" if "Authorization" in headers else "sms/send?access_token=TOKEN"
    assert (await said(world, "POST", path, SMS, headers=headers))[0] == 200


async def test_token_may_be_a_field_of_the_form(world: World) -> None:
    assert (await said(world, "POST", "sms/send", {**SMS, "access_token": "TOKEN"}, form=True, headers={}))[0] == 200


async def test_strangers_are_unauthenticated(world: World) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert await said(world, "POST", "sms/send", SMS, headers=headers) == (
            401,
            {"status": "error", "code": 401, "message": "Unauthenticated."},
        )
    reader = {"Authorization": "Bearer READER"}
    assert (await said(world, "POST", "sms/send", SMS, headers=reader))[0] == 403
    assert (await said(world, "GET", "sms/send", SMS, headers=reader))[0] == 403


@pytest.mark.parametrize("to", ["918921269000,918921269001", ["918921269000", "918921269001"]])
async def test_several_receivers_share_a_group(world: World, to: object) -> None:
    _, content = await said(world, "POST", "sms/send", {**SMS, "to": to})
    assert content["message"] == "2 numbers accepted for delivery."
    assert {message.group for message in world.behind.intake.accepted} == {content["group_id"]}


async def test_one_alone_is_its_own_group(world: World) -> None:
    _, content = await said(world, "POST", "sms/send", SMS)
    assert (content["group_id"], world.behind.intake.last.group) == (content["data"][0]["id"], "")


@pytest.mark.parametrize("encoded", ["to[]={}&to[]={}", "to[0]={}&to[1]={}", "to%5B%5D={}&to%5B%5D={}"])
async def test_lists_of_forms_are_as_php_writes_them(world: World, encoded: str) -> None:
    body = "sender=MOBTXT&message=Hi&service=T&meta[tags][]=sale&meta[tags][]=shoes&"
    body += encoded.format("918921269000", "918921269001")
    asked = WebRequest(method="POST", path="/api/v2/sms/send", body=body.encode(), content_type=FORM, headers=BEARER)
    assert (await Mobtexting().answer(asked, world.services)).status == 200
    assert [one.recipient for one in world.behind.intake.accepted] == ["918921269000", "918921269001"]
    kind = {"receiver": "918921269000", "type": "tag", "value": "shoes"}
    await said(world, "POST", "sms/suppressions/unsubscribers", kind)
    refused = json.loads((await Mobtexting().answer(asked, world.services)).body)
    assert [one["status"] for one in refused["data"]] == ["OPTOUT-REJ", "AWAITING-DLR"]


@pytest.mark.parametrize(
    ("text", "port", "units"),
    [("x" * 160, "", 1), ("x" * 161, "", 2), ("x" * 152, "99", 1), ("x" * 153, "99", 2), ("ж" * 70, "", 1)],
)
async def test_units_are_the_parts_of_a_message(world: World, text: str, port: str, units: int) -> None:
    _, content = await said(world, "POST", "sms/send", {**SMS, "message": text, "port": port})
    assert content["data"][0]["units"] == units


async def test_options_become_the_messages_own(world: World) -> None:
    fields = {
        **SMS, "message": "Grüße 你", "type": "U", "flash": 1, "port": "2948", "entity_id": "110100001",
        "time": "2023-11-15 10:00:00", "template_id": 1107,
    }  # fmt: skip
    world.apps.zone = "Asia/Kolkata"
    await said(world, "POST", "sms/send", fields)
    message = world.behind.intake.last
    assert (message.coding, message.message_class, message.udh.hex()) == (Coding.UCS2, 0, "0605040b840000")
    assert message.tlvs == ((0x1400, b"110100001\0"), (0x1401, b"1107\0"))
    assert message.scheduled_at == 1_700_022_600.0


async def test_normal_text_loses_what_gsm_lacks(world: World) -> None:
    await said(world, "POST", "sms/send", {**SMS, "message": "Grüße 你", "type": "N"})
    assert world.behind.intake.last.text == "Grüße ?"


@pytest.mark.parametrize("written", ["2023-11-15 10:00:00", "2023-11-15 10:00AM"])
async def test_both_forms_of_a_time_are_read(world: World, written: str) -> None:
    await said(world, "POST", "sms/send", {**SMS, "time": written})
    assert world.behind.intake.last.scheduled_at == 1_700_042_400.0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sender": ""}, "sender"),
        ({"to": ""}, "to"),
        ({"message": ""}, "message"),
        ({"service": None}, "service"),
        ({"type": "X"}, "type"),
        ({"flash": "2"}, "flash"),
        ({"port": "70000"}, "port"),
        ({"entity_id": "abc"}, "entity_id"),
        ({"max_units": 0}, "max_units"),
        ({"max_units": 4}, "max_units"),
        ({"time": "tomorrow"}, "time"),
        ({"time": "2023-11-14 22:15:00"}, "time"),
        ({"time": "2024-11-14 22:15:00"}, "time"),
        ({"webhook_id": "nobody"}, "webhook_id"),
        ({"meta": {"tags": "one"}}, "meta.tags"),
        ({"to": ["1"] * 10_001}, "to"),
    ],
)
async def test_message_says_which_field_is_wrong(world: World, change: dict[str, Any], field: str) -> None:
    assert await errors(world, "POST", "sms/send", {**SMS, **change}) == [field]


@pytest.mark.parametrize(
    ("change", "word"),
    [({"to": "nobody"}, "INV-NUMBER"), ({"message": "x" * 400, "max_units": "2"}, "REJ-MULTIPART")],
)
async def test_receiver_that_cannot_be_sent_to_says_so(world: World, change: dict[str, str], word: str) -> None:
    status, content = await said(world, "POST", "sms/send", {**SMS, **change})
    assert (status, content["data"][0]["status"], content["data"][0]["charges"]) == (200, word, 0)


@pytest.mark.parametrize(("reason", "row"), list(answers.DLR_BY_REASON.items()))
async def test_each_reason_of_the_gateway_has_a_word(world: World, reason: str, row: str) -> None:
    world.behind.intake.refuse["918921269000"] = InvalidMessage(reason, "no")
    fields = {**SMS, "to": "918921269000,918921269001"}
    _, content = await said(world, "POST", "sms/send", fields)
    assert [one["status"] for one in content["data"]] == [spec.DLR_STATUSES[row].word, "AWAITING-DLR"]


async def test_no_money_at_all_is_a_bad_request(world: World) -> None:
    world.behind.intake.refuse["918921269000"] = InvalidMessage("insufficient_balance", "no")
    assert (await said(world, "POST", "sms/send", SMS))[0] == 400


@pytest.mark.parametrize(("fault", "status"), [(StoreFull("full", 2.0), 429), (StoreError("disk"), 503)])
async def test_a_store_in_trouble_is_said(world: World, fault: Exception, status: int) -> None:
    world.behind.intake.fail = fault
    assert (await said(world, "POST", "sms/send", SMS))[0] == status
