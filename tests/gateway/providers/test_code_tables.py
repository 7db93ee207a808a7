"""Every row of the providers' code tables comes of its real cause, or it is written down why it cannot.

A gateway with an account for each misfortune (no money, no route, listed numbers, …) is asked over HTTP; what only the
network can cause is in test_carried_codes.py. A row of code_rows.py without a cause or a reason fails, and so does one
that no longer is in the table.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web

from gateway.app import Gateway
from gateway.providers.checkmobi import spec as checkmobi
from gateway.providers.lanck import spec as lanck
from tests.gateway.providers.code_rows import (
    CHECKMOBI,
    CHECKMOBI_HTTP,
    LANCK,
    MOCEAN,
    TABLES,
    Cause,
    Row,
    Table,
    Tried,
    call,
)
from tests.gateway.providers.misfortunes import account, started
from tests.gateway.providers.sim import Taken
from tests.gateway.rest_path import rest_path

ROOT: Final = Path(__file__).parents[3]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with started(tmp_path) as running:
        yield running


async def ask(gateway: Gateway, dialect: str, cause: Cause) -> tuple[int, Any]:
    """What the last of so many requests is answered."""
    known = id_of((await ask(gateway, dialect, cause.before))[1]) if cause.before is not None else ""
    fields: dict[str, Any] = {
        name: known if value == "{id}" else value for name, value in cause.fields.items() if name not in cause.without
    }
    headers, prefix = {}, f"/{dialect}"
    if dialect == "mocean":
        prefix = "/mocean/rest/2"
        login = {"mocean-api-key": cause.account, "mocean-api-secret": "secret", "mocean-resp-format": "json"}
        fields = {**login, **fields}
    elif dialect == "lanck":
        headers["Authorization"] = "Basic " + base64.b64encode(f"{cause.account}:password".encode()).decode()
    else:
        headers["Authorization"] = f"{cause.account}-key"
    how = "params" if cause.method == "GET" else "json" if dialect == "checkmobi" else "data"
    async with aiohttp.ClientSession(f"http://{gateway.addresses[0]}", headers=headers) as http:
        for _ in range(cause.times):
            given: dict[str, Any] = {how: fields} if fields else {}
            if "mocean-charset" in fields:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                given = {"data": urlencode(fields, encoding="latin-1"), "headers": form}
            path = prefix + cause.call.replace("{id}", known)
            async with http.request(cause.method, path, **given) as answer:
                status, body = answer.status, await answer.read()
    return status, json.loads(body) if body[:1] == b"{" else flat(body)


def id_of(answer: Mapping[str, Any]) -> str:
    """What was begun is called so."""
    found = answer["messages"][0]["msgid"] if "messages" in answer else ""
    return str(found or answer.get("reqid") or answer.get("requestId") or answer["id"])


def flat(body: bytes) -> dict[str, Any]:
    """XML, in which Mocean answers whoever does not say legibly that it is to be JSON."""
    if not body:
        return {}
    elements = ElementTree.fromstring(body)  # noqa: S314 - our own answer
    return {one.tag: int(one.text) if one.tag == "status" and one.text else one.text for one in elements}


def named(rows: Mapping[str, tuple[Table, Any]]) -> list[Any]:
    return [
        pytest.param(name, code, id=f"{name} {code}")
        for name, (table, _) in rows.items()
        for code, row in table.items()
        if isinstance(row, Cause)
    ]


@pytest.mark.parametrize(("name", "code"), named(MOCEAN))
async def test_mocean_says_so(gateway: Gateway, tmp_path: Path, name: str, code: int) -> None:
    table, known = MOCEAN[name]
    row = table[code]
    assert isinstance(row, Cause)
    if row.by:
        async with rest_path(row.by, tmp_path / "behind", more=account("fine")) as path:
            status, answer = await ask(path.gateway, "mocean", row)
    else:
        status, answer = await answer_to(gateway, "mocean", row)
    if name == "media":
        assert (status, answer) == (code, {})
        return
    said = answer["messages"][0] if name == "sms" and "messages" in answer else answer
    assert (said["status"], status) == (code, row.http_status or known[code].http_status), answer
    if code:
        assert said["err_msg"] == (known[code].example or known[code].text)
        # Refused as a whole, a message says no more; refused for its receiver, it names that one.
        assert set(said) - {"receiver"} == {"status", "err_msg"}


async def answer_to(gateway: Gateway, dialect: str, row: Row) -> tuple[int, Any]:
    assert isinstance(row, Cause)
    if row.is_broken:
        await gateway.store.close()
    return await ask(gateway, dialect, row)


PASSED: Final = {"voice": "/voice/dial", "whatsapp": "/send-message/whatsapp", "media": "/media/whatsapp"}
"""A call of each table that is the provider's to answer."""


@pytest.mark.parametrize("name", PASSED)
async def test_each_code_of_a_provider_is_handed_on(tmp_path: Path, name: str) -> None:
    table, known = MOCEAN[name]
    said: list[web.Response] = []

    async def say(_taken: Taken) -> web.StreamResponse | None:
        return said.pop()

    async with rest_path("mocean", tmp_path, more=account("fine")) as path:
        path.provider.instead = say
        for code in table:
            # A refusal of our credentials is ours: the app has shown its own, and they were right.
            if known[code].http_status == 401:
                continue
            body = b"" if name == "media" else json.dumps({"status": code, "err_msg": known[code].text}).encode()
            said.append(web.Response(status=known[code].http_status, body=body, content_type="application/json"))
            asked = call(PASSED[name], method="GET" if name == "media" else "POST")
            status, answer = await ask(path.gateway, "mocean", asked)
            assert status == known[code].http_status
            assert answer == (json.loads(body) if body else {})


@pytest.mark.parametrize("code", [code for code, row in LANCK.items() if isinstance(row, Cause)])
async def test_lanck_says_so(gateway: Gateway, code: int) -> None:
    status, answer = await answer_to(gateway, "lanck", LANCK[code])
    assert answer == {"errorCode": code, "errorReason": lanck.ERRORS[code].reason}
    assert status == lanck.ERRORS[code].http_status


@pytest.mark.parametrize("code", [code for code, row in CHECKMOBI.items() if isinstance(row, Cause)])
async def test_checkmobi_says_so(gateway: Gateway, code: int) -> None:
    status, answer = await answer_to(gateway, "checkmobi", CHECKMOBI[code])
    assert answer == {"code": code, "error": checkmobi.ERRORS[code].text}
    assert status == checkmobi.ERRORS[code].http_status


@pytest.mark.parametrize("status", [status for status, row in CHECKMOBI_HTTP.items() if isinstance(row, Cause)])
async def test_checkmobi_answers_with_each_of_its_http_statuses(gateway: Gateway, status: int) -> None:
    said, answer = await answer_to(gateway, "checkmobi", CHECKMOBI_HTTP[status])
    assert said == status
    shapes = {200: {"id", "number_info"}, 204: set()}
    assert set(answer) == shapes.get(status, {"code", "error"})


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_its_cause_or_a_reason(name: str) -> None:
    rows, known = TABLES[name]
    assert set(rows) == known


def test_what_is_tried_elsewhere_is_there() -> None:
    for rows, _ in TABLES.values():
        for row in rows.values():
            if isinstance(row, Tried):
                assert f"def {row.test}(" in (ROOT / row.file).read_text(encoding="utf-8"), row
