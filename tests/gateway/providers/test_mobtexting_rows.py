"""MOBtexting's delivery statuses that we know ourselves, and its HTTP statuses: each of its real cause, over HTTP.

All rows of the table of delivery statuses come in receipts too: test_carried_codes.py.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.providers.mobtexting import spec
from tests.gateway.providers.misfortunes import GOOD, LISTED, NOWHERE, REST, started

SMS: Final = {"to": GOOD, "sender": "INFO", "message": "Hi", "service": "T"}
SEND: Final = "/api/v2/sms/send"
DISTURBED: Final = "447400777777"
"""Wants no promotion."""

CAUSES: Final[Mapping[str, tuple[str, Mapping[str, Any], int]]] = {
    "403": ("fine", {"message": "x" * 40_000}, 1),
    "404": ("fine", {"to": "nobody"}, 1),
    "405": ("fine", {"custom": "x" * 1_000}, 1),
    "450": ("fine", {"to": LISTED}, 1),
    "451": ("fine", {"sender": "MyBank"}, 1),
    "454": ("named", {"sender": "OTHER"}, 1),
    "455": ("picky", {}, 1),
    "459": ("fine", {"to": NOWHERE}, 1),
    "460": ("twice", {}, 2),
    "463": ("slow", {}, 2),
    "778": ("fine", {"message": "x" * 400, "max_units": 2}, 1),
    "791": ("fine", {"to": REST, "port": 2948}, 1),
}
"""Code → account, fields, and of how many requests the last is answered so."""
ENTITY: Final = {"template_id": "1107", "entity_id": "1101"}
GOOD_TEXT: Final = "Code 1234 for Ann"
SCRUBBED: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "408": ("india", {"to": DISTURBED, "service": "P"}),
    "452": ("india", {"template_id": "1199"}),
    "453": ("india", {"message": "Something else"}),
    "454": ("india", {"sender": "NOBODY"}),
    "457": ("late", {"service": "P"}),
    "781": ("india", {"entity_id": "1102"}),
    "783": ("india", {"message": f"Code 1234 for {'x' * 31}"}),
    "784": ("india", {"entity_id": "1103"}),
    "789": ("india", {"sender": "SECOND", "entity_id": "1102"}),
}
"""Code → account, fields: India's rules, each broken by a message to a gateway that keeps them."""


