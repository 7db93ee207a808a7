"""Two whole gateways over one database: an app asks one for a code, and guesses at both at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.gateway.services.code_apps import APPS, EXPIRED, RIGHT, STOPPED, WRONG, App, wrong
from tests.gateway.services.test_codes_at_rest import Handset, Stage, smsc, stage
from tests.postgres import Cluster
from tests.whole_path import receiver


@pytest.fixture(params=list(APPS))
def app(request: pytest.FixtureRequest) -> App:
    return APPS[request.param]


@pytest.fixture
async def nodes(postgres: Cluster, tmp_path: Path) -> AsyncIterator[tuple[Stage, Stage]]:
    url = await postgres.new_url()
    async with AsyncExitStack() as stack:
        taker = await stack.enter_async_context(receiver())
        simulator = await stack.enter_async_context(smsc(Handset()))
        north, south = [
            await stack.enter_async_context(stage(simulator, taker, tmp_path, url, name=name))
            for name in ("north", "south")
        ]
        yield north, south


async def test_guesses_at_two_gateways_at_once_stay_within_the_attempts(nodes: tuple[Stage, Stage], app: App) -> None:
    identifier = await app.begin(nodes[0])
    code = await nodes[0].code(app)
    guesses = [app.check(nodes[n % 2], identifier, wrong(code, n + 1)) for n in range(2 * app.tries + 6)]
    said = await asyncio.gather(*guesses)
    assert set(said) <= {WRONG, STOPPED, EXPIRED}
    # Some dialects say of the last one that it was the last.
    assert app.tries - 1 <= said.count(WRONG) <= app.tries
    for node in nodes:
        assert await app.check(node, identifier, code) in (STOPPED, EXPIRED)


async def test_a_code_is_right_once_whichever_gateway_is_asked(nodes: tuple[Stage, Stage], app: App) -> None:
    identifier = await app.begin(nodes[1])
    code = await nodes[1].code(app)
    assert await app.check(nodes[0], identifier, wrong(code)) == WRONG
    assert await app.check(nodes[0], identifier, code) == RIGHT
