"""Everything secret that a gateway is told, then a look into its database and its log; and another key under way.

The look is at the octets: the file of SQLite with its write-ahead log; of PostgreSQL every row of every table, and the
write-ahead log of the server.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from gateway import steering
from gateway.models import Callback
from gateway.providers.base import WebRequest
from tests.gateway.providers.sim import running
from tests.gateway.providers.sim_mobtexting import TOKEN, SimMobtexting
from tests.gateway.rest_path import RestPath, config_text, started
from tests.gateway.services.kept_octets import KeptOctets
from tests.ports import free_port
from tests.postgres import Cluster
from tests.whole_path import PATIENCE_SECONDS, Receiver

NUMBER: Final = "447400123456"
CONTROL: Final = "mark-of-control"
"""Kept in clear: a look that does not find it looks at nothing."""
WEBHOOK_SECRET, CHALLENGE = "mark-webhook-secret", "mark-challenge-token"
COMPOSED: Final = {name: f"mark-composed-{name}" for name in ("uri", "params", "headers", "body")}
"""What an app puts into a webhook of its own making."""
MARKS: Final = {
    name: f"mark-{name}-7d1f"
    for name in (
        "api-key",
        "mocean",
        "mocean-token",
        "mobtexting",
        "lanck",
        "checkmobi",
        "signature",
        "signing",
        "node",
    )
}
ACCOUNT: Final = f"""
[account.shop.lanck]
user = "user"
password = "{MARKS["lanck"]}"
[account.shop.mobtexting]
token = "{MARKS["mobtexting"]}"
queries_per_minute = 0
[account.shop.checkmobi]
key = "{MARKS["checkmobi"]}"
signature_key = "{MARKS["signature"]}"
[account.other]
api_keys = ["{MARKS["api-key"]}"]
signing_secret = "{MARKS["signing"]}"
mocean = {{ key = "other", secret = "{MARKS["mocean"]}", token = "{MARKS["mocean-token"]}" }}
"""
NODE: Final = '[node]\nname = "{name}"\nsecret_key = "{key}"\nshutdown_seconds = 2\nother_secret_keys = [{others}]\n'


class App(Receiver):
    """The app's own server: it answers challenges, and takes callbacks once it is willing."""

    is_willing = False

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if b"challenge" in body:
            return web.json_response({"challenge": (await request.json())["challenge"]})
        self.status = 200 if self.is_willing else 500
        return await super().handle(request)


@asynccontextmanager
async def the_app() -> AsyncIterator[App]:
    app, server = App(), web.Application()
    server.router.add_route("*", "/{path:.*}", app.handle)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.port = runner.addresses[0][1]
    try:
        yield app
    finally:
        await runner.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path.as_posix()}/gateway.db"
    cluster: Cluster = request.getfixturevalue("postgres")
    return await cluster.new_url()


def text_of(kind: str, provider: str, folder: Path, url: str, callbacks: str, name: str, *keys: str) -> str:
    text = config_text(kind, provider, folder, port=free_port(), callbacks=callbacks, more=ACCOUNT)
    node = NODE.format(name=name, key=keys[0], others=", ".join(f'"{key}"' for key in keys[1:]))
    return node + text.replace(f"sqlite:{folder.as_posix()}/gateway.db", url).replace(
        "[webhooks]", "[webhooks]\nretry_seconds = [0.1]\ncircuit_failures = 1000"
    )


async def asked(path: RestPath, method: str, url: str, **arguments: Any) -> Any:
    headers = {"Authorization": f"Bearer {MARKS['mobtexting']}"}
    async with path.http.request(method, f"/mobtexting/api/{url}", headers=headers, **arguments) as answer:
        assert answer.status in (200, 201), await answer.text()
        return await answer.json()


