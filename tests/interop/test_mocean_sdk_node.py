"""Mocean's SDK for node, unchanged but for its base URL: a process for each call."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.models import State
from gateway.providers.mocean import Mocean, MoceanOptions
from gateway.providers.ports import NetworkInfo
from tests.gateway.providers.fakes import CODE
from tests.interop.listening import DialectListener
from tests.interop.peers import TIMEOUT, missing

pytestmark = pytest.mark.interop

_SCRIPT = Path(__file__).parent / "node" / "mocean.js"
HELLO = {"mocean-from": "ME", "mocean-to": "60123456789", "mocean-text": "Hi"}


@pytest.fixture
def gateway() -> Iterator[DialectListener]:
    started = DialectListener(Mocean(MoceanOptions(error_shape="both")))
    started.start()
    yield started
    started.stop()


async def call(gateway: DialectListener, name: str, **parameters: str) -> dict[str, Any]:
    """One call by the SDK."""
    node = shutil.which("node")
    if node is None:
        missing("node", "run apt-get install nodejs npm")
    if not (_SCRIPT.parent / "node_modules" / "mocean-sdk").is_dir():
        missing("node's mocean-sdk package", "run npm ci in tests/interop/node")
    given = json.dumps({f"mocean-{key.replace('_', '-')}": value for key, value in parameters.items()})
    process = await asyncio.create_subprocess_exec(
        node, str(_SCRIPT), gateway.url, name, given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await asyncio.wait_for(process.communicate(), TIMEOUT)
    return dict(json.loads(said))


async def test_message_is_sent_and_its_status_told(gateway: DialectListener) -> None:
    sent = await call(gateway, "sms", **{"from": "ME", "to": "60123456789", "text": "Hi"})
    assert sent == {"answer": {"messages": [{"status": 0, "receiver": "60123456789", "msgid": "m1"}]}}
    gateway.world.behind.lookup.set_state("m1", State.DELIVERED)
    assert (await call(gateway, "status", msgid="m1"))["answer"]["message_status"] == 1


async def test_refusal_raises(gateway: DialectListener) -> None:
    said = await call(gateway, "sms", **{"from": "ME", "to": "nobody", "text": "Hi"})
    assert said["answer"]["status"] == 28 and "error" in said


async def test_balance_and_prices_are_told(gateway: DialectListener) -> None:
    assert (await call(gateway, "balance"))["answer"] == {"status": 0, "value": 100}
    assert (await call(gateway, "pricing"))["answer"]["status"] == 3


async def test_code_is_requested_resent_and_checked(gateway: DialectListener) -> None:
    requested = await call(gateway, "request", to="60123456789", brand="Shop")
    assert requested["answer"]["reqid"] == "v1"
    assert (await call(gateway, "resend", reqid="v1"))["answer"]["resend_number"] == "1"
    assert (await call(gateway, "check", reqid="v1", code="0000"))["answer"]["status"] == 16
    assert (await call(gateway, "check", reqid="v1", code=CODE))["answer"] == {"reqid": "v1", "status": 0}


async def test_number_is_looked_up(gateway: DialectListener) -> None:
    gateway.world.numbers.networks["60123456789"] = NetworkInfo(id="n1", number="60123456789", is_ported=False)
    assert (await call(gateway, "lookup", to="60123456789"))["answer"]["ported"] == "not_ported"
