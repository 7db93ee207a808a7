"""Each dialect's own description: it is valid, names every call, and what a generator makes of it is answered so.

Anything but a documented status, or a body of another shape, is a failure; so is a request that hangs.
"""

import asyncio
import base64
import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate

from gateway.cli.main import main
from gateway.providers.catalogue import CATALOGUE
from gateway.providers.describing import MANNERS, document
from tests.gateway.providers.misfortunes import started

REQUESTS: Final = int(os.environ.get("DIALECT_REQUESTS", "300"))
"""Of each dialect; `DIALECT_REQUESTS=2000 pytest tests/gateway/providers/test_describing.py` for more of them."""
PATIENCE_SECONDS: Final = 60.0
MOST_FAILURES: Final = 5
"""So many are shown."""
WHO: Final[Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]] = {
    "mocean": ({"Authorization": ""}, {"mocean-api-key": "fine", "mocean-api-secret": "secret"}),
    "mobtexting": ({"Authorization": "Bearer fine-token"}, {}),
    "lanck": ({"Authorization": "Basic " + base64.b64encode(b"fine:password").decode()}, {}),
    "checkmobi": ({"Authorization": "fine-key"}, {}),
}
"""Headers and query."""


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_description_is_valid_and_names_every_call(name: str) -> None:
    found = document(name)
    validate(found)
    calls = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert calls == {(row.method, row.path) for row in CATALOGUE[name][1]}
    names = [one["operationId"] for methods in found["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", CATALOGUE)
def test_fields_are_of_calls_that_there_are(name: str) -> None:
    calls = {(row.method, row.path) for row in CATALOGUE[name][1]}
    assert set(MANNERS[name].fields) <= calls


def test_the_command_line_prints_it() -> None:
    printed = CliRunner().invoke(main, ["openapi", "lanck"])
    assert printed.exit_code == 0
    assert json.loads(printed.output) == document("lanck")
    assert CliRunner().invoke(main, ["openapi", "nobody"]).exit_code == 2


@pytest.mark.parametrize("name", CATALOGUE)
async def test_no_request_is_answered_otherwise_than_the_description_says(tmp_path: Path, name: str) -> None:
    async with started(tmp_path) as gateway:
        failures = await asyncio.to_thread(try_out, name, f"http://{gateway.addresses[0]}/{name}")
        assert failures == []


def try_out(name: str, url: str) -> list[str]:
    """Make requests that the description allows, and some it does not; what was answered otherwise than it says."""
    import schemathesis
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    found = document(name)
    # Who asks is said below, the same for every request.
    del found["security"], found["components"]
    schema = schemathesis.openapi.from_dict(found)
    schema.config.update(base_url=url)
    results: Any = schema.get_all_operations()
    operations = [result.ok() for result in results]
    headers, query = WHO[name]
    failures: list[str] = []
    checks = [status_code_conformance, content_type_conformance, response_schema_conformance]
    for operation in operations:

        @settings(
            max_examples=REQUESTS // len(operations) + 1,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            case.query = {**(case.query or {}), **query}

            def wrong() -> str:
                try:
                    # By a connection of its own: one that is kept may be closed just as it is used again.
                    response = case.call(headers={**headers, "Connection": "close"}, timeout=PATIENCE_SECONDS)
                    if response.status_code < 500:
                        case.validate_response(response, checks=checks)
                    elif not is_documented(name, response):
                        return f"{response.status_code} {response.text[:200]}"
                except Exception as error:
                    return "".join(traceback.format_exception(error))[-2000:]
                return ""

            if len(failures) < MOST_FAILURES and (said := wrong()):
                failures.append(f"{case.method} {case.path} {case.query} {case.body!r}: {said}")

        given(case=operation.as_strategy())(ask)()
    return failures


def is_documented(name: str, response: Any) -> bool:
    """Whether a status of 500 or more is one of the document's own, for what is no fault of ours.

    Nobody is behind the uplinks of this gateway: what only a provider could answer ends so. Mocean's "Unknown error" is
    a 500 too, also for parameters that have no code.
    """
    if name == "mocean":
        return response.status_code in (500, 503) and any(
            f"<status>{code}<" in response.text for code in (24, 45, 10, 40)
        )
    return bool(response.status_code == {"lanck": 500, "checkmobi": 503, "mobtexting": 503}[name])
