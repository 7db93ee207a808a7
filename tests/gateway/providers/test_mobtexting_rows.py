"""MOBtexting's delivery statuses that we know ourselves, and its HTTP statuses: each of its real cause, over HTTP.

All rows of the table of delivery statuses come in receipts too: test_carried_codes.py.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.providers.mobtexting import spec
from tests.gateway.providers.misfortunes import GOOD, LISTED, NOWHERE, REST, started

SMS: Final = {"to": GOOD, "sender": "INFO", "message": "Hi", "service": "T"}
SEND: Final = "/api/v2/sms/send"

CAUSES: Final[Mapping[str, tuple[str, Mapping[str, Any], int]]] = {
    "404": ("fine", {"to": "nobody"}, 1),
    "450": ("fine", {"to": LISTED}, 1),
    "451": ("fine", {"sender": "MyBank"}, 1),
    "454": ("named", {"sender": "OTHER"}, 1),
    "455": ("picky", {}, 1),
    "459": ("fine", {"to": NOWHERE}, 1),
    "460": ("twice", {}, 2),
    "463": ("slow", {}, 2),
    "778": ("fine", {"message": "x" * 200, "max_units": 1}, 1),
    "791": ("fine", {"to": REST, "port": 2948}, 1),
}
"""Code → account, fields, and of how many requests the last is answered so."""
SCRUBBED: Final = {
    "408": "test_promotional_messages_leave_those_alone_who_want_none",
    "452": "test_messages_fit_registered_senders_and_templates",
    "453": "test_messages_fit_registered_senders_and_templates",
    "457": "test_promotional_messages_keep_the_hours",
    "781": "test_messages_fit_registered_senders_and_templates",
    "783": "test_messages_fit_registered_senders_and_templates",
    "789": "test_template_is_of_its_sender",
}
"""India's rules, each with the test that breaks it."""


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


def test_rules_of_india_are_tried_where_they_are_kept() -> None:
    text = (Path(__file__).parent / "mobtexting" / "test_scrubbing.py").read_text(encoding="utf-8")
    assert all(f"def {test}(" in text for test in SCRUBBED.values())
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
