"""The OpenAPI documents: what a validator says of them, and what a generator of requests finds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate

from gateway import config
from gateway.app import Gateway

CONFIG = """
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite:{data}/gateway.db"
[uplink.main]
servers = ["smpp://127.0.0.1:1"]
[[route]]
uplinks = ["main"]
[account.shop]
api_keys = ["shop-key"]
roles = ["send", "read", "admin"]
default_sender = "SHOP"
"""

KEY = {"Authorization": "Bearer shop-key", "X-API-Key": "shop-key"}
"""Both: the generator makes up whichever is not given."""

EXAMPLES = 12
"""Requests made for each operation: enough to try every field, few enough for every run."""


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[Gateway]:
    text = CONFIG.format(data=tmp_path.as_posix())
    gateway = Gateway(config.parse(text), source=lambda: config.parse(text))
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


async def document(address: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(f"http://{address}/api/v1/openapi.json") as response:
        assert response.status == 200
        return await response.json()


async def test_documents_are_valid_and_name_every_operation_once(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        for address in gateway.addresses:
            found = await document(address)
            validate(found)
            names = [one["operationId"] for path in found["paths"].values() for one in path.values()]
            assert len(names) == len(set(names))
            assert {"401", "403", "500"} <= set(found["paths"]["/webhooks"]["get"]["responses"])


@pytest.mark.parametrize("listener", [0, 1], ids=["public", "admin"])
async def test_no_request_is_answered_otherwise_than_the_document_says(tmp_path: Path, listener: int) -> None:
    async with running(tmp_path) as gateway:
        address = gateway.addresses[listener]
        found = await document(address)
        failures = await asyncio.to_thread(try_out, found, f"http://{address}/api/v1")
        assert failures == []


def try_out(found: dict[str, Any], url: str) -> list[str]:
    """Make requests that the document allows, and some it does not; what was answered otherwise than it says."""
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
    schema = schemathesis.openapi.from_dict(found)
    schema.config.update(base_url=url)
    failures: list[str] = []
    results: Any = schema.get_all_operations()
    for result in results:
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            response = case.call(headers=KEY, timeout=20)
            if response.status_code == 501:
                return
            case.validate_response(response, checks=checks)

        try:
            given(case=operation.as_strategy())(ask)()
        except Exception as error:
            failures.append(f"{operation.label}: {error}"[:2000])
    return failures
