"""Ways out and ways there: uplinks, binds, servers, routes, nodes; and reading the config again."""

from typing import Any

import click

from gateway.cli.remote import USAGE, Remote, fail, part, remote_command
from gateway.cli.tables import show, table

_UPLINK = [
    "name",
    "state",
    "is_available=AVAILABLE",
    "health",
    "binds_up=UP",
    "binds",
    "group",
    "servers",
    "drained",
    "paused",
    "remark",
]


@click.command()
@remote_command
def uplinks(remote: Remote, as_json: bool) -> None:
    """Show the uplinks."""
    answer = remote.get("/uplinks")
    show(answer, as_json, answer["uplinks"], _UPLINK)


@click.command()
@click.option("--uplink", help="Only those of this uplink.")
@remote_command
def binds(remote: Remote, as_json: bool, uplink: str | None) -> None:
    """Show every bind: state, window, rate, counters, last error."""
    answer = remote.get("/binds", uplink=uplink)
    columns = [
        "uplink", "bind", "state", "mode", "tls", "in_flight", "window", "rate", "submitted", "refused", "throttled",
        "in_doubt", "delivered", "reconnects", "is_suspended=PAUSED", "last_error",
    ]  # fmt: skip
    show(answer, as_json, answer["binds"], columns)


@click.command()
@click.argument("uplink")
@click.option("--server", help="Only this server of it: host:port.")
@click.option("--bind", help="Only this bind of it: host:port#n.")
@remote_command
def pause(remote: Remote, as_json: bool, uplink: str, server: str | None, bind: str | None) -> None:
    """Send nothing over an uplink, or one server or bind of it; binds stay, and receipts are taken."""
    _show_one(remote.post(_path(uplink, server, bind) + "/pause"), as_json)


@click.command()
@click.argument("uplink")
@click.option("--server", help="Only this server of it: host:port.")
@click.option("--bind", help="Only this bind of it: host:port#n.")
@remote_command
def drain(remote: Remote, as_json: bool, uplink: str, server: str | None, bind: str | None) -> None:
    """Send nothing over an uplink, or one server or bind of it, and unbind once what is in flight is answered."""
    _show_one(remote.post(_path(uplink, server, bind) + "/drain"), as_json)


@click.command()
@click.argument("uplink")
@click.option("--server", help="Only this server of it: host:port.")
@click.option("--bind", help="Only this bind of it: host:port#n.")
@remote_command
def resume(remote: Remote, as_json: bool, uplink: str, server: str | None, bind: str | None) -> None:
    """Send over an uplink, or one server or bind of it, again."""
    _show_one(remote.post(_path(uplink, server, bind) + "/resume"), as_json)


@click.command()
@click.option("--to", required=True, help="The recipient.")
@click.option("--from", "sender", default="", help="The sender.")
@click.option("--account", default="", help="Who would send it.")
@click.option("--text", default="Hello", show_default=True, help="What it would say: rules may look at its coding.")
@remote_command
def route(remote: Remote, as_json: bool, to: str, sender: str, account: str, text: str) -> None:
    """Say which route takes a message, and why; nothing is sent."""
    found = remote.get("/routes/explain", to=to, from_=sender, account=account, text=text)
    if as_json:
        show(found, True, (), ())
        return
    network = f" (network {found['network']})" if found.get("network") else ""
    if found["rule"]:
        click.echo(f"{found['recipient']}{network}: {found['rule']} decides")
        rows = [{**one, "place": place} for place, one in enumerate(found["uplinks"], 1)]
        click.echo(table(rows, ["place=", "name=UPLINK", "is_available=AVAILABLE", "note", "health"]))
    else:
        click.echo(f"{found['recipient']}{network}: no rule takes it")
    click.echo()
    click.echo(table(found["rules"], ["name=RULE", "fits", "reason"]))


@click.command()
@remote_command
def nodes(remote: Remote, as_json: bool) -> None:
    """Show the nodes that share the store."""
    answer = remote.get("/nodes")
    show(
        answer,
        as_json,
        answer["nodes"],
        ["name", "is_alive=ALIVE", "started_at", "seen_at", "http", "admin", "version"],
    )


@click.command()
@remote_command
def reload(remote: Remote, as_json: bool) -> None:
    """Have the config read again; binds of uplinks that did not change stay up."""
    answer = remote.post("/reload")
    if as_json:
        show(answer, True, (), ())
        return
    click.echo("in force: " + (", ".join(answer["changed"]) or "nothing has changed"))
    if answer["restart_needed"]:
        click.echo("after a restart only: " + ", ".join(answer["restart_needed"]))
    for problem in answer["left_out"]:
        click.echo(f"left out: {problem}", err=True)


def _path(uplink: str, server: str | None, bind: str | None) -> str:
    if server and bind:
        fail("either --server or --bind", USAGE)
    of_it = f"/servers/{part(server)}" if server else f"/binds/{part(bind)}" if bind else ""
    return f"/uplinks/{part(uplink)}{of_it}"


def _show_one(answer: dict[str, Any], as_json: bool) -> None:
    show(answer, as_json, [answer], _UPLINK)
