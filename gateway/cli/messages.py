"""``gateway messages``, ``gateway message show``, ``gateway queue``: what was sent, and what waits."""

from typing import Any

import click

from gateway.cli.remote import USAGE, Remote, fail, part, remote_command
from gateway.cli.tables import fields, show, table
from gateway.models import State

_STATES = click.Choice([state.value for state in State])
_SHOWN = [
    "id", "state", "from", "to", "text", "data", "client_reference", "dialect", "uplink", "error", "in_doubt",
    "created_at", "updated_at", "scheduled_at", "part_count",
]  # fmt: skip


@click.command()
@click.option("--state", type=_STATES, help="Only those in this state.")
@click.option("--to", help="Only those to this number.")
@click.option("--from", "sender", help="Only those of this sender.")
@click.option("--account", help="Only those of this account.")
@click.option("--client-reference", help="Only those with this reference.")
@click.option("--group", help="Only those of this group.")
@click.option("--since", help="Only those accepted at this time (RFC 3339) or later.")
@click.option("--until", help="Only those accepted before this time.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many, newest first.")
@click.option("--cursor", help="What the page before named as its next.")
@remote_command
def messages(remote: Remote, as_json: bool, sender: str | None, **query: Any) -> None:
    """Find messages, newest first."""
    answer = remote.get("/messages", from_=sender, **query)
    columns = ["created_at", "id", "state", "from", "to", "text", "uplink", "part_count=PARTS", "error"]
    show(answer, as_json, answer["messages"], columns)
    if answer["next_cursor"] and not as_json:
        click.echo(f"more: --cursor {answer['next_cursor']}", err=True)


@click.group()
def message() -> None:
    """One message."""


@message.command("show")
@click.argument("message_id", metavar="ID")
@remote_command
def show_message(remote: Remote, as_json: bool, message_id: str) -> None:
    """Show a message with its parts and its timeline."""
    found = remote.get(f"/messages/{part(message_id)}")
    if as_json:
        show(found, True, (), ())
        return
    click.echo(fields(found, _SHOWN))
    if found["parts"]:
        click.echo()
        columns = ["number=PART", "state", "attempt", "uplink", "bind", "smsc_message_id", "error"]
        click.echo(table(found["parts"], columns))
    click.echo()
    click.echo(table(found["timeline"], ["at", "state", "part", "attempt", "node", "bind", "detail"]))


@click.group()
def queue() -> None:
    """What waits to be sent, and what has failed."""


@queue.command("show")
@remote_command
def show_queue(remote: Remote, as_json: bool) -> None:
    """Show what waits, by uplink and account."""
    answer = remote.get("/queue")
    show(answer, as_json, answer["waiting"], ["uplink", "account", "messages", "in_memory"])


def _filtered(command: Any) -> Any:
    options = (
        click.option("--id", "ids", multiple=True, help="This message; repeatable."),
        click.option("--account", help="Those of this account."),
        click.option("--uplink", help="Those that wait for this uplink, or went over it."),
        click.option("--to", help="Those to this number."),
        click.option("--from", "sender", help="Those of this sender."),
        click.option("--client-reference", help="Those with this reference."),
        click.option("--group", help="Those of this group."),
        click.option("--since", help="Those accepted at this time (RFC 3339) or later."),
        click.option("--until", help="Those accepted before this time."),
        click.option("--limit", type=click.IntRange(1, 100_000), default=10_000, show_default=True, help="The most."),
    )
    # The last to be put on is the first to be shown.
    for option in reversed(options):
        command = option(command)
    return command


@queue.command("reroute")
@click.option("--over", "uplink_to", required=True, help="The uplink they shall take.")
@_filtered
@remote_command
def reroute(remote: Remote, as_json: bool, uplink_to: str, limit: int, **which: Any) -> None:
    """Have what waits go over another uplink, whatever the routes say."""
    body = {"uplink": uplink_to, "which": _which(which), "limit": limit}
    _done(remote.post("/queue/reroute", body), as_json, "rerouted")


@queue.command("purge")
@_filtered
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote_command
def purge(remote: Remote, as_json: bool, yes: bool, limit: int, **which: Any) -> None:
    """Withdraw what waits; its senders are told."""
    meant = _which(which)
    if not yes:
        click.confirm(f"Withdraw up to {limit} messages that wait?", abort=True, err=True)
    _done(remote.post("/queue/purge", {"which": meant, "limit": limit}), as_json, "withdrawn")


@queue.command("requeue")
@click.option("--state", "states", multiple=True, type=_STATES, help="The end they came to; repeatable. [failed]")
@_filtered
@remote_command
def requeue(remote: Remote, as_json: bool, states: tuple[str, ...], limit: int, **which: Any) -> None:
    """Send what has failed again, as new messages with new ids."""
    body: dict[str, Any] = {"which": _which(which), "limit": limit}
    if states:
        body["states"] = list(states)
    _done(remote.post("/queue/requeue", body), as_json, "sent again")


def _which(given: dict[str, Any]) -> dict[str, Any]:
    which = {name: value for name, value in given.items() if value and name != "sender"}
    if given.get("sender"):
        which["from"] = given["sender"]
    if "ids" in which:
        which["ids"] = list(which["ids"])
    if not which:
        fail("say which messages: --account, --uplink, --to, --from, --group, --since, --id …", USAGE)
    return which


def _done(answer: dict[str, Any], as_json: bool, what: str) -> None:
    if as_json:
        show(answer, True, (), ())
        return
    click.echo(f"{answer['done']} messages were {what}")
    if answer["passed_over"]:
        click.echo(f"{answer['passed_over']} were not:", err=True)
        for reason in answer["reasons"]:
            click.echo(f"  {reason}", err=True)