def india(folder: Path) -> str:
    """Two apps that want the rules kept; for one it is never the time of promotion."""
    never = (datetime.now(UTC).hour + 6) % 24
    hours = {"india": "00:00-24:00", "late": f"{never:02}:00-{never + 1:02}:00"}
    dnd = folder / "dnd.txt"
    dnd.write_text(f"{DISTURBED}\n", encoding="ascii")
    apps = [
        f"""
[account.{name}.mobtexting]
token = "{name}-token"
time_zone = "UTC"
scrub = true
promotional_hours = "{between}"
"""
        for name, between in hours.items()
    ]
    return f"""
[services]
dnd_file = "{dnd.as_posix()}"
{"".join(apps)}"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with started(tmp_path) as running:
        yield running


async def ask(
    gateway: Gateway, method: str, path: str, body: Any = None, *, account: str = "fine"
) -> tuple[int, dict[str, Any]]:
    url = f"http://{gateway.addresses[0]}/mobtexting{path}"
    headers = {"Authorization": f"Bearer {account}-token"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(method, url, **({"json": body} if body is not None else {})) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize("code", CAUSES)
async def test_a_receiver_that_is_not_sent_to_is_told_why(gateway: Gateway, code: str) -> None:
    account, more, times = CAUSES[code]
    for _ in range(times):
        status, answer = await ask(gateway, "POST", SEND, {**SMS, **more}, account=account)
    assert (status, answer["status"], answer["message"]) == (200, 200, "0 numbers accepted for delivery.")
    (one,) = answer["data"]
    assert (one["status"], one["id"], one["charges"]) == (spec.DLR_STATUSES[code].word, "", 0)


async def test_who_has_unsubscribed_is_not_sent_to(gateway: Gateway) -> None:
    status, answer = await ask(gateway, "POST", "/api/v2/sms/suppressions/unsubscribers", {"receiver": GOOD})
    assert status == 200, answer
    _, answer = await ask(gateway, "POST", SEND, SMS)
    assert answer["data"][0]["status"] == spec.DLR_STATUSES["456"].word


async def test_reports_to_where_nothing_may_be_posted_are_refused(gateway: Gateway) -> None:
    hook = {"name": "inside", "uri": "http://127.0.0.1/hook"}
    _, made = await ask(gateway, "POST", "/api/v2/developer/webhooks", hook)
    _, answer = await ask(gateway, "POST", SEND, {**SMS, "webhook_id": made["data"]["id"]})
    assert answer["data"][0]["status"] == spec.DLR_STATUSES["406"].word


async def test_a_blocked_template_is_not_sent(gateway: Gateway) -> None:
    body = {"template_id": "1107", "name": "old"}
    status, answer = await ask(gateway, "POST", "/api/v2/sms/suppressions/templates", body)
    assert status == 200, answer
    _, answer = await ask(gateway, "POST", SEND, {**SMS, "template_id": "1107"})
    assert answer["data"][0]["status"] == spec.DLR_STATUSES["785"].word


async def test_no_money_is_said_of_one_receiver_among_others(gateway: Gateway) -> None:
    status, answer = await ask(gateway, "POST", SEND, {**SMS, "to": f"{GOOD},nobody"}, account="poor")
    assert status == 200, answer
    assert [one["status"] for one in answer["data"]] == ["NO-CREDITS", "INV-NUMBER"]


@pytest.fixture
async def indian(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with started(tmp_path, india(tmp_path)) as running:
        for account in ("india", "late"):
            for name, entity in (("FIRSTX", "1101"), ("SECOND", "1102")):
                sender = {"country_code": "IN", "service": "T", "entity_id": entity, "entity_name": "Shop"}
                await done(running, "sms/senders", {**sender, "name": name}, account=account)
            template = {"name": "code", "body": "Code {#var#} for {#var#}", "sender": "FIRSTX", "type": "T"}
            await done(running, "sms/templates", {**template, "template_id": "1107"}, account=account)
        yield running


async def done(gateway: Gateway, call: str, body: Any, *, account: str) -> None:
    status, answer = await ask(gateway, "POST", f"/api/v2/{call}", body, account=account)
    assert status == 200, answer


async def test_a_message_that_breaks_a_rule_of_india_is_told_which(indian: Gateway) -> None:
    order = {**SMS, **ENTITY, "sender": "FIRSTX", "message": GOOD_TEXT}
    _, answer = await ask(indian, "POST", SEND, order, account="india")
    assert answer["data"][0]["status"] == "AWAITING-DLR"
    for code, (account, more) in SCRUBBED.items():
        _, answer = await ask(indian, "POST", SEND, {**order, **more}, account=account)
        assert (code, answer["data"][0]["status"]) == (code, spec.DLR_STATUSES[code].word)


def test_every_code_is_one_of_the_table() -> None:
    assert {*SCRUBBED, *CAUSES} <= set(spec.DLR_STATUSES)


@pytest.mark.parametrize(
    ("status", "account", "method", "path", "body"),
    [
        (200, "fine", "POST", SEND, SMS),
        (400, "poor", "POST", SEND, SMS),
        (401, "nobody", "POST", SEND, SMS),
        (403, "reader", "POST", SEND, SMS),
        (404, "fine", "GET", "/api/v2/nothing", None),
        (422, "fine", "POST", SEND, {**SMS, "message": ""}),
    ],
)
async def test_each_http_status_has_its_cause(
    gateway: Gateway, status: int, account: str, method: str, path: str, body: Any
) -> None:
    said, answer = await ask(gateway, method, path, body, account=account)
    assert said == status, answer
    if status >= 400:
        assert (answer["status"], answer["code"]) == ("error", status)
        assert answer["message"]


async def test_what_has_ended_cannot_be_ended_again(gateway: Gateway) -> None:
    wanted = {"channels": [{"name": "sms", "from": "VERIFY", "recipient": {"to": GOOD}}], "payload": {"length": 4}}
    _, begun = await ask(gateway, "POST", "/api/v2/verify/send", wanted)
    cancel = f"/api/v2/verify/cancel/{begun['id']}"
    assert (await ask(gateway, "GET", cancel))[0] == 200
    assert (await ask(gateway, "GET", cancel))[0] == 409


async def test_questions_beyond_a_thousand_a_minute_are_too_many(gateway: Gateway) -> None:
    services = gateway._services()
    while not services.rates.take("fine", spec.NAME, spec.GETS_PER_MINUTE / 60, spec.GETS_PER_MINUTE):
        pass
    assert (await ask(gateway, "GET", "/api/v2/auth/me"))[0] == 429


async def test_a_store_that_is_gone_is_a_server_issue(gateway: Gateway) -> None:
    await gateway.store.close()
    status, answer = await ask(gateway, "POST", SEND, SMS)
    assert (status, answer["message"]) == (503, spec.HTTP_STATUSES["5xx"][1])


NEVER: Final = {"202": "the document's own samples of what is accepted answer 200"}


def test_every_http_status_is_accounted_for() -> None:
    assert {"200", "400", "401", "403", "404", "409", "422", "429", "5xx", *NEVER} == set(spec.HTTP_STATUSES)
