"""What an account asks about its messages and itself."""

import msgspec
import pytest

from gateway.models import Inbound, State
from gateway.providers.ports import AppOptions
from tests.gateway.providers.fakes import World
from tests.gateway.providers.mobtexting.calls import SMS, errors, said
from tests.gateway.web.fakes import FakeCaller


async def test_status_is_pulled_by_id_mobile_and_group(world: World) -> None:
    _, sent = await said(world, "POST", "sms/send", SMS)
    world.behind.lookup.set_state("m1", State.DELIVERED)
    _, by_id = await said(world, "GET", "sms/status", {"id": "m1"})
    (row,) = by_id["data"]
    assert (row["id"], row["status"], row["sender"], row["length"]) == ("m1", "DELIVRD", "MOBTXT", 7)
    _, by_mobile = await said(world, "GET", "sms/status", {"mobile": "918921269000"})
    _, by_group = await said(world, "GET", "sms/status", {"group_id": sent["group_id"]})
    assert by_mobile["data"] == by_group["data"] == by_id["data"]
    assert (by_group["meta"]["per_page"], by_group["meta"]["total"]) == (100, 1)
    assert (await said(world, "GET", "sms/status", {"id": "m9"}))[1]["data"] == []
    assert await errors(world, "GET", "sms/status") == ["id"]


async def test_cid_is_the_apps_own_id_and_else_the_messages(world: World) -> None:
    await said(world, "POST", "sms/send", {**SMS, "custom": "order 7"})
    for cid in ("order 7", "m1"):
        _, content = await said(world, "GET", "sms/status", {"cid": cid})
        assert [one["id"] for one in content["data"]] == ["m1"]
    assert (await said(world, "GET", "sms/status", {"cid": "m2"}))[1]["data"] == []


async def test_every_page_of_a_group_or_a_day_says_how_many_there_are(world: World) -> None:
    numbers = [str(918921269000 + at) for at in range(2_250)]
    _, sent = await said(world, "POST", "sms/send", {**SMS, "to": numbers})
    ids = []
    for asked in ({"group_id": sent["group_id"]}, {"date": "2023-11-14"}):
        for page, shown in ((1, 100), (12, 100), (23, 50), (24, 0)):
            _, content = await said(world, "GET", "sms/status", {**asked, "page": page})
            assert (len(content["data"]), content["meta"]["total"], content["meta"]["last_page"]) == (shown, 2_250, 23)
            ids += [one["id"] for one in content["data"]]
        (name,) = asked
        assert content["links"]["first"].endswith(f"?{name}={asked[name]}&page=1")
    assert len(set(ids)) == 250
    found = await said(world, "GET", content["links"]["last"].removeprefix("/api/v2/"))
    assert len(found[1]["data"]) == 50


async def test_links_to_other_pages_hold_no_token_and_where_they_can_be_whole(world: World) -> None:
    world.apps.given = AppOptions(base_url="https://gateway.example/mobtexting")
    _, content = await said(world, "GET", "sms/senders?access_token=TOKEN&filter[name]=A", headers={})
    link = "https://gateway.example/mobtexting/api/v2/sms/senders?filter%5Bname%5D=A&page=1"
    assert content["links"]["first"] == link


async def test_messages_from_handsets_are_asked_for_thirty_times_a_minute(world: World) -> None:
    await said(world, "GET", "vmn/logs")
    assert (world.rates.taken[0][1:]) == ("mobtexting vmn/logs", 0.5, 30)
    world.rates.wait = 1.0
    assert (await said(world, "GET", "vmn/logs"))[0] == 429


@pytest.mark.parametrize(
    ("state", "error", "word"),
    [
        (State.DELIVERED, "", "DELIVRD"),
        (State.UNDELIVERABLE, "", "UNDELIV"),
        (State.UNDELIVERABLE, "ABSENT-SUB", "ABSENT-SUB"),
        (State.UNDELIVERABLE, "010", "ABSENT-SUB"),
        (State.UNDELIVERABLE, "13", "MOB-OFF"),
        (State.REJECTED, "0x0000000B ESME_RINVDSTADR", "INV-NUMBER"),
        (State.REJECTED, "777", "DLT-REJECTED"),
        (State.UNKNOWN, "", "TIMEOUT-DLR"),
        (State.DELETED, "", "FAILED"),
        (State.QUEUED, "", "AWAITING-DLR"),
    ],
)
async def test_word_of_a_state_is_as_exact_as_its_error(world: World, state: State, error: str, word: str) -> None:
    await said(world, "POST", "sms/send", SMS)
    world.behind.intake.accepted = [msgspec.structs.replace(world.behind.intake.last, state=state, error=error)]
    _, content = await said(world, "GET", "sms/status", {"id": "m1"})
    assert content["data"][0]["status"] == word


async def test_reports_lists_and_money(world: World) -> None:
    await said(world, "POST", "sms/send", SMS)
    _, report = await said(world, "GET", "sms/report", {"daterange": "2023-11-14|2023-11-15"})
    assert report["data"] == {"2023-11-14": {"date": "2023-11-14", "status": {"AWAITING-DLR": 1}}}
    assert await errors(world, "GET", "sms/report", {"daterange": "2023-11-14|2022-11-15"}) == ["daterange"]
    _, activity = await said(world, "GET", "sms/activity")
    assert activity["rows"]["data"] == [{"date": "2023-11-14", "total": 1}]
    _, balance = await said(world, "GET", "finance/balance")
    assert (balance["status"], balance["data"][0]["credits"]) == (200, 100)
    assert (await said(world, "POST", "finance/credits", {"username": "shop", "credits": "1"}))[0] == 403
    _, me = await said(world, "GET", "auth/me")
    assert me["data"]["username"] == "shop"


async def test_messages_from_handsets_are_listed(world: World) -> None:
    world.log.inbound = [
        Inbound(
            id="i1", account="shop", sender="918921269000", recipient="56161", text="YES", received_at=1_700_000_000.0
        )
    ]
    _, content = await said(world, "GET", "vmn/logs", {"filter[number]": "56161"})
    assert content["rows"]["data"][0] | {"created_at": ""} == {
        "id": "i1", "mobile": "918921269000", "number": "56161", "message": "YES", "created_at": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"username": "shop", "credits": "2.5"}, ""),
        ({"username": "shop", "credits": 3}, ""),
        ({"credits": "1"}, "username"),
        ({"username": "shop"}, "credits"),
        ({"username": "shop", "credits": "much"}, "credits"),
        ({"username": "shop", "credits": "NaN"}, "credits"),
        ({"username": "shop", "credits": "-1"}, "credits"),
        ({"username": "nobody", "credits": "1"}, "username"),
    ],
)
async def test_credits_are_added_by_who_administers_accounts(
    world: World, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], wrong: str
) -> None:
    monkeypatch.setattr(FakeCaller, "may", lambda _caller, _role: True)
    if wrong:
        assert await errors(world, "POST", "finance/credits", fields) == [wrong]
        assert world.ledger.amount == 100
    else:
        answer = await said(world, "POST", "finance/credits", fields)
        assert answer == (200, {"status": "OK", "message": "Balance added Successfully"})
        assert world.ledger.amount > 100
