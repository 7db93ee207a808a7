"""An app that can change nothing but its host finds its provider's API at the root of a name, or of a port."""

from base64 import b64encode
from typing import Any, Final

import aiohttp
import pytest

from gateway import config as settings
from gateway.config import ConfigError
from tests.gateway.web.running import CONFIG, Running, running

DOORS: Final = """
[http.dialect.mocean]
hosts = ["rest.mocean.example", "mocean.example"]
listen = "127.0.0.1:0"
[http.dialect.mobtexting]
hosts = ["portal.mobtexting.example"]
[http.dialect.lanck]
hosts = ["api.lanck.example"]
[http.dialect.checkmobi]
listen = "127.0.0.1:0"
"""
APPS: Final = """
[account.app]
default_sender = "SHOP"
mocean = { key = "mkey", secret = "msecret" }
mobtexting = { token = "token" }
lanck = { user = "user", password = "password" }
checkmobi = { key = "key" }
"""
SMS: Final = {
    "mocean-api-key": "mkey",
    "mocean-api-secret": "msecret",
    "mocean-resp-format": "json",
    "mocean-from": "ME",
    "mocean-to": "447700900123",
    "mocean-text": "Hi",
}


async def ask(host: str, address: str, path: str, **options: Any) -> tuple[int, Any]:
    """POST to an address in the name of a host."""
    headers = {"Host": host, **options.pop("headers", {})}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://{address}{path}", headers=headers, **options) as answer,
    ):
        return answer.status, await answer.json()


def public(path: Running) -> str:
    return path.gateway.addresses[0]


async def test_a_name_is_one_dialects_from_the_root_on() -> None:
    async with running(CONFIG + DOORS + APPS) as path:
        status, answer = await ask("rest.mocean.example", public(path), "/rest/2/sms", data=SMS)
        assert (status, answer["messages"][0]["status"]) == (202, 0)
        # Ports and capitals are no part of a name, and neither is the last dot.
        status, answer = await ask("MOCEAN.example.:8080", public(path), "/rest/2/sms", data=SMS)
        assert (status, answer["messages"][0]["status"]) == (202, 0)
        headers = {"Authorization": "Bearer token"}
        body = {"to": "447700900123", "sender": "ME", "message": "Hi", "service": "T"}
        status, answer = await ask(
            "portal.mobtexting.example", public(path), "/api/v2/sms/send", json=body, headers=headers
        )
        assert (status, answer["data"][0]["status"]) == (200, "AWAITING-DLR")
        headers = {"Authorization": "Basic " + b64encode(b"user:password").decode()}
        form = {"number": "+447700900123", "from": "ME", "text": "Hi"}
        status, answer = await ask("api.lanck.example", public(path), "/v1/sms", data=form, headers=headers)
        assert status == 200 and answer["requestId"]


async def test_other_names_find_everything_where_it_was() -> None:
    async with running(CONFIG + DOORS + APPS) as path:
        assert await path.send(**{"from": "ME"})
        status, answer = await ask("127.0.0.1", public(path), "/mocean/rest/2/sms", data=SMS)
        assert (status, answer["messages"][0]["status"]) == (202, 0)
        status, answer = await ask("elsewhere.example", public(path), "/rest/2/sms", data=SMS)
        assert (status, answer["error"]["code"]) == (404, "not_found")


async def test_a_name_of_a_dialect_shows_nothing_else() -> None:
    async with running(CONFIG + DOORS + APPS) as path:
        status, answer = await ask(
            "rest.mocean.example",
            public(path),
            "/api/v1/messages?mocean-resp-format=json",
            data={"to": "447700900123", "text": "Hi"},
            headers={"X-API-Key": "shop-key"},
        )
        assert status >= 400 and "err_msg" in str(answer)


async def test_a_port_is_one_dialects_whatever_the_name() -> None:
    async with running(CONFIG + DOORS + APPS) as path:
        own = path.gateway.dialect_addresses
        assert set(own) == {"mocean", "checkmobi"}
        status, answer = await ask("anything.example", own["mocean"], "/rest/2/sms", data=SMS)
        assert (status, answer["messages"][0]["status"]) == (202, 0)
        message = {"to": "+447400123456", "text": "Hi"}
        headers = {"Authorization": "key"}
        status, answer = await ask("x", own["checkmobi"], "/v1/sms/send", json=message, headers=headers)
        assert (status, set(answer)) == (200, {"id", "number_info"})
        status, answer = await ask("x", own["checkmobi"], "/api/v1/messages", json=message, headers=headers)
        assert status in (403, 404) and "code" in answer


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[http.dialect.mocean]\nhosts = ["Rest.Example"]', "http.dialect.mocean.hosts[0]"),
        ('[http.dialect.mocean]\nhosts = ["rest.example:80"]', "http.dialect.mocean.hosts[0]"),
        ('[http.dialect.mocean]\nlisten = "8090"', "http.dialect.mocean.listen"),
        ('[http.dialect.mocean]\nlisten = "127.0.0.1:8081"', "http.dialect.mocean.listen"),
        ('[http.dialect.other]\nlisten = "127.0.0.1:8090"', "http.dialect.other"),
        (
            '[http.dialect.mocean]\nhosts = ["a.example"]\n[http.dialect.lanck]\nhosts = ["a.example"]',
            "http.dialect.lanck.hosts",
        ),
        (
            '[http]\npublic_url = "https://a.example"\n[http.dialect.lanck]\nhosts = ["a.example"]',
            "http.dialect.lanck.hosts",
        ),
    ],
)
def test_what_cannot_be_a_door_is_named(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings.parse(text)
    assert raised.value.key == key
