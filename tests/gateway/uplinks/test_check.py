"""Whether a provider lets us in, without sending anything."""

import msgspec
import pytest

from gateway.config import parse
from gateway.settings import Secret
from gateway.uplinks.check import check_uplink
from tests.gateway.providers.sim import running
from tests.gateway.rest_path import PROVIDERS
from tests.ports import free_port


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_provider_lets_us_in_or_says_why_not(kind: str) -> None:
    async with running(PROVIDERS[kind][0]()) as provider:
        text = f'[store]\nurl = "memory:"\n[uplink.way]\n{PROVIDERS[kind][1]}\nbase_url = "{provider.url}"'
        config = parse(text).uplink["way"]
        wrong = msgspec.structs.replace(
            config,
            key=Secret("wrong") if config.key else config.key,
            token=Secret("wrong") if config.token else config.token,
            user="wrong" if config.user else "",
        )

        assert await check_uplink(config, 5.0) == [(provider.url, "")]
        ((_, problem),) = await check_uplink(wrong, 5.0)

        assert problem
        assert not provider.messages
        assert "wrong" not in problem


async def test_a_provider_that_is_away_is_a_problem() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    config = parse(f'[store]\nurl = "memory:"\n[uplink.way]\n{PROVIDERS["lanck"][1]}\nbase_url = "{url}"').uplink["way"]

    ((server, problem),) = await check_uplink(config, 1.0)

    assert server == url
    assert problem.startswith("no connection")
