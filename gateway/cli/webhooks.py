"""``gateway webhooks``: callbacks that are owed, or were given up."""

import click

from gateway.cli.remote import USAGE, Remote, fail, remote_command
from gateway.cli.tables import show


@click.group()
def webhooks() -> None:
    """Callbacks that are owed, or were given up."""


@webhooks.command("list")
@click.option("--failed/--due", default=None, help="Only those that were given up, or only those still tried.")
@click.option("--account", help="Only those owed to this account.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many, oldest first.")
@remote_command
def list_webhooks(remote: Remote, as_json: bool, failed: bool | None, account: str | None, limit: int) -> None:
    """Show callbacks."""
    answer = remote.get("/webhooks", failed=failed, account=account, limit=limit)
    columns = ["created_at", "id", "account", "host", "message_id", "failed", "tries", "due_at", "last_error"]
    show(answer, as_json, answer["webhooks"], columns)


@webhooks.command("replay")
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--all", "everything", is_flag=True, help="All that were given up.")
@click.option("--account", default="", help="With --all: only those owed to this account.")
@remote_command
def replay(remote: Remote, as_json: bool, ids: tuple[str, ...], everything: bool, account: str) -> None:
    """Try callbacks again that were given up: those named, or all."""
    if bool(ids) == everything:
        fail("name callbacks, or give --all", USAGE)
    answer = remote.post("/webhooks/replay", {"ids": list(ids), "all": everything, "account": account})
    if as_json:
        show(answer, True, (), ())
    else:
        click.echo(f"{answer['count']} callbacks are due again")
