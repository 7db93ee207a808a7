"""The command line as an operator uses it: what it prints, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.remote import listening_url
from gateway.cli.tables import fields, table
from gateway.store.migrations import migrations
from tests.gateway.web.running import CONFIG, Running, running


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The gateway's log shares the command's process here, and must not share its output."""

    def drop(*_: object) -> structlog.typing.ProcessorReturnValue:
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[drop])
    yield
    structlog.configure(**before)


@pytest.fixture
async def here() -> AsyncIterator[Running]:
    async with running() as one:
        yield one


async def call(here: Running | None, *arguments: str, key: str = "ops-key", **environment: str) -> Result:
    """Run a command beside the gateway it asks."""
    if here is not None:
        environment |= {"GATEWAY_URL": f"http://{here.gateway.addresses[1]}", "GATEWAY_KEY": key}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


async def test_uplinks_are_a_table_for_people_and_json_for_programs(here: Running) -> None:
    shown = await call(here, "uplinks")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0].split()[:5] == ["NAME", "STATE", "AVAILABLE", "HEALTH", "UP"]
    told = await call(here, "uplinks", "--json")
    assert [one["name"] for one in json.loads(told.stdout)["uplinks"]] == ["main", "spare"]


async def test_an_uplink_is_steered(here: Running) -> None:
    for verb, state in (("pause", "paused"), ("drain", "drained"), ("resume", "running")):
        told = await call(here, verb, "main", "--json")
        assert json.loads(told.stdout)["state"] == state
    told = await call(here, "drain", "spare", "--server", "localhost:1", "--json")
    assert json.loads(told.stdout)["drained"] == ["localhost:1"]
    shown = await call(here, "binds", "--uplink", "spare")
    assert "drained" in shown.stdout
    told = await call(here, "pause", "spare", "--bind", "localhost:1#0", "--json")
    assert json.loads(told.stdout)["paused"] == ["localhost:1#0"]
    told = await call(here, "pause", "spare", "--server", "x", "--bind", "y")
    assert (told.exit_code, "either --server or --bind" in told.stderr) == (2, True)


async def test_messages_are_found_and_shown_with_their_timeline(here: Running) -> None:
    one = await here.send(text="an unlikely text", client_reference="r7")
    shown = await call(here, "messages", "--client-reference", "r7", "--account", "shop")
    assert one in shown.stdout
    assert "an unlikely text" in shown.stdout
    shown = await call(here, "message", "show", one)
    assert "client reference  r7" in shown.stdout
    assert "accepted" in shown.stdout
    told = await call(here, "message", "show", one, "--json")
    assert json.loads(told.stdout)["id"] == one


async def test_pages_are_said_to_go_on(here: Running) -> None:
    for _ in range(3):
        await here.send()
    shown = await call(here, "messages", "--limit", "2")
    assert len(shown.stdout.splitlines()) == 3
    cursor = shown.stderr.split()[-1]
    shown = await call(here, "messages", "--limit", "2", "--cursor", cursor)
    assert len(shown.stdout.splitlines()) == 2
    assert shown.stderr == ""


async def test_an_account_is_added_with_a_key_that_opens(here: Running) -> None:
    told = await call(
        here, "account", "add", "acme", "--sender", "ACME", "--set", "callback_url=https://a.example/x", "--json"
    )
    assert told.exit_code == 0, told.output
    made = json.loads(told.stdout)
    status, body = await here.ask("GET", "/accounts/me", key=made["key"]["key"])
    assert (status, body["name"]) == (200, "acme")
    shown = await call(here, "account", "list")
    assert any(line.split()[:2] == ["acme", "store"] for line in shown.stdout.splitlines())
    told = await call(here, "account", "key", "rotate", "acme", made["key"]["id"], "--overlap", "0", "--json")
    new = json.loads(told.stdout)
    assert (await here.ask("GET", "/accounts/me", key=made["key"]["key"]))[0] == 401
    shown = await call(here, "account", "key", "revoke", "acme", new["id"])
    assert shown.stdout == f"key {new['id']} of acme was revoked\n"
    shown = await call(here, "account", "remove", "acme")
    assert shown.stdout == "account acme was removed\n"


async def test_money_is_added_and_taken(here: Running) -> None:
    shown = await call(here, "account", "credit", "shop", "12.50")
    assert shown.stdout.startswith("account shop has 12.5")
    shown = await call(here, "account", "credit", "shop", "--", "-2.5")
    assert shown.stdout.startswith("account shop has 10")


async def test_what_waits_is_withdrawn_only_when_asked_twice(here: Running) -> None:
    await here.send()
    shown = await call(here, "queue", "purge", "--account", "shop")
    assert shown.exit_code == 1
    shown = await call(here, "queue", "purge", "--account", "shop", "--yes")
    assert shown.stdout == "1 messages were withdrawn\n"
    shown = await call(here, "queue", "requeue", "--account", "shop", "--state", "deleted")
    assert shown.stdout == "1 messages were sent again\n"
    shown = await call(here, "queue", "reroute", "--account", "shop", "--over", "spare")
    assert shown.stdout == "1 messages were rerouted\n"
    shown = await call(here, "queue", "show")
    assert shown.stdout.splitlines()[1].split()[:3] == ["spare", "shop", "1"]


