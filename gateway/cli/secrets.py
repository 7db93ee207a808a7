"""``gateway secrets``: with which key the store's secrets are sealed, and sealing them anew."""

import click

from gateway.cli.remote import Remote, remote_command
from gateway.cli.tables import show


@click.group()
def secrets() -> None:
    """What the store keeps sealed with node.secret_key; docs/secrets.md says how that is replaced."""


@secrets.command("status")
@remote_command
def status(remote: Remote, as_json: bool) -> None:
    """Say how much is sealed with which key; keys are told apart by eight digits that say nothing of them."""
    answer = remote.get("/secrets")
    show(answer, as_json, answer["lines"], ["kind", "key", "state", "count"])
    if not as_json:
        known = ", ".join(answer["other_keys"]) or "none"
        click.echo(f"present key {answer['present_key']}; other keys that are known: {known}")
        click.echo("everything is made with the present key" if answer["is_done"] else "run: gateway secrets reseal")


@secrets.command("reseal")
@remote_command
def reseal(remote: Remote, as_json: bool) -> None:
    """Seal with the present key what is sealed with another, or not at all; may be repeated, and interrupted."""
    answer = remote.post("/secrets/reseal")
    if as_json:
        show(answer, True, (), ())
        return
    click.echo(f"{answer['documents']} documents and {answer['api_keys']} keys of accounts are made anew")
    if answer["left"]:
        click.echo(f"{answer['left']} could not be: gateway secrets status says which")
