"""``gateway secrets``: with which key the store's secrets are sealed, and sealing them anew."""

import click

from gateway.cli.remote import Remote, remote_command
from gateway.cli.tables import show


@click.group()
def secrets() -> None:
    """What the store keeps sealed with node.secret_key.

    docs/secrets.md says how that is replaced while nodes go on.
    """


@secrets.command("status")
@remote_command
def status(remote: Remote, as_json: bool) -> None:
    """Say how much is sealed with which key.

    Keys are told apart by eight digits that say nothing of them.
    """
    answer = remote.get("/secrets")
    show(answer, as_json, answer["lines"], ["kind", "key", "state", "count"])
    if not as_json:
        known = ", ".join(answer["other_keys"]) or "none"
        click.echo(f"present key {answer['present_key']}; other keys that are known: {known}")
        click.echo("everything is made with the present key" if answer["is_done"] else "run: gateway secrets reseal")


@secrets.command("reseal")
@remote_command
def reseal(remote: Remote, as_json: bool) -> None:
    """Seal anew what another key has sealed.

    And what an earlier version left in clear. It may be repeated, and interrupted.
    """
    answer = remote.post("/secrets/reseal")
    if as_json:
        show(answer, True, (), ())
        return
    click.echo(f"made anew: documents {answer['documents']}, keys of accounts {answer['api_keys']}")
    if answer["left"]:
        click.echo(f"could not be: {answer['left']}; gateway secrets status says which")