async def test_callbacks_are_listed_and_replayed(here: Running) -> None:
    assert (await call(here, "webhooks", "list", "--failed")).stdout == "nothing\n"
    assert (await call(here, "webhooks", "replay", "--all")).stdout == "0 callbacks are due again\n"
    shown = await call(here, "webhooks", "replay")
    assert (shown.exit_code, shown.stderr) == (2, "gateway: name callbacks, or give --all\n")


async def test_a_route_is_explained(here: Running) -> None:
    shown = await call(here, "route", "--to", "919876543210", "--from", "X", "--account", "shop")
    assert shown.stdout.startswith("919876543210: east decides\n")
    shown = await call(here, "route", "--to", "12025550123")
    assert "no rule takes it" in shown.stdout


async def test_a_reload_says_what_is_in_force(here: Running) -> None:
    assert (await call(here, "reload")).stdout == "in force: nothing has changed\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("pause", "none"), "there is no uplink none; there are: main, spare"),
        (("message", "show", "nothing"), "there is no such message"),
        (("account", "add", "shop"), "there is an account shop already"),
        (("account", "key", "list", "none"), "there is no account none"),
        (("messages", "--since", "yesterday"), "expected a time"),
    ],
)
async def test_what_is_refused_ends_with_one(here: Running, arguments: tuple[str, ...], word: str) -> None:
    shown = await call(here, *arguments)
    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert shown.stderr.startswith("gateway: ")
    assert word in shown.stderr


async def test_a_wrong_key_ends_with_one(here: Running) -> None:
    shown = await call(here, "uplinks", key="wrong")
    assert (shown.exit_code, "API key" in shown.stderr, "wrong" in shown.stderr) == (1, True, False)


async def test_a_gateway_that_is_not_there_ends_with_three() -> None:
    shown = await call(None, "uplinks", GATEWAY_URL="http://127.0.0.1:1", GATEWAY_KEY="x")
    assert shown.exit_code == 3
    assert "http://127.0.0.1:1 cannot be reached" in shown.stderr


@pytest.mark.parametrize("url", ["ftp://x", "http://", "gopher"])
async def test_what_is_no_address_ends_with_two(url: str) -> None:
    shown = await call(None, "uplinks", GATEWAY_URL=url, GATEWAY_KEY="x")
    assert shown.exit_code in (2, 3)


async def test_url_and_key_come_from_the_config(here: Running, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        CONFIG.replace('[admin]\nlisten = "127.0.0.1:0"', f'[admin]\nlisten = "{here.gateway.addresses[1]}"')
    )
    shown = await call(None, "uplinks", "--config", str(file))
    assert (shown.exit_code, "main" in shown.stdout) == (0, True)
    (tmp_path / "key").write_text("ops-key\n")
    shown = await call(
        None, "uplinks", "--key-file", str(tmp_path / "key"), GATEWAY_URL=f"http://{here.gateway.addresses[1]}"
    )
    assert shown.exit_code == 0


async def test_without_an_operator_in_the_config_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG[: CONFIG.index("[account.ops]")])
    shown = await call(None, "uplinks", "--config", str(file))
    assert shown.exit_code == 2
    assert 'roles = ["admin"]' in shown.stderr


async def test_migrations_are_applied_and_reported(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'[store]\nurl = "sqlite:{tmp_path.as_posix()}/data/gateway.db"\n')
    known = migrations("sqlite")
    shown = await call(None, "migrate", str(file))
    lines = shown.stdout.splitlines()
    assert lines[:-1] == [f"applied {one.number:04} {one.name}" for one in known]
    assert lines[-1] == f"the store is at {known[-1].number:04} {known[-1].name}"
    told = await call(None, "migrate", str(file), "--json")
    assert json.loads(told.stdout) == {"applied": [], "version": known[-1].number}


async def test_a_config_that_cannot_be_ends_with_two(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[http]\nport = 1\n")
    for command in ("check", "migrate", "serve"):
        shown = await call(None, command, str(file))
        assert shown.exit_code == 2
        assert "http.port" in shown.stderr


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("0.0.0.0:8081", "http://127.0.0.1:8081"),
        ("[::]:8081", "http://[::1]:8081"),
    ],
)
def test_a_listener_is_reached_where_it_listens(listen: str, url: str) -> None:
    assert listening_url(listen) == url


def test_what_comes_from_outside_does_not_steer_the_terminal() -> None:
    shown = table([{"text": "a\x1b[31mred\nb", "n": 1}], ["text", "n"])
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
    assert fields({"text": "\x1b[2J", "empty": ""}, ["text", "empty"]) == "text   [2J"


async def test_secrets_are_counted_and_sealed_anew(here: Running) -> None:
    await call(here, "account", "key", "add", "shop")
    shown = await call(here, "secrets", "status")
    assert shown.exit_code == 0
    assert "everything is made with the present key" in shown.stdout
    told = json.loads((await call(here, "secrets", "status", "--json")).stdout)
    assert [(line["kind"], line["state"], line["count"]) for line in told["lines"]] == [("api_key", "present", 1)]
    done = await call(here, "secrets", "reseal")
    assert done.stdout == "made anew: documents 0, keys of accounts 0\n"
    told = json.loads((await call(here, "secrets", "reseal", "--json")).stdout)
    assert told == {"documents": 0, "api_keys": 0, "left": 0}


async def test_secrets_are_the_operators(here: Running) -> None:
    refused = await call(here, "secrets", "reseal", key="shop-key")
    assert refused.exit_code == 1
