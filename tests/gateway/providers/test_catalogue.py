"""The page of calls says what the tables say, and every row of it is answered."""

import json
from pathlib import Path

import pytest

from gateway.providers import PROVIDERS
from gateway.providers.base import WebRequest
from gateway.providers.catalogue import CATALOGUE, page
from gateway.providers.endpoints import Endpoint
from tests.gateway.providers.fakes import World

PAGE = Path(__file__).parents[3] / "docs" / "providers" / "calls.md"
LOGIN = {
    "mocean": {"Authorization": "Bearer apit-xyz"},
    "mobtexting": {"Authorization": "Bearer TOKEN"},
    "lanck": {"Authorization": "Basic dXNlcjpwYXNz"},
    "checkmobi": {"Authorization": "TOKEN"},
}
ROWS = [(name, row) for name, (_, rows) in CATALOGUE.items() for row in rows]


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_dialect_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == set(PROVIDERS)


@pytest.mark.parametrize(
    ("name", "row"), ROWS, ids=lambda value: value if isinstance(value, str) else f"{value.method} {value.path}"
)
async def test_every_row_is_answered_in_the_words_of_its_dialect(name: str, row: Endpoint) -> None:
    world = World()
    path = row.path.replace("{id}", "m1").replace("{", "").replace("}", "")
    request = WebRequest(
        method=row.method,
        path=path,
        query=b"mocean-resp-format=json",
        body=b"{}" if row.method in ("POST", "PUT") and name != "mocean" else b"",
        content_type="application/json" if name != "mocean" else "",
        headers=LOGIN[name],
    )
    answer = await PROVIDERS[name].make_dialect().answer(request, world.services)
    assert answer.status != 405 and answer.status < 500
    assert not answer.body or json.loads(answer.body) is not None