async def owed_to(path: RestPath, where: str) -> Callback:
    """What is owed to an address of the app's, once it is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for callback in await path.gateway.store.callbacks(limit=1_000):
                if where in callback.url:
                    return callback
            await asyncio.sleep(0.01)


async def told_everything(path: RestPath, app: App) -> dict[str, str]:
    """Everything secret that an app or an operator tells a gateway, or has from it; all of it, by name."""
    told = {**MARKS, "webhook": WEBHOOK_SECRET, "challenge": CHALLENGE, "uplink": TOKEN}
    made, told["stored key"] = await path.gateway._operator.keys.add("shop", ["send"])
    _, told["stored key, rotated"] = await path.gateway._operator.keys.rotate("shop", made.id, 60)
    fields = {"name": "reports", "uri": f"{app.url}/reports", "secret": WEBHOOK_SECRET, "token": CHALLENGE}
    hook = (await asked(path, "POST", "v2/developer/webhooks", json=fields))["data"]["id"]
    event = {"event": "sms:message:status", "identity": "all", "webhook_id": hook}
    await asked(path, "POST", "v2/developer/subscriptions", json=event)
    told["token of a session"] = (await asked(path, "GET", "v3/auth/token/generate"))["access_token"]
    sms = {"to": NUMBER, "service": "T", "sender": "INFO", "message": "Hi", "custom": CONTROL, "webhook_id": hook}
    await asked(path, "POST", "v2/sms/send", json=sms)
    put: dict[str, Any] = {
        "name": "composed",
        "uri": f"{app.url}/composed/{{{{id}}}}?token={COMPOSED['uri']}",
        "method": "POST",
        "params": {"key": COMPOSED["params"]},
        "headers": {"X-Api-Key": COMPOSED["headers"]},
        "body": "{{status}} " + COMPOSED["body"],
    }
    own = (await asked(path, "POST", "v2/developer/webhooks", json=put))["data"]["id"]
    await asked(path, "POST", "v2/sms/send", json={**sms, "webhook_id": own})
    told |= {f"composed {name}": secret for name, secret in COMPOSED.items()}
    await asked(path, "POST", "v2/sms/suppressions/optout/link", json={})
    (link,), _ = await path.gateway._service_desk.directory.list("*", "optout_link")
    told["what signs a link"] = str(link.fields["secret"])
    channel = {"name": "whatsapp", "from": "9180", "meta": {"webhook_id": hook}}
    await asked(path, "POST", "v2/whatsapp/message/send", json={"channels": [channel], "recipient": {"to": "91"}})
    report = b'{"event": "whatsapp:message:status", "payload": {"id": "wa-1", "status": "read"}}'
    event_in = WebRequest(
        method="POST",
        path="/",
        content_type="application/json",
        body=report,
        headers={"Content-Type": "application/json"},
    )
    assert await path.gateway._pass_through.relay_by_reference("way", "wa-1", event_in)
    return told


async def test_no_secret_is_in_the_database_or_the_log(
    store_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    caplog.set_level(logging.DEBUG)
    cluster = None if store_url.startswith("sqlite") else request.getfixturevalue("postgres")
    database = await KeptOctets.from_now(store_url, tmp_path, cluster)
    provider = SimMobtexting()
    async with running(provider), the_app() as app:
        text = text_of("mobtexting", provider.url, tmp_path, store_url, app.url, "one", MARKS["node"])
        async with started(text, provider, app) as path:
            told = await told_everything(path, app)
            await owed_to(path, "/reports")
            await app.wait_until(lambda came: sum(one.path == "/reports" for one in came) >= 2)
            await app.wait_until(lambda came: any(one.path.startswith("/composed/") for one in came))
            (composed, *_) = (one for one in app.received if one.path.startswith("/composed/"))
            assert composed.headers["X-Api-Key"] == COMPOSED["headers"]
            assert composed.body.decode().endswith(COMPOSED["body"])
            assert {one.headers["Authorization"] for one in app.received if one.path == "/reports"} == {
                f"Bearer {WEBHOOK_SECRET}"
            }
    kept = await database.read()
    assert CONTROL.encode() in kept
    printed = capfd.readouterr()
    logged = f"{printed.out}{printed.err}{caplog.text}".encode()
    assert b"request" in logged
    for name, secret in told.items():
        for written in (secret.encode(), secret.encode().hex().encode()):
            assert written not in kept, f"{name} is in the database"
            assert written not in logged, f"{name} is in the log"


async def test_keys_are_replaced_while_two_nodes_go_on(
    postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "LOOK_SECONDS", 0.05)
    url = await postgres.new_url()
    provider = SimMobtexting()
    async with running(provider), the_app() as app, AsyncExitStack() as stack:

        async def node(name: str, *keys: str) -> tuple[RestPath, AsyncExitStack]:
            own = await stack.enter_async_context(AsyncExitStack())
            text = text_of("mobtexting", provider.url, tmp_path, url, app.url, name, *keys)
            return await own.enter_async_context(started(text, provider, app)), own

        # Two nodes with the old key; everything is told to one of them.
        north, end_north = await node("north", "old")
        south, end_south = await node("south", "old")
        told = await told_everything(north, app)
        key = told["stored key, rotated"]
        # Each learns the new key, then uses it, one after the other: both always read what the other writes.
        for keys in (("old", "new"), ("new", "old")):
            await end_north.aclose()
            north, end_north = await node("north", *keys)
            for path in (north, south):
                await check(path, key, told["token of a session"])
            await end_south.aclose()
            south, end_south = await node("south", *keys)
            for path in (north, south):
                await check(path, key, told["token of a session"])
        done = await south.gateway._operator.secrets.reseal()
        assert (done.left, done.api_keys) == (0, 2)
        assert done.documents >= 2
        assert (await north.gateway._operator.secrets.status()).is_done
        # The old one is forgotten; only what it has signed for a while goes with it.
        await end_north.aclose()
        await end_south.aclose()
        north, end_north = await node("north", "new")
        await check(north, key)
        app.received.clear()
        app.is_willing = True
        came = await app.wait_until(lambda came: sum(one.path == "/reports" for one in came) >= 2)
        reports = [one for one in came if one.path == "/reports"]
        assert {one.headers["Authorization"] for one in reports} == {f"Bearer {WEBHOOK_SECRET}"}


async def check(path: RestPath, key: str, session: str = "") -> None:
    """A stored key, an app's token and its webhook are known, if not at once: nodes look for keys now and then."""
    hooks = await asked(path, "GET", "v2/developer/webhooks")
    assert len(hooks["data"]) == 2
    async with asyncio.timeout(PATIENCE_SECONDS):
        # It may send only, so that it is told so once it is known.
        while await status_of(path, "/api/v1/messages", key) != 403:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    if session:
        assert await status_of(path, "/mobtexting/api/v2/auth/me", session) == 200


async def status_of(path: RestPath, url: str, key: str) -> int:
    async with path.http.get(url, headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status
